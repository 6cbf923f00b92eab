/*
 * pick.h
 *		Which segments a search has to look into, by their summaries.
 */
#ifndef PHIG_PICK_H
#define PHIG_PICK_H

#include "postgres.h"

#include "utils/hsearch.h"

#include "journal/search.h"
#include "journal/source.h"

typedef struct PhigPick PhigPick;

/* For the files of a source.  Memory: in the current context. */
extern PhigPick *phig_pick_create(PhigSource *source);

/*
 * phig_pick_begin
 *		A new search, which must stay where it is.
 *
 * Where it is by subject, all summaries are read, and made in memory for the segments that have none: the
 * persons of an execution may be named in a later segment than it began in.
 * Errors: out of memory, cancel.
 */
extern void phig_pick_begin(PhigPick *pick, const PhigSearch *search);

/* May the search have rows that begin in this file? */
extern bool phig_pick_wants(PhigPick *pick, int index);

/*
 * Of an execution that begins in this file: may a later segment name persons that are searched for?
 *
 * Asked only of searches by subject.
 */
extern bool phig_pick_names_later(const PhigPick *pick, int index, uint64 seq);

/* Are there such executions in the file at all?  True where nothing is known: it may be damaged. */
extern bool phig_pick_may_have_later(const PhigPick *pick, int index);

/*
 * phig_pick_later
 *		The executions of which phig_pick_names_later is true, if they begin in this file.
 *
 * *numbers: their start records' numbers, palloc'd; there may be some of other files among them.  False where
 * it may be any of the file's.
 */
extern bool phig_pick_later(const PhigPick *pick, int index, uint64 **numbers, int *n);

/* The same for those that begin here, should name persons, and have no end: that *is* their start records' numbers. */
extern bool phig_pick_open(const PhigPick *pick, int index, uint64 **numbers, int *n);

/*
 * Does nothing in this file matter to whoever looks for how executions went on?  waiting: their start
 * records' numbers, a hash table whose entries begin with them.
 */
extern bool phig_pick_passes(PhigPick *pick, int index, HTAB *waiting);

#endif
