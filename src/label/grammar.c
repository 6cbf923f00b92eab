/*
 * grammar.c
 *		The text of a label, parsed.
 *
 * Everything that comes in is bytes from outside, of any length and encoding.
 * A word is copied into a small buffer, folded, and looked up whole: what is
 * longer than the longest word of the vocabulary is no word of it.
 */
#include "postgres.h"

#include "label/grammar.h"
#include "label/vocabulary.h"

#define WORD_MAX_BYTES 32

static PhigLabelFault parse_subject(const char *cursor, PhigParsedLabel *parsed);
static PhigLabelFault parse_attribute(const char **cursor, PhigLabel *label, int *seen);
static PhigLabelFault parse_kind(const char **cursor, PhigLabel *label);
static PhigLabelFault parse_conf(const char **cursor, PhigLabel *label);
static PhigLabelFault parse_sens(const char **cursor, PhigLabel *label);
static bool parse_identifier(const char **cursor, char *name, char stop);
static bool ends_word(const char *p, char stop);
static bool next_word(const char **cursor, char *word, char (*fold) (char));
static bool accept_prefix(const char **cursor, const char *prefix);
static void skip_spaces(const char **cursor);
static char lower(char c);
static char upper(char c);

PhigLabelFault
phig_label_parse(const char *text, PhigParsedLabel *parsed)
{
	const char *cursor = text;
	char		word[WORD_MAX_BYTES];
	int			seen = 0;

	memset(parsed, 0, sizeof(*parsed));
	if (strlen(text) > PHIG_LABEL_MAX_BYTES)
		return PHIG_FAULT_TOO_LONG;
	skip_spaces(&cursor);
	if (*cursor == '\0')
		return PHIG_FAULT_EMPTY;
	if (accept_prefix(&cursor, "subject="))
		return parse_subject(cursor, parsed);

	if (!next_word(&cursor, word, lower) || (*cursor != ' ' && *cursor != '\0'))
		return PHIG_FAULT_CATEGORY;
	parsed->label.category = phig_category_from_name(word);
	if (parsed->label.category == PHIG_CAT_UNLABELLED)
		return PHIG_FAULT_CATEGORY;
	parsed->label.conf = PHIG_CONF_DEFAULT;

	for (skip_spaces(&cursor); *cursor != '\0'; skip_spaces(&cursor))
	{
		PhigLabelFault fault = parse_attribute(&cursor, &parsed->label, &seen);

		if (fault != PHIG_FAULT_NONE)
			return fault;
	}
	return PHIG_FAULT_NONE;
}

static PhigLabelFault
parse_subject(const char *cursor, PhigParsedLabel *parsed)
{
	parsed->is_subject = true;
	if (!parse_identifier(&cursor, parsed->subject, '-'))
		return PHIG_FAULT_SUBJECT;
	if (accept_prefix(&cursor, "->"))
	{
		if (!parse_identifier(&cursor, parsed->target, '.'))
			return PHIG_FAULT_SUBJECT;
		if (accept_prefix(&cursor, "."))
		{
			memcpy(parsed->target_schema, parsed->target, NAMEDATALEN);
			if (!parse_identifier(&cursor, parsed->target, '.'))
				return PHIG_FAULT_SUBJECT;
		}
	}
	skip_spaces(&cursor);
	return *cursor == '\0' ? PHIG_FAULT_NONE : PHIG_FAULT_SUBJECT;
}

/* One attribute; afterwards the cursor stands at a space or at the end. */
static PhigLabelFault
parse_attribute(const char **cursor, PhigLabel *label, int *seen)
{
	static const struct
	{
		const char *prefix;
		PhigLabelFault (*parse) (const char **cursor, PhigLabel *label);
		PhigLabelFault fault;
	}			attributes[] = {
		{"kind=", parse_kind, PHIG_FAULT_KIND},
		{"conf=", parse_conf, PHIG_FAULT_CONF},
		{"sens=", parse_sens, PHIG_FAULT_SENS},
	};

	for (int i = 0; i < (int) lengthof(attributes); i++)
	{
		PhigLabelFault fault;

		if (!accept_prefix(cursor, attributes[i].prefix))
			continue;
		if (label->category == PHIG_CAT_NONE)
			return PHIG_FAULT_NONE_ATTRIBUTE;
		if (*seen & (1 << i))
			return PHIG_FAULT_REPEATED;
		*seen |= 1 << i;
		fault = attributes[i].parse(cursor, label);
		if (fault == PHIG_FAULT_NONE && **cursor != ' ' && **cursor != '\0')
			fault = attributes[i].fault;
		return fault;
	}
	return PHIG_FAULT_ATTRIBUTE;
}

static PhigLabelFault
parse_kind(const char **cursor, PhigLabel *label)
{
	char		word[WORD_MAX_BYTES];

	if (!next_word(cursor, word, lower))
		return PHIG_FAULT_KIND;
	label->kind = phig_kind_from_name(label->category, word);
	return label->kind == NULL ? PHIG_FAULT_KIND : PHIG_FAULT_NONE;
}

static PhigLabelFault
parse_conf(const char **cursor, PhigLabel *label)
{
	char		word[WORD_MAX_BYTES];

	if (!next_word(cursor, word, upper) || strlen(word) != 1 || phig_conf_rank(word[0]) == 0)
		return PHIG_FAULT_CONF;
	label->conf = word[0];
	return PHIG_FAULT_NONE;
}

static PhigLabelFault
parse_sens(const char **cursor, PhigLabel *label)
{
	do
	{
		char		word[WORD_MAX_BYTES];
		uint64		bit;

		if (!next_word(cursor, word, upper))
			return PHIG_FAULT_SENS;
		bit = phig_sens_from_code(word);
		if (bit == 0)
			return PHIG_FAULT_SENS;
		label->sens |= bit;
	} while (accept_prefix(cursor, ","));
	return PHIG_FAULT_NONE;
}

/*
 * An SQL identifier, quoted or folded to lower case; false when empty, too long or not closed.
 * stop: '.', or '-' for an arrow; what ends it where it is not quoted, beside a space.
 */
static bool
parse_identifier(const char **cursor, char *name, char stop)
{
	const char *p = *cursor;
	bool		quoted = *p == '"';
	int			len = 0;

	for (p += quoted; *p != '\0' && (quoted || !ends_word(p, stop)); p++)
	{
		if (*p == '"')
		{
			if (!quoted)
				return false;
			if (p[1] != '"')
				break;
			p++;
		}
		if (len >= NAMEDATALEN - 1)
			return false;
		name[len++] = quoted ? *p : lower(*p);
	}
	if (len == 0 || (quoted && *p != '"'))
		return false;
	name[len] = '\0';
	*cursor = p + quoted;
	return true;
}

static bool
ends_word(const char *p, char stop)
{
	return *p == ' ' || (*p == stop && (stop != '-' || p[1] == '>'));
}

/* Letters, digits and underscores up to anything else; false when there are none or too many. */
static bool
next_word(const char **cursor, char *word, char (*fold) (char))
{
	int			len = 0;

	while ((**cursor >= 'a' && **cursor <= 'z') || (**cursor >= 'A' && **cursor <= 'Z') ||
		   (**cursor >= '0' && **cursor <= '9') || **cursor == '_')
	{
		if (len >= WORD_MAX_BYTES - 1)
			return false;
		word[len++] = fold(*(*cursor)++);
	}
	word[len] = '\0';
	return len > 0;
}

static bool
accept_prefix(const char **cursor, const char *prefix)
{
	const char *p = *cursor;

	for (; *prefix != '\0'; p++, prefix++)
		if (lower(*p) != *prefix)
			return false;
	*cursor = p;
	return true;
}

static void
skip_spaces(const char **cursor)
{
	while (**cursor == ' ')
		(*cursor)++;
}

/* ASCII only, whatever the locale. */
static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static char
upper(char c)
{
	return c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c;
}
