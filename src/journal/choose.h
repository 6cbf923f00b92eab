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

/*
 * phig_choose_executions
 *		Put the numbers of their start records, or events, into a hash table of such numbers.
 *
 * clause: of phig_search_by_names; the executions whose records of persons in this segment fulfil it.  -1: by start
 *         records and their definitions.  Of what the other of the two says nothing is known yet.
 * summary: the segment's, so that only blocks are read that may fulfil the clause; NULL: all of it is.
 * Selects the file.
 */
extern void phig_choose_executions(PhigSource *source, int index, const PhigSearch *search, int clause,
								   const PhigSummary *summary, HTAB *chosen);

#endif
