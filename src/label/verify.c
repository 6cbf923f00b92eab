/*
 * verify.c
 *		phiguard.verify_labels(): the labels against the registry.
 *
 * A restore without security labels, or a hand in pg_seclabel, takes columns out of
 * the record without a trace in the label store.  The registry is the other
 * witness.  Nothing that was found malformed is printed.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "label/provider.h"
#include "label/registry.h"
#include "label/store.h"
#include "label/value.h"

PG_FUNCTION_INFO_V1(phiguard_verify_labels);

enum
{
	FINDING_OBJECT, FINDING_FINDING, FINDING_REGISTERED, FINDING_FOUND, FINDING_NCOLUMNS
};

/* What one of the two books says of an object. */
typedef struct Entry
{
	ObjectAddress object;
	char	   *label;			/* canonical; NULL when malformed */
} Entry;

typedef struct Book
{
	Entry	   *entries;
	int			count;
} Book;

static Book read_registry(ReturnSetInfo *rsinfo);
static Book read_labels(void);
static void add_entry(Book *book, const ObjectAddress *object, char *label);
static int	compare_objects(const void *a, const void *b);
static int	compare_entries(const void *a, const void *b);
static void compare_books(ReturnSetInfo *rsinfo, const Book *registry, const Book *labels);
static void check_registered(ReturnSetInfo *rsinfo, const Entry *registered, const Entry *found);
static void check_unregistered(ReturnSetInfo *rsinfo, const Entry *found);
static char *describe_gone(const PhigRegistered *row);
static char *canonical(const char *label);
static void put_finding(ReturnSetInfo *rsinfo, const char *object, const char *finding,
						const char *registered, const char *found);

/* verify_labels() returns table(object text, finding text, registered text, found text) */
Datum
phiguard_verify_labels(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Book		registry;
	Book		labels;

	phig_require_reader();
	InitMaterializedSRF(fcinfo, 0);
	registry = read_registry(rsinfo);
	labels = read_labels();
	compare_books(rsinfo, &registry, &labels);
	return (Datum) 0;
}

/* Sorted by object; what no longer exists is reported and left out. */
static Book
read_registry(ReturnSetInfo *rsinfo)
{
	List	   *rows = phig_registry_rows();
	Book		book = {palloc(Max(list_length(rows), 1) * sizeof(Entry)), 0};
	ListCell   *cell;

	foreach(cell, rows)
	{
		const PhigRegistered *row = lfirst(cell);
		ObjectAddress object;

		if (phig_registered_object(row, &object))
			add_entry(&book, &object, canonical(row->label));
		else
			put_finding(rsinfo, describe_gone(row), "object is gone", canonical(row->label), NULL);
	}
	qsort(book.entries, book.count, sizeof(Entry), compare_entries);
	return book;
}

static Book
read_labels(void)
{
	List	   *stored = phig_stored_labels(InvalidOid, InvalidOid);
	Book		book = {palloc(Max(list_length(stored), 1) * sizeof(Entry)), 0};
	ListCell   *cell;

	foreach(cell, stored)
	{
		const PhigStoredLabel *one = lfirst(cell);

		add_entry(&book, &one->object,
				  one->fault == PHIG_FAULT_NONE ? phig_parsed_label_to_text(&one->parsed) : NULL);
	}
	qsort(book.entries, book.count, sizeof(Entry), compare_entries);
	return book;
}

static void
add_entry(Book *book, const ObjectAddress *object, char *label)
{
	book->entries[book->count].object = *object;
	book->entries[book->count].label = label;
	book->count++;
}

static int
compare_objects(const void *a, const void *b)
{
	const ObjectAddress *x = &((const Entry *) a)->object;
	const ObjectAddress *y = &((const Entry *) b)->object;

	if (x->classId != y->classId)
		return x->classId < y->classId ? -1 : 1;
	if (x->objectId != y->objectId)
		return x->objectId < y->objectId ? -1 : 1;
	return x->objectSubId < y->objectSubId ? -1 : x->objectSubId > y->objectSubId;
}

static int
compare_entries(const void *a, const void *b)
{
	const char *x = ((const Entry *) a)->label;
	const char *y = ((const Entry *) b)->label;
	int			order = compare_objects(a, b);

	return order != 0 ? order : strcmp(x == NULL ? "" : x, y == NULL ? "" : y);
}

/* Both are sorted.  The registry may have an object several times, the labels have it once. */
static void
compare_books(ReturnSetInfo *rsinfo, const Book *registry, const Book *labels)
{
	int			r = 0;

	for (int l = 0; l <= labels->count; l++)
	{
		const Entry *found = l < labels->count ? &labels->entries[l] : NULL;
		bool		registered = false;

		for (; r < registry->count; r++)
		{
			const Entry *row = &registry->entries[r];
			int			order = found == NULL ? -1 : compare_objects(row, found);

			if (order > 0)
				break;
			if (r == 0 || compare_entries(row - 1, row) != 0)
				check_registered(rsinfo, row, order == 0 ? found : NULL);
			registered = registered || order == 0;
		}
		if (found != NULL && !registered)
			check_unregistered(rsinfo, found);
	}
}

static void
check_registered(ReturnSetInfo *rsinfo, const Entry *registered, const Entry *found)
{
	char	   *object = getObjectDescription(&registered->object, false);

	if (found == NULL)
		put_finding(rsinfo, object, "label is gone", registered->label, NULL);
	else if (found->label == NULL)
		put_finding(rsinfo, object, "label is malformed", registered->label, NULL);
	else if (registered->label == NULL || strcmp(registered->label, found->label) != 0)
		put_finding(rsinfo, object, "label differs", registered->label, found->label);
}

/* Labels of temporary tables and of what extensions brought along are not registered. */
static void
check_unregistered(ReturnSetInfo *rsinfo, const Entry *found)
{
	const ObjectAddress *address = &found->object;
	char	   *object = getObjectDescription(address, true);

	if (object == NULL)
		put_finding(rsinfo, "(dropped object)", "label without an object", NULL, found->label);
	else if (found->label == NULL)
		put_finding(rsinfo, object, "label is malformed", NULL, NULL);
	else if (!OidIsValid(getExtensionOfObject(address->classId, address->objectId)) &&
			 !(address->classId == RelationRelationId &&
			   get_rel_persistence(address->objectId) == RELPERSISTENCE_TEMP))
		put_finding(rsinfo, object, "label is not registered", NULL, found->label);
}

static char *
describe_gone(const PhigRegistered *row)
{
	const char *name = row->domain != NULL ? row->domain : row->relation != NULL ? row->relation : "";
	char	   *qualified = quote_qualified_identifier(row->schema, name);

	if (row->column_name != NULL)
		return psprintf("column %s of table %s", row->column_name, qualified);
	return psprintf("%s %s", row->domain != NULL ? "type" : "table", qualified);
}

/* NULL when malformed: then it may be anything. */
static char *
canonical(const char *label)
{
	PhigParsedLabel parsed;

	return phig_label_parse(label, &parsed) == PHIG_FAULT_NONE ? phig_parsed_label_to_text(&parsed) : NULL;
}

static void
put_finding(ReturnSetInfo *rsinfo, const char *object, const char *finding,
			const char *registered, const char *found)
{
	Datum		values[FINDING_NCOLUMNS] = {0};
	bool		nulls[FINDING_NCOLUMNS] = {0};

	values[FINDING_OBJECT] = CStringGetTextDatum(object);
	values[FINDING_FINDING] = CStringGetTextDatum(finding);
	nulls[FINDING_REGISTERED] = registered == NULL;
	if (registered != NULL)
		values[FINDING_REGISTERED] = CStringGetTextDatum(registered);
	nulls[FINDING_FOUND] = found == NULL;
	if (found != NULL)
		values[FINDING_FOUND] = CStringGetTextDatum(found);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}
