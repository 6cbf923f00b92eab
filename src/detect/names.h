/*
 * names.h
 *		Names of people: what names.c and lowercase.c share.
 */
#ifndef PHIG_NAMES_H
#define PHIG_NAMES_H

#include "detect/scan.h"

#define PHIG_MAX_NAME_TOKENS 10

/* A name without capitals from token i on.  capitals: the text has some.  Returns how many more tokens it took. */
extern int	phig_find_lower_name(PhigScan *scan, int i, bool capitals);

/* Whether a letter of the word at token i was not ASCII. */
extern bool phig_is_accented(const PhigScan *scan, int i);

#endif
