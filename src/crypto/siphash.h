/*
 * siphash.h
 *		SipHash-2-4: a keyed hash that is fast for short input.
 *
 * Source: J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF" (2012); its test vectors are in
 * test/fuzz/siphash_fuzz.c.  OpenSSL has it too, at many times the cost for so few bytes.
 */
#ifndef PHIG_SIPHASH_H
#define PHIG_SIPHASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t
phig_rotate64(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

#define PHIG_SIPROUND(v) \
	do { \
		(v)[0] += (v)[1]; (v)[2] += (v)[3]; \
		(v)[1] = phig_rotate64((v)[1], 13) ^ (v)[0]; (v)[3] = phig_rotate64((v)[3], 16) ^ (v)[2]; \
		(v)[0] = phig_rotate64((v)[0], 32); \
		(v)[2] += (v)[1]; (v)[0] += (v)[3]; \
		(v)[1] = phig_rotate64((v)[1], 17) ^ (v)[2]; (v)[3] = phig_rotate64((v)[3], 21) ^ (v)[0]; \
		(v)[2] = phig_rotate64((v)[2], 32); \
	} while (0)

static inline void
phig_sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	PHIG_SIPROUND(v);
	PHIG_SIPROUND(v);
	v[0] ^= word;
}

static inline void
phig_sip_begin(const uint64_t key[2], uint64_t v[4])
{
	v[0] = key[0] ^ UINT64_C(0x736f6d6570736575);
	v[1] = key[1] ^ UINT64_C(0x646f72616e646f6d);
	v[2] = key[0] ^ UINT64_C(0x6c7967656e657261);
	v[3] = key[1] ^ UINT64_C(0x7465646279746573);
}

static inline uint64_t
phig_sip_end(uint64_t v[4])
{
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		PHIG_SIPROUND(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Up to 7 bytes as a word. */
static inline uint64_t
phig_sip_rest(const uint8_t *p, size_t len)
{
	uint64_t	rest = 0;
	uint32_t	first;
	uint32_t	last;

	if (len >= 4)
	{
		memcpy(&first, p, 4);
		memcpy(&last, p + len - 4, 4);
		return first | (uint64_t) last << (8 * (len - 4));
	}
	for (size_t i = 0; i < len; i++)
		rest |= (uint64_t) p[i] << (8 * i);
	return rest;
}

/* Of one word: all inputs have that length, which therefore says nothing. */
static inline uint64_t
phig_siphash_word(const uint64_t key[2], uint64_t word)
{
	uint64_t	v[4];

	phig_sip_begin(key, v);
	phig_sip_word(v, word);
	return phig_sip_end(v);
}

/* key[0] and data as little-endian words, as the machine has them. */
static inline uint64_t
phig_siphash(const uint64_t key[2], const void *data, size_t len)
{
	uint64_t	v[4];
	const uint8_t *p = data;
	const uint64_t length = (uint64_t) len << 56;
	uint64_t	word;

	phig_sip_begin(key, v);
	for (; len >= 8; len -= 8, p += 8)
	{
		memcpy(&word, p, 8);
		phig_sip_word(v, word);
	}
	phig_sip_word(v, phig_sip_rest(p, len) | length);
	return phig_sip_end(v);
}

#endif
