/*
 * literals.h
 *		Arguments of transforms that a rule writes down, checked without a value or a key.
 */
#ifndef PHIG_TRANSFORM_LITERALS_H
#define PHIG_TRANSFORM_LITERALS_H

#include "postgres.h"

/* Errors: 22023 for no alphabet of phiguard.fpe(); its name is not repeated. */
extern void phig_check_alphabet(const text *name);

/* Errors: 22023 for what phiguard.shift_date() does not take as max_days. */
extern void phig_check_shift_days(int days);

#endif
