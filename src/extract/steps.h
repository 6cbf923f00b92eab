/*
 * steps.h
 *		Hierarchies that a user gives: {"zip": ["phiguard.zip3(zip)"], "age": ["age / 5 * 5", "age / 20 * 20"]}.
 *
 * For each column expressions from fine to coarse; all values together are the last step of every hierarchy, not named.
 */
#ifndef PHIG_EXTRACT_STEPS_H
#define PHIG_EXTRACT_STEPS_H

#include "postgres.h"

#include "utils/jsonb.h"

/*
 * phig_steps_check
 *		Does an object (or NULL) speak of these columns only?
 *
 * what:    what the columns are called in errors.
 * Errors:  22023 where not, or for what is no object.
 */
extern void phig_steps_check(const Jsonb *given, const char **columns, int ncolumns, const char *what);

/*
 * phig_steps_of
 *		The steps of a column, each an expression in parentheses; none where nothing is given.
 *
 * shown:   the same as they were given.
 * Errors:  22023 for what is no array of texts, 42601 for what is not one expression.
 */
extern const char **phig_steps_of(const Jsonb *given, const char *column, int *count, const char ***shown);

#endif
