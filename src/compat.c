/*
 * compat.c
 *		What one of the supported versions lacks, spelt out.
 */
#include "postgres.h"

#include "compat.h"

#include "tcop/tcopprot.h"

/* What the server does for one query of EXPLAIN when no hook is there. */
void
phig_compat_explain_one_query(Query *query, int cursorOptions, IntoClause *into,
							  ExplainState *es, const char *queryString,
							  ParamListInfo params, QueryEnvironment *queryEnv)
{
#ifdef PHIG_HAS_STANDARD_EXPLAIN
	standard_ExplainOneQuery(query, cursorOptions, into, es, queryString, params, queryEnv);
#else
	PlannedStmt *plan;
	instr_time	start,
				duration;
	BufferUsage before = {0},
				used = {0};

	if (es->buffers)
		before = pgBufferUsage;
	INSTR_TIME_SET_CURRENT(start);
	plan = pg_plan_query(query, queryString, cursorOptions, params);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	if (es->buffers)
		BufferUsageAccumDiff(&used, &pgBufferUsage, &before);
	ExplainOnePlan(plan, into, es, queryString, params, queryEnv, &duration,
				   es->buffers ? &used : NULL);
#endif
}
