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
	bool		stale;			/* a relation of the plan got other labels since */
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

/* False when the plan carries nothing: the planner hook saw no labelled relation, or did not see it at all. */
extern bool phig_carrier_read(const PlannedStmt *plan, PhigCarrier *out);

#endif
