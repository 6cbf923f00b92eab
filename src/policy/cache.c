/*
 * cache.c
 *		The policies of one purpose, read and made ready for look-ups.
 *
 * A backend keeps those of the purposes that it has asked for, and the modes of relations, until the
 * marker's relation cache entry is invalidated: every change of a policy table does that, in all
 * sessions (store.c).  Relations stand in them by name, as in the tables, and are looked up by the
 * name that they have when it matters: one that was dropped and made anew is bound by the same rules.
 *
 * What is not understood, and what names something that is gone, makes the purpose one for which
 * nothing can be decided: the rule may have been one that hides.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "label/inherit.h"
#include "label/vocabulary.h"
#include "policy/cache.h"
#include "policy/call.h"
#include "policy/words.h"
#include "settings.h"

/* Purposes that are kept at a time: a pooled connection may have many. */
#define KEPT_MAX 32

typedef struct ModeEntry
{
	PhigRelationName name;
	int			mode;
} ModeEntry;

uint64		phig_policy_generation = 1;
bool		phig_policy_only_plans = false;

static MemoryContext policies_context = NULL;
static List *kept = NIL;		/* of PhigPolicies * */
static uint64 kept_at = 0;		/* generation */

static MemoryContext modes_context = NULL;
static HTAB *modes = NULL;
static uint64 modes_digest = 0;
static uint64 modes_at = 0;

static Oid	marker = InvalidOid;

static void forget_kept(void);
static void read_purpose(PhigPolicies *policies);
static void read_rules(PhigPolicies *policies);
static void add_rule(PhigPolicies *policies, const PhigRuleRow *row);
static void read_rows(PhigPolicies *policies);
static PhigRuledRelation *relation_named(PhigPolicies *policies, const char *schema, const char *relation);
static void must_exist(PhigPolicies *policies, const char *schema, const char *relation);
static void add_to_digest(uint64 *digest, const char *text);
static const char *because(const PhigRuleRow *row);
static bool name_of_relation(Oid relid, PhigRelationName *name);
static HTAB *create_table(const char *name, Size key_size, Size entry_size);
static void read_modes(void);
static void relation_changed(Datum arg, Oid relid);

Oid
phig_policy_marker(void)
{
	if (!OidIsValid(marker))
		marker = phig_policy_table(PHIG_POLICY_PURPOSE);
	return marker;
}

const PhigPolicies *
phig_policies_of(const char *purpose)
{
	const uint64 generation = phig_policy_generation;
	MemoryContext caller;
	PhigPolicies *policies;
	ListCell   *lc;

	if (kept_at != generation)
		forget_kept();
	foreach(lc, kept)
	{
		policies = lfirst(lc);
		if (strcmp(policies->purpose, purpose) == 0)
			return policies;
	}
	if (list_length(kept) >= KEPT_MAX)
		forget_kept();
	(void) phig_policy_marker();
	caller = MemoryContextSwitchTo(policies_context);
	policies = phig_policies_read(purpose);
	/* What changed meanwhile makes it stale: then it is used this once. */
	kept = lappend(kept, policies);
	kept_at = generation;
	MemoryContextSwitchTo(caller);
	return policies;
}

PhigPolicies *
phig_policies_read(const char *purpose)
{
	PhigPolicies *policies = palloc0(sizeof(PhigPolicies));

	policies->purpose = pstrdup(purpose);
	policies->relations = create_table("phiguard ruled relations", sizeof(PhigRelationName), sizeof(PhigRuledRelation));
	policies->rules = create_table("phiguard rules", sizeof(PhigRuleKey), sizeof(PhigRule));
	read_purpose(policies);
	if (policies->row != NULL)
	{
		read_rules(policies);
		read_rows(policies);
		add_to_digest(&policies->digest, policies->problem);
	}
	return policies;
}

const PhigRuledRelation *
phig_policies_relation(const PhigPolicies *policies, Oid relid)
{
	PhigRelationName name;

	if (hash_get_num_entries(policies->relations) == 0 || !name_of_relation(relid, &name))
		return NULL;
	return hash_search(policies->relations, &name, HASH_FIND, NULL);
}

char *
phig_purpose_problem(const PhigPurposeRow *row)
{
	PhigAction	otherwise;

	if (!phig_purpose_code_exists(row->code))
		return "its code is unknown";
	if (!phig_action_from_name(row->otherwise, &otherwise))
		return "its otherwise is unknown";
	if (otherwise == PHIG_ACTION_CLEAR && !phig_purpose_code_is(row->code, "TREAT"))
		return "its otherwise is clear, and its code is not treatment";
	if (strcmp(row->rows, "all") != 0 && strcmp(row->rows, "deny") != 0)
		return "its rows are neither all nor deny";
	if (row->journal_on_failure != NULL && strcmp(row->journal_on_failure, "refuse") != 0 &&
		strcmp(row->journal_on_failure, "allow") != 0)
		return "its journal_on_failure is neither refuse nor allow";
	return NULL;
}

/* Exactly one sort of target, and known words. */
char *
phig_rule_problem(const PhigRuleRow *row, PhigRuleKey *key, PhigDecision *decision)
{
	PhigTransformCall call;

	memset(key, 0, sizeof(*key));
	memset(decision, 0, sizeof(*decision));
	decision->writable = row->writable;
	decision->because = because(row);
	if (row->schema == NULL ? row->relation != NULL || row->column_name != NULL : row->relation == NULL)
		return "it names a relation or a column by half";
	if (row->column_name != NULL && row->category != NULL)
		return "it names a column and a category";
	if (row->relation != NULL && row->column_name == NULL && row->category == NULL)
		return "it names a relation without a column or a category";
	if (row->relation == NULL && row->category == NULL && row->sens == NULL && row->conf == NULL)
		return "it names nothing";
	if (row->kind != NULL && row->category == NULL)
		return "it names a kind without its category";
	if (row->sens != NULL && row->conf != NULL)
		return "it names a sensitivity and a confidentiality";
	if (row->category != NULL)
	{
		key->category = phig_category_from_name(row->category);
		if (key->category <= PHIG_CAT_NONE)
			return "its category is unknown, or none";
	}
	if (row->kind != NULL)
	{
		key->kind = phig_kind_from_name(key->category, row->kind);
		if (key->kind == NULL)
			return "its category has no such kind";
	}
	if (row->sens != NULL && (key->sens = phig_sens_from_code(row->sens)) == 0)
		return "its sensitivity code is unknown";
	if (row->conf != NULL)
	{
		if (strlen(row->conf) != 1 || phig_conf_rank(row->conf[0]) == 0)
			return "its confidentiality is unknown";
		key->conf = row->conf[0];
	}
	if (phig_action_from_name(row->transform, &decision->action))
		return NULL;
	if (!phig_transform_call_parse(row->transform, &call))
		return "its transform is malformed";
	decision->action = PHIG_ACTION_TRANSFORM;
	decision->transform = row->transform;
	return NULL;
}

char *
phig_rule_words(const PhigRuleRow *row)
{
	StringInfoData words;

	initStringInfo(&words);
	if (row->relation != NULL)
		appendStringInfo(&words, "%s", quote_qualified_identifier(row->schema, row->relation));
	if (row->column_name != NULL)
		appendStringInfo(&words, ".%s", quote_identifier(row->column_name));
	if (row->category != NULL)
		appendStringInfo(&words, " %s", row->category);
	if (row->kind != NULL)
		appendStringInfo(&words, " kind=%s", row->kind);
	if (row->sens != NULL)
		appendStringInfo(&words, " sens=%s", row->sens);
	if (row->conf != NULL)
		appendStringInfo(&words, " conf=%s", row->conf);
	return words.data[0] == ' ' ? words.data + 1 : words.data;
}

PhigDecision
phig_decision_stricter(const PhigDecision *a, const PhigDecision *b)
{
	PhigDecision result = a->action >= b->action ? *a : *b;

	result.writable = a->writable && b->writable;
	/* Nobody can tell which of two transforms shows less. */
	if (a->action == PHIG_ACTION_TRANSFORM && b->action == PHIG_ACTION_TRANSFORM &&
		strcmp(a->transform, b->transform) != 0)
	{
		result.action = PHIG_ACTION_MASK;
		result.transform = NULL;
		result.because = "different transforms";
	}
	return result;
}

uint64
phig_policy_modes_digest(void)
{
	if (modes_at != phig_policy_generation)
		read_modes();
	return modes_digest;
}

int
phig_policy_mode(Oid relid)
{
	int			mode = PHIG_MODE_OFF;
	ListCell   *lc;

	if (modes_at != phig_policy_generation)
		read_modes();
	if (hash_get_num_entries(modes) == 0)
		return phig_mode;
	foreach(lc, phig_tops(relid))
	{
		PhigRelationName name;
		ModeEntry  *entry = name_of_relation(lfirst_oid(lc), &name) ? hash_search(modes, &name, HASH_FIND, NULL) : NULL;

		mode = Max(mode, entry == NULL ? PHIG_MODE_ENFORCE : entry->mode);
	}
	return Min(mode, phig_mode);
}

void
phig_policy_cache_init(void)
{
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
}

static void
forget_kept(void)
{
	kept = NIL;
	if (policies_context == NULL)
		policies_context = AllocSetContextCreate(TopMemoryContext, "phiguard policies", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(policies_context);
}

static void
read_purpose(PhigPolicies *policies)
{
	PhigPurposeRow *row = phig_policy_purpose(policies->purpose);

	policies->row = row;
	if (row == NULL)
		return;
	policies->problem = phig_purpose_problem(row);
	if (!phig_action_from_name(row->otherwise, &policies->otherwise))
		policies->otherwise = PHIG_ACTION_DENY;
	policies->all_rows = strcmp(row->rows, "all") == 0;
	add_to_digest(&policies->digest, row->code);
	add_to_digest(&policies->digest, row->otherwise);
	add_to_digest(&policies->digest, row->rows);
}

static void
read_rules(PhigPolicies *policies)
{
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_RULE, policies->purpose))
		add_rule(policies, lfirst(lc));
}

static void
add_rule(PhigPolicies *policies, const PhigRuleRow *row)
{
	PhigRuleKey key;
	PhigDecision decision;
	PhigRule   *rule;
	bool		found;
	char	   *problem = phig_rule_problem(row, &key, &decision);
	const char *const texts[] = {row->schema, row->relation, row->column_name, row->category, row->kind, row->sens,
	row->conf, row->transform, row->writable ? "w" : ""};

	for (int i = 0; i < (int) lengthof(texts); i++)
		add_to_digest(&policies->digest, texts[i]);
	if (problem != NULL)
	{
		policies->problem = psprintf("of one of its rules, %s", problem);
		return;
	}
	policies->sens |= key.sens;
	policies->has_conf |= key.conf != 0;
	if (row->relation != NULL)
	{
		PhigRuledRelation *relation = relation_named(policies, row->schema, row->relation);

		must_exist(policies, row->schema, row->relation);
		key.relation = relation->number;
		if (row->column_name != NULL)
		{
			PhigColumnRule *column = palloc(sizeof(PhigColumnRule));

			column->column_name = row->column_name;
			column->sens = key.sens;
			column->conf = key.conf;
			column->decision = decision;
			relation->columns = lappend(relation->columns, column);
			return;
		}
	}
	rule = hash_search(policies->rules, &key, HASH_ENTER, &found);
	rule->decision = found ? phig_decision_stricter(&rule->decision, &decision) : decision;
}

static void
read_rows(PhigPolicies *policies)
{
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_ROWS, policies->purpose))
	{
		PhigRowsRow *row = lfirst(lc);
		PhigRuledRelation *relation = relation_named(policies, row->schema, row->relation);

		must_exist(policies, row->schema, row->relation);
		relation->rows = lappend(relation->rows, row);
		add_to_digest(&policies->digest, row->schema);
		add_to_digest(&policies->digest, row->relation);
		add_to_digest(&policies->digest, row->predicate);
		add_to_digest(&policies->digest, row->restrictive ? "r" : "p");
		add_to_digest(&policies->digest, row->officer_name);
	}
}

static PhigRuledRelation *
relation_named(PhigPolicies *policies, const char *schema, const char *relation)
{
	PhigRelationName name;
	PhigRuledRelation *entry;
	bool		found;

	memset(&name, 0, sizeof(name));
	namestrcpy(&name.schema, schema);
	namestrcpy(&name.relation, relation);
	entry = hash_search(policies->relations, &name, HASH_ENTER, &found);
	if (!found)
	{
		entry->number = hash_get_num_entries(policies->relations);
		entry->columns = NIL;
		entry->rows = NIL;
	}
	return entry;
}

static void
must_exist(PhigPolicies *policies, const char *schema, const char *relation)
{
	Oid			namespace = get_namespace_oid(schema, true);

	if (policies->problem == NULL &&
		(!OidIsValid(namespace) || !OidIsValid(get_relname_relid(relation, namespace))))
		policies->problem = psprintf("one of its rules names relation %s, which is gone",
									 quote_qualified_identifier(schema, relation));
}

static void
add_to_digest(uint64 *digest, const char *text)
{
	uint64		part = text == NULL ? 1 : hash_bytes_extended((const unsigned char *) text, strlen(text), 0);

	*digest = hash_combine64(*digest, part);
}

static const char *
because(const PhigRuleRow *row)
{
	if (row->sens != NULL)
		return "sensitivity";
	if (row->conf != NULL)
		return "confidentiality";
	if (row->column_name != NULL)
		return "column";
	if (row->relation != NULL)
		return row->kind != NULL ? "table, category and kind" : "table and category";
	return row->kind != NULL ? "category and kind" : "category";
}

/* False when it is gone. */
static bool
name_of_relation(Oid relid, PhigRelationName *name)
{
	char	   *relation = get_rel_name(relid);
	char	   *schema = relation == NULL ? NULL : get_namespace_name(get_rel_namespace(relid));

	if (schema == NULL)
		return false;
	memset(name, 0, sizeof(*name));
	namestrcpy(&name->schema, schema);
	namestrcpy(&name->relation, relation);
	pfree(relation);
	pfree(schema);
	return true;
}

static HTAB *
create_table(const char *name, Size key_size, Size entry_size)
{
	HASHCTL		control = {.keysize = key_size, .entrysize = entry_size, .hcxt = CurrentMemoryContext};

	return hash_create(name, 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* What is not understood is as strict as can be. */
static void
read_modes(void)
{
	uint64		generation = phig_policy_generation;
	MemoryContext caller;
	ListCell   *lc;

	(void) phig_policy_marker();
	if (modes_context == NULL)
		modes_context = AllocSetContextCreate(TopMemoryContext, "phiguard modes", ALLOCSET_SMALL_SIZES);
	modes = NULL;
	modes_at = 0;
	modes_digest = 0;
	MemoryContextReset(modes_context);
	caller = MemoryContextSwitchTo(modes_context);
	modes = create_table("phiguard modes", sizeof(PhigRelationName), sizeof(ModeEntry));
	foreach(lc, phig_policy_rows_of(PHIG_POLICY_MODE, NULL))
	{
		const PhigModeRow *row = lfirst(lc);
		PhigRelationName name;
		ModeEntry  *entry;
		bool		found;
		int			mode = phig_mode_from_name(row->mode);

		add_to_digest(&modes_digest, row->schema);
		add_to_digest(&modes_digest, row->relation);
		add_to_digest(&modes_digest, row->mode);

		memset(&name, 0, sizeof(name));
		namestrcpy(&name.schema, row->schema);
		namestrcpy(&name.relation, row->relation);
		entry = hash_search(modes, &name, HASH_ENTER, &found);
		if (mode < 0)
			mode = PHIG_MODE_ENFORCE;
		entry->mode = found ? Max(entry->mode, mode) : mode;
	}
	MemoryContextSwitchTo(caller);
	modes_at = generation;
}

/* Without a marker, any relation that comes may be it. */
static void
relation_changed(Datum arg, Oid relid)
{
	if (phig_policy_only_plans || (OidIsValid(relid) && OidIsValid(marker) && relid != marker))
		return;
	phig_policy_generation++;
	marker = InvalidOid;
}
