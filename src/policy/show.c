/*
 * show.c
 *		What policies amount to: phiguard.access_of(), my_access, preflight(), and who may read the tables' views.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "label/inherit.h"
#include "policy/decide.h"
#include "policy/fit.h"
#include "policy/show.h"
#include "policy/subject.h"
#include "policy/words.h"

enum
{
	ACCESS_ROLE, ACCESS_PURPOSE, ACCESS_SCHEMA, ACCESS_RELATION, ACCESS_COLUMN, ACCESS_CATEGORY, ACCESS_KIND,
	ACCESS_SHOWN, ACCESS_WRITABLE, ACCESS_BECAUSE, ACCESS_MODE, ACCESS_NCOLUMNS
};

/* Where rows go, and which. */
typedef struct Showing
{
	ReturnSetInfo *result;
	int			first;			/* of the columns, the first that the result has */
	bool		only_selectable;	/* what the subject may select by its privileges */
	bool		only_changed;	/* what is not clear */
} Showing;

static List *login_roles(void);
static void show_role(const Showing *showing, Oid role);
static void show_subject(const Showing *showing, const PhigSubject *subject);
static void show_relation(const Showing *showing, const PhigSubject *subject, const PhigPolicies *policies, Oid relid);
static void show_column(const Showing *showing, const PhigSubject *subject, const PhigRelLabels *labels,
						AttrNumber attno, const PhigDecision *decision);
static bool may_select(Oid role, Oid relid, AttrNumber attno);

PG_FUNCTION_INFO_V1(phiguard_reads_policies);
PG_FUNCTION_INFO_V1(phiguard_access_of);
PG_FUNCTION_INFO_V1(phiguard_access_of_mine);
PG_FUNCTION_INFO_V1(phiguard_preflight);

const char *
phig_policy_shown(const PhigDecision *decision)
{
	return decision->transform != NULL ? decision->transform : phig_action_name(decision->action);
}

Datum
phiguard_reads_policies(PG_FUNCTION_ARGS)
{
	phig_policy_require_reader();
	PG_RETURN_BOOL(true);
}

/* access_of(role regrole, purpose text) */
Datum
phiguard_access_of(PG_FUNCTION_ARGS)
{
	Showing		showing = {(ReturnSetInfo *) fcinfo->resultinfo, ACCESS_SCHEMA};
	PhigSubject subject;

	phig_policy_require_reader();
	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	(void) GetUserNameFromId(PG_GETARG_OID(0), false);
	phig_subject_find(PG_GETARG_OID(0), PG_ARGISNULL(1) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(1)), "given", &subject);
	show_subject(&showing, &subject);
	return (Datum) 0;
}

/* access_of_mine(): by each purpose that is granted to the session's role */
Datum
phiguard_access_of_mine(PG_FUNCTION_ARGS)
{
	Showing		showing = {(ReturnSetInfo *) fcinfo->resultinfo, ACCESS_PURPOSE, .only_selectable = true};

	InitMaterializedSRF(fcinfo, 0);
	show_role(&showing, GetOuterUserId());
	return (Datum) 0;
}

/* preflight(): of every role that can log in, what enforcement would keep from it */
Datum
phiguard_preflight(PG_FUNCTION_ARGS)
{
	Showing		showing = {
		(ReturnSetInfo *) fcinfo->resultinfo, ACCESS_ROLE, .only_selectable = true, .only_changed = true
	};
	ListCell   *lc;

	phig_policy_require_reader();
	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, login_roles())
		if (!has_bypassrls_privilege(lfirst_oid(lc)))
			show_role(&showing, lfirst_oid(lc));
	return (Datum) 0;
}

void
phig_policy_require_reader(void)
{
	if (!phig_is_officer() && !phig_is_auditor())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be a privacy officer or an auditor to see policies"),
				 errhint("The view phiguard.my_access shows what the session's role may see.")));
}

static List *
login_roles(void)
{
	List	   *roles = NIL;
	Relation	table = table_open(AuthIdRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (((Form_pg_authid) GETSTRUCT(tuple))->rolcanlogin)
			roles = lappend_oid(roles, ((Form_pg_authid) GETSTRUCT(tuple))->oid);
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return roles;
}

/* By each purpose that is granted to it, or without one. */
static void
show_role(const Showing *showing, Oid role)
{
	PhigSubject subject;
	bool		any = false;
	ListCell   *lc;

	phig_subject_find(role, "", "", &subject);
	if (!subject.exempt)
		foreach(lc, phig_policy_rows_of(PHIG_POLICY_PURPOSE, NULL))
		{
			phig_subject_find(role, ((PhigPurposeRow *) lfirst(lc))->purpose, "given", &subject);
			if (!subject.granted)
				continue;
			any = true;
			show_subject(showing, &subject);
		}
	if (any)
		return;
	phig_subject_find(role, "", "", &subject);
	subject.refusal = "No purpose is granted.";
	show_subject(showing, &subject);
}

static void
show_subject(const Showing *showing, const PhigSubject *subject)
{
	PhigPolicies *policies = subject->granted && !subject->exempt ? phig_policies_read(subject->purpose) : NULL;
	ListCell   *lc;

	foreach(lc, phig_labelled_relations())
		show_relation(showing, subject, policies, lfirst_oid(lc));
}

static void
show_relation(const Showing *showing, const PhigSubject *subject, const PhigPolicies *policies, Oid relid)
{
	PhigRelLabels *labels = phig_label_relation_copy(relid);
	char	   *problem = NULL;
	PhigRelPolicy *policy = policies == NULL ? NULL :
		phig_decide_relation(policies, relid, phig_family(relid), &problem);

	for (AttrNumber attno = 1; attno <= labels->natts; attno++)
	{
		PhigDecision decision = {PHIG_ACTION_DENY, false, NULL, subject->refusal};

		if (!OidIsValid(get_atttype(relid, attno)) ||
			(showing->only_selectable && !may_select(subject->role, relid, attno)))
			continue;
		if (subject->exempt)
			decision = (PhigDecision) {PHIG_ACTION_CLEAR, true, NULL, "exempt"};
		else if (policy != NULL)
			decision = policy->columns[attno - 1];
		else if (problem != NULL)
			decision.because = problem;
		show_column(showing, subject, labels, attno, &decision);
	}
}

static void
show_column(const Showing *showing, const PhigSubject *subject, const PhigRelLabels *labels, AttrNumber attno,
			const PhigDecision *decision)
{
	const PhigLabel *label = &labels->cols[attno - 1];
	Datum		values[ACCESS_NCOLUMNS];
	bool		nulls[ACCESS_NCOLUMNS] = {0};

	if (showing->only_changed && decision->action == PHIG_ACTION_CLEAR)
		return;
	values[ACCESS_ROLE] = CStringGetTextDatum(GetUserNameFromId(subject->role, false));
	values[ACCESS_PURPOSE] = CStringGetTextDatum(subject->purpose);
	nulls[ACCESS_PURPOSE] = subject->purpose[0] == '\0';
	values[ACCESS_SCHEMA] = CStringGetTextDatum(get_namespace_name(get_rel_namespace(labels->relid)));
	values[ACCESS_RELATION] = CStringGetTextDatum(get_rel_name(labels->relid));
	values[ACCESS_COLUMN] = CStringGetTextDatum(get_attname(labels->relid, attno, false));
	values[ACCESS_CATEGORY] = CStringGetTextDatum(phig_category_name(label->category));
	nulls[ACCESS_CATEGORY] = label->category == PHIG_CAT_UNLABELLED;
	values[ACCESS_KIND] = label->kind == NULL ? (Datum) 0 : CStringGetTextDatum(label->kind);
	nulls[ACCESS_KIND] = label->kind == NULL;
	values[ACCESS_SHOWN] = CStringGetTextDatum(phig_policy_shown(decision));
	values[ACCESS_WRITABLE] = BoolGetDatum(decision->writable);
	values[ACCESS_BECAUSE] = CStringGetTextDatum(decision->because);
	values[ACCESS_MODE] = CStringGetTextDatum(phig_mode_name(phig_policy_mode(labels->relid)));
	tuplestore_putvalues(showing->result->setResult, showing->result->setDesc, values + showing->first,
						 nulls + showing->first);
}

static bool
may_select(Oid role, Oid relid, AttrNumber attno)
{
	return pg_class_aclcheck(relid, role, ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck(relid, attno, role, ACL_SELECT) == ACLCHECK_OK;
}
