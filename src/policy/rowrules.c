/*
 * rowrules.c
 *		Which rows a purpose shows, as an officer says it: phiguard.allow_rows(), disallow_rows().
 */
#include "postgres.h"

#include "access/table.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "journal/statement.h"
#include "policy/change.h"
#include "policy/rows.h"

#define PREDICATE_MAX_BYTES 8192

static int	remove_rows(Relation rows, const PhigRowsRow *like);

PG_FUNCTION_INFO_V1(phiguard_allow_rows);
PG_FUNCTION_INFO_V1(phiguard_disallow_rows);

/* allow_rows(purpose text, relation regclass, predicate text, restrictive boolean) */
Datum
phiguard_allow_rows(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("allow rows");
	Relation	rows = phig_policy_open(PHIG_POLICY_ROWS, RowExclusiveLock);
	PhigRowsRow row = {0};
	char	   *predicate;

	row.purpose = phig_change_purpose(fcinfo);
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the relation must not be null")));
	phig_change_relation(PG_GETARG_OID(1), &row.schema, &row.relation);
	predicate = phig_change_text(fcinfo, 2, "predicate");
	row.restrictive = !PG_ARGISNULL(3) && PG_GETARG_BOOL(3);
	row.officer = GetUserId();
	row.officer_name = phig_change_by();
	row.created = GetCurrentTimestamp();
	phig_change_require_purpose(row.purpose);
	row.predicate = phig_rows_write(predicate, PG_GETARG_OID(1));
	if (strlen(row.predicate) > PREDICATE_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a row predicate has at most %d bytes, names qualified", PREDICATE_MAX_BYTES),
				 errhint("Put what it asks into a view.")));
	phig_statement_policy("ALLOW ROWS", psprintf("%s: %s%s", row.purpose,
												 quote_qualified_identifier(row.schema, row.relation),
												 row.restrictive ? ", restrictive" : ""));
	phig_policy_insert(rows, PHIG_POLICY_ROWS, &row);
	table_close(rows, NoLock);
	table_close(purposes, NoLock);
	PG_RETURN_VOID();
}

/* disallow_rows(purpose text, relation text, predicate text) returns how many: all, or those that read so */
Datum
phiguard_disallow_rows(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("disallow rows");
	Relation	rows = phig_policy_open(PHIG_POLICY_ROWS, RowExclusiveLock);
	PhigRowsRow row = {0};
	int			removed;

	row.purpose = phig_change_purpose(fcinfo);
	phig_change_named_relation(phig_change_text(fcinfo, 1, "relation"), &row.schema, &row.relation);
	row.predicate = phig_change_optional_text(fcinfo, 2);
	phig_change_require_purpose(row.purpose);
	phig_statement_policy("DISALLOW ROWS", psprintf("%s: %s", row.purpose,
													quote_qualified_identifier(row.schema, row.relation)));
	removed = remove_rows(rows, &row);
	if (removed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("purpose \"%s\" has no such row predicate", row.purpose),
				 errhint("phiguard.rules shows them as they are stored."),
				 errhidestmt(true)));
	table_close(rows, NoLock);
	table_close(purposes, NoLock);
	PG_RETURN_INT32(removed);
}

static int
remove_rows(Relation rows, const PhigRowsRow *like)
{
	int			removed = 0;
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_ROWS, like->purpose))
	{
		PhigRowsRow *row = lfirst(lc);

		if (strcmp(row->schema, like->schema) != 0 || strcmp(row->relation, like->relation) != 0 ||
			(like->predicate != NULL && strcmp(row->predicate, like->predicate) != 0))
			continue;
		phig_policy_delete(rows, &row->tid);
		removed++;
	}
	return removed;
}
