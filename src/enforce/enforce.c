/*
 * enforce.c
 *		The query rewritten so that only what the policy allows is possible.
 *
 * First everything that could refuse the statement is asked, then it is changed.  The purpose is the
 * session's, through views and functions alike: the role that a view or a function runs as
 * has no say.
 *
 * Left alone are the queries that the server itself makes for a foreign key.  They run under
 * a flag of the security context that functions called below them inherit; so what they are is read
 * off their shape, which returns nothing but that there is a row.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "enforce/internal.h"
#include "flow/flow.h"
#include "label/inherit.h"
#include "policy/boundary.h"
#include "settings.h"

static bool restrict_query(Query *query, bool makes_table, const PhigSubject *subject, PhigEnforcement *done,
						   PhigRefusal *refusal);
static bool is_constraint_query(const Query *query);
static bool has_subquery(Node *node, void *context);
static bool check_purpose(List *places, const PhigSubject *subject, PhigRefusal *refusal);
static void close_codes(PhigRelPolicy *policy, const PhigSubject *subject);
static bool may_write_above(Oid relid, Oid role);
static bool may_write(Oid relid, Oid role);
static bool check_columns(Query *query, List *places, const PhigSubject *subject, PhigEnforcement *done,
						  PhigRefusal *refusal);
static void weigh_columns(const PhigFlowSet *set, const PhigRelPolicy *policy, PhigEnforcement *done,
						  Bitmapset **denied);
static void end_claims(Query *query);
static void end_claims_of(List *tlist, bool stored);
static Index *inheritance_parents(const PlannedStmt *plan);
static bool is_reached_as_named(const PlannedStmt *plan, Index rti, const Index *parents, const PhigEnforcement *done);
static bool is_covered(Oid relid, const PhigEnforcement *done);

/* PhigDecision.because of a column that is denied although its rule shows a code. */
static const char because_writable[] = "a code, of a table that the role may write";

bool
phig_enforce_session(void)
{
	const PhigSubject *subject;

	if (phig_mode != PHIG_MODE_ENFORCE)
		return false;
	subject = phig_policy_subject();
	return !subject->exempt && !subject->break_glass;
}

bool
phig_enforce_query(Query *query, bool makes_table, PhigEnforcement *done, PhigRefusal *refusal)
{
	memset(done, 0, sizeof(*done));
	memset(refusal, 0, sizeof(*refusal));
	done->stamp = phig_policy_stamp();
	done->function = phig_boundary_function();
	if (is_constraint_query(query))
	{
		done->constraint = true;
		return true;
	}
	return restrict_query(query, makes_table, phig_policy_subject(), done, refusal);
}

void
phig_enforce_rehearse(const Query *query, PhigRehearsal *rehearsal)
{
	PhigSubject subject = *phig_policy_subject();
	PhigEnforcement done;
	PhigRefusal refusal;

	memset(rehearsal, 0, sizeof(*rehearsal));
	rehearsal->stamp = phig_policy_stamp();
	if (subject.exempt || subject.break_glass || is_constraint_query(query))
		return;
	subject.rehearsal = true;
	rehearsal->would_deny = !phig_enforce_rehearse_as(query, &subject, &done, &refusal);
	rehearsal->would_transform = done.restricted && !rehearsal->would_deny;
}

bool
phig_enforce_rehearse_as(const Query *query, const PhigSubject *subject, PhigEnforcement *done, PhigRefusal *refusal)
{
	memset(done, 0, sizeof(*done));
	memset(refusal, 0, sizeof(*refusal));
	return restrict_query(copyObject(unconstify(Query *, query)), false, subject, done, refusal);
}

static bool
restrict_query(Query *query, bool makes_table, const PhigSubject *subject, PhigEnforcement *done,
			   PhigRefusal *refusal)
{
	List	   *places = phig_enforce_places(query, subject, &done->functions);
	ListCell   *lc;

	if (places == NIL)
		return true;
	done->applies = true;
	if (!check_purpose(places, subject, refusal))
		return false;
	phig_enforce_look_up(places, subject, done);
	foreach(lc, places)
	{
		const PhigPlace *place = lfirst(lc);

		if (place->policy && place->is_target && !phig_enforce_check_target(place, subject, refusal))
			return false;
	}
	if (!check_columns(query, places, subject, done, refusal))
		return false;

	foreach(lc, places)
	{
		const PhigPlace *place = lfirst(lc);

		if (place->policy == NULL || place->policy->all_clear)
			continue;
		done->restricted |= place->policy->rows != NULL;
		if (place->is_target)
			phig_enforce_cut_target(place);
		else
			phig_enforce_show(place, subject);
	}
	if (done->restricted && Debug_print_plan)
	{
		refusal->message = "the plan of a statement that does not see all columns and rows is not printed";
		refusal->hint = "SET debug_print_plan = off.";
		return false;
	}
	if (done->restricted && (makes_table || query->commandType != CMD_SELECT))
		end_claims(query);
	return true;
}

/* Only INSERT and COPY FROM go by privileges alone: they read nothing. */
static bool
check_purpose(List *places, const PhigSubject *subject, PhigRefusal *refusal)
{
	ListCell   *lc;

	if (subject->granted)
		return true;
	foreach(lc, places)
	{
		const PhigPlace *place = lfirst(lc);

		if (place->is_target && !phig_enforce_target_is_read(place))
			continue;
		phig_refuse_unpurposed(refusal, subject, rt_fetch(place->rti, place->query->rtable)->relid);
		return false;
	}
	return true;
}

/* One that only INSERT writes to needs none, and without a purpose there is none. */
void
phig_enforce_look_up(List *places, const PhigSubject *subject, PhigEnforcement *done)
{
	ListCell   *lc;

	foreach(lc, places)
	{
		PhigPlace  *place = lfirst(lc);
		const RangeTblEntry *rte = rt_fetch(place->rti, place->query->rtable);

		done->relids = list_append_unique_oid(done->relids, rte->relid);
		if (!subject->granted)
			continue;
		place->policy = phig_policy_relation(subject, rte->relid, rte->inh);
		if (place->policy == NULL)
			continue;
		/* Row predicates read what their officer may. */
		done->relids = list_concat_unique_oid(done->relids, place->policy->reads);
		if (place->policy->all_clear)
			continue;
		if (!subject->extract)
			close_codes(place->policy, subject);
		done->policies = lappend(done->policies, place->policy);
	}
}

/*
 * Who can write values and see the codes that they get has a dictionary: of the codes of all
 * tables.  So a keyed code is not shown of a table that the role may write.
 */
static void
close_codes(PhigRelPolicy *policy, const PhigSubject *subject)
{
	int			writes = -1;

	for (AttrNumber attno = 1; attno <= policy->natts; attno++)
	{
		PhigDecision *decision = &policy->columns[attno - 1];

		if (decision->action != PHIG_ACTION_TRANSFORM || !phig_enforce_is_code(policy, attno, subject))
			continue;
		if (writes < 0)
			writes = phig_enforce_may_write(policy->relid, subject->role);
		if (!writes)
			return;
		decision->action = PHIG_ACTION_DENY;
		decision->because = because_writable;
	}
}

/* A row that goes into a partition is read through all that it is a part of, and the other way round. */
bool
phig_enforce_may_write(Oid relid, Oid role)
{
	ListCell   *lc;

	foreach(lc, phig_family(relid))
		if (may_write(lfirst_oid(lc), role))
			return true;
	return may_write_above(relid, role);
}

static bool
may_write_above(Oid relid, Oid role)
{
	ListCell   *lc;

	foreach(lc, phig_parents(relid))
		if (may_write(lfirst_oid(lc), role) || may_write_above(lfirst_oid(lc), role))
			return true;
	return false;
}

static bool
may_write(Oid relid, Oid role)
{
	const AclMode writing = ACL_INSERT | ACL_UPDATE;

	return phig_owns_relation(relid, role) ||
		pg_class_aclmask(relid, role, writing, ACLMASK_ANY) != 0 ||
		pg_attribute_aclcheck_all(relid, role, writing, ACLMASK_ANY) == ACLCHECK_OK;
}

/* Columns that the purpose denies may be asked for nowhere. */
static bool
check_columns(Query *query, List *places, const PhigSubject *subject, PhigEnforcement *done, PhigRefusal *refusal)
{
	const PhigFlow *flow = phig_flow_analyze_governed(query);
	ListCell   *lc;

	if (flow == NULL)
		return true;
	done->asked = flow;
	foreach(lc, places)
	{
		const PhigPlace *place = lfirst(lc);
		Bitmapset  *denied = NULL;

		if (place->policy == NULL || place->is_target)
			continue;
		weigh_columns(&flow->returned, place->policy, done, &denied);
		weigh_columns(&flow->referenced, place->policy, done, &denied);
		weigh_columns(&flow->stored, place->policy, done, &denied);
		if (denied != NULL)
		{
			phig_refuse_columns(refusal, subject, "show column", place->policy->relid, denied);
			if (place->policy->columns[bms_next_member(denied, -1) - 1].because == because_writable)
				refusal->detail = "Who may write a table and see the codes of what it holds could look any value up by its code.";
			return false;
		}
	}
	return true;
}

static void
weigh_columns(const PhigFlowSet *set, const PhigRelPolicy *policy, PhigEnforcement *done, Bitmapset **denied)
{
	for (int i = 0; i < set->nitems; i++)
	{
		const PhigFlowItem *item = &set->items[i];
		PhigAction	action;

		if (item->relid != policy->relid || item->attno > policy->natts)
			continue;
		action = policy->columns[item->attno - 1].action;
		if (action == PHIG_ACTION_DENY)
			*denied = bms_add_member(*denied, item->attno);
		if (action != PHIG_ACTION_CLEAR)
			done->restricted = true;
	}
}

/*
 * Inside the query a column in another form claims to be of the column's type, and a client is told
 * the base type of any.  A table that is made of it is told too: a value of a checked domain would
 * have its shape, and this need not.  What is stored into such a column has to pass.
 */
static void
end_claims(Query *query)
{
	ListCell   *lc;

	if (query->commandType == CMD_SELECT)
	{
		/* The columns of a set operation are those of its parts, and may be nothing else. */
		if (query->setOperations == NULL)
			end_claims_of(query->targetList, false);
		return;
	}
	end_claims_of(query->targetList, true);
	if (query->onConflict)
		end_claims_of(query->onConflict->onConflictSet, true);
	foreach(lc, query->mergeActionList)
		end_claims_of(lfirst_node(MergeAction, lc)->targetList, true);
}

/* What is grouped, sorted or made distinct by must stay the expression that it is. */
static void
end_claims_of(List *tlist, bool stored)
{
	ListCell   *lc;

	foreach(lc, tlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Oid			type = exprType((Node *) tle->expr);
		int32		typmod = exprTypmod((Node *) tle->expr);
		Oid			base = getBaseTypeAndTypmod(type, &typmod);
		Oid			collation = exprCollation((Node *) tle->expr);

		if (tle->resjunk || tle->ressortgroupref != 0 || base == type || IsA(tle->expr, Const) ||
			IsA(tle->expr, Param) || IsA(tle->expr, CoerceToDomain) || IsA(tle->expr, SetToDefault))
			continue;
		tle->expr = (Expr *) makeRelabelType(tle->expr, base, typmod, collation, COERCE_IMPLICIT_CAST);
		if (stored)
		{
			CoerceToDomain *check = makeNode(CoerceToDomain);

			check->arg = tle->expr;
			check->resulttype = type;
			check->resulttypmod = -1;
			check->resultcollid = collation;
			check->coercionformat = COERCE_IMPLICIT_CAST;
			check->location = -1;
			tle->expr = (Expr *) check;
		}
	}
}

/* SELECT 1 FROM x WHERE key = $1 ... FOR KEY SHARE, or a cascade: on one table of a foreign key. */
static bool
is_constraint_query(const Query *query)
{
	const RangeTblEntry *rte;
	const TargetEntry *tle;

	if (!phig_enforce_is_constraint() || list_length(query->rtable) != 1 || query->cteList || query->returningList ||
		query->setOperations || query->hasSubLinks || query->hasAggs)
		return false;
	rte = linitial_node(RangeTblEntry, query->rtable);
	if (rte->rtekind != RTE_RELATION ||
		query_tree_walker((Query *) query, has_subquery, NULL, QTW_IGNORE_JOINALIASES))
		return false;
	if (query->commandType == CMD_UPDATE || query->commandType == CMD_DELETE)
		return true;
	if (query->commandType != CMD_SELECT || list_length(query->targetList) != 1 || query->rowMarks == NIL)
		return false;
	tle = linitial_node(TargetEntry, query->targetList);
	return IsA(tle->expr, Const);
}

/* Anything but comparisons of columns and parameters. */
static bool
has_subquery(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_List:
		case T_TargetEntry:
		case T_FromExpr:
		case T_RangeTblRef:
		case T_BoolExpr:
		case T_OpExpr:
		case T_ScalarArrayOpExpr:
		case T_Var:
		case T_Param:
		case T_Const:
		case T_RelabelType:
		case T_FuncExpr:		/* a cast */
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_CollateExpr:
		case T_CoerceToDomain:
		case T_SetToDefault:
		case T_RangeTblEntry:
			return expression_tree_walker(node, has_subquery, context);
		default:
			return true;
	}
}

bool
phig_enforce_is_constraint(void)
{
	return InNoForceRLSOperation() && !phig_in_constraint;
}

bool
phig_enforce_plan(PlannedStmt *plan, const PhigEnforcement *done, PhigRefusal *refusal)
{
	Oid			marker = phig_policy_marker();
	Index	   *parents;
	Index		rti = 0;
	ListCell   *lc;

	/*
	 * A plan that another role, purpose or policy makes invalid, one that was made without them
	 * too.
	 */
	if (OidIsValid(marker))
		plan->relationOids = lappend_oid(plan->relationOids, marker);
	/* Outside functions the role is compared when the plan is fetched. */
	if (done->stamp != 0)
		plan->dependsOnRole = true;
	foreach(lc, done->functions)
	{
		PlanInvalItem *item = makeNode(PlanInvalItem);

		item->cacheId = PROCOID;
		item->hashValue = GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(lfirst_oid(lc)));
		plan->invalItems = lappend(plan->invalItems, item);
	}
	if (!done->applies)
		return true;
	parents = inheritance_parents(plan);
	foreach(lc, plan->rtable)
	{
		const RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		rti++;
		if (rte->rtekind != RTE_RELATION || rte->relkind == RELKIND_VIEW || !phig_policy_governs(rte->relid) ||
			is_reached_as_named(plan, rti, parents, done))
			continue;
		refusal->message = psprintf("the statement reaches table %s, which it does not name",
									phig_enforce_relation_name(rte->relid));
		refusal->hint = "Name it in the statement, or have the table that it belongs to labelled.";
		return false;
	}
	return true;
}

/* [rti]: the entry that the planner expanded into this one, or 0. */
static Index *
inheritance_parents(const PlannedStmt *plan)
{
	Index	   *parents = palloc0((list_length(plan->rtable) + 1) * sizeof(Index));
	ListCell   *lc;

	foreach(lc, plan->appendRelations)
	{
		const AppendRelInfo *info = lfirst_node(AppendRelInfo, lc);

		/* One of UNION ALL stands for itself. */
		if (rt_fetch(info->parent_relid, plan->rtable)->rtekind == RTE_RELATION)
			parents[info->child_relid] = info->parent_relid;
	}
	return parents;
}

/*
 * A partition or child that was reached from above goes by what was named there.  That it is also named
 * itself says nothing of that reading.
 */
static bool
is_reached_as_named(const PlannedStmt *plan, Index rti, const Index *parents, const PhigEnforcement *done)
{
	Index		named = rti;

	while (parents[named] != 0)
		named = parents[named];
	if (named == rti)
		return is_covered(rt_fetch(rti, plan->rtable)->relid, done);
	return list_member_oid(done->relids, rt_fetch(named, plan->rtable)->relid);
}

/* Dealt with itself, or as a partition or child of one that was. */
static bool
is_covered(Oid relid, const PhigEnforcement *done)
{
	ListCell   *lc;

	if (list_member_oid(done->relids, relid))
		return true;
	foreach(lc, phig_parents(relid))
		if (is_covered(lfirst_oid(lc), done))
			return true;
	return false;
}

bool
phig_enforce_unseen(const PlannedStmt *plan, PhigRefusal *refusal)
{
	ListCell   *lc;

	foreach(lc, plan->rtable)
	{
		const RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind != RTE_RELATION || rte->relkind == RELKIND_VIEW || !phig_policy_governs(rte->relid))
			continue;
		refusal->message = psprintf("the statement reaches table %s in a way that phiguard has not seen",
									phig_enforce_relation_name(rte->relid));
		refusal->detail = "Its plan was made past phiguard, or for another role, purpose or policy.";
		refusal->hint = "Run it again. Where that does not help, name the table in the statement itself.";
		return false;
	}
	return true;
}
