/*
 * hop.c
 *		From a reference to the person, by rows of other relations.
 *
 * References that were followed lately are remembered: rows of one visit come together, or again.
 */
#include "postgres.h"

#include "utils/lsyscache.h"

#include "compat.h"
#include "subject/hop.h"
#include "subject/hop_row.h"
#include "subject/spelling.h"

/* So many are remembered, at first and at most; powers of two. */
#define REMEMBERED_MIN 64
#define REMEMBERED_MAX 8192

struct PhigHopCache
{
	MemoryContext context;
	PhigSubjectPath path;
	Oid			type;			/* of references */
	int16		typlen;
	PhigPersonHash hash;
	PhigHopRow *rows[PHIG_SUBJECT_HOPS_MAX];	/* NULL: not looked up yet */
	int			room;			/* for those that are remembered, each in its place */
	int			nfollowed;
	uint64	   *remembered;		/* hashes of references; 0: none */
};

static bool follow(PhigHopCache *cache, Datum value, Datum *person, Oid *type, bool *isnull);
static uint64 hash_of(const PhigHopCache *cache, Datum value);
static bool is_remembered(const PhigHopCache *cache, uint64 reference);
static void remember(PhigHopCache *cache, uint64 reference);

PhigHopCache *
phig_hop_cache_create(const PhigSubjectPath *path, Oid type)
{
	PhigHopCache *cache = palloc0(sizeof(PhigHopCache));

	cache->context = CurrentMemoryContext;
	cache->path = *path;
	cache->type = type;
	cache->typlen = get_typlen(type);
	phig_person_prepare(path->space, &cache->hash);
	cache->room = REMEMBERED_MIN;
	cache->remembered = palloc0(cache->room * sizeof(uint64));
	return cache;
}

void
phig_hop_follow(PhigHopCache *cache, Datum value, PhigPersonSet *set, PhigPersonSpace *space)
{
	char		buffer[PHIG_SPELLING_BYTES];
	const char *spelling;
	int			len;
	uint64		reference;
	Datum		person;
	Oid			type;
	bool		isnull;

	if (cache->typlen == -1)
		value = PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
	reference = hash_of(cache, value);
	/* It has been added. */
	if (is_remembered(cache, reference))
		return;
	if (!follow(cache, value, &person, &type, &isnull))
		phig_persons_unnamed(set);
	else if (!isnull && phig_spelling_is_of_number(type))
		phig_persons_add_number(space, phig_spelling_number(type, person));
	else if (!isnull)
	{
		phig_spell(type, person, buffer, &spelling, &len);
		phig_persons_add(space, spelling, len);
	}
	remember(cache, reference);
}

/* The person's key; false where a row is missing. */
static bool
follow(PhigHopCache *cache, Datum value, Datum *person, Oid *type, bool *isnull)
{
	*type = cache->type;
	*person = value;
	*isnull = false;
	for (int i = 0; !*isnull && i < cache->path.nhops; i++)
	{
		if (cache->rows[i] == NULL)
		{
			MemoryContext old = MemoryContextSwitchTo(cache->context);

			cache->rows[i] = phig_hop_row_create(&cache->path.hops[i], *type);
			MemoryContextSwitchTo(old);
		}
		if (!phig_hop_row_find(cache->rows[i], *person, person, isnull))
			return false;
		*type = phig_hop_row_type(cache->rows[i]);
	}
	return true;
}

/* 0: values of such a type have no one spelling. */
static uint64
hash_of(const PhigHopCache *cache, Datum value)
{
	char		buffer[PHIG_SPELLING_BYTES];
	const char *spelling;
	int			len;

	if (phig_spelling_is_of_number(cache->type))
		return phig_compat_murmurhash64(phig_spelling_number(cache->type, value) ^ cache->hash.key[0]);
	if (!phig_spelling_is_one(cache->type))
		return 0;
	phig_spell(cache->type, value, buffer, &spelling, &len);
	return phig_person_hash(&cache->hash, spelling, len);
}

static bool
is_remembered(const PhigHopCache *cache, uint64 reference)
{
	return reference != 0 && cache->remembered[reference & (cache->room - 1)] == reference;
}

/* Whoever had its place is forgotten. */
static void
remember(PhigHopCache *cache, uint64 reference)
{
	if (++cache->nfollowed > cache->room && cache->room < REMEMBERED_MAX)
	{
		pfree(cache->remembered);
		cache->room = REMEMBERED_MAX;
		cache->remembered = MemoryContextAllocZero(cache->context, cache->room * sizeof(uint64));
	}
	cache->remembered[reference & (cache->room - 1)] = reference;
}
