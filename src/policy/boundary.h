/*
 * boundary.h
 *		Registered functions: their own statements go by the purpose that the officer gave them.
 *
 * A function's own statements are those that it runs itself.  What they call (functions, triggers,
 * casts) goes by the session's purpose again, unless it is registered too.
 */
#ifndef PHIG_POLICY_BOUNDARY_H
#define PHIG_POLICY_BOUNDARY_H

#include "postgres.h"

#include "policy/store.h"

/* The registered function whose own statement is at work. */
typedef struct PhigBoundary
{
	Oid			function;
	const char *purpose;
} PhigBoundary;

/* How many functions are at work since the first registered one was entered, itself included. */
extern int	phig_boundary_frames;

/* A registered function has been entered in this backend, at some time. */
extern bool phig_boundary_entered;

extern const PhigBoundary *phig_boundary_find(void);

/*
 * phig_boundary
 *		The boundary that a statement is inside, or NULL.
 *
 * To be asked at the depth of the statement itself: before the hooks of planner and executor go deeper.
 * Memory: static, until the next call.
 */
static inline const PhigBoundary *
phig_boundary(void)
{
	return likely(phig_boundary_frames == 0) ? NULL : phig_boundary_find();
}

/* Its function, or InvalidOid. */
static inline Oid
phig_boundary_function(void)
{
	const PhigBoundary *boundary = phig_boundary();

	return boundary == NULL ? InvalidOid : boundary->function;
}

/*
 * phig_boundary_needs
 *		needs_fmgr_hook: has a call of this function to be seen?
 *
 * Registered ones; inside one, all that are not the server's, so that none of them is taken for it, or put in line.
 */
extern bool phig_boundary_needs(Oid function);

/*
 * phig_boundary_enter, phig_boundary_leave
 *		fmgr_hook: a call begins; it ends, by an error too.
 *
 * Errors: 42501 for a function that is not what was registered, where the session is restricted;
 * then the call has not begun.
 */
extern void phig_boundary_enter(Oid function);
extern void phig_boundary_leave(void);

/* SHA-256 of everything that CREATE FUNCTION says, in hexadecimal; the function must be there. */
extern char *phig_boundary_definition(Oid function);

/* The search path that a function sets for itself, palloc'd; NULL where it sets none. */
extern char *phig_boundary_search_path(Oid function);

extern char *phig_boundary_owner(Oid function);

/* May everybody call the function, or create objects in the schema? */
extern bool phig_boundary_is_open(Oid function);
extern bool phig_boundary_schema_is_open(Oid schema);

/* Why the row of a registered function opens nothing, or NULL. */
extern const char *phig_boundary_problem(const PhigFunctionRow *row);

extern void phig_boundary_init(void);

#endif
