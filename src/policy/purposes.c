/*
 * purposes.c
 *		Purposes made and dropped: phiguard.create_purpose(), drop_purpose().
 */
#include "postgres.h"

#include "access/table.h"
#include "fmgr.h"
#include "utils/timestamp.h"

#include "journal/statement.h"
#include "policy/change.h"
#include "policy/words.h"

static void check_purpose_words(const PhigPurposeRow *row);
static void delete_of(PhigPolicyTable table, const char *purpose);

PG_FUNCTION_INFO_V1(phiguard_create_purpose);
PG_FUNCTION_INFO_V1(phiguard_drop_purpose);

/*
 * create_purpose(purpose, code, otherwise, rows, require_justification, basis, description,
 * journal_on_failure)
 */
Datum
phiguard_create_purpose(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("create purposes");
	PhigPurposeRow row = {0};

	row.purpose = phig_change_purpose(fcinfo);
	row.code = phig_change_text(fcinfo, 1, "code");
	row.otherwise = phig_change_text(fcinfo, 2, "otherwise");
	row.rows = phig_change_text(fcinfo, 3, "rows");
	row.require_justification = !PG_ARGISNULL(4) && PG_GETARG_BOOL(4);
	row.basis = phig_change_optional_text(fcinfo, 5);
	row.description = phig_change_optional_text(fcinfo, 6);
	row.journal_on_failure = phig_change_optional_text(fcinfo, 7);
	row.created = GetCurrentTimestamp();
	row.created_by = phig_change_by();
	check_purpose_words(&row);
	if (phig_policy_purpose(row.purpose) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("there is a purpose \"%s\" already", row.purpose),
				 errhint("phiguard.drop_purpose() removes it, with its rules and grants.")));
	phig_statement_policy("CREATE PURPOSE", psprintf("%s, code %s, otherwise %s, rows %s%s", row.purpose, row.code,
													 row.otherwise, row.rows,
													 row.require_justification ? ", with justification" : ""));
	phig_policy_insert(purposes, PHIG_POLICY_PURPOSE, &row);
	table_close(purposes, NoLock);
	PG_RETURN_VOID();
}

/* drop_purpose(purpose text): with its rules, row predicates, grants and registered functions */
Datum
phiguard_drop_purpose(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("drop purposes");
	char	   *purpose = phig_change_purpose(fcinfo);
	PhigPurposeRow *row;

	phig_change_require_purpose(purpose);
	row = phig_policy_purpose(purpose);
	phig_statement_policy("DROP PURPOSE", purpose);
	delete_of(PHIG_POLICY_RULE, purpose);
	delete_of(PHIG_POLICY_ROWS, purpose);
	delete_of(PHIG_POLICY_GRANT, purpose);
	delete_of(PHIG_POLICY_FUNCTION, purpose);
	phig_policy_delete(purposes, &row->tid);
	table_close(purposes, NoLock);
	PG_RETURN_VOID();
}

static void
check_purpose_words(const PhigPurposeRow *row)
{
	PhigAction	otherwise;

	if (!phig_purpose_code_exists(row->code))
		phig_change_refuse_word("code of a purpose",
								psprintf("the codes of HL7 v3 PurposeOfUse, in capitals: %s and those below them",
										 phig_purpose_code_tops()));
	if (!phig_action_from_name(row->otherwise, &otherwise))
		phig_change_refuse_word("otherwise", "deny, null, mask and clear");
	if (otherwise == PHIG_ACTION_CLEAR && !phig_purpose_code_is(row->code, "TREAT"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("only treatment may see everything that no rule speaks of"),
				 errdetail("Code %s is not TREAT, nor below it: the minimum necessary is asked for (45 CFR 164.502(b)).",
						   row->code),
				 errhint("Write deny, null or mask, and phiguard.allow() what the purpose needs.")));
	if (strcmp(row->rows, "all") != 0 && strcmp(row->rows, "deny") != 0)
		phig_change_refuse_word("rows", "all and deny");
	if (row->journal_on_failure != NULL && strcmp(row->journal_on_failure, "refuse") != 0 &&
		strcmp(row->journal_on_failure, "allow") != 0)
		phig_change_refuse_word("journal_on_failure", "refuse, allow and NULL");
}

static void
delete_of(PhigPolicyTable table, const char *purpose)
{
	Relation	relation = phig_policy_open(table, RowExclusiveLock);
	ListCell   *lc;

	/* The tid is first in every struct. */
	foreach(lc, phig_policy_rows_of(table, purpose))
		phig_policy_delete(relation, lfirst(lc));
	table_close(relation, NoLock);
}
