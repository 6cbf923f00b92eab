/*
 * derive.c
 *		Labels of tables that are made from queries: each column has what the query's result still is.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/prepare.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"

#include "enforce/enforce.h"
#include "flow/flow.h"
#include "journal/derive.h"

static List *labels_of_result(Query *rewritten);
static PhigFlow *flow_of_shown(Query *query);
static bool holds_phi(List *derived);

List *
phig_derive_labels(CreateTableAsStmt *stmt)
{
	Query	   *query = castNode(Query, stmt->query);
	List	   *rewritten;
	Oid			nspid;

	/* IF NOT EXISTS on a relation that is there: nothing will be made. */
	nspid = RangeVarGetCreationNamespace(stmt->into->rel);
	if (OidIsValid(get_relname_relid(stmt->into->rel->relname, nspid)))
		return NIL;

	if (query->commandType == CMD_UTILITY && IsA(query->utilityStmt, ExecuteStmt))
	{
		PreparedStatement *prepared =
			FetchPreparedStatement(((ExecuteStmt *) query->utilityStmt)->name, false);

		if (prepared == NULL)
			return NIL;
		/* Made valid by that, with locks on what it reads. */
		(void) CachedPlanGetTargetList(prepared->plansource, NULL);
		rewritten = prepared->plansource->query_list;
	}
	else if (query->commandType == CMD_SELECT)
		rewritten = QueryRewrite(copyObject(query));
	else
		return NIL;

	return list_length(rewritten) == 1 ? labels_of_result(linitial_node(Query, rewritten)) : NIL;
}

List *
phig_derive_refreshed(Oid relid)
{
	Relation	rel = relation_open(relid, AccessShareLock);
	List	   *labels = NIL;

	if (rel->rd_rel->relkind == RELKIND_MATVIEW && rel->rd_rules && rel->rd_rules->numLocks == 1)
	{
		Query	   *query = copyObject(linitial_node(Query, rel->rd_rules->rules[0]->actions));
		List	   *rewritten;

		AcquireRewriteLocks(query, true, false);
		rewritten = QueryRewrite(query);
		if (list_length(rewritten) == 1)
			labels = labels_of_result(linitial_node(Query, rewritten));
	}
	relation_close(rel, NoLock);
	return labels;
}

void
phig_derive_apply(Oid relid, List *derived)
{
	AttrNumber	attno = 0;
	ListCell   *lc;

	if (!OidIsValid(relid) || !holds_phi(derived))
		return;
	foreach(lc, derived)
	{
		const PhigLabel *label = lfirst(lc);

		attno++;
		if (label->category != PHIG_CAT_UNLABELLED)
			phig_label_set_column(relid, attno, label);
	}
}

/* PhigLabel * for each column of a query's result; NIL when it meets no labelled relation. */
static List *
labels_of_result(Query *rewritten)
{
	bool		restricted = phig_enforce_session();
	PhigFlow   *flow = restricted ? flow_of_shown(copyObject(rewritten)) : phig_flow_analyze(rewritten);
	List	   *labels = NIL;

	for (int i = 0; flow != NULL && i < flow->ncolumns; i++)
	{
		PhigLabel  *label = palloc(sizeof(PhigLabel));

		*label = flow->column_labels[i];
		/* Made of nothing but what somebody has reviewed: else its own maker could not read it. */
		if (restricted && flow->columns[i].nitems == 0)
			label->category = PHIG_CAT_NONE;
		labels = lappend(labels, label);
	}
	return labels;
}

/* A session that is restricted stores what it is shown.  A refusal comes again when the query is planned. */
static PhigFlow *
flow_of_shown(Query *query)
{
	PhigEnforcement enforced;
	PhigRefusal refusal;

	(void) phig_enforce_query(query, true, &enforced, &refusal);
	return phig_flow_analyze_governed(query);
}

static bool
holds_phi(List *derived)
{
	ListCell   *lc;

	foreach(lc, derived)
		if (phig_label_is_phi(lfirst(lc)))
			return true;
	return false;
}
