/*
 * types.c
 *		What is done with values of a type, without a function of a user's.
 *
 * Who makes a type says how its values are compared and put in order, and what casts to other types call.  The
 * server calls these by itself: casts to json where JSON is made, casts to text in quote_literal(), equality
 * where rows are grouped, made distinct or put together; what a domain checks, where a text or JSON becomes a value
 * that is one or holds one.  No such call stands in a query.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/tupdesc.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "compat.h"
#include "extract/prove.h"
#include "label/registry.h"

static bool has_checks(Oid type);
static bool row_holds(Oid type, bool (*is) (Oid type));
static bool is_compared_by_server(Oid type);
static bool row_is_of_server(Oid type);
static bool range_is_of_server(Oid type);
static bool is_cast_by_server(Oid type);
static bool is_of_server(Oid funcid);

bool
phig_extract_type_is_of_server(Oid type)
{
	check_stack_depth();
	type = getBaseType(type);
	if (!is_cast_by_server(type))
		return false;
	if (OidIsValid(get_element_type(type)))
		return phig_extract_type_is_of_server(get_element_type(type));
	switch (get_typtype(type))
	{
		case TYPTYPE_COMPOSITE:
			return row_is_of_server(type);
		case TYPTYPE_RANGE:
			return range_is_of_server(type);
		case TYPTYPE_MULTIRANGE:
			return range_is_of_server(get_multirange_range(type));
		default:
			return is_compared_by_server(type);
	}
}

Oid
phig_extract_makes(Node *node)
{
	List	   *types = NIL;
	ListCell   *lc;

	if (IsA(node, RangeTblFunction))
		types = ((RangeTblFunction *) node)->funccoltypes;
	else if (IsA(node, TableFunc))
		types = ((TableFunc *) node)->coltypes;
	else if (IsA(node, CoerceViaIO) || phig_compat_is_json(node) ||
			 (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid < FirstNormalObjectId &&
			  func_volatile(((FuncExpr *) node)->funcid) != PROVOLATILE_IMMUTABLE))
		types = list_make1_oid(exprType(node));
	foreach(lc, types)
		if (phig_extract_type_holds(lfirst_oid(lc), has_checks))
			return lfirst_oid(lc);
	return InvalidOid;
}

/* A domain of a user's. */
static bool
has_checks(Oid type)
{
	return type >= FirstNormalObjectId && get_typtype(type) == TYPTYPE_DOMAIN && !phig_is_ours(TypeRelationId, type);
}

bool
phig_extract_type_holds(Oid type, bool (*is) (Oid type))
{
	check_stack_depth();
	if (is(type))
		return true;
	if (OidIsValid(get_element_type(type)))
		return phig_extract_type_holds(get_element_type(type), is);
	switch (get_typtype(type))
	{
		case TYPTYPE_DOMAIN:
			return phig_extract_type_holds(getBaseType(type), is);
		case TYPTYPE_RANGE:
			return phig_extract_type_holds(get_range_subtype(type), is);
		case TYPTYPE_MULTIRANGE:
			return phig_extract_type_holds(get_multirange_range(type), is);
		case TYPTYPE_COMPOSITE:
			return row_holds(type, is);
		default:
			return false;
	}
}

static bool
row_holds(Oid type, bool (*is) (Oid type))
{
	TupleDesc	columns = lookup_rowtype_tupdesc(type, -1);
	bool		found = false;

	for (int i = 0; i < columns->natts && !found; i++)
		found = !TupleDescAttr(columns, i)->attisdropped &&
			phig_extract_type_holds(TupleDescAttr(columns, i)->atttypid, is);
	ReleaseTupleDesc(columns);
	return found;
}

static bool
is_compared_by_server(Oid type)
{
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_EQ_OPR | TYPECACHE_HASH_PROC | TYPECACHE_CMP_PROC);

	return is_of_server(entry->hash_proc) && is_of_server(entry->cmp_proc) &&
		(!OidIsValid(entry->eq_opr) || is_of_server(get_opcode(entry->eq_opr)));
}

static bool
row_is_of_server(Oid type)
{
	TupleDesc	columns = lookup_rowtype_tupdesc(type, -1);
	bool		all = true;

	for (int i = 0; i < columns->natts && all; i++)
		all = TupleDescAttr(columns, i)->attisdropped ||
			phig_extract_type_is_of_server(TupleDescAttr(columns, i)->atttypid);
	ReleaseTupleDesc(columns);
	return all;
}

/* Who makes a range says what its bounds are compared by. */
static bool
range_is_of_server(Oid type)
{
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_RANGE_INFO);

	return is_of_server(entry->rng_cmp_proc_finfo.fn_oid) &&
		phig_extract_type_is_of_server(entry->rngelemtype->type_id);
}

/* To whatever it can be cast. */
static bool
is_cast_by_server(Oid type)
{
	CatCList   *casts;
	bool		all = true;

	if (type < FirstNormalObjectId)
		return true;
	casts = SearchSysCacheList1(CASTSOURCETARGET, ObjectIdGetDatum(type));
	for (int i = 0; i < casts->n_members; i++)
		all &= is_of_server(((Form_pg_cast) GETSTRUCT(&casts->members[i]->tuple))->castfunc);
	ReleaseSysCacheList(casts);
	return all;
}

/* What is written in C, of an extension say, superusers have made. */
static bool
is_of_server(Oid funcid)
{
	HeapTuple	proc;
	Oid			language;

	if (funcid < FirstNormalObjectId)
		return true;
	proc = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	if (!HeapTupleIsValid(proc))
		elog(ERROR, "cache lookup failed for function %u", funcid);
	language = ((Form_pg_proc) GETSTRUCT(proc))->prolang;
	ReleaseSysCache(proc);
	return language == INTERNALlanguageId || language == ClanguageId;
}
