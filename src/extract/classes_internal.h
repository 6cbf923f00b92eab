/*
 * classes_internal.h
 *		The tables of equivalence classes: for classes.c, which fills them, and merge.c.
 */
#ifndef PHIG_EXTRACT_CLASSES_INTERNAL_H
#define PHIG_EXTRACT_CLASSES_INTERNAL_H

#include "postgres.h"

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

/* Rows that wait at a time. */
#define PHIG_CLASSES_BATCH 64

/*
 * Persons are kept in slices, by their hash: what several processes have counted is put together slice by slice, in
 * tables that fit into the processor's cache.
 */
#define PHIG_CLASSES_SLICES 64

/* A row of which only the codes are known, and what is found of it. */
typedef struct Waiting
{
	NullableDatum value;		/* the person's */
	uint32		hash;
	uint32		class_hash;
	int32		cls;
	int32		slice;
	PhigCode	person;			/* the note is the person's first class */
	int32		member;
} Waiting;

/*
 * Persons, and in which classes they are: the note of a person's code is their
 * first class.  A member is a person's code in that class, and a negative number
 * in a further one.
 */
typedef struct PersonSlice
{
	PhigCodes  *persons;
	pairs_hash *further;		/* (person, class) to member, of the persons' further classes */
} PersonSlice;

typedef struct Membership
{
	PersonSlice slices[PHIG_CLASSES_SLICES];
	Waiting		waiting[PHIG_CLASSES_BATCH];
	int32	   *keys;			/* nquasi codes for each */
	int			nwaiting;
	MemoryContext batch;		/* persons of the rows that wait */
} Membership;

/* What the members of a slice have. */
typedef struct ValueSlice
{
	Numbers		first_value;	/* by member, then of further members: its first value, or -1 */
	Numbers		further_first_value;
	pairs_hash *further;		/* (member, value) of the members' further values */
} ValueSlice;

typedef struct SensitiveColumn
{
	PhigCodes  *codes;
	ValueSlice	slices[PHIG_CLASSES_SLICES];
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
	int64		persons;		/* of slices that were forgotten */
};

#define PHIG_PAIR(a, b) (((uint64) (uint32) (a)) << 32 | (uint32) (b))

/* The class of these codes of the quasi-identifiers, a new one where there is none. */
extern int32 phig_classes_of_key(PhigClasses *classes, const int32 *key);

/*
 * phig_classes_find_persons, phig_classes_find_members
 *		Who the rows that wait are of, and which member of their class each is: one after the other.
 *
 * A row's value, hash, slice and cls are given.
 */
extern void phig_classes_find_persons(PhigClasses *classes, Membership *membership);
extern void phig_classes_find_members(PhigClasses *classes, Membership *membership);

/* The values of the rows that wait, whose members are known by now. */
extern void phig_classes_add_values(PhigClasses *classes, SensitiveColumn *column);

/* Persons of slice 0 count, and their names are not needed any more; it is for others, whose values are borrowed. */
extern void phig_classes_forget(PhigClasses *classes);

static inline int32
phig_classes_slice(uint32 hash)
{
	return (int32) ((hash * 0x9e3779b1U) >> 26);
}

StaticAssertDecl(PHIG_CLASSES_SLICES == 1 << (32 - 26), "a slice is the upper bits of a hash");

#endif
