/*
 * functions.h
 *		What making keys and using them have in common.
 */
#ifndef PHIG_KEYS_FUNCTIONS_H
#define PHIG_KEYS_FUNCTIONS_H

#include "postgres.h"

#include "keys/store.h"

/* A domain's name in UTF-8, so that databases of different encodings agree. */
extern const char *phig_keys_utf8(const char *domain);

/* The check value that belongs to a version: it binds the key to its domain and number. */
extern void phig_keys_check_value(const uint8 key[PHIG_KEY_BYTES], const PhigKeyVersion *version,
								  uint8 check[PHIG_CHECK_BYTES]);

/* The domain key of a version, unwrapped and checked; the caller wipes it.  Errors: PG002. */
extern void phig_keys_open_version(const PhigKeyVersion *version, uint8 key[PHIG_KEY_BYTES]);

/*
 * phig_keys_make_pinned
 *		A new domain that phiguard needs for itself; there is none of that name.
 *
 * No privilege is checked.  A record of kind policy.  Errors: PG002 without a master key.
 */
extern void phig_keys_make_pinned(const char *name);

#endif
