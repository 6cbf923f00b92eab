/*
 * hmac.h
 *		HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869), as OpenSSL 3 provides them.
 *
 * Nothing of the server is included.  OpenSSL hashes and derives through its providers,
 * so that a FIPS provider, where the system configures one, does it here too.  The two
 * hashes of an HMAC are put together here, from copies of hashes that have taken the key
 * already, which is faster than OpenSSL's own HMAC where values are short.
 */
#ifndef PHIG_HMAC_H
#define PHIG_HMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PHIG_HMAC_BYTES 32

/* A keyed computation, ready to be used any number of times. */
typedef struct PhigHmac PhigHmac;

/*
 * phig_hmac_create
 *		Do the part of HMAC that depends on the key alone.
 *
 * NULL when OpenSSL refuses (no provider, no memory).
 * Memory:  OpenSSL's heap, for which phig_hmac_free must be called; it holds what is
 *          as good as the key, and is wiped then.
 */
extern PhigHmac *phig_hmac_create(const uint8_t *key, size_t len);

/* The code of data.  False when OpenSSL refuses; out is undefined then. */
extern bool phig_hmac_compute(PhigHmac *hmac, const void *data, size_t len,
							  uint8_t out[PHIG_HMAC_BYTES]);

extern void phig_hmac_free(PhigHmac *hmac);

/*
 * phig_hkdf
 *		Derive out_len (at most 8160) bytes from a key, for the use that info names.
 *
 * salt and info may be empty.  False when OpenSSL refuses; out is undefined then.
 */
extern bool phig_hkdf(const uint8_t *key, size_t key_len, const uint8_t *salt, size_t salt_len,
					  const void *info, size_t info_len, uint8_t *out, size_t out_len);

#endif
