/*
 * ddl.c
 *		Commands that scan a table or evaluate expressions over it, past every query.
 *
 * ALTER TABLE ... USING, CHECK, index expressions, policies, rules, the WHEN of a trigger and its function: they see
 * the values as they are, whoever owns the table.  So they take a session that sees all of the table, or the
 * officer.  A publication sends the values to whoever subscribes: for the officer alone.
 *
 * A table that was made in the same transaction holds nothing but what the session put there: CREATE TABLE itself makes
 * indexes and foreign keys by such commands.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "nodes/parsenodes.h"
#include "utils/rel.h"

#include "enforce/internal.h"
#include "label/label.h"

typedef enum Needs
{
	NOTHING,
	ALL_CLEAR,
	OFFICER
} Needs;

static Needs needs_of(const Node *stmt);
static List *referenced_relations(const Node *stmt);
static bool is_new(Oid relid);
static bool sees_all(Oid relid, bool only_rows);

bool
phig_enforce_ddl(Node *stmt, const List *relids, PhigRefusal *refusal)
{
	Needs		needs = needs_of(stmt);
	ListCell   *lc;

	memset(refusal, 0, sizeof(*refusal));
	if (needs == NOTHING || phig_is_officer())
		return true;
	foreach(lc, list_concat(referenced_relations(stmt), relids))
	{
		Oid			relid = lfirst_oid(lc);

		if (!phig_policy_governs(relid))
			continue;
		if (needs == ALL_CLEAR && (sees_all(relid, IsA(stmt, TruncateStmt)) || is_new(relid)))
			continue;
		refusal->message = psprintf("the command sees values of table %s that the session's purpose does not show",
									phig_enforce_relation_name(relid));
		refusal->detail = needs == OFFICER ?
			"Whoever subscribes to a publication is sent all columns and rows." :
			"It scans the table, or stores an expression that will be evaluated over it, past every policy.";
		refusal->hint = needs == OFFICER ?
			"The privacy officer (phiguard.officer_role) may do it." :
			"It takes a purpose that shows all columns and rows, or the privacy officer (phiguard.officer_role).";
		return false;
	}
	return true;
}

static Needs
needs_of(const Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
		case T_IndexStmt:
		case T_CreateTrigStmt:
		case T_RuleStmt:
		case T_CreatePolicyStmt:
		case T_AlterPolicyStmt:
		case T_CreateStatsStmt:
		case T_AlterDomainStmt:
		case T_ClusterStmt:		/* leaves the rows in the order of a column */
		case T_TruncateStmt:	/* removes rows that are hidden too */
			return ALL_CLEAR;
		case T_CreatePublicationStmt:
		case T_AlterPublicationStmt:
			return OFFICER;
		default:
			return NOTHING;
	}
}

/*
 * A new foreign key is validated by a query of the session's own: it would find masks, and fail falsely.  That of a
 * new table is not.
 */
static List *
referenced_relations(const Node *stmt)
{
	List	   *relids = NIL;
	bool		empty;
	ListCell   *lc;

	if (!IsA(stmt, AlterTableStmt))
		return NIL;
	empty = is_new(RangeVarGetRelid(((const AlterTableStmt *) stmt)->relation, NoLock, true));
	foreach(lc, ((const AlterTableStmt *) stmt)->cmds)
	{
		const Constraint *constraint = (const Constraint *) lfirst_node(AlterTableCmd, lc)->def;
		Oid			relid;

		if (constraint == NULL || !IsA(constraint, Constraint) || constraint->pktable == NULL ||
			(empty && constraint->skip_validation))
			continue;
		relid = RangeVarGetRelid(constraint->pktable, NoLock, true);
		if (OidIsValid(relid))
			relids = lappend_oid(relids, relid);
	}
	return relids;
}

static bool
is_new(Oid relid)
{
	Relation	rel = OidIsValid(relid) ? RelationIdGetRelation(relid) : NULL;
	bool		result = rel != NULL && rel->rd_createSubid != InvalidSubTransactionId;

	if (rel != NULL)
		RelationClose(rel);
	return result;
}

static bool
sees_all(Oid relid, bool only_rows)
{
	const PhigSubject *subject = phig_policy_subject();
	const PhigRelPolicy *policy;

	if (!subject->granted)
		return false;
	policy = phig_policy_relation(subject, relid, true);
	return policy == NULL || policy->all_clear || (only_rows && policy->rows == NULL);
}
