/*
 * set.h
 *		The persons of one record.
 *
 * Up to phiguard.subjects_per_record of them are named by tokens.  Where there are more, those behind are in a set
 * summary, which also holds those that are named, and rules out nobody from some hundred thousand on; how many there
 * are is counted exactly up to some thousands, and within some per cent beyond, or exactly where each comes once.
 * Memory is bounded, however many rows there are.
 */
#ifndef PHIG_SUBJECT_SET_H
#define PHIG_SUBJECT_SET_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "journal/journal.h"
#include "subject/path.h"
#include "subject/token.h"

typedef struct PhigPersonSet PhigPersonSet;

typedef struct PhigPersonSpace
{
	PhigPersonSet *set;
	bool		waits;			/* behind the cap */
	int			nwaiting;		/* numbers */
	int			room;
	int64	   *waiting;
	int			ntexts;			/* that wait */
	StringInfoData texts;		/* a byte of length before each */
	uint64	   *counted;		/* where a row means no more than one more in this count; NULL
								 * before */
	PhigPersonHash hash;
	char		name[PHIG_SPACE_CHARS + 1];
	struct PhigPersonSpace *next;
} PhigPersonSpace;

/* manner: PHIG_MANNER_...  Memory: a context of its own below TopMemoryContext, until phig_persons_free. */
extern PhigPersonSet *phig_persons_create(uint8 manner);
extern void phig_persons_free(PhigPersonSet *set);

/*
 * phig_persons_space
 *		A space (subject/path.h) whose persons are to be added.
 *
 * Memory: the set's; it holds until phig_persons_free.  Errors: PG002; out of memory.
 */
extern PhigPersonSpace *phig_persons_space(PhigPersonSet *set, const char *name);

/*
 * phig_persons_add, phig_persons_add_number
 *		A row of a person, by the spelling of its key (subject/spelling.h), or the number that it spells.
 *
 * Errors: out of memory; of OpenSSL's.
 */
extern void phig_persons_add(PhigPersonSpace *space, const char *text, int len);

/* For phig_persons_add_number: a number that cannot wait, or those that have waited. */
extern void phig_persons_add_now(PhigPersonSpace *space, int64 number);

static inline void
phig_persons_add_number(PhigPersonSpace *space, int64 number)
{
	if (likely(space->nwaiting < space->room))
		space->waiting[space->nwaiting++] = number;
	else
		phig_persons_add_now(space, number);
}

/* Each person will be added once, and by nobody else: to be said before the first is. */
extern void phig_persons_come_once(PhigPersonSet *set);

/* From now on nobody is added: in the end there are as many as rows, of which phig_persons_rows is told. */
extern void phig_persons_are_rows(PhigPersonSet *set);
extern void phig_persons_rows(PhigPersonSet *set, uint64 rows);

/* There are persons who cannot be named: the record will say that it does not know. */
extern void phig_persons_unnamed(PhigPersonSet *set);

/* Append records of what is not on record yet; last: nobody will be added any more.  Never errors. */
extern void phig_persons_write(PhigPersonSet *set, PhigJournalTicket *ticket, bool last);

/*
 * phig_persons_end
 *		Nobody will be added any more: what is not on record yet goes into the end record, or, where
 *		that has no room for it, into records before it.
 *
 * end holds until phig_persons_free.  Never errors.
 */
extern void phig_persons_end(PhigPersonSet *set, PhigJournalTicket *ticket, PhigJournalEnd *end);

/* So few are not on record yet that the end record has room for them. */
extern bool phig_persons_fit_end(const PhigPersonSet *set);

#endif
