/* sources: src/crypto/hmac.c */
/* vectors: test/data/spec_vectors/hmac_sha256_rfc4231.json */
/* vectors: test/data/wycheproof/hmac_sha256_test.json.gz */
/* vectors: test/data/spec_vectors/hkdf_sha256_rfc5869.json */
/* vectors: test/data/wycheproof/hkdf_sha256_test.json.gz */
/*
 * hmac_fuzz.c
 *		HMAC-SHA-256 and HKDF-SHA-256 against their published vectors and OpenSSL's own HMAC.
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "crypto/hmac.h"
#include "vectors.h"

#define MAX_BYTES 16384			/* more than HKDF gives */

static uint8_t key[MAX_BYTES];
static uint8_t data[MAX_BYTES];
static uint8_t expected[MAX_BYTES];
static uint8_t out[MAX_BYTES];

/* Some expect only the first bytes; an invalid one, others. */
static void
check_hmac(const PhigVector *v)
{
	size_t		key_len = bytes_of_field(v, "key", key, sizeof(key));
	size_t		len = bytes_of_field(v, "msg", data, sizeof(data));
	size_t		tag_len = bytes_of_field(v, "tag", expected, sizeof(expected));
	PhigHmac   *hmac = phig_hmac_create(key, key_len);
	uint8_t		first[PHIG_HMAC_BYTES];
	uint8_t		other[PHIG_HMAC_BYTES];
	uint8_t		again[PHIG_HMAC_BYTES];

	if (hmac == NULL || tag_len < 16 || tag_len > PHIG_HMAC_BYTES ||
		!phig_hmac_compute(hmac, data, len, first) ||
		!phig_hmac_compute(hmac, "another", 7, other) ||
		!phig_hmac_compute(hmac, data, len, again))
		fail_vector("hmac refused", v);
	else if ((memcmp(first, expected, tag_len) == 0) != is_valid(v))
		fail_vector("hmac", v);
	else if (memcmp(first, again, sizeof(first)) != 0 || memcmp(first, other, sizeof(first)) == 0)
		fail_vector("a second use of the same key", v);
	phig_hmac_free(hmac);
}

/* An invalid one asks for more than there is. */
static void
check_hkdf(const PhigVector *v)
{
	size_t		key_len = bytes_of_field(v, "ikm", key, sizeof(key));
	size_t		len = bytes_of_field(v, "okm", expected, sizeof(expected));
	size_t		size = strtoul(text_of(v, "size"), NULL, 10);
	uint8_t		info[1024];
	uint8_t		salt[1024];
	size_t		info_len = bytes_of_field(v, "info", info, sizeof(info));
	size_t		salt_len = bytes_of_field(v, "salt", salt, sizeof(salt));

	if (size == 0)
		size = len;
	if (size == 0 || size > sizeof(out) || (is_valid(v) && size != len))
		abort();
	if (phig_hkdf(key, key_len, salt, salt_len, info, info_len, out, size) != is_valid(v))
		fail_vector("hkdf refused, or did not", v);
	else if (is_valid(v) && memcmp(out, expected, len) != 0)
		fail_vector("hkdf", v);
}

/* Keys on both sides of a block of the hash, values of any length, one use after another. */
static int
against_openssl(void)
{
	int			n = 0;

	for (size_t key_len = 0; key_len <= 130; key_len++)
	{
		PhigHmac   *hmac;

		fill_by_chance(key, key_len);
		hmac = phig_hmac_create(key, key_len);
		for (int i = 0; i < 20; i++, n++)
		{
			size_t		len = any(i < 10 ? 70 : 1000);
			unsigned	out_len = 0;

			fill_by_chance(data, len);
			if (hmac == NULL || !phig_hmac_compute(hmac, data, len, out) ||
				HMAC(EVP_sha256(), key, (int) key_len, data, len, expected, &out_len) == NULL ||
				out_len != PHIG_HMAC_BYTES || memcmp(out, expected, out_len) != 0)
				fail("hmac", "against OpenSSL's");
		}
		phig_hmac_free(hmac);
	}
	return n;
}

int
main(void)
{
	PhigVector	v = {0};
	int			hmacs = 0;
	int			hkdfs = 0;
	int			compared;

	while (next_vector(&v))
	{
		if (strncmp(text_of(&v, "file"), "hmac_", 5) == 0)
		{
			check_hmac(&v);
			hmacs++;
		}
		else
		{
			check_hkdf(&v);
			hkdfs++;
		}
	}
	if (hmacs != 7 + 174 || hkdfs != 3 + 86)
		fail("vectors are missing", "hmac");
	compared = against_openssl();
	printf("%d HMAC and %d HKDF vectors, %d HMACs compared with OpenSSL's\n", hmacs, hkdfs, compared);
	return failures > 0;
}
