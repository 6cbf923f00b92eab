/*
 * seal.c
 *		phiguard.seal and unseal: values that only who has the key can read, and nobody can change.
 *
 * AES-256-SIV (RFC 5297): deterministic, so that equal values of one context can be compared and joined, and so
 * shown to be equal; a value of another context, key or domain does not open.
 *
 *		octet 0			1, the version of this layout
 *		octets 1 to 4	the key's version, big-endian
 *		octets 5 to 20	SIV's tag
 *		the rest		the ciphertext, as long as the value
 *
 * Associated data are the first five octets and the context.  A value that is unsealed is on record before it leaves.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "compat.h"
#include "crypto/key.h"
#include "crypto/siv.h"
#include "errors.h"
#include "transform/keyed.h"
#include "transform/reversal.h"
#include "transform/value.h"

#define LAYOUT 1
#define HEADER_BYTES 5
#define LEAST_BYTES (HEADER_BYTES + PHIG_SIV_TAG_BYTES)

/* A key, and the context that it was last used with. */
typedef struct Sealer
{
	PhigSiv    *siv;
	bool		ready;			/* for this context: */
	size_t		len;
	uint8		header[HEADER_BYTES];
	char		context[64];	/* a longer one is set for each value */
} Sealer;

static void *
prepare_sealer(const uint8 *key, int option)
{
	PhigSiv    *siv = phig_siv_create(key, PHIG_SIV_KEY_BYTES);
	Sealer	   *sealer = siv == NULL ? NULL : malloc(sizeof(Sealer));

	if (sealer == NULL)
	{
		if (siv != NULL)
			phig_siv_free(siv);
		return NULL;
	}
	sealer->siv = siv;
	sealer->ready = false;
	return sealer;
}

static void
release_sealer(void *prepared)
{
	Sealer	   *sealer = prepared;

	phig_siv_free(sealer->siv);
	free(sealer);
}

#define USES_SIV \
	.use = PHIG_KEY_SEAL, \
	.primitive = "AES-256", \
	.prepare = prepare_sealer, \
	.release = release_sealer

static const PhigKeyedUse seal_use = {USES_SIV, .right = PHIG_RIGHT_SEAL};
static const PhigKeyedUse unseal_use = {USES_SIV, .right = PHIG_RIGHT_UNSEAL};

static void
set_context(Sealer *sealer, const uint8 header[HEADER_BYTES], Datum context, const PhigKeyedUse *use)
{
	PhigScratch scratch;
	PhigValue	value = phig_value_of_text(context, &scratch);
	PhigSivData data[2] = {{header, HEADER_BYTES}, {value.bytes, value.len}};

	if (sealer->ready && sealer->len == value.len && memcmp(sealer->header, header, HEADER_BYTES) == 0 &&
		memcmp(sealer->context, value.bytes, value.len) == 0)
	{
		phig_value_free(&value);
		return;
	}
	sealer->ready = false;
	if (!phig_siv_set_context(sealer->siv, data, lengthof(data)))
		phig_key_refuse_without(use->primitive);
	if (value.len <= sizeof(sealer->context))
	{
		memcpy(sealer->header, header, HEADER_BYTES);
		memcpy(sealer->context, value.bytes, value.len);
		sealer->len = value.len;
		sealer->ready = true;
	}
	phig_value_free(&value);
}

static Datum
seal(FunctionCallInfo fcinfo, PhigValue value)
{
	PhigKeyedSite *site = phig_keyed_site(fcinfo->flinfo, &seal_use, PG_GETARG_TEXT_PP(2), 0, 0);
	Sealer	   *sealer = site->prepared;
	const size_t len = LEAST_BYTES + value.len;
	bytea	   *result = palloc(VARHDRSZ + len);
	uint8	   *out = (uint8 *) VARDATA(result);

	SET_VARSIZE(result, VARHDRSZ + len);
	out[0] = LAYOUT;
	out[1] = site->version >> 24;
	out[2] = site->version >> 16;
	out[3] = site->version >> 8;
	out[4] = site->version;
	set_context(sealer, out, PG_GETARG_DATUM(1), &seal_use);
	if (!phig_siv_seal(sealer->siv, value.bytes, value.len, out + HEADER_BYTES))
		phig_key_refuse_without(seal_use.primitive);
	phig_value_free(&value);
	PG_RETURN_BYTEA_P(result);
}

/* Is that the layout of a sealed value?  Its key's version, or 0. */
static int
sealed_version(const bytea *sealed)
{
	const uint8 *bytes = (const uint8 *) VARDATA_ANY(sealed);
	uint32		version;

	if (VARSIZE_ANY_EXHDR(sealed) < LEAST_BYTES || bytes[0] != LAYOUT)
		return 0;
	version = (uint32) bytes[1] << 24 | (uint32) bytes[2] << 16 | (uint32) bytes[3] << 8 | bytes[4];
	return version <= PG_INT32_MAX ? (int) version : 0;
}

/* The value, palloc'd, *len bytes; on record. */
static uint8 *
unseal(FunctionCallInfo fcinfo, size_t *len)
{
	bytea	   *sealed = PG_GETARG_BYTEA_PP(0);
	text	   *domain = PG_GETARG_TEXT_PP(2);
	const uint8 *bytes = (const uint8 *) VARDATA_ANY(sealed);
	int			version = sealed_version(sealed);
	PhigKeyedSite *site;
	Sealer	   *sealer;
	uint8	   *out;
	PhigSivResult result;

	if (version == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("that is no sealed value"),
				 errhint("phiguard.seal() makes them: at least %d bytes.", (int) LEAST_BYTES),
				 errhidestmt(true)));
	site = phig_keyed_site(fcinfo->flinfo, &unseal_use, domain, version, 0);
	sealer = site->prepared;
	set_context(sealer, bytes, PG_GETARG_DATUM(1), &unseal_use);
	*len = VARSIZE_ANY_EXHDR(sealed) - LEAST_BYTES;
	phig_reversal("UNSEAL", domain);
	out = palloc(*len + 1);
	result = phig_siv_open(sealer->siv, bytes + HEADER_BYTES, VARSIZE_ANY_EXHDR(sealed) - HEADER_BYTES, out);
	if (result == PHIG_SIV_FAILED)
		phig_key_refuse_without(unseal_use.primitive);
	if (result != PHIG_SIV_OK)
		ereport(ERROR,
				(errcode(PHIG_ERRCODE_NOT_AUTHENTIC),
				 errmsg("a sealed value does not open"),
				 errdetail("It was changed, or sealed in another context or domain."),
				 errhidestmt(true)));
	return out;
}

PG_FUNCTION_INFO_V1(phiguard_seal_text);
PG_FUNCTION_INFO_V1(phiguard_seal_bytea);
PG_FUNCTION_INFO_V1(phiguard_unseal);
PG_FUNCTION_INFO_V1(phiguard_unseal_bytea);
PG_FUNCTION_INFO_V1(phiguard_is_sealed);

/* seal(value text, context text, domain text) */
Datum
phiguard_seal_text(PG_FUNCTION_ARGS)
{
	PhigScratch scratch;

	return seal(fcinfo, phig_value_of_text(PG_GETARG_DATUM(0), &scratch));
}

/* seal(value bytea, context text, domain text) */
Datum
phiguard_seal_bytea(PG_FUNCTION_ARGS)
{
	PhigScratch scratch;

	return seal(fcinfo, phig_value_of_bytea(PG_GETARG_DATUM(0), &scratch));
}

/* unseal(sealed bytea, context text, domain text) */
Datum
phiguard_unseal(PG_FUNCTION_ARGS)
{
	size_t		len;
	uint8	   *bytes = unseal(fcinfo, &len);
	text	   *result = phig_text_of_utf8(bytes, len);

	if (result == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
				 errmsg("a sealed value is no text of this database's encoding"),
				 errhint("phiguard.unseal_bytea() gives its bytes."),
				 errhidestmt(true)));
	pfree(bytes);
	PG_RETURN_TEXT_P(result);
}

/* unseal_bytea(sealed bytea, context text, domain text) */
Datum
phiguard_unseal_bytea(PG_FUNCTION_ARGS)
{
	size_t		len;
	uint8	   *bytes = unseal(fcinfo, &len);
	bytea	   *result = palloc(VARHDRSZ + len);

	SET_VARSIZE(result, VARHDRSZ + len);
	memcpy(VARDATA(result), bytes, len);
	pfree(bytes);
	PG_RETURN_BYTEA_P(result);
}

/* is_sealed(value bytea): for the domain sealed_text; it does not know whether the value opens. */
Datum
phiguard_is_sealed(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sealed_version(PG_GETARG_BYTEA_PP(0)) > 0);
}
