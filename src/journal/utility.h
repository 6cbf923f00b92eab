/*
 * utility.h
 *		Utility statements: COPY of a table, DDL on labelled objects, labels of derived tables.
 */
#ifndef PHIG_UTILITY_H
#define PHIG_UTILITY_H

#include "postgres.h"

#include "catalog/objectaccess.h"
#include "nodes/plannodes.h"

#include "journal/access.h"
#include "label/label.h"

/* What phiguard does around one utility statement; lives on the caller's stack. */
typedef struct PhigUtility
{
	int			depth;			/* of user code around it */
	MemoryContext context;		/* lives as long as the statement, whatever portals it runs inside */
	bool		wraps_query;	/* plans and runs a query for the client: the code depth stays */
	PhigExecution *copy;		/* COPY of a labelled table */
	PlannedStmt *instead;		/* takes the statement's place: COPY of a query for COPY of a
								 * table */
	PhigFollow *follow;			/* labels that follow ALTER TABLE, LIKE ... */
	List	   *derived;		/* CREATE TABLE AS: PhigLabel * per column; else NIL */
	List	   *arrivals;		/* columns and relations that it makes */
	List	   *unseen;			/* what COPY FROM or ANALYZE brings values or statistics to */
	List	   *touched;		/* OIDs of labelled relations that the statement names or alters */
	List	   *columns;		/* their labelled columns' paths, named while they exist */
	List	   *late_columns;	/* the same, met after the start record */
	bool		running;		/* the statement itself has begun */
	bool		started;		/* ticket holds a start record of kind ddl */
	PhigJournalTicket ticket;
	const char *text;			/* normalised; made when first needed */
	struct PhigUtility *outer;
} PhigUtility;

/* First: from here to phig_utility_finish or phig_utility_failed, this is the innermost statement.  No errors. */
extern void phig_utility_enter(PhigUtility *utility, Node *stmt);

/* Before the statement runs.  Errors: PG001. */
extern void phig_utility_begin(PhigUtility *utility, PlannedStmt *pstmt, const char *query_string);

/* After it ran: labels follow, the ddl record, the end of COPY. */
extern void phig_utility_finish(PhigUtility *utility, PlannedStmt *pstmt,
								const char *query_string, uint64 rows);

/* After it failed: end records; no catalog access, no error. */
extern void phig_utility_failed(PhigUtility *utility, int sqlstate);

/* Does the statement touch labelled relations, so that its errors may hold their values? */
extern bool phig_utility_is_labelled(const PhigUtility *utility);

/* object_access_hook's work: note labelled relations that a statement alters or drops, and columns that it makes. */
extern void phig_utility_object_access(ObjectAccessType access, Oid classId, Oid objectId, int subId, void *arg);

/* A label was stored: a policy record (phig_label_changed_hook). */
extern void phig_utility_label_changed(Oid classId, Oid objectId, int subId,
									   const char *old_label, const char *new_label);

#endif
