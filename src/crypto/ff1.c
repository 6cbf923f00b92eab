/*
 * ff1.c
 *		FF1 from a keyed AES: see ff1.h.  Letters are those of SP 800-38G, algorithms 7 and 8.
 *
 * A round adds y = the first d bytes of S, modulo radix^m, to one half, where S begins with R, the
 * CBC-MAC of P || Q.  Only the end of Q changes from round to round: the round's number and the
 * other half, as b bytes.  What comes before depends on n and the tweak, and is computed when these
 * change (the plan).
 *
 * Where b <= 12, a half is below 2^96 and y is not longer than R: a round is one block of AES and
 * one 128-bit remainder.  Longer halves are kept as numerals; NUM and STR convert them by
 * multiplying and dividing an array of limbs by the radix, once a round.
 *
 * The halves stay where they are and take turns in being changed, which is what the algorithms'
 * swapping comes to.  Only what is as good as the key is wiped: the values lie about in the
 * server's memory anyway.
 */
#include "crypto/ff1.h"

#include <string.h>

#include <openssl/crypto.h>

#include "crypto/aes.h"

#define BLOCK PHIG_AES_BLOCK_BYTES
#define ROUNDS 10
#define MIN_STRINGS 1000000

#define SHORT_BYTES 12			/* the largest b of the short way */
#define MAX_HALF ((PHIG_FF1_MAX_NUMERALS + 1) / 2)
#define MAX_LIMBS (MAX_HALF * 16 / 32)	/* a numeral has at most 16 bits */
#define MAX_Q_BYTES (MAX_LIMBS * 4 + BLOCK) /* without what the plan has taken */
#define MAX_S_BYTES (MAX_LIMBS * 4 + 4 + BLOCK)

typedef unsigned __int128 Wide;

/* A number to divide by without the processor's division: below 2^63, with floor(2^64 / it). */
typedef struct Divisor
{
	uint64_t	number;
	uint64_t	reciprocal;
} Divisor;

/* What depends on n and the tweak. */
typedef struct Plan
{
	size_t		n;				/* 0: there is no plan */
	size_t		tweak_len;
	uint8_t		tweak[PHIG_FF1_MAX_TWEAK_BYTES];
	size_t		half[2];		/* numerals of A and of B: u and v */
	size_t		b;				/* bytes of NUM(B) */
	size_t		d;				/* bytes of y */
	uint8_t		state[BLOCK];	/* CBC-MAC of P and of the blocks of Q that are all tweak */
	uint8_t		rest[BLOCK];	/* what of the tweak is left, which begins Q's next block */
	Wide		start;			/* short way: state ^ rest, as a number */
	Wide		modulus[2];		/* short way: radix^u and radix^v */
	Divisor		divisor[2];		/* the same, where d = 8 */
} Plan;

struct PhigFf1
{
	EVP_CIPHER_CTX *aes;
	uint32_t	radix;
	Divisor		radix_divisor;
	size_t		min_length;
	Plan		plan;
};

static Divisor
make_divisor(uint64_t number)
{
	return (Divisor) {number, (uint64_t) (((Wide) 1 << 64) / number)};
}

/*
 * The quotient, and the remainder.  dividend * reciprocal / 2^64 is less than 1 below what it stands
 * for, since the reciprocal is: the first guess is at most 1 too small.
 */
static inline uint64_t
divide(uint64_t dividend, Divisor by, uint64_t *remainder)
{
	uint64_t	quotient = (uint64_t) ((Wide) dividend * by.reciprocal >> 64);
	uint64_t	rest = dividend - quotient * by.number;
	uint64_t	one_more = rest >= by.number;

	*remainder = rest - (-one_more & by.number);
	return quotient + one_more;
}

static Wide
load_block(const uint8_t *block)
{
	return (Wide) phig_load64(block) << 64 | phig_load64(block + 8);
}

static void
store_block(uint8_t *block, Wide number)
{
	phig_store64(block, (uint64_t) (number >> 64));
	phig_store64(block + 8, (uint64_t) number);
}

int
phig_ff1_min_length(uint32_t radix)
{
	uint64_t	strings = 1;
	int			n = 0;

	while (radix > 1 && strings < MIN_STRINGS)
	{
		strings *= radix;
		n++;
	}
	return n > 2 ? n : 2;
}

PhigFf1 *
phig_ff1_create(const uint8_t *key, size_t key_bytes, uint32_t radix)
{
	PhigFf1    *ff1;

	if (radix < 2 || radix > PHIG_FF1_MAX_RADIX || (ff1 = OPENSSL_zalloc(sizeof(PhigFf1))) == NULL)
		return NULL;
	ff1->radix = radix;
	ff1->radix_divisor = make_divisor(radix);
	ff1->min_length = (size_t) phig_ff1_min_length(radix);
	ff1->aes = phig_aes_create("ECB", key, key_bytes);
	if (ff1->aes != NULL)
		return ff1;
	phig_ff1_free(ff1);
	return NULL;
}

void
phig_ff1_free(PhigFf1 *ff1)
{
	if (ff1 == NULL)
		return;
	EVP_CIPHER_CTX_free(ff1->aes);
	OPENSSL_clear_free(ff1, sizeof(PhigFf1));
}

/* Continue a CBC-MAC over whole blocks. */
static bool
chain_blocks(PhigFf1 *ff1, uint8_t state[BLOCK], const uint8_t *bytes, size_t len)
{
	for (size_t at = 0; at < len; at += BLOCK)
	{
		phig_aes_xor(state, bytes + at);
		if (!phig_aes_encrypt(ff1->aes, state, BLOCK))
			return false;
	}
	return true;
}

/* NUM_radix, as limbs, the least significant first; how many there are. */
static size_t
to_limbs(uint32_t radix, const uint16_t *numerals, size_t m, uint32_t limbs[MAX_LIMBS])
{
	size_t		n_limbs = (m * 16 + 31) / 32;

	memset(limbs, 0, n_limbs * sizeof(uint32_t));
	for (size_t i = 0; i < m; i++)
	{
		uint64_t	carry = numerals[i];

		for (size_t j = 0; j < n_limbs; j++)
		{
			carry += (uint64_t) limbs[j] * radix;
			limbs[j] = (uint32_t) carry;
			carry >>= 32;
		}
	}
	return n_limbs;
}

/* The bytes of NUM_radix of any m numerals: those of radix^m - 1. */
static size_t
bytes_of(uint32_t radix, size_t m)
{
	uint16_t	highest[MAX_HALF];
	uint32_t	limbs[MAX_LIMBS];
	size_t		bytes;

	for (size_t i = 0; i < m; i++)
		highest[i] = (uint16_t) (radix - 1);
	bytes = 4 * to_limbs(radix, highest, m, limbs);
	while (bytes > 0 && (limbs[(bytes - 1) / 4] >> (bytes - 1) % 4 * 8 & 0xff) == 0)
		bytes--;
	return bytes;
}

/* Have in ff1->plan what this n and this tweak ask for. */
static bool
make_plan(PhigFf1 *ff1, size_t n, const void *tweak, size_t tweak_len)
{
	Plan	   *plan = &ff1->plan;
	uint8_t		p[BLOCK] = {1, 2, 1, 0, 0, 0, ROUNDS, 0};
	size_t		zeros;
	size_t		whole;			/* bytes of the blocks of Q that are tweak and zeros */
	uint8_t		begin[PHIG_FF1_MAX_TWEAK_BYTES + BLOCK] = {0};

	if (plan->n == n && plan->tweak_len == tweak_len &&
		(tweak_len == 0 || memcmp(plan->tweak, tweak, tweak_len) == 0))
		return true;

	plan->n = 0;
	plan->half[0] = n / 2;
	plan->half[1] = n - n / 2;
	plan->b = bytes_of(ff1->radix, plan->half[1]);
	plan->d = (plan->b + 3) / 4 * 4 + 4;
	plan->tweak_len = tweak_len;
	if (tweak_len > 0)
		memcpy(begin, tweak, tweak_len);
	memcpy(plan->tweak, begin, tweak_len);

	p[3] = (uint8_t) (ff1->radix >> 16);
	p[4] = (uint8_t) (ff1->radix >> 8);
	p[5] = (uint8_t) ff1->radix;
	p[7] = (uint8_t) (plan->half[0] % 256);
	phig_store64(p + 8, (uint64_t) n << 32 | tweak_len);

	zeros = (BLOCK - (tweak_len + plan->b + 1) % BLOCK) % BLOCK;
	whole = (tweak_len + zeros) / BLOCK * BLOCK;
	memset(plan->state, 0, BLOCK);
	if (!chain_blocks(ff1, plan->state, p, BLOCK) || !chain_blocks(ff1, plan->state, begin, whole))
		return false;
	memcpy(plan->rest, begin + whole, BLOCK);
	plan->start = load_block(plan->state) ^ load_block(plan->rest);
	for (int i = 0; i < 2 && plan->b <= SHORT_BYTES; i++)
	{
		plan->modulus[i] = 1;
		for (size_t j = 0; j < plan->half[i]; j++)
			plan->modulus[i] *= ff1->radix;
		if (plan->d == 8)
			plan->divisor[i] = make_divisor((uint64_t) plan->modulus[i]);
	}
	plan->n = n;
	return true;
}

/* The value of m numerals, m digits of which fit in 96 bits. */
static Wide
to_wide(uint32_t radix, const uint16_t *numerals, size_t m)
{
	Wide		number = 0;

	for (size_t i = 0; i < m; i++)
		number = number * radix + numerals[i];
	return number;
}

/* Its numerals again; small: it is below 2^64 whatever they are. */
static void
from_wide(const PhigFf1 *ff1, Wide number, bool small, uint16_t *numerals, size_t m)
{
	uint64_t	low = (uint64_t) number;
	uint64_t	numeral;

	while (m-- > 0)
	{
		if (small)
			low = divide(low, ff1->radix_divisor, &numeral);
		else
		{
			numeral = (uint64_t) (number % ff1->radix);
			number /= ff1->radix;
		}
		numerals[m] = (uint16_t) numeral;
	}
}

/* y modulo radix^m for round i, the short way; other is the half that is not changed. */
static bool
short_round(PhigFf1 *ff1, int i, Wide other, Wide *y)
{
	const Plan *plan = &ff1->plan;
	uint8_t		block[BLOCK];

	store_block(block, plan->start ^ (Wide) i << 8 * plan->b ^ other);
	if (!phig_aes_encrypt(ff1->aes, block, BLOCK))
		return false;
	if (plan->d == 8)
	{
		uint64_t	remainder;

		divide(phig_load64(block), plan->divisor[i % 2], &remainder);
		*y = remainder;
	}
	else
		*y = (load_block(block) >> 8 * (BLOCK - plan->d)) % plan->modulus[i % 2];
	return true;
}

/* All rounds, where b <= SHORT_BYTES. */
static bool
short_way(PhigFf1 *ff1, bool encrypt, const uint16_t *in, uint16_t *out)
{
	const Plan *plan = &ff1->plan;
	bool		small = plan->b <= 8;
	Wide		halves[2];
	Wide		y;

	halves[0] = to_wide(ff1->radix, in, plan->half[0]);
	halves[1] = to_wide(ff1->radix, in + plan->half[0], plan->half[1]);
	for (int round = 0; round < ROUNDS; round++)
	{
		int			i = encrypt ? round : ROUNDS - 1 - round;
		int			changed = i % 2;
		Wide		modulus = plan->modulus[changed];
		Wide		sum;

		if (!short_round(ff1, i, halves[1 - changed], &y))
			return false;
		sum = halves[changed] + (encrypt ? y : modulus - y);
		halves[changed] = sum - (-(Wide) (sum >= modulus) & modulus);
	}
	from_wide(ff1, halves[0], small, out, plan->half[0]);
	from_wide(ff1, halves[1], small, out + plan->half[0], plan->half[1]);
	return true;
}

/* S of round i, d bytes; other has the m numerals of the half that is not changed. */
static bool
long_round(PhigFf1 *ff1, int i, const uint16_t *other, size_t m, uint8_t s[MAX_S_BYTES])
{
	const Plan *plan = &ff1->plan;
	uint32_t	limbs[MAX_LIMBS];
	uint8_t		q[MAX_Q_BYTES] = {0};
	size_t		q_len = (plan->b + BLOCK) / BLOCK * BLOCK;
	size_t		n_limbs = to_limbs(ff1->radix, other, m, limbs);
	uint8_t		r[BLOCK];
	uint8_t		block[BLOCK];
	bool		done;

	memcpy(q, plan->rest, BLOCK);
	q[q_len - 1 - plan->b] = (uint8_t) i;
	for (size_t j = 0; j < plan->b && j / 4 < n_limbs; j++)
		q[q_len - 1 - j] = (uint8_t) (limbs[j / 4] >> j % 4 * 8);

	memcpy(r, plan->state, BLOCK);
	done = chain_blocks(ff1, r, q, q_len);
	memcpy(s, r, BLOCK);
	for (size_t j = 1; done && j * BLOCK < plan->d; j++)
	{
		memset(block, 0, BLOCK);
		phig_store64(block + 8, j);
		phig_aes_xor(block, r);
		done = phig_aes_encrypt(ff1->aes, block, BLOCK);
		memcpy(s + j * BLOCK, block, BLOCK);
	}
	return done;
}

/* Divide a number, the most significant limb first, by the radix; the remainder: its next numeral. */
static uint32_t
next_numeral(uint32_t radix, uint32_t *limbs, size_t n_limbs)
{
	uint64_t	rest = 0;

	for (size_t j = 0; j < n_limbs; j++)
	{
		rest = rest << 32 | limbs[j];
		limbs[j] = (uint32_t) (rest / radix);
		rest %= radix;
	}
	return (uint32_t) rest;
}

/*
 * Add y to m numerals modulo radix^m, or subtract it: numeral by numeral from the end, the last carry
 * dropped.
 */
static void
add_number(uint32_t radix, const uint8_t *y, size_t d, bool subtract, uint16_t *numerals, size_t m)
{
	uint32_t	limbs[MAX_LIMBS + 1];
	uint32_t	carry = subtract;

	memset(limbs, 0, sizeof(limbs));
	for (size_t j = 0; j < d; j++)
		limbs[j / 4] = limbs[j / 4] << 8 | y[j];

	/* To subtract is to add the complement of each numeral, and one. */
	while (m-- > 0)
	{
		uint32_t	numeral = next_numeral(radix, limbs, d / 4);
		uint32_t	sum = numerals[m] + carry + (subtract ? radix - 1 - numeral : numeral);

		carry = sum >= radix;
		numerals[m] = (uint16_t) (sum - (-carry & radix));
	}
}

/* All rounds, halves of any length. */
static bool
long_way(PhigFf1 *ff1, bool encrypt, const uint16_t *in, uint16_t *out)
{
	const Plan *plan = &ff1->plan;
	uint8_t		s[MAX_S_BYTES];
	uint16_t   *halves[2] = {out, out + plan->half[0]};
	bool		done = true;

	if (out != in)
		memcpy(out, in, plan->n * sizeof(uint16_t));
	for (int round = 0; done && round < ROUNDS; round++)
	{
		int			i = encrypt ? round : ROUNDS - 1 - round;
		int			changed = i % 2;

		done = long_round(ff1, i, halves[1 - changed], plan->half[1 - changed], s);
		if (done)
			add_number(ff1->radix, s, plan->d, !encrypt, halves[changed], plan->half[changed]);
	}
	return done;
}

static PhigFf1Result
apply(PhigFf1 *ff1, bool encrypt, const void *tweak, size_t tweak_len,
	  const uint16_t *in, size_t n, uint16_t *out)
{
	uint32_t	outside = 0;

	if (n < ff1->min_length || n > PHIG_FF1_MAX_NUMERALS || tweak_len > PHIG_FF1_MAX_TWEAK_BYTES)
		return PHIG_FF1_NOT_VALID;
	for (size_t i = 0; i < n; i++)
		outside |= in[i] >= ff1->radix;
	if (outside)
		return PHIG_FF1_NOT_VALID;
	if (!make_plan(ff1, n, tweak, tweak_len))
		return PHIG_FF1_FAILED;
	if (ff1->plan.b <= SHORT_BYTES ? short_way(ff1, encrypt, in, out) : long_way(ff1, encrypt, in, out))
		return PHIG_FF1_OK;
	return PHIG_FF1_FAILED;
}

PhigFf1Result
phig_ff1_encrypt(PhigFf1 *ff1, const void *tweak, size_t tweak_len,
				 const uint16_t *in, size_t n, uint16_t *out)
{
	return apply(ff1, true, tweak, tweak_len, in, n, out);
}

PhigFf1Result
phig_ff1_decrypt(PhigFf1 *ff1, const void *tweak, size_t tweak_len,
				 const uint16_t *in, size_t n, uint16_t *out)
{
	return apply(ff1, false, tweak, tweak_len, in, n, out);
}
