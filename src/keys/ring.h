/*
 * ring.h
 *		The key ring: domain keys in their versions, wrapped by a master key.
 *
 * Tables phiguard.key_domain, key_version and key_grant, which pg_dump carries.
 */
#ifndef PHIG_KEYS_RING_H
#define PHIG_KEYS_RING_H

#include "postgres.h"

#include "crypto/key.h"

/* What a domain key is for: each use has a key of its own, derived from it. */
typedef enum PhigKeyUse
{
	PHIG_KEY_TOKEN,				/* 32 bytes */
	PHIG_KEY_SEAL,				/* 64 bytes: AES-256-SIV */
	PHIG_KEY_FPE,				/* 32 bytes */
	PHIG_KEY_SHIFT,				/* 32 bytes */
	PHIG_KEY_SPLIT,				/* 32 bytes */
	PHIG_KEY_PERSON,			/* 32 bytes: tokens of persons in the record */
	PHIG_KEY_SURROGATE			/* 32 bytes; always of version 1: the crosswalk's rows are found
								 * by it */
} PhigKeyUse;

/* What a role may be granted to do with a domain's keys. */
typedef enum PhigKeyRight
{
	PHIG_RIGHT_TOKEN,
	PHIG_RIGHT_SEAL,
	PHIG_RIGHT_UNSEAL,
	PHIG_RIGHT_FPE,
	PHIG_RIGHT_UNFPE,
	PHIG_RIGHT_SHIFT,
	PHIG_RIGHT_SPLIT,
	PHIG_RIGHT_SURROGATE,
	PHIG_RIGHT_ASSIGN_SURROGATES,
	PHIG_RIGHTS
} PhigKeyRight;

extern const char *const phig_key_right_names[PHIG_RIGHTS];

/* Moves on when keys may have changed: what was prepared with one is to be prepared anew. */
extern uint64 phig_keys_generation;

/*
 * phig_keys_get
 *		The key of a domain for one use.
 *
 * domain:  1 to PHIG_KEY_DOMAIN_MAX_BYTES bytes, in the database's encoding.
 * version: 0 for the one that new values are made with, else that of a value that is there.
 * Returns the version.  The caller wipes key, of which the first bytes count, as many as the use takes.
 * Errors:  42704 no such domain or version (neither is named: it may be a value in the wrong
 *          place); PG002 retired, destroyed, or not to be had.
 */
extern int	phig_keys_get(const char *domain, PhigKeyUse use, int version, uint8 key[PHIG_SUBKEY_MAX_BYTES]);

/* Errors: 42501 unless the current user has been granted right in domain, or is a superuser. */
extern void phig_keys_require(const char *domain, PhigKeyRight right);

#endif
