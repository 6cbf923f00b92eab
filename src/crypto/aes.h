/*
 * aes.h
 *		AES on whole blocks, keyed once and used any number of times, as OpenSSL 3 provides it.
 *
 * Not a way to encrypt anything by itself: SIV and FF1 are built from it.  Nothing of the server is
 * included.  Keyed contexts lie in OpenSSL's heap, which wipes them when they are freed.
 */
#ifndef PHIG_AES_H
#define PHIG_AES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#define PHIG_AES_BLOCK_BYTES 16

/*
 * phig_aes_create
 *		Encryption in a mode without padding, "ECB" or "CBC" (the latter from an IV of zeros).
 *
 * key_bytes: 16, 24 or 32.
 *
 * NULL when there is no such key length, or OpenSSL refuses.  Free by EVP_CIPHER_CTX_free.
 */
extern EVP_CIPHER_CTX *phig_aes_create(const char *mode, const uint8_t *key, size_t key_bytes);

/* Encrypt len bytes in place, a multiple of 16 below 2^31.  False when OpenSSL refuses. */
static inline bool
phig_aes_encrypt(EVP_CIPHER_CTX *aes, uint8_t *bytes, size_t len)
{
	int			written;

	return EVP_EncryptUpdate(aes, bytes, &written, bytes, (int) len) == 1 && written == (int) len;
}

/* Eight bytes as a number, the most significant first, and back: one load, one store for compilers. */
static inline uint64_t
phig_load64(const uint8_t *p)
{
	return (uint64_t) p[0] << 56 | (uint64_t) p[1] << 48 | (uint64_t) p[2] << 40 | (uint64_t) p[3] << 32 |
		(uint64_t) p[4] << 24 | (uint64_t) p[5] << 16 | (uint64_t) p[6] << 8 | p[7];
}

static inline void
phig_store64(uint8_t *p, uint64_t number)
{
	p[0] = (uint8_t) (number >> 56);
	p[1] = (uint8_t) (number >> 48);
	p[2] = (uint8_t) (number >> 40);
	p[3] = (uint8_t) (number >> 32);
	p[4] = (uint8_t) (number >> 24);
	p[5] = (uint8_t) (number >> 16);
	p[6] = (uint8_t) (number >> 8);
	p[7] = (uint8_t) number;
}

#endif
