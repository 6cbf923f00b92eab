/*
 * fit.c
 *		Do transforms fit the columns that rules send through them?
 *
 * Asked when a rule is written, of every labelled column that it reaches, and when a label is
 * set, of the columns that get it.  What the transform takes decides: the type, and for
 * labelled columns the category and kind.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"

#include "flow/flow.h"
#include "label/inherit.h"
#include "label/registry.h"
#include "label/resolve.h"
#include "policy/decide.h"
#include "policy/expression.h"
#include "policy/fit.h"

static void complain(int elevel, const PhigPolicies *policies, Oid relid, AttrNumber attno, const char *transform,
					 const char *problem);
static Node *column_of(Oid relid, AttrNumber attno);
static char *misfit_of_column(const char *purpose, const PhigRelPolicy *policy, AttrNumber attno,
							  const PhigLabel *label);

char *
phig_policy_misfit(const PhigPolicies *policies, Oid relid, AttrNumber *attno, const char **transform)
{
	char	   *problem;
	PhigRelPolicy *policy = phig_decide_relation(policies, relid, phig_family(relid), &problem);
	PhigRelLabels *labels = phig_label_relation_copy(relid);

	for (AttrNumber i = 1; policy != NULL && i <= Min(policy->natts, labels->natts); i++)
	{
		if (policy->columns[i - 1].action != PHIG_ACTION_TRANSFORM)
			continue;
		problem = misfit_of_column(policies->purpose, policy, i, &labels->cols[i - 1]);
		if (problem == NULL)
			continue;
		*attno = i;
		*transform = policy->columns[i - 1].transform;
		return problem;
	}
	return NULL;
}

void
phig_policy_check_fit(const PhigPolicies *policies, const char *transform)
{
	ListCell   *lc;

	foreach(lc, phig_labelled_relations())
	{
		const char *misfit;
		AttrNumber	attno;
		char	   *problem = phig_policy_misfit(policies, lfirst_oid(lc), &attno, &misfit);

		if (problem == NULL)
			continue;
		complain(transform != NULL && strcmp(transform, misfit) == 0 ? ERROR : WARNING,
				 policies, lfirst_oid(lc), attno, misfit, problem);
	}
}

void
phig_policy_label_stored(Oid relid)
{
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_PURPOSE, NULL))
	{
		PhigPolicies *policies = phig_policies_read(((PhigPurposeRow *) lfirst(lc))->purpose);
		ListCell   *ancestor;

		foreach(ancestor, list_concat_unique_oid(list_make1_oid(relid), phig_tops(relid)))
		{
			const char *misfit;
			AttrNumber	attno;
			char	   *problem = phig_policy_misfit(policies, lfirst_oid(ancestor), &attno, &misfit);

			if (problem != NULL)
				complain(ERROR, policies, lfirst_oid(ancestor), attno, misfit, problem);
		}
	}
}

List *
phig_labelled_relations(void)
{
	List	   *relations = NIL;
	List	   *labelled = NIL;
	Relation	classes = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(classes, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	ListCell   *lc;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);

		if (phig_relkind_has_labels(class->relkind))
			relations = lappend_oid(relations, class->oid);
	}
	systable_endscan(scan);
	table_close(classes, AccessShareLock);
	foreach(lc, relations)
		if (phig_label_relation(lfirst_oid(lc)) != NULL && !phig_is_ours(RelationRelationId, lfirst_oid(lc)))
			labelled = lappend_oid(labelled, lfirst_oid(lc));
	return labelled;
}

static void
complain(int elevel, const PhigPolicies *policies, Oid relid, AttrNumber attno, const char *transform,
		 const char *problem)
{
	char	   *column_name = get_attname(relid, attno, false);

	ereport(elevel,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("transform \"%s\" of purpose \"%s\" does not fit column \"%s\" of relation \"%s\", which it reaches",
					transform, policies->purpose, column_name, get_rel_name(relid)),
			 errdetail("%s", problem),
			 errhint("Write a rule for that column first, or use mask, null or deny, which fit everything."),
			 errhidestmt(true),
			 err_generic_string(PG_DIAG_TABLE_NAME, get_rel_name(relid)),
			 err_generic_string(PG_DIAG_COLUMN_NAME, column_name)));
}

static Node *
column_of(Oid relid, AttrNumber attno)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (attno == InvalidAttrNumber)
		return NULL;
	get_atttypetypmodcoll(relid, attno, &type, &typmod, &collation);
	return (Node *) makeVar(1, attno, type, typmod, collation, 0);
}

static char *
misfit_of_column(const char *purpose, const PhigRelPolicy *policy, AttrNumber attno, const PhigLabel *label)
{
	const PhigDecision *decision = &policy->columns[attno - 1];
	const char *problem;
	PhigLabel	left;
	Oid			function;

	if (phig_policy_make(purpose, decision, column_of(policy->relid, attno),
						 column_of(policy->relid, policy->subject), &function, &problem) == NULL)
		return pstrdup(problem);
	if (phig_label_is_phi(label) && !phig_flow_transform(function, label, false, &left))
		return psprintf("It does not take what is labelled %s.", phig_label_to_text(label));
	return NULL;
}
