/*
 * written.c
 *		Whose rows a statement writes: read where they are written.
 *
 * The row that goes into a table is known last of all: generated columns, BEFORE triggers, ON CONFLICT, and rows that
 * another transaction has changed meanwhile have had their turn.  The executor then looks whether the row meets
 * the check options of views and policies, so each relation that is written to gets such checks of ours:
 * they look at the row, and are always met.
 *
 * Partitions that rows are routed to are met when the first row has gone there: for them the rows of the plan
 * below tell.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/rel.h"

#include "subject/path.h"
#include "subject/written.h"

typedef struct Check
{
	PhigCapture *capture;
	PhigCaptureSource *source;
} Check;

static void watch_target(PhigCapture *capture, const ModifyTableState *node, ResultRelInfo *target);
static void add_check(ResultRelInfo *target, WCOKind kind, ExprState *state);
static Datum look(ExprState *state, ExprContext *context, bool *isnull);
static bool settle(PlanState *node, void *context);
static bool has_unseen_target(ModifyTableState *node);
static bool may_give_away(const ResultRelInfo *target, bool inserts, bool updates);
static bool has_subject(const ResultRelInfo *target);
static bool has_unseen_version(ModifyTableState *node);
static bool changes_subject(ModifyTableState *node, ResultRelInfo *target);

void
phig_written_watch(PhigCapture *capture, ModifyTableState *node)
{
	MemoryContext old;

	if (node->operation == CMD_DELETE)
		return;
	old = MemoryContextSwitchTo(node->ps.state->es_query_cxt);
	for (int i = 0; i < node->mt_nrels; i++)
		watch_target(capture, node, &node->resultRelInfo[i]);
	/* Where MERGE inserts, if it is none of those. */
	if (node->rootResultRelInfo < node->resultRelInfo ||
		node->rootResultRelInfo >= node->resultRelInfo + node->mt_nrels)
		watch_target(capture, node, node->rootResultRelInfo);
	MemoryContextSwitchTo(old);
}

static void
watch_target(PhigCapture *capture, const ModifyTableState *node, ResultRelInfo *target)
{
	Relation	relation = target->ri_RelationDesc;
	const PhigSubjectPath *found;
	PhigSubjectPath path;
	ExprState  *state;
	Check	   *check;

	if (relation->rd_rel->relkind != RELKIND_RELATION)
		return;
	found = phig_subject_path(RelationGetRelid(relation));
	if (found == NULL)
		return;
	if (found->space[0] == '\0')
	{
		phig_capture_unnamed(capture);
		return;
	}
	path = *found;
	check = palloc(sizeof(Check));
	check->capture = capture;
	check->source = phig_capture_source(capture, &path,
										TupleDescAttr(RelationGetDescr(relation), path.attno - 1)->atttypid);
	state = makeNode(ExprState);
	state->flags = EEO_FLAG_IS_QUAL;
	state->evalfunc = look;
	state->evalfunc_private = check;
	add_check(target, WCO_VIEW_CHECK, state);
	/* Rows that are written over, where no scan has shown them as they are. */
	if (((ModifyTable *) node->ps.plan)->onConflictAction == ONCONFLICT_UPDATE)
		add_check(target, WCO_RLS_CONFLICT_CHECK, state);
	if (node->operation == CMD_MERGE)
	{
		add_check(target, WCO_RLS_MERGE_UPDATE_CHECK, state);
		add_check(target, WCO_RLS_MERGE_DELETE_CHECK, state);
	}
}

static void
add_check(ResultRelInfo *target, WCOKind kind, ExprState *state)
{
	WithCheckOption *option = makeNode(WithCheckOption);

	option->kind = kind;
	option->relname = RelationGetRelationName(target->ri_RelationDesc);
	/* The plan's own list is not ours to change. */
	target->ri_WithCheckOptions = lappend(list_copy(target->ri_WithCheckOptions), option);
	target->ri_WithCheckOptionExprs = lappend(list_copy(target->ri_WithCheckOptionExprs), state);
}

static Datum
look(ExprState *state, ExprContext *context, bool *isnull)
{
	Check	   *check = state->evalfunc_private;

	phig_capture_row(check->capture, check->source, context->ecxt_scantuple);
	*isnull = false;
	return BoolGetDatum(true);
}

/* --- after a run --- */

void
phig_written_settle(QueryDesc *query_desc, const PhigSubjectSources *sources, PhigPersonSet *set)
{
	bool		has_scans = phig_subject_has_scans(sources);

	if (query_desc->plannedstmt->resultRelations != NIL && settle(query_desc->planstate, &has_scans))
		phig_persons_unnamed(set);
}

static bool
settle(PlanState *node, void *context)
{
	bool		has_scans = *(bool *) context;

	if (node == NULL)
		return false;
	if (IsA(node, ModifyTableState))
	{
		ModifyTableState *writer = (ModifyTableState *) node;
		bool		rechecked = writer->mt_epqstate.recheckestate != NULL;

		/*
		 * For a row that has changed meanwhile scans are made anew; what was read along of others
		 * stays.
		 */
		if ((has_scans && rechecked) || has_unseen_target(writer) || has_unseen_version(writer))
			return true;
	}
	return planstate_tree_walker(node, settle, context);
}

/* Rows that a trigger may have given to others and that went where no check is: to partitions, foreign servers. */
static bool
has_unseen_target(ModifyTableState *node)
{
	const List *routed = node->ps.state->es_tuple_routing_result_relations;
	bool		updates = ((const ModifyTable *) node->ps.plan)->onConflictAction == ONCONFLICT_UPDATE;
	ListCell   *lc;

	foreach(lc, routed)
		if (may_give_away(lfirst(lc), true, updates))
			return true;
	for (int i = 0; i < node->mt_nrels; i++)
	{
		const ResultRelInfo *target = &node->resultRelInfo[i];
		bool		is_foreign = target->ri_RelationDesc->rd_rel->relkind == RELKIND_FOREIGN_TABLE;

		/* UPDATE takes rows from there to a partition. */
		if (may_give_away(target, is_foreign && node->operation == CMD_INSERT, routed != NIL))
			return true;
	}
	return false;
}

/* Is there a trigger before these actions, which may change whose a row is? */
static bool
may_give_away(const ResultRelInfo *target, bool inserts, bool updates)
{
	const TriggerDesc *triggers = target->ri_TrigDesc;

	return triggers != NULL && has_subject(target) &&
		((inserts && triggers->trig_insert_before_row) || (updates && triggers->trig_update_before_row));
}

static bool
has_subject(const ResultRelInfo *target)
{
	return phig_subject_path(RelationGetRelid(target->ri_RelationDesc)) != NULL;
}

/*
 * Rows that another transaction had changed since the snapshot are read anew, where nobody looks.  UPDATE shows whose
 * they are now, unless it is that which it changes; MERGE shows both.  A foreign server shows nothing.
 */
static bool
has_unseen_version(ModifyTableState *node)
{
	bool		rechecked = node->mt_epqstate.recheckestate != NULL;

	if (node->operation != CMD_UPDATE && node->operation != CMD_DELETE)
		return false;
	for (int i = 0; i < node->mt_nrels; i++)
	{
		ResultRelInfo *target = &node->resultRelInfo[i];

		if ((rechecked || target->ri_RelationDesc->rd_rel->relkind == RELKIND_FOREIGN_TABLE) && has_subject(target) &&
			(node->operation == CMD_UPDATE ? changes_subject(node, target) : rechecked))
			return true;
	}
	return false;
}

static bool
changes_subject(ModifyTableState *node, ResultRelInfo *target)
{
	const PhigSubjectPath *path = phig_subject_path(RelationGetRelid(target->ri_RelationDesc));

	return (target->ri_TrigDesc != NULL && target->ri_TrigDesc->trig_update_before_row) ||
		bms_is_member(path->attno - FirstLowInvalidHeapAttributeNumber,
					  ExecGetAllUpdatedCols(target, node->ps.state));
}
