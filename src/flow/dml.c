/*
 * dml.c
 *		What INSERT, UPDATE, DELETE and MERGE store, assign and remove.
 *
 * Every "column = expression" of a statement stands in one list: those of the
 * target list, of ON CONFLICT DO UPDATE and of MERGE's actions.  What reaches the
 * expression is stored, and shows again where RETURNING or EXCLUDED names the column.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_trigger.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "flow/internal.h"

static void list_assigns_of(PhigFlowLevel *level, List *tlist, bool proposed);
static const Bitmapset *assigned_set(PhigFlowContext *ctx, PhigFlowLevel *level,
									 PhigFlowAssign *assign);
static void store(PhigFlowContext *ctx, PhigFlowLevel *level, PhigFlowAssign *assign);
static void note_unlabelled(PhigFlowContext *ctx, PhigFlowLevel *level, AttrNumber attno,
							const Bitmapset *set);
static bool target_is_phi(PhigFlowContext *ctx, PhigFlowLevel *level, AttrNumber attno);
static void steer_by_junk(PhigFlowContext *ctx, PhigFlowLevel *level, List *tlist);
static void steer_by_merge(PhigFlowContext *ctx, PhigFlowLevel *level);
static void steer_by_conflict(PhigFlowContext *ctx, PhigFlowLevel *level);
static void steer_by_index(PhigFlowContext *ctx, PhigFlowRel *rel, Oid index);
static void fire_triggers(PhigFlowContext *ctx, PhigFlowLevel *level, PhigFlowRel *rel);
static int	events_of(const Query *query);
static bool removes_rows(const Query *query);

/* Fills in level->assigns. */
void
phig_flow_list_assigns(PhigFlowLevel *level)
{
	Query	   *query = level->query;
	int			count = list_length(query->targetList);
	ListCell   *lc;

	if (query->onConflict)
		count += list_length(query->onConflict->onConflictSet);
	foreach(lc, query->mergeActionList)
		count += list_length(lfirst_node(MergeAction, lc)->targetList);
	level->assigns = palloc0(count * sizeof(PhigFlowAssign));

	list_assigns_of(level, query->targetList, query->commandType == CMD_INSERT);
	if (query->onConflict)
		list_assigns_of(level, query->onConflict->onConflictSet, false);
	foreach(lc, query->mergeActionList)
		list_assigns_of(level, lfirst_node(MergeAction, lc)->targetList, false);
}

static void
list_assigns_of(PhigFlowLevel *level, List *tlist, bool proposed)
{
	ListCell   *lc;

	foreach(lc, tlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		PhigFlowAssign *assign;

		if (tle->resjunk)
			continue;
		assign = &level->assigns[level->nassigns++];
		assign->attno = tle->resno;
		assign->proposed = proposed;
		assign->expr = tle->expr;
		assign->tlist = tlist;
	}
}

static const Bitmapset *
assigned_set(PhigFlowContext *ctx, PhigFlowLevel *level, PhigFlowAssign *assign)
{
	if (!phig_flow_cell_known(ctx, &assign->cell))
	{
		int			in_returning = level->in_returning;
		Bitmapset  *set = NULL;

		/* Assigned expressions see the row as it was, whoever asks for them. */
		level->in_returning = 0;
		phig_flow_assigned_expr(ctx, level, assign, &set);
		level->in_returning = in_returning;
		phig_flow_cell_set(ctx, &assign->cell, set);
	}
	return assign->cell.set;
}

/* What the statement puts into a column of its target (attno 0: into any). */
void
phig_flow_assigned(PhigFlowContext *ctx, PhigFlowLevel *level, AttrNumber attno,
				   bool only_proposed, Bitmapset **out)
{
	RangeTblEntry *rte = rt_fetch(level->query->resultRelation, level->query->rtable);
	Bitmapset  *from = NULL;
	int			source = -1;

	for (int i = 0; i < level->nassigns; i++)
	{
		PhigFlowAssign *assign = &level->assigns[i];

		if ((attno == InvalidAttrNumber || assign->attno == attno) &&
			(assign->proposed || !only_proposed))
		{
			const Bitmapset *set = assigned_set(ctx, level, assign);

			*out = bms_add_members(*out, set);
		}
	}
	/* A generated column follows those it is computed from. */
	if (attno != InvalidAttrNumber && level->nassigns > 0 && rte->relkind != RELKIND_VIEW)
		from = phig_flow_generated_from(rte->relid, attno, false);
	while ((source = bms_next_member(from, source)) >= 0)
		phig_flow_assigned(ctx, level, source, only_proposed, out);
}

/* Collects stored, written, and what steers a data-modifying statement. */
void
phig_flow_dml(PhigFlowContext *ctx, PhigFlowLevel *level)
{
	Query	   *query = level->query;
	PhigFlowRel *rel = phig_flow_source_rel(ctx, level, query->resultRelation);
	ListCell   *lc;

	phig_flow_reach_source(ctx, level, query->resultRelation);
	for (int i = 0; i < level->nassigns; i++)
		store(ctx, level, &level->assigns[i]);
	if (rel != NULL && removes_rows(query))
		phig_flow_add_row(ctx, rel, &ctx->written);
	steer_by_junk(ctx, level, query->targetList);
	if (query->commandType == CMD_MERGE)
		steer_by_merge(ctx, level);
	if (query->onConflict)
		steer_by_conflict(ctx, level);
	if (ctx->governed)
		return;					/* check options and triggers are not the session's questions */
	foreach(lc, query->withCheckOptions)
		phig_flow_expr(ctx, level, lfirst_node(WithCheckOption, lc)->qual, &ctx->used);
	if (rel != NULL)
		fire_triggers(ctx, level, rel);
}

static void
store(PhigFlowContext *ctx, PhigFlowLevel *level, PhigFlowAssign *assign)
{
	const Bitmapset *set = assigned_set(ctx, level, assign);
	PhigFlowRel *rel = phig_flow_source_rel(ctx, level, level->query->resultRelation);

	ctx->stored = bms_add_members(ctx->stored, set);
	if (rel != NULL && assign->attno >= 1 && assign->attno <= rel->natts &&
		phig_flow_counts(ctx, &rel->labels[assign->attno - 1]))
		phig_flow_add_column(ctx, rel, assign->attno, &ctx->written);
	else if (set != NULL)
		note_unlabelled(ctx, level, assign->attno, set);
}

static void
note_unlabelled(PhigFlowContext *ctx, PhigFlowLevel *level, AttrNumber attno, const Bitmapset *set)
{
	Oid			relid = rt_fetch(level->query->resultRelation, level->query->rtable)->relid;
	PhigFlowTarget *target;
	ListCell   *lc;

	if (relid < FirstNormalObjectId || target_is_phi(ctx, level, attno))
		return;
	foreach(lc, ctx->targets)
	{
		target = lfirst(lc);
		if (target->relid == relid && target->attno == attno)
		{
			target->sources = bms_add_members(target->sources, set);
			return;
		}
	}
	target = palloc(sizeof(PhigFlowTarget));
	target->relid = relid;
	target->attno = attno;
	target->sources = bms_copy(set);
	ctx->targets = lappend(ctx->targets, target);
}

/* Only a view with an INSTEAD OF trigger can still be: by what its column shows. */
static bool
target_is_phi(PhigFlowContext *ctx, PhigFlowLevel *level, AttrNumber attno)
{
	PhigFlowLevel *view = phig_flow_source_level(ctx, level, level->query->resultRelation);
	Bitmapset  *set = NULL;
	PhigLabel	label;

	if (view == NULL)
		return false;
	phig_flow_level_column(ctx, view, attno, &set);
	label = phig_flow_strictest(ctx, set);
	return phig_label_is_phi(&label);
}

/* The old row that an INSTEAD OF trigger is handed; sub-selects of assignments only run. */
static void
steer_by_junk(PhigFlowContext *ctx, PhigFlowLevel *level, List *tlist)
{
	ListCell   *lc;

	foreach(lc, tlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Bitmapset  *set = NULL;

		if (!tle->resjunk)
			continue;
		phig_flow_expr(ctx, level, (Node *) tle->expr, &set);
		if (set != NULL)
			ctx->flags |= PHIG_FLOW_ROW_TRIGGER;
		ctx->used = bms_add_members(ctx->used, set);
	}
}

static void
steer_by_merge(PhigFlowContext *ctx, PhigFlowLevel *level)
{
	int			target = phig_compat_merge_target(level->query);
	ListCell   *lc;

	if (target > 0)
		phig_flow_reach_source(ctx, level, target);
	phig_flow_expr(ctx, level, phig_compat_merge_condition(level->query), &ctx->used);
	foreach(lc, level->query->mergeActionList)
	{
		MergeAction *action = lfirst_node(MergeAction, lc);

		phig_flow_expr(ctx, level, action->qual, &ctx->used);
		steer_by_junk(ctx, level, action->targetList);
	}
}

/* Which row is in the way decides: so the keys of the arbiter indexes steer. */
static void
steer_by_conflict(PhigFlowContext *ctx, PhigFlowLevel *level)
{
	OnConflictExpr *conflict = level->query->onConflict;
	PhigFlowRel *rel = phig_flow_source_rel(ctx, level, level->query->resultRelation);
	Relation	relation;
	ListCell   *lc;

	phig_flow_expr(ctx, level, conflict->onConflictWhere, &ctx->used);
	steer_by_junk(ctx, level, conflict->onConflictSet);
	/* That a value is taken tells any INSERT: no policy can hide it. */
	if (ctx->governed)
		return;
	phig_flow_expr(ctx, level, (Node *) conflict->arbiterElems, &ctx->used);
	phig_flow_expr(ctx, level, conflict->arbiterWhere, &ctx->used);
	if (rel == NULL || conflict->arbiterElems != NIL)
		return;
	if (OidIsValid(conflict->constraint))
	{
		steer_by_index(ctx, rel, get_constraint_index(conflict->constraint));
		return;
	}
	relation = RelationIdGetRelation(rel->relid);
	if (!RelationIsValid(relation))
		return;
	foreach(lc, RelationGetIndexList(relation))
		steer_by_index(ctx, rel, lfirst_oid(lc));
	RelationClose(relation);
}

static void
steer_by_index(PhigFlowContext *ctx, PhigFlowRel *rel, Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_index) GETSTRUCT(tuple);
	if (form->indisunique || form->indisexclusion)
	{
		bool		partial = !heap_attisnull(tuple, Anum_pg_index_indpred, NULL);

		for (int i = 0; i < form->indnkeyatts; i++)
		{
			/* An expression or a condition may be of any columns. */
			if (partial || form->indkey.values[i] <= 0)
				phig_flow_add_row(ctx, rel, &ctx->used);
			else
				phig_flow_add_column(ctx, rel, form->indkey.values[i], &ctx->used);
		}
	}
	ReleaseSysCache(tuple);
}

static void
fire_triggers(PhigFlowContext *ctx, PhigFlowLevel *level, PhigFlowRel *rel)
{
	const Query *query = level->query;
	const RangeTblEntry *rte = rt_fetch(query->resultRelation, query->rtable);
	Bitmapset  *assigned = NULL;

	for (int i = 0; i < level->nassigns; i++)
		assigned = bms_add_member(assigned, level->assigns[i].attno);
	if (phig_flow_row_trigger(rel->relid, rte->inh, events_of(query), assigned))
	{
		phig_flow_add_row(ctx, rel, &ctx->used);
		ctx->flags |= PHIG_FLOW_ROW_TRIGGER;
	}
}

static int
event_of(CmdType command)
{
	switch (command)
	{
		case CMD_INSERT:
			return TRIGGER_TYPE_INSERT;
		case CMD_UPDATE:
			return TRIGGER_TYPE_UPDATE;
		case CMD_DELETE:
			return TRIGGER_TYPE_DELETE;
		default:
			return 0;
	}
}

static int
events_of(const Query *query)
{
	int			events = event_of(query->commandType);
	ListCell   *lc;

	if (query->onConflict && query->onConflict->action == ONCONFLICT_UPDATE)
		events |= TRIGGER_TYPE_UPDATE;
	foreach(lc, query->mergeActionList)
		events |= event_of(lfirst_node(MergeAction, lc)->commandType);
	return events;
}

static bool
removes_rows(const Query *query)
{
	return (events_of(query) & TRIGGER_TYPE_DELETE) != 0;
}
