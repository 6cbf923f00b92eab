/* sources: src/crypto/keywrap.c */
/* vectors: test/data/spec_vectors/aes_keywrap_rfc3394.json */
/*
 * keywrap_fuzz.c
 *		AES key wrap against its published vector, round trips, and every bit altered.
 */
#include <openssl/err.h>

#include "crypto/keywrap.h"
#include "vectors.h"

static uint8_t kek[PHIG_KEYWRAP_KEY_BYTES];
static uint8_t key[PHIG_KEYWRAP_KEY_BYTES];
static uint8_t wrapped[PHIG_KEYWRAP_BYTES];
static uint8_t unwrapped[PHIG_KEYWRAP_KEY_BYTES];

static void
expect_refusal(const char *what)
{
	static const uint8_t zeros[PHIG_KEYWRAP_KEY_BYTES] = {0};

	memset(unwrapped, 0xee, sizeof(unwrapped));
	if (phig_keyunwrap(kek, wrapped, unwrapped))
		fail("unwrapped", what);
	if (memcmp(unwrapped, zeros, sizeof(zeros)) != 0)
		fail("something is left", what);
}

static void
check_vector(const PhigVector *v)
{
	uint8_t		expected[PHIG_KEYWRAP_BYTES];

	if (bytes_of_field(v, "kek", kek, sizeof(kek)) != sizeof(kek) ||
		bytes_of_field(v, "key", key, sizeof(key)) != sizeof(key) ||
		bytes_of_field(v, "wrapped", expected, sizeof(expected)) != sizeof(expected))
		abort();
	if (!phig_keywrap(kek, key, wrapped) || memcmp(wrapped, expected, sizeof(expected)) != 0)
		fail_vector("wrapping", v);
	if (!phig_keyunwrap(kek, expected, unwrapped) || memcmp(unwrapped, key, sizeof(key)) != 0)
		fail_vector("unwrapping", v);
}

int
main(void)
{
	PhigVector	v = {0};
	int			vectors = 0;
	int			refused = 0;

	for (; next_vector(&v); vectors++)
		check_vector(&v);
	if (vectors != 1)
		fail("vectors are missing", "keywrap");

	for (int i = 0; i < 100; i++)
	{
		fill_by_chance(kek, sizeof(kek));
		fill_by_chance(key, sizeof(key));
		if (!phig_keywrap(kek, key, wrapped) || !phig_keyunwrap(kek, wrapped, unwrapped) ||
			memcmp(unwrapped, key, sizeof(key)) != 0)
			fail("a round trip", "by chance");
	}
	for (int bit = 0; bit < 8 * PHIG_KEYWRAP_BYTES; bit++, refused++)
	{
		wrapped[bit / 8] ^= (uint8_t) (1 << bit % 8);
		expect_refusal("one bit of what was wrapped");
		wrapped[bit / 8] ^= (uint8_t) (1 << bit % 8);
	}
	for (int bit = 0; bit < 8 * PHIG_KEYWRAP_KEY_BYTES; bit++, refused++)
	{
		kek[bit / 8] ^= (uint8_t) (1 << bit % 8);
		expect_refusal("one bit of the key");
		kek[bit / 8] ^= (uint8_t) (1 << bit % 8);
	}
	if (ERR_peek_error() != 0)
		fail("an error is left in OpenSSL's queue", "refusals");
	printf("%d vector, %d alterations refused\n", vectors, refused);
	return failures > 0;
}
