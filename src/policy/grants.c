/*
 * grants.c
 *		Who may use which purpose: phiguard.grant_purpose(), revoke_purpose(), deny_purpose().
 */
#include "postgres.h"

#include "access/table.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "journal/statement.h"
#include "policy/change.h"

static bool remove_grants(Relation grants, const char *purpose, Oid role);
static void replace_grants(const PhigGrantRow *row);

PG_FUNCTION_INFO_V1(phiguard_grant_purpose);
PG_FUNCTION_INFO_V1(phiguard_revoke_purpose);
PG_FUNCTION_INFO_V1(phiguard_deny_purpose);

/* grant_purpose(purpose, grantee, expires, recipient, agreement) */
Datum
phiguard_grant_purpose(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("grant purposes");
	PhigGrantRow row = {0};

	row.purpose = phig_change_purpose(fcinfo);
	row.grantee = phig_change_role(fcinfo, 1);
	row.expires = PG_ARGISNULL(2) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(2);
	row.recipient = phig_change_optional_text(fcinfo, 3);
	row.agreement = phig_change_optional_text(fcinfo, 4);
	phig_change_require_purpose(row.purpose);
	if (row.expires <= GetCurrentTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the grant would have expired already"),
				 errhint("phiguard.revoke_purpose() takes a grant back.")));
	phig_statement_policy("GRANT PURPOSE", psprintf("%s to %s%s%s", row.purpose, GetUserNameFromId(row.grantee, false),
													TIMESTAMP_IS_NOEND(row.expires) ? "" : " until ",
													TIMESTAMP_IS_NOEND(row.expires) ? "" : timestamptz_to_str(row.expires)));
	replace_grants(&row);
	table_close(purposes, NoLock);
	PG_RETURN_VOID();
}

/* revoke_purpose(purpose, grantee): a grant, or a denial */
Datum
phiguard_revoke_purpose(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("revoke purposes");
	Relation	grants = phig_policy_open(PHIG_POLICY_GRANT, RowExclusiveLock);
	char	   *purpose = phig_change_purpose(fcinfo);
	char	   *rolename;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the role must not be null")));
	/* It may be gone. */
	rolename = GetUserNameFromId(PG_GETARG_OID(1), true);
	if (rolename == NULL)
		rolename = psprintf("%u", PG_GETARG_OID(1));
	phig_change_require_purpose(purpose);
	phig_statement_policy("REVOKE PURPOSE", psprintf("%s from %s", purpose, rolename));
	if (!remove_grants(grants, purpose, PG_GETARG_OID(1)))
		ereport(NOTICE,
				(errmsg("purpose \"%s\" was neither granted nor denied to role \"%s\"", purpose, rolename)));
	table_close(grants, NoLock);
	table_close(purposes, NoLock);
	PG_RETURN_VOID();
}

/* deny_purpose(purpose, role): over the grants of roles that it inherits from */
Datum
phiguard_deny_purpose(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("deny purposes");
	PhigGrantRow row = {.denied = true, .expires = DT_NOEND};

	row.purpose = phig_change_purpose(fcinfo);
	row.grantee = phig_change_role(fcinfo, 1);
	phig_change_require_purpose(row.purpose);
	phig_statement_policy("DENY PURPOSE", psprintf("%s to %s", row.purpose, GetUserNameFromId(row.grantee, false)));
	replace_grants(&row);
	table_close(purposes, NoLock);
	PG_RETURN_VOID();
}

/* Of a role there is one row for a purpose; an earlier one may be of a role that had its number. */
static bool
remove_grants(Relation grants, const char *purpose, Oid role)
{
	bool		any = false;
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_GRANT, purpose))
	{
		PhigGrantRow *row = lfirst(lc);

		if (row->grantee != role)
			continue;
		phig_policy_delete(grants, &row->tid);
		any = true;
	}
	return any;
}

static void
replace_grants(const PhigGrantRow *row)
{
	Relation	grants = phig_policy_open(PHIG_POLICY_GRANT, RowExclusiveLock);
	PhigGrantRow complete = *row;

	complete.grantee_name = GetUserNameFromId(row->grantee, false);
	complete.granted = GetCurrentTimestamp();
	complete.granted_by = phig_change_by();
	(void) remove_grants(grants, row->purpose, row->grantee);
	phig_policy_insert(grants, PHIG_POLICY_GRANT, &complete);
	table_close(grants, NoLock);
}
