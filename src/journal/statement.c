/*
 * statement.c
 *		The definition of a statement, as key=value lines (format.h).
 *
 * Built when a statement is planned (or found again: recall.c), carried in the plan, written into the
 * journal once per segment.  Column paths are names, not OIDs: a record is
 * read on other servers and after a column is gone; a rename invalidates the
 * plan, so the names are those of the time of access.
 */
#include "postgres.h"

#include "access/attnum.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "extract/extract.h"
#include "journal/context.h"
#include "journal/recall.h"
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
	}			known[32];
} Paths;

static void define(PhigDefinition *def, const PhigFlow *flow, const char *command, const char *query,
				   uint64 fingerprint);
#ifdef USE_ASSERT_CHECKING
static bool is_defined_so(const PhigDefinition *def, const PhigFlow *flow, const char *command, const char *query,
						  uint64 fingerprint);
#endif
static void append_fingerprint(StringInfo buf, uint64 fingerprint);
static void append_columns(StringInfo buf, Paths *paths, const PhigFlow *flow);
static void append_disclosures(StringInfo buf, const PhigFlow *flow);
static char *joined(List *words);
static int	compare_paths(const ListCell *a, const ListCell *b);
static bool fits(const StringInfo buf);
static bool discloses(List *extracts);
static char *path_of(Paths *paths, const PhigFlowItem *item);
static char *known_path(Paths *paths, Oid relid, AttrNumber attno);
static char *make_path(Paths *paths, Oid relid, AttrNumber attno);
static char *relation_path(Oid relid);
static char *join_words(const char *first, char separator, const char *second);
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
	bool		writes = flow->stored.nitems > 0 || flow->written.nitems > 0;
	PhigRecallKey key;

	memset(out, 0, sizeof(*out));
	out->kind = discloses(flow->extracts) ? PHIG_KIND_DISCLOSURE : writes ? PHIG_KIND_WRITE : PHIG_KIND_READ;
	if (flow->flags & PHIG_FLOW_ROW_TRIGGER)
		out->flags |= PHIG_FLAG_ROW_TRIGGER;
	if (flow->flags & PHIG_FLOW_APPROXIMATE)
		out->flags |= PHIG_FLAG_APPROXIMATE;
	if (flow->extracts)
	{
		define(&out->def, flow, command, query, fingerprint);
		return;
	}
	if (!writes && flow->returned.nitems == 0 && flow->referenced.nitems == 0)
		return;
	if (phig_recall_find(&key, out, flow, command, query, fingerprint))
	{
		Assert(is_defined_so(&out->def, flow, command, query, fingerprint));
		return;
	}
	define(&out->def, flow, command, query, fingerprint);
	phig_recall_keep(&key, out);
}

static void
define(PhigDefinition *def, const PhigFlow *flow, const char *command, const char *query, uint64 fingerprint)
{
	StringInfoData buf;
	Paths		paths = {.most = MaxAttrNumber};
	int			head;

	initStringInfo(&buf);
	append_line(&buf, 't', command);
	append_fingerprint(&buf, fingerprint);
	append_disclosures(&buf, flow);
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
	finish(def, &buf);
}

#ifdef USE_ASSERT_CHECKING
static bool
is_defined_so(const PhigDefinition *def, const PhigFlow *flow, const char *command, const char *query,
			  uint64 fingerprint)
{
	PhigDefinition anew;

	define(&anew, flow, command, query, fingerprint);
	return anew.len == def->len && memcmp(anew.text, def->text, def->len) == 0 &&
		memcmp(anew.id, def->id, PHIG_ID_BYTES) == 0;
}
#endif

/* Measured only, an extract goes to nobody. */
static bool
discloses(List *extracts)
{
	ListCell   *lc;

	foreach(lc, extracts)
		if (!((const PhigDisclosure *) lfirst(lc))->measured)
			return true;
	return false;
}

/* Which extracts, under which agreements, to whom: one line each; and by which methods, for the accounting. */
static void
append_disclosures(StringInfo buf, const PhigFlow *flow)
{
	static const char *const methods[] = {"expert_determination", "limited_data_set", "safe_harbor"};
	bool		used[lengthof(methods)] = {false};
	List	   *lines[3] = {NIL, NIL, NIL};
	ListCell   *lc;

	foreach(lc, flow->extracts)
	{
		const PhigDisclosure *disclosure = lfirst(lc);
		const char *const values[3] = {disclosure->extract, disclosure->agreement, disclosure->recipient};

		for (int i = 0; i < 3; i++)
			if (values[i] != NULL)
				lines[i] = lappend(lines[i], unconstify(char *, values[i]));
		for (int i = 0; i < (int) lengthof(methods); i++)
			used[i] |= strcmp(disclosure->method, methods[i]) == 0;
	}
	for (int i = 0; i < 3; i++)
		if (lines[i] != NIL)
			append_line(buf, "xgR"[i], joined(lines[i]));
	for (int i = 0; i < (int) lengthof(methods); i++)
		if (used[i])
			append_line(buf, 'F', methods[i]);
	if (flow->flags & PHIG_FLOW_BESIDE_EXTRACT)
		append_line(buf, 'F', "beside_extract");
}

/* Sorted, each once, "a, b". */
static char *
joined(List *words)
{
	StringInfoData text;
	const char *last = NULL;
	ListCell   *lc;

	list_sort(words, compare_paths);
	initStringInfo(&text);
	foreach(lc, words)
	{
		if (last == NULL || strcmp(last, lfirst(lc)) != 0)
			appendStringInfo(&text, "%s%s", last ? ", " : "", (char *) lfirst(lc));
		last = lfirst(lc);
	}
	return text.data;
}

/* 16 hex digits. */
static void
append_fingerprint(StringInfo buf, uint64 fingerprint)
{
	char		digits[17];

	for (int i = 0; i < 16; i++)
		digits[i] = "0123456789abcdef"[fingerprint >> (60 - 4 * i) & 0x0f];
	digits[16] = '\0';
	append_line(buf, 'f', digits);
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
		if (out->kind != PHIG_KIND_DISCLOSURE)
			out->kind = PHIG_KIND_WRITE;
	}
	for (const char *key = "xgRF"; *key; key++)
		append_paths(&buf, *key, phig_definition_values(in->def.text, *key));
	append_paths(&buf, 's', stored);
	for (const char *key = lists; *key; key++)
		append_paths(&buf, *key, phig_definition_values(in->def.text, *key));
	foreach(lc, phig_definition_values(in->def.text, 'q'))
		append_line(&buf, 'q', lfirst(lc));
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

void
phig_statement_policy(const char *command, const char *text)
{
	PhigDefinition def;

	if (!phig_active())
		return;
	phig_statement_event(&def, command, text, NIL);
	phig_journal_event(&def, PHIG_KIND_POLICY, phig_context_flags(), PHIG_OUTCOME_OK, 0, true);
}

char *
phig_column_path(Oid relid, AttrNumber attno)
{
	Paths		paths = {.most = MaxAttrNumber};

	return known_path(&paths, relid, attno);
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
	char	   *to;

	enlargeStringInfo(buf, 2 * strlen(value) + 3);
	to = buf->data + buf->len;
	*to++ = key;
	*to++ = '=';
	while (*value)
	{
		size_t		plain = strcspn(value, "\n\\");

		memcpy(to, value, plain);
		to += plain;
		value += plain;
		if (*value)
		{
			*to++ = '\\';
			*to++ = *value++ == '\n' ? 'n' : '\\';
		}
	}
	*to++ = '\n';
	*to = '\0';
	buf->len = to - buf->data;
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
	const PhigRelLabels *labels = paths->most < MaxAttrNumber ? phig_label_relation(item->relid) : NULL;
	char	   *path;

	if (labels == NULL || labels->nphi <= paths->most)
		return known_path(paths, item->relid, item->attno);
	path = known_path(paths, item->relid, 0);
	return path ? join_words(path, '.', "*") : NULL;
}

/* attno 0: the relation's own. */
static char *
known_path(Paths *paths, Oid relid, AttrNumber attno)
{
	char	   *path;

	for (int i = 0; i < paths->n; i++)
		if (paths->known[i].relid == relid && paths->known[i].attno == attno)
			return paths->known[i].path;
	path = attno > 0 ? make_path(paths, relid, attno) : relation_path(relid);
	if (paths->n < (int) lengthof(paths->known))
	{
		paths->known[paths->n].relid = relid;
		paths->known[paths->n].attno = attno;
		paths->known[paths->n++].path = path;
	}
	return path;
}

static char *
make_path(Paths *paths, Oid relid, AttrNumber attno)
{
	char	   *relation = known_path(paths, relid, 0);
	char	   *attname = relation ? get_attname(relid, attno, true) : NULL;

	return attname ? join_words(relation, '.', quote_identifier(attname)) : NULL;
}

static char *
relation_path(Oid relid)
{
	char	   *relname = get_rel_name(relid);
	char	   *nspname = relname ? get_namespace_name_or_temp(get_rel_namespace(relid)) : NULL;

	return nspname ? join_words(quote_identifier(nspname), '.', quote_identifier(relname)) : NULL;
}

static char *
join_words(const char *first, char separator, const char *second)
{
	size_t		first_len = strlen(first);
	size_t		second_len = strlen(second);
	char	   *joined = palloc(first_len + second_len + 2);

	memcpy(joined, first, first_len);
	joined[first_len] = separator;
	memcpy(joined + first_len + 1, second, second_len + 1);
	return joined;
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

/* "public.patient.ssn=token": in what form each returned column leaves. */
static List *
forms_of(Paths *paths, const PhigFlowSet *set)
{
	List	   *forms = NIL;

	for (int i = 0; i < set->nitems; i++)
	{
		const PhigFlowItem *item = &set->items[i];
		char	   *path = path_of(paths, item);
		const char *form = item->form == PHIG_FORM_CLEAR ? "clear" :
			item->form == PHIG_FORM_WITHHELD ? "null" : get_func_name(item->form);

		if (path && form)
			forms = lappend(forms, join_words(path, '=', form));
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
									 join_words(path, '=', phig_category_name(item->label.category)));
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
