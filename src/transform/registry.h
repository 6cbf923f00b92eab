/*
 * registry.h
 *		Table phiguard.transform_registry: which functions are transforms, and what they leave of a value.
 */
#ifndef PHIG_TRANSFORM_REGISTRY_H
#define PHIG_TRANSFORM_REGISTRY_H

#include "nodes/pg_list.h"

#include "label/label.h"

/* Columns of phiguard.transform_registry. */
enum
{
	PHIG_TRANSFORM_FUNCTION = 1, PHIG_TRANSFORM_NAME, PHIG_TRANSFORM_FORM, PHIG_TRANSFORM_RESULT,
	PHIG_TRANSFORM_CATEGORIES, PHIG_TRANSFORM_KINDS, PHIG_TRANSFORM_REVERSIBLE, PHIG_TRANSFORM_METHODS,
	PHIG_TRANSFORM_BUILTIN, PHIG_TRANSFORM_SOURCE, PHIG_TRANSFORM_DEFINITION,
	PHIG_TRANSFORM_NCOLUMNS = PHIG_TRANSFORM_DEFINITION
};

/* What says that nothing is lowered, where a result is asked for. */
#define PHIG_TRANSFORM_SAME "same"

/* How the result is made, NULL at the end; and the form that says that parts of the value are left. */
extern const char *const phig_transform_forms[];

#define PHIG_FORM_GENERALISATION "generalisation"

/* The methods of de-identification that may accept a transform, NULL at the end. */
extern const char *const phig_transform_methods[];

/* Is it one of the words, which end with NULL? */
extern bool phig_transform_is_word(const char *word, const char *const *words);

/* What a result's words say: a label's category and kind, or PHIG_TRANSFORM_SAME.  False for other words. */
extern bool phig_transform_result(const char *text, PhigCategory *category, const char **kind);

/* One row, as it is needed to follow labelled data. */
typedef struct PhigTransform
{
	char	   *function;		/* see phig_transform_signature */
	bool		generalises;	/* of form generalisation */
	bool		codes;			/* of form keyed, sealed or random */
	uint32		methods;		/* bits 1 << place in phig_transform_methods: those that accept it */
	PhigCategory result;		/* UNLABELLED: the value still is what it was */
	const char *result_kind;	/* or NULL */
	uint32		categories;		/* bits 1 << PhigCategory of what it takes; 0: anything */
	List	   *kinds;			/* of char *; NIL: all */
	bool		builtin;
	char	   *definition;		/* phig_transform_digest when it was registered; NULL for a
								 * built-in one */
} PhigTransform;

/*
 * phig_transform_rows
 *		All rows that this version understands, palloc'd in the current context.
 *
 * registry: set to the table; InvalidOid, with NIL, where the extension is not (yet) there.
 */
extern List *phig_transform_rows(Oid *registry);

/*
 * phig_transform_signature
 *		A function as the registry names it: "schema.name(type,type)"; NULL when it is gone.
 *
 * Whatever the search path: types of pg_catalog stand without their schema, all others with it.
 */
extern char *phig_transform_signature(Oid funcid);

/* The function that a row names, InvalidOid when there is none. */
extern Oid	phig_transform_function(const char *signature);

/*
 * phig_transform_digest
 *		SHA-256, in hexadecimal, of what a function does: language, body, library, settings.
 *
 * Names instead of OIDs: the same after dump and restore.  NULL when the function is gone.
 */
extern char *phig_transform_digest(Oid funcid);

/*
 * phig_transform_store
 *		Put a row, NULL to remove it, in place of the one of that function.
 *
 * values, nulls: [PHIG_TRANSFORM_NCOLUMNS], or NULL.  Returns what the old row said, as
 * words (NULL: there was none).  No privilege is checked.  Tells all sessions to look again.
 * Errors:  55000 where there is no registry, or one of another version.
 */
extern char *phig_transform_store(const char *function, Datum *values, bool *nulls);

/* A row as words for the record: no free text. */
extern char *phig_transform_words(Datum *values, bool *nulls);

#endif
