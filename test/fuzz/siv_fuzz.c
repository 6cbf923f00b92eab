/* sources: src/crypto/aes.c */
/* vectors: test/data/spec_vectors/aes_cmac_rfc4493.json */
/* vectors: test/data/spec_vectors/aes_siv_rfc5297.json */
/* vectors: test/data/wycheproof/aes_siv_cmac_test.json.gz */
/*
 * siv_fuzz.c
 *		AES-SIV, and the CMAC inside it, against their published vectors and OpenSSL's own
 *		AES-SIV; and what is promised of it: whatever is altered is refused.
 */
#include <openssl/evp.h>

#include "crypto/siv.c"
#include "vectors.h"

#define MAX_BYTES 2048
#define MAX_DATA 8

static uint8_t plain[MAX_BYTES];
static uint8_t sealed[MAX_BYTES + PHIG_SIV_TAG_BYTES];
static uint8_t expected[MAX_BYTES + PHIG_SIV_TAG_BYTES];
static uint8_t opened[MAX_BYTES];
static uint8_t ad_bytes[MAX_DATA][MAX_BYTES];
static PhigSivData ad[MAX_DATA];

/* "2:aabb,cc" into ad; how many. */
static int
read_list(const char *list)
{
	int			n = 0;
	int			said = (int) strtol(list, (char **) &list, 10);

	for (; n < said; n++)
	{
		list++;
		ad[n].data = ad_bytes[n];
		ad[n].len = from_hex(list, ad_bytes[n], MAX_BYTES);
		list += 2 * ad[n].len;
	}
	return n;
}

/* The MAC of a message under the first half of a key of twice the size. */
static void
check_cmac(const PhigVector *v)
{
	uint8_t		key[64];
	uint8_t		mac[BLOCK];
	size_t		key_len = bytes_of_field(v, "key", key, sizeof(key) / 2);
	size_t		len = bytes_of_field(v, "msg", plain, sizeof(plain));
	PhigSiv    *siv;

	memcpy(key + key_len, key, key_len);
	siv = phig_siv_create(key, 2 * key_len);
	if (bytes_of_field(v, "tag", expected, BLOCK) != BLOCK)
		abort();
	if (siv == NULL || !cmac(siv, plain, len, NULL, mac) || memcmp(mac, expected, BLOCK) != 0)
		fail_vector("cmac", v);
	phig_siv_free(siv);
}

/* Valid ones in both directions; invalid ones are not opened.  The length of the key. */
static size_t
check_siv(const PhigVector *v)
{
	uint8_t		key[64];
	size_t		key_len = bytes_of_field(v, "key", key, sizeof(key));
	size_t		len = bytes_of_field(v, "msg", plain, sizeof(plain));
	size_t		sealed_len = bytes_of_field(v, "ct", expected, sizeof(expected));
	int			n_ad;
	PhigSiv    *siv = phig_siv_create(key, key_len);
	PhigSivResult result;

	if (*text_of(v, "ad") != '\0')
		n_ad = read_list(text_of(v, "ad"));
	else
	{
		n_ad = 1;
		ad[0].data = ad_bytes[0];
		ad[0].len = bytes_of_field(v, "aad", ad_bytes[0], MAX_BYTES);
	}
	if (siv == NULL || !phig_siv_set_context(siv, ad, n_ad))
	{
		fail_vector("siv refused", v);
		return 0;
	}
	result = phig_siv_open(siv, expected, sealed_len, opened);
	if (result != (is_valid(v) ? PHIG_SIV_OK : PHIG_SIV_NOT_AUTHENTIC))
		fail_vector("opening", v);
	if (is_valid(v) &&
		(sealed_len != len + PHIG_SIV_TAG_BYTES || memcmp(opened, plain, len) != 0 ||
		 !phig_siv_seal(siv, plain, len, sealed) || memcmp(sealed, expected, sealed_len) != 0))
		fail_vector("sealing", v);
	phig_siv_free(siv);
	return key_len;
}

static int
ad_by_chance(void)
{
	int			n = (int) any(MAX_DATA + 1);

	for (int i = 0; i < n; i++)
	{
		ad[i].data = ad_bytes[i];
		ad[i].len = any(any(10) == 0 ? 600 : 40);
		fill_by_chance(ad_bytes[i], ad[i].len);
	}
	return n;
}

/* Not opened, and nothing of it left; the context is as good as before. */
static void
expect_refusal(PhigSiv *siv, const uint8_t *bytes, size_t len, const char *what)
{
	size_t		plain_len = len > PHIG_SIV_TAG_BYTES ? len - PHIG_SIV_TAG_BYTES : 0;

	memset(opened, 0xee, sizeof(opened));
	if (phig_siv_open(siv, bytes, len, opened) != PHIG_SIV_NOT_AUTHENTIC)
		fail("opened", what);
	for (size_t i = 0; i < plain_len; i++)
		if (opened[i] != 0)
		{
			fail("something is left", what);
			break;
		}
}

/* OpenSSL's own AES-256-SIV: tag and ciphertext. */
static bool
seal_by_openssl(const uint8_t *key, int n_ad, size_t len, uint8_t *out)
{
	EVP_CIPHER *algorithm = EVP_CIPHER_fetch(NULL, "AES-256-SIV", NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int			written;
	bool		done = EVP_EncryptInit_ex2(ctx, algorithm, key, NULL, NULL) == 1;

	for (int i = 0; i < n_ad; i++)
		done = done && EVP_EncryptUpdate(ctx, NULL, &written, ad[i].data, (int) ad[i].len) == 1;
	done = done && EVP_EncryptUpdate(ctx, out + PHIG_SIV_TAG_BYTES, &written, plain, (int) len) == 1 &&
		EVP_EncryptFinal_ex(ctx, out + PHIG_SIV_TAG_BYTES, &written) == 1 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, PHIG_SIV_TAG_BYTES, out) == 1;
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(algorithm);
	return done;
}

/* One key, many values: each as OpenSSL seals it, opened again, refused with a bit flipped. */
static void
many_values(int n)
{
	uint8_t		key[PHIG_SIV_KEY_BYTES];
	PhigSiv    *siv;
	int			n_ad = 0;

	fill_by_chance(key, sizeof(key));
	siv = phig_siv_create(key, sizeof(key));
	for (int i = 0; i < n; i++)
	{
		/* OpenSSL takes an empty value for none at all, which is another thing. */
		size_t		len = 1 + any(any(4) == 0 ? MAX_BYTES - 1 : 50);
		size_t		sealed_len = len + PHIG_SIV_TAG_BYTES;

		if (i % 4 == 0 && !phig_siv_set_context(siv, ad, n_ad = ad_by_chance()))
			fail("set_context", "by chance");
		fill_by_chance(plain, len);
		if (!phig_siv_seal(siv, plain, len, sealed) || !seal_by_openssl(key, n_ad, len, expected) ||
			memcmp(sealed, expected, sealed_len) != 0)
			fail("sealing", "against OpenSSL's");
		if (phig_siv_open(siv, sealed, sealed_len, opened) != PHIG_SIV_OK || memcmp(opened, plain, len) != 0)
			fail("opening", "by chance");
		sealed[any((uint32_t) sealed_len)] ^= (uint8_t) (1 << any(8));
		expect_refusal(siv, sealed, sealed_len, "a flipped bit");
	}
	phig_siv_free(siv);
}

/* Of one value of each length every bit, every shorter length, a longer one. */
static int
altered(void)
{
	static const PhigSivData context = {"ssn", 3};
	uint8_t		key[PHIG_SIV_KEY_BYTES];
	PhigSiv    *siv;
	int			n = 0;

	fill_by_chance(key, sizeof(key));
	siv = phig_siv_create(key, sizeof(key));
	phig_siv_set_context(siv, &context, 1);
	for (size_t len = 0; len <= 33; len++)
	{
		size_t		sealed_len = len + PHIG_SIV_TAG_BYTES;

		fill_by_chance(plain, len);
		if (!phig_siv_seal(siv, len > 0 ? plain : NULL, len, sealed))
			fail("sealing", "a short value");
		for (size_t bit = 0; bit < 8 * sealed_len; bit++, n++)
		{
			sealed[bit / 8] ^= (uint8_t) (1 << bit % 8);
			expect_refusal(siv, sealed, sealed_len, "one bit");
			sealed[bit / 8] ^= (uint8_t) (1 << bit % 8);
		}
		for (size_t shorter = 0; shorter < sealed_len; shorter++, n++)
			expect_refusal(siv, sealed, shorter, "cut short");
		sealed[sealed_len] = 0;
		expect_refusal(siv, sealed, sealed_len + 1, "a byte more");
		n++;
		if (phig_siv_open(siv, sealed, sealed_len, len > 0 ? opened : NULL) != PHIG_SIV_OK ||
			memcmp(opened, plain, len) != 0)
			fail("opening", "a short value");
	}
	phig_siv_free(siv);
	return n;
}

/* What is sealed with one list of strings is opened with no other. */
static void
other_contexts(void)
{
	static const PhigSivData lists[][3] = {
		{{"", 0}}, {{"a", 1}}, {{"b", 1}}, {{"a", 1}, {"", 0}}, {{"", 0}, {"a", 1}}, {{"ab", 2}, {"c", 1}},
		{{"a", 1}, {"bc", 2}}, {{"abc", 3}}, {{"c", 1}, {"ab", 2}}, {{"ab", 2}, {"c", 1}, {"", 0}}
	};
	static const int lengths[] = {1, 1, 1, 2, 2, 2, 2, 1, 2, 3, 0};
	const int	n = (int) (sizeof(lengths) / sizeof(lengths[0]));
	static PhigSivData many[PHIG_SIV_MAX_DATA + 1];
	uint8_t		key[PHIG_SIV_KEY_BYTES];
	PhigSiv    *siv;

	fill_by_chance(key, sizeof(key));
	siv = phig_siv_create(key, sizeof(key));
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
		{
			if (!phig_siv_set_context(siv, lengths[i] > 0 ? lists[i] : NULL, lengths[i]) ||
				!phig_siv_seal(siv, "123-45-6789", 11, sealed) ||
				!phig_siv_set_context(siv, lengths[j] > 0 ? lists[j] : NULL, lengths[j]))
				fail("sealing", "with a list");
			if (i != j)
				expect_refusal(siv, sealed, 11 + PHIG_SIV_TAG_BYTES, "another list");
			else if (phig_siv_open(siv, sealed, 11 + PHIG_SIV_TAG_BYTES, opened) != PHIG_SIV_OK)
				fail("opening", "with the same list");
		}

	for (int i = 0; i <= PHIG_SIV_MAX_DATA; i++)
		many[i] = lists[1][0];
	if (!phig_siv_set_context(siv, many, PHIG_SIV_MAX_DATA) || phig_siv_set_context(siv, many, PHIG_SIV_MAX_DATA + 1))
		fail("set_context", "at the most strings");
	if (phig_siv_seal(siv, "1", 1, sealed) || phig_siv_open(siv, sealed, 17, opened) != PHIG_SIV_FAILED)
		fail("used", "without associated data");
	if (!phig_siv_set_context(siv, NULL, 0) || !phig_siv_seal(siv, "1", 1, sealed))
		fail("refused", "after a refusal");
	phig_siv_free(siv);

	for (size_t len = 0; len < 66; len++)
	{
		siv = phig_siv_create(ad_bytes[0], len);
		if ((siv != NULL) != (len == 32 || len == 48 || len == 64))
			fail("a key of another length", "create");
		phig_siv_free(siv);
	}
}

/* A context whose cipher has lost its key: nothing comes out, then or later. */
static void
refusals_of_openssl(void)
{
	uint8_t		key[PHIG_SIV_KEY_BYTES];
	EVP_CIPHER_CTX *unkeyed = EVP_CIPHER_CTX_new();

	fill_by_chance(key, sizeof(key));
	fill_by_chance(plain, sizeof(plain));
	for (int which = 0; which < 2; which++)
	{
		PhigSiv    *siv = phig_siv_create(key, sizeof(key));
		EVP_CIPHER_CTX **cipher = which == 0 ? &siv->cbc : &siv->ecb;

		if (!phig_siv_seal(siv, plain, sizeof(plain), sealed))
			fail("sealing", "before a refusal");
		EVP_CIPHER_CTX_free(*cipher);
		*cipher = unkeyed;
		unkeyed = EVP_CIPHER_CTX_new();
		for (int i = 0; i < 2; i++)
		{
			memset(opened, 0xee, sizeof(opened));
			if (phig_siv_open(siv, sealed, sizeof(sealed), opened) != PHIG_SIV_FAILED)
				fail("opening", "in spite of a refusal");
			memset(expected, 0xee, sizeof(expected));
			if (phig_siv_seal(siv, plain, sizeof(plain), expected))
				fail("sealing", "in spite of a refusal");
			for (size_t j = 0; j < sizeof(expected); j++)
				if (expected[j] != 0 || (j < sizeof(opened) && opened[j] != 0))
				{
					fail("something is left", "a refusal");
					break;
				}
		}
		if (which == 0 && phig_siv_set_context(siv, NULL, 0))
			fail("set_context", "in spite of a refusal");
		phig_siv_free(siv);
	}
	EVP_CIPHER_CTX_free(unkeyed);
}

int
main(void)
{
	PhigVector	v = {0};
	int			cmacs = 0;
	int			sivs[3] = {0};
	int			alterations;

	while (next_vector(&v))
	{
		if (strncmp(text_of(&v, "file"), "aes_cmac", 8) == 0)
		{
			check_cmac(&v);
			cmacs++;
		}
		else
		{
			size_t		key_len = check_siv(&v);

			if (key_len > 0)
				sivs[key_len / 16 - 2]++;
		}
	}
	if (cmacs != 4 || sivs[0] + sivs[1] + sivs[2] != 3 + 442 || sivs[2] == 0)
		fail("vectors are missing", "siv");
	for (int i = 0; i < 20; i++)
		many_values(100);
	alterations = altered();
	other_contexts();
	refusals_of_openssl();
	printf("%d CMAC vectors, %d + %d + %d SIV vectors of AES-128, -192, -256, %d alterations refused\n",
		   cmacs, sivs[0], sivs[1], sivs[2], alterations);
	return failures > 0;
}
