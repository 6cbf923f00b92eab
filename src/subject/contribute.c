/*
 * contribute.c
 *		Whose rows went into a query's result, where a row of it is about many: all that are scanned.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"

#include "compat.h"
#include "flow/flow.h"
#include "subject/path.h"
#include "subject/trace.h"

static bool is_inserted(const Query *query, int rti);
static bool contribute_walker(Node *node, Trace *trace);

void
phig_trace_contribute(Trace *trace, Level *level)
{
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, level->query->rtable)
		if (!is_inserted(level->query, foreach_current_index(lc) + 1))
			phig_trace_contribute_entry(trace, level, lfirst_node(RangeTblEntry, lc));
	phig_trace_contribute_outputs(trace, level);
}

/* The relation that INSERT writes to, which is not scanned: its own entry, and that of ON CONFLICT. */
static bool
is_inserted(const Query *query, int rti)
{
	return query->commandType == CMD_INSERT &&
		(rti == query->resultRelation || (query->onConflict && rti == query->onConflict->exclRelIndex));
}

void
phig_trace_contribute_entry(Trace *trace, Level *level, RangeTblEntry *rte)
{
	Level		inner = {.outer = level};
	Level	   *outer_level = trace->level;
	Level	   *owner;
	CommonTableExpr *cte;

	phig_trace_put_in_line(trace, level->query, rte);
	trace->level = level;
	switch (rte->rtekind)
	{
		case RTE_RELATION:
			if (rte->relkind != RELKIND_VIEW)
				phig_trace_add_scan(trace, rte->relid);
			break;
		case RTE_SUBQUERY:
			inner.query = rte->subquery;
			phig_trace_contribute(trace, &inner);
			break;
		case RTE_CTE:
			cte = rte->self_reference ? NULL : phig_trace_find_cte(level, rte, &owner);
			if (cte != NULL && IsA(cte->ctequery, Query))
			{
				inner.query = (Query *) cte->ctequery;
				inner.outer = owner;
				phig_trace_contribute(trace, &inner);
			}
			break;
		case RTE_FUNCTION:
			(void) contribute_walker((Node *) rte->functions, trace);
			break;
		case RTE_TABLEFUNC:
			(void) contribute_walker((Node *) rte->tablefunc, trace);
			break;
		case RTE_VALUES:
			(void) contribute_walker((Node *) rte->values_lists, trace);
			break;
		case RTE_NAMEDTUPLESTORE:
			/* Rows of a table that a trigger keeps: no scan of it tells. */
			trace->unsure |= OidIsValid(rte->relid) &&
				(phig_subject_path(rte->relid) != NULL || phig_subject_children_differ(rte->relid));
			break;
		default:
			(void) contribute_walker((Node *) phig_compat_group_exprs(rte), trace);
			break;
	}
	trace->level = outer_level;
}

/* Sub-selects in what a level returns or stores, and statements that write in its CTEs. */
void
phig_trace_contribute_outputs(Trace *trace, Level *level)
{
	Level	   *outer_level = trace->level;
	ListCell   *lc;

	trace->level = level;
	foreach(lc, level->query->targetList)
		if (!lfirst_node(TargetEntry, lc)->resjunk)
			(void) contribute_walker((Node *) lfirst_node(TargetEntry, lc)->expr, trace);
	(void) contribute_walker((Node *) level->query->returningList, trace);
	(void) contribute_walker((Node *) level->query->mergeActionList, trace);
	if (level->query->onConflict)
		(void) contribute_walker((Node *) level->query->onConflict->onConflictSet, trace);
	foreach(lc, level->query->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);
		Level		inner = {.query = (Query *) cte->ctequery, .outer = level};

		/* It runs whether somebody reads it or not. */
		if (!IsA(cte->ctequery, Query) || inner.query->commandType == CMD_SELECT)
			continue;
		phig_trace_contribute(trace, &inner);
		(void) phig_trace_written(trace, &inner, NIL);
	}
	trace->level = outer_level;
}

static bool
contribute_walker(Node *node, Trace *trace)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
	{
		SubLink    *link = (SubLink *) node;
		Level		inner = {.query = (Query *) link->subselect, .outer = trace->level};

		if (IsA(link->subselect, Query))
			phig_trace_contribute(trace, &inner);
		return contribute_walker(link->testexpr, trace);
	}
	return expression_tree_walker(node, contribute_walker, trace);
}

void
phig_trace_add_scan(Trace *trace, Oid relid)
{
	const PhigSubjectPath *found = phig_subject_path(relid);
	PhigSubjectPath *path;
	ListCell   *lc;

	if (found == NULL)
	{
		trace->unsure |= phig_subject_children_differ(relid);
		return;
	}
	trace->contributes = true;
	foreach(lc, trace->scans)
		if (((PhigSubjectPath *) lfirst(lc))->relid == relid)
			return;
	path = palloc(sizeof(PhigSubjectPath));
	*path = *found;
	trace->unsure |= path->space[0] == '\0';
	trace->scans = lappend(trace->scans, path);
}
