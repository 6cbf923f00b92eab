/*
 * reader.c
 *		phiguard.access_log: the journal as a table.
 *
 * One pass over the segments, parents of this node first.  A start record waits
 * in a hash table for its end record; the joined row goes into a sort by
 * position, which spills to disk as any sort does.  So memory holds the open
 * executions and the definitions that they and the present segment use, however
 * long the log is.
 *
 * An execution that is open at the log's end is running if its session still
 * is, else its end is lost.  A server that starts leaves the open ones of the run
 * before it without an end; they are dropped from memory at the next start after
 * that, because a backend may be quicker than the event of its own server's start.
 *
 * Damage is passed over with a warning: what it is, phiguard.verify_journal() says.
 */
#include "postgres.h"

#include <inttypes.h>

#include "catalog/pg_operator.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplesort.h"

#include "compat.h"
#include "journal/definition.h"
#include "journal/journal.h"
#include "journal/source.h"

PG_FUNCTION_INFO_V1(phiguard_read_log);

/* A damaged journal is not to flood the client. */
#define MAX_WARNINGS 10

/* An execution whose end has not been met. */
typedef struct OpenExecution
{
	uint64		seq;			/* hash key */
	int64		started;
	PhigDictionary *dictionary; /* pinned */
	const PhigMeaning *statement;	/* NULL: the definition is not to be had */
	const PhigMeaning *session;
	uint32		kind;
	uint32		flags;
	uint32		run;			/* how many starts of the server the log has before it */
} OpenExecution;

/* How an execution ended; NULL in its place: not known. */
typedef struct Ending
{
	int64		ended;
	uint64		rows;
	uint32		executions;
	uint8		outcome;
	char		sqlstate[5];
} Ending;

typedef struct LogReader
{
	PhigSource *source;
	Tuplestorestate *result;
	Tuplesortstate *sort;		/* of the node's rows */
	TupleTableSlot *slot;		/* a row to be sorted */
	Datum		no_words;		/* an empty text[] */
	MemoryContext row_context;	/* reset after each row */
	HTAB	   *open;			/* OpenExecution by seq: of the node */
	PhigDictionary *dictionary; /* of the segment */
	const char *node8;
	uint32		run;			/* starts of the server met so far */
	uint64		last_seq;		/* of the node, for warnings */
	int			warnings;
	HTAB	   *sessions;		/* ids of the sessions on this server */
} LogReader;

static const char *const kind_names[] = {
	[PHIG_KIND_READ] = "read",
	[PHIG_KIND_WRITE] = "write",
	[PHIG_KIND_DISCLOSURE] = "disclosure",
	[PHIG_KIND_DENIED] = "denied",
	[PHIG_KIND_PROBE] = "probe",
	[PHIG_KIND_DDL] = "ddl",
	[PHIG_KIND_POLICY] = "policy",
	[PHIG_KIND_SETTING] = "setting",
	[PHIG_KIND_SERVER] = "server",
	[PHIG_KIND_LOG_READ] = "log_read",
};

static const char *const outcome_names[] = {
	[PHIG_OUTCOME_OK] = "ok",
	[PHIG_OUTCOME_ERROR] = "error",
	[PHIG_OUTCOME_CANCELLED] = "cancelled",
};

static const struct
{
	uint32		flag;
	const char *name;
}			flag_names[] = {
	{PHIG_FLAG_EXEMPT, "exempt"},
	{PHIG_FLAG_FUNCTION, "function"},
	{PHIG_FLAG_COPY, "copy"},
	{PHIG_FLAG_REPLICA, "replica"},
	{PHIG_FLAG_EXPLAIN, "explain"},
	{PHIG_FLAG_CONSTRAINT, "constraint"},
	{PHIG_FLAG_UNSEEN_PLAN, "unseen_plan"},
	{PHIG_FLAG_ROW_TRIGGER, "row_trigger"},
	{PHIG_FLAG_APPROXIMATE, "approximate"},
	{PHIG_FLAG_SESSION_USER_CLAIM, "session_user_claim"},
};

/* --- rows --- */

static void
set_column(LogReader *reader, PhigLogColumn column, Datum value)
{
	reader->slot->tts_values[column] = value;
	reader->slot->tts_isnull[column] = false;
}

static void
set_text(LogReader *reader, PhigLogColumn column, const char *text)
{
	set_column(reader, column, CStringGetTextDatum(text));
}

static void
set_time(LogReader *reader, PhigLogColumn column, int64 time)
{
	/* Damage that the checksum did not catch, or a forger, may have written any. */
	if (IS_VALID_TIMESTAMP(time))
		set_column(reader, column, TimestampTzGetDatum(time));
}

static void
set_meaning(LogReader *reader, const PhigMeaning *meaning)
{
	for (int column = 0; meaning != NULL && column < PHIG_LOG_COLUMNS; column++)
		if (meaning->present[column])
			set_column(reader, column, meaning->values[column]);
}

static void
set_flags(LogReader *reader, uint32 flags, const PhigMeaning *statement)
{
	List	   *words = NIL;

	for (int i = 0; i < (int) lengthof(flag_names); i++)
		if (flags & flag_names[i].flag)
			words = lappend(words, unconstify(char *, flag_names[i].name));
	if (statement != NULL)
		words = list_concat_unique(words, statement->flags);
	set_column(reader, PHIG_LOG_FLAGS, phig_text_array(words));
}

static bool
was_denied(const Ending *ending)
{
	return ending != NULL && ending->outcome == PHIG_OUTCOME_ERROR &&
		memcmp(ending->sqlstate, "42501", 5) == 0;
}

static void
set_ending(LogReader *reader, const Ending *ending)
{
	set_time(reader, PHIG_LOG_ENDED, ending->ended);
	set_column(reader, PHIG_LOG_ROWS, Int64GetDatum((int64) ending->rows));
	set_column(reader, PHIG_LOG_EXECUTIONS, Int64GetDatum(ending->executions));
	if (ending->outcome < lengthof(outcome_names) && outcome_names[ending->outcome] != NULL)
		set_text(reader, PHIG_LOG_OUTCOME, outcome_names[ending->outcome]);
	if (strspn(pnstrdup(ending->sqlstate, 5), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5)
		set_text(reader, PHIG_LOG_SQLSTATE, pnstrdup(ending->sqlstate, 5));
}

/* One row.  ending is NULL while it runs, or when its end is lost. */
static void
put_row(LogReader *reader, const OpenExecution *execution, const Ending *ending, bool lost)
{
	TupleTableSlot *slot = reader->slot;
	MemoryContext old = MemoryContextSwitchTo(reader->row_context);
	uint32		kind = was_denied(ending) ? PHIG_KIND_DENIED : execution->kind;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, PHIG_LOG_COLUMNS * sizeof(bool));
	for (int column = PHIG_LOG_RETURNED; column <= PHIG_LOG_CATEGORIES; column++)
		set_column(reader, column, reader->no_words);

	set_meaning(reader, execution->session);
	set_meaning(reader, execution->statement);
	set_flags(reader, execution->flags, execution->statement);
	set_time(reader, PHIG_LOG_STARTED, execution->started);
	set_text(reader, PHIG_LOG_NODE, reader->node8);
	set_column(reader, PHIG_LOG_POSITION, Int64GetDatum((int64) execution->seq));
	if (kind < lengthof(kind_names) && kind_names[kind] != NULL)
		set_text(reader, PHIG_LOG_KIND, kind_names[kind]);
	if (ending != NULL)
		set_ending(reader, ending);
	else if (lost)
		set_text(reader, PHIG_LOG_OUTCOME, "lost");

	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(reader->sort, slot);
	ExecClearTuple(slot);
	MemoryContextSwitchTo(old);
	MemoryContextReset(reader->row_context);
}

/* --- records --- */

static void
start_execution(LogReader *reader, const PhigRecord *record)
{
	PhigStartBody body;
	OpenExecution *execution;
	bool		found;

	phig_parse_start(record, &body);
	execution = hash_search(reader->open, &record->head.seq, HASH_ENTER, &found);
	if (found)
		return;					/* a forger's: the first one counts */
	execution->started = record->head.time;
	execution->dictionary = reader->dictionary;
	execution->statement = phig_dictionary_find(reader->dictionary, body.statement);
	execution->session = phig_dictionary_find(reader->dictionary, body.session);
	execution->kind = body.kind;
	execution->flags = body.flags;
	execution->run = reader->run;
	phig_dictionary_pin(reader->dictionary);
}

static void
close_execution(LogReader *reader, OpenExecution *execution, const Ending *ending, bool lost)
{
	PhigDictionary *dictionary = execution->dictionary;

	put_row(reader, execution, ending, lost);
	hash_search(reader->open, &execution->seq, HASH_REMOVE, NULL);
	phig_dictionary_unpin(dictionary);
}

static void
end_execution(LogReader *reader, const PhigRecord *record)
{
	PhigEndBody body;
	OpenExecution *execution;
	Ending		ending;

	phig_parse_end(record, &body);
	execution = hash_search(reader->open, &body.start_seq, HASH_FIND, NULL);
	if (execution == NULL)
		return;					/* its start is damaged, or was retired with its segment */
	ending.ended = record->head.time;
	ending.rows = body.rows;
	ending.executions = body.executions;
	ending.outcome = body.outcome;
	memcpy(ending.sqlstate, body.sqlstate, sizeof(ending.sqlstate));
	close_execution(reader, execution, &ending, false);
}

static bool
session_runs(LogReader *reader, const OpenExecution *execution)
{
	char		id[NAMEDATALEN] = {0};

	if (reader->sessions == NULL || execution->session == NULL || execution->session->session_id == NULL)
		return false;
	strlcpy(id, execution->session->session_id, sizeof(id));
	return hash_search(reader->sessions, id, HASH_FIND, NULL) != NULL;
}

/* No end comes any more for what was open before the log had so many starts of the server. */
static void
close_before_run(LogReader *reader, uint32 run)
{
	bool		own = strcmp(reader->node8, reader->source->own8) == 0;
	HASH_SEQ_STATUS status;
	OpenExecution *execution;

	hash_seq_init(&status, reader->open);
	while ((execution = hash_seq_search(&status)) != NULL)
		if (execution->run < run)
			close_execution(reader, execution, NULL, !(own && session_runs(reader, execution)));
}

static void
note_event(LogReader *reader, const PhigRecord *record)
{
	PhigEventBody body;
	OpenExecution execution = {.seq = record->head.seq, .started = record->head.time};
	Ending		ending = {.ended = record->head.time, .executions = 1};

	phig_parse_event(record, &body);
	execution.statement = phig_dictionary_find(reader->dictionary, body.statement);
	execution.session = phig_dictionary_find(reader->dictionary, body.session);
	execution.kind = body.kind;
	execution.flags = body.flags;
	ending.rows = body.rows;
	ending.outcome = body.outcome;
	memcpy(ending.sqlstate, body.sqlstate, sizeof(ending.sqlstate));

	if (body.kind == PHIG_KIND_SERVER && execution.statement != NULL &&
		execution.statement->starts_server)
		close_before_run(reader, reader->run++);
	put_row(reader, &execution, &ending, false);
}

static void
note_record(LogReader *reader, const PhigRecord *record)
{
	const char *body = (const char *) record->body;

	switch (record->head.type)
	{
		case PHIG_RECORD_DEFINITION:
			phig_dictionary_add(reader->dictionary, record->body, body + sizeof(PhigDefinitionBody),
								record->head.body_bytes - sizeof(PhigDefinitionBody));
			break;
		case PHIG_RECORD_START:
			start_execution(reader, record);
			break;
		case PHIG_RECORD_END:
			end_execution(reader, record);
			break;
		case PHIG_RECORD_EVENT:
			note_event(reader, record);
			break;
		default:
			break;				/* seals are for verify_journal() */
	}
	if (record->head.type != PHIG_RECORD_SEAL)
		reader->last_seq = record->head.seq;
}

/* --- segments and nodes --- */

static void
warn(LogReader *reader, const char *name, const char *what)
{
	if (++reader->warnings > MAX_WARNINGS)
		return;
	ereport(WARNING,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("journal segment \"%s\" %s after position " UINT64_FORMAT,
					name, what, reader->last_seq),
			 reader->warnings == MAX_WARNINGS ?
			 errdetail("No more such warnings are given.") : 0,
			 errhint("phiguard.verify_journal() says what is wrong.")));
}

static void
read_segment(LogReader *reader, int index)
{
	PhigSourceFile *file = &reader->source->files[index];
	PhigBytes	bytes = phig_source_select(reader->source, index);
	PhigWalk	walk;
	PhigStep	step;

	if (file->state != PHIG_HEADER_OK)
		warn(reader, file->name, "has no readable header");
	reader->dictionary = phig_dictionary_create();
	phig_walk_begin(&walk, &bytes, phig_source_crc32c);
	while ((step = phig_walk_next(&walk)) != PHIG_STEP_END)
	{
		if (step == PHIG_STEP_RECORD)
			note_record(reader, &walk.record);
		else
			warn(reader, file->name, "is damaged");
	}
	if (file->error != 0)
		warn(reader, file->name, "cannot be read");
	phig_dictionary_unpin(reader->dictionary);
}

static void
begin_node(LogReader *reader, const char *node8)
{
	AttrNumber	column = PHIG_LOG_POSITION + 1;
	Oid			less = Int8LessOperator;
	Oid			collation = InvalidOid;
	bool		nulls_first = false;
	HASHCTL		ctl = {
		.keysize = sizeof(uint64),
		.entrysize = sizeof(OpenExecution),
		.hcxt = CurrentMemoryContext
	};

	reader->node8 = node8;
	reader->last_seq = 0;
	reader->run = 0;
	reader->open = hash_create("phiguard open executions", 256, &ctl,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	reader->sort = tuplesort_begin_heap(reader->slot->tts_tupleDescriptor, 1, &column, &less,
										&collation, &nulls_first, work_mem, NULL, TUPLESORT_NONE);
}

static void
end_node(LogReader *reader)
{
	TupleTableSlot *sorted = MakeSingleTupleTableSlot(reader->slot->tts_tupleDescriptor,
													  &TTSOpsMinimalTuple);

	close_before_run(reader, reader->run + 1);
	tuplesort_performsort(reader->sort);
	while (tuplesort_gettupleslot(reader->sort, true, false, sorted, NULL))
		tuplestore_puttupleslot(reader->result, sorted);
	ExecDropSingleTupleTableSlot(sorted);
	tuplesort_end(reader->sort);
	hash_destroy(reader->open);
}

/* Add the ids of the sessions that this server has now. */
static void
note_sessions(HTAB *sessions)
{
	pgstat_clear_backend_activity_snapshot();
	for (int i = pgstat_fetch_stat_numbackends(); i > 0; i--)
	{
		LocalPgBackendStatus *backend = phig_compat_backend_status(i);
		char		id[NAMEDATALEN] = {0};

		if (backend == NULL)
			continue;
		/* As session.c writes it. */
		snprintf(id, sizeof(id), "%" PRIx64 ".%x",
				 (int64) timestamptz_to_time_t(backend->backendStatus.st_proc_start_timestamp),
				 backend->backendStatus.st_procpid);
		hash_search(sessions, id, HASH_ENTER, NULL);
	}
}

Datum
phiguard_read_log(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	LogReader	reader = {0};
	HASHCTL		ctl = {.keysize = NAMEDATALEN, .entrysize = NAMEDATALEN, .hcxt = CurrentMemoryContext};
	HTAB	   *sessions = hash_create("phiguard sessions", 256, &ctl,
									   HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);

	InitMaterializedSRF(fcinfo, 0);
	if (rsinfo->setDesc->natts != PHIG_LOG_COLUMNS)
		elog(ERROR, "phiguard.read_log() has %d columns, not %d", rsinfo->setDesc->natts, PHIG_LOG_COLUMNS);

	/*
	 * A session that ends between the two looks wrote its last record before the second one, but
	 * perhaps after the flush: it counts as running, as it was.
	 */
	note_sessions(sessions);
	reader.source = phig_source_open("access_log");
	note_sessions(sessions);

	reader.sessions = sessions;
	reader.result = rsinfo->setResult;
	reader.slot = MakeSingleTupleTableSlot(rsinfo->setDesc, &TTSOpsVirtual);
	reader.no_words = phig_text_array(NIL);
	reader.row_context = AllocSetContextCreate(CurrentMemoryContext, "phiguard access_log row",
											   ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < reader.source->nfiles; i++)
	{
		PhigSourceFile *file = &reader.source->files[i];

		if (i == 0 || file[-1].last)
			begin_node(&reader, file->node8);
		read_segment(&reader, i);
		if (file->last)
			end_node(&reader);
	}
	phig_source_close(reader.source);
	ExecDropSingleTupleTableSlot(reader.slot);
	return (Datum) 0;
}
