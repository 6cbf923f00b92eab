/*
 * rules.h
 *		What the words of a column's name say.
 *
 * Stands alone: no memory is allocated, no error raised.
 */
#ifndef PHIG_RULES_H
#define PHIG_RULES_H

#include "postgres.h"

#include "label/label.h"
#include "scan/words.h"

/* What a column's type can hold, as far as rules care. */
#define PHIG_HOLDS_TEXT		0x01
#define PHIG_HOLDS_INTEGER	0x02
#define PHIG_HOLDS_NUMBER	0x04	/* with a fraction */
#define PHIG_HOLDS_TIME		0x08	/* date, timestamp */
#define PHIG_HOLDS_UUID		0x10
#define PHIG_HOLDS_BYTES	0x20	/* bytea, large objects */
#define PHIG_HOLDS_DOCUMENT	0x40	/* json, xml, tsvector */
#define PHIG_HOLDS_NET		0x80	/* inet, cidr */
#define PHIG_HOLDS_MAC		0x100
#define PHIG_HOLDS_POINT	0x200
#define PHIG_HOLDS_BOOL		0x400
#define PHIG_HOLDS_VECTOR	0x800	/* arrays of numbers, embeddings */
#define PHIG_HOLDS_UNKNOWN	0x1000	/* any other type */

typedef struct PhigNameRule
{
	const char *words;			/* all must be there: words, or {P} for one of a sort; NULL ends
								 * the table */
	const char *context;		/* one must be there, of column or table; NULL: none */
	const char *never;			/* none may be there; NULL */
	PhigCategory category;
	const char *kind;
	float		score;
	int			holds;			/* types that it speaks of */
	bool		whole;			/* there are no other words, but those that say whose it is */
} PhigNameRule;

/*
 * phig_rules_best
 *		The rule that says most of a column of this name and type; NULL where none does.
 */
extern const PhigNameRule *phig_rules_best(const PhigWords *table, const PhigWords *column, int holds);

/* The rule that a comment (a sentence or two) is a plain case of: only rules that are certain. */
extern const PhigNameRule *phig_rules_of_comment(const PhigWords *comment, int holds);

#endif
