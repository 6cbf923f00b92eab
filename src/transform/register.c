/*
 * register.c
 *		phiguard.register_transform() and unregister_transform(): functions of users that are transforms.
 *
 * For the officer, who vouches for what the function does; each change is a record of
 * kind policy.  Words that are not known are refused with those that are, and not repeated.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "flow/flow.h"
#include "journal/statement.h"
#include "label/provider.h"
#include "label/registry.h"
#include "label/vocabulary.h"
#include "transform/registry.h"

/* Arguments of register_transform. */
enum
{
	ARG_FUNCTION, ARG_FORM, ARG_RESULT, ARG_CATEGORIES, ARG_KINDS, ARG_REVERSIBLE, ARG_METHODS, ARG_SOURCE
};

static char *word_argument(FunctionCallInfo fcinfo, int arg, const char *what);
static List *words_argument(FunctionCallInfo fcinfo, int arg, const char *what);
static void check_function(Oid funcid);
static void check_form(const char *form);
static void check_result(const char *result);
static void check_categories(List *categories);
static void check_kinds(List *kinds, List *categories);
static void check_methods(List *methods, const char *form);
static const char *const *category_names(const char *more);
static void refuse_null(const char *what);
static void refuse_word(const char *what, const char *const *words);
static void refuse_function(const char *message, const char *hint);
static void record_change(const char *command, const char *function, const char *from, const char *to);

PG_FUNCTION_INFO_V1(phiguard_register_transform);
PG_FUNCTION_INFO_V1(phiguard_unregister_transform);
PG_FUNCTION_INFO_V1(phiguard_transform_is_valid);

/*
 * register_transform(function regprocedure, form text, result text, categories text[], kinds text[],
 * reversible boolean, methods text[], source text)
 */
Datum
phiguard_register_transform(PG_FUNCTION_ARGS)
{
	Datum		values[PHIG_TRANSFORM_NCOLUMNS] = {0};
	bool		nulls[PHIG_TRANSFORM_NCOLUMNS] = {0};
	char	   *form;
	char	   *function;
	List	   *categories;
	NameData	name;
	Oid			funcid;

	PreventCommandIfReadOnly("phiguard.register_transform()");
	phig_require_officer("register a transform");
	if (PG_ARGISNULL(ARG_FUNCTION))
		refuse_null("function");
	funcid = PG_GETARG_OID(ARG_FUNCTION);
	check_function(funcid);
	form = word_argument(fcinfo, ARG_FORM, "form");
	check_form(form);
	check_result(word_argument(fcinfo, ARG_RESULT, "result"));
	categories = words_argument(fcinfo, ARG_CATEGORIES, "categories");
	check_categories(categories);
	check_kinds(words_argument(fcinfo, ARG_KINDS, "kinds"), categories);
	check_methods(words_argument(fcinfo, ARG_METHODS, "methods"), form);

	function = phig_transform_signature(funcid);
	namestrcpy(&name, get_func_name(funcid));
	values[PHIG_TRANSFORM_FUNCTION - 1] = CStringGetTextDatum(function);
	values[PHIG_TRANSFORM_NAME - 1] = NameGetDatum(&name);
	values[PHIG_TRANSFORM_FORM - 1] = PG_GETARG_DATUM(ARG_FORM);
	values[PHIG_TRANSFORM_RESULT - 1] = PG_GETARG_DATUM(ARG_RESULT);
	values[PHIG_TRANSFORM_CATEGORIES - 1] = PG_GETARG_DATUM(ARG_CATEGORIES);
	nulls[PHIG_TRANSFORM_CATEGORIES - 1] = PG_ARGISNULL(ARG_CATEGORIES);
	values[PHIG_TRANSFORM_KINDS - 1] = PG_GETARG_DATUM(ARG_KINDS);
	nulls[PHIG_TRANSFORM_KINDS - 1] = PG_ARGISNULL(ARG_KINDS);
	values[PHIG_TRANSFORM_REVERSIBLE - 1] =
		BoolGetDatum(!PG_ARGISNULL(ARG_REVERSIBLE) && PG_GETARG_BOOL(ARG_REVERSIBLE));
	values[PHIG_TRANSFORM_METHODS - 1] = PG_ARGISNULL(ARG_METHODS) ?
		PointerGetDatum(construct_empty_array(TEXTOID)) : PG_GETARG_DATUM(ARG_METHODS);
	values[PHIG_TRANSFORM_BUILTIN - 1] = BoolGetDatum(false);
	values[PHIG_TRANSFORM_SOURCE - 1] = PG_GETARG_DATUM(ARG_SOURCE);
	nulls[PHIG_TRANSFORM_SOURCE - 1] = PG_ARGISNULL(ARG_SOURCE);
	values[PHIG_TRANSFORM_DEFINITION - 1] = CStringGetTextDatum(phig_transform_digest(funcid));
	record_change("REGISTER TRANSFORM", function, phig_transform_store(function, values, nulls),
				  phig_transform_words(values, nulls));
	PG_RETURN_VOID();
}

/* unregister_transform(function regprocedure) */
Datum
phiguard_unregister_transform(PG_FUNCTION_ARGS)
{
	Oid			funcid = PG_GETARG_OID(0);
	char	   *function;
	char	   *words;

	PreventCommandIfReadOnly("phiguard.unregister_transform()");
	phig_require_officer("unregister a transform");
	function = phig_transform_signature(funcid);
	if (function != NULL && phig_is_ours(ProcedureRelationId, funcid))
		refuse_function("a transform of phiguard itself cannot be unregistered", NULL);
	words = function == NULL ? NULL : phig_transform_store(function, NULL, NULL);
	if (words == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the function is not a registered transform"),
				 errhint("The view phiguard.transforms shows those that are.")));
	record_change("UNREGISTER TRANSFORM", function, words, NULL);
	PG_RETURN_VOID();
}

/* transform_is_valid(function text): what phiguard.transforms shows of a row */
Datum
phiguard_transform_is_valid(PG_FUNCTION_ARGS)
{
	Oid			funcid = phig_transform_function(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	PG_RETURN_BOOL(OidIsValid(funcid) && phig_flow_is_transform(funcid));
}

static char *
word_argument(FunctionCallInfo fcinfo, int arg, const char *what)
{
	if (PG_ARGISNULL(arg))
		refuse_null(what);
	return text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

/* NIL where it is NULL. */
static List *
words_argument(FunctionCallInfo fcinfo, int arg, const char *what)
{
	List	   *words = NIL;
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	if (PG_ARGISNULL(arg))
		return NIL;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(arg), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	if (n == 0 && arg != ARG_METHODS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the %s of a transform must not be an empty list", what),
				 errhint("NULL stands for any.")));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			refuse_null(what);
		words = lappend(words, TextDatumGetCString(elements[i]));
	}
	return words;
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
	ReleaseSysCache(tuple);
	if (phig_is_ours(ProcedureRelationId, funcid))
		refuse_function("functions of phiguard itself are registered as they came", NULL);
	if (funcid < FirstNormalObjectId)
		refuse_function("functions of the system cannot be registered",
						"Register a function of your own that calls it.");
	if (isAnyTempNamespace(proc.pronamespace))
		refuse_function("temporary functions cannot be registered", NULL);
	if (proc.prokind != PROKIND_FUNCTION || proc.proretset || proc.pronargs == 0)
		refuse_function("only plain functions that take arguments and return one value can be registered", NULL);
}

static void
check_form(const char *form)
{
	if (!phig_transform_is_word(form, phig_transform_forms))
		refuse_word("form of a transform", phig_transform_forms);
}

static void
check_result(const char *result)
{
	PhigCategory category;
	const char *kind;

	if (!phig_transform_result(result, &category, &kind))
		refuse_word("result of a transform", category_names(PHIG_TRANSFORM_SAME));
}

static void
check_categories(List *categories)
{
	ListCell   *lc;

	foreach(lc, categories)
		if (!phig_transform_is_word(lfirst(lc), category_names(NULL)))
			refuse_word("category", category_names(NULL));
}

/* Each is a kind of one of the categories, or of any where none are named. */
static void
check_kinds(List *kinds, List *categories)
{
	ListCell   *lc;

	foreach(lc, kinds)
	{
		bool		known = false;

		for (PhigCategory category = PHIG_CAT_NONE; category < PHIG_NCATEGORIES; category++)
		{
			ListCell   *named;
			bool		taken = categories == NIL;

			foreach(named, categories)
				taken |= phig_category_from_name(lfirst(named)) == category;
			known |= taken && phig_kind_from_name(category, lfirst(lc)) != NULL;
		}
		if (!known)
		{
			if (list_length(categories) == 1)
				refuse_word("kind", phig_category_kinds(phig_category_from_name(linitial(categories))));
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown kind"),
					 errhint("Valid are the kinds that labels of the categories may have."),
					 errhidestmt(true)));
		}
	}
}

static void
check_methods(List *methods, const char *form)
{
	ListCell   *lc;

	foreach(lc, methods)
	{
		if (!phig_transform_is_word(lfirst(lc), phig_transform_methods))
			refuse_word("method of de-identification", phig_transform_methods);
		if (strcmp(lfirst(lc), phig_transform_methods[0]) == 0 &&
			(strcmp(form, "keyed") == 0 || strcmp(form, "sealed") == 0))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a code that is derived from the value does not meet safe_harbor"),
					 errdetail("Forms keyed and sealed are derived from it; 45 CFR 164.514(c) asks for a code that is not."),
					 errhint("They are for limited_data_set and expert_determination."),
					 errhidestmt(true)));
	}
}

/* And one more word, or NULL; NULL at the end. */
static const char *const *
category_names(const char *more)
{
	static const char *names[PHIG_NCATEGORIES + 1];

	for (int category = PHIG_CAT_NONE; category < PHIG_NCATEGORIES; category++)
		names[category - PHIG_CAT_NONE] = phig_category_name((PhigCategory) category);
	names[PHIG_NCATEGORIES - PHIG_CAT_NONE] = more;
	return names;
}

static void
refuse_null(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("the %s of a transform must not be null", what)));
}

static void
refuse_word(const char *what, const char *const *words)
{
	StringInfoData list;

	initStringInfo(&list);
	for (; *words != NULL; words++)
		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", *words);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown %s", what),
			 list.len > 0 ? errhint("Valid are %s.", list.data) : errhint("There are none."),
			 errhidestmt(true)));
}

static void
refuse_function(const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("%s", message),
			 hint != NULL ? errhint("%s", hint) : 0));
}

static void
record_change(const char *command, const char *function, const char *from, const char *to)
{
	phig_statement_policy(command, psprintf("%s: %s -> %s", function, from ? from : "(none)", to ? to : "(none)"));
}
