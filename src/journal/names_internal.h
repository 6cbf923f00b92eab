/*
 * names_internal.h
 *		What names.c and names_utility.c share.
 */
#ifndef PHIG_NAMES_INTERNAL_H
#define PHIG_NAMES_INTERNAL_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "journal/names.h"

/* A small set of OIDs.  Queries refer to few different things: a walk from the end beats a hash. */
typedef struct PhigOidSet
{
	int			n;
	int			size;
	Oid		   *items;
} PhigOidSet;

struct PhigNames
{
	bool		utility;
	Query	   *query;			/* of which only the plain relations have been looked at; NULL:
								 * nothing is left */
	bool		loaded;			/* names holds what functions, types and collations say */
	PhigOidSet	relids;
	int			opened;			/* how many of them are in relations, if they exist */
	PhigOidSet	functions;
	PhigOidSet	types;
	PhigOidSet	collations;
	List	   *relations;		/* Relation, one per relid that still exists */
	List	   *names;			/* char * */
	List	   *aliases;		/* char * */
	List	   *declared;		/* char *: words of a utility statement that are the user's */
};

extern void phig_names_add_oid(PhigOidSet *set, Oid oid);
extern bool phig_names_in_list(List *words, const char *word);

/*
 * Those in relids that are not in relations yet.  No lock is taken: whoever analysed the statement holds it, and names
 * are all we want.
 */
extern void phig_names_open_relations(PhigNames *names);

#endif
