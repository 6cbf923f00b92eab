/*
 * evidence.c
 *		What the catalog says of a column: name, type, comment, foreign key.
 *
 * No value is read, and none of the statistics that hold values.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "scan/evidence.h"
#include "scan/rules.h"
#include "scan/types.h"

/* Beyond these a foreign key no longer says whose rows they are. */
#define MOST_STEPS 2

/* A comment of more words says too many things. */
#define COMMENT_MAX_WORDS 14

static List *items_of_name(int holds, const PhigWords *table, const PhigWords *column);
static List *items_of_type(List *items, Oid type, int holds, const PhigWords *column, bool about_people);
static List *items_of_comment(List *items, Oid relid, AttrNumber attno, int holds);
static List *items_of_reference(List *items, Oid relid, AttrNumber attno);
static bool reference_of(Oid relid, AttrNumber attno, Oid *target, AttrNumber *target_attno);
static bool is_about_people(Oid relid, int steps);
static bool says_whose(Oid relid, AttrNumber attno, const PhigWords *table);
static List *referenced_by(Oid relid);
static float together(List *items, PhigCategory category);

bool
phig_evidence_of_column(Oid relid, AttrNumber attno, PhigEvidence *out)
{
	phig_evidence_judge(phig_evidence_items(relid, attno, is_about_people(relid, 0)), out);
	return out->category > PHIG_CAT_NONE && out->confidence >= PHIG_EVIDENCE_MIN;
}

List *
phig_evidence_items(Oid relid, AttrNumber attno, bool about_people)
{
	char	   *name = get_attname(relid, attno, true);
	int			holds;
	PhigWords	table;
	PhigWords	column;
	List	   *items;

	if (name == NULL)
		return NIL;
	holds = phig_type_holds(get_atttype(relid, attno));
	phig_words_split(get_rel_name(relid), &table);
	phig_words_split(name, &column);
	items = items_of_name(holds, &table, &column);
	items = items_of_type(items, get_atttype(relid, attno), holds, &column, about_people);
	items = items_of_comment(items, relid, attno, holds);
	return items_of_reference(items, relid, attno);
}

List *
phig_evidence_add(List *items, PhigCategory category, const char *kind, float score, char *text)
{
	PhigEvidenceItem *item = palloc(sizeof(PhigEvidenceItem));

	*item = (PhigEvidenceItem) {category, kind, score, text};
	return lappend(items, item);
}

void
phig_evidence_judge(List *items, PhigEvidence *out)
{
	StringInfoData text;
	float		best = 0;
	ListCell   *lc;

	*out = (PhigEvidence) {PHIG_CAT_UNLABELLED};
	initStringInfo(&text);
	foreach(lc, items)
	{
		PhigEvidenceItem *item = lfirst(lc);
		float		confidence = together(items, item->category);

		if (confidence > out->confidence)
		{
			out->confidence = confidence;
			out->category = item->category;
		}
	}
	foreach(lc, items)
	{
		PhigEvidenceItem *item = lfirst(lc);

		if (item->category != out->category)
			continue;
		appendStringInfo(&text, "%s%s", text.len > 0 ? "; " : "", item->text);
		if (item->kind != NULL && item->score > best)
		{
			best = item->score;
			out->kind = item->kind;
		}
	}
	out->text = text.data;
}

bool
phig_evidence_is_about_people(Oid relid)
{
	return is_about_people(relid, 0);
}

static List *
items_of_name(int holds, const PhigWords *table, const PhigWords *column)
{
	const PhigNameRule *rule = phig_rules_best(table, column, holds);

	if (rule == NULL)
		return NIL;
	/* a UUID is not printed for people (letter H), but a number of theirs all the same (letter R) */
	if (rule->category == PHIG_CAT_MRN && holds == PHIG_HOLDS_UUID)
		return phig_evidence_add(NIL, PHIG_CAT_OTHER, NULL, rule->score, pstrdup("name"));
	return phig_evidence_add(NIL, rule->category, rule->kind, rule->score, pstrdup("name"));
}

static List *
items_of_type(List *items, Oid type, int holds, const PhigWords *column, bool about_people)
{
	char	   *text = psprintf("type %s", format_type_be(type));
	const char *last = column->n == 0 ? "" : column->words[column->n - 1].text;
	bool		named_date = strcmp(last, "date") == 0 || strcmp(last, "time") == 0;
	bool		named_end = column->n == 1 && (strcmp(last, "start") == 0 || strcmp(last, "stop") == 0 || strcmp(last, "end") == 0);

	if (holds == PHIG_HOLDS_NET)
		return phig_evidence_add(items, PHIG_CAT_IP, NULL, 0.95f, text);
	if (holds == PHIG_HOLDS_MAC)
		return phig_evidence_add(items, PHIG_CAT_DEVICE, "mac", 0.9f, text);
	if (holds == PHIG_HOLDS_POINT)
		return phig_evidence_add(items, PHIG_CAT_GEO, "point", 0.8f, text);
	if (holds == PHIG_HOLDS_DOCUMENT)
		return phig_evidence_add(items, PHIG_CAT_NOTE, NULL, 0.6f, text);
	if (holds == PHIG_HOLDS_TIME)
		return phig_evidence_add(items, PHIG_CAT_DATE, NULL, about_people ? 0.8f : 0.3f,
								 text);
	if (holds == PHIG_HOLDS_TEXT && (named_date || named_end) && about_people)
		return phig_evidence_add(items, PHIG_CAT_DATE, NULL, 0.6f, text);
	return items;
}

static List *
items_of_comment(List *items, Oid relid, AttrNumber attno, int holds)
{
	char	   *comment = GetComment(relid, RelationRelationId, attno);
	const PhigNameRule *rule;
	PhigWords	words;

	if (comment == NULL)
		return items;
	phig_words_split(comment, &words);
	if (words.n > COMMENT_MAX_WORDS)
		return items;
	rule = phig_rules_of_comment(&words, holds);
	if (rule == NULL)
		return items;
	return phig_evidence_add(items, rule->category, rule->kind, 0.6f, pstrdup("comment"));
}

/* What it references is it, too. */
static List *
items_of_reference(List *items, Oid relid, AttrNumber attno)
{
	Oid			target;
	AttrNumber	target_attno;
	PhigWords	table;
	PhigWords	column;
	const PhigNameRule *rule;
	const char *text;
	PhigRelLabels *labels;

	if (!reference_of(relid, attno, &target, &target_attno) || target == relid)
		return items;
	text = psprintf("references %s.%s", get_rel_name(target), get_attname(target, target_attno, false));
	labels = phig_label_relation_copy(target);
	if (phig_label_is_phi(&labels->cols[target_attno - 1]))
		return phig_evidence_add(items, labels->cols[target_attno - 1].category, labels->cols[target_attno - 1].kind,
								 0.95f, unconstify(char *, text));
	phig_words_split(get_rel_name(target), &table);
	phig_words_split(get_attname(target, target_attno, false), &column);
	rule = phig_rules_best(&table, &column, phig_type_holds(get_atttype(target, target_attno)));
	if (rule == NULL || labels->cols[target_attno - 1].category == PHIG_CAT_NONE)
		return items;
	return phig_evidence_add(items, rule->category, rule->kind, rule->score * 0.9f, unconstify(char *, text));
}

/* The column that a foreign key of this one column, or of several with it, names. */
static bool
reference_of(Oid relid, AttrNumber attno, Oid *target, AttrNumber *target_attno)
{
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	bool		found = false;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		int			n;
		AttrNumber	own[INDEX_MAX_KEYS];
		AttrNumber	theirs[INDEX_MAX_KEYS];

		if (((Form_pg_constraint) GETSTRUCT(tuple))->contype != CONSTRAINT_FOREIGN)
			continue;
		DeconstructFkConstraintRow(tuple, &n, own, theirs, NULL, NULL, NULL, NULL, NULL);
		for (int i = 0; i < n && !found; i++)
			if (own[i] == attno)
			{
				found = true;
				*target = ((Form_pg_constraint) GETSTRUCT(tuple))->confrelid;
				*target_attno = theirs[i];
			}
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	return found;
}

static bool
is_about_people(Oid relid, int steps)
{
	AttrNumber	natts;
	char	   *name = get_rel_name(relid);
	PhigWords	table;
	ListCell   *lc;

	/* not locked where a foreign key names it */
	if (name == NULL)
		return false;
	natts = phig_label_relation_copy(relid)->natts;
	phig_words_split(name, &table);
	if (phig_words_have_sort(&table, PHIG_WORD_PERSON) || phig_words_have_sort(&table, PHIG_WORD_EVENT))
		return true;
	for (AttrNumber attno = 1; attno <= natts; attno++)
	{
		CHECK_FOR_INTERRUPTS();
		if (says_whose(relid, attno, &table))
			return true;
	}
	if (steps < MOST_STEPS)
		foreach(lc, referenced_by(relid))
			if (is_about_people(lfirst_oid(lc), steps + 1))
				return true;
	return false;
}

/* A number of a person, of a visit or a claim; a user, an address in a network. */
static bool
says_whose(Oid relid, AttrNumber attno, const PhigWords *table)
{
	char	   *name = get_attname(relid, attno, true);
	const PhigNameRule *rule;
	PhigWords	column;

	/* dropped */
	if (name == NULL || !OidIsValid(get_atttype(relid, attno)))
		return false;
	phig_words_split(name, &column);
	rule = phig_rules_best(table, &column, phig_type_holds(get_atttype(relid, attno)));
	if (phig_type_holds(get_atttype(relid, attno)) == PHIG_HOLDS_NET)
		return true;
	return rule != NULL &&
		(rule->category == PHIG_CAT_IP || (rule->kind != NULL && strcmp(rule->kind, "username") == 0) ||
		 rule->category == PHIG_CAT_MRN || rule->category == PHIG_CAT_SSN ||
		 rule->category == PHIG_CAT_HEALTH_PLAN || rule->category == PHIG_CAT_ACCOUNT ||
		 (rule->category == PHIG_CAT_OTHER && phig_words_have_sort(&column, PHIG_WORD_PERSON)));
}

/* The relations that foreign keys of this one name. */
static List *
referenced_by(Oid relid)
{
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	List	   *targets = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (((Form_pg_constraint) GETSTRUCT(tuple))->contype == CONSTRAINT_FOREIGN &&
			((Form_pg_constraint) GETSTRUCT(tuple))->confrelid != relid)
			targets = lappend_oid(targets, ((Form_pg_constraint) GETSTRUCT(tuple))->confrelid);
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	return targets;
}

static float
together(List *items, PhigCategory category)
{
	float		doubt = 1;
	ListCell   *lc;

	foreach(lc, items)
	{
		PhigEvidenceItem *item = lfirst(lc);

		if (item->category == category)
			doubt *= 1 - item->score;
	}
	return Min(1 - doubt, 0.99f);
}
