/*
 * verify.h
 *		Is the journal what was written?
 *
 * Follows the sequence numbers and the chain of hashes of one node's segments
 * in order, and says where they break.  Includes nothing of PostgreSQL, see
 * parse.h.  What the chain cannot know: a forger who rewrites everything from
 * some batch to the newest one, or who cuts whole batches off a stopped
 * server's end, leaves a chain that fits; signed checkpoints and anchors kept
 * elsewhere are for that.
 */
#ifndef PHIG_VERIFY_H
#define PHIG_VERIFY_H

#include "journal/parse.h"

/* The checksums; one SHA-256 is under way at a time. */
typedef struct PhigDigests
{
	PhigCrc32c	crc32c;
	void		(*sha256_begin) (void *sha256);
	void		(*sha256_add) (void *sha256, const void *data, size_t len);
	void		(*sha256_end) (void *sha256, uint8_t hash[PHIG_HASH_BYTES]);
	void	   *sha256;
} PhigDigests;

/* Where a node took over from another: from the header of the new node's first segment. */
typedef struct PhigBranch
{
	char		node8[9];		/* the new node */
	char		segment[32];	/* and its first segment */
	uint8_t		parent_node[PHIG_ID_BYTES];
	uint64_t	parent_seq;
	uint8_t		prev_hash[PHIG_HASH_BYTES];
	bool		reached;		/* the parent has a seal for parent_seq */
	bool		matched;		/* and the hash behind it is prev_hash */
} PhigBranch;

/* One segment of the node at hand. */
typedef struct PhigSegment
{
	const char *name;			/* of its file, as findings call it */
	uint64_t	number;			/* as the file's name says */
	PhigBytes	bytes;
	uint64_t	expected_end;	/* how far the server wrote into it; 0 = not known */
	bool		last;			/* none of this node follows */
} PhigSegment;

/*
 * A finding: position is the number of the first record that it concerns (the
 * one after the last good one), 0 when that is not known.  what is valid during
 * the call, ASCII, and holds nothing of any record's contents.
 */
typedef void (*PhigReport) (void *arg, const char *node8, const char *segment,
							uint64_t position, const char *what);

typedef struct PhigVerifier
{
	/* Set by the caller. */
	const PhigDigests *digests;
	PhigReport	report;
	void	   *report_arg;
	PhigBranch *branches;
	int			nbranches;

	/* The node. */
	char		node8[9];
	uint64_t	system_identifier;
	bool		passed;			/* the segments before were taken on trust */
	uint64_t	next_number;	/* of the next segment */
	uint64_t	next_seq;		/* of the next record; 0 = not known */
	bool		hash_known;
	/* Between segments: what the next prev_hash must be; within one: the hash before the batch. */
	uint8_t		hash[PHIG_HASH_BYTES];

	/* The segment. */
	PhigSegment *segment;
	PhigWalk	walk;
	bool		misplaced;		/* its header is another segment's */
	uint64_t	batch_begin;	/* offset of the batch's first byte behind the seal before it */
	uint64_t	batch_seq;		/* first record of the batch; 0 = none yet */
	bool		batch_doubtful; /* something in the batch was reported: its seal cannot fit */
	uint64_t	hashed_to;		/* offset up to which the batch's bytes went into the digest */
	uint64_t	lost_records;	/* numbers that the damage just passed may account for */
	uint64_t	repeated_seq;	/* latest record out of order: a run of them is one finding */
} PhigVerifier;

/* system_identifier: of the database system; 0: whichever its first intact segment names. */
extern void phig_verify_begin_node(PhigVerifier *v, const char *node8, uint64_t system_identifier);

/* Segments come in the order of their numbers, from 1 on. */
extern void phig_verify_segment(PhigVerifier *v, PhigSegment *segment);

/* In place of the above, before the first: the segment is there, and taken on trust. */
extern void phig_verify_pass(PhigVerifier *v, uint64_t number);

/* last_number: of the newest segment that is to be there; 0 = not known. */
extern void phig_verify_end_node(PhigVerifier *v, uint64_t last_number);

#endif
