/*
 * enforce.h
 *		The query rewritten so that only what the policy allows is possible.
 *
 * A relation that is read becomes a sub-select over itself, its columns replaced by what
 * the purpose shows of them; its rows are cut by a security qual ahead of row-level security's.
 * The target of a statement that writes keeps its columns: one that is not clear may be
 * neither read nor assigned there.
 */
#ifndef PHIG_ENFORCE_H
#define PHIG_ENFORCE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

#include "flow/flow.h"
#include "policy/policy.h"

/* Why a statement is refused; message NULL while it is not. */
typedef struct PhigRefusal
{
	const char *message;
	const char *detail;
	const char *hint;
} PhigRefusal;

/* What enforcement did to a query. */
typedef struct PhigEnforcement
{
	bool		applies;		/* the session is restricted, and a governed relation is met */
	bool		restricted;		/* ... and not every column and row that was asked of is clear */
	bool		constraint;		/* the server's own query for a foreign key: left as it is */
	uint64		stamp;			/* phig_policy_stamp() that it was made for */
	Oid			function;		/* the registered function whose own it is, or InvalidOid */
	List	   *relids;			/* OIDs of the governed relations that it dealt with */
	List	   *policies;		/* of PhigRelPolicy *: theirs, where not all is clear */
	const PhigFlow *asked;		/* the query as it was asked; NULL where nothing is restricted */
	List	   *functions;		/* OIDs of functions that were put in line */
} PhigEnforcement;

/* Is anybody restricted on this server, and is it this session? */
extern bool phig_enforce_session(void);

/*
 * phig_enforce_query
 *		Restrict a rewritten query, in place, to what the session's purpose shows.
 *
 * False, with *refusal set, when it asks for what is not to be had; the query is not to be used then.
 * To be called for sessions that are restricted (phig_enforce_session).  makes_table: its result will be one.
 * Memory: the query's; what is set lives in the current context.
 * Errors: 42501 for policies that cannot be evaluated; 0A000 for what is not understood (fail closed).
 */
extern bool phig_enforce_query(Query *query, bool makes_table, PhigEnforcement *done, PhigRefusal *refusal);

/* What a restriction would have done. */
typedef struct PhigRehearsal
{
	bool		would_deny;
	bool		would_transform;	/* not every column and row that was asked of would be clear */
	uint64		stamp;
} PhigRehearsal;

/*
 * phig_enforce_rehearse
 *		What phig_enforce_query would do, were the tables that are in mode audit in mode enforce.
 *
 * The query is not changed.  Errors: as there.
 */
extern void phig_enforce_rehearse(const Query *query, PhigRehearsal *rehearsal);

/* Why a query cannot be one of an extract, and the column that it is about. */
typedef struct PhigExtractProblem
{
	char	   *text;
	Oid			relid;
	AttrNumber	attno;
} PhigExtractProblem;

/*
 * phig_enforce_extract
 *		Restrict the query of an extract's view, in place, to what the extract's purpose shows.
 *
 * Labelled columns stand in clear only as arguments of transforms that the method (a place in phig_transform_methods)
 * accepts.  subject: with extract set.  problems: PhigExtractProblem * are added for what the query reads and the
 * purpose denies, and for columns that reach a transform in another form.  decided: where not NULL, what the purpose
 * shows of the columns and rows that the query asks for is appended as text.
 * Memory, errors: as phig_enforce_query.
 */
extern void phig_enforce_extract(Query *query, const PhigSubject *subject, int method, PhigEnforcement *done,
								 List **problems, StringInfo decided);

/*
 * phig_enforce_plan
 *		What a plan has to say of it: invalid when policy, role or an inlined function changes.
 *
 * False, with *refusal set, where the plan reaches a governed relation that the query did not name.
 */
extern bool phig_enforce_plan(PlannedStmt *plan, const PhigEnforcement *done, PhigRefusal *refusal);

/*
 * phig_enforce_indexes
 *		get_relation_info_hook's work, for the query that is being planned: phig_enforce_planning, kept by hooks.c.
 */
extern void phig_enforce_indexes(Oid relid, RelOptInfo *rel);
extern const PhigEnforcement *phig_enforce_planning;

/*
 * phig_enforce_copy_to
 *		COPY relation (columns) TO: NULL when it may go on as it is.
 *
 * Else, where phiguard.copy_masked allows, the statement that takes its place.
 * False with *refusal set when it is refused.
 */
extern bool phig_enforce_copy_to(CopyStmt *stmt, Oid relid, List *attnos, CopyStmt **instead,
								 PhigRefusal *refusal);

/* COPY (SELECT columns FROM ONLY relation) TO in the place of COPY relation (columns) TO. */
extern CopyStmt *phig_enforce_copy_of_query(CopyStmt *stmt, Oid relid, List *attnos);

/*
 * phig_enforce_statistics
 *		In mode enforce, for every session: hide statistics of governed relations in a query that reads them.
 */
extern void phig_enforce_statistics(Query *query);

/* May the role write a table, or any that its rows are read or written through? */
extern bool phig_enforce_may_write(Oid relid, Oid role);

/* May this session run a command that names these labelled relations? */
extern bool phig_enforce_ddl(Node *stmt, const List *relids, PhigRefusal *refusal);

/* A plan that touches a governed relation and was not made by phig_enforce_query: may this session run it? */
extern bool phig_enforce_unseen(const PlannedStmt *plan, PhigRefusal *refusal);

/*
 * The executor or the planner is at work for the server's own query for a foreign key, or for what runs
 * below it; hooks.c keeps it.
 */
extern bool phig_in_constraint;

/* Is the server about to run a query of its own for a foreign key, and nobody's function below one? */
extern bool phig_enforce_is_constraint(void);

/* Raise it: 42501. */
extern void phig_enforce_refuse(const PhigRefusal *refusal);

#endif
