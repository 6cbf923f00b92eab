/*
 * summary.c
 *		What a closed segment holds, in a fiftieth of its size.
 *
 * The words of definitions (roles, purposes, columns ...) are one set.  The tokens of persons are a set for each block
 * of the segment, so that a search for a person reads those blocks alone; for that it also has to
 * know where definitions stand that these blocks use and other blocks have.
 *
 * Executions that began in an earlier segment are listed: by that list a search for a person finds
 * the segment with the start record, which is where the row belongs, and a search for an end passes over the
 * segments that have none.  Those that are open at the end are listed too: one that never ends may have seen
 * more persons than it names.
 */
#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "journal/chain.h"
#include "journal/crc32c.h"
#include "journal/journal.h"
#include "journal/summary.h"

/* Shares of the segment's bytes.  Sets of persons give way where all together take more than a fiftieth. */
#define SUMMARY_SHARE 50
#define SUBJECTS_SHARE 54
#define WORDS_SHARE 1024
#define LATE_SUBJECTS_SHARE 1024
#define LATE_SHARE 1024
#define OPEN_SHARE 2048
#define SHARED_SHARE 2048

typedef struct Builder
{
	PhigSummary head;
	uint64		first_seq;		/* of the segment */
	uint64		limit;			/* bytes of the segment */
	uint8	   *words;
	uint8	   *late_subjects;
	uint64	   *late;
	uint32		late_room;
	uint32		open_room;
	uint32		shared_room;
	PhigBlock  *blocks;
	uint64	   *tokens;			/* of the last block's persons, as keys */
	uint32		ntokens;
	uint32		tokens_room;
	uint8	   *subjects;		/* sets of the blocks before */
	uint64		subjects_left;	/* bytes that the blocks before left of their shares */
	HTAB	   *open;			/* numbers of start records without an end so far */
	HTAB	   *definitions;	/* Definition: those that are here */
	bool		prove;
	bool		disproved;		/* a seal is not that of its batch */
	PhigChain	chain;			/* with prove */
} Builder;

/* Where it stands, and which relations a statement reaches, as words of key PHIG_WORD_UNCAPTURED. */
typedef struct Definition
{
	uint8		id[PHIG_ID_BYTES];	/* hash key */
	uint64		offset;
	uint32		block;
	bool		shared;			/* another block uses it */
	int			nrelations;
	uint64	   *relations;
} Definition;

static void
add_word(Builder *builder, uint64 word)
{
	phig_keyset_add(&builder->head.words, builder->words, word);
}

/* The relation of a column: what stands before the last dot that no quotes enclose. */
static size_t
relation_length(const char *column, size_t len)
{
	bool		quoted = false;
	size_t		relation = 0;

	for (size_t i = 0; i < len; i++)
	{
		if (column[i] == '"')
			quoted = !quoted;
		else if (column[i] == '.' && !quoted)
			relation = i;
	}
	return relation;
}

static void
note_relation(Definition *definition, const char *column, size_t len)
{
	uint64		word = phig_summary_word(PHIG_WORD_UNCAPTURED, column, relation_length(column, len));

	/* Columns of one relation mostly stand together. */
	if (definition->nrelations > 0 && definition->relations[definition->nrelations - 1] == word)
		return;
	if (definition->relations == NULL)
		definition->relations = palloc(sizeof(uint64));
	else
		definition->relations = repalloc(definition->relations, (definition->nrelations + 1) * sizeof(uint64));
	definition->relations[definition->nrelations++] = word;
}

static void
note_definition(Builder *builder, const PhigRecord *record)
{
	const char *cursor = (const char *) record->body + sizeof(PhigDefinitionBody);
	const char *end = (const char *) record->body + record->head.body_bytes;
	PhigLine	line;
	char		value[PHIG_RECORD_MAX_BYTES];
	Definition *definition;
	bool		found;

	definition = hash_search(builder->definitions, record->body, HASH_ENTER, &found);
	if (found)
		return;
	definition->offset = record->offset;
	definition->block = builder->head.nblocks - 1;
	definition->shared = false;
	definition->nrelations = 0;
	definition->relations = NULL;
	while (phig_parse_line(&cursor, end, &line))
	{
		size_t		len;

		if (!phig_summary_is_word(line.key))
			continue;
		len = phig_parse_value(&line, value);
		add_word(builder, phig_summary_word(line.key, value, len));
		if (line.key == 'r' || line.key == 'e' || line.key == 's')
			note_relation(definition, value, len);
		if (line.key == 't' && line.len >= 12 && strncmp(line.value, "SERVER ST", 9) == 0)
			builder->head.state |= PHIG_SUMMARY_SERVER_EVENT;
	}
}

static Definition *
use_definition(Builder *builder, const uint8 *id)
{
	Definition *definition = hash_search(builder->definitions, id, HASH_FIND, NULL);

	if (definition == NULL)
		builder->head.state |= PHIG_SUMMARY_UNRESOLVED;
	else if (definition->block != builder->head.nblocks - 1)
		definition->shared = true;
	return definition;
}

/* A start record or an event. */
static void
note_execution(Builder *builder, const PhigRecord *record, const uint8 *statement, const uint8 *session,
			   uint32 kind, uint32 flags)
{
	Definition *definition = use_definition(builder, statement);

	(void) use_definition(builder, session);
	builder->head.kinds |= kind < 32 ? (uint32) 1 << kind : PG_UINT32_MAX;
	builder->head.flags |= flags;
	for (int i = 0; definition != NULL && (flags & PHIG_FLAG_PERSONS) == 0 && i < definition->nrelations; i++)
		add_word(builder, definition->relations[i]);
	if (record->head.type == PHIG_RECORD_START && (flags & PHIG_FLAG_PERSONS) != 0)
		hash_search(builder->open, &record->head.seq, HASH_ENTER, NULL);
}

/* Something of the execution that began with this record stands here; true if that was in an earlier segment. */
static bool
note_part(Builder *builder, uint64 start_seq, uint64 part)
{
	PhigSummary *head = &builder->head;
	uint64		late = PHIG_LATE(start_seq) | part;

	if (part == PHIG_LATE_END)
		hash_search(builder->open, &start_seq, HASH_REMOVE, NULL);
	if (start_seq >= builder->first_seq)
		return false;
	if (head->nlate > 0 && builder->late[head->nlate - 1] == late)
		return true;
	if (head->nlate == builder->late_room)
		head->state |= PHIG_SUMMARY_LATE_MISSING;
	else
		builder->late[head->nlate++] = late;
	return true;
}

static void
note_token(Builder *builder, const uint8 *token, bool late)
{
	uint64		key = phig_summary_token(token);

	if (builder->ntokens == builder->tokens_room)
	{
		builder->tokens_room *= 2;
		builder->tokens = repalloc_huge(builder->tokens, builder->tokens_room * sizeof(uint64));
	}
	builder->tokens[builder->ntokens++] = key;
	if (late)
		phig_keyset_add(&builder->head.late_subjects, builder->late_subjects, key);
}

static void
note_persons(Builder *builder, const PhigRecord *record)
{
	PhigPersonsBody body;
	const uint8 *data;
	bool		late;

	if (!phig_parse_persons(record, &body, &data))
		return;
	late = note_part(builder, body.start_seq, PHIG_LATE_PERSONS);
	builder->head.forms |= (uint32) 1 << (body.form % 32);
	if (late)
		builder->head.late_forms |= (uint32) 1 << (body.form % 32);
	else
		builder->blocks[builder->head.nblocks - 1].forms |= (uint32) 1 << (body.form % 32);
	for (uint32 i = 0; body.form == PHIG_PERSONS_TOKENS && i < body.n; i++)
		note_token(builder, data + (Size) i * PHIG_TOKEN_BYTES, late);
}

/* The persons of the last block, as a set. */
static void
end_block(Builder *builder)
{
	PhigSummary *head = &builder->head;
	PhigBlock  *block;
	uint64		bytes;

	if (head->nblocks == 0)
		return;
	block = &builder->blocks[head->nblocks - 1];
	builder->subjects_left += PHIG_BLOCK_BYTES / SUBJECTS_SHARE;
	bytes = phig_prints_make(&block->subjects, builder->tokens, builder->ntokens, builder->subjects_left,
							 builder->subjects + head->subjects_bytes);
	block->subjects.begin = head->subjects_bytes;
	builder->subjects_left -= bytes;
	head->subjects_bytes += bytes;
	builder->ntokens = 0;
}

/* The record may be the first of a block. */
static void
note_block(Builder *builder, const PhigRecord *record)
{
	PhigSummary *head = &builder->head;
	bool		repeats = record->head.type == PHIG_RECORD_SEAL || record->head.type == PHIG_RECORD_CHECKPOINT;

	while (head->nblocks <= record->offset / PHIG_BLOCK_BYTES)
	{
		end_block(builder);
		builder->blocks[head->nblocks++] = (PhigBlock)
		{
			.offset = record->offset,
				.first_seq = record->head.seq + repeats
		};
	}
}

/* A seal is that of the bytes before it. */
static void
prove_seal(Builder *builder, const PhigRecord *record)
{
	uint8		hash[PHIG_HASH_BYTES];

	if (!phig_hash_end(hash) || memcmp(hash, record->body, PHIG_HASH_BYTES) != 0)
		builder->disproved = true;
	phig_chain_advance(&builder->chain, record->bytes, record->offset + record->head.length);
	phig_chain_begin_batch(&builder->chain);
}

static void
prove_record(Builder *builder, const PhigRecord *record)
{
	if (record->head.type == PHIG_RECORD_SEAL)
		prove_seal(builder, record);
	else
		phig_hash_add(record->bytes, record->head.length);
}

static void
note_record(Builder *builder, const PhigRecord *record)
{
	PhigStartBody start;
	PhigEventBody event;
	PhigEndBody end;

	if (builder->prove)
		prove_record(builder, record);
	note_block(builder, record);
	switch (record->head.type)
	{
		case PHIG_RECORD_DEFINITION:
			note_definition(builder, record);
			break;
		case PHIG_RECORD_START:
			phig_parse_start(record, &start);
			note_execution(builder, record, start.statement, start.session, start.kind, start.flags);
			break;
		case PHIG_RECORD_EVENT:
			phig_parse_event(record, &event);
			note_execution(builder, record, event.statement, event.session, event.kind, event.flags);
			break;
		case PHIG_RECORD_END:
			phig_parse_end(record, &end);
			note_part(builder, end.start_seq, PHIG_LATE_END);
			note_persons(builder, record);
			break;
		case PHIG_RECORD_PERSONS:
			note_persons(builder, record);
			break;
		default:
			break;				/* seals and checkpoints are for verify_journal() */
	}
	builder->head.last_seq = record->head.seq;
}

/* Sorted; what is said of one execution becomes one. */
static void
sort_late(Builder *builder)
{
	uint64	   *late = builder->late;
	uint32		n = 0;

	qsort(late, builder->head.nlate, sizeof(uint64), phig_keyset_compare);
	for (uint32 i = 0; i < builder->head.nlate; i++)
		if (n > 0 && PHIG_LATE_SEQ(late[n - 1]) == PHIG_LATE_SEQ(late[i]))
			late[n - 1] |= late[i];
		else
			late[n++] = late[i];
	builder->head.nlate = n;
}

/* The numbers in open, sorted. */
static uint64 *
list_open(Builder *builder)
{
	long		n = hash_get_num_entries(builder->open);
	uint64	   *list = palloc_extended(Max(n, 1) * sizeof(uint64), MCXT_ALLOC_HUGE);
	HASH_SEQ_STATUS status;
	uint64	   *seq;

	if (n > builder->open_room)
	{
		builder->head.state |= PHIG_SUMMARY_OPEN_MISSING;
		return list;
	}
	hash_seq_init(&status, builder->open);
	while ((seq = hash_seq_search(&status)) != NULL)
		list[builder->head.nopen++] = *seq;
	qsort(list, builder->head.nopen, sizeof(uint64), phig_keyset_compare);
	return list;
}

/* Definitions that several blocks use, sorted. */
static uint64 *
list_shared(Builder *builder)
{
	PhigSummary *head = &builder->head;
	uint64	   *list = palloc_extended(Max(builder->shared_room, 1) * sizeof(uint64), MCXT_ALLOC_HUGE);
	HASH_SEQ_STATUS status;
	Definition *definition;

	hash_seq_init(&status, builder->definitions);
	while ((definition = hash_seq_search(&status)) != NULL)
	{
		uint32		id32;

		if (!definition->shared)
			continue;
		if (head->nshared == builder->shared_room)
		{
			hash_seq_term(&status);
			head->nshared = 0;
			head->state |= PHIG_SUMMARY_SHARED_MISSING;
			break;
		}
		memcpy(&id32, definition->id, sizeof(id32));
		list[head->nshared++] = PHIG_SHARED(id32, definition->offset);
	}
	qsort(list, head->nshared, sizeof(uint64), phig_keyset_compare);
	return list;
}

/* Drop sets of persons, from the last one on, until all is small enough: those blocks may name anybody. */
static void
make_way(Builder *builder)
{
	PhigSummary *head = &builder->head;

	for (uint32 i = head->nblocks; i-- > 0 && phig_summary_bytes(head) > builder->limit / SUMMARY_SHARE;)
	{
		head->subjects_bytes = builder->blocks[i].subjects.begin;
		builder->blocks[i].subjects.begin = 0;
		builder->blocks[i].subjects.bits = 0;
	}
}

static void
append(uint8 **to, const void *bytes, size_t len)
{
	memcpy(*to, bytes, len);
	*to += len;
}

/* All of it in one piece. */
static PhigSummary *
finish(Builder *builder)
{
	PhigSummary *head = &builder->head;
	uint64	   *open;
	uint64	   *shared;
	uint8	   *result;
	uint8	   *to;

	end_block(builder);
	sort_late(builder);
	open = list_open(builder);
	shared = list_shared(builder);
	phig_keyset_fold(&head->words, builder->words);
	phig_keyset_fold(&head->late_subjects, builder->late_subjects);
	make_way(builder);
	head->total_bytes = phig_summary_bytes(head);
	result = to = palloc_extended(head->total_bytes, MCXT_ALLOC_HUGE);
	append(&to, head, sizeof(PhigSummary));
	append(&to, builder->late, head->nlate * sizeof(uint64));
	append(&to, open, head->nopen * sizeof(uint64));
	append(&to, shared, head->nshared * sizeof(uint64));
	append(&to, builder->blocks, head->nblocks * sizeof(PhigBlock));
	append(&to, builder->words, head->words.bytes);
	append(&to, builder->late_subjects, head->late_subjects.bytes);
	append(&to, builder->subjects, head->subjects_bytes);
	memset(to, 0, result + head->total_bytes - to);
	return (PhigSummary *) result;
}

static bool
begin(Builder *builder, PhigBytes *bytes, uint64 number, const uint8 *last_hash, bool prove)
{
	HASHCTL		ctl = {.keysize = PHIG_ID_BYTES, .entrysize = sizeof(Definition), .hcxt = CurrentMemoryContext};
	HASHCTL		open = {.keysize = sizeof(uint64), .entrysize = sizeof(uint64), .hcxt = CurrentMemoryContext};
	PhigSummary *head = &builder->head;
	PhigSegmentHeader header;

	memset(builder, 0, sizeof(*builder));
	if (phig_parse_header(bytes, phig_crc32c, &header) != PHIG_HEADER_OK || header.number != number)
		return false;
	memcpy(head->magic, PHIG_SUMMARY_MAGIC, sizeof(head->magic));
	head->version = PHIG_SUMMARY_VERSION;
	head->head_bytes = sizeof(PhigSummary);
	memcpy(head->node, header.node, PHIG_ID_BYTES);
	head->number = number;
	if (last_hash != NULL)
		memcpy(head->last_hash, last_hash, PHIG_HASH_BYTES);
	head->first_seq = header.first_seq;
	builder->limit = bytes->limit;
	builder->prove = prove;
	if (prove && !phig_chain_begin(&builder->chain, &header))
		return false;
	if (prove)
		phig_chain_begin_batch(&builder->chain);
	builder->first_seq = header.first_seq;
	builder->late_room = bytes->limit / LATE_SHARE / sizeof(uint64);
	builder->late = palloc_extended(Max(builder->late_room, 1) * sizeof(uint64), MCXT_ALLOC_HUGE);
	builder->open_room = bytes->limit / OPEN_SHARE / sizeof(uint64);
	builder->shared_room = bytes->limit / SHARED_SHARE / sizeof(uint64);
	builder->words = phig_keyset_create(&head->words, bytes->limit / WORDS_SHARE);
	builder->late_subjects = phig_keyset_create(&head->late_subjects, bytes->limit / LATE_SUBJECTS_SHARE);
	builder->blocks = palloc_extended((bytes->limit / PHIG_BLOCK_BYTES + 1) * sizeof(PhigBlock), MCXT_ALLOC_HUGE);
	builder->subjects = palloc_extended((bytes->limit / PHIG_BLOCK_BYTES + 1) * (PHIG_BLOCK_BYTES / SUBJECTS_SHARE),
										MCXT_ALLOC_HUGE);
	builder->tokens_room = PHIG_BLOCK_BYTES / PHIG_TOKEN_BYTES;
	builder->tokens = palloc(builder->tokens_room * sizeof(uint64));
	builder->open = hash_create("phiguard summary: open", 1024, &open, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	builder->definitions = hash_create("phiguard summary: definitions", 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return true;
}

/* Does the chain end where the next segment's header says? */
static bool
is_proven(Builder *builder)
{
	uint8		hash[PHIG_HASH_BYTES];

	return phig_hash_end(hash) && !builder->disproved && memcmp(hash, builder->head.last_hash, PHIG_HASH_BYTES) == 0;
}

/* NULL where the segment is damaged. */
static PhigSummary *
build(Builder *builder, PhigBytes *bytes)
{
	PhigWalk	walk;
	PhigStep	step;

	phig_walk_begin(&walk, bytes, phig_crc32c);
	while ((step = phig_walk_next(&walk)) == PHIG_STEP_RECORD)
		note_record(builder, &walk.record);
	if (step != PHIG_STEP_END || builder->head.nblocks == 0 || (builder->prove && !is_proven(builder)))
		return NULL;
	return finish(builder);
}

PhigSummary *
phig_summary_build(PhigBytes *bytes, uint64 number, const uint8 *last_hash, bool prove)
{
	MemoryContext own = AllocSetContextCreate(CurrentMemoryContext, "phiguard summary", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(own);
	PhigSummary *summary = NULL;
	PhigSummary *result = NULL;
	Builder		builder;

	if (begin(&builder, bytes, number, last_hash, prove))
		summary = build(&builder, bytes);
	MemoryContextSwitchTo(old);
	if (summary != NULL)
	{
		result = palloc_extended(summary->total_bytes, MCXT_ALLOC_HUGE);
		memcpy(result, summary, summary->total_bytes);
	}
	MemoryContextDelete(own);
	return result;
}
