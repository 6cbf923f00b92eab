/*
 * review.c
 *		What the officer says to suspects: phiguard.accept_suspect(), reject_suspect(), label_suspects().
 */
#include "postgres.h"

#include "access/table.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "journal/statement.h"
#include "label/label.h"
#include "label/provider.h"
#include "scan/store.h"

PG_FUNCTION_INFO_V1(phiguard_accept_suspect);
PG_FUNCTION_INFO_V1(phiguard_reject_suspect);
PG_FUNCTION_INFO_V1(phiguard_label_suspects);
PG_FUNCTION_INFO_V1(phiguard_reads_suspects);

enum
{
	LABELLED_SCHEMA, LABELLED_RELATION, LABELLED_COLUMN, LABELLED_LABEL, LABELLED_CONFIDENCE, LABELLED_NCOLUMNS
};

/* phiguard.label(), which has all checks */
extern Datum phiguard_label(PG_FUNCTION_ARGS);

static PhigSuspectRow *suspect_named(Relation table, FunctionCallInfo fcinfo);
static bool is_open(const PhigSuspectRow *row, Oid relid, float min_confidence);
static PhigSuspectRow *row_to_label(Relation table, const PhigSuspectRow *seen, float min_confidence);
static char *label_of(const PhigSuspectRow *row);
static void accept(Relation table, Oid relid, const PhigSuspectRow *row, const char *label);
static void put_labelled(ReturnSetInfo *rsinfo, const PhigSuspectRow *row);

/* accept_suspect(relation regclass, column_name name, label text) returns void: labels it; NULL: as suspected */
Datum
phiguard_accept_suspect(PG_FUNCTION_ARGS)
{
	Relation	table;
	PhigSuspectRow *row;

	phig_require_officer("review suspects");
	PreventCommandIfReadOnly("phiguard.accept_suspect()");
	table = phig_suspects_open();
	row = suspect_named(table, fcinfo);
	accept(table, PG_GETARG_OID(0), row, PG_ARGISNULL(2) ? label_of(row) : text_to_cstring(PG_GETARG_TEXT_PP(2)));
	table_close(table, NoLock);
	PG_RETURN_VOID();
}

/* reject_suspect(relation regclass, column_name name) returns void: it stays rejected, and gets no label */
Datum
phiguard_reject_suspect(PG_FUNCTION_ARGS)
{
	Relation	table;
	PhigSuspectRow *row;

	phig_require_officer("review suspects");
	PreventCommandIfReadOnly("phiguard.reject_suspect()");
	table = phig_suspects_open();
	row = suspect_named(table, fcinfo);
	phig_statement_policy("REJECT SUSPECT", psprintf("%s, %s", phig_column_path(PG_GETARG_OID(0), row->attno),
													 phig_category_name(row->evidence.category)));
	phig_suspect_put(table, PG_GETARG_OID(0), row->attno, &row->evidence, PHIG_SUSPECT_REJECTED);
	table_close(table, NoLock);
	PG_RETURN_VOID();
}

/* label_suspects(min_confidence real, dry_run boolean): a row a label that is or would be set */
Datum
phiguard_label_suspects(PG_FUNCTION_ARGS)
{
	float		min_confidence = PG_GETARG_FLOAT4(0);
	bool		dry_run = PG_GETARG_BOOL(1);
	Relation	table;
	ListCell   *lc;

	phig_require_officer("label suspects");
	if (!dry_run)
		PreventCommandIfReadOnly("phiguard.label_suspects()");
	if (!(min_confidence >= 0 && min_confidence <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("min_confidence must be between 0 and 1")));
	InitMaterializedSRF(fcinfo, 0);
	table = phig_suspects_open();
	foreach(lc, phig_suspects_of(table, InvalidOid))
	{
		PhigSuspectRow *row = lfirst(lc);
		Oid			relid = phig_suspect_relation(row);

		CHECK_FOR_INTERRUPTS();
		if (!is_open(row, relid, min_confidence) ||
			(!dry_run && (row = row_to_label(table, row, min_confidence)) == NULL))
			continue;
		put_labelled((ReturnSetInfo *) fcinfo->resultinfo, row);
		if (!dry_run)
			accept(table, relid, row, label_of(row));
	}
	table_close(table, NoLock);
	return (Datum) 0;
}

Datum
phiguard_reads_suspects(PG_FUNCTION_ARGS)
{
	phig_require_reader();
	PG_RETURN_BOOL(true);
}

static PhigSuspectRow *
suspect_named(Relation table, FunctionCallInfo fcinfo)
{
	Oid			relid;
	AttrNumber	attno;
	PhigSuspectRow *row;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("relation and column must not be null")));
	relid = PG_GETARG_OID(0);
	LockRelationOid(relid, ShareUpdateExclusiveLock);
	phig_suspects_lock(table, relid);
	attno = get_rel_name(relid) == NULL ? InvalidAttrNumber : get_attnum(relid, NameStr(*PG_GETARG_NAME(1)));
	row = attno == InvalidAttrNumber ? NULL : phig_suspect_of(table, relid, attno);
	if (row == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("that column is no suspect"),
				 errhint("phiguard.suspects lists them; phiguard.label() labels any column.")));
	return row;
}

/* Nobody has reviewed it, here or by a label. */
static bool
is_open(const PhigSuspectRow *row, Oid relid, float min_confidence)
{
	return row->state == PHIG_SUSPECT && row->evidence.confidence >= min_confidence &&
		row->evidence.category > PHIG_CAT_NONE &&
		phig_label_relation_copy(relid)->cols[row->attno - 1].category == PHIG_CAT_UNLABELLED;
}

/* The row as it is when nobody else can review it; NULL when somebody has. */
static PhigSuspectRow *
row_to_label(Relation table, const PhigSuspectRow *seen, float min_confidence)
{
	Oid			relid = phig_suspect_relation(seen);
	PhigSuspectRow *row;

	LockRelationOid(relid, ShareUpdateExclusiveLock);
	phig_suspects_lock(table, relid);
	row = get_rel_name(relid) == NULL ? NULL : phig_suspect_of(table, relid, seen->attno);
	return row != NULL && is_open(row, relid, min_confidence) ? row : NULL;
}

static char *
label_of(const PhigSuspectRow *row)
{
	return row->evidence.kind == NULL ? pstrdup(phig_category_name(row->evidence.category)) :
		psprintf("%s kind=%s", phig_category_name(row->evidence.category), row->evidence.kind);
}

static void
accept(Relation table, Oid relid, const PhigSuspectRow *row, const char *label)
{
	NameData	column_name;

	namestrcpy(&column_name, row->column_name);
	DirectFunctionCall3(phiguard_label, ObjectIdGetDatum(relid), NameGetDatum(&column_name),
						CStringGetTextDatum(label));
	phig_suspect_put(table, relid, row->attno, &row->evidence, PHIG_SUSPECT_ACCEPTED);
}

static void
put_labelled(ReturnSetInfo *rsinfo, const PhigSuspectRow *row)
{
	Datum		values[LABELLED_NCOLUMNS];
	bool		nulls[LABELLED_NCOLUMNS] = {0};

	values[LABELLED_SCHEMA] = CStringGetTextDatum(row->schema);
	values[LABELLED_RELATION] = CStringGetTextDatum(row->relation);
	values[LABELLED_COLUMN] = CStringGetTextDatum(row->column_name);
	values[LABELLED_LABEL] = CStringGetTextDatum(label_of(row));
	values[LABELLED_CONFIDENCE] = Float4GetDatum(row->evidence.confidence);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}
