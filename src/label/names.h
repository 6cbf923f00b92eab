/*
 * names.h
 *		Tables of phiguard in which objects stand by name: the names are changed with the objects'.
 */
#ifndef PHIG_NAMES_H
#define PHIG_NAMES_H

#include "catalog/objectaddress.h"
#include "nodes/pg_list.h"

/* Schema and name of a relation or a domain. */
typedef struct PhigQualifiedName
{
	bool		is_domain;
	NameData	schema;
	NameData	name;
} PhigQualifiedName;

/* False when the object is gone.  objectSubId is not looked at. */
extern bool phig_name_of(const ObjectAddress *object, PhigQualifiedName *name);

/* A column has another name now. */
extern void phig_names_rename_column(Oid relid, const char *old_name, const char *new_name);

/*
 * phig_names_note, phig_names_follow
 *		Before and after a statement that may rename or move relations, domains or schemas.
 *
 * What is noted is palloc'd; it may be NIL.
 */
extern List *phig_names_note(void);
extern void phig_names_follow(List *noted);

/*
 * phig_names_dropped
 *		A relation, or (whole: false) a column of it, is about to be dropped: who goes by its name looks again.
 *
 * What lowers a protection goes with the relation; what may have raised one stays, and closes.
 */
extern void phig_names_dropped(Oid relid, bool whole);

#endif
