/*
 * rows.h
 *		Which rows a purpose shows: predicates parsed, kept and put together.
 */
#ifndef PHIG_POLICY_ROWS_H
#define PHIG_POLICY_ROWS_H

#include "policy/cache.h"

/*
 * phig_rows_write
 *		The text to be stored for a predicate that an officer has written over a relation.
 *
 * Analysed over FROM ONLY relation by a pinned search path, pg_catalog and the relation's schema, and written
 * out with every name qualified.
 * Errors: the parser's; 42601 for more than one expression; 42804 unless boolean; 0A000 for what it may not use.
 */
extern char *phig_rows_write(const char *predicate, Oid relid);

/*
 * phig_rows_of
 *		Which rows of a relation these policies show: see PhigRelPolicy.rows.
 *
 * reads: the relations that these predicates read besides are added to it.
 * Errors: 42501 for a predicate that cannot be evaluated any more.
 */
extern Node *phig_rows_of(const PhigPolicies *policies, Oid relid, List **reads);

/* Why a stored predicate of a relation cannot be evaluated, palloc'd, or NULL. */
extern char *phig_rows_problem(PhigRowsRow *row, Oid relid);

/*
 * phig_rows_note, phig_rows_follow
 *		Before and after a statement that may rename what predicates name: these are written out anew.
 *
 * The list is palloc'd; what cannot be analysed is left as it is.
 */
extern List *phig_rows_note(void);
extern void phig_rows_follow(List *noted);

extern void phig_rows_init(void);

#endif
