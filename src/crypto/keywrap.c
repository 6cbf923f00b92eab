/*
 * keywrap.c
 *		AES key wrap over OpenSSL 3: see keywrap.h.
 */
#include "crypto/keywrap.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

/*
 * Wrap or unwrap len bytes; out takes out_len, no less.  Unwrapping writes what it has before it
 * finds the check value wrong, and up to as many bytes as it was given: hence the buffer.
 */
static bool
apply(const uint8_t *kek, int encrypt, const uint8_t *in, int len, uint8_t *out, int out_len)
{
	EVP_CIPHER *algorithm;
	EVP_CIPHER_CTX *ctx;
	uint8_t		buffer[PHIG_KEYWRAP_BYTES + 16];
	int			written = 0;
	int			rest = 0;
	bool		done = false;

	/* A refusal is told by the result; nothing is to stay in OpenSSL's queue of errors. */
	ERR_set_mark();
	algorithm = EVP_CIPHER_fetch(NULL, "AES-256-WRAP", NULL);
	ctx = algorithm != NULL ? EVP_CIPHER_CTX_new() : NULL;
	if (ctx != NULL)
	{
		EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
		done = EVP_CipherInit_ex2(ctx, algorithm, kek, NULL, encrypt, NULL) == 1 &&
			EVP_CipherUpdate(ctx, buffer, &written, in, len) == 1 &&
			EVP_CipherFinal_ex(ctx, buffer + written, &rest) == 1 &&
			written + rest == out_len;
	}
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(algorithm);
	ERR_pop_to_mark();

	if (done)
		memcpy(out, buffer, out_len);
	else
		OPENSSL_cleanse(out, out_len);
	OPENSSL_cleanse(buffer, sizeof(buffer));
	return done;
}

bool
phig_keywrap(const uint8_t kek[PHIG_KEYWRAP_KEY_BYTES], const uint8_t key[PHIG_KEYWRAP_KEY_BYTES],
			 uint8_t out[PHIG_KEYWRAP_BYTES])
{
	return apply(kek, 1, key, PHIG_KEYWRAP_KEY_BYTES, out, PHIG_KEYWRAP_BYTES);
}

bool
phig_keyunwrap(const uint8_t kek[PHIG_KEYWRAP_KEY_BYTES], const uint8_t wrapped[PHIG_KEYWRAP_BYTES],
			   uint8_t out[PHIG_KEYWRAP_KEY_BYTES])
{
	return apply(kek, 0, wrapped, PHIG_KEYWRAP_BYTES, out, PHIG_KEYWRAP_KEY_BYTES);
}
