/*
 * hop.h
 *		From a reference to the person: rows of other relations, looked up.
 */
#ifndef PHIG_SUBJECT_HOP_H
#define PHIG_SUBJECT_HOP_H

#include "postgres.h"

#include "subject/path.h"
#include "subject/set.h"
#include "subject/token.h"

typedef struct PhigHopCache PhigHopCache;

/* For a path with hops.  Memory: in the current context.  Errors: PG002. */
extern PhigHopCache *phig_hop_cache_create(const PhigSubjectPath *path);

/*
 * phig_hop_follow
 *		Add the person that a reference leads to.
 *
 * One that leads to no row (deleted since) is a person whom nobody can name: the record says so.  NULL on the way is
 * no person.
 * type: of value, a base type.
 * Looked up are rows as the statement's snapshot shows them, with the rights of the relations' owners.
 * Errors: those of reading these relations.
 */
extern void phig_hop_follow(PhigHopCache *cache, Oid type, Datum value, PhigPersonSet *set, PhigPersonSpace *space);

/* Such a look-up is at work: it is not an access of the session. */
extern bool phig_hop_looks_up;

#endif
