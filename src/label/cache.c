/*
 * cache.c
 *		Resolved labels, per relation and per type, for this backend.
 *
 * The hot path is one hash look-up: relations without labels have an entry too.
 *
 * What makes an entry stale:
 *	  - a relcache invalidation of its relation, or of all.  DDL sends these, and
 *		whoever changes a label sends them for every relation it reaches (store.c).
 *	  - one of a relation whose rows are a column of others (a composite type, or a table
 *		used as a type): then all are stale, since nobody notes who uses whom.
 *	  - a change of the transforms that generated columns are computed with (flow).
 *	  - for types, a change of a pg_type row that an entry stands for: then all
 *		types go, since one may contain another.
 *
 * An invalidation may arrive while an entry is being built, from any catalog
 * access.  The entry therefore exists before its labels are read, marked as being built: if
 * it no longer is afterwards, what was read may be stale and is read again.
 *
 * Whoever remembers something about relations that are in the cache asks whether phig_label_invalidations
 * has grown.  So it grows with every invalidation of an entry, and when there is a new one.
 *
 * A stale entry keeps what it held: most invalidations have nothing to do with labels, and
 * the version of a relation is to grow only when these have changed.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "label/cache.h"
#include "label/resolve.h"
#include "label/value.h"

/* How often a build is begun again before its result is used without being kept. */
#define BUILD_ATTEMPTS 4

/* More stale entries than this (of relations that are long dropped, mostly) and the cache starts anew. */
#define STALE_MAX 4096

typedef enum EntryState
{
	ENTRY_STALE, ENTRY_BUILDING, ENTRY_READY
} EntryState;

typedef struct RelationEntry
{
	Oid			relid;
	char		status;			/* simplehash's */
	EntryState	state;
	uint64		version;		/* 0 until something was labelled */
	PhigRelLabels *labels;		/* NULL: nothing is labelled */
	Oid			covered_by;		/* a parent that labels as much, found when */
	uint64		covered;		/* phig_label_invalidations was this */
} RelationEntry;

/* Entries move when one is added. */
#define SH_PREFIX relations
#define SH_ELEMENT_TYPE RelationEntry
#define SH_KEY_TYPE Oid
#define SH_KEY relid
#define SH_HASH_KEY(tb, key) murmurhash32(key)
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct TypeEntry
{
	Oid			typid;
	EntryState	state;
	uint32		syscache_hash;	/* what an invalidation of this type says */
	PhigLabel	label;
} TypeEntry;

static MemoryContext cache_context = NULL;
static relations_hash * relations = NULL;
static HTAB *types = NULL;
static HTAB *row_relations = NULL;	/* Oid: their rows are part of something resolved */
static PhigRelLabels *unkept = NULL;	/* result of a build that would not settle */
static int	stale = 0;			/* how many entries are */
static uint64 last_version = 0;
uint64		phig_label_invalidations = 1;

static const PhigRelLabels *build_relation(Oid relid);
static void finish_relation(RelationEntry *entry, const PhigRelLabels *labels);
static bool same_labels(const PhigRelLabels *a, const PhigRelLabels *b);
static PhigLabel build_type(Oid typid);
static PhigRelLabels *keep(const PhigRelLabels *labels, MemoryContext context);
static AttrNumber relation_natts(Oid relid);
static void create_cache(void);
static HTAB *create_table(const char *name, Size entry_size);
static void forget_all(void);
static void forget_relation(Oid relid);
static void forget_types(void);
static void start_anew(void);
static void relcache_changed(Datum arg, Oid relid);
static void type_changed(Datum arg, int cacheid, uint32 hashvalue);

void
phig_cache_init(void)
{
	CacheRegisterRelcacheCallback(relcache_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, type_changed, (Datum) 0);
}

static inline const RelationEntry *
ready_entry(Oid relid)
{
	const RelationEntry *entry = relations == NULL ? NULL : relations_lookup(relations, relid);

	return entry != NULL && entry->state == ENTRY_READY ? entry : NULL;
}

static inline const PhigRelLabels *
labels_of(Oid relid)
{
	const RelationEntry *entry;

	if (relid < FirstNormalObjectId)
		return NULL;
	entry = ready_entry(relid);
	return likely(entry != NULL) ? entry->labels : build_relation(relid);
}

const PhigRelLabels *
phig_label_relation(Oid relid)
{
	const PhigRelLabels *labels = labels_of(relid);

	return labels != NULL && labels->nphi > 0 ? labels : NULL;
}

const PhigRelLabels *
phig_cache_relation(Oid relid)
{
	return labels_of(relid);
}

uint64
phig_label_version(Oid relid)
{
	const RelationEntry *entry;

	if (relid < FirstNormalObjectId)
		return 0;
	entry = ready_entry(relid);
	if (entry == NULL)
	{
		build_relation(relid);
		entry = ready_entry(relid);
	}
	/* One that will not settle is new each time. */
	return entry != NULL ? entry->version : ++last_version;
}

uint64
phig_label_newest_version(void)
{
	return last_version;
}

bool
phig_label_is_covered(Oid child, Oid parent)
{
	const RelationEntry *entry = relations == NULL ? NULL : relations_lookup(relations, child);

	return entry != NULL && entry->covered == phig_label_invalidations && entry->covered_by == parent;
}

void
phig_label_set_covered(Oid child, Oid parent)
{
	RelationEntry *entry = relations == NULL ? NULL : relations_lookup(relations, child);

	if (entry == NULL || entry->state != ENTRY_READY)
		return;
	entry->covered = phig_label_invalidations;
	entry->covered_by = parent;
}

PhigRelLabels *
phig_label_relation_copy(Oid relid)
{
	const PhigRelLabels *cached = phig_cache_relation(relid);
	PhigRelLabels *copy;
	int			natts;

	if (cached != NULL)
		return keep(cached, CurrentMemoryContext);
	natts = relation_natts(relid);
	copy = palloc0(offsetof(PhigRelLabels, cols) + natts * sizeof(PhigLabel));
	copy->relid = relid;
	copy->natts = natts;
	return copy;
}

PhigLabel
phig_label_of_type(Oid typid)
{
	TypeEntry  *entry;

	if (typid < FirstNormalObjectId)
		return (PhigLabel) {PHIG_CAT_UNLABELLED};
	entry = types == NULL ? NULL : hash_search(types, &typid, HASH_FIND, NULL);
	return entry != NULL && entry->state == ENTRY_READY ? entry->label : build_type(typid);
}

void
phig_cache_depends_on_rows(Oid relid)
{
	create_cache();
	hash_search(row_relations, &relid, HASH_ENTER, NULL);
}

void
phig_cache_forget_all(void)
{
	if (relations != NULL)
		forget_all();
}

static const PhigRelLabels *
build_relation(Oid relid)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "phiguard label build",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	PhigRelLabels *labels = NULL;
	RelationEntry *entry = NULL;
	bool		found;

	for (int attempt = 0; attempt < BUILD_ATTEMPTS; attempt++)
	{
		create_cache();
		entry = relations_insert(relations, relid, &found);
		if (!found)
		{
			entry->labels = NULL;
			entry->version = 0;
			entry->covered = 0;
			/* Until now nobody has told of its changes. */
			phig_label_invalidations++;
		}
		else if (entry->state == ENTRY_STALE)
			stale--;
		entry->state = ENTRY_BUILDING;

		labels = phig_resolve_relation(relid, NULL);

		entry = relations == NULL ? NULL : relations_lookup(relations, relid);
		if (entry != NULL && entry->state == ENTRY_BUILDING)
			break;
		entry = NULL;
	}

	if (entry != NULL)
	{
		finish_relation(entry, labels);
		labels = entry->labels;
	}
	else
	{
		if (unkept != NULL)
			pfree(unkept);
		labels = unkept = keep(labels, TopMemoryContext);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	return labels;
}

/* The version grows where the entry held something else; one that was not there held nothing. */
static void
finish_relation(RelationEntry *entry, const PhigRelLabels *labels)
{
	if (!same_labels(entry->labels, labels))
	{
		if (entry->labels != NULL)
			pfree(entry->labels);
		entry->labels = keep(labels, cache_context);
		entry->version = ++last_version;
	}
	entry->state = ENTRY_READY;
}

/* Column by column: labels have padding, so memory is not compared. */
static bool
same_labels(const PhigRelLabels *a, const PhigRelLabels *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->natts != b->natts || a->subject != b->subject || a->subject_reaches != b->subject_reaches ||
		a->subject_target != b->subject_target)
		return false;
	for (int i = 0; i < a->natts; i++)
		if (!phig_label_equal(&a->cols[i], &b->cols[i]))
			return false;
	return true;
}

static PhigLabel
build_type(Oid typid)
{
	PhigLabel	label = {PHIG_CAT_UNLABELLED};
	uint32		syscache_hash = GetSysCacheHashValue1(TYPEOID, ObjectIdGetDatum(typid));

	for (int attempt = 0; attempt < BUILD_ATTEMPTS; attempt++)
	{
		TypeEntry  *entry;

		create_cache();
		entry = hash_search(types, &typid, HASH_ENTER, NULL);
		entry->state = ENTRY_BUILDING;
		entry->syscache_hash = syscache_hash;

		label = phig_resolve_type(typid);

		entry = types == NULL ? NULL : hash_search(types, &typid, HASH_FIND, NULL);
		if (entry != NULL && entry->state == ENTRY_BUILDING)
		{
			entry->label = label;
			entry->state = ENTRY_READY;
			break;
		}
	}
	return label;
}

static PhigRelLabels *
keep(const PhigRelLabels *labels, MemoryContext context)
{
	Size		size;
	PhigRelLabels *copy;

	if (labels == NULL)
		return NULL;
	size = offsetof(PhigRelLabels, cols) + labels->natts * sizeof(PhigLabel);
	copy = MemoryContextAlloc(context, size);
	memcpy(copy, labels, size);
	return copy;
}

static AttrNumber
relation_natts(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	AttrNumber	natts;

	if (!HeapTupleIsValid(tuple))
		return 0;
	natts = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	return natts;
}

static void
create_cache(void)
{
	if (cache_context == NULL)
		cache_context = AllocSetContextCreate(TopMemoryContext, "phiguard labels", ALLOCSET_DEFAULT_SIZES);
	if (relations == NULL)
		relations = relations_create(cache_context, 64, NULL);
	if (types == NULL)
		types = create_table("phiguard labels of types", sizeof(TypeEntry));
	if (row_relations == NULL)
		row_relations = create_table("phiguard relations inside types", sizeof(Oid));
}

/* All keys are OIDs. */
static HTAB *
create_table(const char *name, Size entry_size)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(Oid);
	control.entrysize = entry_size;
	control.hcxt = cache_context;
	return hash_create(name, 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* What is being built is told by its state; types and what they depend on are cheap to find again. */
static void
forget_all(void)
{
	relations_iterator scan;
	RelationEntry *entry;

	phig_label_invalidations++;
	stale = relations->members;
	if (stale > STALE_MAX)
	{
		start_anew();
		return;
	}
	relations_start_iterate(relations, &scan);
	while ((entry = relations_iterate(relations, &scan)) != NULL)
		entry->state = ENTRY_STALE;
	forget_types();
}

static void
forget_relation(Oid relid)
{
	RelationEntry *entry = relations_lookup(relations, relid);

	if (entry == NULL)
		return;
	phig_label_invalidations++;
	if (entry->state == ENTRY_STALE)
		return;
	entry->state = ENTRY_STALE;
	if (++stale > STALE_MAX)
		start_anew();
}

static void
forget_types(void)
{
	if (types != NULL)
		hash_destroy(types);
	types = NULL;
	if (row_relations != NULL)
		hash_destroy(row_relations);
	row_relations = NULL;
}

static void
start_anew(void)
{
	relations = NULL;
	types = row_relations = NULL;
	MemoryContextReset(cache_context);
	stale = 0;
}

static void
relcache_changed(Datum arg, Oid relid)
{
	if (relations == NULL)
		return;
	if (!OidIsValid(relid) ||
		(row_relations != NULL && hash_search(row_relations, &relid, HASH_FIND, NULL) != NULL))
		forget_all();
	else
		forget_relation(relid);
}

static void
type_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	HASH_SEQ_STATUS status;
	TypeEntry  *entry;
	bool		cached = hashvalue == 0;

	if (types == NULL)
		return;
	hash_seq_init(&status, types);
	while ((entry = hash_seq_search(&status)) != NULL)
		cached = cached || entry->syscache_hash == hashvalue;
	if (!cached)
		return;
	hash_destroy(types);
	types = NULL;
}
