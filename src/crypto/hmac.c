/*
 * hmac.c
 *		HMAC-SHA-256 and HKDF-SHA-256 over OpenSSL 3: see hmac.h.
 *
 * Algorithms are fetched once a process; the fetched objects are shared and never freed.
 */
#include "crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

static char sha256_name[] = "SHA256";

PhigHmac *
phig_hmac_create(const uint8_t *key, size_t len)
{
	static EVP_MAC *algorithm = NULL;
	EVP_MAC_CTX *ctx;
	OSSL_PARAM	params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256_name, 0),
		OSSL_PARAM_construct_end()
	};

	if (algorithm == NULL)
		algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (algorithm == NULL)
		return NULL;
	ctx = EVP_MAC_CTX_new(algorithm);
	if (ctx != NULL && EVP_MAC_init(ctx, key, len, params) != 1)
	{
		EVP_MAC_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

bool
phig_hmac_compute(PhigHmac *hmac, const void *data, size_t len, uint8_t out[PHIG_HMAC_BYTES])
{
	size_t		out_len = 0;

	/* Without a key: start again with the one that is there. */
	return EVP_MAC_init(hmac, NULL, 0, NULL) == 1 &&
		EVP_MAC_update(hmac, data, len) == 1 &&
		EVP_MAC_final(hmac, out, &out_len, PHIG_HMAC_BYTES) == 1 &&
		out_len == PHIG_HMAC_BYTES;
}

void
phig_hmac_free(PhigHmac *hmac)
{
	EVP_MAC_CTX_free(hmac);
}

bool
phig_hkdf(const uint8_t *key, size_t key_len, const uint8_t *salt, size_t salt_len,
		  const void *info, size_t info_len, uint8_t *out, size_t out_len)
{
	static EVP_KDF *algorithm = NULL;
	EVP_KDF_CTX *ctx;
	OSSL_PARAM	params[5];
	OSSL_PARAM *next = params;
	bool		done;

	if (algorithm == NULL)
		algorithm = EVP_KDF_fetch(NULL, "HKDF", NULL);
	if (algorithm == NULL || (ctx = EVP_KDF_CTX_new(algorithm)) == NULL)
		return false;

	*next++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256_name, 0);
	*next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *) key, key_len);
	/* Absent and empty mean the same, and OpenSSL dislikes empty ones. */
	if (salt_len > 0)
		*next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *) salt, salt_len);
	if (info_len > 0)
		*next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *) info, info_len);
	*next = OSSL_PARAM_construct_end();

	done = EVP_KDF_derive(ctx, out, out_len, params) == 1;
	EVP_KDF_CTX_free(ctx);
	return done;
}
