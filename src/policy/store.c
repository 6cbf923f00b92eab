/*
 * store.c
 *		The rows of the policy tables.
 *
 * Read and written straight in the tables, as the key ring is: whoever asks what he may see needs no
 * privilege on them.  Writers take a lock on policy_purpose that excludes each other and no
 * reader (functions.c).  Who writes by hand fires a trigger that tells the sessions what
 * writing here tells them: the relation cache's entry of policy_purpose, the marker, is stale.
 *
 * A column that may hold no NULL but does, or a table of another shape, is an error to whoever reads.
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
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "label/registry.h"
#include "policy/store.h"
#include "texts.h"

#define SCHEMA_NAME "phiguard"
#define MOST_COLUMNS 18

typedef enum ColumnType
{
	COLUMN_TEXT, COLUMN_NAME, COLUMN_BOOL, COLUMN_ROLE, COLUMN_TIME, COLUMN_NUMBER, COLUMN_TEXTS
} ColumnType;

/* A column, and where it stands in the row's struct. */
typedef struct Column
{
	ColumnType	type;
	bool		nullable;
	size_t		offset;
} Column;

typedef struct Table
{
	const char *name;
	const char *purpose_index;	/* NULL: its rows belong to no purpose */
	size_t		row_size;
	int			ncolumns;
	Column		columns[MOST_COLUMNS];
} Table;

#define AT(row, field) offsetof(row, field)

static const Table tables[] = {
	[PHIG_POLICY_PURPOSE] = {"policy_purpose", "policy_purpose_pkey", sizeof(PhigPurposeRow), 10, {
			{COLUMN_TEXT, false, AT(PhigPurposeRow, purpose)},
			{COLUMN_TEXT, false, AT(PhigPurposeRow, code)},
			{COLUMN_TEXT, false, AT(PhigPurposeRow, otherwise)},
			{COLUMN_TEXT, false, AT(PhigPurposeRow, rows)},
			{COLUMN_BOOL, false, AT(PhigPurposeRow, require_justification)},
			{COLUMN_TEXT, true, AT(PhigPurposeRow, basis)},
			{COLUMN_TEXT, true, AT(PhigPurposeRow, description)},
			{COLUMN_TEXT, true, AT(PhigPurposeRow, journal_on_failure)},
			{COLUMN_TIME, false, AT(PhigPurposeRow, created)},
			{COLUMN_NAME, false, AT(PhigPurposeRow, created_by)},
	}},
	[PHIG_POLICY_RULE] = {"policy_rule", "policy_rule_purpose_idx", sizeof(PhigRuleRow), 12, {
			{COLUMN_TEXT, false, AT(PhigRuleRow, purpose)},
			{COLUMN_NAME, true, AT(PhigRuleRow, schema)},
			{COLUMN_NAME, true, AT(PhigRuleRow, relation)},
			{COLUMN_NAME, true, AT(PhigRuleRow, column_name)},
			{COLUMN_TEXT, true, AT(PhigRuleRow, category)},
			{COLUMN_TEXT, true, AT(PhigRuleRow, kind)},
			{COLUMN_TEXT, true, AT(PhigRuleRow, sens)},
			{COLUMN_TEXT, true, AT(PhigRuleRow, conf)},
			{COLUMN_TEXT, false, AT(PhigRuleRow, transform)},
			{COLUMN_BOOL, false, AT(PhigRuleRow, writable)},
			{COLUMN_TIME, false, AT(PhigRuleRow, created)},
			{COLUMN_NAME, false, AT(PhigRuleRow, created_by)},
	}},
	[PHIG_POLICY_ROWS] = {"policy_rows", "policy_rows_purpose_idx", sizeof(PhigRowsRow), 8, {
			{COLUMN_TEXT, false, AT(PhigRowsRow, purpose)},
			{COLUMN_NAME, false, AT(PhigRowsRow, schema)},
			{COLUMN_NAME, false, AT(PhigRowsRow, relation)},
			{COLUMN_TEXT, false, AT(PhigRowsRow, predicate)},
			{COLUMN_BOOL, false, AT(PhigRowsRow, restrictive)},
			{COLUMN_ROLE, false, AT(PhigRowsRow, officer)},
			{COLUMN_NAME, false, AT(PhigRowsRow, officer_name)},
			{COLUMN_TIME, false, AT(PhigRowsRow, created)},
	}},
	[PHIG_POLICY_GRANT] = {"policy_grant", "policy_grant_purpose_idx", sizeof(PhigGrantRow), 9, {
			{COLUMN_TEXT, false, AT(PhigGrantRow, purpose)},
			{COLUMN_ROLE, false, AT(PhigGrantRow, grantee)},
			{COLUMN_NAME, false, AT(PhigGrantRow, grantee_name)},
			{COLUMN_BOOL, false, AT(PhigGrantRow, denied)},
			{COLUMN_TIME, true, AT(PhigGrantRow, expires)},
			{COLUMN_TEXT, true, AT(PhigGrantRow, recipient)},
			{COLUMN_TEXT, true, AT(PhigGrantRow, agreement)},
			{COLUMN_TIME, false, AT(PhigGrantRow, granted)},
			{COLUMN_NAME, false, AT(PhigGrantRow, granted_by)},
	}},
	[PHIG_POLICY_MODE] = {"policy_mode", NULL, sizeof(PhigModeRow), 3, {
			{COLUMN_NAME, false, AT(PhigModeRow, schema)},
			{COLUMN_NAME, false, AT(PhigModeRow, relation)},
			{COLUMN_TEXT, false, AT(PhigModeRow, mode)},
	}},
	[PHIG_POLICY_GLASS] = {"break_glass_grant", NULL, sizeof(PhigGlassRow), 5, {
			{COLUMN_ROLE, false, AT(PhigGlassRow, grantee)},
			{COLUMN_NAME, false, AT(PhigGlassRow, grantee_name)},
			{COLUMN_NUMBER, false, AT(PhigGlassRow, most)},
			{COLUMN_TIME, false, AT(PhigGlassRow, granted)},
			{COLUMN_NAME, false, AT(PhigGlassRow, granted_by)},
	}},
	[PHIG_POLICY_GLASS_REVIEW] = {"break_glass_reviewed", NULL, sizeof(PhigGlassReviewRow), 5, {
			{COLUMN_TEXT, false, AT(PhigGlassReviewRow, node)},
			{COLUMN_TEXT, false, AT(PhigGlassReviewRow, position)},
			{COLUMN_TEXT, false, AT(PhigGlassReviewRow, finding)},
			{COLUMN_TIME, false, AT(PhigGlassReviewRow, reviewed)},
			{COLUMN_NAME, false, AT(PhigGlassReviewRow, reviewed_by)},
	}},
	[PHIG_POLICY_FUNCTION] = {"policy_function", "policy_function_purpose_idx", sizeof(PhigFunctionRow), 6, {
			{COLUMN_TEXT, false, AT(PhigFunctionRow, purpose)},
			{COLUMN_TEXT, false, AT(PhigFunctionRow, function)},
			{COLUMN_NAME, false, AT(PhigFunctionRow, owner)},
			{COLUMN_TEXT, false, AT(PhigFunctionRow, definition)},
			{COLUMN_TIME, false, AT(PhigFunctionRow, registered)},
			{COLUMN_NAME, false, AT(PhigFunctionRow, registered_by)},
	}},
	[PHIG_POLICY_AGREEMENT] = {"agreement", NULL, sizeof(PhigAgreementRow), 10, {
			{COLUMN_TEXT, false, AT(PhigAgreementRow, name)},
			{COLUMN_TEXT, false, AT(PhigAgreementRow, kind)},
			{COLUMN_TEXT, false, AT(PhigAgreementRow, party)},
			{COLUMN_TEXTS, false, AT(PhigAgreementRow, purposes)},
			{COLUMN_TIME, false, AT(PhigAgreementRow, effective)},
			{COLUMN_TIME, true, AT(PhigAgreementRow, expires)},
			{COLUMN_TEXT, true, AT(PhigAgreementRow, reference)},
			{COLUMN_TIME, true, AT(PhigAgreementRow, ended)},
			{COLUMN_TIME, false, AT(PhigAgreementRow, created)},
			{COLUMN_NAME, false, AT(PhigAgreementRow, created_by)},
	}},
	[PHIG_POLICY_EXTRACT] = {"extract", NULL, sizeof(PhigExtractRow), 17, {
			{COLUMN_NAME, false, AT(PhigExtractRow, schema)},
			{COLUMN_NAME, false, AT(PhigExtractRow, relation)},
			{COLUMN_TEXT, false, AT(PhigExtractRow, purpose)},
			{COLUMN_TEXT, false, AT(PhigExtractRow, method)},
			{COLUMN_TEXT, true, AT(PhigExtractRow, agreement)},
			{COLUMN_NAME, false, AT(PhigExtractRow, owner)},
			{COLUMN_TEXT, false, AT(PhigExtractRow, pin)},
			{COLUMN_TIME, false, AT(PhigExtractRow, checked)},
			{COLUMN_NAME, false, AT(PhigExtractRow, checked_by)},
			{COLUMN_TEXT, true, AT(PhigExtractRow, attestation)},
			{COLUMN_TIME, true, AT(PhigExtractRow, attested)},
			{COLUMN_NAME, true, AT(PhigExtractRow, attested_by)},
			{COLUMN_TIME, true, AT(PhigExtractRow, attested_until)},
			{COLUMN_TEXT, true, AT(PhigExtractRow, attested_pin)},
			{COLUMN_TEXTS, true, AT(PhigExtractRow, redacted)},
			{COLUMN_TIME, false, AT(PhigExtractRow, created)},
			{COLUMN_NAME, false, AT(PhigExtractRow, created_by)},
	}},
	[PHIG_POLICY_EXTRACT_RISK] = {"extract_risk", NULL, sizeof(PhigExtractRiskRow), 10, {
			{COLUMN_NAME, false, AT(PhigExtractRiskRow, schema)},
			{COLUMN_NAME, false, AT(PhigExtractRiskRow, relation)},
			{COLUMN_TEXT, false, AT(PhigExtractRiskRow, pin)},
			{COLUMN_TEXT, false, AT(PhigExtractRiskRow, expert)},
			{COLUMN_TEXT, false, AT(PhigExtractRiskRow, limits)},
			{COLUMN_TEXT, false, AT(PhigExtractRiskRow, results)},
			{COLUMN_BOOL, false, AT(PhigExtractRiskRow, within)},
			{COLUMN_TIME, false, AT(PhigExtractRiskRow, valid_until)},
			{COLUMN_TIME, false, AT(PhigExtractRiskRow, recorded)},
			{COLUMN_NAME, false, AT(PhigExtractRiskRow, recorded_by)},
	}},
	[PHIG_POLICY_METHOD_RULE] = {"method_rule", NULL, sizeof(PhigMethodRuleRow), 7, {
			{COLUMN_TEXT, false, AT(PhigMethodRuleRow, method)},
			{COLUMN_TEXT, false, AT(PhigMethodRuleRow, category)},
			{COLUMN_TEXT, true, AT(PhigMethodRuleRow, kind)},
			{COLUMN_TEXT, true, AT(PhigMethodRuleRow, transform)},
			{COLUMN_TEXT, false, AT(PhigMethodRuleRow, verdict)},
			{COLUMN_TEXT, false, AT(PhigMethodRuleRow, citation)},
			{COLUMN_TEXT, true, AT(PhigMethodRuleRow, advice)},
	}},
};

static Relation open_table(PhigPolicyTable table, LOCKMODE lockmode);
static void *read_row(HeapTuple tuple, TupleDesc desc, const Table *table);
static void read_column(void *field, ColumnType type, bool isnull, Datum value);
static HeapTuple form_row(Relation relation, const Table *table, const void *row);
static Datum column_datum(const void *field, ColumnType type, bool *isnull);
static void tell_sessions(void);

Oid
phig_policy_table(PhigPolicyTable table)
{
	Oid			schema = get_namespace_oid(SCHEMA_NAME, true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid(tables[table].name, schema) : InvalidOid;

	return OidIsValid(relid) && phig_is_ours(RelationRelationId, relid) ? relid : InvalidOid;
}

Relation
phig_policy_open(PhigPolicyTable table, LOCKMODE lockmode)
{
	Relation	relation = open_table(table, lockmode);

	if (relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there are no policies here that this version of phiguard can use"),
				 errhint("Run CREATE EXTENSION phiguard or ALTER EXTENSION phiguard UPDATE in this database.")));
	return relation;
}

List *
phig_policy_rows_of(PhigPolicyTable table, const char *purpose)
{
	const Table *shape = &tables[table];
	Relation	relation = open_table(table, AccessShareLock);
	List	   *rows = NIL;
	Oid			index = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (relation == NULL)
		return NIL;
	if (purpose != NULL)
	{
		index = get_relname_relid(shape->purpose_index, RelationGetNamespace(relation));
		ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(purpose));
	}
	scan = systable_beginscan(relation, index, OidIsValid(index), NULL, purpose != NULL ? 1 : 0, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		rows = lappend(rows, read_row(tuple, RelationGetDescr(relation), shape));
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return rows;
}

PhigPurposeRow *
phig_policy_purpose(const char *purpose)
{
	List	   *rows = phig_policy_rows_of(PHIG_POLICY_PURPOSE, purpose);

	return rows == NIL ? NULL : linitial(rows);
}

void
phig_policy_insert(Relation relation, PhigPolicyTable table, const void *row)
{
	CatalogTupleInsert(relation, form_row(relation, &tables[table], row));
	tell_sessions();
	CommandCounterIncrement();
}

void
phig_policy_update(Relation relation, PhigPolicyTable table, ItemPointer tid, const void *row)
{
	CatalogTupleUpdate(relation, tid, form_row(relation, &tables[table], row));
	tell_sessions();
	CommandCounterIncrement();
}

void
phig_policy_delete(Relation relation, ItemPointer tid)
{
	CatalogTupleDelete(relation, tid);
	tell_sessions();
	CommandCounterIncrement();
}

bool
phig_policy_names_role(Oid role, const char *name)
{
	char	   *found = GetUserNameFromId(role, true);

	return found != NULL && strcmp(found, name) == 0;
}

PG_FUNCTION_INFO_V1(phiguard_policies_changed);

/* The trigger of the policy tables: somebody wrote one by SQL. */
Datum
phiguard_policies_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("phiguard.policies_changed() is a trigger's function")));
	tell_sessions();
	return PointerGetDatum(NULL);
}

/* NULL where there is none of this version. */
static Relation
open_table(PhigPolicyTable table, LOCKMODE lockmode)
{
	Oid			relid = phig_policy_table(table);
	Relation	relation = OidIsValid(relid) ? try_table_open(relid, lockmode) : NULL;

	if (relation != NULL && RelationGetDescr(relation)->natts != tables[table].ncolumns)
	{
		table_close(relation, lockmode);
		return NULL;
	}
	return relation;
}

static void *
read_row(HeapTuple tuple, TupleDesc desc, const Table *table)
{
	char	   *row = palloc0(table->row_size);
	Datum		values[MOST_COLUMNS];
	bool		nulls[MOST_COLUMNS];

	/* First in every struct. */
	*(ItemPointerData *) row = tuple->t_self;
	heap_deform_tuple(tuple, desc, values, nulls);
	for (int i = 0; i < table->ncolumns; i++)
	{
		const Column *column = &table->columns[i];

		if (nulls[i] && !column->nullable)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("a row of phiguard.%s is damaged", table->name),
					 errhint("It has no %s. Restore the table from a dump.", NameStr(TupleDescAttr(desc, i)->attname))));
		read_column(row + column->offset, column->type, nulls[i], values[i]);
	}
	return row;
}

static void
read_column(void *field, ColumnType type, bool isnull, Datum value)
{
	switch (type)
	{
		case COLUMN_TEXT:
			*(char **) field = isnull ? NULL : TextDatumGetCString(value);
			break;
		case COLUMN_NAME:
			*(char **) field = isnull ? NULL : pstrdup(NameStr(*DatumGetName(value)));
			break;
		case COLUMN_BOOL:
			*(bool *) field = DatumGetBool(value);
			break;
		case COLUMN_ROLE:
			*(Oid *) field = DatumGetObjectId(value);
			break;
		case COLUMN_TIME:
			*(TimestampTz *) field = isnull ? DT_NOEND : DatumGetTimestampTz(value);
			break;
		case COLUMN_NUMBER:
			*(int32 *) field = DatumGetInt32(value);
			break;
		case COLUMN_TEXTS:
			*(List **) field = isnull ? NIL : phig_texts_of_array(value);
			break;
	}
}

static HeapTuple
form_row(Relation relation, const Table *table, const void *row)
{
	Datum		values[MOST_COLUMNS];
	bool		nulls[MOST_COLUMNS];

	for (int i = 0; i < table->ncolumns; i++)
		values[i] = column_datum((const char *) row + table->columns[i].offset, table->columns[i].type, &nulls[i]);
	return heap_form_tuple(RelationGetDescr(relation), values, nulls);
}

static Datum
column_datum(const void *field, ColumnType type, bool *isnull)
{
	const char *text;
	NameData   *name;

	*isnull = false;
	switch (type)
	{
		case COLUMN_TEXT:
			text = *(char *const *) field;
			*isnull = text == NULL;
			return text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
		case COLUMN_NAME:
			text = *(char *const *) field;
			*isnull = text == NULL;
			if (text == NULL)
				return (Datum) 0;
			name = palloc0(sizeof(NameData));
			namestrcpy(name, text);
			return NameGetDatum(name);
		case COLUMN_BOOL:
			return BoolGetDatum(*(const bool *) field);
		case COLUMN_ROLE:
			return ObjectIdGetDatum(*(const Oid *) field);
		case COLUMN_TIME:
			*isnull = *(const TimestampTz *) field == DT_NOEND;
			return TimestampTzGetDatum(*(const TimestampTz *) field);
		case COLUMN_NUMBER:
			return Int32GetDatum(*(const int32 *) field);
		case COLUMN_TEXTS:
			*isnull = *(List *const *) field == NIL;
			return *isnull ? (Datum) 0 : phig_text_array(*(List *const *) field);
	}
	return (Datum) 0;
}

/* At commit; this one at the end of the command. */
static void
tell_sessions(void)
{
	Oid			marker = phig_policy_table(PHIG_POLICY_PURPOSE);

	if (OidIsValid(marker))
		CacheInvalidateRelcacheByRelid(marker);
}
