/*
 * resolve.h
 *		What a label amounts to: own, type, ancestors and expression taken together.
 *
 * Reads catalogs each time; cache.h is what everybody else calls.
 */
#ifndef PHIG_RESOLVE_H
#define PHIG_RESOLVE_H

#include "label/label.h"

/* Where the category of a column comes from; where several give the same, the first. */
typedef enum PhigLabelSource
{
	PHIG_SOURCE_NONE,			/* unlabelled */
	PHIG_SOURCE_COLUMN,			/* its own label */
	PHIG_SOURCE_TYPE,
	PHIG_SOURCE_ANCESTOR,
	PHIG_SOURCE_GENERATED		/* its generation expression */
} PhigLabelSource;

/* Tables, partitioned and foreign tables, materialized views: what has rows of its own that a user may label. */
extern bool phig_relkind_has_labels(char relkind);

/*
 * phig_resolve_relation
 *		The labels of a relation, palloc'd; NULL when nothing of it has one, not even none.
 *
 * sources: NULL, or set to a palloc'd array by [attno - 1] (NULL with a NULL result).
 * Errors:  XX001 when a stored label is malformed.
 */
extern PhigRelLabels *phig_resolve_relation(Oid relid, PhigLabelSource **sources);

/*
 * phig_label_of_expression
 *		The strictest that the value of an expression may be made of.
 *
 * columns: labels of the one relation that the expression's Vars speak of.
 * What goes into a transform counts as what is left of it (phig_flow_transform).
 */
extern PhigLabel phig_label_of_expression(Node *expression, const PhigRelLabels *columns);

/* What a type brings along, and on the way which relations' rows are part of it (told to the cache). */
extern PhigLabel phig_resolve_type(Oid typid);

#endif
