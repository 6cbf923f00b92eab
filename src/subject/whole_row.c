/*
 * whole_row.c
 *		Whole rows of sub-selects, where those get further columns.
 *
 * A whole row (SELECT s FROM (SELECT ...) s) has all columns that are no resjunk ones, so also those that are read
 * along where the planner takes no resjunk ones (since 18).  So the sub-select itself computes the row as it was, and
 * who asks for it asks for that column: as such it is NULL where an outer join has no row, as a whole row is.
 */
#include "postgres.h"

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/typcache.h"

#include "flow/flow.h"
#include "subject/whole_row.h"

typedef struct Search
{
	int			rti;
	int			levelsup;
	AttrNumber	column;			/* what they become; 0: they are looked for */
	Oid			type;			/* of those that were found */
} Search;

typedef struct Level
{
	const Query *query;
	struct Level *outer;
} Level;

static bool search(Node *node, void *context);
static bool can_repeat(const RangeTblEntry *rte, Oid type);
static Expr *row_of(const RangeTblEntry *rte, Oid type);
static bool search_cte(Node *node, void *context);

bool
phig_whole_row_keep(Query *query, Index rti, bool marked)
{
	RangeTblEntry *rte = rt_fetch(rti, query->rtable);
	Search		wanted = {.rti = rti};

	if (!query_tree_walker(query, search, &wanted, 0))
		return true;
	if ((marked && (OidIsValid(rte->relid) || rte->functions != NIL)) || !can_repeat(rte, wanted.type))
		return false;
	wanted.column = phig_flow_add_output(rte->subquery, row_of(rte, wanted.type));
	rte->eref->colnames = lappend(rte->eref->colnames, makeString(pstrdup(rte->eref->aliasname)));
	(void) query_tree_walker(query, search, &wanted, 0);
	return true;
}

static bool
search(Node *node, void *context)
{
	Search	   *wanted = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		if (var->varno != wanted->rti || (int) var->varlevelsup != wanted->levelsup ||
			var->varattno != InvalidAttrNumber)
			return false;
		wanted->type = var->vartype;
		if (wanted->column == 0)
			return true;
		if (var->varnosyn == (Index) var->varno)
			var->varattnosyn = wanted->column;
		var->varattno = wanted->column;
		return false;
	}
	if (IsA(node, Query))
	{
		bool		found;

		wanted->levelsup++;
		found = query_tree_walker((Query *) node, search, context, 0);
		wanted->levelsup--;
		return found;
	}
	return expression_tree_walker(node, search, context);
}

/* Are the columns the same when they are computed once more, and are they those of the type? */
static bool
can_repeat(const RangeTblEntry *rte, Oid type)
{
	TupleDesc	desc = type == RECORDOID ? NULL : lookup_rowtype_tupdesc_noerror(type, -1, true);
	bool		same = type == RECORDOID || desc != NULL;
	int			n = 0;
	ListCell   *lc;

	foreach(lc, rte->subquery->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Node	   *expr = (Node *) tle->expr;

		if (tle->resjunk)
			continue;
		same = same && !contain_volatile_functions(expr) && !expression_returns_set(expr) && !checkExprHasSubLink(expr);
		if (desc != NULL)
			same = same && n < desc->natts && !TupleDescAttr(desc, n)->attisdropped &&
				TupleDescAttr(desc, n)->atttypid == exprType(expr);
		n++;
	}
	same = same && n == list_length(rte->eref->colnames);
	if (desc == NULL)
		return same;
	same = same && n == desc->natts;
	ReleaseTupleDesc(desc);
	return same;
}

static Expr *
row_of(const RangeTblEntry *rte, Oid type)
{
	RowExpr    *row = makeNode(RowExpr);
	ListCell   *lc;

	foreach(lc, rte->subquery->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (tle->resjunk)
			continue;
		row->args = lappend(row->args, copyObject(tle->expr));
		row->colnames = lappend(row->colnames, copyObject(list_nth(rte->eref->colnames, list_length(row->colnames))));
	}
	row->row_typeid = type;
	row->row_format = COERCE_IMPLICIT_CAST;
	row->location = -1;
	return (Expr *) row;
}

bool
phig_whole_row_of_cte(Query *query)
{
	Level		level = {.query = query};

	return query_tree_walker(query, search_cte, &level, 0);
}

static bool
search_cte(Node *node, void *context)
{
	Level	   *level = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		const Var  *var = (const Var *) node;

		for (Index up = var->varlevelsup; up > 0 && level != NULL; up--)
			level = level->outer;
		return var->varattno == InvalidAttrNumber && level != NULL && var->varno > 0 &&
			var->varno <= list_length(level->query->rtable) &&
			rt_fetch(var->varno, level->query->rtable)->rtekind == RTE_CTE;
	}
	if (IsA(node, Query))
	{
		Level		inner = {.query = (Query *) node, .outer = level};

		return query_tree_walker((Query *) node, search_cte, &inner, 0);
	}
	return expression_tree_walker(node, search_cte, context);
}
