/*
 * scan.h
 *		How far a segment is proven, for recovery.
 */
#ifndef PHIG_SCAN_H
#define PHIG_SCAN_H

#include "postgres.h"

#include "journal/chain.h"
#include "journal/shared.h"

typedef enum PhigScanState
{
	PHIG_SCAN_WHOLE,			/* nothing but zeros after the last seal */
	PHIG_SCAN_TORN,				/* the beginning of one batch, or rubbish, and nothing after it */
	PHIG_SCAN_DAMAGED,			/* records follow that the chain does not reach */
	PHIG_SCAN_NO_HEADER			/* not the segment that its name says */
} PhigScanState;

typedef struct PhigScan
{
	PhigScanState state;
	PhigSegmentHeader header;	/* not for NO_HEADER */
	PhigChain	chain;			/* as far as proven; not for NO_HEADER */
	uint64		highest_seq;	/* of all records met, proven or not */
	uint64		end;			/* after the last byte that is not zero */
} PhigScan;

/* Read a file's header: false when it does not begin with a segment's that holds. */
extern bool phig_scan_header(const char *path, PhigSegmentHeader *header);

/* The node whose segment was begun last, of whatever node's there are; found is false when there is none. */
extern bool phig_scan_last_writer(uint8 node[PHIG_ID_BYTES], bool *found, PhigFault *fault);

/* Walk a segment from its header to where its chain of seals ends, and look at what follows. */
extern bool phig_scan_segment(const uint8 node[PHIG_ID_BYTES], uint64 number, PhigScan *scan,
							  PhigFault *fault);

#endif
