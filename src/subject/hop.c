/*
 * hop.c
 *		From a reference to the person: rows of other relations, looked up.
 *
 * By a query, as foreign keys are checked: SELECT person FROM relation WHERE key = $1, as the relation's owner, past
 * row-level security and past phiguard itself.  What was found is kept for the execution, by the spelling of the
 * reference, up to some thousands of them.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "catalog/pg_class.h"
#include "access/htup_details.h"

#include "compat.h"
#include "subject/hop.h"
#include "subject/spelling.h"

#define REMEMBERED_MAX 8192

typedef struct Remembered
{
	uint64		reference;		/* hash key: hash of the reference's spelling */
	uint64		person;
	bool		found;
} Remembered;

struct PhigHopCache
{
	MemoryContext context;
	PhigSubjectPath path;
	PhigPersonHash hash;
	SPIPlanPtr	plans[PHIG_SUBJECT_HOPS_MAX];
	HTAB	   *remembered;
};

bool		phig_hop_looks_up = false;

static bool follow(PhigHopCache *cache, Oid type, Datum value, char **text);
static bool look_up(PhigHopCache *cache, int hop, Datum value, Oid type, bool *isnull);
static SPIPlanPtr plan_hop(const PhigSubjectHop *hop, Oid type);

static void
free_plans(void *arg)
{
	PhigHopCache *cache = arg;

	for (int i = 0; i < PHIG_SUBJECT_HOPS_MAX; i++)
		if (cache->plans[i] != NULL)
			SPI_freeplan(cache->plans[i]);
}

PhigHopCache *
phig_hop_cache_create(const PhigSubjectPath *path)
{
	PhigHopCache *cache = palloc0(sizeof(PhigHopCache));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	HASHCTL		ctl = {.keysize = sizeof(uint64), .entrysize = sizeof(Remembered), .hcxt = CurrentMemoryContext};

	cache->context = CurrentMemoryContext;
	cache->path = *path;
	phig_person_prepare(path->space, &cache->hash);
	cache->remembered = hash_create("phiguard references", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	callback->func = free_plans;
	callback->arg = cache;
	MemoryContextRegisterResetCallback(cache->context, callback);
	return cache;
}

void
phig_hop_follow(PhigHopCache *cache, Oid type, Datum value, PhigPersonSet *set, PhigPersonSpace *space)
{
	char		buffer[PHIG_SPELLING_BYTES];
	const char *spelling;
	int			len;
	uint64		reference = 0;
	Remembered *known;
	char	   *text = NULL;
	bool		found;

	if (phig_spelling_is_one(type))
	{
		if (get_typlen(type) == -1)
			value = PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
		phig_spell(type, value, buffer, &spelling, &len);
		reference = phig_person_hash(&cache->hash, spelling, len);
		known = hash_search(cache->remembered, &reference, HASH_FIND, NULL);
		/* One that is remembered has been added. */
		if (known != NULL)
			return;
	}
	found = follow(cache, type, value, &text);
	if (!found)
		phig_persons_unnamed(set);
	else if (text != NULL)
		phig_persons_add(space, text, strlen(text));
	if (phig_spelling_is_one(type) && hash_get_num_entries(cache->remembered) < REMEMBERED_MAX)
		(void) hash_search(cache->remembered, &reference, HASH_ENTER, NULL);
}

/* The spelling of the person's key, NULL where there is none; false where a row is missing. */
static bool
follow(PhigHopCache *cache, Oid type, Datum value, char **text)
{
	MemoryContext caller = CurrentMemoryContext;
	char		buffer[PHIG_SPELLING_BYTES];
	const char *spelling;
	int			len;
	bool		found = true;
	bool		isnull = false;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	for (int i = 0; found && i < cache->path.nhops; i++)
	{
		found = look_up(cache, i, value, type, &isnull);
		if (!found || isnull)
			break;
		type = getBaseType(SPI_gettypeid(SPI_tuptable->tupdesc, 1));
		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	}
	if (found && !isnull)
	{
		if (get_typlen(type) == -1)
			value = PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
		phig_spell(type, value, buffer, &spelling, &len);
		*text = MemoryContextAlloc(caller, len + 1);
		memcpy(*text, spelling, len);
		(*text)[len] = '\0';
	}
	SPI_finish();
	return found;
}

static Oid
owner_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

static bool
look_up(PhigHopCache *cache, int hop, Datum value, Oid type, bool *isnull)
{
	const PhigSubjectHop *to = &cache->path.hops[hop];
	bool		outer = phig_hop_looks_up;
	Oid			user;
	int			context;
	int			result;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(owner_of(to->relid),
						   context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	phig_hop_looks_up = true;
	PG_TRY();
	{
		if (cache->plans[hop] == NULL)
			cache->plans[hop] = plan_hop(to, type);
		result = SPI_execute_snapshot(cache->plans[hop], &value, NULL, GetActiveSnapshot(), InvalidSnapshot, true,
									  false, 1);
	}
	PG_FINALLY();
	{
		phig_hop_looks_up = outer;
		SetUserIdAndSecContext(user, context);
	}
	PG_END_TRY();
	if (result != SPI_OK_SELECT || SPI_processed != 1)
		return false;
	(void) SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
	return true;
}

static SPIPlanPtr
plan_hop(const PhigSubjectHop *hop, Oid type)
{
	char	   *key = get_attname(hop->relid, hop->key, false);
	char	   *person = get_attname(hop->relid, hop->person, false);
	Oid			key_type = getBaseType(get_atttype(hop->relid, hop->key));
	StringInfoData sql;
	SPIPlanPtr	plan;

	/* The operator is the key type's own, whatever stands in the search path. */
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s FROM %s WHERE %s OPERATOR(pg_catalog.=) $1",
					 quote_identifier(person),
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(hop->relid)),
												get_rel_name(hop->relid)),
					 quote_identifier(key));
	/* A wider integer may be out of the key's range: it refers to nobody. */
	if (!phig_subject_both_integers(type, key_type))
		appendStringInfo(&sql, "::%s", format_type_be_qualified(key_type));
	appendStringInfoString(&sql, " LIMIT 1");
	plan = SPI_prepare(sql.data, 1, &type);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	return plan;
}
