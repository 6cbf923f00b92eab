/*
 * sources.c
 *		Whose rows a query returns: what was found, for the plan, and where the planner put it.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"

#include "journal/format.h"
#include "subject/hidden.h"
#include "subject/path.h"
#include "subject/trace.h"

#define COLUMN_NAME "phiguard subject %d"

static bool mentions_subject(Node *node, void *context);
static AttrNumber add_column(Query *query, const Exposed *exposed, int number);

PhigSubjectSources *
phig_trace_sources(const Trace *trace, Query *query, List *exposed)
{
	int			nsources = list_length(exposed) + list_length(trace->scans) + list_length(trace->written);
	Size		bytes = offsetof(PhigSubjectSources, sources) + nsources * sizeof(PhigSubjectSource);
	PhigSubjectSources *sources = palloc0(bytes);
	PhigSubjectSource *next = sources->sources;
	ListCell   *lc;
	int			number = 0;

	sources->bytes = bytes;
	/* Where nobody's rows are anywhere, there is nothing to capture. */
	sources->captured = !trace->unsure && (nsources > 0 || mentions_subject((Node *) query, NULL));
	sources->manner = trace->contributes ? PHIG_MANNER_AGGREGATE :
		query->commandType == CMD_SELECT ? PHIG_MANNER_ROWS : PHIG_MANNER_WRITTEN;
	if (!sources->captured)
		return sources;
	sources->nsources = nsources;
	foreach(lc, exposed)
	{
		Exposed    *one = lfirst(lc);

		next->path = one->path;
		next->resno = one->expr ? add_column(query, one, number++) : one->resno;
		next++;
	}
	foreach(lc, trace->scans)
		(next++)->path = *(PhigSubjectPath *) lfirst(lc);
	foreach(lc, trace->written)
	{
		next->path = *(PhigSubjectPath *) lfirst(lc);
		(next++)->resno = PHIG_SUBJECT_WRITTEN;
	}
	return sources;
}

static bool
mentions_subject(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return ((RangeTblEntry *) node)->rtekind == RTE_RELATION &&
			phig_subject_path(((RangeTblEntry *) node)->relid) != NULL;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, mentions_subject, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, mentions_subject, context);
}

/* A column of the result that it is anyway; 0: none. */
AttrNumber
phig_trace_find_column(const Query *query, const Exposed *exposed)
{
	ListCell   *lc;

	if (query->commandType == CMD_SELECT)
		foreach(lc, query->targetList)
		{
			TargetEntry *tle = lfirst_node(TargetEntry, lc);

			if (!tle->resjunk && equal(tle->expr, exposed->expr))
				return tle->resno;
		}
	return 0;
}

/* A column of the result, which may be there anyway; less than 0: the name of a new one. */
static AttrNumber
add_column(Query *query, const Exposed *exposed, int number)
{
	AttrNumber	resno = phig_trace_find_column(query, exposed);

	if (resno > 0)
		return resno;
	query->targetList = lappend(query->targetList,
								makeTargetEntry(exposed->expr, list_length(query->targetList) + 1,
												psprintf(COLUMN_NAME, number), true));
	return -1 - number;
}

void
phig_subject_planned(PlannedStmt *plan, PhigSubjectSources *sources)
{
	Plan	   *rows = IsA(plan->planTree, ModifyTable) ? outerPlan(plan->planTree) : plan->planTree;

	phig_subject_hide(plan);
	for (int i = 0; i < sources->nsources; i++)
	{
		PhigSubjectSource *source = &sources->sources[i];
		ListCell   *lc;

		plan->relationOids = list_concat(plan->relationOids, phig_subject_path_relations(source->path.relid));
		if (source->resno >= 0 || source->resno == PHIG_SUBJECT_WRITTEN)
			continue;
		foreach(lc, rows->targetlist)
		{
			TargetEntry *tle = lfirst_node(TargetEntry, lc);
			char		name[NAMEDATALEN];

			snprintf(name, sizeof(name), COLUMN_NAME, -1 - source->resno);
			if (tle->resjunk && tle->resname != NULL && strcmp(tle->resname, name) == 0)
			{
				source->resno = tle->resno;
				break;
			}
		}
		/* The planner proved that there are no rows, or did what we do not know of. */
		if (source->resno < 0)
		{
			sources->captured = false;
			sources->nsources = 0;
		}
	}
}
