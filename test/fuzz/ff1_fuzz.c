/* sources: src/crypto/aes.c */
/* vectors: test/data/spec_vectors/ff1_sp800_38g.json */
/* vectors: test/data/wycheproof/aes_ff1_radix10_test.json.gz */
/* vectors: test/data/wycheproof/aes_ff1_radix36_test.json.gz */
/* vectors: ff1 */
/*
 * ff1_fuzz.c
 *		FF1 against its published vectors and a second implementation (test/lib/PhigFf1.pm); and
 *		what is promised of it: a permutation for each tweak, nothing out of range.
 */
#include "crypto/ff1.c"
#include "vectors.h"

#define STRINGS 1000000			/* six digits */
#define MAX_CHI_SQUARE 45.0		/* nine degrees of freedom: 1 in a million exceeds it */

static uint8_t key[64];
static uint8_t tweak[PHIG_FF1_MAX_TWEAK_BYTES + 1];
static uint16_t plain[PHIG_FF1_MAX_NUMERALS + 1];
static uint16_t expected[PHIG_FF1_MAX_NUMERALS + 1];
static uint16_t out[PHIG_FF1_MAX_NUMERALS + 1];

/* "3:7,0,9" into numerals; how many.  What is none at all becomes the greatest one. */
static size_t
read_numerals(const char *list, uint16_t *numerals)
{
	char	   *at;
	size_t		n = strtoul(list, &at, 10);

	if (n > PHIG_FF1_MAX_NUMERALS)
		abort();
	for (size_t i = 0; i < n; i++)
	{
		long		numeral = strtol(at + 1, &at, 10);

		numerals[i] = numeral < 0 || numeral > UINT16_MAX ? UINT16_MAX : (uint16_t) numeral;
	}
	return n;
}

static bool
same(const uint16_t *a, const uint16_t *b, size_t n)
{
	return memcmp(a, b, n * sizeof(uint16_t)) == 0;
}

typedef enum Outcome
{
	MATCHED,
	REFUSED,					/* as it should be: invalid */
	TOO_SHORT,					/* valid by the edition of 2016, and refused */
	WRONG
} Outcome;

static Outcome
check(const PhigVector *v)
{
	size_t		key_len = bytes_of_field(v, "key", key, sizeof(key));
	size_t		tweak_len = bytes_of_field(v, "tweak", tweak, sizeof(tweak));
	uint32_t	radix = (uint32_t) strtoul(text_of(v, "radix"), NULL, 10);
	size_t		n = read_numerals(text_of(v, "msg"), plain);
	PhigFf1    *ff1 = phig_ff1_create(key, key_len, radix);
	double		strings = 1;
	Outcome		outcome = WRONG;

	for (size_t i = 0; i < n && strings < STRINGS; i++)
		strings *= radix;
	if (ff1 == NULL)
		return !is_valid(v) && key_len != 16 && key_len != 24 && key_len != 32 ? REFUSED : WRONG;
	if (!is_valid(v) || strings < STRINGS)
	{
		memset(out, 0xee, sizeof(out));
		memcpy(expected, out, sizeof(out));
		if (phig_ff1_encrypt(ff1, tweak, tweak_len, plain, n, out) == PHIG_FF1_NOT_VALID &&
			phig_ff1_decrypt(ff1, tweak, tweak_len, plain, n, out) == PHIG_FF1_NOT_VALID &&
			memcmp(out, expected, sizeof(out)) == 0)
			outcome = is_valid(v) ? TOO_SHORT : REFUSED;
	}
	else if (read_numerals(text_of(v, "ct"), expected) == n &&
			 phig_ff1_encrypt(ff1, tweak, tweak_len, plain, n, out) == PHIG_FF1_OK && same(out, expected, n) &&
			 phig_ff1_decrypt(ff1, tweak, tweak_len, out, n, out) == PHIG_FF1_OK && same(out, plain, n))
		outcome = MATCHED;
	phig_ff1_free(ff1);
	return outcome;
}

static uint32_t
radix_by_chance(void)
{
	static const uint32_t usual[] = {2, 3, 10, 10, 16, 26, 36, 36, 62, 256, 65535, 65536};

	return any(3) == 0 ? 2 + any(PHIG_FF1_MAX_RADIX - 1) : usual[any(sizeof(usual) / sizeof(usual[0]))];
}

/* Any radix, lengths and tweaks that change from value to value. */
static void
round_trips(int n_keys)
{
	for (int k = 0; k < n_keys; k++)
	{
		uint32_t	radix = radix_by_chance();
		size_t		least = (size_t) phig_ff1_min_length(radix);
		PhigFf1    *ff1;

		fill_by_chance(key, PHIG_FF1_KEY_BYTES);
		ff1 = phig_ff1_create(key, PHIG_FF1_KEY_BYTES, radix);
		for (int i = 0; i < 20; i++)
		{
			size_t		n = any(30) == 0 ? PHIG_FF1_MAX_NUMERALS - any(2) : least + any(70);
			size_t		tweak_len = any(3) == 0 ? any(PHIG_FF1_MAX_TWEAK_BYTES + 1) : any(17);

			fill_by_chance(tweak, tweak_len);
			for (size_t j = 0; j < n; j++)
				plain[j] = any(3) == 0 ? (uint16_t) (radix - 1) : (uint16_t) any(radix);
			if (phig_ff1_encrypt(ff1, tweak, tweak_len, plain, n, expected) != PHIG_FF1_OK)
				fail("refused", "by chance");
			for (size_t j = 0; j < n; j++)
				if (expected[j] >= radix)
					fail("a numeral out of range", "by chance");
			if (phig_ff1_decrypt(ff1, tweak, tweak_len, expected, n, out) != PHIG_FF1_OK || !same(out, plain, n))
				fail("a round trip", "by chance");

			/* With twice the least length, a match by chance is one in a million millions. */
			if (n < 2 * least)
				continue;
			tweak[tweak_len] = 0;
			if (tweak_len < PHIG_FF1_MAX_TWEAK_BYTES &&
				(phig_ff1_encrypt(ff1, tweak, tweak_len + 1, plain, n, out) != PHIG_FF1_OK || same(out, expected, n)))
				fail("a zero more in the tweak", "the same result");
			tweak[0] ^= 1;
			if (tweak_len > 0 &&
				(phig_ff1_encrypt(ff1, tweak, tweak_len, plain, n, out) != PHIG_FF1_OK || same(out, expected, n)))
				fail("another tweak", "the same result");
		}
		phig_ff1_free(ff1);
	}
}

/* Radix, length, tweak and numerals just out of range. */
static void
refusals(void)
{
	static const struct
	{
		uint32_t	radix;
		int			least;
	}			lengths[] = {
		{2, 20}, {3, 13}, {10, 6}, {15, 6}, {16, 5}, {31, 5}, {32, 4}, {36, 4}, {62, 4}, {99, 4}, {100, 3},
		{999, 3}, {1000, 2}, {65536, 2}
	};
	static const uint32_t radixes[] = {0, 1, PHIG_FF1_MAX_RADIX + 1, UINT32_MAX};
	PhigFf1    *ff1;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
	{
		size_t		least = (size_t) lengths[i].least;

		memset(plain, 0, sizeof(plain));
		ff1 = phig_ff1_create(key, PHIG_FF1_KEY_BYTES, lengths[i].radix);
		if (phig_ff1_min_length(lengths[i].radix) != lengths[i].least)
			fail("the least length", "refusals");
		if (phig_ff1_encrypt(ff1, NULL, 0, plain, least - 1, out) != PHIG_FF1_NOT_VALID ||
			phig_ff1_encrypt(ff1, NULL, 0, plain, least, out) != PHIG_FF1_OK ||
			phig_ff1_encrypt(ff1, NULL, 0, plain, PHIG_FF1_MAX_NUMERALS, out) != PHIG_FF1_OK ||
			phig_ff1_encrypt(ff1, NULL, 0, plain, PHIG_FF1_MAX_NUMERALS + 1, out) != PHIG_FF1_NOT_VALID ||
			phig_ff1_encrypt(ff1, tweak, PHIG_FF1_MAX_TWEAK_BYTES, plain, least, out) != PHIG_FF1_OK ||
			phig_ff1_encrypt(ff1, tweak, PHIG_FF1_MAX_TWEAK_BYTES + 1, plain, least, out) != PHIG_FF1_NOT_VALID)
			fail("a length", "refusals");
		plain[least - 1] = (uint16_t) lengths[i].radix;
		if (lengths[i].radix <= UINT16_MAX && phig_ff1_decrypt(ff1, NULL, 0, plain, least, out) != PHIG_FF1_NOT_VALID)
			fail("a numeral", "refusals");
		phig_ff1_free(ff1);
	}
	for (size_t i = 0; i < sizeof(radixes) / sizeof(radixes[0]); i++)
		if (phig_ff1_create(key, PHIG_FF1_KEY_BYTES, radixes[i]) != NULL)
			fail("a radix", "refusals");
	for (size_t len = 0; len < 64; len++)
	{
		ff1 = phig_ff1_create(key, len, 10);
		if ((ff1 != NULL) != (len == 16 || len == 24 || len == 32))
			fail("a length of the key", "refusals");
		phig_ff1_free(ff1);
	}
}

/* The division by a reciprocal, where its error could show. */
static void
divisions(void)
{
	for (int i = 0; i < 200000; i++)
	{
		uint64_t	number = any(2) == 0 ? 2 + any(1000) : 2 + ((uint64_t) any(UINT32_MAX) >> any(31));
		uint64_t	dividend = ((uint64_t) any(UINT32_MAX) << 32 | any(UINT32_MAX)) >> any(64);
		uint64_t	remainder;

		/* One below a multiple, and a multiple; the greatest ones, too. */
		if (i % 4 > 0)
			dividend = (i % 4 == 3 ? UINT64_MAX : dividend) / number * number - (i % 4 == 1);
		if (i % 1000 == 0)
			number = UINT64_C(1) << 32;
		if (divide(dividend, make_divisor(number), &remainder) != dividend / number || remainder != dividend % number)
			fail("a division", "by reciprocal");
	}
}

/* A context whose cipher has no key. */
static void
refusals_of_openssl(void)
{
	PhigFf1    *ff1 = phig_ff1_create(key, PHIG_FF1_KEY_BYTES, 10);

	memset(plain, 0, sizeof(plain));
	if (phig_ff1_encrypt(ff1, NULL, 0, plain, 9, out) != PHIG_FF1_OK)
		fail("refused", "before a refusal");
	EVP_CIPHER_CTX_free(ff1->aes);
	ff1->aes = EVP_CIPHER_CTX_new();
	for (size_t n = 8; n <= PHIG_FF1_MAX_NUMERALS; n += n == 9 ? 91 : 1)
		if (phig_ff1_encrypt(ff1, NULL, 0, plain, n, out) != PHIG_FF1_FAILED ||
			phig_ff1_decrypt(ff1, NULL, 0, plain, n, out) != PHIG_FF1_FAILED)
			fail("encryption", "in spite of a refusal");
	phig_ff1_free(ff1);
}

static void
digits_of(uint32_t number, size_t n, uint16_t *digits)
{
	for (; n > 0; number /= 10)
		digits[--n] = (uint16_t) (number % 10);
}

/* Each of the strings of six digits comes out once, and few stay what they are. */
static void
permutation(PhigFf1 *ff1)
{
	static uint8_t seen[STRINGS];
	int			fixed = 0;

	for (uint32_t i = 0; i < STRINGS; i++)
	{
		uint32_t	number = 0;

		digits_of(i, 6, plain);
		if (phig_ff1_encrypt(ff1, "permutation", 11, plain, 6, out) != PHIG_FF1_OK)
			fail("refused", "permutation");
		for (int j = 0; j < 6; j++)
			number = number * 10 + out[j];
		if (number >= STRINGS || seen[number]++ > 0)
			fail("twice, or out of range", "permutation");
		fixed += number == i;
	}
	/* One is expected; ten or more happen once in ten million. */
	if (fixed >= 10)
		fail("strings that stay what they are", "permutation");
}

/* Consecutive numbers give every digit at every place equally often; the greatest chi-square. */
static double
digits_by_place(PhigFf1 *ff1)
{
	static int	counts[9][10];
	const int	n = 200000;
	double		greatest = 0;

	for (int i = 0; i < n; i++)
	{
		digits_of((uint32_t) i, 9, plain);
		if (phig_ff1_encrypt(ff1, "digits", 6, plain, 9, out) != PHIG_FF1_OK)
			fail("refused", "digits");
		for (int place = 0; place < 9; place++)
			counts[place][out[place]]++;
	}
	for (int place = 0; place < 9; place++)
	{
		double		chi_square = 0;

		for (int digit = 0; digit < 10; digit++)
			chi_square += (counts[place][digit] - n / 10.0) * (counts[place][digit] - n / 10.0) / (n / 10.0);
		if (chi_square > greatest)
			greatest = chi_square;
	}
	if (greatest > MAX_CHI_SQUARE)
		fail("digits are not equally frequent", "digits");
	return greatest;
}

int
main(void)
{
	PhigVector	v = {0};
	int			n[WRONG + 1] = {0};
	int			second = 0;
	double		chi_square;
	PhigFf1    *ff1;

	while (next_vector(&v))
	{
		Outcome		outcome = check(&v);

		if (outcome == WRONG)
			fail_vector("ff1", &v);
		else if (strcmp(text_of(&v, "file"), "PhigFf1") == 0)
			second++;
		else
			n[outcome]++;
	}
	if (n[MATCHED] + n[REFUSED] + n[TOO_SHORT] + n[WRONG] != 9 + 3845 + 2854 || second == 0)
		fail("vectors are missing", "ff1");

	round_trips(200);
	refusals();
	divisions();
	refusals_of_openssl();
	fill_by_chance(key, PHIG_FF1_KEY_BYTES);
	ff1 = phig_ff1_create(key, PHIG_FF1_KEY_BYTES, 10);
	permutation(ff1);
	chi_square = digits_by_place(ff1);
	phig_ff1_free(ff1);
	printf("%d vectors, %d invalid and %d short ones refused, %d of a second implementation, chi-square %.1f\n",
		   n[MATCHED], n[REFUSED], n[TOO_SHORT], second, chi_square);
	return failures > 0;
}
