/*
 * compat.h
 *		The only file that knows PostgreSQL's versions: each difference is one name.
 */
#ifndef PHIG_COMPAT_H
#define PHIG_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "phiguard supports PostgreSQL 15 to 18"
#endif

/* Reaching into variable-length values: part of postgres.h in 15, a header of its own since. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#endif
