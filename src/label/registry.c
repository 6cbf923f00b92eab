/*
 * registry.c
 *		The second book: table phiguard.label_registry.
 *
 * pg_dump writes it as the table it is, while labels themselves are lost when a
 * dump is taken or restored without them.  phiguard.verify_labels() compares the two.
 *
 * Rows are written straight into the table, by this file only: a table's owner who
 * labels it has no privilege on the registry.  A restore replays labels and
 * then adds the dumped rows, so that a row may stand there twice: it is no key,
 * setting a label replaces all rows of its object.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "label/registry.h"

/* Columns of phiguard.label_registry. */
enum
{
	REG_RELATION = 1, REG_COLUMN_NAME, REG_DOMAIN, REG_LABEL, REG_NCOLUMNS = REG_LABEL
};

#define SCHEMA_NAME "phiguard"
#define REGISTRY_NAME "label_registry"
#define RELATION_INDEX_NAME "label_registry_relation_idx"
#define DOMAIN_INDEX_NAME "label_registry_domain_idx"

static Relation open_registry(LOCKMODE lockmode);
static SysScanDesc scan_object(Relation registry, Oid relid, Oid typid);
static char *column_name_of(HeapTuple tuple, TupleDesc desc);
static void remove_rows(Relation registry, const ObjectAddress *object);
static void insert_row(Relation registry, const ObjectAddress *object, const char *label);
static Oid	relation_of(const ObjectAddress *object);
static Oid	domain_of(const ObjectAddress *object);

Oid
phig_extension_oid(void)
{
	return get_extension_oid(SCHEMA_NAME, true);
}

bool
phig_is_ours(Oid classId, Oid objectId)
{
	Oid			extension = phig_extension_oid();

	return OidIsValid(extension) && getExtensionOfObject(classId, objectId) == extension;
}

bool
phig_is_shipped(const ObjectAddress *object)
{
	return creating_extension &&
		getExtensionOfObject(object->classId, object->objectId) == CurrentExtensionObject;
}

void
phig_registry_set(const ObjectAddress *object, const char *label)
{
	Relation	registry;

	/* pg_upgrade replays labels, and then brings the registry as the file that it was. */
	if (IsBinaryUpgrade || phig_is_shipped(object) ||
		(object->classId == RelationRelationId && get_rel_persistence(object->objectId) == RELPERSISTENCE_TEMP))
		return;
	registry = open_registry(RowExclusiveLock);
	if (registry == NULL)
		return;
	remove_rows(registry, object);
	if (label != NULL)
		insert_row(registry, object, label);
	table_close(registry, NoLock);
}

void
phig_registry_forget(const ObjectAddress *object)
{
	Relation	registry = open_registry(RowExclusiveLock);
	SysScanDesc scan;
	HeapTuple	tuple;

	if (registry == NULL)
		return;
	if (object->objectSubId != 0)
		remove_rows(registry, object);
	else
	{
		scan = scan_object(registry, relation_of(object), domain_of(object));
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
			CatalogTupleDelete(registry, &tuple->t_self);
		systable_endscan(scan);
	}
	table_close(registry, NoLock);
}

void
phig_registry_rename_column(Oid relid, const char *old_name, const char *new_name)
{
	Relation	registry = open_registry(RowExclusiveLock);
	SysScanDesc scan;
	HeapTuple	tuple;

	if (registry == NULL)
		return;
	scan = scan_object(registry, relid, InvalidOid);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		char	   *name = column_name_of(tuple, RelationGetDescr(registry));
		Datum		values[REG_NCOLUMNS] = {0};
		bool		nulls[REG_NCOLUMNS] = {0};
		bool		replace[REG_NCOLUMNS] = {0};

		if (name == NULL || strcmp(name, old_name) != 0)
			continue;
		values[REG_COLUMN_NAME - 1] = DirectFunctionCall1(namein, CStringGetDatum(new_name));
		replace[REG_COLUMN_NAME - 1] = true;
		tuple = heap_modify_tuple(tuple, RelationGetDescr(registry), values, nulls, replace);
		CatalogTupleUpdate(registry, &tuple->t_self, tuple);
	}
	systable_endscan(scan);
	table_close(registry, NoLock);
}

List *
phig_registry_rows(void)
{
	List	   *rows = NIL;
	Relation	registry = open_registry(AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;

	if (registry == NULL)
		return NIL;
	scan = systable_beginscan(registry, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		PhigRegistered *row = palloc0(sizeof(PhigRegistered));
		bool		isnull;
		Datum		value;

		value = heap_getattr(tuple, REG_RELATION, RelationGetDescr(registry), &isnull);
		row->relid = isnull ? InvalidOid : DatumGetObjectId(value);
		value = heap_getattr(tuple, REG_DOMAIN, RelationGetDescr(registry), &isnull);
		row->typid = isnull ? InvalidOid : DatumGetObjectId(value);
		row->column_name = column_name_of(tuple, RelationGetDescr(registry));
		value = heap_getattr(tuple, REG_LABEL, RelationGetDescr(registry), &isnull);
		row->label = isnull ? pstrdup("") : TextDatumGetCString(value);
		rows = lappend(rows, row);
	}
	systable_endscan(scan);
	table_close(registry, AccessShareLock);
	return rows;
}

/* NULL where there is none; what merely has its name but is not the extension's does not count. */
static Relation
open_registry(LOCKMODE lockmode)
{
	Oid			schema = get_namespace_oid(SCHEMA_NAME, true);
	Oid			registry = OidIsValid(schema) ? get_relname_relid(REGISTRY_NAME, schema) : InvalidOid;

	if (!OidIsValid(registry) || !phig_is_ours(RelationRelationId, registry))
		return NULL;
	return try_table_open(registry, lockmode);
}

/* All rows of a relation (with its columns) or of a domain. */
static SysScanDesc
scan_object(Relation registry, Oid relid, Oid typid)
{
	bool		by_relation = OidIsValid(relid);
	Oid			index = get_relname_relid(by_relation ? RELATION_INDEX_NAME : DOMAIN_INDEX_NAME,
										  RelationGetNamespace(registry));
	ScanKeyData key;

	ScanKeyInit(&key, by_relation ? REG_RELATION : REG_DOMAIN, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(by_relation ? relid : typid));
	return systable_beginscan(registry, index, OidIsValid(index), NULL, 1, &key);
}

static char *
column_name_of(HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;
	Datum		name = heap_getattr(tuple, REG_COLUMN_NAME, desc, &isnull);

	return isnull ? NULL : pstrdup(NameStr(*DatumGetName(name)));
}

/* The rows of exactly this object: a table's own do not include its columns'. */
static void
remove_rows(Relation registry, const ObjectAddress *object)
{
	char	   *wanted = object->objectSubId == 0 ? NULL :
		get_attname(object->objectId, object->objectSubId, true);
	SysScanDesc scan = scan_object(registry, relation_of(object), domain_of(object));
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		char	   *name = column_name_of(tuple, RelationGetDescr(registry));

		if (wanted == NULL ? name == NULL : name != NULL && strcmp(name, wanted) == 0)
			CatalogTupleDelete(registry, &tuple->t_self);
	}
	systable_endscan(scan);
}

static void
insert_row(Relation registry, const ObjectAddress *object, const char *label)
{
	Datum		values[REG_NCOLUMNS];
	bool		nulls[REG_NCOLUMNS];
	NameData	name;
	HeapTuple	tuple;

	memset(nulls, true, sizeof(nulls));
	if (object->classId == TypeRelationId)
	{
		values[REG_DOMAIN - 1] = ObjectIdGetDatum(object->objectId);
		nulls[REG_DOMAIN - 1] = false;
	}
	else
	{
		values[REG_RELATION - 1] = ObjectIdGetDatum(object->objectId);
		nulls[REG_RELATION - 1] = false;
		if (object->objectSubId != 0)
		{
			namestrcpy(&name, get_attname(object->objectId, object->objectSubId, false));
			values[REG_COLUMN_NAME - 1] = NameGetDatum(&name);
			nulls[REG_COLUMN_NAME - 1] = false;
		}
	}
	values[REG_LABEL - 1] = CStringGetTextDatum(label);
	nulls[REG_LABEL - 1] = false;
	tuple = heap_form_tuple(RelationGetDescr(registry), values, nulls);
	CatalogTupleInsert(registry, tuple);
}

static Oid
relation_of(const ObjectAddress *object)
{
	return object->classId == RelationRelationId ? object->objectId : InvalidOid;
}

static Oid
domain_of(const ObjectAddress *object)
{
	return object->classId == TypeRelationId ? object->objectId : InvalidOid;
}
