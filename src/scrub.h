/*
 * scrub.h
 *		Errors of statements on labelled relations, without the values.
 */
#ifndef PHIG_SCRUB_H
#define PHIG_SCRUB_H

#include "postgres.h"

/* In PG_CATCH: withhold the values of the present error and throw it on. */
extern void phig_scrub_rethrow(void) pg_attribute_noreturn();

#endif
