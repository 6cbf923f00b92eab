/*
 * hidden.c
 *		Columns that are read along, in the whole rows that the planner asks for.
 *
 * Beside rows that are locked or written the planner asks for whole rows of sub-selects that it has not pulled up, for
 * when such a row has changed meanwhile; those of a view have the view's type, and so must not have further columns.
 * The executor leaves resjunk columns out of whole rows, wherever they stand; the planner does not always take them.
 * So they become such in the plan.  When a row is read anew they are missing: see capture.c.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/plannodes.h"

#include "subject/hidden.h"

static void hide(Plan *plan);
static void hide_all(List *plans);

void
phig_subject_hide(PlannedStmt *plan)
{
	if (plan->rowMarks == NIL && plan->resultRelations == NIL)
		return;
	hide(plan->planTree);
	hide_all(plan->subplans);
}

static void
hide(Plan *plan)
{
	ListCell   *lc;

	if (plan == NULL)
		return;
	check_stack_depth();
	hide(plan->lefttree);
	hide(plan->righttree);
	switch (nodeTag(plan))
	{
		case T_Append:
			hide_all(((Append *) plan)->appendplans);
			break;
		case T_MergeAppend:
			hide_all(((MergeAppend *) plan)->mergeplans);
			break;
		case T_CustomScan:
			hide_all(((CustomScan *) plan)->custom_plans);
			break;
		case T_SubqueryScan:
			foreach(lc, ((SubqueryScan *) plan)->subplan->targetlist)
				lfirst_node(TargetEntry, lc)->resjunk |= lfirst_node(TargetEntry, lc)->resorigcol == PHIG_HIDDEN_COLUMN;
			hide(((SubqueryScan *) plan)->subplan);
			break;
		default:
			break;
	}
}

static void
hide_all(List *plans)
{
	ListCell   *lc;

	foreach(lc, plans)
		hide(lfirst(lc));
}
