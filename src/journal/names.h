/*
 * names.h
 *		Which words of a statement are names that the catalogs know.
 */
#ifndef PHIG_NAMES_H
#define PHIG_NAMES_H

#include "postgres.h"

#include "nodes/parsenodes.h"

typedef struct PhigNames PhigNames;

/*
 * phig_names_of_query
 *		The names that an analysed (or rewritten) Query refers to.
 *
 * Relations, their columns and schemas, functions, types, collations, named arguments.  The query is looked
 * at again when a word is none of a relation's: it must stay as it is until phig_names_release.
 * Memory:  palloc'd; holds relcache references until phig_names_release (an error releases them too).
 * Errors:  catalog errors only.
 */
extern PhigNames *phig_names_of_query(Query *query);

/*
 * phig_names_of_utility
 *		The names of a utility statement: any relation, schema, type, function, role ... of that name
 *		counts, and each column of the relations that the text names.
 *
 * text, len: the statement.
 */
extern PhigNames *phig_names_of_utility(Node *utility, const char *text, int len);

/* The view that an RTE was before the rewriter made a sub-select of it, or InvalidOid. */
extern Oid	phig_names_view(RangeTblEntry *rte);

/*
 * phig_names_has
 *		Does the statement refer to something of that name?
 *
 * word:    as the catalogs would store it (folded, truncated, without quotes).
 * keyword: it is a keyword, too: of a utility statement then only relations and columns count.
 */
extern bool phig_names_has(PhigNames *names, const char *word, bool keyword);

/* Has the user chosen the word as an alias (where it could as well be a keyword)? */
extern bool phig_names_is_alias(PhigNames *names, const char *word);

extern void phig_names_release(PhigNames *names);

/* strcmp(), but most words differ in the first letter already. */
static inline int
phig_names_compare(const char *a, const char *b)
{
	int			first = (unsigned char) a[0] - (unsigned char) b[0];

	return first != 0 ? first : strcmp(a, b);
}

/* The word of a token (unquoted or "quoted", quotes included), as the catalogs would store it. */
extern void phig_names_fold(const char *start, int len, char word[NAMEDATALEN]);

#endif
