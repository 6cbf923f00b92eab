/*
 * places.h
 *		Places: what the files of addresses share.
 */
#ifndef PHIG_PLACES_H
#define PHIG_PLACES_H

#include "detect/scan.h"

/* Streets with a number of a house or behind "on", boxes; marks their tokens as used.  Errors: none. */
extern void phig_find_streets(PhigScan *scan);

/* Leaves alone what is found already, and marks the tokens of what it finds as used.  Errors: none. */
extern void phig_find_abroad(PhigScan *scan);

/*
 * phig_find_whole_addresses
 *		What belongs to an address beside the street, box or flat that has been found, and streets without a kind that a
 *		postal code, a flat or a country behind them tells.
 *
 * Marks the tokens of what it finds as used.  Errors: none.
 */
extern void phig_find_whole_addresses(PhigScan *scan);

/*
 * phig_place_words
 *		How many tokens from i on are a place of the dictionary, in at most max words; 0: none.
 *
 * place: PHIG_DICT_CITY or PHIG_DICT_COUNTRY.  capitals: the words behind the first must begin with one.  Errors: none.
 */
extern int	phig_place_words(const PhigScan *scan, int i, uint32 place, int max, bool capitals);

#endif
