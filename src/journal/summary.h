/*
 * summary.h
 *		What a closed segment holds, in a fiftieth of its size: so that a search need not look into it.
 *
 * A summary is a file beside its segment, <node8>-<number10>.sum, the same bytes as in memory.
 * It can say "not here" for certain, and "here" with a small error.  It vouches for nothing: the
 * keeper makes it from the segment, again whenever it is missing or does not fit, and
 * verify_journal() compares the two.  Format: docs/journal.md.
 */
#ifndef PHIG_SUMMARY_H
#define PHIG_SUMMARY_H

#include "postgres.h"

#include "journal/parse.h"
#include "journal/shared.h"

#define PHIG_SUMMARY_MAGIC "PHIGSUM1"
#define PHIG_SUMMARY_VERSION 1

/* What a summary cannot say, and what a reader must not pass over. */
#define PHIG_SUMMARY_UNRESOLVED		0x01	/* a record uses a definition of another segment */
#define PHIG_SUMMARY_LATE_MISSING	0x02	/* too many executions to be listed as late */
#define PHIG_SUMMARY_SERVER_EVENT	0x04	/* a start or stop of the server */
#define PHIG_SUMMARY_OPEN_MISSING	0x08	/* too many executions to be listed as open */

/* Of an execution that began in an earlier segment: the number of its start record << 2, and what is here. */
#define PHIG_LATE(seq)				((seq) << 2)
#define PHIG_LATE_SEQ(late)			((late) >> 2)
#define PHIG_LATE_END				0x01
#define PHIG_LATE_PERSONS			0x02

/* Key of the relations that executions reached whose persons are not captured. */
#define PHIG_WORD_UNCAPTURED		'\1'

/* Bits of a set of keys, a power of two of them, in bytes. */
typedef struct PhigKeySet
{
	uint32		bytes;			/* 0: the empty set */
	uint32		used;			/* bits that are set */
} PhigKeySet;

typedef struct PhigSummary
{
	char		magic[8];
	uint32		version;
	uint32		head_bytes;		/* of this struct */
	uint64		total_bytes;	/* of the file, checksum included */
	/* Which segment it is of, and in what state. */
	uint8		node[PHIG_ID_BYTES];
	uint64		number;
	uint8		last_hash[PHIG_HASH_BYTES]; /* as the next segment's header has it */
	/* Of its start records and events. */
	uint64		first_seq;
	uint64		last_seq;
	uint32		kinds;			/* 1 << PhigKind, of all */
	uint32		flags;			/* PHIG_FLAG_..., of all */
	uint32		forms;			/* 1 << form, of records of persons */
	uint32		late_forms;		/* those of executions that began in an earlier segment */
	uint32		state;			/* PHIG_SUMMARY_... */
	uint32		nlate;			/* executions that began in an earlier segment and go on here */
	uint32		nopen;			/* that began here, name persons, and go on in a later one, or end
								 * nowhere */
	uint32		zero;
	PhigKeySet	words;			/* of definitions */
	PhigKeySet	subjects;		/* tokens of persons */
	PhigKeySet	late_subjects;	/* those that executions name which began in an earlier segment */
	/* Then: late, open (8 bytes each, sorted), the three sets, CRC-32C of all before (4 bytes). */
} PhigSummary;

/* A word of a definition: its key character and its value, UTF-8 without escapes, as one number. */
extern uint64 phig_summary_word(char key, const char *value, size_t len);

/* Is a line of this key among the words? */
extern bool phig_summary_is_word(char key);

/*
 * phig_summary_build
 *		The summary of a segment.
 *
 * bytes:     the segment's.  last_hash: what its successor's header names, NULL where there is none yet.
 * Memory:    palloc'd in the current context, the result and more; huge for huge segments.
 * Returns NULL where the segment is damaged, or is not the one of that number.  Errors: out of memory.
 */
extern PhigSummary *phig_summary_build(PhigBytes *bytes, uint64 number, const uint8 *last_hash);

/* Path of the summary of the segment at that path. */
extern void phig_summary_path(char path[MAXPGPATH], const char *segment_path);

/*
 * phig_summary_load
 *		A summary's file, if it is whole and fits the segment with this header and last hash.
 *
 * Memory: palloc'd.  NULL otherwise, whatever the reason.
 */
extern PhigSummary *phig_summary_load(const char *segment_path, const PhigSegmentHeader *header,
									  const uint8 last_hash[PHIG_HASH_BYTES]);

/* Write it beside the segment; what a crash leaves of it does not fit, and is made again. */
extern bool phig_summary_write(const PhigSummary *summary, const char *segment_path, PhigFault *fault);

/* May the segment hold this? */
extern bool phig_summary_has_word(const PhigSummary *summary, uint64 word);
extern bool phig_summary_has_subject(const PhigSummary *summary, const uint8 token[PHIG_ID_BYTES], bool late);

/* Executions that go on here, as PHIG_LATE; and numbers of the start records of those that are open at the end. */
extern const uint64 *phig_summary_late(const PhigSummary *summary);
extern const uint64 *phig_summary_open(const PhigSummary *summary);

#endif
