/*
 * boundary.c
 *		Registered functions: which call is one, and whose statements are its own.
 *
 * The server tells of calls by fmgr_hook, for the functions that needs_fmgr_hook names.  Those are the registered
 * ones; they set a search path, so none is put in line.  While one is at work it is every function that is
 * not the server's.  A stack has a frame for each call.  A statement is a function's own when that
 * function's frame is on top and the depth of user code (journal/context.h) is what it was when it was entered:
 * what runs inside an executor or planner is deeper, whether its call was seen or not.
 *
 * Calls and their ends pair up: while the stack has a frame every call that is seen puts one on it, and every end
 * takes one off; on an empty stack only a registered function puts the first.
 *
 * Which functions are registered is read once, and again when a policy, function, role or schema changes.  PL/pgSQL
 * keeps what it has prepared of expressions until its transaction ends, so functions that are called from
 * there may have been looked up before the registration was known: then it counts from the next
 * transaction on.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "compat.h"
#include "journal/context.h"
#include "policy/boundary.h"
#include "policy/cache.h"
#include "settings.h"
#include "transform/registry.h"

typedef struct Frame
{
	Oid			function;
	int			depth;			/* of user code */
} Frame;

/* A registered function that is there. */
typedef struct Entry
{
	Oid			function;		/* the key */
	PhigFunctionRow *row;
	char	   *search_path;
	bool		checked;
	const char *problem;		/* of the row, once checked */
	LocalTransactionId fresh_in;	/* came to be known while this transaction ran */
} Entry;

int			phig_boundary_frames = 0;
bool		phig_boundary_entered = false;

static Frame *frames = NULL;
static int	frames_room = 0;

static HTAB *entries = NULL;	/* NULL: there are none */
static MemoryContext entries_context = NULL;
static uint64 entries_at = 0;	/* phig_policy_generation; 0: to be read */
static LocalTransactionId asked_in = InvalidLocalTransactionId;

static bool names_open_schema(const char *search_path);
static void push(Oid function);
static void refuse_if_restricted(Oid function, const char *problem);
static Entry *find_entry(Oid function);
static const char *entry_problem(Entry *entry);
static bool must_read(void);
static void read_entries(void);
static HTAB *add_entry(HTAB *table, PhigFunctionRow *row, bool asked);
static void forget_entries(Datum arg, int cacheid, uint32 hashvalue);

const PhigBoundary *
phig_boundary_find(void)
{
	static PhigBoundary boundary;
	const Frame *top = &frames[phig_boundary_frames - 1];
	Entry	   *entry;

	if (top->depth != phig_code_depth || InSecurityRestrictedOperation())
		return NULL;
	entry = find_entry(top->function);
	if (entry == NULL || entry_problem(entry) != NULL || strcmp(namespace_search_path, entry->search_path) != 0)
		return NULL;
	boundary.function = entry->function;
	boundary.purpose = entry->row->purpose;
	return &boundary;
}

bool
phig_boundary_needs(Oid function)
{
	if (function < FirstNormalObjectId)
		return false;
	return phig_boundary_frames > 0 || find_entry(function) != NULL;
}

void
phig_boundary_enter(Oid function)
{
	Entry	   *entry = find_entry(function);
	const char *problem;

	if (likely(entry == NULL && phig_boundary_frames == 0))
		return;
	problem = entry == NULL ? NULL : entry_problem(entry);
	if (problem != NULL)
		refuse_if_restricted(function, problem);
	push(entry == NULL || problem != NULL ? InvalidOid : function);
	if (entry == NULL || phig_mode != PHIG_MODE_ENFORCE)
		return;
	/* Plans that it has kept for another role or policy are found invalid before it takes them. */
	PG_TRY();
	{
		(void) phig_policy_stamp();
	}
	PG_CATCH();
	{
		phig_boundary_leave();
		PG_RE_THROW();
	}
	PG_END_TRY();
}

void
phig_boundary_leave(void)
{
	if (unlikely(phig_boundary_frames > 0))
		phig_boundary_frames--;
}

char *
phig_boundary_definition(Oid function)
{
	int			nest = NewGUCNestLevel();
	char	   *whole;
	bytea	   *digest;
	char	   *hex;

	/* Names of types are written by it. */
	(void) set_config_option("search_path", "pg_catalog", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	whole = TextDatumGetCString(DirectFunctionCall1(pg_get_functiondef, ObjectIdGetDatum(function)));
	AtEOXact_GUC(true, nest);
	digest = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(cstring_to_text(whole))));
	hex = palloc0(2 * VARSIZE_ANY_EXHDR(digest) + 1);
	hex_encode(VARDATA_ANY(digest), VARSIZE_ANY_EXHDR(digest), hex);
	return hex;
}

char *
phig_boundary_search_path(Oid function)
{
	const char *const setting = "search_path=";
	HeapTuple	proc = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	char	   *path = NULL;
	Datum		config;
	Datum	   *settings;
	bool		isnull;
	int			n;

	if (!HeapTupleIsValid(proc))
		return NULL;
	config = SysCacheGetAttr(PROCOID, proc, Anum_pg_proc_proconfig, &isnull);
	if (!isnull)
	{
		deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT, &settings, NULL, &n);
		for (int i = 0; i < n; i++)
		{
			char	   *words = TextDatumGetCString(settings[i]);

			if (strncmp(words, setting, strlen(setting)) == 0)
				path = words + strlen(setting);
		}
	}
	ReleaseSysCache(proc);
	return path;
}

const char *
phig_boundary_problem(const PhigFunctionRow *row)
{
	Oid			function = phig_transform_function(row->function);

	if (!OidIsValid(function))
		return "the function is gone";
	if (phig_policy_purpose(row->purpose) == NULL)
		return "there is no such purpose";
	if (strcmp(phig_boundary_definition(function), row->definition) != 0)
		return "the function was changed since it was registered";
	if (strcmp(phig_boundary_owner(function), row->owner) != 0)
		return "the function has another owner since it was registered";
	if (phig_boundary_is_open(function))
		return "everybody may call the function";
	if (names_open_schema(phig_boundary_search_path(function)))
		return "anybody can create objects in a schema that the function's search path names";
	return NULL;
}

bool
phig_boundary_is_open(Oid function)
{
	return DatumGetBool(DirectFunctionCall3(has_function_privilege_name_id,
											DirectFunctionCall1(namein, CStringGetDatum("public")),
											ObjectIdGetDatum(function), CStringGetTextDatum("EXECUTE")));
}

bool
phig_boundary_schema_is_open(Oid schema)
{
	return DatumGetBool(DirectFunctionCall3(has_schema_privilege_name_id,
											DirectFunctionCall1(namein, CStringGetDatum("public")),
											ObjectIdGetDatum(schema), CStringGetTextDatum("CREATE")));
}

char *
phig_boundary_owner(Oid function)
{
	HeapTuple	proc = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	char	   *owner;

	if (!HeapTupleIsValid(proc))
		elog(ERROR, "cache lookup failed for function %u", function);
	owner = GetUserNameFromId(((Form_pg_proc) GETSTRUCT(proc))->proowner, false);
	ReleaseSysCache(proc);
	return owner;
}

void
phig_boundary_init(void)
{
	/* A purpose, a role or a schema that has another name may make a row say something else. */
	CacheRegisterSyscacheCallback(PROCOID, forget_entries, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, forget_entries, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_entries, (Datum) 0);
}

/* One that is gone has nothing in it. */
static bool
names_open_schema(const char *search_path)
{
	List	   *names = NIL;
	ListCell   *lc;

	if (search_path == NULL || !SplitIdentifierString(pstrdup(search_path), ',', &names))
		return true;
	foreach(lc, names)
	{
		Oid			schema = get_namespace_oid(lfirst(lc), true);

		if (OidIsValid(schema) && phig_boundary_schema_is_open(schema))
			return true;
	}
	return false;
}

static void
push(Oid function)
{
	if (phig_boundary_frames == frames_room)
	{
		int			room = Max(16, 2 * frames_room);

		frames = frames == NULL ? MemoryContextAlloc(TopMemoryContext, room * sizeof(Frame)) :
			repalloc(frames, room * sizeof(Frame));
		frames_room = room;
	}
	frames[phig_boundary_frames].function = function;
	frames[phig_boundary_frames].depth = phig_code_depth;
	phig_boundary_frames++;
	phig_boundary_entered |= OidIsValid(function);
}

/* Whoever is not restricted is shown everything anyway, and sees no difference. */
static void
refuse_if_restricted(Oid function, const char *problem)
{
	const PhigSubject *subject;

	if (phig_mode != PHIG_MODE_ENFORCE)
		return;
	subject = phig_policy_subject();
	if (subject->exempt || subject->break_glass)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("registered function %s is closed", phig_transform_signature(function)),
			 errdetail("It opens a purpose, but %s.", problem),
			 errhint("A privacy officer looks at it and registers it again: phiguard.register_function().")));
}

static Entry *
find_entry(Oid function)
{
	if (unlikely(entries_at != phig_policy_generation) && must_read())
		read_entries();
	asked_in = phig_compat_lxid();
	if (likely(entries == NULL) || function < FirstNormalObjectId)
		return NULL;
	return hash_search(entries, &function, HASH_FIND, NULL);
}

/* Why it opens nothing, now. */
static const char *
entry_problem(Entry *entry)
{
	if (entry->fresh_in != InvalidLocalTransactionId && entry->fresh_in == phig_compat_lxid())
		return "it was registered while this transaction ran; a new transaction may call it";
	if (!entry->checked)
	{
		const char *problem = phig_boundary_problem(entry->row);

		/* What was looked up may have made the entry itself stale. */
		if (entries_at != phig_policy_generation)
			return problem;
		entry->problem = problem;
		entry->checked = true;
	}
	return entry->problem;
}

/* Catalogs are read in transactions alone. */
static bool
must_read(void)
{
	return IsTransactionState() && OidIsValid(MyDatabaseId) && !IsBinaryUpgrade;
}

/*
 * The generation is that before: what changes meanwhile has it read again.  While it reads, functions are looked up
 * by what was known before.
 */
static void
read_entries(void)
{
	static bool reading = false;
	const uint64 generation = phig_policy_generation;
	const bool	asked = asked_in != InvalidLocalTransactionId && asked_in == phig_compat_lxid();
	MemoryContext context;
	MemoryContext caller;
	HTAB	   *found = NULL;
	ListCell   *lc;

	if (reading)
		return;
	reading = true;
	context = AllocSetContextCreate(CurrentMemoryContext, "phiguard registered functions", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(context);
	PG_TRY();
	{
		(void) phig_policy_marker();
		foreach(lc, phig_policy_rows_of(PHIG_POLICY_FUNCTION, NULL))
			found = add_entry(found, lfirst(lc), asked);
	}
	PG_FINALLY();
	{
		reading = false;
		MemoryContextSwitchTo(caller);
	}
	PG_END_TRY();
	if (entries_context != NULL)
		MemoryContextDelete(entries_context);
	entries = found;
	entries_context = context;
	entries_at = generation;
	if (found == NULL)
	{
		MemoryContextDelete(context);
		entries_context = NULL;
	}
	else
		MemoryContextSetParent(context, TopMemoryContext);
}

/* One that was not known when this transaction asked before is fresh in it. */
static HTAB *
add_entry(HTAB *table, PhigFunctionRow *row, bool asked)
{
	Oid			function = phig_transform_function(row->function);
	char	   *search_path = OidIsValid(function) ? phig_boundary_search_path(function) : NULL;
	const Entry *before;
	Entry	   *entry;

	if (search_path == NULL)
		return table;
	if (table == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(Entry), .hcxt = CurrentMemoryContext};

		table = hash_create("phiguard registered functions", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	before = entries == NULL ? NULL : hash_search(entries, &function, HASH_FIND, NULL);
	entry = hash_search(table, &function, HASH_ENTER, NULL);
	entry->row = row;
	entry->search_path = search_path;
	entry->checked = false;
	entry->problem = NULL;
	entry->fresh_in = before != NULL ? before->fresh_in : asked ? phig_compat_lxid() : InvalidLocalTransactionId;
	return table;
}

/* Without any, no change of a function matters. */
static void
forget_entries(Datum arg, int cacheid, uint32 hashvalue)
{
	if (entries != NULL)
		entries_at = 0;
}
