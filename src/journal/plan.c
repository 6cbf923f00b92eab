/*
 * plan.c
 *		From the planner to the executor.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "commands/createas.h"
#include "catalog/pg_type.h"
#include "nodes/bitmapset.h"
#include "nodes/nodeFuncs.h"
#include "tcop/cmdtag.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"

#include "compat.h"
#include "errors.h"
#include "extract/extract.h"
#include "journal/carrier.h"
#include "journal/context.h"
#include "journal/format.h"
#include "journal/inherited.h"
#include "journal/normalize.h"
#include "journal/plan.h"
#include "label/label.h"
#include "policy/boundary.h"
#include "settings.h"
#include "subject/capture.h"
#include "subject/written.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PhigPlanning *phig_plan_capture = NULL;
bool		phig_plan_rehearsed = false;
bool		phig_plan_only_shown = false;

static bool reads_beside(Query *query, List *extracts);
static List *enter_extracts(Query *query, const char *query_string);
static void restrict_query(Query *query, const char *query_string, PhigPlanning *planning);
static PhigSubjectSources *trace_subjects(Query *query, PhigPlanning *planning);
static void rehearse(const Query *query, PhigPlanning *planning);
static bool makes_table(void);
static void guard_relation_made(const PlannedStmt *plan, const PhigCarrier *carrier);
static void record_refusal(const PhigStatement *statement);
static bool hides_plan(const PhigCarrier *carrier);
static void guard_extracts(const PlannedStmt *plan, const PhigCarrier *carrier);
static void guard(const PlannedStmt *plan, const PhigCarrier *carrier, const PhigStatement *statement);
static bool needs_persons(const PhigSubjectSources *subjects);
static const char *command_of(CmdType command);
static inline bool meets_labels(const PlannedStmt *plan);
static void describe_unseen(const QueryDesc *query_desc, PhigStatement *statement);
static uint32 adapt_to_wrapper(QueryDesc *query_desc, PhigStatement *statement);
static void check_unlabelled_stores(const char *columns);

bool
phig_plan_begin(Query *query, const char *query_string, PhigPlanning *planning)
{
	List	   *extracts = enter_extracts(query, query_string);

	phig_extract_hide(extracts);
	restrict_query(query, query_string, planning);
	phig_extract_show(extracts);
	planning->flow = phig_flow_analyze(query);
	if (planning->flow == NULL && extracts == NIL)
		return false;
	if (planning->flow == NULL)
		planning->flow = palloc0(sizeof(PhigFlow));
	planning->flow->extracts = phig_extract_disclosures(extracts);
	if (extracts != NIL && reads_beside(query, extracts))
		planning->flow->flags |= PHIG_FLOW_BESIDE_EXTRACT;
	if (planning->enforced.asked)
		phig_flow_add_withheld(planning->flow, planning->enforced.asked);
	planning->text = phig_normalize(query_string, query->stmt_location, query->stmt_len,
									(Node *) query, &planning->fingerprint);
	phig_statement_build(&planning->statement, planning->flow, command_of(query->commandType),
						 planning->text, planning->fingerprint);
	phig_extract_hide(extracts);
	rehearse(query, planning);
	phig_extract_show(extracts);
	phig_extract_add(extracts, &planning->enforced);
	planning->depth = phig_code_depth;
	planning->subjects = trace_subjects(query, planning);
	if (phig_plan_capture && phig_plan_capture->depth == planning->depth)
		*phig_plan_capture = *planning;
	return true;
}

/* Does the query reach labelled columns elsewhere than in its extracts?  Their method says nothing of those. */
static bool
reads_beside(Query *query, List *extracts)
{
	PhigFlow   *flow;

	phig_extract_hide(extracts);
	flow = phig_flow_analyze(query);
	phig_extract_show(extracts);
	return flow != NULL && (flow->returned.nitems > 0 || flow->referenced.nitems > 0);
}

/* The boundaries of extracts, settled. */
static List *
enter_extracts(Query *query, const char *query_string)
{
	PhigRefusal refusal;
	List	   *extracts = phig_extract_enter(query, &refusal);

	if (refusal.message != NULL)
	{
		phig_plan_refused(phig_flow_analyze(query), command_of(query->commandType), (Node *) query, query_string,
						  query->stmt_location, query->stmt_len);
		phig_enforce_refuse(&refusal);
	}
	return extracts;
}

/* Last of all: what is added here is nobody's access. */
static PhigSubjectSources *
trace_subjects(Query *query, PhigPlanning *planning)
{
	PhigSubjectSources *none;

	if (planning->statement.def.len == 0 ||
		(phig_plan_only_shown && phig_plan_capture && phig_plan_capture->depth == planning->depth))
		return NULL;
	/* The server's own look whether a key is there shows nobody's row. */
	if (query->commandType == CMD_SELECT && phig_enforce_is_constraint())
	{
		none = palloc0(sizeof(PhigSubjectSources));
		none->bytes = sizeof(PhigSubjectSources);
		none->captured = true;
		return none;
	}
	return phig_subject_trace(query, &planning->enforced.functions);
}

/* What is recorded is the query as it will run. */
static void
restrict_query(Query *query, const char *query_string, PhigPlanning *planning)
{
	PhigRefusal refusal;

	memset(&planning->enforced, 0, sizeof(planning->enforced));
	if (phig_mode != PHIG_MODE_ENFORCE || query->commandType == CMD_UTILITY)
		return;
	phig_enforce_statistics(query);
	if (!phig_enforce_session())
		planning->enforced.stamp = phig_policy_stamp();
	else if (!phig_enforce_query(query, makes_table(), &planning->enforced, &refusal))
	{
		phig_plan_refused(phig_flow_analyze(query), command_of(query->commandType), (Node *) query, query_string,
						  query->stmt_location, query->stmt_len);
		phig_enforce_refuse(&refusal);
	}
}

/* What mode enforce would do, where it does not: the plan is then one for this role and purpose too. */
static void
rehearse(const Query *query, PhigPlanning *planning)
{
	PhigRehearsal rehearsal;

	planning->flags = 0;
	if (planning->enforced.applies || planning->enforced.constraint || !phig_policy_in_use())
		return;
	phig_enforce_rehearse(query, &rehearsal);
	planning->enforced.stamp = rehearsal.stamp;
	phig_plan_rehearsed = true;
	if (rehearsal.would_deny)
		planning->flags |= PHIG_FLAG_WOULD_DENY;
	if (rehearsal.would_transform)
		planning->flags |= PHIG_FLAG_WOULD_TRANSFORM;
}

/* Is the query that is being planned that of CREATE TABLE AS, or the like? */
static bool
makes_table(void)
{
	return phig_wrapper_command && IsA(phig_wrapper_command, CreateTableAsStmt);
}

void
phig_plan_refused(const PhigFlow *flow, const char *command, Node *node, const char *query_string, int location,
				  int len)
{
	PhigStatement statement = {.kind = PHIG_KIND_READ};
	uint64		fingerprint;
	char	   *text = phig_normalize(query_string, location, len, node, &fingerprint);

	if (flow)
		phig_statement_build(&statement, flow, command, text, fingerprint);
	/* It may have asked for no labelled column, and only where there are rows. */
	if (statement.def.len == 0)
		phig_statement_event(&statement.def, command, text, NIL);
	phig_journal_event(&statement.def, statement.kind, statement.flags | phig_context_flags(),
					   PHIG_OUTCOME_ERROR, ERRCODE_INSUFFICIENT_PRIVILEGE, true);
}

void
phig_plan_finish(PlannedStmt *plan, PhigPlanning *planning)
{
	PhigRefusal refusal = {0};

	if (phig_inherited_columns(plan, planning->flow))
	{
		planning->flow->flags |= PHIG_FLOW_APPROXIMATE;
		phig_statement_build(&planning->statement, planning->flow, command_of(plan->commandType),
							 planning->text, planning->fingerprint);
		if (phig_plan_capture && phig_plan_capture->depth == planning->depth)
			*phig_plan_capture = *planning;
	}
	planning->statement.flags |= planning->flags;
	if (!phig_enforce_plan(plan, &planning->enforced, &refusal))
	{
		record_refusal(&planning->statement);
		phig_enforce_refuse(&refusal);
	}
	if (planning->subjects)
		phig_subject_planned(plan, planning->subjects);
	phig_carrier_attach(plan, &planning->statement, planning->flow, &planning->enforced, planning->subjects);
}

/* Apart from phig_plan_start, so that it needs no stack for the carrier. */
static PhigExecution *
start_labelled(QueryDesc *query_desc)
{
	PlannedStmt *plan = query_desc->plannedstmt;
	PhigCarrier carrier = {0};
	PhigExecution *execution;
	uint32		flags = 0;
	bool		carried = phig_carrier_read(plan, &carrier);

	if (carried && carrier.extracts[0] != '\0')
		guard_extracts(plan, &carrier);
	if (carried && !phig_carrier_is_stale(plan, &carrier))
	{
		guard(plan, &carrier, &carrier.statement);
		if (carrier.unlabelled_stores[0] != '\0')
			check_unlabelled_stores(carrier.unlabelled_stores);
		if (carrier.statement.def.len == 0)
			return NULL;
	}
	else
	{
		if (!meets_labels(plan))
			return NULL;
		describe_unseen(query_desc, &carrier.statement);
		guard(plan, NULL, &carrier.statement);
		if (carrier.statement.def.len == 0)
			return NULL;
		flags |= PHIG_FLAG_UNSEEN_PLAN;
		carrier.subjects = NULL;
	}
	if (phig_wrapper_command)
		flags |= adapt_to_wrapper(query_desc, &carrier.statement);
	if (carrier.subjects && carrier.subjects->captured)
		flags |= PHIG_FLAG_PERSONS;
	execution = phig_access_begin(query_desc, &carrier.statement, flags);
	if (carrier.subjects && carrier.subjects->captured && needs_persons(carrier.subjects))
		phig_access_expect_persons(execution, carrier.subjects);
	return execution;
}

static bool
needs_persons(const PhigSubjectSources *subjects)
{
	return subjects->nsources > 0 || subjects->manner == PHIG_MANNER_WRITTEN;
}

void
phig_plan_started(QueryDesc *query_desc, PhigExecution *execution)
{
	const PhigSubjectSources *subjects = execution->subjects;

	if (subjects == NULL)
		return;
	phig_capture_begin(query_desc, subjects, phig_access_persons(execution), execution->shared == NULL);
	if (query_desc->plannedstmt->parallelModeNeeded && phig_subject_has_scans(subjects))
		phig_carrier_tell_workers(query_desc, phig_access_ticket(execution)->seq);
}

void
phig_plan_ran(QueryDesc *query_desc, PhigExecution *execution)
{
	if (execution->subjects != NULL)
		phig_written_settle(query_desc, execution->subjects, phig_access_persons(execution));
}

/* In every mode, for everybody. */
static void
guard_extracts(const PlannedStmt *plan, const PhigCarrier *carrier)
{
	PhigRefusal refusal = {0};
	bool		open = phig_extract_still_open(carrier->extracts, &refusal);

	if (open && !phig_carrier_is_stale(plan, carrier))
		return;
	if (open)
	{
		refusal.message = "labels of a table that an extract reads have changed since the statement was planned";
		refusal.hint = "Run it again.";
	}
	record_refusal(&carrier->statement);
	phig_enforce_refuse(&refusal);
}

/* Only a plan that was made for this very subject and these policies may run; without a carrier, for nobody. */
static void
guard(const PlannedStmt *plan, const PhigCarrier *carrier, const PhigStatement *statement)
{
	PhigRefusal refusal = {0};

	if (!phig_enforce_session())
		return;
	if (carrier && carrier->constraint && phig_enforce_is_constraint())
		return;
	if (carrier && !carrier->constraint && carrier->stamp == phig_policy_stamp())
	{
		if (carrier->restricted && phig_wrapper_command)
			guard_relation_made(plan, carrier);
		return;
	}
	if (phig_enforce_unseen(plan, &refusal))
		return;
	phig_policy_forget_plans();
	record_refusal(statement);
	phig_enforce_refuse(&refusal);
}

/* Of a plan that was made, and may not be run or shown. */
static void
record_refusal(const PhigStatement *statement)
{
	if (statement->def.len > 0)
		phig_journal_event(&statement->def, statement->kind, statement->flags | phig_context_flags(),
						   PHIG_OUTCOME_ERROR, ERRCODE_INSUFFICIENT_PRIVILEGE, true);
}

/* A restricted session may make a table of what it is shown, but not pass that off for what it stands for. */
static void
guard_relation_made(const PlannedStmt *plan, const PhigCarrier *carrier)
{
	ListCell   *lc;

	if (IsA(phig_wrapper_command, RefreshMatViewStmt))
	{
		record_refusal(&carrier->statement);
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the materialized view would be filled with what this session's purpose shows"),
				 errhint("REFRESH takes a role that sees all columns and rows of what it is made from.")));
	}
	if (!IsA(phig_wrapper_command, CreateTableAsStmt))
		return;
	foreach(lc, plan->planTree->targetlist)
	{
		const TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Oid			type = exprType((Node *) tle->expr);

		if (tle->resjunk || get_typtype(type) != TYPTYPE_DOMAIN)
			continue;
		record_refusal(&carrier->statement);
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("column \"%s\" would hold what the purpose shows, and claim to be of type %s",
						tle->resname ? tle->resname : "?", format_type_be(type)),
				 errhint("Cast it to %s in the query.", format_type_be(getBaseType(type)))));
	}
}

bool
phig_plan_may_hide(void)
{
	return phig_enforce_session() || phig_extract_in_use();
}

/* What an extract is made of is nobody's business who merely reads it, in any mode. */
static bool
hides_plan(const PhigCarrier *carrier)
{
	if (!carrier->restricted)
		return false;
	return phig_enforce_session() || (carrier->extracts[0] != '\0' && !phig_policy_subject()->exempt);
}

bool
phig_plan_may_be_shown(Query *query, const char *query_string, int cursor_options, ParamListInfo params,
					   bool analyze)
{
	PhigCarrier carrier;
	PlannedStmt *plan = pg_plan_query(copyObject(query), query_string, cursor_options, params);

	if (!phig_carrier_read(plan, &carrier) || !hides_plan(&carrier))
		return true;
	if (analyze)
		phig_plan_explained(plan);
	return false;
}

void
phig_plan_explained(const PlannedStmt *plan)
{
	PhigCarrier carrier;

	if (!phig_carrier_read(plan, &carrier) || !hides_plan(&carrier))
		return;
	record_refusal(&carrier.statement);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("the plan of a statement that does not see all columns and rows is not shown"),
			 errdetail("Costs, row counts and conditions tell of what is hidden."),
			 errhint("EXPLAIN without ANALYZE of the statement itself shows its PHI Access.")));
}

void
phig_plan_running(QueryDesc *query_desc, PhigExecution *execution)
{
	PhigCarrier carrier;

	if (!phig_carrier_read(query_desc->plannedstmt, &carrier) || !OidIsValid(carrier.function) ||
		carrier.function == phig_boundary_function() || !phig_enforce_session())
		return;
	if (execution)
		phig_access_end(execution, ERRCODE_INSUFFICIENT_PRIVILEGE);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("a cursor of a registered function may not be read outside of it"),
			 errdetail("The function was registered to show what it returns, not what it reads."),
			 errhint("RETURN QUERY returns the rows themselves.")));
}

static inline bool
meets_labels(const PlannedStmt *plan)
{
	ListCell   *lc;

	foreach(lc, plan->rtable)
	{
		const RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION && phig_label_relation(rte->relid) != NULL)
			return true;
	}
	return false;
}

PhigExecution *
phig_plan_start(QueryDesc *query_desc)
{
	if (phig_carrier_may_be_in(query_desc->plannedstmt) || meets_labels(query_desc->plannedstmt))
		return start_labelled(query_desc);
	return NULL;
}

static const char *
command_of(CmdType command)
{
	switch (command)
	{
		case CMD_SELECT:
			return "SELECT";
		case CMD_INSERT:
			return "INSERT";
		case CMD_UPDATE:
			return "UPDATE";
		case CMD_DELETE:
			return "DELETE";
		case CMD_MERGE:
			return "MERGE";
		default:
			return "???";
	}
}

/* Every labelled column that the plan may select is returned, every one that it may assign is written. */
static void
describe_unseen(const QueryDesc *query_desc, PhigStatement *statement)
{
	const PlannedStmt *plan = query_desc->plannedstmt;
	PhigFlow	flow = {0};
	uint64		fingerprint;
	char	   *text;
	int			capacity = 0;
	ListCell   *lc;

	foreach(lc, plan->rtable)
	{
		const RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
		PhigRelLabels *labels;
		Bitmapset  *selected,
				   *assigned;

		if (rte->rtekind != RTE_RELATION || phig_label_relation(rte->relid) == NULL)
			continue;
		labels = phig_label_relation_copy(rte->relid);
		phig_compat_rte_columns(plan, rte, &selected, &assigned);
		capacity += labels->natts;
		flow.returned.items = flow.returned.items ?
			repalloc(flow.returned.items, capacity * sizeof(PhigFlowItem)) :
			palloc(capacity * sizeof(PhigFlowItem));
		flow.written.items = flow.written.items ?
			repalloc(flow.written.items, capacity * sizeof(PhigFlowItem)) :
			palloc(capacity * sizeof(PhigFlowItem));
		for (AttrNumber attno = 1; attno <= labels->natts; attno++)
		{
			PhigFlowItem item = {.relid = rte->relid, .attno = attno,
			.form = PHIG_FORM_CLEAR, .label = labels->cols[attno - 1]};
			int			bit = attno - FirstLowInvalidHeapAttributeNumber;
			int			whole_row = InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber;

			if (!phig_label_is_phi(&item.label))
				continue;
			if (bms_is_member(bit, selected) || bms_is_member(whole_row, selected))
				flow.returned.items[flow.returned.nitems++] = item;
			if (bms_is_member(bit, assigned))
				flow.written.items[flow.written.nitems++] = item;
		}
	}
	(void) phig_inherited_columns(plan, &flow);
	text = phig_normalize(query_desc->sourceText, plan->stmt_location, plan->stmt_len, NULL,
						  &fingerprint);
	phig_statement_build(statement, &flow, command_of(plan->commandType), text, fingerprint);
}

/* A command that runs a query for the client: its tag, and where the rows go. */
static uint32
adapt_to_wrapper(QueryDesc *query_desc, PhigStatement *statement)
{
	CommandDest dest = query_desc->dest ? query_desc->dest->mydest : DestNone;
	bool		into_relation = dest == DestIntoRel || dest == DestTransientRel;
	Node	   *command = phig_wrapper_command;
	PhigStatement adapted;
	uint32		flags = 0;

	switch (nodeTag(command))
	{
		case T_ExplainStmt:
			flags |= PHIG_FLAG_EXPLAIN;
			if (!into_relation)
				return flags;
			command = castNode(Query, ((ExplainStmt *) command)->query)->utilityStmt;
			break;
		case T_CopyStmt:
			flags |= PHIG_FLAG_COPY;
			break;
		case T_CreateTableAsStmt:
			/* AS EXECUTE names its receiver only when the plan runs. */
			into_relation = true;
			break;
		case T_RefreshMatViewStmt:
			break;
		default:
			return 0;
	}
	phig_statement_retarget(&adapted, statement, CreateCommandName(command),
							into_relation);
	*statement = adapted;
	return flags;
}

static void
check_unlabelled_stores(const char *columns)
{
	switch ((PhigOnUnlabelled) phig_on_unlabelled_store)
	{
		case PHIG_UNLABELLED_IGNORE:
			return;
		case PHIG_UNLABELLED_NOTICE:
			ereport(NOTICE,
					(errcode(PHIG_ERRCODE_UNLABELLED_STORE),
					 errmsg("labelled data is stored in columns without a label: %s", columns),
					 errhint("Label them with phiguard.label(), so that later reads are on record.")));
			return;
		case PHIG_UNLABELLED_ERROR:
			ereport(ERROR,
					(errcode(PHIG_ERRCODE_UNLABELLED_STORE),
					 errmsg("labelled data may not be stored in columns without a label: %s", columns),
					 errdetail("phiguard.on_unlabelled_store is error."),
					 errhint("Label them with phiguard.label() first.")));
	}
}
