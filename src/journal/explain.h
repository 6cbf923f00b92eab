/*
 * explain.h
 *		The PHI Access part of EXPLAIN.
 */
#ifndef PHIG_EXPLAIN_H
#define PHIG_EXPLAIN_H

#include "postgres.h"

#include "compat.h"
#include "journal/plan.h"

/*
 * phig_explain_print
 *		PHI Access, with the lists Returned (column=form), Referenced and Stored.
 *
 * Nothing for a query that meets no labelled relation.
 * own_group: before PostgreSQL 18 the plan's group is closed already; other
 * formats than text then get an object of their own.
 */
extern void phig_explain_print(const PhigStatement *statement, ExplainState *es, bool own_group);

/* The same for a plan that was made earlier, from what it carries. */
extern void phig_explain_print_plan(const PlannedStmt *plan, ExplainState *es);

#endif
