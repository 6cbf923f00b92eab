/*
 * statement.c
 *		The definition of a statement, as key=value lines (format.h).
 *
 * Built when a statement is planned, carried in the plan, written into the
 * journal once per segment.  Column paths are names, not OIDs: a record is
 * read on other servers and after a column is gone; a rename invalidates the
 * plan, so the names are those of the time of access.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "journal/statement.h"


static void append_line(StringInfo buf, char key, const char *value);
static void append_paths(StringInfo buf, char key, List *paths);
static List *paths_of(const PhigFlowSet *set, List *paths);
static List *forms_of(const PhigFlowSet *set);
static List *categories_of(const PhigFlow *flow);
static void finish(PhigDefinition *def, StringInfo buf);

void
phig_statement_build(PhigStatement *out, const PhigFlow *flow, const char *command,
					 const char *query, uint64 fingerprint)
{
	StringInfoData buf;
	bool		writes = flow->stored.nitems > 0 || flow->written.nitems > 0;

	memset(out, 0, sizeof(*out));
	out->kind = writes ? PHIG_KIND_WRITE : PHIG_KIND_READ;
	if (flow->flags & PHIG_FLOW_ROW_TRIGGER)
		out->flags |= PHIG_FLAG_ROW_TRIGGER;
	if (flow->flags & PHIG_FLOW_APPROXIMATE)
		out->flags |= PHIG_FLAG_APPROXIMATE;
	if (!writes && flow->returned.nitems == 0 && flow->referenced.nitems == 0)
		return;

	initStringInfo(&buf);
	append_line(&buf, 't', command);
	append_line(&buf, 'f', psprintf("%016llx", (unsigned long long) fingerprint));
	append_line(&buf, 'q', query);
	append_paths(&buf, 'r', paths_of(&flow->returned, NIL));
	append_paths(&buf, 'e', paths_of(&flow->referenced, NIL));
	append_paths(&buf, 's', paths_of(&flow->written, paths_of(&flow->stored, NIL)));
	append_paths(&buf, 'w', forms_of(&flow->returned));
	append_paths(&buf, 'c', categories_of(flow));
	finish(&out->def, &buf);
}

void
phig_statement_retarget(PhigStatement *out, const PhigStatement *in, const char *command,
						bool into_relation)
{
	StringInfoData buf;
	List	   *stored = phig_definition_values(in->def.text, 's');
	const char *singles = "fq";
	const char *lists = into_relation ? "ec" : "rewc";
	ListCell   *lc;

	*out = *in;
	initStringInfo(&buf);
	append_line(&buf, 't', command);
	for (const char *key = singles; *key; key++)
		foreach(lc, phig_definition_values(in->def.text, *key))
			append_line(&buf, *key, lfirst(lc));
	if (into_relation)
	{
		stored = list_concat(stored, phig_definition_values(in->def.text, 'r'));
		out->kind = PHIG_KIND_WRITE;
	}
	for (const char *key = lists; *key; key++)
		append_paths(&buf, *key, phig_definition_values(in->def.text, *key));
	append_paths(&buf, 's', stored);
	out->def.text = buf.data;
	out->def.len = buf.len;
	phig_journal_define(&out->def);
}

void
phig_statement_event(PhigDefinition *out, const char *command, const char *text, List *columns)
{
	StringInfoData buf;

	initStringInfo(&buf);
	append_line(&buf, 't', command);
	if (text)
		append_line(&buf, 'q', text);
	append_paths(&buf, 'e', columns);
	finish(out, &buf);
}

char *
phig_column_path(Oid relid, AttrNumber attno)
{
	char	   *relname = get_rel_name(relid);
	char	   *attname = attno > 0 ? get_attname(relid, attno, true) : NULL;
	char	   *nspname;

	if (relname == NULL || (attno > 0 && attname == NULL))
		return NULL;
	nspname = get_namespace_name_or_temp(get_rel_namespace(relid));
	if (nspname == NULL)
		return NULL;
	if (attname == NULL)
		return quote_qualified_identifier(nspname, relname);
	return psprintf("%s.%s", quote_qualified_identifier(nspname, relname),
					quote_identifier(attname));
}

List *
phig_definition_values(const char *text, char key)
{
	List	   *values = NIL;

	while (text && *text)
	{
		const char *end = strchr(text, '\n');

		if (end == NULL)
			break;
		if (text[0] == key && text[1] == '=')
		{
			char	   *value = palloc(end - text);
			char	   *to = value;

			for (const char *from = text + 2; from < end; from++)
			{
				if (*from == '\\' && from + 1 < end)
				{
					from++;
					*to++ = *from == 'n' ? '\n' : *from;
				}
				else
					*to++ = *from;
			}
			*to = '\0';
			values = lappend(values, value);
		}
		text = end + 1;
	}
	return values;
}

static void
append_line(StringInfo buf, char key, const char *value)
{
	appendStringInfoChar(buf, key);
	appendStringInfoChar(buf, '=');
	for (; *value; value++)
	{
		if (*value == '\n')
			appendStringInfoString(buf, "\\n");
		else if (*value == '\\')
			appendStringInfoString(buf, "\\\\");
		else
			appendStringInfoChar(buf, *value);
	}
	appendStringInfoChar(buf, '\n');
}

static int
compare_paths(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* Sorted, without duplicates. */
static void
append_paths(StringInfo buf, char key, List *paths)
{
	const char *last = NULL;
	ListCell   *lc;

	list_sort(paths, compare_paths);
	foreach(lc, paths)
	{
		if (last == NULL || strcmp(last, lfirst(lc)) != 0)
			append_line(buf, key, lfirst(lc));
		last = lfirst(lc);
	}
}

static List *
paths_of(const PhigFlowSet *set, List *paths)
{
	for (int i = 0; i < set->nitems; i++)
	{
		char	   *path = phig_column_path(set->items[i].relid, set->items[i].attno);

		if (path)
			paths = lappend(paths, path);
	}
	return paths;
}

/* "public.patient.ssn=token": in what form each returned column leaves. */
static List *
forms_of(const PhigFlowSet *set)
{
	List	   *forms = NIL;

	for (int i = 0; i < set->nitems; i++)
	{
		const PhigFlowItem *item = &set->items[i];
		char	   *path = phig_column_path(item->relid, item->attno);
		char	   *form = item->form == PHIG_FORM_CLEAR ? "clear" : get_func_name(item->form);

		if (path && form)
			forms = lappend(forms, psprintf("%s=%s", path, form));
	}
	return forms;
}

/* "public.patient.ssn=ssn": what each column was labelled at the time. */
static List *
categories_of(const PhigFlow *flow)
{
	const PhigFlowSet *sets[] = {&flow->returned, &flow->referenced, &flow->stored, &flow->written};
	List	   *categories = NIL;

	for (size_t s = 0; s < lengthof(sets); s++)
		for (int i = 0; i < sets[s]->nitems; i++)
		{
			const PhigFlowItem *item = &sets[s]->items[i];
			char	   *path = phig_column_path(item->relid, item->attno);

			if (path)
				categories = lappend(categories, psprintf("%s=%s", path,
														  phig_category_name(item->label.category)));
		}
	return categories;
}

static void
finish(PhigDefinition *def, StringInfo buf)
{
	def->text = pg_server_to_any(buf->data, buf->len, PG_UTF8);
	def->len = strlen(def->text);
	phig_journal_define(def);
}
