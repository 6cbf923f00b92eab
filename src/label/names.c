/*
 * names.c
 *		Tables of phiguard in which objects stand by name: the names are changed with the objects'.
 *
 * By name, because an OID would mean something else where a dump is loaded, and a regclass would make loading
 * fail where the table was left out.  So a rename has to be followed, in every such table: the
 * label registry, what policies say of relations, and what scans have found.
 *
 * The tables are small, but for the registry, which has an index to find an object by.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "label/names.h"
#include "label/registry.h"

#define SCHEMA_NAME "phiguard"
#define MOST_COLUMNS 18

/* Where in a table names stand; 0: not in this one.  Columns are of type name. */
typedef struct NamedTable
{
	const char *table;
	const char *relation_index; /* on schema and relation, or NULL */
	const char *domain_index;
	const char *told;			/* table whose relation cache entry tells sessions of changes, or
								 * NULL */
	int			schema;
	int			relation;
	int			column_name;
	int			domain;
	bool		goes;			/* rows go with their relation */
} NamedTable;

static const NamedTable named_tables[] = {
	{"label_registry", "label_registry_relation_idx", "label_registry_domain_idx", NULL, 1, 2, 3, 4, false},
	{"policy_rule", NULL, NULL, "policy_purpose", 2, 3, 4, 0, false},
	{"policy_rows", NULL, NULL, "policy_purpose", 2, 3, 0, 0, false},
	{"policy_mode", NULL, NULL, "policy_purpose", 1, 2, 0, 0, true},
	{"extract", NULL, NULL, "policy_purpose", 1, 2, 0, 0, true},
	{"extract_risk", NULL, NULL, "policy_purpose", 1, 2, 0, 0, true},
	{"subject_space", NULL, NULL, "subject_space", 1, 2, 0, 0, false},
	{"suspect", "suspect_relation_idx", NULL, NULL, 1, 2, 3, 0, true}
};

typedef struct NotedName
{
	ObjectAddress object;		/* objectSubId 0 */
	PhigQualifiedName name;
} NotedName;

static Oid	table_named(const char *name);
static Relation open_named(const NamedTable *named, LOCKMODE lockmode);
static bool object_of(const PhigQualifiedName *name, ObjectAddress *object);
static SysScanDesc scan_object(Relation table, const NamedTable *named, const PhigQualifiedName *name);
static bool read_name(HeapTuple tuple, TupleDesc desc, const NamedTable *named, PhigQualifiedName *name);
static const char *column_of(HeapTuple tuple, TupleDesc desc, int column);
static List *note_table(const NamedTable *named, List *noted);
static bool is_noted(List *noted, const PhigQualifiedName *name);
static bool same_name(const PhigQualifiedName *a, const PhigQualifiedName *b);
static void update_names(Relation table, HeapTuple tuple, const NameData *names[MOST_COLUMNS]);
static void move_rows(Relation table, const NamedTable *named, const PhigQualifiedName *from,
					  const PhigQualifiedName *to);
static void tell(const NamedTable *named);

void
phig_names_rename_column(Oid relid, const char *old_name, const char *new_name)
{
	ObjectAddress object;
	PhigQualifiedName name;

	ObjectAddressSet(object, RelationRelationId, relid);
	if (!phig_name_of(&object, &name))
		return;
	for (int i = 0; i < (int) lengthof(named_tables); i++)
	{
		const NamedTable *named = &named_tables[i];
		Relation	table = named->column_name == 0 ? NULL : open_named(named, RowExclusiveLock);
		SysScanDesc scan;
		HeapTuple	tuple;

		if (table == NULL)
			continue;
		scan = scan_object(table, named, &name);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			const char *column_name = column_of(tuple, RelationGetDescr(table), named->column_name);
			NameData	changed;
			const NameData *names[MOST_COLUMNS] = {0};

			if (column_name == NULL || strcmp(column_name, old_name) != 0)
				continue;
			names[named->column_name - 1] = &changed;
			namestrcpy(&changed, new_name);
			update_names(table, tuple, names);
			tell(named);
		}
		systable_endscan(scan);
		table_close(table, NoLock);
	}
}

List *
phig_names_note(void)
{
	List	   *noted = NIL;

	for (int i = 0; i < (int) lengthof(named_tables); i++)
		noted = note_table(&named_tables[i], noted);
	return noted;
}

void
phig_names_follow(List *noted)
{
	for (int i = 0; noted != NIL && i < (int) lengthof(named_tables); i++)
	{
		Relation	table = open_named(&named_tables[i], RowExclusiveLock);
		ListCell   *cell;

		if (table == NULL)
			continue;
		foreach(cell, noted)
		{
			NotedName  *one = lfirst(cell);
			PhigQualifiedName now;

			if (phig_name_of(&one->object, &now) && !same_name(&now, &one->name))
				move_rows(table, &named_tables[i], &one->name, &now);
		}
		table_close(table, NoLock);
	}
}

void
phig_names_dropped(Oid relid, bool whole)
{
	ObjectAddress object;
	PhigQualifiedName name;

	ObjectAddressSet(object, RelationRelationId, relid);
	if (!phig_name_of(&object, &name))
		return;
	for (int i = 0; i < (int) lengthof(named_tables); i++)
	{
		const NamedTable *named = &named_tables[i];
		Relation	table = named->told == NULL && !named->goes ? NULL : open_named(named, RowExclusiveLock);
		SysScanDesc scan;
		HeapTuple	tuple;

		if (table == NULL)
			continue;
		scan = scan_object(table, named, &name);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			if (whole && named->goes)
				CatalogTupleDelete(table, &tuple->t_self);
			tell(named);
		}
		systable_endscan(scan);
		table_close(table, NoLock);
	}
}

/* InvalidOid where there is none; what merely has its name but is not the extension's does not count. */
static Oid
table_named(const char *name)
{
	Oid			schema = get_namespace_oid(SCHEMA_NAME, true);
	Oid			table = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;

	return OidIsValid(table) && phig_is_ours(RelationRelationId, table) ? table : InvalidOid;
}

/* NULL where there is none. */
static Relation
open_named(const NamedTable *named, LOCKMODE lockmode)
{
	Oid			relid = table_named(named->table);
	Relation	table = OidIsValid(relid) ? try_table_open(relid, lockmode) : NULL;

	Assert(table == NULL || RelationGetDescr(table)->natts <= MOST_COLUMNS);
	return table;
}

bool
phig_name_of(const ObjectAddress *object, PhigQualifiedName *name)
{
	char	   *schema;
	char	   *bare;

	memset(name, 0, sizeof(*name));
	name->is_domain = object->classId == TypeRelationId;
	if (name->is_domain)
	{
		HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(object->objectId));

		if (!HeapTupleIsValid(tuple))
			return false;
		name->name = ((Form_pg_type) GETSTRUCT(tuple))->typname;
		schema = get_namespace_name(((Form_pg_type) GETSTRUCT(tuple))->typnamespace);
		ReleaseSysCache(tuple);
	}
	else
	{
		bare = get_rel_name(object->objectId);
		if (bare == NULL)
			return false;
		namestrcpy(&name->name, bare);
		schema = get_namespace_name(get_rel_namespace(object->objectId));
	}
	if (schema == NULL)
		return false;
	namestrcpy(&name->schema, schema);
	return true;
}

/* False when there is none of that name. */
static bool
object_of(const PhigQualifiedName *name, ObjectAddress *object)
{
	Oid			schema = get_namespace_oid(NameStr(name->schema), true);
	Oid			found = InvalidOid;

	if (OidIsValid(schema))
		found = name->is_domain ?
			GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, NameGetDatum(&name->name), ObjectIdGetDatum(schema)) :
			get_relname_relid(NameStr(name->name), schema);
	ObjectAddressSet(*object, name->is_domain ? TypeRelationId : RelationRelationId, found);
	return OidIsValid(found);
}

/* All rows of a relation (with its columns) or of a domain. */
static SysScanDesc
scan_object(Relation table, const NamedTable *named, const PhigQualifiedName *name)
{
	const char *index_name = name->is_domain ? named->domain_index : named->relation_index;
	Oid			index = index_name == NULL ? InvalidOid : get_relname_relid(index_name, RelationGetNamespace(table));
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], named->schema, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(&name->schema));
	ScanKeyInit(&keys[1], name->is_domain ? named->domain : named->relation, BTEqualStrategyNumber, F_NAMEEQ,
				NameGetDatum(&name->name));
	return systable_beginscan(table, index, OidIsValid(index), NULL, 2, keys);
}

/* False where a row names neither a relation nor a domain. */
static bool
read_name(HeapTuple tuple, TupleDesc desc, const NamedTable *named, PhigQualifiedName *name)
{
	const char *schema = column_of(tuple, desc, named->schema);
	const char *domain = named->domain == 0 ? NULL : column_of(tuple, desc, named->domain);
	const char *relation = column_of(tuple, desc, named->relation);

	memset(name, 0, sizeof(*name));
	if (schema == NULL || (domain == NULL && relation == NULL))
		return false;
	name->is_domain = domain != NULL;
	namestrcpy(&name->schema, schema);
	namestrcpy(&name->name, domain != NULL ? domain : relation);
	return true;
}

/* A column of type name, or NULL. */
static const char *
column_of(HeapTuple tuple, TupleDesc desc, int column)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, desc, &isnull);

	return isnull ? NULL : NameStr(*DatumGetName(value));
}

static List *
note_table(const NamedTable *named, List *noted)
{
	Relation	table = open_named(named, AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;

	if (table == NULL)
		return noted;
	scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		PhigQualifiedName name;
		NotedName  *one;
		ObjectAddress object;

		if (!read_name(tuple, RelationGetDescr(table), named, &name) || is_noted(noted, &name) ||
			!object_of(&name, &object))
			continue;
		one = palloc0(sizeof(NotedName));
		one->object = object;
		one->name = name;
		noted = lappend(noted, one);
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return noted;
}

/* A table's rows mostly stand together: the last one noted is the one to ask.  Twice is no harm. */
static bool
is_noted(List *noted, const PhigQualifiedName *name)
{
	return noted != NIL && same_name(&((NotedName *) llast(noted))->name, name);
}

static bool
same_name(const PhigQualifiedName *a, const PhigQualifiedName *b)
{
	return a->is_domain == b->is_domain && strcmp(NameStr(a->schema), NameStr(b->schema)) == 0 &&
		strcmp(NameStr(a->name), NameStr(b->name)) == 0;
}

/* Columns for which there is a name get it. */
static void
update_names(Relation table, HeapTuple tuple, const NameData *names[MOST_COLUMNS])
{
	Datum		values[MOST_COLUMNS] = {0};
	bool		nulls[MOST_COLUMNS] = {0};
	bool		replace[MOST_COLUMNS] = {0};

	for (int i = 0; i < RelationGetDescr(table)->natts; i++)
		if (names[i] != NULL)
		{
			values[i] = NameGetDatum(names[i]);
			replace[i] = true;
		}
	tuple = heap_modify_tuple(tuple, RelationGetDescr(table), values, nulls, replace);
	CatalogTupleUpdate(table, &tuple->t_self, tuple);
}

static void
move_rows(Relation table, const NamedTable *named, const PhigQualifiedName *from, const PhigQualifiedName *to)
{
	const NameData *names[MOST_COLUMNS] = {0};
	SysScanDesc scan;
	HeapTuple	tuple;

	if (from->is_domain && named->domain == 0)
		return;
	names[named->schema - 1] = &to->schema;
	names[(from->is_domain ? named->domain : named->relation) - 1] = &to->name;
	scan = scan_object(table, named, from);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		update_names(table, tuple, names);
		tell(named);
	}
	systable_endscan(scan);
	/* An object that was noted twice has no rows of the old name any more. */
	CommandCounterIncrement();
}

static void
tell(const NamedTable *named)
{
	Oid			told = named->told == NULL ? InvalidOid : table_named(named->told);

	if (OidIsValid(told))
		CacheInvalidateRelcacheByRelid(told);
}
