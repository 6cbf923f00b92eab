/*
 * shape.h
 *		Statements whose text was normalised before, but for their literals.
 */
#ifndef PHIG_SHAPE_H
#define PHIG_SHAPE_H

#include "postgres.h"

#define PHIG_SHAPE_MAX_BYTES 1024
#define PHIG_SHAPE_MAX_WORDS 32

/* The tokens of a statement, without literals, comments and spaces. */
typedef struct PhigShape
{
	int			len;
	char		bytes[PHIG_SHAPE_MAX_BYTES];
} PhigShape;

/* What phig_names_has and phig_names_is_alias said of one of its words. */
typedef struct PhigShapeWord
{
	const char *text;
	bool		keyword;		/* how it was asked for */
	bool		public;
	bool		asked_alias;	/* as an alias, too */
	bool		alias;
} PhigShapeWord;

typedef struct PhigShapeText
{
	const char *text;			/* normalised */
	int			len;
	uint64		fingerprint;
	int			nwords;
	const PhigShapeWord *words;
} PhigShapeText;

/*
 * phig_shape_read
 *		The shape of a text of len bytes; false when it is too long, or no SQL.
 *
 * Two texts of one shape have the same normalised text where their words have the same answers.
 * Errors:  none raised.  Memory: none allocated.
 */
extern bool phig_shape_read(PhigShape *shape, const char *text, int len);

/* What was kept for the shape, or NULL.  The result lives until the next phig_shape_keep. */
extern const PhigShapeText *phig_shape_find(const PhigShape *shape);

/* Keep a copy of text for the shape, unless it is long. */
extern void phig_shape_keep(const PhigShape *shape, const PhigShapeText *text);

#endif
