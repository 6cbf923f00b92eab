/*
 * zone.c
 *		What goes by the time zone, or the DateStyle, of whoever reads.
 *
 * A function of the server that does is stable, and takes or makes a timestamptz, a timetz or something that holds one:
 * casts to and from other types, text among them, days and parts of it, comparisons with a day, sums with days and
 * months.  Two instants are compared, and subtracted, without a time zone, by functions that are immutable.  What is
 * computed of the present time alone may go by the reader's: current_date does.
 *
 * AT TIME ZONE says which one: see ../policy/zone.h.
 *
 * DateStyle says which of the numbers in a text is the year, the month and the day, and which comes first in a text
 * that is made of a date.  JSON and XML have ISO 8601; formats say it.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/tupdesc.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "compat.h"
#include "extract/prove.h"
#include "flow/flow.h"
#include "policy/zone.h"

static bool may_go_by_settings(Oid funcid, void *context);
static bool says_format(Oid funcid, void *context);
static bool compares_in_json(Oid funcid, void *context);
static bool frame_goes_by_zone(Oid funcid);
static List *arguments_of(Node *node);
static bool holds(Node *expr, bool (*is) (Oid type));
static bool any_holds(List *exprs, bool (*is) (Oid type));
static bool is_zoned(Oid type);
static bool is_read_by_style(Oid type);
static bool is_written_by_style(Oid type);
static bool is_text(Oid type);
static bool any_type_holds(List *types, bool (*is) (Oid type));
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
		return any_type_holds(((RangeTblFunction *) node)->funccoltypes, is_zoned);
	if (IsA(node, TableFunc))
		return any_type_holds(((TableFunc *) node)->coltypes, is_zoned);
	if (check_functions_in_node(node, compares_in_json, NULL) || phig_compat_json_path_is_mutable(node))
		return true;
	if (phig_zone_is_said(node))
		return false;
	if (!check_functions_in_node(node, may_go_by_settings, NULL) && !IsA(node, XmlExpr) && !phig_compat_is_json(node))
		return false;
	arguments = arguments_of(node);
	foreach(lc, arguments)
	{
		if (!holds(lfirst(lc), is_zoned))
			continue;
		if (!is_now(lfirst(lc)))
			return true;
		now = true;
	}

	/*
	 * It is made of something without one; now() is made of nothing.  What is in a record, its
	 * RangeTblFunction says.
	 */
	return !now && arguments != NIL && exprType(node) != RECORDOID &&
		phig_extract_type_holds(exprType(node), is_zoned);
}

bool
phig_extract_goes_by_date_style(Node *node)
{
	List	   *arguments;

	if (IsA(node, RangeTblFunction))
		return any_type_holds(((RangeTblFunction *) node)->funccoltypes, is_read_by_style);
	if (IsA(node, TableFunc))
		return any_type_holds(((TableFunc *) node)->coltypes, is_read_by_style);
	if (!check_functions_in_node(node, may_go_by_settings, NULL) && !phig_compat_is_json(node))
		return false;
	if (check_functions_in_node(node, says_format, NULL))
		return false;
	/* A date that comes out of JSON was a text in it, whatever is passed besides. */
	if (phig_compat_is_json(node))
		return phig_extract_type_holds(exprType(node), is_read_by_style);
	arguments = arguments_of(node);
	if (any_holds(arguments, is_written_by_style))
		return phig_extract_type_holds(exprType(node), is_text);
	return arguments != NIL && !any_holds(arguments, is_zoned) &&
		phig_extract_type_holds(exprType(node), is_read_by_style);
}

/* Those of phiguard say themselves what they go by: see their twins for extracts. */
static bool
may_go_by_settings(Oid funcid, void *context)
{
	return funcid < FirstNormalObjectId &&
		(func_volatile(funcid) == PROVOLATILE_STABLE || phig_zone_is_asked_for(funcid));
}

/* to_char() and to_date() are told one, and what makes JSON has its own. */
static bool
says_format(Oid funcid, void *context)
{
	static const char *const names[] = {"to_char", "to_date", "to_json", "to_jsonb", "row_to_json", "array_to_json",
		"json_build_object", "json_build_array", "jsonb_build_object", "jsonb_build_array", "json_agg", "jsonb_agg",
	"json_object_agg", "jsonb_object_agg"};
	const char *name = funcid < FirstNormalObjectId ? get_func_name(funcid) : NULL;

	for (int i = 0; name != NULL && i < (int) lengthof(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
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
	return OidIsValid(funcid) && may_go_by_settings(funcid, NULL);
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
holds(Node *expr, bool (*is) (Oid type))
{
	if (exprType(expr) == RECORDOID && IsA(expr, RowExpr))
		return any_holds(((RowExpr *) expr)->args, is);
	return phig_extract_type_holds(exprType(expr), is);
}

static bool
any_holds(List *exprs, bool (*is) (Oid type))
{
	ListCell   *lc;

	foreach(lc, exprs)
		if (holds(lfirst(lc), is))
			return true;
	return false;
}

static bool
is_zoned(Oid type)
{
	return type == TIMESTAMPTZOID || type == TIMETZOID || type == RECORDOID;
}

static bool
is_read_by_style(Oid type)
{
	return type == DATEOID || type == TIMESTAMPOID;
}

/* IntervalStyle is another setting of that kind. */
static bool
is_written_by_style(Oid type)
{
	return is_read_by_style(type) || type == INTERVALOID || type == RECORDOID;
}

static bool
is_text(Oid type)
{
	return TypeCategory(type) == TYPCATEGORY_STRING;
}

static bool
any_type_holds(List *types, bool (*is) (Oid type))
{
	ListCell   *lc;

	foreach(lc, types)
		if (phig_extract_type_holds(lfirst_oid(lc), is))
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
