/*
 * clear.c
 *		Inside an extract: arguments of transforms that its method accepts are read as they are.
 *
 * Everything else that an extract reads of a column is what its purpose shows of it.  So the sub-select that takes a
 * relation's place (shown.c) has the column twice: as the purpose shows it, in its own place, and as it
 * is, behind the relation's columns, where only the argument of the transform points to.
 * Nothing else in the query can name that place.
 *
 * The argument is the column itself, through casts, min and max.  Where it comes out of a sub-select, a view or
 * a CTE that passes it on, these get a further output for it.  They do not where rows are grouped, made
 * distinct or put together there: the transform then gets what the purpose shows, and the proof of an
 * extract says so (phig_enforce_extract).
 *
 * Keyed and random transforms are called through twins that everybody may execute and nobody can call (see
 * transform/twin.c), and so are those whose argument is a call of one.
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "enforce/internal.h"
#include "transform/twin.h"

/* A query level, as Vars count them. */
typedef struct Level
{
	Query	   *query;
	const struct Level *above;
} Level;

/* An output that was added to a query. */
typedef struct Passed
{
	const Query *query;
	AttrNumber	attno;			/* what it passes on */
	AttrNumber	added;			/* in clear, here */
} Passed;

typedef struct Clearing
{
	List	   *places;			/* of PhigPlace * */
	int			method;
	const Level *level;
	Oid			function;		/* the transform whose argument is looked at */
	List	   *passed;			/* of Passed * */
	bool		lost;			/* it comes from where rows are put together */
	List	   *unreached;		/* OIDs of functions with such arguments */
} Clearing;

static bool clear_walker(Node *node, void *context);
static bool takes_code(const FuncExpr *call, const Clearing *c);
static bool is_code(Node *node, const Level *level, int method);
static CommonTableExpr *cte_of(const Level **level, const RangeTblEntry *rte);
static void clear_arguments(FuncExpr *call, Clearing *c);
static Var *column_below(Node *argument);
static bool make_clear(Clearing *c, const Level *level, Var *var);
static bool is_grouped(const Query *query, const Var *var);
static bool clear_of_place(Clearing *c, const Level *level, Var *var, bool *found);
static AttrNumber clear_column(PhigPlace *place, AttrNumber attno);
static bool clear_of_query(Clearing *c, const Level *above, Query *query, Var *var, bool *added);
static bool passes_on(const Query *query);
static bool clear_of_cte(Clearing *c, const Level *level, RangeTblEntry *rte, Var *var);
static void name_outputs(RangeTblEntry *rte, AttrNumber natts);

List *
phig_enforce_clear(Query *query, List *places, int method)
{
	Clearing	c = {.places = places, .method = method};

	(void) clear_walker((Node *) query, &c);
	return c.unreached;
}

static bool
clear_walker(Node *node, void *context)
{
	Clearing   *c = context;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		const Level level = {(Query *) node, c->level};

		c->level = &level;
		(void) query_tree_walker((Query *) node, clear_walker, c, QTW_IGNORE_JOINALIASES);
		c->level = level.above;
		return false;
	}
	if (IsA(node, FuncExpr) && phig_flow_method_accepts(((FuncExpr *) node)->funcid, c->method))
	{
		clear_arguments((FuncExpr *) node, c);
		phig_twin_in_extract((FuncExpr *) node);
	}
	else if (IsA(node, FuncExpr) && takes_code((FuncExpr *) node, c))
		phig_twin_in_extract((FuncExpr *) node);
	return expression_tree_walker(node, clear_walker, context);
}

/* A transform of a code that the method accepts, split(surrogate(...)) say: what it takes stands for nobody. */
static bool
takes_code(const FuncExpr *call, const Clearing *c)
{
	return call->args != NIL && phig_flow_is_transform(call->funcid) &&
		is_code(linitial(call->args), c->level, c->method);
}

/* Also where a sub-select or a CTE passes it on, or rows are grouped by it. */
static bool
is_code(Node *node, const Level *level, int method)
{
	const Level *above = level;
	const RangeTblEntry *rte;
	const Var  *var;
	Query	   *query = NULL;

	check_stack_depth();
	node = phig_flow_uncast(node);
	if (IsA(node, FuncExpr))
		return phig_flow_is_code(((FuncExpr *) node)->funcid) &&
			phig_flow_method_accepts(((FuncExpr *) node)->funcid, method);
	if (!IsA(node, Var) || IS_SPECIAL_VARNO(((Var *) node)->varno) || ((Var *) node)->varattno <= 0)
		return false;
	var = (const Var *) node;
	for (Index up = var->varlevelsup; up > 0 && above != NULL; up--)
		above = above->above;
	if (above == NULL)
		return false;
	rte = rt_fetch(var->varno, above->query->rtable);
	if (phig_compat_is_group(rte))
		return is_code(list_nth(phig_compat_group_exprs(rte), var->varattno - 1), above, method);
	if (rte->rtekind == RTE_SUBQUERY)
		query = rte->subquery;
	else if (rte->rtekind == RTE_CTE)
	{
		const CommonTableExpr *cte = cte_of(&above, rte);

		query = cte == NULL ? NULL : castNode(Query, cte->ctequery);
	}
	if (query == NULL || query->commandType != CMD_SELECT || query->setOperations != NULL ||
		var->varattno > list_length(query->targetList))
		return false;
	level = &(const Level) {query, above};
	return is_code((Node *) list_nth_node(TargetEntry, query->targetList, var->varattno - 1)->expr, level, method);
}

/* NULL for one that is recursive; *level becomes that which it is defined at. */
static CommonTableExpr *
cte_of(const Level **level, const RangeTblEntry *rte)
{
	CommonTableExpr *cte = NULL;
	ListCell   *lc;

	for (Index up = rte->ctelevelsup; up > 0 && *level != NULL; up--)
		*level = (*level)->above;
	if (*level == NULL)
		return NULL;
	foreach(lc, (*level)->query->cteList)
		if (strcmp(lfirst_node(CommonTableExpr, lc)->ctename, rte->ctename) == 0)
			cte = lfirst_node(CommonTableExpr, lc);
	return cte == NULL || cte->cterecursive ? NULL : cte;
}

static void
clear_arguments(FuncExpr *call, Clearing *c)
{
	ListCell   *lc;

	c->function = call->funcid;
	foreach(lc, call->args)
	{
		Var		   *var = column_below(lfirst(lc));

		c->lost = false;
		if (var != NULL && !make_clear(c, c->level, var) && c->lost)
			c->unreached = list_append_unique_oid(c->unreached, call->funcid);
	}
}

/* The Var that is the argument, through what flow looks through (flow/expr.c), or NULL. */
static Var *
column_below(Node *argument)
{
	Node	   *node = phig_flow_uncast(argument);

	while (IsA(node, Aggref) && phig_flow_is_min_or_max((Aggref *) node))
		node = phig_flow_uncast((Node *) linitial_node(TargetEntry, ((Aggref *) node)->args)->expr);
	return IsA(node, Var) && !IS_SPECIAL_VARNO(((Var *) node)->varno) && ((Var *) node)->varattno > 0 ?
		(Var *) node : NULL;
}

/* Point it to the value as it is.  False where there is no way to that. */
static bool
make_clear(Clearing *c, const Level *level, Var *var)
{
	RangeTblEntry *rte;
	bool		found = false;
	bool		cleared;

	check_stack_depth();
	for (Index up = var->varlevelsup; up > 0 && level != NULL; up--)
		level = level->above;
	c->lost = level == NULL || level->query->setOperations != NULL || is_grouped(level->query, var);
	if (c->lost)
		return false;
	rte = rt_fetch(var->varno, level->query->rtable);
	switch (rte->rtekind)
	{
		case RTE_RELATION:
			return clear_of_place(c, level, var, &found);
		case RTE_SUBQUERY:
			cleared = clear_of_query(c, level, rte->subquery, var, &found);
			if (found)
				name_outputs(rte, var->varattno);
			return cleared;
		case RTE_CTE:
			return clear_of_cte(c, level, rte, var);
		default:
			c->lost = true;
			return false;
	}
}

/* What rows are grouped by must stay as it is. */
static bool
is_grouped(const Query *query, const Var *var)
{
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		const TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (tle->ressortgroupref != 0 && query->groupClause != NIL && equal(tle->expr, var))
			return true;
	}
	return false;
}

/* A relation that is shown as it is needs nothing; found: the Var was changed. */
static bool
clear_of_place(Clearing *c, const Level *level, Var *var, bool *found)
{
	ListCell   *lc;

	foreach(lc, c->places)
	{
		PhigPlace  *place = lfirst(lc);
		const PhigRelLabels *labels;
		PhigLabel	label;
		PhigLabel	left;

		if (place->query != level->query || (int) place->rti != (int) var->varno)
			continue;
		if (place->policy == NULL || var->varattno > place->policy->natts ||
			place->policy->columns[var->varattno - 1].action == PHIG_ACTION_CLEAR)
			return true;
		labels = phig_label_relation(place->policy->relid);
		if (labels == NULL || var->varattno > labels->natts)
			return false;
		label = labels->cols[var->varattno - 1];
		if (!phig_flow_transform(c->function, &label, false, &left))
			return false;
		var->varattno = clear_column(place, var->varattno);
		if (var->varnosyn == (Index) var->varno)
			var->varattnosyn = var->varattno;
		*found = true;
		return true;
	}
	return true;
}

static AttrNumber
clear_column(PhigPlace *place, AttrNumber attno)
{
	for (AttrNumber i = 0; i < place->nclear; i++)
		if (place->clear[i] == attno)
			return place->policy->natts + i + 1;
	place->clear = place->clear ?
		repalloc(place->clear, (place->nclear + 1) * sizeof(AttrNumber)) : palloc(sizeof(AttrNumber));
	place->clear[place->nclear++] = attno;
	return place->policy->natts + place->nclear;
}

/* An output of a query that passes a column on; added: the Var was changed to another output. */
static bool
clear_of_query(Clearing *c, const Level *above, Query *query, Var *var, bool *added)
{
	const Level level = {query, above};
	const TargetEntry *tle;
	Expr	   *expr;
	Var		   *inner;
	AttrNumber	before;
	Passed	   *passed = NULL;
	ListCell   *lc;

	c->lost = !passes_on(query) || var->varattno > list_length(query->targetList);
	if (c->lost)
		return false;
	foreach(lc, c->passed)
	{
		passed = lfirst(lc);
		if (passed->query == query && passed->added == var->varattno)
			return true;
		if (passed->query == query && passed->attno == var->varattno)
			break;
		passed = NULL;
	}
	if (passed == NULL)
	{
		tle = list_nth_node(TargetEntry, query->targetList, var->varattno - 1);
		expr = copyObject(tle->expr);
		inner = column_below((Node *) expr);
		if (inner == NULL)
			return false;
		before = inner->varattno;
		if (!make_clear(c, &level, inner))
			return false;
		if (inner->varattno == before)
			return true;
		passed = palloc(sizeof(Passed));
		passed->query = query;
		passed->attno = var->varattno;
		passed->added = phig_flow_add_output(query, expr);
		c->passed = lappend(c->passed, passed);
	}
	var->varattno = passed->added;
	if (var->varnosyn == (Index) var->varno)
		var->varattnosyn = var->varattno;
	*added = true;
	return true;
}

/* A further output changes nothing else of it. */
static bool
passes_on(const Query *query)
{
	return query->commandType == CMD_SELECT && query->setOperations == NULL && query->distinctClause == NIL &&
		query->groupClause == NIL && query->groupingSets == NIL && !query->hasAggs;
}

static bool
clear_of_cte(Clearing *c, const Level *level, RangeTblEntry *rte, Var *var)
{
	CommonTableExpr *cte;
	Query	   *query;
	bool		added = false;

	cte = cte_of(&level, rte);
	if (level == NULL)
		return false;
	c->lost = cte == NULL;
	if (c->lost)
		return false;
	query = castNode(Query, cte->ctequery);
	if (!clear_of_query(c, level, query, var, &added))
		return false;
	if (!added)
		return true;
	for (AttrNumber attno = list_length(rte->coltypes) + 1; attno <= var->varattno; attno++)
	{
		Node	   *expr = (Node *) list_nth_node(TargetEntry, query->targetList, attno - 1)->expr;

		rte->coltypes = lappend_oid(list_copy(rte->coltypes), exprType(expr));
		rte->coltypmods = lappend_int(list_copy(rte->coltypmods), exprTypmod(expr));
		rte->colcollations = lappend_oid(list_copy(rte->colcollations), exprCollation(expr));
	}
	for (AttrNumber attno = list_length(cte->ctecoltypes) + 1; attno <= var->varattno; attno++)
	{
		Node	   *expr = (Node *) list_nth_node(TargetEntry, query->targetList, attno - 1)->expr;

		cte->ctecolnames = lappend(cte->ctecolnames, makeString(pstrdup("?column?")));
		cte->ctecoltypes = lappend_oid(cte->ctecoltypes, exprType(expr));
		cte->ctecoltypmods = lappend_int(cte->ctecoltypmods, exprTypmod(expr));
		cte->ctecolcollations = lappend_oid(cte->ctecolcollations, exprCollation(expr));
	}
	name_outputs(rte, var->varattno);
	return true;
}

/* An entry has a name for each column. */
static void
name_outputs(RangeTblEntry *rte, AttrNumber natts)
{
	if (list_length(rte->eref->colnames) >= natts)
		return;
	rte->eref = copyObject(rte->eref);
	while (list_length(rte->eref->colnames) < natts)
		rte->eref->colnames = lappend(rte->eref->colnames, makeString(pstrdup("?column?")));
}
