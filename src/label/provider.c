/*
 * provider.c
 *		SECURITY LABEL FOR phiguard: what may be labelled, with what, by whom.
 *
 * The server has checked ownership when it calls the provider.  An owner may
 * add or raise a label; to lower, change or remove one takes the officer, so that
 * nobody quietly takes a column out of the record.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/seclabel.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

#include "errors.h"
#include "label/cache.h"
#include "label/provider.h"
#include "label/registry.h"
#include "label/resolve.h"
#include "label/store.h"
#include "label/value.h"
#include "settings.h"

static void relabel(const ObjectAddress *object, const char *text);
static void check_target(const ObjectAddress *object);
static void check_label_fits(const ObjectAddress *object, const PhigParsedLabel *parsed);
static void check_subject(Oid relid, const char *column_name);
static void check_privilege(const ObjectAddress *object, const char *old_text, const PhigParsedLabel *parsed);
static bool is_lower(const char *old_text, const PhigParsedLabel *parsed);
static bool has_role(const char *role_name);

void
phig_label_init(void)
{
	register_label_provider(PHIG_PROVIDER, relabel);
	phig_cache_init();
}

bool
phig_is_officer(void)
{
	return superuser() || has_role(phig_officer_role);
}

bool
phig_role_is_officer(Oid role)
{
	Oid			officers = phig_officer_role == NULL || phig_officer_role[0] == '\0' ? InvalidOid :
		get_role_oid(phig_officer_role, true);

	return superuser_arg(role) || (OidIsValid(officers) && has_privs_of_role(role, officers));
}

bool
phig_is_auditor(void)
{
	return superuser() || has_role(phig_auditor_role);
}

void
phig_require_officer(const char *what)
{
	if (!phig_is_officer())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be a privacy officer to %s", what),
				 errhint("The officer is a superuser or a member of the role that phiguard.officer_role names.")));
}

void
phig_require_reader(void)
{
	if (!phig_is_officer() && !phig_is_auditor())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be a privacy officer or an auditor to see labels"),
				 errhint("These are superusers and the members of the roles that phiguard.officer_role and "
						 "phiguard.auditor_role name.")));
}

void
phig_check_relabel(const ObjectAddress *object, const char *text, PhigParsedLabel *parsed)
{
	PhigLabelFault fault;

	check_target(object);
	if (text == NULL)
		return;
	fault = phig_label_parse(text, parsed);
	if (fault != PHIG_FAULT_NONE)
		phig_label_complain(fault, parsed);
	check_label_fits(object, parsed);
}

/* The provider: called by SECURITY LABEL before it stores the text. */
static void
relabel(const ObjectAddress *object, const char *text)
{
	PhigParsedLabel parsed;
	char	   *old_text;

	phig_check_relabel(object, text, &parsed);
	old_text = GetSecurityLabel(object, PHIG_PROVIDER);
	check_privilege(object, old_text, text == NULL ? NULL : &parsed);
	phig_label_changes(object, old_text, text == NULL ? NULL : &parsed);
}

static void
check_target(const ObjectAddress *object)
{
	bool		fits = false;

	if (object->classId == RelationRelationId)
		fits = phig_relkind_has_labels(get_rel_relkind(object->objectId)) && object->objectSubId >= 0;
	else if (object->classId == TypeRelationId)
		fits = get_typtype(object->objectId) == TYPTYPE_DOMAIN;
	if (!fits)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("phiguard does not label this kind of object"),
				 errdetail("What can be labelled are tables, partitioned tables, foreign tables and materialized views, "
						   "their columns, and domains."),
				 object->classId == RelationRelationId && get_rel_relkind(object->objectId) == RELKIND_VIEW ?
				 errhint("What a view shows is known from the labels of the tables below it.") : 0,
				 errhidestmt(true)));
	if (object->objectId < FirstNormalObjectId)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("objects of the system cannot be labelled"),
				 errhidestmt(true)));
	/* pg_upgrade makes an extension's objects one by one, with their labels. */
	if (phig_is_ours(object->classId, object->objectId) && !phig_is_shipped(object) && !IsBinaryUpgrade)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("objects of phiguard itself keep the label that they came with"),
				 errhint("Label your columns, or a domain over the type."),
				 errhidestmt(true)));
}

static void
check_label_fits(const ObjectAddress *object, const PhigParsedLabel *parsed)
{
	bool		is_table = object->classId == RelationRelationId && object->objectSubId == 0;

	if (is_table != parsed->is_subject)
		ereport(ERROR,
				(errcode(PHIG_ERRCODE_INVALID_LABEL),
				 is_table ? errmsg("a table's label says which column names the subject") :
				 errmsg("subject= is the label of a table, not of a column or domain"),
				 is_table ? errhint("Write subject=column on the table, and the category on its columns.") :
				 errhint("Label the column with its category, and the table with subject=column."),
				 errhidestmt(true), errhidecontext(true)));
	if (is_table)
		check_subject(object->objectId, parsed->subject);
	else if (object->classId == RelationRelationId && parsed->label.category == PHIG_CAT_NONE)
	{
		char	   *subject = phig_stored_subject(object->objectId);
		char	   *column = get_attname(object->objectId, object->objectSubId, false);

		if (subject != NULL && strcmp(subject, column) == 0)
			ereport(ERROR,
					(errcode(PHIG_ERRCODE_INVALID_LABEL),
					 errmsg("column \"%s\" of relation \"%s\" names the subject and cannot be \"none\"",
							column, get_rel_name(object->objectId)),
					 errhint("What identifies a person is at least a code: mrn, other, token."),
					 err_generic_string(PG_DIAG_TABLE_NAME, get_rel_name(object->objectId)),
					 err_generic_string(PG_DIAG_COLUMN_NAME, column)));
	}
}

/* The name is not repeated when there is no such column: it may be anything. */
static void
check_subject(Oid relid, const char *column_name)
{
	AttrNumber	attno = get_attnum(relid, column_name);
	ObjectAddress column;
	char	   *text;
	PhigParsedLabel parsed;

	if (attno <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("relation \"%s\" has no such subject column", get_rel_name(relid)),
				 errhint("Write subject= and the name of one of its columns, in double quotes if SQL needs them."),
				 errhidestmt(true), errhidecontext(true)));
	ObjectAddressSubSet(column, RelationRelationId, relid, attno);
	text = GetSecurityLabel(&column, PHIG_PROVIDER);
	if (text != NULL && phig_label_parse(text, &parsed) == PHIG_FAULT_NONE &&
		parsed.label.category == PHIG_CAT_NONE)
		ereport(ERROR,
				(errcode(PHIG_ERRCODE_INVALID_LABEL),
				 errmsg("column \"%s\" of relation \"%s\" is labelled \"none\" and cannot name the subject",
						column_name, get_rel_name(relid)),
				 errhint("Label the column first with what it is: mrn, other, token."),
				 err_generic_string(PG_DIAG_TABLE_NAME, get_rel_name(relid)),
				 err_generic_string(PG_DIAG_COLUMN_NAME, column_name)));
}

static void
check_privilege(const ObjectAddress *object, const char *old_text, const PhigParsedLabel *parsed)
{
	if (old_text == NULL || phig_is_officer() || !is_lower(old_text, parsed))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("must be a privacy officer to lower, change or remove the label of %s",
					getObjectDescription(object, false)),
			 errdetail("An owner may add a label, or raise it in category, confidentiality and sensitivity."),
			 errhint("Ask a superuser or a member of the role that phiguard.officer_role names.")));
}

/* Whether the new label (NULL: none) takes something away; of what is malformed nobody can tell. */
static bool
is_lower(const char *old_text, const PhigParsedLabel *parsed)
{
	PhigParsedLabel old;

	if (parsed == NULL || phig_label_parse(old_text, &old) != PHIG_FAULT_NONE ||
		old.is_subject != parsed->is_subject)
		return true;
	if (old.is_subject)
		return strcmp(old.subject, parsed->subject) != 0 || strcmp(old.target, parsed->target) != 0 ||
			strcmp(old.target_schema, parsed->target_schema) != 0;
	return phig_label_is_lower(&parsed->label, &old.label);
}

static bool
has_role(const char *role_name)
{
	Oid			role;

	if (role_name == NULL || role_name[0] == '\0')
		return false;
	role = get_role_oid(role_name, true);
	return OidIsValid(role) && has_privs_of_role(GetUserId(), role);
}
