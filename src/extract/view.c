/*
 * view.c
 *		The query of a view, as it is for whoever reads it.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/analyze.h"
#include "tcop/tcopprot.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "extract/view.h"
#include "flow/flow.h"
#include "policy/zone.h"
#include "transform/twin.h"

static bool domain_walker(Node *node, void *context);

Query *
phig_view_query(Oid view)
{
	SelectStmt *select = makeNode(SelectStmt);
	ResTarget  *target = makeNode(ResTarget);
	ColumnRef  *star = makeNode(ColumnRef);
	RawStmt    *statement = makeNode(RawStmt);
	List	   *queries;
	ListCell   *lc;

	star->fields = list_make1(makeNode(A_Star));
	star->location = -1;
	target->val = (Node *) star;
	target->location = -1;
	select->targetList = list_make1(target);
	select->fromClause = list_make1(makeRangeVar(get_namespace_name_or_temp(get_rel_namespace(view)),
												 get_rel_name(view), -1));
	statement->stmt = (Node *) select;
	queries = pg_analyze_and_rewrite_fixedparams(statement, "SELECT * FROM an extract", NULL, 0, NULL);
	foreach(lc, linitial_node(Query, queries)->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_SUBQUERY)
			return rte->subquery;
	}
	elog(ERROR, "view %u has no query", view);
	return NULL;				/* for the compiler */
}

void
phig_extract_set_constants(Query *query, const PhigExtractRow *row)
{
	(void) phig_zone_fix((Node *) query, NULL);
	(void) domain_walker((Node *) query, row->agreement ? row->agreement : row->purpose);
}

static bool
domain_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && phig_flow_is_transform(((FuncExpr *) node)->funcid))
		(void) phig_twin_set_domain((FuncExpr *) node, context);
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, domain_walker, context, QTW_IGNORE_JOINALIASES);
	return expression_tree_walker(node, domain_walker, context);
}

Oid
phig_view_of(const RangeTblEntry *rte)
{
	return rte->rtekind == RTE_SUBQUERY ? phig_compat_view_of(rte) : InvalidOid;
}
