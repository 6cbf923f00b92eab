/*
 * registry.c
 *		The second book: table phiguard.label_registry.
 *
 * pg_dump writes it as the table it is, while labels themselves are lost when a
 * dump is taken or restored without them.  phiguard.verify_labels() compares the two.
 *
 * Objects stand in it by name: an OID would mean something else where a dump is
 * loaded, and a regclass would make loading fail where the table was left out.
 * The names are therefore changed with the objects' (names.c).
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
#include "access/xact.h"
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
#include "utils/syscache.h"

#include "label/names.h"
#include "label/registry.h"

/* Columns of phiguard.label_registry. */
enum
{
	REG_SCHEMA = 1, REG_RELATION, REG_COLUMN_NAME, REG_DOMAIN, REG_LABEL, REG_NCOLUMNS = REG_LABEL
};

#define SCHEMA_NAME "phiguard"
#define REGISTRY_NAME "label_registry"
#define RELATION_INDEX_NAME "label_registry_relation_idx"
#define DOMAIN_INDEX_NAME "label_registry_domain_idx"

static Relation open_registry(LOCKMODE lockmode);
static SysScanDesc scan_object(Relation registry, const PhigQualifiedName *name);
static char *text_column(HeapTuple tuple, TupleDesc desc, int column);
static PhigRegistered *read_row(HeapTuple tuple, TupleDesc desc);
static void remove_rows(Relation registry, const ObjectAddress *object, bool with_columns);
static void insert_row(Relation registry, const ObjectAddress *object, const char *label);

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
	remove_rows(registry, object, false);
	if (label != NULL)
		insert_row(registry, object, label);
	table_close(registry, NoLock);
}

void
phig_registry_forget(const ObjectAddress *object)
{
	Relation	registry = open_registry(RowExclusiveLock);

	if (registry == NULL)
		return;
	remove_rows(registry, object, object->objectSubId == 0);
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
		rows = lappend(rows, read_row(tuple, RelationGetDescr(registry)));
	systable_endscan(scan);
	table_close(registry, AccessShareLock);
	return rows;
}

bool
phig_registered_object(const PhigRegistered *row, ObjectAddress *object)
{
	Oid			schema = get_namespace_oid(row->schema, true);
	Oid			found = InvalidOid;
	AttrNumber	attno = 0;

	if (!OidIsValid(schema))
		return false;
	if (row->domain != NULL)
		found = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(row->domain),
								ObjectIdGetDatum(schema));
	else if (row->relation != NULL)
		found = get_relname_relid(row->relation, schema);
	if (OidIsValid(found) && row->column_name != NULL)
		attno = get_attnum(found, row->column_name);
	ObjectAddressSubSet(*object, row->domain != NULL ? TypeRelationId : RelationRelationId, found, attno);
	return OidIsValid(found) && (row->column_name == NULL || attno > 0);
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
scan_object(Relation registry, const PhigQualifiedName *name)
{
	Oid			index = get_relname_relid(name->is_domain ? DOMAIN_INDEX_NAME : RELATION_INDEX_NAME,
										  RelationGetNamespace(registry));
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], REG_SCHEMA, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(&name->schema));
	ScanKeyInit(&keys[1], name->is_domain ? REG_DOMAIN : REG_RELATION, BTEqualStrategyNumber, F_NAMEEQ,
				NameGetDatum(&name->name));
	return systable_beginscan(registry, index, OidIsValid(index), NULL, 2, keys);
}

/* A column of type name or text, palloc'd, or NULL. */
static char *
text_column(HeapTuple tuple, TupleDesc desc, int column)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, desc, &isnull);

	if (isnull)
		return NULL;
	return column == REG_LABEL ? TextDatumGetCString(value) : pstrdup(NameStr(*DatumGetName(value)));
}

static PhigRegistered *
read_row(HeapTuple tuple, TupleDesc desc)
{
	PhigRegistered *row = palloc(sizeof(PhigRegistered));

	row->schema = text_column(tuple, desc, REG_SCHEMA);
	row->relation = text_column(tuple, desc, REG_RELATION);
	row->column_name = text_column(tuple, desc, REG_COLUMN_NAME);
	row->domain = text_column(tuple, desc, REG_DOMAIN);
	row->label = text_column(tuple, desc, REG_LABEL);
	return row;
}

/* The rows of exactly this object, or of a table and all its columns. */
static void
remove_rows(Relation registry, const ObjectAddress *object, bool with_columns)
{
	char	   *wanted = object->objectSubId == 0 ? NULL :
		get_attname(object->objectId, object->objectSubId, true);
	PhigQualifiedName name;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (!phig_name_of(object, &name))
		return;
	scan = scan_object(registry, &name);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		char	   *column_name = text_column(tuple, RelationGetDescr(registry), REG_COLUMN_NAME);

		if (with_columns ||
			(wanted == NULL ? column_name == NULL : column_name != NULL && strcmp(column_name, wanted) == 0))
			CatalogTupleDelete(registry, &tuple->t_self);
	}
	systable_endscan(scan);
}

static void
insert_row(Relation registry, const ObjectAddress *object, const char *label)
{
	Datum		values[REG_NCOLUMNS] = {0};
	bool		nulls[REG_NCOLUMNS] = {0};
	PhigQualifiedName name;
	NameData	column_name;

	if (!phig_name_of(object, &name))
		return;
	values[REG_SCHEMA - 1] = NameGetDatum(&name.schema);
	values[REG_RELATION - 1] = NameGetDatum(&name.name);
	nulls[REG_RELATION - 1] = name.is_domain;
	values[REG_DOMAIN - 1] = NameGetDatum(&name.name);
	nulls[REG_DOMAIN - 1] = !name.is_domain;
	nulls[REG_COLUMN_NAME - 1] = object->objectSubId == 0;
	if (object->objectSubId != 0)
	{
		namestrcpy(&column_name, get_attname(object->objectId, object->objectSubId, false));
		values[REG_COLUMN_NAME - 1] = NameGetDatum(&column_name);
	}
	values[REG_LABEL - 1] = CStringGetTextDatum(label);
	CatalogTupleInsert(registry, heap_form_tuple(RelationGetDescr(registry), values, nulls));
}
