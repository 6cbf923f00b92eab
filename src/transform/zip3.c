/*
 * zip3.c
 *		phiguard.zip3: the first three digits of a US ZIP code, where enough people share them.
 *
 * 45 CFR 164.514(b)(2)(i)(B): they may stay where, by current data of the Census
 * Bureau, all ZIP codes with these three digits hold more than 20,000 people;
 * otherwise they become 000.  This is a list of what may stay: a prefix without a
 * known population (military, of one organisation, mistyped) becomes 000 too.
 *
 * The populations are compiled in, see zip3_table.h.  Census 2000 takes part with
 * its 17 restricted prefixes only: they are a list of what may not stay, and no vintage.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "compat.h"

/* What the censuses say of a prefix: people, or -1. */
typedef struct PhigZip3
{
	int32		people2010;
	int32		people2020;
	bool		restricted2000;
} PhigZip3;

#include "transform/zip3_table.h"

/* The law's words are "more than". */
#define RESTRICTED_PEOPLE 20000

#define PREFIX_CHARS 3
#define ZIP_CHARS 5
#define ZIP4_CHARS 9

typedef enum Vintage
{
	VINTAGE_2010, VINTAGE_2020, VINTAGE_UNION
} Vintage;

static const char *const vintage_names[] = {"census2010", "census2020", "union"};

enum
{
	LIST_PREFIX, LIST_VINTAGE, LIST_POPULATION, LIST_RELEASED, LIST_NCOLUMNS
};

PG_FUNCTION_INFO_V1(phiguard_zip3);
PG_FUNCTION_INFO_V1(phiguard_zip3_vintage);
PG_FUNCTION_INFO_V1(phiguard_zip3_integer);
PG_FUNCTION_INFO_V1(phiguard_zip3_list);
PG_FUNCTION_INFO_V1(phiguard_twin_zip3);
PG_FUNCTION_INFO_V1(phiguard_twin_zip3_vintage);
PG_FUNCTION_INFO_V1(phiguard_twin_zip3_integer);

static Vintage find_vintage(const text *name);
static text *generalise(const char *zip, int len, Vintage vintage);
static int	find_prefix(const char *zip, int len);
static int32 people(int prefix, Vintage vintage);
static bool is_released(int prefix, Vintage vintage);
static text *prefix_text(int prefix);
static void refuse_zip(void);

/* phiguard.zip3(zip text) returns text */
Datum
phiguard_zip3(PG_FUNCTION_ARGS)
{
	text	   *zip = PG_GETARG_TEXT_PP(0);

	PG_RETURN_TEXT_P(generalise(VARDATA_ANY(zip), VARSIZE_ANY_EXHDR(zip), VINTAGE_UNION));
}

/* phiguard.zip3(zip text, vintage text) returns text */
Datum
phiguard_zip3_vintage(PG_FUNCTION_ARGS)
{
	text	   *zip = PG_GETARG_TEXT_PP(0);
	Vintage		vintage = find_vintage(PG_GETARG_TEXT_PP(1));

	PG_RETURN_TEXT_P(generalise(VARDATA_ANY(zip), VARSIZE_ANY_EXHDR(zip), vintage));
}

/* phiguard.zip3(zip integer) returns text: as its digits in text. */
Datum
phiguard_zip3_integer(PG_FUNCTION_ARGS)
{
	char		zip[12];		/* of any integer, with sign and NUL */
	int			len = pg_ltoa(PG_GETARG_INT32(0), zip);

	PG_RETURN_TEXT_P(generalise(zip, len, VINTAGE_UNION));
}

/* The twins that policies use: what is no ZIP code has no prefix that may be shown, and a query must not fail of it. */

static int
prefix_shown(const char *zip, int len, Vintage vintage)
{
	int			prefix = find_prefix(zip, len);

	return prefix >= 0 && is_released(prefix, vintage) ? prefix : 0;
}

static Datum
text_prefix(FunctionCallInfo fcinfo, Vintage vintage)
{
	text	   *zip = PG_GETARG_TEXT_PP(1);

	PG_RETURN_TEXT_P(prefix_text(prefix_shown(VARDATA_ANY(zip), VARSIZE_ANY_EXHDR(zip), vintage)));
}

/* phiguard.zip3(internal, zip text) returns text */
Datum
phiguard_twin_zip3(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	return text_prefix(fcinfo, VINTAGE_UNION);
}

/* phiguard.zip3(internal, zip text, vintage text) returns text */
Datum
phiguard_twin_zip3_vintage(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	return text_prefix(fcinfo, find_vintage(PG_GETARG_TEXT_PP(2)));
}

/* phiguard.zip3(internal, zip integer) returns integer: the prefix as a number */
Datum
phiguard_twin_zip3_integer(PG_FUNCTION_ARGS)
{
	char		zip[12];
	int			len;

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	len = pg_ltoa(PG_GETARG_INT32(1), zip);
	PG_RETURN_INT32(prefix_shown(zip, len, VINTAGE_UNION));
}

/* phiguard.zip3_list() returns table(prefix text, vintage text, population integer, released boolean) */
Datum
phiguard_zip3_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int vintage = 0; vintage < (int) lengthof(vintage_names); vintage++)
		for (int prefix = 0; prefix < (int) lengthof(zip3_table); prefix++)
		{
			Datum		values[LIST_NCOLUMNS];
			bool		nulls[LIST_NCOLUMNS] = {false};

			if (people(prefix, vintage) < 0)
				continue;
			values[LIST_PREFIX] = PointerGetDatum(prefix_text(prefix));
			values[LIST_VINTAGE] = CStringGetTextDatum(vintage_names[vintage]);
			values[LIST_POPULATION] = Int32GetDatum(people(prefix, vintage));
			values[LIST_RELEASED] = BoolGetDatum(is_released(prefix, vintage));
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	return (Datum) 0;
}

static Vintage
find_vintage(const text *name)
{
	for (int i = 0; i < (int) lengthof(vintage_names); i++)
		if (VARSIZE_ANY_EXHDR(name) == strlen(vintage_names[i]) &&
			memcmp(VARDATA_ANY(name), vintage_names[i], VARSIZE_ANY_EXHDR(name)) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown vintage of the list of ZIP code prefixes"),
			 errhint("Vintages are \"census2010\", \"census2020\" and \"union\"."),
			 errhidestmt(true)));
}

static text *
generalise(const char *zip, int len, Vintage vintage)
{
	int			prefix = find_prefix(zip, len);

	if (prefix < 0)
		refuse_zip();
	return prefix_text(is_released(prefix, vintage) ? prefix : 0);
}

/*
 * The number of the prefix; -1 where it is no ZIP code.  Accepted: 5 digits, 9 digits, 5 and 4 with a hyphen; and
 * 3 or 4, which are 5 that lost their zeros in a column of numbers.  Spaces around.
 */
static int
find_prefix(const char *zip, int len)
{
	char		digits[ZIP4_CHARS];
	int			ndigits = 0;
	int			missing;

	for (; len > 0 && zip[len - 1] == ' '; len--)
		;
	for (; len > 0 && *zip == ' '; len--)
		zip++;
	for (int i = 0; i < len; i++)
	{
		if (i == ZIP_CHARS && zip[i] == '-' && len == ZIP4_CHARS + 1)
			continue;
		if (zip[i] < '0' || zip[i] > '9' || ndigits == ZIP4_CHARS)
			return -1;
		digits[ndigits++] = zip[i];
	}
	if (ndigits != ZIP4_CHARS && (ndigits < PREFIX_CHARS || ndigits > ZIP_CHARS))
		return -1;

	missing = Max(ZIP_CHARS - ndigits, 0);
	ndigits = 0;
	for (int i = 0; i < PREFIX_CHARS - missing; i++)
		ndigits = ndigits * 10 + digits[i] - '0';
	return ndigits;
}

/* By the vintage; negative where it does not know the prefix. */
static int32
people(int prefix, Vintage vintage)
{
	const PhigZip3 *row = &zip3_table[prefix];

	return vintage == VINTAGE_2010 ? row->people2010 : row->people2020;
}

static bool
is_released(int prefix, Vintage vintage)
{
	const PhigZip3 *row = &zip3_table[prefix];

	if (people(prefix, vintage) <= RESTRICTED_PEOPLE)
		return false;
	/* Not known to Census 2010 is not restricted by it: its file leaves out Puerto Rico. */
	return vintage != VINTAGE_UNION ||
		(!row->restricted2000 && (row->people2010 < 0 || row->people2010 > RESTRICTED_PEOPLE));
}

static text *
prefix_text(int prefix)
{
	char		digits[PREFIX_CHARS] = {'0' + prefix / 100, '0' + prefix / 10 % 10, '0' + prefix % 10};

	return cstring_to_text_with_len(digits, PREFIX_CHARS);
}

static void
refuse_zip(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("not a US ZIP code"),
			 errhint("Valid are 5 digits, 9 digits, 5 and 4 with a hyphen, and 3 or 4 digits that lost the zeros before them; spaces may surround them."),
			 errhidestmt(true)));
}
