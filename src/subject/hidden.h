/*
 * hidden.h
 *		Columns that are read along, in the whole rows that the planner asks for.
 */
#ifndef PHIG_SUBJECT_HIDDEN_H
#define PHIG_SUBJECT_HIDDEN_H

#include "postgres.h"

#include "nodes/plannodes.h"

/* TargetEntry.resorigcol of such a column: a field that has a meaning only for what a client is told. */
#define PHIG_HIDDEN_COLUMN PG_INT16_MIN

/* Leave them out.  Changes the plan. */
extern void phig_subject_hide(PlannedStmt *plan);

#endif
