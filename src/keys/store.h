/*
 * store.h
 *		The rows of the key ring, for ring.c and functions.c.
 */
#ifndef PHIG_KEYS_STORE_H
#define PHIG_KEYS_STORE_H

#include "postgres.h"

#include "access/genam.h"
#include "storage/itemptr.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "crypto/key.h"

#define PHIG_CHECK_BYTES 8

/* A row of key_domain. */
typedef struct PhigKeyDomain
{
	ItemPointerData tid;
	char		name[PHIG_KEY_DOMAIN_MAX_BYTES + 1];
	bool		pinned;
	int			token_version;
} PhigKeyDomain;

typedef enum PhigKeyState
{
	PHIG_KEY_ACTIVE,
	PHIG_KEY_RETIRED,
	PHIG_KEY_DESTROYED
} PhigKeyState;

extern const char *const phig_key_state_names[];

/* A row of key_version. */
typedef struct PhigKeyVersion
{
	ItemPointerData tid;
	char		domain[PHIG_KEY_DOMAIN_MAX_BYTES + 1];
	int			version;
	PhigKeyState state;
	bool		derived;		/* adopted: see phig_keys_get */
	char		master[PHIG_MASTER_ID_CHARS + 1];
	uint8		wrapped[PHIG_KEYWRAP_BYTES];	/* unless destroyed */
	uint8		check[PHIG_CHECK_BYTES];
	TimestampTz created;
	char		created_by[NAMEDATALEN];
	TimestampTz changed;		/* its state; 0: never */
} PhigKeyVersion;

/* One of the ring's tables.  Errors: 42704 where this database has no phiguard. */
extern Relation phig_keys_open(const char *table, LOCKMODE lockmode);

#define PHIG_DOMAIN_TABLE "key_domain"
#define PHIG_VERSION_TABLE "key_version"
#define PHIG_GRANT_TABLE "key_grant"

extern bool phig_keys_find_domain(const char *name, PhigKeyDomain *domain);
extern void phig_keys_insert_domain(Relation table, const PhigKeyDomain *domain);
extern void phig_keys_update_domain(Relation table, const PhigKeyDomain *domain);

/* The versions of a domain (NULL: of all), in no particular order: a list of PhigKeyVersion. */
extern List *phig_keys_versions(const char *domain);
extern void phig_keys_insert_version(Relation table, const PhigKeyVersion *version);
extern void phig_keys_update_version(Relation table, const PhigKeyVersion *version);

extern bool phig_keys_granted(const char *domain, Oid role, const char *right);

/* False where it is so already. */
extern bool phig_keys_grant(Relation table, const char *domain, Oid role, const char *right);
extern bool phig_keys_revoke(Relation table, const char *domain, Oid role, const char *right);

#endif
