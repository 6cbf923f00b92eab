/*
 * flow.c
 *		Where does PHI go in a query?
 *
 * The analysis starts from the visible outputs of the top level and asks, lazily,
 * what reaches each of them: through subqueries, views, CTEs, joins, set operations and
 * inlined functions down to the columns of tables.  A column that nobody asks for
 * is never visited: SELECT id FROM v, over a view of 40 labelled columns, meets
 * none of them.  Every query level that is reached adds what steers it.  All
 * answers are kept; a recursive CTE, which asks for an answer while it is being
 * found, takes what is known so far, and passes repeat until no set grows.
 *
 * Four sets come out.
 *
 *	returned	its value, or something computed from it, reaches the client.
 *	stored		its value, or something computed from it, is put into a column of a table.
 *	referenced	neither, but it decides which rows there are, how many, or in what order.
 *	written		a labelled column that is assigned, or removed with its rows.
 *
 * An item is a column in a form: clear, or the OID of a registered transform it
 * went through.  The same column may come out in two forms: these are two items.
 *
 * Rules
 *
 * - An expression carries everything that goes into it: ssn = 'x' in the target
 *   list returns ssn, and so do the conditions of CASE (they decide what comes out).
 * - Arguments of a transform take its form, where it takes labels like theirs
 *   (transform.c); whatever then happens to the result keeps that form: upper(token(ssn))
 *   is a token of ssn still.  zip3(left(ssn, 5)) is ssn.  A generalisation takes columns as
 *   they are, through casts, min, max, sub-selects, views and joins: zip3(right(zip, 3) || '00') is zip.
 * - count(x) references x, count(*) nothing; max(x) and the other aggregates return x.
 *   FILTER, HAVING and an aggregate's own ORDER BY reference.  Window functions
 *   alike; PARTITION BY, ORDER BY and the frame of their windows reference.
 * - WHERE, ON, USING, GROUP BY, DISTINCT, ORDER BY, LIMIT, TABLESAMPLE, row-level
 *   security and check options reference, at every level that is reached.  So do the
 *   keys of windows, and ORDER BY and DISTINCT inside aggregates: they sort the rows of
 *   the level, even when nobody asks for the function's result.
 * - grouping() returns nothing: which columns are grouped is in the query's text.
 * - Set operations other than UNION ALL compare, and so reference, all columns of
 *   both sides.  The right side of EXCEPT is never returned, both sides of INTERSECT are.
 * - EXISTS returns nothing of its sub-select, all other sub-selects return their columns.
 * - A whole row is all its labelled columns; (row).field is that field, wherever
 *   the row can be taken apart.
 * - System columns are not labelled, but their table is met.
 * - A function in FROM: one that the planner will inline is followed; of any other
 *   the arguments reach all its columns, and reference.  The same for xmltable and json_table.
 * - Outputs that nobody asks for reference nonetheless where they return sets (they
 *   decide how many rows there are) or call volatile functions (which run and may tell).
 * - RETURNING shows a column of the target: that column, and whatever the statement
 *   puts into it; old.column shows the column alone.  EXCLUDED shows only what INSERT proposed.
 * - A data-modifying CTE counts whether or not it is read; a SELECT that nobody reads does not.
 * - ON CONFLICT references the keys of the indexes that arbitrate.
 * - A statement that fires a row trigger on a labelled table, or one with transition
 *   tables, references all labelled columns of it (PHIG_FLOW_ROW_TRIGGER).  What a
 *   BEFORE trigger changes in the row, RETURNING does not know.
 * - A generated column that is computed when read returns what it is computed from as well.
 * - The label of an output is the strictest label that its items still have.
 *
 * What is not understood is an error (0A000): a new kind of node may carry anything.
 */
#include "postgres.h"

#include "catalog/pg_trigger.h"

#include "flow/flow.h"
#include "flow/internal.h"

static Bitmapset *follow_outputs(PhigFlowContext *ctx, PhigFlowLevel *top);
static PhigFlow *make_result(PhigFlowContext *ctx, PhigFlowLevel *top, Bitmapset *returned);
static void add_columns(PhigFlow *flow, PhigFlowContext *ctx, PhigFlowLevel *top);
static List *make_stores(const PhigFlowContext *ctx);
static List *list_relids(const PhigFlowContext *ctx);

static PhigFlow *
analyze(Query *query, PhigFlowContext ctx)
{
	PhigFlowLevel *top;
	Bitmapset  *returned;

	if (query->commandType == CMD_UTILITY)
		return NULL;
	phig_flow_meet(&ctx, query);
	if (ctx.rels == NIL)
		return NULL;

	top = phig_flow_level(NULL, query);
	do
	{
		ctx.pass++;
		ctx.again = ctx.grew = false;
		phig_flow_reach(&ctx, top);
		returned = follow_outputs(&ctx, top);
	} while (ctx.again && ctx.grew);
	return make_result(&ctx, top, returned);
}

PhigFlow *
phig_flow_analyze(Query *query)
{
	return analyze(query, (PhigFlowContext) {.method = PHIG_FLOW_ANY_METHOD});
}

PhigFlow *
phig_flow_analyze_governed(Query *query)
{
	return analyze(query, (PhigFlowContext) {.method = PHIG_FLOW_ANY_METHOD, .governed = true});
}

PhigFlow *
phig_flow_analyze_reviewed(Query *query, int method)
{
	return analyze(query, (PhigFlowContext) {.method = method, .reviewed = true});
}

static Bitmapset *
follow_outputs(PhigFlowContext *ctx, PhigFlowLevel *top)
{
	Bitmapset  *returned = NULL;

	phig_flow_level_column(ctx, top, InvalidAttrNumber, &returned);
	return returned;
}

static PhigFlow *
make_result(PhigFlowContext *ctx, PhigFlowLevel *top, Bitmapset *returned)
{
	PhigFlow   *flow = palloc0(sizeof(PhigFlow));

	add_columns(flow, ctx, top);
	flow->returned = phig_flow_make_set(ctx, returned);
	flow->stored = phig_flow_make_set(ctx, ctx->stored);
	flow->written = phig_flow_make_set(ctx, ctx->written);
	ctx->used = bms_del_members(ctx->used, returned);
	ctx->used = bms_del_members(ctx->used, ctx->stored);
	flow->referenced = phig_flow_make_set(ctx, ctx->used);
	flow->secured = phig_flow_make_set(ctx, ctx->secured);
	flow->unlabelled_stores = make_stores(ctx);
	flow->relids = list_relids(ctx);
	flow->flags = ctx->flags;
	return flow;
}

/* The visible outputs, each with what reaches it and the label it still has. */
static void
add_columns(PhigFlow *flow, PhigFlowContext *ctx, PhigFlowLevel *top)
{
	int			index = 0;
	ListCell   *lc;

	flow->columns = palloc(list_length(top->output) * sizeof(PhigFlowSet));
	flow->column_labels = palloc(list_length(top->output) * sizeof(PhigLabel));
	foreach(lc, top->output)
	{
		if (!lfirst_node(TargetEntry, lc)->resjunk)
		{
			const Bitmapset *set = top->cells[index].set;

			flow->columns[flow->ncolumns] = phig_flow_make_set(ctx, set);
			flow->column_labels[flow->ncolumns] = phig_flow_strictest(ctx, set);
			flow->ncolumns++;
		}
		index++;
	}
}

/* The label of an item is PHI, or it would be none; what a transform has left of it may not be. */
static List *
make_stores(const PhigFlowContext *ctx)
{
	List	   *stores = NIL;
	ListCell   *lc;

	foreach(lc, ctx->targets)
	{
		const PhigFlowTarget *target = lfirst(lc);
		PhigLabel	label = phig_flow_strictest(ctx, target->sources);
		PhigFlowStore *store;

		if (!phig_label_is_phi(&label))
			continue;
		store = palloc(sizeof(PhigFlowStore));
		store->target_relid = target->relid;
		store->target_attno = target->attno;
		store->sources = phig_flow_make_set(ctx, target->sources);
		stores = lappend(stores, store);
	}
	return stores;
}

static List *
list_relids(const PhigFlowContext *ctx)
{
	List	   *relids = NIL;
	ListCell   *lc;

	foreach(lc, ctx->rels)
		relids = lappend_oid(relids, ((PhigFlowRel *) lfirst(lc))->relid);
	return relids;
}

PhigFlow *
phig_flow_copy_to(Oid relid, List *attnos)
{
	PhigFlowContext ctx = {0};
	PhigFlowRel *rel = phig_flow_meet_relation(&ctx, relid);
	Bitmapset  *returned = NULL;
	PhigFlow   *flow;
	ListCell   *lc;

	if (rel == NULL)
		return NULL;
	flow = palloc0(sizeof(PhigFlow));
	flow->columns = palloc(list_length(attnos) * sizeof(PhigFlowSet));
	flow->column_labels = palloc(list_length(attnos) * sizeof(PhigLabel));
	foreach(lc, attnos)
	{
		Bitmapset  *set = NULL;

		phig_flow_add_column(&ctx, rel, lfirst_int(lc), &set);
		flow->columns[flow->ncolumns] = phig_flow_make_set(&ctx, set);
		flow->column_labels[flow->ncolumns] = phig_flow_strictest(&ctx, set);
		flow->ncolumns++;
		returned = bms_add_members(returned, set);
	}
	flow->returned = phig_flow_make_set(&ctx, returned);
	flow->relids = list_relids(&ctx);
	return flow;
}

PhigFlow *
phig_flow_copy_from(Oid relid, List *attnos)
{
	PhigFlowContext ctx = {0};
	PhigFlowRel *rel = phig_flow_meet_relation(&ctx, relid);
	PhigFlow   *flow;
	ListCell   *lc;

	if (rel == NULL)
		return NULL;
	flow = palloc0(sizeof(PhigFlow));
	foreach(lc, attnos)
		phig_flow_add_column(&ctx, rel, lfirst_int(lc), &ctx.written);
	if (phig_flow_row_trigger(relid, true, TRIGGER_TYPE_INSERT, NULL))
	{
		phig_flow_add_row(&ctx, rel, &ctx.used);
		flow->flags |= PHIG_FLOW_ROW_TRIGGER;
	}
	flow->written = phig_flow_make_set(&ctx, ctx.written);
	flow->referenced = phig_flow_make_set(&ctx, ctx.used);
	flow->relids = list_relids(&ctx);
	return flow;
}
