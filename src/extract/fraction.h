/*
 * fraction.h
 *		A sum of fractions that is the same in any order, down to the last bit.
 */
#ifndef PHIG_EXTRACT_FRACTION_H
#define PHIG_EXTRACT_FRACTION_H

#include "postgres.h"

#include <math.h>

/* In units of 2^-63; of numbers between 0 and 1, at most 2^64 of them. */
typedef struct FractionSum
{
	uint64		low;
	uint64		high;
} FractionSum;

static inline void
add_fraction(FractionSum *sum, double fraction)
{
	uint64		units = (uint64) ldexp(fraction, 63);

	sum->low += units;
	sum->high += sum->low < units;
}

static inline double
fraction_sum(const FractionSum *sum)
{
	return ldexp((double) sum->high, 1) + ldexp((double) sum->low, -63);
}

#endif
