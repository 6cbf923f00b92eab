/*
 * risk.c
 *		phiguard.risk: the metrics of a release, a row each.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "extract/closed.h"
#include "extract/extract.h"
#include "extract/profile.h"
#include "extract/release.h"
#include "extract/steps.h"
#include "journal/statement.h"
#include "label/label.h"

/* Arguments of phiguard.risk, in their order. */
enum
{
	ARG_RELATION, ARG_QUASI, ARG_SENSITIVE, ARG_SUBJECT, ARG_POPULATION, ARG_POPULATION_SUBJECT, ARG_K, ARG_L,
	ARG_THRESHOLD, ARG_HIERARCHIES
};

/* Columns of its result. */
enum
{
	RISK_METRIC, RISK_SENSITIVE, RISK_VALUE, RISK_MEANING, RISK_NCOLUMNS
};

typedef struct MetricText
{
	const char *name;
	const char *meaning;
} MetricText;

static const MetricText release_texts[PHIG_RISK_NMETRICS] = {
	[PHIG_RISK_ROWS] = {"rows", "rows of the release"},
	[PHIG_RISK_ROWS_WITHOUT_PERSON] = {"rows_without_person", "rows whose subject is null, counted as one person's"},
	[PHIG_RISK_PERSONS] = {"persons", "persons in the release"},
	[PHIG_RISK_MEMBERS] = {"members", "n: persons, each counted in every class that a row of theirs is in"},
	[PHIG_RISK_CLASSES] = {"classes", "J: equivalence classes, combinations of quasi-identifiers that occur"},
	[PHIG_RISK_SMALL_CELLS] = {"small_cells", "classes of fewer persons than wanted"},
	[PHIG_RISK_SMALL_CELL_MEMBERS] = {"small_cell_members", "persons in them"},
	[PHIG_RISK_SMALL_CELL_ROWS] = {"small_cell_rows", "rows in them"},
	[PHIG_RISK_K] = {"k", "k-anonymity: persons of the smallest class"},
	[PHIG_RISK_SAMPLE_UNIQUES] = {"sample_uniques", "share of n that is alone in its class"},
	[PHIG_RISK_POPULATION_UNIQUES] = {"population_uniques", "share of n that is alone in the population too"},
	[PHIG_RISK_PROSECUTOR_MAX] = {"prosecutor_max", "highest risk where it is known who is in the release"},
	[PHIG_RISK_PROSECUTOR_AVG] = {"prosecutor_avg", "the same risk, on average"},
	[PHIG_RISK_PROSECUTOR_AT_RISK] = {"prosecutor_at_risk", "share of n whose risk is above the threshold"},
	[PHIG_RISK_JOURNALIST_MAX] = {"journalist_max", "highest risk where only the population is known"},
	[PHIG_RISK_JOURNALIST_AVG] = {"journalist_avg", "the same risk, on average"},
	[PHIG_RISK_JOURNALIST_AT_RISK] = {"journalist_at_risk", "share of n whose risk is above the threshold"},
	[PHIG_RISK_MARKETER] = {"marketer", "share of n expected to be linked to the right person of the population"},
	[PHIG_RISK_PRESENCE_MIN] = {"presence_min", "delta-presence: smallest share of a class that is in the release"},
	[PHIG_RISK_PRESENCE_MAX] = {"presence_max", "delta-presence: greatest share of a class that is in the release"},
};

static const MetricText sensitive_texts[PHIG_RISK_NSENSITIVE] = {
	[PHIG_RISK_VALUES] = {"values", "m: different values, null is one"},
	[PHIG_RISK_L_DISTINCT] = {"l_distinct", "distinct l-diversity: values in the class with the fewest"},
	[PHIG_RISK_L_ENTROPY] = {"l_entropy", "entropy l-diversity: exp(entropy) of the class with the least"},
	[PHIG_RISK_L_RECURSIVE] = {"l_recursive", "recursive (c,l)-diversity holds for each c above this"},
	[PHIG_RISK_T_NOMINAL] = {"t_nominal", "t-closeness, all values equally far from each other"},
	[PHIG_RISK_T_ORDERED] = {"t_ordered", "t-closeness, values as far as the places between them"},
	[PHIG_RISK_T_HIERARCHY] = {"t_hierarchy", "t-closeness, values as far as the step that puts them together is high"},
};

PG_FUNCTION_INFO_V1(phiguard_risk);

static void read_hierarchies(FunctionCallInfo fcinfo, const char **sensitive, PhigProfileQuery *query);
static char *measured_words(const PhigProfileQuery *query);
static void read_population(FunctionCallInfo fcinfo, PhigProfileQuery *query);
static void read_options(FunctionCallInfo fcinfo, PhigRiskOptions *options);
static void put_metric(ReturnSetInfo *result, const MetricText *text, const char *sensitive, double value);

Datum
phiguard_risk(PG_FUNCTION_ARGS)
{
	PhigProfileQuery query = {0};
	PhigProfile *profile;
	const char **quasi;
	const char **sensitive;
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	query.relid = phig_release_relation(fcinfo, ARG_RELATION);
	quasi = phig_release_columns(fcinfo, ARG_QUASI, query.relid, "quasi", &query.nquasi);
	query.quasi = phig_release_quoted(quasi, query.nquasi);
	sensitive = phig_release_columns(fcinfo, ARG_SENSITIVE, query.relid, "sensitive", &query.nsensitive);
	query.sensitive = phig_release_quoted(sensitive, query.nsensitive);
	read_hierarchies(fcinfo, sensitive, &query);
	query.person = quote_identifier(phig_release_person(fcinfo, ARG_SUBJECT, query.relid));
	read_population(fcinfo, &query);
	read_options(fcinfo, &query.options);
	query.measured = phig_extract_waits_for_expert(query.relid) && phig_is_officer();
	if (query.measured && !PG_ARGISNULL(ARG_HIERARCHIES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("extract %s is closed, and measured without hierarchies only", phig_release_name(query.relid)),
				 errdetail("Their expressions would be given values of it.")));
	if (query.measured && OidIsValid(query.population))
		phig_closed_check_columns(query.relid, quasi, query.nquasi, query.population);
	if (query.measured)
		phig_statement_policy("MEASURE EXTRACT", measured_words(&query));
	profile = phig_profile_read(&query);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < PHIG_RISK_NMETRICS; i++)
		put_metric(result, &release_texts[i], NULL, profile->release[i]);
	for (int column = 0; column < query.nsensitive; column++)
		for (int i = 0; i < PHIG_RISK_NSENSITIVE; i++)
			if (i != PHIG_RISK_T_HIERARCHY || query.nsteps[column] > 0)
				put_metric(result, &sensitive_texts[i], sensitive[column], profile->sensitive[column][i]);
	return (Datum) 0;
}

static void
read_hierarchies(FunctionCallInfo fcinfo, const char **sensitive, PhigProfileQuery *query)
{
	const Jsonb *given = PG_ARGISNULL(ARG_HIERARCHIES) ? NULL : PG_GETARG_JSONB_P(ARG_HIERARCHIES);
	int		   *nsteps = palloc0(sizeof(int) * Max(query->nsensitive, 1));
	const char **shown;

	phig_steps_check(given, sensitive, query->nsensitive, "sensitive");
	query->steps = palloc(sizeof(char **) * Max(query->nsensitive, 1));
	for (int i = 0; i < query->nsensitive; i++)
		query->steps[i] = phig_steps_of(given, sensitive[i], &nsteps[i], &shown);
	query->nsteps = nsteps;
}

/* "public.stays, by admitted, sex; sensitive: diagnosis" */
static char *
measured_words(const PhigProfileQuery *query)
{
	StringInfoData words;

	initStringInfo(&words);
	appendStringInfoString(&words, phig_release_name(query->relid));
	for (int i = 0; i < query->nquasi; i++)
		appendStringInfo(&words, "%s%s", i == 0 ? ", by " : ", ", query->quasi[i]);
	for (int i = 0; i < query->nsensitive; i++)
		appendStringInfo(&words, "%s%s", i == 0 ? "; sensitive: " : ", ", query->sensitive[i]);
	if (OidIsValid(query->population))
		appendStringInfo(&words, "; population: %s", phig_release_name(query->population));
	return words.data;
}

static void
read_population(FunctionCallInfo fcinfo, PhigProfileQuery *query)
{
	int			count;

	if (PG_ARGISNULL(ARG_POPULATION))
		return;
	query->population = phig_release_relation(fcinfo, ARG_POPULATION);
	query->population_quasi = phig_release_columns(fcinfo, ARG_QUASI, query->population, "quasi", &count);
	query->population_quasi = phig_release_quoted(query->population_quasi, count);
	query->population_person = quote_identifier(phig_release_person(fcinfo, ARG_POPULATION_SUBJECT, query->population));
}

static void
read_options(FunctionCallInfo fcinfo, PhigRiskOptions *options)
{
	for (int i = ARG_K; i <= ARG_THRESHOLD; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("k, l and threshold must not be null")));
	options->k = PG_GETARG_INT32(ARG_K);
	options->l = PG_GETARG_INT32(ARG_L);
	options->threshold = PG_GETARG_FLOAT8(ARG_THRESHOLD);
	if (options->k < 1 || options->l < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k and l must be 1 or more")));
	if (!(options->threshold >= 0 && options->threshold <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("threshold must be between 0 and 1"),
				 errhint("1.0 / 11 is what cells of 11 persons amount to; 0.2 is what 5 do.")));
}

/* NaN: what does not apply is null. */
static void
put_metric(ReturnSetInfo *result, const MetricText *text, const char *sensitive, double value)
{
	Datum		values[RISK_NCOLUMNS] = {0};
	bool		nulls[RISK_NCOLUMNS] = {0};

	values[RISK_METRIC] = CStringGetTextDatum(text->name);
	nulls[RISK_SENSITIVE] = sensitive == NULL;
	if (sensitive != NULL)
		values[RISK_SENSITIVE] = DirectFunctionCall1(namein, CStringGetDatum(sensitive));
	values[RISK_VALUE] = Float8GetDatum(value);
	nulls[RISK_VALUE] = isnan(value);
	values[RISK_MEANING] = CStringGetTextDatum(text->meaning);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
