/*
 * witness.c
 *		Which labelled columns does each plan that is executed touch?  For tests only.
 *
 * A second opinion on what phiguard records.  It knows nothing of labels, queries or flow: it looks at the
 * finished plan, after the planner has expanded, flattened and thrown away what it could, and calls those
 * columns labelled whose names begin with "phi_".  A line a plan goes into witness.file:
 *
 *		process, start of the client's statement, times before and after ExecutorStart of the libraries loaded
 *		before this one, hash of the text, application, SQLSTATE, columns used, returned, written
 *
 * used:		in a condition, a key, an argument, or in an output that anything above asks for
 * returned:	the value itself is an output of the whole plan
 * written:		assigned by INSERT, UPDATE or MERGE, or removed with its rows
 *
 * Columns are those of tables; what functions and triggers do is in lines of their own, in a parallel
 * worker with the process of its leader.  A column that only the executor itself reads (index keys of
 * ON CONFLICT, CHECK and generation expressions, the rows of triggers) is not in a plan, so not seen.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

PG_MODULE_MAGIC;

#define LABELLED "phi_"

typedef enum Use
{
	USED,
	RETURNED,
	WRITTEN,
	USES
} Use;

typedef struct Witness
{
	const PlannedStmt *stmt;
	List	   *asked;			/* of Asked: outputs that were followed already */
	List	   *unions;			/* recursive unions above */
	List	   *sources;		/* of Source: where the parameters come from */
	Bitmapset  *params;			/* numbers of those being looked at */
	Bitmapset  *subplans;		/* numbers of those visited */
	List	   *columns[USES];	/* names */
} Witness;

typedef struct Asked
{
	const Plan *plan;
	int			resno;
	bool		returned;
} Asked;

/* A parameter that is handed down to where it is used: an initplan, or an expression of a plan. */
typedef struct Source
{
	int			param;
	const SubPlan *initplan;
	Plan	   *plan;
	Node	   *expr;
} Source;

typedef struct Place
{
	Witness    *witness;
	Plan	   *plan;			/* whose expression it is */
} Place;

void		_PG_init(void);

static ExecutorStart_hook_type prev_ExecutorStart = NULL;
static char *file = NULL;

static void visit(Witness *witness, Plan *plan);
static void visit_list(Witness *witness, List *plans);
static void visit_numbered(Witness *witness, int plan_id);
static void visit_subplan(Witness *witness, const SubPlan *subplan);
static void expect_initplan(Witness *witness, const SubPlan *subplan);
static void add_source(Witness *witness, int param, const SubPlan *initplan, Plan *plan, Node *expr);
static void see_param(Witness *witness, int param);
static void need(Witness *witness, Plan *plan, int resno, bool returned);
static void need_all(Witness *witness, Plan *plan, bool returned);
static void need_keys(Witness *witness, Plan *plan, int nkeys, const AttrNumber *keys);
static void see(Witness *witness, Plan *plan, Node *expr, bool returned);
static bool see_walker(Node *node, void *context);
static void see_var(Witness *witness, Plan *plan, const Var *var, bool returned);
static void write_rows(Witness *witness, ModifyTable *modify);
static Node *output_of(List *targetlist, int resno, const Plan *plan);
static Node *without_casts(Node *expr);
static void note(Witness *witness, Oid relid, AttrNumber attno, Use use);

static void
visit(Witness *witness, Plan *plan)
{
	ListCell   *lc;

	if (plan == NULL)
		return;
	check_stack_depth();
	foreach(lc, plan->initPlan)
		expect_initplan(witness, lfirst_node(SubPlan, lc));
	see(witness, plan, (Node *) plan->qual, false);
	switch (nodeTag(plan))
	{
		case T_Result:
			see(witness, plan, ((Result *) plan)->resconstantqual, false);
			break;
		case T_ModifyTable:
			{
				ModifyTable *modify = (ModifyTable *) plan;

				if (modify->operation != CMD_DELETE)
					need_all(witness, outerPlan(plan), false);
				see(witness, plan, (Node *) modify->withCheckOptionLists, false);
				see(witness, plan, (Node *) modify->onConflictSet, false);
				see(witness, plan, modify->onConflictWhere, false);
				see(witness, plan, (Node *) modify->mergeActionLists, false);
#if PG_VERSION_NUM >= 170000
				see(witness, plan, (Node *) modify->mergeJoinConditions, false);
#endif
				write_rows(witness, modify);
				break;
			}
		case T_Append:
			visit_list(witness, ((Append *) plan)->appendplans);
			break;
		case T_MergeAppend:
			{
				MergeAppend *merge = (MergeAppend *) plan;

				visit_list(witness, merge->mergeplans);
				need_keys(witness, plan, merge->numCols, merge->sortColIdx);
				break;
			}
		case T_RecursiveUnion:
			{
				RecursiveUnion *ru = (RecursiveUnion *) plan;

				witness->unions = lappend(witness->unions, ru);
				need_keys(witness, outerPlan(plan), ru->numCols, ru->dupColIdx);
				need_keys(witness, innerPlan(plan), ru->numCols, ru->dupColIdx);
				break;
			}
		case T_SampleScan:
			see(witness, plan, (Node *) ((SampleScan *) plan)->tablesample, false);
			break;
		case T_IndexScan:
			see(witness, plan, (Node *) ((IndexScan *) plan)->indexqualorig, false);
			see(witness, plan, (Node *) ((IndexScan *) plan)->indexorderbyorig, false);
			break;
		case T_IndexOnlyScan:
			see(witness, plan, (Node *) ((IndexOnlyScan *) plan)->indexqual, false);
			see(witness, plan, (Node *) ((IndexOnlyScan *) plan)->indexorderby, false);
			break;
		case T_BitmapIndexScan:
			see(witness, plan, (Node *) ((BitmapIndexScan *) plan)->indexqualorig, false);
			break;
		case T_BitmapHeapScan:
			see(witness, plan, (Node *) ((BitmapHeapScan *) plan)->bitmapqualorig, false);
			break;
		case T_BitmapAnd:
			visit_list(witness, ((BitmapAnd *) plan)->bitmapplans);
			break;
		case T_BitmapOr:
			visit_list(witness, ((BitmapOr *) plan)->bitmapplans);
			break;
		case T_TidScan:
			see(witness, plan, (Node *) ((TidScan *) plan)->tidquals, false);
			break;
		case T_TidRangeScan:
			see(witness, plan, (Node *) ((TidRangeScan *) plan)->tidrangequals, false);
			break;
		case T_SubqueryScan:
			visit(witness, ((SubqueryScan *) plan)->subplan);
			break;
		case T_CteScan:
			visit_numbered(witness, ((CteScan *) plan)->ctePlanId);
			break;
		case T_FunctionScan:
			foreach(lc, ((FunctionScan *) plan)->functions)
				see(witness, plan, ((RangeTblFunction *) lfirst(lc))->funcexpr, false);
			break;
		case T_TableFuncScan:
			see(witness, plan, (Node *) ((TableFuncScan *) plan)->tablefunc, false);
			break;
		case T_ForeignScan:
			see(witness, plan, (Node *) ((ForeignScan *) plan)->fdw_exprs, false);
			break;
		case T_NestLoop:
			see(witness, plan, (Node *) ((NestLoop *) plan)->join.joinqual, false);
			foreach(lc, ((NestLoop *) plan)->nestParams)
				add_source(witness, ((NestLoopParam *) lfirst(lc))->paramno, NULL, plan,
						   (Node *) ((NestLoopParam *) lfirst(lc))->paramval);
			break;
		case T_MergeJoin:
			see(witness, plan, (Node *) ((MergeJoin *) plan)->join.joinqual, false);
			see(witness, plan, (Node *) ((MergeJoin *) plan)->mergeclauses, false);
			break;
		case T_HashJoin:
			see(witness, plan, (Node *) ((HashJoin *) plan)->join.joinqual, false);
			see(witness, plan, (Node *) ((HashJoin *) plan)->hashclauses, false);
			break;
		case T_Sort:
		case T_IncrementalSort:
			need_keys(witness, plan, ((Sort *) plan)->numCols, ((Sort *) plan)->sortColIdx);
			break;
		case T_GatherMerge:
			need_keys(witness, outerPlan(plan), ((GatherMerge *) plan)->numCols,
					  ((GatherMerge *) plan)->sortColIdx);
			break;
		case T_Group:
			need_keys(witness, outerPlan(plan), ((Group *) plan)->numCols, ((Group *) plan)->grpColIdx);
			break;
		case T_Agg:
			need_keys(witness, outerPlan(plan), ((Agg *) plan)->numCols, ((Agg *) plan)->grpColIdx);
			foreach(lc, ((Agg *) plan)->chain)
				need_keys(witness, outerPlan(plan), lfirst_node(Agg, lc)->numCols, lfirst_node(Agg, lc)->grpColIdx);
			break;
		case T_WindowAgg:
			{
				WindowAgg  *window = (WindowAgg *) plan;

				need_keys(witness, outerPlan(plan), window->partNumCols, window->partColIdx);
				need_keys(witness, outerPlan(plan), window->ordNumCols, window->ordColIdx);
				see(witness, plan, window->startOffset, false);
				see(witness, plan, window->endOffset, false);
				see(witness, plan, (Node *) window->runCondition, false);
				break;
			}
		case T_Unique:
			need_keys(witness, plan, ((Unique *) plan)->numCols, ((Unique *) plan)->uniqColIdx);
			break;
		case T_SetOp:
			{
				SetOp	   *setop = (SetOp *) plan;
#if PG_VERSION_NUM >= 180000
				need_keys(witness, outerPlan(plan), setop->numCols, setop->cmpColIdx);
				need_keys(witness, innerPlan(plan), setop->numCols, setop->cmpColIdx);
#else
				need_keys(witness, plan, setop->numCols, setop->dupColIdx);
#endif
				break;
			}
		case T_Limit:
			see(witness, plan, ((Limit *) plan)->limitOffset, false);
			see(witness, plan, ((Limit *) plan)->limitCount, false);
			need_keys(witness, plan, ((Limit *) plan)->uniqNumCols, ((Limit *) plan)->uniqColIdx);
			break;
		case T_ProjectSet:
		case T_SeqScan:
		case T_ValuesScan:
		case T_NamedTuplestoreScan:
		case T_WorkTableScan:
		case T_Material:
		case T_Memoize:			/* its keys are parameters, of whoever uses them below */
		case T_Gather:
		case T_Hash:
		case T_LockRows:
			break;
		default:
			elog(PANIC, "the witness does not know plan node %d", (int) nodeTag(plan));
	}
	visit(witness, outerPlan(plan));
	visit(witness, innerPlan(plan));
}

static void
visit_list(Witness *witness, List *plans)
{
	ListCell   *lc;

	foreach(lc, plans)
		visit(witness, lfirst(lc));
}

static void
visit_numbered(Witness *witness, int plan_id)
{
	if (bms_is_member(plan_id, witness->subplans))
		return;
	witness->subplans = bms_add_member(witness->subplans, plan_id);
	visit(witness, list_nth(witness->stmt->subplans, plan_id - 1));
}

/* Of EXISTS nobody reads the outputs. */
static void
visit_subplan(Witness *witness, const SubPlan *subplan)
{
	visit_numbered(witness, subplan->plan_id);
	if (subplan->subLinkType != EXISTS_SUBLINK)
		need_all(witness, list_nth(witness->stmt->subplans, subplan->plan_id - 1), false);
}

/* An initplan runs when somebody asks for its parameter, or scans it; one that writes runs in any case. */
static void
expect_initplan(Witness *witness, const SubPlan *subplan)
{
	ListCell   *lc;

	if (IsA(list_nth(witness->stmt->subplans, subplan->plan_id - 1), ModifyTable))
		visit_numbered(witness, subplan->plan_id);
	if (subplan->subLinkType == CTE_SUBLINK)
		return;
	foreach(lc, subplan->setParam)
		add_source(witness, lfirst_int(lc), subplan, NULL, NULL);
}

static void
add_source(Witness *witness, int param, const SubPlan *initplan, Plan *plan, Node *expr)
{
	Source	   *source = palloc(sizeof(Source));

	*source = (Source) {param, initplan, plan, expr};
	witness->sources = lappend(witness->sources, source);
}

static void
see_param(Witness *witness, int param)
{
	if (bms_is_member(param, witness->params))
		return;
	witness->params = bms_add_member(witness->params, param);
	/* By number: the list may grow meanwhile. */
	for (int i = 0; i < list_length(witness->sources); i++)
	{
		const Source *source = list_nth(witness->sources, i);

		if (source->param != param)
			continue;
		if (source->initplan)
			visit_subplan(witness, source->initplan);
		else
			see(witness, source->plan, source->expr, false);
	}
	witness->params = bms_del_member(witness->params, param);
}

/* An output column that somebody asks for; returned: as the value that the plan as a whole returns. */
static void
need(Witness *witness, Plan *plan, int resno, bool returned)
{
	Asked	   *asked;
	ListCell   *lc;

	foreach(lc, witness->asked)
	{
		asked = lfirst(lc);
		if (asked->plan == plan && asked->resno == resno && asked->returned >= returned)
			return;
	}
	asked = palloc(sizeof(Asked));
	*asked = (Asked) {plan, resno, returned};
	witness->asked = lappend(witness->asked, asked);

	if (IsA(plan, ModifyTable))
	{
		/* What it outputs is RETURNING, a list for each table that it changes. */
		foreach(lc, ((ModifyTable *) plan)->returningLists)
			see(witness, plan, output_of(lfirst(lc), resno, plan), returned);
	}
	else
		see(witness, plan, output_of(plan->targetlist, resno, plan), returned);
}

/* Output number resno of a plan. */
static Node *
output_of(List *targetlist, int resno, const Plan *plan)
{
	if (resno < 1 || resno > list_length(targetlist))
		elog(ERROR, "the witness finds no output %d of plan node %d", resno, (int) nodeTag(plan));
	return (Node *) list_nth_node(TargetEntry, targetlist, resno - 1)->expr;
}

static void
need_all(Witness *witness, Plan *plan, bool returned)
{
	List	   *outputs = plan->targetlist;
	ListCell   *lc;

	if (IsA(plan, ModifyTable))
	{
		ModifyTable *modify = (ModifyTable *) plan;

		outputs = modify->returningLists ? linitial(modify->returningLists) : NIL;
	}
	foreach(lc, outputs)
		if (!lfirst_node(TargetEntry, lc)->resjunk)
			need(witness, plan, lfirst_node(TargetEntry, lc)->resno, returned);
}

static void
need_keys(Witness *witness, Plan *plan, int nkeys, const AttrNumber *keys)
{
	for (int i = 0; i < nkeys; i++)
		need(witness, plan, keys[i], false);
}

static void
see(Witness *witness, Plan *plan, Node *expr, bool returned)
{
	Place		place = {witness, plan};

	if (returned)
		expr = without_casts(expr);
	if (returned && expr && IsA(expr, Var))
		see_var(witness, plan, (Var *) expr, true);
	else
		(void) see_walker(expr, &place);
}

static bool
see_walker(Node *node, void *context)
{
	Place	   *place = context;

	if (node == NULL)
		return false;
	check_stack_depth();
	if (IsA(node, Var))
	{
		see_var(place->witness, place->plan, (Var *) node, false);
		return false;
	}
	/* (row).field */
	if (IsA(node, FieldSelect) && IsA(((FieldSelect *) node)->arg, Var))
	{
		Var		   *row = (Var *) ((FieldSelect *) node)->arg;

		if (row->varattno == InvalidAttrNumber && !IS_SPECIAL_VARNO(row->varno))
		{
			Var		   *field = copyObject(row);

			field->varattno = ((FieldSelect *) node)->fieldnum;
			see_var(place->witness, place->plan, field, false);
			return false;
		}
	}
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
		see_param(place->witness, ((Param *) node)->paramid);
	if (IsA(node, SubPlan))
	{
		SubPlan    *subplan = (SubPlan *) node;
		ListCell   *param;
		ListCell   *arg;

		forboth(param, subplan->parParam, arg, subplan->args)
			add_source(place->witness, lfirst_int(param), NULL, place->plan, lfirst(arg));
		visit_subplan(place->witness, subplan);
		return see_walker(subplan->testexpr, context);
	}
	return expression_tree_walker(node, see_walker, context);
}

/* attno 0: the whole row. */
static void
need_column(Witness *witness, Plan *plan, AttrNumber attno, bool returned)
{
	if (attno == InvalidAttrNumber)
		need_all(witness, plan, returned);
	else
		need(witness, plan, attno, returned);
}

static void
need_from_each(Witness *witness, List *plans, AttrNumber attno, bool returned)
{
	ListCell   *lc;

	foreach(lc, plans)
		need_column(witness, lfirst(lc), attno, returned);
}

/* Below a node whose outputs are those of one of its children, of all of them. */
static void
need_below(Witness *witness, Plan *plan, AttrNumber attno, bool returned)
{
	if (IsA(plan, Append))
		need_from_each(witness, ((Append *) plan)->appendplans, attno, returned);
	else if (IsA(plan, MergeAppend))
		need_from_each(witness, ((MergeAppend *) plan)->mergeplans, attno, returned);
	else
		need_column(witness, outerPlan(plan), attno, returned);
	if (IsA(plan, RecursiveUnion))
		need_column(witness, innerPlan(plan), attno, returned);
}

static void
see_var(Witness *witness, Plan *plan, const Var *var, bool returned)
{
	RangeTblEntry *rte;
	ListCell   *lc;

	switch (var->varno)
	{
		case OUTER_VAR:
			need_below(witness, plan, var->varattno, returned);
			return;
		case INNER_VAR:
			/* Of ON CONFLICT and MERGE: the row that is proposed. */
			need_column(witness, IsA(plan, ModifyTable) ? outerPlan(plan) : innerPlan(plan), var->varattno,
						returned);
			return;
		case INDEX_VAR:
			see(witness, plan, output_of(((IndexOnlyScan *) plan)->indextlist, var->varattno, plan), returned);
			return;
	}
	rte = rt_fetch(var->varno, witness->stmt->rtable);
	if (rte->rtekind == RTE_RELATION || rte->rtekind == RTE_NAMEDTUPLESTORE)
	{
		note(witness, rte->relid, var->varattno, USED);
		if (returned)
			note(witness, rte->relid, var->varattno, RETURNED);
	}
	else if (IsA(plan, SubqueryScan))
		need_column(witness, ((SubqueryScan *) plan)->subplan, var->varattno, returned);
	else if (IsA(plan, CteScan))
		need_column(witness, list_nth(witness->stmt->subplans, ((CteScan *) plan)->ctePlanId - 1), var->varattno,
					returned);
	else if (IsA(plan, WorkTableScan))
	{
		foreach(lc, witness->unions)
			if (((RecursiveUnion *) lfirst(lc))->wtParam == ((WorkTableScan *) plan)->wtParam)
				need_column(witness, lfirst(lc), var->varattno, returned);
	}
	else if (IsA(plan, ValuesScan))
	{
		foreach(lc, ((ValuesScan *) plan)->values_lists)
		{
			if (var->varattno == InvalidAttrNumber)
				see(witness, plan, lfirst(lc), false);
			else
				see(witness, plan, list_nth(lfirst(lc), var->varattno - 1), returned);
		}
	}
}

static Node *
without_casts(Node *expr)
{
	while (expr && (IsA(expr, RelabelType) || IsA(expr, CoerceToDomain)))
		expr = (Node *) (IsA(expr, RelabelType) ? ((RelabelType *) expr)->arg : ((CoerceToDomain *) expr)->arg);
	return expr;
}

static bool
is_null(const TargetEntry *tle)
{
	const Node *expr = without_casts((Node *) tle->expr);

	return IsA(expr, Const) && ((const Const *) expr)->constisnull;
}

/* INSERT has an entry for each column, those that nobody mentions are null. */
static void
note_inserted(Witness *witness, Oid relid, List *targetlist)
{
	ListCell   *lc;

	foreach(lc, targetlist)
		if (!lfirst_node(TargetEntry, lc)->resjunk && !is_null(lfirst(lc)))
			note(witness, relid, lfirst_node(TargetEntry, lc)->resno, WRITTEN);
}

static void
note_numbers(Witness *witness, Oid relid, List *numbers)
{
	ListCell   *lc;

	foreach(lc, numbers)
		note(witness, relid, lfirst_int(lc), WRITTEN);
}

static void
write_rows(Witness *witness, ModifyTable *modify)
{
	int			index = 0;
	ListCell   *lc;

	foreach(lc, modify->resultRelations)
	{
		Oid			relid = rt_fetch(lfirst_int(lc), witness->stmt->rtable)->relid;
		ListCell   *action_cell;

		if (modify->operation == CMD_INSERT)
			note_inserted(witness, relid, outerPlan(modify)->targetlist);
		else if (modify->operation == CMD_UPDATE)
			note_numbers(witness, relid, list_nth(modify->updateColnosLists, index));
		else if (modify->operation == CMD_DELETE)
			note(witness, relid, InvalidAttrNumber, WRITTEN);
		else
			foreach(action_cell, list_nth(modify->mergeActionLists, index))
			{
				MergeAction *action = lfirst_node(MergeAction, action_cell);

				if (action->commandType == CMD_INSERT)
					note_inserted(witness, relid, action->targetList);
				else if (action->commandType == CMD_UPDATE)
					note_numbers(witness, relid, action->updateColnos);
				else if (action->commandType == CMD_DELETE)
					note(witness, relid, InvalidAttrNumber, WRITTEN);
			}
		note_numbers(witness, relid, modify->onConflictCols);
		index++;
	}
}

static AttrNumber
columns_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	AttrNumber	columns = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;

	ReleaseSysCache(tuple);
	return columns;
}

static void
note(Witness *witness, Oid relid, AttrNumber attno, Use use)
{
	char	   *column;
	char	   *path;
	ListCell   *lc;

	if (attno == InvalidAttrNumber)
	{
		for (attno = 1; attno <= columns_of(relid); attno++)
			note(witness, relid, attno, use);
		return;
	}
	/* A view's own columns are no data. */
	column = get_attname(relid, attno, true);
	if (column == NULL || strncmp(column, LABELLED, strlen(LABELLED)) != 0 ||
		get_rel_relkind(relid) == RELKIND_VIEW)
		return;
	path = psprintf("%s.%s.%s", get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid), column);
	foreach(lc, witness->columns[use])
		if (strcmp(lfirst(lc), path) == 0)
			return;
	witness->columns[use] = lappend(witness->columns[use], path);
}

static void
append_names(StringInfo line, List *names)
{
	const char *separator = "";
	ListCell   *lc;

	appendStringInfoString(line, "\t{");
	foreach(lc, names)
	{
		appendStringInfo(line, "%s%s", separator, (char *) lfirst(lc));
		separator = ",";
	}
	appendStringInfoChar(line, '}');
}

/* One write a line: with O_APPEND, lines of several processes do not mix. */
static void
append_to(const char *path, const StringInfo line)
{
	int			fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);

	if (fd < 0 || write(fd, line->data, line->len) != line->len || close(fd) != 0)
		elog(PANIC, "the witness could not write \"%s\": %m", path);
}

static void
testify(const Witness *witness, const QueryDesc *query_desc, int64 before, int64 after, int sqlstate)
{
	const PGPROC *leader = IsParallelWorker() ? MyProc->lockGroupLeader : NULL;
	const char *text = query_desc->sourceText;
	int			pid = leader ? leader->pid : MyProcPid;
	int64		began = GetCurrentStatementStartTimestamp();
	StringInfoData line;

	initStringInfo(&line);
	appendStringInfo(&line, "%d\t" INT64_FORMAT "\t" INT64_FORMAT "\t" INT64_FORMAT "\t%u\t%s\t%s",
					 pid, began, before, after,
					 hash_bytes((const unsigned char *) text, strlen(text)) ^ (uint32) witness->stmt->stmt_location,
					 application_name, unpack_sql_state(sqlstate));
	for (int use = 0; use < USES; use++)
		append_names(&line, witness->columns[use]);
	appendStringInfoChar(&line, '\n');
	append_to(file, &line);

	/* The texts, for whoever looks into a miss. */
	if (witness->columns[USED] != NIL || witness->columns[WRITTEN] != NIL)
	{
		resetStringInfo(&line);
		appendStringInfo(&line, "-- %d " INT64_FORMAT " " INT64_FORMAT "\n%s\n", pid, began, before, text);
		append_to(psprintf("%s.sql", file), &line);
	}
}

static void
witness_ExecutorStart(QueryDesc *queryDesc, int eflags)
{
	Witness		witness = {.stmt = queryDesc->plannedstmt};
	bool		leaders_plan = IsParallelWorker() && queryDesc->dest && queryDesc->dest->mydest == DestTupleQueue;
	bool		testifies = !(eflags & EXEC_FLAG_EXPLAIN_ONLY) && !leaders_plan;
	int64		before;

	/* Before the chain: what fails in there was tried. */
	if (testifies)
	{
		visit(&witness, witness.stmt->planTree);
		need_all(&witness, witness.stmt->planTree, true);
	}
	before = GetCurrentTimestamp();
	PG_TRY();
	{
		if (prev_ExecutorStart)
			prev_ExecutorStart(queryDesc, eflags);
		else
			standard_ExecutorStart(queryDesc, eflags);
	}
	PG_CATCH();
	{
		if (testifies)
			testify(&witness, queryDesc, before, GetCurrentTimestamp(), geterrcode());
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (testifies)
		testify(&witness, queryDesc, before, GetCurrentTimestamp(), 0);
}

void
_PG_init(void)
{
	DefineCustomStringVariable("witness.file", "Where the witness writes what it sees.", NULL, &file, "",
							   PGC_POSTMASTER, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("witness");
	prev_ExecutorStart = ExecutorStart_hook;
	ExecutorStart_hook = witness_ExecutorStart;
}
