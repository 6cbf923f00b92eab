/*
 * codes.h
 *		The values of a column as numbers: 0, 1, 2 ... in the order in which they were first met.
 *
 * Equal is what GROUP BY takes for equal.  NULL is a value of its own.
 */
#ifndef PHIG_EXTRACT_CODES_H
#define PHIG_EXTRACT_CODES_H

#include "postgres.h"

#include "common/hashfn.h"

typedef struct PhigCodes PhigCodes;

/* A hash of 64 bits. */
static inline uint32
phig_hash_word(uint64 word)
{
	return murmurhash32((uint32) word ^ murmurhash32((uint32) (word >> 32) + 0x9e3779b9));
}

/* A code, and a number that its user keeps with it: -1 at first. */
typedef struct PhigCode
{
	int32		code;
	int32		note;
} PhigCode;

/*
 * phig_codes_create
 *		An empty set of codes for values of a type.
 *
 * Memory:  it and the values that it keeps live in context.
 * Errors:  42883 for a type whose values cannot be grouped by hashing.
 */
extern PhigCodes *phig_codes_create(MemoryContext context, Oid type, Oid collation);

/*
 * phig_codes_of
 *		The code of a value, a new one where it has none.
 *
 * May leave garbage in the current memory context.
 * Errors:  54000 beyond 2^31 - 1 values.
 */
extern int32 phig_codes_of(PhigCodes *codes, Datum value, bool isnull);

/*
 * phig_codes_expect, phig_codes_find
 *		The same in two steps, for many values at a time: the second finds the memory that the first has asked for.
 *
 * The first returns the value's hash, and the value as the second takes it.  What the second returns stays until it is
 * called again.
 */
extern uint32 phig_codes_expect(PhigCodes *codes, NullableDatum *value);
extern PhigCode *phig_codes_find(PhigCodes *codes, const NullableDatum *value, uint32 hash);

/* A copy of a value in the current memory context. */
extern Datum phig_codes_copy(const PhigCodes *codes, Datum value);

/* How many there are; NULL counts. */
extern int32 phig_codes_count(const PhigCodes *codes);

/* Each code's place in the order of the values, from 0, NULL last (palloc'd); NULL where the type has no order. */
extern int32 *phig_codes_ranks(PhigCodes *codes);

#endif
