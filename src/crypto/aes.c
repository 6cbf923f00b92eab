/*
 * aes.c
 *		AES on whole blocks over OpenSSL 3: see aes.h.
 */
#include "crypto/aes.h"

#include <stdio.h>

EVP_CIPHER_CTX *
phig_aes_create(const char *mode, const uint8_t *key, size_t key_bytes)
{
	static const uint8_t zeros[PHIG_AES_BLOCK_BYTES] = {0};
	char		name[16];
	EVP_CIPHER *algorithm;
	EVP_CIPHER_CTX *ctx;

	if (key_bytes != 16 && key_bytes != 24 && key_bytes != 32)
		return NULL;
	snprintf(name, sizeof(name), "AES-%d-%s", (int) key_bytes * 8, mode);
	algorithm = EVP_CIPHER_fetch(NULL, name, NULL);
	ctx = algorithm != NULL ? EVP_CIPHER_CTX_new() : NULL;
	if (ctx != NULL &&
		(EVP_EncryptInit_ex2(ctx, algorithm, key, zeros, NULL) != 1 || EVP_CIPHER_CTX_set_padding(ctx, 0) != 1))
	{
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	/* The context has a reference of its own. */
	EVP_CIPHER_free(algorithm);
	return ctx;
}
