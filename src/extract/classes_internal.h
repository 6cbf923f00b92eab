/*
 * classes_internal.h
 *		The tables of equivalence classes: for classes.c, which fills them, and merge.c.
 */
#ifndef PHIG_EXTRACT_CLASSES_INTERNAL_H
#define PHIG_EXTRACT_CLASSES_INTERNAL_H

#include "postgres.h"

#include "utils/memutils.h"

#include "extract/classes.h"

/* Numbers by a pair of numbers. */
typedef struct PairEntry
{
	uint64		pair;
	int32		number;
	char		status;
} PairEntry;

#define SH_PREFIX pairs
#define SH_ELEMENT_TYPE PairEntry
#define SH_KEY_TYPE uint64
#define SH_KEY pair
#define SH_HASH_KEY(table, key) phig_hash_word(key)
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* An array that grows; NULL and 0 at first. */
typedef struct Numbers
{
	int32	   *at;
	Size		allocated;
} Numbers;

/* Rows that are looked up at a time: their memory is asked for at once. */
#define PHIG_CLASSES_BATCH 64

/*
 * Persons come in slices, by their hash, and the rows of a slice wait until there are many, or no more come: what is
 * looked up then fits into the processor's cache.
 */
#define PHIG_CLASSES_SLICES 64
#define PHIG_CLASSES_SLICE_ROWS 16384
#define PHIG_CLASSES_SLICE_BYTES (1024 * 1024)

/* A slice of its own, whose tables serve one other after the other. */
#define PHIG_CLASSES_SCRATCH PHIG_CLASSES_SLICES

/* A row of which only the codes are known, and what is found of it. */
typedef struct Waiting
{
	NullableDatum value;		/* the person's */
	uint32		hash;
	uint32		class_hash;
	int32		cls;
	int32		slice;
	PhigCode	person;			/* the note is the person's first class */
	bool		known;			/* the person was, before this row */
	int32		member;
} Waiting;

/* A row of a slice. */
typedef struct SliceRow
{
	Datum		person;			/* 0 for nobody's */
	uint32		hash;
	int32		cls;			/* ~cls for nobody's */
	int32		values[FLEXIBLE_ARRAY_MEMBER];	/* codes of the sensitive columns */
} SliceRow;

/*
 * Persons, and in which classes they are: the note of a person's code is their
 * first class.  A member is a person's code in that class, and a negative number
 * in a further one.
 */
typedef struct PersonSlice
{
	PhigCodes  *persons;		/* NULL, as further, until rows are looked at before the end */
	pairs_hash *further;		/* (person, class) to member, of the persons' further classes */
	char	   *rows;			/* that wait */
	int32		nrows;
	int32		allocated;
} PersonSlice;

typedef struct Membership
{
	PersonSlice slices[PHIG_CLASSES_SLICES + 1];
	PhigColumnType type;
	bool		by_value;
	Size		row_size;		/* of a SliceRow */
	int32		most_rows;		/* that wait in a slice */
	Waiting		waiting[PHIG_CLASSES_BATCH];
	int32	   *keys;			/* nquasi codes for each */
	int			nwaiting;
} Membership;

/* What the members of a slice have. */
typedef struct ValueSlice
{
	Numbers		first_value;	/* by member, then of further members: its first value, or -1 */
	Numbers		further_first_value;
	pairs_hash *further;		/* (member, value) of the members' further values */
} ValueSlice;

/* A step of a column's hierarchy. */
typedef struct HierarchyStep
{
	PhigCodes  *codes;			/* of its groups */
	Numbers		groups;			/* by value: its group */
} HierarchyStep;

typedef struct SensitiveColumn
{
	PhigCodes  *codes;
	int			nsteps;
	HierarchyStep *steps;
	ValueSlice	slices[PHIG_CLASSES_SLICES + 1];
	pairs_hash *counts;			/* (class, value) to persons */
	int32		waiting[PHIG_CLASSES_BATCH];	/* values of the rows that wait */
} SensitiveColumn;

struct PhigClasses
{
	MemoryContext context;
	int			nquasi;
	int			nsensitive;
	PhigCodes **quasi;
	SensitiveColumn *sensitive;
	Membership	release;
	Membership	population;
	struct classtable_hash *table;	/* classes by the codes of their quasi-identifiers */
	PhigClass  *classes;
	int32	   *keys;			/* nquasi codes a class */
	int32		nclasses;
	int32		allocated;
	int64		rows;
	int64		rows_without_person;
	int64		persons;		/* of those that were forgotten */
};

#define PHIG_PAIR(a, b) (((uint64) (uint32) (a)) << 32 | (uint32) (b))

/* The class of these codes of the quasi-identifiers, a new one where there is none. */
extern int32 phig_classes_of_key(PhigClasses *classes, const int32 *key);

/* Rows that wait find their classes, and go to their slices. */
extern void phig_classes_place(PhigClasses *classes, Membership *membership);

/* No persons yet; nsensitive: of the rows that come. */
extern void phig_members_init(PhigClasses *classes, Membership *membership, const PhigColumnType *person,
							  int nsensitive);

/* So many rows that wait, whose classes are known. */
extern void phig_members_add(PhigClasses *classes, Membership *membership, int count);

/* So many rows of the release will be looked up, whose classes and values are known. */
extern void phig_members_expect(PhigClasses *classes, int64 rows);

/* No more rows: persons are counted, and their names not needed any more. */
extern void phig_members_finish(PhigClasses *classes, Membership *membership);

/*
 * phig_members_find_persons, phig_members_find
 *		Who the rows that wait are of, then which member of their class each is, and what values members have.
 *
 * Of each, value, hash, slice and cls are given, and the values of a release.
 */
extern void phig_members_find_persons(PhigClasses *classes, Membership *membership);
extern void phig_members_find(PhigClasses *classes, Membership *membership);

/* The values of the rows that wait, whose members are known. */
extern void phig_members_add_values(PhigClasses *classes, SensitiveColumn *column);

/* Persons of the scratch slice count, and make room for others. */
extern void phig_members_forget(PhigClasses *classes);

/* A value is in this group; in another one it may not be. */
extern void phig_classes_put_in_group(PhigClasses *classes, HierarchyStep *step, int32 value, int32 group);

/* Place in an array that has one for each index so far: -1 where nothing was put yet. */
static inline int32 *
phig_number_at(PhigClasses *classes, Numbers *numbers, int32 index)
{
	if (unlikely((Size) index >= numbers->allocated))
	{
		Size		allocated = Max(64, 2 * (Size) index);

		if (numbers->at == NULL)
			numbers->at = MemoryContextAllocHuge(classes->context, sizeof(int32) * allocated);
		else
			numbers->at = repalloc_huge(numbers->at, sizeof(int32) * allocated);
		memset(numbers->at + numbers->allocated, 0xff, sizeof(int32) * (allocated - numbers->allocated));
		numbers->allocated = allocated;
	}
	return &numbers->at[index];
}

static inline SliceRow *
phig_slice_row(const Membership *membership, const char *rows, int32 index)
{
	return (SliceRow *) (rows + membership->row_size * index);
}

#endif
