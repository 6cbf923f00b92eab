/*
 * path.c
 *		From a row to the person that it is about.
 *
 * Where subject= and foreign keys lead is found in the catalogs, and kept by this backend until something about a
 * relation changes.  The set of persons that is reached has a random name in phiguard.subject_space, which
 * goes into every token; so the table can be renamed, moved, dumped and restored, and tokens stay.
 * Names are given when a label is set, never by a read, which may run on a standby.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "errors.h"
#include "keys/functions.h"
#include "label/grammar.h"
#include "label/inherit.h"
#include "label/label.h"
#include "label/names.h"
#include "label/registry.h"
#include "label/store.h"
#include "subject/path.h"
#include "subject/spelling.h"

#define SPACE_TABLE "subject_space"
#define STEPS_MAX 32

enum
{
	COL_SCHEMA = 1, COL_RELATION, COL_SPACE, COL_KEY_DOMAIN, COL_CREATED, NCOLUMNS = COL_CREATED
};

typedef struct Known
{
	Oid			relid;			/* hash key */
	bool		has_subject;
	PhigSubjectPath path;
	List	   *visited;		/* OIDs of the relations on the way */
	bool		children_differ;
} Known;

/* A row of phiguard.subject_space. */
typedef struct Space
{
	char		space[PHIG_SPACE_CHARS + 1];
	char		key_domain[NAMEDATALEN];
	TimestampTz created;
} Space;

/* On the way from one relation to the next. */
typedef struct Step
{
	Oid			relid;
	AttrNumber	subject;
	bool		reaches;
	Oid			target;
} Step;

static MemoryContext paths_context = NULL;
static HTAB *paths = NULL;
static uint64 paths_made_for = 0;	/* phig_label_invalidations, */
static uint64 spaces_made_for = 0;	/* and spaces_generation */
static uint64 spaces_generation = 1;
static Oid	space_table = InvalidOid;
static char key_domain[NAMEDATALEN];
static uint64 key_domain_made_for = 0;

static bool find_path(Oid relid, PhigSubjectPath *path, List **visited);
static bool find_other_children(const Known *parent);
static bool find_step(Oid relid, Step *step);
static bool next_step(PhigSubjectPath *path, Step *step, bool *stuck);
static bool foreign_key(Oid relid, AttrNumber attno, Oid wanted, Oid *target, AttrNumber *key);
static AttrNumber only_key(Oid relid);
static Relation open_spaces(LOCKMODE lockmode);
static bool find_space(Oid relid, Space *space);
static bool oldest_space(const NameData *schema, const NameData *relation, Space *space);
static void insert_space(Oid relid, const Space *space);
static void new_space(Space *space);
static void random_digits(char *out, int ndigits);
static bool may_refer(Oid type, Oid key);
static void refuse_target(Oid relid, const char *why);

/* --- paths --- */

static void
spaces_changed(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == space_table || space_table == InvalidOid)
		spaces_generation++;
}

static void
begin_cache(void)
{
	HASHCTL		ctl = {.keysize = sizeof(Oid), .entrysize = sizeof(Known)};

	if (paths_context == NULL)
	{
		paths_context = AllocSetContextCreate(TopMemoryContext, "phiguard subjects", ALLOCSET_SMALL_SIZES);
		CacheRegisterRelcacheCallback(spaces_changed, (Datum) 0);
	}
	if (paths != NULL && paths_made_for == phig_label_invalidations && spaces_made_for == spaces_generation)
		return;
	MemoryContextReset(paths_context);
	ctl.hcxt = paths_context;
	paths = hash_create("phiguard subjects", 32, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	paths_made_for = phig_label_invalidations;
	spaces_made_for = spaces_generation;
}

uint64
phig_subject_generation(void)
{
	return phig_label_invalidations + spaces_generation;
}

/* What is known of a relation; it holds until the next call. */
static const Known *
know(Oid relid)
{
	static Known unkept;
	Known	   *known;
	MemoryContext old;
	bool		found;
	uint64		before;

	begin_cache();
	known = hash_search(paths, &relid, HASH_FIND, NULL);
	if (known != NULL)
		return known;
	before = phig_subject_generation();
	unkept = (Known) {.relid = relid};
	unkept.has_subject = find_path(relid, &unkept.path, &unkept.visited);
	unkept.children_differ = find_other_children(&unkept);
	/* The look may have met relations for the first time: the next one is kept. */
	if (before != phig_subject_generation())
		return &unkept;
	begin_cache();
	old = MemoryContextSwitchTo(paths_context);
	unkept.visited = list_copy(unkept.visited);
	MemoryContextSwitchTo(old);
	known = hash_search(paths, &relid, HASH_ENTER, &found);
	*known = unkept;
	return known;
}

const PhigSubjectPath *
phig_subject_path(Oid relid)
{
	const Known *known = know(relid);

	return known->has_subject ? &known->path : NULL;
}

List *
phig_subject_path_relations(Oid relid)
{
	return list_copy(know(relid)->visited);
}

bool
phig_subject_children_differ(Oid relid)
{
	return know(relid)->children_differ;
}

/* Do two paths lead from the same value to the same person? */
static bool
is_same_way(const PhigSubjectPath *a, const PhigSubjectPath *b)
{
	char	   *name = get_attname(a->relid, a->attno, true);
	char	   *other = get_attname(b->relid, b->attno, true);

	/* Columns may have other numbers in a child. */
	return name != NULL && other != NULL && strcmp(name, other) == 0 && strcmp(a->space, b->space) == 0 &&
		a->nhops == b->nhops && memcmp(a->hops, b->hops, a->nhops * sizeof(PhigSubjectHop)) == 0;
}

static bool
find_other_children(const Known *parent)
{
	ListCell   *lc;

	if (!has_subclass(parent->relid))
		return false;
	foreach(lc, find_all_inheritors(parent->relid, NoLock, NULL))
	{
		PhigSubjectPath path;

		if (lfirst_oid(lc) == parent->relid)
			continue;
		if (find_path(lfirst_oid(lc), &path, NULL) != parent->has_subject ||
			(parent->has_subject && !is_same_way(&parent->path, &path)))
			return true;
	}
	return false;
}

/* Is a column computed by who reads it, so that no row has it? */
static bool
is_virtual(Oid relid, AttrNumber attno)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attno));
	bool		result = HeapTupleIsValid(tuple) && phig_compat_is_virtual((Form_pg_attribute) GETSTRUCT(tuple));

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return result;
}

/* Are texts that differ one key, as with a collation that ignores case? */
static bool
has_equal_spellings(Oid relid, AttrNumber attno)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(relid, attno, &type, &typmod, &collation);
	return OidIsValid(collation) && !get_collation_isdeterministic(collation);
}

/* False where the relation has no subject. */
static bool
find_path(Oid relid, PhigSubjectPath *path, List **visited)
{
	Step		step;
	Space		space;
	bool		stuck = false;
	int			steps = 0;

	memset(path, 0, sizeof(*path));
	path->relid = relid;
	if (!find_step(relid, &step))
		return false;
	path->attno = step.subject;
	while (!stuck && next_step(path, &step, &stuck))
	{
		if (visited)
			*visited = list_append_unique_oid(*visited, step.relid);
		stuck = ++steps > STEPS_MAX;
	}
	if (stuck || is_virtual(relid, path->attno) || has_equal_spellings(step.relid, step.subject) ||
		!find_space(step.relid, &space))
		return true;
	if (path->nhops > 0)
		path->type = get_atttype(path->hops[path->nhops - 1].relid, path->hops[path->nhops - 1].person);
	else
		path->type = get_atttype(relid, path->attno);
	path->type = getBaseType(path->type);
	if (phig_spelling_is_one(path->type))
		strlcpy(path->space, space.space, sizeof(path->space));
	return true;
}

static bool
find_step(Oid relid, Step *step)
{
	const PhigRelLabels *labels = phig_label_relation_copy(relid);

	step->relid = relid;
	step->subject = labels->subject;
	step->reaches = labels->subject_reaches;
	step->target = labels->subject_target;
	return labels->subject != InvalidAttrNumber;
}

/* The parent that a relation has its subject from; InvalidOid where the subject is its own. */
static Oid
subject_parent(const Step *step)
{
	char	   *name;
	ListCell   *lc;

	if (phig_stored_subject(step->relid) != NULL)
		return InvalidOid;
	name = get_attname(step->relid, step->subject, false);
	foreach(lc, phig_parents(step->relid))
	{
		Step		parent;

		if (find_step(lfirst_oid(lc), &parent) &&
			strcmp(get_attname(parent.relid, parent.subject, false), name) == 0)
			return parent.relid;
	}
	return InvalidOid;
}

/*
 * One step nearer to the person's own relation: to the parent, or along a reference.  False at its end;
 * *stuck where it should go on and cannot.
 */
static bool
next_step(PhigSubjectPath *path, Step *step, bool *stuck)
{
	Oid			parent = subject_parent(step);
	Step		next;
	Oid			target;
	AttrNumber	key;

	if (OidIsValid(parent))
		return find_step(parent, step);
	if (!foreign_key(step->relid, step->subject, step->target, &target, &key))
	{
		if (!step->reaches)
			return false;
		target = step->target;
		key = OidIsValid(target) ? only_key(target) : InvalidAttrNumber;
	}
	if (key == InvalidAttrNumber || !find_step(target, &next))
	{
		*stuck = step->reaches;
		return false;
	}
	if (next.subject != key)
	{
		/* A reference to something that is not a person, and nobody said that it leads to one. */
		if (!step->reaches)
			return false;
		*stuck = path->nhops == PHIG_SUBJECT_HOPS_MAX;
		if (*stuck)
			return false;
		path->hops[path->nhops++] = (PhigSubjectHop) {target, key, next.subject};
	}
	*step = next;
	return true;
}

/* What a column refers to by a foreign key of its own; wanted: if valid, it has to be that relation. */
static bool
foreign_key(Oid relid, AttrNumber attno, Oid wanted, Oid *target, AttrNumber *key)
{
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData scan_key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&scan_key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true, NULL, 1, &scan_key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint row = (Form_pg_constraint) GETSTRUCT(tuple);
		AttrNumber	own[INDEX_MAX_KEYS];
		AttrNumber	other[INDEX_MAX_KEYS];
		int			n;

		if (row->contype != CONSTRAINT_FOREIGN || (OidIsValid(wanted) && row->confrelid != wanted))
			continue;
		DeconstructFkConstraintRow(tuple, &n, own, other, NULL, NULL, NULL, NULL, NULL);
		if (n != 1 || own[0] != attno)
			continue;
		*target = row->confrelid;
		*key = other[0];
		found = true;
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	return found;
}

/* The one column of a relation's primary key; 0 where there is none, or several. */
static AttrNumber
only_key(Oid relid)
{
	Oid			constraint;
	Bitmapset  *columns = get_primary_key_attnos(relid, false, &constraint);
	int			member;

	if (!bms_get_singleton_member(columns, &member))
		return InvalidAttrNumber;
	return member + FirstLowInvalidHeapAttributeNumber;
}

/* --- sets of persons --- */

/* NULL where this database has no phiguard. */
static Relation
open_spaces(LOCKMODE lockmode)
{
	Oid			schema = get_namespace_oid("phiguard", true);
	Oid			table = OidIsValid(schema) ? get_relname_relid(SPACE_TABLE, schema) : InvalidOid;

	if (!OidIsValid(table) || !phig_is_ours(RelationRelationId, table))
		return NULL;
	space_table = table;
	return try_table_open(table, lockmode);
}

static bool
find_space(Oid relid, Space *space)
{
	ObjectAddress object;
	PhigQualifiedName name;

	ObjectAddressSet(object, RelationRelationId, relid);
	return get_rel_persistence(relid) != RELPERSISTENCE_TEMP && phig_name_of(&object, &name) &&
		oldest_space(&name.schema, &name.name, space);
}

/* Of a relation, or (NULL) of all. */
static bool
oldest_space(const NameData *schema, const NameData *relation, Space *space)
{
	Relation	table = open_spaces(AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	if (table == NULL)
		return false;
	ScanKeyInit(&keys[0], COL_SCHEMA, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(schema));
	ScanKeyInit(&keys[1], COL_RELATION, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(relation));
	scan = systable_beginscan(table, InvalidOid, false, NULL, schema == NULL ? 0 : 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[NCOLUMNS];
		bool		nulls[NCOLUMNS];

		heap_deform_tuple(tuple, RelationGetDescr(table), values, nulls);
		if (found && DatumGetTimestampTz(values[COL_CREATED - 1]) >= space->created)
			continue;
		found = true;
		space->created = DatumGetTimestampTz(values[COL_CREATED - 1]);
		text_to_cstring_buffer(DatumGetTextPP(values[COL_SPACE - 1]), space->space, sizeof(space->space));
		text_to_cstring_buffer(DatumGetTextPP(values[COL_KEY_DOMAIN - 1]), space->key_domain,
							   sizeof(space->key_domain));
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return found;
}

const char *
phig_subject_key_domain(void)
{
	Space		space;

	if (key_domain_made_for == spaces_generation)
		return key_domain[0] == '\0' ? NULL : key_domain;
	begin_cache();
	key_domain_made_for = spaces_generation;
	key_domain[0] = '\0';
	if (oldest_space(NULL, NULL, &space))
		strlcpy(key_domain, space.key_domain, sizeof(key_domain));
	return key_domain[0] == '\0' ? NULL : key_domain;
}

static void
insert_space(Oid relid, const Space *space)
{
	Relation	table = open_spaces(RowExclusiveLock);
	ObjectAddress object;
	PhigQualifiedName name;
	Datum		values[NCOLUMNS];
	bool		nulls[NCOLUMNS] = {0};

	ObjectAddressSet(object, RelationRelationId, relid);
	if (table == NULL || !phig_name_of(&object, &name))
		return;
	values[COL_SCHEMA - 1] = NameGetDatum(&name.schema);
	values[COL_RELATION - 1] = NameGetDatum(&name.name);
	values[COL_SPACE - 1] = CStringGetTextDatum(space->space);
	values[COL_KEY_DOMAIN - 1] = CStringGetTextDatum(space->key_domain);
	values[COL_CREATED - 1] = TimestampTzGetDatum(space->created);
	CatalogTupleInsert(table, heap_form_tuple(RelationGetDescr(table), values, nulls));
	CacheInvalidateRelcache(table);
	table_close(table, NoLock);
	CommandCounterIncrement();
}

/* With the key that there is already, else with a new one. */
static void
new_space(Space *space)
{
	Space		oldest;

	random_digits(space->space, PHIG_SPACE_CHARS);
	space->created = GetCurrentTimestamp();
	if (oldest_space(NULL, NULL, &oldest))
	{
		strlcpy(space->key_domain, oldest.key_domain, sizeof(space->key_domain));
		return;
	}
	/* A name of its own, so that a dump that is loaded later brings another key. */
	strlcpy(space->key_domain, "phiguard persons ", sizeof(space->key_domain));
	random_digits(space->key_domain + strlen(space->key_domain), 16);
	phig_keys_make_pinned(space->key_domain);
}

static void
random_digits(char *out, int ndigits)
{
	uint8		bytes[PHIG_SPACE_CHARS / 2];

	if (!pg_strong_random(bytes, ndigits / 2))
		ereport(ERROR,
				(errcode(PHIG_ERRCODE_KEY_UNAVAILABLE),
				 errmsg("the system gave no random numbers")));
	hex_encode((const char *) bytes, ndigits / 2, out);
	out[ndigits] = '\0';
}

/* --- labels --- */

void
phig_subject_labelled(Oid relid, const char *text)
{
	PhigParsedLabel parsed;
	Space		space;

	if (text == NULL || IsBinaryUpgrade || phig_label_parse(text, &parsed) != PHIG_FAULT_NONE || !parsed.is_subject)
		return;
	if (parsed.target[0] != '\0')
	{
		Oid			schema = parsed.target_schema[0] == '\0' ? get_rel_namespace(relid) :
			get_namespace_oid(parsed.target_schema, true);
		Oid			target = OidIsValid(schema) ? get_relname_relid(parsed.target, schema) : InvalidOid;
		AttrNumber	attno = get_attnum(relid, parsed.subject);
		AttrNumber	key;
		Oid			other;
		Step		step;
		List	   *visited = NIL;
		PhigSubjectPath path;

		if (!OidIsValid(target))
			refuse_target(relid, "There is no such relation.");
		if (!find_step(target, &step))
			refuse_target(relid, "That relation has no subject itself.");
		if (!foreign_key(relid, attno, target, &other, &key))
		{
			key = only_key(target);
			if (key == InvalidAttrNumber)
				refuse_target(relid, "There is neither a foreign key to that relation nor a primary key of one column in it.");
			if (step.subject != key && !may_refer(get_atttype(relid, attno), get_atttype(target, key)))
				refuse_target(relid, "The column has another type than that relation's primary key.");
		}
		(void) find_path(target, &path, &visited);
		if (target == relid || list_member_oid(visited, relid))
			refuse_target(relid, "From there it leads back to this relation.");
	}
	if (get_rel_persistence(relid) == RELPERSISTENCE_TEMP || find_space(relid, &space))
		return;
	new_space(&space);
	insert_space(relid, &space);
}

/* Can each value of one type be looked up among those of the other? */
static bool
may_refer(Oid type, Oid key)
{
	Oid			from = getBaseType(type);
	Oid			to = getBaseType(key);

	return can_coerce_type(1, &from, &to, COERCION_IMPLICIT) || phig_subject_both_integers(from, to);
}

bool
phig_subject_both_integers(Oid a, Oid b)
{
	return (a == INT2OID || a == INT4OID || a == INT8OID) && (b == INT2OID || b == INT4OID || b == INT8OID);
}

static void
refuse_target(Oid relid, const char *why)
{
	ereport(ERROR,
			(errcode(PHIG_ERRCODE_INVALID_LABEL),
			 errmsg("the subject of relation \"%s\" cannot be reached that way", get_rel_name(relid)),
			 errdetail("%s", why),
			 errhint("Write subject=column->table: the column refers to a row of the table, and the table has a subject= that "
					 "leads to the person. A table without a schema is in the schema of the labelled one."),
			 errhidestmt(true), errhidecontext(true)));
}

void
phig_subject_detached(Oid relid, List *tops)
{
	ListCell   *lc;
	Space		space;

	if (IsBinaryUpgrade || get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		return;
	foreach(lc, tops)
		if (lfirst_oid(lc) != relid && find_space(lfirst_oid(lc), &space))
			insert_space(relid, &space);
}
