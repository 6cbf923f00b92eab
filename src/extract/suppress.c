/*
 * suppress.c
 *		phiguard.suppress: a view of a relation in which each person shares the quasi-identifiers with k - 1 others.
 *
 * Columns are generalised whole, one level of their hierarchy at a time (Datafly,
 * Sweeney 1997; full-domain generalisation, Samarati 2001): while more rows than
 * allowed are in classes of fewer than k persons, the column with the most values
 * goes up a level, the first of several.  Then each column, from the last to the
 * first, comes down again as long as the rest stays allowed.  What is found is
 * minimal: no column could be one level finer.  It need not be the best there is.
 *
 * The levels are decided once, and stand in the view.  Which classes have k
 * persons the view itself finds out each time it is read, so that it keeps its
 * promise when rows come and go.
 */
#include "postgres.h"

#include "access/relation.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/varlena.h"

#include "extract/profile.h"
#include "extract/release.h"
#include "extract/steps.h"

/* Arguments of phiguard.suppress, in their order. */
enum
{
	ARG_RELATION, ARG_VIEW, ARG_QUASI, ARG_K, ARG_SUBJECT, ARG_HIERARCHIES, ARG_MAX_SUPPRESSED
};

/* Columns of its result. */
enum
{
	SUPPRESS_COLUMN, SUPPRESS_SHOWN_AS, SUPPRESS_LEVEL, SUPPRESS_LEVELS, SUPPRESS_PRECISION,
	SUPPRESS_ROWS, SUPPRESS_ROWS_LEFT_OUT, SUPPRESS_K, SUPPRESS_NCOLUMNS
};

/* One quasi-identifier, and how it may be shown: as it is, coarser and coarser, not at all. */
typedef struct Hierarchy
{
	const char *name;
	int			nlevels;		/* level 0 is the column, the last is NULL */
	const char **levels;		/* expressions */
	const char **shown;			/* as they were given */
	int			level;
} Hierarchy;

typedef struct Search
{
	PhigProfileQuery query;
	Hierarchy  *hierarchies;
	double		max_suppressed;
	PhigProfile *profile;		/* of the present levels */
} Search;

PG_FUNCTION_INFO_V1(phiguard_suppress);

static void read_arguments(FunctionCallInfo fcinfo, Search *search);
static void read_hierarchies(FunctionCallInfo fcinfo, Search *search, const char **names);
static void read_levels(Hierarchy *hierarchy, const Jsonb *given);
static void generalise(Search *search);
static void refine(Search *search);
static bool measure(Search *search);
static char *view_text(FunctionCallInfo fcinfo, const Search *search);
static void put_columns(StringInfo text, const Search *search, bool generalised);
static void create_view(const char *text);
static void put_result(ReturnSetInfo *result, const Search *search);

Datum
phiguard_suppress(PG_FUNCTION_ARGS)
{
	Search		search = {0};

	read_arguments(fcinfo, &search);
	generalise(&search);
	refine(&search);
	(void) measure(&search);
	create_view(view_text(fcinfo, &search));
	InitMaterializedSRF(fcinfo, 0);
	put_result((ReturnSetInfo *) fcinfo->resultinfo, &search);
	return (Datum) 0;
}

static void
read_arguments(FunctionCallInfo fcinfo, Search *search)
{
	const char **names;

	search->query.relid = phig_release_relation(fcinfo, ARG_RELATION);
	names = phig_release_columns(fcinfo, ARG_QUASI, search->query.relid, "quasi", &search->query.nquasi);
	search->query.person = quote_identifier(phig_release_person(fcinfo, ARG_SUBJECT, search->query.relid));
	if (PG_ARGISNULL(ARG_VIEW) || PG_ARGISNULL(ARG_K) || PG_ARGISNULL(ARG_MAX_SUPPRESSED))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("view, k and max_suppressed must not be null")));
	search->query.options.k = PG_GETARG_INT32(ARG_K);
	search->query.options.l = 1;
	search->max_suppressed = PG_GETARG_FLOAT8(ARG_MAX_SUPPRESSED);
	if (search->query.options.k < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k must be 2 or more")));
	if (!(search->max_suppressed >= 0 && search->max_suppressed <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_suppressed must be between 0 and 1"),
				 errdetail("It is the share of rows that may be left out.")));
	read_hierarchies(fcinfo, search, names);
}

/* {"zip": ["phiguard.zip3(zip)"], "age": ["age / 5 * 5", "age / 20 * 20"]}: from fine to coarse. */
static void
read_hierarchies(FunctionCallInfo fcinfo, Search *search, const char **names)
{
	Jsonb	   *given = PG_ARGISNULL(ARG_HIERARCHIES) ? NULL : PG_GETARG_JSONB_P(ARG_HIERARCHIES);

	search->hierarchies = palloc0(sizeof(Hierarchy) * Max(search->query.nquasi, 1));
	search->query.quasi = palloc0(sizeof(char *) * Max(search->query.nquasi, 1));
	for (int i = 0; i < search->query.nquasi; i++)
		search->hierarchies[i].name = names[i];
	phig_steps_check(given, names, search->query.nquasi, "quasi");
	for (int i = 0; i < search->query.nquasi; i++)
		read_levels(&search->hierarchies[i], given);
}

static void
read_levels(Hierarchy *hierarchy, const Jsonb *given)
{
	int			nsteps;
	const char **shown;
	const char **steps = phig_steps_of(given, hierarchy->name, &nsteps, &shown);

	hierarchy->nlevels = nsteps + 2;
	hierarchy->levels = palloc(sizeof(char *) * hierarchy->nlevels);
	hierarchy->shown = palloc(sizeof(char *) * hierarchy->nlevels);
	hierarchy->levels[0] = hierarchy->shown[0] = quote_identifier(hierarchy->name);
	for (int i = 0; i < nsteps; i++)
	{
		hierarchy->shown[i + 1] = shown[i];
		hierarchy->levels[i + 1] = steps[i];
	}
	/* Any type will do for one value. */
	hierarchy->levels[nsteps + 1] = "NULL::pg_catalog.text";
	hierarchy->shown[nsteps + 1] = "NULL";
}

static void
generalise(Search *search)
{
	while (!measure(search))
	{
		int			most = -1;

		for (int i = 0; i < search->query.nquasi; i++)
			if (search->hierarchies[i].level < search->hierarchies[i].nlevels - 1 &&
				(most < 0 || search->profile->values_of_quasi[i] > search->profile->values_of_quasi[most]))
				most = i;
		/* All in one class now: there are not k persons. */
		if (most < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("there are fewer than %d persons in \"%s\"", search->query.options.k,
							get_rel_name(search->query.relid))));
		search->hierarchies[most].level++;
	}
}

/* One level back, column by column, wherever that still does. */
static void
refine(Search *search)
{
	for (int i = search->query.nquasi - 1; i >= 0; i--)
		while (search->hierarchies[i].level > 0)
		{
			search->hierarchies[i].level--;
			if (measure(search))
				continue;
			search->hierarchies[i].level++;
			break;
		}
}

/* Do few enough rows have to be left out at the present levels? */
static bool
measure(Search *search)
{
	double		rows;
	double		small;

	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < search->query.nquasi; i++)
		search->query.quasi[i] = search->hierarchies[i].levels[search->hierarchies[i].level];
	search->profile = phig_profile_read(&search->query);
	rows = search->profile->release[PHIG_RISK_ROWS];
	small = search->profile->release[PHIG_RISK_SMALL_CELL_ROWS];
	return small <= search->max_suppressed * rows && (small < rows || rows == 0);
}

/*
 * The persons of a class are the ranks of its subjects: the greatest of them is
 * how many there are.  Both windows have one order.
 */
static char *
view_text(FunctionCallInfo fcinfo, const Search *search)
{
	List	   *names = textToQualifiedNameList(PG_GETARG_TEXT_PP(ARG_VIEW));
	StringInfoData text;
	StringInfoData classes;
	ListCell   *cell;

	initStringInfo(&classes);
	for (int i = 0; i < search->query.nquasi; i++)
		appendStringInfo(&classes, "%s%s", i > 0 ? ", " : "", quote_identifier(search->hierarchies[i].name));
	initStringInfo(&text);
	appendStringInfoString(&text, "CREATE VIEW ");
	foreach(cell, names)
		appendStringInfo(&text, "%s%s", cell == list_head(names) ? "" : ".", quote_identifier(strVal(lfirst(cell))));
	appendStringInfoString(&text, " WITH (security_barrier) AS SELECT ");
	put_columns(&text, search, false);
	appendStringInfo(&text, " FROM (SELECT *, pg_catalog.max(phiguard_rank) OVER (PARTITION BY %s) AS phiguard_persons FROM "
					 "(SELECT *, pg_catalog.dense_rank() OVER (PARTITION BY %s ORDER BY phiguard_person) AS phiguard_rank FROM (SELECT ",
					 classes.data, classes.data);
	put_columns(&text, search, true);
	appendStringInfo(&text, ", %s AS phiguard_person FROM %s) released) ranked) counted WHERE phiguard_persons >= %d",
					 search->query.person, phig_release_name(search->query.relid), search->query.options.k);
	return text.data;
}

/* The relation's columns, in their order; generalised: as they are shown, not by their names. */
static void
put_columns(StringInfo text, const Search *search, bool generalised)
{
	Relation	relation = relation_open(search->query.relid, AccessShareLock);
	TupleDesc	columns = RelationGetDescr(relation);
	const char *comma = "";

	for (int i = 0; i < columns->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(columns, i)->attname);

		if (TupleDescAttr(columns, i)->attisdropped)
			continue;
		appendStringInfoString(text, comma);
		for (int j = 0; generalised && j < search->query.nquasi; j++)
			if (strcmp(search->hierarchies[j].name, name) == 0)
				appendStringInfo(text, "%s AS ", search->query.quasi[j]);
		appendStringInfoString(text, quote_identifier(name));
		comma = ", ";
	}
	relation_close(relation, AccessShareLock);
}

static void
create_view(const char *text)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(text, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "the view could not be made");
	SPI_finish();
}

/* A row a quasi-identifier; precision as Sweeney has it: 1 as it is, 0 not shown. */
static void
put_result(ReturnSetInfo *result, const Search *search)
{
	double		rows = search->profile->release[PHIG_RISK_ROWS];
	double		left_out = search->profile->release[PHIG_RISK_SMALL_CELL_ROWS];

	for (int i = 0; i < search->query.nquasi; i++)
	{
		const Hierarchy *hierarchy = &search->hierarchies[i];
		Datum		values[SUPPRESS_NCOLUMNS] = {0};
		bool		nulls[SUPPRESS_NCOLUMNS] = {0};

		values[SUPPRESS_COLUMN] = DirectFunctionCall1(namein, CStringGetDatum(hierarchy->name));
		values[SUPPRESS_SHOWN_AS] = CStringGetTextDatum(hierarchy->shown[hierarchy->level]);
		values[SUPPRESS_LEVEL] = Int32GetDatum(hierarchy->level);
		values[SUPPRESS_LEVELS] = Int32GetDatum(hierarchy->nlevels - 1);
		values[SUPPRESS_PRECISION] = Float8GetDatum(1 - (double) hierarchy->level / (hierarchy->nlevels - 1));
		values[SUPPRESS_ROWS] = Int64GetDatum((int64) (rows - left_out));
		values[SUPPRESS_ROWS_LEFT_OUT] = Int64GetDatum((int64) left_out);
		values[SUPPRESS_K] = Int32GetDatum(search->query.options.k);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}
