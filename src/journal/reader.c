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
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "journal/choose.h"
#include "journal/crc32c.h"
#include "journal/journal.h"
#include "journal/named.h"
#include "journal/pick.h"
#include "journal/reader.h"
#include "journal/row.h"

/* A damaged journal is not to flood the client. */
#define MAX_WARNINGS 10

#define CHUNK_BYTES (1024 * 1024)

/* A place in the journal that moves forward, from chunk to chunk of a segment. */
typedef struct Cursor
{
	int			index;			/* of the file; -1: none yet */
	PhigBytes	bytes;
	PhigWalk	walk;
	uint64		chunk_begin;
	uint64		chunk_end;		/* no record of the chunk begins here or later */
	uint64		last_seq;		/* latest record met on the node, for warnings */
} Cursor;

/* An execution that the scout has seen begin and not end. */
typedef struct Waiting
{
	uint64		seq;			/* hash key */
	uint64		chunk;			/* in which it began, as the scout counts them */
} Waiting;

typedef struct EndingEntry
{
	uint64		start_seq;		/* hash key */
	PhigEnding	ending;
} EndingEntry;

/* Is this definition that of a start of the server, or of its stop? */
typedef struct ServerEvent
{
	uint8		id[PHIG_ID_BYTES];	/* hash key */
	bool		start;
} ServerEvent;

/* What the user was told of a file. */
typedef struct FileNotes
{
	uint64		damage_to;		/* of damage before this offset */
	bool		header;
	bool		error;
} FileNotes;

struct PhigLogReader
{
	MemoryContext context;
	PhigSource *source;
	PhigLogRange range;
	const PhigSearch *search;
	PhigPick   *pick;
	bool		choosing;		/* only executions in chosen, or whose persons later segments name */
	HTAB	   *chosen;			/* numbers of start records, of the segment of rows */
	PhigRowMaker *maker;
	HTAB	   *sessions;		/* ids of the sessions on this server */
	FileNotes  *notes;			/* one a file */
	int			warnings;
	bool		done;

	Cursor		rows;
	bool		in_chunk;
	PhigDictionary *dictionary; /* of the segment of rows; NULL before the first */
	PhigDictionary *dictionary_before;	/* where its first records may refer to; mostly NULL */
	HTAB	   *ends;			/* EndingEntry: what ends in the chunk of rows */
	PhigNamedTable *named;		/* persons on record in the chunk of rows */
	PhigNamed	row_named;		/* of the last row; valid where row_is_named */
	bool		row_is_named;

	Cursor		scout;			/* at the end of the chunk of rows, or later */
	bool		scout_passed;	/* it has passed over segments: what it knows is of no use there */
	uint64		scout_chunk;
	HTAB	   *waiting;		/* Waiting: wanted, and open where the scout is */
	HTAB	   *late;			/* EndingEntry: of rows to come that end in another chunk */
	PhigNamedTable *late_named; /* persons of rows to come, on record in another chunk */
	HTAB	   *server_events;	/* ServerEvent */
	uint64		last_start;		/* of the server, as far as the scout is; 0: none */
	uint64		last_stop;
	uint64		over_before;	/* what began before this number has ended, or its server did */
	uint64		gap;			/* segments are missing behind this number */
};

/* --- warnings --- */

static void
warn(PhigLogReader *reader, const Cursor *cursor, const char *what)
{
	if (++reader->warnings > MAX_WARNINGS)
		return;
	ereport(WARNING,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("journal segment \"%s\" %s after position " UINT64_FORMAT,
					reader->source->files[cursor->index].name, what, cursor->last_seq),
			 reader->warnings == MAX_WARNINGS ?
			 errdetail("No more such warnings are given.") : 0,
			 errhint("phiguard.verify_journal() says what is wrong.")));
}

/* Each once, though a segment is walked more often. */
static void
warn_of_damage(PhigLogReader *reader, const Cursor *cursor)
{
	FileNotes  *notes = &reader->notes[cursor->index];
	const PhigWalk *walk = &cursor->walk;

	if (walk->damage_offset < notes->damage_to)
		return;
	notes->damage_to = walk->damage_offset + Max(walk->damage_bytes, 1);
	warn(reader, cursor, "is damaged");
}

static void
warn_of_header(PhigLogReader *reader, const Cursor *cursor)
{
	FileNotes  *notes = &reader->notes[cursor->index];

	if (notes->header || reader->source->files[cursor->index].state == PHIG_HEADER_OK)
		return;
	notes->header = true;
	warn(reader, cursor, "has no readable header");
}

static void
warn_of_error(PhigLogReader *reader, const Cursor *cursor)
{
	FileNotes  *notes = &reader->notes[cursor->index];

	if (notes->error || reader->source->files[cursor->index].error == 0)
		return;
	notes->error = true;
	warn(reader, cursor, "cannot be read");
}

/* --- cursors --- */

static void
cursor_begin_file(PhigLogReader *reader, Cursor *cursor, int index)
{
	PhigSourceFile *file = &reader->source->files[index];

	cursor->index = index;
	cursor->bytes = phig_source_select(reader->source, index);
	phig_walk_begin(&cursor->walk, &cursor->bytes, phig_crc32c);
	if (file->state == PHIG_HEADER_OK && file->header.first_seq > 0)
		cursor->last_seq = file->header.first_seq - 1;
	file->looked_at = true;
	warn_of_header(reader, cursor);
}

static void
cursor_begin_chunk(Cursor *cursor)
{
	cursor->chunk_begin = cursor->walk.offset;
	cursor->chunk_end = cursor->walk.offset + CHUNK_BYTES;
}

static void
cursor_copy(Cursor *to, const Cursor *from)
{
	*to = *from;
	to->walk.bytes = &to->bytes;
}

static bool
cursor_at_end(const Cursor *cursor)
{
	return cursor->walk.ended || cursor->walk.offset >= cursor->bytes.limit;
}

/* The chunk's next record, which holds until any cursor moves; NULL at its end. */
static const PhigRecord *
cursor_next(PhigLogReader *reader, Cursor *cursor)
{
	PhigStep	step;

	/* Also where it is open: another cursor may have moved the buffer that these bytes lie in. */
	cursor->bytes = phig_source_select(reader->source, cursor->index);
	while (cursor->walk.offset < cursor->chunk_end &&
		   (step = phig_walk_next(&cursor->walk)) != PHIG_STEP_END)
	{
		if (step == PHIG_STEP_RECORD)
		{
			cursor->last_seq = cursor->walk.record.head.seq;
			return &cursor->walk.record;
		}
		warn_of_damage(reader, cursor);
	}
	if (cursor_at_end(cursor))
		warn_of_error(reader, cursor);
	return NULL;
}

/* --- ends --- */

static HTAB *
make_table(const char *name, Size key, Size entry)
{
	HASHCTL		ctl = {.keysize = key, .entrysize = entry, .hcxt = CurrentMemoryContext};

	return hash_create(name, 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static void
forget(HTAB **table, const char *name, Size entry)
{
	if (*table != NULL && hash_get_num_entries(*table) == 0)
		return;
	if (*table != NULL)
		hash_destroy(*table);
	*table = make_table(name, sizeof(uint64), entry);
}

static void
forget_ends(PhigLogReader *reader)
{
	forget(&reader->ends, "phiguard ends", sizeof(EndingEntry));
	phig_named_reset(reader->named);
}

/* What the scout found is of no use elsewhere. */
static void
forget_scouted(PhigLogReader *reader)
{
	forget(&reader->waiting, "phiguard open executions", sizeof(Waiting));
	forget(&reader->late, "phiguard late ends", sizeof(EndingEntry));
	phig_named_reset(reader->late_named);
}

static void
add_ending(HTAB *table, const PhigRecord *record, const PhigEndBody *body)
{
	bool		found;
	EndingEntry *entry = hash_search(table, &body->start_seq, HASH_ENTER, &found);

	if (found)
		return;					/* a forger's: the first one counts */
	entry->ending.ended = record->head.time;
	entry->ending.rows = body->rows;
	entry->ending.executions = body->executions;
	entry->ending.outcome = body->outcome;
	memcpy(entry->ending.sqlstate, body->sqlstate, sizeof(body->sqlstate));
}

static bool
is_wanted(const PhigLogReader *reader, const PhigRecordHeader *head)
{
	const PhigLogRange *range = &reader->range;

	return head->time >= range->since && head->time <= range->until &&
		(int64) head->seq >= range->first && (int64) head->seq <= range->last;
}

/* --- the scout --- */

static bool
begins_with(const PhigRecord *record, const char *line)
{
	size_t		len = strlen(line);

	return record->head.body_bytes - sizeof(PhigDefinitionBody) >= len &&
		memcmp(record->body + sizeof(PhigDefinitionBody), line, len) == 0;
}

static void
scout_definition(PhigLogReader *reader, const PhigRecord *record)
{
	bool		start = begins_with(record, "t=SERVER START\n");
	ServerEvent *event;

	if (!start && !begins_with(record, "t=SERVER STOP\n"))
		return;
	event = hash_search(reader->server_events, record->body, HASH_ENTER, NULL);
	event->start = start;
}

/* The server's sessions are gone when it has stopped, or when it has started once more; see the top. */
static void
scout_event(PhigLogReader *reader, const PhigRecord *record)
{
	PhigEventBody body;
	ServerEvent *event;

	phig_parse_event(record, &body);
	if (body.kind != PHIG_KIND_SERVER)
		return;
	event = hash_search(reader->server_events, body.statement, HASH_FIND, NULL);
	if (event == NULL)
		return;
	if (!event->start)
	{
		reader->last_stop = record->head.seq;
		return;
	}
	reader->over_before = Max(reader->last_start, reader->last_stop);
	reader->last_start = record->head.seq;
}

/* Of the segment of rows: may it be searched for? */
static bool
is_chosen(const PhigLogReader *reader, uint64 seq)
{
	return !reader->choosing || hash_search(reader->chosen, &seq, HASH_FIND, NULL) != NULL ||
		(reader->search->only_subject && phig_pick_names_later(reader->pick, reader->rows.index, seq));
}

static void
scout_start(PhigLogReader *reader, const PhigRecord *record)
{
	bool		found;
	Waiting    *waiting;

	if (!is_wanted(reader, &record->head) ||
		(reader->scout.index == reader->rows.index && !is_chosen(reader, record->head.seq)))
		return;
	waiting = hash_search(reader->waiting, &record->head.seq, HASH_ENTER, &found);
	if (!found)
		waiting->chunk = reader->scout_chunk;
}

static void
scout_end(PhigLogReader *reader, const PhigRecord *record, bool keep)
{
	PhigEndBody body;
	Waiting    *waiting;

	phig_parse_end(record, &body);
	waiting = hash_search(reader->waiting, &body.start_seq, HASH_FIND, NULL);
	if (waiting == NULL)
		return;					/* not wanted; or its start is damaged, or in no segment here */
	if (waiting->chunk != reader->scout_chunk)
		add_ending(reader->late, record, &body);
	else if (keep)
		add_ending(reader->ends, record, &body);
	hash_search(reader->waiting, &body.start_seq, HASH_REMOVE, NULL);
}

static void
scout_persons(PhigLogReader *reader, const PhigRecord *record, bool keep)
{
	PhigPersonsBody body;
	const uint8 *data;
	Waiting    *waiting;

	if (!phig_parse_persons(record, &body, &data))
		return;
	waiting = hash_search(reader->waiting, &body.start_seq, HASH_FIND, NULL);
	if (waiting == NULL)
		return;
	if (waiting->chunk != reader->scout_chunk)
		phig_named_add(reader->late_named, &body, data);
	else if (keep)
		phig_named_add(reader->named, &body, data);
}

/* To the next segment of the node that may matter; false at its end. */
static bool
scout_next_file(PhigLogReader *reader)
{
	Cursor	   *scout = &reader->scout;
	const PhigSourceFile *files = reader->source->files;
	int			index = scout->index;

	if (files[index].last)
		return false;
	if (files[index + 1].number != files[index].number + 1)
		reader->gap = scout->last_seq;
	/* The last one, and what stands before a gap, is always looked into. */
	for (index++; !files[index].last && files[index + 1].number == files[index].number + 1; index++)
	{
		if (!phig_pick_passes(reader->pick, index, reader->waiting))
			break;
		reader->scout_passed = true;
	}
	cursor_begin_file(reader, scout, index);
	return true;
}

/*
 * One chunk ahead.  keep: it is the chunk of rows, whose ends are to be kept.
 * False at the end of the node.
 */
static bool
scout_on(PhigLogReader *reader, bool keep)
{
	Cursor	   *scout = &reader->scout;
	const PhigRecord *record;

	if (!keep && cursor_at_end(scout) && !scout_next_file(reader))
		return false;
	reader->scout_chunk++;
	cursor_begin_chunk(scout);
	while ((record = cursor_next(reader, scout)) != NULL)
	{
		if (record->head.type == PHIG_RECORD_START)
			scout_start(reader, record);
		else if (record->head.type == PHIG_RECORD_END)
			scout_end(reader, record, keep);
		else if (record->head.type == PHIG_RECORD_PERSONS)
			scout_persons(reader, record, keep);
		else if (record->head.type == PHIG_RECORD_EVENT)
			scout_event(reader, record);
		else if (record->head.type == PHIG_RECORD_DEFINITION)
			scout_definition(reader, record);
	}
	return true;
}

/* Collect what ends in the chunk that rows has begun. */
static void
gather_ends(PhigLogReader *reader)
{
	Cursor	   *rows = &reader->rows;
	Cursor	   *scout = &reader->scout;
	const PhigRecord *record;
	Cursor		again;

	forget_ends(reader);
	if (scout->index < rows->index ||
		(scout->index == rows->index && scout->walk.offset < rows->chunk_begin))
	{
		cursor_copy(scout, rows);
		forget_scouted(reader);
	}
	if (scout->index == rows->index && scout->walk.offset == rows->chunk_begin)
	{
		(void) scout_on(reader, true);
		return;
	}

	/* The scout was here already. */
	cursor_copy(&again, rows);
	while ((record = cursor_next(reader, &again)) != NULL)
	{
		PhigEndBody body;
		PhigPersonsBody persons;
		const uint8 *data;

		if (record->head.type == PHIG_RECORD_PERSONS && phig_parse_persons(record, &persons, &data))
			phig_named_add(reader->named, &persons, data);
		if (record->head.type != PHIG_RECORD_END)
			continue;
		phig_parse_end(record, &body);
		add_ending(reader->ends, record, &body);
	}
}

/* Whoever goes where the scout passed has to send it again, and what is over is what it has seen. */
static void
recall_scout(PhigLogReader *reader)
{
	if (!reader->scout_passed)
		return;
	reader->scout_passed = false;
	reader->scout.index = -1;
	reader->last_start = 0;
	reader->last_stop = 0;
	reader->over_before = 0;
}

/* What began with this record is over, end record or not, and if there is one, the scout is behind it. */
static bool
is_over(const PhigLogReader *reader, uint64 seq)
{
	return seq < reader->over_before && seq > reader->gap;
}

static bool
find_ending(PhigLogReader *reader, uint64 seq, PhigEnding *ending)
{
	EndingEntry *entry = hash_search(reader->ends, &seq, HASH_FIND, NULL);

	if (entry == NULL)
	{
		while (hash_search(reader->waiting, &seq, HASH_FIND, NULL) != NULL)
			if (is_over(reader, seq) || !scout_on(reader, false))
				hash_search(reader->waiting, &seq, HASH_REMOVE, NULL);
		entry = hash_search(reader->late, &seq, HASH_FIND, NULL);
	}
	if (entry == NULL)
		return false;
	*ending = entry->ending;
	(void) hash_search(reader->late, &seq, HASH_REMOVE, NULL);
	return true;
}

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
		return is_over(reader, entry->seq);
	return strcmp(source->files[reader->rows.index].node8, source->own8) != 0 ||
		!session_runs(reader, entry->session);
}

static const PhigMeaning *
find_meaning(const PhigLogReader *reader, const uint8 id[PHIG_ID_BYTES])
{
	const PhigMeaning *meaning = phig_dictionary_find(reader->dictionary, id);

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

/* Of all executions of the segment that rows begins but the chosen ones nothing is gathered. */
static void
choose_executions(PhigLogReader *reader)
{
	reader->choosing = phig_chooses(reader->search);
	if (!reader->choosing)
		return;
	forget(&reader->chosen, "phiguard search: chosen", sizeof(uint64));
	phig_choose_executions(reader->source, reader->rows.index, reader->search, reader->chosen);
}

/* How it ended is of no interest. */
static void
forget_execution(PhigLogReader *reader, uint64 seq)
{
	hash_search(reader->waiting, &seq, HASH_REMOVE, NULL);
	hash_search(reader->late, &seq, HASH_REMOVE, NULL);
}

static bool
make_execution(PhigLogReader *reader, const PhigRecord *record, Datum *values, bool *nulls)
{
	PhigLogEntry entry = {.seq = record->head.seq, .started = record->head.time};
	PhigStartBody body;
	PhigEnding	ending;

	if (!is_chosen(reader, entry.seq))
	{
		forget_execution(reader, entry.seq);
		return false;
	}
	phig_parse_start(record, &body);
	entry.kind = body.kind;
	entry.flags = body.flags;
	entry.statement = find_meaning(reader, body.statement);
	entry.session = find_meaning(reader, body.session);
	if (!may_pass(reader, &entry))
	{
		forget_execution(reader, entry.seq);
		return false;
	}
	/* The record is gone once the scout moves. */
	if (find_ending(reader, entry.seq, &ending))
		entry.ending = &ending;
	else
		entry.lost = end_is_lost(reader, &entry);
	reader->row_is_named = phig_named_take(reader->named, reader->late_named, entry.seq, &reader->row_named);
	if (reader->row_is_named)
		entry.named = &reader->row_named;
	if (!names_wanted(reader, &entry))
		return false;
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
	reader->row_is_named = false;
	ending.rows = body.rows;
	ending.outcome = body.outcome;
	memcpy(ending.sqlstate, body.sqlstate, sizeof(ending.sqlstate));
	phig_row_make(reader->maker, &entry, values, nulls);
	return true;
}

static void
add_definition(PhigDictionary *dictionary, const PhigRecord *record)
{
	phig_dictionary_add(dictionary, record->body, (const char *) record->body + sizeof(PhigDefinitionBody),
						record->head.body_bytes - sizeof(PhigDefinitionBody));
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
			return is_wanted(reader, &record->head) && make_execution(reader, record, values, nulls);
		case PHIG_RECORD_EVENT:
			return is_wanted(reader, &record->head) && make_event(reader, record, values, nulls);
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
	Cursor		cursor = {0};

	reader->dictionary_before = phig_dictionary_create(reader->search);
	cursor_begin_file(reader, &cursor, index);
	cursor.chunk_end = PG_UINT64_MAX;
	while ((record = cursor_next(reader, &cursor)) != NULL)
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
	forget_scouted(reader);
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
	if (index >= source->nfiles)
		return false;
	recall_scout(reader);
	if (previous < 0 || strcmp(source->files[previous].node8, source->files[index].node8) != 0)
		begin_node(reader, source->files[index].node8);
	before = segment_before(reader, index);
	if (before >= 0)
		load_definitions(reader, before);
	reader->dictionary = phig_dictionary_create(reader->search);
	cursor_begin_file(reader, &reader->rows, index);
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
	} while (reader->search->only_subject && hash_get_num_entries(reader->chosen) == 0 &&
			 !phig_pick_may_have_later(reader->pick, reader->rows.index));
	return true;
}

static bool
next_chunk(PhigLogReader *reader)
{
	if ((reader->rows.index < 0 || cursor_at_end(&reader->rows)) && !next_useful_file(reader))
		return false;
	cursor_begin_chunk(&reader->rows);
	gather_ends(reader);
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
	reader->sessions = make_table("phiguard sessions", NAMEDATALEN, NAMEDATALEN);

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
	reader->notes = palloc0(Max(reader->source->nfiles, 1) * sizeof(FileNotes));
	reader->server_events = make_table("phiguard server events", PHIG_ID_BYTES, sizeof(ServerEvent));
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
}

bool
phig_log_next(PhigLogReader *reader, Datum *values, bool *nulls)
{
	MemoryContext old = MemoryContextSwitchTo(reader->context);
	const PhigRecord *record;
	bool		made = false;

	while (!made && !reader->done)
	{
		if (!reader->in_chunk)
		{
			reader->in_chunk = next_chunk(reader);
			reader->done = !reader->in_chunk;
		}
		else if ((record = cursor_next(reader, &reader->rows)) != NULL)
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
