/*
 * chain.h
 *		The hash chain of a segment, and the SHA-256 under it.
 */
#ifndef PHIG_CHAIN_H
#define PHIG_CHAIN_H

#include "postgres.h"

#include "port/pg_iovec.h"

#include "journal/format.h"

/* How far a segment is written and proven. */
typedef struct PhigChain
{
	uint64		number;			/* of the segment; 0: none */
	uint64		first_seq;		/* as in its header */
	uint64		offset;			/* end of the last seal (or of the header) in the file */
	uint64		last_seq;		/* last one sealed on this node */
	uint8		hash[PHIG_HASH_BYTES];	/* the header's, or the last seal's */
	bool		sealed;			/* seal holds something */
	uint8		seal[PHIG_SEAL_BYTES];	/* the last seal's record bytes */
} PhigChain;

/*
 * SHA-256 in steps: begin, add ..., end.  One hash at a time per process.
 *
 * end returns false when OpenSSL failed at any step.
 * Errors: none raised.  Memory: OpenSSL's own, once per process.
 */
extern void phig_hash_begin(void);
extern void phig_hash_add(const void *data, size_t len);
extern bool phig_hash_end(uint8 hash[PHIG_HASH_BYTES]);

/* chain->hash of a segment with nothing but its header. */
extern bool phig_chain_begin(PhigChain *chain, const PhigSegmentHeader *header);

/* Start the hash that the next seal must carry; the caller adds the batch and ends it. */
extern void phig_chain_begin_batch(const PhigChain *chain);

/* The chain moves on: a seal (whole record) stands in the file and ends at offset. */
extern void phig_chain_advance(PhigChain *chain, const uint8 seal[PHIG_SEAL_BYTES], uint64 offset);

/* What the header of the next segment calls prev_hash. */
extern bool phig_chain_last_hash(const PhigChain *chain, uint8 hash[PHIG_HASH_BYTES]);

#endif
