/*
 * context.c
 *		Where in a session's work we are.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "postmaster/autovacuum.h"
#include "replication/logicalworker.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/syscache.h"

#include "compat.h"
#include "journal/context.h"
#include "policy/policy.h"
#include "journal/journal.h"
#include "settings.h"

int			phig_code_depth = 0;
Node	   *phig_wrapper_command = NULL;

/* Is exempt_role exempt?  Forgotten when any role changes. */
static Oid	exempt_role = InvalidOid;
static bool exempt = false;

static void
role_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	exempt_role = InvalidOid;
}

void
phig_context_init(void)
{
	CacheRegisterSyscacheCallback(AUTHOID, role_changed, (Datum) 0);
}

bool
phig_in_code(void)
{
	if (phig_code_depth > 0)
		return true;
	/* REFRESH MATERIALIZED VIEW CONCURRENTLY compares by SPI what it has made for the client. */
	if (phig_wrapper_command && IsA(phig_wrapper_command, RefreshMatViewStmt))
		return false;

	/*
	 * SPI says whether it is connected to those who ask it to forget a relation; it has none of
	 * this name.
	 */
	return SPI_unregister_relation("") != SPI_ERROR_UNCONNECTED;
}

int
phig_depth_floor(void)
{
	return IsParallelWorker() || phig_is_autovacuum_worker() || IsLogicalWorker() ? 1 : 0;
}

/* A superuser or BYPASSRLS role; the role is the session's (SET ROLE counts, SECURITY DEFINER does not). */
static bool
is_exempt(void)
{
	Oid			role = GetOuterUserId();

	if (role != exempt_role)
	{
		exempt = has_bypassrls_privilege(role); /* true for superusers */
		exempt_role = role;
	}
	return exempt;
}

uint32
phig_context_flags(void)
{
	uint32		flags = 0;
	Oid			userid;
	int			sec_context;

	if (is_exempt())
		flags |= PHIG_FLAG_EXEMPT;
	if (unlikely(phig_policy_glass_broken) && phig_policy_subject()->break_glass)
		flags |= PHIG_FLAG_BREAK_GLASS;
	if (phig_in_code())
		flags |= PHIG_FLAG_FUNCTION;
	if (RecoveryInProgress())
		flags |= PHIG_FLAG_REPLICA;
	if (!phig_claims_are_fresh())
		flags |= PHIG_FLAG_SESSION_USER_CLAIM;
	GetUserIdAndSecContext(&userid, &sec_context);
	if (sec_context & SECURITY_NOFORCE_RLS)
		flags |= PHIG_FLAG_CONSTRAINT;
	return flags;
}
