/*
 * unite.h
 *		How many persons several set summaries are of, together.
 */
#ifndef PHIG_SUBJECT_UNITE_H
#define PHIG_SUBJECT_UNITE_H

#include "postgres.h"

/* A set summary (subject/token.h), and how many persons its writer counted. */
typedef struct PhigCountedSummary
{
	const uint8 *data;
	uint32		bytes;			/* a power of two, PHIG_SUMMARY_MAX_BYTES at most */
	uint64		persons;
} PhigCountedSummary;

/*
 * phig_summaries_unite
 *		Bounds of the number of persons who are in any of n summaries, which are put in another order.
 *
 * Whom several have counts once as far as their bits can tell, within some per cent; then both bounds are the same.
 * Where summaries are too full to tell, they have at least as many as one of them, at most as many as all together.
 * Memory: given back.  Errors: out of memory; an interrupt.
 */
extern void phig_summaries_unite(PhigCountedSummary *summaries, int n, uint64 *least, uint64 *most);

#endif
