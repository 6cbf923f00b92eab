/*
 * rules.c
 *		Which columns a purpose shows, and how: phiguard.allow(), disallow().
 */
#include "postgres.h"

#include "access/table.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "journal/statement.h"
#include "keys/store.h"
#include "policy/cache.h"
#include "policy/call.h"
#include "policy/change.h"
#include "policy/expression.h"
#include "policy/fit.h"

static void words_arguments(FunctionCallInfo fcinfo, PhigRuleRow *row);
static void check_column(Oid relid, const PhigRuleRow *row);
static void check_rule(const PhigRuleRow *row);
static PhigRuleRow *find_rule(const PhigRuleRow *like);
static void notice_missing_key(const PhigRuleRow *row);

PG_FUNCTION_INFO_V1(phiguard_allow);
PG_FUNCTION_INFO_V1(phiguard_disallow);

/* allow(purpose, relation, column_name, category, kind, sens, conf, transform, writable) */
Datum
phiguard_allow(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("allow columns");
	Relation	rules = phig_policy_open(PHIG_POLICY_RULE, RowExclusiveLock);
	PhigRuleRow row = {0};

	row.purpose = phig_change_purpose(fcinfo);
	if (!PG_ARGISNULL(1))
		phig_change_relation(PG_GETARG_OID(1), &row.schema, &row.relation);
	words_arguments(fcinfo, &row);
	if (row.column_name != NULL)
		check_column(PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1), &row);
	row.transform = phig_change_text(fcinfo, 7, "transform");
	row.writable = !PG_ARGISNULL(8) && PG_GETARG_BOOL(8);
	row.created = GetCurrentTimestamp();
	row.created_by = phig_change_by();
	phig_change_require_purpose(row.purpose);
	check_rule(&row);
	if (find_rule(&row) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("purpose \"%s\" has such a rule already", row.purpose),
				 errhint("phiguard.disallow() removes it.")));
	phig_statement_policy("ALLOW", psprintf("%s: %s -> %s%s", row.purpose, phig_rule_words(&row), row.transform,
											row.writable ? ", writable" : ""));
	phig_policy_insert(rules, PHIG_POLICY_RULE, &row);
	phig_policy_check_fit(phig_policies_read(row.purpose), row.transform);
	notice_missing_key(&row);
	table_close(rules, NoLock);
	table_close(purposes, NoLock);
	PG_RETURN_VOID();
}

/* disallow(purpose, relation text, column_name, category, kind, sens, conf) */
Datum
phiguard_disallow(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("disallow columns");
	Relation	rules = phig_policy_open(PHIG_POLICY_RULE, RowExclusiveLock);
	PhigRuleRow row = {0};
	PhigRuleRow *found;

	row.purpose = phig_change_purpose(fcinfo);
	if (!PG_ARGISNULL(1))
		phig_change_named_relation(text_to_cstring(PG_GETARG_TEXT_PP(1)), &row.schema, &row.relation);
	words_arguments(fcinfo, &row);
	phig_change_require_purpose(row.purpose);
	found = find_rule(&row);
	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("purpose \"%s\" has no such rule", row.purpose),
				 errhint("phiguard.rules lists them: name all that the rule names, and nothing else."),
				 errhidestmt(true)));
	phig_statement_policy("DISALLOW", psprintf("%s: %s", row.purpose, phig_rule_words(found)));
	phig_policy_delete(rules, &found->tid);
	phig_policy_check_fit(phig_policies_read(row.purpose), row.transform);
	table_close(rules, NoLock);
	table_close(purposes, NoLock);
	PG_RETURN_VOID();
}

/* Arguments 2 to 6 of both. */
static void
words_arguments(FunctionCallInfo fcinfo, PhigRuleRow *row)
{
	if (!PG_ARGISNULL(2))
		row->column_name = pstrdup(NameStr(*PG_GETARG_NAME(2)));
	row->category = phig_change_optional_text(fcinfo, 3);
	row->kind = phig_change_optional_text(fcinfo, 4);
	row->sens = phig_change_optional_text(fcinfo, 5);
	row->conf = phig_change_optional_text(fcinfo, 6);
}

static void
check_column(Oid relid, const PhigRuleRow *row)
{
	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a column needs its relation")));
	if (get_attnum(relid, row->column_name) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", row->column_name, row->relation)));
}

static void
check_rule(const PhigRuleRow *row)
{
	PhigRuleKey key;
	PhigDecision decision;
	PhigTransformCall call;
	char	   *problem;

	if (strlen(row->transform) > PHIG_TRANSFORM_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a transform has at most %d bytes", PHIG_TRANSFORM_MAX_BYTES)));
	problem = phig_rule_problem(row, &key, &decision);
	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("that is no rule: %s", problem),
				 errhint("A rule names a column; a relation and a category, or kind of it; or a category, or kind of it. It may also name a sensitivity code or a "
						 "confidentiality, or one of these alone. Words are those of labels; transforms are clear, mask, null, deny, and those in phiguard.transforms."),
				 errhidestmt(true)));
	if (decision.action == PHIG_ACTION_TRANSFORM && phig_transform_call_parse(row->transform, &call))
		phig_transform_check_literals(&call);
}

/* The rule with the same target, or NULL. */
static PhigRuleRow *
find_rule(const PhigRuleRow *like)
{
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_RULE, like->purpose))
	{
		PhigRuleRow *row = lfirst(lc);

		if (phig_change_same(row->schema, like->schema) && phig_change_same(row->relation, like->relation) &&
			phig_change_same(row->column_name, like->column_name) && phig_change_same(row->category, like->category) &&
			phig_change_same(row->kind, like->kind) && phig_change_same(row->sens, like->sens) &&
			phig_change_same(row->conf, like->conf))
			return row;
	}
	return NULL;
}

/* Without the key, what is to be made with it fails when it is read. */
static void
notice_missing_key(const PhigRuleRow *row)
{
	PhigTransformCall call;
	PhigKeyDomain found;
	const char *domain = NULL;

	if (phig_transform_call_parse(row->transform, &call))
		domain = phig_transform_domain(&call, row->purpose);
	if (domain != NULL && !phig_keys_find_domain(domain, &found))
		ereport(NOTICE,
				(errmsg("there is no key \"%s\" yet, which transform \"%s\" of this purpose uses", domain, row->transform),
				 errhint("phiguard.create_key() makes one.")));
}
