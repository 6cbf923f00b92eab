/*
 * extract.c
 *		The query of an extract's view, restricted to what its purpose shows and its method accepts.
 *
 * Whoever reads the view and whatever mode the server is in: the purpose is the extract's.  A column is read as the
 * purpose shows it, but by transforms that the method accepts (clear.c).
 */
#include "postgres.h"

#include "nodes/bitmapset.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "enforce/internal.h"

static void find_problems(const PhigFlow *asked, List *places, int method, List **problems);
static void look_at_set(const PhigFlowSet *set, const PhigRelPolicy *policy, int method, List **problems);
static List *add_problem(List *problems, char *problem);

void
phig_enforce_extract(Query *query, const PhigSubject *subject, int method, PhigEnforcement *done, List **problems)
{
	List	   *places;
	ListCell   *lc;

	memset(done, 0, sizeof(*done));
	places = phig_enforce_places(query, subject, &done->functions);
	done->applies = places != NIL;
	phig_enforce_look_up(places, subject, done);
	foreach(lc, places)
	{
		const PhigPlace *place = lfirst(lc);

		done->relids = list_append_unique_oid(done->relids, rt_fetch(place->rti, place->query->rtable)->relid);
		if (place->policy)
			done->relids = list_concat_unique_oid(done->relids, place->policy->reads);
	}
	phig_enforce_clear(query, places, method);
	/* What is read in clear points behind the relations' columns by now, and is not among this. */
	find_problems(phig_flow_analyze_governed(query), places, method, problems);
	foreach(lc, places)
	{
		const PhigPlace *place = lfirst(lc);

		if (place->policy != NULL && !place->policy->all_clear)
			phig_enforce_show(place, subject);
	}
}

static void
find_problems(const PhigFlow *asked, List *places, int method, List **problems)
{
	ListCell   *lc;

	if (asked == NULL)
		return;
	foreach(lc, places)
	{
		const PhigPlace *place = lfirst(lc);

		if (place->policy == NULL)
			continue;
		look_at_set(&asked->returned, place->policy, method, problems);
		look_at_set(&asked->referenced, place->policy, method, problems);
	}
}

static void
look_at_set(const PhigFlowSet *set, const PhigRelPolicy *policy, int method, List **problems)
{
	for (int i = 0; i < set->nitems; i++)
	{
		const PhigFlowItem *item = &set->items[i];
		PhigAction	action;
		const char *column;

		if (item->relid != policy->relid || item->attno > policy->natts)
			continue;
		action = policy->columns[item->attno - 1].action;
		if (action == PHIG_ACTION_CLEAR)
			continue;
		column = psprintf("%s.%s", phig_enforce_relation_name(item->relid),
						  quote_identifier(get_attname(item->relid, item->attno, false)));
		if (item->form != PHIG_FORM_CLEAR && phig_flow_method_accepts(item->form, method))
			*problems = add_problem(*problems,
									psprintf("column %s does not reach %s() as it is: call it where the table is read, before rows are grouped, made distinct or put together",
											 column, get_func_name(item->form)));
		else if (action == PHIG_ACTION_DENY)
			*problems = add_problem(*problems, psprintf("the purpose does not show column %s, which the query reads", column));
	}
}

static List *
add_problem(List *problems, char *problem)
{
	ListCell   *lc;

	foreach(lc, problems)
		if (strcmp(lfirst(lc), problem) == 0)
			return problems;
	return lappend(problems, problem);
}
