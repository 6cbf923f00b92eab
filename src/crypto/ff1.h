/*
 * ff1.h
 *		Format-preserving encryption: FF1 (NIST SP 800-38G, section 6.1) over OpenSSL's AES.
 *
 * A string of n numerals becomes another string of n numerals of the same radix, and back.  Each
 * tweak makes another permutation of these strings.
 *
 * What it does not give:
 * - Authenticity: every string of numerals decrypts to something.
 * - Randomness: equal values under an equal tweak give equal results, which also keep their length.
 * - The strength of AES where there are few strings: whoever can ask for encryptions, or knows how
 *   values are distributed, learns from repetition and from trying; attacks on its ten rounds need
 *   the fewer pairs, the fewer strings there are.  Hence the least length: radix^n >= 1,000,000, as
 *   the drafts of SP 800-38G revision 1 demand (the edition of 2016 accepts 100).  It says nothing
 *   about the values that occur: a birth date has eight digits and some 40,000 likely values.
 * - Safe Harbor: the result is derived from the value.
 *
 * Control flow and memory accesses depend on lengths, radix and tweak, not on key or numerals.  Where
 * a half fits in 32 bits (up to 18 decimal digits) nothing is divided; longer strings need division,
 * by the processor or the compiler's 128-bit routine, whose time may depend on the numbers.
 *
 * Nothing of the server is included.
 */
#ifndef PHIG_FF1_H
#define PHIG_FF1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PHIG_FF1_KEY_BYTES 32
#define PHIG_FF1_MAX_RADIX 65536
#define PHIG_FF1_MAX_NUMERALS 512	/* a name, an address; SP 800-38G has 2^32 */
#define PHIG_FF1_MAX_TWEAK_BYTES 256

typedef struct PhigFf1 PhigFf1;

typedef enum PhigFf1Result
{
	PHIG_FF1_OK,
	PHIG_FF1_NOT_VALID,			/* length, numeral or tweak out of range: nothing was written */
	PHIG_FF1_FAILED				/* OpenSSL refuses */
} PhigFf1Result;

/* The least n that is accepted: 6 for radix 10, 4 for 36 and 62, 20 for 2. */
extern int	phig_ff1_min_length(uint32_t radix);

/*
 * phig_ff1_create
 *		Do the part that depends on the key alone.
 *
 * key:       the caller wipes it.
 * key_bytes: PHIG_FF1_KEY_BYTES; 16 and 24 are AES-128 and AES-192, for the vectors' sake.
 * radix:     2 to PHIG_FF1_MAX_RADIX; numerals are 0 to radix - 1.
 *
 * NULL when there is no such key length or radix, or OpenSSL refuses (no provider, no memory).
 * Memory:  OpenSSL's heap, wiped by phig_ff1_free.
 */
extern PhigFf1 *phig_ff1_create(const uint8_t *key, size_t key_bytes, uint32_t radix);

/*
 * phig_ff1_encrypt, phig_ff1_decrypt
 *		out = n numerals; it may be the same array as in.
 *
 * n:     phig_ff1_min_length(radix) to PHIG_FF1_MAX_NUMERALS.
 * tweak: any bytes, 0 to PHIG_FF1_MAX_TWEAK_BYTES of them.  A call with the tweak and n of the call
 *        before costs ten blocks of AES where a half fits in 96 bits (up to 56 decimal digits, or
 *        36 of radix 36); others cost some more.
 *
 * The result says whether it went well; out is not to be used when it did not.
 */
extern PhigFf1Result phig_ff1_encrypt(PhigFf1 *ff1, const void *tweak, size_t tweak_len,
									  const uint16_t *in, size_t n, uint16_t *out);
extern PhigFf1Result phig_ff1_decrypt(PhigFf1 *ff1, const void *tweak, size_t tweak_len,
									  const uint16_t *in, size_t n, uint16_t *out);

extern void phig_ff1_free(PhigFf1 *ff1);

#endif
