/*
 * twin.c
 *		Twins of the keyed and random transforms, which policies put in place of values.
 *
 * They do what the public functions do, but ask for no grant of the key domain: the purpose was
 * granted, and nobody is to be able to call the transform on guesses of his own.  Their first
 * argument is of type internal, of which SQL makes no value, not even a null; and a call that does not
 * come from a plan that phiguard has made is refused besides.  Twins of generalisations
 * stand beside these (year.c, zip3.c): they keep the column's type.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "label/registry.h"
#include "transform/keyed.h"
#include "transform/twin.h"

#define MOST_ARGUMENTS 4

/* What a call site of a twin inside an extract keeps. */
typedef struct ExtractSite
{
	FmgrInfo	original;
	FuncExpr   *call;			/* of the original, as a policy would make it */
} ExtractSite;

static ExtractSite *make_extract_site(FmgrInfo *flinfo);
static Oid	twin_of(Oid funcid);
static Oid	sibling(Oid funcid, int nargs, const Oid *types);
static int	domain_place(HeapTuple proc);
static void complete_arguments(FuncExpr *call, HeapTuple proc);

/* Strict, but for the first argument. */
static Datum
call_original(FunctionCallInfo fcinfo, PGFunction original)
{
	LOCAL_FCINFO(inner, MOST_ARGUMENTS);
	Datum		result;

	if (!phig_keyed_by_policy(fcinfo->flinfo))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("this function cannot be called"),
				 errhint("It is what a policy puts in place of a value.")));
	Assert(fcinfo->nargs - 1 <= MOST_ARGUMENTS);
	InitFunctionCallInfoData(*inner, fcinfo->flinfo, fcinfo->nargs - 1, fcinfo->fncollation, NULL, NULL);
	for (int i = 0; i < inner->nargs; i++)
	{
		inner->args[i] = fcinfo->args[i + 1];
		if (inner->args[i].isnull)
			PG_RETURN_NULL();
	}
	result = original(inner);
	fcinfo->isnull = inner->isnull;
	return result;
}

#define TWIN_OF(original) \
extern Datum phiguard_##original(PG_FUNCTION_ARGS); \
PG_FUNCTION_INFO_V1(phiguard_twin_##original); \
Datum \
phiguard_twin_##original(PG_FUNCTION_ARGS) \
{ \
	return call_original(fcinfo, phiguard_##original); \
} \
extern int	phig_twin_##original##_is_defined

TWIN_OF(token_text);
TWIN_OF(token_int8_int8);
TWIN_OF(token_uuid_uuid);
TWIN_OF(seal_text);
TWIN_OF(seal_bytea);
TWIN_OF(fpe);
TWIN_OF(surrogate_text);
TWIN_OF(shift_date_text);
TWIN_OF(shift_date_int8);
TWIN_OF(shift_date_uuid);
TWIN_OF(shift_timestamp_text);
TWIN_OF(shift_timestamp_int8);
TWIN_OF(shift_timestamp_uuid);

PG_FUNCTION_INFO_V1(phiguard_twin_in_extract);

/* (internal, the original's arguments, internal): the original, called for an extract. */
Datum
phiguard_twin_in_extract(PG_FUNCTION_ARGS)
{
	LOCAL_FCINFO(inner, MOST_ARGUMENTS);
	ExtractSite *site = fcinfo->flinfo->fn_extra;
	Datum		result;

	if (!phig_keyed_by_policy(fcinfo->flinfo))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("this function cannot be called"),
				 errhint("It is what an extract puts in place of a value.")));
	if (site == NULL)
		fcinfo->flinfo->fn_extra = site = make_extract_site(fcinfo->flinfo);
	Assert(fcinfo->nargs - 2 <= MOST_ARGUMENTS);
	InitFunctionCallInfoData(*inner, &site->original, fcinfo->nargs - 2, fcinfo->fncollation, NULL, NULL);
	for (int i = 0; i < inner->nargs; i++)
	{
		inner->args[i] = fcinfo->args[i + 1];
		if (inner->args[i].isnull)
			PG_RETURN_NULL();
	}
	result = FunctionCallInvoke(inner);
	fcinfo->isnull = inner->isnull;
	return result;
}

void
phig_twin_in_extract(FuncExpr *call)
{
	Oid			twin = twin_of(call->funcid);

	if (!OidIsValid(twin))
		return;
	call->funcid = twin;
	call->args = lcons(makeNullConst(INTERNALOID, -1, InvalidOid),
					   lappend(list_copy(call->args), makeNullConst(INTERNALOID, -1, InvalidOid)));
	call->funcformat = COERCE_EXPLICIT_CALL;
}

bool
phig_twin_set_domain(FuncExpr *call, const char *domain)
{
	HeapTuple	proc = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->funcid));
	int			place;
	bool		given = false;
	bool		same = true;
	ListCell   *lc;

	if (!HeapTupleIsValid(proc))
		elog(ERROR, "cache lookup failed for function %u", call->funcid);
	place = phig_is_ours(ProcedureRelationId, call->funcid) ? domain_place(proc) : -1;
	foreach(lc, call->args)
		given |= place == (IsA(lfirst(lc), NamedArgExpr) ? ((NamedArgExpr *) lfirst(lc))->argnumber :
						   foreach_current_index(lc));
	complete_arguments(call, proc);
	if (place >= 0)
	{
		lc = list_nth_cell(call->args, place);
		if (!given)
			lfirst(lc) = makeConst(TEXTOID, -1, get_typcollation(TEXTOID), -1, CStringGetTextDatum(domain), false,
								   false);
		else
		{
			const Const *said = lfirst(lc);

			same = IsA(said, Const) && said->consttype == TEXTOID && !said->constisnull &&
				strcmp(TextDatumGetCString(said->constvalue), domain) == 0;
		}
	}
	ReleaseSysCache(proc);
	return same;
}

static ExtractSite *
make_extract_site(FmgrInfo *flinfo)
{
	ExtractSite *site = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(ExtractSite));
	MemoryContext caller = MemoryContextSwitchTo(flinfo->fn_mcxt);
	Oid			types[FUNC_MAX_ARGS];
	Oid		   *all;
	int			nargs;
	Oid			original;

	(void) get_func_signature(flinfo->fn_oid, &all, &nargs);
	memcpy(types, all + 1, (nargs - 2) * sizeof(Oid));
	original = sibling(flinfo->fn_oid, nargs - 2, types);
	if (!OidIsValid(original))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("a transform that an extract calls is not there"),
				 errhint("Run ALTER EXTENSION phiguard UPDATE in this database.")));
	fmgr_info_cxt(original, &site->original, flinfo->fn_mcxt);
	site->call = makeFuncExpr(original, get_func_rettype(original),
							  list_make1(makeNullConst(INTERNALOID, -1, InvalidOid)), InvalidOid, InvalidOid,
							  COERCE_EXPLICIT_CALL);
	site->original.fn_expr = (Node *) site->call;
	MemoryContextSwitchTo(caller);
	return site;
}

/* InvalidOid where it has none. */
static Oid
twin_of(Oid funcid)
{
	Oid			types[FUNC_MAX_ARGS];
	Oid		   *all;
	int			nargs;

	if (!phig_is_ours(ProcedureRelationId, funcid))
		return InvalidOid;
	(void) get_func_signature(funcid, &all, &nargs);
	if (nargs == 0 || all[0] == INTERNALOID || nargs + 2 > FUNC_MAX_ARGS)
		return InvalidOid;
	types[0] = types[nargs + 1] = INTERNALOID;
	memcpy(types + 1, all, nargs * sizeof(Oid));
	return sibling(funcid, nargs + 2, types);
}

/* The function of phiguard's that has the name, and these arguments. */
static Oid
sibling(Oid funcid, int nargs, const Oid *types)
{
	Oid			function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(get_func_name(funcid)),
										   PointerGetDatum(buildoidvector(types, nargs)),
										   ObjectIdGetDatum(get_func_namespace(funcid)));

	return OidIsValid(function) && phig_is_ours(ProcedureRelationId, function) ? function : InvalidOid;
}

/* Which argument is called domain; -1: none. */
static int
domain_place(HeapTuple proc)
{
	Oid		   *types;
	char	  **names;
	char	   *modes;
	int			nargs = get_func_arg_info(proc, &types, &names, &modes);

	for (int i = 0; names != NULL && i < nargs; i++)
		if (strcmp(names[i], "domain") == 0)
			return i;
	return -1;
}

/* In their order, with those that were left out. */
static void
complete_arguments(FuncExpr *call, HeapTuple proc)
{
	call->args = expand_function_arguments(call->args, false, call->funcresulttype, proc);
}
