/*
 * value.c
 *		A label as a value: compared, printed, complained about.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "errors.h"
#include "label/value.h"
#include "label/vocabulary.h"

static char stricter_conf(char a, char b);
static char *list_categories(void);
static char *list_kinds(PhigCategory category);
static char *list_sens(uint64 mask);
static void append_listed(StringInfo buf, const char *word, const char *separator);

/*
 * Where both have the same category but not the same kind, the result has none:
 * a rule for one kind must not reach what may be another.
 */
PhigLabel
phig_label_stricter(const PhigLabel *a, const PhigLabel *b)
{
	PhigLabel	result = a->category >= b->category ? *a : *b;

	if (a->category == b->category && a->kind != b->kind)
		result.kind = NULL;
	result.conf = stricter_conf(a->conf, b->conf);
	result.sens = a->sens | b->sens;
	return result;
}

bool
phig_label_is_lower(const PhigLabel *label, const PhigLabel *than)
{
	return label->category < than->category ||
		(label->category == than->category && label->kind != than->kind) ||
		phig_conf_rank(label->conf) < phig_conf_rank(than->conf) ||
		(than->sens & ~label->sens) != 0;
}

bool
phig_label_equal(const PhigLabel *a, const PhigLabel *b)
{
	return a->category == b->category && a->kind == b->kind && a->conf == b->conf && a->sens == b->sens;
}

char *
phig_label_to_text(const PhigLabel *label)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, phig_category_name(label->category));
	if (label->kind != NULL)
		appendStringInfo(&buf, " kind=%s", label->kind);
	if (label->conf != '\0' && label->conf != PHIG_CONF_DEFAULT)
		appendStringInfo(&buf, " conf=%c", label->conf);
	if (label->sens != 0)
		appendStringInfo(&buf, " sens=%s", list_sens(label->sens));
	return buf.data;
}

char *
phig_parsed_label_to_text(const PhigParsedLabel *parsed)
{
	if (parsed->is_subject && parsed->target[0] == '\0')
		return psprintf("subject=%s", quote_identifier(parsed->subject));
	if (parsed->is_subject)
		return psprintf("subject=%s->%s", quote_identifier(parsed->subject), parsed->target_schema[0] == '\0' ?
						quote_identifier(parsed->target) :
						quote_qualified_identifier(parsed->target_schema, parsed->target));
	return phig_label_to_text(&parsed->label);
}

ArrayType *
phig_sens_array(uint64 sens)
{
	Datum		codes[64];
	int			n = 0;

	for (int i = 0; phig_sens_code(i) != NULL; i++)
		if (sens & (UINT64CONST(1) << i))
			codes[n++] = CStringGetTextDatum(phig_sens_code(i));
	return construct_array(codes, n, TEXTOID, -1, false, TYPALIGN_INT);
}

void
phig_label_complain(PhigLabelFault fault, const PhigParsedLabel *parsed)
{
	PhigCategory category = parsed->label.category;
	const char *what;
	char	   *hint;

	switch (fault)
	{
		case PHIG_FAULT_CATEGORY:
			what = "unknown category in the label";
			hint = psprintf("Categories are: %s.", list_categories());
			break;
		case PHIG_FAULT_KIND:
			what = psprintf("unknown kind for category \"%s\" in the label", phig_category_name(category));
			hint = *phig_category_kinds(category) == NULL ? pstrdup("This category has no kinds.") :
				psprintf("Its kinds are: %s.", list_kinds(category));
			break;
		case PHIG_FAULT_CONF:
			what = "unknown confidentiality code in the label";
			hint = pstrdup("Codes are: U, L, M, N, R, V.");
			break;
		case PHIG_FAULT_SENS:
			what = "unknown sensitivity code in the label";
			hint = psprintf("Codes, separated by commas, are: %s.", list_sens(PG_UINT64_MAX));
			break;
		case PHIG_FAULT_ATTRIBUTE:
			what = "unknown attribute in the label";
			hint = pstrdup("After the category, a label may have: kind=, conf=, sens=.");
			break;
		case PHIG_FAULT_REPEATED:
			what = "the label has an attribute twice";
			hint = pstrdup("Write several sensitivity codes as one list: sens=HIV,PSY.");
			break;
		case PHIG_FAULT_NONE_ATTRIBUTE:
			what = "category \"none\" takes no attributes";
			hint = pstrdup("What is not PHI has no kind, confidentiality or sensitivity.");
			break;
		case PHIG_FAULT_SUBJECT:
			what = "the label does not name one subject column";
			hint = pstrdup("Write subject= and the name of one column, in double quotes if SQL needs them; behind it "
						   "->table where it refers to a row of a table that has a subject itself.");
			break;
		case PHIG_FAULT_TOO_LONG:
			what = "the label is too long";
			hint = psprintf("A label has at most %d bytes.", PHIG_LABEL_MAX_BYTES);
			break;
		default:
			what = "the label is empty";
			hint = psprintf("Use NULL to remove a label. Categories are: %s.", list_categories());
			break;
	}
	ereport(ERROR,
			(errcode(PHIG_ERRCODE_INVALID_LABEL),
			 errmsg("%s", what),
			 errhint("%s", hint),
			 errhidestmt(true), errhidecontext(true)));
}

static char
stricter_conf(char a, char b)
{
	return phig_conf_rank(a) >= phig_conf_rank(b) ? a : b;
}

static char *
list_categories(void)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = PHIG_CAT_NONE; i < PHIG_NCATEGORIES; i++)
		append_listed(&buf, phig_category_name((PhigCategory) i), ", ");
	return buf.data;
}

static char *
list_kinds(PhigCategory category)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *const *kind = phig_category_kinds(category); *kind != NULL; kind++)
		append_listed(&buf, *kind, ", ");
	return buf.data;
}

static char *
list_sens(uint64 mask)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; phig_sens_code(i) != NULL; i++)
		if (mask & (UINT64CONST(1) << i))
			append_listed(&buf, phig_sens_code(i), ",");
	return buf.data;
}

static void
append_listed(StringInfo buf, const char *word, const char *separator)
{
	if (buf->len > 0)
		appendStringInfoString(buf, separator);
	appendStringInfoString(buf, word);
}
