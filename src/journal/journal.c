/*
 * journal.c
 *		The journal's front: start, wait, end, event.
 *
 * Builds the records that journal.h speaks of and decides what a fault means
 * to the caller.  Leaders of parallel queries append for their workers' part of
 * the plan; workers append what functions run in them.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "replication/walsender.h"
#include "storage/ipc.h"
#include "utils/elog.h"

#include "journal/flush.h"
#include "journal/journal.h"
#include "journal/keeper.h"
#include "journal/record.h"
#include "journal/ring.h"
#include "journal/session.h"
#include "journal/shared.h"
#include "settings.h"

#define PERSONS_DATA_MAX_BYTES 32768

/* How long an end record waits for room, in steps of a millisecond. */
#define END_PATIENCE_MS 100

/* Has this backend announced itself as one that appends? */
static bool announced = false;

void
phig_journal_init(void)
{
	phig_session_init();
	phig_keeper_register();
}

/* Past the end of the transaction, when nothing more is appended: see that the last records get to disk. */
static void
backend_exit(int code, Datum arg)
{
	PhigFault	fault;

	if (pg_atomic_read_u32(&phig_journal->stopped) == 1 || !IsUnderPostmaster)
		(void) phig_flush_all(&fault);
	if (DatumGetBool(arg))
		pg_atomic_fetch_sub_u32(&phig_journal->appenders, 1);
}

/*
 * The keeper's stop event comes after the last record of every backend that
 * announced itself.  WAL senders outlive the keeper, so it must not wait for them.
 */
static void
announce(void)
{
	bool		counted = !am_walsender;

	announced = true;
	if (counted)
		pg_atomic_fetch_add_u32(&phig_journal->appenders, 1);
	on_shmem_exit(backend_exit, BoolGetDatum(counted));
}

/* Append, flushing when the ring is full. */
static bool
append(PhigAppend *record, PhigFault *fault)
{
	if (unlikely(pg_atomic_read_u32(&phig_journal->state) != PHIG_JOURNAL_OPEN) &&
		!phig_journal_is_open(fault))
		return false;
	if (unlikely(!announced) && !phig_is_keeper)
		announce();
	for (;;)
	{
		PhigAppendResult result = phig_ring_append(record, fault);

		if (likely(result != PHIG_APPEND_FULL))
			return result == PHIG_APPEND_DONE;
		if (!phig_flush_all(fault))
			return false;
		CHECK_FOR_INTERRUPTS();
	}
}

void
phig_journal_start(const PhigDefinition *statement, PhigKind kind, uint32 flags,
				   PhigJournalTicket *ticket)
{
	const PhigDefinition *session = phig_session_definition();
	struct
	{
		PhigRecordHeader header;
		PhigStartBody body;
	}			start;
	PhigAppend	record = {.record = &start.header, .definitions = {statement, session}};
	PhigFault	fault;

	phig_record_begin(&start.header, PHIG_RECORD_START, sizeof(start.body));
	memcpy(start.body.statement, statement->id, PHIG_ID_BYTES);
	memcpy(start.body.session, session->id, PHIG_ID_BYTES);
	start.body.kind = kind;
	start.body.flags = flags;

	if (unlikely(!append(&record, &fault)))
	{
		ticket->seq = 0;
		ticket->lsn = 0;
		phig_fault_raise(&fault, kind == PHIG_KIND_READ || kind == PHIG_KIND_WRITE || kind == PHIG_KIND_DISCLOSURE);
		return;
	}
	ticket->seq = start.header.seq;
	ticket->lsn = record.end;
}

/* For the other modes the ring's memory is safe enough. */
static void
wait_for(PhigJournalLSN lsn, bool access)
{
	PhigFault	fault;

	if (phig_journal_sync != PHIG_SYNC_ON)
		return;
	if (!phig_flush(lsn, &fault))
		phig_fault_raise(&fault, access);
}

void
phig_journal_wait(PhigJournalLSN lsn)
{
	wait_for(lsn, true);
}

static void
put_sqlstate(char text[5], int sqlstate)
{
	memcpy(text, sqlstate == 0 ? "00000" : unpack_sql_state(sqlstate), 5);
}

/* The keeper makes room unless the disk fails; then the end of the record shows as lost. */
static bool
append_patiently(PhigAppend *record)
{
	PhigFault	fault;

	for (int i = 0; i < END_PATIENCE_MS; i++)
	{
		PhigAppendResult result = phig_ring_append(record, &fault);

		if (result != PHIG_APPEND_FULL)
			return result == PHIG_APPEND_DONE;
		phig_keeper_wake();
		pg_usleep(1000);
	}
	return false;
}

static PhigOutcome
outcome_of(int sqlstate)
{
	if (sqlstate == 0)
		return PHIG_OUTCOME_OK;
	if (sqlstate == ERRCODE_QUERY_CANCELED)
		return PHIG_OUTCOME_CANCELLED;
	return PHIG_OUTCOME_ERROR;
}

void
phig_journal_end(const PhigJournalTicket *ticket, const PhigJournalEnd *end)
{
	struct
	{
		PhigRecordHeader header;
		PhigEndBody body;
		uint8		tokens[PHIG_END_TOKENS][PHIG_TOKEN_BYTES];
	}			buffer;
	PhigAppend	record = {.record = &buffer.header, .last_room = true};
	uint32		bytes = end->ntokens * PHIG_TOKEN_BYTES;

	if (ticket->seq == 0 ||
		pg_atomic_read_u32(&phig_journal->state) != PHIG_JOURNAL_OPEN)
		return;

	Assert(bytes <= sizeof(buffer.tokens) && (bytes > 0) == (end->form == PHIG_PERSONS_TOKENS));
	phig_record_begin(&buffer.header, PHIG_RECORD_END, sizeof(buffer.body) + bytes);
	buffer.body.start_seq = ticket->seq;
	buffer.body.rows = end->rows;
	buffer.body.executions = end->executions;
	buffer.body.outcome = outcome_of(end->sqlstate);
	put_sqlstate(buffer.body.sqlstate, end->sqlstate);
	buffer.body.flags = end->ran ? PHIG_END_RAN : 0;
	buffer.body.form = end->form;
	buffer.body.manner = end->manner;
	memset(buffer.body.reserved, 0, sizeof(buffer.body.reserved));
	if (bytes > 0)
		memcpy(buffer.tokens, end->tokens, bytes);
	(void) append_patiently(&record);
}

void
phig_journal_persons(PhigJournalTicket *ticket, uint64 persons, uint8 form, uint8 manner, const void *data,
					 uint32 n)
{
	static union
	{
		PhigRecordHeader header;
		char		bytes[sizeof(PhigRecordHeader) + sizeof(PhigPersonsBody) + PERSONS_DATA_MAX_BYTES];
	}			buffer;
	PhigPersonsBody *body = (PhigPersonsBody *) (&buffer.header + 1);
	uint32		bytes = form == PHIG_PERSONS_TOKENS ? n * PHIG_TOKEN_BYTES : n;
	PhigAppend	record = {.record = &buffer.header, .last_room = true};

	if (ticket->seq == 0 ||
		pg_atomic_read_u32(&phig_journal->state) != PHIG_JOURNAL_OPEN)
		return;

	Assert(bytes <= PERSONS_DATA_MAX_BYTES);
	phig_record_begin(&buffer.header, PHIG_RECORD_PERSONS, sizeof(PhigPersonsBody) + bytes);
	*body = (PhigPersonsBody) {.start_seq = ticket->seq, .persons = persons, .form = form, .manner = manner, .n = n};
	if (bytes > 0)
		memcpy(body + 1, data, bytes);
	if (!append_patiently(&record))
		ticket->seq = 0;
}

void
phig_journal_event(const PhigDefinition *statement, PhigKind kind, uint32 flags,
				   PhigOutcome outcome, int sqlstate, bool wait)
{
	const PhigDefinition *session = phig_is_keeper ?
		phig_session_of_server() : phig_session_definition();
	struct
	{
		PhigRecordHeader header;
		PhigEventBody body;
	}			event = {.body = {.kind = kind, .flags = flags, .outcome = outcome}};
	PhigAppend	record = {.record = &event.header, .definitions = {statement, session}};
	PhigFault	fault;

	phig_record_begin(&event.header, PHIG_RECORD_EVENT, sizeof(event.body));
	memcpy(event.body.statement, statement->id, PHIG_ID_BYTES);
	memcpy(event.body.session, session->id, PHIG_ID_BYTES);
	put_sqlstate(event.body.sqlstate, sqlstate);
	if (!append(&record, &fault))
		phig_fault_raise(&fault, false);
	else if (wait)
		wait_for(record.end, false);
}
