/*
 * prove.c
 *		Does a view meet its method?
 *
 * The view's query is taken as it is for whoever reads it, restricted as it will be then, and followed: what
 * reaches an output, in what form, and what is left of it.  Only transforms lower what a column is
 * (flow/transform.c).  Each thing that reaches an output has to pass the method (method.c), and the query may
 * have nothing that cannot be followed (vet.c). All that is wrong is said at once.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "enforce/enforce.h"
#include "extract/prove.h"
#include "extract/view.h"
#include "journal/statement.h"
#include "label/inherit.h"
#include "texts.h"

static void prove_query(PhigProof *proof, const PhigExtractRow *row, Oid view);
static bool shows_codes(const PhigFlow *flow);
static void prove_privileges(PhigProof *proof, Oid view);
static void prove_outputs(PhigProof *proof, const PhigExtractRow *row, const Query *query, const PhigFlow *flow,
						  List *problems, const PhigFlow *asked);
static void weigh_items(PhigFinding *finding, const PhigExtractRow *row, const PhigFlowSet *set, List *problems);
static bool is_about(List *problems, const PhigFlowItem *item);
static void list_steering(PhigProof *proof, const PhigFlow *flow);
static void add_source(PhigFinding *finding, const PhigFlowItem *item);
static void add_finding(PhigProof *proof, PhigFinding *finding);

PhigProof *
phig_extract_prove(const PhigExtractRow *row, Oid view)
{
	PhigProof  *proof = palloc0(sizeof(PhigProof));
	char	   *problem;

	proof->until = DT_NOEND;
	proof->relids = list_make1_oid(view);
	problem = phig_agreement_problem(row->agreement, row->purpose, row->method, &proof->until);
	if (problem != NULL)
		phig_proof_refuse(proof, NULL, problem);
	if (phig_method_from_name(row->method) < 0)
		phig_proof_refuse(proof, NULL, "its method is unknown");
	phig_extract_vet_view(proof, row, view);
	if (get_rel_relkind(view) == RELKIND_VIEW && phig_policy_purpose(row->purpose) != NULL &&
		phig_method_from_name(row->method) >= 0)
		prove_query(proof, row, view);
	return proof;
}

PhigSubject *
phig_extract_subject(const PhigExtractRow *row, Oid view)
{
	PhigSubject *subject = palloc0(sizeof(PhigSubject));

	subject->purpose = row->purpose;
	subject->granted = true;
	subject->extract = true;
	subject->expires = DT_NOEND;
	subject->domain = row->agreement ? row->agreement : row->purpose;
	return subject;
}

void
phig_proof_refuse(PhigProof *proof, const char *citation, const char *advice)
{
	PhigFinding *finding = palloc0(sizeof(PhigFinding));

	finding->verdict = PHIG_VERDICT_REFUSED;
	finding->citation = citation;
	finding->advice = advice;
	add_finding(proof, finding);
}

static void
prove_query(PhigProof *proof, const PhigExtractRow *row, Oid view)
{
	const int	method = phig_method_from_name(row->method);
	Query	   *query = phig_view_query(view);
	Query	   *restricted;
	PhigEnforcement done;
	List	   *problems = NIL;
	StringInfoData decided;
	PhigFlow   *flow;
	ListCell   *lc;

	initStringInfo(&decided);
	phig_extract_vet_query(proof, row, copyObject(query));
	prove_privileges(proof, view);
	restricted = copyObject(query);
	phig_extract_set_constants(restricted, row);
	phig_enforce_extract(restricted, phig_extract_subject(row, view), method, &done,
						 &problems, &decided);
	foreach(lc, problems)
		phig_proof_refuse(proof, "45 CFR 164.514(d)", ((PhigExtractProblem *) lfirst(lc))->text);
	if (strcmp(row->method, "safe_harbor") == 0)
		phig_extract_vet_birth_years(proof, restricted);
	flow = phig_flow_analyze_reviewed(restricted, method);
	prove_outputs(proof, row, restricted, flow, problems,
				  problems == NIL ? NULL : phig_flow_analyze_reviewed(query, method));
	proof->codes = flow != NULL && shows_codes(flow);
	if (flow != NULL)
		list_steering(proof, flow);
	phig_extract_pin(proof, row, query, restricted, flow, decided.data);
}

/* Does it show codes, which a key or a crosswalk makes of values? */
static bool
shows_codes(const PhigFlow *flow)
{
	for (int i = 0; i < flow->returned.nitems; i++)
		if (flow->returned.items[i].form > PHIG_FORM_WITHHELD && phig_flow_is_code(flow->returned.items[i].form))
			return true;
	return false;
}

/* Whoever reads the view reads the tables as its owner. */
static void
prove_privileges(PhigProof *proof, Oid view)
{
	Relation	relation = relation_open(view, AccessShareLock);
	Oid			owner = relation->rd_rel->relowner;
	ListCell   *lc;

	relation_close(relation, NoLock);
	foreach(lc, proof->relids)
		if (lfirst_oid(lc) != view && get_rel_name(lfirst_oid(lc)) != NULL && phig_parents(lfirst_oid(lc)) == NIL &&
			pg_class_aclcheck(lfirst_oid(lc), owner, ACL_SELECT) != ACLCHECK_OK &&
			pg_attribute_aclcheck_all(lfirst_oid(lc), owner, ACL_SELECT, ACLMASK_ANY) != ACLCHECK_OK)
			phig_proof_refuse(proof, NULL, psprintf("role \"%s\", to which the view belongs, may not select from \"%s\": GRANT SELECT",
													GetUserNameFromId(owner, false), get_rel_name(lfirst_oid(lc))));
}

static void
prove_outputs(PhigProof *proof, const PhigExtractRow *row, const Query *query, const PhigFlow *flow,
			  List *problems, const PhigFlow *asked)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		const TargetEntry *tle = lfirst_node(TargetEntry, lc);
		PhigFinding *finding;

		if (tle->resjunk)
			continue;
		finding = palloc0(sizeof(PhigFinding));
		finding->column = tle->resname;
		finding->verdict = PHIG_VERDICT_PASSES;
		if (flow != NULL)
			weigh_items(finding, row, &flow->columns[n], NIL);

		/*
		 * What the purpose denies is not there any more: the method has something to say of it,
		 * too.
		 */
		if (asked != NULL)
			weigh_items(finding, row, &asked->columns[n], problems);
		add_finding(proof, finding);
		n++;
	}
}

/* What is worst of all that reaches it; problems: only columns that these are about. */
static void
weigh_items(PhigFinding *finding, const PhigExtractRow *row, const PhigFlowSet *set, List *problems)
{
	for (int i = 0; i < set->nitems; i++)
	{
		const char *citation;
		const char *advice;
		PhigVerdict verdict;

		if (problems != NIL && !is_about(problems, &set->items[i]))
			continue;
		verdict = phig_method_verdict(row->method, &set->items[i], &citation, &advice);
		add_source(finding, &set->items[i]);
		if (finding->citation == NULL || verdict > finding->verdict)
		{
			finding->verdict = verdict;
			finding->citation = citation;
			finding->advice = advice;
		}
	}
}

static bool
is_about(List *problems, const PhigFlowItem *item)
{
	ListCell   *lc;

	foreach(lc, problems)
	{
		const PhigExtractProblem *problem = lfirst(lc);

		if (problem->relid == item->relid && problem->attno == item->attno)
			return true;
	}
	return false;
}

/* What decides which rows there are: as the purpose shows it. */
static void
list_steering(PhigProof *proof, const PhigFlow *flow)
{
	for (int i = 0; i < flow->referenced.nitems; i++)
	{
		const PhigFlowItem *item = &flow->referenced.items[i];
		PhigFinding *finding;

		if (item->label.category == PHIG_CAT_NONE)
			continue;
		finding = palloc0(sizeof(PhigFinding));
		finding->verdict = item->label.category == PHIG_CAT_UNLABELLED ? PHIG_VERDICT_REFUSED : PHIG_VERDICT_STEERS;
		finding->citation = "45 CFR 164.514(d)";
		finding->advice = item->label.category == PHIG_CAT_UNLABELLED ?
			"nobody has reviewed it: phiguard.label() says what it is, phiguard.review() that it is no PHI" :
			"decides which rows there are, or in what order; the purpose shows it";
		add_source(finding, item);
		add_finding(proof, finding);
	}
}

static void
add_source(PhigFinding *finding, const PhigFlowItem *item)
{
	char	   *path = phig_column_path(item->relid, item->attno);
	char	   *function = item->form > PHIG_FORM_WITHHELD ? get_func_name(item->form) : NULL;

	if (path != NULL)
		finding->sources = phig_texts_add(finding->sources, path);
	if (function != NULL)
		finding->transforms = phig_texts_add(finding->transforms, function);
}

static void
add_finding(PhigProof *proof, PhigFinding *finding)
{
	proof->refused |= finding->verdict == PHIG_VERDICT_REFUSED;
	proof->findings = lappend(proof->findings, finding);
}
