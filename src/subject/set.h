/*
 * set.h
 *		The persons of one record.
 *
 * Up to phiguard.subjects_per_record of them are named by tokens.  Where there are more, those behind are in a set
 * summary, which also holds those that are named; how many there are is counted exactly up to some
 * thousands, and within some per cent beyond.  Memory is bounded, however many rows there are.
 */
#ifndef PHIG_SUBJECT_SET_H
#define PHIG_SUBJECT_SET_H

#include "postgres.h"

#include "journal/journal.h"

typedef struct PhigPersonSet PhigPersonSet;

/* manner: PHIG_MANNER_...  Memory: a context of its own below TopMemoryContext, until phig_persons_free. */
extern PhigPersonSet *phig_persons_create(uint8 manner);
extern void phig_persons_free(PhigPersonSet *set);

/*
 * phig_persons_add
 *		A row of a person.
 *
 * hash: phig_person_hash of the key's spelling in its space; what is equal is one person.
 * Errors: out of memory; of OpenSSL's.
 */
extern void phig_persons_add(PhigPersonSet *set, uint64 hash, const char *space, const char *text, int len);

/* There are persons who cannot be named: the record will say that it does not know. */
extern void phig_persons_unnamed(PhigPersonSet *set);

/* Append records of what is not on record yet; last: nobody will be added any more.  Never errors. */
extern void phig_persons_write(PhigPersonSet *set, PhigJournalTicket *ticket, bool last);

#endif
