/*
 * keyset.h
 *		Sets that can say "not here" for certain, and "here" with a small error: what summaries are made of.
 *
 * Both kinds are the same bytes for the same keys, in whatever order they came.
 */
#ifndef PHIG_KEYSET_H
#define PHIG_KEYSET_H

#include "postgres.h"

/* Keys in order, for qsort. */
extern int	phig_keyset_compare(const void *a, const void *b);

/* --- a Bloom filter, for keys that come one by one; of 8 times a power of two bits --- */

typedef struct PhigKeySet
{
	uint32		bytes;			/* 0: the empty set */
	uint32		used;			/* bits that are set */
} PhigKeySet;

/* Of at most so many bytes (64 at least), which are returned, palloc'd. */
extern uint8 *phig_keyset_create(PhigKeySet *set, uint64 bytes);

extern void phig_keyset_add(PhigKeySet *set, uint8 *bits, uint64 key);
extern bool phig_keyset_has(const PhigKeySet *set, const uint8 *bits, uint64 key);

/* Make it as small as what is in it allows: one absent key in 4,000 seems to be there. */
extern void phig_keyset_fold(PhigKeySet *set, uint8 *bits);

/* --- fingerprints, for keys that are known together: of an absent key one in 2 ^ bits seems to be there --- */

typedef struct PhigPrints
{
	uint32		begin;			/* of its bytes, among those of all such sets */
	uint32		cells;			/* a multiple of three; 0: the empty set */
	uint16		bits;			/* of a cell; 0: no cells are kept, and any key may be in it */
	uint16		salt;
} PhigPrints;

#define PHIG_PRINTS_MAX_BITS 12
/* Behind its cells: what reading the last one may touch. */
#define PHIG_PRINTS_SLACK 2

/*
 * phig_prints_make
 *		The set of n keys, which are put in another order.
 *
 * room: bytes that it may take.  out: where they go; begin is the caller's.
 * Returns how many it took.  Memory: of 24 bytes a key while it works.  Errors: out of memory.
 * Source: Graf and Lemire, Xor Filters: Faster and Smaller Than Bloom and Cuckoo Filters, 2020.
 */
extern uint64 phig_prints_make(PhigPrints *prints, uint64 *keys, uint32 n, uint64 room, uint8 *out);

extern uint64 phig_prints_bytes(const PhigPrints *prints);

/* bytes: its own.  The set must be one of which phig_prints_fit is true. */
extern bool phig_prints_has(const PhigPrints *prints, const uint8 *bytes, uint64 key);

/* Can it be one whose bytes lie within so many? */
extern bool phig_prints_fit(const PhigPrints *prints, uint64 bytes);

#endif
