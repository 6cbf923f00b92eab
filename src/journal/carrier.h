/*
 * carrier.h
 *		What a plan carries from the planner to the executor.
 */
#ifndef PHIG_CARRIER_H
#define PHIG_CARRIER_H

#include "postgres.h"

#include "nodes/plannodes.h"

#include "flow/flow.h"
#include "journal/statement.h"

typedef struct PhigCarrier
{
	PhigStatement statement;	/* text points into the plan */
	char	   *unlabelled_stores;	/* "public.copy.a, public.copy.b", or "" */
	uint64		labels_version; /* of the labels that the plan was made for */
} PhigCarrier;

/*
 * phig_carrier_attach
 *		Append the carrier to a plan's flattened range table.
 *
 * An RTE_RESULT that no plan node refers to; it survives copyObject, the plan
 * cache, cursors and parallel query, and changes no plan shape.
 * Memory: copies into the current context, which is the plan's.
 */
extern void phig_carrier_attach(PlannedStmt *plan, const PhigStatement *statement,
								const PhigFlow *flow);

/* A quick look: most plans end in something else. */
static inline bool
phig_carrier_may_be_in(const PlannedStmt *plan)
{
	return plan->rtable != NIL &&
		llast_node(RangeTblEntry, plan->rtable)->rtekind == RTE_RESULT;
}

/* False when the plan carries nothing: the planner hook saw no labelled relation, or did not see it at all. */
extern bool phig_carrier_read(const PlannedStmt *plan, PhigCarrier *out);

/* Has a relation of the plan got other labels since? */
extern bool phig_carrier_is_stale(const PlannedStmt *plan, const PhigCarrier *carrier);

#endif
