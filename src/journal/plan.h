/*
 * plan.h
 *		From the planner to the executor: what a plan does to labelled columns.
 */
#ifndef PHIG_PLAN_H
#define PHIG_PLAN_H

#include "postgres.h"

#include "executor/execdesc.h"
#include "nodes/plannodes.h"

#include "flow/flow.h"
#include "journal/access.h"

typedef struct PhigPlanning
{
	PhigFlow   *flow;
	PhigStatement statement;
	char	   *text;			/* normalised */
	uint64		fingerprint;
	int			depth;			/* phig_code_depth where it was planned: EXPLAIN wants its own */
} PhigPlanning;

/*
 * phig_plan_begin
 *		Analyse a rewritten query before the planner scribbles on it.
 *
 * False when it meets no labelled relation: nothing more to do.
 */
extern bool phig_plan_begin(Query *query, const char *query_string, PhigPlanning *planning);

/* Give the plan its carrier; what only the plan tells (children) is added before. */
extern void phig_plan_finish(PlannedStmt *plan, PhigPlanning *planning);

/*
 * phig_plan_start
 *		The guard at executor start, and the start record.
 *
 * NULL when the plan reaches no labelled column.  A plan that touches labelled
 * relations without a carrier was made behind the planner hook's back, one with
 * a stale carrier before a label changed: it is recorded in full, as if all columns
 * that it may read were returned.
 * Errors: PG001; PG003 for phiguard.on_unlabelled_store.
 */
extern PhigExecution *phig_plan_start(QueryDesc *query_desc);

/* What the plan made last carries, for EXPLAIN; set while phig_plan_capture is not NULL. */
extern PhigPlanning *phig_plan_capture;

#endif
