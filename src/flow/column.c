/*
 * column.c
 *		What reaches one column of a range-table entry.
 *
 * attno 0 stands for the whole row, here as everywhere.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"

#include "compat.h"
#include "flow/internal.h"

static int	output_index(const PhigFlowLevel *level, AttrNumber attno);
static void relation_column(PhigFlowContext *ctx, PhigFlowLevel *level, int rti, AttrNumber attno,
							bool old, Bitmapset **out);
static void expression_column(PhigFlowContext *ctx, PhigFlowLevel *level, int rti,
							  AttrNumber attno, Bitmapset **out);
static void function_columns(PhigFlowContext *ctx, PhigFlowLevel *level, RangeTblEntry *rte,
							 Bitmapset **out);
static void list_columns(PhigFlowContext *ctx, PhigFlowLevel *level, List *exprs,
						 AttrNumber attno, Bitmapset **out);

/* old: the value before the statement, where RETURNING says so. */
void
phig_flow_column(PhigFlowContext *ctx, PhigFlowLevel *level, int rti, AttrNumber attno, bool old,
				 Bitmapset **out)
{
	RangeTblEntry *rte = rt_fetch(rti, level->query->rtable);
	PhigFlowLevel *below = phig_flow_source_level(ctx, level, rti);

	if (attno < 0)
		return;					/* system columns are not labelled */
	if (rte->rtekind == RTE_RELATION || rte->rtekind == RTE_NAMEDTUPLESTORE)
		relation_column(ctx, level, rti, attno, old, out);
	else if (below != NULL)
		phig_flow_level_column(ctx, below, attno, out);
	else if (rte->rtekind != RTE_RESULT)
		expression_column(ctx, level, rti, attno, out);
}

/* A column of a subquery's result: what reaches the output of that number. */
void
phig_flow_level_column(PhigFlowContext *ctx, PhigFlowLevel *level, AttrNumber attno,
					   Bitmapset **out)
{
	const Bitmapset *set;

	if (attno != InvalidAttrNumber)
	{
		set = phig_flow_output(ctx, level, output_index(level, attno));
		*out = bms_add_members(*out, set);
		return;
	}
	for (int index = 0; index < list_length(level->output); index++)
	{
		if (list_nth_node(TargetEntry, level->output, index)->resjunk)
			continue;
		set = phig_flow_output(ctx, level, index);
		*out = bms_add_members(*out, set);
	}
}

/* Visible outputs come first, in order. */
static int
output_index(const PhigFlowLevel *level, AttrNumber attno)
{
	const TargetEntry *tle;

	if (attno > list_length(level->output))
		elog(ERROR, "subquery has no column %d", attno);
	tle = list_nth_node(TargetEntry, level->output, attno - 1);
	if (tle->resjunk || tle->resno != attno)
		elog(ERROR, "column %d of a subquery is not where it should be", attno);
	return attno - 1;
}

static void
relation_column(PhigFlowContext *ctx, PhigFlowLevel *level, int rti, AttrNumber attno, bool old,
				Bitmapset **out)
{
	Query	   *query = level->query;
	PhigFlowRel *rel = phig_flow_source_rel(ctx, level, rti);
	PhigFlowLevel *view = phig_flow_source_level(ctx, level, rti);

	/* EXCLUDED holds the row that INSERT proposed, nothing of the table. */
	if (query->onConflict && rti == query->onConflict->exclRelIndex)
	{
		phig_flow_assigned(ctx, level, attno, true, out);
		return;
	}
	if (view != NULL)
		phig_flow_level_column(ctx, view, attno, out);
	if (rel != NULL && attno == InvalidAttrNumber)
		phig_flow_add_row(ctx, rel, out);
	else if (rel != NULL)
		phig_flow_add_column(ctx, rel, attno, out);
	if (level->in_returning > 0 && rti == query->resultRelation && !old)
		phig_flow_assigned(ctx, level, attno, false, out);
}

/* Entries that are made of expressions: each column is followed once. */
static void
expression_column(PhigFlowContext *ctx, PhigFlowLevel *level, int rti, AttrNumber attno,
				  Bitmapset **out)
{
	RangeTblEntry *rte = rt_fetch(rti, level->query->rtable);
	PhigFlowSource *source = &level->sources[rti - 1];
	int			ncolumns = list_length(rte->eref->colnames);
	Bitmapset  *set = NULL;
	ListCell   *lc;

	/* A function's columns cannot be told apart from outside. */
	if (rte->rtekind == RTE_FUNCTION || rte->rtekind == RTE_TABLEFUNC)
		attno = InvalidAttrNumber;
	if (attno > ncolumns)
		elog(ERROR, "range-table entry has no column %d", attno);
	if (source->cells == NULL)
		source->cells = palloc0((ncolumns + 1) * sizeof(PhigFlowCell));
	if (!phig_flow_cell_known(ctx, &source->cells[attno]))
	{
		if (rte->rtekind == RTE_FUNCTION || rte->rtekind == RTE_TABLEFUNC)
			function_columns(ctx, level, rte, &set);
		else if (rte->rtekind == RTE_JOIN)
			list_columns(ctx, level, rte->joinaliasvars, attno, &set);
		else if (rte->rtekind == RTE_VALUES)
		{
			foreach(lc, rte->values_lists)
				list_columns(ctx, level, lfirst_node(List, lc), attno, &set);
		}
		else if (phig_compat_is_group(rte))
			list_columns(ctx, level, phig_compat_group_exprs(rte), attno, &set);
		else
			phig_flow_unknown("range-table entry kind", rte->rtekind);
		phig_flow_cell_set(ctx, &source->cells[attno], set);
	}
	*out = bms_add_members(*out, source->cells[attno].set);
}

/* A function that is not followed: whatever goes in may come out, in any column. */
static void
function_columns(PhigFlowContext *ctx, PhigFlowLevel *level, RangeTblEntry *rte, Bitmapset **out)
{
	ListCell   *lc;

	if (rte->rtekind == RTE_TABLEFUNC)
		phig_flow_expr(ctx, level, (Node *) rte->tablefunc, out);
	foreach(lc, rte->functions)
		phig_flow_expr(ctx, level, lfirst_node(RangeTblFunction, lc)->funcexpr, out);
	if (*out != NULL && list_length(rte->eref->colnames) > 1)
		ctx->flags |= PHIG_FLOW_APPROXIMATE;
}

static void
list_columns(PhigFlowContext *ctx, PhigFlowLevel *level, List *exprs, AttrNumber attno,
			 Bitmapset **out)
{
	Node	   *expr = NULL;

	if (attno == InvalidAttrNumber)
		expr = (Node *) exprs;
	else if (attno <= list_length(exprs))
		expr = list_nth(exprs, attno - 1);	/* NULL for a column dropped since */
	if (expr != NULL && !IsA(expr, Const))
		phig_flow_expr(ctx, level, expr, out);
}
