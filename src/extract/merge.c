/*
 * merge.c
 *		Parts of a release, counted apart, put together: see merge.h.
 *
 * A part is merged as if it were rows: one for each member, that is a person in
 * a class, with the first value that it has of each sensitive column; then its
 * further values.  Codes of the part become codes here by arrays.
 *
 * All parts have the same persons in the same slice, and a slice that is merged
 * is only counted: so one is taken after the other, from all parts, in tables
 * of the size of one.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "extract/classes_internal.h"
#include "extract/merge.h"

/* What a part begins with; then the types of persons and columns. */
typedef struct PartHead
{
	int32		nquasi;
	int32		nsensitive;
	int32		nsteps;			/* of all sensitive columns */
	int32		nclasses;
	int64		rows;
	int64		rows_without_person;
} PartHead;

/* A member of a class that is not its person's first; numbered -1, -2, ... */
typedef struct FurtherMember
{
	int32		person;
	int32		cls;
} FurtherMember;

/* What a member of a part is here. */
typedef struct Member
{
	int32		member;
	int32		cls;
} Member;

/* A sensitive column of a part; all but the codes are of the slice that is merged. */
typedef struct PartColumn
{
	int32	   *values;			/* of the part's values, those here */
	int32		nvalues;
	const int32 *first;			/* the first value of each person in their first class, of each
								 * further member */
	const int32 *further_first;
	const uint64 *further;		/* (member, value) */
	int64		nfurther;
} PartColumn;

/* A part while it is merged, and the persons of a slice of it. */
typedef struct Part
{
	PhigClasses *into;
	PhigPackedReader *reader;
	int32	   *classes;		/* of the part's classes, those here */
	int32		nclasses;
	PartColumn *columns;
	Membership *membership;
	PhigCode   *persons;		/* of the slice's persons, those here */
	int32		npersons;
	Member	   *first;			/* of the slice's members, those here */
	Member	   *further;
	int32		nfurther;
} Part;

static int32 steps_of(const PhigClasses *classes);
static PhigColumnType *types_of(const PhigClasses *classes, Size *size);
static void write_column(const SensitiveColumn *column, PhigPacked *bytes);
static void write_members(const Membership *membership, int tables, PhigPacked *bytes);
static void write_values(const PersonSlice *slice, const ValueSlice *values, PhigPacked *bytes);
static void write_rows(const Membership *membership, int number, PhigPacked *bytes);
static const PartHead *read_head(PhigPackedReader *reader, const PhigColumnType **types, int32 **nsteps);
static void begin_part(Part *part, PhigClasses *into, PhigPackedReader *reader);
static void merge_column(Part *part, int number);
static void must_be_alike(const PhigClasses *classes, const PartHead *head, const PhigColumnType *types,
						  const int32 *nsteps);
static void merge_classes(Part *part);
static void merge_slice(Part *part);
static void read_members(Part *part, Membership *membership, PhigWrittenCodes *persons, const FurtherMember **further);
static void read_values(Part *part, PartColumn *column);
static void merge_persons(Part *part, const PhigWrittenCodes *persons);
static void merge_further_members(Part *part, const FurtherMember *further);
static void merge_rows(Part *part);
static void set_values(Part *part, int row, bool further, int32 index);
static void place_members(Part *part);
static void merge_further_values(Part *part, int column);
static inline int32 here(const int32 *codes, int32 count, int32 code);

void
phig_classes_write(PhigClasses *classes, PhigPacked *bytes)
{
	PartHead	head = {0};
	PhigColumnType *types;
	Size		size;

	phig_classes_place(classes, &classes->release);
	phig_classes_place(classes, &classes->population);
	head.nquasi = classes->nquasi;
	head.nsensitive = classes->nsensitive;
	head.nsteps = steps_of(classes);
	head.nclasses = classes->nclasses;
	head.rows = classes->rows;
	head.rows_without_person = classes->rows_without_person;
	phig_packed_put(bytes, &head, sizeof(head));
	types = types_of(classes, &size);
	phig_packed_put(bytes, types, size);
	for (int i = 0; i < classes->nsensitive; i++)
		*(int32 *) phig_packed_room(bytes, sizeof(int32)) = classes->sensitive[i].nsteps;
	for (int i = 0; i < classes->nquasi; i++)
		phig_codes_write(classes->quasi[i], bytes);
	phig_packed_put(bytes, classes->keys, sizeof(int32) * (Size) classes->nclasses * classes->nquasi);
	phig_packed_put(bytes, classes->classes, sizeof(PhigClass) * (Size) classes->nclasses);
	for (int i = 0; i < classes->nsensitive; i++)
		write_column(&classes->sensitive[i], bytes);
	for (int slice = 0; slice < PHIG_CLASSES_SLICES; slice++)
	{
		/* The scratch slice is empty. */
		int			tables = classes->release.slices[slice].persons == NULL ? PHIG_CLASSES_SCRATCH : slice;

		write_members(&classes->release, tables, bytes);
		for (int i = 0; i < classes->nsensitive; i++)
			write_values(&classes->release.slices[tables], &classes->sensitive[i].slices[tables], bytes);
		write_rows(&classes->release, slice, bytes);
		tables = classes->population.slices[slice].persons == NULL ? PHIG_CLASSES_SCRATCH : slice;
		write_members(&classes->population, tables, bytes);
		write_rows(&classes->population, slice, bytes);
	}
}

static int32
steps_of(const PhigClasses *classes)
{
	int32		nsteps = 0;

	for (int i = 0; i < classes->nsensitive; i++)
		nsteps += classes->sensitive[i].nsteps;
	return nsteps;
}

static PhigColumnType *
types_of(const PhigClasses *classes, Size *size)
{
	PhigColumnType *types = palloc(sizeof(PhigColumnType) *
								   (2 + classes->nquasi + classes->nsensitive + steps_of(classes)));
	int			count = 0;

	types[count++] = phig_codes_type(classes->release.slices[PHIG_CLASSES_SCRATCH].persons);
	types[count++] = phig_codes_type(classes->population.slices[PHIG_CLASSES_SCRATCH].persons);
	for (int i = 0; i < classes->nquasi; i++)
		types[count++] = phig_codes_type(classes->quasi[i]);
	for (int i = 0; i < classes->nsensitive; i++)
		types[count++] = phig_codes_type(classes->sensitive[i].codes);
	for (int i = 0; i < classes->nsensitive; i++)
		for (int j = 0; j < classes->sensitive[i].nsteps; j++)
			types[count++] = phig_codes_type(classes->sensitive[i].steps[j].codes);
	*size = sizeof(PhigColumnType) * count;
	return types;
}

static void
write_column(const SensitiveColumn *column, PhigPacked *bytes)
{
	Size		nvalues = phig_codes_count(column->codes);

	phig_codes_write(column->codes, bytes);
	for (int i = 0; i < column->nsteps; i++)
	{
		phig_codes_write(column->steps[i].codes, bytes);
		phig_packed_put(bytes, column->steps[i].groups.at, sizeof(int32) * nvalues);
	}
}

static void
write_members(const Membership *membership, int tables, PhigPacked *bytes)
{
	const PersonSlice *slice = &membership->slices[tables];
	int64		count = slice->further->members;
	FurtherMember *further;
	pairs_iterator iterator;
	PairEntry  *entry;

	phig_codes_write(slice->persons, bytes);
	phig_packed_put(bytes, &count, sizeof(count));
	further = phig_packed_room(bytes, sizeof(FurtherMember) * count);
	pairs_start_iterate(slice->further, &iterator);
	while ((entry = pairs_iterate(slice->further, &iterator)) != NULL)
	{
		FurtherMember *member = &further[-entry->number - 1];

		member->person = (int32) (entry->pair >> 32);
		member->cls = (int32) entry->pair;
	}
}

static void
write_values(const PersonSlice *slice, const ValueSlice *values, PhigPacked *bytes)
{
	Size		npersons = phig_codes_count(slice->persons);
	Size		nfurther = slice->further->members;
	int64		count = values->further->members;
	uint64	   *pair;
	pairs_iterator iterator;
	PairEntry  *entry;

	phig_packed_put(bytes, values->first_value.at, sizeof(int32) * npersons);
	/* Numbered from 1. */
	phig_packed_put(bytes, nfurther == 0 ? NULL : values->further_first_value.at + 1, sizeof(int32) * nfurther);
	phig_packed_put(bytes, &count, sizeof(count));
	pair = phig_packed_room(bytes, sizeof(uint64) * count);
	pairs_start_iterate(values->further, &iterator);
	while ((entry = pairs_iterate(values->further, &iterator)) != NULL)
		*pair++ = entry->pair;
}

/* Rows that still wait. */
static void
write_rows(const Membership *membership, int number, PhigPacked *bytes)
{
	const PersonSlice *slice = &membership->slices[number];
	int64		count = slice->nrows;

	phig_packed_put(bytes, &count, sizeof(count));
	phig_packed_put(bytes, slice->rows, membership->row_size * count);
	for (int32 i = 0; i < slice->nrows && !membership->by_value; i++)
	{
		const SliceRow *row = phig_slice_row(membership, slice->rows, i);

		if (row->cls >= 0)
			phig_codes_write_value(membership->slices[PHIG_CLASSES_SCRATCH].persons, row->person, bytes);
	}
}

PhigClasses *
phig_classes_merge(MemoryContext context, PhigPackedReader *readers, int nparts)
{
	PhigPackedReader first = readers[0];
	const PhigColumnType *types;
	int32	   *nsteps;
	const PartHead *head = read_head(&first, &types, &nsteps);
	PhigClasses *into = phig_classes_create(context, types, head->nquasi, head->nsensitive, nsteps, types + 2);
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "phiguard risk slice", ALLOCSET_DEFAULT_SIZES);
	Part	   *parts = palloc0(sizeof(Part) * nparts);

	for (int i = 0; i < nparts; i++)
		begin_part(&parts[i], into, &readers[i]);
	phig_members_expect(into, into->rows);
	for (int slice = 0; slice < PHIG_CLASSES_SLICES; slice++)
	{
		MemoryContext before = MemoryContextSwitchTo(work);

		phig_members_forget(into);
		for (int i = 0; i < nparts; i++)
			merge_slice(&parts[i]);
		MemoryContextSwitchTo(before);
		MemoryContextReset(work);
	}
	for (int i = 0; i < nparts; i++)
		if (readers[i].left > 0)
			phig_packed_damaged();
	return into;
}

/* nsteps: of each sensitive column (palloc'd). */
static const PartHead *
read_head(PhigPackedReader *reader, const PhigColumnType **types, int32 **nsteps)
{
	const PartHead *head = phig_packed_take(reader, sizeof(PartHead));
	int64		sum = 0;

	if (head->nquasi < 1 || head->nsensitive < 0 || head->nsteps < 0)
		phig_packed_damaged();
	*types = phig_packed_take_array(reader, (int64) head->nquasi + head->nsensitive + head->nsteps + 2,
									sizeof(PhigColumnType));
	*nsteps = palloc(sizeof(int32) * Max(head->nsensitive, 1));
	for (int i = 0; i < head->nsensitive; i++)
	{
		(*nsteps)[i] = *(const int32 *) phig_packed_take(reader, sizeof(int32));
		if ((*nsteps)[i] < 0)
			phig_packed_damaged();
		sum += (*nsteps)[i];
	}
	if (sum != head->nsteps)
		phig_packed_damaged();
	return head;
}

static void
begin_part(Part *part, PhigClasses *into, PhigPackedReader *reader)
{
	const PhigColumnType *types;
	int32	   *nsteps;
	const PartHead *head = read_head(reader, &types, &nsteps);

	must_be_alike(into, head, types, nsteps);
	into->rows += head->rows;
	into->rows_without_person += head->rows_without_person;
	part->into = into;
	part->reader = reader;
	part->nclasses = head->nclasses;
	merge_classes(part);
	part->columns = palloc0(sizeof(PartColumn) * Max(into->nsensitive, 1));
	for (int i = 0; i < into->nsensitive; i++)
		merge_column(part, i);
}

static void
merge_column(Part *part, int number)
{
	SensitiveColumn *into = &part->into->sensitive[number];
	PartColumn *column = &part->columns[number];
	PhigWrittenCodes written;

	phig_codes_read(into->codes, part->reader, &written);
	column->values = phig_codes_merge(into->codes, &written);
	column->nvalues = written.count;
	for (int i = 0; i < into->nsteps; i++)
	{
		HierarchyStep *step = &into->steps[i];
		int32	   *mine;
		const int32 *groups;

		phig_codes_read(step->codes, part->reader, &written);
		mine = phig_codes_merge(step->codes, &written);
		groups = phig_packed_take_array(part->reader, column->nvalues, sizeof(int32));
		for (int32 value = 0; value < column->nvalues; value++)
			phig_classes_put_in_group(part->into, step, column->values[value],
									  here(mine, written.count, groups[value]));
	}
}

static void
must_be_alike(const PhigClasses *classes, const PartHead *head, const PhigColumnType *types, const int32 *nsteps)
{
	Size		size;
	PhigColumnType *mine = types_of(classes, &size);

	if (head->nquasi != classes->nquasi || head->nsensitive != classes->nsensitive ||
		head->nsteps != steps_of(classes) || memcmp(mine, types, size) != 0)
		phig_packed_damaged();
	for (int i = 0; i < classes->nsensitive; i++)
		if (nsteps[i] != classes->sensitive[i].nsteps)
			phig_packed_damaged();
}

static void
merge_classes(Part *part)
{
	PhigClasses *into = part->into;
	PhigWrittenCodes *written = palloc(sizeof(PhigWrittenCodes) * into->nquasi);
	int32	  **quasi = palloc(sizeof(int32 *) * into->nquasi);
	int32	   *key = palloc(sizeof(int32) * into->nquasi);
	const int32 *keys;
	const PhigClass *classes;

	for (int i = 0; i < into->nquasi; i++)
	{
		phig_codes_read(into->quasi[i], part->reader, &written[i]);
		quasi[i] = phig_codes_merge(into->quasi[i], &written[i]);
	}
	keys = phig_packed_take_array(part->reader, part->nclasses, sizeof(int32) * into->nquasi);
	classes = phig_packed_take_array(part->reader, part->nclasses, sizeof(PhigClass));
	part->classes = palloc_extended(sizeof(int32) * (Size) Max(part->nclasses, 1), MCXT_ALLOC_HUGE);
	for (int32 i = 0; i < part->nclasses; i++)
	{
		for (int column = 0; column < into->nquasi; column++)
			key[column] = here(quasi[column], written[column].count, *keys++);
		part->classes[i] = phig_classes_of_key(into, key);
		into->classes[part->classes[i]].rows += classes[i].rows;
	}
}

/* The next one. */
static void
merge_slice(Part *part)
{
	PhigClasses *into = part->into;
	PhigWrittenCodes persons;
	const FurtherMember *further;

	read_members(part, &into->release, &persons, &further);
	for (int i = 0; i < into->nsensitive; i++)
		read_values(part, &part->columns[i]);
	merge_persons(part, &persons);
	merge_further_members(part, further);
	for (int i = 0; i < into->nsensitive; i++)
		merge_further_values(part, i);
	merge_rows(part);
	read_members(part, &into->population, &persons, &further);
	merge_persons(part, &persons);
	merge_further_members(part, further);
	merge_rows(part);
}

static void
read_members(Part *part, Membership *membership, PhigWrittenCodes *persons, const FurtherMember **further)
{
	const int64 *count;

	phig_codes_read(membership->slices[PHIG_CLASSES_SCRATCH].persons, part->reader, persons);
	count = phig_packed_take(part->reader, sizeof(int64));
	*further = phig_packed_take_array(part->reader, *count, sizeof(FurtherMember));
	if (*count > PG_INT32_MAX)
		phig_packed_damaged();
	part->membership = membership;
	part->npersons = persons->count;
	part->nfurther = (int32) *count;
	part->persons = palloc_extended(sizeof(PhigCode) * (Size) Max(part->npersons, 1), MCXT_ALLOC_HUGE);
	part->first = palloc_extended(sizeof(Member) * (Size) Max(part->npersons, 1), MCXT_ALLOC_HUGE);
	part->further = palloc_extended(sizeof(Member) * (Size) Max(part->nfurther, 1), MCXT_ALLOC_HUGE);
}

static void
read_values(Part *part, PartColumn *column)
{
	const int64 *count;

	column->first = phig_packed_take_array(part->reader, part->npersons, sizeof(int32));
	column->further_first = phig_packed_take_array(part->reader, part->nfurther, sizeof(int32));
	count = phig_packed_take(part->reader, sizeof(int64));
	column->nfurther = *count;
	column->further = phig_packed_take_array(part->reader, column->nfurther, sizeof(uint64));
}

/* Each in the class that was their first. */
static void
merge_persons(Part *part, const PhigWrittenCodes *persons)
{
	Waiting    *waiting = part->membership->waiting;
	PhigCodes  *persons_here = part->membership->slices[PHIG_CLASSES_SCRATCH].persons;

	phig_codes_reserve(persons_here, persons->nvalues);
	for (int32 done = 0; done < persons->count; done += PHIG_CLASSES_BATCH)
	{
		int			count = Min(PHIG_CLASSES_BATCH, persons->count - done);
		PhigCode	codes[PHIG_CLASSES_BATCH];

		for (int i = 0; i < count; i++)
		{
			bool		isnull = done + i == persons->nvalues;

			codes[i] = isnull ? persons->null : persons->codes[done + i];
			waiting[i].value.isnull = isnull;
			waiting[i].value.value = isnull ? (Datum) 0 : persons->values[done + i];
			waiting[i].hash = phig_codes_hash(persons_here, &waiting[i].value);
			waiting[i].slice = PHIG_CLASSES_SCRATCH;
			waiting[i].cls = here(part->classes, part->nclasses, codes[i].note);
			phig_codes_expect(persons_here, waiting[i].hash);
			set_values(part, i, false, codes[i].code);
		}
		part->membership->nwaiting = count;
		phig_members_find_persons(part->into, part->membership);
		place_members(part);
		for (int i = 0; i < count; i++)
		{
			part->persons[codes[i].code] = waiting[i].person;
			part->first[codes[i].code].member = waiting[i].member;
			part->first[codes[i].code].cls = waiting[i].cls;
		}
	}
}

static void
merge_further_members(Part *part, const FurtherMember *further)
{
	Waiting    *waiting = part->membership->waiting;

	for (int32 done = 0; done < part->nfurther; done += PHIG_CLASSES_BATCH)
	{
		int			count = Min(PHIG_CLASSES_BATCH, part->nfurther - done);

		for (int i = 0; i < count; i++)
		{
			const FurtherMember *member = &further[done + i];

			if ((uint32) member->person >= (uint32) part->npersons)
				phig_packed_damaged();
			waiting[i].person = part->persons[member->person];
			waiting[i].slice = PHIG_CLASSES_SCRATCH;
			waiting[i].cls = here(part->classes, part->nclasses, member->cls);
			set_values(part, i, true, done + i);
		}
		part->membership->nwaiting = count;
		place_members(part);
		for (int i = 0; i < count; i++)
		{
			part->further[done + i].member = waiting[i].member;
			part->further[done + i].cls = waiting[i].cls;
		}
	}
}

/* The first value of each sensitive column, of the member that waits as this row. */
static void
set_values(Part *part, int row, bool further, int32 index)
{
	if (part->membership != &part->into->release)
		return;
	for (int i = 0; i < part->into->nsensitive; i++)
	{
		const PartColumn *column = &part->columns[i];
		int32		value = further ? column->further_first[index] : column->first[index];

		part->into->sensitive[i].waiting[row] = here(column->values, column->nvalues, value);
	}
}

static void
place_members(Part *part)
{
	CHECK_FOR_INTERRUPTS();
	phig_members_find(part->into, part->membership);
	part->membership->nwaiting = 0;
}

static void
merge_further_values(Part *part, int column)
{
	const PartColumn *from = &part->columns[column];
	SensitiveColumn *to = &part->into->sensitive[column];
	Membership *release = &part->into->release;

	for (int64 done = 0; done < from->nfurther; done += PHIG_CLASSES_BATCH)
	{
		int			count = Min(PHIG_CLASSES_BATCH, from->nfurther - done);

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < count; i++)
		{
			int32		number = (int32) (from->further[done + i] >> 32);
			const Member *member;

			if (number >= 0 ? number >= part->npersons : -(int64) number > part->nfurther)
				phig_packed_damaged();
			member = number >= 0 ? &part->first[number] : &part->further[-number - 1];
			release->waiting[i].slice = PHIG_CLASSES_SCRATCH;
			release->waiting[i].member = member->member;
			release->waiting[i].cls = member->cls;
			to->waiting[i] = here(from->values, from->nvalues, (int32) from->further[done + i]);
		}
		release->nwaiting = count;
		phig_members_add_values(part->into, to);
		release->nwaiting = 0;
	}
}

static void
merge_rows(Part *part)
{
	Membership *membership = part->membership;
	PhigCodes  *persons = membership->slices[PHIG_CLASSES_SCRATCH].persons;
	int			nsensitive = membership == &part->into->release ? part->into->nsensitive : 0;
	const int64 *nrows = phig_packed_take(part->reader, sizeof(int64));
	const char *rows = phig_packed_take_array(part->reader, *nrows, membership->row_size);

	for (int64 done = 0; done < *nrows; done += PHIG_CLASSES_BATCH)
	{
		int			count = Min(PHIG_CLASSES_BATCH, *nrows - done);

		for (int i = 0; i < count; i++)
		{
			const SliceRow *row = phig_slice_row(membership, rows, done + i);
			Waiting    *waiting = &membership->waiting[i];

			waiting->value.isnull = row->cls < 0;
			waiting->value.value = waiting->value.isnull || membership->by_value ? row->person :
				phig_codes_read_value(persons, part->reader);
			waiting->hash = row->hash;
			waiting->slice = PHIG_CLASSES_SCRATCH;
			waiting->cls = here(part->classes, part->nclasses, row->cls < 0 ? ~row->cls : row->cls);
			phig_codes_expect(persons, row->hash);
			for (int column = 0; column < nsensitive; column++)
				part->into->sensitive[column].waiting[i] =
					here(part->columns[column].values, part->columns[column].nvalues, row->values[column]);
		}
		membership->nwaiting = count;
		phig_members_find_persons(part->into, membership);
		place_members(part);
	}
}

/* What stands for a code of the part. */
static inline int32
here(const int32 *codes, int32 count, int32 code)
{
	if ((uint32) code >= (uint32) count)
		phig_packed_damaged();
	return codes[code];
}
