/*
 * keywrap.h
 *		AES key wrap: a 256-bit key under another one (RFC 3394), as OpenSSL 3 provides it.
 *
 * Deterministic: the same key under the same key gives the same bytes.  Nothing of the server is
 * included.
 */
#ifndef PHIG_KEYWRAP_H
#define PHIG_KEYWRAP_H

#include <stdbool.h>
#include <stdint.h>

#define PHIG_KEYWRAP_KEY_BYTES 32
#define PHIG_KEYWRAP_BYTES 40

/*
 * phig_keywrap
 *		Wrap key under kek, the key encryption key.
 *
 * False when OpenSSL refuses; out is wiped then.
 */
extern bool phig_keywrap(const uint8_t kek[PHIG_KEYWRAP_KEY_BYTES],
						 const uint8_t key[PHIG_KEYWRAP_KEY_BYTES],
						 uint8_t out[PHIG_KEYWRAP_BYTES]);

/*
 * phig_keyunwrap
 *		The key that was wrapped; the caller wipes it.
 *
 * False when the bytes were altered or wrapped under another key, or OpenSSL refuses; out is wiped
 * then.
 */
extern bool phig_keyunwrap(const uint8_t kek[PHIG_KEYWRAP_KEY_BYTES],
						   const uint8_t wrapped[PHIG_KEYWRAP_BYTES],
						   uint8_t out[PHIG_KEYWRAP_KEY_BYTES]);

#endif
