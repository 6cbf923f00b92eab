/*
 * pick.c
 *		Which segments a search has to look into, by their summaries.
 *
 * A summary that is missing, or does not fit its segment, costs time and no row: then the segment is looked into, or,
 * for a search by subject, summarized in memory.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "journal/crc32c.h"
#include "journal/pick.h"

/* What is kept of a file's summary, which may be large. */
typedef struct PickFile
{
	bool		asked;			/* its summary was looked for */
	bool		known;			/* and is had */
	bool		wanted;			/* by the search; counts when known */
	bool		has_later;		/* later segments may name persons that are searched for, of rows
								 * here */
	bool		blind;			/* later segments name persons of which executions is not known */
	uint32		state;			/* PHIG_SUMMARY_... */
	uint32		hits;			/* 1 << clause, of those by subject that rows here may fulfil */
	uint32		late_hits;		/* the same of rows that begin earlier and name persons here */
	uint32		nlate;
	uint32		nopen;
	uint64	   *late;
	uint64	   *open;
} PickFile;

struct PhigPick
{
	MemoryContext context;
	MemoryContext once;			/* of one summary */
	PhigSource *source;
	const PhigSearch *search;	/* NULL: none yet */
	HTAB	   *later;			/* numbers of start records whose persons later segments may name */
	PickFile   *files;
};

PhigPick *
phig_pick_create(PhigSource *source)
{
	PhigPick   *pick = palloc0(sizeof(PhigPick));

	pick->context = CurrentMemoryContext;
	pick->once = AllocSetContextCreate(CurrentMemoryContext, "phiguard summary", ALLOCSET_DEFAULT_SIZES);
	pick->source = source;
	pick->files = palloc0(Max(source->nfiles, 1) * sizeof(PickFile));
	return pick;
}

static uint64 *
copy_numbers(PhigPick *pick, const uint64 *numbers, uint32 n)
{
	uint64	   *copy = MemoryContextAlloc(pick->context, Max(n, 1) * sizeof(uint64));

	memcpy(copy, numbers, n * sizeof(uint64));
	return copy;
}

static void
note_numbers(PhigPick *pick, PickFile *file, const PhigSummary *summary)
{
	if (file->late != NULL)
		return;
	file->late = copy_numbers(pick, phig_summary_late(summary), summary->nlate);
	file->nlate = summary->nlate;
	file->open = copy_numbers(pick, phig_summary_open(summary), summary->nopen);
	file->nopen = summary->nopen;
}

static uint32
subject_hits(const PhigSearch *search, const PhigSummary *summary, bool late)
{
	uint32		hits = search->record_clauses;

	for (int i = 0; i < search->nclauses; i++)
		if (!search->clauses[i].by_record && phig_search_clause(search, i, summary, late))
			hits |= (uint32) 1 << i;
	return hits;
}

/* Look for the file's summary; with make, make one where there is none. */
static void
ask(PhigPick *pick, int index, bool make)
{
	PickFile   *file = &pick->files[index];
	MemoryContext old;
	PhigSummary *summary;

	if (file->asked && (file->known || !make))
		return;
	CHECK_FOR_INTERRUPTS();
	old = MemoryContextSwitchTo(pick->once);
	summary = phig_source_summary(pick->source, index, make);
	MemoryContextSwitchTo(old);
	file->asked = true;
	file->known = summary != NULL;
	if (summary != NULL)
	{
		file->state = summary->state;
		file->wanted = phig_search_summary(pick->search, summary);
		file->hits = subject_hits(pick->search, summary, false);
		file->late_hits = subject_hits(pick->search, summary, true);
		note_numbers(pick, file, summary);
	}
	MemoryContextReset(pick->once);
}

/* The file of the same node in which the record of this number stands; -1: none that is known. */
static int
find_record(const PhigSource *source, int index, uint64 seq)
{
	for (int i = index - 1; i >= 0 && !source->files[i].last; i--)
		if (source->files[i].state == PHIG_HEADER_OK && source->files[i].header.first_seq <= seq)
			return i;
	return -1;
}

/* Executions that go on in this file are rows of earlier ones. */
static void
hand_back(PhigPick *pick, int index)
{
	const PickFile *file = &pick->files[index];
	uint32		hits = file->known ? file->late_hits : PG_UINT32_MAX;

	if (!file->known || (file->state & PHIG_SUMMARY_LATE_MISSING) != 0)
	{
		for (int i = index - 1; i >= 0 && !pick->source->files[i].last; i--)
		{
			pick->files[i].hits |= hits;
			pick->files[i].blind = true;
		}
		return;
	}
	if (hits == pick->search->record_clauses)
		return;
	for (uint32 n = 0; n < file->nlate; n++)
	{
		uint64		seq = PHIG_LATE_SEQ(file->late[n]);
		int			i;

		if ((file->late[n] & PHIG_LATE_PERSONS) == 0)
			continue;
		hash_search(pick->later, &seq, HASH_ENTER, NULL);
		i = find_record(pick->source, index, seq);
		if (i < 0)
			continue;
		pick->files[i].hits |= hits;
		pick->files[i].has_later = true;
	}
}

bool
phig_pick_may_have_later(const PhigPick *pick, int index)
{
	const PickFile *file = &pick->files[index];

	return !file->known || file->has_later || file->blind;
}

bool
phig_pick_names_later(const PhigPick *pick, int index, uint64 seq)
{
	return pick->files[index].blind || hash_search(pick->later, &seq, HASH_FIND, NULL) != NULL;
}

bool
phig_pick_later(const PhigPick *pick, int index, uint64 **numbers, int *n)
{
	const PickFile *file = &pick->files[index];
	HASH_SEQ_STATUS status;
	uint64	   *seq;

	*numbers = NULL;
	*n = 0;
	if (!file->known || file->blind)
		return false;
	if (!file->has_later)
		return true;
	*numbers = palloc(hash_get_num_entries(pick->later) * sizeof(uint64));
	hash_seq_init(&status, pick->later);
	while ((seq = hash_seq_search(&status)) != NULL)
		(*numbers)[(*n)++] = *seq;
	return true;
}

static int
compare_late(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = PHIG_LATE_SEQ(*(const uint64 *) b);

	return x < y ? -1 : x > y;
}

static const uint64 *
find_late(const PickFile *file, uint64 seq)
{
	return file->nlate == 0 ? NULL : bsearch(&seq, file->late, file->nlate, sizeof(uint64), compare_late);
}

/* Does a later segment of the node have the end? */
static bool
has_end(const PhigPick *pick, int index, uint64 seq)
{
	while (!pick->source->files[index++].last)
	{
		const uint64 *late = pick->files[index].known ? find_late(&pick->files[index], seq) : NULL;

		if (late != NULL && (*late & PHIG_LATE_END) != 0)
			return true;
	}
	return false;
}

/* Executions that began here and have no end are rows of this file. */
static void
note_open(PhigPick *pick, int index, uint32 hits)
{
	PickFile   *file = &pick->files[index];
	bool		open = (file->state & PHIG_SUMMARY_OPEN_MISSING) != 0;

	for (uint32 i = 0; !open && i < file->nopen; i++)
		open = !has_end(pick, index, file->open[i]);
	if (open)
		file->hits |= hits;
}

bool
phig_pick_open(const PhigPick *pick, int index, uint64 **numbers, int *n)
{
	const PickFile *file = &pick->files[index];

	*numbers = NULL;
	*n = 0;
	if (!file->known || (file->state & PHIG_SUMMARY_OPEN_MISSING) != 0)
		return false;
	*numbers = palloc(Max(file->nopen, 1) * sizeof(uint64));
	for (uint32 i = 0; i < file->nopen; i++)
		if (!has_end(pick, index, file->open[i]))
			(*numbers)[(*n)++] = file->open[i];
	return true;
}

void
phig_pick_begin(PhigPick *pick, const PhigSearch *search)
{
	HASHCTL		ctl = {.keysize = sizeof(uint64), .entrysize = sizeof(uint64), .hcxt = pick->context};

	pick->search = search;
	for (int i = 0; i < pick->source->nfiles; i++)
		pick->files[i].asked = pick->files[i].known = pick->files[i].has_later = pick->files[i].blind = false;
	if (!search->by_subject)
		return;
	if (pick->later != NULL)
		hash_destroy(pick->later);
	pick->later = hash_create("phiguard search: later", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int i = 0; i < pick->source->nfiles; i++)
		ask(pick, i, true);
	for (int i = 0; i < pick->source->nfiles; i++)
	{
		hand_back(pick, i);
		if (phig_search_open(search) != 0)
			note_open(pick, i, phig_search_open(search));
	}
}

bool
phig_pick_wants(PhigPick *pick, int index)
{
	const PhigSearch *search = pick->search;
	const PickFile *file = &pick->files[index];
	uint32		all = search->nclauses == 32 ? PG_UINT32_MAX : ((uint32) 1 << search->nclauses) - 1;

	if (search->nclauses == 0)
		return true;
	ask(pick, index, false);
	return !file->known || (file->wanted && (!search->by_subject || (file->hits & all) == all));
}

bool
phig_pick_passes(PhigPick *pick, int index, HTAB *waiting)
{
	const PickFile *file = &pick->files[index];
	HASH_SEQ_STATUS status;
	uint64	   *seq;

	ask(pick, index, false);
	if (!file->known || (file->state & ~PHIG_SUMMARY_OPEN_MISSING) != 0)
		return false;
	hash_seq_init(&status, waiting);
	while ((seq = hash_seq_search(&status)) != NULL)
		if (find_late(file, *seq) != NULL)
		{
			hash_seq_term(&status);
			return false;
		}
	return true;
}
