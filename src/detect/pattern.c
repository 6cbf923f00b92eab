/*
 * pattern.c
 *		Regular expressions: PCRE2 with JIT, and limits.
 *
 * A match that ends at a limit is undecided.  Text that was not decided on must not pass for
 * text without identifiers, so that is an error, with the recognizer's name and never the text.
 */
#include "postgres.h"

#include "detect/pattern.h"

static pcre2_match_context * limits = NULL;

static void prepare(void);
static _Noreturn void refuse(const char *name, int error);

bool
phig_pattern_compile(PhigPattern *pattern, const char *source, size_t len, uint32 options, int *error,
					 size_t *offset)
{
	PCRE2_SIZE	place = 0;

	*error = 0;
	*offset = 0;
	pattern->data = NULL;
	pattern->code = pcre2_compile((PCRE2_SPTR) source, len, options | PCRE2_USE_OFFSET_LIMIT, error, &place, NULL);
	if (pattern->code == NULL)
	{
		*offset = place;
		return false;
	}
	/* without JIT (a kernel may forbid it) the same pattern is interpreted */
	pattern->jit = pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE) == 0;
	pattern->data = pcre2_match_data_create(1, NULL);
	if (pattern->data == NULL)
	{
		phig_pattern_free(pattern);
		*error = PCRE2_ERROR_NOMEMORY;
		return false;
	}
	return true;
}

void
phig_pattern_free(PhigPattern *pattern)
{
	pcre2_match_data_free(pattern->data);
	pcre2_code_free(pattern->code);
	pattern->data = NULL;
	pattern->code = NULL;
}

bool
phig_pattern_match(const PhigPattern *pattern, const char *name, const char *text, size_t len, size_t at,
				   size_t *end)
{
	int			n;

	if (limits == NULL)
		prepare();
	pcre2_set_offset_limit(limits, PCRE2_UNSET);
	/* without the checks of arguments, which cost as much as the match */
	n = (pattern->jit ? pcre2_jit_match : pcre2_match) (pattern->code, (PCRE2_SPTR) text, len, at, 0, pattern->data,
														limits);
	if (n == PCRE2_ERROR_NOMATCH)
		return false;
	if (n < 0)
		refuse(name, n);
	*end = pcre2_get_ovector_pointer(pattern->data)[1];
	return *end > at;
}

bool
phig_pattern_search(const PhigPattern *pattern, const char *name, const char *text, size_t len, size_t at,
					size_t last, size_t *start, size_t *end)
{
	PCRE2_SIZE *ends = pcre2_get_ovector_pointer(pattern->data);
	int			n;

	if (limits == NULL)
		prepare();
	pcre2_set_offset_limit(limits, last);
	n = pcre2_match(pattern->code, (PCRE2_SPTR) text, len, at, 0, pattern->data, limits);
	if (n == PCRE2_ERROR_NOMATCH)
		return false;
	if (n < 0)
		refuse(name, n);
	*start = Min(ends[0], ends[1]);
	*end = ends[1];
	return true;
}

const char *
phig_pattern_error(int error)
{
	static char message[256];

	if (pcre2_get_error_message(error, (PCRE2_UCHAR *) message, sizeof(message)) < 0)
		strlcpy(message, "unknown error", sizeof(message));
	return message;
}

static void
prepare(void)
{
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	pcre2_jit_stack *stack = pcre2_jit_stack_create(32 * 1024, 1024 * 1024, NULL);

	if (context == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory for regular expressions")));
	pcre2_set_match_limit(context, PHIG_PATTERN_MATCH_LIMIT);
	pcre2_set_depth_limit(context, PHIG_PATTERN_DEPTH_LIMIT);
	pcre2_set_heap_limit(context, PHIG_PATTERN_HEAP_LIMIT_KB);
	if (stack != NULL)
		pcre2_jit_stack_assign(context, NULL, stack);
	limits = context;
}

static void
refuse(const char *name, int error)
{
	ereport(ERROR,
			(errcode(ERRCODE_STATEMENT_TOO_COMPLEX),
			 errmsg("recognizer \"%s\" needs more steps than allowed to decide on this text", name),
			 errdetail("PCRE2: %s.", phig_pattern_error(error)),
			 errhint("Write its pattern without repetitions inside repetitions, make them possessive (++ in place of +), "
					 "or disable it: UPDATE phiguard.recognizers SET enabled = false."),
			 errhidestmt(true)));
}
