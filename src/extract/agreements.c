/*
 * agreements.c
 *		Agreements with those who get data: phiguard.create_agreement(), replace_agreement(), end_agreement().
 *
 * Business associate contracts, 45 CFR 164.504(e), and data use agreements, 164.514(e)(4).
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "extract/arguments.h"
#include "extract/prove.h"
#include "journal/statement.h"
#include "policy/change.h"
#include "texts.h"

static void keep_agreement(FunctionCallInfo fcinfo, const char *command, bool replace);
static void check_agreement(const PhigAgreementRow *row);
static char *joined(List *words);

PG_FUNCTION_INFO_V1(phiguard_create_agreement);
PG_FUNCTION_INFO_V1(phiguard_replace_agreement);
PG_FUNCTION_INFO_V1(phiguard_end_agreement);

/* create_agreement(name, kind, party, purposes, effective, expires, reference) */
Datum
phiguard_create_agreement(PG_FUNCTION_ARGS)
{
	keep_agreement(fcinfo, "CREATE AGREEMENT", false);
	PG_RETURN_VOID();
}

/* The same: what is said of it holds from now on. */
Datum
phiguard_replace_agreement(PG_FUNCTION_ARGS)
{
	keep_agreement(fcinfo, "REPLACE AGREEMENT", true);
	PG_RETURN_VOID();
}

/* end_agreement(name): before it expires; the row stays. */
Datum
phiguard_end_agreement(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("end agreements");
	Relation	agreements = phig_policy_open(PHIG_POLICY_AGREEMENT, RowExclusiveLock);
	PhigAgreementRow *row = phig_extract_agreement(phig_change_text(fcinfo, 0, "the name"));

	phig_statement_policy("END AGREEMENT", row->name);
	row->ended = Min(row->ended, GetCurrentTimestamp());
	phig_policy_update(agreements, PHIG_POLICY_AGREEMENT, &row->tid, row);
	table_close(agreements, NoLock);
	table_close(purposes, NoLock);
	PG_RETURN_VOID();
}

PhigAgreementRow *
phig_extract_agreement(const char *name)
{
	PhigAgreementRow *row = phig_agreement_named(name);

	if (row == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no agreement \"%s\"", name),
				 errhint("phiguard.agreements lists them; phiguard.create_agreement() makes one.")));
	return row;
}

List *
phig_extract_texts(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NIL : phig_texts_of_array(PG_GETARG_DATUM(arg));
}

static void
keep_agreement(FunctionCallInfo fcinfo, const char *command, bool replace)
{
	Relation	purposes = phig_change_begin("make agreements");
	Relation	agreements = phig_policy_open(PHIG_POLICY_AGREEMENT, RowExclusiveLock);
	PhigAgreementRow row = {0};
	PhigAgreementRow *old;

	row.name = phig_change_text(fcinfo, 0, "the name");
	row.kind = phig_change_text(fcinfo, 1, "kind");
	row.party = phig_change_text(fcinfo, 2, "party");
	row.purposes = phig_extract_texts(fcinfo, 3);
	row.effective = PG_ARGISNULL(4) ? GetCurrentTimestamp() : PG_GETARG_TIMESTAMPTZ(4);
	row.expires = PG_ARGISNULL(5) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(5);
	row.reference = phig_change_optional_text(fcinfo, 6);
	row.ended = DT_NOEND;
	row.created = GetCurrentTimestamp();
	row.created_by = phig_change_by();
	check_agreement(&row);
	old = replace ? phig_extract_agreement(row.name) : phig_agreement_named(row.name);
	if (old != NULL && !replace)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("there is an agreement \"%s\" already", row.name),
				 errhint("phiguard.replace_agreement() changes its terms, phiguard.end_agreement() ends it.")));
	phig_statement_policy(command, psprintf("%s, %s with %s, for %s%s%s", row.name, row.kind, row.party, joined(row.purposes),
											TIMESTAMP_IS_NOEND(row.expires) ? "" : ", until ",
											TIMESTAMP_IS_NOEND(row.expires) ? "" : timestamptz_to_str(row.expires)));
	if (old != NULL)
		phig_policy_update(agreements, PHIG_POLICY_AGREEMENT, &old->tid, &row);
	else
		phig_policy_insert(agreements, PHIG_POLICY_AGREEMENT, &row);
	table_close(agreements, NoLock);
	table_close(purposes, NoLock);
}

static void
check_agreement(const PhigAgreementRow *row)
{
	ListCell   *lc;

	if (row->name[0] == '\0' || strlen(row->name) > PHIG_PURPOSE_MAX_BYTES || row->party[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an agreement has a name of 1 to %d bytes, and a party", PHIG_PURPOSE_MAX_BYTES)));
	if (strcmp(row->kind, "BAA") != 0 && strcmp(row->kind, "DUA") != 0)
		phig_change_refuse_word("kind of agreement", "BAA (45 CFR 164.504(e)) and DUA (45 CFR 164.514(e)(4))");
	if (row->purposes == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an agreement says which purposes it permits")));
	foreach(lc, row->purposes)
		phig_change_require_purpose(lfirst(lc));
	if (row->expires <= row->effective || row->expires <= GetCurrentTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the agreement would have expired already, or before it takes effect")));
}

static char *
joined(List *words)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, words)
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", (char *) lfirst(lc));
	return text.data;
}
