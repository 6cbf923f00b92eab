/*
 * collect.c
 *		Where does a query touch governed relations?
 *
 * All levels are visited: what stands in FROM, CTEs (also those that nobody reads: a plan may keep
 * them), sub-selects in expressions, those of row-level security and of check options among them:
 * whoever owns a table could write one that reads another.
 *
 * A set-returning SQL function is inlined by the planner, past planner_hook.  So it is
 * inlined here, by the same function of the server, and for good: what the planner would
 * put in its place later, it could not restrict any more.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"

#include "compat.h"
#include "enforce/internal.h"
#include "flow/flow.h"

typedef struct Collection
{
	const PhigSubject *subject;
	List	   *places;			/* of PhigPlace * */
	List	  **functions;
	List	   *calls;			/* entries of functions that reach none, */
	List	   *bodies;			/* and what the planner would put there */
} Collection;

static void collect(Query *query, Collection *found);
static void put_others_in_line(Collection *found);
static bool collect_sublinks(Node *node, void *context);
static void put_in_line(Query *query, RangeTblEntry *rte, Collection *found);
static void add_place(Query *query, Index rti, Collection *found);

List *
phig_enforce_places(Query *query, const PhigSubject *subject, List **functions)
{
	Collection	found = {.subject = subject, .functions = functions};

	collect(query, &found);
	if (found.places != NIL)
		put_others_in_line(&found);
	return found.places;
}

/*
 * Beside governed relations, those that reach none too, as they were looked at: the planner would look again, and what
 * it folds may have put another body there.
 */
static void
put_others_in_line(Collection *found)
{
	ListCell   *lc;
	ListCell   *lc2;

	forboth(lc, found->calls, lc2, found->bodies)
		phig_flow_put_in_line(lfirst_node(RangeTblEntry, lc), lfirst_node(Query, lc2), found->functions);
}

static void
collect(Query *query, Collection *found)
{
	Index		rti = 0;
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		rti++;
		if (rte->rtekind == RTE_FUNCTION)
			put_in_line(query, rte, found);
		else if (rte->rtekind == RTE_SUBQUERY)
			collect(rte->subquery, found);
		/* Views have been expanded, and EXCLUDED (a composite type) shows what INSERT proposes. */
		else if ((rte->rtekind == RTE_RELATION && rte->relkind != RELKIND_VIEW &&
				  rte->relkind != RELKIND_COMPOSITE_TYPE) ||
				 (rte->rtekind == RTE_NAMEDTUPLESTORE && OidIsValid(rte->relid)))
		{
			if (phig_policy_governs_for(found->subject, rte->relid))
				add_place(query, rti, found);
		}
	}
	foreach(lc, query->cteList)
		collect(castNode(Query, lfirst_node(CommonTableExpr, lc)->ctequery), found);
	if (query->hasSubLinks)
		query_tree_walker(query, collect_sublinks, found,
						  QTW_IGNORE_RT_SUBQUERIES | QTW_IGNORE_CTE_SUBQUERIES |
						  QTW_IGNORE_JOINALIASES);
}

static bool
collect_sublinks(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		collect((Query *) node, context);
		return false;
	}
	return expression_tree_walker(node, collect_sublinks, context);
}

/* One that reaches nothing of ours waits: without any other it is left to the planner. */
static void
put_in_line(Query *query, RangeTblEntry *rte, Collection *found)
{
	Query	   *inlined = phig_flow_inline(query, rte);
	int			places = list_length(found->places);

	if (inlined == NULL)
		return;
	collect(inlined, found);
	if (list_length(found->places) > places)
		phig_flow_put_in_line(rte, inlined, found->functions);
	else
	{
		found->calls = lappend(found->calls, rte);
		found->bodies = lappend(found->bodies, inlined);
	}
}

static void
add_place(Query *query, Index rti, Collection *found)
{
	PhigPlace  *place = palloc0(sizeof(PhigPlace));

	place->query = query;
	place->rti = rti;
	place->is_target = query->commandType != CMD_SELECT && query->resultRelation == (int) rti;
	found->places = lappend(found->places, place);
}
