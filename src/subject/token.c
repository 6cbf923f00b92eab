/*
 * token.c
 *		A person in the record: a token, and a place in a set.
 *
 * What is prepared with the key stays with the backend until the key ring changes, as it would for the session's
 * next statement; while it is there the process leaves no core (crypto/key.h).
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "fmgr.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "crypto/hmac.h"
#include "crypto/key.h"
#include "errors.h"
#include "keys/ring.h"
#include "label/label.h"
#include "subject/path.h"
#include "crypto/siphash.h"
#include "subject/spelling.h"
#include "subject/token.h"

/* Places of a person in a summary. */
#define PLACES 4

static PhigHmac *prepared = NULL;
static uint64 prepared_for = 0; /* phig_keys_generation */
static uint64 prepared_spaces = 0;	/* phig_subject_generation() */
static char prepared_domain[NAMEDATALEN];

/* The hash of the space that was asked for last. */
static struct
{
	uint64		made_for;		/* phig_keys_generation */
	char		space[PHIG_SPACE_CHARS + 1];
	PhigPersonHash hash;
}			last_space;

static void
prepare(void)
{
	const char *domain;
	uint8		key[PHIG_SUBKEY_MAX_BYTES];
	uint64		generation;
	uint64		spaces;

	if (phig_person_key_is_ready())
		return;
	spaces = phig_subject_generation();
	domain = phig_subject_key_domain();

	if (domain == NULL)
		ereport(ERROR,
				(errcode(PHIG_ERRCODE_KEY_UNAVAILABLE),
				 errmsg("there is no key for tokens of persons"),
				 errhint("It is made when a table gets its label subject=...: set the label again.")));
	generation = phig_keys_generation;
	if (prepared != NULL && prepared_for == generation && strcmp(prepared_domain, domain) == 0)
	{
		prepared_spaces = spaces;
		return;
	}
	if (prepared != NULL)
	{
		phig_hmac_free(prepared);
		prepared = NULL;
		phig_key_allow_core();
	}
	last_space.made_for = 0;
	(void) phig_keys_get(domain, PHIG_KEY_PERSON, 0, key);
	prepared = phig_hmac_create(key, PHIG_KEY_BYTES);
	OPENSSL_cleanse(key, sizeof(key));
	if (prepared == NULL)
		phig_key_refuse_without("HMAC-SHA-256");
	phig_key_forbid_core();
	prepared_for = generation;
	prepared_spaces = spaces;
	strlcpy(prepared_domain, domain, sizeof(prepared_domain));
}

bool
phig_person_key_is_ready(void)
{
	return prepared != NULL && prepared_for == phig_keys_generation && prepared_spaces == phig_subject_generation();
}

static void
code_of(const char *space, const char *text, int len, uint8 code[PHIG_HMAC_BYTES])
{
	char		small[256];
	int			space_len = strlen(space);
	char	   *input = space_len + 1 + len <= (int) sizeof(small) ? small : palloc(space_len + 1 + len);

	prepare();
	memcpy(input, space, space_len + 1);
	memcpy(input + space_len + 1, text, len);
	if (!phig_hmac_compute(prepared, input, space_len + 1 + len, code))
		phig_key_refuse_without("HMAC-SHA-256");
	if (input != small)
		pfree(input);
}

void
phig_person_token(const char *space, const char *text, int len, uint8 token[PHIG_TOKEN_BYTES])
{
	uint8		code[PHIG_HMAC_BYTES];

	code_of(space, text, len, code);
	memcpy(token, code, PHIG_TOKEN_BYTES);
}

void
phig_person_prepare(const char *space, PhigPersonHash *hash)
{
	uint8		code[PHIG_HMAC_BYTES];

	prepare();
	if (last_space.made_for != prepared_for || strcmp(last_space.space, space) != 0)
	{
		/* No space has this name. */
		code_of("summary", space, strlen(space), code);
		memcpy(last_space.hash.key, code, sizeof(last_space.hash.key));
		OPENSSL_cleanse(code, sizeof(code));
		strlcpy(last_space.space, space, sizeof(last_space.space));
		last_space.made_for = prepared_for;
	}
	*hash = last_space.hash;
}

uint64
phig_person_hash(const PhigPersonHash *hash, const char *text, int len)
{
	return phig_siphash(hash->key, text, len);
}

uint64
phig_person_hash_number(const PhigPersonHash *hash, int64 number)
{
	return phig_siphash_word(hash->key, (uint64) number);
}

/* --- set summaries --- */

/* Bits are numbered so that folding a summary in half keeps the lower part of a number. */
static inline uint32
place_of(uint64 hash, int i, uint32 bits)
{
	uint32		first = (uint32) hash;
	uint32		step = (uint32) (hash >> 32) | 1;

	return (first + i * step) & (bits - 1);
}

void
phig_summary_add(uint8 *summary, uint64 hash)
{
	for (int i = 0; i < PLACES; i++)
	{
		uint32		place = place_of(hash, i, PHIG_SUMMARY_MAX_BYTES * 8);

		summary[place / 8] |= 1 << place % 8;
	}
}

uint32
phig_summary_fold(uint8 *summary)
{
	uint32		bytes = PHIG_SUMMARY_MAX_BYTES;

	/* Half full is what a filter may be at best; a quarter before the fold leaves at most that. */
	while (bytes > PHIG_SUMMARY_MIN_BYTES && pg_popcount((const char *) summary, bytes) <= (uint64) bytes * 8 / 8)
	{
		bytes /= 2;
		for (uint32 i = 0; i < bytes; i++)
			summary[i] |= summary[bytes + i];
	}
	return bytes;
}

bool
phig_summary_may_hold(const uint8 *summary, uint32 bytes, uint64 hash)
{
	for (int i = 0; i < PLACES; i++)
	{
		uint32		place = place_of(hash, i, bytes * 8);

		if (!(summary[place / 8] & 1 << place % 8))
			return false;
	}
	return true;
}

/* --- SQL --- */

PG_FUNCTION_INFO_V1(phiguard_subject_token);

/* subject_token(relation regclass, key text) */
Datum
phiguard_subject_token(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	char	   *typed = text_to_cstring(PG_GETARG_TEXT_PP(1));
	uint8		token[PHIG_TOKEN_BYTES];
	char		digits[2 * PHIG_TOKEN_BYTES + 1];

	if (!phig_is_officer() && !phig_is_auditor())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be a privacy officer or an auditor to make tokens of persons"),
				 errhint("Ask a member of the role that phiguard.auditor_role names.")));
	phig_person_of_typed(relid, typed, token, NULL);
	hex_encode((const char *) token, PHIG_TOKEN_BYTES, digits);
	digits[2 * PHIG_TOKEN_BYTES] = '\0';
	PG_RETURN_TEXT_P(cstring_to_text(digits));
}

void
phig_person_of_typed(Oid relid, const char *typed, uint8 token[PHIG_TOKEN_BYTES], uint64 *hash)
{
	const PhigSubjectPath *found = phig_subject_path(relid);
	PhigSubjectPath path;
	PhigPersonHash keyed;
	char	   *spelling;
	int64		number;

	if (found == NULL || found->space[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 found == NULL ? errmsg("relation \"%s\" has no subject", get_rel_name(relid)) :
				 errmsg("the subject of relation \"%s\" has no tokens", get_rel_name(relid)),
				 found == NULL ? errhint("A label on the table says which column names the person: subject=column.") :
				 errhint("What subject= leads to must be a table, not a temporary one, whose key is an integer, a numeric, a text or a uuid.")));
	path = *found;
	spelling = phig_spelling_of_text(path.type, typed);
	if (spelling == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key is not of the type of the subject, %s", format_type_be(path.type)),
				 errhidestmt(true)));
	phig_person_token(path.space, spelling, strlen(spelling), token);
	if (hash == NULL)
		return;
	phig_person_prepare(path.space, &keyed);
	*hash = phig_spelling_is_number(spelling, strlen(spelling), &number) ?
		phig_person_hash_number(&keyed, number) : phig_person_hash(&keyed, spelling, strlen(spelling));
}
