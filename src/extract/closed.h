/*
 * closed.h
 *		What an extract may be measured by before it is open.
 */
#ifndef PHIG_EXTRACT_CLOSED_H
#define PHIG_EXTRACT_CLOSED_H

#include "postgres.h"

/*
 * phig_closed_check_columns
 *		May these columns of a closed extract be counted, beside a population's of the same names?
 *
 * population: InvalidOid where there is none, or it has nothing to do with them.
 * Errors:  42501 where a function that is a user's would be given a value.
 */
extern void phig_closed_check_columns(Oid extract, const char *const *columns, int ncolumns, Oid population);

#endif
