/*
 * classes.c
 *		Equivalence classes of a release, found in one pass over its rows.
 *
 * Values become codes (codes.h), a row's codes of the quasi-identifiers a
 * class, a person in a class a member (members.c).
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "extract/classes_internal.h"

/* Classes by the codes of their quasi-identifiers. */
typedef struct ClassEntry
{
	int32		cls;
	uint32		hash;
	char		status;
} ClassEntry;

static inline uint32 hash_of_key(const PhigClasses *classes, const int32 *key);
static inline uint32 hash_of_class(const PhigClasses *classes, int32 cls);
static inline bool same_class(PhigClasses *classes, int32 a, int32 b);

#define SH_PREFIX classtable
#define SH_ELEMENT_TYPE ClassEntry
#define SH_KEY_TYPE int32
#define SH_KEY cls
#define SH_HASH_KEY(table, key) hash_of_class((table)->private_data, key)
#define SH_EQUAL(table, a, b) same_class((table)->private_data, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static void let_wait(PhigClasses *classes, Membership *membership, const NullableDatum *person,
					 const NullableDatum *quasi);
static int32 class_of(PhigClasses *classes, const int32 *key, uint32 hash);
static void grow_classes(PhigClasses *classes);

PhigClasses *
phig_classes_create(MemoryContext context, const PhigColumnType persons[2],
					int nquasi, int nsensitive, const int32 *nsteps, const PhigColumnType *columns)
{
	const PhigColumnType *step = columns + nquasi + nsensitive;
	MemoryContext before = MemoryContextSwitchTo(context);
	PhigClasses *classes = palloc0(sizeof(PhigClasses));

	classes->context = context;
	classes->nquasi = nquasi;
	classes->nsensitive = nsensitive;
	classes->quasi = palloc(sizeof(PhigCodes *) * Max(nquasi, 1));
	for (int i = 0; i < nquasi; i++)
		classes->quasi[i] = phig_codes_create(context, columns[i].type, columns[i].collation);
	classes->sensitive = palloc0(sizeof(SensitiveColumn) * Max(nsensitive, 1));
	for (int i = 0; i < nsensitive; i++)
	{
		const PhigColumnType *column = &columns[nquasi + i];

		classes->sensitive[i].codes = phig_codes_create(context, column->type, column->collation);
		classes->sensitive[i].counts = pairs_create(context, 64, NULL);
		classes->sensitive[i].nsteps = nsteps == NULL ? 0 : nsteps[i];
		classes->sensitive[i].steps = palloc0(sizeof(HierarchyStep) * Max(classes->sensitive[i].nsteps, 1));
		for (int j = 0; j < classes->sensitive[i].nsteps; j++, step++)
			classes->sensitive[i].steps[j].codes = phig_codes_create(context, step->type, step->collation);
	}
	phig_members_init(classes, &classes->release, &persons[0], nsensitive);
	phig_members_init(classes, &classes->population, &persons[1], 0);
	classes->table = classtable_create(context, 64, classes);
	grow_classes(classes);
	MemoryContextSwitchTo(before);
	return classes;
}

void
phig_classes_add(PhigClasses *classes, const NullableDatum *person, const NullableDatum *columns)
{
	int			row = classes->release.nwaiting;
	const NullableDatum *step = &columns[classes->nquasi + classes->nsensitive];

	classes->rows++;
	classes->rows_without_person += person->isnull;
	for (int i = 0; i < classes->nsensitive; i++)
	{
		const NullableDatum *column = &columns[classes->nquasi + i];

		classes->sensitive[i].waiting[row] =
			phig_codes_of(classes->sensitive[i].codes, column->value, column->isnull);
		for (int j = 0; j < classes->sensitive[i].nsteps; j++, step++)
		{
			HierarchyStep *of = &classes->sensitive[i].steps[j];

			phig_classes_put_in_group(classes, of, classes->sensitive[i].waiting[row],
									  phig_codes_of(of->codes, step->value, step->isnull));
		}
	}
	let_wait(classes, &classes->release, person, columns);
}

void
phig_classes_add_population(PhigClasses *classes, const NullableDatum *person, const NullableDatum *quasi)
{
	let_wait(classes, &classes->population, person, quasi);
}

void
phig_classes_finish(PhigClasses *classes)
{
	phig_classes_place(classes, &classes->release);
	phig_classes_place(classes, &classes->population);
	phig_members_finish(classes, &classes->release);
	phig_members_finish(classes, &classes->population);
}

int64
phig_classes_rows(const PhigClasses *classes)
{
	return classes->rows;
}

int64
phig_classes_rows_without_person(const PhigClasses *classes)
{
	return classes->rows_without_person;
}

int64
phig_classes_persons(const PhigClasses *classes)
{
	int64		persons = classes->persons;

	for (int slice = 0; slice <= PHIG_CLASSES_SCRATCH; slice++)
		if (classes->release.slices[slice].persons != NULL)
			persons += phig_codes_count(classes->release.slices[slice].persons);
	return persons;
}

const PhigClass *
phig_classes_all(const PhigClasses *classes, int32 *count)
{
	*count = classes->nclasses;
	return classes->classes;
}

PhigCodes *
phig_classes_sensitive(const PhigClasses *classes, int column)
{
	return classes->sensitive[column].codes;
}

int
phig_classes_steps(const PhigClasses *classes, int column)
{
	return classes->sensitive[column].nsteps;
}

const int32 *
phig_classes_groups(const PhigClasses *classes, int column, int step, int32 *ngroups)
{
	*ngroups = phig_codes_count(classes->sensitive[column].steps[step].codes);
	return classes->sensitive[column].steps[step].groups.at;
}

void
phig_classes_put_in_group(PhigClasses *classes, HierarchyStep *step, int32 value, int32 group)
{
	int32	   *known = phig_number_at(classes, &step->groups, value);

	if (*known >= 0 && *known != group)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the steps of a sensitive column are no hierarchy"),
				 errdetail("A step gives one value two groups."),
				 errhint("Use expressions over the column itself.")));
	*known = group;
}

PhigCodes *
phig_classes_quasi(const PhigClasses *classes, int column)
{
	return classes->quasi[column];
}

PhigClassValue *
phig_classes_values(const PhigClasses *classes, int column, int32 **first)
{
	pairs_hash *counts = classes->sensitive[column].counts;
	PhigClassValue *values = palloc_extended(sizeof(PhigClassValue) * (Size) Max(counts->members, 1),
											 MCXT_ALLOC_HUGE);
	int32	   *next = palloc_extended(sizeof(int32) * ((Size) classes->nclasses + 1),
									   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	pairs_iterator iterator;
	PairEntry  *entry;

	/* Counted, summed up, put in place: the classes are numbers. */
	pairs_start_iterate(counts, &iterator);
	while ((entry = pairs_iterate(counts, &iterator)) != NULL)
		next[(entry->pair >> 32) + 1]++;
	for (int32 cls = 0; cls < classes->nclasses; cls++)
		next[cls + 1] += next[cls];
	*first = palloc_extended(sizeof(int32) * ((Size) classes->nclasses + 1), MCXT_ALLOC_HUGE);
	memcpy(*first, next, sizeof(int32) * ((Size) classes->nclasses + 1));
	pairs_start_iterate(counts, &iterator);
	while ((entry = pairs_iterate(counts, &iterator)) != NULL)
	{
		int32		cls = (int32) (entry->pair >> 32);

		values[next[cls]++] = (PhigClassValue)
		{
			.cls = cls, .value = (int32) entry->pair, .persons = entry->number
		};
	}
	return values;
}

static void
let_wait(PhigClasses *classes, Membership *membership, const NullableDatum *person, const NullableDatum *quasi)
{
	int32	   *key = &membership->keys[membership->nwaiting * classes->nquasi];
	Waiting    *row = &membership->waiting[membership->nwaiting++];

	for (int i = 0; i < classes->nquasi; i++)
		key[i] = phig_codes_of(classes->quasi[i], quasi[i].value, quasi[i].isnull);
	row->class_hash = hash_of_key(classes, key);
	__builtin_prefetch(&classes->table->data[row->class_hash & classes->table->sizemask]);
	row->value = *person;
	row->hash = phig_codes_hash(membership->slices[PHIG_CLASSES_SCRATCH].persons, &row->value);
	if (!membership->by_value && !row->value.isnull)
	{
		MemoryContext before = MemoryContextSwitchTo(classes->context);

		row->value.value = phig_codes_copy(membership->slices[PHIG_CLASSES_SCRATCH].persons, row->value.value);
		MemoryContextSwitchTo(before);
	}
	if (membership->nwaiting == PHIG_CLASSES_BATCH)
		phig_classes_place(classes, membership);
}

void
phig_classes_place(PhigClasses *classes, Membership *membership)
{
	int			count = membership->nwaiting;

	for (int i = 0; i < count; i++)
	{
		const ClassEntry *entry = &classes->table->data[membership->waiting[i].class_hash & classes->table->sizemask];

		/* Most likely the one. */
		__builtin_prefetch(&classes->keys[(Size) entry->cls * classes->nquasi]);
		__builtin_prefetch(&classes->classes[entry->cls]);
	}
	for (int i = 0; i < count; i++)
	{
		Waiting    *row = &membership->waiting[i];

		row->cls = class_of(classes, &membership->keys[i * classes->nquasi], row->class_hash);
		if (membership == &classes->release)
			classes->classes[row->cls].rows++;
	}
	membership->nwaiting = 0;
	phig_members_add(classes, membership, count);
}

int32
phig_classes_of_key(PhigClasses *classes, const int32 *key)
{
	return class_of(classes, key, hash_of_key(classes, key));
}

/* The key goes where that of the next class would stand: either it becomes its, or another class has the same. */
static int32
class_of(PhigClasses *classes, const int32 *key, uint32 hash)
{
	int32		candidate = classes->nclasses;
	bool		found;
	ClassEntry *entry;

	if (candidate == classes->allocated)
		grow_classes(classes);
	memcpy(&classes->keys[(Size) candidate * classes->nquasi], key, sizeof(int32) * classes->nquasi);
	entry = classtable_insert_hash(classes->table, candidate, hash, &found);
	if (!found)
	{
		classes->classes[candidate] = (PhigClass)
		{
			0
		};
		classes->nclasses++;
	}
	return entry->cls;
}

static void
grow_classes(PhigClasses *classes)
{
	Size		key = sizeof(int32) * Max(classes->nquasi, 1);

	if (classes->allocated == 0)
	{
		classes->allocated = 1024;
		classes->classes = MemoryContextAllocHuge(classes->context, sizeof(PhigClass) * classes->allocated);
		classes->keys = MemoryContextAllocHuge(classes->context, key * classes->allocated);
		return;
	}
	if (classes->allocated > PG_INT32_MAX / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many equivalence classes")));
	classes->allocated *= 2;
	classes->classes = repalloc_huge(classes->classes, sizeof(PhigClass) * (Size) classes->allocated);
	classes->keys = repalloc_huge(classes->keys, key * (Size) classes->allocated);
}

static inline uint32
hash_of_key(const PhigClasses *classes, const int32 *key)
{
	uint64		hash = 0;

	for (int i = 0; i < classes->nquasi; i++)
		hash = (hash ^ (uint32) key[i]) * UINT64CONST(0x9e3779b97f4a7c15);
	return phig_hash_word(hash);
}

static inline uint32
hash_of_class(const PhigClasses *classes, int32 cls)
{
	return hash_of_key(classes, &classes->keys[(Size) cls * classes->nquasi]);
}

static inline bool
same_class(PhigClasses *classes, int32 a, int32 b)
{
	const int32 *a_key = &classes->keys[(Size) a * classes->nquasi];
	const int32 *b_key = &classes->keys[(Size) b * classes->nquasi];

	for (int i = 0; i < classes->nquasi; i++)
		if (a_key[i] != b_key[i])
			return false;
	return true;
}
