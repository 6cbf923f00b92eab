/*
 * store.c
 *		The rows of table phiguard.suspect.
 *
 * Written straight in the table, as those of policies are: the officer needs no privilege on it.  Columns stand by
 * name (label/names.c follows renames) and number: a column that was dropped and added again is another one.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "label/registry.h"
#include "scan/store.h"

#define SCHEMA_NAME "phiguard"
#define TABLE_NAME "suspect"
#define INDEX_NAME "suspect_relation_idx"

enum
{
	SUS_SCHEMA = 1, SUS_RELATION, SUS_COLUMN_NAME, SUS_COLUMN_NUMBER, SUS_CATEGORY, SUS_KIND, SUS_CONFIDENCE,
	SUS_EVIDENCE, SUS_STATE, SUS_FOUND, SUS_REVIEWED, SUS_REVIEWED_BY, SUS_NCOLUMNS = SUS_REVIEWED_BY
};

static const char *const state_names[] = {
	[PHIG_SUSPECT] = "suspect",
	[PHIG_SUSPECT_ACCEPTED] = "accepted",
	[PHIG_SUSPECT_REJECTED] = "rejected"
};

static PhigSuspectRow *read_row(HeapTuple tuple, TupleDesc desc);
static char *text_of(HeapTuple tuple, TupleDesc desc, int column);
static SysScanDesc begin_scan(Relation table, Oid relid);
static void remove_row(Relation table, Oid relid, const char *column_name);
static Datum name_datum(const char *name);

Relation
phig_suspects_open(void)
{
	Oid			schema = get_namespace_oid(SCHEMA_NAME, true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid(TABLE_NAME, schema) : InvalidOid;
	Relation	table = NULL;

	if (OidIsValid(relid) && phig_is_ours(RelationRelationId, relid))
		table = try_table_open(relid, RowExclusiveLock);
	if (table == NULL || RelationGetDescr(table)->natts != SUS_NCOLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this database has no table of suspects that this version of phiguard can use"),
				 errhint("Run CREATE EXTENSION phiguard or ALTER EXTENSION phiguard UPDATE in this database.")));
	return table;
}

void
phig_suspects_lock(Relation table, Oid relid)
{
	LockDatabaseObject(RelationGetRelid(table), relid, 0, ExclusiveLock);
}

List *
phig_suspects_of(Relation table, Oid relid)
{
	List	   *rows = NIL;
	SysScanDesc scan;
	HeapTuple	tuple;

	scan = begin_scan(table, relid);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		PhigSuspectRow *row = read_row(tuple, RelationGetDescr(table));
		Oid			found = phig_suspect_relation(row);

		if (OidIsValid(found) && (!OidIsValid(relid) || found == relid) &&
			get_attnum(found, row->column_name) == row->attno)
			rows = lappend(rows, row);
	}
	systable_endscan(scan);
	return rows;
}

Oid
phig_suspect_relation(const PhigSuspectRow *row)
{
	Oid			schema = get_namespace_oid(row->schema, true);

	return OidIsValid(schema) ? get_relname_relid(row->relation, schema) : InvalidOid;
}

PhigSuspectRow *
phig_suspect_of(Relation table, Oid relid, AttrNumber attno)
{
	ListCell   *lc;

	foreach(lc, phig_suspects_of(table, relid))
		if (((PhigSuspectRow *) lfirst(lc))->attno == attno)
			return lfirst(lc);
	return NULL;
}

void
phig_suspect_put(Relation table, Oid relid, AttrNumber attno, const PhigEvidence *evidence, PhigSuspectState state)
{
	Datum		values[SUS_NCOLUMNS];
	bool		nulls[SUS_NCOLUMNS] = {0};
	char	   *column_name = get_attname(relid, attno, false);
	HeapTuple	tuple;

	remove_row(table, relid, column_name);
	values[SUS_SCHEMA - 1] = name_datum(get_namespace_name(get_rel_namespace(relid)));
	values[SUS_RELATION - 1] = name_datum(get_rel_name(relid));
	values[SUS_COLUMN_NAME - 1] = name_datum(column_name);
	values[SUS_COLUMN_NUMBER - 1] = Int16GetDatum(attno);
	values[SUS_CATEGORY - 1] = CStringGetTextDatum(phig_category_name(evidence->category));
	nulls[SUS_KIND - 1] = evidence->kind == NULL;
	values[SUS_KIND - 1] = evidence->kind == NULL ? (Datum) 0 : CStringGetTextDatum(evidence->kind);
	values[SUS_CONFIDENCE - 1] = Float4GetDatum(evidence->confidence);
	values[SUS_EVIDENCE - 1] = CStringGetTextDatum(evidence->text);
	values[SUS_STATE - 1] = CStringGetTextDatum(state_names[state]);
	values[SUS_FOUND - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	nulls[SUS_REVIEWED - 1] = nulls[SUS_REVIEWED_BY - 1] = state == PHIG_SUSPECT;
	values[SUS_REVIEWED - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[SUS_REVIEWED_BY - 1] = name_datum(GetUserNameFromId(GetUserId(), false));
	tuple = heap_form_tuple(RelationGetDescr(table), values, nulls);
	CatalogTupleInsert(table, tuple);
	heap_freetuple(tuple);
	CommandCounterIncrement();
}

void
phig_suspect_remove(Relation table, Oid relid, AttrNumber attno)
{
	remove_row(table, relid, get_attname(relid, attno, false));
	CommandCounterIncrement();
}

/* Rows that a restore has left without sense are errors to nobody: they are left out. */
static PhigSuspectRow *
read_row(HeapTuple tuple, TupleDesc desc)
{
	PhigSuspectRow *row = palloc0(sizeof(PhigSuspectRow));
	char	   *category = text_of(tuple, desc, SUS_CATEGORY);
	char	   *kind = text_of(tuple, desc, SUS_KIND);
	char	   *state = text_of(tuple, desc, SUS_STATE);
	bool		isnull;

	row->tid = tuple->t_self;
	row->schema = pstrdup(NameStr(*DatumGetName(heap_getattr(tuple, SUS_SCHEMA, desc, &isnull))));
	row->relation = pstrdup(NameStr(*DatumGetName(heap_getattr(tuple, SUS_RELATION, desc, &isnull))));
	row->column_name = pstrdup(NameStr(*DatumGetName(heap_getattr(tuple, SUS_COLUMN_NAME, desc, &isnull))));
	row->attno = DatumGetInt16(heap_getattr(tuple, SUS_COLUMN_NUMBER, desc, &isnull));
	row->evidence.category = phig_category_from_name(category);
	row->evidence.kind = kind == NULL ? NULL : phig_kind_from_name(row->evidence.category, kind);
	row->evidence.confidence = DatumGetFloat4(heap_getattr(tuple, SUS_CONFIDENCE, desc, &isnull));
	row->evidence.text = text_of(tuple, desc, SUS_EVIDENCE);
	for (int i = 0; i < (int) lengthof(state_names); i++)
		if (strcmp(state_names[i], state) == 0)
			row->state = (PhigSuspectState) i;
	return row;
}

static char *
text_of(HeapTuple tuple, TupleDesc desc, int column)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, desc, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* The rows of a relation, by the index; of all where it is InvalidOid. */
static SysScanDesc
begin_scan(Relation table, Oid relid)
{
	Oid			index = get_relname_relid(INDEX_NAME, RelationGetNamespace(table));
	ScanKeyData keys[2];

	if (!OidIsValid(relid))
		return systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	ScanKeyInit(&keys[0], SUS_SCHEMA, BTEqualStrategyNumber, F_NAMEEQ,
				name_datum(get_namespace_name(get_rel_namespace(relid))));
	ScanKeyInit(&keys[1], SUS_RELATION, BTEqualStrategyNumber, F_NAMEEQ, name_datum(get_rel_name(relid)));
	return systable_beginscan(table, index, OidIsValid(index), NULL, 2, keys);
}

static void
remove_row(Relation table, Oid relid, const char *column_name)
{
	SysScanDesc scan = begin_scan(table, relid);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (strcmp(read_row(tuple, RelationGetDescr(table))->column_name, column_name) == 0)
			CatalogTupleDelete(table, &tuple->t_self);
	systable_endscan(scan);
}

static Datum
name_datum(const char *name)
{
	NameData   *datum = palloc0(sizeof(NameData));

	namestrcpy(datum, name);
	return NameGetDatum(datum);
}
