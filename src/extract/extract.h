/*
 * extract.h
 *		Views that are proven to meet a method of de-identification, 45 CFR 164.514.
 *
 * An extract is an ordinary view, and a row in phiguard.extract that says what was proven of it and when.
 * Reading it is a boundary: inside, its own purpose holds, for everybody.
 */
#ifndef PHIG_EXTRACT_H
#define PHIG_EXTRACT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/parsenodes.h"

#include "enforce/enforce.h"
#include "flow/flow.h"

/* What the record of a read says of an extract that it goes through; see PhigFlow.extracts. */
typedef struct PhigDisclosure
{
	const char *extract;		/* "schema.view", quoted as needed */
	const char *agreement;		/* or NULL */
	const char *recipient;		/* or NULL: the agreement's party */
	const char *method;			/* of de-identification */
	uint64		stamp;			/* of what was proven: a plan is made under it */
	Oid			view;
	bool		measured;		/* for its risk only, before it is open: nobody gets a row */
} PhigDisclosure;

/* A view of an extract where it stands in a query. */
typedef struct PhigExtractBoundary
{
	RangeTblEntry *rte;
	Query	   *query;			/* restricted to what the extract shows */
	Query	   *stub;			/* of the same columns, without a table */
	PhigDisclosure *disclosure;
	PhigEnforcement enforced;
} PhigExtractBoundary;

/*
 * phig_extract_enter
 *		Restrict what a query reads of extracts, in place.
 *
 * NIL, after one look-up for each view, where it reads none.  Otherwise a list of PhigExtractBoundary *.  A closed
 * extract sets *refusal and gives NIL. Memory: the current context.  Errors: 42501 for what cannot be decided.
 */
extern List *phig_extract_enter(Query *query, PhigRefusal *refusal);

/* Are there any in this database? */
extern bool phig_extract_in_use(void);

/* While what the session's own purpose shows is settled, extracts are views over nothing. */
extern void phig_extract_hide(List *boundaries);
extern void phig_extract_show(List *boundaries);

/* What a list of boundaries adds to what enforcement did, and to the record. */
extern void phig_extract_add(List *boundaries, PhigEnforcement *done);
extern List *phig_extract_disclosures(List *boundaries);

/* For the carrier: "" where there are none. */
extern char *phig_extract_stamps(List *disclosures);

/*
 * phig_extract_still_open
 *		Before a plan is run that has these stamps: are its extracts open, and as they were then?
 *
 * A few comparisons where nothing has changed.  False with *refusal set.
 */
extern bool phig_extract_still_open(const char *stamps, PhigRefusal *refusal);

/* Is an extract closed only because no expert's determination holds? */
extern bool phig_extract_waits_for_expert(Oid view);

/*
 * phig_extract_measure
 *		The next query that is planned may read such an extract, and be run, until this is called with InvalidOid.
 *
 * As its release (phig_profile_release), once.
 * The query has to be one whose result holds no value of the extract: who calls this has written it.  Queries that
 * come while it is planned and run may not.
 */
extern void phig_extract_measure(Oid view);

extern void phig_extract_init(void);

#endif
