/*
 * target.c
 *		The relation that a statement writes.
 *
 * Its columns stay what they are: a value that was replaced would be written back.  So a column that is
 * not clear may be read nowhere in the statement, and assigned only where the rule says so.
 * INSERT proposes rows and reads none, until RETURNING or ON CONFLICT look at them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_index.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "rewrite/rowsecurity.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "enforce/internal.h"

/* For walking a query: which columns of one of its entries are looked at? */
typedef struct Reading
{
	Index		rti;
	int			levelsup;
	Bitmapset  *columns;		/* 0: the whole row */
} Reading;

static Bitmapset *columns_read(const PhigPlace *place);
static Bitmapset *columns_of_constraint(Oid constraint);
static bool is_of_row_security(const WithCheckOption *option);
static int	count_row_security(Query *query, RangeTblEntry *rte, Index rti);
static bool read_columns(Node *node, void *context);
static List *assignments(const PhigPlace *place);
static Bitmapset *assigned_by(const List *tlist);

bool
phig_enforce_target_is_read(const PhigPlace *place)
{
	const Query *query = place->query;

	if (query->commandType != CMD_INSERT)
		return true;
	if (query->onConflict && query->onConflict->action == ONCONFLICT_UPDATE)
		return true;
	return columns_read(place) != NULL;
}

/* Which columns of the target are looked at, by any clause that the session wrote. */
static Bitmapset *
columns_read(const PhigPlace *place)
{
	Query		query = *place->query;
	RangeTblEntry *rte = rt_fetch(place->rti, query.rtable);
	List	   *security_quals = rte->securityQuals;
	List	   *check_options = NIL;
	OnConflictExpr conflict;
	Reading		reading = {.rti = place->rti};
	ListCell   *lc;

	/*
	 * Row-level security is the owner's; what a view asks, for its rows and in its check, is its
	 * writer's.
	 */
	rte->securityQuals = list_copy_tail(security_quals, count_row_security(place->query, rte, place->rti));
	foreach(lc, query.withCheckOptions)
	{
		if (!is_of_row_security(lfirst_node(WithCheckOption, lc)))
			check_options = lappend(check_options, lfirst(lc));
	}
	query.withCheckOptions = check_options;

	/*
	 * That a value is taken tells any INSERT.  Whose row has it, only one that goes on with that
	 * row.
	 */
	if (query.onConflict)
	{
		conflict = *query.onConflict;
		if (conflict.action != ONCONFLICT_UPDATE)
		{
			conflict.arbiterElems = NIL;
			conflict.arbiterWhere = NULL;
		}
		else if (OidIsValid(conflict.constraint))
			reading.columns = columns_of_constraint(conflict.constraint);
		conflict.exclRelTlist = NIL;
		query.onConflict = &conflict;
	}
	query_tree_walker(&query, read_columns, &reading, QTW_IGNORE_JOINALIASES);
	rte->securityQuals = security_quals;
	return reading.columns;
}

static Bitmapset *
columns_of_constraint(Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(get_constraint_index(constraint)));
	Form_pg_index form;
	Bitmapset  *columns = NULL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for the index of constraint %u", constraint);
	form = (Form_pg_index) GETSTRUCT(tuple);
	for (int i = 0; i < form->indnkeyatts; i++)
		columns = bms_add_member(columns, form->indkey.values[i]);
	ReleaseSysCache(tuple);
	return columns;
}

/* All others are of views: new kinds come with minor releases, too. */
static bool
is_of_row_security(const WithCheckOption *option)
{
	switch (option->kind)
	{
		case WCO_RLS_INSERT_CHECK:
		case WCO_RLS_UPDATE_CHECK:
		case WCO_RLS_CONFLICT_CHECK:
		case WCO_RLS_MERGE_UPDATE_CHECK:
		case WCO_RLS_MERGE_DELETE_CHECK:
			return true;
		default:
			return false;
	}
}

/* How many of an entry's security quals are those of row-level security: they come first. */
static int
count_row_security(Query *query, RangeTblEntry *rte, Index rti)
{
	List	   *quals = NIL;
	List	   *check_options = NIL;
	bool		has_row_security = false;
	bool		has_sublinks = false;

	if (rte->securityQuals == NIL || rte->rtekind != RTE_RELATION)
		return 0;
	get_row_security_policies(query, rte, rti, &quals, &check_options, &has_row_security, &has_sublinks);
	return Min(list_length(quals), list_length(rte->securityQuals));
}

static bool
read_columns(Node *node, void *context)
{
	Reading    *reading = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		const Var  *var = (Var *) node;

		if (var->varno == (int) reading->rti && (int) var->varlevelsup == reading->levelsup &&
			var->varattno >= 0)
			reading->columns = bms_add_member(reading->columns, var->varattno);
		return false;
	}
	if (IsA(node, Query))
	{
		bool		result;

		reading->levelsup++;
		result = query_tree_walker((Query *) node, read_columns, context, QTW_IGNORE_JOINALIASES);
		reading->levelsup--;
		return result;
	}
	return expression_tree_walker(node, read_columns, context);
}

/* What UPDATE, in whatever form, puts into the rows that are there: a target list for each way. */
static List *
assignments(const PhigPlace *place)
{
	const Query *query = place->query;
	List	   *all = NIL;
	ListCell   *lc;

	if (query->commandType == CMD_UPDATE)
		all = lappend(all, query->targetList);
	if (query->onConflict)
		all = lappend(all, query->onConflict->onConflictSet);
	foreach(lc, query->mergeActionList)
	{
		const MergeAction *action = lfirst_node(MergeAction, lc);

		if (action->commandType == CMD_UPDATE)
			all = lappend(all, action->targetList);
	}
	return all;
}

static Bitmapset *
assigned_by(const List *tlist)
{
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	foreach(lc, tlist)
	{
		const TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk)
			columns = bms_add_member(columns, tle->resno);
	}
	return columns;
}

bool
phig_enforce_check_target(const PhigPlace *place, const PhigSubject *subject, PhigRefusal *refusal)
{
	const PhigRelPolicy *policy = place->policy;
	Bitmapset  *read = columns_read(place);
	Bitmapset  *assigned = NULL;
	Bitmapset  *compared = NULL;
	Bitmapset  *hidden = NULL;
	Bitmapset  *fixed = NULL;
	Bitmapset  *told = NULL;
	bool		whole_row = bms_is_member(InvalidAttrNumber, read);
	ListCell   *lc;

	foreach(lc, assignments(place))
	{
		Bitmapset  *columns = assigned_by(lfirst(lc));

		assigned = bms_add_members(assigned, columns);
		if (!policy->all_clear)
			compared = bms_add_members(compared, phig_enforce_compared(policy->relid, columns));
	}

	for (AttrNumber attno = 1; attno <= policy->natts; attno++)
	{
		const PhigDecision *decision = &policy->columns[attno - 1];

		if (decision->action == PHIG_ACTION_CLEAR)
			continue;
		if (whole_row || bms_is_member(attno, read))
			hidden = bms_add_member(hidden, attno);
		if (bms_is_member(attno, assigned) && !decision->writable)
			fixed = bms_add_member(fixed, attno);
		if (bms_is_member(attno, compared))
			told = bms_add_member(told, attno);
	}
	if (hidden)
		phig_refuse_columns(refusal, subject, "show, to a statement that writes the table, column", policy->relid, hidden);
	else if (fixed)
		phig_refuse_columns(refusal, subject, "allow to assign column", policy->relid, fixed);
	else if (told)
	{
		phig_refuse_columns(refusal, subject, "show, to a statement that assigns what is checked beside it, column",
							policy->relid, told);
		refusal->detail = "A constraint, an index or a generated column of the table puts it together with what is assigned.";
		refusal->hint = psprintf("Leave the assignment out, or ask the privacy officer for a rule: phiguard.allow('%s', ...).",
								 subject->purpose);
	}
	return refusal->message == NULL;
}

/* Rows that the purpose does not show can be neither changed nor removed. */
void
phig_enforce_cut_target(const PhigPlace *place)
{
	Query	   *query = place->query;
	RangeTblEntry *rte = rt_fetch(place->rti, query->rtable);
	Node	   *rows;

	if (place->policy->rows == NULL)
		return;
	rows = phig_enforce_rows(place->policy, place->rti);
	query->hasSubLinks |= checkExprHasSubLink(rows);
	if (query->commandType != CMD_INSERT)
		rte->securityQuals = lcons(rows, rte->securityQuals);
	else if (query->onConflict && query->onConflict->action == ONCONFLICT_UPDATE)
	{
		WithCheckOption *option = makeNode(WithCheckOption);

		option->kind = WCO_RLS_CONFLICT_CHECK;
		option->relname = get_rel_name(rte->relid);
		option->qual = rows;
		query->withCheckOptions = lcons(option, query->withCheckOptions);
	}
}
