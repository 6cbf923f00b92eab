/*
 * classes.c
 *		Equivalence classes of a release, found in one pass over its rows.
 *
 * Values become codes (codes.h), a row's codes of the quasi-identifiers a
 * class, a person in a class a member.  Most persons are in one class, and most
 * members have one value of a sensitive column: the first of each stands in an
 * array, only further ones go into a hash table.
 *
 * The tables of persons do not fit into the processor's cache: rows wait until
 * there are some, whose memory is then asked for at once.
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

static void membership_init(PhigClasses *classes, Membership *membership, const PhigColumnType *person);
static void let_wait(PhigClasses *classes, Membership *membership, const NullableDatum *person,
					 const NullableDatum *quasi);
static void find_classes(PhigClasses *classes, Membership *membership);
static int32 class_of(PhigClasses *classes, const int32 *key, uint32 hash);
static void place_rows(PhigClasses *classes, Membership *membership);
static void find_further_member(PhigClasses *classes, Membership *membership, Waiting *row);
static inline void count_member(PhigClasses *classes, const Membership *membership, int32 cls);
static inline int32 *first_value_of(PhigClasses *classes, SensitiveColumn *column, const Waiting *row);
static void add_value(SensitiveColumn *column, int32 *first, const Waiting *row, int32 value);
static void forget_numbers(Numbers *numbers);
static inline int32 *number_at(PhigClasses *classes, Numbers *numbers, int32 index);
static void grow_classes(PhigClasses *classes);

PhigClasses *
phig_classes_create(MemoryContext context, const PhigColumnType persons[2],
					int nquasi, int nsensitive, const PhigColumnType *columns)
{
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
		for (int slice = 0; slice < PHIG_CLASSES_SLICES; slice++)
			classes->sensitive[i].slices[slice].further = pairs_create(context, 16, NULL);
		classes->sensitive[i].counts = pairs_create(context, 64, NULL);
	}
	membership_init(classes, &classes->release, &persons[0]);
	membership_init(classes, &classes->population, &persons[1]);
	classes->table = classtable_create(context, 64, classes);
	grow_classes(classes);
	MemoryContextSwitchTo(before);
	return classes;
}

void
phig_classes_add(PhigClasses *classes, const NullableDatum *person, const NullableDatum *columns)
{
	int			row = classes->release.nwaiting;

	classes->rows++;
	classes->rows_without_person += person->isnull;
	for (int i = 0; i < classes->nsensitive; i++)
	{
		const NullableDatum *column = &columns[classes->nquasi + i];

		classes->sensitive[i].waiting[row] =
			phig_codes_of(classes->sensitive[i].codes, column->value, column->isnull);
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
	place_rows(classes, &classes->release);
	place_rows(classes, &classes->population);
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

	for (int slice = 0; slice < PHIG_CLASSES_SLICES; slice++)
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
membership_init(PhigClasses *classes, Membership *membership, const PhigColumnType *person)
{
	for (int i = 0; i < PHIG_CLASSES_SLICES; i++)
	{
		membership->slices[i].persons = phig_codes_create(classes->context, person->type, person->collation);
		membership->slices[i].further = pairs_create(classes->context, 16, NULL);
	}
	membership->keys = palloc(sizeof(int32) * PHIG_CLASSES_BATCH * Max(classes->nquasi, 1));
	membership->batch = AllocSetContextCreate(classes->context, "phiguard risk batch", ALLOCSET_SMALL_SIZES);
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
	row->hash = phig_codes_hash(membership->slices[0].persons, &row->value);
	row->slice = phig_classes_slice(row->hash);
	phig_codes_expect(membership->slices[row->slice].persons, row->hash);
	if (!row->value.isnull)
	{
		MemoryContext before = MemoryContextSwitchTo(membership->batch);

		row->value.value = phig_codes_copy(membership->slices[0].persons, row->value.value);
		MemoryContextSwitchTo(before);
	}
	if (membership->nwaiting == PHIG_CLASSES_BATCH)
		place_rows(classes, membership);
}

static void
place_rows(PhigClasses *classes, Membership *membership)
{
	find_classes(classes, membership);
	phig_classes_find_persons(classes, membership);
	phig_classes_find_members(classes, membership);
	if (membership == &classes->release)
		for (int i = 0; i < classes->nsensitive; i++)
			phig_classes_add_values(classes, &classes->sensitive[i]);
	membership->nwaiting = 0;
	MemoryContextReset(membership->batch);
}

static void
find_classes(PhigClasses *classes, Membership *membership)
{
	for (int i = 0; i < membership->nwaiting; i++)
	{
		const ClassEntry *entry = &classes->table->data[membership->waiting[i].class_hash & classes->table->sizemask];

		/* Most likely the one. */
		__builtin_prefetch(&classes->keys[(Size) entry->cls * classes->nquasi]);
		__builtin_prefetch(&classes->classes[entry->cls]);
	}
	for (int i = 0; i < membership->nwaiting; i++)
	{
		Waiting    *row = &membership->waiting[i];

		row->cls = class_of(classes, &membership->keys[i * classes->nquasi], row->class_hash);
		if (membership == &classes->release)
			classes->classes[row->cls].rows++;
	}
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

void
phig_classes_find_persons(PhigClasses *classes, Membership *membership)
{
	for (int i = 0; i < membership->nwaiting; i++)
	{
		Waiting    *row = &membership->waiting[i];
		PhigCode   *person = phig_codes_find(membership->slices[row->slice].persons, &row->value, row->hash);

		if (person->note < 0)
		{
			person->note = row->cls;
			count_member(classes, membership, row->cls);
		}
		row->person = *person;
	}
}

void
phig_classes_find_members(PhigClasses *classes, Membership *membership)
{
	for (int i = 0; i < membership->nwaiting; i++)
	{
		Waiting    *row = &membership->waiting[i];
		pairs_hash *further = membership->slices[row->slice].further;

		row->member = row->person.code;
		if (row->person.note == row->cls)
			continue;
		row->hash = phig_hash_word(PHIG_PAIR(row->person.code, row->cls));
		__builtin_prefetch(&further->data[row->hash & further->sizemask]);
	}
	for (int i = 0; i < membership->nwaiting; i++)
		if (membership->waiting[i].person.note != membership->waiting[i].cls)
			find_further_member(classes, membership, &membership->waiting[i]);
}

static void
find_further_member(PhigClasses *classes, Membership *membership, Waiting *row)
{
	pairs_hash *further = membership->slices[row->slice].further;
	bool		found;
	PairEntry  *entry = pairs_insert_hash(further, PHIG_PAIR(row->person.code, row->cls), row->hash, &found);

	if (!found)
	{
		if (further->members == PG_INT32_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many members of equivalence classes")));
		entry->number = -(int32) further->members;
		count_member(classes, membership, row->cls);
	}
	row->member = entry->number;
}

static inline void
count_member(PhigClasses *classes, const Membership *membership, int32 cls)
{
	if (membership == &classes->release)
		classes->classes[cls].persons++;
	else
		classes->classes[cls].population++;
}

void
phig_classes_add_values(PhigClasses *classes, SensitiveColumn *column)
{
	const Membership *membership = &classes->release;

	for (int i = 0; i < membership->nwaiting; i++)
		__builtin_prefetch(first_value_of(classes, column, &membership->waiting[i]));
	for (int i = 0; i < membership->nwaiting; i++)
	{
		const Waiting *row = &membership->waiting[i];

		add_value(column, first_value_of(classes, column, row), row, column->waiting[i]);
	}
}

static inline int32 *
first_value_of(PhigClasses *classes, SensitiveColumn *column, const Waiting *row)
{
	ValueSlice *slice = &column->slices[row->slice];

	return number_at(classes, row->member < 0 ? &slice->further_first_value : &slice->first_value, abs(row->member));
}

/* A member has a value: counted once. */
static void
add_value(SensitiveColumn *column, int32 *first, const Waiting *row, int32 value)
{
	PairEntry  *count;
	bool		found;

	if (*first == value)
		return;
	if (*first < 0)
		*first = value;
	else
	{
		(void) pairs_insert(column->slices[row->slice].further, PHIG_PAIR(row->member, value), &found);
		if (found)
			return;
	}
	count = pairs_insert(column->counts, PHIG_PAIR(row->cls, value), &found);
	count->number = found ? count->number + 1 : 1;
}

void
phig_classes_forget(PhigClasses *classes)
{
	PersonSlice *slices[2] = {&classes->release.slices[0], &classes->population.slices[0]};

	classes->persons += phig_codes_count(slices[0]->persons);
	for (int i = 0; i < 2; i++)
	{
		phig_codes_borrow(slices[i]->persons);
		pairs_reset(slices[i]->further);
	}
	for (int i = 0; i < classes->nsensitive; i++)
	{
		ValueSlice *values = &classes->sensitive[i].slices[0];

		forget_numbers(&values->first_value);
		forget_numbers(&values->further_first_value);
		pairs_reset(values->further);
	}
}

static void
forget_numbers(Numbers *numbers)
{
	if (numbers->at != NULL)
		memset(numbers->at, 0xff, sizeof(int32) * numbers->allocated);
}

/* Place in an array that has one for each index so far: -1 where nothing was put yet. */
static inline int32 *
number_at(PhigClasses *classes, Numbers *numbers, int32 index)
{
	if (unlikely((Size) index >= numbers->allocated))
	{
		Size		allocated = Max(64, 2 * (Size) index);

		if (numbers->at == NULL)
			numbers->at = MemoryContextAllocHuge(classes->context, sizeof(int32) * allocated);
		else
			numbers->at = repalloc_huge(numbers->at, sizeof(int32) * allocated);
		memset(numbers->at + numbers->allocated, 0xff, sizeof(int32) * (allocated - numbers->allocated));
		numbers->allocated = allocated;
	}
	return &numbers->at[index];
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
