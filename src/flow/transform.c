/*
 * transform.c
 *		Functions of which is known what their result still is.
 *
 * They stand in phiguard.transform_registry, by name.  phiguard's own count where the extension owns them,
 * those that a privacy officer registered as long as they are defined as they were then: of any other
 * the result is all that went in.  What their OIDs are is kept until the function catalog or the registry changes.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "flow/flow.h"
#include "flow/registry.h"
#include "label/grammar.h"
#include "label/registry.h"

/* What one does with values of some categories; those of others stay what they are. */
typedef struct Transform
{
	Oid			funcid;
	uint64		takes;			/* bits of categories; 0: all */
	bool		lowers;			/* else the result has its argument's label */
	PhigLabel	result;
} Transform;

static MemoryContext context = NULL;
static Transform *transforms;
static int	ntransforms;
static bool known = false;
static Oid	registry_oid = InvalidOid;

static void
forget(Datum arg, int cacheid, uint32 hashvalue)
{
	known = false;
}

static void
forget_relation(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == registry_oid)
		known = false;
}

Relation
phig_transform_registry(LOCKMODE lockmode)
{
	Oid			schema = get_namespace_oid("phiguard", true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid("transform_registry", schema) : InvalidOid;

	if (!OidIsValid(relid) || !phig_is_ours(RelationRelationId, relid))
		return NULL;
	registry_oid = relid;
	return try_table_open(relid, lockmode);
}

char *
phig_transform_signature(Oid funcid)
{
	return format_procedure_extended(funcid, FORMAT_PROC_FORCE_QUALIFY);
}

/*
 * Of all functions, those of this signature's name, so that nothing is parsed: types that it names may be gone.
 * The name is what stands before the first bracket outside of quotes.
 */
static Oid
function_of(const char *signature)
{
	const char *end = signature;
	bool		quoted = false;
	List	   *names;
	CatCList   *list;
	Oid			found = InvalidOid;

	for (; *end != '\0' && (quoted || *end != '('); end++)
		if (*end == '"')
			quoted = !quoted;
	names = phig_compat_qualified_names(pnstrdup(signature, end - signature));
	list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(strVal(llast(names))));
	for (int i = 0; i < list->n_members && !OidIsValid(found); i++)
	{
		Oid			candidate = ((Form_pg_proc) GETSTRUCT(&list->members[i]->tuple))->oid;

		if (strcmp(phig_transform_signature(candidate), signature) == 0)
			found = candidate;
	}
	ReleaseSysCacheList(list);
	return found;
}

void
phig_transform_digest(Oid funcid, uint8 digest[PHIG_DIGEST_BYTES])
{
	char	   *definition = TextDatumGetCString(DirectFunctionCall1(pg_get_functiondef, ObjectIdGetDatum(funcid)));
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);

	if (hash == NULL || pg_cryptohash_init(hash) < 0 ||
		pg_cryptohash_update(hash, (uint8 *) definition, strlen(definition)) < 0 ||
		pg_cryptohash_final(hash, digest, PHIG_DIGEST_BYTES) < 0)
		elog(ERROR, "could not compute a hash");
	pg_cryptohash_free(hash);
}

/* Is the function what was registered? */
static bool
is_trusted(HeapTuple tuple, TupleDesc desc, Oid funcid)
{
	bool		isnull;
	Datum		digest;
	uint8		now[PHIG_DIGEST_BYTES];

	if (DatumGetBool(heap_getattr(tuple, PHIG_REG_BUILTIN, desc, &isnull)))
		return phig_is_ours(ProcedureRelationId, funcid);
	digest = heap_getattr(tuple, PHIG_REG_DEFINITION, desc, &isnull);
	if (isnull || get_func_prokind(funcid) != PROKIND_FUNCTION ||
		VARSIZE_ANY_EXHDR(DatumGetByteaPP(digest)) != PHIG_DIGEST_BYTES)
		return false;
	phig_transform_digest(funcid, now);
	return memcmp(now, VARDATA_ANY(DatumGetByteaPP(digest)), PHIG_DIGEST_BYTES) == 0;
}

/* False where a word is none. */
static bool
read_takes(Datum array, uint64 *takes)
{
	Datum	   *words;
	bool	   *nulls;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &words, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		PhigCategory category = nulls[i] ? PHIG_CAT_UNLABELLED : phig_category_from_name(TextDatumGetCString(words[i]));

		if (category == PHIG_CAT_UNLABELLED)
			return false;
		*takes |= UINT64CONST(1) << category;
	}
	return n > 0;
}

/* False where the row is not what it should be: then it does not count. */
static bool
read_row(HeapTuple tuple, TupleDesc desc, Transform *transform)
{
	bool		isnull;
	Datum		takes;
	char	   *result;
	PhigParsedLabel parsed;

	memset(transform, 0, sizeof(*transform));
	transform->funcid = function_of(TextDatumGetCString(heap_getattr(tuple, PHIG_REG_FUNCTION, desc, &isnull)));
	if (!OidIsValid(transform->funcid) || !is_trusted(tuple, desc, transform->funcid))
		return false;
	takes = heap_getattr(tuple, PHIG_REG_TAKES, desc, &isnull);
	if (!isnull && !read_takes(takes, &transform->takes))
		return false;
	result = TextDatumGetCString(heap_getattr(tuple, PHIG_REG_RESULT, desc, &isnull));
	transform->lowers = strcmp(result, PHIG_RESULT_SAME) != 0;
	if (!transform->lowers)
		return true;
	if (phig_label_parse(result, &parsed) != PHIG_FAULT_NONE || parsed.is_subject)
		return false;
	transform->result = parsed.label;
	return true;
}

static void
read_registry(void)
{
	Relation	registry = phig_transform_registry(AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;
	int			room = 0;

	if (registry == NULL)
		return;
	scan = systable_beginscan(registry, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Transform	transform;

		if (!read_row(tuple, RelationGetDescr(registry), &transform))
			continue;
		if (ntransforms == room)
		{
			room = room == 0 ? 64 : 2 * room;
			transforms = transforms == NULL ? MemoryContextAlloc(context, room * sizeof(Transform)) :
				repalloc(transforms, room * sizeof(Transform));
		}
		transforms[ntransforms++] = transform;
	}
	systable_endscan(scan);
	table_close(registry, AccessShareLock);
}

/* All transforms, read anew. */
static void
find_all(void)
{
	MemoryContext caller;
	MemoryContext scratch;

	if (context == NULL)
	{
		context = AllocSetContextCreate(TopMemoryContext, "phiguard transforms", ALLOCSET_SMALL_SIZES);
		CacheRegisterSyscacheCallback(PROCOID, forget, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, forget, (Datum) 0);
		CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	}
	MemoryContextReset(context);
	transforms = NULL;
	ntransforms = 0;
	known = true;				/* before the look-ups: what changes while they run must count */
	scratch = AllocSetContextCreate(CurrentMemoryContext, "phiguard transform registry", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(scratch);
	PG_TRY();
	{
		read_registry();
	}
	PG_CATCH();
	{
		known = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
}

static const Transform *
find_transform(Oid funcid)
{
	if (funcid < FirstNormalObjectId)
		return NULL;
	if (!known)
		find_all();
	for (int i = 0; i < ntransforms; i++)
		if (transforms[i].funcid == funcid)
			return &transforms[i];
	return NULL;
}

bool
phig_flow_transform(Oid funcid)
{
	return find_transform(funcid) != NULL;
}

PhigLabel
phig_flow_transformed(Oid funcid, const PhigLabel *argument)
{
	const Transform *transform = find_transform(funcid);
	PhigLabel	result;

	if (transform == NULL || !transform->lowers ||
		(transform->takes != 0 && (transform->takes & (UINT64CONST(1) << argument->category)) == 0))
		return *argument;
	result = transform->result;
	/* A code, or nothing, says nothing of what it stands for; anything else still does. */
	if (result.category > PHIG_CAT_NONE && result.category != PHIG_CAT_TOKEN)
	{
		result.conf = argument->conf;
		result.sens = argument->sens;
	}
	return result;
}
