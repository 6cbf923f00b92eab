/*
 * subject.c
 *		What depends on whose row it is: phiguard.shift_date and phiguard.split.
 *
 * Both take a number from HMAC-SHA-256 over the subject under a key of the domain, so that all rows of a person get
 * the same: a shift of dates keeps their order and the days between them; an assignment to training or test
 * data never puts one person into two sets.
 *
 * A shifted date shows a month and a day: never Safe Harbor (45 CFR 164.514(b)(2)(i)(C)).
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "crypto/hmac.h"
#include "crypto/key.h"
#include "transform/keyed.h"
#include "transform/literals.h"
#include "transform/value.h"

#define SHIFT_MOST_DAYS 3650
#define SPLIT_MOST_SETS 100

static const PhigKeyedUse shift_use = {
	.use = PHIG_KEY_SHIFT,
	.right = PHIG_RIGHT_SHIFT,
	PHIG_USES_HMAC
};

static const PhigKeyedUse split_use = {
	.use = PHIG_KEY_SPLIT,
	.right = PHIG_RIGHT_SPLIT,
	PHIG_USES_HMAC
};

/* 64 bits for a subject. */
static uint64
number_of(FunctionCallInfo fcinfo, const PhigKeyedUse *use, PhigValue subject, int domain_argument)
{
	PhigKeyedSite *site = phig_keyed_site(fcinfo->flinfo, use, PG_GETARG_TEXT_PP(domain_argument), 0, 0);
	uint8		code[PHIG_HMAC_BYTES];
	uint64		number = 0;

	if (!phig_hmac_compute(site->prepared, subject.bytes, subject.len, code))
		phig_key_refuse_without(use->primitive);
	phig_value_free(&subject);
	for (int i = 0; i < 8; i++)
		number = number << 8 | code[i];
	return number;
}

/* --- shift_date(date, subject, domain, max_days) --- */

void
phig_check_shift_days(int days)
{
	if (days < 1 || days > SHIFT_MOST_DAYS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dates are shifted by 1 to %d days at most", SHIFT_MOST_DAYS),
				 errhidestmt(true)));
}

/* Days, never 0, at most max_days forwards or backwards; the remainder's bias is below 2^-50. */
static int
days_of(FunctionCallInfo fcinfo, PhigValue subject)
{
	const int	most = PG_GETARG_INT32(3);
	int			step;

	phig_check_shift_days(most);
	step = (int) (number_of(fcinfo, &shift_use, subject, 2) % (2 * (uint64) most));
	return step < most ? step - most : step - most + 1;
}

static void
refuse_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("shifted date out of range"),
			 errhidestmt(true)));
}

/* What is infinite stays so. */
static Datum
shift_date(FunctionCallInfo fcinfo, PhigValue subject)
{
	DateADT		date = PG_GETARG_DATEADT(0);
	int			days = days_of(fcinfo, subject);
	DateADT		shifted = date + days;

	if (DATE_NOT_FINITE(date))
		PG_RETURN_DATEADT(date);
	/* Whole days only: so far from the ends of its type no sum overflows. */
	if (!IS_VALID_DATE(shifted))
		refuse_range();
	PG_RETURN_DATEADT(shifted);
}

/* Of timestamp and timestamptz: days of 24 hours, whatever the time zone does. */
static Datum
shift_timestamp(FunctionCallInfo fcinfo, PhigValue subject)
{
	Timestamp	time = PG_GETARG_TIMESTAMP(0);
	int			days = days_of(fcinfo, subject);
	Timestamp	shifted;

	if (TIMESTAMP_NOT_FINITE(time))
		PG_RETURN_TIMESTAMP(time);
	shifted = time + days * USECS_PER_DAY;
	if (!IS_VALID_TIMESTAMP(shifted))
		refuse_range();
	PG_RETURN_TIMESTAMP(shifted);
}

/* --- split(subject, weights, domain) --- */

/* The numbers in an array of one dimension without NULLs. */
static const float8 *
numbers_in(ArrayType *array)
{
	return (const float8 *) ((const char *) array + ARR_OVERHEAD_NONULLS(1));
}

/* Their sum; 0 where they are not weights. */
static double
sum_of(ArrayType *weights, int n)
{
	const float8 *values = numbers_in(weights);
	double		sum = 0;

	if (ARR_NDIM(weights) != 1 || ARR_HASNULL(weights) || n > SPLIT_MOST_SETS)
		return 0;
	for (int i = 0; i < n; i++)
	{
		if (!(values[i] >= 0) || isinf(values[i]))
			return 0;
		sum += values[i];
	}
	return isinf(sum) ? 0 : sum;
}

/* The number of the set, from 1. */
static Datum
split(FunctionCallInfo fcinfo, PhigValue subject)
{
	ArrayType  *weights = PG_GETARG_ARRAYTYPE_P(1);
	const float8 *values = numbers_in(weights);
	const int	n = ArrayGetNItems(ARR_NDIM(weights), ARR_DIMS(weights));
	const double sum = sum_of(weights, n);
	double		place;
	int			set = 0;

	if (sum == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid weights"),
				 errhint("Give 1 to %d numbers, none of them negative and not all zero: '{0.8,0.1,0.1}'.", SPLIT_MOST_SETS),
				 errhidestmt(true)));
	/* 53 bits: a place in [0, sum). */
	place = ldexp((double) (number_of(fcinfo, &split_use, subject, 2) >> 11), -53) * sum;
	for (int i = 0; i < n; i++)
	{
		if (values[i] == 0)
			continue;
		set = i + 1;
		if (place < values[i])
			break;
		place -= values[i];
	}
	PG_RETURN_INT32(set);
}

#define OF_SUBJECT(type) \
PG_FUNCTION_INFO_V1(phiguard_shift_date_##type); \
PG_FUNCTION_INFO_V1(phiguard_shift_timestamp_##type); \
PG_FUNCTION_INFO_V1(phiguard_split_##type); \
Datum \
phiguard_shift_date_##type(PG_FUNCTION_ARGS) \
{ \
	PhigScratch scratch; \
	return shift_date(fcinfo, phig_value_of_##type(PG_GETARG_DATUM(1), &scratch)); \
} \
Datum \
phiguard_shift_timestamp_##type(PG_FUNCTION_ARGS) \
{ \
	PhigScratch scratch; \
	return shift_timestamp(fcinfo, phig_value_of_##type(PG_GETARG_DATUM(1), &scratch)); \
} \
Datum \
phiguard_split_##type(PG_FUNCTION_ARGS) \
{ \
	PhigScratch scratch; \
	return split(fcinfo, phig_value_of_##type(PG_GETARG_DATUM(0), &scratch)); \
} \
extern int	phig_subject_##type##_is_defined

OF_SUBJECT(text);
OF_SUBJECT(int8);
OF_SUBJECT(uuid);
