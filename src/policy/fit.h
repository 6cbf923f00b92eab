/*
 * fit.h
 *		Do transforms fit the columns that rules send through them?
 */
#ifndef PHIG_POLICY_FIT_H
#define PHIG_POLICY_FIT_H

#include "policy/cache.h"

/*
 * phig_policy_misfit
 *		The first column of a relation, read with all below it, that a transform does not fit.
 *
 * Returns what does not fit, palloc'd, with *attno and *transform set; NULL where all is well, or where
 * nothing can be decided.
 */
extern char *phig_policy_misfit(const PhigPolicies *policies, Oid relid, AttrNumber *attno, const char **transform);

/* Raises 42804 for a misfit of these policies, in any labelled relation. */
extern void phig_policy_require_fit(const PhigPolicies *policies);

/* The OIDs of all relations with labels, but for phiguard's own, in no order. */
extern List *phig_labelled_relations(void);

#endif
