/*
 * compat.h
 *		The only file that knows PostgreSQL's versions: each difference is one name.
 */
#ifndef PHIG_COMPAT_H
#define PHIG_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "phiguard supports PostgreSQL 15 to 18"
#endif

#include "access/tupdesc.h"
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"

/* Reaching into variable-length values: part of postgres.h in 15, a header of its own since. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/*
 * What flow has to know of queries.
 */

/* MERGE: 17 took the join condition out of the jointree, and told the target of the join from that of the actions. */
static inline Node *
phig_compat_merge_condition(const Query *query)
{
#if PG_VERSION_NUM >= 170000
	return query->mergeJoinCondition;
#else
	return NULL;
#endif
}

static inline int
phig_compat_merge_target(const Query *query)
{
#if PG_VERSION_NUM >= 170000
	return query->mergeTargetRelation;
#else
	return 0;
#endif
}

/* 18: grouped expressions are columns of a range-table entry of their own. */
static inline bool
phig_compat_is_group(const RangeTblEntry *rte)
{
#if PG_VERSION_NUM >= 180000
	return rte->rtekind == RTE_GROUP;
#else
	return false;
#endif
}

static inline List *
phig_compat_group_exprs(const RangeTblEntry *rte)
{
#if PG_VERSION_NUM >= 180000
	return rte->groupexprs;
#else
	return NIL;
#endif
}

/* 18: RETURNING old.column, which shows nothing that the statement assigned. */
static inline bool
phig_compat_var_is_old(const Var *var)
{
#if PG_VERSION_NUM >= 180000
	return var->varreturningtype == VAR_RETURNING_OLD;
#else
	return false;
#endif
}

/* 18: generated columns that are computed when they are read. */
static inline bool
phig_compat_is_virtual(const FormData_pg_attribute *att)
{
#if PG_VERSION_NUM >= 180000
	return att->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL;
#else
	return false;
#endif
}

static inline bool
phig_compat_has_virtual(TupleDesc desc)
{
#if PG_VERSION_NUM >= 180000
	return desc->constr && desc->constr->has_generated_virtual;
#else
	return false;
#endif
}

#endif
