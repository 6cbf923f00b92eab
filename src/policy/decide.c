/*
 * decide.c
 *		What a subject may see of a relation: rules, matched and weighed.
 *
 * Of the rules of the purpose the most specific one holds for a column: the column itself; table, category and
 * kind; table and category; category and kind; category; else the purpose's otherwise.  Four
 * look-ups, however many rules there are.  Rules for a sensitivity code, or a confidentiality and those
 * above it, are looked at after that, and only tighten.  Where several are as specific, by several
 * ancestors or through children, the strictest holds; of two different transforms nobody can tell, so
 * the value is masked.
 *
 * Rules name relations without parents and bind all below.  What names something that is gone, or that has got
 * parents since, closes the relation: the rule may have been one that hides.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "label/inherit.h"
#include "label/registry.h"
#include "label/vocabulary.h"
#include "policy/cache.h"
#include "policy/decide.h"
#include "policy/rows.h"
#include "policy/subject.h"
#include "settings.h"

/* A relation whose columns are being decided. */
typedef struct Deciding
{
	const PhigPolicies *policies;
	Oid			relid;
	List	   *ruled;			/* of PhigRuledRelation *: of its topmost ancestors, where rules
								 * name them */
	char	   *problem;		/* why it cannot be decided, or NULL */
} Deciding;

static void begin_relation(Deciding *d, const PhigPolicies *policies, Oid relid);
static void check_place(Deciding *d, Oid relid);
static void check_columns(Deciding *d, Oid top, const PhigRuledRelation *ruled);
static void refuse(const PhigPolicies *policies, Oid relid, const char *problem);
static PhigDecision *decide_columns(const Deciding *d, const PhigRelLabels *labels);
static bool is_own_table(Oid relid);
static PhigDecision decide_column(const Deciding *d, const char *name, const PhigLabel *label);
static bool find_most_specific(const Deciding *d, const char *name, const PhigLabel *label, PhigDecision *found);
static void tighten(const Deciding *d, const char *name, const PhigLabel *label, uint64 sens, char conf,
					PhigDecision *decision);
static bool by_column(const Deciding *d, const char *name, uint64 sens, char conf, PhigDecision *found);
static bool by_table(const Deciding *d, PhigRuleKey key, PhigDecision *found);
static bool by_key(const Deciding *d, const PhigRuleKey *key, PhigDecision *found);
static void add(bool *any, PhigDecision *found, const PhigDecision *decision);
static void add_child(Deciding *parent, PhigRelPolicy *policy, Oid child);
static bool is_partition(Oid relid);
static void summarise(PhigRelPolicy *policy);

bool
phig_policy_governs(Oid relid)
{
	return phig_mode == PHIG_MODE_ENFORCE && phig_label_relation(relid) != NULL &&
		phig_policy_mode(relid) == PHIG_MODE_ENFORCE && !is_own_table(relid);
}

static PhigRelPolicy *closed(Oid relid);

bool
phig_policy_would_govern(Oid relid)
{
	return phig_label_relation(relid) != NULL && phig_policy_mode(relid) != PHIG_MODE_OFF && !is_own_table(relid);
}

/* Of phiguard: the officer's, by privileges and row-level security, and on record.  No purpose speaks of them. */
static bool
is_own_table(Oid relid)
{
	return get_rel_namespace(relid) == get_namespace_oid("phiguard", true) && phig_is_ours(RelationRelationId, relid);
}

bool
phig_policy_governs_for(const PhigSubject *subject, Oid relid)
{
	if (subject->extract)
		return phig_label_relation(relid) != NULL;
	return subject->rehearsal ? phig_policy_would_govern(relid) : phig_policy_governs(relid);
}

PhigRelPolicy *
phig_policy_relation(const PhigSubject *subject, Oid relid, bool with_children)
{
	List	   *family = with_children ? phig_family(relid) : list_make1_oid(relid);
	bool		governed = false;
	const PhigPolicies *policies;
	PhigRelPolicy *policy;
	char	   *problem;
	ListCell   *lc;

	foreach(lc, family)
		governed = governed || phig_policy_governs_for(subject, lfirst_oid(lc));
	if (!governed)
		return NULL;
	policies = phig_policies_of(subject->purpose);
	policy = phig_decide_relation(policies, relid, family, &problem);
	if (policy == NULL && subject->rehearsal)
		return closed(relid);
	if (policy == NULL)
		refuse(policies, relid, problem);
	policy->rows = phig_rows_of(policies, relid, &policy->reads);
	policy->all_clear = policy->may_read && policy->rows == NULL;
	return policy;
}

/* What cannot be evaluated shows nothing. */
static PhigRelPolicy *
closed(Oid relid)
{
	PhigRelLabels *labels = phig_label_relation_copy(relid);
	PhigRelPolicy *policy = palloc0(sizeof(PhigRelPolicy));

	policy->relid = relid;
	policy->natts = labels->natts;
	policy->columns = palloc0(labels->natts * sizeof(PhigDecision));
	for (AttrNumber attno = 1; attno <= labels->natts; attno++)
		policy->columns[attno - 1].action = PHIG_ACTION_DENY;
	return policy;
}

PhigRelPolicy *
phig_decide_relation(const PhigPolicies *policies, Oid relid, List *family, char **problem)
{
	PhigRelPolicy *policy = palloc0(sizeof(PhigRelPolicy));
	PhigRelLabels *labels = phig_label_relation_copy(relid);
	Deciding	d;
	ListCell   *lc;

	begin_relation(&d, policies, relid);
	*problem = d.problem;
	if (d.problem != NULL)
		return NULL;
	policy->relid = relid;
	policy->natts = labels->natts;
	policy->subject = labels->subject;
	policy->columns = decide_columns(&d, labels);
	foreach(lc, family)
		if (lfirst_oid(lc) != relid)
			add_child(&d, policy, lfirst_oid(lc));
	summarise(policy);
	*problem = d.problem;
	return d.problem == NULL ? policy : NULL;
}

/* There is a problem where rules speak of what is gone or has moved. */
static void
begin_relation(Deciding *d, const PhigPolicies *policies, Oid relid)
{
	ListCell   *lc;

	d->policies = policies;
	d->relid = relid;
	d->ruled = NIL;
	d->problem = policies->row == NULL ? "there is no such purpose" : policies->problem;
	if (d->problem != NULL)
		return;
	if (hash_get_num_entries(policies->relations) == 0)
		return;
	check_place(d, relid);
	foreach(lc, phig_tops(relid))
	{
		const PhigRuledRelation *ruled = phig_policies_relation(policies, lfirst_oid(lc));

		if (ruled == NULL)
			continue;
		check_columns(d, lfirst_oid(lc), ruled);
		d->ruled = lappend(d->ruled, (void *) ruled);
	}
}

/* No rule names what has parents. */
static void
check_place(Deciding *d, Oid relid)
{
	List	   *parents = phig_parents(relid);
	ListCell   *lc;

	if (parents != NIL && phig_policies_relation(d->policies, relid) != NULL)
		d->problem = psprintf("a rule names relation \"%s\", which has got a parent since", get_rel_name(relid));
	foreach(lc, parents)
		check_place(d, lfirst_oid(lc));
}

static void
check_columns(Deciding *d, Oid top, const PhigRuledRelation *ruled)
{
	ListCell   *lc;

	foreach(lc, ruled->columns)
	{
		const PhigColumnRule *rule = lfirst(lc);

		if (get_attnum(top, rule->column_name) <= 0)
			d->problem = psprintf("a rule names column \"%s\" of relation \"%s\", which is gone",
								  rule->column_name, get_rel_name(top));
	}
}

static void
refuse(const PhigPolicies *policies, Oid relid, const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("what purpose \"%s\" shows of relation \"%s\" cannot be decided", policies->purpose,
					get_rel_name(relid)),
			 errdetail("Of the purpose: %s.", problem),
			 errhint("phiguard.verify_policy() shows a privacy officer what is to be set right.")));
}

/* [attno - 1] */
static PhigDecision *
decide_columns(const Deciding *d, const PhigRelLabels *labels)
{
	PhigDecision *columns = palloc0(sizeof(PhigDecision) * Max(labels->natts, 1));

	for (AttrNumber attno = 1; attno <= labels->natts; attno++)
	{
		char	   *name = OidIsValid(get_atttype(labels->relid, attno)) ?
			get_attname(labels->relid, attno, true) : NULL;

		if (name != NULL)
			columns[attno - 1] = decide_column(d, name, &labels->cols[attno - 1]);
		else
			columns[attno - 1] = (PhigDecision) {PHIG_ACTION_CLEAR, true, NULL, "dropped"};
	}
	return columns;
}

static PhigDecision
decide_column(const Deciding *d, const char *name, const PhigLabel *label)
{
	PhigDecision decision = {d->policies->otherwise, false, NULL, "otherwise"};

	if (label->category == PHIG_CAT_NONE)
		return (PhigDecision) {PHIG_ACTION_CLEAR, true, NULL, "reviewed"};
	(void) find_most_specific(d, name, label, &decision);
	for (uint64 left = label->sens & d->policies->sens; left != 0; left &= left - 1)
		tighten(d, name, label, left & -left, '\0', &decision);
	if (d->policies->has_conf)
		for (int i = 0; i < phig_conf_rank(label->conf); i++)
			tighten(d, name, label, 0, PHIG_CONF_ORDER[i], &decision);
	decision.writable |= decision.action == PHIG_ACTION_CLEAR;
	return decision;
}

/* The most specific rule; found is untouched where none speaks. */
static bool
find_most_specific(const Deciding *d, const char *name, const PhigLabel *label, PhigDecision *found)
{
	PhigRuleKey key = {.category = label->category, .kind = label->kind};
	PhigRuleKey wide = {.category = label->category};

	if (d->ruled != NIL && by_column(d, name, 0, '\0', found))
		return true;
	if (label->category == PHIG_CAT_UNLABELLED)
		return false;
	return (label->kind != NULL && by_table(d, key, found)) || by_table(d, wide, found) ||
		(label->kind != NULL && by_key(d, &key, found)) || by_key(d, &wide, found);
}

/* Every rule for the code, or for the confidentiality, that matches. */
static void
tighten(const Deciding *d, const char *name, const PhigLabel *label, uint64 sens, char conf, PhigDecision *decision)
{
	const PhigRuleKey keys[] = {
		{.category = label->category, .kind = label->kind, .sens = sens, .conf = conf},
		{.category = label->category, .sens = sens, .conf = conf},
		{.category = PHIG_CAT_UNLABELLED, .sens = sens, .conf = conf}
	};
	PhigDecision found;

	for (int i = -1; i < 2 * (int) lengthof(keys); i++)
	{
		bool		matches = i < 0 ? by_column(d, name, sens, conf, &found) :
			i % 2 == 0 ? by_table(d, keys[i / 2], &found) : by_key(d, &keys[i / 2], &found);

		if (matches && found.action >= decision->action)
			*decision = phig_decision_stricter(decision, &found);
	}
}

static bool
by_column(const Deciding *d, const char *name, uint64 sens, char conf, PhigDecision *found)
{
	bool		any = false;
	ListCell   *relation;
	ListCell   *lc;

	foreach(relation, d->ruled)
		foreach(lc, ((const PhigRuledRelation *) lfirst(relation))->columns)
		{
			const PhigColumnRule *rule = lfirst(lc);

			if (rule->sens == sens && rule->conf == conf && strcmp(rule->column_name, name) == 0)
				add(&any, found, &rule->decision);
		}
	return any;
}

static bool
by_table(const Deciding *d, PhigRuleKey key, PhigDecision *found)
{
	bool		any = false;
	ListCell   *relation;

	foreach(relation, d->ruled)
	{
		const PhigRule *rule;

		key.relation = ((const PhigRuledRelation *) lfirst(relation))->number;
		rule = hash_search(d->policies->rules, &key, HASH_FIND, NULL);
		if (rule != NULL)
			add(&any, found, &rule->decision);
	}
	return any;
}

static bool
by_key(const Deciding *d, const PhigRuleKey *key, PhigDecision *found)
{
	const PhigRule *rule = hash_search(d->policies->rules, key, HASH_FIND, NULL);
	bool		any = false;

	if (rule != NULL)
		add(&any, found, &rule->decision);
	return any;
}

static void
add(bool *any, PhigDecision *found, const PhigDecision *decision)
{
	*found = *any ? phig_decision_stricter(found, decision) : *decision;
	*any = true;
}

/* What is read of a child through its parent: by its own labels, and the rules of all its ancestors. */
static void
add_child(Deciding *parent, PhigRelPolicy *policy, Oid child)
{
	PhigRelLabels *labels = phig_label_relation_copy(child);
	Deciding	d = *parent;

	/* A partition has no other ancestors. */
	if (!is_partition(child) || phig_policies_relation(parent->policies, child) != NULL)
		begin_relation(&d, parent->policies, child);
	d.relid = child;
	if (d.problem != NULL)
	{
		parent->problem = d.problem;
		return;
	}
	for (AttrNumber attno = 1; attno <= labels->natts; attno++)
	{
		char	   *name = OidIsValid(get_atttype(child, attno)) ? get_attname(child, attno, true) : NULL;
		AttrNumber	above = name == NULL ? InvalidAttrNumber : get_attnum(policy->relid, name);
		PhigDecision decision;

		if (above <= 0 || above > policy->natts)
			continue;
		decision = decide_column(&d, name, &labels->cols[attno - 1]);
		policy->columns[above - 1] = phig_decision_stricter(&policy->columns[above - 1], &decision);
	}
}

static bool
is_partition(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		result = false;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_class) GETSTRUCT(tuple))->relispartition;
		ReleaseSysCache(tuple);
	}
	return result;
}

static void
summarise(PhigRelPolicy *policy)
{
	policy->may_read = true;
	for (AttrNumber i = 0; i < policy->natts; i++)
	{
		PhigDecision *column = &policy->columns[i];

		policy->may_read = policy->may_read && column->action == PHIG_ACTION_CLEAR;
		if (column->transform != NULL)
			column->transform = pstrdup(column->transform);
	}
}
