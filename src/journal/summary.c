/*
 * summary.c
 *		What a closed segment holds, in a fiftieth of its size.
 *
 * The words of definitions (roles, purposes, columns ...) and the tokens of persons are Bloom filters
 * with SET_PROBES bits a key.  Each begins as large as it may become and is folded in half as long as
 * it stays sparse, so its size follows what is in it without counting first, and the same segment
 * always gives the same bytes.
 *
 * Executions that began in an earlier segment are listed: by that list a search for a person finds
 * the segment with the start record, which is where the row belongs, and a search for an end passes over the
 * segments that have none.  Those that are open at the end are listed too: one that never ends may have seen
 * more persons than it names.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/pg_bitutils.h"
#include "storage/fd.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "journal/crc32c.h"
#include "journal/file.h"
#include "journal/journal.h"
#include "journal/summary.h"

#define SET_PROBES 6
/* After folding, up to a quarter of the bits is set: one absent key in 4,000 seems to be there. */
#define SET_FULL(bits) ((bits) / 4)
#define SET_LEAST_BYTES 64
/* Shares of the segment's bytes, all together below a fiftieth. */
#define SUBJECTS_SHARE 64
#define WORDS_SHARE 1024
#define LATE_SUBJECTS_SHARE 1024
#define LATE_SHARE 1024
#define OPEN_SHARE 2048

typedef struct Builder
{
	PhigSummary head;
	uint64		end;			/* of the records */
	uint64		first_seq;		/* of the segment */
	uint8	   *words;
	uint8	   *subjects;
	uint8	   *late_subjects;
	uint64	   *late;
	uint32		late_room;
	uint32		open_room;
	HTAB	   *open;			/* numbers of start records without an end so far */
	HTAB	   *definitions;	/* Definition: those that are here */
} Builder;

/* Which relations a statement reaches, as words of key PHIG_WORD_UNCAPTURED. */
typedef struct Definition
{
	uint8		id[PHIG_ID_BYTES];	/* hash key */
	int			nrelations;
	uint64	   *relations;
} Definition;

/* --- sets --- */

uint64
phig_summary_word(char key, const char *value, size_t len)
{
	uint64		hash = UINT64CONST(14695981039346656037) ^ (uint8) key;

	for (size_t i = 0; i < len; i++)
		hash = (hash * UINT64CONST(1099511628211)) ^ (uint8) value[i];
	hash ^= hash >> 32;
	hash *= UINT64CONST(0xd6e8feb86659fd93);
	return hash ^ (hash >> 32);
}

static inline uint64
second_hash(uint64 word)
{
	word *= UINT64CONST(0x9e3779b97f4a7c15);
	return word ^ (word >> 29);
}

static void
set_add(PhigKeySet *set, uint8 *bits, uint64 first, uint64 step)
{
	uint64		mask = (uint64) set->bytes * 8 - 1;

	for (int i = 0; i < SET_PROBES; i++, first += step | 1)
	{
		uint8	   *byte = &bits[(first & mask) / 8];
		uint8		bit = 1 << (first % 8);

		set->used += (*byte & bit) == 0;
		*byte |= bit;
	}
}

static bool
set_has(const PhigKeySet *set, const uint8 *bits, uint64 first, uint64 step)
{
	uint64		mask = (uint64) set->bytes * 8 - 1;

	if (set->bytes == 0)
		return false;
	for (int i = 0; i < SET_PROBES; i++, first += step | 1)
		if ((bits[(first & mask) / 8] & (1 << (first % 8))) == 0)
			return false;
	return true;
}

/* The largest power of two of bytes that is not more than this. */
static uint32
set_room(uint64 bytes)
{
	bytes = Min(bytes, UINT64CONST(1) << 30);
	return bytes <= SET_LEAST_BYTES ? SET_LEAST_BYTES : (uint32) 1 << pg_leftmost_one_pos64(bytes);
}

static uint8 *
set_create(PhigKeySet *set, uint64 bytes)
{
	set->bytes = set_room(bytes);
	set->used = 0;
	return palloc_extended(set->bytes, MCXT_ALLOC_ZERO | MCXT_ALLOC_HUGE);
}

/* In half, as long as less than an eighth of the bits is set: half of that many may fall together. */
static void
set_fold(PhigKeySet *set, uint8 *bits)
{
	if (set->used == 0)
		set->bytes = 0;
	while (set->bytes > SET_LEAST_BYTES && set->used <= SET_FULL((uint64) set->bytes * 8) / 2)
	{
		set->bytes /= 2;
		for (uint32 i = 0; i < set->bytes; i++)
			bits[i] |= bits[i + set->bytes];
		set->used = (uint32) pg_popcount((char *) bits, (int) set->bytes);
	}
}

/* --- building --- */

bool
phig_summary_is_word(char key)
{
	/* Not the texts, what categories are made of, and numbers; a key that comes later is a word. */
	return key != '\0' && strchr("qjnchpfv", key) == NULL;
}

static void
add_word(Builder *builder, uint64 word)
{
	set_add(&builder->head.words, builder->words, word, second_hash(word));
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

/* A start record or an event. */
static void
note_execution(Builder *builder, const PhigRecord *record, const uint8 *statement, const uint8 *session,
			   uint32 kind, uint32 flags)
{
	Definition *definition = hash_search(builder->definitions, statement, HASH_FIND, NULL);

	builder->head.kinds |= kind < 32 ? (uint32) 1 << kind : PG_UINT32_MAX;
	builder->head.flags |= flags;
	if (definition == NULL || hash_search(builder->definitions, session, HASH_FIND, NULL) == NULL)
		builder->head.state |= PHIG_SUMMARY_UNRESOLVED;
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
note_persons(Builder *builder, const PhigRecord *record)
{
	PhigPersonsBody body;
	const uint8 *data;
	uint64		halves[2];
	bool		late;

	if (!phig_parse_persons(record, &body, &data))
		return;
	late = note_part(builder, body.start_seq, PHIG_LATE_PERSONS);
	builder->head.forms |= (uint32) 1 << (body.form % 32);
	if (late)
		builder->head.late_forms |= (uint32) 1 << (body.form % 32);
	for (uint32 i = 0; body.form == PHIG_PERSONS_TOKENS && i < body.n; i++)
	{
		memcpy(halves, data + (Size) i * PHIG_TOKEN_BYTES, sizeof(halves));
		set_add(&builder->head.subjects, builder->subjects, halves[0], halves[1]);
		if (late)
			set_add(&builder->head.late_subjects, builder->late_subjects, halves[0], halves[1]);
	}
}

static void
note_record(Builder *builder, const PhigRecord *record)
{
	PhigStartBody start;
	PhigEventBody event;
	PhigEndBody end;

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
			break;
		case PHIG_RECORD_PERSONS:
			note_persons(builder, record);
			break;
		default:
			break;				/* seals and checkpoints are for verify_journal() */
	}
	builder->head.last_seq = record->head.seq;
}

static int
compare_numbers(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	return x < y ? -1 : x > y;
}

/* Sorted; what is said of one execution becomes one. */
static void
sort_late(Builder *builder)
{
	uint64	   *late = builder->late;
	uint32		n = 0;

	qsort(late, builder->head.nlate, sizeof(uint64), compare_numbers);
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
	qsort(list, builder->head.nopen, sizeof(uint64), compare_numbers);
	return list;
}

static uint64
expected_bytes(const PhigSummary *head)
{
	return sizeof(PhigSummary) + ((uint64) head->nlate + head->nopen) * sizeof(uint64) + head->words.bytes +
		head->subjects.bytes + head->late_subjects.bytes + sizeof(uint32);
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
	uint8	   *result;
	uint8	   *to;
	uint32		crc;

	sort_late(builder);
	open = list_open(builder);
	set_fold(&head->words, builder->words);
	set_fold(&head->subjects, builder->subjects);
	set_fold(&head->late_subjects, builder->late_subjects);
	head->total_bytes = expected_bytes(head);
	result = to = palloc_extended(head->total_bytes, MCXT_ALLOC_HUGE);
	append(&to, head, sizeof(PhigSummary));
	append(&to, builder->late, head->nlate * sizeof(uint64));
	append(&to, open, head->nopen * sizeof(uint64));
	append(&to, builder->words, head->words.bytes);
	append(&to, builder->subjects, head->subjects.bytes);
	append(&to, builder->late_subjects, head->late_subjects.bytes);
	crc = phig_crc32c(result, to - result);
	append(&to, &crc, sizeof(crc));
	return (PhigSummary *) result;
}

static bool
begin(Builder *builder, PhigBytes *bytes, uint64 number, const uint8 *last_hash)
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
	builder->first_seq = header.first_seq;
	builder->late_room = bytes->limit / LATE_SHARE / sizeof(uint64);
	builder->late = palloc_extended(Max(builder->late_room, 1) * sizeof(uint64), MCXT_ALLOC_HUGE);
	builder->open_room = bytes->limit / OPEN_SHARE / sizeof(uint64);
	builder->words = set_create(&head->words, bytes->limit / WORDS_SHARE);
	builder->subjects = set_create(&head->subjects, bytes->limit / SUBJECTS_SHARE);
	builder->late_subjects = set_create(&head->late_subjects, bytes->limit / LATE_SUBJECTS_SHARE);
	builder->open = hash_create("phiguard summary: open", 1024, &open, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	builder->definitions = hash_create("phiguard summary: definitions", 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return true;
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
	return step == PHIG_STEP_END ? finish(builder) : NULL;
}

PhigSummary *
phig_summary_build(PhigBytes *bytes, uint64 number, const uint8 *last_hash)
{
	MemoryContext own = AllocSetContextCreate(CurrentMemoryContext, "phiguard summary", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(own);
	PhigSummary *summary = NULL;
	PhigSummary *result = NULL;
	Builder		builder;

	if (begin(&builder, bytes, number, last_hash))
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

/* --- files --- */

void
phig_summary_path(char path[MAXPGPATH], const char *segment_path)
{
	int			stem = (int) strlen(segment_path) - (int) strlen(".seg");

	snprintf(path, MAXPGPATH, "%.*s.sum", Max(stem, 0), segment_path);
}

static bool
is_power_of_two(uint32 n)
{
	return (n & (n - 1)) == 0;
}

static bool
head_fits(const PhigSummary *head, const PhigSegmentHeader *header, const uint8 last_hash[PHIG_HASH_BYTES])
{
	return memcmp(head->magic, PHIG_SUMMARY_MAGIC, sizeof(head->magic)) == 0 &&
		head->version == PHIG_SUMMARY_VERSION && head->head_bytes == sizeof(PhigSummary) &&
		memcmp(head->node, header->node, PHIG_ID_BYTES) == 0 && head->number == header->number &&
		head->first_seq == header->first_seq && memcmp(head->last_hash, last_hash, PHIG_HASH_BYTES) == 0 &&
		is_power_of_two(head->words.bytes) && is_power_of_two(head->subjects.bytes) &&
		is_power_of_two(head->late_subjects.bytes) &&
		head->total_bytes == expected_bytes(head);
}

/* The rest of the file whose beginning is head. */
static PhigSummary *
read_rest(int fd, const char *path, const PhigSummary *head)
{
	uint8	   *bytes = palloc_extended(head->total_bytes, MCXT_ALLOC_HUGE);
	size_t		len = head->total_bytes - sizeof(uint32);
	PhigFault	fault;
	size_t		got;
	uint32		crc;

	if (phig_file_read(fd, path, bytes, head->total_bytes, 0, &got, &fault) && got == head->total_bytes &&
		memcmp(bytes, head, sizeof(*head)) == 0)
	{
		memcpy(&crc, bytes + len, sizeof(crc));
		if (crc == phig_crc32c(bytes, len))
			return (PhigSummary *) bytes;
	}
	pfree(bytes);
	return NULL;
}

PhigSummary *
phig_summary_load(const char *segment_path, const PhigSegmentHeader *header, const uint8 last_hash[PHIG_HASH_BYTES])
{
	char		path[MAXPGPATH];
	PhigSummary head;
	PhigSummary *summary = NULL;
	PhigFault	fault;
	size_t		got;
	struct stat st;
	int			fd;

	phig_summary_path(path, segment_path);
	fd = BasicOpenFile(path, O_RDONLY | O_CLOEXEC | PG_BINARY);
	if (fd < 0)
		return NULL;
	if (phig_file_read(fd, path, &head, sizeof(head), 0, &got, &fault) && got == sizeof(head) &&
		head_fits(&head, header, last_hash) && fstat(fd, &st) == 0 && (uint64) st.st_size == head.total_bytes)
		summary = read_rest(fd, path, &head);
	close(fd);
	return summary;
}

bool
phig_summary_write(const PhigSummary *summary, const char *segment_path, PhigFault *fault)
{
	char		path[MAXPGPATH];
	char		temporary[MAXPGPATH];
	struct iovec iov = {unconstify(PhigSummary *, summary), summary->total_bytes};
	bool		ok;
	int			fd;

	phig_summary_path(path, segment_path);
	phig_file_path(temporary, "summary.tmp");
	if (!phig_file_create(temporary, 0, &fd, fault))
		return false;
	ok = phig_file_write(fd, temporary, &iov, 1, 0, fault);
	close(fd);
	return ok && phig_file_rename(temporary, path, fault);
}

/* --- questions --- */

const uint64 *
phig_summary_late(const PhigSummary *summary)
{
	return (const uint64 *) (summary + 1);
}

const uint64 *
phig_summary_open(const PhigSummary *summary)
{
	return phig_summary_late(summary) + summary->nlate;
}

static const uint8 *
sets(const PhigSummary *summary)
{
	return (const uint8 *) (phig_summary_open(summary) + summary->nopen);
}

bool
phig_summary_has_word(const PhigSummary *summary, uint64 word)
{
	return set_has(&summary->words, sets(summary), word, second_hash(word));
}

bool
phig_summary_has_subject(const PhigSummary *summary, const uint8 token[PHIG_ID_BYTES], bool late)
{
	const uint8 *subjects = sets(summary) + summary->words.bytes;
	uint64		halves[2];

	memcpy(halves, token, sizeof(halves));
	return late ? set_has(&summary->late_subjects, subjects + summary->subjects.bytes, halves[0], halves[1]) :
		set_has(&summary->subjects, subjects, halves[0], halves[1]);
}
