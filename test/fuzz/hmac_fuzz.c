/* sources: src/crypto/hmac.c */
/*
 * hmac_fuzz.c
 *		HMAC-SHA-256 and HKDF-SHA-256 against their published vectors, and in use.
 *
 * The vectors are read from test/data/spec_vectors, a key and a value a line; run from
 * the top of the checkout.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hmac.h"

#define MAX_BYTES 256
#define DIRECTORY "test/data/spec_vectors/"

typedef struct PhigBytes
{
	uint8_t		data[MAX_BYTES];
	size_t		len;
} PhigBytes;

/* One vector of either file: what its lines have said. */
typedef struct PhigVector
{
	char		source[64];
	PhigBytes	key,
				data,
				mac,
				salt,
				info,
				okm;
} PhigVector;

static int	failures = 0;

static void
fail(const char *what, const char *source)
{
	fprintf(stderr, "not ok: %s: %s\n", what, source);
	failures++;
}

static void
from_hex(const char *hex, PhigBytes *bytes)
{
	unsigned	byte;

	for (bytes->len = 0; sscanf(hex + 2 * bytes->len, "%2x", &byte) == 1; bytes->len++)
	{
		if (bytes->len == MAX_BYTES)
			abort();
		bytes->data[bytes->len] = (uint8_t) byte;
	}
}

/*  "name": "value",  into the member of that name. */
static void
read_member(const char *line, PhigVector *vector)
{
	char		name[32];
	char		value[2 * MAX_BYTES + 1] = "";

	if (sscanf(line, " \"%31[^\"]\": \"%512[^\"]\"", name, value) < 1)
		return;
	if (strcmp(name, "source") == 0)
		snprintf(vector->source, sizeof(vector->source), "%.63s", value);
	else if (strcmp(name, "key") == 0 || strcmp(name, "ikm") == 0)
		from_hex(value, &vector->key);
	else if (strcmp(name, "data") == 0)
		from_hex(value, &vector->data);
	else if (strcmp(name, "mac") == 0)
		from_hex(value, &vector->mac);
	else if (strcmp(name, "salt") == 0)
		from_hex(value, &vector->salt);
	else if (strcmp(name, "info") == 0)
		from_hex(value, &vector->info);
	else if (strcmp(name, "okm") == 0)
		from_hex(value, &vector->okm);
}

/* Call check for each vector of a file; their number. */
static int
each_vector(const char *path, void (*check) (const PhigVector *))
{
	FILE	   *file = fopen(path, "r");
	char		line[1024];
	PhigVector	vector;
	int			n = 0;

	if (file == NULL)
	{
		perror(path);
		exit(1);
	}
	memset(&vector, 0, sizeof(vector));
	while (fgets(line, sizeof(line), file) != NULL)
	{
		read_member(line, &vector);
		if (strchr(line, '}') != NULL)
		{
			check(&vector);
			memset(&vector, 0, sizeof(vector));
			n++;
		}
	}
	fclose(file);
	return n;
}

/* RFC 4231 test case 5 gives the first 16 bytes only. */
static void
check_hmac(const PhigVector *v)
{
	PhigHmac   *hmac = phig_hmac_create(v->key.data, v->key.len);
	uint8_t		first[PHIG_HMAC_BYTES];
	uint8_t		other[PHIG_HMAC_BYTES];
	uint8_t		again[PHIG_HMAC_BYTES];

	if (hmac == NULL || v->mac.len < 16 ||
		!phig_hmac_compute(hmac, v->data.data, v->data.len, first) ||
		!phig_hmac_compute(hmac, "", 0, other) ||
		!phig_hmac_compute(hmac, v->data.data, v->data.len, again))
		fail("hmac refused", v->source);
	else if (memcmp(first, v->mac.data, v->mac.len) != 0)
		fail("hmac", v->source);
	else if (memcmp(first, again, sizeof(first)) != 0 || memcmp(first, other, sizeof(first)) == 0)
		fail("a second use of the same key", v->source);
	phig_hmac_free(hmac);
}

static void
check_hkdf(const PhigVector *v)
{
	uint8_t		out[MAX_BYTES];

	if (v->okm.len == 0 ||
		!phig_hkdf(v->key.data, v->key.len, v->salt.data, v->salt.len,
				   v->info.data, v->info.len, out, v->okm.len))
		fail("hkdf refused", v->source);
	else if (memcmp(out, v->okm.data, v->okm.len) != 0)
		fail("hkdf", v->source);
}

int
main(void)
{
	int			hmacs = each_vector(DIRECTORY "hmac_sha256_rfc4231.json", check_hmac);
	int			hkdfs = each_vector(DIRECTORY "hkdf_sha256_rfc5869.json", check_hkdf);

	if (hmacs != 7 || hkdfs != 3)
		fail("vectors are missing", DIRECTORY);
	printf("%d HMAC and %d HKDF vectors\n", hmacs, hkdfs);
	return failures > 0;
}
