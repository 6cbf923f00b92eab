/*
 * explain_access.c
 *		What a role would be shown by a query for a purpose, and why; the query is not run.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/analyze.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "enforce/internal.h"
#include "flow/flow.h"

enum
{
	EXPLAIN_USE, EXPLAIN_SCHEMA, EXPLAIN_RELATION, EXPLAIN_COLUMN, EXPLAIN_SHOWN, EXPLAIN_BECAUSE, EXPLAIN_VERDICT,
	EXPLAIN_NCOLUMNS
};

static void explain_query(ReturnSetInfo *result, Query *query, const PhigSubject *subject);
static void explain_set(ReturnSetInfo *result, const char *use, const PhigFlowSet *set, const PhigSubject *subject);
static void put_column(ReturnSetInfo *result, const char *use, const PhigFlowItem *item, const PhigDecision *decision);
static void put_verdict(ReturnSetInfo *result, const char *verdict);
static Query *only_query(const char *sql);

PG_FUNCTION_INFO_V1(phiguard_explain_access);

/* explain_access(query text, role regrole, purpose text) */
Datum
phiguard_explain_access(PG_FUNCTION_ARGS)
{
	char	   *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Oid			role = PG_GETARG_OID(1);
	char	   *purpose = text_to_cstring(PG_GETARG_TEXT_PP(2));
	PhigSubject subject;
	ListCell   *lc;

	if (role != GetOuterUserId() && !phig_is_officer() && !phig_is_auditor())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("what another role would see is for officers and auditors"),
				 errhint("phiguard.officer_role and phiguard.auditor_role name their roles.")));
	InitMaterializedSRF(fcinfo, 0);
	phig_policy_subject_of(role, purpose, &subject);
	subject.rehearsal = true;
	foreach(lc, pg_rewrite_query(only_query(sql)))
		explain_query((ReturnSetInfo *) fcinfo->resultinfo, lfirst_node(Query, lc), &subject);
	return (Datum) 0;
}

/* Parsed and analysed as by whoever asks; nothing of it is evaluated. */
static Query *
only_query(const char *sql)
{
	List	   *statements = pg_parse_query(sql);
	Query	   *query;

	if (list_length(statements) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("one statement is wanted")));
	query = parse_analyze_fixedparams(linitial_node(RawStmt, statements), sql, NULL, 0, NULL);
	if (query->commandType == CMD_UTILITY)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a SELECT, INSERT, UPDATE, DELETE or MERGE is wanted")));
	return query;
}

static void
explain_query(ReturnSetInfo *result, Query *query, const PhigSubject *subject)
{
	PhigFlow   *flow;
	PhigEnforcement done;
	PhigRefusal refusal;

	if (subject->exempt)
	{
		put_verdict(result, "runs: the role is a superuser or has BYPASSRLS, and sees everything");
		return;
	}
	flow = phig_flow_analyze_governed(query);
	if (flow != NULL && subject->granted)
	{
		explain_set(result, "returned", &flow->returned, subject);
		explain_set(result, "referenced", &flow->referenced, subject);
		explain_set(result, "stored", &flow->stored, subject);
	}
	if (!phig_enforce_rehearse_as(query, subject, &done, &refusal))
		put_verdict(result, refusal.detail ? psprintf("refused: %s. %s", refusal.message, refusal.detail) :
					psprintf("refused: %s", refusal.message));
	else
		put_verdict(result, done.restricted ? "runs, and not all columns and rows are clear" : "runs");
}

static void
explain_set(ReturnSetInfo *result, const char *use, const PhigFlowSet *set, const PhigSubject *subject)
{
	const PhigRelPolicy *policy = NULL;
	Oid			looked_up = InvalidOid;

	for (int i = 0; i < set->nitems; i++)
	{
		const PhigFlowItem *item = &set->items[i];

		if (item->relid != looked_up)
			policy = phig_policy_relation(subject, item->relid, true);
		looked_up = item->relid;
		if (policy != NULL && item->attno <= policy->natts)
			put_column(result, use, item, &policy->columns[item->attno - 1]);
	}
}

static void
put_column(ReturnSetInfo *result, const char *use, const PhigFlowItem *item, const PhigDecision *decision)
{
	Datum		values[EXPLAIN_NCOLUMNS];
	bool		nulls[EXPLAIN_NCOLUMNS] = {0};

	values[EXPLAIN_USE] = CStringGetTextDatum(use);
	values[EXPLAIN_SCHEMA] = CStringGetTextDatum(get_namespace_name(get_rel_namespace(item->relid)));
	values[EXPLAIN_RELATION] = CStringGetTextDatum(get_rel_name(item->relid));
	values[EXPLAIN_COLUMN] = CStringGetTextDatum(get_attname(item->relid, item->attno, false));
	values[EXPLAIN_SHOWN] = CStringGetTextDatum(phig_policy_shown(decision));
	values[EXPLAIN_BECAUSE] = CStringGetTextDatum(decision->because ? decision->because : "verify_policy()");
	nulls[EXPLAIN_VERDICT] = true;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
put_verdict(ReturnSetInfo *result, const char *verdict)
{
	Datum		values[EXPLAIN_NCOLUMNS] = {0};
	bool		nulls[EXPLAIN_NCOLUMNS];

	memset(nulls, true, sizeof(nulls));
	values[EXPLAIN_USE] = CStringGetTextDatum("statement");
	values[EXPLAIN_VERDICT] = CStringGetTextDatum(verdict);
	nulls[EXPLAIN_USE] = nulls[EXPLAIN_VERDICT] = false;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
