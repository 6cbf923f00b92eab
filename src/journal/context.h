/*
 * context.h
 *		Where in a session's work we are: at its top level, inside a function, inside which command.
 */
#ifndef PHIG_CONTEXT_H
#define PHIG_CONTEXT_H

#include "postgres.h"

#include "miscadmin.h"
#include "nodes/nodes.h"

#include "settings.h"

/* Does phiguard watch here at all?  Not when off, or while pg_upgrade moves a cluster. */
static inline bool
phig_active(void)
{
	return phig_mode != PHIG_MODE_OFF && !IsBinaryUpgrade;
}

/*
 * Depth of user code: 0 while the client's own statement is set up or
 * fetched from, more inside the executor, the planner (which folds functions)
 * and commands that run code.  Entering and leaving pair up through PG_FINALLY.
 */
extern int	phig_code_depth;

/*
 * Does code run, so that a statement now is not the client's own?  Either at
 * some depth, or by SPI without any statement of a client around it: in a
 * background worker, in deferred triggers at commit, in a function that the
 * protocol calls.
 */
extern bool phig_in_code(void);

/*
 * The least depth of this process: 1 where no client has a statement of its own
 * (parallel, autovacuum and logical replication workers), so that what functions
 * do there shares records until the transaction ends.
 */
extern int	phig_depth_floor(void);

/*
 * The command that plans and runs a query on behalf of the client (COPY,
 * CREATE TABLE AS, EXPLAIN ...), or NULL; only meaningful at code depth 0.
 */
extern Node *phig_wrapper_command;

/* Flags of the present role and place: exempt, function, replica, constraint, claims. */
extern uint32 phig_context_flags(void);

extern void phig_context_init(void);

#endif
