/*
 * utility.c
 *		Utility statements.
 *
 * Three things happen here that no plan can carry: COPY of a table never
 * reaches the planner, so its record is made from the column list; DDL on a
 * labelled relation gets a record of kind ddl, whatever the way it was
 * reached (the object access hook tells which relations a CASCADE met); and
 * a table made from a query gets the labels that its query's result has.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/copy.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_node.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "compat.h"
#include "enforce/enforce.h"
#include "flow/flow.h"
#include "journal/context.h"
#include "journal/derive.h"
#include "journal/normalize.h"
#include "journal/plan.h"
#include "journal/probe.h"
#include "journal/touched.h"
#include "journal/utility.h"
#include "scan/arrivals.h"
#include "subject/path.h"

#define COLUMNS_PER_RECORD 100

static PhigUtility *current = NULL; /* innermost statement that may touch labelled relations */
static bool finishing = false;	/* it has run, and labels follow */

static bool wraps_query(Node *stmt);
static PhigExecution *begin_copy(PhigUtility *utility, PlannedStmt *pstmt,
								 const char *query_string);
static void run_instead(PhigUtility *utility, PlannedStmt *pstmt, CopyStmt *instead);
static bool restrict_copy(PhigUtility *utility, PlannedStmt *pstmt, const char *query_string, Oid relid);
static void restrict_ddl(PhigUtility *utility, PlannedStmt *pstmt, const char *query_string);
static CreateTableAsStmt *table_from_query(Node *stmt);
static Oid	made_relation(const CreateTableAsStmt *stmt);
static void start_ddl(PhigUtility *utility, PlannedStmt *pstmt, const char *query_string);
static List *some_of(List *columns, int from);
static void record_columns(PhigUtility *utility, PlannedStmt *pstmt, const char *query_string, List *columns, int from);
static void record_setting(Node *stmt);
static const char *text_of(PhigUtility *utility, PlannedStmt *pstmt, const char *query_string);

void
phig_utility_enter(PhigUtility *utility, Node *stmt)
{
	memset(utility, 0, sizeof(*utility));
	utility->outer = current;
	/* now that of the portal around it; inside CREATE TABLE AS EXECUTE there is another */
	utility->context = PortalContext ? PortalContext : CurrentMemoryContext;
	utility->depth = phig_code_depth;
	utility->wraps_query = wraps_query(stmt);
	current = utility;
	finishing = false;
}

void
phig_utility_begin(PhigUtility *utility, PlannedStmt *pstmt, const char *query_string)
{
	Node	   *stmt = pstmt->utilityStmt;

	/* Transaction commands may run without a valid transaction: nothing here concerns them. */
	if (IsA(stmt, TransactionStmt) || !IsTransactionState())
		return;

	if (IsA(stmt, CopyStmt) && ((CopyStmt *) stmt)->relation)
		utility->copy = begin_copy(utility, pstmt, query_string);
	else if (table_from_query(stmt))
		utility->derived = phig_derive_labels(table_from_query(stmt));
	else
	{
		record_setting(stmt);
		phig_touched_named(utility, stmt);
		if (phig_enforce_session())
			restrict_ddl(utility, pstmt, query_string);
		if (utility->columns)
			start_ddl(utility, pstmt, query_string);
		utility->follow = phig_follow_before(stmt);
	}
	if (IsA(stmt, CopyStmt) || IsA(stmt, VacuumStmt))
	{
		/* ANALYZE ends the transaction that this is made in */
		MemoryContext old = MemoryContextSwitchTo(utility->context);

		utility->unseen = phig_arrivals_before(stmt);
		MemoryContextSwitchTo(old);
	}
	utility->running = true;
}

void
phig_utility_finish(PhigUtility *utility, PlannedStmt *pstmt, const char *query_string, uint64 rows)
{
	Node	   *stmt = pstmt->utilityStmt;

	current = utility->outer;
	if (utility->copy)
	{
		phig_access_rows(utility->copy, rows);
		phig_access_end(utility->copy, 0);
		utility->copy = NULL;
	}
	finishing = true;
	if (utility->follow)
		phig_follow_after(utility->follow);
	if (utility->derived)
		phig_derive_apply(made_relation(table_from_query(stmt)), utility->derived);
	if (IsA(stmt, RefreshMatViewStmt))
	{
		Oid			relid = RangeVarGetRelid(((RefreshMatViewStmt *) stmt)->relation, NoLock, false);

		phig_derive_apply(relid, phig_derive_refreshed(relid));
	}
	/* With labels where labels go: what has none now is new to us. */
	if (utility->arrivals)
		phig_arrivals_judge(utility->arrivals);
	if (utility->unseen)
		phig_arrivals_loaded(utility->unseen, IsA(stmt, CopyStmt));
	finishing = false;
	/* What it turned out to reach: by CASCADE, by inheritance. */
	if (utility->late_columns)
		record_columns(utility, pstmt, query_string, utility->late_columns, 0);
	if (utility->started)
		phig_journal_end(&utility->ticket, &(PhigJournalEnd) {.executions = 1});
	utility->started = false;
}

void
phig_utility_failed(PhigUtility *utility, int sqlstate)
{
	current = utility->outer;
	finishing = false;
	if (utility->copy)
	{
		phig_access_count_copied(utility->copy);
		phig_access_end(utility->copy, sqlstate);
	}
	if (utility->started)
		phig_journal_end(&utility->ticket, &(PhigJournalEnd) {.executions = 1, .sqlstate = sqlstate});
}

bool
phig_utility_is_labelled(const PhigUtility *utility)
{
	return utility->copy != NULL || utility->touched != NIL;
}

void
phig_utility_object_access(ObjectAccessType access, Oid classId, Oid objectId, int subId, void *arg)
{
	if (current == NULL || classId != RelationRelationId)
		return;
	if (access == OAT_POST_CREATE)
	{
		MemoryContext old = MemoryContextSwitchTo(current->context);

		current->arrivals = phig_arrivals_note(current->arrivals, objectId, subId, arg);
		MemoryContextSwitchTo(old);
	}
	if (access == OAT_DROP || access == OAT_POST_ALTER || access == OAT_TRUNCATE)
		phig_touched_note(current, objectId);
}

void
phig_utility_label_changed(Oid classId, Oid objectId, int subId, const char *old_label,
						   const char *new_label)
{
	PhigDefinition def;
	char	   *text = psprintf("%s -> %s", old_label ? old_label : "(none)",
								new_label ? new_label : "(none)");
	uint32		flags;
	char	   *name;

	if (!phig_active())
		return;
	flags = phig_context_flags();
	/* The client's own SECURITY LABEL is no function, though commands count as what may run one. */
	if (current && current->depth == 0 && !finishing)
		flags &= ~PHIG_FLAG_FUNCTION;
	if (classId == RelationRelationId)
		name = phig_column_path(objectId, subId);
	else
		name = format_type_extended(objectId, -1, FORMAT_TYPE_FORCE_QUALIFY);
	phig_statement_event(&def, "SECURITY LABEL", text, name ? list_make1(name) : NIL);
	phig_journal_event(&def, PHIG_KIND_POLICY, flags, PHIG_OUTCOME_OK, 0, true);
}

/* Commands that plan and run one query for the client, and no code of their own before it. */
static bool
wraps_query(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_CopyStmt:
			return !((CopyStmt *) stmt)->is_from;
		case T_ExplainStmt:
		case T_CreateTableAsStmt:
		case T_RefreshMatViewStmt:
		case T_PrepareStmt:
		case T_ExecuteStmt:
		case T_DeclareCursorStmt:
		case T_FetchStmt:
		case T_ClosePortalStmt:
		case T_TransactionStmt:
			return true;
		default:
			return false;
	}
}

/*
 * COPY table TO and FROM.  Of a table with a subject COPY TO becomes a query, which says whose rows leave.  Missing
 * relations, columns and privileges are left to the command itself to complain about: a denied attempt is on
 * record too.
 */
static PhigExecution *
begin_copy(PhigUtility *utility, PlannedStmt *pstmt, const char *query_string)
{
	CopyStmt   *stmt = (CopyStmt *) pstmt->utilityStmt;
	Oid			relid = RangeVarGetRelid(stmt->relation, AccessShareLock, true);
	PhigExecution *execution = NULL;
	PhigStatement statement;
	PhigFlow   *flow;
	Relation	rel;
	List	   *attnos;
	uint64		fingerprint;

	if (!OidIsValid(relid) || phig_label_relation(relid) == NULL)
		return NULL;
	if (stmt->is_from)
		phig_probe_guard(relid);
	if (!stmt->is_from && phig_enforce_session() && phig_policy_governs(relid) &&
		restrict_copy(utility, pstmt, query_string, relid))
		return NULL;
	/* Under row-level security COPY TO becomes a query, which makes its own record. */
	if (!stmt->is_from && check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		return NULL;
	rel = relation_open(relid, NoLock);
	attnos = CopyGetAttnums(RelationGetDescr(rel), rel, stmt->attlist);
	relation_close(rel, NoLock);
	flow = stmt->is_from ? phig_flow_copy_from(relid, attnos) : phig_flow_copy_to(relid, attnos);
	if (flow == NULL)
		return NULL;
	/* Without the server's counts nobody would know what had left before a failure. */
	if (!stmt->is_from && get_rel_relkind(relid) == RELKIND_RELATION &&
		(phig_subject_path(relid) != NULL || !pgstat_track_activities))
	{
		run_instead(utility, pstmt, phig_enforce_copy_of_query(stmt, relid, attnos));
		return NULL;
	}

	utility->text = phig_normalize(query_string, pstmt->stmt_location, pstmt->stmt_len,
								   (Node *) stmt, &fingerprint);
	phig_statement_build(&statement, flow, "COPY", utility->text, fingerprint);
	if (statement.def.len > 0)
	{
		execution = phig_access_begin(NULL, &statement, PHIG_FLAG_COPY);
		phig_access_running(execution, true);
		/* Inside the command data starts to flow at once. */
		phig_access_wait(execution);
	}
	return execution;
}

/* True where a query takes the place of COPY table TO; it makes its own record. */
static bool
restrict_copy(PhigUtility *utility, PlannedStmt *pstmt, const char *query_string, Oid relid)
{
	CopyStmt   *stmt = (CopyStmt *) pstmt->utilityStmt;
	Relation	rel = relation_open(relid, NoLock);
	List	   *attnos = CopyGetAttnums(RelationGetDescr(rel), rel, stmt->attlist);
	PhigRefusal refusal;
	CopyStmt   *instead;

	relation_close(rel, NoLock);
	if (!phig_enforce_copy_to(stmt, relid, attnos, &instead, &refusal))
	{
		PhigFlow   *flow = phig_flow_copy_to(relid, attnos);

		phig_plan_refused(flow, "COPY", (Node *) stmt, query_string, pstmt->stmt_location, pstmt->stmt_len);
		phig_enforce_refuse(&refusal);
	}
	if (instead == NULL)
		return false;
	run_instead(utility, pstmt, instead);
	return true;
}

/* A query in the place of COPY table TO, which no planner sees. */
static void
run_instead(PhigUtility *utility, PlannedStmt *pstmt, CopyStmt *instead)
{
	utility->instead = makeNode(PlannedStmt);
	*utility->instead = *pstmt;
	utility->instead->utilityStmt = (Node *) instead;
}

/* CREATE TABLE AS, also under EXPLAIN: with ANALYZE that makes the table too. */
static CreateTableAsStmt *
table_from_query(Node *stmt)
{
	if (IsA(stmt, ExplainStmt))
		stmt = castNode(Query, ((ExplainStmt *) stmt)->query)->utilityStmt;
	return stmt && IsA(stmt, CreateTableAsStmt) ? (CreateTableAsStmt *) stmt : NULL;
}

/* Where it was made, not where the search path finds its name first. */
static Oid
made_relation(const CreateTableAsStmt *stmt)
{
	return get_relname_relid(stmt->into->rel->relname,
							 RangeVarGetCreationNamespace(stmt->into->rel));
}

static const char *
text_of(PhigUtility *utility, PlannedStmt *pstmt, const char *query_string)
{
	uint64		fingerprint;

	if (utility->text == NULL)
		utility->text = phig_normalize(query_string, pstmt->stmt_location, pstmt->stmt_len,
									   pstmt->utilityStmt, &fingerprint);
	return utility->text;
}

/* Before the fact: expressions in DDL can leak as well as any query. */
static void
start_ddl(PhigUtility *utility, PlannedStmt *pstmt, const char *query_string)
{
	PhigDefinition def;

	phig_statement_event(&def, CreateCommandName(pstmt->utilityStmt),
						 text_of(utility, pstmt, query_string), some_of(utility->columns, 0));
	phig_journal_start(&def, PHIG_KIND_DDL, phig_context_flags(), &utility->ticket);
	utility->started = true;
	phig_journal_wait(utility->ticket.lsn);
	record_columns(utility, pstmt, query_string, utility->columns, COLUMNS_PER_RECORD);
}

/* What sees values that the session may not is refused, on record. */
static void
restrict_ddl(PhigUtility *utility, PlannedStmt *pstmt, const char *query_string)
{
	PhigRefusal refusal;
	PhigDefinition def;

	if (phig_enforce_ddl(pstmt->utilityStmt, utility->touched, &refusal))
		return;
	phig_statement_event(&def, CreateCommandName(pstmt->utilityStmt),
						 text_of(utility, pstmt, query_string), some_of(utility->columns, 0));
	phig_journal_event(&def, PHIG_KIND_DDL, phig_context_flags(), PHIG_OUTCOME_ERROR,
					   ERRCODE_INSUFFICIENT_PRIVILEGE, true);
	phig_enforce_refuse(&refusal);
}

/* Those from some on, as many as surely fit into a record. */
static List *
some_of(List *columns, int from)
{
	return list_truncate(list_copy_tail(columns, from), COLUMNS_PER_RECORD);
}

static void
record_columns(PhigUtility *utility, PlannedStmt *pstmt, const char *query_string, List *columns, int from)
{
	for (; from < list_length(columns); from += COLUMNS_PER_RECORD)
	{
		PhigDefinition def;

		phig_statement_event(&def, CreateCommandName(pstmt->utilityStmt),
							 text_of(utility, pstmt, query_string), some_of(columns, from));
		phig_journal_event(&def, PHIG_KIND_DDL, phig_context_flags(), PHIG_OUTCOME_OK, 0, true);
	}
}

/* ALTER SYSTEM, ROLE, DATABASE ... SET phiguard.x, whose values are words of ours or names of roles and files. */
static void
record_setting(Node *stmt)
{
	VariableSetStmt *set = NULL;
	PhigDefinition def;

	if (IsA(stmt, AlterSystemStmt))
		set = ((AlterSystemStmt *) stmt)->setstmt;
	else if (IsA(stmt, AlterRoleSetStmt))
		set = ((AlterRoleSetStmt *) stmt)->setstmt;
	else if (IsA(stmt, AlterDatabaseSetStmt))
		set = ((AlterDatabaseSetStmt *) stmt)->setstmt;
	if (set == NULL || !phig_active())
		return;
	if (set->kind != VAR_RESET_ALL && pg_strncasecmp(set->name, "phiguard.", 9) != 0)
		return;
	phig_statement_event(&def, CreateCommandName(stmt), set->name ? set->name : "RESET ALL", NIL);
	phig_journal_event(&def, PHIG_KIND_SETTING, phig_context_flags(), PHIG_OUTCOME_OK, 0, true);
}
