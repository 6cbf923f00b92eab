/*
 * insert.c
 *		Rows of a query that INSERT writes, with columns that it does not write.
 *
 * The planner keeps resjunk columns below INSERT, and the executor would cut them off, but by the expressions that
 * the plan below has computed already: it would compute them once more, of rows that are not there.  The server
 * itself never has such columns.  So the cut is made here, by position, where the executor looks for it before its
 * first row.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/rel.h"

#include "subject/insert.h"

static List *written_columns(const List *targetlist);

void
phig_insert_prepare(QueryDesc *query_desc)
{
	ModifyTableState *node = (ModifyTableState *) query_desc->planstate;
	ResultRelInfo *target;
	const List *below;
	List	   *columns;
	MemoryContext old;

	if (node == NULL || !IsA(node, ModifyTableState) || node->operation != CMD_INSERT)
		return;
	/* Those that are not written stand at the end. */
	below = outerPlanState(node)->plan->targetlist;
	if (below == NIL || !llast_node(TargetEntry, below)->resjunk)
		return;
	target = node->resultRelInfo;
	old = MemoryContextSwitchTo(query_desc->estate->es_query_cxt);
	columns = written_columns(below);
	if (list_length(columns) != RelationGetDescr(target->ri_RelationDesc)->natts)
		elog(ERROR, "rows to insert do not have the columns of their relation");
	if (node->ps.ps_ExprContext == NULL)
		ExecAssignExprContext(query_desc->estate, &node->ps);
	target->ri_newTupleSlot = table_slot_create(target->ri_RelationDesc, &query_desc->estate->es_tupleTable);
	target->ri_projectNew = ExecBuildProjectionInfo(columns, node->ps.ps_ExprContext, target->ri_newTupleSlot,
													&node->ps, NULL);
	target->ri_projectNewInfoValid = true;
	MemoryContextSwitchTo(old);
}

/* As columns of the rows below. */
static List *
written_columns(const List *targetlist)
{
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, targetlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Var		   *var;

		if (tle->resjunk)
			continue;
		var = makeVarFromTargetEntry(OUTER_VAR, tle);
		columns = lappend(columns, makeTargetEntry((Expr *) var, list_length(columns) + 1, NULL, false));
	}
	return columns;
}
