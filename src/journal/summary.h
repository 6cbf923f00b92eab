/*
 * summary.h
 *		What a closed segment holds, in a fiftieth of its size: so that a search need not look into it, or into
 *		most of it.
 *
 * A summary is a file beside its segment, <node8>-<number10>.sum, the same bytes as in memory.
 * It can say "not here" for certain, and "here" with a small error.  The keeper makes it from the segment, again
 * whenever it is missing or does not fit, and seals it under a key of the server's: who only can write
 * files cannot make one that is believed.  verify_journal() compares it with the segment.  Format: docs/journal.md.
 */
#ifndef PHIG_SUMMARY_H
#define PHIG_SUMMARY_H

#include "postgres.h"

#include "journal/keyset.h"
#include "journal/parse.h"
#include "journal/shared.h"

#define PHIG_SUMMARY_MAGIC "PHIGSUM1"
#define PHIG_SUMMARY_VERSION 2

/* What a summary cannot say, and what a reader must not pass over. */
#define PHIG_SUMMARY_UNRESOLVED		0x01	/* a record uses a definition of another segment */
#define PHIG_SUMMARY_LATE_MISSING	0x02	/* too many executions to be listed as late */
#define PHIG_SUMMARY_SERVER_EVENT	0x04	/* a start or stop of the server */
#define PHIG_SUMMARY_OPEN_MISSING	0x08	/* too many executions to be listed as open */
#define PHIG_SUMMARY_SHARED_MISSING	0x10	/* too many definitions to be listed as shared */

/* A summary that claims more than this is not believed: segments have a gigabyte at most. */
#define PHIG_SUMMARY_FILE_BYTES (64 * 1024 * 1024)

/* A segment's records in stretches of so many bytes: a record belongs to that in which it begins. */
#define PHIG_BLOCK_BYTES (256 * 1024)

/* Of an execution that began in an earlier segment: the number of its start record << 2, and what is here. */
#define PHIG_LATE(seq)				((seq) << 2)
#define PHIG_LATE_SEQ(late)			((late) >> 2)
#define PHIG_LATE_END				0x01
#define PHIG_LATE_PERSONS			0x02

/* Key of the relations that executions reached whose persons are not captured. */
#define PHIG_WORD_UNCAPTURED		'\1'

typedef struct PhigBlock
{
	uint64		offset;			/* of its first record, in the segment */
	uint64		first_seq;		/* number of its first record, or of the first one behind it */
	PhigPrints	subjects;		/* tokens of persons that its records name */
	uint32		forms;			/* 1 << form, of its records of persons, of executions that began
								 * in this segment */
} PhigBlock;

/* Of a definition that other blocks use than the one that it stands in. */
#define PHIG_SHARED(id32, offset)	((uint64) (id32) << 32 | (offset) / PHIG_RECORD_ALIGN)
#define PHIG_SHARED_OFFSET(shared)	(((shared) & PG_UINT32_MAX) * PHIG_RECORD_ALIGN)

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
	uint32		forms;			/* 1 << form, of persons on record */
	uint32		late_forms;		/* those of executions that began in an earlier segment */
	uint32		state;			/* PHIG_SUMMARY_... */
	uint32		nlate;			/* executions that began in an earlier segment and go on here */
	uint32		nopen;			/* that began here, name persons, and go on in a later one, or end
								 * nowhere */
	uint32		nblocks;
	uint32		nshared;		/* definitions that several blocks use */
	uint32		subjects_bytes; /* of the sets of all blocks */
	PhigKeySet	words;			/* of definitions */
	PhigKeySet	late_subjects;	/* persons whom executions name which began in an earlier segment */

	/*
	 * Then: late, open, shared (8 bytes each, sorted), blocks, words, late_subjects, the sets of
	 * the blocks one after the other, the seal: SipHash-2-4 of all before (8 bytes).
	 */
} PhigSummary;

/* A word of a definition: its key character and its value, UTF-8 without escapes, as one number. */
extern uint64 phig_summary_word(char key, const char *value, size_t len);

/* A person, as one number. */
extern uint64 phig_summary_token(const uint8 token[PHIG_ID_BYTES]);

/* Is a line of this key among the words? */
extern bool phig_summary_is_word(char key);

/*
 * phig_summary_build
 *		The summary of a segment.
 *
 * bytes:     the segment's.  last_hash: what its successor's header names, NULL where there is none yet.
 * prove:     only where the segment's own chain leads to that hash: nobody else's bytes are to be sealed.
 * Memory:    palloc'd in the current context, the result and more; huge for huge segments.
 * Returns NULL where the segment is damaged, or empty, or is not the one of that number.  Errors: out of memory.
 */
extern PhigSummary *phig_summary_build(PhigBytes *bytes, uint64 number, const uint8 *last_hash, bool prove);

/* Bytes of a summary with that head. */
extern uint64 phig_summary_bytes(const PhigSummary *head);

/* Make it one that is believed where the key is known. */
extern void phig_summary_seal(PhigSummary *summary, const uint64 key[2]);

/* Do they say the same, sealed or not? */
extern bool phig_summary_same(const PhigSummary *a, const PhigSummary *b);

/* Path of the summary of the segment at that path. */
extern void phig_summary_path(char path[MAXPGPATH], const char *segment_path);

/*
 * phig_summary_load
 *		A summary's file, if it is sealed with the key and fits the segment with this header and last hash.
 *
 * Memory: palloc'd.  NULL otherwise, whatever the reason.
 */
extern PhigSummary *phig_summary_load(const char *segment_path, const PhigSegmentHeader *header,
									  const uint8 last_hash[PHIG_HASH_BYTES], const uint64 key[2]);

/* Write it beside the segment; what a crash leaves of it does not fit, and is made again. */
extern bool phig_summary_write(const PhigSummary *summary, const char *segment_path, PhigFault *fault);

/* Are these bytes a summary of the segment with this header and last hash, sealed with the key, and can all be read? */
extern bool phig_summary_fits(const PhigSummary *summary, uint64 bytes, const PhigSegmentHeader *header,
							  const uint8 last_hash[PHIG_HASH_BYTES], const uint64 key[2]);

/* May the segment hold this?  late: named by executions that began earlier. */
extern bool phig_summary_has_word(const PhigSummary *summary, uint64 word);
extern bool phig_summary_has_subject(const PhigSummary *summary, const uint8 token[PHIG_ID_BYTES], bool late);

/* May records of block i name the person? */
extern bool phig_summary_block_has(const PhigSummary *summary, uint32 i, const uint8 token[PHIG_ID_BYTES]);

/* Executions that go on here, as PHIG_LATE; and numbers of the start records of those that are open at the end. */
extern const uint64 *phig_summary_late(const PhigSummary *summary);
extern const uint64 *phig_summary_open(const PhigSummary *summary);

extern const PhigBlock *phig_summary_blocks(const PhigSummary *summary);

/* Where block i ends, in a segment of so many bytes. */
extern uint64 phig_summary_block_end(const PhigSummary *summary, uint32 i, uint64 limit);

/* The block of the record of this number; there is one. */
extern uint32 phig_summary_block_of(const PhigSummary *summary, uint64 seq);

/*
 * phig_summary_shared
 *		Where a definition that several blocks use may stand.
 *
 * Begin with *next = 0; false when there are no more.  Whether it is the one must be looked at there.
 */
extern bool phig_summary_shared(const PhigSummary *summary, const uint8 id[PHIG_ID_BYTES], uint32 *next,
								uint64 *offset);

#endif
