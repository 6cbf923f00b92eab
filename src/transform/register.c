/*
 * register.c
 *		phiguard.register_transform: what a user's function leaves of a value, as the privacy officer declares it.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "flow/registry.h"
#include "journal/context.h"
#include "journal/journal.h"
#include "journal/statement.h"
#include "label/grammar.h"
#include "label/label.h"
#include "label/provider.h"
#include "label/registry.h"
#include "label/value.h"

static const char *const forms[] = {"generalisation", "mask", "redaction", "keyed", "sealed", "random", NULL};
static const char *const methods[] = {"safe_harbor", "limited_data_set", "expert_determination", NULL};

static void
record(const char *command, const char *signature)
{
	PhigDefinition def;

	if (!phig_active())
		return;
	phig_statement_event(&def, command, signature, NIL);
	phig_journal_event(&def, PHIG_KIND_POLICY, phig_context_flags(), PHIG_OUTCOME_OK, 0, true);
}

static Relation
begin_change(void)
{
	Relation	registry;

	phig_require_officer("register transforms");
	PreventCommandIfReadOnly("a change of the registry of transforms");
	registry = phig_transform_registry(ShareRowExclusiveLock);
	if (registry == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("this database has no registry of transforms"),
				 errhint("CREATE EXTENSION phiguard makes one.")));
	return registry;
}

/* Those words are not repeated in errors: they may be anything. */
static void
check_word(const char *word, const char *const *words, const char *what, const char *hint)
{
	for (; *words != NULL; words++)
		if (strcmp(*words, word) == 0)
			return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown %s", what),
			 errhint("%s", hint)));
}

static List *
words_of(ArrayType *array)
{
	Datum	   *datums;
	bool	   *nulls;
	int			n;
	List	   *words = NIL;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &datums, &nulls, &n);
	for (int i = 0; i < n; i++)
		words = lappend(words, nulls[i] ? "" : TextDatumGetCString(datums[i]));
	return words;
}

static void
check_methods(List *words, const char *form)
{
	ListCell   *cell;

	foreach(cell, words)
	{
		check_word(lfirst(cell), methods, "method of de-identification",
				   "Methods are safe_harbor, limited_data_set and expert_determination.");
		if (strcmp(lfirst(cell), "safe_harbor") == 0 &&
			(strcmp(form, "keyed") == 0 || strcmp(form, "sealed") == 0))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a code that is derived from the value is not for Safe Harbor"),
					 errdetail("45 CFR 164.514(c) accepts codes that are not derived from information about the individual.")));
	}
}

static void
check_takes(List *words)
{
	ListCell   *cell;

	foreach(cell, words)
		if (phig_category_from_name(lfirst(cell)) == PHIG_CAT_UNLABELLED)
		{
			PhigParsedLabel parsed = {0};

			/* The label's own error lists the words. */
			phig_label_complain(phig_label_parse("?", &parsed), &parsed);
		}
}

static void
check_result(const char *result)
{
	PhigParsedLabel parsed;
	PhigLabelFault fault;

	if (strcmp(result, PHIG_RESULT_SAME) == 0)
		return;
	fault = phig_label_parse(result, &parsed);
	if (fault != PHIG_FAULT_NONE)
		phig_label_complain(fault, &parsed);
	if (parsed.is_subject)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("subject= is the label of a table, not of a result")));
}

static SysScanDesc
scan_function(Relation registry, const char *signature)
{
	ScanKeyData key;

	ScanKeyInit(&key, PHIG_REG_FUNCTION, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(signature));
	return systable_beginscan(registry, InvalidOid, false, NULL, 1, &key);
}

static bool
is_registered(Relation registry, const char *signature)
{
	SysScanDesc scan = scan_function(registry, signature);
	bool		found = HeapTupleIsValid(systable_getnext(scan));

	systable_endscan(scan);
	return found;
}

PG_FUNCTION_INFO_V1(phiguard_register_transform);

/* register_transform(function, form, result, takes, reversible, methods, source) */
Datum
phiguard_register_transform(PG_FUNCTION_ARGS)
{
	Relation	registry = begin_change();
	Datum		values[PHIG_REG_NCOLUMNS] = {0};
	bool		nulls[PHIG_REG_NCOLUMNS] = {0};
	Oid			funcid;
	char	   *signature;
	char	   *form;
	bytea	   *digest = palloc(VARHDRSZ + PHIG_DIGEST_BYTES);

	for (int i = 0; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i) && i != 3 && i != 6)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d of this function must not be NULL", i + 1)));
	funcid = PG_GETARG_OID(0);
	form = text_to_cstring(PG_GETARG_TEXT_PP(1));
	check_word(form, forms, "form of a transform", "Forms are generalisation, mask, redaction, keyed, sealed and random.");
	check_result(text_to_cstring(PG_GETARG_TEXT_PP(2)));
	if (!PG_ARGISNULL(3))
		check_takes(words_of(PG_GETARG_ARRAYTYPE_P(3)));
	check_methods(words_of(PG_GETARG_ARRAYTYPE_P(5)), form);
	if (get_func_prokind(funcid) != PROKIND_FUNCTION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a transform is a plain function, no aggregate, window function or procedure")));
	signature = phig_transform_signature(funcid);
	if (is_registered(registry, signature))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("%s is registered already", signature),
				 errhint("Call phiguard.unregister_transform() first.")));

	record("REGISTER TRANSFORM", signature);
	SET_VARSIZE(digest, VARHDRSZ + PHIG_DIGEST_BYTES);
	phig_transform_digest(funcid, (uint8 *) VARDATA(digest));
	values[PHIG_REG_FUNCTION - 1] = CStringGetTextDatum(signature);
	values[PHIG_REG_FORM - 1] = PG_GETARG_DATUM(1);
	values[PHIG_REG_TAKES - 1] = PG_GETARG_DATUM(3);
	nulls[PHIG_REG_TAKES - 1] = PG_ARGISNULL(3);
	values[PHIG_REG_RESULT - 1] = PG_GETARG_DATUM(2);
	values[PHIG_REG_REVERSIBLE - 1] = PG_GETARG_DATUM(4);
	values[PHIG_REG_METHODS - 1] = PG_GETARG_DATUM(5);
	values[PHIG_REG_SOURCE - 1] = PG_GETARG_DATUM(6);
	nulls[PHIG_REG_SOURCE - 1] = PG_ARGISNULL(6);
	values[PHIG_REG_BUILTIN - 1] = BoolGetDatum(false);
	values[PHIG_REG_DEFINITION - 1] = PointerGetDatum(digest);
	CatalogTupleInsert(registry, heap_form_tuple(RelationGetDescr(registry), values, nulls));
	CacheInvalidateRelcache(registry);
	table_close(registry, NoLock);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(phiguard_unregister_transform);

/* unregister_transform(function text) */
Datum
phiguard_unregister_transform(PG_FUNCTION_ARGS)
{
	Relation	registry = begin_change();
	char	   *signature = PG_ARGISNULL(0) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(0));
	SysScanDesc scan = scan_function(registry, signature);
	HeapTuple	tuple = systable_getnext(scan);
	bool		isnull;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("no such transform is registered"),
				 errhint("Write it as phiguard.transforms does: schema.name(types).")));
	if (DatumGetBool(heap_getattr(tuple, PHIG_REG_BUILTIN, RelationGetDescr(registry), &isnull)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("phiguard's own transforms stay registered")));
	record("UNREGISTER TRANSFORM", signature);
	CatalogTupleDelete(registry, &tuple->t_self);
	CacheInvalidateRelcache(registry);
	systable_endscan(scan);
	table_close(registry, NoLock);
	PG_RETURN_VOID();
}
