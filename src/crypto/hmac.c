/*
 * hmac.c
 *		HMAC-SHA-256 and HKDF-SHA-256 over OpenSSL 3: see hmac.h.
 *
 * Algorithms are fetched once a process; the fetched objects are shared and never freed.
 */
#include "crypto/hmac.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#define HASH_BLOCK_BYTES 64		/* what SHA-256 takes at a time */

/* SHA-256 after the key's own block, for the inner and the outer hash, and the one at work. */
struct PhigHmac
{
	EVP_MD_CTX *inner;
	EVP_MD_CTX *outer;
	EVP_MD_CTX *hash;
};

static char sha256_name[] = "SHA256";

/* A hash that has taken the key's block, each byte xored with pad; NULL when OpenSSL refuses. */
static EVP_MD_CTX *
start_hash(const EVP_MD *sha256, const uint8_t key[HASH_BLOCK_BYTES], uint8_t pad)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t		block[HASH_BLOCK_BYTES];

	for (int i = 0; i < HASH_BLOCK_BYTES; i++)
		block[i] = key[i] ^ pad;
	if (ctx != NULL &&
		(EVP_DigestInit_ex2(ctx, sha256, NULL) != 1 || EVP_DigestUpdate(ctx, block, sizeof(block)) != 1))
	{
		EVP_MD_CTX_free(ctx);
		ctx = NULL;
	}
	OPENSSL_cleanse(block, sizeof(block));
	return ctx;
}

PhigHmac *
phig_hmac_create(const uint8_t *key, size_t len)
{
	static EVP_MD *sha256 = NULL;
	uint8_t		block[HASH_BLOCK_BYTES] = {0};
	PhigHmac   *hmac;
	bool		done;

	if (sha256 == NULL)
		sha256 = EVP_MD_fetch(NULL, sha256_name, NULL);
	if (sha256 == NULL || (hmac = OPENSSL_zalloc(sizeof(PhigHmac))) == NULL)
		return NULL;

	/* A key longer than a block is replaced by its hash. */
	if (len > sizeof(block))
		done = EVP_Digest(key, len, block, NULL, sha256, NULL) == 1;
	else
	{
		if (len > 0)
			memcpy(block, key, len);
		done = true;
	}
	if (done)
	{
		hmac->inner = start_hash(sha256, block, 0x36);
		hmac->outer = start_hash(sha256, block, 0x5c);
		hmac->hash = EVP_MD_CTX_new();
	}
	OPENSSL_cleanse(block, sizeof(block));
	if (hmac->inner != NULL && hmac->outer != NULL && hmac->hash != NULL)
		return hmac;
	phig_hmac_free(hmac);
	return NULL;
}

bool
phig_hmac_compute(PhigHmac *hmac, const void *data, size_t len, uint8_t out[PHIG_HMAC_BYTES])
{
	return EVP_MD_CTX_copy_ex(hmac->hash, hmac->inner) == 1 &&
		EVP_DigestUpdate(hmac->hash, data, len) == 1 &&
		EVP_DigestFinal_ex(hmac->hash, out, NULL) == 1 &&
		EVP_MD_CTX_copy_ex(hmac->hash, hmac->outer) == 1 &&
		EVP_DigestUpdate(hmac->hash, out, PHIG_HMAC_BYTES) == 1 &&
		EVP_DigestFinal_ex(hmac->hash, out, NULL) == 1;
}

void
phig_hmac_free(PhigHmac *hmac)
{
	if (hmac == NULL)
		return;
	EVP_MD_CTX_free(hmac->inner);
	EVP_MD_CTX_free(hmac->outer);
	EVP_MD_CTX_free(hmac->hash);
	OPENSSL_free(hmac);
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
