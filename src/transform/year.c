/*
 * year.c
 *		What Safe Harbor lets stay of a date and of an age: phiguard.year, birth_year, age_90.
 *
 * 45 CFR 164.514(b)(2)(i)(C): of a date, the year; of ages over 89, and of what
 * shows them, the years included, one class "90 or older".  Guidance of HHS (2012):
 * born 1910, served 2010, becomes "on or before 1920".
 *
 * Years are counted inside as the calendar does it, with a year 0; out comes what
 * extract(year) gives, where 1 BC is -1.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

/* The age that stands for every age above 89. */
#define OLDEST_AGE_YEARS 90

typedef struct Day
{
	int			year;
	int			month;
	int			day;
} Day;

PG_FUNCTION_INFO_V1(phiguard_year_date);
PG_FUNCTION_INFO_V1(phiguard_year_timestamp);
PG_FUNCTION_INFO_V1(phiguard_year_timestamptz);
PG_FUNCTION_INFO_V1(phiguard_birth_year);
PG_FUNCTION_INFO_V1(phiguard_age_90);
PG_FUNCTION_INFO_V1(phiguard_age_90_as_of);
PG_FUNCTION_INFO_V1(phiguard_age_90_today);
PG_FUNCTION_INFO_V1(phiguard_twin_year_date);
PG_FUNCTION_INFO_V1(phiguard_twin_year_timestamp);
PG_FUNCTION_INFO_V1(phiguard_twin_year_in_extract);
PG_FUNCTION_INFO_V1(phiguard_twin_birth_year_date);
PG_FUNCTION_INFO_V1(phiguard_twin_birth_year_timestamp);
PG_FUNCTION_INFO_V1(phiguard_twin_age_90_int2);
PG_FUNCTION_INFO_V1(phiguard_twin_age_90_int4);
PG_FUNCTION_INFO_V1(phiguard_twin_age_90_int8);

static Day	take_apart(DateADT date);
static int	timestamp_year(Timestamp timestamp, bool local);
static int	shown_year(int year);
static DateADT first_of_year(DateADT date, int least);
static Timestamp first_moment_of_year(Timestamp timestamp, int least);
static int	least_birth_year(FunctionCallInfo fcinfo);
static int	capped_age(DateADT birth, DateADT as_of);
static void refuse_infinity(void);
static void refuse_unborn(void);

/* phiguard.year(date) returns integer */
Datum
phiguard_year_date(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(shown_year(take_apart(PG_GETARG_DATEADT(0)).year));
}

/* phiguard.year(timestamp without time zone) returns integer */
Datum
phiguard_year_timestamp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(timestamp_year(PG_GETARG_TIMESTAMP(0), false));
}

/* phiguard.year(timestamp with time zone) returns integer: the year in the session's time zone. */
Datum
phiguard_year_timestamptz(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(timestamp_year(PG_GETARG_TIMESTAMPTZ(0), true));
}

/*
 * phiguard.birth_year(birth date, as_of date) returns integer
 *
 * By years alone, also before the birthday of the year: who turns 90 in the year
 * that as_of shows is in the class already.
 */
Datum
phiguard_birth_year(PG_FUNCTION_ARGS)
{
	DateADT		birth = PG_GETARG_DATEADT(0);
	DateADT		as_of = PG_GETARG_DATEADT(1);
	int			birth_year = take_apart(birth).year;
	int			latest_open = take_apart(as_of).year - OLDEST_AGE_YEARS;

	if (as_of < birth)
		refuse_unborn();
	PG_RETURN_INT32(shown_year(Max(birth_year, latest_open)));
}

/* phiguard.age_90(age integer) returns integer */
Datum
phiguard_age_90(PG_FUNCTION_ARGS)
{
	int32		age = PG_GETARG_INT32(0);

	if (age < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("age must not be negative"),
				 errhidestmt(true)));
	PG_RETURN_INT32(Min(age, OLDEST_AGE_YEARS));
}

/* phiguard.age_90(birth date, as_of date) returns integer */
Datum
phiguard_age_90_as_of(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(capped_age(PG_GETARG_DATEADT(0), PG_GETARG_DATEADT(1)));
}

/* phiguard.age_90(birth date) returns integer: as of current_date. */
Datum
phiguard_age_90_today(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(capped_age(PG_GETARG_DATEADT(0), GetSQLCurrentDate()));
}

/*
 * The twins that policies use keep the type, 1 January standing for the year, and fail of no value:
 * infinity stays.  The time zone is UTC: whoever could choose one would see more than the year.
 */

/* phiguard.year(internal, date) returns date */
Datum
phiguard_twin_year_date(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(first_of_year(PG_GETARG_DATEADT(1), PG_INT32_MIN));
}

/* phiguard.year(internal, timestamptz, internal) returns integer: of an extract */
Datum
phiguard_twin_year_in_extract(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_INT32(timestamp_year(PG_GETARG_TIMESTAMPTZ(1), false));
}

/* phiguard.year(internal, timestamp) returns timestamp; the same with time zone */
Datum
phiguard_twin_year_timestamp(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMP(first_moment_of_year(PG_GETARG_TIMESTAMP(1), PG_INT32_MIN));
}

/* phiguard.birth_year(internal, birth date, as_of date) returns date; as_of null: today */
Datum
phiguard_twin_birth_year_date(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(first_of_year(PG_GETARG_DATEADT(1), least_birth_year(fcinfo)));
}

/* phiguard.birth_year(internal, birth timestamp, as_of date) returns timestamp; the same with time zone */
Datum
phiguard_twin_birth_year_timestamp(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMP(first_moment_of_year(PG_GETARG_TIMESTAMP(1), least_birth_year(fcinfo)));
}

/* phiguard.age_90(internal, age smallint) returns smallint */
Datum
phiguard_twin_age_90_int2(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_INT16(Min(PG_GETARG_INT16(1), OLDEST_AGE_YEARS));
}

/* phiguard.age_90(internal, age integer) returns integer */
Datum
phiguard_twin_age_90_int4(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_INT32(Min(PG_GETARG_INT32(1), OLDEST_AGE_YEARS));
}

/* phiguard.age_90(internal, age bigint) returns bigint */
Datum
phiguard_twin_age_90_int8(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_INT64(Min(PG_GETARG_INT64(1), OLDEST_AGE_YEARS));
}

/* 1 January of its year, or of the least one. */
static DateADT
first_of_year(DateADT date, int least)
{
	DateADT		first;

	if (DATE_NOT_FINITE(date))
		return date;
	first = date2j(Max(take_apart(date).year, least), 1, 1) - POSTGRES_EPOCH_JDATE;
	/* The year that the type begins in has no 1 January. */
	return Max(first, DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE);
}

static Timestamp
first_moment_of_year(Timestamp timestamp, int least)
{
	Timestamp	day = timestamp / USECS_PER_DAY;

	if (TIMESTAMP_NOT_FINITE(timestamp))
		return timestamp;
	if (timestamp % USECS_PER_DAY < 0)
		day--;
	return first_of_year((DateADT) day, least) * USECS_PER_DAY;
}

/* The year 90 before the date in argument 2, or before today. */
static int
least_birth_year(FunctionCallInfo fcinfo)
{
	DateADT		as_of = PG_ARGISNULL(2) ?
		(DateADT) (GetCurrentTransactionStartTimestamp() / USECS_PER_DAY) : PG_GETARG_DATEADT(2);

	return DATE_NOT_FINITE(as_of) ? PG_INT32_MIN : take_apart(as_of).year - OLDEST_AGE_YEARS;
}

/* Raises 22008 on infinity. */
static Day
take_apart(DateADT date)
{
	Day			result;

	if (DATE_NOT_FINITE(date))
		refuse_infinity();
	j2date(date + POSTGRES_EPOCH_JDATE, &result.year, &result.month, &result.day);
	return result;
}

static int
timestamp_year(Timestamp timestamp, bool local)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			tz;

	if (TIMESTAMP_NOT_FINITE(timestamp))
		refuse_infinity();
	if (timestamp2tm(timestamp, local ? &tz : NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range"),
				 errhidestmt(true)));
	return shown_year(tm.tm_year);
}

static int
shown_year(int year)
{
	return year > 0 ? year : year - 1;
}

/* Full years, as age() counts them: who is born on 29 February has a birthday on 1 March in other years. */
static int
capped_age(DateADT birth, DateADT as_of)
{
	Day			first = take_apart(birth);
	Day			last = take_apart(as_of);
	int			age = last.year - first.year;

	if (as_of < birth)
		refuse_unborn();
	if (last.month < first.month || (last.month == first.month && last.day < first.day))
		age--;
	return Min(age, OLDEST_AGE_YEARS);
}

static void
refuse_infinity(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("an infinite date has no year"),
			 errhint("Store NULL for an unknown date."),
			 errhidestmt(true)));
}

static void
refuse_unborn(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the date of reference is before the birth"),
			 errhint("The birth is the first argument; without a second one it is the current date that counts."),
			 errhidestmt(true)));
}
