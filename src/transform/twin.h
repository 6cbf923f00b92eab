/*
 * twin.h
 *		Twins of keyed and random transforms, which phiguard puts into plans and nobody can call.
 */
#ifndef PHIG_TWIN_H
#define PHIG_TWIN_H

#include "postgres.h"

#include "nodes/primnodes.h"

/*
 * phig_twin_in_extract
 *		Let a call of a keyed or random transform be one of its twin, in place.
 *
 * Reading an extract asks for no right to call the transform, or to its key domain.  Other calls stay as they
 * are.
 */
extern void phig_twin_in_extract(FuncExpr *call);

/*
 * phig_twin_set_domain
 *		Let a call of a transform that takes a key domain and says none say this one.
 *
 * All its arguments are there then, in their order, whether they were named, left out or neither: who looks at
 * arguments by their place, and the twin that takes them, comes after this.
 * False where it says another one, or one that is not a constant.  True for functions without a key domain.
 */
extern bool phig_twin_set_domain(FuncExpr *call, const char *domain);

#endif
