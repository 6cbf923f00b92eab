/*
 * functions.c
 *		Purposes, rules and grants made and unmade: for the privacy officer.
 *
 * Each change is a record of kind policy, on disk before the change is made; it has names and words, no
 * text that an officer has written freely.  One change at a time: a lock on policy_purpose excludes
 * others, and nobody who reads.  Words that are not known are refused with those that are, and not repeated.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "access/table.h"
#include "journal/statement.h"
#include "keys/store.h"
#include "label/inherit.h"
#include "label/provider.h"
#include "label/resolve.h"
#include "policy/cache.h"
#include "policy/call.h"
#include "policy/fit.h"
#include "policy/store.h"
#include "policy/words.h"

static Relation begin_change(const char *what);
static void end_change(Relation purposes);
static char *text_argument(FunctionCallInfo fcinfo, int arg, const char *what);
static char *optional_text(FunctionCallInfo fcinfo, int arg);
static char *purpose_argument(FunctionCallInfo fcinfo);
static void require_purpose(const char *purpose);
static void check_purpose_words(const PhigPurposeRow *row);
static void refuse_word(const char *what, const char *valid);
static char *my_name(void);
static void rule_arguments(FunctionCallInfo fcinfo, PhigRuleRow *row);
static void relation_argument(Oid relid, char **schema, char **relation);
static void check_rule(const PhigRuleRow *row);
static PhigRuleRow *find_rule(const PhigRuleRow *like);
static bool same_text(const char *a, const char *b);
static char *rule_words(const PhigRuleRow *row);
static void notice_missing_key(const PhigRuleRow *row);

PG_FUNCTION_INFO_V1(phiguard_create_purpose);
PG_FUNCTION_INFO_V1(phiguard_allow);
PG_FUNCTION_INFO_V1(phiguard_grant_purpose);

/*
 * create_purpose(purpose, code, otherwise, rows, require_justification, basis, description,
 * journal_on_failure)
 */
Datum
phiguard_create_purpose(PG_FUNCTION_ARGS)
{
	Relation	purposes = begin_change("create purposes");
	PhigPurposeRow row = {0};

	row.purpose = purpose_argument(fcinfo);
	row.code = text_argument(fcinfo, 1, "code");
	row.otherwise = text_argument(fcinfo, 2, "otherwise");
	row.rows = text_argument(fcinfo, 3, "rows");
	row.require_justification = !PG_ARGISNULL(4) && PG_GETARG_BOOL(4);
	row.basis = optional_text(fcinfo, 5);
	row.description = optional_text(fcinfo, 6);
	row.journal_on_failure = optional_text(fcinfo, 7);
	row.created = GetCurrentTimestamp();
	row.created_by = my_name();
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
	end_change(purposes);
	PG_RETURN_VOID();
}

/* allow(purpose, relation, column_name, category, kind, sens, conf, transform, writable) */
Datum
phiguard_allow(PG_FUNCTION_ARGS)
{
	Relation	purposes = begin_change("allow columns");
	Relation	rules = phig_policy_open(PHIG_POLICY_RULE, RowExclusiveLock);
	PhigRuleRow row = {0};

	rule_arguments(fcinfo, &row);
	row.transform = text_argument(fcinfo, 7, "transform");
	row.writable = !PG_ARGISNULL(8) && PG_GETARG_BOOL(8);
	row.created = GetCurrentTimestamp();
	row.created_by = my_name();
	require_purpose(row.purpose);
	check_rule(&row);
	if (find_rule(&row) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("purpose \"%s\" has such a rule already", row.purpose),
				 errhint("phiguard.disallow() removes it.")));
	phig_statement_policy("ALLOW", psprintf("%s: %s -> %s%s", row.purpose, rule_words(&row), row.transform,
											row.writable ? ", writable" : ""));
	phig_policy_insert(rules, PHIG_POLICY_RULE, &row);
	phig_policy_require_fit(phig_policies_read(row.purpose));
	notice_missing_key(&row);
	table_close(rules, NoLock);
	end_change(purposes);
	PG_RETURN_VOID();
}

/* grant_purpose(purpose, grantee, expires, recipient, agreement) */
Datum
phiguard_grant_purpose(PG_FUNCTION_ARGS)
{
	Relation	purposes = begin_change("grant purposes");
	Relation	grants = phig_policy_open(PHIG_POLICY_GRANT, RowExclusiveLock);
	PhigGrantRow row = {0};
	ListCell   *lc;

	row.purpose = purpose_argument(fcinfo);
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the role must not be null")));
	row.grantee = PG_GETARG_OID(1);
	row.grantee_name = GetUserNameFromId(row.grantee, false);
	row.expires = PG_ARGISNULL(2) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(2);
	row.recipient = optional_text(fcinfo, 3);
	row.agreement = optional_text(fcinfo, 4);
	row.granted = GetCurrentTimestamp();
	row.granted_by = my_name();
	require_purpose(row.purpose);
	if (row.expires <= row.granted)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the grant would have expired already"),
				 errhint("phiguard.revoke_purpose() takes a grant back.")));
	phig_statement_policy("GRANT PURPOSE", psprintf("%s to %s%s%s", row.purpose, row.grantee_name,
													TIMESTAMP_IS_NOEND(row.expires) ? "" : " until ",
													TIMESTAMP_IS_NOEND(row.expires) ? "" : timestamptz_to_str(row.expires)));
	foreach(lc, phig_policy_rows_of(PHIG_POLICY_GRANT, row.purpose))
	{
		PhigGrantRow *old = lfirst(lc);

		if (old->grantee == row.grantee)
			phig_policy_delete(grants, &old->tid);
	}
	phig_policy_insert(grants, PHIG_POLICY_GRANT, &row);
	table_close(grants, NoLock);
	end_change(purposes);
	PG_RETURN_VOID();
}

/* The officer's alone, one at a time. */
static Relation
begin_change(const char *what)
{
	phig_require_officer(what);
	PreventCommandIfReadOnly("a change of policies");
	return phig_policy_open(PHIG_POLICY_PURPOSE, ShareRowExclusiveLock);
}

static void
end_change(Relation purposes)
{
	table_close(purposes, NoLock);
}

static char *
text_argument(FunctionCallInfo fcinfo, int arg, const char *what)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", what)));
	return text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

static char *
optional_text(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

/* Argument 0, a name that can be set, recorded and made a key domain. */
static char *
purpose_argument(FunctionCallInfo fcinfo)
{
	char	   *purpose = text_argument(fcinfo, 0, "purpose");
	bool		printable = true;

	for (const char *c = purpose; *c != '\0'; c++)
		printable = printable && (unsigned char) *c >= 0x20 && *c != 0x7f;
	if (purpose[0] == '\0' || strlen(purpose) > PHIG_PURPOSE_MAX_BYTES || !printable)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a purpose's name has 1 to %d bytes and no control characters", PHIG_PURPOSE_MAX_BYTES)));
	return purpose;
}

static void
require_purpose(const char *purpose)
{
	if (phig_policy_purpose(purpose) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no purpose \"%s\"", purpose),
				 errhint("phiguard.purposes lists them; phiguard.create_purpose() makes one.")));
}

static void
check_purpose_words(const PhigPurposeRow *row)
{
	PhigAction	otherwise;

	if (!phig_purpose_code_exists(row->code))
		refuse_word("code of a purpose",
					psprintf("the codes of HL7 v3 PurposeOfUse, in capitals: %s and those below them",
							 phig_purpose_code_tops()));
	if (!phig_action_from_name(row->otherwise, &otherwise))
		refuse_word("otherwise", "deny, null, mask and clear");
	if (otherwise == PHIG_ACTION_CLEAR && !phig_purpose_code_is(row->code, "TREAT"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("only treatment may see everything that no rule speaks of"),
				 errdetail("Code %s is not TREAT, nor below it: the minimum necessary is asked for (45 CFR 164.502(b)).",
						   row->code),
				 errhint("Write deny, null or mask, and phiguard.allow() what the purpose needs.")));
	if (strcmp(row->rows, "all") != 0 && strcmp(row->rows, "deny") != 0)
		refuse_word("rows", "all and deny");
	if (row->journal_on_failure != NULL && strcmp(row->journal_on_failure, "refuse") != 0 &&
		strcmp(row->journal_on_failure, "allow") != 0)
		refuse_word("journal_on_failure", "refuse, allow and NULL");
}

static void
refuse_word(const char *what, const char *valid)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown %s", what),
			 errhint("Valid are %s.", valid),
			 errhidestmt(true)));
}

static char *
my_name(void)
{
	return GetUserNameFromId(GetUserId(), false);
}

/* Arguments 0 to 6 of allow() and disallow(). */
static void
rule_arguments(FunctionCallInfo fcinfo, PhigRuleRow *row)
{
	row->purpose = purpose_argument(fcinfo);
	if (!PG_ARGISNULL(1))
		relation_argument(PG_GETARG_OID(1), &row->schema, &row->relation);
	if (!PG_ARGISNULL(2))
		row->column_name = pstrdup(NameStr(*PG_GETARG_NAME(2)));
	row->category = optional_text(fcinfo, 3);
	row->kind = optional_text(fcinfo, 4);
	row->sens = optional_text(fcinfo, 5);
	row->conf = optional_text(fcinfo, 6);
	if (row->column_name != NULL && row->relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a column needs its relation")));
	if (row->column_name != NULL && get_attnum(PG_GETARG_OID(1), row->column_name) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", row->column_name, row->relation)));
}

/* Locked against DDL, so that it has that name and no parents when the rule is there. */
static void
relation_argument(Oid relid, char **schema, char **relation)
{
	LockRelationOid(relid, ShareUpdateExclusiveLock);
	*relation = get_rel_name(relid);
	if (*relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	*schema = get_namespace_name(get_rel_namespace(relid));
	if (!phig_relkind_has_labels(get_rel_relkind(relid)) || get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("policies cannot name relation \"%s\"", *relation),
				 errhint("They name tables, partitioned tables, foreign tables and materialized views that are not temporary.")));
	if (phig_parents(relid) != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("policies cannot name relation \"%s\", which is a partition or child", *relation),
				 errhint("Name \"%s\": what holds of it holds of all below it.",
						 get_rel_name(linitial_oid(phig_policy_tops(relid))))));
}

static void
check_rule(const PhigRuleRow *row)
{
	PhigRuleKey key;
	PhigDecision decision;
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
}

/* The rule with the same target, or NULL. */
static PhigRuleRow *
find_rule(const PhigRuleRow *like)
{
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_RULE, like->purpose))
	{
		PhigRuleRow *row = lfirst(lc);

		if (same_text(row->schema, like->schema) && same_text(row->relation, like->relation) &&
			same_text(row->column_name, like->column_name) && same_text(row->category, like->category) &&
			same_text(row->kind, like->kind) && same_text(row->sens, like->sens) &&
			same_text(row->conf, like->conf))
			return row;
	}
	return NULL;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* What it is for, for the record: names and words. */
static char *
rule_words(const PhigRuleRow *row)
{
	StringInfoData words;

	initStringInfo(&words);
	if (row->relation != NULL)
		appendStringInfo(&words, "%s", quote_qualified_identifier(row->schema, row->relation));
	if (row->column_name != NULL)
		appendStringInfo(&words, ".%s", quote_identifier(row->column_name));
	if (row->category != NULL)
		appendStringInfo(&words, " %s", row->category);
	if (row->kind != NULL)
		appendStringInfo(&words, " kind=%s", row->kind);
	if (row->sens != NULL)
		appendStringInfo(&words, " sens=%s", row->sens);
	if (row->conf != NULL)
		appendStringInfo(&words, " conf=%s", row->conf);
	return words.data[0] == ' ' ? words.data + 1 : words.data;
}

/* Without a key domain of the purpose's name, what is to be made with one fails when it is read. */
static void
notice_missing_key(const PhigRuleRow *row)
{
	static const char *const keyed[] = {"fpe", "seal", "shift_date", "surrogate", "token"};
	PhigTransformCall call;
	PhigKeyDomain domain;

	if (!phig_transform_call_parse(row->transform, &call) || call.arguments != NIL)
		return;
	for (int i = 0; i < (int) lengthof(keyed); i++)
		if (strcmp(keyed[i], call.name) == 0 && !phig_keys_find_domain(row->purpose, &domain))
			ereport(NOTICE,
					(errmsg("there is no key \"%s\" yet, which transform \"%s\" of this purpose uses", row->purpose,
							row->transform),
					 errhint("phiguard.create_key() makes one.")));
}
