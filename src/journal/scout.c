/*
 * scout.c
 *		The reader's second cursor, which goes ahead for ends and persons of rows; see reader.c.
 */
#include "postgres.h"

#include "journal/reader_internal.h"

HTAB *
phig_reader_make_table(const char *name, Size key, Size entry)
{
	HASHCTL		ctl = {.keysize = key, .entrysize = entry, .hcxt = CurrentMemoryContext};

	return hash_create(name, 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
phig_reader_empty_table(HTAB **table, const char *name, Size entry)
{
	if (*table != NULL && hash_get_num_entries(*table) == 0)
		return;
	if (*table != NULL)
		hash_destroy(*table);
	*table = phig_reader_make_table(name, sizeof(uint64), entry);
}

static void
forget_ends(PhigLogReader *reader)
{
	phig_reader_empty_table(&reader->ends, "phiguard ends", sizeof(PhigEndingEntry));
	phig_named_reset(reader->named);
}

void
phig_scout_reset(PhigLogReader *reader)
{
	phig_reader_empty_table(&reader->waiting, "phiguard open executions", sizeof(PhigWaiting));
	phig_reader_empty_table(&reader->late, "phiguard late ends", sizeof(PhigEndingEntry));
	phig_named_reset(reader->late_named);
}

static void
add_ending(HTAB *table, const PhigRecord *record, const PhigEndBody *body)
{
	bool		found;
	PhigEndingEntry *entry = hash_search(table, &body->start_seq, HASH_ENTER, &found);

	if (found)
		return;					/* a forger's: the first one counts */
	entry->ending.ended = record->head.time;
	entry->ending.rows = body->rows;
	entry->ending.executions = body->executions;
	entry->ending.ran = (body->flags & PHIG_END_RAN) != 0;
	entry->ending.outcome = body->outcome;
	memcpy(entry->ending.sqlstate, body->sqlstate, sizeof(body->sqlstate));
}

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
	PhigServerEvent *event;

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
	PhigServerEvent *event;

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

bool
phig_scout_chooses(const PhigLogReader *reader, uint64 seq)
{
	return !reader->choosing || hash_search(reader->chosen, &seq, HASH_FIND, NULL) != NULL ||
		(reader->by_names && phig_pick_names_later(reader->pick, reader->rows.index, seq));
}

static void
scout_start(PhigLogReader *reader, const PhigRecord *record)
{
	bool		found;
	PhigWaiting *waiting;

	if (!phig_reader_wants(reader, &record->head) ||
		(reader->scout.index == reader->rows.index && !phig_scout_chooses(reader, record->head.seq)))
		return;
	waiting = hash_search(reader->waiting, &record->head.seq, HASH_ENTER, &found);
	if (!found)
		waiting->chunk = reader->scout_chunk;
}

static void
scout_end(PhigLogReader *reader, const PhigRecord *record, bool keep)
{
	PhigEndBody body;
	PhigWaiting *waiting;

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
	PhigWaiting *waiting;

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
	PhigCursor *scout = &reader->scout;
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
	phig_cursor_begin_file(reader, scout, index);
	return true;
}

/*
 * One chunk ahead.  keep: it is the chunk of rows, whose ends are to be kept.
 * False at the end of the node.
 */
static bool
scout_on(PhigLogReader *reader, bool keep)
{
	PhigCursor *scout = &reader->scout;
	const PhigRecord *record;

	if (!keep && phig_cursor_at_end(scout) && !scout_next_file(reader))
		return false;
	reader->scout_chunk++;
	phig_cursor_begin_chunk(scout, scout->walk.offset,
							keep ? reader->rows.chunk_end : scout->walk.offset + PHIG_CHUNK_BYTES);
	while ((record = phig_cursor_next(reader, scout)) != NULL)
	{
		if (record->head.type == PHIG_RECORD_START)
			scout_start(reader, record);
		else if (record->head.type == PHIG_RECORD_END)
		{
			/* First: its end is what nobody waits for any more. */
			scout_persons(reader, record, keep);
			scout_end(reader, record, keep);
		}
		else if (record->head.type == PHIG_RECORD_PERSONS)
			scout_persons(reader, record, keep);
		else if (record->head.type == PHIG_RECORD_EVENT)
			scout_event(reader, record);
		else if (record->head.type == PHIG_RECORD_DEFINITION)
			scout_definition(reader, record);
	}
	return true;
}

void
phig_scout_gather(PhigLogReader *reader)
{
	PhigCursor *rows = &reader->rows;
	PhigCursor *scout = &reader->scout;
	const PhigRecord *record;
	PhigCursor	again;

	forget_ends(reader);
	if (reader->summary != NULL)
	{
		/* Its chunks are others than these. */
		reader->scout_passed = true;
		phig_scout_recall(reader);
	}
	if (scout->index < rows->index ||
		(scout->index == rows->index && scout->walk.offset < rows->chunk_begin))
	{
		phig_cursor_copy(scout, rows);
		phig_scout_reset(reader);
	}
	if (scout->index == rows->index && scout->walk.offset == rows->chunk_begin)
	{
		(void) scout_on(reader, true);
		return;
	}

	/* The scout was here already. */
	phig_cursor_copy(&again, rows);
	while ((record = phig_cursor_next(reader, &again)) != NULL)
	{
		PhigEndBody body;
		PhigPersonsBody persons;
		const uint8 *data;

		if (record->head.type != PHIG_RECORD_PERSONS && record->head.type != PHIG_RECORD_END)
			continue;
		if (phig_parse_persons(record, &persons, &data))
			phig_named_add(reader->named, &persons, data);
		if (record->head.type == PHIG_RECORD_PERSONS)
			continue;
		phig_parse_end(record, &body);
		add_ending(reader->ends, record, &body);
	}
}

void
phig_scout_recall(PhigLogReader *reader)
{
	if (!reader->scout_passed)
		return;
	reader->scout_passed = false;
	reader->scout.index = -1;
	reader->last_start = 0;
	reader->last_stop = 0;
	reader->over_before = 0;
}

bool
phig_scout_is_over(const PhigLogReader *reader, uint64 seq)
{
	return seq < reader->over_before && seq > reader->gap;
}

bool
phig_scout_find_end(PhigLogReader *reader, uint64 seq, PhigEnding *ending)
{
	PhigEndingEntry *entry = hash_search(reader->ends, &seq, HASH_FIND, NULL);

	if (entry == NULL)
	{
		while (hash_search(reader->waiting, &seq, HASH_FIND, NULL) != NULL)
			if (phig_scout_is_over(reader, seq) || !scout_on(reader, false))
				hash_search(reader->waiting, &seq, HASH_REMOVE, NULL);
		entry = hash_search(reader->late, &seq, HASH_FIND, NULL);
	}
	if (entry == NULL)
		return false;
	*ending = entry->ending;
	(void) hash_search(reader->late, &seq, HASH_REMOVE, NULL);
	return true;
}

void
phig_scout_forget(PhigLogReader *reader, uint64 seq)
{
	hash_search(reader->waiting, &seq, HASH_REMOVE, NULL);
	hash_search(reader->late, &seq, HASH_REMOVE, NULL);
	phig_named_forget(reader->late_named, seq);
}
