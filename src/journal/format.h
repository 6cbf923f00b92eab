/*
 * format.h
 *		The journal's bytes.
 *
 * Shared by the server and by stand-alone readers: it includes nothing of
 * PostgreSQL but c.h's integer types.  All integers are little-endian.
 * docs/journal.md says the same in words; change both, and the version.
 *
 * A journal directory holds
 *		node							text: who writes here, see node.c
 *		ring							the mapped ring, see ring.c
 *		<node8>-<number10>.seg			segments: node8 = first 8 hex digits of the node id, number from 1
 *
 * A segment is a header (512 bytes), then records back to back, then zeros.
 * Records come in batches; each batch ends in a seal, whose hash covers the
 * batch and, through the hash before it, everything earlier:
 *
 *		hash(segment header) = SHA-256(header.prev_hash || 512 header bytes)
 *		hash(seal n)         = SHA-256(hash before || all record bytes since that hash, this seal's record excluded)
 *
 * so a seal's own record bytes are covered by the next seal (they are the first
 * bytes after "that hash").  Behind a seal, or behind the header, a checkpoint may
 * stand, which the next seal covers as well.
 *
 *		last hash			 = SHA-256(hash || record bytes since that hash), or hash where there are none
 *
 * is what a checkpoint signs, and what the next segment calls header.prev_hash.
 * For the first segment of a node without parent it is 32 zeros.  After a break
 * (PHIG_SEGMENT_BROKEN) the last hash is that of the last seal before broken_offset;
 * zeros where not even the header could be read.
 */
#ifndef PHIG_FORMAT_H
#define PHIG_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#define PHIG_SEGMENT_MAGIC "PHIGSEG1"
#define PHIG_FORMAT_VERSION 2	/* of what is written; those before are read, too */
#define PHIG_SEGMENT_HEADER_BYTES 512
#define PHIG_HASH_BYTES 32
#define PHIG_ID_BYTES 16

/* A record is at most this long; longer statement text is cut, and says so. */
#define PHIG_RECORD_MAX_BYTES (64 * 1024)
/* Records start on multiples of 8; padding is zeros, inside the CRC. */
#define PHIG_RECORD_ALIGN 8

/* Why a segment was begun. */
#define PHIG_SEGMENT_FIRST 1	/* a new node */
#define PHIG_SEGMENT_ROTATION 2 /* the one before was full */
#define PHIG_SEGMENT_BRANCH 3	/* a copy of another node's directory: parent_* name it */
#define PHIG_SEGMENT_BROKEN 4	/* the segment before is damaged in the middle: broken_* say where */

typedef struct PhigSegmentHeader
{
	char		magic[8];
	uint32_t	version;
	uint32_t	header_bytes;	/* 512 */
	uint64_t	system_identifier;
	uint8_t		node[PHIG_ID_BYTES];
	uint64_t	number;			/* 1, 2, ... */
	uint64_t	first_seq;		/* seq of the first record that has one of its own */
	int64_t		created;		/* microseconds since 2000-01-01 00:00 UTC */
	uint8_t		prev_hash[PHIG_HASH_BYTES];
	uint8_t		parent_node[PHIG_ID_BYTES]; /* zeros: none */
	uint64_t	parent_seq;		/* last seq taken over from the parent */
	uint32_t	reason;			/* PHIG_SEGMENT_... */
	uint32_t	timeline;
	uint64_t	broken_segment;
	uint64_t	broken_offset;
	int64_t		before_first;	/* of the segment before: time of its earliest record */
	int64_t		before_last;	/* and of its latest one; 0 and 0: not known */
	uint8_t		zeros[PHIG_SEGMENT_HEADER_BYTES - 160 - 4];
	uint32_t	crc;			/* CRC-32C of all bytes before it */
} PhigSegmentHeader;

/* Record types. */
#define PHIG_RECORD_DEFINITION 'D'	/* body: PhigDefinitionBody */
#define PHIG_RECORD_START 'S'	/* body: PhigStartBody */
#define PHIG_RECORD_END 'E'		/* body: PhigEndBody */
#define PHIG_RECORD_EVENT 'V'	/* body: PhigEventBody: start and end in one */
#define PHIG_RECORD_SEAL 'L'	/* body: 32-byte hash; seq = last seq that it covers */
#define PHIG_RECORD_CHECKPOINT 'C'	/* body: PhigCheckpointBody; directly behind a seal or the
									 * header; seq = last seq that it vouches for */
#define PHIG_RECORD_PERSONS 'P' /* body: PhigPersonsBody; before the end record of its execution,
								 * which names few persons itself */
#define PHIG_RECORD_ROTATE 'R'	/* only in the ring: the next record begins a new segment; never
								 * in a file */

typedef struct PhigRecordHeader
{
	uint32_t	length;			/* whole record, padding included; multiple of 8 */
	uint32_t	crc;			/* CRC-32C of bytes 8 .. length - 1 */
	uint64_t	seq;			/* 1, 2, ... without holes within a node; each record has its own
								 * but seals and checkpoints */
	int64_t		time;			/* microseconds since 2000-01-01 00:00 UTC */
	uint8_t		type;
	uint8_t		reserved[3];	/* zeros */
	uint32_t	body_bytes;		/* body without padding */
} PhigRecordHeader;				/* 32 bytes */

/*
 * A definition: text of key=value lines, in UTF-8 whatever the database's
 * encoding; each line is one key character, '=', value, '\n'; backslash and
 * newline in a value are written \\ and \n.  id = SHA-256(text), first 16
 * bytes.  A key may repeat: a list, in order.
 *
 *	statement	t command tag		k kind of what (reader shows PhigKind from the start record)
 *				f fingerprint (16 hex digits)	q normalised text
 *				r returned column	e referenced column		s stored column
 *				(each schema.table.column, quoted as SQL identifiers)
 *				w shown: column=form			c column=category, of every column named
 *				F flag word that belongs to the statement itself, e.g. row_trigger;
 *				cut: the text was too long for a record, lines or the end of q are missing
 *	session		l login role	a active role	u app_user	h client host	n application name
 *				d database		p pid		i session id	P purpose	j justification
 *				v server version (only in server events)
 */
typedef struct PhigDefinitionBody
{
	uint8_t		id[PHIG_ID_BYTES];
	/* text follows */
} PhigDefinitionBody;

/* Flags of an end record; zeros where version 1 wrote it. */
#define PHIG_END_RAN 0x01		/* the plan was asked for a row, or data of a COPY began to flow */

typedef struct PhigStartBody
{
	uint8_t		statement[PHIG_ID_BYTES];
	uint8_t		session[PHIG_ID_BYTES];
	uint32_t	kind;			/* PhigKind */
	uint32_t	flags;			/* PHIG_FLAG_... */
} PhigStartBody;				/* record: 72 bytes */

typedef struct PhigEndBody
{
	uint64_t	start_seq;
	uint64_t	rows;
	uint32_t	executions;
	uint8_t		outcome;		/* PhigOutcome */
	char		sqlstate[5];	/* "00000" when ok; no NUL */
	uint8_t		flags;			/* PHIG_END_... */
	uint8_t		form;			/* of the persons that this record names: PHIG_PERSONS_TOKENS, or
								 * PHIG_PERSONS_COUNT with no number; 0: none */
	uint8_t		manner;			/* PHIG_MANNER_... of these */
	uint8_t		reserved[3];	/* zeros */
	/* tokens follow */
} PhigEndBody;					/* record: 64 bytes and what follows */

typedef struct PhigEventBody
{
	uint8_t		statement[PHIG_ID_BYTES];
	uint8_t		session[PHIG_ID_BYTES];
	uint32_t	kind;
	uint32_t	flags;
	uint64_t	rows;
	uint8_t		outcome;
	char		sqlstate[5];
	uint8_t		reserved[2];
} PhigEventBody;				/* record: 88 bytes */

/* How a record of persons says who they are. */
#define PHIG_PERSONS_TOKENS 1	/* n tokens of PHIG_TOKEN_BYTES; further records add to them */
#define PHIG_PERSONS_SUMMARY 2	/* n bytes of a set summary: of all persons, also those named
								 * before */
#define PHIG_PERSONS_COUNT 3	/* no data: how many at most, not who; 0: not even that is known */

/* What these persons have to do with the execution. */
#define PHIG_MANNER_ROWS 1		/* rows of theirs left */
#define PHIG_MANNER_AGGREGATE 2 /* rows of theirs went into what left */
#define PHIG_MANNER_WRITTEN 3	/* rows of theirs were written, or left with those */

#define PHIG_TOKEN_BYTES 16

/* Tokens in an end record, at most: where there are more they have records of their own. */
#define PHIG_END_TOKENS 4

typedef struct PhigPersonsBody
{
	uint64_t	start_seq;
	uint64_t	persons;		/* named by this execution so far; with the other forms: how many
								 * there are */
	uint8_t		form;			/* PHIG_PERSONS_... */
	uint8_t		manner;			/* PHIG_MANNER_... */
	uint8_t		reserved[2];	/* zeros */
	uint32_t	n;				/* tokens, or bytes of the summary, that follow */
} PhigPersonsBody;				/* record: 56 bytes and what follows */

#define PHIG_SIGNATURE_BYTES 64
#define PHIG_KEY_ID_BYTES 8

/* The rest of what the signature covers is where the record stands: see checkpoint.h. */
typedef struct PhigCheckpointBody
{
	uint64_t	oldest;			/* number of the oldest segment that is kept: those before were
								 * retired */
	uint8_t		hash[PHIG_HASH_BYTES];	/* the last hash, before this record */
	uint8_t		key[PHIG_KEY_ID_BYTES]; /* first bytes of SHA-256(public key) */
	uint8_t		signature[PHIG_SIGNATURE_BYTES];	/* Ed25519, RFC 8032 */
} PhigCheckpointBody;			/* record: 144 bytes */

/* Can the body of an end record be so long? */
static inline bool
phig_end_bytes_fit(uint32_t body_bytes)
{
	uint32_t	tokens = body_bytes - (uint32_t) sizeof(PhigEndBody);

	return body_bytes >= sizeof(PhigEndBody) && tokens % PHIG_TOKEN_BYTES == 0 &&
		tokens <= PHIG_END_TOKENS * PHIG_TOKEN_BYTES;
}

#define PHIG_SEAL_BYTES (sizeof(PhigRecordHeader) + PHIG_HASH_BYTES)
#define PHIG_CHECKPOINT_BYTES (sizeof(PhigRecordHeader) + sizeof(PhigCheckpointBody))

_Static_assert(sizeof(PhigSegmentHeader) == PHIG_SEGMENT_HEADER_BYTES, "segment header layout");
_Static_assert(sizeof(PhigRecordHeader) == 32, "record header layout");
_Static_assert(sizeof(PhigStartBody) == 40, "start body layout");
_Static_assert(sizeof(PhigEndBody) == 32, "end body layout");
_Static_assert(sizeof(PhigEventBody) == 56, "event body layout");
_Static_assert(sizeof(PhigPersonsBody) == 24, "persons body layout");
_Static_assert(sizeof(PhigCheckpointBody) == 112, "checkpoint body layout");

#endif
