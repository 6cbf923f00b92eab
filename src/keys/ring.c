/*
 * ring.c
 *		Keys of domains, for whoever transforms values.
 *
 * A domain key is random, and in no memory but this backend's for the time that it takes to derive
 * the key of one use from it: HKDF-SHA-256(domain key, info = "phiguard/<use>/v1/<domain>/<version>").
 * The derived ones are kept (crypto/key.h) until one of the ring's tables changes, or the master key does.
 *
 * A version that was adopted from the first release is the key of its tokens itself, so that they stay
 * what they were; its other uses are derived from it like those of every other version.
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/inval.h"

#include "catalog/namespace.h"
#include "errors.h"
#include "keys/functions.h"
#include "keys/ring.h"
#include "keys/store.h"
#include "utils/lsyscache.h"

#define INFO_MAX_BYTES (PHIG_KEY_DOMAIN_MAX_BYTES + 48)

const char *const phig_key_right_names[PHIG_RIGHTS] = {
	[PHIG_RIGHT_TOKEN] = "token",
	[PHIG_RIGHT_SEAL] = "seal",
	[PHIG_RIGHT_UNSEAL] = "unseal",
	[PHIG_RIGHT_FPE] = "fpe",
	[PHIG_RIGHT_UNFPE] = "unfpe",
	[PHIG_RIGHT_SHIFT] = "shift_date",
	[PHIG_RIGHT_SPLIT] = "split",
	[PHIG_RIGHT_SURROGATE] = "surrogate",
	[PHIG_RIGHT_ASSIGN_SURROGATES] = "assign_surrogates"
};

static const char *const use_names[] = {
	[PHIG_KEY_TOKEN] = "token",
	[PHIG_KEY_SEAL] = "seal",
	[PHIG_KEY_FPE] = "fpe",
	[PHIG_KEY_SHIFT] = "shift",
	[PHIG_KEY_SPLIT] = "split",
	[PHIG_KEY_PERSON] = "person",
	[PHIG_KEY_SURROGATE] = "surrogate"
};

uint64		phig_keys_generation = 1;

static Oid	version_table = InvalidOid;
static Oid	domain_table = InvalidOid;
static Oid	grant_table = InvalidOid;

static void
relation_changed(Datum arg, Oid relid)
{
	if (relid != InvalidOid && relid != version_table && relid != domain_table && relid != grant_table)
		return;
	phig_keys_generation++;
	phig_key_forget();
}

/* Before a table is read: what changes while it is must count. */
static void
watch_tables(void)
{
	static bool watching = false;
	Oid			schema = get_namespace_oid("phiguard", true);

	if (!watching)
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	watching = true;
	version_table = OidIsValid(schema) ? get_relname_relid(PHIG_VERSION_TABLE, schema) : InvalidOid;
	domain_table = OidIsValid(schema) ? get_relname_relid(PHIG_DOMAIN_TABLE, schema) : InvalidOid;
	grant_table = OidIsValid(schema) ? get_relname_relid(PHIG_GRANT_TABLE, schema) : InvalidOid;
}

static void
refuse_unknown(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("the key ring has no such domain"),
			 errhint("A privacy officer makes one: SELECT phiguard.create_key('...'). The value is the first argument, "
					 "the domain the second."),
			 errhidestmt(true)));
}

static void
refuse_version(const PhigKeyVersion *version)
{
	ereport(ERROR,
			(errcode(PHIG_ERRCODE_KEY_UNAVAILABLE),
			 errmsg("version %d of key \"%s\" is %s", version->version, version->domain,
					phig_key_state_names[version->state]),
			 version->state == PHIG_KEY_RETIRED ?
			 errhint("A privacy officer can bring it back by phiguard.reinstate_key(), or make a new version by "
					 "phiguard.rotate_key().") :
			 errhint("What was made with it cannot be read any more. phiguard.rotate_key() makes a new version for new values."),
			 errhidestmt(true)));
}

/* Of the versions of a domain the newest, or one by number. */
static const PhigKeyVersion *
find_version(const char *domain, int number)
{
	const PhigKeyVersion *found = NULL;
	ListCell   *cell;

	foreach(cell, phig_keys_versions(domain))
	{
		const PhigKeyVersion *version = lfirst(cell);

		if (number != 0 ? version->version == number : found == NULL || version->version > found->version)
			found = version;
	}
	if (found == NULL && number != 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("key \"%s\" has no version %d", domain, number),
				 errhint("The value was made in another domain, or with a key that this database does not have."),
				 errhidestmt(true)));
	if (found == NULL)
		refuse_unknown();
	return found;
}

const char *
phig_keys_utf8(const char *domain)
{
	return (const char *) pg_do_encoding_conversion((unsigned char *) domain, strlen(domain),
													GetDatabaseEncoding(), PG_UTF8);
}

static void
hkdf(const uint8 key[PHIG_KEY_BYTES], const char *use, const char *domain, int version, uint8 *out, size_t len)
{
	char		info[INFO_MAX_BYTES];

	if (snprintf(info, sizeof(info), "phiguard/%s/v1/%s/%d", use, phig_keys_utf8(domain), version) >= (int) sizeof(info))
		elog(ERROR, "the name of a key is too long");
	phig_key_hkdf(key, info, out, len);
}

void
phig_keys_check_value(const uint8 key[PHIG_KEY_BYTES], const PhigKeyVersion *version, uint8 check[PHIG_CHECK_BYTES])
{
	hkdf(key, version->derived ? "check adopted" : "check", version->domain, version->version, check, PHIG_CHECK_BYTES);
}

void
phig_keys_open_version(const PhigKeyVersion *version, uint8 key[PHIG_KEY_BYTES])
{
	uint8		check[PHIG_CHECK_BYTES];
	bool		good = phig_key_unwrap(version->wrapped, version->master, key);

	if (good)
	{
		phig_keys_check_value(key, version, check);
		good = CRYPTO_memcmp(check, version->check, sizeof(check)) == 0;
	}
	if (!good)
	{
		OPENSSL_cleanse(key, PHIG_KEY_BYTES);
		ereport(ERROR,
				(errcode(PHIG_ERRCODE_KEY_UNAVAILABLE),
				 errmsg("version %d of key \"%s\" is not the one that was wrapped", version->version, version->domain),
				 errhint("Somebody changed phiguard.key_version; restore it from a dump."),
				 errhidestmt(true)));
	}
}

/* The key of one use, also into the cache, once it is whole. */
static void
make_key(const PhigKeyVersion *version, PhigKeyUse use, const char *info, uint8 key[PHIG_SUBKEY_MAX_BYTES])
{
	uint8		domain_key[PHIG_KEY_BYTES];

	phig_keys_open_version(version, domain_key);
	memset(key, 0, PHIG_SUBKEY_MAX_BYTES);
	if (version->derived && use == PHIG_KEY_TOKEN)
		memcpy(key, domain_key, PHIG_KEY_BYTES);
	else
		hkdf(domain_key, use_names[use], version->domain, version->version, key, PHIG_SUBKEY_MAX_BYTES);
	OPENSSL_cleanse(domain_key, sizeof(domain_key));
	phig_key_cache(info, key);
}

int
phig_keys_get(const char *domain, PhigKeyUse use, int version, uint8 key[PHIG_SUBKEY_MAX_BYTES])
{
	char		info[INFO_MAX_BYTES];
	const PhigKeyVersion *found;
	const uint8 *cached;
	PhigKeyDomain row;

	watch_tables();
	if (!phig_keys_find_domain(domain, &row))
		refuse_unknown();
	/* Where tokens stay on a version, so does all that must stay equal. */
	if (version == 0 && use != PHIG_KEY_SEAL)
		version = row.token_version;
	found = find_version(domain, version);
	if (found->state != PHIG_KEY_ACTIVE)
		refuse_version(found);

	snprintf(info, sizeof(info), "%s/%d/%s", use_names[use], found->version, domain);
	cached = phig_key_cached(info);
	if (cached != NULL)
		memcpy(key, cached, PHIG_SUBKEY_MAX_BYTES);
	else
		make_key(found, use, info, key);
	return found->version;
}

void
phig_keys_require(const char *domain, PhigKeyRight right)
{
	PhigKeyDomain row;

	watch_tables();
	if (superuser() || phig_keys_granted(domain, GetUserId(), phig_key_right_names[right]))
		return;
	/* What is not there has no grants; its name is told only where it is. */
	if (!phig_keys_find_domain(domain, &row))
		refuse_unknown();
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to %s in key domain \"%s\"", phig_key_right_names[right], domain),
			 errhint("A privacy officer grants it: SELECT phiguard.grant_key('%s', 'role', '{%s}').", domain,
					 phig_key_right_names[right]),
			 errhidestmt(true)));
}
