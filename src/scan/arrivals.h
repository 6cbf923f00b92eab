/*
 * arrivals.h
 *		Columns that are new, and what phiguard.on_new_column makes of them.
 *
 * By what the catalog says of them (evidence.h) at the end of the statement that makes them; by a sample of their
 * values at the end of each COPY FROM and of the ANALYZE that find them without statistics.
 */
#ifndef PHIG_ARRIVALS_H
#define PHIG_ARRIVALS_H

#include "postgres.h"

#include "catalog/objectaccess.h"
#include "nodes/parsenodes.h"

/*
 * phig_arrivals_note
 *		object_access_hook's work: one more relation, or (subId not 0) column, was made.
 *
 * arg: of the hook.  Returns the list with one more.  No catalog access.  Memory: the current context, which must live
 * as long as the statement.  Errors: none.
 */
extern List *phig_arrivals_note(List *arrivals, Oid relid, int subId, void *arg);

/*
 * phig_arrivals_judge
 *		After the statement, when labels have followed: a NOTICE, labels, or an error.
 *
 * Errors: 42501 with phiguard.on_new_column = refuse.
 */
extern void phig_arrivals_judge(List *arrivals);

/*
 * phig_arrivals_before, phig_arrivals_loaded
 *		Around COPY FROM and ANALYZE: the columns whose values nobody has looked at, and a look at them.
 *
 * The first returns a list for the second, NIL for other statements and where there is nothing to look at.  It is made
 * in the current context, which must outlive the transaction: ANALYZE ends it.
 * Errors: 42501 of the second with phiguard.on_new_column = refuse and by_copy; rows that are there already stay.
 */
extern List *phig_arrivals_before(Node *stmt);
extern void phig_arrivals_loaded(List *unseen, bool by_copy);

#endif
