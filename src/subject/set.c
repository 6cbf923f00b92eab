/*
 * set.c
 *		The persons of one record.
 *
 * A person is known by a 64-bit keyed hash of its key: that two of a thousand persons have the same is a matter of
 * one in 10^13.  An HMAC, which is dear, is made of each person once, and of none behind the cap.
 *
 * Counting: of all persons those are remembered whose hash begins with `level` zero bits; whenever they are too
 * many, the level grows and half of them are forgotten.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#include "settings.h"
#include "subject/set.h"
#include "subject/token.h"

/* So many are looked through one by one. */
#define FEW 16

/* So many hashes are remembered at most, where the cap is not higher. */
#define SAMPLE 8192

/* Tokens in one record. */
#define CHUNK 1024

typedef struct Member
{
	uint64		hash;
	char		status;
} Member;

#define SH_PREFIX members
#define SH_ELEMENT_TYPE Member
#define SH_KEY_TYPE uint64
#define SH_KEY hash
#define SH_HASH_KEY(tb, key) ((uint32) ((key) >> 17))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct PhigPersonSet
{
	MemoryContext context;
	uint8		manner;
	bool		unnamed;
	bool		unnamed_written;
	uint64		latest;			/* hash of the person added last */
	bool		any;
	int			cap;
	int			ntokens;
	int			nwritten;
	int			room;			/* for tokens */
	uint8		(*tokens)[PHIG_TOKEN_BYTES];
	uint64		few[FEW];		/* while members is NULL */
	members_hash *members;
	int			level;
	uint8	   *summary;		/* NULL while all are named */
};

static bool is_new(PhigPersonSet *set, uint64 hash);
static void make_members(PhigPersonSet *set);
static void add_token(PhigPersonSet *set, const char *space, const char *text, int len);
static void begin_summary(PhigPersonSet *set);
static void count(PhigPersonSet *set, uint64 hash);
static uint64 persons(const PhigPersonSet *set);

/* A set that holds few persons is used again: most statements have one. */
static PhigPersonSet *spare = NULL;

PhigPersonSet *
phig_persons_create(uint8 manner)
{
	PhigPersonSet *set = spare;
	MemoryContext context;

	spare = NULL;
	if (set == NULL)
	{
		context = AllocSetContextCreate(TopMemoryContext, "phiguard persons of a record", ALLOCSET_SMALL_SIZES);
		set = MemoryContextAllocZero(context, sizeof(PhigPersonSet));
		set->context = context;
		set->room = FEW;
		set->tokens = MemoryContextAlloc(context, FEW * PHIG_TOKEN_BYTES);
	}
	set->manner = manner;
	set->cap = phig_subjects_per_record;
	return set;
}

void
phig_persons_free(PhigPersonSet *set)
{
	if (spare != NULL || set->members != NULL || set->summary != NULL || set->room > FEW)
	{
		MemoryContextDelete(set->context);
		return;
	}
	set->unnamed = set->unnamed_written = set->any = false;
	set->ntokens = set->nwritten = 0;
	spare = set;
}

void
phig_persons_unnamed(PhigPersonSet *set)
{
	set->unnamed = true;
}

void
phig_persons_add(PhigPersonSet *set, uint64 hash, const char *space, const char *text, int len)
{
	if (set->any && set->latest == hash)
		return;
	if (set->summary == NULL)
	{
		if (set->any && !is_new(set, hash))
		{
			set->latest = hash;
			return;
		}
		if (set->ntokens < set->cap)
		{
			add_token(set, space, text, len);
			if (set->members == NULL && set->ntokens <= FEW)
				set->few[set->ntokens - 1] = hash;
			else
				count(set, hash);
			set->any = true;
			set->latest = hash;
			return;
		}
		begin_summary(set);
	}
	phig_summary_add(set->summary, hash);
	count(set, hash);
	set->any = true;
	set->latest = hash;
}

void
phig_persons_write(PhigPersonSet *set, PhigJournalTicket *ticket, bool last)
{
	for (; set->nwritten < set->ntokens; set->nwritten += Min(CHUNK, set->ntokens - set->nwritten))
	{
		int			n = Min(CHUNK, set->ntokens - set->nwritten);

		phig_journal_persons(ticket, set->nwritten + n, PHIG_PERSONS_TOKENS, set->manner,
							 set->tokens[set->nwritten], n);
	}
	if (last && set->summary != NULL)
	{
		uint32		bytes = phig_summary_fold(set->summary);

		phig_journal_persons(ticket, persons(set), PHIG_PERSONS_SUMMARY, set->manner, set->summary, bytes);
	}
	if (set->unnamed && !set->unnamed_written)
	{
		phig_journal_persons(ticket, 0, PHIG_PERSONS_COUNT, set->manner, NULL, 0);
		set->unnamed_written = true;
	}
}

static bool
is_new(PhigPersonSet *set, uint64 hash)
{
	if (set->members != NULL)
		return members_lookup(set->members, hash) == NULL;
	for (int i = 0; i < set->ntokens; i++)
		if (set->few[i] == hash)
			return false;
	return true;
}

static void
add_token(PhigPersonSet *set, const char *space, const char *text, int len)
{
	if (set->ntokens == set->room)
	{
		set->tokens = repalloc(set->tokens, 2 * set->room * PHIG_TOKEN_BYTES);
		set->room *= 2;
	}
	phig_person_token(space, text, len, set->tokens[set->ntokens]);
	set->ntokens++;
}

/* From a list to a table. */
static void
make_members(PhigPersonSet *set)
{
	bool		found;

	set->members = members_create(set->context, 4 * FEW, NULL);
	for (int i = 0; i < Min(set->ntokens, FEW); i++)
		members_insert(set->members, set->few[i], &found);
}

static void
begin_summary(PhigPersonSet *set)
{
	members_iterator scan;
	Member	   *member;

	if (set->members == NULL)
		make_members(set);
	set->summary = MemoryContextAllocZero(set->context, PHIG_SUMMARY_MAX_BYTES);
	members_start_iterate(set->members, &scan);
	while ((member = members_iterate(set->members, &scan)) != NULL)
		phig_summary_add(set->summary, member->hash);
}

static inline bool
is_sampled(const PhigPersonSet *set, uint64 hash)
{
	return set->level == 0 || hash >> (64 - set->level) == 0;
}

static void
count(PhigPersonSet *set, uint64 hash)
{
	bool		found;

	if (!is_sampled(set, hash))
		return;
	if (set->members == NULL)
		make_members(set);
	members_insert(set->members, hash, &found);
	/* All that have a token are members while there is no summary. */
	while (set->summary != NULL && set->members->members > (uint32) Max(SAMPLE, set->cap))
	{
		members_hash *fewer = members_create(set->context, SAMPLE, NULL);
		members_iterator scan;
		Member	   *member;

		set->level++;
		members_start_iterate(set->members, &scan);
		while ((member = members_iterate(set->members, &scan)) != NULL)
			if (is_sampled(set, member->hash))
				members_insert(fewer, member->hash, &found);
		members_destroy(set->members);
		set->members = fewer;
	}
}

static uint64
persons(const PhigPersonSet *set)
{
	return set->members == NULL ? (uint64) set->ntokens : (uint64) set->members->members << set->level;
}
