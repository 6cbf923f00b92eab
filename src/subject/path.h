/*
 * path.h
 *		From a row to the person that it is about.
 *
 * A relation's subject column is the person's key, or refers to a row of another relation that knows the person:
 * subject=visit_id->visit, or a foreign key to the subject of another relation.
 */
#ifndef PHIG_SUBJECT_PATH_H
#define PHIG_SUBJECT_PATH_H

#include "postgres.h"

#include "nodes/pg_list.h"

#define PHIG_SUBJECT_HOPS_MAX 6
#define PHIG_SPACE_CHARS 32

/* The row of relid whose column key has the value at hand; its column person is the next value. */
typedef struct PhigSubjectHop
{
	Oid			relid;
	AttrNumber	key;
	AttrNumber	person;
} PhigSubjectHop;

/* Flat: it is copied into plans as bytes. */
typedef struct PhigSubjectPath
{
	Oid			relid;
	AttrNumber	attno;			/* its subject column */
	int16		nhops;
	Oid			type;			/* base type of the person's key */
	PhigSubjectHop hops[PHIG_SUBJECT_HOPS_MAX];
	char		space[PHIG_SPACE_CHARS + 1];	/* which set of persons */
} PhigSubjectPath;

/*
 * phig_subject_path
 *		How to get from a row of a relation to a token of the person.
 *
 * NULL where it has no subject.  A path whose space is empty leads nowhere that a token could be made of: no such
 * set of persons is known, the target is gone, or the key is of a type whose values have no one spelling.
 * Memory: the cache's; it holds until the next call, or access to the catalogs.
 */
extern const PhigSubjectPath *phig_subject_path(Oid relid);

/* OIDs of the relations that the path depends on beside its own; palloc'd. */
extern List *phig_subject_path_relations(Oid relid);

/* Do the rows of a partition or child say otherwise whose they are than its own column would, or alone? */
extern bool phig_subject_children_differ(Oid relid);

/* The domain of the key ring for tokens of persons; NULL: none yet.  Holds until the next call. */
extern const char *phig_subject_key_domain(void);

/* Moves on when a path may be another. */
extern uint64 phig_subject_generation(void);

/*
 * phig_subject_labelled
 *		A relation gets a label subject=...: where it leads is checked, and the set of persons gets a name.
 *
 * text: the new label, or NULL.
 * Errors: PG004 for a target that does not do; PG002 without a master key.
 */
extern void phig_subject_labelled(Oid relid, const char *text);

/* Are they integers, which compare whatever their widths? */
extern bool phig_subject_both_integers(Oid a, Oid b);

/* A relation has lost its last parent; tops: its ancestors that had none.  Its persons stay theirs. */
extern void phig_subject_detached(Oid relid, List *tops);

#endif
