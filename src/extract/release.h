/*
 * release.h
 *		What a user names: a relation whose rows are released, columns of it, and the one that says whose row it is.
 */
#ifndef PHIG_EXTRACT_RELEASE_H
#define PHIG_EXTRACT_RELEASE_H

#include "postgres.h"

#include "fmgr.h"

/*
 * phig_release_relation
 *		Argument n, a regclass: a relation that has rows.  Locked until the transaction ends: it is not renamed,
 *		replaced or dropped.
 *
 * Errors:  22004 for NULL, 42P01 where it is gone, 42809 for an index and the like.
 */
extern Oid	phig_release_relation(FunctionCallInfo fcinfo, int n);

/*
 * phig_release_columns
 *		Argument n, a name[], as names of columns of a relation (palloc'd).
 *
 * what:    what they are called in errors.
 * Errors:  22004 for NULL or a NULL in it, 42703 for what is no column,
 *          42701 for one that is named twice.
 */
extern const char **phig_release_columns(FunctionCallInfo fcinfo, int n, Oid relid, const char *what, int *count);

/*
 * phig_release_person
 *		The name of the column that says whose row it is: argument n, or the subject that the relation's label names.
 *
 * Errors:  42703 for what is no column, 22023 where neither says.
 */
extern const char *phig_release_person(FunctionCallInfo fcinfo, int n, Oid relid);

/* Each of count names, quoted where needed (palloc'd). */
extern const char **phig_release_quoted(const char **names, int count);

/* Schema and name of a relation, quoted where needed. */
extern char *phig_release_name(Oid relid);

#endif
