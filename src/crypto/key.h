/*
 * key.h
 *		Keys for the rest of phiguard: one derived key for each purpose and domain.
 */
#ifndef PHIG_KEY_H
#define PHIG_KEY_H

#include "postgres.h"

#define PHIG_KEY_BYTES 32
#define PHIG_KEY_DOMAIN_MAX_BYTES 255

/*
 * phig_key_domain
 *		The key of a domain: HKDF-SHA-256(master, info = "phiguard/<purpose>/v1/<domain>").
 *
 * purpose: a constant of the caller's, without a slash, at most 16 bytes: "token".
 * domain:  UTF-8, 1 to PHIG_KEY_DOMAIN_MAX_BYTES bytes.
 *
 * The caller wipes key (OPENSSL_cleanse) as soon as it has served.
 * Makes the trial key file on first use, with a WARNING.
 * Errors:  PG002 when there is no usable master key.
 * Source:  RFC 5869; separate keys by use, NIST SP 800-108r1.
 */
extern void phig_key_domain(const char *purpose, const char *domain, uint8 key[PHIG_KEY_BYTES]);

#endif
