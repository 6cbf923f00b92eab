/* sources: src/crypto/hmac.c src/crypto/siv.c src/crypto/ff1.c src/crypto/keywrap.c src/crypto/aes.c */
/*
 * providers_fuzz.c
 *		The primitives where OpenSSL's configuration provides no algorithm at all: they say so.
 */
#include <openssl/provider.h>

#include "crypto/ff1.h"
#include "crypto/hmac.h"
#include "crypto/keywrap.h"
#include "crypto/siv.h"
#include "vectors.h"

int
main(void)
{
	static const uint8_t key[PHIG_SIV_KEY_BYTES] = {1};
	uint8_t		out[PHIG_KEYWRAP_BYTES];

	/* Whoever loads a provider gets no other by default. */
	OSSL_PROVIDER *none = OSSL_PROVIDER_load(NULL, "null");

	if (none == NULL)
		fail("the null provider", "load");
	for (int i = 0; i < 2; i++)
	{
		if (phig_hmac_create(key, 32) != NULL)
			fail("created", "hmac");
		if (phig_hkdf(key, 32, NULL, 0, "x", 1, out, sizeof(out)))
			fail("derived", "hkdf");
		if (phig_siv_create(key, PHIG_SIV_KEY_BYTES) != NULL)
			fail("created", "siv");
		if (phig_ff1_create(key, PHIG_FF1_KEY_BYTES, 10) != NULL)
			fail("created", "ff1");
		memset(out, 0xee, sizeof(out));
		if (phig_keywrap(key, key, out))
			fail("wrapped", "keywrap");
		for (size_t j = 0; j < sizeof(out); j++)
			if (out[j] != 0)
				fail("something is left", "keywrap");
		if (phig_keyunwrap(key, key, out))
			fail("unwrapped", "keywrap");
	}
	phig_hmac_free(NULL);
	phig_siv_free(NULL);
	phig_ff1_free(NULL);
	OSSL_PROVIDER_unload(none);
	printf("nothing works without algorithms, and nothing crashes\n");
	return failures > 0;
}
