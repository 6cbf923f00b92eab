/*
 * places.h
 *		Addresses in other forms than places.c knows.
 */
#ifndef PHIG_PLACES_H
#define PHIG_PLACES_H

#include "detect/scan.h"

/* Leaves alone what is found already, and marks the tokens of what it finds as used.  Errors: none. */
extern void phig_find_abroad(PhigScan *scan);

#endif
