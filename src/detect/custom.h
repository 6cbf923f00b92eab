/*
 * custom.h
 *		Recognizers of the user's own, and lists of terms, compiled.
 *
 * Made by custom_load.c from the tables, or by whoever has them from elsewhere.
 */
#ifndef PHIG_CUSTOM_H
#define PHIG_CUSTOM_H

#include "detect/pattern.h"
#include "detect/scan.h"
#include "detect/validators.h"

typedef struct PhigCustomRecognizer
{
	const char *name;
	const char *category;
	const char *kind;			/* or NULL */
	float		score;
	PhigPattern pattern;
	PhigValidator validator;	/* or NULL */
	uint64	   *context;		/* hashes of words */
	int			ncontext;
} PhigCustomRecognizer;

/* A term that is always reported: the hashes of its words and numbers, signs as themselves. */
typedef struct PhigCustomTerm
{
	uint64	   *parts;
	int			nparts;
	const char *category;
	const char *kind;
	int			next;			/* in the chain of its first part, -1 at the end */
} PhigCustomTerm;

struct PhigDetectCustom
{
	PhigCustomRecognizer *recognizers;
	int			nrecognizers;
	const char **off;			/* names of recognizers of phiguard's that do not count */
	int			noff;
	PhigCustomTerm *terms;
	int			nterms;
	int		   *chains;			/* by the hash of the first part; -1: none */
	uint32		nchains;		/* a power of two, 0 without terms */
	PhigKnown	allowed;		/* hashes of what is never reported */
};

/* Whether findings of a recognizer of phiguard's count. */
extern bool phig_custom_keeps(const PhigDetectCustom *custom, const char *recognizer);

/* Whether a text (folded) is on the list of what is never reported. */
extern bool phig_custom_allows(const PhigDetectCustom *custom, const char *text, size_t len);

/* Options for compiling a pattern that is matched against text of the database. */
extern uint32 phig_custom_pattern_options(bool utf8);

/* The parts of a term, in terms of PhigCustomTerm; palloc'd. */
extern int	phig_custom_parts(const char *term, size_t len, PhigDecode decode, uint64 **parts);

/* The hash by which an allowed text is known. */
extern uint64 phig_custom_text_hash(const char *text, size_t len);

/* NULL for a name that is no validator. */
extern PhigValidator phig_custom_validator(const char *name);
extern const char *phig_custom_validator_names(void);

#endif
