/*
 * siphash_fuzz.c
 *		SipHash-2-4 against vectors of its authors: key 00 01 .. 0f, input 00 01 .. of each length.
 */
#include <stdio.h>

#include "crypto/siphash.h"

static const struct
{
	size_t		len;
	uint64_t	hash;
}			vectors[] = {
	{0, UINT64_C(0x726fdb47dd0e0e31)},
	{1, UINT64_C(0x74f839c593dc67fd)},
	{2, UINT64_C(0x0d6c8009d9a94f5a)},
	{3, UINT64_C(0x85676696d7fb7e2d)},
	{4, UINT64_C(0xcf2794e0277187b7)},
	{5, UINT64_C(0x18765564cd99a68d)},
	{6, UINT64_C(0xcbc9466e58fee3ce)},
	{7, UINT64_C(0xab0200f58b01d137)},
	{8, UINT64_C(0x93f5f5799a932462)},
	{9, UINT64_C(0x9e0082df0ba9e4b0)},
	{10, UINT64_C(0x7a5dbbc594ddb9f3)},
	{11, UINT64_C(0xf4b32f46226bada7)},
	{12, UINT64_C(0x751e8fbc860ee5fb)},
	{15, UINT64_C(0xa129ca6149be45e5)},
	{63, UINT64_C(0x958a324ceb064572)},
};

int
main(void)
{
	uint8_t		bytes[64];
	uint64_t	key[2];
	int			failures = 0;

	for (int i = 0; i < 64; i++)
		bytes[i] = (uint8_t) i;
	memcpy(key, bytes, sizeof(key));
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
	{
		/* At each alignment: the input is moved along. */
		for (int shift = 0; shift < 8; shift++)
		{
			uint8_t		moved[72];
			uint64_t	hash;

			memcpy(moved + shift, bytes, sizeof(bytes));
			hash = phig_siphash(key, moved + shift, vectors[i].len);
			if (hash == vectors[i].hash)
				continue;
			printf("%zu bytes: %016llx in place of %016llx\n", vectors[i].len, (unsigned long long) hash,
				   (unsigned long long) vectors[i].hash);
			failures++;
		}
	}
	return failures != 0;
}
