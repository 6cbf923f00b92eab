/*
 * siv.h
 *		Deterministic authenticated encryption: AES-SIV (RFC 5297) over OpenSSL's AES.
 *
 * The same value under the same key and associated data gives the same sealed bytes, and any
 * other byte or associated data is refused when opening.  What it does not hide: that two values
 * are equal, and how long a value is.
 *
 * OpenSSL's own AES-SIV has to be keyed anew for every message.  Here what depends on the key and
 * on the associated data alone is computed once, so that a short value costs two calls of OpenSSL:
 * one that authenticates and one that encrypts.
 *
 * Nothing of the server is included.  Time depends on lengths, not on contents.
 */
#ifndef PHIG_SIV_H
#define PHIG_SIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PHIG_SIV_KEY_BYTES 64
#define PHIG_SIV_TAG_BYTES 16	/* what sealed bytes are longer than the value */
#define PHIG_SIV_MAX_DATA 126	/* strings of associated data, RFC 5297, section 2.6 */

typedef struct PhigSiv PhigSiv;

typedef enum PhigSivResult
{
	PHIG_SIV_OK,
	PHIG_SIV_NOT_AUTHENTIC,		/* too short, altered, another key, or other associated data */
	PHIG_SIV_FAILED				/* OpenSSL refuses */
} PhigSivResult;

/* One string of associated data. */
typedef struct PhigSivData
{
	const void *data;
	size_t		len;
} PhigSivData;

/*
 * phig_siv_create
 *		Do the part that depends on the key alone.  There is no associated data yet.
 *
 * key:       S2V's key, then CTR's; the caller wipes it.
 * key_bytes: PHIG_SIV_KEY_BYTES for AES-256; 32 and 48 are AES-128 and -192, for the vectors' sake.
 *
 * NULL when there is no such key length, or OpenSSL refuses (no provider, no memory).
 * Memory:  OpenSSL's heap, wiped by phig_siv_free.
 */
extern PhigSiv *phig_siv_create(const uint8_t *key, size_t key_bytes);

/*
 * phig_siv_set_context
 *		The associated data of what is sealed and opened from now on, in the place of what was before.
 *
 * n: 0 to PHIG_SIV_MAX_DATA strings of any length, 0 included; number, order and borders count.
 *
 * False when there are too many, or OpenSSL refuses; sealing and opening are refused then, until a
 * call succeeds.
 */
extern bool phig_siv_set_context(PhigSiv *siv, const PhigSivData *data, int n);

/*
 * phig_siv_seal
 *		out = tag and ciphertext, PHIG_SIV_TAG_BYTES + len bytes; it must not overlap plain.
 *
 * False when OpenSSL refuses; out is wiped then.
 */
extern bool phig_siv_seal(PhigSiv *siv, const void *plain, size_t len, uint8_t *out);

/*
 * phig_siv_open
 *		out = the value that was sealed, sealed_len - PHIG_SIV_TAG_BYTES bytes.
 *
 * out must not overlap sealed, and is wiped unless the result is PHIG_SIV_OK.
 */
extern PhigSivResult phig_siv_open(PhigSiv *siv, const uint8_t *sealed, size_t sealed_len,
								   uint8_t *out);

extern void phig_siv_free(PhigSiv *siv);

#endif
