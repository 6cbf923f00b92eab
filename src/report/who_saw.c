/*
 * who_saw.c
 *		phiguard.who_saw(): whoever saw the data of one person.
 *
 * A record that names the person says so for certain.  One that does not name everybody may hide the person: it has a
 * set summary in which the person may be, or it says that there were others, or nobody was captured at all, or its
 * end is lost.  Such a record is shown as possible where it reached a relation of the same persons; none is
 * left out because something is not known.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "journal/journal.h"
#include "journal/named.h"
#include "journal/reader.h"
#include "subject/path.h"
#include "subject/token.h"

PG_FUNCTION_INFO_V1(phiguard_who_saw);

/* The result's columns, taken from the journal's in this order; then the columns that were seen, and the certainty. */
static const PhigLogColumn shown[] = {
	PHIG_LOG_STARTED, PHIG_LOG_ENDED, PHIG_LOG_NODE, PHIG_LOG_POSITION, PHIG_LOG_KIND, PHIG_LOG_COMMAND,
	PHIG_LOG_LOGIN_ROLE, PHIG_LOG_ACTIVE_ROLE, PHIG_LOG_APP_USER, PHIG_LOG_CLIENT, PHIG_LOG_APPLICATION,
	PHIG_LOG_PURPOSE, PHIG_LOG_JUSTIFICATION, PHIG_LOG_EXTRACT, PHIG_LOG_RECIPIENT, PHIG_LOG_FLAGS
};

#define COLUMNS_SEEN lengthof(shown)
#define CERTAINTY (lengthof(shown) + 1)
#define RESULT_COLUMNS (lengthof(shown) + 2)

/* Whom it is about. */
typedef struct Person
{
	uint8		token[PHIG_TOKEN_BYTES];
	uint64		hash;			/* by which set summaries know the person */
	List	   *relations;		/* names of relations with data of such persons, as the journal
								 * spells them */
	PhigSearch	search;
	HTAB	   *shown;			/* Shown: rows that are in the answer; NULL where one directory is
								 * read */
} Person;

/* A record.  Copies of a journal hold it too; one that says something else of itself is another. */
typedef struct Shown
{
	char		node[16];
	int64		position;
	int64		started;
} Shown;

/* Relations whose rows lead to persons of the same set. */
static List *
list_relations(Oid relid)
{
	Relation	pg_class = table_open(RelationRelationId, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(pg_class, 0, NULL);
	char		space[PHIG_SPACE_CHARS + 1];
	List	   *oids = NIL;
	List	   *names = NIL;
	HeapTuple	tuple;
	ListCell   *lc;

	strlcpy(space, phig_subject_path(relid)->space, sizeof(space));
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->relkind == RELKIND_RELATION || form->relkind == RELKIND_PARTITIONED_TABLE ||
			form->relkind == RELKIND_MATVIEW || form->relkind == RELKIND_FOREIGN_TABLE)
			oids = lappend_oid(oids, form->oid);
	}
	table_endscan(scan);
	table_close(pg_class, AccessShareLock);
	foreach(lc, oids)
	{
		Oid			oid = lfirst_oid(lc);
		const PhigSubjectPath *path = phig_subject_path(oid);

		if (path != NULL && strcmp(path->space, space) == 0)
			names = lappend(names, quote_qualified_identifier(get_namespace_name(get_rel_namespace(oid)),
															  get_rel_name(oid)));
	}
	return names;
}

static void
add_names(Person *person, ArrayType *array)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			person->relations = lappend(person->relations, TextDatumGetCString(elements[i]));
}

/* What a segment must have of the person to be looked into. */
static void
make_search(Person *person)
{
	PhigClause *clause = &person->search.clauses[0];
	ListCell   *lc;

	clause->terms = palloc0((3 + list_length(person->relations)) * sizeof(PhigTerm));
	clause->terms[0].kind = PHIG_TERM_SUBJECT;
	memcpy(clause->terms[0].token, person->token, PHIG_TOKEN_BYTES);
	clause->terms[1].kind = PHIG_TERM_FORMS;
	clause->terms[1].mask = 1 << PHIG_PERSONS_SUMMARY | 1 << PHIG_PERSONS_COUNT;
	clause->terms[2].kind = PHIG_TERM_OPEN;
	clause->nterms = 3;
	foreach(lc, person->relations)
	{
		const char *name = lfirst(lc);
		PhigTerm   *term = &clause->terms[clause->nterms++];

		name = phig_journal_utf8(name);
		term->kind = PHIG_TERM_WORD;
		term->word = phig_summary_word(PHIG_WORD_UNCAPTURED, name, strlen(name));
	}
	person->search.nclauses = 1;
	person->search.by_subject = true;
	person->search.all_possible = true;
}

/* Does one of the columns belong to one of the relations? */
static bool
has_column(const Person *person, Datum array)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	ListCell   *lc;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
		foreach(lc, person->relations)
		{
			const char *relation = lfirst(lc);
			text	   *column = DatumGetTextPP(elements[i]);
			Size		len = strlen(relation);

			if (VARSIZE_ANY_EXHDR(column) > len && strncmp(VARDATA_ANY(column), relation, len) == 0 &&
				VARDATA_ANY(column)[len] == '.')
				return true;
		}
	return false;
}

static bool
reached_relation(const Person *person, const Datum *values, const bool *nulls)
{
	static const PhigLogColumn sets[] = {PHIG_LOG_RETURNED, PHIG_LOG_REFERENCED, PHIG_LOG_STORED};

	for (int i = 0; i < (int) lengthof(sets); i++)
		if (!nulls[sets[i]] && has_column(person, values[sets[i]]))
			return true;
	return false;
}

/* Persons of whom rows left, went into what left, or were only written. */
static const char *
manner_word(uint32 manners)
{
	if (manners & (1 << PHIG_MANNER_ROWS))
		return "seen";
	return manners & (1 << PHIG_MANNER_AGGREGATE) ? "aggregate" : "written";
}

static bool
may_be_summarized(const Person *person, const PhigNamed *named)
{
	ListCell   *lc;

	foreach(lc, named->summaries)
	{
		const PhigNamedSummary *summary = lfirst(lc);

		if (phig_summary_may_hold(summary->data, summary->bytes, person->hash))
			return true;
	}
	return false;
}

static bool
stored_any(const Datum *values, const bool *nulls)
{
	ArrayType  *stored = nulls[PHIG_LOG_STORED] ? NULL : DatumGetArrayTypeP(values[PHIG_LOG_STORED]);

	return stored != NULL && ArrayGetNItems(ARR_NDIM(stored), ARR_DIMS(stored)) > 0;
}

/* NULL: this record did not see the person. */
static const char *
certainty(const Person *person, const PhigNamed *named, const Datum *values, const bool *nulls)
{
	bool		ended = !nulls[PHIG_LOG_ENDED];

	if (named != NULL && phig_named_has(named, person->token))
		return manner_word(named->manners);
	if (!reached_relation(person, values, nulls))
		return NULL;
	if (named != NULL && may_be_summarized(person, named))
		return "possible";

	/*
	 * Everybody was named, or nobody's row was touched; a CTE writes where no row comes back,
	 * too.
	 */
	if (ended && (!nulls[PHIG_LOG_SUBJECTS] ||
				  (DatumGetInt64(values[PHIG_LOG_ROWS]) == 0 && !stored_any(values, nulls))))
		return NULL;
	return "possible";
}

static bool
was_shown(const Person *person, const Datum *values)
{
	Shown		row;
	bool		found;

	if (person->shown == NULL)
		return false;
	memset(&row, 0, sizeof(row));
	text_to_cstring_buffer(DatumGetTextPP(values[PHIG_LOG_NODE]), row.node, sizeof(row.node));
	row.position = DatumGetInt64(values[PHIG_LOG_POSITION]);
	row.started = DatumGetTimestampTz(values[PHIG_LOG_STARTED]);
	hash_search(person->shown, &row, HASH_ENTER, &found);
	return found;
}

static void
put_row(ReturnSetInfo *result, const Datum *values, const bool *nulls, const char *certain)
{
	Datum		row[RESULT_COLUMNS];
	bool		isnull[RESULT_COLUMNS];
	PhigLogColumn seen = PHIG_LOG_SHOWN;

	for (int i = 0; i < (int) lengthof(shown); i++)
	{
		row[i] = values[shown[i]];
		isnull[i] = nulls[shown[i]];
	}
	if (ArrayGetNItems(ARR_NDIM(DatumGetArrayTypeP(values[seen])), ARR_DIMS(DatumGetArrayTypeP(values[seen]))) == 0)
		seen = PHIG_LOG_REFERENCED;
	row[COLUMNS_SEEN] = values[seen];
	isnull[COLUMNS_SEEN] = nulls[seen];
	row[CERTAINTY] = CStringGetTextDatum(certain);
	isnull[CERTAINTY] = false;
	tuplestore_putvalues(result->setResult, result->setDesc, row, isnull);
}

/* Kinds of records in which somebody's data can leave or be written. */
static bool
is_access(const Datum *values, const bool *nulls)
{
	char	   *kind = nulls[PHIG_LOG_KIND] ? pstrdup("") : TextDatumGetCString(values[PHIG_LOG_KIND]);

	return strcmp(kind, "log_read") != 0 && strcmp(kind, "server") != 0 && strcmp(kind, "setting") != 0 &&
		strcmp(kind, "policy") != 0;
}

static void
read_directory(ReturnSetInfo *result, const Person *person, const char *directory, const PhigLogRange *range)
{
	MemoryContext once = AllocSetContextCreate(CurrentMemoryContext, "phiguard who_saw", ALLOCSET_DEFAULT_SIZES);
	PhigLogReader *reader = phig_log_open(directory, "who_saw", true);
	Datum		values[PHIG_LOG_COLUMNS];
	bool		nulls[PHIG_LOG_COLUMNS];

	phig_log_rewind(reader, range, &person->search);
	while (phig_log_next(reader, values, nulls))
	{
		MemoryContext old = MemoryContextSwitchTo(once);
		const char *certain = is_access(values, nulls) ?
			certainty(person, phig_log_named(reader), values, nulls) : NULL;

		CHECK_FOR_INTERRUPTS();
		if (certain != NULL && !was_shown(person, values))
			put_row(result, values, nulls, certain);
		MemoryContextSwitchTo(old);
		MemoryContextReset(once);
	}
	phig_log_close(reader);
	MemoryContextDelete(once);
}

/* who_saw(relation regclass, key text, since timestamptz, until timestamptz, directories text[], also_named text[]) */
Datum
phiguard_who_saw(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	PhigLogRange range = {PG_INT64_MIN, PG_INT64_MAX, PG_INT64_MIN, PG_INT64_MAX};
	Person	   *person = palloc0(sizeof(Person));
	HASHCTL		ctl = {.keysize = sizeof(Shown), .entrysize = sizeof(Shown), .hcxt = CurrentMemoryContext};

	phig_source_permit("who_saw", true);
	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	phig_person_of_typed(PG_GETARG_OID(0), text_to_cstring(PG_GETARG_TEXT_PP(1)), person->token, &person->hash);
	person->relations = list_relations(PG_GETARG_OID(0));
	if (!PG_ARGISNULL(5))
		add_names(person, PG_GETARG_ARRAYTYPE_P(5));
	make_search(person);
	if (!PG_ARGISNULL(2))
		range.since = PG_GETARG_TIMESTAMPTZ(2);
	if (!PG_ARGISNULL(3))
		range.until = TIMESTAMP_IS_NOBEGIN(PG_GETARG_TIMESTAMPTZ(3)) ? PG_INT64_MIN : PG_GETARG_TIMESTAMPTZ(3) - 1;
	if (!PG_ARGISNULL(4))
		person->shown = hash_create("phiguard who_saw: shown", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	read_directory(result, person, NULL, &range);
	if (!PG_ARGISNULL(4))
	{
		Datum	   *directories;
		bool	   *isnull;
		int			n;

		deconstruct_array(PG_GETARG_ARRAYTYPE_P(4), TEXTOID, -1, false, TYPALIGN_INT, &directories, &isnull, &n);
		for (int i = 0; i < n; i++)
			if (!isnull[i])
				read_directory(result, person, TextDatumGetCString(directories[i]), &range);
	}
	return (Datum) 0;
}
