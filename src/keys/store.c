/*
 * store.c
 *		The rows of the key ring.
 *
 * Read and written straight in the tables, as the label registry is: whoever calls a transform, and
 * the officer who makes a key, need no privilege on them.  Writers hold a lock on key_domain that
 * excludes each other and no reader.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "errors.h"
#include "keys/store.h"
#include "label/registry.h"

#define SCHEMA_NAME "phiguard"

enum
{
	DOM_NAME = 1, DOM_PINNED, DOM_TOKEN_VERSION, DOM_NCOLUMNS = DOM_TOKEN_VERSION
};

enum
{
	VER_DOMAIN = 1, VER_VERSION, VER_STATE, VER_DERIVED, VER_MASTER, VER_WRAPPED, VER_CHECK, VER_CREATED,
	VER_CREATED_BY, VER_CHANGED, VER_NCOLUMNS = VER_CHANGED
};

enum
{
	GRANT_DOMAIN = 1, GRANT_GRANTEE, GRANT_GRANTEE_NAME, GRANT_RIGHT, GRANT_GRANTED, GRANT_GRANTED_BY,
	GRANT_NCOLUMNS = GRANT_GRANTED_BY
};

const char *const phig_key_state_names[] = {
	[PHIG_KEY_ACTIVE] = "active",
	[PHIG_KEY_RETIRED] = "retired",
	[PHIG_KEY_DESTROYED] = "destroyed"
};

Relation
phig_keys_open(const char *table, LOCKMODE lockmode)
{
	Oid			schema = get_namespace_oid(SCHEMA_NAME, true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid(table, schema) : InvalidOid;
	Relation	relation = NULL;

	if (OidIsValid(relid) && phig_is_ours(RelationRelationId, relid))
		relation = try_table_open(relid, lockmode);
	if (relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("this database has no key ring"),
				 errhint("CREATE EXTENSION phiguard makes one.")));
	return relation;
}

/* The rows whose first column, a domain, is name; all of them where name is NULL. */
static SysScanDesc
scan_domain(Relation table, const char *name)
{
	char	   *index_name = psprintf("%s_pkey", RelationGetRelationName(table));
	Oid			index = get_relname_relid(index_name, RelationGetNamespace(table));
	ScanKeyData key;

	if (name != NULL)
		ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(name));
	return systable_beginscan(table, index, name != NULL && OidIsValid(index), NULL, name != NULL ? 1 : 0, &key);
}

static Datum
column(Relation table, HeapTuple tuple, int number, bool *isnull)
{
	return heap_getattr(tuple, number, RelationGetDescr(table), isnull);
}

static void
refuse_damaged(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("a row of the key ring is damaged"),
			 errhint("Its tables are not to be written by hand; restore them from a dump.")));
}

/* A column that is never NULL. */
static Datum
get(Relation table, HeapTuple tuple, int number)
{
	bool		isnull;
	Datum		value = column(table, tuple, number, &isnull);

	if (isnull)
		refuse_damaged();
	return value;
}

/* Exactly len bytes, or the row is damaged. */
static void
get_bytes(Relation table, HeapTuple tuple, int number, uint8 *out, size_t len)
{
	bytea	   *bytes = DatumGetByteaPP(get(table, tuple, number));

	if (VARSIZE_ANY_EXHDR(bytes) != len)
		refuse_damaged();
	memcpy(out, VARDATA_ANY(bytes), len);
}

static Datum
bytes_datum(const uint8 *bytes, size_t len)
{
	bytea	   *datum = palloc(VARHDRSZ + len);

	SET_VARSIZE(datum, VARHDRSZ + len);
	memcpy(VARDATA(datum), bytes, len);
	return PointerGetDatum(datum);
}

static Datum
name_datum(const char *name)
{
	NameData   *datum = palloc0(sizeof(NameData));

	namestrcpy(datum, name);
	return NameGetDatum(datum);
}

/* --- domains --- */

bool
phig_keys_find_domain(const char *name, PhigKeyDomain *domain)
{
	Relation	table = phig_keys_open(PHIG_DOMAIN_TABLE, AccessShareLock);
	SysScanDesc scan = scan_domain(table, name);
	HeapTuple	tuple = systable_getnext(scan);
	bool		found = HeapTupleIsValid(tuple);

	if (found)
	{
		domain->tid = tuple->t_self;
		strlcpy(domain->name, name, sizeof(domain->name));
		domain->pinned = DatumGetBool(get(table, tuple, DOM_PINNED));
		domain->token_version = DatumGetInt32(get(table, tuple, DOM_TOKEN_VERSION));
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return found;
}

static HeapTuple
form_domain(Relation table, const PhigKeyDomain *domain)
{
	Datum		values[DOM_NCOLUMNS];
	bool		nulls[DOM_NCOLUMNS] = {0};

	values[DOM_NAME - 1] = CStringGetTextDatum(domain->name);
	values[DOM_PINNED - 1] = BoolGetDatum(domain->pinned);
	values[DOM_TOKEN_VERSION - 1] = Int32GetDatum(domain->token_version);
	return heap_form_tuple(RelationGetDescr(table), values, nulls);
}

void
phig_keys_insert_domain(Relation table, const PhigKeyDomain *domain)
{
	CatalogTupleInsert(table, form_domain(table, domain));
	CacheInvalidateRelcache(table);
}

void
phig_keys_update_domain(Relation table, const PhigKeyDomain *domain)
{
	ItemPointerData tid = domain->tid;

	CatalogTupleUpdate(table, &tid, form_domain(table, domain));
	CacheInvalidateRelcache(table);
}

/* --- versions --- */

static PhigKeyState
state_of(const char *name)
{
	for (int i = 0; i < (int) lengthof(phig_key_state_names); i++)
		if (strcmp(phig_key_state_names[i], name) == 0)
			return i;
	return PHIG_KEY_DESTROYED;	/* what is not known is not used */
}

static PhigKeyVersion *
read_version(Relation table, HeapTuple tuple)
{
	PhigKeyVersion *version = palloc0(sizeof(PhigKeyVersion));
	bool		isnull;
	Datum		changed;

	version->tid = tuple->t_self;
	strlcpy(version->domain, TextDatumGetCString(get(table, tuple, VER_DOMAIN)), sizeof(version->domain));
	version->version = DatumGetInt32(get(table, tuple, VER_VERSION));
	version->state = state_of(TextDatumGetCString(get(table, tuple, VER_STATE)));
	version->derived = DatumGetBool(get(table, tuple, VER_DERIVED));
	if (version->state != PHIG_KEY_DESTROYED)
	{
		strlcpy(version->master, TextDatumGetCString(get(table, tuple, VER_MASTER)), sizeof(version->master));
		get_bytes(table, tuple, VER_WRAPPED, version->wrapped, sizeof(version->wrapped));
		get_bytes(table, tuple, VER_CHECK, version->check, sizeof(version->check));
	}
	version->created = DatumGetTimestampTz(get(table, tuple, VER_CREATED));
	strlcpy(version->created_by, NameStr(*DatumGetName(get(table, tuple, VER_CREATED_BY))), NAMEDATALEN);
	changed = column(table, tuple, VER_CHANGED, &isnull);
	version->changed = isnull ? 0 : DatumGetTimestampTz(changed);
	return version;
}

List *
phig_keys_versions(const char *domain)
{
	Relation	table = phig_keys_open(PHIG_VERSION_TABLE, AccessShareLock);
	SysScanDesc scan = scan_domain(table, domain);
	List	   *versions = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		versions = lappend(versions, read_version(table, tuple));
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return versions;
}

static HeapTuple
form_version(Relation table, const PhigKeyVersion *version)
{
	Datum		values[VER_NCOLUMNS] = {0};
	bool		nulls[VER_NCOLUMNS] = {0};
	const bool	gone = version->state == PHIG_KEY_DESTROYED;

	values[VER_DOMAIN - 1] = CStringGetTextDatum(version->domain);
	values[VER_VERSION - 1] = Int32GetDatum(version->version);
	values[VER_STATE - 1] = CStringGetTextDatum(phig_key_state_names[version->state]);
	values[VER_DERIVED - 1] = BoolGetDatum(version->derived);
	values[VER_MASTER - 1] = CStringGetTextDatum(version->master);
	values[VER_WRAPPED - 1] = bytes_datum(version->wrapped, sizeof(version->wrapped));
	values[VER_CHECK - 1] = bytes_datum(version->check, sizeof(version->check));
	nulls[VER_MASTER - 1] = nulls[VER_WRAPPED - 1] = nulls[VER_CHECK - 1] = gone;
	values[VER_CREATED - 1] = TimestampTzGetDatum(version->created);
	values[VER_CREATED_BY - 1] = name_datum(version->created_by);
	values[VER_CHANGED - 1] = TimestampTzGetDatum(version->changed);
	nulls[VER_CHANGED - 1] = version->changed == 0;
	return heap_form_tuple(RelationGetDescr(table), values, nulls);
}

void
phig_keys_insert_version(Relation table, const PhigKeyVersion *version)
{
	CatalogTupleInsert(table, form_version(table, version));
	CacheInvalidateRelcache(table);
}

void
phig_keys_update_version(Relation table, const PhigKeyVersion *version)
{
	ItemPointerData tid = version->tid;

	CatalogTupleUpdate(table, &tid, form_version(table, version));
	CacheInvalidateRelcache(table);
}

/* --- grants --- */

/* Of the grants of a domain the one that speaks of role itself and right. */
static bool
is_grant(Relation table, HeapTuple tuple, Oid role, const char *right)
{
	return DatumGetObjectId(get(table, tuple, GRANT_GRANTEE)) == role &&
		strcmp(TextDatumGetCString(get(table, tuple, GRANT_RIGHT)), right) == 0;
}

/*
 * Is the role that has the number still the one that was granted to?  The row of a role that was dropped has its
 * number alone, and a dump takes that into a cluster where another role may have it.
 */
static bool
names_its_role(Relation table, HeapTuple tuple)
{
	char	   *name = GetUserNameFromId(DatumGetObjectId(get(table, tuple, GRANT_GRANTEE)), true);

	return name != NULL && strcmp(name, NameStr(*DatumGetName(get(table, tuple, GRANT_GRANTEE_NAME)))) == 0;
}

bool
phig_keys_granted(const char *domain, Oid role, const char *right)
{
	Relation	table = phig_keys_open(PHIG_GRANT_TABLE, AccessShareLock);
	SysScanDesc scan = scan_domain(table, domain);
	bool		granted = false;
	HeapTuple	tuple;

	while (!granted && HeapTupleIsValid(tuple = systable_getnext(scan)))
		granted = strcmp(TextDatumGetCString(get(table, tuple, GRANT_RIGHT)), right) == 0 &&
			names_its_role(table, tuple) && has_privs_of_role(role, DatumGetObjectId(get(table, tuple, GRANT_GRANTEE)));
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return granted;
}

bool
phig_keys_grant(Relation table, const char *domain, Oid role, const char *right)
{
	SysScanDesc scan = scan_domain(table, domain);
	Datum		values[GRANT_NCOLUMNS];
	bool		nulls[GRANT_NCOLUMNS] = {0};
	bool		there = false;
	HeapTuple	tuple;

	while (!there && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (!is_grant(table, tuple, role, right))
			continue;
		there = names_its_role(table, tuple);
		/* Of another role, or of this one under another name. */
		if (!there)
			CatalogTupleDelete(table, &tuple->t_self);
	}
	systable_endscan(scan);
	if (there)
		return false;
	values[GRANT_DOMAIN - 1] = CStringGetTextDatum(domain);
	values[GRANT_GRANTEE - 1] = ObjectIdGetDatum(role);
	values[GRANT_GRANTEE_NAME - 1] = name_datum(GetUserNameFromId(role, false));
	values[GRANT_RIGHT - 1] = CStringGetTextDatum(right);
	values[GRANT_GRANTED - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[GRANT_GRANTED_BY - 1] = name_datum(GetUserNameFromId(GetUserId(), false));
	CatalogTupleInsert(table, heap_form_tuple(RelationGetDescr(table), values, nulls));
	CacheInvalidateRelcache(table);
	return true;
}

bool
phig_keys_revoke(Relation table, const char *domain, Oid role, const char *right)
{
	SysScanDesc scan = scan_domain(table, domain);
	bool		revoked = false;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (is_grant(table, tuple, role, right))
		{
			CatalogTupleDelete(table, &tuple->t_self);
			revoked = true;
		}
	systable_endscan(scan);
	CacheInvalidateRelcache(table);
	return revoked;
}
