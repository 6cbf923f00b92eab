/*
 * detach.h
 *		What is said of a relation goes with what is taken from below it.
 */
#ifndef PHIG_POLICY_DETACH_H
#define PHIG_POLICY_DETACH_H

#include "postgres.h"

#include "nodes/pg_list.h"

/*
 * phig_policy_detached
 *		A partition or child has no parents any more: the rules, predicates and modes above it become its own.
 *
 * tops: the relations without parents that were above it.
 */
extern void phig_policy_detached(Oid relid, List *tops);

#endif
