/*
 * types.h
 *		What columns of a type can hold, as far as evidence cares.
 */
#ifndef PHIG_SCAN_TYPES_H
#define PHIG_SCAN_TYPES_H

#include "postgres.h"

#include "scan/rules.h"

/* One of PHIG_HOLDS_...; of the type below a domain, and of the elements of an array. */
extern int	phig_type_holds(Oid type);

#endif
