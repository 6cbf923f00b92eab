/*
 * query.c
 *		Whose rows a query returns: what has to be read along.
 *
 * While rows keep what they are about (joins, sub-selects, views, CTEs, sorting, LIMIT), the subject of each
 * relation is handed up to the top level as a resjunk column, and the executor drops it
 * behind us.  Below aggregates, DISTINCT, set operations and window functions a row of the result is about many: there
 * the scans of the relations tell, which may name more persons than contributed, never fewer.
 *
 * Sub-selects in conditions only steer: what they look at does not leave, and they are passed over.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "flow/flow.h"
#include "subject/hidden.h"
#include "subject/path.h"
#include "subject/trace.h"
#include "subject/whole_row.h"

static bool is_row_wise(const Query *query);
static bool is_one_scan(const Query *query);
static bool is_one_heap(Oid relid);
static List *expose_scan(Trace *trace, Level *level);
static List *expose(Trace *trace, Level *level);
static List *expose_from(Trace *trace, Level *level, Node *node, const Bitmapset *nulling, List *exposed);
static List *expose_cte(Trace *trace, Level *level, RangeTblEntry *rte, int rti, const Bitmapset *nulling,
						List *exposed);
static List *hand_up(Query *query, List *exposed);
static bool rows_are_marked(const Level *level);
static bool may_hand_up_cte(Trace *trace);

PhigSubjectSources *
phig_subject_trace(Query *query, List **functions)
{
	Trace		trace = {.top = query};
	Level		level = {.query = query};
	List	   *exposed = NIL;

	if (query->commandType == CMD_SELECT && !is_row_wise(query))
		phig_trace_contribute(&trace, &level);
	else if (is_one_scan(query))
		exposed = expose_scan(&trace, &level);
	else
	{
		exposed = expose(&trace, &level);
		exposed = phig_trace_written(&trace, &level, exposed);
	}
	*functions = list_concat_unique_oid(*functions, trace.functions);
	return phig_trace_sources(&trace, query, exposed);
}

/* Is each row of the result about what one row of each relation below is about? */
static bool
is_row_wise(const Query *query)
{
	return query->commandType != CMD_UTILITY && query->setOperations == NULL && !query->hasAggs &&
		!query->hasWindowFuncs && query->groupClause == NIL && query->groupingSets == NIL &&
		query->distinctClause == NIL && query->havingQual == NULL;
}

/* Are the rows that are scanned, one by one, those that are returned? */
static bool
is_one_scan(const Query *query)
{
	const RangeTblEntry *rte = list_length(query->rtable) == 1 ? linitial_node(RangeTblEntry, query->rtable) : NULL;

	return query->commandType == CMD_SELECT && is_row_wise(query) && rte != NULL && rte->rtekind == RTE_RELATION &&
		!query->hasSubLinks && !query->hasTargetSRFs && query->sortClause == NIL && query->rowMarks == NIL &&
		query->limitOffset == NULL && query->limitCount == NULL && is_one_heap(rte->relid);
}

/* Other access methods and foreign servers may have a plan node of their own, which nobody looks into. */
static bool
is_one_heap(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class class;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	class = (Form_pg_class) GETSTRUCT(tuple);
	result = class->relkind == RELKIND_RELATION && class->relam == HEAP_TABLE_AM_OID && !class->relhassubclass;
	ReleaseSysCache(tuple);
	return result;
}

/* What the scan looks at tells, at less cost than a further column that is dropped again. */
static List *
expose_scan(Trace *trace, Level *level)
{
	List	   *exposed = expose(trace, level);

	if (exposed == NIL || phig_trace_find_column(level->query, linitial(exposed)) > 0)
		return exposed;
	phig_trace_add_scan(trace, ((Exposed *) linitial(exposed))->path.relid);
	trace->contributes = false;
	return NIL;
}

/* The columns that say whose rows a level's are, as expressions of that level. */
static List *
expose(Trace *trace, Level *level)
{
	List	   *exposed = expose_from(trace, level, (Node *) level->query->jointree, NULL, NIL);

	phig_trace_contribute_outputs(trace, level);
	return exposed;
}

static List *
expose_from(Trace *trace, Level *level, Node *node, const Bitmapset *nulling, List *exposed)
{
	ListCell   *lc;

	check_stack_depth();
	if (node == NULL)
		return exposed;
	if (IsA(node, RangeTblRef))
		return phig_trace_expose_entry(trace, level, ((RangeTblRef *) node)->rtindex, nulling, exposed);
	if (IsA(node, FromExpr))
	{
		foreach(lc, ((FromExpr *) node)->fromlist)
			exposed = expose_from(trace, level, lfirst(lc), nulling, exposed);
		return exposed;
	}
	if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;
		Bitmapset  *deeper = bms_add_member(bms_copy(nulling), join->rtindex);
		bool		left = join->jointype == JOIN_RIGHT || join->jointype == JOIN_FULL;
		bool		right = join->jointype == JOIN_LEFT || join->jointype == JOIN_FULL;

		exposed = expose_from(trace, level, join->larg, left ? deeper : nulling, exposed);
		return expose_from(trace, level, join->rarg, right ? deeper : nulling, exposed);
	}
	trace->unsure = true;
	return exposed;
}

static Exposed *
column(int rti, AttrNumber attno, Oid type, int32 typmod, Oid collation, const Bitmapset *nulling,
	   const PhigSubjectPath *path)
{
	Exposed    *column = palloc0(sizeof(Exposed));
	Var		   *var = makeVar(rti, attno, type, typmod, collation, 0);

	phig_compat_set_nulling(var, nulling);
	column->expr = (Expr *) var;
	column->path = *path;
	return column;
}

List *
phig_trace_expose_entry(Trace *trace, Level *level, int rti, const Bitmapset *nulling, List *exposed)
{
	RangeTblEntry *rte = rt_fetch(rti, level->query->rtable);
	const PhigSubjectPath *found;
	PhigSubjectPath path;
	Level		inner = {.outer = level};
	Oid			type;
	int32		typmod;
	Oid			collation;
	ListCell   *lc;

	phig_trace_put_in_line(trace, level->query, rte);
	switch (rte->rtekind)
	{
		case RTE_RELATION:
			if (rte->relkind == RELKIND_VIEW)
				return exposed;
			trace->unsure |= rte->inh && phig_subject_children_differ(rte->relid);
			found = phig_subject_path(rte->relid);
			if (found == NULL)
				return exposed;
			path = *found;
			trace->unsure |= path.space[0] == '\0';
			get_atttypetypmodcoll(rte->relid, path.attno, &type, &typmod, &collation);
			return lappend(exposed, column(rti, path.attno, type, typmod, collation, nulling, &path));
		case RTE_SUBQUERY:
			inner.query = rte->subquery;
			if (!is_row_wise(rte->subquery) || rte->subquery->commandType != CMD_SELECT ||
				!(PHIG_JUNK_IS_PULLED_UP || phig_whole_row_keep(level->query, rti, rows_are_marked(level))))
			{
				phig_trace_contribute(trace, &inner);
				return exposed;
			}
			foreach(lc, hand_up(rte->subquery, expose(trace, &inner)))
			{
				const Exposed *below = lfirst(lc);

				while (list_length(rte->eref->colnames) < below->resno)
					rte->eref->colnames = lappend(rte->eref->colnames, makeString(pstrdup("?column?")));
				exposed = lappend(exposed,
								  column(rti, below->resno, exprType((Node *) below->expr),
										 exprTypmod((Node *) below->expr), exprCollation((Node *) below->expr),
										 nulling, &below->path));
			}
			return exposed;
		case RTE_CTE:
			return expose_cte(trace, level, rte, rti, nulling, exposed);
		default:
			phig_trace_contribute_entry(trace, level, rte);
			return exposed;
	}
}

/* The query level that a CTE belongs to, and the CTE; NULL where it is above the top: there is none. */
CommonTableExpr *
phig_trace_find_cte(Level *level, const RangeTblEntry *rte, Level **owner)
{
	ListCell   *lc;

	*owner = level;
	for (Index up = rte->ctelevelsup; up > 0 && *owner != NULL; up--)
		*owner = (*owner)->outer;
	if (*owner == NULL)
		return NULL;
	foreach(lc, (*owner)->query->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);

		if (strcmp(cte->ctename, rte->ctename) == 0)
			return cte;
	}
	return NULL;
}

static List *
expose_cte(Trace *trace, Level *level, RangeTblEntry *rte, int rti, const Bitmapset *nulling, List *exposed)
{
	Level	   *owner;
	CommonTableExpr *cte = phig_trace_find_cte(level, rte, &owner);
	TracedCte  *traced = NULL;
	ListCell   *lc;

	if (cte == NULL || cte->cterecursive || rte->self_reference || !IsA(cte->ctequery, Query) ||
		!may_hand_up_cte(trace) || !is_row_wise((Query *) cte->ctequery) ||
		((Query *) cte->ctequery)->commandType != CMD_SELECT)
	{
		phig_trace_contribute_entry(trace, level, rte);
		return exposed;
	}
	foreach(lc, owner->ctes)
		if (strcmp(((TracedCte *) lfirst(lc))->name, rte->ctename) == 0)
			traced = lfirst(lc);
	if (traced == NULL)
	{
		Level		inner = {.query = (Query *) cte->ctequery, .outer = owner};

		traced = palloc0(sizeof(TracedCte));
		traced->name = cte->ctename;
		traced->exposed = hand_up(inner.query, expose(trace, &inner));
		owner->ctes = lappend(owner->ctes, traced);
	}
	foreach(lc, traced->exposed)
	{
		const Exposed *below = lfirst(lc);
		Oid			type = exprType((Node *) below->expr);
		int32		typmod = exprTypmod((Node *) below->expr);
		Oid			collation = exprCollation((Node *) below->expr);

		/* Columns between are the CTE's own resjunk ones. */
		while (list_length(rte->eref->colnames) < below->resno)
		{
			rte->eref->colnames = lappend(rte->eref->colnames, makeString(pstrdup("?column?")));
			rte->coltypes = lappend_oid(rte->coltypes, type);
			rte->coltypmods = lappend_int(rte->coltypmods, typmod);
			rte->colcollations = lappend_oid(rte->colcollations, collation);
		}
		exposed = lappend(exposed, column(rti, below->resno, type, typmod, collation, nulling, &below->path));
	}
	return exposed;
}

/*
 * Give the rows of a sub-select the columns.
 *
 * As resjunk ones, where the planner lets them through: whole rows of it stay as they are.
 */
static List *
hand_up(Query *query, List *exposed)
{
	ListCell   *lc;

	foreach(lc, exposed)
	{
		Exposed    *one = lfirst(lc);
		Expr	   *expr = (Expr *) copyObject(one->expr);

		if (PHIG_JUNK_IS_PULLED_UP)
		{
			one->resno = list_length(query->targetList) + 1;
			query->targetList = lappend(query->targetList, makeTargetEntry(expr, one->resno, NULL, true));
		}
		else
		{
			one->resno = phig_flow_add_output(query, expr);
			get_tle_by_resno(query->targetList, one->resno)->resorigcol = PHIG_HIDDEN_COLUMN;
		}
	}
	return exposed;
}

/* Are rows locked or written, beside which the planner asks for whole rows itself? */
static bool
rows_are_marked(const Level *level)
{
	for (; level != NULL; level = level->outer)
		if (level->query->rowMarks != NIL || level->query->commandType == CMD_UPDATE ||
			level->query->commandType == CMD_DELETE || level->query->commandType == CMD_MERGE)
			return true;
	return false;
}

/* Where columns are no resjunk ones, nobody may ask for whole rows of CTEs, of which one has several places. */
static bool
may_hand_up_cte(Trace *trace)
{
	if (PHIG_JUNK_IS_PULLED_UP)
		return true;
	if (!trace->looked_for_whole_rows)
	{
		trace->whole_rows = phig_whole_row_of_cte(trace->top);
		trace->looked_for_whole_rows = true;
	}
	return !trace->whole_rows;
}

/* A set-returning function that the planner would put in line later, as the sub-select that it is. */
void
phig_trace_put_in_line(Trace *trace, Query *query, RangeTblEntry *rte)
{
	Query	   *inlined = rte->rtekind == RTE_FUNCTION ? phig_flow_inline(query, rte) : NULL;

	if (inlined == NULL)
		return;
	phig_flow_put_in_line(rte, inlined, &trace->functions);
	trace->looked_for_whole_rows = false;
}
