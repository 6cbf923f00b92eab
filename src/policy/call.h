/*
 * call.h
 *		A transform as a rule says it: name, or name(argument, ...) with literal arguments.
 */
#ifndef PHIG_POLICY_CALL_H
#define PHIG_POLICY_CALL_H

#include "postgres.h"

#include "nodes/pg_list.h"

#define PHIG_TRANSFORM_MAX_BYTES 256

typedef struct PhigTransformCall
{
	char	   *name;			/* "token", or "schema.name" */
	List	   *arguments;		/* of char *, unquoted */
} PhigTransformCall;

/*
 * phig_transform_call_parse
 *		Take a text apart: token, token(registry), mask(4), fpe('ssn', 'it''s a tweak').
 *
 * An argument without quotes ends at a comma or parenthesis, blanks around it do not count.
 * Returns false for any other text.  Memory: palloc'd.  Errors: none raised.
 */
extern bool phig_transform_call_parse(const char *text, PhigTransformCall *call);

/* The same, always spelt in one way. */
extern char *phig_transform_call_text(const PhigTransformCall *call);

#endif
