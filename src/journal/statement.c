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

#include "access/attnum.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "journal/record.h"
#include "journal/statement.h"

/* So much may the columns take: what else is in a record can do without its end. */
#define COLUMNS_MAX_BYTES (PHIG_DEFINITION_MAX_BYTES - 256)

/* Paths made for one statement: a column is often in several of its sets. */
typedef struct Paths
{
	int			most;			/* relations with more labelled columns are named "schema.table.*" */
	int			n;
	struct
	{
		Oid			relid;
		AttrNumber	attno;
		char	   *path;
	}			known[16];
} Paths;

static void append_columns(StringInfo buf, Paths *paths, const PhigFlow *flow);
static bool fits(const StringInfo buf);
static char *path_of(Paths *paths, const PhigFlowItem *item);
static void append_line(StringInfo buf, char key, const char *value);
static void append_paths(StringInfo buf, char key, List *paths);
static List *paths_of(Paths *paths, const PhigFlowSet *set, List *list);
static List *forms_of(Paths *paths, const PhigFlowSet *set);
static List *categories_of(Paths *paths, const PhigFlow *flow);
static void finish(PhigDefinition *def, StringInfo buf);

void
phig_statement_build(PhigStatement *out, const PhigFlow *flow, const char *command,
					 const char *query, uint64 fingerprint)
{
	StringInfoData buf;
	Paths		paths = {.most = MaxAttrNumber};
	bool		writes = flow->stored.nitems > 0 || flow->written.nitems > 0;
	int			head;

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
	head = buf.len;
	/* Nobody shall hide a column behind many others: too many are named by their tables. */
	append_columns(&buf, &paths, flow);
	while (!fits(&buf) && paths.most > 0)
	{
		buf.len = head;
		paths = (Paths) {.most = paths.most > 100 ? 100 : paths.most / 10};
		append_columns(&buf, &paths, flow);
	}
	if (!fits(&buf))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the statement reaches labelled columns of more tables than a record can name"),
				 errhint("Split the statement.")));
	append_paths(&buf, 'w', forms_of(&paths, &flow->returned));
	append_paths(&buf, 'c', categories_of(&paths, flow));
	if (paths.most < MaxAttrNumber)
		append_line(&buf, 'F', "cut");
	/* Last: what does not fit into a record is cut off at the end. */
	append_line(&buf, 'q', query);
	finish(&out->def, &buf);
}

static void
append_columns(StringInfo buf, Paths *paths, const PhigFlow *flow)
{
	append_paths(buf, 'r', paths_of(paths, &flow->returned, NIL));
	append_paths(buf, 'e', paths_of(paths, &flow->referenced, NIL));
	append_paths(buf, 's', paths_of(paths, &flow->written, paths_of(paths, &flow->stored, NIL)));
}

/* Conversion to UTF-8 may make it longer. */
static bool
fits(const StringInfo buf)
{
	return (uint32) buf->len <= COLUMNS_MAX_BYTES / 4 ||
		strlen(phig_journal_utf8(buf->data)) <= COLUMNS_MAX_BYTES;
}

void
phig_statement_retarget(PhigStatement *out, const PhigStatement *in, const char *command,
						bool into_relation)
{
	StringInfoData buf;
	List	   *stored = phig_definition_values(in->def.text, 's');
	const char *lists = into_relation ? "ec" : "rewc";
	ListCell   *lc;

	*out = *in;
	initStringInfo(&buf);
	append_line(&buf, 't', command);
	foreach(lc, phig_definition_values(in->def.text, 'f'))
		append_line(&buf, 'f', lfirst(lc));
	if (into_relation)
	{
		stored = list_concat(stored, phig_definition_values(in->def.text, 'r'));
		out->kind = PHIG_KIND_WRITE;
	}
	append_paths(&buf, 's', stored);
	for (const char *key = lists; *key; key++)
		append_paths(&buf, *key, phig_definition_values(in->def.text, *key));
	foreach(lc, phig_definition_values(in->def.text, 'q'))
		append_line(&buf, 'q', lfirst(lc));
	foreach(lc, phig_definition_values(in->def.text, 'F'))
		append_line(&buf, 'F', lfirst(lc));
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
	append_paths(&buf, 'e', columns);
	if (text)
		append_line(&buf, 'q', text);
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
	while (*value)
	{
		size_t		plain = strcspn(value, "\n\\");

		appendBinaryStringInfo(buf, value, plain);
		value += plain;
		if (*value)
			appendStringInfoString(buf, *value++ == '\n' ? "\\n" : "\\\\");
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

static char *
path_of(Paths *paths, const PhigFlowItem *item)
{
	char	   *path;

	const PhigRelLabels *labels = paths->most < MaxAttrNumber ? phig_label_relation(item->relid) : NULL;
	AttrNumber	attno = labels != NULL && labels->nphi > paths->most ? 0 : item->attno;

	for (int i = 0; i < paths->n; i++)
		if (paths->known[i].relid == item->relid && paths->known[i].attno == attno)
			return paths->known[i].path;
	path = phig_column_path(item->relid, attno);
	if (path && attno == 0)
		path = psprintf("%s.*", path);
	if (paths->n < (int) lengthof(paths->known))
	{
		paths->known[paths->n].relid = item->relid;
		paths->known[paths->n].attno = attno;
		paths->known[paths->n++].path = path;
	}
	return path;
}

static List *
paths_of(Paths *paths, const PhigFlowSet *set, List *list)
{
	for (int i = 0; i < set->nitems; i++)
	{
		char	   *path = path_of(paths, &set->items[i]);

		if (path)
			list = lappend(list, path);
	}
	return list;
}

static char *
join_words(const char *path, const char *word)
{
	size_t		path_len = strlen(path);
	size_t		word_len = strlen(word);
	char	   *joined = palloc(path_len + word_len + 2);

	memcpy(joined, path, path_len);
	joined[path_len] = '=';
	memcpy(joined + path_len + 1, word, word_len + 1);
	return joined;
}

/* "public.patient.ssn=token": in what form each returned column leaves. */
static List *
forms_of(Paths *paths, const PhigFlowSet *set)
{
	List	   *forms = NIL;

	for (int i = 0; i < set->nitems; i++)
	{
		const PhigFlowItem *item = &set->items[i];
		char	   *path = path_of(paths, item);
		char	   *form = item->form == PHIG_FORM_CLEAR ? "clear" : get_func_name(item->form);

		if (path && form)
			forms = lappend(forms, join_words(path, form));
	}
	return forms;
}

/* "public.patient.ssn=ssn": what each column was labelled at the time. */
static List *
categories_of(Paths *paths, const PhigFlow *flow)
{
	const PhigFlowSet *sets[] = {&flow->returned, &flow->referenced, &flow->stored, &flow->written};
	List	   *categories = NIL;

	for (size_t s = 0; s < lengthof(sets); s++)
		for (int i = 0; i < sets[s]->nitems; i++)
		{
			const PhigFlowItem *item = &sets[s]->items[i];
			char	   *path = path_of(paths, item);

			if (path)
				categories = lappend(categories,
									 join_words(path, phig_category_name(item->label.category)));
		}
	return categories;
}

static void
finish(PhigDefinition *def, StringInfo buf)
{
	def->text = phig_journal_utf8(buf->data);
	def->len = strlen(def->text);
	phig_journal_define(def);
}
