/*
 * closed.c
 *		What an extract may be measured by before it is open.
 *
 * Its values are counted: hashed, compared, put in order, and nothing else.  Of a type of their own users say how
 * that is done, and how one is made from another: who may not read the extract yet could have such a function tell.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/tupdesc.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "extract/closed.h"
#include "extract/release.h"

static void check_column(Oid extract, const char *column, Oid population);
static bool is_compared_by_server(Oid type);
static bool row_is_compared_by_server(Oid type);
static bool range_is_compared_by_server(Oid type);
static bool is_of_server(Oid funcid);

void
phig_closed_check_columns(Oid extract, const char *const *columns, int ncolumns, Oid population)
{
	for (int i = 0; i < ncolumns; i++)
		check_column(extract, columns[i], population);
}

/* The UNION of both has the population's type where the extract's can be cast to that. */
static void
check_column(Oid extract, const char *column, Oid population)
{
	Oid			type = getBaseType(get_atttype(extract, get_attnum(extract, column)));

	if (!is_compared_by_server(type))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("column \"%s\" cannot be measured before extract %s is open", column, phig_release_name(extract)),
				 errdetail("Functions that are not the server's would be given its values, to compare them."),
				 errhint("Leave it out, or measure it when the extract is open.")));
	if (OidIsValid(population) && getBaseType(get_atttype(population, get_attnum(population, column))) != type)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("column \"%s\" is of type %s in extract %s and of another in the population", column,
						format_type_be(type), phig_release_name(extract)),
				 errdetail("A cast would be given values of the extract, which is closed."),
				 errhint("Give a view of the population that casts it.")));
}

static bool
is_compared_by_server(Oid type)
{
	TypeCacheEntry *entry;

	check_stack_depth();
	type = getBaseType(type);
	if (OidIsValid(get_element_type(type)))
		return is_compared_by_server(get_element_type(type));
	switch (get_typtype(type))
	{
		case TYPTYPE_COMPOSITE:
			return row_is_compared_by_server(type);
		case TYPTYPE_RANGE:
			return range_is_compared_by_server(type);
		case TYPTYPE_MULTIRANGE:
			return range_is_compared_by_server(get_multirange_range(type));
		default:
			entry = lookup_type_cache(type, TYPECACHE_EQ_OPR | TYPECACHE_HASH_PROC | TYPECACHE_CMP_PROC);
			return is_of_server(entry->hash_proc) && is_of_server(entry->cmp_proc) &&
				(!OidIsValid(entry->eq_opr) || is_of_server(get_opcode(entry->eq_opr)));
	}
}

static bool
row_is_compared_by_server(Oid type)
{
	TupleDesc	columns = lookup_rowtype_tupdesc(type, -1);
	bool		all = true;

	for (int i = 0; i < columns->natts && all; i++)
		all = TupleDescAttr(columns, i)->attisdropped || is_compared_by_server(TupleDescAttr(columns, i)->atttypid);
	ReleaseTupleDesc(columns);
	return all;
}

/* Who makes a range says what its bounds are compared by. */
static bool
range_is_compared_by_server(Oid type)
{
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_RANGE_INFO);

	return is_of_server(entry->rng_cmp_proc_finfo.fn_oid) && is_compared_by_server(entry->rngelemtype->type_id);
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
