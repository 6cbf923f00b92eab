/*
 * verify.h
 *		Is the journal what was written?
 *
 * Follows the sequence numbers and the chain of hashes of one node's segments
 * in order, and says where they break.  Includes nothing of PostgreSQL, see
 * parse.h.  What the chain cannot know, that somebody rewrote everything from
 * some batch on, its checkpoints do, for all that comes before the last of them; and
 * what the files cannot know, that their end was cut off or an older copy put
 * back, anchors do.
 */
#ifndef PHIG_VERIFY_H
#define PHIG_VERIFY_H

#include "journal/checkpoint.h"
#include "journal/parse.h"

/*
 * Bytes that were looked at are asked for once more when they are hashed.  Who keeps
 * so many behind those asked for last need not read them again.
 */
#define PHIG_VERIFY_BEHIND_BYTES 4096

/* Where a node took over from another: from the header of the new node's first segment. */
typedef struct PhigBranch
{
	char		node8[9];		/* the new node */
	char		segment[32];	/* and its first segment */
	uint8_t		parent_node[PHIG_ID_BYTES];
	uint64_t	parent_seq;
	uint8_t		prev_hash[PHIG_HASH_BYTES];
	bool		copied;			/* see phig_verify_note_copies */
	bool		reached;		/* the parent has a seal for parent_seq */
	bool		matched;		/* and the hash behind it is prev_hash */
} PhigBranch;

/*
 * phig_verify_branch
 *		Does a segment begin a branch?  Then what the verifier has to know of it.
 *
 * header is what the file of that name holds, node8 and number what its name says; a file that holds
 * the segment of another node begins nothing.
 */
extern bool phig_verify_branch(const PhigSegmentHeader *header, const char *name, const char *node8,
							   uint64_t number, PhigBranch *branch);

typedef struct PhigVerifier PhigVerifier;

/*
 * phig_verify_note_copies
 *		For the server that writes node8: where it branched off, the parent's segments that it has are a copy.
 *
 * It knows its own node, which its chain proves.  From files alone nobody can tell a copy from
 * a journal of which something was cut out.
 */
extern void phig_verify_note_copies(PhigVerifier *v, const char *node8);

/* A state that the journal is known to have been in, from a checkpoint kept elsewhere. */
typedef struct PhigAnchor
{
	PhigCheckpoint checkpoint;	/* its signature is the caller's business */
	bool		begun;			/* the node was met */
	bool		met;			/* and that place in it; or it was retired, or taken on trust */
} PhigAnchor;

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

struct PhigVerifier
{
	/* Set by the caller. */
	PhigCrc32c	crc32c;
	PhigReport	report;
	void	   *report_arg;
	PhigBranch *branches;
	int			nbranches;
	const PhigPublicKey *keys;	/* that may sign; without one, signatures are not checked, and
								 * retired segments count as missing */
	int			nkeys;
	PhigAnchor *anchors;
	int			nanchors;

	/* For the caller, after all: OpenSSL failed, and no answer counts. */
	bool		hash_failed;

	/* The node.  The first three are for the caller too, until the next node. */
	uint64_t	last_seq;		/* of the last record */
	uint64_t	vouched_seq;	/* of the last record before the last good checkpoint; 0: none */
	int64_t		vouched_time;
	char		node8[9];
	uint64_t	system_identifier;
	uint64_t	start_seq;		/* number of its first record of all */
	uint64_t	sealed_seq;		/* of the last record that a seal covers */
	uint64_t	passed_to;		/* number of the last segment that was taken on trust */
	uint64_t	missing_to;		/* the segments up to this number are not there */
	uint64_t	oldest;			/* those before this number were retired, a checkpoint says */
	uint64_t	first_seq;		/* of the first segment that is there */
	int64_t		unvouched_us;	/* went by with the records since the last good checkpoint */
	int64_t		unvouched_last; /* time of the latest of them */
	bool		rewritten;		/* the latest checkpoint contradicts the records before it */
	bool		passed;			/* the segments just before were taken on trust */
	uint64_t	next_number;	/* of the next segment */
	uint64_t	next_seq;		/* of the next record; 0 = not known */
	bool		hash_known;
	/* Between segments: what the next prev_hash must be; within one: the hash before the batch. */
	uint8_t		hash[PHIG_HASH_BYTES];

	/* The segment. */
	PhigSegment *segment;
	PhigSegmentHeader header;
	int64_t		earliest;		/* times of its records; 0: none yet */
	int64_t		latest;
	PhigWalk	walk;
	uint64_t	hash_from;		/* the batch's hash covers the bytes from here on */
	bool		misplaced;		/* its header is another segment's */
	uint64_t	batch_begin;	/* offset of the batch's first byte behind the seal before it, and
								 * its checkpoint */
	uint64_t	batch_seq;		/* first record of the batch; 0 = none yet */
	bool		batch_vouched;	/* a checkpoint stands before it */
	bool		batch_doubtful; /* something in the batch was reported: its seal cannot fit */
	uint64_t	hashed_to;		/* offset up to which the batch's bytes went into the digest */
	uint64_t	lost_records;	/* numbers that the damage just passed may account for */
	uint64_t	repeated_seq;	/* latest record out of order: a run of them is one finding */
};

/* system_identifier: of the database system; 0: whichever its first intact segment names. */
extern void phig_verify_begin_node(PhigVerifier *v, const char *node8, uint64_t system_identifier);

/*
 * Segments come in the order of their numbers, from 1 on, or from the oldest that a
 * checkpoint says is kept.
 */
extern void phig_verify_segment(PhigVerifier *v, PhigSegment *segment);

/* In place of the above, before the first: the segment is there, and taken on trust. */
extern void phig_verify_pass(PhigVerifier *v, uint64_t number);

/* last_number: of the newest segment that is to be there; 0 = not known. */
extern void phig_verify_end_node(PhigVerifier *v, uint64_t last_number);

/* After the last node: what the anchors know and nobody met. */
extern void phig_verify_end(PhigVerifier *v);

#endif
