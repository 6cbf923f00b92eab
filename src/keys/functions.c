/*
 * functions.c
 *		Keys made, rotated, retired and destroyed, and granted: for the privacy officer.
 *
 * Each change is a record of kind policy, on disk before the change is made.  One change at a time:
 * a lock on key_domain excludes others, and nobody who reads.
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "compat.h"
#include "errors.h"
#include "journal/statement.h"
#include "keys/functions.h"
#include "keys/ring.h"
#include "label/label.h"
#include "label/provider.h"

/* An argument that must be there. */
static void
require_arguments(FunctionCallInfo fcinfo, int n)
{
	for (int i = 0; i < n; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d of this function must not be NULL", i + 1)));
}

static char *
domain_argument(FunctionCallInfo fcinfo)
{
	char	   *domain;

	require_arguments(fcinfo, 1);
	domain = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (domain[0] == '\0' || strlen(domain) > PHIG_KEY_DOMAIN_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a key domain's name has 1 to %d bytes", PHIG_KEY_DOMAIN_MAX_BYTES),
				 errhint("Name the recipient or the data set.")));
	for (const char *p = domain; *p; p++)
		if ((unsigned char) *p < 0x20 || *p == 0x7f)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a key domain's name has no control characters")));
	return domain;
}

/* The officer's alone, one at a time. */
static Relation
begin_change(const char *what)
{
	phig_require_officer(what);
	PreventCommandIfReadOnly("a change of the key ring");
	return phig_keys_open(PHIG_DOMAIN_TABLE, ShareRowExclusiveLock);
}

static void
require_domain(const char *name, PhigKeyDomain *domain)
{
	if (!phig_keys_find_domain(name, domain))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no key \"%s\"", name),
				 errhint("phiguard.keys lists them; phiguard.create_key() makes one.")));
}

/* A new version with this key, which is wiped. */
static void
add_version(const char *domain, int number, bool derived, uint8 key[PHIG_KEY_BYTES])
{
	Relation	table = phig_keys_open(PHIG_VERSION_TABLE, RowExclusiveLock);
	PhigKeyVersion version = {.version = number, .state = PHIG_KEY_ACTIVE, .derived = derived};

	strlcpy(version.domain, domain, sizeof(version.domain));
	strlcpy(version.created_by, GetUserNameFromId(GetUserId(), false), sizeof(version.created_by));
	version.created = GetCurrentTimestamp();
	phig_key_wrap(key, version.wrapped, version.master);
	phig_keys_check_value(key, &version, version.check);
	OPENSSL_cleanse(key, PHIG_KEY_BYTES);
	phig_keys_insert_version(table, &version);
	table_close(table, NoLock);
}

static void
add_random_version(const char *domain, int number)
{
	uint8		key[PHIG_KEY_BYTES];

	if (!pg_strong_random(key, sizeof(key)))
		ereport(ERROR,
				(errcode(PHIG_ERRCODE_KEY_UNAVAILABLE),
				 errmsg("the system gave no random numbers")));
	add_version(domain, number, false, key);
}

void
phig_keys_make_pinned(const char *name)
{
	Relation	table = phig_keys_open(PHIG_DOMAIN_TABLE, ShareRowExclusiveLock);
	PhigKeyDomain domain = {.pinned = true, .token_version = 1};

	strlcpy(domain.name, name, sizeof(domain.name));
	phig_statement_policy("CREATE KEY", psprintf("%s, pinned", name));
	phig_keys_insert_domain(table, &domain);
	add_random_version(name, 1);
	table_close(table, NoLock);
}

static int
newest_version(List *versions)
{
	int			newest = 0;
	ListCell   *cell;

	foreach(cell, versions)
		newest = Max(newest, ((PhigKeyVersion *) lfirst(cell))->version);
	return newest;
}

static void
create(const char *name, bool pinned, bool adopted)
{
	Relation	table = begin_change("make keys");
	PhigKeyDomain domain = {.pinned = pinned, .token_version = 1};
	uint8		key[PHIG_KEY_BYTES];

	if (phig_keys_find_domain(name, &domain))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("there is a key \"%s\" already", name),
				 errhint("phiguard.rotate_key() makes a new version of it.")));
	strlcpy(domain.name, name, sizeof(domain.name));
	phig_statement_policy("CREATE KEY", psprintf("%s%s%s", name, pinned ? ", pinned" : "", adopted ? ", adopted" : ""));
	phig_keys_insert_domain(table, &domain);
	if (adopted)
	{
		phig_key_derive("token", phig_keys_utf8(name), key);
		add_version(name, 1, true, key);
	}
	else
		add_random_version(name, 1);
	table_close(table, NoLock);
}

PG_FUNCTION_INFO_V1(phiguard_create_key);

/* create_key(domain text, pinned boolean) returns its first version, 1. */
Datum
phiguard_create_key(PG_FUNCTION_ARGS)
{
	char	   *name = domain_argument(fcinfo);

	require_arguments(fcinfo, 2);
	create(name, PG_GETARG_BOOL(1), false);
	PG_RETURN_INT32(1);
}

PG_FUNCTION_INFO_V1(phiguard_adopt_key);

/* adopt_key(domain text): the key whose tokens the first release made of this domain and the master key. */
Datum
phiguard_adopt_key(PG_FUNCTION_ARGS)
{
	create(domain_argument(fcinfo), true, true);
	PG_RETURN_INT32(1);
}

PG_FUNCTION_INFO_V1(phiguard_rotate_key);

/* rotate_key(domain text, move_tokens boolean) returns the new version. */
Datum
phiguard_rotate_key(PG_FUNCTION_ARGS)
{
	char	   *name = domain_argument(fcinfo);
	Relation	table;
	PhigKeyDomain domain;
	int			number;
	bool		move;

	require_arguments(fcinfo, 2);
	table = begin_change("rotate keys");
	require_domain(name, &domain);
	number = newest_version(phig_keys_versions(name)) + 1;
	move = !domain.pinned || PG_GETARG_BOOL(1);
	phig_statement_policy("ROTATE KEY", psprintf("%s version %d%s", name, number, move ? ", tokens too" : ""));
	add_random_version(name, number);
	if (move)
	{
		domain.token_version = number;
		phig_keys_update_domain(table, &domain);
	}
	table_close(table, NoLock);
	PG_RETURN_INT32(number);
}

/* Versions of a domain (number 0: all of them) get another state; how many. */
static int
change_state(const char *name, int number, PhigKeyState state, const char *command)
{
	Relation	domains = begin_change("change keys");
	Relation	table = phig_keys_open(PHIG_VERSION_TABLE, RowExclusiveLock);
	PhigKeyDomain domain;
	ListCell   *cell;
	int			changed = 0;
	bool		found = number == 0;

	require_domain(name, &domain);
	foreach(cell, phig_keys_versions(name))
	{
		PhigKeyVersion *version = lfirst(cell);

		if (number != 0 && version->version != number)
			continue;
		found = true;
		if (version->state == state)
			continue;
		if (version->state == PHIG_KEY_DESTROYED)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("version %d of key \"%s\" is destroyed", version->version, name),
					 errhint("phiguard.rotate_key() makes a new version.")));
		phig_statement_policy(command, psprintf("%s version %d", name, version->version));
		version->state = state;
		version->changed = GetCurrentTimestamp();
		phig_keys_update_version(table, version);
		changed++;
	}
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("key \"%s\" has no version %d", name, number),
				 errhint("phiguard.keys lists its versions.")));
	table_close(table, NoLock);
	table_close(domains, NoLock);
	return changed;
}

PG_FUNCTION_INFO_V1(phiguard_retire_key);
PG_FUNCTION_INFO_V1(phiguard_reinstate_key);
PG_FUNCTION_INFO_V1(phiguard_destroy_key);

/* retire_key(domain text, version integer) */
Datum
phiguard_retire_key(PG_FUNCTION_ARGS)
{
	char	   *name = domain_argument(fcinfo);

	require_arguments(fcinfo, 2);
	(void) change_state(name, PG_GETARG_INT32(1), PHIG_KEY_RETIRED, "RETIRE KEY");
	PG_RETURN_VOID();
}

/* reinstate_key(domain text, version integer) */
Datum
phiguard_reinstate_key(PG_FUNCTION_ARGS)
{
	char	   *name = domain_argument(fcinfo);

	require_arguments(fcinfo, 2);
	(void) change_state(name, PG_GETARG_INT32(1), PHIG_KEY_ACTIVE, "REINSTATE KEY");
	PG_RETURN_VOID();
}

/* destroy_key(domain text, version integer) returns how many versions; NULL: all. */
Datum
phiguard_destroy_key(PG_FUNCTION_ARGS)
{
	char	   *name = domain_argument(fcinfo);

	PG_RETURN_INT32(change_state(name, PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1), PHIG_KEY_DESTROYED, "DESTROY KEY"));
}

/* Wrap anew what an earlier master key wrapped; how many. */
static int
rewrap(const char *master)
{
	Relation	table = phig_keys_open(PHIG_VERSION_TABLE, RowExclusiveLock);
	ListCell   *cell;
	int			count = 0;

	foreach(cell, phig_keys_versions(NULL))
	{
		PhigKeyVersion *version = lfirst(cell);
		uint8		key[PHIG_KEY_BYTES];

		if (version->state == PHIG_KEY_DESTROYED || strcmp(version->master, master) == 0)
			continue;
		phig_keys_open_version(version, key);
		phig_key_wrap(key, version->wrapped, version->master);
		OPENSSL_cleanse(key, sizeof(key));
		phig_keys_update_version(table, version);
		count++;
	}
	table_close(table, NoLock);
	return count;
}

PG_FUNCTION_INFO_V1(phiguard_rotate_master_key);

/*
 * rotate_master_key() returns how many versions were wrapped anew.
 *
 * Where all are wrapped by the current master key, a file gets a new one in front; phiguard.key_command
 * must have brought it.
 */
Datum
phiguard_rotate_master_key(PG_FUNCTION_ARGS)
{
	Relation	table = begin_change("change the master key");
	char		master[PHIG_MASTER_ID_CHARS + 1];
	bool		behind = false;
	ListCell   *cell;
	int			count;

	phig_key_master_id(master);
	foreach(cell, phig_keys_versions(NULL))
	{
		PhigKeyVersion *version = lfirst(cell);

		behind |= version->state != PHIG_KEY_DESTROYED && strcmp(version->master, master) != 0;
	}
	if (!behind)
	{
		phig_key_new_master();
		phig_key_master_id(master);
	}
	phig_statement_policy("ROTATE MASTER KEY", psprintf("master key %s", master));
	count = rewrap(master);
	table_close(table, NoLock);
	PG_RETURN_INT32(count);
}

/* --- grants --- */

/* Each of the rights that an array names. */
static List *
rights_argument(ArrayType *array)
{
	Datum	   *datums;
	bool	   *nulls;
	int			n;
	List	   *rights = NIL;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &datums, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		int			right = 0;

		while (right < PHIG_RIGHTS &&
			   (nulls[i] || strcmp(phig_key_right_names[right], TextDatumGetCString(datums[i])) != 0))
			right++;
		if (right == PHIG_RIGHTS)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown right in a key domain"),
					 errhint("Rights are token, seal, unseal, fpe, unfpe, shift_date, split, surrogate and assign_surrogates.")));
		rights = lappend_int(rights, right);
	}
	return rights;
}

/* grant_key(domain, role, rights), or with revoke the opposite. */
static void
change_grants(FunctionCallInfo fcinfo, bool revoke)
{
	char	   *name = domain_argument(fcinfo);
	Relation	domains;
	Relation	table;
	PhigKeyDomain domain;
	Oid			role;
	char	   *rolename;
	List	   *rights;
	ListCell   *cell;

	require_arguments(fcinfo, 3);
	role = PG_GETARG_OID(1);
	domains = begin_change("grant keys");
	rolename = GetUserNameFromId(role, false);
	require_domain(name, &domain);
	rights = rights_argument(PG_GETARG_ARRAYTYPE_P(2));
	table = phig_keys_open(PHIG_GRANT_TABLE, RowExclusiveLock);
	foreach(cell, rights)
	{
		const char *right = phig_key_right_names[lfirst_int(cell)];
		bool		changed;

		phig_statement_policy(revoke ? "REVOKE KEY" : "GRANT KEY",
							  psprintf("%s in %s %s %s", right, name, revoke ? "from" : "to", rolename));
		changed = revoke ? phig_keys_revoke(table, name, role, right) : phig_keys_grant(table, name, role, right);
		if (!changed)
			ereport(NOTICE,
					(revoke ? errmsg("role \"%s\" was not granted %s in \"%s\"", rolename, right, name) :
					 errmsg("role \"%s\" is granted %s in \"%s\" already", rolename, right, name)));
		CommandCounterIncrement();
	}
	table_close(table, NoLock);
	table_close(domains, NoLock);
}

PG_FUNCTION_INFO_V1(phiguard_grant_key);
PG_FUNCTION_INFO_V1(phiguard_revoke_key);

Datum
phiguard_grant_key(PG_FUNCTION_ARGS)
{
	change_grants(fcinfo, false);
	PG_RETURN_VOID();
}

Datum
phiguard_revoke_key(PG_FUNCTION_ARGS)
{
	change_grants(fcinfo, true);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(phiguard_key_versions);

/* What the view phiguard.keys is made of. */
Datum
phiguard_key_versions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	if (!phig_is_officer() && !phig_is_auditor())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be a privacy officer or an auditor to see keys"),
				 errhint("These are superusers and the members of the roles that phiguard.officer_role and "
						 "phiguard.auditor_role name.")));
	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, phig_keys_versions(NULL))
	{
		PhigKeyVersion *version = lfirst(cell);
		PhigKeyDomain domain = {0};
		Datum		values[9];
		bool		nulls[9] = {0};

		(void) phig_keys_find_domain(version->domain, &domain);
		values[0] = CStringGetTextDatum(version->domain);
		values[1] = Int32GetDatum(version->version);
		values[2] = CStringGetTextDatum(phig_key_state_names[version->state]);
		values[3] = BoolGetDatum(domain.pinned);
		values[4] = BoolGetDatum(domain.token_version == version->version);
		values[5] = CStringGetTextDatum(version->master);
		nulls[5] = version->state == PHIG_KEY_DESTROYED;
		values[6] = TimestampTzGetDatum(version->created);
		values[7] = CStringGetTextDatum(version->created_by);
		values[8] = TimestampTzGetDatum(version->changed);
		nulls[8] = version->changed == 0;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
