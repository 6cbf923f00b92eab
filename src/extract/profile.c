/*
 * profile.c
 *		The aggregate phiguard.risk_profile, and asking for it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/float.h"

#include "extract/extract.h"
#include "extract/merge.h"
#include "extract/profile.h"
#include "extract/release.h"
#include "extract/view.h"

/* Arguments of the transition function: the state, these, the columns. */
enum
{
	ARG_STATE, ARG_NQUASI, ARG_IN_POPULATION, ARG_K, ARG_L, ARG_THRESHOLD, ARG_STEPS, ARG_PERSON, ARG_POPULATION_PERSON,
	ARG_FIRST_COLUMN
};

/* What a process has counted, of its own rows or of the parts that workers have. */
typedef struct ProfileState
{
	PhigClasses *classes;		/* NULL as long as there are only parts */
	PhigRiskOptions options;
	int			nquasi;
	int			nsensitive;
	PhigPackedReader *parts;
	int			nparts;
} ProfileState;

PG_FUNCTION_INFO_V1(phiguard_risk_profile_add);
PG_FUNCTION_INFO_V1(phiguard_risk_profile_write);
PG_FUNCTION_INFO_V1(phiguard_risk_profile_read);
PG_FUNCTION_INFO_V1(phiguard_risk_profile_merge);
PG_FUNCTION_INFO_V1(phiguard_risk_profile_measure);

static MemoryContext aggregate_context(FunctionCallInfo fcinfo);
static ProfileState *new_state(FunctionCallInfo fcinfo, MemoryContext context);
static int32 *steps_argument(FunctionCallInfo fcinfo, int *sum, int *count);
static PhigColumnType argument_type(FunctionCallInfo fcinfo, int argument);
static Datum steps_array(const PhigProfileQuery *query, int *sum);
static char *profile_text(const PhigProfileQuery *query);
static void put_source(StringInfo text, const PhigProfileQuery *query, bool population);
static PhigProfile *no_rows(const PhigProfileQuery *query);
static PhigProfile *unpack(const PhigProfileQuery *query, Datum array);

Datum
phiguard_risk_profile_add(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	ProfileState *state;

	state = PG_ARGISNULL(ARG_STATE) ? new_state(fcinfo, context) : (ProfileState *) PG_GETARG_POINTER(ARG_STATE);
	if (PG_GETARG_BOOL(ARG_IN_POPULATION))
	{
		state->options.has_population = true;
		phig_classes_add_population(state->classes, &fcinfo->args[ARG_POPULATION_PERSON],
									&fcinfo->args[ARG_FIRST_COLUMN]);
	}
	else
		phig_classes_add(state->classes, &fcinfo->args[ARG_PERSON], &fcinfo->args[ARG_FIRST_COLUMN]);
	PG_RETURN_POINTER(state);
}

/* A worker's state, as bytes. */
Datum
phiguard_risk_profile_write(PG_FUNCTION_ARGS)
{
	ProfileState *state = (ProfileState *) PG_GETARG_POINTER(0);
	ProfileState head = *state;
	PhigPacked	bytes;

	(void) aggregate_context(fcinfo);
	if (state->classes == NULL)
		elog(ERROR, "risk_profile writes only what was counted");
	head.classes = NULL;
	phig_packed_begin(&bytes);
	phig_packed_put(&bytes, &head, sizeof(ProfileState));
	phig_classes_write(state->classes, &bytes);
	PG_RETURN_BYTEA_P(phig_packed_end(&bytes));
}

/* One part; what it says is looked at when all are there. */
Datum
phiguard_risk_profile_read(PG_FUNCTION_ARGS)
{
	MemoryContext before = MemoryContextSwitchTo(aggregate_context(fcinfo));
	ProfileState *state = palloc(sizeof(ProfileState));
	PhigPackedReader *part = palloc(sizeof(PhigPackedReader));

	phig_packed_open(part, PG_GETARG_BYTEA_PP(0));
	memcpy(state, phig_packed_take(part, sizeof(ProfileState)), sizeof(ProfileState));
	state->classes = NULL;
	state->parts = part;
	state->nparts = 1;
	MemoryContextSwitchTo(before);
	PG_RETURN_POINTER(state);
}

Datum
phiguard_risk_profile_merge(PG_FUNCTION_ARGS)
{
	MemoryContext before = MemoryContextSwitchTo(aggregate_context(fcinfo));
	ProfileState *state = PG_ARGISNULL(0) ? NULL : (ProfileState *) PG_GETARG_POINTER(0);
	ProfileState *more = PG_ARGISNULL(1) ? NULL : (ProfileState *) PG_GETARG_POINTER(1);

	if (state == NULL)
		state = more;
	else if (more != NULL)
	{
		if (state->classes != NULL || more->classes != NULL)
			elog(ERROR, "risk_profile merges only what was written");
		state->options.has_population |= more->options.has_population;
		state->parts = repalloc(state->parts, sizeof(PhigPackedReader) * (state->nparts + more->nparts));
		memcpy(state->parts + state->nparts, more->parts, sizeof(PhigPackedReader) * more->nparts);
		state->nparts += more->nparts;
	}
	MemoryContextSwitchTo(before);
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

Datum
phiguard_risk_profile_measure(PG_FUNCTION_ARGS)
{
	ProfileState *state;
	double		metrics[PHIG_RISK_NMETRICS + PHIG_PROFILE_MAX_COLUMNS * PHIG_RISK_NSENSITIVE];
	Datum		values[lengthof(metrics)];
	int			count = PHIG_RISK_NMETRICS;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (ProfileState *) PG_GETARG_POINTER(0);
	if (state->classes == NULL)
		state->classes = phig_classes_merge(aggregate_context(fcinfo), state->parts, state->nparts);
	phig_classes_finish(state->classes);
	phig_risk_measure(state->classes, &state->options, metrics);
	for (int i = 0; i < state->nquasi; i++)
		metrics[count++] = phig_codes_count(phig_classes_quasi(state->classes, i));
	for (int i = 0; i < state->nsensitive; i++)
	{
		phig_risk_measure_sensitive(state->classes, i, &state->options, metrics + count);
		count += PHIG_RISK_NSENSITIVE;
	}
	for (int i = 0; i < count; i++)
		values[i] = Float8GetDatum(metrics[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(values, count, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

static ProfileState *
new_state(FunctionCallInfo fcinfo, MemoryContext context)
{
	ProfileState *state = MemoryContextAllocZero(context, sizeof(ProfileState));
	int			ncolumns = PG_NARGS() - ARG_FIRST_COLUMN;
	PhigColumnType persons[2];
	PhigColumnType columns[FUNC_MAX_ARGS];
	int32	   *nsteps;
	int			all_steps;
	int			given;

	if (AggGetAggref(fcinfo) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("risk_profile is not supported as a window function")));
	for (int i = ARG_NQUASI; i <= ARG_THRESHOLD; i++)
		if (PG_ARGISNULL(i))
			elog(ERROR, "argument %d of risk_profile is null", i);
	state->nquasi = PG_GETARG_INT32(ARG_NQUASI);
	nsteps = steps_argument(fcinfo, &all_steps, &given);
	state->nsensitive = ncolumns - state->nquasi - all_steps;
	if (given >= 0 && given != state->nsensitive)
		elog(ERROR, "risk_profile has %d sensitive columns, and steps of %d", state->nsensitive, given);
	if (state->nquasi < 1 || state->nsensitive < 0 || ncolumns > PHIG_PROFILE_MAX_COLUMNS)
		elog(ERROR, "risk_profile has %d columns, %d of them quasi-identifiers", ncolumns, state->nquasi);
	state->options.k = PG_GETARG_INT32(ARG_K);
	state->options.l = Max(PG_GETARG_INT32(ARG_L), 1);
	state->options.threshold = PG_GETARG_FLOAT8(ARG_THRESHOLD);
	persons[0] = argument_type(fcinfo, ARG_PERSON);
	persons[1] = argument_type(fcinfo, ARG_POPULATION_PERSON);
	for (int i = 0; i < ncolumns; i++)
		columns[i] = argument_type(fcinfo, ARG_FIRST_COLUMN + i);
	state->classes = phig_classes_create(context, persons, state->nquasi, state->nsensitive, nsteps, columns);
	return state;
}

/* How many steps the hierarchy of each sensitive column has: NULL where there are none, count -1. */
static int32 *
steps_argument(FunctionCallInfo fcinfo, int *sum, int *count)
{
	Datum	   *numbers;
	bool	   *nulls;
	int32	   *nsteps;

	*sum = 0;
	*count = -1;
	if (PG_ARGISNULL(ARG_STEPS))
		return NULL;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(ARG_STEPS), INT4OID, sizeof(int32), true, TYPALIGN_INT,
					  &numbers, &nulls, count);
	nsteps = palloc(sizeof(int32) * Max(*count, 1));
	for (int i = 0; i < *count; i++)
	{
		nsteps[i] = DatumGetInt32(numbers[i]);
		if (nulls[i] || nsteps[i] < 0 || nsteps[i] > PHIG_PROFILE_MAX_COLUMNS)
			elog(ERROR, "steps of risk_profile are no numbers of steps");
		*sum += nsteps[i];
	}
	return nsteps;
}

static PhigColumnType
argument_type(FunctionCallInfo fcinfo, int argument)
{
	TargetEntry *entry = list_nth(AggGetAggref(fcinfo)->args, argument - ARG_NQUASI);

	return (PhigColumnType)
	{
		exprType((Node *) entry->expr), exprCollation((Node *) entry->expr)
	};
}

PhigProfile *
phig_profile_read(const PhigProfileQuery *query)
{
	MemoryContext caller = CurrentMemoryContext;
	int			all_steps = 0;
	Datum		args[] = {Int32GetDatum(query->nquasi), Int32GetDatum(query->options.k),
	Int32GetDatum(query->options.l), Float8GetDatum(query->options.threshold), steps_array(query, &all_steps)};
	Oid			types[] = {INT4OID, INT4OID, INT4OID, FLOAT8OID, INT4ARRAYOID};
	PhigProfile *profile;
	char	   *text;
	bool		isnull;
	Datum		array;

	if (query->nquasi < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quasi names no column"),
				 errhint("Name the columns that others could know of a person: year of birth, sex, ZIP code.")));
	if (query->nquasi + query->nsensitive + all_steps > PHIG_PROFILE_MAX_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("more than %d columns in quasi and sensitive", PHIG_PROFILE_MAX_COLUMNS),
				 all_steps == 0 ? 0 : errdetail("Each step of a hierarchy is one.")));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	text = profile_text(query);
	PG_TRY();
	{
		phig_extract_measure(query->measured ? query->relid : InvalidOid);
		if (SPI_execute_with_args(text, lengthof(args), types, args, NULL, true, 0) != SPI_OK_SELECT ||
			SPI_processed != 1)
			elog(ERROR, "the risk profile could not be read");
	}
	PG_FINALLY();
	{
		phig_extract_measure(InvalidOid);
	}
	PG_END_TRY();
	array = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	MemoryContextSwitchTo(caller);
	profile = isnull ? no_rows(query) : unpack(query, PointerGetDatum(PG_DETOAST_DATUM_COPY(array)));
	SPI_finish();
	return profile;
}

/* For ARG_STEPS. */
static Datum
steps_array(const PhigProfileQuery *query, int *sum)
{
	Datum	   *counts = palloc(sizeof(Datum) * Max(query->nsensitive, 1));

	for (int i = 0; i < query->nsensitive; i++)
	{
		int			count = query->nsteps == NULL ? 0 : query->nsteps[i];

		*sum += count;
		counts[i] = Int32GetDatum(count);
	}
	return PointerGetDatum(construct_array(counts, query->nsensitive, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

/* SELECT phiguard.risk_profile(...) FROM (rows of the release UNION ALL rows of the population) */
static char *
profile_text(const PhigProfileQuery *query)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, "SELECT phiguard.risk_profile($1, in_population, $2, $3, $4, $5, person, population_person");
	for (int i = 0; i < query->nquasi; i++)
		appendStringInfo(&text, ", q%d", i + 1);
	for (int i = 0; i < query->nsensitive; i++)
		appendStringInfo(&text, ", s%d", i + 1);
	for (int i = 0; query->nsteps != NULL && i < query->nsensitive; i++)
		for (int j = 0; j < query->nsteps[i]; j++)
			appendStringInfo(&text, ", s%d_%d", i + 1, j + 1);
	appendStringInfoString(&text, ") FROM (");
	put_source(&text, query, false);
	if (OidIsValid(query->population))
	{
		appendStringInfoString(&text, " UNION ALL ");
		put_source(&text, query, true);
	}
	appendStringInfoString(&text, ") released");
	return text.data;
}

/* What is named first, below the sub-selects of profile_text(). */
RangeTblEntry *
phig_profile_release(const Query *query)
{
	RangeTblEntry *rte = NULL;

	while (query != NULL && query->rtable != NIL)
	{
		rte = linitial_node(RangeTblEntry, query->rtable);
		if (rte->rtekind != RTE_SUBQUERY || OidIsValid(phig_view_of(rte)))
			break;
		query = rte->subquery;
	}
	return rte;
}

static void
put_source(StringInfo text, const PhigProfileQuery *query, bool population)
{
	Oid			relid = population ? query->population : query->relid;
	const char **quasi = population ? query->population_quasi : query->quasi;

	appendStringInfo(text, "SELECT %s AS in_population", population ? "true" : "false");
	appendStringInfo(text, ", %s AS person", population ? "NULL" : query->person);
	if (population)
		appendStringInfo(text, ", %s AS population_person", query->population_person);
	else
		appendStringInfoString(text, OidIsValid(query->population) ? ", NULL AS population_person" :
							   ", NULL::pg_catalog.int4 AS population_person");
	for (int i = 0; i < query->nquasi; i++)
		appendStringInfo(text, ", %s AS q%d", quasi[i], i + 1);
	for (int i = 0; i < query->nsensitive; i++)
		appendStringInfo(text, ", %s AS s%d", population ? "NULL" : query->sensitive[i], i + 1);
	for (int i = 0; query->nsteps != NULL && i < query->nsensitive; i++)
		for (int j = 0; j < query->nsteps[i]; j++)
			appendStringInfo(text, ", %s AS s%d_%d", population ? "NULL" : query->steps[i][j], i + 1, j + 1);
	appendStringInfo(text, " FROM %s", phig_release_name(relid));
}

static PhigProfile *
no_rows(const PhigProfileQuery *query)
{
	PhigProfile *profile = palloc0(sizeof(PhigProfile));
	double		(*sensitive)[PHIG_RISK_NSENSITIVE] = palloc0(sizeof(*sensitive) * Max(query->nsensitive, 1));

	for (int i = PHIG_RISK_K; i < PHIG_RISK_NMETRICS; i++)
		profile->release[i] = get_float8_nan();
	for (int column = 0; column < query->nsensitive; column++)
		for (int i = PHIG_RISK_L_DISTINCT; i < PHIG_RISK_NSENSITIVE; i++)
			sensitive[column][i] = get_float8_nan();
	profile->values_of_quasi = palloc0(sizeof(double) * query->nquasi);
	profile->sensitive = (const double (*)[PHIG_RISK_NSENSITIVE]) sensitive;
	return profile;
}

static PhigProfile *
unpack(const PhigProfileQuery *query, Datum array)
{
	PhigProfile *profile = palloc(sizeof(PhigProfile));
	int			expected = PHIG_RISK_NMETRICS + query->nquasi + query->nsensitive * PHIG_RISK_NSENSITIVE;
	double	   *metrics = palloc(sizeof(double) * expected);
	Datum	   *values;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(array), FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &values, NULL, &count);
	if (count != expected)
		elog(ERROR, "the risk profile has %d metrics instead of %d", count, expected);
	for (int i = 0; i < count; i++)
		metrics[i] = DatumGetFloat8(values[i]);
	memcpy(profile->release, metrics, sizeof(profile->release));
	profile->values_of_quasi = metrics + PHIG_RISK_NMETRICS;
	profile->sensitive = (const double (*)[PHIG_RISK_NSENSITIVE]) (metrics + PHIG_RISK_NMETRICS + query->nquasi);
	return profile;
}
