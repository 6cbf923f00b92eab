/*
 * shown.c
 *		A relation that is read becomes what the purpose shows of it.
 *
 * Its range-table entry turns into an ordinary sub-select over itself.  The planner pulls that up, and
 * with it come index use, ordering, pruning and join removal for the columns that stay as they are, and the right
 * treatment of NULLs of outer joins.  Column n of the relation is column n of the sub-select.  A
 * whole row and system columns, where they are asked for, become further columns behind them.
 *
 * A column in another form has the base type of its own, and claims to be of the column's
 * type inside the query, whose expressions were made for that; where values leave, or are
 * stored, the claim ends (phig_enforce_result_types).
 *
 * Where all columns are clear the entry stays, and only its rows are cut.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/heap.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "enforce/internal.h"
#include "flow/flow.h"

/* What is asked of a relation beside its columns, and where the sub-select has it. */
typedef struct Extras
{
	Index		rti;
	int			levelsup;
	AttrNumber	natts;			/* of the sub-select, so far */
	AttrNumber	whole_row;		/* its column, or 0 */
	AttrNumber	system[-FirstLowInvalidHeapAttributeNumber];	/* [-attno] their columns, or 0 */
} Extras;

static bool all_columns_clear(const PhigRelPolicy *policy);
static bool redirect(Node *node, void *context);
static Query *make_subselect(const PhigPlace *place, const PhigSubject *subject, Extras *extras);
static List *shown_columns(const PhigPlace *place, const PhigSubject *subject, Relation rel);
static Var *var_of(Relation rel, AttrNumber attno);
static Node *shown_column(const PhigPlace *place, const PhigSubject *subject, Relation rel, AttrNumber attno);
static Node *in_other_form(const PhigDecision *decision, const PhigSubject *subject, Var *value, Node *whose);
static TargetEntry *whole_row(List *columns, Relation rel, AttrNumber resno);
static TargetEntry *system_column(AttrNumber attno, AttrNumber resno);
static void become_subselect(const PhigPlace *place, Query *subselect);
static void move_row_mark(Query *query, Index rti, Query *subselect);

Node *
phig_enforce_rows(const PhigRelPolicy *policy, Index rti)
{
	Node	   *rows = copyObject(policy->rows);

	ChangeVarNodes(rows, 1, rti, 0);
	return rows;
}

void
phig_enforce_show(const PhigPlace *place, const PhigSubject *subject)
{
	Query	   *query = place->query;
	RangeTblEntry *rte = rt_fetch(place->rti, query->rtable);
	Extras		extras = {.rti = place->rti, .natts = place->policy->natts + place->nclear};
	List	   *security_quals = rte->securityQuals;
	Query	   *subselect;

	if (all_columns_clear(place->policy))
	{
		if (place->policy->rows)
		{
			Node	   *rows = phig_enforce_rows(place->policy, place->rti);

			query->hasSubLinks |= checkExprHasSubLink(rows);
			rte->securityQuals = lcons(rows, rte->securityQuals);
		}
		return;
	}
	/* Row-level security goes by the rows as they are. */
	rte->securityQuals = NIL;
	query_tree_walker(query, redirect, &extras, 0);
	rte->securityQuals = security_quals;
	subselect = make_subselect(place, subject, &extras);
	become_subselect(place, subselect);
}

static bool
all_columns_clear(const PhigRelPolicy *policy)
{
	for (AttrNumber attno = 1; attno <= policy->natts; attno++)
		if (policy->columns[attno - 1].action != PHIG_ACTION_CLEAR)
			return false;
	return true;
}

/* Whole rows and system columns of the entry: asked of the sub-select from now on. */
static bool
redirect(Node *node, void *context)
{
	Extras	   *extras = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;
		AttrNumber *place;

		if (var->varno != (int) extras->rti || (int) var->varlevelsup != extras->levelsup || var->varattno > 0)
			return false;
		place = var->varattno == 0 ? &extras->whole_row : &extras->system[-var->varattno];
		/* One node may stand in two places: it was redirected then. */
		if (*place == 0)
			*place = ++extras->natts;
		var->varattno = *place;
		if (var->varnosyn == extras->rti)
			var->varattnosyn = *place;
		return false;
	}
	if (IsA(node, Query))
	{
		bool		result;

		extras->levelsup++;
		result = query_tree_walker((Query *) node, redirect, context, 0);
		extras->levelsup--;
		return result;
	}
	return expression_tree_walker(node, redirect, context);
}

static Query *
make_subselect(const PhigPlace *place, const PhigSubject *subject, Extras *extras)
{
	RangeTblEntry *rte = rt_fetch(place->rti, place->query->rtable);
	RangeTblEntry *inner = makeNode(RangeTblEntry);
	RangeTblRef *ref = makeNode(RangeTblRef);
	Query	   *subselect = makeNode(Query);
	Relation	rel = table_open(rte->relid, NoLock);
	List	   *columns = shown_columns(place, subject, rel);

	memcpy(inner, rte, sizeof(RangeTblEntry));
	inner->lateral = false;
	/* What a sample is taken by stands a level deeper now; it may come from outside. */
	IncrementVarSublevelsUp((Node *) inner->tablesample, 1, 0);
	ChangeVarNodes((Node *) inner->securityQuals, place->rti, 1, 0);
	if (place->policy->rows)
		inner->securityQuals = lcons(phig_enforce_rows(place->policy, 1), inner->securityQuals);

	ref->rtindex = 1;
	subselect->commandType = CMD_SELECT;
	subselect->querySource = QSRC_ORIGINAL;
	subselect->canSetTag = true;
	subselect->rtable = list_make1(inner);
	subselect->jointree = makeFromExpr(list_make1(ref), NULL);
	subselect->hasRowSecurity = place->query->hasRowSecurity;
	subselect->hasSubLinks = checkExprHasSubLink((Node *) inner->securityQuals) ||
		checkExprHasSubLink((Node *) inner->tablesample);
	phig_compat_move_permissions(place->query, rte, subselect, inner);

	subselect->targetList = list_copy(columns);
	for (AttrNumber i = 0; i < place->nclear; i++)
		subselect->targetList = lappend(subselect->targetList,
										makeTargetEntry((Expr *) var_of(rel, place->clear[i]),
														place->policy->natts + i + 1,
														get_attname(rte->relid, place->clear[i], false), false));
	for (AttrNumber resno = place->policy->natts + place->nclear + 1; resno <= extras->natts; resno++)
	{
		TargetEntry *entry = NULL;

		if (resno == extras->whole_row)
			entry = whole_row(columns, rel, resno);
		for (int attno = -1; attno > FirstLowInvalidHeapAttributeNumber; attno--)
			if (extras->system[-attno] == resno)
				entry = system_column(attno, resno);
		subselect->targetList = lappend(subselect->targetList, entry);
	}
	table_close(rel, NoLock);
	return subselect;
}

static List *
shown_columns(const PhigPlace *place, const PhigSubject *subject, Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *columns = NIL;

	for (AttrNumber attno = 1; attno <= desc->natts; attno++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, attno - 1);
		Node	   *shown;

		if (att->attisdropped)
			shown = (Node *) makeNullConst(INT4OID, -1, InvalidOid);
		else
			shown = shown_column(place, subject, rel, attno);
		columns = lappend(columns, makeTargetEntry((Expr *) shown, attno, pstrdup(NameStr(att->attname)), false));
	}
	return columns;
}

static Var *
var_of(Relation rel, AttrNumber attno)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), attno - 1);

	return makeVar(1, attno, att->atttypid, att->atttypmod, att->attcollation, 0);
}

static Node *
shown_column(const PhigPlace *place, const PhigSubject *subject, Relation rel, AttrNumber attno)
{
	const PhigRelPolicy *policy = place->policy;
	Var		   *value = var_of(rel, attno);
	Node	   *whose = policy->subject > 0 ? (Node *) var_of(rel, policy->subject) : NULL;

	/* Younger than the policy that was looked up: never shown. */
	if (attno > policy->natts)
		return (Node *) makeNullConst(value->vartype, value->vartypmod, value->varcollid);
	switch (policy->columns[attno - 1].action)
	{
		case PHIG_ACTION_CLEAR:
			return (Node *) value;
		case PHIG_ACTION_TRANSFORM:
		case PHIG_ACTION_MASK:
			return in_other_form(&policy->columns[attno - 1], subject, value, whose);
		case PHIG_ACTION_NULL:
		case PHIG_ACTION_DENY:	/* asked for nowhere, or the statement would have been refused */
			break;
	}
	return (Node *) makeNullConst(value->vartype, value->vartypmod, value->varcollid);
}

/* A generalisation has a twin too, and no code; what an officer registered as keyed has none, and is one. */
static bool
calls_code(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr))
	{
		const FuncExpr *call = (FuncExpr *) node;
		const Node *first = call->args == NIL ? NULL : linitial(call->args);
		bool		twin = first != NULL && IsA(first, Const) && ((const Const *) first)->consttype == INTERNALOID;

		if (phig_flow_is_code(call->funcid) || (twin && !phig_flow_is_transform(call->funcid)))
			return true;
	}
	return expression_tree_walker(node, calls_code, context);
}

bool
phig_enforce_is_code(const PhigRelPolicy *policy, AttrNumber attno, const PhigSubject *subject)
{
	Relation	rel = table_open(policy->relid, NoLock);
	Node	   *whose = policy->subject > 0 ? (Node *) var_of(rel, policy->subject) : NULL;
	const char *problem;
	Node	   *shown = phig_policy_expression(subject, &policy->columns[attno - 1], (Node *) var_of(rel, attno),
											   whose, &problem);

	table_close(rel, NoLock);
	return calls_code(shown, NULL);
}

/* Of the column's length, and by name of its type. */
static Node *
in_other_form(const PhigDecision *decision, const PhigSubject *subject, Var *value, Node *whose)
{
	int32		typmod = value->vartypmod;
	Oid			base = getBaseTypeAndTypmod(value->vartype, &typmod);
	const char *problem = NULL;
	Node	   *shown = phig_policy_expression(subject, decision, (Node *) value, whose, &problem);

	if (shown == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("a rule of purpose \"%s\" does not fit a column", subject->purpose),
				 errdetail("%s", problem),
				 errhint("The privacy officer finds it with SELECT * FROM phiguard.verify_policy().")));
	shown = coerce_to_target_type(NULL, shown, exprType(shown), base, typmod, COERCION_EXPLICIT,
								  COERCE_EXPLICIT_CAST, -1);
	if (shown == NULL)
		elog(ERROR, "what a rule shows is not of its column's base type %u", base);
	if (exprType(shown) != value->vartype || exprCollation(shown) != value->varcollid)
		shown = (Node *) makeRelabelType((Expr *) shown, value->vartype, value->vartypmod, value->varcollid,
										 COERCE_IMPLICIT_CAST);
	return shown;
}

/* Of the relation's row type, out of what is shown of its columns. */
static TargetEntry *
whole_row(List *columns, Relation rel, AttrNumber resno)
{
	RowExpr    *row = makeNode(RowExpr);
	ListCell   *lc;

	foreach(lc, columns)
	{
		const TargetEntry *column = lfirst_node(TargetEntry, lc);

		row->args = lappend(row->args, copyObject(column->expr));
		row->colnames = lappend(row->colnames, makeString(pstrdup(column->resname)));
	}
	row->row_typeid = RelationGetForm(rel)->reltype;
	row->row_format = COERCE_IMPLICIT_CAST;
	row->location = -1;
	return makeTargetEntry((Expr *) row, resno, pstrdup(RelationGetRelationName(rel)), false);
}

static TargetEntry *
system_column(AttrNumber attno, AttrNumber resno)
{
	const FormData_pg_attribute *att = SystemAttributeDefinition(attno);
	Var		   *var = makeVar(1, attno, att->atttypid, att->atttypmod, att->attcollation, 0);

	return makeTargetEntry((Expr *) var, resno, pstrdup(NameStr(att->attname)), false);
}

static void
become_subselect(const PhigPlace *place, Query *subselect)
{
	RangeTblEntry *rte = rt_fetch(place->rti, place->query->rtable);
	ListCell   *lc;

	rte->eref = copyObject(rte->eref);
	for_each_from(lc, subselect->targetList, list_length(rte->eref->colnames))
		rte->eref->colnames = lappend(rte->eref->colnames, makeString(pstrdup(lfirst_node(TargetEntry, lc)->resname)));
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = subselect;
	rte->security_barrier = false;
	rte->relid = InvalidOid;
	rte->relkind = 0;
	rte->rellockmode = 0;
	rte->inh = false;
	rte->tablesample = NULL;
	rte->securityQuals = NIL;
	rte->enrname = NULL;
	rte->enrtuples = 0;
	rte->coltypes = rte->coltypmods = rte->colcollations = NIL;
	move_row_mark(place->query, place->rti, subselect);
}

/*
 * FOR UPDATE of a sub-select locks the rows below it: as the parser does it.  The sub-select has no FOR UPDATE of
 * its own, so that it is pulled up, and what the query leaves out is not locked.
 */
static void
move_row_mark(Query *query, Index rti, Query *subselect)
{
	ListCell   *lc;

	foreach(lc, query->rowMarks)
	{
		RowMarkClause *mark = lfirst_node(RowMarkClause, lc);

		if (mark->rti == rti)
		{
			RowMarkClause *inner = copyObject(mark);

			inner->rti = 1;
			inner->pushedDown = true;
			subselect->rowMarks = list_make1(inner);
		}
	}
}
