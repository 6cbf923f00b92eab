/*
 * named.c
 *		Persons on record, gathered by the execution that they belong to.
 *
 * Few stand in its end record.  It may have many records of persons besides: each FETCH of a cursor adds one, many
 * persons come in chunks, and a parallel worker names those that it met.  A person may be in several, and counts once
 * as far as the records can tell.
 */
#include "postgres.h"

#include "lib/qunique.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "journal/named.h"
#include "subject/unite.h"

typedef struct NamedEntry
{
	uint64		seq;			/* hash key */
	PhigNamed	named;			/* its tokens unsorted; persons: most that one writer has named */
	int			room;			/* for tokens */
} NamedEntry;

struct PhigNamedTable
{
	MemoryContext context;
	HTAB	   *entries;		/* NULL while there are none */
};

static void add_tokens(NamedEntry *entry, const uint8 *data, int n);
static void add_entry(PhigNamed *named, const NamedEntry *entry);
static void count_persons(PhigNamed *named, int written);
static NamedEntry *find_entry(PhigNamedTable *table, uint64 seq);
static int	compare_tokens(const void *a, const void *b);

PhigNamedTable *
phig_named_create(void)
{
	PhigNamedTable *table = palloc0(sizeof(PhigNamedTable));

	table->context = AllocSetContextCreate(CurrentMemoryContext, "phiguard persons", ALLOCSET_SMALL_SIZES);
	return table;
}

void
phig_named_reset(PhigNamedTable *table)
{
	if (table->entries == NULL)
		return;
	MemoryContextReset(table->context);
	table->entries = NULL;
}

void
phig_named_add(PhigNamedTable *table, const PhigPersonsBody *body, const uint8 *data)
{
	MemoryContext old = MemoryContextSwitchTo(table->context);
	NamedEntry *entry;
	bool		found;

	if (table->entries == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(uint64), .entrysize = sizeof(NamedEntry), .hcxt = table->context};

		table->entries = hash_create("phiguard persons", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = hash_search(table->entries, &body->start_seq, HASH_ENTER, &found);
	if (!found)
	{
		memset(&entry->named, 0, sizeof(entry->named));
		entry->room = 0;
	}
	entry->named.manners |= 1 << (body->manner & 0x0f);
	if (body->form == PHIG_PERSONS_TOKENS)
	{
		entry->named.persons = Max(entry->named.persons, Min(body->persons, PG_INT32_MAX));
		add_tokens(entry, data, (int) body->n);
	}
	else if (body->form == PHIG_PERSONS_SUMMARY)
	{
		PhigNamedSummary *summary = palloc(offsetof(PhigNamedSummary, data) + body->n);

		summary->persons = body->persons;
		summary->bytes = body->n;
		memcpy(summary->data, data, body->n);
		entry->named.summaries = lappend(entry->named.summaries, summary);
	}
	else
		entry->named.unnamed = true;
	MemoryContextSwitchTo(old);
}

bool
phig_named_take(PhigNamedTable *here, PhigNamedTable *late, uint64 seq, PhigNamed *named)
{
	NamedEntry *a = find_entry(here, seq);
	NamedEntry *b = find_entry(late, seq);
	MemoryContext old;
	int			written;

	if (a == NULL && b == NULL)
		return false;
	memset(named, 0, sizeof(*named));
	old = MemoryContextSwitchTo(late->context);
	named->tokens = palloc(Max(1, (a ? a->named.ntokens : 0) + (b ? b->named.ntokens : 0)) * PHIG_TOKEN_BYTES);
	add_entry(named, a);
	add_entry(named, b);
	written = named->ntokens;
	qsort(named->tokens, named->ntokens, PHIG_TOKEN_BYTES, compare_tokens);
	named->ntokens = (int) qunique(named->tokens, named->ntokens, PHIG_TOKEN_BYTES, compare_tokens);
	count_persons(named, written);
	MemoryContextSwitchTo(old);
	return true;
}

void
phig_named_put_back(PhigNamedTable *late, uint64 seq, PhigNamed *named)
{
	pfree(named->tokens);
	list_free(named->summaries);
	phig_named_forget(late, seq);
}

void
phig_named_forget(PhigNamedTable *table, uint64 seq)
{
	NamedEntry *entry = find_entry(table, seq);

	if (entry == NULL)
		return;
	if (entry->named.tokens != NULL)
		pfree(entry->named.tokens);
	list_free_deep(entry->named.summaries);
	hash_search(table->entries, &seq, HASH_REMOVE, NULL);
}

bool
phig_named_has(const PhigNamed *named, const uint8 token[PHIG_TOKEN_BYTES])
{
	return bsearch(token, named->tokens, named->ntokens, PHIG_TOKEN_BYTES, compare_tokens) != NULL;
}

static void
add_tokens(NamedEntry *entry, const uint8 *data, int n)
{
	PhigNamed  *named = &entry->named;

	if (named->ntokens + n > entry->room)
	{
		entry->room = Max(2 * entry->room, named->ntokens + n);
		named->tokens = named->tokens == NULL ? palloc(entry->room * PHIG_TOKEN_BYTES) :
			repalloc(named->tokens, entry->room * PHIG_TOKEN_BYTES);
	}
	memcpy(named->tokens + named->ntokens, data, n * PHIG_TOKEN_BYTES);
	named->ntokens += n;
}

/* Its tokens are copied, its summaries are not. */
static void
add_entry(PhigNamed *named, const NamedEntry *entry)
{
	if (entry == NULL)
		return;
	if (entry->named.ntokens > 0)
		memcpy(named->tokens + named->ntokens, entry->named.tokens, entry->named.ntokens * PHIG_TOKEN_BYTES);
	named->ntokens += entry->named.ntokens;
	named->summaries = list_concat(named->summaries, entry->named.summaries);
	named->manners |= entry->named.manners;
	named->persons = Max(named->persons, entry->named.persons);
	named->unnamed |= entry->named.unnamed;
}

/* Of the tokens that were written, how many are of persons whom no writer with a summary has named, at most? */
static uint64
beside_summaries(const PhigNamed *named, int64 cap, int written)
{
	/* Each of those has named as many as any writer could, before it began its summary. */
	int64		beside = Min(named->ntokens - cap, written - list_length(named->summaries) * cap);

	return (uint64) Max(beside, 0);
}

/* From what the writers have counted, each for itself, and how many tokens they wrote. */
static void
count_persons(PhigNamed *named, int written)
{
	int			n = list_length(named->summaries);
	uint64		named_by_one = named->persons;
	PhigCountedSummary *summaries;
	ListCell   *lc;

	if (n == 0)
	{
		named->persons = named->at_least = Max(named_by_one, (uint64) named->ntokens);
		return;
	}
	summaries = palloc(n * sizeof(PhigCountedSummary));
	foreach(lc, named->summaries)
	{
		const PhigNamedSummary *summary = lfirst(lc);

		summaries[foreach_current_index(lc)] = (PhigCountedSummary)
		{
			summary->data, summary->bytes, summary->persons
		};
	}
	phig_summaries_unite(summaries, n, &named->at_least, &named->persons);
	pfree(summaries);
	named->at_least = Max(named->at_least, (uint64) named->ntokens);
	named->persons += beside_summaries(named, (int64) named_by_one, written);
	named->persons = Min(Max(named->persons, named->at_least), PG_INT64_MAX);
}

static NamedEntry *
find_entry(PhigNamedTable *table, uint64 seq)
{
	return table->entries == NULL ? NULL : hash_search(table->entries, &seq, HASH_FIND, NULL);
}

static int
compare_tokens(const void *a, const void *b)
{
	return memcmp(a, b, PHIG_TOKEN_BYTES);
}
