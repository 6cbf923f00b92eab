/*
 * zone.c
 *		What goes by the time zone of whoever reads.
 *
 * A function of the server that does is stable, and takes or makes a timestamptz, a timetz or something that holds one:
 * casts to and from other types, text among them, days and parts of it, comparisons with a day, sums with days and
 * months.  Two instants are compared, and subtracted, without a time zone, by functions that are immutable.  What is
 * computed of the present time alone may go by the reader's: current_date does.
 *
 * AT TIME ZONE says which one, but by a name that the session may have a say in: abbreviations are those of
 * timezone_abbreviations, and before them, since 18, those of the session's own TimeZone, which may be
 * '<UTC>-24'.  So a constant of fixed offset becomes that offset before it is read; and others have to be names that
 * are no abbreviations.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/tupdesc.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "compat.h"
#include "extract/prove.h"
#include "flow/flow.h"

static bool says_zone(Node *node);
static bool offset_of(Node *zone, long *seconds);
static bool may_go_by_zone(Oid funcid, void *context);
static bool compares_in_json(Oid funcid, void *context);
static bool frame_goes_by_zone(Oid funcid);
static List *arguments_of(Node *node);
static bool has_zone(Node *expr);
static bool type_has_zone(Oid type);
static bool row_has_zone(Oid type);
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
	if (says_zone(node))
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
	/* It is made of something without one; now() is made of nothing. */
	return !now && arguments != NIL && type_has_zone(exprType(node));
}

void
phig_extract_fix_zone(FuncExpr *call)
{
	Interval   *offset;
	long		seconds;

	if ((call->funcid != F_TIMEZONE_TEXT_TIMESTAMPTZ && call->funcid != F_TIMEZONE_TEXT_TIMESTAMP) ||
		!offset_of(linitial(call->args), &seconds))
		return;
	offset = palloc0(sizeof(Interval));
	offset->time = seconds * USECS_PER_SEC;
	call->funcid = call->funcid == F_TIMEZONE_TEXT_TIMESTAMP ?
		F_TIMEZONE_INTERVAL_TIMESTAMP : F_TIMEZONE_INTERVAL_TIMESTAMPTZ;
	call->args = list_make2(makeConst(INTERVALOID, -1, InvalidOid, sizeof(Interval), IntervalPGetDatum(offset), false,
									  false), lsecond(call->args));
	call->inputcollid = InvalidOid;
	call->funcformat = COERCE_EXPLICIT_CALL;
}

/* AT TIME ZONE a constant that means the same to everybody. */
static bool
says_zone(Node *node)
{
	const FuncExpr *call = (FuncExpr *) node;
	const Const *zone;
	long		seconds;

	if (!IsA(node, FuncExpr) || call->args == NIL || !IsA(linitial(call->args), Const))
		return false;
	zone = linitial(call->args);
	switch (call->funcid)
	{
		case F_TIMEZONE_INTERVAL_TIMESTAMPTZ:
		case F_TIMEZONE_INTERVAL_TIMESTAMP:
			return true;
		case F_TIMEZONE_TEXT_TIMESTAMPTZ:
		case F_TIMEZONE_TEXT_TIMESTAMP:
			return offset_of((Node *) zone, &seconds) ||
				(!phig_compat_session_names_zones() && !zone->constisnull &&
				 strchr(TextDatumGetCString(zone->constvalue), '/') != NULL);
		default:
			return false;
	}
}

/* Of a zone that has been the same all the time, UTC say, by the name that the server's files know; east is positive. */
static bool
offset_of(Node *zone, long *seconds)
{
	const Const *name = (Const *) zone;
	pg_tz	   *known;

	if (!IsA(zone, Const) || name->consttype != TEXTOID || name->constisnull)
		return false;
	known = pg_tzset(TextDatumGetCString(name->constvalue));
	return known != NULL && pg_get_timezone_offset(known, seconds);
}

/* Those of phiguard say themselves what they go by: see their twins for extracts. */
static bool
may_go_by_zone(Oid funcid, void *context)
{
	/* Immutable, but by the days and months of the session's, or of one that is said by its name. */
	static const char *const others[] = {"age", "timezone", "date_trunc", "date_add", "date_subtract", "generate_series"};
	const char *name;

	if (funcid >= FirstNormalObjectId)
		return false;
	if (func_volatile(funcid) == PROVOLATILE_STABLE)
		return true;
	name = get_func_name(funcid);
	for (int i = 0; i < (int) lengthof(others); i++)
		if (strcmp(name, others[i]) == 0)
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
type_has_zone(Oid type)
{
	check_stack_depth();
	type = getBaseType(type);
	if (type == TIMESTAMPTZOID || type == TIMETZOID || type == RECORDOID)
		return true;
	if (OidIsValid(get_element_type(type)))
		return type_has_zone(get_element_type(type));
	switch (get_typtype(type))
	{
		case TYPTYPE_RANGE:
			return type_has_zone(get_range_subtype(type));
		case TYPTYPE_MULTIRANGE:
			return type_has_zone(get_multirange_range(type));
		case TYPTYPE_COMPOSITE:
			return row_has_zone(type);
		default:
			return false;
	}
}

static bool
row_has_zone(Oid type)
{
	TupleDesc	columns = lookup_rowtype_tupdesc(type, -1);
	bool		found = false;

	for (int i = 0; i < columns->natts; i++)
		found |= !TupleDescAttr(columns, i)->attisdropped && type_has_zone(TupleDescAttr(columns, i)->atttypid);
	ReleaseTupleDesc(columns);
	return found;
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
