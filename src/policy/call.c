/*
 * call.c
 *		A transform as a rule says it: name, or name(argument, ...) with literal arguments.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "policy/call.h"

static bool is_name_character(char c, bool first);
static const char *skip_blanks(const char *p);
static char *parse_argument(const char **p);
static bool needs_quotes(const char *argument);

bool
phig_transform_call_parse(const char *text, PhigTransformCall *call)
{
	const char *p = skip_blanks(text);
	const char *name = p;

	call->arguments = NIL;
	if (strlen(text) > PHIG_TRANSFORM_MAX_BYTES)
		return false;
	while (is_name_character(*p, p == name || p[-1] == '.'))
		p++;
	if (p == name || p[-1] == '.')
		return false;
	call->name = pnstrdup(name, p - name);
	p = skip_blanks(p);
	if (*p == '\0')
		return true;
	if (*p != '(')
		return false;
	do
	{
		char	   *argument;

		p = skip_blanks(p + 1);
		argument = parse_argument(&p);
		if (argument == NULL)
			return false;
		call->arguments = lappend(call->arguments, argument);
		p = skip_blanks(p);
	} while (*p == ',');
	return *p == ')' && *skip_blanks(p + 1) == '\0';
}

char *
phig_transform_call_text(const PhigTransformCall *call)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfoString(&text, call->name);
	foreach(lc, call->arguments)
		appendStringInfo(&text, "%s%s", lc == list_head(call->arguments) ? "(" : ", ",
						 needs_quotes(lfirst(lc)) ? quote_literal_cstr(lfirst(lc)) : (char *) lfirst(lc));
	if (call->arguments != NIL)
		appendStringInfoChar(&text, ')');
	return text.data;
}

static bool
is_name_character(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || c == '_' || (!first && ((c >= '0' && c <= '9') || c == '.'));
}

static const char *
skip_blanks(const char *p)
{
	while (*p == ' ')
		p++;
	return p;
}

/* NULL where there is none; moves on behind it. */
static char *
parse_argument(const char **p)
{
	StringInfoData argument;
	const char *c = *p;
	const bool	quoted = *c == '\'';

	initStringInfo(&argument);
	for (c += quoted; *c != '\0'; c++)
	{
		if (quoted ? *c == '\'' && c[1] != '\'' : *c == ',' || *c == ')')
			break;
		if (quoted ? *c == '\'' : *c == '\'' || *c == '(')
		{
			if (!quoted)
				return NULL;
			c++;
		}
		appendStringInfoChar(&argument, *c);
	}
	if (*c == '\0')
		return NULL;
	while (!quoted && argument.len > 0 && argument.data[argument.len - 1] == ' ')
		argument.data[--argument.len] = '\0';
	*p = c + quoted;
	return quoted || argument.len > 0 ? argument.data : NULL;
}

static bool
needs_quotes(const char *argument)
{
	return argument[0] == '\0' || argument[0] == ' ' || argument[strlen(argument) - 1] == ' ' ||
		strpbrk(argument, ",()'\\") != NULL;
}
