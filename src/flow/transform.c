/*
 * transform.c
 *		What is left of a labelled value that goes through a function.
 *
 * The functions are those of phiguard.transform_registry.  A built-in one counts while it
 * belongs to the extension; one that an officer registered while it does what it did
 * then: replaced by CREATE OR REPLACE, dropped and made anew, or with other settings, it is
 * a function like any other, whose result holds all its arguments.
 *
 * Answers are kept by OID, and forgotten when the registry, a schema, or one of the
 * functions changes.  Labels of generated columns are made by the same answers, and go with them.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "flow/flow.h"
#include "label/cache.h"
#include "label/registry.h"
#include "transform/registry.h"

typedef struct Answer
{
	Oid			funcid;
	uint32		syscache_hash;	/* what an invalidation of this function says */
	bool		known;			/* else it is being found out */
	const PhigTransform *transform; /* NULL: it is none */
} Answer;

static MemoryContext answers_context = NULL;
static HTAB *answers = NULL;
static List *rows = NIL;		/* of PhigTransform * */
static Oid	registry = InvalidOid;
static uint64 changes = 1;		/* how often what is kept became stale */
static uint64 known_at = 0;		/* changes when it was read: what changes meanwhile counts */

static const PhigTransform *look_up(Oid funcid);
static bool start_anew(void);
static const PhigTransform *find_row(Oid funcid);
static bool takes(const PhigTransform *transform, const PhigLabel *argument, bool computed);
static void forget(void);
static void relation_changed(Datum arg, Oid relid);
static void schema_changed(Datum arg, int cacheid, uint32 hashvalue);
static void function_changed(Datum arg, int cacheid, uint32 hashvalue);

bool
phig_flow_transform(Oid funcid, const PhigLabel *argument, bool computed, PhigLabel *result)
{
	const PhigTransform *transform = funcid < FirstNormalObjectId ? NULL : look_up(funcid);
	PhigLabel	left = {.conf = 'N'};

	if (transform == NULL || !takes(transform, argument, computed))
		return false;
	/* Nothing is lowered, but it leaves in that form. */
	if (transform->result == PHIG_CAT_UNLABELLED)
	{
		*result = *argument;
		return true;
	}
	left.category = transform->result;
	left.kind = transform->result_kind;
	/* A code or a mask says nothing of the matter; a year in the care for HIV still does. */
	if (transform->generalises && transform->result > PHIG_CAT_NONE)
	{
		left.conf = argument->conf;
		left.sens = argument->sens;
	}
	*result = left;
	return true;
}

bool
phig_flow_is_transform(Oid funcid)
{
	return funcid >= FirstNormalObjectId && look_up(funcid) != NULL;
}

bool
phig_flow_is_code(Oid funcid)
{
	const PhigTransform *transform = funcid < FirstNormalObjectId ? NULL : look_up(funcid);

	return transform != NULL && transform->codes;
}

bool
phig_flow_method_accepts(Oid funcid, int method)
{
	const PhigTransform *transform = funcid < FirstNormalObjectId ? NULL : look_up(funcid);

	return transform != NULL && (transform->methods & 1u << method) != 0;
}

/* The result lives until the next call. */
static const PhigTransform *
look_up(Oid funcid)
{
	Answer	   *answer;
	bool		found;

	if (known_at != changes && !start_anew())
		return NULL;
	answer = hash_search(answers, &funcid, HASH_ENTER, &found);
	if (found && answer->known)
		return answer->transform;

	/* There before the look-ups: an invalidation that they meet must find it. */
	answer->known = false;
	answer->syscache_hash = GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(funcid));
	answer->transform = find_row(funcid);
	answer->known = true;
	return answer->transform;
}

/* False, and nothing is kept, where there is no registry: CREATE EXTENSION may be about to make it. */
static bool
start_anew(void)
{
	static bool watching = false;
	uint64		began = changes;
	MemoryContext caller;
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(Answer)};

	if (!watching)
	{
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, schema_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(PROCOID, function_changed, (Datum) 0);
		watching = true;
	}
	answers = NULL;
	rows = NIL;
	if (answers_context == NULL)
		answers_context = AllocSetContextCreate(TopMemoryContext, "phiguard transforms", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(answers_context);

	caller = MemoryContextSwitchTo(answers_context);
	rows = phig_transform_rows(&registry);
	MemoryContextSwitchTo(caller);
	if (!OidIsValid(registry))
		return false;
	control.hcxt = answers_context;
	answers = hash_create("phiguard transforms", 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	known_at = began;
	return true;
}

static const PhigTransform *
find_row(Oid funcid)
{
	char	   *signature = phig_transform_signature(funcid);
	ListCell   *lc;

	foreach(lc, rows)
	{
		const PhigTransform *row = lfirst(lc);
		char	   *digest;

		if (signature == NULL || strcmp(row->function, signature) != 0)
			continue;
		if (row->builtin)
			return phig_is_ours(ProcedureRelationId, funcid) ? row : NULL;
		digest = row->definition == NULL ? NULL : phig_transform_digest(funcid);
		return digest != NULL && strcmp(digest, row->definition) == 0 ? row : NULL;
	}
	return NULL;
}

/* A generalisation takes columns as they are: zip3(right(zip, 3) || '00') would show what zip3 is to hide. */
static bool
takes(const PhigTransform *transform, const PhigLabel *argument, bool computed)
{
	ListCell   *lc;

	if (computed && transform->generalises)
		return false;
	if (transform->categories != 0 && (transform->categories & 1u << argument->category) == 0)
		return false;
	if (transform->kinds == NIL)
		return true;
	foreach(lc, transform->kinds)
		if (argument->kind != NULL && strcmp(argument->kind, lfirst(lc)) == 0)
			return true;
	return false;
}

/* All at once: no label is kept that an answer was used for which is not. */
static void
forget(void)
{
	changes++;
	phig_cache_forget_all();
}

static void
relation_changed(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == registry)
		forget();
}

static void
schema_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	if (known_at == changes)
		forget();
}

static void
function_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	HASH_SEQ_STATUS status;
	Answer	   *answer;
	bool		kept = hashvalue == 0;

	if (known_at != changes || answers == NULL)
		return;
	hash_seq_init(&status, answers);
	while ((answer = hash_seq_search(&status)) != NULL)
		kept |= answer->syscache_hash == hashvalue;
	if (kept)
		forget();
}
