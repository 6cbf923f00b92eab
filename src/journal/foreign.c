/*
 * foreign.c
 *		The journal as a foreign table, so that conditions reach its reader.
 *
 * phiguard.journal has the columns of access_log and one more, directory: NULL
 * is this server's own journal, the view access_log; another one is that which
 * phiguard.read_journal(directory) names, an SQL function that the planner puts
 * in line.  Which journal is to be read must be known when a scan begins, by
 * "directory IS NULL" or "directory = expression"; a plan without is refused.
 *
 * Conditions on started and position become a range, worked out when the scan
 * begins; the reader leaves out segments and records outside of it.  They stay
 * conditions of the plan as well, so a range that is too wide does no harm.
 *
 * Conditions on who, why, what and whom become a search, see search.h, and stay conditions
 * of the plan too.
 *
 * Reading is permitted, and put on record, when the first row is asked for:
 * a plan that is only explained reads nothing.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "foreign/fdwapi.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "compat.h"
#include "journal/definition.h"
#include "journal/reader.h"

PG_FUNCTION_INFO_V1(phiguard_journal_handler);

/* What is not known before it is read. */
#define ROWS 10000
#define COST_TO_BEGIN 1000.0
#define COST_OF_ROW 0.1
/* Of a scan that nothing tells which journal to read: more than any other plan. */
#define COST_OF_NO_PLAN 1e30

/* Attribute numbers of phiguard.journal. */
#define ATTNO(column) ((AttrNumber) ((column) + 1))
#define DIRECTORY_ATTNO ATTNO(PHIG_LOG_COLUMNS)

/* A condition that the reader can use: attno, btree strategy, and what it compares with. */
typedef struct Condition
{
	AttrNumber	attno;
	int			strategy;		/* 0: IS NULL */
	Expr	   *value;			/* NULL then */
} Condition;

/* A scan under way. */
typedef struct JournalScan
{
	MemoryContext context;
	List	   *attnos;			/* of the plan's conditions; parallel lists */
	List	   *strategies;
	List	   *values;			/* ExprState; of the conditions, then of the search */
	List	   *clauses;		/* of the search, as phig_search_plan made them */
	MemoryContext search_context;	/* of search */
	PhigSearch	search;
	PhigLogReader *reader;		/* NULL before the first row */
	char	   *directory;		/* that it reads; NULL: this server's own */
	bool		positioned;		/* it stands where the next row is */
} JournalScan;

/* --- planning --- */

static bool
is_column(const Node *node, Index relid, AttrNumber attno)
{
	const Var  *var = (const Var *) node;

	return IsA(node, Var) && (Index) var->varno == relid && var->varattno == attno && var->varlevelsup == 0;
}

/* The column that the reader has a use for; 0: another, or none. */
static AttrNumber
useful_column(const Node *node, Index relid)
{
	static const AttrNumber useful[] = {
		ATTNO(PHIG_LOG_STARTED), ATTNO(PHIG_LOG_POSITION), DIRECTORY_ATTNO
	};

	for (int i = 0; i < (int) lengthof(useful); i++)
		if (is_column(node, relid, useful[i]))
			return useful[i];
	return 0;
}

/* Types whose values convert_bound() and the reader understand. */
static bool
type_is_known(AttrNumber attno, Oid type)
{
	if (attno == ATTNO(PHIG_LOG_STARTED))
		return type == TIMESTAMPTZOID || type == TIMESTAMPOID || type == DATEOID;
	if (attno == ATTNO(PHIG_LOG_POSITION))
		return type == INT8OID || type == INT4OID || type == INT2OID;
	return type == TEXTOID;
}

/* Is it a condition of the table's column and something that is known when the scan begins? */
static bool
match_operator(PlannerInfo *root, Index relid, OpExpr *op, Condition *condition)
{
	Oid			opno = op->opno;
	Node	   *column;
	Node	   *value;
	TypeCacheEntry *type;

	if (list_length(op->args) != 2)
		return false;
	column = linitial(op->args);
	value = lsecond(op->args);
	if ((condition->attno = useful_column(column, relid)) == 0)
	{
		column = lsecond(op->args);
		value = linitial(op->args);
		opno = get_commutator(opno);
		condition->attno = useful_column(column, relid);
	}
	if (condition->attno == 0 || !OidIsValid(opno) || !type_is_known(condition->attno, exprType(value)))
		return false;
	if (bms_is_member(relid, pull_varnos(root, value)) || contain_volatile_functions(value) ||
		contain_subplans(value))
		return false;
	type = lookup_type_cache(exprType(column), TYPECACHE_BTREE_OPFAMILY);
	condition->strategy = get_op_opfamily_strategy(opno, type->btree_opf);
	condition->value = (Expr *) value;
	return condition->strategy != InvalidStrategy &&
		(condition->attno != DIRECTORY_ATTNO || condition->strategy == BTEqualStrategyNumber);
}

static bool
match_clause(PlannerInfo *root, Index relid, Node *clause, Condition *condition)
{
	NullTest   *test = (NullTest *) clause;

	if (IsA(clause, OpExpr))
		return match_operator(root, relid, (OpExpr *) clause, condition);
	if (!IsA(clause, NullTest) || test->nulltesttype != IS_NULL || test->argisrow ||
		!is_column((Node *) test->arg, relid, DIRECTORY_ATTNO))
		return false;
	*condition = (Condition) {.attno = DIRECTORY_ATTNO};
	return true;
}

static bool
names_directory(PlannerInfo *root, Index relid, RestrictInfo *rinfo)
{
	Condition	condition;

	return match_clause(root, relid, (Node *) rinfo->clause, &condition) && condition.attno == DIRECTORY_ATTNO;
}

static void
journal_rel_size(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	List	   *others = NIL;
	ListCell   *lc;

	rel->tuples = ROWS;
	set_baserel_size_estimates(root, rel);

	/* All rows of a scan are of the same directory. */
	foreach(lc, rel->baserestrictinfo)
		if (!names_directory(root, rel->relid, lfirst_node(RestrictInfo, lc)))
			others = lappend(others, lfirst(lc));
	rel->rows = clamp_row_est(ROWS * clauselist_selectivity(root, others, 0, JOIN_INNER, NULL));
}

/* Beside what the scan costs by itself, more. */
static void
add_scan_path(PlannerInfo *root, RelOptInfo *rel, Relids outer, Cost more)
{
	ParamPathInfo *param = get_baserel_parampathinfo(root, rel, outer);
	double		rows = param ? param->ppi_rows : rel->rows;
	Cost		begin = COST_TO_BEGIN + more;

	add_path(rel, (Path *) phig_compat_foreignscan_path(root, rel, rows, begin, begin + ROWS * COST_OF_ROW, outer));
}

static bool
is_directory_member(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec, EquivalenceMember *em, void *arg)
{
	return is_column((Node *) em->em_expr, rel->relid, DIRECTORY_ATTNO);
}

/* Join clauses that can tell the directory: FROM directories d, phiguard.read_journal(d.path). */
static List *
directory_joins(PlannerInfo *root, RelOptInfo *rel)
{
	List	   *joins = NIL;
	List	   *implied = NIL;
	ListCell   *lc;

	if (rel->has_eclass_joins)
		implied = generate_implied_equalities_for_column(root, rel, is_directory_member, NULL,
														 rel->lateral_referencers);
	foreach(lc, list_concat_copy(rel->joininfo, implied))
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (join_clause_is_movable_to(rinfo, rel) && names_directory(root, rel->relid, rinfo))
			joins = lappend(joins, rinfo);
	}
	return joins;
}

static void
journal_paths(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	ListCell   *lc;

	foreach(lc, rel->baserestrictinfo)
		if (names_directory(root, rel->relid, lfirst_node(RestrictInfo, lc)))
		{
			add_scan_path(root, rel, rel->lateral_relids, 0);
			return;
		}

	foreach(lc, directory_joins(root, rel))
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		Relids		outer = bms_union(rinfo->clause_relids, rel->lateral_relids);

		add_scan_path(root, rel, bms_del_member(outer, rel->relid), 0);
	}
	/* Where an outer join lets none of them do, or there is none: it has an error to tell. */
	add_scan_path(root, rel, rel->lateral_relids, COST_OF_NO_PLAN);
}

static ForeignScan *
journal_plan(PlannerInfo *root, RelOptInfo *rel, Oid relid, ForeignPath *path, List *tlist, List *clauses,
			 Plan *outer_plan)
{
	List	   *attnos = NIL;
	List	   *strategies = NIL;
	List	   *values = NIL;
	List	   *filters = NIL;
	List	   *searched = NIL;
	List	   *search_values = NIL;
	bool		told = false;
	ListCell   *lc;

	foreach(lc, extract_actual_clauses(clauses, false))
	{
		Node	   *clause = lfirst(lc);
		Condition	condition;
		bool		useful = match_clause(root, rel->relid, clause, &condition);
		bool		tells = useful && condition.attno == DIRECTORY_ATTNO;

		/* The first clause that tells the directory is done with; a second one is a filter. */
		if (!tells || told)
			filters = lappend(filters, clause);
		if (!useful)
			clause = phig_search_plan(root, rel->relid, clause, &search_values);
		if (!useful && clause != NULL)
			searched = lappend(searched, clause);
		if (!useful || (tells && told))
			continue;
		told |= tells;
		if (condition.value == NULL)
			continue;
		attnos = lappend_int(attnos, condition.attno);
		strategies = lappend_int(strategies, condition.strategy);
		values = lappend(values, condition.value);
	}
	if (!told)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a scan of relation \"journal\" must be told which journal to read"),
				 errhint("Read phiguard.access_log or phiguard.read_journal(directory).")));
	return make_foreignscan(tlist, filters, rel->relid, list_concat(values, search_values),
							list_make3(attnos, strategies, searched), NIL, NIL, outer_plan);
}

/* --- execution --- */

/* The handler is the extension's, but a table can be anybody's. */
static void
check_columns(Relation rel)
{
	static const Oid types[] = {
		[PHIG_LOG_STARTED] = TIMESTAMPTZOID,
		[PHIG_LOG_ENDED] = TIMESTAMPTZOID,
		[PHIG_LOG_NODE] = TEXTOID,
		[PHIG_LOG_POSITION] = INT8OID,
		[PHIG_LOG_KIND] = TEXTOID,
		[PHIG_LOG_COMMAND] = TEXTOID,
		[PHIG_LOG_LOGIN_ROLE] = TEXTOID,
		[PHIG_LOG_ACTIVE_ROLE] = TEXTOID,
		[PHIG_LOG_APP_USER] = TEXTOID,
		[PHIG_LOG_CLIENT] = INETOID,
		[PHIG_LOG_APPLICATION] = TEXTOID,
		[PHIG_LOG_DATABASE] = TEXTOID,
		[PHIG_LOG_PID] = INT4OID,
		[PHIG_LOG_SESSION_ID] = TEXTOID,
		[PHIG_LOG_PURPOSE] = TEXTOID,
		[PHIG_LOG_JUSTIFICATION] = TEXTOID,
		[PHIG_LOG_RETURNED] = TEXTARRAYOID,
		[PHIG_LOG_REFERENCED] = TEXTARRAYOID,
		[PHIG_LOG_STORED] = TEXTARRAYOID,
		[PHIG_LOG_SHOWN] = TEXTARRAYOID,
		[PHIG_LOG_CATEGORIES] = TEXTARRAYOID,
		[PHIG_LOG_ROWS] = INT8OID,
		[PHIG_LOG_OUTCOME] = TEXTOID,
		[PHIG_LOG_SQLSTATE] = TEXTOID,
		[PHIG_LOG_FINGERPRINT] = INT8OID,
		[PHIG_LOG_QUERY] = TEXTOID,
		[PHIG_LOG_EXECUTIONS] = INT8OID,
		[PHIG_LOG_EXTRACT] = TEXTOID,
		[PHIG_LOG_AGREEMENT] = TEXTOID,
		[PHIG_LOG_RECIPIENT] = TEXTOID,
		[PHIG_LOG_SUBJECTS] = TEXTARRAYOID,
		[PHIG_LOG_PERSONS] = INT8OID,
		[PHIG_LOG_PERSONS_AT_LEAST] = INT8OID,
		[PHIG_LOG_FLAGS] = TEXTARRAYOID,
		[PHIG_LOG_COLUMNS] = TEXTOID,
	};
	TupleDesc	desc = RelationGetDescr(rel);
	bool		fits = desc->natts == (int) lengthof(types);

	for (int i = 0; fits && i < desc->natts; i++)
		fits = !TupleDescAttr(desc, i)->attisdropped && TupleDescAttr(desc, i)->atttypid == types[i];
	if (!fits)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_COLUMN_NUMBER),
				 errmsg("foreign table \"%s\" does not have the columns of phiguard.journal",
						RelationGetRelationName(rel)),
				 errhint("Read phiguard.access_log or phiguard.read_journal(directory).")));
}

static void
journal_begin(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = castNode(ForeignScan, node->ss.ps.plan);
	JournalScan *scan = palloc0(sizeof(JournalScan));

	check_columns(node->ss.ss_currentRelation);
	scan->context = CurrentMemoryContext;
	scan->attnos = linitial(plan->fdw_private);
	scan->strategies = lsecond(plan->fdw_private);
	scan->clauses = lthird(plan->fdw_private);
	scan->values = ExecInitExprList(plan->fdw_exprs, &node->ss.ps);
	scan->search_context = AllocSetContextCreate(CurrentMemoryContext, "phiguard search", ALLOCSET_SMALL_SIZES);
	node->fdw_state = scan;
}

/* Microseconds or a position. */
static int64
convert_bound(Oid type, Datum value)
{
	int			overflow = 0;

	switch (type)
	{
		case DATEOID:
			return date2timestamptz_opt_overflow(DatumGetDateADT(value), &overflow);
		case TIMESTAMPOID:
			return timestamp2timestamptz_opt_overflow(DatumGetTimestamp(value), &overflow);
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

/* As far as that is decided by a comparison; both ends are included, the filter is exact. */
static void
narrow(int64 *low, int64 *high, int strategy, int64 bound)
{
	if (strategy >= BTEqualStrategyNumber)
		*low = Max(*low, bound);
	if (strategy <= BTEqualStrategyNumber)
		*high = Min(*high, bound);
}

/* The plan's conditions as values of now.  directory is a C string, NULL for this server's own. */
static PhigLogRange
evaluate(ForeignScanState *node, JournalScan *scan, char **directory)
{
	PhigLogRange range = {PG_INT64_MIN, PG_INT64_MAX, PG_INT64_MIN, PG_INT64_MAX};

	*directory = NULL;
	for (int i = 0; i < list_length(scan->attnos); i++)
	{
		ExprState  *state = list_nth(scan->values, i);
		AttrNumber	attno = list_nth_int(scan->attnos, i);
		int			strategy = list_nth_int(scan->strategies, i);
		bool		isnull;
		Datum		value = ExecEvalExpr(state, node->ss.ps.ps_ExprContext, &isnull);

		if (attno == DIRECTORY_ATTNO)
			*directory = isnull ? "" : TextDatumGetCString(value);
		else if (isnull)
		{
			/* Nothing compares with NULL. */
			range.since = PG_INT64_MAX;
			range.until = PG_INT64_MIN;
		}
		else if (attno == ATTNO(PHIG_LOG_STARTED))
			narrow(&range.since, &range.until, strategy, convert_bound(exprType((Node *) state->expr), value));
		else
			narrow(&range.first, &range.last, strategy, convert_bound(exprType((Node *) state->expr), value));
	}
	return range;
}

/* The search with the values of now. */
static void
evaluate_search(ForeignScanState *node, JournalScan *scan)
{
	int			first = list_length(scan->attnos);
	int			n = list_length(scan->values) - first;
	MemoryContext old;
	PhigValue  *values;
	ListCell   *lc;

	MemoryContextReset(scan->search_context);
	old = MemoryContextSwitchTo(scan->search_context);
	memset(&scan->search, 0, sizeof(scan->search));
	values = palloc0(Max(n, 1) * sizeof(PhigValue));
	for (int i = 0; i < n; i++)
	{
		ExprState  *state = list_nth(scan->values, first + i);

		values[i].type = exprType((Node *) state->expr);
		values[i].value = ExecEvalExpr(state, node->ss.ps.ps_ExprContext, &values[i].isnull);
	}
	foreach(lc, scan->clauses)
		phig_search_add(&scan->search, lfirst(lc), values);
	MemoryContextSwitchTo(old);
}

static bool
same_directory(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* A journal is opened, and its reading put on record, once a scan, however often that starts over. */
static void
position(ForeignScanState *node, JournalScan *scan)
{
	char	   *directory;
	PhigLogRange range = evaluate(node, scan, &directory);

	if (scan->reader != NULL && !same_directory(directory, scan->directory))
	{
		phig_log_close(scan->reader);
		scan->reader = NULL;
	}
	if (scan->reader == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(scan->context);

		scan->directory = directory != NULL ? pstrdup(directory) : NULL;
		scan->reader = phig_log_open(directory, directory == NULL ? "access_log" : "read_journal", false);
		MemoryContextSwitchTo(old);
	}
	evaluate_search(node, scan);
	phig_log_rewind(scan->reader, &range, &scan->search);
	scan->positioned = true;
}

static TupleTableSlot *
journal_next(ForeignScanState *node)
{
	JournalScan *scan = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	if (!scan->positioned)
		position(node, scan);
	ExecClearTuple(slot);
	if (!phig_log_next(scan->reader, slot->tts_values, slot->tts_isnull))
		return slot;
	slot->tts_isnull[PHIG_LOG_COLUMNS] = scan->directory == NULL;
	slot->tts_values[PHIG_LOG_COLUMNS] = (Datum) 0;
	if (scan->directory != NULL)
		slot->tts_values[PHIG_LOG_COLUMNS] = CStringGetTextDatum(scan->directory);
	return ExecStoreVirtualTuple(slot);
}

static void
journal_rescan(ForeignScanState *node)
{
	JournalScan *scan = node->fdw_state;

	scan->positioned = false;
}

static void
journal_end(ForeignScanState *node)
{
	JournalScan *scan = node->fdw_state;

	if (scan != NULL && scan->reader != NULL)
		phig_log_close(scan->reader);
}

/* How many of how many segments were looked into, once they were. */
static void
journal_explain(ForeignScanState *node, ExplainState *es)
{
	JournalScan *scan = node->fdw_state;
	int			total;
	int			read;

	if (scan == NULL || scan->reader == NULL)
		return;
	phig_log_count_segments(scan->reader, &total, &read);
	if (es->format == EXPLAIN_FORMAT_TEXT)
		ExplainPropertyText("Journal Segments", psprintf("%d of %d", read, total), es);
	else
	{
		ExplainPropertyInteger("Journal Segments Read", NULL, read, es);
		ExplainPropertyInteger("Journal Segments", NULL, total, es);
	}
}

Datum
phiguard_journal_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	routine->GetForeignRelSize = journal_rel_size;
	routine->GetForeignPaths = journal_paths;
	routine->GetForeignPlan = journal_plan;
	routine->BeginForeignScan = journal_begin;
	routine->IterateForeignScan = journal_next;
	routine->ReScanForeignScan = journal_rescan;
	routine->EndForeignScan = journal_end;
	routine->ExplainForeignScan = journal_explain;
	PG_RETURN_POINTER(routine);
}
