/*
 * ring.h
 *		The ring between the backends and the journal's segments.
 */
#ifndef PHIG_RING_H
#define PHIG_RING_H

#include "postgres.h"

#include "port/pg_iovec.h"

#include "journal/format.h"
#include "journal/journal.h"
#include "journal/shared.h"

/* One record to append, after the definitions that it refers to. */
typedef struct PhigAppend
{
	PhigRecordHeader *record;	/* its body behind it; seq, time and checksum are filled in */
	const PhigDefinition *definitions[2];	/* NULL: none */
	bool		last_room;		/* may use the room kept for end records */
	PhigJournalLSN end;			/* out: position after the record */
} PhigAppend;

typedef enum PhigAppendResult
{
	PHIG_APPEND_DONE,
	PHIG_APPEND_FULL,			/* flush, then try again */
	PHIG_APPEND_FAILED			/* fault says why */
} PhigAppendResult;

/* Append a record.  Errors: none raised. */
extern PhigAppendResult phig_ring_append(PhigAppend *append, PhigFault *fault);

/* Map the ring that is in use, if this process has not yet. */
extern bool phig_ring_map(PhigFault *fault);

/*
 * For the holder of the flush lock, with the ring mapped: the header of the
 * record at position, the memory between two positions (1 or 2 pieces), and
 * moving the tail, with which the ring's file notes what is on disk.
 */
extern void phig_ring_peek(uint64 position, PhigRecordHeader *header);
extern int	phig_ring_pieces(uint64 from, uint64 to, struct iovec pieces[2]);
extern void phig_ring_release(uint64 tail, uint64 segment, uint64 offset);

/* Is the ring in use still the file of its name?  Flush lock held, shared at least. */
extern bool phig_ring_in_place(PhigFault *fault);

/* What an earlier run left in the ring's file, or this one in a ring that is already in use. */
typedef struct PhigRingRest
{
	bool		usable;			/* a ring of this node; the rest counts only then */
	uint64		synced_segment; /* the segments reached at least this far on disk */
	uint64		synced_offset;
	uint64		highest_seq;	/* of all that may have been given out */
	uint64		tail;			/* complete records that no seal covers: [tail, head) */
	uint64		head;
	uint64		first_seq;		/* of the first of them; 0: there are none */
	uint64		last_seq;
	uint64		lost_bytes;		/* after them, up to where the ring was filled: not readable */
} PhigRingRest;

/*
 * The keeper's, at recovery, with both locks held.  load maps the ring's file as
 * it is and checks whose it is (with keep_foreign another node's is set aside, not
 * left to be replaced); examine finds the records after the segment's
 * last seal; rest_in_use does for the ring in use what load and examine do for
 * that of an earlier run; adopt makes the mapped ring the one in use; create
 * replaces the file by an empty ring of the configured size and adopts that.
 */
extern bool phig_ring_load(const uint8 node[PHIG_ID_BYTES], bool keep_foreign, PhigRingRest *rest,
						   PhigFault *fault);
extern void phig_ring_examine(uint64 sealed_seq, PhigRingRest *rest);
extern void phig_ring_rest_in_use(PhigRingRest *rest);
extern void phig_ring_adopt(uint64 tail, uint64 head, uint64 last_seq);
extern bool phig_ring_create(const uint8 node[PHIG_ID_BYTES], uint64 last_seq, PhigFault *fault);
extern bool phig_ring_is_as_configured(void);

#endif
