/*
 * probe.c
 *		Violations of keys, which tell whoever writes that a value is there: recorded, and limited.
 *
 * Unique and foreign keys and exclusion constraints have to say so.  What can be had is that nobody asks without
 * a record, or many times: shared memory counts, for an hour, the violations of each restricted role; one
 * with more than phiguard.probe_limit of them is refused before it writes.  A spinlock guards the counts;
 * they begin anew when the server does.
 *
 * What asks without an error (ON CONFLICT DO NOTHING), by a DELETE of what is referred to, or at commit, is in
 * docs/limits.md.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parsetree.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "enforce/enforce.h"
#include "journal/context.h"
#include "journal/probe.h"
#include "journal/statement.h"
#include "label/label.h"
#include "settings.h"

#define ROLES_MAX 256			/* that violate keys within an hour; more share the last count */
#define WINDOW (USECS_PER_HOUR)

typedef struct RoleCount
{
	Oid			role;
	uint32		count;
	TimestampTz began;
} RoleCount;

typedef struct ProbeShared
{
	slock_t		mutex;
	bool		used;			/* there are counts; read without the lock */
	RoleCount	roles[ROLES_MAX];
} ProbeShared;

static ProbeShared *shared = NULL;

static const char *violation(int sqlstate);
static List *violated_columns(Oid relid, const char *name);
static List *constraint_columns(Oid relid, Oid constraint);
static List *key_of(HeapTuple constraint, AttrNumber attribute, Oid relid);
static List *index_columns(Oid index);
static List *add_column(List *columns, Oid relid, AttrNumber attno);
static bool has_labelled_key(Oid relid);
static bool has_own_labelled_key(Oid relid);
static void count_violation(Oid role);
static bool is_exceeded(Oid role);
static RoleCount *count_of(Oid role, TimestampTz now);

void
phig_probe_shmem_request(void)
{
	RequestAddinShmemSpace(MAXALIGN(sizeof(ProbeShared)));
}

void
phig_probe_shmem_startup(void)
{
	bool		found;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("phiguard probes", sizeof(ProbeShared), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(ProbeShared));
		SpinLockInit(&shared->mutex);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
phig_probe_note(const ErrorData *edata)
{
	const char *command = violation(edata->sqlerrcode);
	PhigDefinition def;
	List	   *columns;
	Oid			relid;

	/* What has been here before hides its statement. */
	if (command == NULL || !IsTransactionState() || edata->hide_stmt ||
		edata->schema_name == NULL || edata->table_name == NULL || edata->constraint_name == NULL)
		return;
	relid = get_relname_relid(edata->table_name, get_namespace_oid(edata->schema_name, true));
	columns = OidIsValid(relid) ? violated_columns(relid, edata->constraint_name) : NIL;
	if (columns == NIL)
		return;
	phig_statement_event(&def, command, edata->constraint_name, columns);
	phig_journal_event(&def, PHIG_KIND_PROBE, phig_context_flags(), PHIG_OUTCOME_ERROR, edata->sqlerrcode, false);
	if (phig_enforce_session())
		count_violation(phig_policy_subject()->role);
}

void
phig_probe_guard_plan(const PlannedStmt *plan)
{
	ListCell   *lc;

	if (likely(!shared->used && phig_probe_limit != 0))
		return;
	foreach(lc, plan->resultRelations)
		phig_probe_guard(rt_fetch(lfirst_int(lc), plan->rtable)->relid);
}

void
phig_probe_guard(Oid relid)
{
	PhigDefinition def;
	char	   *name;

	if ((!shared->used && phig_probe_limit != 0) || !phig_enforce_session() || phig_enforce_is_constraint() ||
		!is_exceeded(phig_policy_subject()->role) || !has_labelled_key(relid))
		return;
	name = get_rel_name(relid);
	phig_statement_event(&def, "PROBE LIMIT", name, NIL);
	phig_journal_event(&def, PHIG_KIND_PROBE, phig_context_flags(), PHIG_OUTCOME_ERROR,
					   ERRCODE_INSUFFICIENT_PRIVILEGE, true);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("too many violations of keys: role \"%s\" may not write to table \"%s\" for now",
					GetUserNameFromId(phig_policy_subject()->role, false), name),
			 errdetail("phiguard.probe_limit allows %d within an hour; each tells that a value is there.", phig_probe_limit),
			 errhint("Wait, or have phiguard.probe_limit raised.")));
}

/* What sort of key is violated, or NULL. */
static const char *
violation(int sqlstate)
{
	switch (sqlstate)
	{
		case ERRCODE_UNIQUE_VIOLATION:
			return "UNIQUE";
		case ERRCODE_FOREIGN_KEY_VIOLATION:
			return "FOREIGN KEY";
		case ERRCODE_EXCLUSION_VIOLATION:
			return "EXCLUDE";
		default:
			return NULL;
	}
}

/* The labelled columns of a constraint or unique index, as paths. */
static List *
violated_columns(Oid relid, const char *name)
{
	Oid			constraint = get_relation_constraint_oid(relid, name, true);
	Oid			index;

	if (OidIsValid(constraint))
		return constraint_columns(relid, constraint);
	index = get_relname_relid(name, get_rel_namespace(relid));
	return OidIsValid(index) ? index_columns(index) : NIL;
}

static List *
constraint_columns(Oid relid, Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;
	List	   *columns;

	if (!HeapTupleIsValid(tuple))
		return NIL;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	columns = key_of(tuple, Anum_pg_constraint_conkey, relid);
	if (OidIsValid(form->confrelid))
		columns = list_concat(columns, key_of(tuple, Anum_pg_constraint_confkey, form->confrelid));
	ReleaseSysCache(tuple);
	return columns;
}

static List *
key_of(HeapTuple constraint, AttrNumber attribute, Oid relid)
{
	List	   *columns = NIL;
	bool		isnull;
	Datum		key = SysCacheGetAttr(CONSTROID, constraint, attribute, &isnull);
	Datum	   *numbers;
	int			n = 0;

	if (!isnull)
		deconstruct_array(DatumGetArrayTypeP(key), INT2OID, sizeof(int16), true, TYPALIGN_SHORT, &numbers, NULL, &n);
	for (int i = 0; i < n; i++)
		columns = add_column(columns, relid, DatumGetInt16(numbers[i]));
	return columns;
}

static List *
index_columns(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;
	List	   *columns = NIL;

	if (!HeapTupleIsValid(tuple))
		return NIL;
	form = (Form_pg_index) GETSTRUCT(tuple);
	for (int i = 0; i < form->indnkeyatts && (form->indisunique || form->indisexclusion); i++)
		columns = add_column(columns, form->indrelid, form->indkey.values[i]);
	ReleaseSysCache(tuple);
	return columns;
}

/* An expression (0) may be made of any column. */
static List *
add_column(List *columns, Oid relid, AttrNumber attno)
{
	PhigRelLabels *labels;

	if (phig_label_relation(relid) == NULL)
		return columns;
	labels = phig_label_relation_copy(relid);
	for (AttrNumber i = 1; i <= labels->natts; i++)
		if ((attno == i || attno == 0) && phig_label_is_phi(&labels->cols[i - 1]))
			columns = lappend(columns, phig_column_path(relid, i));
	return columns;
}

/* Or one of its partitions, which may have keys of their own. */
static bool
has_labelled_key(Oid relid)
{
	ListCell   *lc;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return has_own_labelled_key(relid);
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
		if (has_own_labelled_key(lfirst_oid(lc)))
			return true;
	return false;
}

static bool
has_own_labelled_key(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	bool		result = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(relation))
		result = result || index_columns(lfirst_oid(lc)) != NIL;
	foreach(lc, RelationGetFKeyList(relation))
		result = result || constraint_columns(relid, lfirst_node(ForeignKeyCacheInfo, lc)->conoid) != NIL;
	table_close(relation, NoLock);
	return result;
}

static void
count_violation(Oid role)
{
	TimestampTz now = GetCurrentTimestamp();

	SpinLockAcquire(&shared->mutex);
	count_of(role, now)->count++;
	shared->used = true;
	SpinLockRelease(&shared->mutex);
}

static bool
is_exceeded(Oid role)
{
	TimestampTz now = GetCurrentTimestamp();
	uint32		count = 0;

	if (phig_probe_limit < 0)
		return false;
	SpinLockAcquire(&shared->mutex);
	count = count_of(role, now)->count;
	SpinLockRelease(&shared->mutex);
	return count >= (uint32) phig_probe_limit;
}

/* Under the lock.  The hour begins with the first violation. */
static RoleCount *
count_of(Oid role, TimestampTz now)
{
	RoleCount  *place = NULL;
	RoleCount  *rest = &shared->roles[ROLES_MAX - 1];

	for (int i = 0; i < ROLES_MAX - 1; i++)
	{
		RoleCount  *one = &shared->roles[i];

		if (one->count > 0 && now - one->began >= WINDOW)
			one->count = 0;
		if (one->role == role && one->count > 0)
			return one;
		if (one->count == 0 && place == NULL)
			place = one;
	}
	if (place == NULL)
	{
		if (rest->count > 0 && now - rest->began < WINDOW)
			return rest;
		rest->count = 0;
		place = rest;
	}
	place->role = role;
	place->began = now;
	return place;
}
