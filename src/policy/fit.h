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

/*
 * phig_policy_check_fit
 *		Raise 42804 where this transform does not fit a column that it reaches; warn of others.
 */
extern void phig_policy_check_fit(const PhigPolicies *policies, const char *transform);

/* A column of a relation has got a label: raises 42804 where a purpose sends it through what does not fit. */
extern void phig_policy_label_stored(Oid relid);

/* The OIDs of all relations with labels, but for phiguard's own, in no order. */
extern List *phig_labelled_relations(void);

#endif
