/* sources: src/label/grammar.c src/label/vocabulary.c src/label/value.c */
/* seconds: 10 */
/*
 * label_fuzz.c
 *		Any bytes as the text of a label.
 *
 * What is accepted is printed, parsed again and must be the same label; what is
 * refused for its words must be refused in any case of letters too.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "fuzz.h"

#include "label/value.h"
#include "label/vocabulary.h"

static void
append_quoted(StringInfo text, const char *name)
{
	appendStringInfoChar(text, '"');
	for (; *name != '\0'; name++)
	{
		if (*name == '"')
			appendStringInfoChar(text, '"');
		appendStringInfoChar(text, *name);
	}
	appendStringInfoChar(text, '"');
}

/* The names of a subject, quoted always: the grammar must give back what went in. */
static char *
subject_text(const PhigParsedLabel *parsed)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, "subject=");
	append_quoted(&text, parsed->subject);
	if (parsed->target[0] == '\0')
		return text.data;
	appendStringInfoString(&text, "->");
	if (parsed->target_schema[0] != '\0')
	{
		append_quoted(&text, parsed->target_schema);
		appendStringInfoChar(&text, '.');
	}
	append_quoted(&text, parsed->target);
	return text.data;
}

static bool
same_subject(const PhigParsedLabel *a, const PhigParsedLabel *b)
{
	return strcmp(a->subject, b->subject) == 0 && strcmp(a->target, b->target) == 0 &&
		strcmp(a->target_schema, b->target_schema) == 0;
}

static void
check_accepted(const PhigParsedLabel *parsed)
{
	PhigParsedLabel again;
	char	   *text = parsed->is_subject ? subject_text(parsed) : phig_label_to_text(&parsed->label);

	if (phig_label_parse(text, &again) != PHIG_FAULT_NONE || again.is_subject != parsed->is_subject)
		abort();
	if (parsed->is_subject ? !same_subject(parsed, &again) :
		!phig_label_equal(&parsed->label, &again.label))
		abort();
	if (!parsed->is_subject &&
		(parsed->label.category == PHIG_CAT_UNLABELLED || phig_conf_rank(parsed->label.conf) == 0 ||
		 phig_label_is_lower(&again.label, &parsed->label)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *text = palloc(size + 1);
	PhigParsedLabel parsed;
	PhigParsedLabel upper;
	PhigLabelFault fault;

	memcpy(text, data, size);
	text[size] = '\0';
	fault = phig_label_parse(text, &parsed);
	if (fault == PHIG_FAULT_NONE)
		check_accepted(&parsed);
	if (parsed.is_subject)
		return 0;
	for (char *p = text; *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'z')
			*p -= 'a' - 'A';
	if (phig_label_parse(text, &upper) != fault || !phig_label_equal(&parsed.label, &upper.label))
		abort();
	return 0;
}
