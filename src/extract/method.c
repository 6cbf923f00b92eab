/*
 * method.c
 *		What methods of de-identification say of a column: phiguard.method_rule.
 *
 * The row that names the transform that the column went through holds, by the column's own label; then the one
 * for what is left of it; each time the one that names the kind before the one that does not. What no row
 * speaks of is refused.
 */
#include "postgres.h"

#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "extract/prove.h"
#include "policy/cache.h"
#include "transform/registry.h"

static List *rules = NIL;		/* of PhigMethodRuleRow * */
static uint64 rules_at = 0;		/* phig_policy_generation */
static MemoryContext rules_context = NULL;

static int	compare_lines(const ListCell *a, const ListCell *b);
static void read_rules(void);
static const PhigMethodRuleRow *find_rule(const char *method, const char *transform, const PhigLabel *label);
static const PhigMethodRuleRow *find_objection(const char *method, const PhigFlowItem *item);

int
phig_method_from_name(const char *name)
{
	for (int i = 0; phig_transform_methods[i] != NULL; i++)
		if (strcmp(phig_transform_methods[i], name) == 0)
			return i;
	return -1;
}

PhigVerdict
phig_method_verdict(const char *method, const PhigFlowItem *item, const char **citation, const char **advice)
{
	const PhigMethodRuleRow *rule = NULL;

	*citation = "45 CFR 164.514";
	*advice = NULL;
	if (item->label.category == PHIG_CAT_UNLABELLED)
	{
		*advice = "nobody has reviewed it: phiguard.label() says what it is, phiguard.review() that it is no PHI";
		return PHIG_VERDICT_REFUSED;
	}
	if (rules_at != phig_policy_generation)
		read_rules();
	if (item->form > PHIG_FORM_WITHHELD)
		rule = phig_flow_method_accepts(item->form, phig_method_from_name(method)) ?
			find_rule(method, get_func_name(item->form), &item->label) : find_objection(method, item);
	if (rule == NULL)
		rule = find_rule(method, NULL, &item->left);
	if (rule == NULL)
	{
		*advice = "the method says nothing of such a column";
		return PHIG_VERDICT_REFUSED;
	}
	*citation = rule->citation;
	*advice = rule->advice;
	if (strcmp(rule->verdict, "passes") == 0)
		return PHIG_VERDICT_PASSES;
	return strcmp(rule->verdict, "attest") == 0 ? PHIG_VERDICT_ATTEST : PHIG_VERDICT_REFUSED;
}

/* To what a transform would leave that the method does not accept: says more than the one to the column. */
static const PhigMethodRuleRow *
find_objection(const char *method, const PhigFlowItem *item)
{
	const PhigMethodRuleRow *rule;
	PhigLabel	left;

	if (!phig_flow_transform(item->form, &item->label, false, &left))
		return NULL;
	rule = find_rule(method, NULL, &left);
	return rule != NULL && strcmp(rule->verdict, "refused") == 0 ? rule : NULL;
}

/* In an order of its own: not that of the table. */
void
phig_method_describe(const char *method, StringInfo text)
{
	List	   *lines = NIL;
	ListCell   *lc;

	if (rules_at != phig_policy_generation)
		read_rules();
	foreach(lc, rules)
	{
		const PhigMethodRuleRow *rule = lfirst(lc);

		if (strcmp(rule->method, method) == 0)
			lines = lappend(lines, psprintf("%s %s %s %s", rule->category, rule->kind ? rule->kind : "",
											rule->transform ? rule->transform : "", rule->verdict));
	}
	list_sort(lines, compare_lines);
	foreach(lc, lines)
		appendStringInfo(text, "\n%s", (char *) lfirst(lc));
}

static int
compare_lines(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

static void
read_rules(void)
{
	uint64		generation = phig_policy_generation;
	MemoryContext caller;

	if (rules_context == NULL)
		rules_context = AllocSetContextCreate(TopMemoryContext, "phiguard methods", ALLOCSET_SMALL_SIZES);
	rules = NIL;
	rules_at = 0;
	MemoryContextReset(rules_context);
	(void) phig_policy_marker();
	caller = MemoryContextSwitchTo(rules_context);
	rules = phig_policy_rows_of(PHIG_POLICY_METHOD_RULE, NULL);
	MemoryContextSwitchTo(caller);
	rules_at = generation;
}

static const PhigMethodRuleRow *
find_rule(const char *method, const char *transform, const PhigLabel *label)
{
	const PhigMethodRuleRow *found = NULL;
	ListCell   *lc;

	foreach(lc, rules)
	{
		const PhigMethodRuleRow *rule = lfirst(lc);

		if (strcmp(rule->method, method) != 0 || strcmp(rule->category, phig_category_name(label->category)) != 0 ||
			(rule->transform == NULL) != (transform == NULL) ||
			(transform != NULL && strcmp(rule->transform, transform) != 0))
			continue;
		if (rule->kind != NULL && (label->kind == NULL || strcmp(rule->kind, label->kind) != 0))
			continue;
		if (found == NULL || rule->kind != NULL)
			found = rule;
	}
	return found;
}
