/*
 * token.c
 *		phiguard.token: a code for a value, the same for the same value, domain and key.
 *
 * "tk1_" and 26 characters: the first 128 bits of HMAC-SHA-256 (RFC 2104) over
 * the value, under a key of the domain alone (crypto/key.h), in RFC 4648 base32,
 * lower case.  The 1 is the version of this construction.  Values and domains are taken
 * in UTF-8, so that databases of different encodings agree; letter case, spaces
 * and Unicode composition count.
 *
 * This is the keyed kind: derived from the value, hence not the code that 45 CFR
 * 164.514(c) lets stay in Safe Harbor data; for limited data sets and expert
 * determination.  Equal values show as equal.  Whoever may call it on guesses can
 * undo every token of a guessable value: it is revoked from PUBLIC.
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "catalog/namespace.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "compat.h"
#include "crypto/hmac.h"
#include "crypto/key.h"
#include "errors.h"

#define TOKEN_PREFIX "tk1_"
#define TOKEN_PREFIX_CHARS (sizeof(TOKEN_PREFIX) - 1)
#define TOKEN_BYTES 16
#define TOKEN_CODE_CHARS ((TOKEN_BYTES * 8 + 4) / 5)
#define TOKEN_CHARS (TOKEN_PREFIX_CHARS + TOKEN_CODE_CHARS)

/* Text in UTF-8; owned is what to free, if anything. */
typedef struct PhigUtf8
{
	const char *bytes;
	size_t		len;
	char	   *owned;
} PhigUtf8;

/* What one call site keeps between rows: the computation keyed for its domain. */
typedef struct PhigTokenState
{
	MemoryContextCallback callback;
	PhigHmac   *hmac;
	text	   *domain;			/* as given, to notice another */
} PhigTokenState;

/*
 * The server's own conversion would name the bytes that it cannot convert, which
 * are part of a value.
 */
static PhigUtf8
to_utf8(const text *t)
{
	PhigUtf8	result = {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t), NULL};
	int			encoding = GetDatabaseEncoding();
	int			size = result.len * MAX_CONVERSION_GROWTH + 1;
	Oid			proc;

	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII || result.len == 0)
		return result;
	proc = FindDefaultConversionProc(encoding, PG_UTF8);
	result.owned = palloc(size);
	if (!OidIsValid(proc) ||
		pg_do_encoding_conversion_buf(proc, encoding, PG_UTF8, (unsigned char *) result.bytes,
									  result.len, (unsigned char *) result.owned, size,
									  true) != (int) result.len)
		ereport(ERROR,
				(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
				 errmsg("a text without a form in UTF-8 has no token"),
				 errhint("Tokens are made of UTF-8, so that databases of different encodings agree."),
				 errhidestmt(true)));
	result.bytes = result.owned;
	result.len = strlen(result.owned);
	return result;
}

/* The domain as a C string in UTF-8. */
static char *
check_domain(const text *domain)
{
	PhigUtf8	utf8 = to_utf8(domain);

	if (utf8.len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("token domain must not be empty"),
				 errhint("Name the recipient or the data set: "
						 "tokens of different domains cannot be joined."),
				 errhidestmt(true)));
	if (utf8.len > PHIG_KEY_DOMAIN_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("token domain must be at most %d bytes long", PHIG_KEY_DOMAIN_MAX_BYTES),
				 errhint("The value is the first argument, the domain the second."),
				 errhidestmt(true)));
	return pnstrdup(utf8.bytes, utf8.len);
}

static void
free_hmac(void *arg)
{
	PhigTokenState *state = arg;

	if (state->hmac != NULL)
		phig_hmac_free(state->hmac);
	state->hmac = NULL;
}

static void
refuse_without_hmac(void)
{
	ereport(ERROR,
			(errcode(PHIG_ERRCODE_KEY_UNAVAILABLE),
			 errmsg("OpenSSL does not provide HMAC with SHA-256"),
			 errhint("Check the providers that the system's OpenSSL configuration activates."),
			 errhidestmt(true)));
}

/* The call site's state; its HMAC goes when the call site's memory goes, also after an error. */
static PhigTokenState *
token_state(FmgrInfo *flinfo)
{
	PhigTokenState *state = flinfo->fn_extra;

	if (state == NULL)
	{
		state = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(PhigTokenState));
		state->callback.func = free_hmac;
		state->callback.arg = state;
		MemoryContextRegisterResetCallback(flinfo->fn_mcxt, &state->callback);
		flinfo->fn_extra = state;
	}
	return state;
}

static void
set_domain(FmgrInfo *flinfo, PhigTokenState *state, const text *domain)
{
	uint8		key[PHIG_KEY_BYTES];
	char	   *name = check_domain(domain);
	text	   *copy;

	free_hmac(state);
	phig_key_domain("token", name, key);
	state->hmac = phig_hmac_create(key, sizeof(key));
	OPENSSL_cleanse(key, sizeof(key));
	if (state->hmac == NULL)
		refuse_without_hmac();
	pfree(name);

	copy = MemoryContextAlloc(flinfo->fn_mcxt, VARSIZE_ANY(domain));
	memcpy(copy, domain, VARSIZE_ANY(domain));
	if (state->domain != NULL)
		pfree(state->domain);
	state->domain = copy;
}

static bool
same_text(const text *a, const text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/* RFC 4648 section 6 in lower case, without padding. */
static void
encode_base32(const uint8 *bytes, size_t len, char *out)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint32		bits = 0;
	int			nbits = 0;

	for (size_t i = 0; i < len; i++)
	{
		bits = bits << 8 | bytes[i];
		for (nbits += 8; nbits >= 5; nbits -= 5)
			*out++ = alphabet[bits >> (nbits - 5) & 31];
	}
	if (nbits > 0)
		*out = alphabet[bits << (5 - nbits) & 31];
}

PG_FUNCTION_INFO_V1(phiguard_token);

/* phiguard.token(value text, domain text): see the top of this file. */
Datum
phiguard_token(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	text	   *domain = PG_GETARG_TEXT_PP(1);
	PhigTokenState *state = token_state(fcinfo->flinfo);
	PhigUtf8	utf8 = to_utf8(value);
	uint8		code[PHIG_HMAC_BYTES];
	text	   *result;

	if (state->hmac == NULL || !same_text(state->domain, domain))
		set_domain(fcinfo->flinfo, state, domain);
	if (!phig_hmac_compute(state->hmac, utf8.bytes, utf8.len, code))
		refuse_without_hmac();
	if (utf8.owned != NULL)
		pfree(utf8.owned);

	result = palloc(VARHDRSZ + TOKEN_CHARS);
	SET_VARSIZE(result, VARHDRSZ + TOKEN_CHARS);
	memcpy(VARDATA(result), TOKEN_PREFIX, TOKEN_PREFIX_CHARS);
	encode_base32(code, TOKEN_BYTES, VARDATA(result) + TOKEN_PREFIX_CHARS);
	PG_RETURN_TEXT_P(result);
}
