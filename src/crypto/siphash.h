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

/* key[0] and data as little-endian words, as the machine has them. */
static inline uint64_t
phig_siphash(const uint64_t key[2], const void *data, size_t len)
{
	uint64_t	v[4] = {
		key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
		key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)
	};
	const uint8_t *p = data;
	uint64_t	word;
	uint64_t	rest = (uint64_t) len << 56;

	for (; len >= 8; len -= 8, p += 8)
	{
		memcpy(&word, p, 8);
		phig_sip_word(v, word);
	}
	for (size_t i = 0; i < len; i++)
		rest |= (uint64_t) p[i] << (8 * i);
	phig_sip_word(v, rest);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		PHIG_SIPROUND(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
