/*
 * assigned.c
 *		Whose rows a statement writes: by what it assigns to the subject, or by the rows as they are written.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "subject/path.h"
#include "subject/trace.h"

static void add_written(Trace *trace, const PhigSubjectPath *path);

/* The value that a list assigns to a column; NULL: none. */
static Expr *
assigned(List *tlist, AttrNumber attno)
{
	ListCell   *lc;

	foreach(lc, tlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk && tle->resno == attno)
			return tle->expr;
	}
	return NULL;
}

/* A value that is computed a second time to be read along. */
static List *
expose_value(Trace *trace, List *exposed, Expr *value, const PhigSubjectPath *path)
{
	Exposed    *one;

	if (value == NULL)
		return exposed;
	if (contain_volatile_functions((Node *) value) || contain_subplans((Node *) value) ||
		checkExprHasSubLink((Node *) value))
	{
		trace->unsure = true;
		return exposed;
	}
	one = palloc0(sizeof(Exposed));
	one->expr = copyObject(value);
	one->path = *path;
	return lappend(exposed, one);
}

/* The rows of the plan below INSERT have the columns of the relation, in their places. */
static List *
expose_inserted(Trace *trace, List *exposed, const PhigSubjectPath *path)
{
	Exposed    *one = palloc0(sizeof(Exposed));

	/* But for what is computed of others. */
	trace->unsure |= get_attgenerated(path->relid, path->attno) != '\0';
	one->resno = path->attno;
	one->path = *path;
	return lappend(exposed, one);
}

/* Does ON CONFLICT DO UPDATE meet the row of the very person that it would insert? */
static bool
conflicts_by(const OnConflictExpr *conflict, AttrNumber attno)
{
	ListCell   *lc;

	foreach(lc, conflict->arbiterElems)
	{
		const InferenceElem *element = lfirst_node(InferenceElem, lc);

		if (IsA(element->expr, Var) && ((Var *) element->expr)->varattno == attno)
			return true;
	}
	return false;
}

static void
add_written(Trace *trace, const PhigSubjectPath *path)
{
	PhigSubjectPath *copy = palloc(sizeof(PhigSubjectPath));

	*copy = *path;
	trace->written = lappend(trace->written, copy);
}

/*
 * Beside whose rows are read: whose are written.
 */
List *
phig_trace_written(Trace *trace, Level *level, List *exposed)
{
	Query	   *query = level->query;
	bool		is_top = level->outer == NULL;
	const PhigSubjectPath *found;
	PhigSubjectPath path;
	char		relkind;
	ListCell   *lc;

	if (query->resultRelation == 0)
		return exposed;
	relkind = rt_fetch(query->resultRelation, query->rtable)->relkind;
	found = phig_subject_path(rt_fetch(query->resultRelation, query->rtable)->relid);
	if (found == NULL)
	{
		/* Rows may be routed to a partition that has one. */
		trace->unsure |= relkind == RELKIND_PARTITIONED_TABLE &&
			phig_subject_children_differ(rt_fetch(query->resultRelation, query->rtable)->relid);
		return exposed;
	}
	path = *found;
	trace->unsure |= path.space[0] == '\0';
	if (query->commandType == CMD_DELETE)
		return exposed;
	add_written(trace, &path);
	if (relkind == RELKIND_RELATION)
		return exposed;

	/*
	 * Partitions that rows are routed to, and foreign servers, show the executor nothing
	 * beforehand.
	 */
	trace->unsure |= phig_subject_children_differ(path.relid);
	switch (query->commandType)
	{
		case CMD_INSERT:
			if (query->onConflict && query->onConflict->action == ONCONFLICT_UPDATE &&
				(!conflicts_by(query->onConflict, path.attno) ||
				 assigned(query->onConflict->onConflictSet, path.attno) != NULL))
				trace->unsure = true;
			return is_top ? expose_inserted(trace, exposed, &path) : exposed;
		case CMD_UPDATE:
			trace->unsure |= get_attgenerated(path.relid, path.attno) != '\0';
			if (!is_top)
				trace->unsure |= assigned(query->targetList, path.attno) != NULL;
			else
				exposed = expose_value(trace, exposed, assigned(query->targetList, path.attno), &path);
			return exposed;
		case CMD_MERGE:
			trace->unsure |= !is_top || get_attgenerated(path.relid, path.attno) != '\0';
			if (is_top)
				exposed = phig_trace_expose_entry(trace, level, query->resultRelation, NULL, exposed);
			foreach(lc, query->mergeActionList)
				exposed = expose_value(trace, exposed, assigned(lfirst_node(MergeAction, lc)->targetList, path.attno),
									   &path);
			return exposed;
		default:
			trace->unsure = true;
			return exposed;
	}
}
