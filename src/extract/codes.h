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

#include "extract/packed.h"

typedef struct PhigCodes PhigCodes;

/* A column or a person as an argument of the aggregate. */
typedef struct PhigColumnType
{
	Oid			type;
	Oid			collation;
} PhigColumnType;

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
 * phig_codes_hash, phig_codes_expect, phig_codes_find
 *		The same in steps, for many values at a time: find gets the memory that expect has asked for.
 *
 * The first returns the value's hash, and the value as the others take it; any set of codes for its type does.  What
 * the last returns stays until it is called again.
 */
extern uint32 phig_codes_hash(PhigCodes *codes, NullableDatum *value);
extern void phig_codes_expect(PhigCodes *codes, uint32 hash);
extern PhigCode *phig_codes_find(PhigCodes *codes, const NullableDatum *value, uint32 hash);

/* A copy of a value in the current memory context. */
extern Datum phig_codes_copy(const PhigCodes *codes, Datum value);

/* Values with the codes that they had where they were written; without NULL, unless null.code is one. */
typedef struct PhigWrittenCodes
{
	int32		count;			/* codes: 0 to count - 1 */
	int32		nvalues;
	PhigCode	null;			/* code -1: no NULL */
	const PhigCode *codes;		/* of each value */
	const Datum *values;
} PhigWrittenCodes;

/*
 * phig_codes_write, phig_codes_read
 *		All values with their codes and notes as bytes, and what stands in such bytes.
 *
 * What is read lives as long as the reader's bytes, or in the current context; each code is in range.
 * Errors:  54000 and XX001 as in packed.h.
 */
extern void phig_codes_write(const PhigCodes *codes, PhigPacked *bytes);
extern void phig_codes_read(const PhigCodes *codes, PhigPackedReader *reader, PhigWrittenCodes *written);

/* One value, of a type that is passed by reference. */
extern void phig_codes_write_value(const PhigCodes *codes, Datum value, PhigPacked *bytes);
extern Datum phig_codes_read_value(const PhigCodes *codes, PhigPackedReader *reader);

/* Codes here of codes that were written elsewhere, new ones where they have none (palloc'd). */
extern int32 *phig_codes_merge(PhigCodes *codes, const PhigWrittenCodes *written);

/* Room for so many more values. */
extern void phig_codes_reserve(PhigCodes *codes, int32 more);

/* From now on values are kept where they are, not copied; and none is known yet. */
extern void phig_codes_borrow(PhigCodes *codes);

/* What they are codes of: the base type, and the collation that counts. */
extern PhigColumnType phig_codes_type(const PhigCodes *codes);

/* How many there are; NULL counts. */
extern int32 phig_codes_count(const PhigCodes *codes);

/* Each code's place in the order of the values, from 0, NULL last (palloc'd); NULL where the type has no order. */
extern int32 *phig_codes_ranks(PhigCodes *codes);

#endif
