/*
 * internal.h
 *		What the files of the enforce module share; nobody else includes it.
 */
#ifndef PHIG_ENFORCE_INTERNAL_H
#define PHIG_ENFORCE_INTERNAL_H

#include "postgres.h"

#include "enforce/enforce.h"
#include "nodes/bitmapset.h"

/* A governed relation at its place in a query. */
typedef struct PhigPlace
{
	Query	   *query;
	Index		rti;
	bool		is_target;		/* of INSERT, UPDATE, DELETE or MERGE */
	PhigRelPolicy *policy;
	AttrNumber	nclear;			/* columns that it has behind its own, for transforms: see clear.c */
	AttrNumber *clear;			/* [nclear] which columns these are */
} PhigPlace;

/* collect.c: the governed relations of a query, all levels; inlines functions that the planner would. */
extern List *phig_enforce_places(Query *query, const PhigSubject *subject, List **functions);

/* enforce.c: which relations places are, and their policies; codes are closed to a role that may write. */
extern void phig_enforce_look_up(List *places, const PhigSubject *subject, PhigEnforcement *done);

/*
 * clear.c: arguments of transforms that a method accepts are read as they are.  Gives the OIDs of those with an
 * argument for which there is no way to that.
 */
extern List *phig_enforce_clear(Query *query, List *places, int method);

/* enforce.c: what a restriction of the query to what a subject is shown would come to; the query is not changed. */
extern bool phig_enforce_rehearse_as(const Query *query, const PhigSubject *subject, PhigEnforcement *done,
									 PhigRefusal *refusal);

/* target.c */
extern bool phig_enforce_target_is_read(const PhigPlace *place);
extern bool phig_enforce_check_target(const PhigPlace *place, const PhigSubject *subject,
									  PhigRefusal *refusal);
extern void phig_enforce_cut_target(const PhigPlace *place);

/* checked.c: columns that the server puts together with those that are assigned, in what it checks or computes. */
extern Bitmapset *phig_enforce_compared(Oid relid, const Bitmapset *assigned);

/* shown.c: a relation that is read becomes what the purpose shows of it. */
extern void phig_enforce_show(const PhigPlace *place, const PhigSubject *subject);

/* Is the column shown as a code that a key makes of it? */
extern bool phig_enforce_is_code(const PhigRelPolicy *policy, AttrNumber attno, const PhigSubject *subject);

/* refusal.c */
extern void phig_refuse_unpurposed(PhigRefusal *refusal, const PhigSubject *subject, Oid relid);
extern void phig_refuse_columns(PhigRefusal *refusal, const PhigSubject *subject, const char *what,
								Oid relid, const Bitmapset *columns);
extern char *phig_enforce_relation_name(Oid relid);

/* The rows that a policy leaves, as a condition on that range-table entry. */
extern Node *phig_enforce_rows(const PhigRelPolicy *policy, Index rti);

#endif
