/*
 * detect.c
 *		What searching notes costs, beside PCRE2 with the same patterns one after the other.
 *
 * A compiles the patterns of shapes.c with JIT and looks for each in the whole text by itself, with
 * no check digit, word or name looked at.  B is the engine with all it does.  Both are run turn by turn, so that whatever
 * else the machine does hits both; times are CPU time.
 *
 * usage: detect ROUNDS DICTIONARY TEXT-FILE
 *
 * Prints lines of a markdown table: median MB a second of A and B, median and quartiles of the rounds'
 * ratios of speed B/A.
 */
#include "postgres.h"

#include <time.h>

#include "../fuzz/fuzz.h"

#include "detect/shapes.h"

static pcre2_code * codes[64];
static char *notes;
static size_t len;

/* What the shim calls for one input, and then frees the memory of. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	PhigDetectOptions options = {.decode = phig_decode_utf8, .min_score = PHIG_DETECT_MIN_SCORE};

	return phig_detect((const char *) data, size, &options)->n > 0 ? 0 : 1;
}

static void
engine(void)
{
	phig_fuzz_one((const uint8_t *) notes, len);
}

static void
patterns(void)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);

	for (int i = 0; i < phig_nshapes; i++)
		for (size_t at = 0; at < len && pcre2_jit_match(codes[i], (PCRE2_SPTR) notes, len, at, 0, data, NULL) >= 0;)
			at = pcre2_get_ovector_pointer(data)[1];
	pcre2_match_data_free(data);
}

static void
compile(void)
{
	for (int i = 0; i < phig_nshapes; i++)
	{
		int			error;
		PCRE2_SIZE	offset;

		codes[i] = pcre2_compile((PCRE2_SPTR) phig_shapes[i].pattern, PCRE2_ZERO_TERMINATED,
								 phig_shapes[i].options, &error, &offset, NULL);
		if (codes[i] == NULL || pcre2_jit_compile(codes[i], PCRE2_JIT_COMPLETE) != 0)
		{
			fprintf(stderr, "no JIT here\n");
			exit(1);
		}
	}
}

static double
megabytes_a_second(void (*work) (void))
{
	struct timespec start,
				end;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	work();
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	return len / 1e6 / ((end.tv_sec - start.tv_sec) + (end.tv_nsec - start.tv_nsec) / 1e9);
}

static int
by_size(const void *a, const void *b)
{
	double		difference = *(const double *) a - *(const double *) b;

	return difference < 0 ? -1 : difference > 0;
}

static void
read_text(const char *path)
{
	FILE	   *file = fopen(path, "rb");

	if (file == NULL || fseek(file, 0, SEEK_END) != 0)
	{
		fprintf(stderr, "no %s\n", path);
		exit(1);
	}
	len = ftell(file);
	rewind(file);
	notes = malloc(len + 1);
	if (fread(notes, 1, len, file) != len)
		exit(1);
	fclose(file);
}

int
main(int argc, char **argv)
{
	int			rounds = argc == 4 ? atoi(argv[1]) : 0;
	double	   *of_a = calloc(rounds + 1, sizeof(double));
	double	   *of_b = calloc(rounds + 1, sizeof(double));
	double	   *ratios = calloc(rounds + 1, sizeof(double));

	if (rounds < 1)
	{
		fprintf(stderr, "usage: detect ROUNDS DICTIONARY TEXT-FILE\n");
		return 1;
	}
	phig_dictionary_open(argv[2]);
	read_text(argv[3]);
	compile();
	engine();
	for (int i = 0; i < rounds; i++)
	{
		of_a[i] = megabytes_a_second(patterns);
		of_b[i] = megabytes_a_second(engine);
		ratios[i] = of_b[i] / of_a[i];
	}
	qsort(of_a, rounds, sizeof(double), by_size);
	qsort(of_b, rounds, sizeof(double), by_size);
	qsort(ratios, rounds, sizeof(double), by_size);
	printf("| notes, %.1f MB, %d patterns | %.1f | %.1f | **%.2f** (%.2f-%.2f) |\n", len / 1e6, phig_nshapes,
		   of_a[rounds / 2],
		   of_b[rounds / 2], ratios[rounds / 2], ratios[rounds / 4], ratios[rounds * 3 / 4]);
	return 0;
}
