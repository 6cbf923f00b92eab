/*
 * unite.c
 *		How many persons several set summaries are of, together.
 *
 * Of a Bloom filter with a share z of its bits still zero, -ln(z) is in proportion to the number of its persons, also
 * where it is two filters laid over each other.  So the persons of both are to those that their writers counted, one
 * by one, as -ln(z) of both is to the sum of theirs; of two filters that are the same, that is exactly the half.
 * Filters of different sizes are folded to the smallest one before.
 *
 * Source: Swamidass and Baldi, Mathematical Correction for Fingerprint Similarity Measures to Improve Chemical
 * Retrieval, 2007.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "port/pg_bitutils.h"

#include "subject/token.h"
#include "subject/unite.h"

/* With fewer of the bits zero they tell too little: up to here the error is below 3 per cent of 2,000 persons. */
#define TOO_FEW(zeros, bytes) ((uint64) (zeros) * 256 < (uint64) (bytes) * 8)

/* The summary's bits beside those that are in to, which is smaller or as large. */
static void
lay_over(uint8 *to, uint32 bytes, const uint8 *data, uint32 data_bytes)
{
	for (uint32 i = 0; i < data_bytes; i++)
		to[i & (bytes - 1)] |= data[i];
}

static uint32
zeros_of(const uint8 *bits, uint32 bytes)
{
	return bytes * 8 - (uint32) pg_popcount((const char *) bits, (int) bytes);
}

static double
weight_of(const uint8 *bits, uint32 bytes)
{
	return -log((double) zeros_of(bits, bytes) / ((double) bytes * 8));
}

static int
compare_sizes(const void *a, const void *b)
{
	uint32		x = ((const PhigCountedSummary *) a)->bytes;
	uint32		y = ((const PhigCountedSummary *) b)->bytes;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* How many of n summaries, the first one and those behind it, leave enough zeros where they lie over each other. */
static int
find_group(const PhigCountedSummary *summaries, int n)
{
	uint8	   *all = palloc(PHIG_SUMMARY_MAX_BYTES);
	uint8	   *next = palloc(PHIG_SUMMARY_MAX_BYTES);
	int			end = 1;

	memcpy(all, summaries[0].data, summaries[0].bytes);
	for (; end < n; end++)
	{
		uint32		bytes = summaries[end].bytes;

		CHECK_FOR_INTERRUPTS();
		memcpy(next, summaries[end].data, bytes);
		lay_over(next, bytes, all, summaries[end - 1].bytes);
		if (TOO_FEW(zeros_of(next, bytes), bytes))
			break;
		memcpy(all, next, bytes);
	}
	pfree(all);
	pfree(next);
	return end;
}

/* Persons of n summaries that leave enough zeros. */
static uint64
count_group(const PhigCountedSummary *summaries, int n)
{
	uint32		bytes = summaries[n - 1].bytes;
	uint8	   *all = palloc0(bytes);
	uint8	   *one = palloc(bytes);
	double		counted = 0;
	double		weights = 0;
	uint64		most = 0;
	double		together;

	for (int i = 0; i < n; i++)
	{
		memset(one, 0, bytes);
		lay_over(one, bytes, summaries[i].data, summaries[i].bytes);
		lay_over(all, bytes, one, bytes);
		weights += weight_of(one, bytes);
		counted += (double) summaries[i].persons;
		most = Max(most, summaries[i].persons);
	}
	together = weights > 0 ? counted * weight_of(all, bytes) / weights : counted;
	pfree(all);
	pfree(one);
	return together >= (double) PG_INT64_MAX ? PG_INT64_MAX : Max(most, (uint64) rint(together));
}

void
phig_summaries_unite(PhigCountedSummary *summaries, int n, uint64 *least, uint64 *most)
{
	*least = *most = 0;
	/* The larger ones first: beside a small one they would be folded until they tell nothing. */
	qsort(summaries, n, sizeof(PhigCountedSummary), compare_sizes);
	for (int i = 0; i < n;)
	{
		int			size = find_group(&summaries[i], n - i);
		uint64		persons = size == 1 ? summaries[i].persons : count_group(&summaries[i], size);

		/* Nobody counts so many, but a forger may write it. */
		persons = Min(persons, PG_INT64_MAX);
		*least = Max(*least, persons);
		*most = Min(*most + persons, PG_INT64_MAX);
		i += size;
	}
}
