/*
 * reader_internal.h
 *		What the reader, its cursors and its scout share.
 */
#ifndef PHIG_READER_INTERNAL_H
#define PHIG_READER_INTERNAL_H

#include "postgres.h"

#include "utils/hsearch.h"

#include "journal/choose.h"
#include "journal/journal.h"
#include "journal/named.h"
#include "journal/pick.h"
#include "journal/reader.h"
#include "journal/row.h"

/* Of a segment that is read as a whole. */
#define PHIG_CHUNK_BYTES (1024 * 1024)

/* A place in the journal that moves forward, from chunk to chunk of a segment. */
typedef struct PhigCursor
{
	int			index;			/* of the file; -1: none yet */
	PhigBytes	bytes;
	PhigWalk	walk;
	uint64		chunk_begin;
	uint64		chunk_end;		/* no record of the chunk begins here or later */
	uint64		last_seq;		/* latest record met on the node, for warnings */
	uint64		again_offset;	/* records of the file from here on stand in the next one, too, */
	uint64		again_seq;		/* if their number is this or a later one */
} PhigCursor;

/* An execution that the scout has seen begin and not end. */
typedef struct PhigWaiting
{
	uint64		seq;			/* hash key */
	uint64		chunk;			/* in which it began, as the scout counts them */
} PhigWaiting;

typedef struct PhigEndingEntry
{
	uint64		start_seq;		/* hash key */
	PhigEnding	ending;
} PhigEndingEntry;

/* Is this definition that of a start of the server, or of its stop? */
typedef struct PhigServerEvent
{
	uint8		id[PHIG_ID_BYTES];	/* hash key */
	bool		start;
} PhigServerEvent;

/* What the user was told of a file. */
typedef struct PhigFileNotes
{
	uint64		damage_to;		/* of damage before this offset */
	bool		header;
	bool		error;
} PhigFileNotes;

struct PhigLogReader
{
	MemoryContext context;
	PhigSource *source;
	PhigLogRange range;
	const PhigSearch *search;
	PhigPick   *pick;
	bool		choosing;		/* only executions in chosen, or, by_names, whose persons later
								 * segments name */
	bool		by_names;		/* chosen by records of persons */
	HTAB	   *chosen;			/* numbers of start records, of the segment of rows */
	PhigSummary *summary;		/* of the segment of rows, if only the blocks that are wanted are
								 * read; else NULL */
	bool	   *wanted;			/* one a block of it */
	uint32		block;			/* the next one to look at */
	PhigRowMaker *maker;
	HTAB	   *sessions;		/* ids of the sessions on this server */
	PhigFileNotes *notes;		/* one a file */
	int			warnings;
	bool		done;

	PhigCursor	rows;
	bool		in_chunk;
	PhigDictionary *dictionary; /* of the segment of rows; NULL before the first */
	PhigDictionary *dictionary_before;	/* where its first records may refer to; mostly NULL */
	HTAB	   *ends;			/* PhigEndingEntry: what ends in the chunk of rows */
	PhigNamedTable *named;		/* persons on record in the chunk of rows */
	PhigNamed	row_named;		/* of the last row; valid where row_is_named */
	bool		row_is_named;
	uint64		row_seq;

	PhigCursor	scout;			/* at the end of the chunk of rows, or later */
	bool		scout_passed;	/* it has passed over segments: what it knows is of no use there */
	uint64		scout_chunk;
	HTAB	   *waiting;		/* PhigWaiting: wanted, and open where the scout is */
	HTAB	   *late;			/* PhigEndingEntry: of rows to come that end in another chunk */
	PhigNamedTable *late_named; /* persons of rows to come, on record in another chunk */
	HTAB	   *server_events;	/* PhigServerEvent */
	uint64		last_start;		/* of the server, as far as the scout is; 0: none */
	uint64		last_stop;
	uint64		over_before;	/* what began before this number has ended, or its server did */
	uint64		gap;			/* segments are missing behind this number */
};

/* cursor.c */

/* To the begin of a file.  Warns of a header that cannot be read, once. */
extern void phig_cursor_begin_file(PhigLogReader *reader, PhigCursor *cursor, int index);

/* To a chunk of its file. */
extern void phig_cursor_begin_chunk(PhigCursor *cursor, uint64 begin, uint64 end);

extern void phig_cursor_copy(PhigCursor *to, const PhigCursor *from);

/* No chunk of the file is left. */
extern bool phig_cursor_at_end(const PhigCursor *cursor);

/* The chunk's next record, which holds until any cursor moves; NULL at its end.  Warns of damage, once. */
extern const PhigRecord *phig_cursor_next(PhigLogReader *reader, PhigCursor *cursor);

/* scout.c */

extern HTAB *phig_reader_make_table(const char *name, Size key, Size entry);

/* Keyed by record numbers: an empty one in its place, unless it is empty. */
extern void phig_reader_empty_table(HTAB **table, const char *name, Size entry);

/* Of the segment of rows: may it be searched for? */
extern bool phig_scout_chooses(const PhigLogReader *reader, uint64 seq);

/* Collect what ends in the chunk that rows has begun. */
extern void phig_scout_gather(PhigLogReader *reader);

/* How an execution ended; false where it has no end on record.  Goes ahead as far as that takes. */
extern bool phig_scout_find_end(PhigLogReader *reader, uint64 seq, PhigEnding *ending);

/* How it ended is of no interest. */
extern void phig_scout_forget(PhigLogReader *reader, uint64 seq);

/* What began with this record is over, end record or not, and if there is one, the scout is behind it. */
extern bool phig_scout_is_over(const PhigLogReader *reader, uint64 seq);

/* What the scout found is of no use elsewhere. */
extern void phig_scout_reset(PhigLogReader *reader);

/* Whoever goes where the scout passed has to send it again, and what is over is what it has seen. */
extern void phig_scout_recall(PhigLogReader *reader);

static inline bool
phig_reader_wants(const PhigLogReader *reader, const PhigRecordHeader *head)
{
	const PhigLogRange *range = &reader->range;

	return head->time >= range->since && head->time <= range->until &&
		(int64) head->seq >= range->first && (int64) head->seq <= range->last;
}

#endif
