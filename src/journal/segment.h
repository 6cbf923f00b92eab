/*
 * segment.h
 *		Segment files: names, creation, and writing to the one in use.
 */
#ifndef PHIG_SEGMENT_H
#define PHIG_SEGMENT_H

#include "postgres.h"

#include "port/pg_iovec.h"

#include "journal/chain.h"
#include "journal/shared.h"

extern void phig_segment_path(char path[MAXPGPATH], const uint8 node[PHIG_ID_BYTES], uint64 number);

/* Fill in a header but for parent_*, broken_*, before_*; phig_segment_create completes and checksums it. */
extern void phig_segment_header(PhigSegmentHeader *header, const uint8 node[PHIG_ID_BYTES],
								uint64 number, uint64 first_seq, uint32 reason,
								const uint8 prev_hash[PHIG_HASH_BYTES]);

/* When the segment before it was written: only where that one is whole. */
extern void phig_segment_header_before(PhigSegmentHeader *header, const PhigChain *before);

/*
 * Create a segment durably, from the spare file where there is one: it either
 * exists with its header on disk, or not at all.  chain: out, the new segment's.
 */
extern bool phig_segment_create(PhigSegmentHeader *header, PhigChain *chain, PhigFault *fault);

/* Preallocate the next segment; the keeper does so ahead of need. */
extern bool phig_segment_make_spare(PhigFault *fault);

/* Drop a spare file that an earlier run left, whose state is not known. */
extern void phig_segment_drop_spare(void);

extern bool phig_segment_exists(const uint8 node[PHIG_ID_BYTES], uint64 number);

/* The greatest number among a node's segment files, 0 when it has none. */
extern bool phig_segment_newest(const uint8 node[PHIG_ID_BYTES], uint64 *number, PhigFault *fault);

/*
 * Write at offset of a segment and fdatasync.  The descriptor is kept for the next time.
 * After a failure the caller writes all of it again: what the kernel had of it may be gone.
 */
extern bool phig_segment_write(const uint8 node[PHIG_ID_BYTES], uint64 number,
							   struct iovec *iov, int niov, uint64 offset, PhigFault *fault);

/* Sync what is in a segment, and its name. */
extern bool phig_segment_make_durable(const uint8 node[PHIG_ID_BYTES], uint64 number, PhigFault *fault);

/* Is the segment in use still the file of its name?  Flush lock held, shared at least. */
extern bool phig_segment_in_place(PhigFault *fault);

/* Close the descriptor that phig_segment_write keeps. */
extern void phig_segment_close(void);

#endif
