/*
 * choose.h
 *		Which executions of a segment a search may be for.
 */
#ifndef PHIG_CHOOSE_H
#define PHIG_CHOOSE_H

#include "postgres.h"

#include "utils/hsearch.h"

#include "journal/search.h"
#include "journal/source.h"

/* Is there a choice to make? */
extern bool phig_chooses(const PhigSearch *search);

/*
 * phig_choose_executions
 *		Put the numbers of their start records, or events, into a hash table of such numbers.
 *
 * By the persons that are named in this segment where the search is for some, else by start records and their
 * definitions; of what the other of the two says nothing is known yet.  Selects the file.
 * summary: the segment's, so that only blocks are read that may name the persons; NULL: all of it is.
 */
extern void phig_choose_executions(PhigSource *source, int index, const PhigSearch *search,
								   const PhigSummary *summary, HTAB *chosen);

#endif
