/*
 * closed.h
 *		What an extract may be measured by before it is open.
 */
#ifndef PHIG_EXTRACT_CLOSED_H
#define PHIG_EXTRACT_CLOSED_H

#include "postgres.h"

/*
 * phig_closed_check_columns
 *		Are these columns of a closed extract of the same types as a population's of the same names?
 *
 * Errors:  42501 where they are not.
 */
extern void phig_closed_check_columns(Oid extract, const char *const *columns, int ncolumns, Oid population);

#endif
