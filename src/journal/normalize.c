/*
 * normalize.c
 *		A statement's text without anything a user put into it.
 *
 * Here it is found (of a Query without text, made), and written by retell.c, unless a statement of
 * the same shape, with the same answers from the catalogs, was before it: then that one's text is its own (shape.c).
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "storage/lockdefs.h"
#include "tcop/utility.h"
#include "utils/ruleutils.h"

#include "journal/names.h"
#include "journal/normalize.h"
#include "journal/retell.h"
#include "journal/shape.h"

/* FNV-1a: the same on every machine and version. */
static uint64
hash_text(const char *text, int len)
{
	uint64		hash = UINT64CONST(0xcbf29ce484222325);

	for (int i = 0; i < len; i++)
		hash = (hash ^ (unsigned char) text[i]) * UINT64CONST(0x100000001b3);
	return hash;
}

/* The part of source that is the statement. */
static void
cut_statement(const char **source, int location, int *length)
{
	int			total = strlen(*source);

	if (location < 0 || location > total)
		location = *length = 0;
	*source += location;
	if (*length <= 0 || *length > total - location)
		*length = total - location;
}

/* In a rewritten Query: put views back where the rewriter has put their definitions. */
static bool
restore_views(Node *node, void *context)
{
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, restore_views, context);
	foreach(lc, ((Query *) node)->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
		Oid			view = phig_names_view(rte);

		if (OidIsValid(view))
		{
			rte->rtekind = RTE_RELATION;
			rte->relid = view;
			rte->relkind = RELKIND_VIEW;
			rte->inh = true;
			rte->rellockmode = AccessShareLock;
			rte->subquery = NULL;
		}
	}
	return query_tree_walker((Query *) node, restore_views, context, 0);
}

/* The text of a Query that came without: the body of a function in SQL-standard form. */
static const char *
deparse(Query *query)
{
	query = copyObject(query);
	restore_views((Node *) query, NULL);
	return pg_get_querydef(query, false);
}

/* The text of a statement of this shape, if it has the same words; or NULL. */
static char *
known_text(const PhigShape *shape, PhigNames *names, uint64 *fingerprint)
{
	const PhigShapeText *known = phig_shape_find(shape);
	char	   *text;

	for (int i = 0; known != NULL && i < known->nwords; i++)
	{
		const PhigShapeWord *word = &known->words[i];

		if (phig_names_has(names, word->text, word->keyword) != word->public ||
			(word->asked_alias && phig_names_is_alias(names, word->text) != word->alias))
			return NULL;
	}
	if (known == NULL)
		return NULL;
	*fingerprint = known->fingerprint;
	text = palloc(known->len + 1);
	memcpy(text, known->text, known->len + 1);
	return text;
}

/* Written anew, and kept for the shape unless that is NULL. */
static char *
write_text(const char *source, int length, Node *tree, PhigNames *names, const PhigShape *shape,
		   uint64 *fingerprint)
{
	PhigShapeWord words[PHIG_SHAPE_MAX_WORDS];
	PhigShapeText text = {.words = words};
	StringInfoData out;

	if (!phig_retell(source, length, names, &out, shape != NULL ? words : NULL, &text.nwords))
	{
		initStringInfo(&out);
		appendStringInfoString(&out, tree != NULL ? CreateCommandName(tree) : "UNKNOWN");
		shape = NULL;
	}
	*fingerprint = hash_text(out.data, out.len);
	text.text = out.data;
	text.len = out.len;
	text.fingerprint = *fingerprint;
	if (shape != NULL && text.nwords >= 0)
		phig_shape_keep(shape, &text);
	return out.data;
}

#ifdef USE_ASSERT_CHECKING
static bool
is_what_would_be_written(const char *text, const char *source, int length, Node *tree, PhigNames *names)
{
	uint64		fingerprint;

	return strcmp(text, write_text(source, length, tree, names, NULL, &fingerprint)) == 0;
}
#endif

char *
phig_normalize(const char *source, int location, int length, Node *tree, uint64 *fingerprint)
{
	bool		is_query = tree != NULL && IsA(tree, Query) && ((Query *) tree)->commandType != CMD_UTILITY;
	bool		has_shape;
	PhigShape	shape;
	PhigNames  *names;
	char	   *text;

	if (source == NULL || source[0] == '\0')
	{
		source = is_query ? deparse((Query *) tree) : "";
		location = length = 0;
	}
	cut_statement(&source, location, &length);

	names = is_query ? phig_names_of_query((Query *) tree) : phig_names_of_utility(tree, source, length);
	has_shape = is_query && phig_shape_read(&shape, source, length);
	text = has_shape ? known_text(&shape, names, fingerprint) : NULL;
	if (text == NULL)
		text = write_text(source, length, tree, names, has_shape ? &shape : NULL, fingerprint);
	else
		Assert(is_what_would_be_written(text, source, length, tree, names));
	phig_names_release(names);
	return text;
}
