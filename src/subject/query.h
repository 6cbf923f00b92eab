/*
 * query.h
 *		Whose rows a query returns: what has to be read along.
 */
#ifndef PHIG_SUBJECT_QUERY_H
#define PHIG_SUBJECT_QUERY_H

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"

#include "subject/path.h"

/* Rows that are written are looked at where they are. */
#define PHIG_SUBJECT_WRITTEN PG_INT16_MIN

/* Where the executor finds the persons of a relation. */
typedef struct PhigSubjectSource
{
	PhigSubjectPath path;
	AttrNumber	resno;			/* in the rows of the plan, or of what it writes; 0: where the
								 * relation is scanned; or PHIG_SUBJECT_WRITTEN */
} PhigSubjectSource;

/* Flat: it is copied into plans as bytes. */
typedef struct PhigSubjectSources
{
	uint64		start_seq;		/* of the leader's start record: for parallel workers */
	uint32		bytes;			/* of all of this */
	bool		captured;		/* false: not all persons can be told */
	uint8		manner;			/* PHIG_MANNER_... */
	int16		nsources;
	PhigSubjectSource sources[FLEXIBLE_ARRAY_MEMBER];
} PhigSubjectSources;

/*
 * phig_subject_trace
 *		Have a query read along whose rows it returns or writes.
 *
 * Adds resjunk columns to the query, which neither its client nor its functions see; what cannot be read along
 * in the rows, below aggregates say, is left to the scans of its relations.  functions: those that were put in line
 * for that are added; the plan depends on them.
 * To be called when the query is as it will run.  Memory: the query's.
 */
extern PhigSubjectSources *phig_subject_trace(Query *query, List **functions);

/*
 * phig_subject_planned
 *		Find the columns in the plan that was made of the query.
 *
 * What a plan depends on is added to it.
 */
extern void phig_subject_planned(PlannedStmt *plan, PhigSubjectSources *sources);

/* Are there relations whose scans tell? */
extern bool phig_subject_has_scans(const PhigSubjectSources *sources);

#endif
