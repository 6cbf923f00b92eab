/*
 * decide.h
 *		What a subject may see of a relation: for the rest of the module; see phig_policy_relation.
 */
#ifndef PHIG_POLICY_DECIDE_H
#define PHIG_POLICY_DECIDE_H

#include "policy/cache.h"

/*
 * phig_decide_relation
 *		What these policies show of a relation, read with the members of its family that are named.
 *
 * Whether it is governed is not looked at.  Memory: palloc'd.
 * NULL, with *problem set, where it cannot be decided.
 */
extern PhigRelPolicy *phig_decide_relation(const PhigPolicies *policies, Oid relid, List *family, char **problem);

#endif
