/*
 * shapes.h
 *		Identifiers that are known by their form: patterns, and what may start them.
 */
#ifndef PHIG_SHAPES_H
#define PHIG_SHAPES_H

#include "detect/pattern.h"
#include "detect/scan.h"

/*
 * What a shape needs before its pattern is tried.  A cluster is letters and digits without a
 * space or sign between them; a pattern is only tried where one begins.
 */
typedef struct PhigStart
{
	uint32		run_lengths;	/* bits: lengths of the run of digits (or of letters) that it
								 * begins with */
	const char *after;			/* what may follow that run: signs; a letter or digit as "a";
								 * space or the end as " " */
	uint32		cluster_lengths;	/* bits; 0: any */
	char		first;			/* 'd': a digit, 'a': a letter, else that sign itself */
} PhigStart;

typedef struct PhigShape PhigShape;

/* The score of a match; 0 when it is none.  words: tokens of the match. */
typedef float (*PhigJudge) (const PhigShape *shape, const PhigScan *scan, size_t start, size_t end, int first,
							int last);

struct PhigShape
{
	const char *name;
	const char *category;
	const char *kind;
	const char *pattern;
	uint32		options;		/* of PCRE2 */
	PhigStart	start;
	PhigJudge	judge;
	float		score;
	uint64		context;		/* classes that raise the score */
};

extern const PhigShape phig_shapes[];
extern const int phig_nshapes;

#endif
