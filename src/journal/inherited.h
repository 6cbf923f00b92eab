/*
 * inherited.h
 *		Labelled columns of children that a plan reaches through a parent that lacks the label.
 */
#ifndef PHIG_INHERITED_H
#define PHIG_INHERITED_H

#include "postgres.h"

#include "nodes/plannodes.h"

#include "flow/flow.h"

/*
 * phig_inherited_columns
 *		Adds them to what the flow returns and writes; true when there were any.
 *
 * What only steers is reported as returned: the plan does not tell.  In
 * returned and written, items are then no longer sorted.
 */
extern bool phig_inherited_columns(const PlannedStmt *plan, PhigFlow *flow);

#endif
