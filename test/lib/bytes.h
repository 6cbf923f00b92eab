/*
 * bytes.h
 *		What the tests' own writers of journals share: numbers by chance that are the same everywhere, CRC-32C
 *		by a table, little-endian numbers.  None of it is phiguard's, so that a fault there does not hide here.
 */
#ifndef PHIG_TEST_BYTES_H
#define PHIG_TEST_BYTES_H

#include <stddef.h>
#include <stdint.h>

static uint64_t random_state = 1;

static inline uint32_t
any(uint32_t below)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t) ((random_state >> 33) % below);
}

static inline uint32_t
crc32c(const void *data, size_t len)
{
	static uint32_t table[256];
	const uint8_t *p = data;
	uint32_t	crc = 0xffffffff;

	if (table[1] == 0)
		for (uint32_t i = 0; i < 256; i++)
		{
			uint32_t	c = i;

			for (int bit = 0; bit < 8; bit++)
				c = c & 1 ? c >> 1 ^ 0x82f63b78 : c >> 1;
			table[i] = c;
		}
	while (len-- > 0)
		crc = table[(crc ^ *p++) & 0xff] ^ crc >> 8;
	return crc ^ 0xffffffff;
}

static inline void
put(uint8_t *p, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (uint8_t) (value >> 8 * i);
}

#endif
