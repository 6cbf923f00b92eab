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

/* For a path with hops; type: of the references, a base type.  Memory: in the current context.  Errors: PG002. */
extern PhigHopCache *phig_hop_cache_create(const PhigSubjectPath *path, Oid type);

/*
 * phig_hop_follow
 *		Add the person that a reference leads to.
 *
 * One that leads to no row (deleted since) is a person whom nobody can name: the record says so.  NULL on the way is
 * no person.
 * Looked up are rows as the statement's snapshot shows them (hop_row.h).  Errors: those of reading these relations.
 */
extern void phig_hop_follow(PhigHopCache *cache, Datum value, PhigPersonSet *set, PhigPersonSpace *space);

#endif
