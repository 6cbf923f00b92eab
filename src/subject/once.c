/*
 * once.c
 *		Is every row of an execution about another person?
 *
 * It is where the person's key is the key of the one table that is scanned, and the scan runs once.  Then persons are
 * counted as rows are, and where they are very many nobody has to look at them one by one.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_index.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "settings.h"
#include "subject/once.h"

static const ScanState *only_scan(const PlanState *node);
static bool is_unique(Relation relation, AttrNumber attno);
static bool index_is_unique(Oid index, AttrNumber attno);

bool
phig_rows_come_once(const QueryDesc *query_desc, const PhigSubjectPath *path)
{
	const PlannedStmt *plan = query_desc->plannedstmt;
	const ScanState *scan;

	/* Whoever goes back meets rows again. */
	if (plan->commandType != CMD_SELECT || plan->subplans != NIL || path->nhops > 0 ||
		(query_desc->estate->es_top_eflags & (EXEC_FLAG_BACKWARD | EXEC_FLAG_REWIND)) != 0)
		return false;
	scan = only_scan(query_desc->planstate);
	return scan != NULL && scan->ps.plan->plan_rows > phig_subjects_per_record &&
		RelationGetRelid(scan->ss_currentRelation) == path->relid && is_unique(scan->ss_currentRelation, path->attno);
}

/* The scan that a plan is, but for nodes which let each row through once at most, and ask for each once. */
static const ScanState *
only_scan(const PlanState *node)
{
	for (; node != NULL; node = outerPlanState(node))
	{
		if (innerPlanState(node) != NULL)
			return NULL;
		switch (nodeTag(node))
		{
			case T_SeqScanState:
			case T_IndexScanState:
			case T_IndexOnlyScanState:
				return (const ScanState *) node;
			case T_AggState:
			case T_GroupState:
			case T_UniqueState:
			case T_SortState:
			case T_IncrementalSortState:
			case T_LimitState:
			case T_GatherState:
			case T_GatherMergeState:
				break;
			default:
				return NULL;
		}
	}
	return NULL;
}

/* No two rows that a snapshot sees have the same value, and none has none. */
static bool
is_unique(Relation relation, AttrNumber attno)
{
	List	   *indexes;
	ListCell   *lc;
	bool		result = false;

	if (!phig_compat_is_not_null(RelationGetDescr(relation), attno))
		return false;
	indexes = RelationGetIndexList(relation);
	foreach(lc, indexes)
		result |= index_is_unique(lfirst_oid(lc), attno);
	list_free(indexes);
	return result;
}

static bool
index_is_unique(Oid index, AttrNumber attno)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_index) GETSTRUCT(tuple);
	result = form->indisunique && form->indimmediate && form->indisvalid && !form->indcheckxmin &&
		form->indnkeyatts == 1 && form->indkey.values[0] == attno &&
		heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	ReleaseSysCache(tuple);
	return result;
}
