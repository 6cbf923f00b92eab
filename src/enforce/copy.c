/*
 * copy.c
 *		COPY table TO, which never reaches the planner.
 *
 * Where all that it would write is clear it goes on.  Else what it writes would look like the table and
 * not be it: a dump that cannot be restored.  phiguard.copy_masked says whether
 * that is refused, or done by a query, as COPY (SELECT columns FROM ONLY table) TO.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"

#include "enforce/internal.h"
#include "settings.h"

static bool all_clear(const PhigRelPolicy *policy, List *attnos);

bool
phig_enforce_copy_to(CopyStmt *stmt, Oid relid, List *attnos, CopyStmt **instead, PhigRefusal *refusal)
{
	const PhigSubject *subject = phig_policy_subject();
	PhigRelPolicy *policy;

	memset(refusal, 0, sizeof(*refusal));
	*instead = NULL;
	if (!subject->granted)
	{
		phig_refuse_unpurposed(refusal, subject, relid);
		return false;
	}
	policy = phig_policy_relation(subject, relid, false);
	if (policy == NULL || all_clear(policy, attnos))
		return true;
	if (phig_copy_masked == PHIG_COPY_MASKED_TRANSFORM)
	{
		*instead = phig_enforce_copy_of_query(stmt, relid, attnos);
		return true;
	}
	refusal->message = psprintf("purpose \"%s\" does not show all of table %s, and a copy would not say so",
								subject->purpose, phig_enforce_relation_name(relid));
	refusal->hint = "Use COPY (SELECT ...) TO, or phiguard.copy_masked = 'transform'. A dump that can be restored takes "
		"a role that sees all.";
	return false;
}

static bool
all_clear(const PhigRelPolicy *policy, List *attnos)
{
	ListCell   *lc;

	if (policy->rows != NULL)
		return false;
	foreach(lc, attnos)
	{
		AttrNumber	attno = lfirst_int(lc);

		if (attno > policy->natts || policy->columns[attno - 1].action != PHIG_ACTION_CLEAR)
			return false;
	}
	return true;
}

/* The columns by name, without those that COPY leaves out. */
CopyStmt *
phig_enforce_copy_of_query(CopyStmt *stmt, Oid relid, List *attnos)
{
	CopyStmt   *copy = copyObject(stmt);
	SelectStmt *select = makeNode(SelectStmt);
	ListCell   *lc;

	foreach(lc, attnos)
	{
		ResTarget  *target = makeNode(ResTarget);
		ColumnRef  *column = makeNode(ColumnRef);

		column->fields = list_make1(makeString(get_attname(relid, lfirst_int(lc), false)));
		column->location = -1;
		target->val = (Node *) column;
		target->location = -1;
		select->targetList = lappend(select->targetList, target);
	}
	copy->relation->schemaname = get_namespace_name(get_rel_namespace(relid));
	copy->relation->relname = get_rel_name(relid);
	copy->relation->inh = false;
	select->fromClause = list_make1(copy->relation);
	copy->query = (Node *) select;
	copy->relation = NULL;
	copy->attlist = NIL;
	return copy;
}
