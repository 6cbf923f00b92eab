/*
 * members.c
 *		Persons of a release, and what they are in classes: see classes_internal.h.
 *
 * Most persons are in one class, and most members have one value of a sensitive
 * column: the first of each stands in an array, only further ones go into a hash
 * table.
 *
 * The tables of all persons would not fit into the processor's cache.  So rows
 * only wait in their person's slice, and are looked up slice by slice.  A slice
 * whose rows all fit into what may wait is looked up once, at the end, in tables
 * that all such slices use in turn; another has tables of its own.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/lsyscache.h"

#include "extract/classes_internal.h"

static inline int32 slice_of(uint32 hash);
static void make_room(PhigClasses *classes, const Membership *membership, PersonSlice *slice);
static void create_tables(PhigClasses *classes, Membership *membership, int slice);
static void look_up(PhigClasses *classes, Membership *membership, int from, int into);
static void free_known(Membership *membership);
static void find_further_member(PhigClasses *classes, Membership *membership, Waiting *row);
static inline void count_member(PhigClasses *classes, const Membership *membership, int32 cls);
static inline int32 *first_value_of(PhigClasses *classes, SensitiveColumn *column, const Waiting *row);
static bool new_value(SensitiveColumn *column, int32 *first, const Waiting *row, int32 value);
static void forget_numbers(Numbers *numbers);

void
phig_members_init(PhigClasses *classes, Membership *membership, const PhigColumnType *person, int nsensitive)
{
	membership->type = *person;
	membership->by_value = get_typbyval(person->type);
	membership->row_size = MAXALIGN(offsetof(SliceRow, values) + sizeof(int32) * nsensitive);
	membership->most_rows = Min(PHIG_CLASSES_SLICE_ROWS, PHIG_CLASSES_SLICE_BYTES / membership->row_size);
	membership->keys = palloc(sizeof(int32) * PHIG_CLASSES_BATCH * Max(classes->nquasi, 1));
	create_tables(classes, membership, PHIG_CLASSES_SCRATCH);
}

void
phig_members_add(PhigClasses *classes, Membership *membership, int count)
{
	int			nsensitive = membership == &classes->release ? classes->nsensitive : 0;

	for (int i = 0; i < count; i++)
	{
		const Waiting *from = &membership->waiting[i];
		PersonSlice *slice = &membership->slices[slice_of(from->hash)];
		SliceRow   *row;

		if (slice->nrows == slice->allocated)
			make_room(classes, membership, slice);
		row = phig_slice_row(membership, slice->rows, slice->nrows++);
		row->person = from->value.isnull ? (Datum) 0 : from->value.value;
		row->hash = from->hash;
		row->cls = from->value.isnull ? ~from->cls : from->cls;
		for (int column = 0; column < nsensitive; column++)
			row->values[column] = classes->sensitive[column].waiting[i];
	}
	/* Only now: looking rows up takes the places of those that waited. */
	for (int i = 0; i < PHIG_CLASSES_SLICES; i++)
		if (membership->slices[i].nrows > membership->most_rows - PHIG_CLASSES_BATCH)
		{
			if (membership->slices[i].persons == NULL)
				create_tables(classes, membership, i);
			look_up(classes, membership, i, i);
		}
}

void
phig_members_finish(PhigClasses *classes, Membership *membership)
{
	int64		rows = 0;

	for (int i = 0; i < PHIG_CLASSES_SLICES; i++)
		rows += membership->slices[i].nrows;
	if (membership == &classes->release)
		phig_members_expect(classes, rows);
	for (int i = 0; i < PHIG_CLASSES_SLICES; i++)
	{
		bool		has_tables = membership->slices[i].persons != NULL;

		look_up(classes, membership, i, has_tables ? i : PHIG_CLASSES_SCRATCH);
		if (!has_tables)
			phig_members_forget(classes);
	}
}

/* A table that grows is filled anew each time. */
void
phig_members_expect(PhigClasses *classes, int64 rows)
{
	for (int i = 0; i < classes->nsensitive; i++)
	{
		SensitiveColumn *column = &classes->sensitive[i];
		int64		pairs = Min(column->counts->members + rows,
								(int64) classes->nclasses * phig_codes_count(column->codes));
		uint64		wanted = (uint64) pairs * 10 / 9 + 1;

		if (wanted > column->counts->size && pairs < PG_INT32_MAX)
			pairs_grow(column->counts, wanted);
	}
}

static inline int32
slice_of(uint32 hash)
{
	StaticAssertStmt(PHIG_CLASSES_SLICES == 1 << (32 - 26), "a slice is the upper bits of a hash");
	return (int32) ((hash * 0x9e3779b1U) >> 26);
}

static void
make_room(PhigClasses *classes, const Membership *membership, PersonSlice *slice)
{
	slice->allocated = Max(128, 2 * slice->allocated);
	if (slice->rows == NULL)
		slice->rows = MemoryContextAlloc(classes->context, membership->row_size * slice->allocated);
	else
		slice->rows = repalloc(slice->rows, membership->row_size * slice->allocated);
}

static void
create_tables(PhigClasses *classes, Membership *membership, int slice)
{
	PersonSlice *created = &membership->slices[slice];

	created->persons = phig_codes_create(classes->context, membership->type.type, membership->type.collation);
	phig_codes_borrow(created->persons);
	created->further = pairs_create(classes->context, 16, NULL);
	if (membership == &classes->release)
		for (int i = 0; i < classes->nsensitive; i++)
			classes->sensitive[i].slices[slice].further = pairs_create(classes->context, 16, NULL);
}

/* The rows of a slice, in tables of this one. */
static void
look_up(PhigClasses *classes, Membership *membership, int from, int into)
{
	PersonSlice *slice = &membership->slices[from];
	PhigCodes  *persons = membership->slices[into].persons;
	int			nsensitive = membership == &classes->release ? classes->nsensitive : 0;

	for (int32 done = 0; done < slice->nrows; done += PHIG_CLASSES_BATCH)
	{
		int			count = Min(PHIG_CLASSES_BATCH, slice->nrows - done);

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < count; i++)
		{
			const SliceRow *row = phig_slice_row(membership, slice->rows, done + i);
			Waiting    *waiting = &membership->waiting[i];

			waiting->value.isnull = row->cls < 0;
			waiting->value.value = row->person;
			waiting->hash = row->hash;
			waiting->cls = row->cls < 0 ? ~row->cls : row->cls;
			waiting->slice = into;
			phig_codes_expect(persons, row->hash);
			for (int column = 0; column < nsensitive; column++)
				classes->sensitive[column].waiting[i] = row->values[column];
		}
		membership->nwaiting = count;
		phig_members_find_persons(classes, membership);
		if (!membership->by_value)
			free_known(membership);
		phig_members_find(classes, membership);
		membership->nwaiting = 0;
	}
	slice->nrows = 0;
}

/* Of a new person the table has the value now. */
static void
free_known(Membership *membership)
{
	for (int i = 0; i < membership->nwaiting; i++)
		if (membership->waiting[i].known && !membership->waiting[i].value.isnull)
			pfree(DatumGetPointer(membership->waiting[i].value.value));
}

void
phig_members_find_persons(PhigClasses *classes, Membership *membership)
{
	for (int i = 0; i < membership->nwaiting; i++)
	{
		Waiting    *row = &membership->waiting[i];
		PhigCode   *person = phig_codes_find(membership->slices[row->slice].persons, &row->value, row->hash);

		row->known = person->note >= 0;
		if (!row->known)
		{
			person->note = row->cls;
			count_member(classes, membership, row->cls);
		}
		row->person = *person;
	}
}

void
phig_members_find(PhigClasses *classes, Membership *membership)
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
	if (membership == &classes->release)
		for (int i = 0; i < classes->nsensitive; i++)
			phig_members_add_values(classes, &classes->sensitive[i]);
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
phig_members_add_values(PhigClasses *classes, SensitiveColumn *column)
{
	const Membership *membership = &classes->release;
	uint32		hashes[PHIG_CLASSES_BATCH];
	bool		counts[PHIG_CLASSES_BATCH];

	for (int i = 0; i < membership->nwaiting; i++)
		__builtin_prefetch(first_value_of(classes, column, &membership->waiting[i]));
	for (int i = 0; i < membership->nwaiting; i++)
	{
		const Waiting *row = &membership->waiting[i];

		counts[i] = new_value(column, first_value_of(classes, column, row), row, column->waiting[i]);
		hashes[i] = phig_hash_word(PHIG_PAIR(row->cls, column->waiting[i]));
		if (counts[i])
			__builtin_prefetch(&column->counts->data[hashes[i] & column->counts->sizemask]);
	}
	for (int i = 0; i < membership->nwaiting; i++)
		if (counts[i])
		{
			uint64		pair = PHIG_PAIR(membership->waiting[i].cls, column->waiting[i]);
			bool		found;
			PairEntry  *count = pairs_insert_hash(column->counts, pair, hashes[i], &found);

			count->number = found ? count->number + 1 : 1;
		}
}

static inline int32 *
first_value_of(PhigClasses *classes, SensitiveColumn *column, const Waiting *row)
{
	ValueSlice *slice = &column->slices[row->slice];

	return phig_number_at(classes, row->member < 0 ? &slice->further_first_value : &slice->first_value,
						  abs(row->member));
}

/* A member has a value: not so far? */
static bool
new_value(SensitiveColumn *column, int32 *first, const Waiting *row, int32 value)
{
	bool		found;

	if (*first == value)
		return false;
	if (*first < 0)
	{
		*first = value;
		return true;
	}
	(void) pairs_insert(column->slices[row->slice].further, PHIG_PAIR(row->member, value), &found);
	return !found;
}

void
phig_members_forget(PhigClasses *classes)
{
	PersonSlice *slices[2] = {&classes->release.slices[PHIG_CLASSES_SCRATCH],
	&classes->population.slices[PHIG_CLASSES_SCRATCH]};

	classes->persons += phig_codes_count(slices[0]->persons);
	for (int i = 0; i < 2; i++)
	{
		phig_codes_borrow(slices[i]->persons);
		pairs_reset(slices[i]->further);
	}
	for (int i = 0; i < classes->nsensitive; i++)
	{
		ValueSlice *values = &classes->sensitive[i].slices[PHIG_CLASSES_SCRATCH];

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
