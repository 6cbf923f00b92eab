/*
 * token.c
 *		phiguard.token: a code for a value, the same for the same value, domain and key.
 *
 * The first bits of HMAC-SHA-256 (RFC 2104) over the value, under a key of the domain alone
 * (keys/ring.h), in one of three forms:
 *
 *		token		"tk1_" and 128 bits in RFC 4648 base32, lower case; 1 is the key's version
 *		token_uuid	a UUID of version 8 (RFC 9562): the key's version in the first octet, and 114 bits
 *		token_int8	63 bits, never negative; the key's version does not show
 *
 * Values are taken in their canonical text form in UTF-8, so that a number and its digits, and
 * databases of different encodings agree; bytea is taken as it is.  Letter case, spaces and
 * Unicode composition count.
 *
 * This is the keyed kind: derived from the value, hence not the code that 45 CFR
 * 164.514(c) lets stay in Safe Harbor data; for limited data sets and expert
 * determination.  Equal values show as equal.  Whoever may call it on guesses can
 * undo every token of a guessable value: it is revoked from PUBLIC, and a domain has to be granted.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "compat.h"
#include "crypto/hmac.h"
#include "crypto/key.h"
#include "transform/keyed.h"
#include "transform/value.h"

#define TOKEN_BYTES 16
#define TOKEN_CODE_CHARS PHIG_BASE32_CHARS(TOKEN_BYTES)

static const PhigKeyedUse token_use = {
	.use = PHIG_KEY_TOKEN,
	.right = PHIG_RIGHT_TOKEN,
	PHIG_USES_HMAC
};

/* --- codes --- */

/* The code of a value in a domain; returns the key's version. */
static int
compute(FunctionCallInfo fcinfo, PhigValue value, uint8 code[PHIG_HMAC_BYTES])
{
	PhigKeyedSite *site = phig_keyed_site(fcinfo->flinfo, &token_use, PG_GETARG_TEXT_PP(1), 0, 0);

	if (!phig_hmac_compute(site->prepared, value.bytes, value.len, code))
		phig_key_refuse_without(token_use.primitive);
	phig_value_free(&value);
	return site->version;
}

static Datum
text_token(FunctionCallInfo fcinfo, PhigValue value)
{
	uint8		code[PHIG_HMAC_BYTES];
	char		number[12];
	int			digits = pg_ltoa(compute(fcinfo, value, code), number);
	int			len = 2 + digits + 1 + TOKEN_CODE_CHARS;
	text	   *result = palloc(VARHDRSZ + len);
	char	   *out = VARDATA(result);

	SET_VARSIZE(result, VARHDRSZ + len);
	*out++ = 't';
	*out++ = 'k';
	memcpy(out, number, digits);
	out += digits;
	*out++ = '_';
	phig_encode_base32(code, TOKEN_BYTES, out);
	PG_RETURN_TEXT_P(result);
}

static Datum
uuid_token(FunctionCallInfo fcinfo, PhigValue value)
{
	uint8		code[PHIG_HMAC_BYTES];
	int			version = compute(fcinfo, value, code);
	pg_uuid_t  *result = palloc(sizeof(pg_uuid_t));

	if (version > UINT8_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("version %d of a key does not fit into a token of type uuid", version),
				 errhint("phiguard.token() has room for it; or make a key domain anew.")));
	memcpy(result->data, code, UUID_LEN);
	result->data[0] = version;
	result->data[6] = 0x80 | (result->data[6] & 0x0f);
	result->data[8] = 0x80 | (result->data[8] & 0x3f);
	PG_RETURN_UUID_P(result);
}

static Datum
int8_token(FunctionCallInfo fcinfo, PhigValue value)
{
	uint8		code[PHIG_HMAC_BYTES];
	uint64		bits = 0;

	(void) compute(fcinfo, value, code);
	for (int i = 0; i < 8; i++)
		bits = bits << 8 | code[i];
	PG_RETURN_INT64((int64) (bits >> 1));
}

/* phiguard.token, token_uuid and token_int8 for a type of values. */
#define TOKENS_OF(type) \
PG_FUNCTION_INFO_V1(phiguard_token_##type); \
PG_FUNCTION_INFO_V1(phiguard_token_uuid_##type); \
PG_FUNCTION_INFO_V1(phiguard_token_int8_##type); \
Datum \
phiguard_token_##type(PG_FUNCTION_ARGS) \
{ \
	PhigScratch scratch; \
	return text_token(fcinfo, phig_value_of_##type(PG_GETARG_DATUM(0), &scratch)); \
} \
Datum \
phiguard_token_uuid_##type(PG_FUNCTION_ARGS) \
{ \
	PhigScratch scratch; \
	return uuid_token(fcinfo, phig_value_of_##type(PG_GETARG_DATUM(0), &scratch)); \
} \
Datum \
phiguard_token_int8_##type(PG_FUNCTION_ARGS) \
{ \
	PhigScratch scratch; \
	return int8_token(fcinfo, phig_value_of_##type(PG_GETARG_DATUM(0), &scratch)); \
} \
extern int	phig_token_##type##_is_defined

TOKENS_OF(text);
TOKENS_OF(bytea);
TOKENS_OF(int8);
TOKENS_OF(uuid);
TOKENS_OF(date);
