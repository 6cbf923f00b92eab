/*
 * sample.c
 *		Reading a sample of a table's rows, through the executor, as the table's owner or the role that asks.
 *
 * The statement passes every hook: what it reads of labelled tables is on record, and privileges, row security and
 * policies hold.  It names everything with its schema, so that no search_path matters.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "detect/functions.h"
#include "label/label.h"
#include "scan/rules.h"
#include "scan/sample.h"

/* Of a value so much is looked at. */
#define MOST_BYTES 2048
#define FETCH_ROWS 200
/* Rows that a block is taken to hold where statistics do not say. */
#define ROWS_PER_BLOCK 40.0
/* Rows of one block are alike: so many are read at least. */
#define LEAST_BLOCKS 100.0

/* How to draw: percent of the blocks (100: all), and of the rows in them (1: all). */
typedef struct Draw
{
	double		percent;
	double		part;
} Draw;

static Draw how_to_draw(Oid relid, int32 rows);
static void size_of(Oid relid, double *blocks, double *rows);
static int64 count(Oid relid, const Draw *draw, int32 rows, PhigSampled *columns, int n);
static char *statement(Oid relid, const Draw *draw, int32 rows, const PhigSampled *columns, int n);
static int64 run_as(Oid role, const char *query, PhigSampled *columns, int n);
static int64 run(const char *query, PhigSampled *columns, int n);
static void count_row(HeapTuple tuple, TupleDesc desc, PhigSampled *columns, int n);
static void count_value(PhigSampled *column, Datum value, Oid type);

int64
phig_sample(Oid relid, int32 rows, PhigSampled *columns, int n)
{
	Draw		draw = how_to_draw(relid, rows);
	bool		any = false;
	int64		found;

	for (int i = 0; i < n; i++)
		any = any || phig_sample_reads(&columns[i]);
	if (!any)
		return 0;
	phig_detect_prepare();
	found = count(relid, &draw, rows, columns, n);
	/* mostly empty blocks, or statistics that are out of date */
	if (draw.percent < 100 && found < rows / 4)
		found = count(relid, &(Draw) {100, 1}, rows, columns, n);
	return found;
}

double
phig_sample_blocks(Oid relid)
{
	double		blocks = 0;
	double		tuples = 0;

	size_of(relid, &blocks, &tuples);
	return blocks;
}

/* Dates are dates, and so on: nothing is read that is not needed. */
bool
phig_sample_reads(const PhigSampled *column)
{
	return (column->holds & (PHIG_HOLDS_TEXT | PHIG_HOLDS_INTEGER | PHIG_HOLDS_BYTES | PHIG_HOLDS_DOCUMENT |
							 PHIG_HOLDS_UNKNOWN)) != 0;
}

Oid
phig_sample_role(Oid relid)
{
	Oid			owner = InvalidOid;
	ListCell   *lc;

	if (get_rel_relkind(relid) == RELKIND_FOREIGN_TABLE)
		return GetUserId();
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		Relation	relation = relation_open(lfirst_oid(lc), NoLock);
		bool		is_other = OidIsValid(owner) && relation->rd_rel->relowner != owner;

		owner = relation->rd_rel->relowner;
		relation_close(relation, NoLock);
		/* nor is one owner's code for another's rights */
		if (is_other || phig_label_relation(lfirst_oid(lc)) != NULL)
			return GetUserId();
	}
	return owner;
}

static Draw
how_to_draw(Oid relid, int32 rows)
{
	Draw		draw = {100, 1};
	double		blocks = 0;
	double		tuples = 0;
	double		wanted;

	if (get_rel_relkind(relid) == RELKIND_FOREIGN_TABLE)
		return draw;
	size_of(relid, &blocks, &tuples);
	if (tuples <= 0)
		tuples = blocks * ROWS_PER_BLOCK;
	/* no more than are wanted: the limit would cut off the end of the table, each time */
	wanted = blocks * rows / Max(tuples, 1);
	draw.percent = 100 * Max(wanted, LEAST_BLOCKS) / Max(blocks, 1);
	if (draw.percent > 50)
		return (Draw) {100, 1};
	draw.part = Min(wanted / LEAST_BLOCKS, 1);
	return draw;
}

/* Of a table and all below it.  Blocks are counted, rows are as of the last VACUUM or ANALYZE. */
static void
size_of(Oid relid, double *blocks, double *rows)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		Relation	relation = relation_open(lfirst_oid(lc), NoLock);

		if (RELKIND_HAS_STORAGE(relation->rd_rel->relkind))
		{
			BlockNumber now = RelationGetNumberOfBlocks(relation);

			*blocks += now;
			if (relation->rd_rel->relpages > 0 && relation->rd_rel->reltuples > 0)
				*rows += (double) relation->rd_rel->reltuples / relation->rd_rel->relpages * now;
			else
				*rows += now * ROWS_PER_BLOCK;
		}
		relation_close(relation, NoLock);
	}
}

static int64
count(Oid relid, const Draw *draw, int32 rows, PhigSampled *columns, int n)
{
	int64		found;

	for (int i = 0; i < n; i++)
		if (phig_sample_reads(&columns[i]))
			phig_content_begin(&columns[i].content);
	found = run_as(phig_sample_role(relid), statement(relid, draw, rows, columns, n), columns, n);
	for (int i = 0; i < n; i++)
		if (phig_sample_reads(&columns[i]))
			phig_content_end(&columns[i].content);
	return found;
}

static char *
statement(Oid relid, const Draw *draw, int32 rows, const PhigSampled *columns, int n)
{
	StringInfoData query;

	const char *comma = "";

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	for (int i = 0; i < n; i++)
		if (phig_sample_reads(&columns[i]))
		{
			appendStringInfo(&query, "%st.%s", comma, quote_identifier(get_attname(relid, columns[i].attno, false)));
			comma = ", ";
		}
	appendStringInfo(&query, " FROM %s AS t",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid)));
	if (draw->percent < 100)
		appendStringInfo(&query, " TABLESAMPLE pg_catalog.system (%g)", draw->percent);
	if (draw->part < 1)
		appendStringInfo(&query, " WHERE pg_catalog.random() OPERATOR(pg_catalog.<) %g", draw->part);
	appendStringInfo(&query, " LIMIT %d", rows);
	return query.data;
}

/* As ANALYZE does for the owner of a table.  An error resets all of it. */
static int64
run_as(Oid role, const char *query, PhigSampled *columns, int n)
{
	int64		found;
	Oid			user;
	int			context;
	int			settings;

	GetUserIdAndSecContext(&user, &context);
	if (role == user)
		return run(query, columns, n);
	SetUserIdAndSecContext(role, context | SECURITY_RESTRICTED_OPERATION);
	settings = NewGUCNestLevel();
	found = run(query, columns, n);
	AtEOXact_GUC(false, settings);
	SetUserIdAndSecContext(user, context);
	return found;
}

/* Rows in batches: memory does not grow with the sample. */
static int64
run(const char *query, PhigSampled *columns, int n)
{
	MemoryContext batch = AllocSetContextCreate(CurrentMemoryContext, "phiguard sample", ALLOCSET_DEFAULT_SIZES);
	int64		found = 0;
	uint64		fetched;
	SPIPlanPtr	plan;
	Portal		portal;

	SPI_connect();
	plan = SPI_prepare(query, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "a sample cannot be prepared: %s", SPI_result_code_string(SPI_result));
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	do
	{
		MemoryContext old;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		fetched = SPI_processed;
		old = MemoryContextSwitchTo(batch);
		for (uint64 i = 0; i < fetched; i++)
		{
			count_row(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, columns, n);
			MemoryContextReset(batch);
		}
		MemoryContextSwitchTo(old);
		found += fetched;
		SPI_freetuptable(SPI_tuptable);
	} while (fetched == FETCH_ROWS);
	SPI_cursor_close(portal);
	SPI_finish();
	MemoryContextDelete(batch);
	return found;
}

static void
count_row(HeapTuple tuple, TupleDesc desc, PhigSampled *columns, int n)
{
	int			field = 0;

	for (int i = 0; i < n; i++)
	{
		bool		isnull;
		Datum		value;

		if (!phig_sample_reads(&columns[i]))
			continue;
		CHECK_FOR_INTERRUPTS();
		value = SPI_getbinval(tuple, desc, ++field, &isnull);
		if (!isnull)
			count_value(&columns[i], value, SPI_gettypeid(desc, field));
	}
}

/* Texts and bytes: the beginning, so that long ones need not be fetched whole.  Others as they are printed. */
static void
count_value(PhigSampled *column, Datum value, Oid type)
{
	Oid			base = getBaseType(type);

	if (base == TEXTOID || base == VARCHAROID || base == BPCHAROID || base == BYTEAOID)
	{
		text	   *begin = DatumGetTextPSlice(value, 0, MOST_BYTES);
		int			len = VARSIZE_ANY_EXHDR(begin);

		if (base != BYTEAOID && len == MOST_BYTES)
			len = pg_mbcliplen(VARDATA_ANY(begin), len, len - MAX_MULTIBYTE_CHAR_LEN);
		phig_content_add(&column->content, VARDATA_ANY(begin), len, column->holds);
	}
	else
	{
		Oid			output;
		bool		is_varlena;
		char	   *printed;

		getTypeOutputInfo(type, &output, &is_varlena);
		printed = OidOutputFunctionCall(output, value);
		phig_content_add(&column->content, printed, Min(strlen(printed), MOST_BYTES), column->holds);
	}
}
