/*
 * inherited.c
 *		Labelled columns of children that a plan reaches through a parent that lacks the label.
 *
 * The query names the parent, so that the flow knows nothing of them: a child, or a
 * partition, may have labels of its own, from before it was attached or given later.
 * The plan says which children it reads, and by which column of which parent.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "nodes/bitmapset.h"
#include "nodes/pathnodes.h"
#include "parser/parsetree.h"

#include "compat.h"
#include "journal/inherited.h"
#include "label/label.h"

typedef struct Columns
{
	const PlannedStmt *plan;
	AppendRelInfo **parent_of;	/* by range-table index; NULL: not a child */
	PhigFlow   *flow;
	bool		removes;		/* rows of its result relations may be removed */

	/* The parent looked at last; its labels are the cache's, good until an invalidation. */
	Oid			parent;
	const PhigRelLabels *parent_labels;
	uint64		looked;			/* phig_label_invalidations then */
} Columns;

static AppendRelInfo **list_parents(const PlannedStmt *plan);
static bool is_child(const PlannedStmt *plan, const AppendRelInfo *parent);
static bool is_covered(Columns *columns, const AppendRelInfo *info, Oid relid);
static bool is_phi(Oid relid, AttrNumber attno);
static void add_child(Columns *columns, Index rti);
static void add(PhigFlowSet *set, const PhigFlowItem *item);

bool
phig_inherited_columns(const PlannedStmt *plan, PhigFlow *flow)
{
	Columns		columns = {.plan = plan, .flow = flow};
	int			before = flow->returned.nitems + flow->written.nitems;
	ListCell   *lc;

	if (plan->appendRelations == NIL)
		return false;
	columns.removes = plan->commandType == CMD_DELETE || plan->commandType == CMD_MERGE ||
		plan->hasModifyingCTE;
	foreach(lc, plan->appendRelations)
	{
		const AppendRelInfo *info = lfirst_node(AppendRelInfo, lc);
		Oid			child = rt_fetch(info->child_relid, plan->rtable)->relid;

		if (phig_label_is_covered(child, info->parent_reloid) || !is_child(plan, info))
			continue;
		if (is_covered(&columns, info, child))
		{
			if (columns.looked == phig_label_invalidations)
				phig_label_set_covered(child, info->parent_reloid);
			continue;
		}
		if (columns.parent_of == NULL)
			columns.parent_of = list_parents(plan);
		add_child(&columns, info->child_relid);
	}
	return flow->returned.nitems + flow->written.nitems > before;
}

static AppendRelInfo **
list_parents(const PlannedStmt *plan)
{
	AppendRelInfo **parents = palloc0((list_length(plan->rtable) + 1) * sizeof(AppendRelInfo *));
	ListCell   *lc;

	foreach(lc, plan->appendRelations)
	{
		AppendRelInfo *info = lfirst_node(AppendRelInfo, lc);

		if (is_child(plan, info))
			parents[info->child_relid] = info;
	}
	return parents;
}

/* Branches of UNION ALL are children too, of no relation. */
static bool
is_child(const PlannedStmt *plan, const AppendRelInfo *info)
{
	return rt_fetch(info->child_relid, plan->rtable)->rtekind == RTE_RELATION &&
		rt_fetch(info->parent_relid, plan->rtable)->rtekind == RTE_RELATION &&
		OidIsValid(info->parent_reloid);
}

/* A quick look, since most partitions have the labels that their parent gives them. */
static bool
is_covered(Columns *columns, const AppendRelInfo *info, Oid relid)
{
	const PhigRelLabels *parent;
	const PhigRelLabels *child;

	/* One that is met for the first time counts as an invalidation: let that be over. */
	(void) phig_label_relation(relid);
	if (columns->parent != info->parent_reloid || columns->looked != phig_label_invalidations)
	{
		columns->looked = phig_label_invalidations;
		columns->parent = info->parent_reloid;
		columns->parent_labels = phig_label_relation(info->parent_reloid);
	}
	parent = columns->parent_labels;
	child = phig_label_relation(relid);
	if (child == NULL)
		return true;
	if (parent == NULL || columns->looked != phig_label_invalidations)
		return false;
	for (AttrNumber attno = 1; attno <= child->natts; attno++)
	{
		AttrNumber	column = attno <= info->num_child_cols ? info->parent_colnos[attno - 1] : 0;

		if (phig_label_is_phi(&child->cols[attno - 1]) &&
			(column <= 0 || column > parent->natts || !phig_label_is_phi(&parent->cols[column - 1])))
			return false;
	}
	return true;
}

static bool
is_phi(Oid relid, AttrNumber attno)
{
	const PhigRelLabels *labels = phig_label_relation(relid);

	return labels != NULL && attno <= labels->natts && phig_label_is_phi(&labels->cols[attno - 1]);
}

/* Each labelled column, up to the entry that the query named: nothing when an ancestor's column is labelled too. */
static void
add_child(Columns *columns, Index rti)
{
	const PlannedStmt *plan = columns->plan;
	const PhigRelLabels *labels = phig_label_relation_copy(rt_fetch(rti, plan->rtable)->relid);
	bool		removed = columns->removes && list_member_int(plan->resultRelations, rti);

	for (AttrNumber attno = 1; attno <= labels->natts; attno++)
	{
		PhigFlowItem item = {.relid = labels->relid, .attno = attno, .form = PHIG_FORM_CLEAR,
		.label = labels->cols[attno - 1]};
		Index		top = rti;
		AttrNumber	column = attno;
		Bitmapset  *selected,
				   *assigned;
		bool		known = false;

		if (!phig_label_is_phi(&item.label))
			continue;
		while (columns->parent_of[top] != NULL && !known)
		{
			const AppendRelInfo *info = columns->parent_of[top];

			column = column > 0 && column <= info->num_child_cols ? info->parent_colnos[column - 1] : 0;
			top = info->parent_relid;
			known = column > 0 && is_phi(info->parent_reloid, column);
		}
		if (known)
			continue;
		phig_compat_rte_columns(plan, rt_fetch(top, plan->rtable), &selected, &assigned);
		if (column > 0 &&
			(bms_is_member(column - FirstLowInvalidHeapAttributeNumber, selected) ||
			 bms_is_member(InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber, selected)))
			add(&columns->flow->returned, &item);
		if (removed ||
			(column > 0 && bms_is_member(column - FirstLowInvalidHeapAttributeNumber, assigned)))
			add(&columns->flow->written, &item);
	}
}

static void
add(PhigFlowSet *set, const PhigFlowItem *item)
{
	for (int i = 0; i < set->nitems; i++)
		if (set->items[i].relid == item->relid && set->items[i].attno == item->attno &&
			set->items[i].form == item->form)
			return;
	set->items = set->items ? repalloc(set->items, (set->nitems + 1) * sizeof(PhigFlowItem)) :
		palloc(sizeof(PhigFlowItem));
	set->items[set->nitems++] = *item;
}
