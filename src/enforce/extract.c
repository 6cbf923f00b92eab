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

static void find_problems(const PhigFlow *asked, List *places, List *unreached, List **problems);
static void look_at_set(const PhigFlowSet *set, const PhigRelPolicy *policy, List *unreached, List **problems);
static void tell_decisions(const PhigFlow *asked, List *places, StringInfo decided);
static void tell_set(const PhigFlowSet *set, const PhigRelPolicy *policy, StringInfo decided);
static Oid	taker(const PhigFlowItem *item, List *unreached);
static List *add_problem(List *problems, const PhigFlowItem *item, char *text);

void
phig_enforce_extract(Query *query, const PhigSubject *subject, int method, PhigEnforcement *done, List **problems,
					 StringInfo decided)
{
	List	   *places;
	List	   *unreached;
	const PhigFlow *asked;
	ListCell   *lc;

	memset(done, 0, sizeof(*done));
	places = phig_enforce_places(query, subject, &done->functions);
	done->applies = places != NIL;
	phig_enforce_look_up(places, subject, done);
	unreached = phig_enforce_clear(query, places, method);
	/* What is read in clear points behind the relations' columns by now, and is not among this. */
	asked = phig_flow_analyze_governed(query);
	find_problems(asked, places, unreached, problems);
	if (decided != NULL)
		tell_decisions(asked, places, decided);
	foreach(lc, places)
	{
		const PhigPlace *place = lfirst(lc);

		if (place->policy != NULL && !place->policy->all_clear)
			phig_enforce_show(place, subject);
	}
}

static void
find_problems(const PhigFlow *asked, List *places, List *unreached, List **problems)
{
	ListCell   *lc;

	if (asked == NULL)
		return;
	foreach(lc, places)
	{
		const PhigPlace *place = lfirst(lc);

		if (place->policy == NULL)
			continue;
		look_at_set(&asked->returned, place->policy, unreached, problems);
		look_at_set(&asked->referenced, place->policy, unreached, problems);
	}
}

static void
look_at_set(const PhigFlowSet *set, const PhigRelPolicy *policy, List *unreached, List **problems)
{
	for (int i = 0; i < set->nitems; i++)
	{
		const PhigFlowItem *item = &set->items[i];
		PhigAction	action;
		const char *column;
		Oid			function;

		if (item->relid != policy->relid || item->attno > policy->natts)
			continue;
		action = policy->columns[item->attno - 1].action;
		if (action == PHIG_ACTION_CLEAR)
			continue;
		column = psprintf("%s.%s", phig_enforce_relation_name(item->relid),
						  quote_identifier(get_attname(item->relid, item->attno, false)));
		function = taker(item, unreached);
		if (OidIsValid(function))
			*problems = add_problem(*problems, item,
									psprintf("column %s does not reach %s() as it is: call it where the table is read, "
											 "before rows are grouped, made distinct or put together",
											 column, get_func_name(function)));
		else if (action == PHIG_ACTION_DENY)
			*problems = add_problem(*problems, item, psprintf("the purpose does not show column %s, which the query reads",
															  column));
	}
}

/* What holds for the columns that the query asks for, and for rows. */
static void
tell_decisions(const PhigFlow *asked, List *places, StringInfo decided)
{
	ListCell   *lc;

	foreach(lc, places)
	{
		const PhigRelPolicy *policy = ((const PhigPlace *) lfirst(lc))->policy;

		if (policy == NULL)
			continue;
		if (policy->rows != NULL)
			appendStringInfo(decided, "\n%u rows %s", policy->relid, nodeToString(policy->rows));
		if (asked == NULL)
			continue;
		tell_set(&asked->returned, policy, decided);
		tell_set(&asked->referenced, policy, decided);
	}
}

static void
tell_set(const PhigFlowSet *set, const PhigRelPolicy *policy, StringInfo decided)
{
	for (int i = 0; i < set->nitems; i++)
	{
		const PhigFlowItem *item = &set->items[i];

		if (item->relid == policy->relid && item->attno <= policy->natts)
			appendStringInfo(decided, "\n%u.%d shown %s", item->relid, item->attno,
							 phig_policy_shown(&policy->columns[item->attno - 1]));
	}
}

/* A transform without a way to its argument, which this column may be; InvalidOid: none. */
static Oid
taker(const PhigFlowItem *item, List *unreached)
{
	ListCell   *lc;

	foreach(lc, unreached)
	{
		PhigLabel	left;

		if (item->form == lfirst_oid(lc) ||
			(item->form == PHIG_FORM_CLEAR && phig_flow_transform(lfirst_oid(lc), &item->label, false, &left)))
			return lfirst_oid(lc);
	}
	return InvalidOid;
}

static List *
add_problem(List *problems, const PhigFlowItem *item, char *text)
{
	PhigExtractProblem *problem;
	ListCell   *lc;

	foreach(lc, problems)
		if (strcmp(((PhigExtractProblem *) lfirst(lc))->text, text) == 0)
			return problems;
	problem = palloc(sizeof(PhigExtractProblem));
	problem->text = text;
	problem->relid = item->relid;
	problem->attno = item->attno;
	return lappend(problems, problem);
}
