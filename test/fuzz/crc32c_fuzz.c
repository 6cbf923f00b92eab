/* sources: src/journal/crc32c.c */
/*
 * crc32c_fuzz.c
 *		CRC-32C against RFC 3720, appendix B.4, and a table of its own: every length and alignment.
 */
#include <stdio.h>

#include "journal/crc32c.h"
#include "../lib/bytes.h"

#define LONGEST 1200			/* several blocks of three thirds, and what is left of one */
#define ALIGNMENTS 8

static int	failures = 0;

static void
expect(uint32_t expected, const uint8_t *data, size_t len, const char *what)
{
	uint32_t	crc = phig_crc32c(data, len);

	if (crc == expected)
		return;
	printf("%s, %zu bytes: %08x in place of %08x\n", what, len, crc, expected);
	failures++;
}

static void
check_vectors(void)
{
	uint8_t		zeros[32];
	uint8_t		ones[32];
	uint8_t		up[32];
	uint8_t		down[32];

	for (int i = 0; i < 32; i++)
	{
		zeros[i] = 0;
		ones[i] = 0xff;
		up[i] = (uint8_t) i;
		down[i] = (uint8_t) (31 - i);
	}
	expect(0x8a9136aa, zeros, 32, "zeros");
	expect(0x62a8ab43, ones, 32, "ones");
	expect(0x46dd794e, up, 32, "0 to 31");
	expect(0x113fdb5c, down, 32, "31 to 0");
}

int
main(void)
{
	static uint8_t data[ALIGNMENTS + 65536];
	int			compared = 0;

	check_vectors();
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t) any(256);
	for (size_t begin = 0; begin < ALIGNMENTS; begin++)
	{
		for (size_t len = 0; len <= LONGEST; len++, compared++)
			expect(crc32c(data + begin, len), data + begin, len, "by chance");
		expect(crc32c(data + begin, 65536), data + begin, 65536, "the longest record");
	}
	printf("4 vectors, %d checksums compared with a table's\n", compared);
	return failures > 0;
}
