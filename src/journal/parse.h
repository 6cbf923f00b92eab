/*
 * parse.h
 *		A journal segment's bytes, read with suspicion.
 *
 * Whoever can write the journal's files may have written anything into them:
 * every length is checked against the bytes that are there before it is used.
 * Includes nothing of PostgreSQL, so that a stand-alone verifier and the
 * sanitizers can compile it without a server.  Nothing here allocates, raises
 * an error or knows of files; what a segment's chain of hashes says is
 * verify.h's business.
 */
#ifndef PHIG_PARSE_H
#define PHIG_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/checkpoint.h"
#include "journal/format.h"

/* CRC-32C (Castagnoli) of len bytes. */
typedef uint32_t (*PhigCrc32c) (const void *data, size_t len);

/*
 * A segment's bytes.  get returns a pointer to those at offset, valid until the
 * next call, and in *have how many follow there: at least want unless limit (or
 * a failed read) is nearer.  want is at most PHIG_RECORD_MAX_BYTES.
 */
typedef struct PhigBytes
{
	const uint8_t *(*get) (void *arg, uint64_t offset, size_t want, size_t *have);
	void	   *arg;
	uint64_t	limit;			/* bytes that count: the file's size, or what the server flushed */

	/* What get returned last: phig_bytes_at's own. */
	const uint8_t *window;
	uint64_t	window_offset;
	size_t		window_bytes;
} PhigBytes;

/* As bytes->get, and without calling it where its last answer will do. */
static inline const uint8_t *
phig_bytes_at(PhigBytes *bytes, uint64_t offset, size_t want, size_t *have)
{
	uint64_t	at = offset - bytes->window_offset;

	if (at < bytes->window_bytes && bytes->window_bytes - at >= want)
	{
		*have = bytes->window_bytes - (size_t) at;
		return bytes->window + at;
	}
	bytes->window = bytes->get(bytes->arg, offset, want, have);
	bytes->window_offset = offset;
	bytes->window_bytes = bytes->window != NULL ? *have : 0;
	return bytes->window;
}

typedef enum PhigHeaderState
{
	PHIG_HEADER_OK,
	PHIG_HEADER_SHORT,			/* fewer than 512 bytes */
	PHIG_HEADER_EMPTY,			/* zeros: preallocated, never begun */
	PHIG_HEADER_MAGIC,
	PHIG_HEADER_CRC,
	PHIG_HEADER_VERSION			/* intact, but of a version (or header size) unknown here */
} PhigHeaderState;

/*
 * phig_parse_header
 *		Decode a segment's header into host byte order.
 *
 * header is filled in whenever 512 bytes are there, whatever the answer.
 */
extern PhigHeaderState phig_parse_header(PhigBytes *bytes, PhigCrc32c crc32c,
										 PhigSegmentHeader *header);

/* A record whose checksum and layout are right.  Pointers hold until the next step. */
typedef struct PhigRecord
{
	uint64_t	offset;			/* in the segment */
	PhigRecordHeader head;		/* decoded */
	const uint8_t *bytes;		/* head.length of them */
	const uint8_t *body;		/* head.body_bytes of them, inside bytes */
} PhigRecord;

/* The bodies, decoded.  The record's type must be the one that the name says. */
extern void phig_parse_start(const PhigRecord *record, PhigStartBody *body);
extern void phig_parse_end(const PhigRecord *record, PhigEndBody *body);
extern void phig_parse_event(const PhigRecord *record, PhigEventBody *body);

/*
 * phig_parse_persons
 *		What a record of persons, or an end record, says of persons; *data are its n tokens or bytes.
 *
 * False when it says nothing of them, or not what its body speaks of.
 */
extern bool phig_parse_persons(const PhigRecord *record, PhigPersonsBody *body, const uint8_t **data);

/* A checkpoint, with what follows from where its record stands: in the segment of this header. */
extern void phig_parse_checkpoint(const PhigSegmentHeader *header, const PhigRecord *record,
								  PhigCheckpoint *checkpoint);

typedef enum PhigStep
{
	PHIG_STEP_RECORD,			/* walk->record */
	PHIG_STEP_DAMAGE,			/* walk->damage..., and the walk goes on behind it */
	PHIG_STEP_END				/* walk->offset is where the records end */
} PhigStep;

typedef enum PhigDamage
{
	PHIG_DAMAGE_RECORD,			/* one record altered; the next is where it should be */
	PHIG_DAMAGE_RANGE,			/* unreadable bytes, then records again */
	PHIG_DAMAGE_TAIL,			/* unreadable bytes, and no record after them */
	PHIG_DAMAGE_STRAY			/* zeros where a record should begin, then other bytes */
} PhigDamage;

typedef struct PhigWalk
{
	PhigBytes  *bytes;
	PhigCrc32c	crc32c;
	uint64_t	offset;			/* where the next record should begin */
	uint64_t	budget;			/* bytes that may still be checksummed in vain */
	bool		ended;			/* no record follows */
	PhigRecord	record;
	PhigDamage	damage;
	uint64_t	damage_offset;
	uint64_t	damage_bytes;
} PhigWalk;

/* Begin behind the segment's header. */
extern void phig_walk_begin(PhigWalk *walk, PhigBytes *bytes, PhigCrc32c crc32c);

/*
 * phig_walk_next
 *		The next record, or what is in its place.
 *
 * Ends after at most limit / 8 steps.  Time is linear in limit, damage or not:
 * once the budget is spent, what follows damage counts as unreadable.
 */
extern PhigStep phig_walk_next(PhigWalk *walk);

/* One line of a definition; value is still escaped. */
typedef struct PhigLine
{
	char		key;
	const char *value;
	size_t		len;
} PhigLine;

/*
 * phig_parse_line
 *		The line at *cursor; moves *cursor behind it.  False at the end.
 *
 * Lines that are not key=value are passed over.
 */
extern bool phig_parse_line(const char **cursor, const char *end, PhigLine *line);

/* Undo the escapes of a value: out has room for line->len bytes; returns how many were written. */
extern size_t phig_parse_value(const PhigLine *line, char *out);

/* "0011aabb-0000000001.seg": true when name is spelt exactly like that; node8 gets a NUL. */
extern bool phig_parse_segment_name(const char *name, char node8[9], uint64_t *number);

#endif
