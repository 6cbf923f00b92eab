/*
 * carrier.h
 *		What a plan carries from the planner to the executor.
 */
#ifndef PHIG_CARRIER_H
#define PHIG_CARRIER_H

#include "postgres.h"

#include "executor/execdesc.h"
#include "nodes/plannodes.h"

#include "enforce/enforce.h"
#include "flow/flow.h"
#include "journal/statement.h"
#include "subject/query.h"

typedef struct PhigCarrier
{
	PhigStatement statement;	/* text points into the plan */
	uint64		stamp;			/* the subject and policies that it was made for; see
								 * phig_policy_stamp */
	Oid			function;		/* the registered function whose own it is, or InvalidOid */
	bool		restricted;		/* not every column and row that was asked of is clear */
	bool		constraint;		/* the server's own query for a foreign key */
	char	   *extracts;		/* phig_extract_stamps() of those that it reads, or "" */
	char	   *unlabelled_stores;	/* "public.copy.a, public.copy.b", or "" */
	const PhigSubjectSources *subjects; /* NULL: nobody looked; inside the plan */
	struct PhigCarrierFixed *fixed; /* inside the plan; carrier.c's */
} PhigCarrier;

/*
 * phig_carrier_attach
 *		Append the carrier to a plan's flattened range table.
 *
 * An RTE_RESULT that no plan node refers to; it survives copyObject, the plan
 * cache, cursors and parallel query, and changes no plan shape.  EXPLAIN would
 * tell: see phig_carrier_hide.
 * Memory: in the current context, which is the plan's; the statement's text must be there as well.
 */
extern void phig_carrier_attach(PlannedStmt *plan, const PhigStatement *statement,
								const PhigFlow *flow, const PhigEnforcement *enforced,
								const PhigSubjectSources *subjects);

/* Tell the parallel workers of an execution, which get the plan from here, what its start record is. */
extern void phig_carrier_tell_workers(QueryDesc *query_desc, uint64 start_seq);

/* A quick look: most plans end in something else. */
static inline bool
phig_carrier_may_be_in(const PlannedStmt *plan)
{
	return plan->rtable != NIL &&
		llast_node(RangeTblEntry, plan->rtable)->rtekind == RTE_RESULT;
}

/* False when the plan carries nothing: the planner hook saw no labelled relation, or did not see it at all. */
extern bool phig_carrier_read(const PlannedStmt *plan, PhigCarrier *out);

/*
 * phig_carrier_hide
 *		Let the execution show a plan without the carrier.
 *
 * EXPLAIN counts the range table: with more than one entry it writes tenk1.four
 * for four.  The plan itself may be in a cache, so a copy of its top takes its place in
 * query_desc; what executes it, and parallel workers, go by the estate, which keeps the original.
 * Memory: in es_query_cxt; put the original back when that goes.
 */
extern void phig_carrier_hide(QueryDesc *query_desc);

/* Has a relation of the plan got other labels since? */
extern bool phig_carrier_is_stale(const PlannedStmt *plan, const PhigCarrier *carrier);

#endif
