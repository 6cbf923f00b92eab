/*
 * scrub.c
 *		Errors of statements on labelled relations, without the values.
 */
#include "postgres.h"

#include "scrub.h"

void
phig_scrub_rethrow(void)
{
	PG_RE_THROW();
}
