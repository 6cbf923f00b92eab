/*
 * indexes.c
 *		An index over columns that are hidden tells their order.
 *
 * A scan of it delivers rows in the order of its keys, those behind the ones that the query
 * names included, although nothing in the query mentions them.  So such an index is used by bitmap
 * scans only, which deliver rows as they lie in the table.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "nodes/bitmapset.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"

#include "enforce/internal.h"
#include "label/inherit.h"

const PhigEnforcement *phig_enforce_planning = NULL;

static const PhigRelPolicy *policy_of(const PhigEnforcement *done, Oid relid);
static Bitmapset *hidden_columns(const PhigRelPolicy *policy, Oid relid);
static bool is_over(const IndexOptInfo *index, Index rti, const Bitmapset *hidden);

void
phig_enforce_indexes(Oid relid, RelOptInfo *rel)
{
	const PhigRelPolicy *policy = policy_of(phig_enforce_planning, relid);
	Bitmapset  *hidden;
	ListCell   *lc;

	if (policy == NULL || rel->indexlist == NIL)
		return;
	hidden = hidden_columns(policy, relid);
	foreach(lc, rel->indexlist)
	{
		IndexOptInfo *index = lfirst(lc);

		if (is_over(index, rel->relid, hidden))
			index->amhasgettuple = false;
	}
}

/* A partition or child has the policy of what it is read through. */
static const PhigRelPolicy *
policy_of(const PhigEnforcement *done, Oid relid)
{
	ListCell   *lc;

	foreach(lc, done->policies)
	{
		const PhigRelPolicy *policy = lfirst(lc);

		if (policy->relid == relid)
			return policy;
	}
	foreach(lc, phig_parents(relid))
	{
		const PhigRelPolicy *policy = policy_of(done, lfirst_oid(lc));

		if (policy != NULL)
			return policy;
	}
	return NULL;
}

static Bitmapset *
hidden_columns(const PhigRelPolicy *policy, Oid relid)
{
	Bitmapset  *hidden = NULL;

	for (AttrNumber attno = 1; attno <= policy->natts; attno++)
	{
		AttrNumber	own = attno;

		if (policy->columns[attno - 1].action == PHIG_ACTION_CLEAR)
			continue;
		if (relid != policy->relid)
			own = get_attnum(relid, get_attname(policy->relid, attno, false));
		hidden = bms_add_member(hidden, own - FirstLowInvalidHeapAttributeNumber);
	}
	return hidden;
}

static bool
is_over(const IndexOptInfo *index, Index rti, const Bitmapset *hidden)
{
	Bitmapset  *used = NULL;

	for (int i = 0; i < index->nkeycolumns; i++)
		used = bms_add_member(used, index->indexkeys[i] - FirstLowInvalidHeapAttributeNumber);
	pull_varattnos((Node *) index->indexprs, rti, &used);
	pull_varattnos((Node *) index->indpred, rti, &used);
	return bms_overlap(used, hidden);
}
