/*
 * chain.h
 *		The hash chain of a segment, and the SHA-256 under it.
 *
 * Includes nothing of PostgreSQL, see parse.h.
 */
#ifndef PHIG_CHAIN_H
#define PHIG_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/format.h"

/* How far a segment is written and proven. */
typedef struct PhigChain
{
	uint64_t	number;			/* of the segment; 0: none */
	uint32_t	version;		/* as in its header */
	uint64_t	first_seq;		/* as in its header */
	uint64_t	offset;			/* end of the last seal (or of the header, or of the checkpoint
								 * behind either) in the file */
	uint64_t	last_seq;		/* last one sealed on this node */
	int64_t		first_time;		/* of its records, the earliest; 0, as the next: there are none */
	int64_t		last_time;		/* and the latest */
	uint8_t		hash[PHIG_HASH_BYTES];	/* the header's, or the last seal's */
	bool		sealed;			/* it is a seal's */
	bool		vouched;		/* a checkpoint stands behind it */
	uint32_t	nsince;
	uint8_t		since[PHIG_SEAL_BYTES + PHIG_CHECKPOINT_BYTES]; /* record bytes since that hash:
																 * the seal, the checkpoint */
} PhigChain;

/*
 * SHA-256 in steps: begin, add ..., end.  One hash at a time per process.
 *
 * end returns false when OpenSSL failed at any step.
 * Errors: none raised.  Memory: OpenSSL's own, once per process.
 */
extern void phig_hash_begin(void);
extern void phig_hash_add(const void *data, size_t len);
extern bool phig_hash_end(uint8_t hash[PHIG_HASH_BYTES]);

/* chain->hash of a segment with nothing but its header. */
extern bool phig_chain_begin(PhigChain *chain, const PhigSegmentHeader *header);

/* Start the hash that the next seal must carry; the caller adds the batch and ends it. */
extern void phig_chain_begin_batch(const PhigChain *chain);

/* A record of the segment has this time. */
extern void phig_chain_note_time(PhigChain *chain, int64_t time);

/* The chain moves on: a seal (whole record) stands in the file and ends at offset. */
extern void phig_chain_advance(PhigChain *chain, const uint8_t seal[PHIG_SEAL_BYTES], uint64_t offset);

/* A checkpoint (whole record) stands in the file, where the chain ended. */
extern void phig_chain_vouched(PhigChain *chain, const uint8_t checkpoint[PHIG_CHECKPOINT_BYTES]);

/* What a checkpoint signs, and the header of the next segment calls prev_hash. */
extern bool phig_chain_last_hash(const PhigChain *chain, uint8_t hash[PHIG_HASH_BYTES]);

#endif
