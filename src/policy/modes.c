/*
 * modes.c
 *		Relations whose mode is below the server's: phiguard.set_mode().
 */
#include "postgres.h"

#include "access/table.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "journal/statement.h"
#include "policy/change.h"
#include "policy/words.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(phiguard_set_mode);

/* set_mode(relation regclass, mode text); enforce: the server's */
Datum
phiguard_set_mode(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("set modes");
	Relation	modes = phig_policy_open(PHIG_POLICY_MODE, RowExclusiveLock);
	PhigModeRow row = {0};
	int			mode;
	ListCell   *lc;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the relation must not be null")));
	phig_change_relation(PG_GETARG_OID(0), &row.schema, &row.relation);
	row.mode = phig_change_text(fcinfo, 1, "mode");
	mode = phig_mode_from_name(row.mode);
	if (mode < 0)
		phig_change_refuse_word("mode", "off, audit and enforce");
	phig_statement_policy("SET MODE", psprintf("%s -> %s", quote_qualified_identifier(row.schema, row.relation), row.mode));
	foreach(lc, phig_policy_rows_of(PHIG_POLICY_MODE, NULL))
	{
		PhigModeRow *old = lfirst(lc);

		if (strcmp(old->schema, row.schema) == 0 && strcmp(old->relation, row.relation) == 0)
			phig_policy_delete(modes, &old->tid);
	}
	if (mode < PHIG_MODE_ENFORCE)
		phig_policy_insert(modes, PHIG_POLICY_MODE, &row);
	table_close(modes, NoLock);
	table_close(purposes, NoLock);
	PG_RETURN_VOID();
}
