/*
 * extension.c
 *		What dropped objects leave behind, and DROP EXTENSION phiguard.
 *
 * CASCADE would drop the columns that have our types, with the data in them.  The
 * statement that says so is refused before it begins.  It can also be meant by
 * others (DROP SCHEMA, DROP OWNED): there the columns go first and the extension last,
 * so a column that went is remembered until the statement ends, and the extension then
 * refuses to go.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "label/extension.h"
#include "label/label.h"
#include "label/names.h"
#include "label/registry.h"
#include "label/resolve.h"
#include "label/store.h"

/* A column that has one of our types; count: how many there are. */
typedef struct TypedColumn
{
	int			count;
	char		relation_name[NAMEDATALEN];
	char		column_name[NAMEDATALEN];
} TypedColumn;

static uint64 statement_number = 0;
static uint64 dropped_in = 0;	/* statement that dropped the column below */
static TypedColumn dropped;

static void relation_dropped(const ObjectAddress *object);
static void note_typed_drop(const ObjectAddress *column);
static void forget_subject(const ObjectAddress *column);
static void refuse_drop(const TypedColumn *column);
static TypedColumn find_typed_columns(Oid extension);
static void note_column(TypedColumn *noted, Oid relid, const char *name);
static bool type_is_ours(Oid typid, Oid extension);
static bool row_has_our_types(Oid relid, Oid extension);

void
phig_extension_statement_begins(void)
{
	statement_number++;
}

void
phig_extension_before_drop(DropStmt *stmt)
{
	ListCell   *cell;

	/* Whoever else tries is refused by the server; he is not told about columns. */
	if (stmt->removeType != OBJECT_EXTENSION || !superuser() || !OidIsValid(phig_extension_oid()))
		return;
	foreach(cell, stmt->objects)
		if (strcmp(strVal(lfirst(cell)), PHIG_PROVIDER) == 0)
		{
			TypedColumn found = find_typed_columns(phig_extension_oid());

			if (found.count > 0)
				refuse_drop(&found);
		}
}

void
phig_label_object_access(ObjectAccessType access, Oid classId, Oid objectId, int subId, void *arg)
{
	ObjectAddress object;

	if (access != OAT_DROP || objectId < FirstNormalObjectId)
		return;
	ObjectAddressSubSet(object, classId, objectId, subId);
	if (classId == RelationRelationId)
		relation_dropped(&object);
	else if (classId == TypeRelationId && get_typtype(objectId) == TYPTYPE_DOMAIN)
		phig_registry_forget(&object);
	else if (classId == ExtensionRelationId && objectId == phig_extension_oid())
	{
		TypedColumn left = find_typed_columns(objectId);

		if (dropped_in == statement_number && dropped_in != 0)
			refuse_drop(&dropped);
		if (left.count > 0)
			refuse_drop(&left);
	}
}

/* A relation, or a column of it, goes. */
static void
relation_dropped(const ObjectAddress *object)
{
	char		relkind = get_rel_relkind(object->objectId);

	if (object->objectSubId != 0 &&
		(phig_relkind_has_labels(relkind) ||
		 (relkind == RELKIND_COMPOSITE_TYPE && phig_type_is_used(get_rel_type_id(object->objectId)))))
		note_typed_drop(object);
	/* A view may be an extract. */
	if (relkind == RELKIND_VIEW)
		phig_names_dropped(object->objectId, object->objectSubId == 0);
	if (!phig_relkind_has_labels(relkind))
		return;
	if (object->objectSubId != 0)
		forget_subject(object);
	if (get_rel_persistence(object->objectId) != RELPERSISTENCE_TEMP)
	{
		phig_registry_forget(object);
		phig_names_dropped(object->objectId, object->objectSubId == 0);
	}
}

static void
note_typed_drop(const ObjectAddress *column)
{
	Oid			extension = phig_extension_oid();

	if (!OidIsValid(extension) || !type_is_ours(get_atttype(column->objectId, column->objectSubId), extension))
		return;
	if (dropped_in != statement_number)
		dropped.count = 0;
	dropped_in = statement_number;
	note_column(&dropped, column->objectId, get_attname(column->objectId, column->objectSubId, false));
}

/* Left standing, a label that names the column would make a dump that cannot be restored. */
static void
forget_subject(const ObjectAddress *column)
{
	char	   *subject = phig_stored_subject(column->objectId);

	if (subject == NULL || strcmp(subject, get_attname(column->objectId, column->objectSubId, false)) != 0)
		return;
	phig_store_subject(column->objectId, NULL);
	ereport(NOTICE,
			(errmsg("relation \"%s\" no longer has a subject column", get_rel_name(column->objectId))));
}

static void
refuse_drop(const TypedColumn *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("cannot drop extension phiguard while column \"%s\" of relation \"%s\" has one of its types",
					column->column_name, column->relation_name),
			 errdetail_plural("%d column has one.", "%d columns have one.", column->count, column->count),
			 errhint("Dropping it would drop them with their data. Give them the base types first "
					 "(ALTER TABLE ... ALTER COLUMN ... TYPE ...): their labels stay."),
			 err_generic_string(PG_DIAG_TABLE_NAME, column->relation_name),
			 err_generic_string(PG_DIAG_COLUMN_NAME, column->column_name)));
}

static TypedColumn
find_typed_columns(Oid extension)
{
	TypedColumn found = {0};
	Relation	attributes = table_open(AttributeRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(attributes, AttributeRelidNumIndexId, true, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_attribute column = (Form_pg_attribute) GETSTRUCT(tuple);

		if (column->attnum > 0 && !column->attisdropped && column->atttypid >= FirstNormalObjectId &&
			phig_relkind_has_labels(get_rel_relkind(column->attrelid)) &&
			type_is_ours(column->atttypid, extension))
			note_column(&found, column->attrelid, NameStr(column->attname));
	}
	systable_endscan(scan);
	table_close(attributes, AccessShareLock);
	return found;
}

/* Counts all, keeps the first. */
static void
note_column(TypedColumn *noted, Oid relid, const char *name)
{
	char	   *relation_name = get_rel_name(relid);

	if (noted->count++ > 0)
		return;
	strlcpy(noted->column_name, name, NAMEDATALEN);
	strlcpy(noted->relation_name, relation_name == NULL ? "" : relation_name, NAMEDATALEN);
}

/* Is the type the extension's, or made of such a type? */
static bool
type_is_ours(Oid typid, Oid extension)
{
	HeapTuple	tuple;
	FormData_pg_type type;

	check_stack_depth();
	if (typid < FirstNormalObjectId)
		return false;
	if (getExtensionOfObject(TypeRelationId, typid) == extension)
		return true;
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(typid));
	if (!HeapTupleIsValid(tuple))
		return false;
	memcpy(&type, GETSTRUCT(tuple), sizeof(FormData_pg_type));
	ReleaseSysCache(tuple);
	switch (type.typtype)
	{
		case TYPTYPE_DOMAIN:
			return type_is_ours(type.typbasetype, extension);
		case TYPTYPE_RANGE:
			return type_is_ours(get_range_subtype(typid), extension);
		case TYPTYPE_MULTIRANGE:
			return type_is_ours(get_multirange_range(typid), extension);
		case TYPTYPE_COMPOSITE:
			return row_has_our_types(type.typrelid, extension);
		default:
			return IsTrueArrayType(&type) && type_is_ours(type.typelem, extension);
	}
}

static bool
row_has_our_types(Oid relid, Oid extension)
{
	for (AttrNumber attno = 1;; attno++)
	{
		HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attno));
		Form_pg_attribute column;
		bool		ours;

		if (!HeapTupleIsValid(tuple))
			return false;
		column = (Form_pg_attribute) GETSTRUCT(tuple);
		ours = !column->attisdropped && type_is_ours(column->atttypid, extension);
		ReleaseSysCache(tuple);
		if (ours)
			return true;
	}
}
