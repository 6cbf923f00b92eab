/*
 * verify.c
 *		phiguard.verify_policy(): what in the policy tables cannot be, or names what is gone.
 *
 * Each finding closes what it is about, or counts for nothing, until an officer sets it right.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "keys/store.h"
#include "label/inherit.h"
#include "policy/boundary.h"
#include "policy/cache.h"
#include "policy/call.h"
#include "policy/change.h"
#include "policy/expression.h"
#include "policy/fit.h"
#include "policy/rows.h"
#include "policy/show.h"
#include "policy/words.h"

enum
{
	FINDING_PURPOSE, FINDING_OBJECT, FINDING_FINDING, FINDING_NCOLUMNS
};

static void verify_purposes(ReturnSetInfo *result);
static void verify_rules(ReturnSetInfo *result);
static void verify_rows(ReturnSetInfo *result);
static void verify_grants(ReturnSetInfo *result);
static void verify_modes(ReturnSetInfo *result);
static void verify_functions(ReturnSetInfo *result);
static void verify_fit(ReturnSetInfo *result);
static char *misplaced(const char *schema, const char *relation, const char *column_name, Oid *relid);
static void put(ReturnSetInfo *result, const char *purpose, const char *object, const char *finding);

PG_FUNCTION_INFO_V1(phiguard_verify_policy);

/* verify_policy() returns table(purpose text, object text, finding text) */
Datum
phiguard_verify_policy(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	phig_policy_require_reader();
	InitMaterializedSRF(fcinfo, 0);
	verify_purposes(result);
	verify_rules(result);
	verify_rows(result);
	verify_grants(result);
	verify_modes(result);
	verify_functions(result);
	verify_fit(result);
	return (Datum) 0;
}

static void
verify_purposes(ReturnSetInfo *result)
{
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_PURPOSE, NULL))
	{
		const PhigPurposeRow *row = lfirst(lc);
		char	   *problem = phig_purpose_problem(row);

		if (problem != NULL)
			put(result, row->purpose, "purpose", problem);
	}
}

static void
verify_rules(ReturnSetInfo *result)
{
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_RULE, NULL))
	{
		const PhigRuleRow *row = lfirst(lc);
		char	   *words = psprintf("rule %s", phig_rule_words(row));
		PhigRuleKey key;
		PhigDecision decision;
		PhigTransformCall call;
		PhigKeyDomain domain;
		Oid			relid;
		char	   *problem = phig_rule_problem(row, &key, &decision);

		if (phig_policy_purpose(row->purpose) == NULL)
			put(result, row->purpose, words, "there is no such purpose");
		if (problem == NULL && row->relation != NULL)
			problem = misplaced(row->schema, row->relation, row->column_name, &relid);
		if (problem != NULL)
			put(result, row->purpose, words, problem);
		if (decision.action == PHIG_ACTION_TRANSFORM && phig_transform_call_parse(row->transform, &call))
		{
			const char *name = phig_transform_domain(&call, row->purpose);

			if (name != NULL && !phig_keys_find_domain(name, &domain))
				put(result, row->purpose, words, "its transform uses a key that is not there");
		}
	}
}

static void
verify_rows(ReturnSetInfo *result)
{
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_ROWS, NULL))
	{
		PhigRowsRow *row = lfirst(lc);
		char	   *words = psprintf("rows of %s", quote_qualified_identifier(row->schema, row->relation));
		Oid			relid;
		char	   *problem = misplaced(row->schema, row->relation, NULL, &relid);

		if (phig_policy_purpose(row->purpose) == NULL)
			put(result, row->purpose, words, "there is no such purpose");
		if (problem == NULL)
			problem = phig_rows_problem(row, relid);
		if (problem != NULL)
			put(result, row->purpose, words, problem);
	}
}

static void
verify_grants(ReturnSetInfo *result)
{
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_GRANT, NULL))
	{
		const PhigGrantRow *row = lfirst(lc);
		char	   *words = psprintf("%s to %s", row->denied ? "denial" : "grant", quote_identifier(row->grantee_name));

		if (phig_policy_purpose(row->purpose) == NULL)
			put(result, row->purpose, words, "there is no such purpose");
		if (!phig_policy_names_role(row->grantee, row->grantee_name))
			put(result, row->purpose, words, "the role is gone, or has another name");
	}
}

static void
verify_modes(ReturnSetInfo *result)
{
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_MODE, NULL))
	{
		const PhigModeRow *row = lfirst(lc);
		char	   *words = psprintf("mode of %s", quote_qualified_identifier(row->schema, row->relation));
		Oid			relid;
		char	   *problem = misplaced(row->schema, row->relation, NULL, &relid);

		if (phig_mode_from_name(row->mode) < 0)
			put(result, NULL, words, "its mode is unknown: enforce holds");
		if (problem != NULL)
			put(result, NULL, words, problem);
	}
}

static void
verify_functions(ReturnSetInfo *result)
{
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_FUNCTION, NULL))
	{
		const PhigFunctionRow *row = lfirst(lc);
		const char *problem = phig_boundary_problem(row);

		if (problem != NULL)
			put(result, row->purpose, psprintf("function %s", row->function), problem);
	}
}

/* What a type or a label that was changed since leaves without a transform. */
static void
verify_fit(ReturnSetInfo *result)
{
	List	   *relations = phig_labelled_relations();
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_PURPOSE, NULL))
	{
		PhigPolicies *policies = phig_policies_read(((PhigPurposeRow *) lfirst(lc))->purpose);
		ListCell   *cell;

		foreach(cell, relations)
		{
			Oid			relid = lfirst_oid(cell);
			const char *transform;
			AttrNumber	attno;
			char	   *problem = phig_policy_misfit(policies, relid, &attno, &transform);

			if (problem != NULL)
				put(result, policies->purpose,
					psprintf("column %s.%s", quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
																		get_rel_name(relid)),
							 quote_identifier(get_attname(relid, attno, false))),
					psprintf("transform %s does not fit: %s", transform, problem));
		}
	}
}

/* Why a relation, or a column of it, cannot be named; or NULL. */
static char *
misplaced(const char *schema, const char *relation, const char *column_name, Oid *relid)
{
	Oid			namespace = get_namespace_oid(schema, true);

	*relid = OidIsValid(namespace) ? get_relname_relid(relation, namespace) : InvalidOid;
	if (!OidIsValid(*relid))
		return "the relation is gone";
	if (phig_parents(*relid) != NIL)
		return "the relation has got a parent since";
	if (column_name != NULL && get_attnum(*relid, column_name) <= 0)
		return "the column is gone";
	return NULL;
}

static void
put(ReturnSetInfo *result, const char *purpose, const char *object, const char *finding)
{
	Datum		values[FINDING_NCOLUMNS] = {0};
	bool		nulls[FINDING_NCOLUMNS] = {0};

	nulls[FINDING_PURPOSE] = purpose == NULL;
	if (purpose != NULL)
		values[FINDING_PURPOSE] = CStringGetTextDatum(purpose);
	values[FINDING_OBJECT] = CStringGetTextDatum(object);
	values[FINDING_FINDING] = CStringGetTextDatum(finding);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
