/*
 * meet.c
 *		Which labelled relations does a query meet?
 *
 * The first step, and for most statements the only one: a loop over the range
 * table with one look-up in the label cache for each relation.  Subqueries,
 * CTEs and expressions are visited only where there are any.
 *
 * A set-returning SQL function in FROM is inlined by the planner, later and
 * past planner_hook.  So that its tables are met, it is inlined here on the
 * side, by the same function of the server and with the same result; the query
 * itself is not changed.  What the planner does not inline runs as a statement
 * of its own and makes its own record.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "tcop/tcopprot.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "flow/internal.h"

PhigFlowPlanning *phig_flow_planning = NULL;

static bool meet_sublinks(Node *node, void *context);
static bool has_virtual_columns(Oid relid);
static void meet_function(PhigFlowContext *ctx, Query *query, RangeTblEntry *rte);
static bool may_be_inlined(const RangeTblEntry *rte);
static Query *inline_function(Query *query, RangeTblEntry *rte);
static void meet_target_view(PhigFlowContext *ctx, Query *query);
static Query *expand_view(Oid relid);
static void add_expansion(PhigFlowContext *ctx, RangeTblEntry *rte, Query *query);

void
phig_flow_meet(PhigFlowContext *ctx, Query *query)
{
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		switch (rte->rtekind)
		{
			case RTE_RELATION:
				/* Views have been expanded, and EXCLUDED (a composite type) repeats the target. */
				if (rte->relkind != RELKIND_VIEW && rte->relkind != RELKIND_COMPOSITE_TYPE)
					phig_flow_meet_relation(ctx, rte->relid);
				break;
			case RTE_NAMEDTUPLESTORE:
				if (OidIsValid(rte->relid))
					phig_flow_meet_relation(ctx, rte->relid);
				break;
			case RTE_SUBQUERY:
				phig_flow_meet(ctx, rte->subquery);
				break;
			case RTE_FUNCTION:
				meet_function(ctx, query, rte);
				break;
			default:
				break;
		}
	}
	foreach(lc, query->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);
		Query	   *ctequery = castNode(Query, cte->ctequery);

		/* As in the planner: what nobody reads does not run. */
		if (cte->cterefcount > 0 || ctequery->commandType != CMD_SELECT)
			phig_flow_meet(ctx, ctequery);
	}
	if (query->hasSubLinks)
		query_tree_walker(query, meet_sublinks, ctx,
						  QTW_IGNORE_RT_SUBQUERIES | QTW_IGNORE_CTE_SUBQUERIES |
						  QTW_IGNORE_JOINALIASES);
	if (query->commandType == CMD_INSERT && query->returningList != NIL)
		meet_target_view(ctx, query);
}

static bool
meet_sublinks(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		phig_flow_meet(context, (Query *) node);
		return false;
	}
	return expression_tree_walker(node, meet_sublinks, context);
}

/* The relation's labels, kept for this analysis; NULL when it has none. */
PhigFlowRel *
phig_flow_meet_relation(PhigFlowContext *ctx, Oid relid)
{
	const PhigRelLabels *labels;
	PhigFlowRel *rel;

	if (relid < FirstNormalObjectId)
		return NULL;
	labels = phig_label_relation(relid);
	if (labels == NULL && !ctx->reviewed)
		return NULL;
	rel = phig_flow_rel(ctx, relid);
	if (rel != NULL)
		return rel;
	if (labels == NULL)
		labels = phig_label_relation_copy(relid);

	/* Copied at once: the next catalog access may free labels. */
	rel = palloc0(sizeof(PhigFlowRel) + labels->natts * (sizeof(PhigLabel) + sizeof(int)));
	rel->relid = relid;
	rel->natts = labels->natts;
	rel->labels = (PhigLabel *) (rel + 1);
	memcpy(rel->labels, labels->cols, rel->natts * sizeof(PhigLabel));
	rel->ids = (int *) (rel->labels + rel->natts);
	rel->has_virtual = has_virtual_columns(relid);
	ctx->rels = lappend(ctx->rels, rel);
	return rel;
}

static bool
has_virtual_columns(Oid relid)
{
	Relation	relation;
	bool		result;

	if (!PHIG_SERVER_HAS_VIRTUAL)
		return false;
	relation = RelationIdGetRelation(relid);
	if (!RelationIsValid(relation))
		return false;
	result = phig_compat_has_virtual(RelationGetDescr(relation));
	RelationClose(relation);
	return result;
}

/* A labelled relation met before, or NULL. */
PhigFlowRel *
phig_flow_rel(PhigFlowContext *ctx, Oid relid)
{
	ListCell   *lc;

	foreach(lc, ctx->rels)
	{
		PhigFlowRel *rel = lfirst(lc);

		if (rel->relid == relid)
			return rel;
	}
	return NULL;
}

static void
meet_function(PhigFlowContext *ctx, Query *query, RangeTblEntry *rte)
{
	Query	   *inlined = phig_flow_inline(query, rte);

	if (inlined == NULL)
		return;
	add_expansion(ctx, rte, inlined);
	/* One that calls itself ends at the stack's limit, as it would in the planner. */
	phig_flow_meet(ctx, inlined);
}

Query *
phig_flow_inline(Query *query, RangeTblEntry *rte)
{
	Query	   *inlined;

	if (!may_be_inlined(rte))
		return NULL;
	inlined = inline_function(query, rte);
	if (inlined == NULL && phig_flow_planning != NULL)
	{
		const RangeTblFunction *function = linitial_node(RangeTblFunction, rte->functions);
		MemoryContext caller = MemoryContextSwitchTo(phig_flow_planning->context);

		phig_flow_planning->declined = list_append_unique_oid(phig_flow_planning->declined,
															  castNode(FuncExpr, function->funcexpr)->funcid);
		MemoryContextSwitchTo(caller);
	}
	return inlined;
}

bool
phig_flow_declines(Oid function)
{
	return phig_flow_planning != NULL && list_member_oid(phig_flow_planning->declined, function);
}

/* The cheap part of the server's own conditions. */
static bool
may_be_inlined(const RangeTblEntry *rte)
{
	const FuncExpr *call;
	HeapTuple	tuple;
	Form_pg_proc proc;
	bool		result;

	if (rte->funcordinality || list_length(rte->functions) != 1)
		return false;
	call = (const FuncExpr *) linitial_node(RangeTblFunction, rte->functions)->funcexpr;
	if (!IsA(call, FuncExpr) || !call->funcretset || call->funcid < FirstNormalObjectId)
		return false;

	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->funcid));
	if (!HeapTupleIsValid(tuple))
		return false;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	result = proc->prolang == SQLlanguageId && proc->proretset && !proc->proisstrict &&
		!proc->prosecdef && proc->provolatile != PROVOLATILE_VOLATILE;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * What the planner will put in the function's place, or NULL.  Works on copies.  Arguments are folded as it will fold
 * them, parameters' values included: whether there is a volatile call or a sub-select left in them decides.
 */
static Query *
inline_function(Query *query, RangeTblEntry *rte)
{
	PlannerInfo *root = makeNode(PlannerInfo);
	RangeTblEntry *copy = makeNode(RangeTblEntry);

	root->glob = makeNode(PlannerGlobal);
	root->glob->boundParams = phig_flow_planning == NULL ? NULL : phig_flow_planning->params;
	root->parse = query;
	memcpy(copy, rte, sizeof(RangeTblEntry));
	copy->functions = (List *) eval_const_expressions(root, copyObject((Node *) rte->functions));
	return inline_set_returning_function(root, copy);
}

/*
 * INSERT into a view with an INSTEAD OF trigger: the rewriter leaves the view
 * as it is, and RETURNING shows columns of it.
 */
static void
meet_target_view(PhigFlowContext *ctx, Query *query)
{
	RangeTblEntry *rte = rt_fetch(query->resultRelation, query->rtable);
	Query	   *expanded;

	if (rte->relkind != RELKIND_VIEW)
		return;
	expanded = expand_view(rte->relid);
	add_expansion(ctx, rte, expanded);
	phig_flow_meet(ctx, expanded);
}

static Query *
expand_view(Oid relid)
{
	Relation	view = RelationIdGetRelation(relid);
	Query	   *query;

	if (!RelationIsValid(view))
		elog(ERROR, "could not open relation with OID %u", relid);
	query = copyObject(get_view_query(view));
	RelationClose(view);
	AcquireRewriteLocks(query, true, false);
	return linitial_node(Query, pg_rewrite_query(query));
}

static void
add_expansion(PhigFlowContext *ctx, RangeTblEntry *rte, Query *query)
{
	PhigFlowExpansion *expansion = palloc(sizeof(PhigFlowExpansion));

	expansion->rte = rte;
	expansion->query = query;
	ctx->expansions = lappend(ctx->expansions, expansion);
}

/* The query that stands for a range-table entry, or NULL. */
Query *
phig_flow_expansion(PhigFlowContext *ctx, RangeTblEntry *rte)
{
	ListCell   *lc;

	foreach(lc, ctx->expansions)
	{
		PhigFlowExpansion *expansion = lfirst(lc);

		if (expansion->rte == rte)
			return expansion->query;
	}
	return NULL;
}

void
phig_flow_put_in_line(RangeTblEntry *rte, Query *inlined, List **functions)
{
	const RangeTblFunction *function = linitial_node(RangeTblFunction, rte->functions);

	*functions = list_append_unique_oid(*functions, castNode(FuncExpr, function->funcexpr)->funcid);
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = inlined;
	rte->security_barrier = false;
	rte->funcordinality = false;
}

AttrNumber
phig_flow_add_output(Query *query, Expr *expr)
{
	List	   *tlist = NIL;
	List	   *hidden = NIL;
	AttrNumber	added;
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		if (lfirst_node(TargetEntry, lc)->resjunk)
			hidden = lappend(hidden, lfirst(lc));
		else
			tlist = lappend(tlist, lfirst(lc));
	}
	added = list_length(tlist) + 1;
	tlist = lappend(tlist, makeTargetEntry(expr, added, pstrdup("?column?"), false));
	foreach(lc, hidden)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		tlist = lappend(tlist, tle);
		tle->resno = list_length(tlist);
	}
	query->targetList = tlist;
	return added;
}
