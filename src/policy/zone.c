/*
 * zone.c
 *		Time zones that are named, and mean the same to everybody.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "policy/zone.h"

static void fix_call(FuncExpr *call);
static bool offset_of(Node *zone, long *seconds);

bool
phig_zone_is_said(Node *node)
{
	const FuncExpr *call = (FuncExpr *) node;
	Node	   *zone = IsA(node, FuncExpr) && call->args != NIL ? linitial(call->args) : NULL;
	long		seconds;

	if (zone == NULL)
		return false;
	switch (call->funcid)
	{
		case F_TIMEZONE_INTERVAL_TIMESTAMPTZ:
		case F_TIMEZONE_INTERVAL_TIMESTAMP:
			return true;
		case F_TIMEZONE_TEXT_TIMESTAMPTZ:
		case F_TIMEZONE_TEXT_TIMESTAMP:
			if (offset_of(zone, &seconds))
				return true;
			return !phig_compat_session_names_zones() && IsA(zone, Const) && !((Const *) zone)->constisnull &&
				strchr(TextDatumGetCString(((Const *) zone)->constvalue), '/') != NULL;
		default:
			return false;
	}
}

bool
phig_zone_is_asked_for(Oid funcid)
{
	static const char *const names[] = {"age", "timezone", "date_trunc", "date_add", "date_subtract", "generate_series"};
	const char *name = funcid < FirstNormalObjectId ? get_func_name(funcid) : NULL;

	for (int i = 0; name != NULL && i < (int) lengthof(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

bool
phig_zone_fix(Node *node, void *unused)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr))
		fix_call((FuncExpr *) node);
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, phig_zone_fix, unused, QTW_IGNORE_JOINALIASES);
	return expression_tree_walker(node, phig_zone_fix, unused);
}

static void
fix_call(FuncExpr *call)
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

/* Of a zone that has been the same all the time, UTC say, as the server's files know it; east is positive. */
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
