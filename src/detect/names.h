/*
 * names.h
 *		Names of people: what names.c, name_weight.c and lowercase.c share.
 */
#ifndef PHIG_NAMES_H
#define PHIG_NAMES_H

#include "detect/person.h"

#define PHIG_MAX_NAME_TOKENS 10

/* A run of words that may be a name. */
typedef struct PhigNameRun
{
	int			first;			/* tokens */
	int			last;
	int			words;			/* of two letters or more */
	int			initials;
	float		weight;
	float		best;			/* weight of the word that weighs most */
	bool		comma;			/* LAST, FIRST */
} PhigNameRun;

/* A name without capitals from token i on.  capitals: the text has some.  Returns how many more tokens it took. */
extern int	phig_find_lower_name(PhigScan *scan, int i, bool capitals);

/* How much a word looks like a name: from -3 for a drug to 3 for a given name that is nothing else. */
extern float phig_name_weight(const PhigScan *scan, int i);

/* The score of a run, by its weight and what stands around it; 0: it is no name. */
extern float phig_judge_name(const PhigScan *scan, const PhigNameRun *run, PhigWitness evidence);

/*
 * "Parkinson disease", "Graves' disease", "Foley catheter"; "Bell's" before what is called after him.
 * alone: nothing speaks for a person.
 */
extern bool phig_is_eponym(const PhigScan *scan, const PhigNameRun *run, bool alone);

/* A letter that stands for a name: "Q", "Q.". */
extern bool phig_is_initial(const PhigScan *scan, int i);

/* Whether a letter of the word at token i was not ASCII. */
extern bool phig_is_accented(const PhigScan *scan, int i);

#endif
