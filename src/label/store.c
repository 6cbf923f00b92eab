/*
 * store.c
 *		Labels as they are stored: pg_seclabel read and written.
 *
 * pg_seclabel has no cache, and changing it sends no invalidation but that of
 * snapshots: whoever changes a label must send the rest, or other sessions go
 * on with plans that know nothing of it.  Messages are queued in the command that
 * changes the row and take effect with it: at the end of the command here, at commit
 * elsewhere.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_seclabel.h"
#include "catalog/pg_type.h"
#include "commands/seclabel.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "label/inherit.h"
#include "label/registry.h"
#include "label/store.h"
#include "label/value.h"

phig_label_changed_hook_type phig_label_changed_hook;

static bool same_text(const char *a, const char *b);
static PhigStoredLabel *parse_row(HeapTuple tuple, TupleDesc desc);
static void invalidate_domain(Oid typid);

List *
phig_stored_labels(Oid classId, Oid objectId)
{
	List	   *found = NIL;
	Relation	seclabel = table_open(SecLabelRelationId, AccessShareLock);
	int			nkeys = OidIsValid(objectId) ? 2 : 0;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_seclabel_objoid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(objectId));
	ScanKeyInit(&keys[1], Anum_pg_seclabel_classoid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(classId));
	scan = systable_beginscan(seclabel, SecLabelObjectIndexId, nkeys > 0, NULL, nkeys, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		PhigStoredLabel *stored = parse_row(tuple, RelationGetDescr(seclabel));

		if (stored != NULL && (!OidIsValid(classId) || stored->object.classId == classId))
			found = lappend(found, stored);
	}
	systable_endscan(scan);
	table_close(seclabel, AccessShareLock);
	return found;
}

void
phig_stored_label_must_be_valid(const PhigStoredLabel *stored)
{
	if (stored->fault == PHIG_FAULT_NONE &&
		stored->parsed.is_subject == (stored->object.classId == RelationRelationId && stored->object.objectSubId == 0))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("the stored label of %s is malformed", getObjectDescription(&stored->object, true)),
			 errhint("Somebody wrote into pg_seclabel directly. phiguard.verify_labels() lists such labels; "
					 "write the right one with SECURITY LABEL.")));
}

char *
phig_stored_subject(Oid relid)
{
	ObjectAddress table;
	char	   *stored;
	PhigParsedLabel parsed;

	ObjectAddressSet(table, RelationRelationId, relid);
	stored = GetSecurityLabel(&table, PHIG_PROVIDER);
	return stored != NULL && phig_label_parse(stored, &parsed) == PHIG_FAULT_NONE && parsed.is_subject ?
		pstrdup(parsed.subject) : NULL;
}

void
phig_store_subject(Oid relid, const char *column_name)
{
	ObjectAddress table;
	PhigParsedLabel parsed = {.is_subject = true};
	PhigParsedLabel stored;
	char	   *text;

	ObjectAddressSet(table, RelationRelationId, relid);
	text = GetSecurityLabel(&table, PHIG_PROVIDER);
	/* The column has another name, and refers to what it did. */
	if (text != NULL && phig_label_parse(text, &stored) == PHIG_FAULT_NONE && stored.is_subject)
		parsed = stored;
	if (column_name != NULL)
		strlcpy(parsed.subject, column_name, NAMEDATALEN);
	phig_store_label(&table, column_name == NULL ? NULL : &parsed);
}

void
phig_store_subject_of(Oid relid, const PhigRelLabels *labels)
{
	ObjectAddress table;
	PhigParsedLabel parsed = {.is_subject = true};

	ObjectAddressSet(table, RelationRelationId, relid);
	strlcpy(parsed.subject, get_attname(labels->relid, labels->subject, false), NAMEDATALEN);
	if (labels->subject_reaches && OidIsValid(labels->subject_target))
	{
		strlcpy(parsed.target, get_rel_name(labels->subject_target), NAMEDATALEN);
		strlcpy(parsed.target_schema, get_namespace_name(get_rel_namespace(labels->subject_target)), NAMEDATALEN);
	}
	phig_store_label(&table, &parsed);
}

void
phig_store_label(const ObjectAddress *object, const PhigParsedLabel *parsed)
{
	phig_label_changes(object, GetSecurityLabel(object, PHIG_PROVIDER), parsed);
	SetSecurityLabel(object, PHIG_PROVIDER, parsed == NULL ? NULL : phig_parsed_label_to_text(parsed));
	CommandCounterIncrement();
}

void
phig_label_changes(const ObjectAddress *object, const char *old_text, const PhigParsedLabel *parsed)
{
	char	   *new_text = parsed == NULL ? NULL : phig_parsed_label_to_text(parsed);
	PhigParsedLabel old;

	if (old_text != NULL)
		old_text = phig_label_parse(old_text, &old) == PHIG_FAULT_NONE ?
			phig_parsed_label_to_text(&old) : "malformed";

	phig_registry_set(object, new_text);
	if (phig_label_changed_hook != NULL && !phig_is_shipped(object) && !same_text(old_text, new_text))
		phig_label_changed_hook(object->classId, object->objectId, object->objectSubId, old_text, new_text);

	if (object->classId == TypeRelationId)
		invalidate_domain(object->objectId);
	else
		phig_label_invalidate(object->objectId);
}

void
phig_label_invalidate(Oid relid)
{
	bool		rows_are_used = false;
	ListCell   *cell;

	foreach(cell, phig_family(relid))
	{
		Oid			member = lfirst_oid(cell);

		/* One that is being dropped needs none. */
		if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(member)))
			continue;
		CacheInvalidateRelcacheByRelid(member);
		rows_are_used = rows_are_used || phig_type_is_used(get_rel_type_id(member));
	}
	if (rows_are_used)
		CacheInvalidateRelcacheAll();
}

bool
phig_type_is_used(Oid typid)
{
	bool		used = false;
	Relation	depend;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	check_stack_depth();
	depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(TypeRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(typid));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, keys);
	while (!used && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend row = (Form_pg_depend) GETSTRUCT(tuple);

		/*
		 * Internally depend on it: its array type, a range's multirange, and the relation that
		 * defines a composite.
		 */
		if (row->deptype == DEPENDENCY_INTERNAL)
			used = row->classid == TypeRelationId && phig_type_is_used(row->objid);
		else
			used = row->classid == RelationRelationId || row->classid == TypeRelationId;
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return used;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* NULL when the row is another provider's. */
static PhigStoredLabel *
parse_row(HeapTuple tuple, TupleDesc desc)
{
	FormData_pg_seclabel *row = (FormData_pg_seclabel *) GETSTRUCT(tuple);
	bool		isnull;
	Datum		provider = heap_getattr(tuple, Anum_pg_seclabel_provider, desc, &isnull);
	Datum		label = heap_getattr(tuple, Anum_pg_seclabel_label, desc, &isnull);
	PhigStoredLabel *stored;

	if (strcmp(TextDatumGetCString(provider), PHIG_PROVIDER) != 0)
		return NULL;
	stored = palloc0(sizeof(PhigStoredLabel));
	ObjectAddressSubSet(stored->object, row->classoid, row->objoid, row->objsubid);
	stored->fault = phig_label_parse(TextDatumGetCString(label), &stored->parsed);
	return stored;
}

/* What the type cache holds, and the plans of all relations that may have such a column, however deep inside. */
static void
invalidate_domain(Oid typid)
{
	Relation	types = table_open(TypeRelationId, AccessShareLock);
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(typid));

	if (HeapTupleIsValid(tuple))
	{
		CacheInvalidateHeapTuple(types, tuple, NULL);
		ReleaseSysCache(tuple);
	}
	table_close(types, AccessShareLock);
	if (phig_type_is_used(typid))
		CacheInvalidateRelcacheAll();
}
