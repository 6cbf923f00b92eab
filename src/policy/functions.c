/*
 * functions.c
 *		Functions that open a purpose: phiguard.register_function(), unregister_function().
 *
 * The officer vouches for what the function does and shows.  What could make it do something else for its caller
 * is refused here (names that the caller chooses the meaning of, types that stand for any); what
 * changes later closes it (boundary.c).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "commands/proclang.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "journal/statement.h"
#include "label/registry.h"
#include "policy/boundary.h"
#include "policy/change.h"
#include "transform/registry.h"

static void check_function(Oid funcid);
static void check_language(Oid language);
static void check_types(const FormData_pg_proc *proc, const oidvector * types);
static void check_search_path(Oid funcid);
static void check_schema(const char *name);
static void check_callers(Oid funcid);
static char *remove_row(Relation functions, const char *function);
static void refuse_function(const char *message, const char *hint);

PG_FUNCTION_INFO_V1(phiguard_register_function);
PG_FUNCTION_INFO_V1(phiguard_unregister_function);
PG_FUNCTION_INFO_V1(phiguard_function_problem);

/* register_function(function regprocedure, purpose text) */
Datum
phiguard_register_function(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("register functions");
	Relation	functions = phig_policy_open(PHIG_POLICY_FUNCTION, RowExclusiveLock);
	PhigFunctionRow row = {0};
	Oid			funcid;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the function must not be null")));
	funcid = PG_GETARG_OID(0);
	row.purpose = phig_change_text(fcinfo, 1, "the purpose");
	phig_change_require_purpose(row.purpose);
	check_function(funcid);
	row.function = phig_transform_signature(funcid);
	row.owner = phig_boundary_owner(funcid);
	row.definition = phig_boundary_definition(funcid);
	row.registered = GetCurrentTimestamp();
	row.registered_by = phig_change_by();
	phig_statement_policy("REGISTER FUNCTION", psprintf("%s of %s: purpose %s", row.function, row.owner, row.purpose));
	(void) remove_row(functions, row.function);
	phig_policy_insert(functions, PHIG_POLICY_FUNCTION, &row);
	table_close(functions, NoLock);
	table_close(purposes, NoLock);
	PG_RETURN_VOID();
}

/* unregister_function(function text): also one that is gone */
Datum
phiguard_unregister_function(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("unregister functions");
	Relation	functions = phig_policy_open(PHIG_POLICY_FUNCTION, RowExclusiveLock);
	char	   *function = phig_change_text(fcinfo, 0, "the function");
	char	   *purpose = remove_row(functions, function);

	if (purpose == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no such registered function"),
				 errhint("Name it as the view phiguard.registered_functions does, with its schema and the types of its arguments.")));
	phig_statement_policy("UNREGISTER FUNCTION", psprintf("%s: purpose %s", function, purpose));
	table_close(functions, NoLock);
	table_close(purposes, NoLock);
	PG_RETURN_VOID();
}

/* function_problem(function, purpose, owner, definition): why a row opens nothing, or NULL */
Datum
phiguard_function_problem(PG_FUNCTION_ARGS)
{
	PhigFunctionRow row = {0};
	const char *problem;

	row.function = text_to_cstring(PG_GETARG_TEXT_PP(0));
	row.purpose = text_to_cstring(PG_GETARG_TEXT_PP(1));
	row.owner = pstrdup(NameStr(*PG_GETARG_NAME(2)));
	row.definition = text_to_cstring(PG_GETARG_TEXT_PP(3));
	problem = phig_boundary_problem(&row);
	if (problem == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}

static void
check_function(Oid funcid)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	FormData_pg_proc proc;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function with OID %u does not exist", funcid)));
	memcpy(&proc, GETSTRUCT(tuple), sizeof(proc));
	check_types(&proc, &((Form_pg_proc) GETSTRUCT(tuple))->proargtypes);
	ReleaseSysCache(tuple);
	if (phig_is_ours(ProcedureRelationId, funcid) || funcid < FirstNormalObjectId)
		refuse_function("functions of the system and of phiguard itself cannot be registered",
						"Register a function of your own that calls it.");
	if (isAnyTempNamespace(proc.pronamespace))
		refuse_function("temporary functions cannot be registered", NULL);
	if (proc.prokind != PROKIND_FUNCTION && proc.prokind != PROKIND_PROCEDURE)
		refuse_function("only functions and procedures can be registered", NULL);
	check_language(proc.prolang);
	check_search_path(funcid);
	check_callers(funcid);
}

/* Those whose calls of other functions can be told from their own statements. */
static void
check_language(Oid language)
{
	if (language != SQLlanguageId && language != get_language_oid("plpgsql", true))
		refuse_function("only functions in the languages sql and plpgsql can be registered",
						"What a function in another language calls cannot be told from what it does itself.");
}

/* A caller who chooses the types chooses operators, too. */
static void
check_types(const FormData_pg_proc *proc, const oidvector * types)
{
	if (proc->prorettype == TRIGGEROID || proc->prorettype == EVENT_TRIGGEROID)
		refuse_function("functions of triggers cannot be registered", NULL);
	for (int i = 0; i < types->dim1; i++)
		if (get_typtype(types->values[i]) == TYPTYPE_PSEUDO)
			refuse_function("functions whose arguments may be of any type cannot be registered",
							"Write it for the types that it is meant for.");
}

/* Everybody's temporary schema is looked in first unless it is named, and is the caller's. */
static void
check_search_path(Oid funcid)
{
	char	   *path = phig_boundary_search_path(funcid);
	List	   *names = NIL;
	ListCell   *lc;

	if (path == NULL || !SplitIdentifierString(pstrdup(path), ',', &names) || names == NIL ||
		strcmp(llast(names), "pg_temp") != 0)
		refuse_function("a registered function sets its own search path, with pg_temp at the end",
						"ALTER FUNCTION ... SET search_path = schema, pg_temp.");
	foreach(lc, names)
		if (lnext(names, lc) != NULL)
			check_schema(lfirst(lc));
}

static void
check_schema(const char *name)
{
	Oid			schema = strcmp(name, "$user") == 0 ? InvalidOid : get_namespace_oid(name, true);

	if (!OidIsValid(schema) || isAnyTempNamespace(schema))
		refuse_function("the search path of a registered function names schemas that are there, the same for everybody",
						NULL);
	if (phig_boundary_schema_is_open(schema))
		refuse_function(psprintf("anybody can create objects in schema \"%s\", which the function's search path names", name),
						psprintf("REVOKE CREATE ON SCHEMA %s FROM PUBLIC.", quote_identifier(name)));
}

/* Who may call it sees what it shows, without a grant of the purpose. */
static void
check_callers(Oid funcid)
{
	if (phig_boundary_is_open(funcid))
		refuse_function("everybody may call the function",
						"REVOKE EXECUTE ON FUNCTION ... FROM PUBLIC, and grant it to those who may see what it shows.");
}

/* Returns what its purpose was, or NULL where there was none. */
static char *
remove_row(Relation functions, const char *function)
{
	char	   *purpose = NULL;
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_FUNCTION, NULL))
	{
		PhigFunctionRow *row = lfirst(lc);

		if (strcmp(row->function, function) != 0)
			continue;
		purpose = row->purpose;
		phig_policy_delete(functions, &row->tid);
	}
	return purpose;
}

static void
refuse_function(const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s", message),
			 hint != NULL ? errhint("%s", hint) : 0));
}
