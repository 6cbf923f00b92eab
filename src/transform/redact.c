/*
 * redact.c
 *		phiguard.redact: free text without the identifiers that detection finds in it.
 *
 * Detection finds most, not all.  What comes out is still a note, and no method but expert determination
 * accepts it: 45 CFR 164.514(b)(2) removes every identifier, and (b)(1) is where a measured rest can be judged.
 *
 * Surrogates are consistent within a text, seeded by the order in which values first stand in it and so not derived
 * from them; with a key domain they are the same in all texts of a subject, seeded by HMAC-SHA-256 of subject
 * and value, which makes them of the keyed kind (token.c says what that means).
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "compat.h"
#include "crypto/hmac.h"
#include "crypto/key.h"
#include "detect/disguise.h"
#include "detect/functions.h"
#include "detect/token.h"
#include "transform/keyed.h"
#include "transform/value.h"

PG_FUNCTION_INFO_V1(phiguard_redact);
PG_FUNCTION_INFO_V1(phiguard_redact_style);
PG_FUNCTION_INFO_V1(phiguard_redact_subject);

typedef enum Style
{
	STYLE_TAG, STYLE_MASK, STYLE_SURROGATE
} Style;

static const char *const style_names[] = {"tag", "mask", "surrogate"};

/* Which value came as the how manieth: hashes, 0 where free. */
typedef struct Order
{
	uint64	   *hashes;
	uint32	   *numbers;
	uint32		slots;			/* a power of two */
	uint32		n;
} Order;

typedef struct Keyed
{
	PhigKeyedSite *site;
	const PhigKeyedUse *use;
	StringInfoData message;
	int			prefix;			/* length of what stands before the value */
} Keyed;

static const PhigKeyedUse redact_use = {
	.use = PHIG_KEY_TOKEN,
	.right = PHIG_RIGHT_TOKEN,
	PHIG_USES_HMAC
};

static text *redact(const text *value, Style style, PhigDisguiseSeed seed, void *state);
static void append_tag(StringInfo out, const char *category);
static void append_mask(StringInfo out, const char *text, size_t len);
static Style find_style(const text *name);
static uint64 seed_by_order(void *state, const char *value, size_t len);
static uint64 seed_by_key(void *state, const char *value, size_t len);
static void make_room(Order *order);

/* phiguard.redact(value text) returns text */
Datum
phiguard_redact(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(redact(PG_GETARG_TEXT_PP(0), STYLE_TAG, NULL, NULL));
}

/* phiguard.redact(value text, style text) returns text */
Datum
phiguard_redact_style(PG_FUNCTION_ARGS)
{
	Order		order = {0};

	PG_RETURN_TEXT_P(redact(PG_GETARG_TEXT_PP(0), find_style(PG_GETARG_TEXT_PP(1)), seed_by_order, &order));
}

/* phiguard.redact(value text, style text, subject text, domain text) returns text */
Datum
phiguard_redact_subject(PG_FUNCTION_ARGS)
{
	Style		style = find_style(PG_GETARG_TEXT_PP(1));
	PhigScratch scratch;
	PhigValue	subject = phig_value_of_text(PG_GETARG_DATUM(2), &scratch);
	Keyed		keyed = {
		.site = phig_keyed_site(fcinfo->flinfo, &redact_use, PG_GETARG_TEXT_PP(3), 0, 0),
		.use = &redact_use
	};

	/* no token of anything is a seed, and no subject and value are another's */
	initStringInfo(&keyed.message);
	appendStringInfo(&keyed.message, "redact/v1/%zu/", subject.len);
	appendBinaryStringInfo(&keyed.message, subject.bytes, subject.len);
	keyed.prefix = keyed.message.len;
	phig_value_free(&subject);
	PG_RETURN_TEXT_P(redact(PG_GETARG_TEXT_PP(0), style, seed_by_key, &keyed));
}

static text *
redact(const text *value, Style style, PhigDisguiseSeed seed, void *state)
{
	const char *bytes = VARDATA_ANY(value);
	size_t		len = VARSIZE_ANY_EXHDR(value);
	PhigSpans  *spans = phig_detect_text(bytes, len, PHIG_DETECT_MIN_SCORE);
	StringInfoData out;
	size_t		done = 0;

	initStringInfo(&out);
	for (int i = 0; i < spans->n; i++)
	{
		const PhigSpan *span = &spans->spans[i];

		CHECK_FOR_INTERRUPTS();
		appendBinaryStringInfo(&out, bytes + done, span->start - done);
		if (style == STYLE_TAG)
			append_tag(&out, span->category);
		else if (style == STYLE_MASK)
			append_mask(&out, bytes + span->start, span->end - span->start);
		else
			phig_disguise(&out, span, bytes + span->start, span->end - span->start, phig_detect_decoder(), seed,
						  state);
		done = span->end;
	}
	appendBinaryStringInfo(&out, bytes + done, len - done);
	return cstring_to_text_with_len(out.data, out.len);
}

static void
append_tag(StringInfo out, const char *category)
{
	appendStringInfoChar(out, '[');
	for (; *category != '\0'; category++)
		appendStringInfoChar(out, pg_toupper((unsigned char) *category));
	appendStringInfoChar(out, ']');
}

/* A star for each character but white space. */
static void
append_mask(StringInfo out, const char *text, size_t len)
{
	PhigDecode	decode = phig_detect_decoder();

	for (size_t i = 0; i < len;)
	{
		uint32		code;

		if (text[i] == ' ' || text[i] == '\n' || text[i] == '\r' || text[i] == '\t')
			appendStringInfoChar(out, text[i]);
		else
			appendStringInfoChar(out, '*');
		i += text[i] & 0x80 ? decode(text + i, len - i, &code) : 1;
	}
}

static Style
find_style(const text *name)
{
	for (int i = 0; i < (int) lengthof(style_names); i++)
		if (VARSIZE_ANY_EXHDR(name) == strlen(style_names[i]) &&
			memcmp(VARDATA_ANY(name), style_names[i], VARSIZE_ANY_EXHDR(name)) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown style of redaction"),
			 errhint("Styles are \"tag\", \"mask\" and \"surrogate\"."),
			 errhidestmt(true)));
}

static uint64
seed_by_order(void *state, const char *value, size_t len)
{
	Order	   *order = state;
	uint64		hash = phig_hash_word(value, len);
	uint32		i;

	if (2 * order->n >= order->slots)
		make_room(order);
	hash = hash == 0 ? 1 : hash;
	for (i = hash & (order->slots - 1); order->hashes[i] != 0; i = (i + 1) & (order->slots - 1))
		if (order->hashes[i] == hash)
			return order->numbers[i];
	order->hashes[i] = hash;
	order->numbers[i] = ++order->n;
	return order->n;
}

static uint64
seed_by_key(void *state, const char *value, size_t len)
{
	Keyed	   *keyed = state;
	uint8		code[PHIG_HMAC_BYTES];
	uint64		seed;

	keyed->message.len = keyed->prefix;
	appendBinaryStringInfo(&keyed->message, value, len);
	if (!phig_hmac_compute(keyed->site->prepared, keyed->message.data, keyed->message.len, code))
		phig_key_refuse_without(keyed->use->primitive);
	memcpy(&seed, code, sizeof(seed));
	return seed;
}

static void
make_room(Order *order)
{
	Order		old = *order;

	order->slots = Max(64, 2 * old.slots);
	order->hashes = palloc0(order->slots * sizeof(uint64));
	order->numbers = palloc(order->slots * sizeof(uint32));
	for (uint32 j = 0; j < old.slots; j++)
		if (old.hashes[j] != 0)
		{
			uint32		i = old.hashes[j] & (order->slots - 1);

			while (order->hashes[i] != 0)
				i = (i + 1) & (order->slots - 1);
			order->hashes[i] = old.hashes[j];
			order->numbers[i] = old.numbers[j];
		}
}
