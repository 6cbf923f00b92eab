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
#include <string.h>

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

static inline void
phig_aes_xor(uint8_t *to, const uint8_t *from)
{
	for (int i = 0; i < PHIG_AES_BLOCK_BYTES; i++)
		to[i] ^= from[i];
}

/* A number of 64 bits whose bytes are to lie the most significant first, and back. */
static inline uint64_t
phig_big_endian64(uint64_t number)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap64(number);
#else
	return number;
#endif
}

static inline uint64_t
phig_load64(const uint8_t *bytes)
{
	uint64_t	number;

	memcpy(&number, bytes, sizeof(number));
	return phig_big_endian64(number);
}

static inline void
phig_store64(uint8_t *bytes, uint64_t number)
{
	number = phig_big_endian64(number);
	memcpy(bytes, &number, sizeof(number));
}

#endif
