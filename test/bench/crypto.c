/*
 * crypto.c
 *		What a value costs in HMAC, SIV and FF1, beside the calls of OpenSSL that it cannot do
 *		without, and beside OpenSSL's own way to the same end where it has one.
 *
 * Both are run turn by turn, so that whatever else the machine does hits both; times are CPU time.
 *
 * usage: crypto ROUNDS BATCH
 *
 * Prints lines of a markdown table: median nanoseconds a value of A and of B, values a second of B,
 * median and quartiles of the rounds' ratios B/A.  The values have 11 bytes (9 digits for FF1) and
 * change from one to the next.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/aes.h"
#include "crypto/ff1.h"
#include "crypto/hmac.h"
#include "crypto/siv.h"

#define VALUE_BYTES 11

typedef void (*Work) (int n);

static uint8_t key[PHIG_SIV_KEY_BYTES] = {1, 2, 3};
static EVP_CIPHER_CTX *aes;
static EVP_CIPHER_CTX *raw_siv;
static EVP_CIPHER *raw_siv_algorithm;
static EVP_MAC_CTX *raw_hmac;
static PhigHmac *hmac;
static PhigSiv *siv;
static PhigFf1 *ff1;
static uint8_t sink[64];

static void
require(int done)
{
	if (!done)
	{
		fprintf(stderr, "OpenSSL refuses\n");
		exit(1);
	}
}

/* A social security number. */
static void
make_value(int i, char value[VALUE_BYTES])
{
	memcpy(value, "000-00-0000", VALUE_BYTES);
	for (int at = VALUE_BYTES - 1; i > 0; i /= 10, at -= at == 7 || at == 4 ? 2 : 1)
		value[at] = (char) ('0' + i % 10);
}

static void
openssl_hmac(int n)
{
	char		value[VALUE_BYTES];
	size_t		len;

	for (int i = 0; i < n; i++)
	{
		make_value(i, value);
		require(EVP_MAC_init(raw_hmac, NULL, 0, NULL) && EVP_MAC_update(raw_hmac, (uint8_t *) value, VALUE_BYTES) &&
				EVP_MAC_final(raw_hmac, sink, &len, sizeof(sink)));
	}
}

static void
our_hmac(int n)
{
	char		value[VALUE_BYTES];

	for (int i = 0; i < n; i++)
	{
		make_value(i, value);
		require(phig_hmac_compute(hmac, value, VALUE_BYTES, sink));
	}
}

static void
blocks_of_aes(int n, int blocks)
{
	char		value[VALUE_BYTES];

	for (int i = 0; i < n; i++)
	{
		make_value(i, value);
		memcpy(sink, value, VALUE_BYTES);
		for (int j = 0; j < blocks; j++)
			require(phig_aes_encrypt(aes, sink, PHIG_AES_BLOCK_BYTES));
	}
}

static void
two_blocks(int n)
{
	blocks_of_aes(n, 2);
}

static void
ten_blocks(int n)
{
	blocks_of_aes(n, 10);
}

static void
openssl_siv(int n)
{
	char		value[VALUE_BYTES];
	int			len;

	for (int i = 0; i < n; i++)
	{
		make_value(i, value);
		require(EVP_EncryptInit_ex2(raw_siv, raw_siv_algorithm, key, NULL, NULL) &&
				EVP_EncryptUpdate(raw_siv, NULL, &len, (const uint8_t *) "patient.ssn", 11) &&
				EVP_EncryptUpdate(raw_siv, sink + 16, &len, (uint8_t *) value, VALUE_BYTES) &&
				EVP_EncryptFinal_ex(raw_siv, sink + 16, &len) &&
				EVP_CIPHER_CTX_ctrl(raw_siv, EVP_CTRL_AEAD_GET_TAG, 16, sink) == 1);
	}
}

static void
our_seal(int n)
{
	char		value[VALUE_BYTES];

	for (int i = 0; i < n; i++)
	{
		make_value(i, value);
		require(phig_siv_seal(siv, value, VALUE_BYTES, sink));
	}
}

static void
our_open(int n)
{
	uint8_t		value[VALUE_BYTES];

	require(phig_siv_seal(siv, "123-45-6789", VALUE_BYTES, sink));
	for (int i = 0; i < n; i++)
		require(phig_siv_open(siv, sink, VALUE_BYTES + PHIG_SIV_TAG_BYTES, value) == PHIG_SIV_OK);
}

static void
our_ff1(int n)
{
	uint16_t	numerals[9];

	for (int i = 0; i < n; i++)
	{
		for (int at = 8, rest = i; at >= 0; at--, rest /= 10)
			numerals[at] = (uint16_t) (rest % 10);
		require(phig_ff1_encrypt(ff1, "ssn", 3, numerals, 9, numerals) == PHIG_FF1_OK);
	}
}

/* Nanoseconds a value. */
static double
run(Work work, int batch)
{
	struct timespec start;
	struct timespec end;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	work(batch);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	return ((double) (end.tv_sec - start.tv_sec) * 1e9 + (double) (end.tv_nsec - start.tv_nsec)) / batch;
}

static int
by_size(const void *a, const void *b)
{
	double		difference = *(const double *) a - *(const double *) b;

	return difference < 0 ? -1 : difference > 0;
}

static void
compare(const char *name, const char *name_a, Work a, Work b, int rounds, int batch)
{
	double	   *of_a = calloc((size_t) rounds, sizeof(double));
	double	   *of_b = calloc((size_t) rounds, sizeof(double));
	double	   *ratio = calloc((size_t) rounds, sizeof(double));

	require(of_a != NULL && of_b != NULL && ratio != NULL);
	run(a, batch);
	run(b, batch);
	for (int i = 0; i < rounds; i++)
	{
		of_a[i] = i % 2 == 0 ? run(a, batch) : 0;
		of_b[i] = run(b, batch);
		if (i % 2 == 1)
			of_a[i] = run(a, batch);
		ratio[i] = of_b[i] / of_a[i];
	}
	qsort(of_a, (size_t) rounds, sizeof(double), by_size);
	qsort(of_b, (size_t) rounds, sizeof(double), by_size);
	qsort(ratio, (size_t) rounds, sizeof(double), by_size);
	printf("| %s | %s | %.0f | %.0f | %.2f million | %.2f (%.2f, %.2f) |\n",
		   name, name_a, of_a[rounds / 2], of_b[rounds / 2], 1000 / of_b[rounds / 2], ratio[rounds / 2], ratio[rounds / 4], ratio[rounds * 3 / 4]);
	free(of_a);
	free(of_b);
	free(ratio);
}

int
main(int argc, char **argv)
{
	int			rounds = argc > 1 ? atoi(argv[1]) : 21;
	int			batch = argc > 2 ? atoi(argv[2]) : 100000;
	PhigSivData context = {"patient.ssn", 11};
	OSSL_PARAM	params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]) {"SHA256"}, 0),
		OSSL_PARAM_construct_end()
	};

	aes = phig_aes_create("ECB", key, 32);
	raw_siv_algorithm = EVP_CIPHER_fetch(NULL, "AES-256-SIV", NULL);
	raw_siv = EVP_CIPHER_CTX_new();
	raw_hmac = EVP_MAC_CTX_new(EVP_MAC_fetch(NULL, "HMAC", NULL));
	require(aes != NULL && raw_siv_algorithm != NULL &&
			raw_siv != NULL && raw_hmac != NULL && EVP_MAC_init(raw_hmac, key, 32, params));
	hmac = phig_hmac_create(key, 32);
	siv = phig_siv_create(key, sizeof(key));
	ff1 = phig_ff1_create(key, PHIG_FF1_KEY_BYTES, 10);
	require(hmac != NULL && siv != NULL && ff1 != NULL && phig_siv_set_context(siv, &context, 1));

	compare("HMAC-SHA-256", "EVP_MAC", openssl_hmac, our_hmac, rounds, batch);
	compare("SIV, seal", "two blocks of AES", two_blocks, our_seal, rounds, batch);
	compare("SIV, seal", "EVP AES-256-SIV", openssl_siv, our_seal, rounds, batch);
	compare("SIV, open", "two blocks of AES", two_blocks, our_open, rounds, batch);
	compare("FF1, 9 digits", "ten blocks of AES", ten_blocks, our_ff1, rounds, batch);
	return 0;
}
