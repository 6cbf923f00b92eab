/*
 * session.c
 *		The definition of this backend's session, as records refer to it.
 *
 * Who is connected from where, in which role, for whom and why.  It is built
 * once and kept; a change of role, of application_name or of one of phiguard's
 * claims, and a renamed role, make it anew at the next record.
 *
 * The login role is who authenticated: a superuser's SET SESSION AUTHORIZATION
 * does not change it.  The active role is that of SET ROLE: inside a SECURITY
 * DEFINER function it is still the caller's.  Outside a transaction no name can
 * be looked up: a definition made there gives roles by their OIDs, and is not
 * kept.
 */
#include "postgres.h"

#include <inttypes.h>
#include <netdb.h>

#include "access/parallel.h"
#include "access/xact.h"
#include "commands/dbcommands.h"
#include "common/ip.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "journal/session.h"
#include "policy/boundary.h"
#include "settings.h"

/* Counts what may have changed the definition, names that are being looked up included. */
static uint64 changes = 1;

static struct
{
	uint64		made_for;		/* value of changes; 0: not to be used again */
	Oid			active;
	Oid			function;		/* the registered one whose own statement it is, or InvalidOid */
	char		application[NAMEDATALEN];
	PhigDefinition definition;
}			session;

static StringInfoData session_text;

void
phig_journal_session_changed(void)
{
	changes++;
}

static void
role_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	changes++;
}

void
phig_session_init(void)
{
	CacheRegisterSyscacheCallback(AUTHOID, role_changed, (Datum) 0);
}

static void
add_claim(char key, const char *value)
{
	if (value != NULL && value[0] != '\0')
		phig_journal_line(&session_text, key, value);
}

static void
add_role(char key, Oid role)
{
	char	   *name = IsTransactionState() ? GetUserNameFromId(role, true) : NULL;

	phig_journal_line(&session_text, key, name ? name : psprintf("oid %u", role));
}

/* What the server knows of this session; a parallel worker belongs to that of its leader. */
static const PgBackendStatus *
session_status(void)
{
	PGPROC	   *leader = IsParallelWorker() ? MyProc->lockGroupLeader : NULL;

	for (int i = 1; leader != NULL && i <= pgstat_fetch_stat_numbackends(); i++)
	{
		LocalPgBackendStatus *other = phig_compat_backend_status(i);

		if (other != NULL && other->backendStatus.st_procpid == leader->pid)
			return &other->backendStatus;
	}
	return MyBEEntry;
}

bool
phig_session_is_private(void)
{
	const PgBackendStatus *status = session_status();

	if (status == NULL || status->st_clientaddr.salen == 0 ||
		(status->st_clientaddr.addr.ss_family != AF_INET && status->st_clientaddr.addr.ss_family != AF_INET6))
		return true;
	return status->st_ssl || (status->st_gss && status->st_gssstatus->gss_enc);
}

/* The client's address; nothing for a Unix-domain socket or a background process. */
static void
add_client(const PgBackendStatus *status)
{
	char		host[NI_MAXHOST];

	if (status == NULL || status->st_clientaddr.salen == 0)
		return;
	if (status->st_clientaddr.addr.ss_family != AF_INET &&
		status->st_clientaddr.addr.ss_family != AF_INET6)
		return;
	if (pg_getnameinfo_all(&status->st_clientaddr.addr, status->st_clientaddr.salen,
						   host, sizeof(host), NULL, 0, NI_NUMERICHOST) == 0)
		phig_journal_line(&session_text, 'h', host);
}

static void
add_database(void)
{
	char	   *name = NULL;

	if (!OidIsValid(MyDatabaseId))
		return;
	if (IsTransactionState())
		name = get_database_name(MyDatabaseId);
	phig_journal_line(&session_text, 'd', name ? name : psprintf("oid %u", MyDatabaseId));
}

static void
add_process(int pid, int64 start_time)
{
	char		text[64];

	snprintf(text, sizeof(text), "%d", pid);
	phig_journal_line(&session_text, 'p', text);
	/* As log_line_prefix's %c writes it. */
	snprintf(text, sizeof(text), "%" PRIx64 ".%x", start_time, pid);
	phig_journal_line(&session_text, 'i', text);
}

static void
begin_text(void)
{
	MemoryContext old;

	if (session_text.data != NULL)
	{
		resetStringInfo(&session_text);
		return;
	}
	old = MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext, "phiguard session",
													  ALLOCSET_SMALL_SIZES));
	initStringInfo(&session_text);
	MemoryContextSwitchTo(old);
}

static void
end_text(void)
{
	session.definition.text = session_text.data;
	session.definition.len = session_text.len;
	phig_journal_define(&session.definition);
}

static void
make_definition(const char *application)
{
	/* Names that are looked up below may change meanwhile. */
	uint64		made_for = IsTransactionState() ? changes : 0;
	Oid			active = GetOuterUserId();
	const PhigBoundary *boundary = phig_boundary();
	const PgBackendStatus *status;

	session.made_for = 0;
	session.active = active;
	session.function = boundary != NULL ? boundary->function : InvalidOid;
	strlcpy(session.application, application, NAMEDATALEN);

	status = session_status();
	begin_text();
	add_role('l', GetAuthenticatedUserId());
	add_role('a', active);
	add_claim('u', phig_app_user);
	add_client(status);
	add_claim('n', session.application);
	add_database();
	if (status != NULL && status != MyBEEntry)
		add_process(status->st_procpid, timestamptz_to_time_t(status->st_proc_start_timestamp));
	else
		add_process(MyProcPid, MyStartTime);
	add_claim('P', boundary != NULL ? boundary->purpose : phig_purpose);
	add_claim('j', phig_justification);
	end_text();
	session.made_for = made_for;
}

const PhigDefinition *
phig_session_definition(void)
{
	const char *application = application_name ? application_name : "";

	if (likely(session.made_for == changes && session.active == GetOuterUserId() &&
			   session.function == phig_boundary_function() &&
			   strncmp(session.application, application, NAMEDATALEN - 1) == 0))
		return &session.definition;
	make_definition(application);
	return &session.definition;
}

const PhigDefinition *
phig_session_of_server(void)
{
	session.made_for = 0;
	begin_text();
	add_process(MyProcPid, MyStartTime);
	phig_journal_line(&session_text, 'v', PG_VERSION);
	end_text();
	return &session.definition;
}
