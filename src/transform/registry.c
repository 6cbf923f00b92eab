/*
 * registry.c
 *		Table phiguard.transform_registry: which functions are transforms, and what they leave of a value.
 *
 * Functions stand in it by name: pg_dump carries the rows that users added, an OID
 * would mean another function where they are loaded, and pg_upgrade takes no column of a
 * reg type.  A name may come to mean another function, so a row also has a digest of
 * what the function did when it was registered.
 *
 * Who writes the table by hand fires a trigger that does what phig_transform_store does:
 * relation caches go in all sessions, and with them plans, labels and transforms
 * that were made by the old rows.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/proclang.h"
#include "commands/trigger.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "compat.h"
#include "label/grammar.h"
#include "label/registry.h"
#include "texts.h"
#include "transform/registry.h"

#define SCHEMA_NAME "phiguard"
#define REGISTRY_NAME "transform_registry"

const char *const phig_transform_forms[] = {
	PHIG_FORM_GENERALISATION, "mask", "keyed", "sealed", "random", "redaction", "reversal", NULL
};
const char *const phig_transform_methods[] = {
	"safe_harbor", "limited_data_set", "expert_determination", NULL
};

static Relation open_registry(LOCKMODE lockmode);
static PhigTransform *read_row(HeapTuple tuple, TupleDesc desc);
static bool read_categories(Datum array, uint32 *categories);
static uint32 read_methods(Datum array);
static void append_words(StringInfo words, const char *before, Datum array);
static char *function_body(HeapTuple proc, Oid funcid);
static void digest_part(pg_cryptohash_ctx * digest, const char *part);

List *
phig_transform_rows(Oid *registry)
{
	List	   *rows = NIL;
	Relation	table;
	SysScanDesc scan;
	HeapTuple	tuple;

	table = open_registry(AccessShareLock);
	*registry = table == NULL ? InvalidOid : RelationGetRelid(table);
	if (table == NULL)
		return NIL;
	scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		PhigTransform *row = read_row(tuple, RelationGetDescr(table));

		if (row != NULL)
			rows = lappend(rows, row);
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return rows;
}

char *
phig_transform_signature(Oid funcid)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	Form_pg_proc proc;
	StringInfoData name;
	char	   *schema;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	schema = get_namespace_name(proc->pronamespace);
	initStringInfo(&name);
	if (schema != NULL)
		appendStringInfo(&name, "%s(", quote_qualified_identifier(schema, NameStr(proc->proname)));
	for (int i = 0; schema != NULL && i < proc->pronargs; i++)
	{
		char	   *type = format_type_extended(proc->proargtypes.values[i], -1, FORMAT_TYPE_FORCE_QUALIFY);

		if (strncmp(type, "pg_catalog.", strlen("pg_catalog.")) == 0)
			type += strlen("pg_catalog.");
		appendStringInfo(&name, "%s%s", i > 0 ? "," : "", type);
	}
	appendStringInfoChar(&name, ')');
	ReleaseSysCache(tuple);
	return schema == NULL ? NULL : name.data;
}

/* By its bare name, whatever the caller may use: a row is as valid to one role as to another. */
Oid
phig_transform_function(const char *signature)
{
	Oid			function = InvalidOid;
	CatCList   *candidates;
	List	   *names;
	bool		quoted = false;
	int			len = 0;

	for (; signature[len] != '\0' && (quoted || signature[len] != '('); len++)
		quoted ^= signature[len] == '"';
	if (signature[len] == '\0' || len == 0)
		return InvalidOid;
	names = textToQualifiedNameList(cstring_to_text_with_len(signature, len));
	candidates = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(strVal(llast(names))));
	for (int i = 0; i < candidates->n_members && !OidIsValid(function); i++)
	{
		Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(&candidates->members[i]->tuple);
		char	   *found = phig_transform_signature(proc->oid);

		if (found != NULL && strcmp(found, signature) == 0)
			function = proc->oid;
	}
	ReleaseSysCacheList(candidates);
	return function;
}

char *
phig_transform_digest(Oid funcid)
{
	HeapTuple	proc = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	pg_cryptohash_ctx *digest;
	uint8		bytes[PG_SHA256_DIGEST_LENGTH];
	char	   *hex = palloc0(2 * sizeof(bytes) + 1);
	Datum		value;
	bool		isnull;
	ListCell   *lc;

	if (!HeapTupleIsValid(proc))
		return NULL;
	digest = pg_cryptohash_create(PG_SHA256);
	if (digest == NULL || pg_cryptohash_init(digest) < 0)
		elog(ERROR, "SHA-256 is not available");
	digest_part(digest, get_language_name(((Form_pg_proc) GETSTRUCT(proc))->prolang, false));
	digest_part(digest, ((Form_pg_proc) GETSTRUCT(proc))->prosecdef ? "definer" : "invoker");
	digest_part(digest, function_body(proc, funcid));
	value = SysCacheGetAttr(PROCOID, proc, Anum_pg_proc_probin, &isnull);
	digest_part(digest, isnull ? "" : TextDatumGetCString(value));
	value = SysCacheGetAttr(PROCOID, proc, Anum_pg_proc_proconfig, &isnull);
	if (!isnull)
		foreach(lc, phig_texts_of_array(value))
			digest_part(digest, lfirst(lc));
	ReleaseSysCache(proc);
	if (pg_cryptohash_final(digest, bytes, sizeof(bytes)) < 0)
		elog(ERROR, "SHA-256 is not available");
	pg_cryptohash_free(digest);
	hex_encode((char *) bytes, sizeof(bytes), hex);
	return hex;
}

char *
phig_transform_store(const char *function, Datum *values, bool *nulls)
{
	Relation	table = open_registry(ShareRowExclusiveLock);
	char	   *old_words = NULL;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no registry of transforms that this version of phiguard can use"),
				 errhint("Run CREATE EXTENSION phiguard or ALTER EXTENSION phiguard UPDATE in this database.")));
	scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		old_values[PHIG_TRANSFORM_NCOLUMNS];
		bool		old_nulls[PHIG_TRANSFORM_NCOLUMNS];

		heap_deform_tuple(tuple, RelationGetDescr(table), old_values, old_nulls);
		if (strcmp(TextDatumGetCString(old_values[PHIG_TRANSFORM_FUNCTION - 1]), function) != 0)
			continue;
		old_words = phig_transform_words(old_values, old_nulls);
		CatalogTupleDelete(table, &tuple->t_self);
	}
	systable_endscan(scan);
	if (values != NULL)
		CatalogTupleInsert(table, heap_form_tuple(RelationGetDescr(table), values, nulls));
	table_close(table, NoLock);
	CacheInvalidateRelcacheAll();
	CommandCounterIncrement();
	return old_words;
}

char *
phig_transform_words(Datum *values, bool *nulls)
{
	StringInfoData words;

	initStringInfo(&words);
	appendStringInfo(&words, "%s, result %s", TextDatumGetCString(values[PHIG_TRANSFORM_FORM - 1]),
					 TextDatumGetCString(values[PHIG_TRANSFORM_RESULT - 1]));
	if (!nulls[PHIG_TRANSFORM_CATEGORIES - 1])
		append_words(&words, ", of", values[PHIG_TRANSFORM_CATEGORIES - 1]);
	if (!nulls[PHIG_TRANSFORM_KINDS - 1])
		append_words(&words, ", kinds", values[PHIG_TRANSFORM_KINDS - 1]);
	if (DatumGetBool(values[PHIG_TRANSFORM_REVERSIBLE - 1]))
		appendStringInfoString(&words, ", reversible");
	append_words(&words, ", for", values[PHIG_TRANSFORM_METHODS - 1]);
	return words.data;
}

bool
phig_transform_is_word(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}

PG_FUNCTION_INFO_V1(phiguard_transforms_changed);

/* The trigger of phiguard.transform_registry: somebody wrote it by SQL. */
Datum
phiguard_transforms_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("phiguard.transforms_changed() is a trigger's function")));
	CacheInvalidateRelcacheAll();
	return PointerGetDatum(NULL);
}

/* NULL where there is none; what merely has its name, or other columns, does not count. */
static Relation
open_registry(LOCKMODE lockmode)
{
	Oid			schema = get_namespace_oid(SCHEMA_NAME, true);
	Oid			registry = OidIsValid(schema) ? get_relname_relid(REGISTRY_NAME, schema) : InvalidOid;

	Relation	table;

	if (!OidIsValid(registry) || !phig_is_ours(RelationRelationId, registry))
		return NULL;
	table = try_table_open(registry, lockmode);
	if (table != NULL && RelationGetDescr(table)->natts != PHIG_TRANSFORM_NCOLUMNS)
	{
		table_close(table, lockmode);
		return NULL;
	}
	return table;
}

/* NULL for what has words that this version does not know: it is no transform then. */
static PhigTransform *
read_row(HeapTuple tuple, TupleDesc desc)
{
	PhigTransform *row = palloc0(sizeof(PhigTransform));
	Datum		values[PHIG_TRANSFORM_NCOLUMNS];
	bool		nulls[PHIG_TRANSFORM_NCOLUMNS];
	char	   *form;
	char	   *result;

	heap_deform_tuple(tuple, desc, values, nulls);
	row->function = TextDatumGetCString(values[PHIG_TRANSFORM_FUNCTION - 1]);
	form = TextDatumGetCString(values[PHIG_TRANSFORM_FORM - 1]);
	if (!phig_transform_is_word(form, phig_transform_forms))
		return NULL;
	row->generalises = strcmp(form, PHIG_FORM_GENERALISATION) == 0;
	row->codes = strcmp(form, "keyed") == 0 || strcmp(form, "sealed") == 0 || strcmp(form, "random") == 0;
	row->methods = read_methods(values[PHIG_TRANSFORM_METHODS - 1]);
	row->builtin = DatumGetBool(values[PHIG_TRANSFORM_BUILTIN - 1]);
	if (!nulls[PHIG_TRANSFORM_DEFINITION - 1])
		row->definition = TextDatumGetCString(values[PHIG_TRANSFORM_DEFINITION - 1]);
	if (!nulls[PHIG_TRANSFORM_KINDS - 1])
		row->kinds = phig_texts_of_array(values[PHIG_TRANSFORM_KINDS - 1]);
	/* An empty list is not any, as NULL is. */
	if ((!nulls[PHIG_TRANSFORM_KINDS - 1] && row->kinds == NIL) ||
		(!nulls[PHIG_TRANSFORM_CATEGORIES - 1] &&
		 !read_categories(values[PHIG_TRANSFORM_CATEGORIES - 1], &row->categories)))
		return NULL;
	result = TextDatumGetCString(values[PHIG_TRANSFORM_RESULT - 1]);
	if (!phig_transform_result(result, &row->result, &row->result_kind))
		return NULL;
	return row;
}

bool
phig_transform_result(const char *text, PhigCategory *category, const char **kind)
{
	PhigParsedLabel parsed;

	*category = PHIG_CAT_UNLABELLED;
	*kind = NULL;
	if (strcmp(text, PHIG_TRANSFORM_SAME) == 0)
		return true;
	if (phig_label_parse(text, &parsed) != PHIG_FAULT_NONE || parsed.is_subject ||
		parsed.label.conf != 'N' || parsed.label.sens != 0)
		return false;
	*category = parsed.label.category;
	*kind = parsed.label.kind;
	return true;
}

static bool
read_categories(Datum array, uint32 *categories)
{
	ListCell   *lc;

	foreach(lc, phig_texts_of_array(array))
	{
		PhigCategory category = phig_category_from_name(lfirst(lc));

		if (category == PHIG_CAT_UNLABELLED)
			return false;
		*categories |= 1u << category;
	}
	return *categories != 0;
}

/* A method that is not known accepts nothing. */
static uint32
read_methods(Datum array)
{
	uint32		methods = 0;
	ListCell   *lc;

	foreach(lc, phig_texts_of_array(array))
		for (int i = 0; phig_transform_methods[i] != NULL; i++)
			if (strcmp(phig_transform_methods[i], lfirst(lc)) == 0)
				methods |= 1u << i;
	return methods;
}

static void
append_words(StringInfo words, const char *before, Datum array)
{
	ListCell   *lc;

	foreach(lc, phig_texts_of_array(array))
	{
		appendStringInfo(words, "%s %s", before, (char *) lfirst(lc));
		before = "";
	}
}

/* A body that is parsed SQL is nodes with OIDs in them: it is written out, by a search path that is always the same. */
static char *
function_body(HeapTuple proc, Oid funcid)
{
	bool		isnull;
	int			nest;
	Datum		body;

	SysCacheGetAttr(PROCOID, proc, Anum_pg_proc_prosqlbody, &isnull);
	if (isnull)
	{
		body = SysCacheGetAttr(PROCOID, proc, Anum_pg_proc_prosrc, &isnull);
		return TextDatumGetCString(body);
	}
	nest = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	body = DirectFunctionCall1(pg_get_function_sqlbody, ObjectIdGetDatum(funcid));
	AtEOXact_GUC(true, nest);
	return TextDatumGetCString(body);
}

/* With its end, so that no two lists of parts are the same bytes. */
static void
digest_part(pg_cryptohash_ctx * digest, const char *part)
{
	if (pg_cryptohash_update(digest, (const uint8 *) part, strlen(part) + 1) < 0)
		elog(ERROR, "SHA-256 is not available");
}
