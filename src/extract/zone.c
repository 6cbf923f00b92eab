/*
 * zone.c
 *		What goes by the time zone of whoever reads.
 *
 * A function of the server that does is stable, and takes or makes a timestamptz, a timetz or something that holds one:
 * casts to and from other types, text among them, days and parts of it, comparisons with a day, sums with days and
 * months.  Two instants are compared, and subtracted, without a time zone, by functions that are immutable.  What is
 * computed of the present time alone may go by the reader's: current_date does.
 *
 * AT TIME ZONE says which one: see ../policy/zone.h.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/tupdesc.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "compat.h"
#include "extract/prove.h"
#include "flow/flow.h"
#include "policy/zone.h"

static bool may_go_by_zone(Oid funcid, void *context);
static bool compares_in_json(Oid funcid, void *context);
static bool frame_goes_by_zone(Oid funcid);
static List *arguments_of(Node *node);
static bool has_zone(Node *expr);
static bool type_has_zone(Oid type);
static bool any_has_zone(List *types);
static bool is_now(Node *expr);

bool
phig_extract_goes_by_zone(Node *node)
{
	List	   *arguments;
	bool		now = false;
	ListCell   *lc;

	if (IsA(node, WindowClause))
		return frame_goes_by_zone(((WindowClause *) node)->startInRangeFunc) ||
			frame_goes_by_zone(((WindowClause *) node)->endInRangeFunc);
	if (IsA(node, RangeTblFunction))
		return any_has_zone(((RangeTblFunction *) node)->funccoltypes);
	if (IsA(node, TableFunc))
		return any_has_zone(((TableFunc *) node)->coltypes);
	if (check_functions_in_node(node, compares_in_json, NULL) || phig_compat_json_path_is_mutable(node))
		return true;
	if (phig_zone_is_said(node))
		return false;
	if (!check_functions_in_node(node, may_go_by_zone, NULL) && !IsA(node, XmlExpr) && !phig_compat_is_json(node))
		return false;
	arguments = arguments_of(node);
	foreach(lc, arguments)
	{
		if (!has_zone(lfirst(lc)))
			continue;
		if (!is_now(lfirst(lc)))
			return true;
		now = true;
	}

	/*
	 * It is made of something without one; now() is made of nothing.  What is in a record, its
	 * RangeTblFunction says.
	 */
	return !now && arguments != NIL && exprType(node) != RECORDOID && type_has_zone(exprType(node));
}

/* Those of phiguard say themselves what they go by: see their twins for extracts. */
static bool
may_go_by_zone(Oid funcid, void *context)
{
	return funcid < FirstNormalObjectId &&
		(func_volatile(funcid) == PROVOLATILE_STABLE || phig_zone_is_asked_for(funcid));
}

/* Times inside of JSON: jsonb_path_query_tz() and the like. */
static bool
compares_in_json(Oid funcid, void *context)
{
	const char *name = funcid < FirstNormalObjectId ? get_func_name(funcid) : NULL;
	const char *end = name == NULL ? NULL : strrchr(name, '_');

	return end != NULL && strcmp(end, "_tz") == 0;
}

/* RANGE between so many days. */
static bool
frame_goes_by_zone(Oid funcid)
{
	return OidIsValid(funcid) && may_go_by_zone(funcid, NULL);
}

static List *
arguments_of(Node *node)
{
	List	   *arguments = NIL;
	ListCell   *lc;

	switch (nodeTag(node))
	{
		case T_FuncExpr:
			return ((FuncExpr *) node)->args;
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			return ((OpExpr *) node)->args;
		case T_ScalarArrayOpExpr:
			return ((ScalarArrayOpExpr *) node)->args;
		case T_WindowFunc:
			return ((WindowFunc *) node)->args;
		case T_CoerceViaIO:
			return list_make1(((CoerceViaIO *) node)->arg);
		case T_RowCompareExpr:
			return list_concat_copy(((RowCompareExpr *) node)->largs, ((RowCompareExpr *) node)->rargs);
		case T_XmlExpr:
			return list_concat_copy(((XmlExpr *) node)->named_args, ((XmlExpr *) node)->args);
		case T_Aggref:
			foreach(lc, ((Aggref *) node)->args)
				arguments = lappend(arguments, lfirst_node(TargetEntry, lc)->expr);
			return list_concat(arguments, ((Aggref *) node)->aggdirectargs);
		default:
			return phig_compat_json_arguments(node);
	}
}

/* What a row holds can be seen where it is made only. */
static bool
has_zone(Node *expr)
{
	ListCell   *lc;

	if (exprType(expr) != RECORDOID || !IsA(expr, RowExpr))
		return type_has_zone(exprType(expr));
	foreach(lc, ((RowExpr *) expr)->args)
		if (has_zone(lfirst(lc)))
			return true;
	return false;
}

static bool
is_zoned(Oid type)
{
	return type == TIMESTAMPTZOID || type == TIMETZOID || type == RECORDOID;
}

static bool
type_has_zone(Oid type)
{
	return phig_extract_type_holds(type, is_zoned);
}

static bool
any_has_zone(List *types)
{
	ListCell   *lc;

	foreach(lc, types)
		if (type_has_zone(lfirst_oid(lc)))
			return true;
	return false;
}

/* The present time, or one that is so long before or after it. */
static bool
is_now(Node *expr)
{
	const OpExpr *sum;

	expr = phig_flow_uncast(expr);
	if (!IsA(expr, OpExpr))
		return IsA(expr, SQLValueFunction) || (IsA(expr, FuncExpr) && ((FuncExpr *) expr)->args == NIL);
	sum = (OpExpr *) expr;
	return list_length(sum->args) == 2 && is_now(linitial(sum->args)) && IsA(lsecond(sum->args), Const) &&
		((Const *) lsecond(sum->args))->consttype == INTERVALOID;
}
