/*
 * reader.c
 *		A journal's records, joined into rows one after the other.
 *
 * Rows come in the order of their start records, so each needs its end record
 * before its turn.  A segment is read by the chunk: one walk collects the ends in
 * the chunk, another makes the rows.  For a row that ends later a second cursor,
 * the scout, goes ahead, as far as the end is away; of what it passes it keeps
 * only the ends of executions that began in an earlier chunk than they ended.
 * So memory holds one chunk's ends, the definitions of one segment, what is open
 * at the ends of chunks, and no row but one, however long the journal is; and
 * nothing is read behind the last row that is asked for but what it takes to
 * know how the rows before it ended.
 *
 * Segments whose records all lie outside the range that is asked for, or whose
 * summaries say that no row can match, are not looked into, except by the scout;
 * and the scout passes over those in whose summaries nothing is of what it looks for.
 *
 * An execution without an end that this server's own node has on record runs if
 * its session still does, else its end is lost.  Of another node's, one that
 * began before two starts of the server is over; after one it need not be,
 * because a backend may be quicker than the event of its own server's start.
 */
#include "postgres.h"

#include <inttypes.h>

#include "miscadmin.h"
#include "utils/backend_status.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "journal/reader_internal.h"

/* --- rows --- */

static bool
session_runs(const PhigLogReader *reader, const PhigMeaning *session)
{
	char		id[NAMEDATALEN] = {0};

	if (session == NULL || session->session_id == NULL)
		return false;
	strlcpy(id, session->session_id, sizeof(id));
	return hash_search(reader->sessions, id, HASH_FIND, NULL) != NULL;
}

/* There is no end record: is none to come either? */
static bool
end_is_lost(const PhigLogReader *reader, const PhigLogEntry *entry)
{
	const PhigSource *source = reader->source;

	if (!source->own)
		return phig_scout_is_over(reader, entry->seq);
	return strcmp(source->files[reader->rows.index].node8, source->own8) != 0 ||
		!session_runs(reader, entry->session);
}

static void
add_definition(PhigDictionary *dictionary, const PhigRecord *record)
{
	phig_dictionary_add(dictionary, record->body, (const char *) record->body + sizeof(PhigDefinitionBody),
						record->head.body_bytes - sizeof(PhigDefinitionBody));
}

/* It stands in a block that was not read, perhaps. */
static const PhigMeaning *
fetch_meaning(const PhigLogReader *reader, const uint8 id[PHIG_ID_BYTES])
{
	uint8	   *room = palloc(PHIG_RECORD_MAX_BYTES);
	const PhigMeaning *meaning = NULL;
	PhigRecord	record;
	uint32		next = 0;
	uint64		offset;

	while (meaning == NULL && phig_summary_shared(reader->summary, id, &next, &offset))
		if (phig_source_record(reader->source, offset, room, &record) && record.head.type == PHIG_RECORD_DEFINITION)
		{
			add_definition(reader->dictionary, &record);
			meaning = phig_dictionary_find(reader->dictionary, id);
		}
	pfree(room);
	return meaning;
}

static const PhigMeaning *
find_meaning(const PhigLogReader *reader, const uint8 id[PHIG_ID_BYTES])
{
	const PhigMeaning *meaning = phig_dictionary_find(reader->dictionary, id);

	if (meaning == NULL && reader->summary != NULL)
		meaning = fetch_meaning(reader, id);
	if (meaning == NULL && reader->dictionary_before != NULL)
		meaning = phig_dictionary_find(reader->dictionary_before, id);
	return meaning;
}

/* Which clauses the record and its definitions fulfil; all, where a definition is missing. */
static uint32
decided_clauses(const PhigLogReader *reader, const PhigLogEntry *entry)
{
	if (entry->statement == NULL || entry->session == NULL)
		return PG_UINT32_MAX;
	return entry->statement->decides | entry->session->decides |
		phig_search_record(reader->search, entry->kind, entry->flags);
}

/* Can the filter let it pass?  By what the record and its definitions say. */
static bool
may_pass(const PhigLogReader *reader, const PhigLogEntry *entry)
{
	return (reader->search->record_clauses & ~decided_clauses(reader, entry)) == 0;
}

/* The same by the persons that it names. */
static bool
names_wanted(const PhigLogReader *reader, const PhigLogEntry *entry)
{
	return !reader->search->by_subject ||
		phig_search_persons(reader->search, decided_clauses(reader, entry),
							(entry->flags & PHIG_FLAG_PERSONS) != 0 && entry->ending != NULL, entry->named);
}

static void
forget_blocks(PhigLogReader *reader)
{
	if (reader->summary != NULL)
		pfree(reader->summary);
	if (reader->wanted != NULL)
		pfree(reader->wanted);
	reader->summary = NULL;
	reader->wanted = NULL;
}

/* Blocks with the start records of the executions that may be searched for; no choice where that is all of them. */
static void
choose_blocks(PhigLogReader *reader, const uint64 *later, int nlater)
{
	PhigSummary *summary = reader->summary;
	HASH_SEQ_STATUS status;
	uint64	   *seq;

	reader->wanted = palloc0(summary->nblocks * sizeof(bool));
	reader->block = 0;
	hash_seq_init(&status, reader->chosen);
	while ((seq = hash_seq_search(&status)) != NULL)
		if (*seq >= summary->first_seq)
			reader->wanted[phig_summary_block_of(summary, *seq)] = true;
	for (int i = 0; i < nlater; i++)
		if (later[i] >= summary->first_seq && later[i] <= summary->last_seq)
			reader->wanted[phig_summary_block_of(summary, later[i])] = true;
	if (memchr(reader->wanted, false, summary->nblocks * sizeof(bool)) == NULL)
		forget_blocks(reader);
}

static void
add_numbers(HTAB *table, const uint64 *numbers, int n)
{
	for (int i = 0; i < n; i++)
		hash_search(table, &numbers[i], HASH_ENTER, NULL);
}

/* Which clause the persons decide, if that is so for all of the segment's rows; -1: there is none. */
static int
find_clause(PhigLogReader *reader, uint64 **later, int *nlater)
{
	int			clause = phig_search_by_names(reader->search, reader->summary);
	uint64	   *open = NULL;
	int			nopen = 0;

	if (clause < 0 || reader->summary == NULL)
		return clause;
	if (!phig_pick_later(reader->pick, reader->rows.index, later, nlater) ||
		(phig_search_has_open(reader->search, clause) &&
		 !phig_pick_open(reader->pick, reader->rows.index, &open, &nopen)))
	{
		/* What it leaves out is not known. */
		forget_blocks(reader);
		return phig_search_by_names(reader->search, NULL);
	}
	add_numbers(reader->chosen, open, nopen);
	if (open != NULL)
		pfree(open);
	return clause;
}

/* Of all executions of the segment that rows begins but the chosen ones nothing is gathered. */
static void
choose_executions(PhigLogReader *reader)
{
	int			index = reader->rows.index;
	uint64	   *later = NULL;
	int			nlater = 0;
	int			clause;

	phig_reader_empty_table(&reader->chosen, "phiguard search: chosen", sizeof(uint64));
	if (reader->search->nclauses > 0)
		reader->summary = phig_source_summary(reader->source, index, false);
	if (reader->summary != NULL && (reader->summary->state & PHIG_SUMMARY_SHARED_MISSING) != 0)
		forget_blocks(reader);
	clause = find_clause(reader, &later, &nlater);
	reader->by_names = clause >= 0;
	reader->choosing = reader->by_names || reader->search->record_clauses != 0;
	if (reader->choosing)
		phig_choose_executions(reader->source, index, reader->search, clause, reader->summary, reader->chosen);
	else
		forget_blocks(reader);
	if (reader->summary != NULL)
		choose_blocks(reader, later, nlater);
	if (later != NULL)
		pfree(later);
}

/* The last row is done with: so are its persons. */
static void
put_back_row(PhigLogReader *reader)
{
	if (reader->row_is_named)
		phig_named_put_back(reader->late_named, reader->row_seq, &reader->row_named);
	reader->row_is_named = false;
}

static bool
make_execution(PhigLogReader *reader, const PhigRecord *record, Datum *values, bool *nulls)
{
	PhigLogEntry entry = {.seq = record->head.seq, .started = record->head.time};
	PhigStartBody body;
	PhigEnding	ending;

	if (!phig_scout_chooses(reader, entry.seq))
	{
		phig_scout_forget(reader, entry.seq);
		return false;
	}
	phig_parse_start(record, &body);
	entry.kind = body.kind;
	entry.flags = body.flags;
	entry.statement = find_meaning(reader, body.statement);
	entry.session = find_meaning(reader, body.session);
	if (!may_pass(reader, &entry))
	{
		phig_scout_forget(reader, entry.seq);
		return false;
	}
	/* The record is gone once the scout moves. */
	if (phig_scout_find_end(reader, entry.seq, &ending))
		entry.ending = &ending;
	else
		entry.lost = end_is_lost(reader, &entry);
	reader->row_seq = entry.seq;
	reader->row_is_named = phig_named_take(reader->named, reader->late_named, entry.seq, &reader->row_named);
	if (reader->row_is_named)
		entry.named = &reader->row_named;
	if (!names_wanted(reader, &entry))
	{
		put_back_row(reader);
		return false;
	}
	phig_row_make(reader->maker, &entry, values, nulls);
	return true;
}

static bool
make_event(PhigLogReader *reader, const PhigRecord *record, Datum *values, bool *nulls)
{
	PhigLogEntry entry = {.seq = record->head.seq, .started = record->head.time};
	PhigEnding	ending = {.ended = record->head.time, .executions = 1};
	PhigEventBody body;

	phig_parse_event(record, &body);
	if (reader->search->only_subject)
		return false;			/* events name nobody */
	entry.kind = body.kind;
	entry.flags = body.flags;
	entry.statement = find_meaning(reader, body.statement);
	entry.session = find_meaning(reader, body.session);
	if (!may_pass(reader, &entry))
		return false;
	entry.ending = &ending;
	ending.rows = body.rows;
	ending.outcome = body.outcome;
	memcpy(ending.sqlstate, body.sqlstate, sizeof(ending.sqlstate));
	phig_row_make(reader->maker, &entry, values, nulls);
	return true;
}

/* A row, if the record makes one that is wanted. */
static bool
make_row(PhigLogReader *reader, const PhigRecord *record, Datum *values, bool *nulls)
{
	switch (record->head.type)
	{
		case PHIG_RECORD_DEFINITION:
			add_definition(reader->dictionary, record);
			return false;
		case PHIG_RECORD_START:
			return phig_reader_wants(reader, &record->head) && make_execution(reader, record, values, nulls);
		case PHIG_RECORD_EVENT:
			return phig_reader_wants(reader, &record->head) && make_event(reader, record, values, nulls);
		default:
			return false;		/* ends belong to their starts, seals are for verify_journal() */
	}
}

/* --- segments and nodes --- */

static void
forget_definitions(PhigLogReader *reader)
{
	if (reader->dictionary != NULL)
		phig_dictionary_destroy(reader->dictionary);
	if (reader->dictionary_before != NULL)
		phig_dictionary_destroy(reader->dictionary_before);
	reader->dictionary = NULL;
	reader->dictionary_before = NULL;
}

/* The file whose definitions a segment that was not begun by rotation may use; -1: none. */
static int
segment_before(const PhigLogReader *reader, int index)
{
	const PhigSource *source = reader->source;
	const PhigSourceFile *file = &source->files[index];
	const uint8 *parent = file->header.parent_node;
	char		parent8[9];

	if (file->state != PHIG_HEADER_OK)
		return -1;
	if (file->header.reason == PHIG_SEGMENT_BROKEN && index > 0 && !file[-1].last)
		return index - 1;
	if (file->header.reason != PHIG_SEGMENT_BRANCH)
		return -1;
	snprintf(parent8, sizeof(parent8), "%02x%02x%02x%02x", parent[0], parent[1], parent[2], parent[3]);
	for (int i = 0; i < source->nfiles; i++)
		if (source->files[i].last && strcmp(source->files[i].node8, parent8) == 0)
			return i;
	return -1;
}

static void
load_definitions(PhigLogReader *reader, int index)
{
	const PhigRecord *record;
	PhigCursor	cursor = {0};

	reader->dictionary_before = phig_dictionary_create(reader->search);
	phig_cursor_begin_file(reader, &cursor, index);
	cursor.chunk_end = PG_UINT64_MAX;
	while ((record = phig_cursor_next(reader, &cursor)) != NULL)
		if (record->head.type == PHIG_RECORD_DEFINITION)
			add_definition(reader->dictionary_before, record);
}

static void
begin_node(PhigLogReader *reader, const char *node8)
{
	phig_row_maker_set_node(reader->maker, node8);
	reader->rows.last_seq = 0;
	reader->scout.index = -1;
	reader->last_start = 0;
	reader->last_stop = 0;
	reader->over_before = 0;
	reader->gap = 0;
	phig_scout_reset(reader);
}

/* May the file hold rows in range? */
static bool
may_match(PhigLogReader *reader, int index)
{
	const PhigLogRange *range = &reader->range;
	PhigSegmentBounds bounds = phig_source_bounds(reader->source, index);

	return bounds.last_time >= range->since && bounds.first_time <= range->until &&
		bounds.last_seq >= range->first && bounds.first_seq <= range->last &&
		phig_pick_wants(reader->pick, index);
}

static bool
next_file(PhigLogReader *reader)
{
	const PhigSource *source = reader->source;
	int			previous = reader->rows.index;
	int			index = previous + 1;
	int			before;

	while (index < source->nfiles && !may_match(reader, index))
		index++;
	forget_definitions(reader);
	forget_blocks(reader);
	if (index >= source->nfiles)
		return false;
	phig_scout_recall(reader);
	if (previous < 0 || strcmp(source->files[previous].node8, source->files[index].node8) != 0)
		begin_node(reader, source->files[index].node8);
	before = segment_before(reader, index);
	if (before >= 0)
		load_definitions(reader, before);
	reader->dictionary = phig_dictionary_create(reader->search);
	phig_cursor_begin_file(reader, &reader->rows, index);
	choose_executions(reader);
	return true;
}

/* Past those whose summaries were wrong about the persons. */
static bool
next_useful_file(PhigLogReader *reader)
{
	do
	{
		if (!next_file(reader))
			return false;
	} while (reader->by_names && hash_get_num_entries(reader->chosen) == 0 &&
			 !phig_pick_may_have_later(reader->pick, reader->rows.index));
	return true;
}

/* The next block that is wanted; false where the file has no more. */
static bool
next_block(PhigLogReader *reader)
{
	PhigSummary *summary = reader->summary;
	uint64		limit = reader->rows.bytes.limit;
	uint64		begin;
	uint64		end;

	while (reader->block < summary->nblocks && !reader->wanted[reader->block])
		reader->block++;
	if (reader->block == summary->nblocks)
		return false;
	begin = phig_summary_blocks(summary)[reader->block].offset;
	end = phig_summary_block_end(summary, reader->block++, limit);
	phig_source_read_to(reader->source, end);
	phig_cursor_begin_chunk(&reader->rows, begin, end);
	reader->rows.walk.ended = false;
	return true;
}

/* The same of a file that is read as a whole. */
static bool
next_stretch(PhigLogReader *reader)
{
	PhigCursor *rows = &reader->rows;

	if (phig_cursor_at_end(rows))
		return false;
	phig_cursor_begin_chunk(rows, rows->walk.offset, rows->walk.offset + PHIG_CHUNK_BYTES);
	return true;
}

static bool
next_chunk(PhigLogReader *reader)
{
	while (reader->rows.index < 0 || !(reader->summary != NULL ? next_block(reader) : next_stretch(reader)))
		if (!next_useful_file(reader))
			return false;
	phig_scout_gather(reader);
	return true;
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

PhigLogReader *
phig_log_open(const char *directory, const char *what, bool officers)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "phiguard log reader",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PhigLogReader *reader = palloc0(sizeof(PhigLogReader));

	reader->context = context;
	reader->sessions = phig_reader_make_table("phiguard sessions", NAMEDATALEN, NAMEDATALEN);

	/*
	 * A session that ends between the two looks wrote its last record before the second one, but
	 * perhaps after the flush: it counts as running, as it was.
	 */
	note_sessions(reader->sessions);
	reader->source = directory == NULL ? phig_source_open(what, officers) :
		phig_source_open_directory(directory, what, officers);
	note_sessions(reader->sessions);

	reader->maker = phig_row_maker_create();
	reader->pick = phig_pick_create(reader->source);
	reader->notes = palloc0(Max(reader->source->nfiles, 1) * sizeof(PhigFileNotes));
	reader->server_events = phig_reader_make_table("phiguard server events", PHIG_ID_BYTES, sizeof(PhigServerEvent));
	reader->named = phig_named_create();
	reader->late_named = phig_named_create();
	reader->done = true;
	MemoryContextSwitchTo(old);
	return reader;
}

void
phig_log_close(PhigLogReader *reader)
{
	MemoryContextDelete(reader->context);
}

void
phig_log_rewind(PhigLogReader *reader, const PhigLogRange *range, const PhigSearch *search)
{
	reader->range = *range;
	reader->search = search;
	reader->done = range->since > range->until || range->first > range->last;
	if (!reader->done)
		phig_pick_begin(reader->pick, search);
	reader->in_chunk = false;
	reader->rows.index = -1;
	forget_blocks(reader);
}

bool
phig_log_next(PhigLogReader *reader, Datum *values, bool *nulls)
{
	MemoryContext old = MemoryContextSwitchTo(reader->context);
	const PhigRecord *record;
	bool		made = false;

	put_back_row(reader);
	while (!made && !reader->done)
	{
		if (!reader->in_chunk)
		{
			reader->in_chunk = next_chunk(reader);
			reader->done = !reader->in_chunk;
		}
		else if ((record = phig_cursor_next(reader, &reader->rows)) != NULL)
			made = make_row(reader, record, values, nulls);
		else
			reader->in_chunk = false;
	}
	MemoryContextSwitchTo(old);
	return made;
}

const PhigNamed *
phig_log_named(const PhigLogReader *reader)
{
	return reader->row_is_named ? &reader->row_named : NULL;
}

void
phig_log_count_segments(const PhigLogReader *reader, int *total, int *read)
{
	*total = reader->source->nfiles;
	*read = 0;
	for (int i = 0; i < reader->source->nfiles; i++)
		*read += reader->source->files[i].looked_at;
}
