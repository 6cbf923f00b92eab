/*
 * extracts.c
 *		Extracts made, replaced and dropped; attestations and determinations.
 *
 * The view is made by the server's own CREATE VIEW, as the officer's: readers need SELECT on it and nothing
 * else.  It is proven before the transaction goes on, and one that does not meet its method is an error that
 * says all that is wrong.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "parser/parser.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "extract/arguments.h"
#include "extract/prove.h"
#include "journal/statement.h"
#include "policy/change.h"
#include "transform/registry.h"

static void forget_gone(Relation extracts, const PhigExtractRow *row);
static Oid	view_of_row(const PhigExtractRow *row);
static char *extract_words(const PhigExtractRow *row);
static void run_utility(Node *statement);
static Oid	make_view(const char *name, const char *query, bool replace, PhigExtractRow *row);
static SelectStmt *parse_query(const char *query);
static void prove_or_refuse(PhigExtractRow *row, Oid view);
static TimestampTz valid_until(FunctionCallInfo fcinfo, int arg);

PG_FUNCTION_INFO_V1(phiguard_create_extract);
PG_FUNCTION_INFO_V1(phiguard_replace_extract);
PG_FUNCTION_INFO_V1(phiguard_drop_extract);
PG_FUNCTION_INFO_V1(phiguard_attest_extract);
PG_FUNCTION_INFO_V1(phiguard_record_determination);

/* create_extract(name, query, purpose, method, agreement) */
Datum
phiguard_create_extract(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("create extracts");
	Relation	extracts = phig_policy_open(PHIG_POLICY_EXTRACT, RowExclusiveLock);
	char	   *name = phig_change_text(fcinfo, 0, "the name");
	char	   *query = phig_change_text(fcinfo, 1, "the query");
	PhigExtractRow row = {0};
	Oid			view;

	row.purpose = phig_change_text(fcinfo, 2, "purpose");
	row.method = phig_change_text(fcinfo, 3, "method");
	row.agreement = phig_change_optional_text(fcinfo, 4);
	row.attested = row.attested_until = DT_NOEND;
	row.created = GetCurrentTimestamp();
	row.created_by = phig_change_by();
	view = make_view(name, query, false, &row);
	prove_or_refuse(&row, view);
	forget_gone(extracts, &row);
	phig_statement_policy("CREATE EXTRACT", extract_words(&row));
	phig_policy_insert(extracts, PHIG_POLICY_EXTRACT, &row);
	table_close(extracts, NoLock);
	table_close(purposes, NoLock);
	PG_RETURN_VOID();
}

/* replace_extract(name, query, purpose, method, agreement): NULL leaves what is */
Datum
phiguard_replace_extract(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("replace extracts");
	Relation	extracts = phig_policy_open(PHIG_POLICY_EXTRACT, RowExclusiveLock);
	char	   *name = phig_change_text(fcinfo, 0, "the name");
	char	   *query = phig_change_optional_text(fcinfo, 1);
	Oid			view;
	PhigExtractRow *row = phig_extract_named(name, &view);

	if (!PG_ARGISNULL(2))
		row->purpose = phig_change_optional_text(fcinfo, 2);
	if (!PG_ARGISNULL(3))
		row->method = phig_change_optional_text(fcinfo, 3);
	if (!PG_ARGISNULL(4))
		row->agreement = phig_change_optional_text(fcinfo, 4);
	if (query != NULL)
		view = make_view(quote_qualified_identifier(row->schema, row->relation), query, true, row);
	if (!OidIsValid(view))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the view of extract \"%s\" is gone", name),
				 errhint("phiguard.drop_extract() removes it.")));
	prove_or_refuse(row, view);
	phig_statement_policy("REPLACE EXTRACT", extract_words(row));
	phig_policy_update(extracts, PHIG_POLICY_EXTRACT, &row->tid, row);
	table_close(extracts, NoLock);
	table_close(purposes, NoLock);
	PG_RETURN_VOID();
}

/* drop_extract(name): the view, unless something depends on it, and all that was said of it */
Datum
phiguard_drop_extract(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("drop extracts");
	Relation	extracts = phig_policy_open(PHIG_POLICY_EXTRACT, RowExclusiveLock);
	Relation	risks = phig_policy_open(PHIG_POLICY_EXTRACT_RISK, RowExclusiveLock);
	Oid			view;
	PhigExtractRow *row = phig_extract_named(phig_change_text(fcinfo, 0, "the name"), &view);
	ListCell   *lc;

	phig_statement_policy("DROP EXTRACT", quote_qualified_identifier(row->schema, row->relation));
	phig_policy_delete(extracts, &row->tid);
	foreach(lc, phig_policy_rows_of(PHIG_POLICY_EXTRACT_RISK, NULL))
	{
		PhigExtractRiskRow *risk = lfirst(lc);

		if (strcmp(risk->schema, row->schema) == 0 && strcmp(risk->relation, row->relation) == 0)
			phig_policy_delete(risks, &risk->tid);
	}
	if (OidIsValid(view) && get_rel_relkind(view) == RELKIND_VIEW)
	{
		DropStmt   *drop = makeNode(DropStmt);

		drop->objects = list_make1(list_make2(makeString(row->schema), makeString(row->relation)));
		drop->removeType = OBJECT_VIEW;
		drop->behavior = DROP_RESTRICT;
		run_utility((Node *) drop);
	}
	table_close(risks, NoLock);
	table_close(extracts, NoLock);
	table_close(purposes, NoLock);
	PG_RETURN_VOID();
}

/* attest_extract(extract, attestation, valid, redacted) */
Datum
phiguard_attest_extract(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("attest extracts");
	Relation	extracts = phig_policy_open(PHIG_POLICY_EXTRACT, RowExclusiveLock);
	Oid			view;
	PhigExtractRow *row = phig_extract_named(phig_change_text(fcinfo, 0, "the extract"), &view);

	row->attestation = phig_change_text(fcinfo, 1, "the attestation");
	if (row->attestation[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the attestation must not be empty"),
				 errhint("It says why there is no actual knowledge that what remains could identify a person (45 CFR 164.514(b)(2)(ii)).")));
	row->attested_until = valid_until(fcinfo, 2);
	row->redacted = phig_extract_texts(fcinfo, 3);
	row->attested = GetCurrentTimestamp();
	row->attested_by = phig_change_by();
	row->attested_pin = row->pin;
	phig_statement_policy("ATTEST EXTRACT", psprintf("%s, until %s", quote_qualified_identifier(row->schema, row->relation),
													 timestamptz_to_str(row->attested_until)));
	phig_policy_update(extracts, PHIG_POLICY_EXTRACT, &row->tid, row);
	table_close(extracts, NoLock);
	table_close(purposes, NoLock);
	PG_RETURN_VOID();
}

/* record_determination(extract, expert, limits, results, valid) */
Datum
phiguard_record_determination(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("record determinations");
	Relation	risks = phig_policy_open(PHIG_POLICY_EXTRACT_RISK, RowExclusiveLock);
	Oid			view;
	PhigExtractRow *row = phig_extract_named(phig_change_text(fcinfo, 0, "the extract"), &view);
	const Oid	types[] = {JSONBOID, JSONBOID};
	PhigExtractRiskRow risk = {0};
	Oid			within;

	risk.schema = row->schema;
	risk.relation = row->relation;
	risk.pin = row->pin;
	risk.expert = phig_change_text(fcinfo, 1, "the expert");
	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("limits and results must not be null")));
	within = LookupFuncName(list_make2(makeString("phiguard"), makeString("within_limits")), 2, types, false);
	risk.within = DatumGetBool(OidFunctionCall2(within, PG_GETARG_DATUM(2), PG_GETARG_DATUM(3)));
	risk.limits = DatumGetCString(DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(2)));
	risk.results = DatumGetCString(DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(3)));
	risk.valid_until = valid_until(fcinfo, 4);
	risk.recorded = GetCurrentTimestamp();
	risk.recorded_by = phig_change_by();
	phig_statement_policy("RECORD DETERMINATION",
						  psprintf("%s, %s limits, until %s", quote_qualified_identifier(row->schema, row->relation),
								   risk.within ? "within" : "not within", timestamptz_to_str(risk.valid_until)));
	phig_policy_insert(risks, PHIG_POLICY_EXTRACT_RISK, &risk);
	table_close(risks, NoLock);
	table_close(purposes, NoLock);
	PG_RETURN_BOOL(risk.within);
}

PhigExtractRow *
phig_extract_named(const char *name, Oid *view)
{
	List	   *names = phig_compat_qualified_names(name);
	const char *relation = strVal(llast(names));
	const char *schema = list_length(names) == 2 ? strVal(linitial(names)) : NULL;
	ListCell   *lc;

	*view = RangeVarGetRelid(makeRangeVarFromNameList(names), AccessShareLock, true);
	if (OidIsValid(*view))
		schema = get_namespace_name(get_rel_namespace(*view));
	foreach(lc, phig_policy_rows_of(PHIG_POLICY_EXTRACT, NULL))
	{
		PhigExtractRow *row = lfirst(lc);

		if (strcmp(row->relation, relation) != 0 || (schema != NULL && strcmp(row->schema, schema) != 0))
			continue;
		/* One that is not in the search path is named with its schema. */
		if (OidIsValid(*view) || !OidIsValid(view_of_row(row)))
			return row;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("there is no extract \"%s\"", name),
			 errhint("phiguard.extracts lists them; phiguard.create_extract() makes one.")));
	return NULL;				/* for the compiler */
}

/* A view that was dropped while phiguard was off has left its row. */
static void
forget_gone(Relation extracts, const PhigExtractRow *row)
{
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_EXTRACT, NULL))
	{
		PhigExtractRow *old = lfirst(lc);

		if (strcmp(old->schema, row->schema) == 0 && strcmp(old->relation, row->relation) == 0)
			phig_policy_delete(extracts, &old->tid);
	}
}

static Oid
view_of_row(const PhigExtractRow *row)
{
	Oid			schema = get_namespace_oid(row->schema, true);

	return OidIsValid(schema) ? get_relname_relid(row->relation, schema) : InvalidOid;
}

static char *
extract_words(const PhigExtractRow *row)
{
	return psprintf("%s, purpose %s, method %s%s%s", quote_qualified_identifier(row->schema, row->relation), row->purpose,
					row->method, row->agreement ? ", agreement " : "", row->agreement ? row->agreement : "");
}

static void
run_utility(Node *statement)
{
	PlannedStmt *wrapper = makeNode(PlannedStmt);

	wrapper->commandType = CMD_UTILITY;
	wrapper->canSetTag = false;
	wrapper->utilityStmt = statement;
	wrapper->stmt_location = -1;
	ProcessUtility(wrapper, "phiguard: the view of an extract", false, PROCESS_UTILITY_QUERY, NULL, NULL, None_Receiver, NULL);
	CommandCounterIncrement();
}

/* As the caller's, in the schema that his search path says. */
static Oid
make_view(const char *name, const char *query, bool replace, PhigExtractRow *row)
{
	ViewStmt   *statement = makeNode(ViewStmt);
	RangeVar   *range = makeRangeVarFromNameList(phig_compat_qualified_names(name));
	Oid			view;

	if (phig_method_from_name(row->method) < 0)
		phig_change_refuse_word("method", "safe_harbor, limited_data_set and expert_determination");
	phig_change_require_purpose(row->purpose);
	if (row->agreement != NULL)
		(void) phig_extract_agreement(row->agreement);
	statement->view = range;
	statement->query = (Node *) parse_query(query);
	statement->replace = replace;
	statement->options = list_make1(makeDefElem("security_barrier", (Node *) makeString("true"), -1));
	statement->withCheckOption = NO_CHECK_OPTION;
	run_utility((Node *) statement);
	view = RangeVarGetRelid(range, AccessExclusiveLock, false);
	row->schema = get_namespace_name(get_rel_namespace(view));
	row->relation = get_rel_name(view);
	return view;
}

static SelectStmt *
parse_query(const char *query)
{
	List	   *statements = raw_parser(query, RAW_PARSE_DEFAULT);
	SelectStmt *select = list_length(statements) == 1 ? (SelectStmt *) linitial_node(RawStmt, statements)->stmt : NULL;

	if (select == NULL || !IsA(select, SelectStmt) || select->intoClause != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the query of an extract is one SELECT"),
				 errhidestmt(true)));
	return select;
}

/* All that is wrong, a line each. */
static void
prove_or_refuse(PhigExtractRow *row, Oid view)
{
	PhigProof  *proof;
	StringInfoData wrong;
	ListCell   *lc;

	row->owner = phig_change_by();
	row->checked = GetCurrentTimestamp();
	row->checked_by = phig_change_by();
	proof = phig_extract_prove(row, view);
	if (!proof->refused)
	{
		row->pin = pstrdup(proof->pin);
		return;
	}
	initStringInfo(&wrong);
	foreach(lc, proof->findings)
	{
		const PhigFinding *finding = lfirst(lc);

		if (finding->verdict != PHIG_VERDICT_REFUSED)
			continue;
		appendStringInfo(&wrong, "%s%s", wrong.len > 0 ? "\n" : "", phig_finding_words(finding));
	}
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("the query does not meet method %s", row->method),
			 errdetail_internal("%s", wrong.data),
			 errhint("phiguard.transforms shows what each transform leaves, phiguard.method_rule what the method takes.")));
}

/* An interval from now on. */
static TimestampTz
valid_until(FunctionCallInfo fcinfo, int arg)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz until;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("how long it is valid must not be null")));
	until = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(now),
													PG_GETARG_DATUM(arg)));
	if (until <= now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("it would have expired already")));
	return until;
}
