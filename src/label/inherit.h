/*
 * inherit.h
 *		Inheritance and partitioning as labels see them.
 */
#ifndef PHIG_INHERIT_H
#define PHIG_INHERIT_H

#include "nodes/pg_list.h"

/* Direct parents; a partition whose detaching is pending still has its parent. */
extern List *phig_parents(Oid relid);

/* Those of its ancestors, or itself, that have no parents. */
extern List *phig_tops(Oid relid);

/* The relation itself and all below it, each once, nearer ones first.  Takes no locks. */
extern List *phig_family(Oid relid);

#endif
