/*
 * person.h
 *		What the words around a place say: that a person is named there.
 *
 * Looks at words, not at what stands at the place itself; names.c weighs the two together.
 */
#ifndef PHIG_PERSON_H
#define PHIG_PERSON_H

#include "detect/scan.h"

typedef enum PhigWitness
{
	PHIG_WITNESS_NONE,
	PHIG_WITNESS_ROLE,			/* "Surgeon Ada Poe", "I'm Ada" */
	PHIG_WITNESS_WORD,			/* "daughter Ada", "Dear Ada" */
	PHIG_WITNESS_LABEL,			/* "Patient: Ada Poe", "named Ada" */
	PHIG_WITNESS_TITLE			/* "Dr. Poe", "Ada Poe, MD" */
} PhigWitness;

/* Of the words before token i.  Errors: none. */
extern PhigWitness phig_witness_before(const PhigScan *scan, int i);

/* ", MD" or " RN" behind token i. */
extern bool phig_credential_behind(const PhigScan *scan, int i);

/* Whether the words from token i on are said of a person: "denies fever", "is a 45-year-old", "'s wife". */
extern bool phig_acts_like_person(const PhigScan *scan, int i);

/* Whether the words from token i on may be said of a person, or of a thing: "was", "'s". */
extern bool phig_may_be_person(const PhigScan *scan, int i);

/* Whether somebody is spoken to in tokens first to last: ", Ada!". */
extern bool phig_is_addressed(const PhigScan *scan, int first, int last);

#endif
