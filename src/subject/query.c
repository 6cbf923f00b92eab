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
#include "optimizer/optimizer.h"
#include "optimizer/clauses.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "flow/flow.h"
#include "journal/format.h"
#include "label/label.h"
#include "subject/hidden.h"
#include "subject/query.h"
#include "subject/whole_row.h"

#define COLUMN_NAME "phiguard subject %d"

/* One query level and those around it. */
typedef struct Level
{
	Query	   *query;
	struct Level *outer;
	List	   *ctes;			/* of TracedCte *: those of this level that were met */
} Level;

typedef struct TracedCte
{
	const char *name;
	List	   *exposed;		/* of Exposed *: their columns are in the CTE's rows, by resno */
} TracedCte;

/* A column that says whose row it is. */
typedef struct Exposed
{
	Expr	   *expr;			/* at the level at hand */
	AttrNumber	resno;			/* in the rows of that level, once it is there */
	PhigSubjectPath path;
} Exposed;

typedef struct Trace
{
	List	   *scans;			/* of PhigSubjectPath *: to be read where they are scanned */
	List	   *written;		/* likewise: where they are written */
	bool		unsure;
	bool		contributes;
	List	   *functions;		/* OIDs of those that were put in line */
	Query	   *top;
	bool		looked_for_whole_rows;
	bool		whole_rows;		/* of CTEs */
	Level	   *level;			/* for walkers */
} Trace;

static bool is_row_wise(const Query *query);
static bool is_one_scan(const Query *query);
static bool is_one_heap(Oid relid);
static List *expose_scan(Trace *trace, Level *level);
static List *expose(Trace *trace, Level *level);
static List *expose_from(Trace *trace, Level *level, Node *node, const Bitmapset *nulling, List *exposed);
static List *expose_entry(Trace *trace, Level *level, int rti, const Bitmapset *nulling, List *exposed);
static List *expose_cte(Trace *trace, Level *level, RangeTblEntry *rte, int rti, const Bitmapset *nulling,
						List *exposed);
static List *hand_up(Query *query, List *exposed);
static bool rows_are_marked(const Level *level);
static bool may_hand_up_cte(Trace *trace);
static void put_in_line(Trace *trace, Query *query, RangeTblEntry *rte);
static void contribute(Trace *trace, Level *level);
static bool is_inserted(const Query *query, int rti);
static void contribute_entry(Trace *trace, Level *level, RangeTblEntry *rte);
static void contribute_outputs(Trace *trace, Level *level);
static bool contribute_walker(Node *node, Trace *trace);
static void add_scan(Trace *trace, Oid relid);
static void add_written(Trace *trace, const PhigSubjectPath *path);
static List *written(Trace *trace, Level *level, List *exposed);
static PhigSubjectSources *build(const Trace *trace, Query *query, List *exposed);
static bool mentions_subject(Node *node, void *context);
static AttrNumber find_column(const Query *query, const Exposed *exposed);
static AttrNumber add_column(Query *query, const Exposed *exposed, int number);

PhigSubjectSources *
phig_subject_trace(Query *query, List **functions)
{
	Trace		trace = {.top = query};
	Level		level = {.query = query};
	List	   *exposed = NIL;

	if (query->commandType == CMD_SELECT && !is_row_wise(query))
		contribute(&trace, &level);
	else if (is_one_scan(query))
		exposed = expose_scan(&trace, &level);
	else
	{
		exposed = expose(&trace, &level);
		exposed = written(&trace, &level, exposed);
	}
	*functions = list_concat_unique_oid(*functions, trace.functions);
	return build(&trace, query, exposed);
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

	if (exposed == NIL || find_column(level->query, linitial(exposed)) > 0)
		return exposed;
	add_scan(trace, ((Exposed *) linitial(exposed))->path.relid);
	trace->contributes = false;
	return NIL;
}

/* The columns that say whose rows a level's are, as expressions of that level. */
static List *
expose(Trace *trace, Level *level)
{
	List	   *exposed = expose_from(trace, level, (Node *) level->query->jointree, NULL, NIL);

	contribute_outputs(trace, level);
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
		return expose_entry(trace, level, ((RangeTblRef *) node)->rtindex, nulling, exposed);
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

static List *
expose_entry(Trace *trace, Level *level, int rti, const Bitmapset *nulling, List *exposed)
{
	RangeTblEntry *rte = rt_fetch(rti, level->query->rtable);
	const PhigSubjectPath *found;
	PhigSubjectPath path;
	Level		inner = {.outer = level};
	Oid			type;
	int32		typmod;
	Oid			collation;
	ListCell   *lc;

	put_in_line(trace, level->query, rte);
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
				contribute(trace, &inner);
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
			contribute_entry(trace, level, rte);
			return exposed;
	}
}

/* The query level that a CTE belongs to, and the CTE; NULL where it is above the top: there is none. */
static CommonTableExpr *
find_cte(Level *level, const RangeTblEntry *rte, Level **owner)
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
	CommonTableExpr *cte = find_cte(level, rte, &owner);
	TracedCte  *traced = NULL;
	ListCell   *lc;

	if (cte == NULL || cte->cterecursive || rte->self_reference || !IsA(cte->ctequery, Query) ||
		!may_hand_up_cte(trace) || !is_row_wise((Query *) cte->ctequery) ||
		((Query *) cte->ctequery)->commandType != CMD_SELECT)
	{
		contribute_entry(trace, level, rte);
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
static void
put_in_line(Trace *trace, Query *query, RangeTblEntry *rte)
{
	Query	   *inlined = rte->rtekind == RTE_FUNCTION ? phig_flow_inline(query, rte) : NULL;

	if (inlined == NULL)
		return;
	phig_flow_put_in_line(rte, inlined, &trace->functions);
	trace->looked_for_whole_rows = false;
}

/* --- what contributes --- */

static void
contribute(Trace *trace, Level *level)
{
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, level->query->rtable)
		if (!is_inserted(level->query, foreach_current_index(lc) + 1))
			contribute_entry(trace, level, lfirst_node(RangeTblEntry, lc));
	contribute_outputs(trace, level);
}

/* The relation that INSERT writes to, which is not scanned: its own entry, and that of ON CONFLICT. */
static bool
is_inserted(const Query *query, int rti)
{
	return query->commandType == CMD_INSERT &&
		(rti == query->resultRelation || (query->onConflict && rti == query->onConflict->exclRelIndex));
}

static void
contribute_entry(Trace *trace, Level *level, RangeTblEntry *rte)
{
	Level		inner = {.outer = level};
	Level	   *outer_level = trace->level;
	Level	   *owner;
	CommonTableExpr *cte;

	put_in_line(trace, level->query, rte);
	trace->level = level;
	switch (rte->rtekind)
	{
		case RTE_RELATION:
			if (rte->relkind != RELKIND_VIEW)
				add_scan(trace, rte->relid);
			break;
		case RTE_SUBQUERY:
			inner.query = rte->subquery;
			contribute(trace, &inner);
			break;
		case RTE_CTE:
			cte = rte->self_reference ? NULL : find_cte(level, rte, &owner);
			if (cte != NULL && IsA(cte->ctequery, Query))
			{
				inner.query = (Query *) cte->ctequery;
				inner.outer = owner;
				contribute(trace, &inner);
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
static void
contribute_outputs(Trace *trace, Level *level)
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
		contribute(trace, &inner);
		(void) written(trace, &inner, NIL);
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
			contribute(trace, &inner);
		return contribute_walker(link->testexpr, trace);
	}
	return expression_tree_walker(node, contribute_walker, trace);
}

static void
add_scan(Trace *trace, Oid relid)
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

/* --- what is written --- */

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
static List *
written(Trace *trace, Level *level, List *exposed)
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
				exposed = expose_entry(trace, level, query->resultRelation, NULL, exposed);
			foreach(lc, query->mergeActionList)
				exposed = expose_value(trace, exposed, assigned(lfirst_node(MergeAction, lc)->targetList, path.attno),
									   &path);
			return exposed;
		default:
			trace->unsure = true;
			return exposed;
	}
}

/* --- the result --- */

static PhigSubjectSources *
build(const Trace *trace, Query *query, List *exposed)
{
	int			nsources = list_length(exposed) + list_length(trace->scans) + list_length(trace->written);
	Size		bytes = offsetof(PhigSubjectSources, sources) + nsources * sizeof(PhigSubjectSource);
	PhigSubjectSources *sources = palloc0(bytes);
	PhigSubjectSource *next = sources->sources;
	ListCell   *lc;
	int			number = 0;

	sources->bytes = bytes;
	/* Where nobody's rows are anywhere, there is nothing to capture. */
	sources->captured = !trace->unsure && (nsources > 0 || mentions_subject((Node *) query, NULL));
	sources->manner = trace->contributes ? PHIG_MANNER_AGGREGATE :
		query->commandType == CMD_SELECT ? PHIG_MANNER_ROWS : PHIG_MANNER_WRITTEN;
	if (!sources->captured)
		return sources;
	sources->nsources = nsources;
	foreach(lc, exposed)
	{
		Exposed    *one = lfirst(lc);

		next->path = one->path;
		next->resno = one->expr ? add_column(query, one, number++) : one->resno;
		next++;
	}
	foreach(lc, trace->scans)
		(next++)->path = *(PhigSubjectPath *) lfirst(lc);
	foreach(lc, trace->written)
	{
		next->path = *(PhigSubjectPath *) lfirst(lc);
		(next++)->resno = PHIG_SUBJECT_WRITTEN;
	}
	return sources;
}

static bool
mentions_subject(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return ((RangeTblEntry *) node)->rtekind == RTE_RELATION &&
			phig_subject_path(((RangeTblEntry *) node)->relid) != NULL;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, mentions_subject, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, mentions_subject, context);
}

/* A column of the result that it is anyway; 0: none. */
static AttrNumber
find_column(const Query *query, const Exposed *exposed)
{
	ListCell   *lc;

	if (query->commandType == CMD_SELECT)
		foreach(lc, query->targetList)
		{
			TargetEntry *tle = lfirst_node(TargetEntry, lc);

			if (!tle->resjunk && equal(tle->expr, exposed->expr))
				return tle->resno;
		}
	return 0;
}

/* A column of the result, which may be there anyway; less than 0: the name of a new one. */
static AttrNumber
add_column(Query *query, const Exposed *exposed, int number)
{
	AttrNumber	resno = find_column(query, exposed);

	if (resno > 0)
		return resno;
	query->targetList = lappend(query->targetList,
								makeTargetEntry(exposed->expr, list_length(query->targetList) + 1,
												psprintf(COLUMN_NAME, number), true));
	return -1 - number;
}

void
phig_subject_planned(PlannedStmt *plan, PhigSubjectSources *sources)
{
	Plan	   *rows = IsA(plan->planTree, ModifyTable) ? outerPlan(plan->planTree) : plan->planTree;

	phig_subject_hide(plan);
	for (int i = 0; i < sources->nsources; i++)
	{
		PhigSubjectSource *source = &sources->sources[i];
		ListCell   *lc;

		plan->relationOids = list_concat(plan->relationOids, phig_subject_path_relations(source->path.relid));
		if (source->resno >= 0 || source->resno == PHIG_SUBJECT_WRITTEN)
			continue;
		foreach(lc, rows->targetlist)
		{
			TargetEntry *tle = lfirst_node(TargetEntry, lc);
			char		name[NAMEDATALEN];

			snprintf(name, sizeof(name), COLUMN_NAME, -1 - source->resno);
			if (tle->resjunk && tle->resname != NULL && strcmp(tle->resname, name) == 0)
			{
				source->resno = tle->resno;
				break;
			}
		}
		/* The planner proved that there are no rows, or did what we do not know of. */
		if (source->resno < 0)
		{
			sources->captured = false;
			sources->nsources = 0;
		}
	}
}
