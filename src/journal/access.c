/*
 * access.c
 *		The record of an execution.
 *
 * Each execution that reaches labelled columns is in the list `executions`
 * from ExecutorStart to its end.  What the executor does not end itself (a
 * cursor closed by ROLLBACK, a session that is terminated) the transaction's
 * end does.  Executions inside functions hang from a shared record, one per
 * definition and top-level statement, so that a loop of point reads waits for
 * the disk once.  What code does by SPI outside of any client's statement (a
 * background worker, deferred triggers at commit, a function that the protocol
 * calls) has no such statement: there the transaction takes its place.  All of it
 * lives in one memory context of its own, because a holdable cursor and a
 * procedure outlive transactions.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/progress.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "tcop/pquery.h"
#include "utils/backend_status.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "journal/access.h"
#include "journal/context.h"
#include "journal/session.h"
#include "policy/boundary.h"
#include "settings.h"
#include "subject/capture.h"

/* One record for all executions of one plan inside one top-level statement. */
typedef struct SharedRecord
{
	uint8		id[16];			/* of the definition: hash key */
	uint32		flags;			/* of the start record: hash key too, */
	Oid			role;			/* as is the active role, */
	uint32		claims;			/* and what the session says of itself */
	Oid			function;		/* and the registered one whose own it is */
	uint32		statement;		/* and which top-level statement it is */
	PhigJournalTicket ticket;
	uint64		rows;
	uint32		executions;
	uint32		open;			/* executions not ended yet */
	bool		ran;			/* one of them did */
	int			sqlstate;		/* of the last that failed */
	PhigPersonSet *persons;		/* NULL: none are expected */
} SharedRecord;

#define SHARED_KEY_BYTES offsetof(SharedRecord, ticket)

static MemoryContext access_context = NULL;
static PhigExecution *spare = NULL; /* for the next execution */
PhigAccessOpen phig_access_open = {0};
static dlist_head executions = DLIST_STATIC_INIT(executions);
static HTAB *shared_records = NULL;
static uint32 top_statement = 0;	/* counts those that left a shared record */
static int	fatal_sqlstate = 0;

static void end_record(PhigJournalTicket *ticket, PhigPersonSet *persons, PhigJournalEnd *end);
static void make_spare(void);
static void start_record(PhigExecution *execution, const PhigStatement *statement, uint32 flags);
static void refuse_in_the_open(PhigExecution *execution);
static void record_drift(void);
static SharedRecord *share_record(const PhigStatement *statement, uint32 flags);
static void end_all_shared(void);
static void end_shared(SharedRecord *shared);
static void end_at_exit(int code, Datum arg);
static void forget(PhigExecution *execution);
static void xact_callback(XactEvent event, void *arg);
static void end_of_xact(XactEvent event);
static void subxact_callback(SubXactEvent event, SubTransactionId mySubid,
							 SubTransactionId parentSubid, void *arg);

void
phig_access_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
}

PhigExecution *
phig_access_begin(QueryDesc *query_desc, const PhigStatement *statement, uint32 flags)
{
	PhigExecution *execution;

	if (unlikely(phig_settings_touched))
		record_drift();
	flags |= statement->flags | phig_context_flags();

	/* Allocated first: once the record is appended nothing may fail before it is in the list. */
	if (spare == NULL)
		make_spare();
	execution = spare;
	execution->query_desc = query_desc;
	execution->shared = NULL;
	execution->rows = 0;
	execution->subid = GetCurrentSubTransactionId();
	execution->running = execution->ran = false;
	execution->subjects = NULL;
	execution->persons = NULL;
	execution->workers_tell = false;
	start_record(execution, statement, flags);
	spare = NULL;
	dlist_push_head(&executions, &execution->node);
	phig_access_open.executions++;
	phig_access_open.newest = execution;
	if (unlikely(phig_require_tls) && !phig_session_is_private())
		refuse_in_the_open(execution);
	return execution;
}

/* 45 CFR 164.312(e)(1): on record, and refused. */
static void
refuse_in_the_open(PhigExecution *execution)
{
	phig_access_end(execution, ERRCODE_INSUFFICIENT_PRIVILEGE);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("labelled data does not leave over a network connection without TLS"),
			 errdetail("phiguard.require_tls is on."),
			 errhint("Connect with sslmode=require or stricter, or through a Unix-domain socket.")));
}

PhigExecution *
phig_access_search(QueryDesc *query_desc)
{
	dlist_iter	iter;

	dlist_foreach(iter, &executions)
	{
		PhigExecution *execution = dlist_container(PhigExecution, node, iter.cur);

		if (execution->query_desc == query_desc)
			return execution;
	}
	return NULL;
}

void
phig_access_wait_for_disk(PhigExecution *execution)
{
	/* Refused here, the statement has not run: its record must not end as one that was given up. */
	PG_TRY();
	{
		phig_journal_wait(execution->shared ? execution->shared->ticket.lsn : execution->ticket.lsn);
	}
	PG_CATCH();
	{
		phig_access_end(execution, geterrcode());
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/*
 * A holdable cursor that can scroll starts over when its transaction commits
 * and fills the portal's own store.  FETCH fills a store too, but of another
 * portal than the cursor's.
 */
static bool
has_started_over(const QueryDesc *query_desc)
{
	return ActivePortal && ActivePortal->queryDesc == query_desc && ActivePortal->holdStore &&
		(ActivePortal->cursorOptions & CURSOR_OPT_SCROLL);
}

void
phig_access_count_run(PhigExecution *execution)
{
	uint64		rows = execution->query_desc->estate->es_processed;

	/* What the client has got before comes once more, unless that fails. */
	if (has_started_over(execution->query_desc))
		execution->rows = Max(execution->rows, rows);
	else
		execution->rows += rows;
}

void
phig_access_count_copied(PhigExecution *execution)
{
	const volatile PgBackendStatus *status = MyBEEntry;

	if (status != NULL && status->st_progress_command == PROGRESS_COMMAND_COPY &&
		status->st_progress_param[PROGRESS_COPY_COMMAND] == PROGRESS_COPY_COMMAND_TO)
		execution->rows += status->st_progress_param[PROGRESS_COPY_TUPLES_PROCESSED];
}

void
phig_access_end(PhigExecution *execution, int sqlstate)
{
	SharedRecord *shared = execution->shared;

	/* Workers that are cut off have no time to say whose rows they have handed over. */
	if (sqlstate != 0 && execution->workers_tell)
		phig_persons_unnamed(phig_access_persons(execution));
	if (shared)
	{
		shared->rows += execution->rows;
		shared->ran |= execution->ran;
		shared->open--;
		if (sqlstate != 0)
			shared->sqlstate = sqlstate;
	}
	else
	{
		PhigJournalEnd end = {
			.rows = execution->rows, .executions = 1, .ran = execution->ran, .sqlstate = sqlstate
		};

		/* The row at which it failed may have left in part, or been given to a function. */
		if (execution->persons)
			phig_persons_rows(execution->persons, execution->rows + (sqlstate != 0 ? 1 : 0));
		end_record(&execution->ticket, execution->persons, &end);
	}
	forget(execution);
}

void
phig_access_expect_persons(PhigExecution *execution, const PhigSubjectSources *subjects)
{
	PhigPersonSet **persons = execution->shared ? &execution->shared->persons : &execution->persons;
	volatile bool ready = true;

	if (!phig_capture_is_ready(subjects))
	{
		PG_TRY();
		{
			ready = phig_capture_prepare(subjects);
		}
		PG_CATCH();
		{
			phig_access_end(execution, geterrcode());
			PG_RE_THROW();
		}
		PG_END_TRY();
	}
	if (*persons == NULL)
		*persons = phig_persons_create(subjects->manner);
	if (ready)
	{
		execution->subjects = subjects;
		execution->workers_tell = execution->query_desc->plannedstmt->parallelModeNeeded &&
			phig_subject_has_scans(subjects);
	}
	else
		phig_persons_unnamed(*persons);
}

PhigPersonSet *
phig_access_persons(PhigExecution *execution)
{
	return execution->shared ? execution->shared->persons : execution->persons;
}

PhigJournalTicket *
phig_access_ticket(PhigExecution *execution)
{
	return execution->shared ? &execution->shared->ticket : &execution->ticket;
}

/*
 * Nothing runs, and no client is served, between this run and the execution's end.  A portal that its client can ask
 * again may stay for hours: only the end of its transaction, and outside of a block that is the end of the message,
 * is sure to take it away.
 */
static bool
ends_at_once(const PhigExecution *execution, uint64 count)
{
	Portal		portal = ActivePortal;

	if (portal == NULL || portal->queryDesc != execution->query_desc)
		return true;
	return count == 0 && (!portal->visible || !IsTransactionBlock());
}

void
phig_access_persons_met(PhigExecution *execution, uint64 count)
{
	if (!phig_persons_fit_end(execution->persons) || !ends_at_once(execution, count))
		phig_persons_write(execution->persons, &execution->ticket, false);
}

static void
end_record(PhigJournalTicket *ticket, PhigPersonSet *persons, PhigJournalEnd *end)
{
	if (persons)
		phig_persons_end(persons, ticket, end);
	phig_journal_end(ticket, end);
	if (persons)
		phig_persons_free(persons);
}

void
phig_access_end_statement(void)
{
	if (!phig_in_code())
		end_all_shared();
}

bool
phig_access_note_fatal(int sqlstate)
{
	fatal_sqlstate = sqlstate;
	return !dlist_is_empty(&executions);
}

static void
make_spare(void)
{
	if (access_context == NULL)
	{
		access_context = AllocSetContextCreate(TopMemoryContext, "phiguard executions",
											   ALLOCSET_SMALL_SIZES);
		before_shmem_exit(end_at_exit, (Datum) 0);
	}
	spare = MemoryContextAlloc(access_context, sizeof(PhigExecution));
}

/* A record of the execution's own, or a share in one. */
static void
start_record(PhigExecution *execution, const PhigStatement *statement, uint32 flags)
{
	if (phig_in_code())
	{
		execution->shared = share_record(statement, flags);
		execution->shared->open++;
	}
	else
		phig_journal_start(&statement->def, statement->kind, flags, &execution->ticket);
}

/* A session that weakened its own record says so before its next access. */
static void
record_drift(void)
{
	const char *text = phig_settings_drift();
	PhigDefinition def;

	if (text != NULL)
	{
		phig_statement_event(&def, "SET", text, NIL);
		phig_journal_event(&def, PHIG_KIND_SETTING, phig_context_flags(), PHIG_OUTCOME_OK, 0, false);
	}
	phig_settings_drift_recorded();
}

/* Find or start the record that this execution shares. */
static SharedRecord *
share_record(const PhigStatement *statement, uint32 flags)
{
	SharedRecord key;
	SharedRecord *shared;
	PhigJournalTicket ticket;

	if (shared_records == NULL)
	{
		HASHCTL		ctl = {0};

		ctl.keysize = SHARED_KEY_BYTES;
		ctl.entrysize = sizeof(SharedRecord);
		ctl.hcxt = access_context;
		shared_records = hash_create("phiguard shared records", 64, &ctl,
									 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	memset(&key, 0, sizeof(key));
	memcpy(key.id, statement->def.id, sizeof(key.id));
	key.flags = flags;
	key.role = GetOuterUserId();
	key.claims = phig_claims_generation;
	key.function = phig_boundary_function();
	key.statement = top_statement;
	shared = hash_search(shared_records, &key, HASH_FIND, NULL);
	if (shared == NULL)
	{
		phig_journal_start(&statement->def, statement->kind, flags, &ticket);
		shared = hash_search(shared_records, &key, HASH_ENTER, NULL);
		phig_access_open.shared++;
		shared->ticket = ticket;
		shared->rows = 0;
		shared->executions = 0;
		shared->open = 0;
		shared->ran = false;
		shared->sqlstate = 0;
		shared->persons = NULL;
	}
	shared->executions++;
	return shared;
}

/* Those that still have an execution open (a cursor handed to the client) end with a later statement. */
static void
end_all_shared(void)
{
	HASH_SEQ_STATUS scan;
	SharedRecord *shared;

	if (phig_access_open.shared == 0)
		return;
	hash_seq_init(&scan, shared_records);
	while ((shared = hash_seq_search(&scan)) != NULL)
		if (shared->open == 0)
			end_shared(shared);
	top_statement++;
}

static void
end_shared(SharedRecord *shared)
{
	PhigJournalEnd end = {
		.rows = shared->rows, .executions = shared->executions, .ran = shared->ran, .sqlstate = shared->sqlstate
	};

	end_record(&shared->ticket, shared->persons, &end);
	hash_search(shared_records, shared, HASH_REMOVE, NULL);
	phig_access_open.shared--;
}

static void
forget(PhigExecution *execution)
{
	dlist_delete(&execution->node);
	phig_access_open.executions--;
	if (phig_access_open.newest == execution)
		phig_access_open.newest = NULL;
	if (spare == NULL)
		spare = execution;
	else
		pfree(execution);
}

/* What the executor will not end any more: ok unless it was cut short while it ran. */
static void
end_abandoned(PhigExecution *execution)
{
	int			sqlstate = 0;

	if (execution->running)
		sqlstate = fatal_sqlstate ? fatal_sqlstate : ERRCODE_TRANSACTION_ROLLBACK;
	phig_access_end(execution, sqlstate);
}

/*
 * The session ends, perhaps in the middle of a statement: PG_FINALLY and
 * PG_CATCH blocks do not run then, but the executor's state is still there.
 */
static void
end_at_exit(int code, Datum arg)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &executions)
	{
		PhigExecution *execution = dlist_container(PhigExecution, node, iter.cur);

		if (execution->running && execution->query_desc && execution->query_desc->estate)
			phig_access_count_run(execution);
		else if (execution->running && execution->query_desc == NULL)
			phig_access_count_copied(execution);
		end_abandoned(execution);
	}
	end_all_shared();
}

static void
xact_callback(XactEvent event, void *arg)
{
	if ((event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE || event == XACT_EVENT_ABORT) &&
		(phig_access_open.shared > 0 || phig_access_open.executions > 0))
		end_of_xact(event);
}

static void
end_of_xact(XactEvent event)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &executions)
	{
		PhigExecution *execution = dlist_container(PhigExecution, node, iter.cur);

		/*
		 * Holdable cursors have been stored at commit; what is still open then belongs to a
		 * procedure that goes on, and ends itself, also when a later transaction aborts.
		 */
		if (event != XACT_EVENT_ABORT)
			execution->subid = InvalidSubTransactionId;
		else if (execution->subid != InvalidSubTransactionId)
			end_abandoned(execution);
	}
	/* A procedure's COMMIT or ROLLBACK leaves us inside its CALL; an error does not. */
	if (phig_code_depth <= phig_depth_floor())
		end_all_shared();
}

static void
subxact_callback(SubXactEvent event, SubTransactionId mySubid, SubTransactionId parentSubid,
				 void *arg)
{
	dlist_mutable_iter iter;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	dlist_foreach_modify(iter, &executions)
	{
		PhigExecution *execution = dlist_container(PhigExecution, node, iter.cur);

		if (execution->subid != mySubid)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			execution->subid = parentSubid;
		else
			end_abandoned(execution);
	}
}
