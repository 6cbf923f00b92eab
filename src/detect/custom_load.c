/*
 * custom_load.c
 *		Tables phiguard.recognizers and phiguard.detection_terms: read, compiled, checked.
 *
 * A backend compiles all rows once, and again after a change: writing the tables sends a relation
 * cache invalidation of the table (a trigger does), which all sessions get.  Triggers check each row
 * when it is written, so that a bad one is refused then and not where text is searched.
 *
 * Read without asking for privileges: who may search text need not see the terms.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "detect/custom.h"
#include "detect/functions.h"
#include "label/provider.h"
#include "label/registry.h"
#include "label/vocabulary.h"

#define SCHEMA_NAME "phiguard"
#define RECOGNIZERS "recognizers"
#define TERMS "detection_terms"
#define PATTERN_MAX_BYTES 4096
#define NAME_MAX_BYTES 63

enum
{
	REC_NAME = 1, REC_PATTERN, REC_CATEGORY, REC_KIND, REC_SCORE, REC_CONTEXT, REC_VALIDATOR, REC_ENABLED,
	REC_NCOLUMNS = REC_ENABLED
};

enum
{
	TERM_LIST = 1, TERM_TERM, TERM_CATEGORY, TERM_KIND, TERM_NCOLUMNS = TERM_KIND
};

PG_FUNCTION_INFO_V1(phiguard_recognizers_allowed);
PG_FUNCTION_INFO_V1(phiguard_recognizer_checked);
PG_FUNCTION_INFO_V1(phiguard_term_checked);
PG_FUNCTION_INFO_V1(phiguard_recognizers_changed);
PG_FUNCTION_INFO_V1(phiguard_is_officer);

static MemoryContext context = NULL;
static PhigDetectCustom *current = NULL;
static bool valid = false;
static Oid	recognizers_table = InvalidOid;
static Oid	terms_table = InvalidOid;

static void watch_tables(void);
static void forget(void);
static PhigDetectCustom *load(void);
static Relation open_table(Oid relid, int ncolumns);
static int	count_rows(Relation table);
static void load_recognizers(PhigDetectCustom *custom, Relation table);
static void load_recognizer(PhigDetectCustom *custom, Datum *values, bool *nulls);
static void load_context(PhigCustomRecognizer *recognizer, Datum array);
static void load_terms(PhigDetectCustom *custom, Relation table);
static void compile(PhigPattern *pattern, const char *name, const char *source);
static bool is_built_in(const char *name);
static void check_words(const char *category, const char *kind);
static char *text_of(Datum *values, bool *nulls, int column);
static HeapTuple trigger_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls);

const PhigDetectCustom *
phig_custom_current(void)
{
	watch_tables();
	if (!valid)
	{
		forget();
		/* what changes while it is read must count */
		valid = true;
		PG_TRY();
		{
			current = load();
		}
		PG_CATCH();
		{
			valid = false;
			PG_RE_THROW();
		}
		PG_END_TRY();
	}
	return current;
}

static void
relation_changed(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == recognizers_table || relid == terms_table)
		valid = false;
}

/* DROP and CREATE EXTENSION make other tables of them. */
static void
watch_tables(void)
{
	static bool watching = false;
	Oid			schema = get_namespace_oid(SCHEMA_NAME, true);
	Oid			recognizers = OidIsValid(schema) ? get_relname_relid(RECOGNIZERS, schema) : InvalidOid;
	Oid			terms = OidIsValid(schema) ? get_relname_relid(TERMS, schema) : InvalidOid;

	if (!watching)
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	watching = true;
	if (recognizers != recognizers_table || terms != terms_table)
		valid = false;
	recognizers_table = recognizers;
	terms_table = terms;
}

static void
forget(void)
{
	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "phiguard recognizers", ALLOCSET_SMALL_SIZES);
	/* compiled code is not the context's */
	for (int i = 0; current != NULL && i < current->nrecognizers; i++)
		phig_pattern_free(&current->recognizers[i].pattern);
	current = NULL;
	MemoryContextReset(context);
}

static PhigDetectCustom *
load(void)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	PhigDetectCustom *custom = palloc0(sizeof(PhigDetectCustom));
	Relation	table;
	bool		empty;

	/* from here on an error leaves what is compiled to forget() */
	current = custom;
	table = open_table(recognizers_table, REC_NCOLUMNS);
	if (table != NULL)
	{
		load_recognizers(custom, table);
		table_close(table, AccessShareLock);
	}
	table = open_table(terms_table, TERM_NCOLUMNS);
	if (table != NULL)
	{
		load_terms(custom, table);
		table_close(table, AccessShareLock);
	}
	MemoryContextSwitchTo(caller);
	empty = custom->nrecognizers == 0 && custom->noff == 0 && custom->nterms == 0 && custom->allowed.n == 0;
	return empty ? NULL : custom;
}

static Relation
open_table(Oid relid, int ncolumns)
{
	Relation	table = OidIsValid(relid) && phig_is_ours(RelationRelationId, relid) ?
		try_table_open(relid, AccessShareLock) : NULL;

	if (table != NULL && RelationGetDescr(table)->natts != ncolumns)
	{
		table_close(table, AccessShareLock);
		return NULL;
	}
	return table;
}

static int
count_rows(Relation table)
{
	SysScanDesc scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	int			n = 0;

	while (HeapTupleIsValid(systable_getnext(scan)))
		n++;
	systable_endscan(scan);
	return n;
}

static void
load_recognizers(PhigDetectCustom *custom, Relation table)
{
	int			rows = count_rows(table);
	SysScanDesc scan;
	HeapTuple	tuple;

	custom->recognizers = palloc0(Max(rows, 1) * sizeof(PhigCustomRecognizer));
	custom->off = palloc0(Max(rows, 1) * sizeof(char *));
	scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)) && rows-- > 0)
	{
		Datum		values[REC_NCOLUMNS];
		bool		nulls[REC_NCOLUMNS];

		heap_deform_tuple(tuple, RelationGetDescr(table), values, nulls);
		load_recognizer(custom, values, nulls);
	}
	systable_endscan(scan);
}

static void
load_recognizer(PhigDetectCustom *custom, Datum *values, bool *nulls)
{
	PhigCustomRecognizer *recognizer = &custom->recognizers[custom->nrecognizers];
	char	   *name = text_of(values, nulls, REC_NAME);
	char	   *pattern = text_of(values, nulls, REC_PATTERN);
	bool		enabled = DatumGetBool(values[REC_ENABLED - 1]);
	char	   *validator = text_of(values, nulls, REC_VALIDATOR);

	if (is_built_in(name) && (pattern != NULL || !enabled))
		custom->off[custom->noff++] = name;
	if (pattern == NULL || !enabled)
		return;
	recognizer->name = name;
	recognizer->category = text_of(values, nulls, REC_CATEGORY);
	recognizer->kind = text_of(values, nulls, REC_KIND);
	recognizer->score = DatumGetFloat4(values[REC_SCORE - 1]);
	recognizer->validator = validator == NULL ? NULL : phig_custom_validator(validator);
	if (!nulls[REC_CONTEXT - 1])
		load_context(recognizer, values[REC_CONTEXT - 1]);
	compile(&recognizer->pattern, name, pattern);
	custom->nrecognizers++;
}

static void
load_context(PhigCustomRecognizer *recognizer, Datum array)
{
	Datum	   *words;
	bool	   *nulls;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &words, &nulls, &n);
	recognizer->context = palloc(Max(n, 1) * sizeof(uint64));
	for (int i = 0; i < n; i++)
	{
		char	   *word = nulls[i] ? "" : TextDatumGetCString(words[i]);
		uint64	   *parts;

		if (phig_custom_parts(word, strlen(word), phig_detect_decoder(), &parts) == 1)
			recognizer->context[recognizer->ncontext++] = parts[0];
	}
}

static void
load_terms(PhigDetectCustom *custom, Relation table)
{
	int			rows = count_rows(table);
	SysScanDesc scan;
	HeapTuple	tuple;

	if (rows == 0)
		return;
	custom->terms = palloc0(rows * sizeof(PhigCustomTerm));
	custom->nchains = 16;
	while (custom->nchains < (uint32) rows && custom->nchains < (1u << 24))
		custom->nchains *= 2;
	custom->chains = palloc(custom->nchains * sizeof(int));
	memset(custom->chains, 0xFF, custom->nchains * sizeof(int));
	scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)) && rows-- > 0)
	{
		PhigCustomTerm *term = &custom->terms[custom->nterms];
		Datum		values[TERM_NCOLUMNS];
		bool		nulls[TERM_NCOLUMNS];
		char	   *words;

		CHECK_FOR_INTERRUPTS();
		heap_deform_tuple(tuple, RelationGetDescr(table), values, nulls);
		words = text_of(values, nulls, TERM_TERM);
		if (strcmp(text_of(values, nulls, TERM_LIST), "allow") == 0)
		{
			PhigFolded	folded = {0};

			phig_fold(&folded, words, strlen(words), phig_detect_decoder());
			phig_known_add(&custom->allowed, phig_custom_text_hash(folded.bytes, folded.len));
			pfree(folded.buffer);
			if (folded.runs != NULL)
				pfree(folded.runs);
			continue;
		}
		term->nparts = phig_custom_parts(words, strlen(words), phig_detect_decoder(), &term->parts);
		if (term->nparts == 0)
			continue;
		term->category = text_of(values, nulls, TERM_CATEGORY);
		term->kind = text_of(values, nulls, TERM_KIND);
		term->next = custom->chains[term->parts[0] & (custom->nchains - 1)];
		custom->chains[term->parts[0] & (custom->nchains - 1)] = custom->nterms++;
	}
	systable_endscan(scan);
}

/* Errors: 2201B with the place in characters and PCRE2's reason. */
static void
compile(PhigPattern *pattern, const char *name, const char *source)
{
	int			error;
	size_t		offset;

	if (strlen(source) > PATTERN_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("pattern of recognizer \"%s\" is longer than %d bytes", name, PATTERN_MAX_BYTES),
				 errhint("Make several recognizers of it; lists of words belong into phiguard.%s.", TERMS)));
	if (!phig_pattern_compile(pattern, source, strlen(source),
							  phig_custom_pattern_options(GetDatabaseEncoding() == PG_UTF8), &error, &offset))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_REGULAR_EXPRESSION),
				 errmsg("pattern of recognizer \"%s\" is not valid at character %d: %s", name,
						pg_mbstrlen_with_len(source, Min(offset, strlen(source))) + 1, phig_pattern_error(error)),
				 errhint("Patterns are Perl-compatible regular expressions (PCRE2).")));
}

static bool
is_built_in(const char *name)
{
	for (const char *const *known = phig_recognizer_names; *known != NULL; known++)
		if (strcmp(*known, name) == 0)
			return true;
	return false;
}

/* --- triggers --- */

/* BEFORE a statement that writes: for the officer. */
Datum
phiguard_recognizers_allowed(PG_FUNCTION_ARGS)
{
	phig_require_officer("change what detection looks for");
	return PointerGetDatum(NULL);
}

/* phiguard.is_officer() returns boolean */
Datum
phiguard_is_officer(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(phig_is_officer());
}

/* AFTER it: all sessions compile anew. */
Datum
phiguard_recognizers_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("phiguard.recognizers_changed() is a trigger's function")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	return PointerGetDatum(NULL);
}

/* BEFORE a row of phiguard.recognizers. */
Datum
phiguard_recognizer_checked(PG_FUNCTION_ARGS)
{
	Datum		values[REC_NCOLUMNS];
	bool		nulls[REC_NCOLUMNS];
	HeapTuple	row = trigger_row(fcinfo, values, nulls);
	char	   *name = text_of(values, nulls, REC_NAME);
	char	   *pattern = text_of(values, nulls, REC_PATTERN);
	char	   *validator = text_of(values, nulls, REC_VALIDATOR);

	if (name == NULL || name[0] == '\0' || strlen(name) > NAME_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a recognizer needs a name of 1 to %d bytes", NAME_MAX_BYTES)));
	if (pattern == NULL && !is_built_in(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("recognizer \"%s\" needs a pattern", name),
				 errhint("Only a recognizer of phiguard itself, which enabled = false turns off, has none: "
						 "SELECT DISTINCT recognizer FROM phiguard.detect('...', 0).")));
	if (pattern != NULL)
	{
		PhigPattern compiled;

		check_words(text_of(values, nulls, REC_CATEGORY), text_of(values, nulls, REC_KIND));
		compile(&compiled, name, pattern);
		phig_pattern_free(&compiled);
	}
	if (validator != NULL && phig_custom_validator(validator) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no validator \"%s\"", validator),
				 errhint("Validators are %s.", phig_custom_validator_names())));
	return PointerGetDatum(row);
}

/* BEFORE a row of phiguard.detection_terms. */
Datum
phiguard_term_checked(PG_FUNCTION_ARGS)
{
	Datum		values[TERM_NCOLUMNS];
	bool		nulls[TERM_NCOLUMNS];
	HeapTuple	row = trigger_row(fcinfo, values, nulls);
	char	   *list = text_of(values, nulls, TERM_LIST);
	char	   *term = text_of(values, nulls, TERM_TERM);
	uint64	   *parts;

	if (list == NULL || (strcmp(list, "allow") != 0 && strcmp(list, "deny") != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the list of a term must be \"allow\" or \"deny\""),
				 errhint("Terms on \"deny\" are always reported, those on \"allow\" never."),
				 errhidestmt(true)));
	if (term == NULL || phig_custom_parts(term, strlen(term), phig_detect_decoder(), &parts) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a term needs at least one letter, digit or sign"),
				 errhidestmt(true)));
	if (strcmp(list, "deny") == 0)
		check_words(text_of(values, nulls, TERM_CATEGORY), text_of(values, nulls, TERM_KIND));
	return PointerGetDatum(row);
}

static void
check_words(const char *category, const char *kind)
{
	PhigCategory found = category == NULL ? PHIG_CAT_UNLABELLED : phig_category_from_name(category);

	if (found == PHIG_CAT_UNLABELLED || found == PHIG_CAT_NONE || found == PHIG_CAT_NOTE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 category == NULL ? errmsg("a category is missing") :
				 errmsg("\"%s\" is no category of something that is found in text", category),
				 errhint("Categories are name, geo, date, age, phone, fax, email, ssn, mrn, health_plan, account, license, vehicle, "
						 "device, url, ip, biometric, photo, other, clinical, quasi and token."),
				 errhidestmt(true)));
	if (kind != NULL && phig_kind_from_name(found, kind) == NULL)
	{
		StringInfoData kinds;

		initStringInfo(&kinds);
		for (const char *const *known = phig_category_kinds(found); *known != NULL; known++)
			appendStringInfo(&kinds, "%s%s", kinds.len > 0 ? ", " : "", *known);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("category \"%s\" has no kind \"%s\"", category, kind),
				 kinds.len > 0 ? errhint("Its kinds are %s.", kinds.data) : errhint("It has no kinds."),
				 errhidestmt(true)));
	}
}

static char *
text_of(Datum *values, bool *nulls, int column)
{
	return nulls[column - 1] ? NULL : TextDatumGetCString(values[column - 1]);
}

static HeapTuple
trigger_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTuple	row;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("this is the function of a trigger before each row")));
	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	heap_deform_tuple(row, RelationGetDescr(trigger->tg_relation), values, nulls);
	return row;
}
