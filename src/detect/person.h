/*
 * person.h
 *		What the words around a place say: that a person is named there.
 *
 * Looks at words, not at what stands at the place itself; names.c weighs the two together.
 */
#ifndef PHIG_PERSON_H
#define PHIG_PERSON_H

#include "detect/scan.h"

typedef enum PhigEvidence
{
	PHIG_EVIDENCE_NONE,
	PHIG_EVIDENCE_ROLE,			/* "Surgeon Ada Poe", "I'm Ada" */
	PHIG_EVIDENCE_WORD,			/* "daughter Ada", "Dear Ada" */
	PHIG_EVIDENCE_LABEL,		/* "Patient: Ada Poe", "named Ada" */
	PHIG_EVIDENCE_TITLE			/* "Dr. Poe", "Ada Poe, MD" */
} PhigEvidence;

/* Of the words before token i.  Errors: none. */
extern PhigEvidence phig_evidence_before(const PhigScan *scan, int i);

/* ", MD" or " RN" behind token i. */
extern bool phig_credential_behind(const PhigScan *scan, int i);

/* Whether the words from token i on are said of a person: "denies fever", "is a 45-year-old", "'s wife". */
extern bool phig_acts_like_person(const PhigScan *scan, int i);

/* Whether somebody is spoken to in tokens first to last: ", Ada!". */
extern bool phig_is_addressed(const PhigScan *scan, int first, int last);

#endif
