/*
 * cursor.c
 *		A place in a journal that moves forward, record by record; the user is told of damage once.
 */
#include "postgres.h"

#include "journal/crc32c.h"
#include "journal/reader_internal.h"

/* A damaged journal is not to flood the client. */
#define MAX_WARNINGS 10

static void warn_of_damage(PhigLogReader *reader, const PhigCursor *cursor);
static void warn_of_header(PhigLogReader *reader, const PhigCursor *cursor);
static void warn_of_error(PhigLogReader *reader, const PhigCursor *cursor);
static void warn(PhigLogReader *reader, const PhigCursor *cursor, const char *what);

/*
 * Behind the place where the chain broke there may be whole records that were in the ring, too.  The segment that names
 * the break has them again, with proof.
 */
static void
note_repeated(PhigCursor *cursor, const PhigSourceFile *file)
{
	const PhigSourceFile *next = file + 1;

	cursor->again_seq = PG_UINT64_MAX;
	if (file->last || next->state != PHIG_HEADER_OK || next->header.reason != PHIG_SEGMENT_BROKEN ||
		next->header.broken_segment != file->number)
		return;
	cursor->again_offset = next->header.broken_offset;
	cursor->again_seq = next->header.first_seq;
}

static bool
is_repeated(const PhigCursor *cursor, const PhigRecord *record)
{
	return record->head.seq >= cursor->again_seq && record->offset >= cursor->again_offset;
}

void
phig_cursor_begin_file(PhigLogReader *reader, PhigCursor *cursor, int index)
{
	PhigSourceFile *file = &reader->source->files[index];

	cursor->index = index;
	cursor->bytes = phig_source_select(reader->source, index);
	phig_walk_begin(&cursor->walk, &cursor->bytes, phig_crc32c);
	if (file->state == PHIG_HEADER_OK && file->header.first_seq > 0)
		cursor->last_seq = file->header.first_seq - 1;
	note_repeated(cursor, file);
	file->looked_at = true;
	warn_of_header(reader, cursor);
}

void
phig_cursor_begin_chunk(PhigCursor *cursor, uint64 begin, uint64 end)
{
	cursor->walk.offset = begin;
	cursor->chunk_begin = begin;
	cursor->chunk_end = end;
}

void
phig_cursor_copy(PhigCursor *to, const PhigCursor *from)
{
	*to = *from;
	to->walk.bytes = &to->bytes;
}

bool
phig_cursor_at_end(const PhigCursor *cursor)
{
	return cursor->walk.ended || cursor->walk.offset >= cursor->bytes.limit;
}

const PhigRecord *
phig_cursor_next(PhigLogReader *reader, PhigCursor *cursor)
{
	PhigStep	step;

	/* Also where it is open: another cursor may have moved the buffer that these bytes lie in. */
	cursor->bytes = phig_source_select(reader->source, cursor->index);
	while (cursor->walk.offset < cursor->chunk_end &&
		   (step = phig_walk_next(&cursor->walk)) != PHIG_STEP_END)
	{
		if (step == PHIG_STEP_RECORD && is_repeated(cursor, &cursor->walk.record))
			continue;
		if (step == PHIG_STEP_RECORD)
		{
			cursor->last_seq = cursor->walk.record.head.seq;
			return &cursor->walk.record;
		}
		warn_of_damage(reader, cursor);
	}
	if (phig_cursor_at_end(cursor))
		warn_of_error(reader, cursor);
	return NULL;
}

/* Each once, though a segment is walked more often. */
static void
warn_of_damage(PhigLogReader *reader, const PhigCursor *cursor)
{
	PhigFileNotes *notes = &reader->notes[cursor->index];
	const PhigWalk *walk = &cursor->walk;

	if (walk->damage_offset < notes->damage_to)
		return;
	notes->damage_to = walk->damage_offset + Max(walk->damage_bytes, 1);
	warn(reader, cursor, "is damaged");
}

static void
warn_of_header(PhigLogReader *reader, const PhigCursor *cursor)
{
	PhigFileNotes *notes = &reader->notes[cursor->index];

	if (notes->header || reader->source->files[cursor->index].state == PHIG_HEADER_OK)
		return;
	notes->header = true;
	warn(reader, cursor, "has no readable header");
}

static void
warn_of_error(PhigLogReader *reader, const PhigCursor *cursor)
{
	PhigFileNotes *notes = &reader->notes[cursor->index];

	if (notes->error || reader->source->files[cursor->index].error == 0)
		return;
	notes->error = true;
	warn(reader, cursor, "cannot be read");
}

static void
warn(PhigLogReader *reader, const PhigCursor *cursor, const char *what)
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
