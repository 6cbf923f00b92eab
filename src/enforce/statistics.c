/*
 * statistics.c
 *		Statistics hold values: pg_statistic and pg_statistic_ext_data, whatever view they are read through.
 *
 * In mode enforce, a query that reads them gets a security qual on each, which leaves the statistics of governed
 * relations to sessions that see all of those.  It asks when it runs, so that a plan may serve any session.
 * The planner itself reads them past all queries, and goes on.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_statistic_ext_data.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_func.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "enforce/internal.h"

static bool visit(Node *node, void *context);
static void hide_statistics(RangeTblEntry *rte, Index rti);
static Node *condition(const char *function, Index rti, AttrNumber attno);

void
phig_enforce_statistics(Query *query)
{
	(void) visit((Node *) query, NULL);
}

static bool
visit(Node *node, void *context)
{
	Index		rti = 0;
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, visit, context);
	check_stack_depth();
	foreach(lc, ((Query *) node)->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		rti++;
		if (rte->rtekind == RTE_RELATION)
			hide_statistics(rte, rti);
	}
	return query_tree_walker((Query *) node, visit, context, QTW_IGNORE_JOINALIASES);
}

static void
hide_statistics(RangeTblEntry *rte, Index rti)
{
	Node	   *qual;

	if (rte->relid == StatisticRelationId)
		qual = condition("statistics_visible", rti, Anum_pg_statistic_starelid);
	else if (rte->relid == StatisticExtDataRelationId)
		qual = condition("extended_statistics_visible", rti, Anum_pg_statistic_ext_data_stxoid);
	else
		return;
	rte->securityQuals = lcons(qual, rte->securityQuals);
}

/* Where there is no such function nothing says what may be seen. */
static Node *
condition(const char *function, Index rti, AttrNumber attno)
{
	List	   *name = list_make2(makeString("phiguard"), makeString(pstrdup(function)));
	Oid			argument = OIDOID;
	Oid			funcid = LookupFuncName(name, 1, &argument, true);

	if (!OidIsValid(funcid))
		return makeBoolConst(false, false);
	return (Node *) makeFuncExpr(funcid, BOOLOID, list_make1(makeVar(rti, attno, OIDOID, -1, InvalidOid, 0)),
								 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

/* The last answer of a call site: statistics of one relation come one after the other. */
typedef struct Answer
{
	uint64		stamp;
	Oid			relid;
	bool		visible;
} Answer;

/* What an index keeps of its expressions are values of its table. */
static Oid
table_of(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	return relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX ? IndexGetRelation(relid, true) : relid;
}

static bool
sees_all(Oid relid)
{
	const PhigSubject *subject = phig_policy_subject();
	const PhigRelPolicy *policy;

	if (!phig_policy_governs(relid))
		return true;
	if (!subject->granted)
		return false;
	policy = phig_policy_relation(subject, relid, true);
	return policy == NULL || policy->all_clear;
}

static bool
is_visible(FmgrInfo *flinfo, Oid relid)
{
	Answer	   *answer = flinfo->fn_extra;

	if (!phig_enforce_session())
		return true;
	if (answer == NULL)
		answer = flinfo->fn_extra = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(Answer));
	if (answer->stamp != phig_policy_stamp() || answer->relid != relid)
	{
		answer->visible = sees_all(table_of(relid));
		answer->stamp = phig_policy_stamp();
		answer->relid = relid;
	}
	return answer->visible;
}

PG_FUNCTION_INFO_V1(phiguard_statistics_visible);

/* statistics_visible(relation oid): may the session see statistics of its values? */
Datum
phiguard_statistics_visible(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(is_visible(fcinfo->flinfo, PG_GETARG_OID(0)));
}

PG_FUNCTION_INFO_V1(phiguard_extended_statistics_visible);

/* The same for an object of CREATE STATISTICS. */
Datum
phiguard_extended_statistics_visible(PG_FUNCTION_ARGS)
{
	HeapTuple	tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(PG_GETARG_OID(0)));
	Oid			relid;

	if (!HeapTupleIsValid(tuple))
		PG_RETURN_BOOL(false);
	relid = ((Form_pg_statistic_ext) GETSTRUCT(tuple))->stxrelid;
	ReleaseSysCache(tuple);
	PG_RETURN_BOOL(is_visible(fcinfo->flinfo, relid));
}
