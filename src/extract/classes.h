/*
 * classes.h
 *		Equivalence classes of a release: who shares the values of its quasi-identifiers with whom.
 *
 * Persons are counted, not rows: a person is one member of each class that a row
 * of theirs is in, and has each of the sensitive values of those rows once there.
 * Rows without a person count as one person's, which makes no risk smaller.
 */
#ifndef PHIG_EXTRACT_CLASSES_H
#define PHIG_EXTRACT_CLASSES_H

#include "postgres.h"

#include "extract/codes.h"

/* One class; numbered from 0. */
typedef struct PhigClass
{
	int64		rows;
	int32		persons;		/* f, in the release */
	int32		population;		/* F, in the population; 0 where none was given */
} PhigClass;

/* Persons that have a sensitive value in a class. */
typedef struct PhigClassValue
{
	int32		cls;
	int32		value;			/* a code */
	int32		persons;
} PhigClassValue;

typedef struct PhigClasses PhigClasses;

/*
 * phig_classes_create
 *		No rows yet, of quasi-identifiers and sensitive columns with these types.
 *
 * persons: types of what says whose row it is, in the release and in the population.
 * nsteps:  how many steps the hierarchy of each sensitive column has, NULL for none.
 * columns: quasi-identifiers, sensitive columns, the steps of the first sensitive column from fine to coarse, ...
 * Memory:  all in context, about 100 bytes a person.
 */
extern PhigClasses *phig_classes_create(MemoryContext context, const PhigColumnType persons[2],
										int nquasi, int nsensitive, const int32 *nsteps,
										const PhigColumnType *columns);

/*
 * phig_classes_add
 *		A row of the release: values of the columns, in their order.
 *
 * Errors:  22023 for a value that a step of its hierarchy gives two groups.
 */
extern void phig_classes_add(PhigClasses *classes, const NullableDatum *person, const NullableDatum *columns);

/* A row of the population: values of the quasi-identifiers. */
extern void phig_classes_add_population(PhigClasses *classes, const NullableDatum *person,
										const NullableDatum *quasi);

/* No more rows: before any of the functions below. */
extern void phig_classes_finish(PhigClasses *classes);

/* What came of it. */
extern int64 phig_classes_rows(const PhigClasses *classes);
extern int64 phig_classes_rows_without_person(const PhigClasses *classes);
extern int64 phig_classes_persons(const PhigClasses *classes);
extern const PhigClass *phig_classes_all(const PhigClasses *classes, int32 *count);
extern PhigCodes *phig_classes_sensitive(const PhigClasses *classes, int column);
extern int	phig_classes_steps(const PhigClasses *classes, int column);
extern const int32 *phig_classes_groups(const PhigClasses *classes, int column, int step, int32 *ngroups);
extern PhigCodes *phig_classes_quasi(const PhigClasses *classes, int column);

/*
 * phig_classes_values
 *		Who has which value of a sensitive column: one entry a class and value, class by class.
 *
 * first:   set to a palloc'd array: the entries of class c are values[first[c]] to values[first[c + 1] - 1].
 * Returns: palloc'd.
 */
extern PhigClassValue *phig_classes_values(const PhigClasses *classes, int column, int32 **first);

#endif
