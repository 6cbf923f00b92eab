/*
 * measure.c
 *		The formulas of measure.h.
 *
 * Distances of distributions are summed over the values that a class has: what it
 * does not have adds what the whole release has of it, which is known from sums.
 *
 * Results do not depend on the order of rows, down to the last bit: fractions are
 * summed in an order of their own, or as integers.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/float.h"

#include "extract/fraction.h"
#include "extract/hierarchy.h"
#include "extract/measure.h"

/* Over the classes of the release. */
typedef struct Sums
{
	int32		classes;
	int32		outside;		/* with more persons than the population */
	int64		members;
	int64		population;
	int32		smallest;
	int32		smallest_population;
	int64		uniques;
	int64		population_uniques;
	int64		at_risk;
	int64		population_at_risk;
	FractionSum linked;
	double		presence_min;
	double		presence_max;
	int32		small;
	int64		small_members;
	int64		small_rows;
} Sums;

/* A value of a class, where it stands in the order of all, and its share. */
typedef struct Share
{
	int32		rank;
	int32		persons;
	double		whole;			/* the value's share of the whole release: q */
} Share;

/* Shares of values in the whole release, and their sums. */
typedef struct Whole
{
	int32		nvalues;
	double	   *share;			/* by code: q */
	int32	   *ranks;			/* by code; NULL: no order */
	double	   *below;			/* by rank: sum of q up to there */
	double	   *area;			/* by rank: sum of below up to there */
} Whole;

static void add_class(Sums *sums, const PhigClass *cls, const PhigRiskOptions *options);
static void find_rates(const Sums *sums, const PhigRiskOptions *options, double metrics[PHIG_RISK_NMETRICS]);
static void find_whole(const PhigClasses *classes, int column, const PhigClassValue *values, int32 nentries,
					   Whole *whole);
static void measure_values(Share *shares, const PhigClassValue *values, int32 count, const Whole *whole,
						   const PhigRiskOptions *options, double metrics[PHIG_RISK_NSENSITIVE]);
static double recursive_of(const Share *shares, int32 count, int32 l);
static double ordered_distance(const Share *shares, int32 count, double persons, const Whole *whole);
static double between(const Whole *whole, int32 from, int32 to, double level);
static inline double sum_up_to(const double *sums, int32 rank);
static int	by_persons(const void *a, const void *b);
static int	by_rank(const void *a, const void *b);

void
phig_risk_measure(const PhigClasses *classes, const PhigRiskOptions *options, double metrics[PHIG_RISK_NMETRICS])
{
	int32		count;
	const PhigClass *all = phig_classes_all(classes, &count);
	Sums		sums = {.smallest = PG_INT32_MAX, .smallest_population = PG_INT32_MAX,
	.presence_min = get_float8_infinity()};

	for (int32 i = 0; i < count; i++)
		if (all[i].persons > 0)
			add_class(&sums, &all[i], options);
	if (sums.outside > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the population does not hold the release"),
				 errdetail_plural("In %d equivalence class the release has more persons than the population.",
								  "In %d equivalence classes the release has more persons than the population.",
								  sums.outside, sums.outside),
				 errhint("Give a population with the same quasi-identifiers, generalised alike, that all persons of the release belong to.")));

	metrics[PHIG_RISK_ROWS] = phig_classes_rows(classes);
	metrics[PHIG_RISK_ROWS_WITHOUT_PERSON] = phig_classes_rows_without_person(classes);
	metrics[PHIG_RISK_PERSONS] = phig_classes_persons(classes);
	metrics[PHIG_RISK_MEMBERS] = sums.members;
	metrics[PHIG_RISK_CLASSES] = sums.classes;
	metrics[PHIG_RISK_SMALL_CELLS] = sums.small;
	metrics[PHIG_RISK_SMALL_CELL_MEMBERS] = sums.small_members;
	metrics[PHIG_RISK_SMALL_CELL_ROWS] = sums.small_rows;
	for (int i = PHIG_RISK_K; i < PHIG_RISK_NMETRICS; i++)
		metrics[i] = get_float8_nan();
	if (sums.classes > 0)
		find_rates(&sums, options, metrics);
}

static void
add_class(Sums *sums, const PhigClass *cls, const PhigRiskOptions *options)
{
	int32		f = cls->persons;
	int32		F = options->has_population ? cls->population : f;

	if (F < f)
	{
		sums->outside++;
		return;
	}
	sums->classes++;
	sums->members += f;
	sums->population += F;
	sums->smallest = Min(sums->smallest, f);
	sums->smallest_population = Min(sums->smallest_population, F);
	sums->uniques += f == 1;
	sums->population_uniques += F == 1;
	sums->at_risk += 1.0 / f > options->threshold ? f : 0;
	sums->population_at_risk += 1.0 / F > options->threshold ? f : 0;
	add_fraction(&sums->linked, (double) f / F);
	sums->presence_min = Min(sums->presence_min, (double) f / F);
	sums->presence_max = Max(sums->presence_max, (double) f / F);
	if (f < options->k)
	{
		sums->small++;
		sums->small_members += f;
		sums->small_rows += cls->rows;
	}
}

static void
find_rates(const Sums *sums, const PhigRiskOptions *options, double metrics[PHIG_RISK_NMETRICS])
{
	double		members = sums->members;
	double		linked = fraction_sum(&sums->linked);

	metrics[PHIG_RISK_K] = sums->smallest;
	metrics[PHIG_RISK_SAMPLE_UNIQUES] = sums->uniques / members;
	metrics[PHIG_RISK_POPULATION_UNIQUES] = sums->population_uniques / members;
	metrics[PHIG_RISK_PROSECUTOR_MAX] = 1.0 / sums->smallest;
	metrics[PHIG_RISK_PROSECUTOR_AVG] = sums->classes / members;
	metrics[PHIG_RISK_PROSECUTOR_AT_RISK] = sums->at_risk / members;
	metrics[PHIG_RISK_JOURNALIST_MAX] = 1.0 / sums->smallest_population;
	metrics[PHIG_RISK_JOURNALIST_AVG] = Max((double) sums->classes / sums->population, linked / members);
	metrics[PHIG_RISK_JOURNALIST_AT_RISK] = sums->population_at_risk / members;
	metrics[PHIG_RISK_MARKETER] = linked / members;
	metrics[PHIG_RISK_PRESENCE_MIN] = options->has_population ? sums->presence_min : get_float8_nan();
	metrics[PHIG_RISK_PRESENCE_MAX] = options->has_population ? sums->presence_max : get_float8_nan();
}

void
phig_risk_measure_sensitive(const PhigClasses *classes, int column, const PhigRiskOptions *options,
							double metrics[PHIG_RISK_NSENSITIVE])
{
	int32		count;
	int32	   *first;
	PhigClassValue *values = phig_classes_values(classes, column, &first);
	Whole		whole = {0};
	Share	   *shares;

	(void) phig_classes_all(classes, &count);
	find_whole(classes, column, values, first[count], &whole);
	metrics[PHIG_RISK_VALUES] = whole.nvalues;
	metrics[PHIG_RISK_L_DISTINCT] = metrics[PHIG_RISK_L_ENTROPY] = get_float8_infinity();
	metrics[PHIG_RISK_L_RECURSIVE] = metrics[PHIG_RISK_T_NOMINAL] = metrics[PHIG_RISK_T_ORDERED] = 0;
	shares = palloc_extended(sizeof(Share) * (Size) Max(whole.nvalues, 1), MCXT_ALLOC_HUGE);
	for (int32 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (first[i + 1] > first[i])
			measure_values(shares, values + first[i], first[i + 1] - first[i], &whole, options, metrics);
	}
	metrics[PHIG_RISK_T_HIERARCHY] = phig_hierarchy_distance(classes, column, values, first);
	if (first[count] == 0)
		for (int i = PHIG_RISK_L_DISTINCT; i < PHIG_RISK_NSENSITIVE; i++)
			metrics[i] = get_float8_nan();
	if (whole.ranks == NULL)
		metrics[PHIG_RISK_T_ORDERED] = get_float8_nan();
}

/* The distribution over the whole release: that of all members of all classes. */
static void
find_whole(const PhigClasses *classes, int column, const PhigClassValue *values, int32 nentries, Whole *whole)
{
	PhigCodes  *codes = phig_classes_sensitive(classes, column);
	Size		size = sizeof(double) * (Size) Max(phig_codes_count(codes), 1);
	double		total = 0;

	whole->nvalues = phig_codes_count(codes);
	whole->share = palloc_extended(size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int32 i = 0; i < nentries; i++)
	{
		whole->share[values[i].value] += values[i].persons;
		total += values[i].persons;
	}
	for (int32 i = 0; i < whole->nvalues; i++)
		whole->share[i] /= total;
	whole->ranks = phig_codes_ranks(codes);
	if (whole->ranks == NULL)
		return;
	whole->below = palloc_extended(size, MCXT_ALLOC_HUGE);
	whole->area = palloc_extended(size, MCXT_ALLOC_HUGE);
	for (int32 i = 0; i < whole->nvalues; i++)
		whole->below[whole->ranks[i]] = whole->share[i];
	for (int32 rank = 0; rank < whole->nvalues; rank++)
	{
		whole->below[rank] += sum_up_to(whole->below, rank - 1);
		whole->area[rank] = whole->below[rank] + sum_up_to(whole->area, rank - 1);
	}
}

/* One class: metrics become what the worst class so far has. */
static void
measure_values(Share *shares, const PhigClassValue *values, int32 count, const Whole *whole,
			   const PhigRiskOptions *options, double metrics[PHIG_RISK_NSENSITIVE])
{
	double		persons = 0;
	double		entropy = 0;
	double		distance = 1;

	for (int32 i = 0; i < count; i++)
		persons += values[i].persons;
	for (int32 i = 0; i < count; i++)
	{
		shares[i].persons = values[i].persons;
		shares[i].rank = whole->ranks == NULL ? 0 : whole->ranks[values[i].value];
		shares[i].whole = whole->share[values[i].value];
	}
	qsort(shares, count, sizeof(Share), by_persons);
	for (int32 i = 0; i < count; i++)
	{
		double		p = shares[i].persons / persons;

		entropy -= p * log(p);
		distance += fabs(p - shares[i].whole) - shares[i].whole;
	}
	metrics[PHIG_RISK_L_DISTINCT] = Min(metrics[PHIG_RISK_L_DISTINCT], count);
	metrics[PHIG_RISK_L_ENTROPY] = Min(metrics[PHIG_RISK_L_ENTROPY], exp(entropy));
	metrics[PHIG_RISK_T_NOMINAL] = Max(metrics[PHIG_RISK_T_NOMINAL], distance / 2);
	metrics[PHIG_RISK_L_RECURSIVE] = Max(metrics[PHIG_RISK_L_RECURSIVE], recursive_of(shares, count, options->l));
	if (whole->ranks == NULL)
		return;
	qsort(shares, count, sizeof(Share), by_rank);
	metrics[PHIG_RISK_T_ORDERED] = Max(metrics[PHIG_RISK_T_ORDERED], ordered_distance(shares, count, persons, whole));
}

/* r1 / (r_l + ... + r_m), r from the most frequent value down. */
static double
recursive_of(const Share *shares, int32 count, int32 l)
{
	double		rest = 0;

	for (int32 i = l - 1; i < count; i++)
		rest += shares[i].persons;
	return rest == 0 ? get_float8_infinity() : shares[0].persons / rest;
}

/* Earth mover's distance where neighbours in the order are 1 / (m - 1) apart. */
static double
ordered_distance(const Share *shares, int32 count, double persons, const Whole *whole)
{
	double		distance;
	double		seen = 0;

	if (whole->nvalues < 2)
		return 0;
	distance = between(whole, 0, shares[0].rank, 0);
	for (int32 i = 0; i < count; i++)
	{
		int32		to = i + 1 < count ? shares[i + 1].rank : whole->nvalues;

		seen += shares[i].persons;
		distance += between(whole, shares[i].rank, to, seen / persons);
	}
	return distance / (whole->nvalues - 1);
}

/* Sum of |level - below| over the ranks from .. to - 1: below only grows. */
static double
between(const Whole *whole, int32 from, int32 to, double level)
{
	int32		low = from;
	int32		high = to;

	if (from >= to)
		return 0;
	while (low < high)
	{
		int32		middle = low + (high - low) / 2;

		if (whole->below[middle] < level)
			low = middle + 1;
		else
			high = middle;
	}
	return (level * (low - from) - (sum_up_to(whole->area, low - 1) - sum_up_to(whole->area, from - 1))) +
		((sum_up_to(whole->area, to - 1) - sum_up_to(whole->area, low - 1)) - level * (to - low));
}

static inline double
sum_up_to(const double *sums, int32 rank)
{
	return rank < 0 ? 0 : sums[rank];
}

static int
by_persons(const void *a, const void *b)
{
	const Share *x = a;
	const Share *y = b;

	if (x->persons != y->persons)
		return y->persons - x->persons;
	return (x->whole < y->whole) - (x->whole > y->whole);
}

static int
by_rank(const void *a, const void *b)
{
	return ((const Share *) a)->rank - ((const Share *) b)->rank;
}
