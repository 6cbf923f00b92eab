/*
 * crc32c.c
 *		CRC-32C (Castagnoli, RFC 3720) by the processor's instructions where it has them.
 *
 * PostgreSQL's runs the instruction over one word after the other, each waiting
 * three cycles for the one before.  Here three run side by side, over the thirds of a
 * block, and a multiplication without carries puts them together.  What is no whole
 * words, and other processors, are left to PostgreSQL's.  Belongs to the server and
 * to phiguard-verify, and so includes neither's postgres.h.
 *
 * Source: V. Gopal and others, Fast CRC Computation for iSCSI Polynomial Using CRC32
 * Instruction, Intel, 2011.
 */
#include "c.h"

#include "journal/crc32c.h"
#include "port/pg_crc32c.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define WORD_BYTES 8
#define THIRD_BYTES 64
/*
 * A checksum times these is that of the same bytes and 64, or 128, zeros behind them: x^(8 * 64 - 33) and
 * x^(8 * 128 - 33) modulo the polynomial, the lowest power in the highest bit.  Reducing the product with the
 * checksum instruction multiplies by the x^33 that is missing.
 */
#define BEFORE_ONE_THIRD UINT64CONST(0x9e4addf8)
#define BEFORE_TWO_THIRDS UINT64CONST(0x0d3b6092)

static inline uint64
word_at(const uint8 *p)
{
	uint64		word;

	memcpy(&word, p, sizeof(word));
	return word;
}

__attribute__((target("sse4.2,pclmul")))
static inline __m128i
multiply(uint64 a, uint64 b)
{
	return _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64) a), _mm_cvtsi64_si128((int64) b), 0);
}

/* len: a multiple of WORD_BYTES. */
__attribute__((target("sse4.2,pclmul")))
static uint32
crc_of_words(const uint8 *p, size_t len)
{
	uint64		crc = PG_UINT32_MAX;

	for (; len >= 3 * THIRD_BYTES; p += 3 * THIRD_BYTES, len -= 3 * THIRD_BYTES)
	{
		uint64		second = 0;
		uint64		third = 0;
		__m128i		before;

		for (int i = 0; i < THIRD_BYTES; i += WORD_BYTES)
		{
			crc = _mm_crc32_u64(crc, word_at(p + i));
			second = _mm_crc32_u64(second, word_at(p + THIRD_BYTES + i));
			third = _mm_crc32_u64(third, word_at(p + 2 * THIRD_BYTES + i));
		}
		before = _mm_xor_si128(multiply(crc, BEFORE_TWO_THIRDS), multiply(second, BEFORE_ONE_THIRD));
		crc = _mm_crc32_u64(0, (uint64) _mm_cvtsi128_si64(before)) ^ third;
	}
	for (; len > 0; p += WORD_BYTES, len -= WORD_BYTES)
		crc = _mm_crc32_u64(crc, word_at(p));
	return (uint32) crc ^ PG_UINT32_MAX;
}

static inline bool
can_take_words(size_t len)
{
	return len % WORD_BYTES == 0 && __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

#endif

uint32_t
phig_crc32c(const void *data, size_t len)
{
	pg_crc32c	crc;

#if defined(__x86_64__) && defined(__GNUC__)
	if (can_take_words(len))
		return crc_of_words(data, len);
#endif
	INIT_CRC32C(crc);
	COMP_CRC32C(crc, data, len);
	FIN_CRC32C(crc);
	return crc;
}
