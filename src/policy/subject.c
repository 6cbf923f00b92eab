/*
 * subject.c
 *		Who asks, and for which purpose.
 *
 * The role is the session's: SET ROLE counts, SECURITY DEFINER does not, so that nobody reads through an
 * owner's function for the owner's purposes.  But while a command keeps somebody's table in order (ANALYZE, REINDEX,
 * REFRESH and the like run functions that the table's owner put there, as the owner), it is the owner: nobody
 * gets hold of what whoever runs the command may see.  A grant counts while it has not expired, for the
 * role and whoever inherits from it; a denial of the role, or of one that it inherits from, wins.
 *
 * A registered function's own statements (boundary.c) see by a purpose of their own.  So there is a
 * perspective for the session, and one for each such function that it has called: each with its subject,
 * its state and its stamp.
 *
 * What was found out is kept until the role, a claim, a policy, a role's membership or the mode changes, or
 * the grant expires.  Stamps number these states.  A plan that was made under one must not run under another:
 * when the state changes, the plans of this backend that depend on the marker are made
 * invalid, by a message of the relation cache that only this backend gets.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/sinval.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "policy/boundary.h"
#include "policy/cache.h"
#include "policy/glass.h"
#include "policy/rows.h"
#include "policy/store.h"
#include "policy/subject.h"
#include "settings.h"

/* What the present subject was found from. */
typedef struct Sources
{
	Oid			role;
	int			mode;
	uint32		claims;			/* phig_claims_generation */
	uint64		policies;		/* phig_policy_generation */
	uint64		roles;			/* roles_generation */
	uint32		glass;			/* phig_glass_generation */
} Sources;

/* What a stamp stands for. */
typedef struct State
{
	Oid			function;
	Oid			role;
	bool		exempt;
	bool		granted;
	bool		break_glass;
	int			mode;
	uint64		policies;		/* digests */
	uint64		modes;
	char		purpose[PHIG_PURPOSE_MAX_BYTES + 1];
} State;

typedef struct Perspective
{
	Oid			function;		/* a registered one, or InvalidOid: the session */
	PhigSubject subject;
	Sources		sources;
	bool		known;
	MemoryContext context;		/* of the subject's texts */
	State		state;
	uint64		stamp;
	bool		stamp_used;		/* plans may have been made under it */
	struct Perspective *next;
} Perspective;

static Perspective session;
static uint64 roles_generation = 1;
static uint64 last_stamp = 0;
static Oid	stamp_marker = InvalidOid;	/* that plans depend on */

static Perspective *perspective(const PhigBoundary *boundary);
static Perspective *perspective_of(Oid function);
static Oid	asking_role(void);
static bool is_known(const Perspective *view);
static void find_present(Perspective *view, const PhigBoundary *boundary);
static void break_glass(PhigSubject *subject);
static State state_of(Oid function, const PhigSubject *subject);
static void state_changes(Perspective *view);
static void find_for_role(Oid role, const char *purpose, const char *justification, bool registered,
						  PhigSubject *subject);
static void find_grant(PhigSubject *subject, const char *justification, bool registered);
static void refuse(PhigSubject *subject, const char *refusal, const char *advice);
static void roles_changed(Datum arg, int cacheid, uint32 hashvalue);

const PhigSubject *
phig_policy_subject(void)
{
	return &perspective(phig_boundary())->subject;
}

uint64
phig_policy_stamp(void)
{
	Perspective *view = perspective(phig_boundary());

	view->stamp_used = true;
	stamp_marker = phig_policy_marker();
	return view->stamp;
}

void
phig_policy_forget_plans(void)
{
	(void) phig_policy_stamp();
	state_changes(perspective(phig_boundary()));
}

void
phig_subject_find(Oid role, const char *purpose, const char *justification, PhigSubject *subject)
{
	find_for_role(role, purpose, justification, false, subject);
}

void
phig_policy_subject_of(Oid role, const char *purpose, PhigSubject *subject)
{
	phig_subject_find(role, purpose, "given", subject);
}

bool
phig_subject_may_claim(const char *purpose, const char **refusal, const char **advice)
{
	PhigSubject subject;

	if (!OidIsValid(phig_policy_marker()))
		return true;
	phig_subject_find(GetOuterUserId(), purpose, "later", &subject);
	*refusal = subject.refusal;
	*advice = subject.advice;
	return subject.exempt || subject.granted;
}

void
phig_subject_purpose_changes(const char *purpose)
{
	if (session.stamp_used && !session.state.exempt && strcmp(purpose, session.state.purpose) != 0)
		state_changes(&session);
}

void
phig_policy_init(void)
{
	phig_policy_cache_init();
	phig_boundary_init();
	phig_rows_init();
	CacheRegisterSyscacheCallback(AUTHOID, roles_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMMEMROLE, roles_changed, (Datum) 0);
}

/* InvalidOid: inside such a command, in a function that runs as yet another role, there is no telling. */
static Oid
asking_role(void)
{
	if (likely(!InSecurityRestrictedOperation()))
		return GetOuterUserId();
	return InLocalUserIdChange() ? InvalidOid : GetUserId();
}

/* As it is now. */
static Perspective *
perspective(const PhigBoundary *boundary)
{
	Perspective *view = likely(boundary == NULL) ? &session : perspective_of(boundary->function);

	if (unlikely(!is_known(view)))
		find_present(view, boundary);
	return view;
}

static Perspective *
perspective_of(Oid function)
{
	Perspective *view;

	for (view = session.next; view != NULL; view = view->next)
		if (view->function == function)
			return view;
	view = MemoryContextAllocZero(TopMemoryContext, sizeof(Perspective));
	view->function = function;
	view->next = session.next;
	session.next = view;
	return view;
}

static bool
is_known(const Perspective *view)
{
	const Sources *sources = &view->sources;

	return view->known &&
		sources->role == asking_role() &&
		sources->claims == phig_claims_generation &&
		sources->policies == phig_policy_generation &&
		sources->roles == roles_generation &&
		sources->glass == phig_glass_generation &&
		sources->mode == phig_mode &&
		(TIMESTAMP_IS_NOEND(view->subject.expires) || view->subject.expires > GetCurrentTimestamp());
}

static void
find_present(Perspective *view, const PhigBoundary *boundary)
{
	/* Before: what changes while catalogs are read must count. */
	Sources		sources = {
		asking_role(), phig_mode, phig_claims_generation, phig_policy_generation, roles_generation,
		phig_glass_generation
	};
	MemoryContext caller;
	State		now;

	view->known = false;
	if (view->context == NULL)
		view->context = AllocSetContextCreate(TopMemoryContext, "phiguard subject", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(view->context);
	caller = MemoryContextSwitchTo(view->context);
	find_for_role(sources.role, boundary != NULL ? boundary->purpose : phig_purpose == NULL ? "" : phig_purpose,
				  phig_justification == NULL ? "" : phig_justification, boundary != NULL, &view->subject);
	if (phig_policy_glass_broken)
		break_glass(&view->subject);
	MemoryContextSwitchTo(caller);
	now = state_of(view->function, &view->subject);
	if (memcmp(&now, &view->state, sizeof(State)) != 0 || view->stamp == 0)
	{
		state_changes(view);
		view->state = now;
		view->stamp = ++last_stamp;
	}
	view->sources = sources;
	view->known = true;
}

/* In an emergency everything is shown, for a time. */
static void
break_glass(PhigSubject *subject)
{
	TimestampTz until = phig_glass_until(subject->role);

	if (until == DT_NOBEGIN || subject->exempt)
		return;
	subject->break_glass = true;
	subject->expires = until;
}

/* With every byte set: states are compared as memory. */
static State
state_of(Oid function, const PhigSubject *subject)
{
	State		result;

	memset(&result, 0, sizeof(result));
	result.function = function;
	result.role = subject->role;
	result.exempt = subject->exempt;
	result.mode = phig_mode;
	/* Whoever is exempt sees the same for any purpose. */
	if (subject->exempt)
		return result;
	result.granted = subject->granted;
	result.break_glass = subject->break_glass;
	result.modes = phig_policy_modes_digest();
	if (subject->granted)
		result.policies = phig_policies_of(subject->purpose)->digest;
	strlcpy(result.purpose, subject->purpose, sizeof(result.purpose));
	return result;
}

/* No plan that was made before may run as it is. */
static void
state_changes(Perspective *view)
{
	SharedInvalidationMessage message;

	if (!view->stamp_used)
		return;
	view->stamp_used = false;
	if (!OidIsValid(stamp_marker))
		return;
	memset(&message, 0, sizeof(message));
	message.rc.id = SHAREDINVALRELCACHE_ID;
	message.rc.dbId = MyDatabaseId;
	message.rc.relId = stamp_marker;
	phig_policy_only_plans = true;
	PG_TRY();
	{
		LocalExecuteInvalidationMessage(&message);
	}
	PG_FINALLY();
	{
		phig_policy_only_plans = false;
	}
	PG_END_TRY();
}

static void
find_for_role(Oid role, const char *purpose, const char *justification, bool registered, PhigSubject *subject)
{
	memset(subject, 0, sizeof(*subject));
	subject->role = role;
	subject->purpose = pstrdup(purpose);
	subject->exempt = OidIsValid(role) && has_bypassrls_privilege(role);	/* true for superusers */
	subject->expires = DT_NOEND;
	if (!OidIsValid(role))
		refuse(subject, "A function that runs as another role is at work inside a command that keeps somebody's table in order.",
			   "Leave the table out of functions that indexes, statistics and materialized views call.");
	else if (purpose[0] == '\0')
		refuse(subject, "No purpose is set.",
			   "Set phiguard.purpose to a purpose that is granted to the role, or call phiguard.begin_access().");
	else
		find_grant(subject, justification, registered);
}

/* registered: who may call a registered function needs no grant of its purpose; a denial counts. */
static void
find_grant(PhigSubject *subject, const char *justification, bool registered)
{
	const char *rolename = GetUserNameFromId(subject->role, true);
	PhigPurposeRow *purpose = phig_policy_purpose(subject->purpose);
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz until = registered ? DT_NOEND : DT_NOBEGIN;
	bool		denied = false;
	bool		expired = false;
	ListCell   *lc;

	if (purpose == NULL)
	{
		refuse(subject, psprintf("There is no purpose \"%s\".", subject->purpose),
			   "The view phiguard.my_access shows what the role may see for the purposes that it has.");
		return;
	}
	foreach(lc, phig_policy_rows_of(PHIG_POLICY_GRANT, subject->purpose))
	{
		const PhigGrantRow *grant = lfirst(lc);

		if (!phig_policy_names_role(grant->grantee, grant->grantee_name) ||
			!has_privs_of_role(subject->role, grant->grantee))
			continue;
		denied |= grant->denied;
		if (grant->denied)
			continue;
		expired |= grant->expires <= now;
		until = Max(until, grant->expires);
	}
	if (denied)
		refuse(subject, psprintf("Purpose \"%s\" is denied to role \"%s\".", subject->purpose, rolename),
			   "A privacy officer takes that back: phiguard.grant_purpose().");
	else if (until > now && purpose->require_justification && justification[0] == '\0')
		refuse(subject, psprintf("Purpose \"%s\" requires a justification.", subject->purpose),
			   "Set phiguard.justification to what you need the data for.");
	else if (until > now)
	{
		subject->granted = true;
		subject->expires = until;
	}
	else
		refuse(subject, psprintf(expired ? "The grant of purpose \"%s\" to role \"%s\" has expired." :
								 "Purpose \"%s\" is not granted to role \"%s\".", subject->purpose, rolename),
			   "A privacy officer grants it: phiguard.grant_purpose().");
}

static void
refuse(PhigSubject *subject, const char *refusal, const char *advice)
{
	subject->refusal = refusal;
	subject->advice = advice;
}

static void
roles_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	roles_generation++;
}
