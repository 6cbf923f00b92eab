/*
 * fpe.c
 *		phiguard.fpe and unfpe: values encrypted into values of the same form.
 *
 * FF1 with AES-256 (NIST SP 800-38G) over the characters of an alphabet; separators of a
 * shape stay where they are.  Nothing in the result says which version of the key made it: it is the
 * domain's version for tokens, which a pinned domain does not change.
 *
 * Fewer than one million possible values are refused (SP 800-38G revision 1): whoever has a few pairs could
 * build the table of all.  So no ZIP code, no date and no last four digits.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "compat.h"
#include "crypto/ff1.h"
#include "crypto/key.h"
#include "transform/keyed.h"
#include "transform/literals.h"
#include "transform/reversal.h"
#include "transform/value.h"

#define DIGITS "0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"

/* An alphabet, or a shape over one. */
typedef struct Alphabet
{
	const char *name;
	const char *characters;
	const char *separators;		/* that may stand between them, and stay */
	int			least;			/* how many characters, or as few as FF1 takes: 0 */
	int			most;
} Alphabet;

static const Alphabet alphabets[] = {
	{"digits", DIGITS, "", 0, PHIG_FF1_MAX_NUMERALS},
	{"alphanumeric", DIGITS UPPER LOWER, "", 0, PHIG_FF1_MAX_NUMERALS},
	{"alphanumeric_upper", DIGITS UPPER, "", 0, PHIG_FF1_MAX_NUMERALS},
	{"ssn", DIGITS, "- ", 9, 9},
	{"phone", DIGITS, " ()+-./", 7, 15},
	{"card", DIGITS, "- ", 12, 19}
};

static void *
prepare_ff1(const uint8 *key, int option)
{
	return phig_ff1_create(key, PHIG_FF1_KEY_BYTES, strlen(alphabets[option].characters));
}

static void
release_ff1(void *prepared)
{
	phig_ff1_free(prepared);
}

#define USES_FF1 \
	.use = PHIG_KEY_FPE, \
	.primitive = "AES-256", \
	.prepare = prepare_ff1, \
	.release = release_ff1

static const PhigKeyedUse fpe_use = {USES_FF1, .right = PHIG_RIGHT_FPE};
static const PhigKeyedUse unfpe_use = {USES_FF1, .right = PHIG_RIGHT_UNFPE};

/* Its number; the name is not repeated in the error, it may be a value in the wrong place. */
static int
find_alphabet(const text *name)
{
	for (int i = 0; i < (int) lengthof(alphabets); i++)
		if (strlen(alphabets[i].name) == (size_t) VARSIZE_ANY_EXHDR(name) &&
			memcmp(alphabets[i].name, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown alphabet"),
			 errhint("Alphabets are digits, alphanumeric and alphanumeric_upper; shapes are ssn, phone and card."),
			 errhidestmt(true)));
	return -1;					/* for the compiler */
}

void
phig_check_alphabet(const text *name)
{
	(void) find_alphabet(name);
}

static void
refuse_value(const Alphabet *alphabet, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("value does not fit alphabet \"%s\"", alphabet->name),
			 errdetail("%s", what),
			 errhidestmt(true)));
}

static bool
is_separator(const Alphabet *alphabet, char c)
{
	return c != '\0' && strchr(alphabet->separators, c) != NULL;
}

/* The numerals of a value; how many. */
static int
to_numerals(const Alphabet *alphabet, const text *value, uint16 *numerals)
{
	const int	least = Max(alphabet->least, phig_ff1_min_length(strlen(alphabet->characters)));
	const char *bytes = VARDATA_ANY(value);
	int			n = 0;

	for (size_t i = 0; i < VARSIZE_ANY_EXHDR(value); i++)
	{
		const char *found = bytes[i] == '\0' ? NULL : strchr(alphabet->characters, bytes[i]);

		if (found == NULL && is_separator(alphabet, bytes[i]))
			continue;
		if (found == NULL)
			refuse_value(alphabet, "It has a character that does not belong there.");
		if (n == alphabet->most)
			refuse_value(alphabet, psprintf("It has more than %d characters.", alphabet->most));
		numerals[n++] = found - alphabet->characters;
	}
	if (n < least)
		refuse_value(alphabet, psprintf("It has fewer than %d characters%s.", least,
										least > alphabet->least ?
										": of fewer than one million possible values a table can be made (NIST SP 800-38G)" : ""));
	return n;
}

/* The value with other numerals. */
static text *
from_numerals(const Alphabet *alphabet, const text *value, const uint16 *numerals)
{
	text	   *result = palloc(VARHDRSZ + VARSIZE_ANY_EXHDR(value));
	const char *bytes = VARDATA_ANY(value);

	SET_VARSIZE(result, VARHDRSZ + VARSIZE_ANY_EXHDR(value));
	for (size_t i = 0; i < VARSIZE_ANY_EXHDR(value); i++)
		VARDATA(result)[i] = is_separator(alphabet, bytes[i]) ? bytes[i] : alphabet->characters[*numerals++];
	return result;
}

typedef PhigFf1Result (*Ff1) (PhigFf1 *ff1, const void *tweak, size_t tweak_len,
							  const uint16_t *in, size_t n, uint16_t *out);

static text *
transform(FunctionCallInfo fcinfo, const PhigKeyedUse *use, int version, Ff1 ff1)
{
	const text *value = PG_GETARG_TEXT_PP(0);
	const int	number = find_alphabet(PG_GETARG_TEXT_PP(1));
	const Alphabet *alphabet = &alphabets[number];
	PhigKeyedSite *site = phig_keyed_site(fcinfo->flinfo, use, PG_GETARG_TEXT_PP(3), version, number);
	PhigScratch scratch;
	PhigValue	tweak = phig_value_of_text(PG_GETARG_DATUM(2), &scratch);
	uint16		numerals[PHIG_FF1_MAX_NUMERALS];
	int			n = to_numerals(alphabet, value, numerals);

	if (tweak.len > PHIG_FF1_MAX_TWEAK_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a tweak has at most %d bytes", PHIG_FF1_MAX_TWEAK_BYTES),
				 errhidestmt(true)));
	if (ff1(site->prepared, tweak.bytes, tweak.len, numerals, n, numerals) != PHIG_FF1_OK)
		phig_key_refuse_without(use->primitive);
	phig_value_free(&tweak);
	return from_numerals(alphabet, value, numerals);
}

PG_FUNCTION_INFO_V1(phiguard_fpe);
PG_FUNCTION_INFO_V1(phiguard_unfpe);

/* fpe(value text, alphabet text, tweak text, domain text) */
Datum
phiguard_fpe(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(transform(fcinfo, &fpe_use, 0, phig_ff1_encrypt));
}

/* unfpe(value text, alphabet text, tweak text, domain text, version integer); version 0: the domain's for tokens */
Datum
phiguard_unfpe(PG_FUNCTION_ARGS)
{
	text	   *result;

	if (PG_GETARG_INT32(4) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a key's version is a positive number, or 0 for the domain's own")));
	result = transform(fcinfo, &unfpe_use, PG_GETARG_INT32(4), phig_ff1_decrypt);
	phig_reversal("UNFPE", PG_GETARG_TEXT_PP(3));
	PG_RETURN_TEXT_P(result);
}
