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

#include "access/genam.h"
#include "access/tupdesc.h"
#include "catalog/pg_class.h"
#include "common/hashfn.h"
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"
#include "utils/backend_status.h"
#include "utils/jsonpath.h"

/* Reaching into variable-length values: part of postgres.h in 15, a header of its own since. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/*
 * What flow has to know of queries.
 */

/* MERGE: 17 took the join condition out of the jointree, and may join what is not its target. */
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

static inline IndexScanDesc
phig_compat_index_beginscan(Relation relation, Relation index, Snapshot snapshot, int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(relation, index, snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(relation, index, snapshot, nkeys, 0);
#endif
}

/* A column has no NULL: since 18, NOT NULL may be said of rows to come only. */
static inline bool
phig_compat_is_not_null(TupleDesc descriptor, AttrNumber attno)
{
#if PG_VERSION_NUM >= 180000
	return TupleDescCompactAttr(descriptor, attno - 1)->attnullability == ATTNULLABLE_VALID;
#else
	return TupleDescAttr(descriptor, attno - 1)->attnotnull;
#endif
}

/* The outer joins that may make a column NULL: in Vars since 16. */
static inline void
phig_compat_set_nulling(Var *var, const Bitmapset *joins)
{
#if PG_VERSION_NUM >= 160000
	var->varnullingrels = bms_copy(joins);
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

/* 16, 17: JSON that is made, or asked, by nodes that are no functions. */
static inline bool
phig_compat_is_json(const Node *node)
{
#if PG_VERSION_NUM >= 170000
	return IsA(node, JsonConstructorExpr) || IsA(node, JsonExpr);
#elif PG_VERSION_NUM >= 160000
	return IsA(node, JsonConstructorExpr);
#else
	return false;
#endif
}

static inline List *
phig_compat_json_arguments(Node *node)
{
#if PG_VERSION_NUM >= 170000
	if (IsA(node, JsonExpr))
		return lcons(((JsonExpr *) node)->formatted_expr, list_copy(((JsonExpr *) node)->passing_values));
#endif
#if PG_VERSION_NUM >= 160000
	if (IsA(node, JsonConstructorExpr))
		return ((JsonConstructorExpr *) node)->args;
#endif
	return NIL;
}

/* Does what JSON is asked compare times in the session's time zone? */
static inline bool
phig_compat_json_path_is_mutable(Node *node)
{
#if PG_VERSION_NUM >= 170000
	const JsonExpr *asked = (const JsonExpr *) node;
	const Const *path = IsA(node, JsonExpr) ? (const Const *) asked->path_spec : NULL;

	if (path == NULL || !IsA(path, Const))
		return path != NULL;
	return !path->constisnull && jspIsMutable(DatumGetJsonPathP(path->constvalue), asked->passing_names,
											  asked->passing_values);
#else
	return false;
#endif
}

/* 18: names of time zones are first looked up among the abbreviations of the session's own, which it may invent. */
static inline bool
phig_compat_session_names_zones(void)
{
	return PG_VERSION_NUM >= 180000;
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

/* Does the planner find resjunk outputs of a sub-select that it pulls up? */
#define PHIG_JUNK_IS_PULLED_UP (PG_VERSION_NUM < 180000)

/* 18: generated columns that are computed when they are read. */
#define PHIG_SERVER_HAS_VIRTUAL (PG_VERSION_NUM >= 180000)

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


/*
 * The view that a sub-select of a rewritten query stands for: 16 keeps its OID in the entry, 15 keeps
 * OLD and NEW in front of the sub-select's range table, which no query can write.
 */
static inline Oid
phig_compat_view_of(const RangeTblEntry *rte)
{
#if PG_VERSION_NUM >= 160000
	return rte->relid;
#else
	const List *rtable = rte->subquery->rtable;
	const RangeTblEntry *old_entry = list_length(rtable) < 2 ? NULL : linitial_node(RangeTblEntry, rtable);
	const RangeTblEntry *new_entry = old_entry ? lsecond_node(RangeTblEntry, rtable) : NULL;

	if (old_entry == NULL || old_entry->rtekind != RTE_RELATION || old_entry->relkind != RELKIND_VIEW ||
		new_entry->rtekind != RTE_RELATION || new_entry->relid != old_entry->relid ||
		strcmp(old_entry->eref->aliasname, "old") != 0 || strcmp(new_entry->eref->aliasname, "new") != 0)
		return InvalidOid;
	return old_entry->relid;
#endif
}

#include "access/xact.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "commands/explain.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
#include "executor/executor.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "optimizer/pathnode.h"
#include "parser/parse_relation.h"
#include "storage/proc.h"
#include "utils/acl.h"

/*
 * The columns of a relation that a plan selects and assigns.  PostgreSQL 16
 * moved them out of the range-table entry; children have no entry of their
 * own there and answer with empty sets (their parent speaks for them).
 */
static inline void
phig_compat_rte_columns(const PlannedStmt *plan, const RangeTblEntry *rte,
						Bitmapset **selected, Bitmapset **assigned)
{
#if PG_VERSION_NUM >= 160000
	*selected = NULL;
	*assigned = NULL;
	if (rte->perminfoindex > 0)
	{
		const RTEPermissionInfo *info = list_nth_node(RTEPermissionInfo, plan->permInfos,
													  rte->perminfoindex - 1);

		*selected = info->selectedCols;
		*assigned = bms_union(info->insertedCols, info->updatedCols);
	}
#else
	*selected = rte->selectedCols;
	*assigned = bms_union(rte->insertedCols, rte->updatedCols);
#endif
}

/*
 * A range-table entry of query becomes a sub-select over inner, a copy of it: what was to be
 * checked of it is to be checked there.
 */
static inline void
phig_compat_move_permissions(const Query *query, RangeTblEntry *rte, Query *subselect,
							 RangeTblEntry *inner)
{
#if PG_VERSION_NUM >= 160000
	if (rte->perminfoindex > 0)
	{
		subselect->rteperminfos =
			list_make1(copyObject(list_nth(query->rteperminfos, rte->perminfoindex - 1)));
		inner->perminfoindex = 1;
	}
	rte->perminfoindex = 0;
#else
	rte->requiredPerms = 0;
	rte->checkAsUser = InvalidOid;
	rte->selectedCols = NULL;
	rte->insertedCols = NULL;
	rte->updatedCols = NULL;
	rte->extraUpdatedCols = NULL;
#endif
}

/*
 * EXPLAIN: 18 has a hook inside the plan's group; before it, one that replaces
 * the planning and printing of one query, with (17) or without (15, 16) a
 * function that does what the server would have done.
 */
#if PG_VERSION_NUM >= 180000
#define PHIG_HAS_EXPLAIN_PER_PLAN_HOOK 1
#else
#define PHIG_HAS_EXPLAIN_PER_PLAN_HOOK 0
#endif
#if PG_VERSION_NUM >= 170000
#define PHIG_HAS_STANDARD_EXPLAIN 1
#endif
extern void phig_compat_explain_one_query(Query *query, int cursorOptions, IntoClause *into,
										  ExplainState *es, const char *queryString,
										  ParamListInfo params, QueryEnvironment *queryEnv);

/* ExecutorRun lost execute_once in 18. */
#if PG_VERSION_NUM >= 180000
#define PHIG_RUN_ARGS_DECL QueryDesc *queryDesc, ScanDirection direction, uint64 count
#define PHIG_RUN_ARGS queryDesc, direction, count
#else
#define PHIG_RUN_ARGS_DECL QueryDesc *queryDesc, ScanDirection direction, uint64 count, \
	bool execute_once
#define PHIG_RUN_ARGS queryDesc, direction, count, execute_once
#endif

/* May a role use what stands in a schema?  One function for all kinds of objects since 16. */
static inline bool
phig_compat_may_use_schema(Oid schema, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(NamespaceRelationId, schema, role, ACL_USAGE) == ACLCHECK_OK;
#else
	return pg_namespace_aclcheck(schema, role, ACL_USAGE) == ACLCHECK_OK;
#endif
}

/* A number that tells this backend's present transaction from its earlier ones. */
#if PG_VERSION_NUM >= 170000
#define phig_compat_lxid() (MyProc->vxid.lxid)
#else
#define phig_compat_lxid() (MyProc->lxid)
#endif

/* 17 asks for every kind of process in the same way. */
#if PG_VERSION_NUM >= 170000
#define phig_is_autovacuum_worker() AmAutoVacuumWorkerProcess()
#else
#define phig_is_autovacuum_worker() IsAutoVacuumWorkerProcess()
#endif

/* Ownership checks, one function per catalog in 15, became one for all. */
#if PG_VERSION_NUM >= 160000
#define phig_owns_relation(relid, roleid) object_ownercheck(RelationRelationId, (relid), (roleid))
#else
#define phig_owns_relation(relid, roleid) pg_class_ownercheck((relid), (roleid))
#endif

/* Does ANALYZE of a table do anything for a role?  It is a privilege since 17. */
static inline bool
phig_compat_may_analyze(Oid relid, Oid role)
{
#if PG_VERSION_NUM >= 170000
	if (pg_class_aclcheck(relid, role, ACL_MAINTAIN) == ACLCHECK_OK)
		return true;
#else
	if (phig_owns_relation(relid, role))
		return true;
#endif
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(DatabaseRelationId, MyDatabaseId, role);
#else
	return pg_database_ownercheck(MyDatabaseId, role);
#endif
}

/* ALTER COLUMN ... SET EXPRESSION is an ALTER TABLE subcommand since 17. */
#if PG_VERSION_NUM >= 170000
#define PHIG_AT_SET_EXPRESSION AT_SetExpression
#else
#define PHIG_AT_SET_EXPRESSION (-1)
#endif

/*
 * What the journal's reader has to know of sessions.
 */

/* Session 1 .. pgstat_fetch_stat_numbackends(): 16 named the function by its argument. */
static inline LocalPgBackendStatus *
phig_compat_backend_status(int index)
{
#if PG_VERSION_NUM >= 160000
	return pgstat_get_local_beentry_by_index(index);
#else
	return pgstat_fetch_stat_local_beentry(index);
#endif
}

/* A path to scan a foreign table as it is: 17 added join clauses to check, 18 disabled nodes. */
static inline ForeignPath *
phig_compat_foreignscan_path(PlannerInfo *root, RelOptInfo *rel, double rows, Cost startup_cost,
							 Cost total_cost, Relids required_outer)
{
#if PG_VERSION_NUM >= 180000
	return create_foreignscan_path(root, rel, NULL, rows, 0, startup_cost, total_cost, NIL,
								   required_outer, NULL, NIL, NIL);
#elif PG_VERSION_NUM >= 170000
	return create_foreignscan_path(root, rel, NULL, rows, startup_cost, total_cost, NIL,
								   required_outer, NULL, NIL, NIL);
#else
	return create_foreignscan_path(root, rel, NULL, rows, startup_cost, total_cost, NIL,
								   required_outer, NULL, NIL);
#endif
}

/* Columns of one relation as those of another, by name; 16 can do without some. */
#if PG_VERSION_NUM >= 160000
#define phig_compat_attrmap_by_name(indesc, outdesc) build_attrmap_by_name(indesc, outdesc, false)
#else
#define phig_compat_attrmap_by_name(indesc, outdesc) build_attrmap_by_name(indesc, outdesc)
#endif

/* "schema.name" as a list of its parts; 16 can report errors softly. */
#if PG_VERSION_NUM >= 160000
#define phig_compat_qualified_names(text) stringToQualifiedNameList(text, NULL)
#else
#define phig_compat_qualified_names(text) stringToQualifiedNameList(text)
#endif

/* The finalizer of MurmurHash3: a hash of 64 bits in which no two numbers are one. */
#if PG_VERSION_NUM >= 170000
#define phig_compat_murmurhash64 murmurhash64
#else
static inline uint64
phig_compat_murmurhash64(uint64 data)
{
	data ^= data >> 33;
	data *= UINT64CONST(0xff51afd7ed558ccd);
	data ^= data >> 33;
	data *= UINT64CONST(0xc4ceb9fe1a85ec53);
	return data ^ data >> 33;
}
#endif

#endif
