/*
 * hierarchy.c
 *		t-closeness over a hierarchy: see hierarchy.h.
 *
 * A value is H edges of length 1/(2H) below the root, so that the distance of two
 * values is the way between them.  In a tree what has to be carried over an edge
 * is what is below it on one side more than on the other: the distance of two
 * distributions is the sum over all edges, that is over the steps the mean of
 * the distances that are to be had if all groups of a step are equally far apart.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/float.h"

#include "extract/fraction.h"
#include "extract/hierarchy.h"

/* Groups of values: of step 0 each value is one. */
typedef struct Step
{
	const int32 *groups;		/* by code; NULL: the code */
	int32		ngroups;
	int64	   *whole;			/* persons of a group in the whole release */
	int64	   *in_class;		/* in a class; 0 between classes */
} Step;

static void read_step(const PhigClasses *classes, int column, int number, Step *step);
static void must_be_nested(const Step *finer, const Step *step, int32 nvalues, int number);
static double distance_of(const Step *step, const PhigClassValue *values, int32 count, int64 total);
static inline int32 group_of(const Step *step, int32 value);

double
phig_hierarchy_distance(const PhigClasses *classes, int column, const PhigClassValue *values, const int32 *first)
{
	int			nsteps = phig_classes_steps(classes, column) + 1;
	int32		nvalues = phig_codes_count(phig_classes_sensitive(classes, column));
	Step	   *steps = palloc0(sizeof(Step) * nsteps);
	int64		total = 0;
	int32		count;
	double		greatest = 0;

	if (nsteps == 1)
		return get_float8_nan();
	(void) phig_classes_all(classes, &count);
	for (int i = 0; i < nsteps; i++)
	{
		read_step(classes, column, i, &steps[i]);
		if (i > 1)
			must_be_nested(&steps[i - 1], &steps[i], nvalues, i);
		for (int32 j = 0; j < first[count]; j++)
			steps[i].whole[group_of(&steps[i], values[j].value)] += values[j].persons;
	}
	for (int32 j = 0; j < first[count]; j++)
		total += values[j].persons;
	for (int32 cls = 0; cls < count; cls++)
	{
		double		distance = 0;

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < nsteps && first[cls + 1] > first[cls]; i++)
			distance += distance_of(&steps[i], values + first[cls], first[cls + 1] - first[cls], total);
		greatest = Max(greatest, distance / nsteps);
	}
	return greatest;
}

static void
read_step(const PhigClasses *classes, int column, int number, Step *step)
{
	if (number > 0)
		step->groups = phig_classes_groups(classes, column, number - 1, &step->ngroups);
	else
		step->ngroups = phig_codes_count(phig_classes_sensitive(classes, column));
	step->whole = palloc_extended(sizeof(int64) * (Size) Max(step->ngroups, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	step->in_class = palloc_extended(sizeof(int64) * (Size) Max(step->ngroups, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* Values in one group stay in one. */
static void
must_be_nested(const Step *finer, const Step *step, int32 nvalues, int number)
{
	int32	   *above = palloc_extended(sizeof(int32) * (Size) Max(finer->ngroups, 1), MCXT_ALLOC_HUGE);

	memset(above, 0xff, sizeof(int32) * (Size) finer->ngroups);
	for (int32 value = 0; value < nvalues; value++)
	{
		int32	   *group = &above[group_of(finer, value)];

		if (*group >= 0 && *group != group_of(step, value))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the steps of a sensitive column are no hierarchy"),
					 errdetail("Step %d takes values apart that step %d has put together.", number, number - 1)));
		*group = group_of(step, value);
	}
}

/* If all groups are equally far from each other.  What a class has none of adds its share of the whole. */
static double
distance_of(const Step *step, const PhigClassValue *values, int32 count, int64 total)
{
	FractionSum differences = {0};
	FractionSum shares = {0};
	double		persons = 0;

	for (int32 i = 0; i < count; i++)
	{
		step->in_class[group_of(step, values[i].value)] += values[i].persons;
		persons += values[i].persons;
	}
	for (int32 i = 0; i < count; i++)
	{
		int32		group = group_of(step, values[i].value);
		double		q = step->whole[group] / (double) total;

		if (step->in_class[group] == 0)
			continue;
		add_fraction(&differences, fabs(step->in_class[group] / persons - q));
		add_fraction(&shares, q);
		step->in_class[group] = 0;
	}
	return (fraction_sum(&differences) + 1 - fraction_sum(&shares)) / 2;
}

static inline int32
group_of(const Step *step, int32 value)
{
	return step->groups == NULL ? value : step->groups[value];
}
