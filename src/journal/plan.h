/*
 * plan.h
 *		From the planner to the executor: what a plan does to labelled columns.
 */
#ifndef PHIG_PLAN_H
#define PHIG_PLAN_H

#include "postgres.h"

#include "executor/execdesc.h"
#include "nodes/plannodes.h"

#include "enforce/enforce.h"
#include "flow/flow.h"
#include "journal/access.h"
#include "subject/query.h"

typedef struct PhigPlanning
{
	PhigFlow   *flow;
	PhigStatement statement;
	char	   *text;			/* normalised */
	uint64		fingerprint;
	PhigEnforcement enforced;
	PhigSubjectSources *subjects;	/* NULL: nothing is captured */
	uint32		flags;			/* PHIG_FLAG_WOULD_... */
	int			depth;			/* phig_code_depth where it was planned: EXPLAIN wants its own */
} PhigPlanning;

/*
 * phig_plan_begin
 *		Restrict a rewritten query to what the session's purpose shows, and say what it does then.
 *
 * False when it meets no labelled relation: nothing more to do.
 * Errors: 42501, on record, for what the purpose does not show.
 */
extern bool phig_plan_begin(Query *query, const char *query_string, PhigPlanning *planning);

/* The record of a statement that was refused before it ran; flow may be NULL. */
extern void phig_plan_refused(const PhigFlow *flow, const char *command, Node *node, const char *query_string,
							  int location, int len);

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

/* May there be plans that this session is not to see? */
extern bool phig_plan_may_hide(void);

/*
 * phig_plan_running
 *		The guard at executor run: a registered function's own plan runs inside of it alone.
 *
 * execution: its record, or NULL; it is ended by the error.  Errors: 42501.
 */
extern void phig_plan_running(QueryDesc *query_desc, PhigExecution *execution);

/*
 * phig_plan_may_be_shown
 *		Before EXPLAIN of a query by such a session: may its plan be seen?
 *
 * Costs, row counts and conditions tell of what is hidden.  Where not: an error with analyze, else false, and
 * phig_plan_capture holds what may be said.
 */
extern bool phig_plan_may_be_shown(Query *query, const char *query_string, int cursor_options,
								   ParamListInfo params, bool analyze);

/* The same for a plan that EXPLAIN has at hand: 42501 where it may not be seen. */
extern void phig_plan_explained(const PlannedStmt *plan);

/* Plans of this backend say what mode enforce would do: they depend on role, purpose and policies. */
extern bool phig_plan_rehearsed;

/* EXPLAIN plans a query that will not be run, or not for a client: whose rows it returns is not read along. */
extern bool phig_plan_only_shown;

/* After the chain of ExecutorStart: watch whose rows leave. */
extern void phig_plan_started(QueryDesc *query_desc, PhigExecution *execution);

/* After a run, and after ExecutorFinish: were rows written that could not be looked at? */
extern void phig_plan_ran(QueryDesc *query_desc, PhigExecution *execution);

/* What the plan made last carries, for EXPLAIN; set while phig_plan_capture is not NULL. */
extern PhigPlanning *phig_plan_capture;

#endif
