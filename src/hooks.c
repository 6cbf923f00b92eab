/*
 * hooks.c
 *		The only file that assigns a server hook.
 *
 * Each body is a guard, one or two calls into a module, and the chain.  Depth
 * of user code (context.h) goes up around everything that may run functions
 * and comes down in PG_FINALLY or PG_CATCH.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "storage/ipc.h"
#include "tcop/utility.h"
#include "utils/inval.h"

#include "compat.h"
#include "crypto/key.h"
#include "enforce/enforce.h"
#include "flow/flow.h"
#include "hooks.h"
#include "journal/access.h"
#include "journal/carrier.h"
#include "journal/context.h"
#include "journal/decoding.h"
#include "journal/explain.h"
#include "journal/journal.h"
#include "journal/plan.h"
#include "journal/probe.h"
#include "journal/utility.h"
#include "label/label.h"
#include "policy/boundary.h"
#include "policy/detach.h"
#include "policy/fit.h"
#include "policy/rows.h"
#include "scrub.h"
#include "settings.h"
#include "subject/capture.h"
#include "subject/hop_row.h"
#include "subject/insert.h"
#include "subject/path.h"

static shmem_request_hook_type prev_shmem_request = NULL;
static shmem_startup_hook_type prev_shmem_startup = NULL;
static planner_hook_type prev_planner = NULL;
static get_relation_info_hook_type prev_get_relation_info = NULL;
static ExecutorStart_hook_type prev_ExecutorStart = NULL;
static ExecutorRun_hook_type prev_ExecutorRun = NULL;
static ExecutorFinish_hook_type prev_ExecutorFinish = NULL;
static ExecutorEnd_hook_type prev_ExecutorEnd = NULL;
static ProcessUtility_hook_type prev_ProcessUtility = NULL;
static object_access_hook_type prev_object_access = NULL;
static emit_log_hook_type prev_emit_log = NULL;
static needs_fmgr_hook_type prev_needs_fmgr = NULL;
static fmgr_hook_type prev_fmgr = NULL;
static ExplainOneQuery_hook_type prev_ExplainOneQuery = NULL;
#if PHIG_HAS_EXPLAIN_PER_PLAN_HOOK
static explain_per_plan_hook_type prev_explain_per_plan = NULL;
#endif

/* Entering what may run user code; the wrapping command is not meant for what runs in there. */
typedef struct Frame
{
	int			depth;
	Node	   *wrapper;
	bool		constraint;
} Frame;

bool		phig_in_constraint = false;

static bool begin_planning(Query *query, const char *query_string, PhigFlowPlanning *under_way, PhigPlanning *planning);

static inline Frame
enter(bool deeper, Node *wrapper)
{
	static bool floor_known = false;
	Frame		frame;

	if (unlikely(!floor_known))
	{
		phig_code_depth = Max(phig_code_depth, phig_depth_floor());
		floor_known = true;
	}
	frame.depth = phig_code_depth;
	frame.wrapper = phig_wrapper_command;
	frame.constraint = phig_in_constraint;
	phig_in_constraint |= InNoForceRLSOperation();
	if (deeper)
		phig_code_depth++;
	phig_wrapper_command = wrapper;
	return frame;
}

static inline void
leave(Frame frame)
{
	phig_code_depth = frame.depth;
	phig_wrapper_command = frame.wrapper;
	phig_in_constraint = frame.constraint;
	if (frame.depth == 0)
		phig_access_statement_done();
}

/* Another role, purpose or policy than before: plans that were made for it are found invalid from here on. */
static inline void
see_new_subject(void)
{
	if (phig_mode == PHIG_MODE_ENFORCE || phig_plan_rehearsed)
		(void) phig_policy_stamp();
}

/*
 * A label may be set while others hold locks on the relation, and a
 * transaction that has one takes it again without looking: look before each
 * statement, so that the next execution goes by the label.
 */
static void
see_new_labels(void)
{
	if (!IsTransactionState())
		return;
	AcceptInvalidationMessages();
	see_new_subject();
}

/*
 * The first plan of a transaction that began with this very message has fresh
 * locks, and whoever takes a lock looks.  (Transactions that begin in the same
 * microsecond look once too often.)
 */
static inline void
see_new_labels_unless_first(void)
{
	static TimestampTz last_began = 0;
	TimestampTz began = GetCurrentTransactionStartTimestamp();

	if (began == last_began || began != GetCurrentStatementStartTimestamp())
		see_new_labels();
	else
		see_new_subject();
	last_began = began;
}

static void
phig_shmem_request(void)
{
	if (prev_shmem_request)
		prev_shmem_request();
	phig_journal_shmem_request();
	phig_probe_shmem_request();
}

static void
phig_shmem_startup(void)
{
	if (prev_shmem_startup)
		prev_shmem_startup();
	phig_key_shmem_startup();
	phig_journal_shmem_startup();
	phig_probe_shmem_startup();
}

/* The planning is under way from here on, unless this fails. */
static bool
begin_planning(Query *query, const char *query_string, PhigFlowPlanning *under_way, PhigPlanning *planning)
{
	PhigFlowPlanning *const outer = phig_flow_planning;
	volatile bool labelled = false;

	phig_flow_planning = under_way;
	PG_TRY();
	{
		labelled = phig_plan_begin(query, query_string, planning);
	}
	PG_CATCH();
	{
		phig_flow_planning = outer;
		PG_RE_THROW();
	}
	PG_END_TRY();
	return labelled;
}

/* Before the chain: the planner scribbles on its query.  It may fold functions, which run as user code. */
static PlannedStmt *
phig_planner(Query *parse, const char *query_string, int cursorOptions, ParamListInfo boundParams)
{
	const PhigEnforcement *const outer = phig_enforce_planning;
	PhigFlowPlanning *const outer_flow = phig_flow_planning;
	PhigFlowPlanning under_way = {.params = boundParams, .context = CurrentMemoryContext};
	PlannedStmt *volatile plan = NULL;
	PhigPlanning planning;
	bool		labelled = false;
	Frame		frame;

	if (phig_active() && !phig_hop_looks_up)
	{
		see_new_labels();
		labelled = begin_planning(parse, query_string, &under_way, &planning);
	}
	phig_flow_planning = &under_way;
	phig_enforce_planning = labelled && planning.enforced.policies ? &planning.enforced : NULL;
	frame = enter(true, NULL);
	PG_TRY();
	{
		if (prev_planner)
			plan = prev_planner(parse, query_string, cursorOptions, boundParams);
		else
			plan = standard_planner(parse, query_string, cursorOptions, boundParams);
	}
	PG_FINALLY();
	{
		leave(frame);
		phig_enforce_planning = outer;
		phig_flow_planning = outer_flow;
	}
	PG_END_TRY();

	if (labelled)
		phig_plan_finish(plan, &planning);
	return plan;
}

static void
phig_get_relation_info(PlannerInfo *root, Oid relid, bool inhparent, RelOptInfo *rel)
{
	if (prev_get_relation_info)
		prev_get_relation_info(root, relid, inhparent, rel);
	if (phig_enforce_planning)
		phig_enforce_indexes(relid, rel);
}

/*
 * The leader's own plan in a parallel worker, on record in the leader; a worker's functions run
 * statements of their own.
 */
static bool
is_leaders_plan(QueryDesc *queryDesc)
{
	return IsParallelWorker() && queryDesc->dest && queryDesc->dest->mydest == DestTupleQueue;
}

static void
start_guarded(QueryDesc *queryDesc, int eflags, ExecutorStart_hook_type chain,
			  PhigExecution *execution)
{
	Frame		frame = enter(true, NULL);

	PG_TRY();
	{
		chain(queryDesc, eflags);
		if (execution)
			phig_plan_started(queryDesc, execution);
	}
	PG_CATCH();
	{
		if (execution)
			phig_access_end(execution, geterrcode());
		leave(frame);
		if (execution)
			phig_scrub_rethrow();
		phig_scrub_rethrow_constraint();
		PG_RE_THROW();
	}
	PG_END_TRY();
	leave(frame);
}

/* EXPLAIN measures what it shows, and so does auto_explain, whatever the order of their hooks and ours. */
static inline bool
may_be_shown(QueryDesc *queryDesc)
{
	return queryDesc->instrument_options != 0 || queryDesc->totaltime != NULL;
}

static void
watch_in_worker(QueryDesc *queryDesc)
{
	PhigCarrier carrier;

	if (phig_active() && phig_carrier_read(queryDesc->plannedstmt, &carrier) && carrier.subjects)
		phig_capture_worker_begin(queryDesc, carrier.subjects);
}

/* Before the chain, so that a permission it denies is an attempt on record. */
static void
phig_ExecutorStart(QueryDesc *queryDesc, int eflags)
{
	ExecutorStart_hook_type chain = prev_ExecutorStart ? prev_ExecutorStart :
		standard_ExecutorStart;
	PhigExecution *execution = NULL;

	if (!(eflags & EXEC_FLAG_EXPLAIN_ONLY) && phig_active() && !phig_hop_looks_up && !is_leaders_plan(queryDesc))
	{
		see_new_labels_unless_first();
		if (queryDesc->plannedstmt->resultRelations != NIL)
			phig_probe_guard_plan(queryDesc->plannedstmt);
		execution = phig_plan_start(queryDesc);
	}
	if (phig_wrapper_command && IsA(phig_wrapper_command, ExplainStmt))
		phig_plan_explained(queryDesc->plannedstmt);
	/* Without partitions there is no pruning, which may run functions. */
	if (execution == NULL && queryDesc->plannedstmt->appendRelations == NIL)
		chain(queryDesc, eflags);
	else
		start_guarded(queryDesc, eflags, chain, execution);
	if (queryDesc->operation == CMD_INSERT)
		phig_insert_prepare(queryDesc);
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		phig_carrier_hide(queryDesc);
	if (is_leaders_plan(queryDesc))
		watch_in_worker(queryDesc);
}

/* Parallel workers write no record, but they log errors of their own. */
static bool
is_labelled_worker(QueryDesc *queryDesc)
{
	PhigCarrier carrier;

	return is_leaders_plan(queryDesc) && phig_mode != PHIG_MODE_OFF &&
		phig_carrier_read(queryDesc->plannedstmt, &carrier);
}

/* Out of line: few sessions have called a registered function. */
static pg_noinline void
guard_boundary(QueryDesc *queryDesc, PhigExecution *execution)
{
	if (!is_leaders_plan(queryDesc))
		phig_plan_running(queryDesc, execution);
}

/* The wait comes before the chain: a function below could speak before the first row does. */
static void
phig_ExecutorRun(PHIG_RUN_ARGS_DECL)
{
	PhigExecution *execution = phig_access_find(queryDesc);
	Frame		frame;

	if (unlikely(phig_boundary_entered))
		guard_boundary(queryDesc, execution);
	if (execution)
	{
		phig_access_wait(execution);
		phig_access_running(execution, true);
	}
	frame = enter(true, NULL);
	PG_TRY();
	{
		if (prev_ExecutorRun)
			prev_ExecutorRun(PHIG_RUN_ARGS);
		else
			standard_ExecutorRun(PHIG_RUN_ARGS);
	}
	PG_CATCH();
	{
		if (execution)
		{
			phig_access_count_run(execution);
			phig_access_end(execution, geterrcode());
		}
		else if (is_leaders_plan(queryDesc))
			phig_capture_worker_end();
		leave(frame);
		if (execution || is_labelled_worker(queryDesc))
			phig_scrub_rethrow();
		phig_scrub_rethrow_constraint();
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (execution)
	{
		phig_access_count_run(execution);
		phig_access_running(execution, false);
		phig_plan_ran(queryDesc, execution);
		phig_access_write_persons(execution, count);
	}
	else if (is_leaders_plan(queryDesc))
		phig_capture_worker_end();
	leave(frame);
}

static void
finish_writing(QueryDesc *queryDesc, ExecutorFinish_hook_type chain)
{
	PhigExecution *execution = phig_access_find(queryDesc);
	Frame		frame = enter(true, NULL);

	PG_TRY();
	{
		chain(queryDesc);
		if (execution)
			phig_plan_ran(queryDesc, execution);
	}
	PG_CATCH();
	{
		if (execution)
			phig_access_end(execution, geterrcode());
		leave(frame);
		if (execution)
			phig_scrub_rethrow();
		phig_scrub_rethrow_constraint();
		PG_RE_THROW();
	}
	PG_END_TRY();
	leave(frame);
}

/*
 * AFTER triggers and data-modifying CTEs that nobody read run in here; after a mere read, nothing.
 * Plans that were run are shown later than this.
 */
static void
phig_ExecutorFinish(QueryDesc *queryDesc)
{
	ExecutorFinish_hook_type chain = prev_ExecutorFinish ? prev_ExecutorFinish :
		standard_ExecutorFinish;

	if (may_be_shown(queryDesc))
		phig_carrier_hide(queryDesc);
	if (queryDesc->estate->es_top_eflags & EXEC_FLAG_SKIP_TRIGGERS &&
		queryDesc->estate->es_auxmodifytables == NIL)
		chain(queryDesc);
	else
		finish_writing(queryDesc, chain);
}

static void
phig_ExecutorEnd(QueryDesc *queryDesc)
{
	PhigExecution *execution = phig_access_find(queryDesc);
	PlannedStmt *plan = queryDesc->estate->es_plannedstmt;

	if (execution)
	{
		phig_access_end(execution, 0);
		if (phig_code_depth == 0)
			phig_access_statement_done();
	}
	if (prev_ExecutorEnd)
		prev_ExecutorEnd(queryDesc);
	else
		standard_ExecutorEnd(queryDesc);
	/* One that hides its carrier is gone with the estate. */
	queryDesc->plannedstmt = plan;
}

static void
phig_ProcessUtility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
					ProcessUtilityContext context, ParamListInfo params,
					QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc)
{
	ProcessUtility_hook_type chain = prev_ProcessUtility ? prev_ProcessUtility :
		standard_ProcessUtility;
	PhigUtility utility;
	QueryCompletion own_qc;
	QueryCompletion *const completion = qc ? qc : &own_qc;
	const Frame frame = {phig_code_depth, phig_wrapper_command, phig_in_constraint};

	if (!phig_active())
	{
		chain(pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc);
		return;
	}
	if (qc == NULL)
		InitializeQueryCompletion(&own_qc);
	phig_utility_enter(&utility, pstmt->utilityStmt);
	PG_TRY();
	{
		see_new_labels();
		phig_utility_begin(&utility, pstmt, queryString);
		if (utility.instead)
			pstmt = utility.instead;
		(void) enter(!utility.wraps_query, utility.wraps_query ? pstmt->utilityStmt : NULL);
		chain(pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, completion);
		leave(frame);
		if (IsTransactionState())
			see_new_subject();
		phig_utility_finish(&utility, pstmt, queryString, completion->nprocessed);
	}
	PG_CATCH();
	{
		phig_utility_failed(&utility, geterrcode());
		leave(frame);
		if (phig_utility_is_labelled(&utility))
			phig_scrub_rethrow();
		phig_scrub_rethrow_constraint();
		PG_RE_THROW();
	}
	PG_END_TRY();
}

static pg_noinline void
object_changed(ObjectAccessType access, Oid classId, Oid objectId, int subId, void *arg)
{
	if (prev_object_access)
		prev_object_access(access, classId, objectId, subId, arg);
	phig_label_object_access(access, classId, objectId, subId, arg);
	phig_utility_object_access(access, classId, objectId, subId, arg);
}

/*
 * In most calls nothing changes: a name is looked up, or a function is about to be called, which the
 * executor asks for in each partition.  What does more must not be put in line here.
 */
static void
phig_object_access(ObjectAccessType access, Oid classId, Oid objectId, int subId, void *arg)
{
	if (unlikely(access != OAT_FUNCTION_EXECUTE && access != OAT_NAMESPACE_SEARCH))
		object_changed(access, classId, objectId, subId, arg);
	else if (unlikely(prev_object_access != NULL))
		prev_object_access(access, classId, objectId, subId, arg);
	if (unlikely(access == OAT_FUNCTION_EXECUTE && phig_is_decoding(objectId)))
		phig_decoding_guard(objectId);
}

/* Asked whenever a function that is not the server's is looked up, and before one is put in line. */
static bool
phig_needs_fmgr(Oid function)
{
	return (prev_needs_fmgr && prev_needs_fmgr(function)) || phig_boundary_needs(function) ||
		phig_flow_declines(function);
}

/* Whoever was before us may refuse the call: ours begins after that, and ends before. */
static void
phig_fmgr(FmgrHookEventType event, FmgrInfo *flinfo, Datum *arg)
{
	if (event != FHET_START)
		phig_boundary_leave();
	if (prev_fmgr)
		prev_fmgr(event, flinfo, arg);
	if (event == FHET_START)
		phig_boundary_enter(flinfo->fn_oid);
}

static void
phig_emit_log(ErrorData *edata)
{
	/*
	 * A session that goes down logs its statement, and nothing below catches that; a worker logs
	 * its leader's.
	 */
	if (edata->elevel >= FATAL && (phig_access_note_fatal(edata->sqlerrcode) || IsParallelWorker()))
		phig_scrub_edata(edata);
	else if (edata->elevel == ERROR && phig_mode != PHIG_MODE_OFF)
		phig_scrub_log(edata);
	if (prev_emit_log)
		prev_emit_log(edata);
}

/*
 * The plan is made inside the chain: the planner hook leaves what it carries in phig_plan_capture.  Before 18
 * that is printed behind the plan.
 */
static void
phig_ExplainOneQuery(Query *query, int cursorOptions, IntoClause *into, ExplainState *es,
					 const char *queryString, ParamListInfo params, QueryEnvironment *queryEnv)
{
	ExplainOneQuery_hook_type chain = prev_ExplainOneQuery ? prev_ExplainOneQuery :
		phig_compat_explain_one_query;
	PhigPlanning captured = {.depth = phig_code_depth};
	PhigPlanning *outer = phig_plan_capture;
	bool		outer_shown = phig_plan_only_shown;
	bool		shown = true;

	phig_plan_capture = &captured;
	/* Rows that are counted and not sent are nobody's to see; what makes a table does. */
	phig_plan_only_shown = !es->analyze || (into == NULL && query->commandType == CMD_SELECT);
	PG_TRY();
	{
		if (phig_active() && phig_plan_may_hide())
			shown = phig_plan_may_be_shown(query, queryString, cursorOptions, params, es->analyze);
		if (shown)
			chain(query, cursorOptions, into, es, queryString, params, queryEnv);
	}
	PG_FINALLY();
	{
		phig_plan_capture = outer;
		phig_plan_only_shown = outer_shown;
	}
	PG_END_TRY();
	if (captured.flow && !(shown && PHIG_HAS_EXPLAIN_PER_PLAN_HOOK))
		phig_explain_print(&captured.statement, es, true);
}

#if PHIG_HAS_EXPLAIN_PER_PLAN_HOOK

static void
phig_explain_per_plan(PlannedStmt *plannedstmt, IntoClause *into, ExplainState *es,
					  const char *queryString, ParamListInfo params, QueryEnvironment *queryEnv)
{
	if (prev_explain_per_plan)
		prev_explain_per_plan(plannedstmt, into, es, queryString, params, queryEnv);
	phig_explain_print_plan(plannedstmt, es);
}

#endif

static void
label_changed(Oid classId, Oid objectId, int objectSubId, const char *old_text, const char *new_text)
{
	phig_utility_label_changed(classId, objectId, objectSubId, old_text, new_text);
	if (classId == RelationRelationId && objectSubId == 0)
		phig_subject_labelled(objectId, new_text);
}

static void
detached(Oid relid, List *tops)
{
	phig_policy_detached(relid, tops);
	phig_subject_detached(relid, tops);
}

void
phig_hooks_init(void)
{
	phig_context_init();
	phig_access_init();
	phig_label_changed_hook = label_changed;
	phig_detached_hook = detached;
	phig_label_stored_hook = phig_policy_label_stored;
	phig_renames_note_hook = phig_rows_note;
	phig_renames_follow_hook = phig_rows_follow;

	prev_shmem_request = shmem_request_hook;
	shmem_request_hook = phig_shmem_request;
	prev_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = phig_shmem_startup;
	prev_planner = planner_hook;
	planner_hook = phig_planner;
	prev_get_relation_info = get_relation_info_hook;
	get_relation_info_hook = phig_get_relation_info;
	prev_ExecutorStart = ExecutorStart_hook;
	ExecutorStart_hook = phig_ExecutorStart;
	prev_ExecutorRun = ExecutorRun_hook;
	ExecutorRun_hook = phig_ExecutorRun;
	prev_ExecutorFinish = ExecutorFinish_hook;
	ExecutorFinish_hook = phig_ExecutorFinish;
	prev_ExecutorEnd = ExecutorEnd_hook;
	ExecutorEnd_hook = phig_ExecutorEnd;
	prev_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = phig_ProcessUtility;
	prev_object_access = object_access_hook;
	object_access_hook = phig_object_access;
	prev_emit_log = emit_log_hook;
	emit_log_hook = phig_emit_log;
	prev_needs_fmgr = needs_fmgr_hook;
	needs_fmgr_hook = phig_needs_fmgr;
	prev_fmgr = fmgr_hook;
	fmgr_hook = phig_fmgr;
	prev_ExplainOneQuery = ExplainOneQuery_hook;
	ExplainOneQuery_hook = phig_ExplainOneQuery;
#if PHIG_HAS_EXPLAIN_PER_PLAN_HOOK
	prev_explain_per_plan = explain_per_plan_hook;
	explain_per_plan_hook = phig_explain_per_plan;
#endif
}
