/*
 * set.c
 *		The persons of one record.
 *
 * A person is known by a 64-bit keyed hash of its key: that two of a thousand persons have the same is a matter of
 * one in 10^13.  An HMAC, which is dear, is made of each person once, and of none behind the cap.
 *
 * Counting: of all persons those are remembered whose hash begins with `level` zero bits; whenever they are too
 * many, the level grows and half of them are forgotten.
 *
 * A scan brings persons by the million.  Behind the cap keys wait until there are many.  What the summary would know a
 * person by is dear, and is not computed once it holds so many that it rules out next to nobody: who waited then, or
 * comes after, is counted only.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "compat.h"
#include "settings.h"
#include "subject/path.h"
#include "subject/set.h"
#include "subject/spelling.h"
#include "subject/token.h"

/* So many are looked through one by one. */
#define FEW 16

/* So many persons are remembered at most, where the cap is not higher: the count is right within some per cent. */
#define SAMPLE 2048

/* Tokens in one record. */
#define CHUNK 1024

/* With so many persons a summary does not rule out one in two of the others: it becomes one of everybody. */
#define SUMMARY_PERSONS (PHIG_SUMMARY_MAX_BYTES * 4)

/* Room for numbers that wait, at first: SUMMARY_PERSONS is this, doubled some times. */
#define BATCH 256

/* Bytes of texts that wait at most. */
#define TEXTS_MAX (4 * 1024 * 1024)

/* A digit more than an int64 has, a sign, a zero byte. */
#define NUMBER_BYTES 22

/* The two hashes of a person: who it is, cheap for a number; and its places in a summary. */
typedef struct Person
{
	uint64		id;
	uint64		places;
} Person;

typedef struct Member
{
	Person		person;
	char		status;
} Member;

#define SH_PREFIX members
#define SH_ELEMENT_TYPE Member
#define SH_KEY_TYPE uint64
#define SH_KEY person.id
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
	PhigPersonSpace *spaces;
	int			cap;
	int			ntokens;
	int			nwritten;
	int			room;			/* for tokens */
	uint8		(*tokens)[PHIG_TOKEN_BYTES];
	Person		few[FEW];		/* while members is NULL */
	members_hash *members;
	int			level;
	uint8	   *summary;		/* NULL while all are named */
	bool		everybody;		/* the summary is of everybody */
	bool		once;			/* each person comes once */
	bool		are_rows;		/* and how many have come is how many rows there are */
	uint64		come;			/* so many have, behind the cap: counted there where each comes
								 * once */
};

static void add_number(PhigPersonSpace *space, int64 number);
static void add(PhigPersonSpace *space, Person person, const char *text, int len);
static void add_behind(PhigPersonSet *set, Person person);
static bool wait_as_text(PhigPersonSpace *space, const char *text, int len);
static void make_room(PhigPersonSpace *space);
static void add_waiting(PhigPersonSpace *space);
static void count_once(PhigPersonSpace *space);
static void count_waiting(PhigPersonSpace *space);
static void summarize_waiting(PhigPersonSpace *space);
static void add_all_waiting(PhigPersonSet *set);
static bool is_new(PhigPersonSet *set, uint64 id);
static void make_members(PhigPersonSet *set);
static void add_token(PhigPersonSpace *space, const char *text, int len);
static void begin_summary(PhigPersonSet *set);
static void count(PhigPersonSet *set, Person person);
static void become_everybody(PhigPersonSet *set);
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
	set->unnamed = set->unnamed_written = set->once = set->are_rows = false;
	set->ntokens = set->nwritten = 0;
	spare = set;
}

PhigPersonSpace *
phig_persons_space(PhigPersonSet *set, const char *name)
{
	PhigPersonSpace *space = set->spaces;

	while (space != NULL && strcmp(space->name, name) != 0)
		space = space->next;
	if (space == NULL)
	{
		space = MemoryContextAllocZero(set->context, sizeof(PhigPersonSpace));
		space->set = set;
		space->waits = set->summary != NULL;
		strlcpy(space->name, name, sizeof(space->name));
		space->next = set->spaces;
		set->spaces = space;
	}
	/* A set that is used again may have it from before a change of the key. */
	phig_person_prepare(name, &space->hash);
	return space;
}

void
phig_persons_come_once(PhigPersonSet *set)
{
	set->once = true;
}

void
phig_persons_are_rows(PhigPersonSet *set)
{
	set->are_rows = true;
}

void
phig_persons_rows(PhigPersonSet *set, uint64 rows)
{
	if (set->are_rows)
		set->come = rows;
}

void
phig_persons_unnamed(PhigPersonSet *set)
{
	set->unnamed = true;
}

static inline bool
is_sampled(const PhigPersonSet *set, uint64 id)
{
	return set->level == 0 || id >> (64 - set->level) == 0;
}

static inline uint64
id_of_number(const PhigPersonSpace *space, int64 number)
{
	return phig_compat_murmurhash64((uint64) number ^ space->hash.key[0]) ^ space->hash.key[1];
}

/*
 * Of a text of 4 to 16 bytes: its first and its last ones, which overlap, and the length are all of it.  The length
 * goes in as a multiple that nobody knows: as it is it would make 00000001 and 000000001 one person.
 */
static inline uint64
id_of_text(const PhigPersonSpace *space, const char *text, int len)
{
	const uint64 *key = space->hash.key;
	uint64		first = 0;
	uint64		last = 0;

	if (len < 4 || len > 16)
		return phig_person_hash(&space->hash, text, len);
	if (len < 8)
	{
		memcpy(&first, text, 4);
		memcpy(&last, text + len - 4, 4);
	}
	else
	{
		memcpy(&first, text, 8);
		memcpy(&last, text + len - 8, 8);
	}
	return phig_compat_murmurhash64(phig_compat_murmurhash64((first ^ key[0]) + len * (key[1] | 1)) + (last ^ key[1]));
}

void
phig_persons_add_now(PhigPersonSpace *space, int64 number)
{
	if (!space->waits)
	{
		add_number(space, number);
		return;
	}
	if (space->counted == NULL)
		make_room(space);
	if (space->counted != NULL)
		(*space->counted)++;
	else
		space->waiting[space->nwaiting++] = number;
}

/* For one more number: more memory, or the others need not wait any more.  Few fit a near cache. */
static void
make_room(PhigPersonSpace *space)
{
	PhigPersonSet *set = space->set;

	if (space->room >= (set->everybody ? BATCH : SUMMARY_PERSONS))
	{
		add_waiting(space);
		return;
	}
	if (space->waiting == NULL)
		space->waiting = MemoryContextAlloc(set->context, BATCH * sizeof(int64));
	else
		space->waiting = repalloc(space->waiting, 2 * space->room * sizeof(int64));
	space->room = Max(BATCH, 2 * space->room);
}

void
phig_persons_add(PhigPersonSpace *space, const char *text, int len)
{
	int64		number;
	Person		person;

	/* One person, whatever the type of the column that holds the key. */
	if (phig_spelling_is_number(text, len, &number))
	{
		phig_persons_add_number(space, number);
		return;
	}
	if (space->waits && wait_as_text(space, text, len))
		return;
	person.id = id_of_text(space, text, len);
	if (space->set->everybody && !is_sampled(space->set, person.id))
		return;
	person.places = phig_person_hash(&space->hash, text, len);
	add(space, person, text, len);
}

/* Behind the cap; false: it does not wait. */
static bool
wait_as_text(PhigPersonSpace *space, const char *text, int len)
{
	MemoryContext old;

	if (space->counted != NULL)
	{
		(*space->counted)++;
		return true;
	}
	if (space->set->everybody || len > PG_UINT8_MAX)
		return false;
	if (space->ntexts >= SUMMARY_PERSONS || space->texts.len + len >= TEXTS_MAX)
	{
		add_waiting(space);
		return wait_as_text(space, text, len);
	}
	old = MemoryContextSwitchTo(space->set->context);
	if (space->texts.data == NULL)
		initStringInfo(&space->texts);
	appendStringInfoCharMacro(&space->texts, (char) len);
	appendBinaryStringInfo(&space->texts, text, len);
	MemoryContextSwitchTo(old);
	space->ntexts++;
	return true;
}

static void
add(PhigPersonSpace *space, Person person, const char *text, int len)
{
	PhigPersonSet *set = space->set;

	if (set->summary != NULL)
	{
		add_behind(set, person);
		return;
	}
	if (!is_new(set, person.id))
		return;
	if (set->ntokens == set->cap)
	{
		begin_summary(set);
		add_behind(set, person);
		return;
	}
	add_token(space, text, len);
	if (set->members == NULL && set->ntokens <= FEW)
		set->few[set->ntokens - 1] = person;
	else
		count(set, person);
}

/* Behind the cap. */
static void
add_behind(PhigPersonSet *set, Person person)
{
	if (!set->everybody)
		phig_summary_add(set->summary, person.places);
	count(set, person);
}

/* Before the cap. */
static void
add_number(PhigPersonSpace *space, int64 number)
{
	Person		person = {.id = id_of_number(space, number), .places = phig_person_hash_number(&space->hash, number)};
	char		text[NUMBER_BYTES];

	add(space, person, text, pg_lltoa(number, text));
}

/* Those that are in the set already are known again, so an error does no harm. */
static void
add_waiting(PhigPersonSpace *space)
{
	PhigPersonSet *set = space->set;

	if (set->once)
		count_once(space);
	else
		count_waiting(space);
	if (!set->everybody)
		summarize_waiting(space);
	space->nwaiting = space->ntexts = space->texts.len = 0;
	if (set->everybody)
		space->room = Min(space->room, BATCH);
}

static void
count_once(PhigPersonSpace *space)
{
	PhigPersonSet *set = space->set;

	set->come += space->nwaiting + space->ntexts;
	if (set->come < SUMMARY_PERSONS)
		return;
	become_everybody(set);
	space->room = 0;
	space->counted = &set->come;
}

static void
count_waiting(PhigPersonSpace *space)
{
	const char *text = space->texts.data;
	Person		person = {0};

	for (int i = 0; i < space->nwaiting; i++)
	{
		person.id = id_of_number(space, space->waiting[i]);
		if (is_sampled(space->set, person.id))
			count(space->set, person);
	}
	for (int i = 0; i < space->ntexts; i++)
	{
		int			len = (uint8) *text++;

		person.id = id_of_text(space, text, len);
		count(space->set, person);
		text += len;
	}
}

static void
summarize_waiting(PhigPersonSpace *space)
{
	uint8	   *summary = space->set->summary;
	const char *text = space->texts.data;

	for (int i = 0; i < space->nwaiting; i++)
		phig_summary_add(summary, phig_person_hash_number(&space->hash, space->waiting[i]));
	for (int i = 0; i < space->ntexts; i++)
	{
		int			len = (uint8) *text++;

		phig_summary_add(summary, phig_person_hash(&space->hash, text, len));
		text += len;
	}
}

/* Without memory for one more nobody knows who they were. */
static void
add_all_waiting(PhigPersonSet *set)
{
	MemoryContext caller = CurrentMemoryContext;

	PG_TRY();
	{
		for (PhigPersonSpace *space = set->spaces; space != NULL; space = space->next)
			add_waiting(space);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		set->unnamed = true;
	}
	PG_END_TRY();
}

bool
phig_persons_fit_end(const PhigPersonSet *set)
{
	int			left = set->ntokens - set->nwritten;

	return set->summary == NULL && left <= (set->unnamed && !set->unnamed_written ? 0 : PHIG_END_TOKENS);
}

void
phig_persons_end(PhigPersonSet *set, PhigJournalTicket *ticket, PhigJournalEnd *end)
{
	if (!phig_persons_fit_end(set))
	{
		phig_persons_write(set, ticket, true);
		return;
	}
	end->ntokens = set->ntokens - set->nwritten;
	end->tokens = set->tokens[set->nwritten];
	if (end->ntokens > 0)
		end->form = PHIG_PERSONS_TOKENS;
	else if (set->unnamed && !set->unnamed_written)
		end->form = PHIG_PERSONS_COUNT;
	if (end->form != 0)
		end->manner = set->manner;
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
		uint32		bytes;

		add_all_waiting(set);
		bytes = set->everybody ? PHIG_SUMMARY_MIN_BYTES : phig_summary_fold(set->summary);
		phig_journal_persons(ticket, persons(set), PHIG_PERSONS_SUMMARY, set->manner, set->summary, bytes);
	}
	if (set->unnamed && !set->unnamed_written)
	{
		phig_journal_persons(ticket, 0, PHIG_PERSONS_COUNT, set->manner, NULL, 0);
		set->unnamed_written = true;
	}
}

static bool
is_new(PhigPersonSet *set, uint64 id)
{
	if (set->members != NULL)
		return members_lookup(set->members, id) == NULL;
	for (int i = 0; i < set->ntokens; i++)
		if (set->few[i].id == id)
			return false;
	return true;
}

static void
add_token(PhigPersonSpace *space, const char *text, int len)
{
	PhigPersonSet *set = space->set;

	if (set->ntokens == set->room)
	{
		set->tokens = repalloc(set->tokens, 2 * set->room * PHIG_TOKEN_BYTES);
		set->room *= 2;
	}
	phig_person_token(space->name, text, len, set->tokens[set->ntokens]);
	set->ntokens++;
}

/* From a list to a table. */
static void
make_members(PhigPersonSet *set)
{
	bool		found;

	set->members = members_create(set->context, 4 * FEW, NULL);
	for (int i = 0; i < Min(set->ntokens, FEW); i++)
		members_insert(set->members, set->few[i].id, &found)->person = set->few[i];
}

static void
begin_summary(PhigPersonSet *set)
{
	members_iterator scan;
	Member	   *member;

	for (PhigPersonSpace *space = set->spaces; space != NULL; space = space->next)
		space->waits = true;
	if (set->members == NULL)
		make_members(set);
	set->come = set->ntokens;
	set->summary = MemoryContextAllocZero(set->context, PHIG_SUMMARY_MAX_BYTES);
	members_start_iterate(set->members, &scan);
	while ((member = members_iterate(set->members, &scan)) != NULL)
		phig_summary_add(set->summary, member->person.places);
}

static void
count(PhigPersonSet *set, Person person)
{
	bool		found;

	if (set->once && set->summary != NULL)
	{
		set->come++;
		return;
	}
	if (!is_sampled(set, person.id))
		return;
	if (set->members == NULL)
		make_members(set);
	members_insert(set->members, person.id, &found)->person = person;
	/* All that have a token are members while there is no summary. */
	while (set->summary != NULL && set->members->members > (uint32) Max(SAMPLE, set->cap))
	{
		members_hash *fewer = members_create(set->context, SAMPLE, NULL);
		members_iterator scan;
		Member	   *member;

		set->level++;
		members_start_iterate(set->members, &scan);
		while ((member = members_iterate(set->members, &scan)) != NULL)
			if (is_sampled(set, member->person.id))
				members_insert(fewer, member->person.id, &found)->person = member->person;
		members_destroy(set->members);
		set->members = fewer;
	}
	if (!found && !set->everybody && set->summary != NULL && persons(set) >= SUMMARY_PERSONS)
		become_everybody(set);
}

static void
become_everybody(PhigPersonSet *set)
{
	memset(set->summary, 0xff, PHIG_SUMMARY_MAX_BYTES);
	set->everybody = true;
}

static uint64
persons(const PhigPersonSet *set)
{
	if (set->once && set->summary != NULL)
		return set->come;
	return set->members == NULL ? (uint64) set->ntokens : (uint64) set->members->members << set->level;
}
