/*
 * pattern.h
 *		Regular expressions: PCRE2 with JIT, and limits.
 */
#ifndef PHIG_PATTERN_H
#define PHIG_PATTERN_H

#include "postgres.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Steps from one place of the text.  What needs more is an error, never "no match". */
#define PHIG_PATTERN_MATCH_LIMIT 20000
#define PHIG_PATTERN_DEPTH_LIMIT 2000
#define PHIG_PATTERN_HEAP_LIMIT_KB 4096

typedef struct PhigPattern
{
	pcre2_code *code;
	pcre2_match_data *data;
	bool		jit;
} PhigPattern;

/*
 * phig_pattern_compile
 *		Returns false, with PCRE2's error number and the offset in bytes, for a bad pattern.
 *
 * With JIT where the machine has it.  options: PCRE2_UTF and so on.  The code lives until phig_pattern_free.
 */
extern bool phig_pattern_compile(PhigPattern *pattern, const char *source, size_t len, uint32 options,
								 int *error, size_t *offset);
extern void phig_pattern_free(PhigPattern *pattern);

/*
 * Find a pattern that was compiled with PCRE2_ANCHORED and without PCRE2_UTF at a place (asked for when matching, the
 * first would do without JIT), or, by phig_pattern_search, one that was not, at a place from at to last.  name is that
 * of the recognizer.
 *
 * False when it is not there.
 * Errors: 54000 when that takes more than the limits.
 */
extern bool phig_pattern_match(const PhigPattern *pattern, const char *name, const char *text, size_t len,
							   size_t at, size_t *end);
extern bool phig_pattern_search(const PhigPattern *pattern, const char *name, const char *text, size_t len,
								size_t at, size_t last, size_t *start, size_t *end);

/* The error of PCRE2 in words, as for the user. */
extern const char *phig_pattern_error(int error);

#endif
