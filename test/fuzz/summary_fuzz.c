/* sources: src/journal/summary_read.c src/journal/keyset.c */
/* seconds: 20 */
/*
 * summary_fuzz.c
 *		Summaries of segments: sets that forget nobody, and files that anybody wrote.
 *
 * The input's first byte says what the rest is.
 *
 * Keys: of each set made of them all are in it, and it is the same bytes in whatever order they came.
 *
 * Changes to a summary that was made here, or a file as a whole: without the key none is believed that is not the very
 * same; sealed with the key, whatever it says, every question has an answer within its bytes (the
 * sanitizers say so), and of a block that is as it was nobody is forgotten.
 */
#include "postgres.h"

#include "fuzz.h"
#include "journal/summary.h"

#define BLOCKS 5
#define PERSONS 40				/* in each block but the last, which has none */
#define ROOM 16384
#define CHANGE_BYTES 3			/* two of where, one of what */

static const uint64 key[2] = {UINT64CONST(0x0123456789abcdef), UINT64CONST(0xfedcba9876543210)};

static void
token_of(uint32 block, uint32 person, uint8 token[PHIG_ID_BYTES])
{
	uint64		halves[2] = {(block * PERSONS + person + 1) * UINT64CONST(0x9e3779b97f4a7c15), person * block};

	memcpy(token, halves, sizeof(halves));
}

/* --- sets --- */

static void
check_prints(const uint64 *keys, uint32 n, uint64 room)
{
	uint64	   *order = palloc((n + 1) * sizeof(uint64));
	uint8	   *bytes[2] = {palloc(room + 1), palloc(room + 1)};
	PhigPrints	prints[2];
	uint64		took[2];

	for (int turn = 0; turn < 2; turn++)
	{
		for (uint32 k = 0; k < n; k++)
			order[k] = keys[turn == 0 ? k : n - 1 - k];
		took[turn] = phig_prints_make(&prints[turn], order, n, room, bytes[turn]);
		if (took[turn] > room || took[turn] != phig_prints_bytes(&prints[turn]) ||
			!phig_prints_fit(&prints[turn], room))
			abort();
		for (uint32 k = 0; k < n; k++)
			if (!phig_prints_has(&prints[turn], bytes[turn], keys[k]))
				abort();
	}
	if (memcmp(&prints[0], &prints[1], sizeof(PhigPrints)) != 0 || memcmp(bytes[0], bytes[1], took[0]) != 0)
		abort();
	if (n == 0 && phig_prints_has(&prints[0], bytes[0], 1))
		abort();
}

static void
check_keyset(const uint64 *keys, uint32 n, uint64 room)
{
	PhigKeySet	set;
	uint8	   *bits = phig_keyset_create(&set, room);

	for (uint32 k = 0; k < n; k++)
		phig_keyset_add(&set, bits, keys[k]);
	phig_keyset_fold(&set, bits);
	for (uint32 k = 0; k < n; k++)
		if (!phig_keyset_has(&set, bits, keys[k]))
			abort();
	if (n == 0 && phig_keyset_has(&set, bits, 1))
		abort();
}

static void
check_sets(const uint8_t *data, size_t size)
{
	uint32		n = (uint32) (size / 2);
	uint64	   *keys = palloc((n + 1) * sizeof(uint64));

	/* Few different ones, and many. */
	for (uint32 k = 0; k < n; k++)
		keys[k] = (uint64) (data[2 * k] | data[2 * k + 1] << 8) * UINT64CONST(0xd6e8feb86659fd93);
	check_prints(keys, n, size > 0 ? data[0] * 64 : 0);
	check_prints(keys, n, 1 << 20);
	check_keyset(keys, n, size > 0 ? data[0] * 16 : 0);
}

/* --- files --- */

static void
make_header(PhigSegmentHeader *header)
{
	memset(header, 0, sizeof(*header));
	memset(header->node, 0xee, PHIG_ID_BYTES);
	header->number = 7;
	header->first_seq = 1000;
}

/* A summary of BLOCKS blocks, in room of ROOM bytes; returns how many it takes. */
static uint64
make_summary(PhigSummary *summary)
{
	PhigSegmentHeader header;
	PhigBlock	blocks[BLOCKS] = {0};
	PhigKeySet	words,
				late;
	uint8	   *word_bits = phig_keyset_create(&words, 64);
	uint8	   *late_bits = phig_keyset_create(&late, 64);
	uint8	   *sets = palloc0(ROOM);
	uint64		numbers[] = {PHIG_LATE(900) | PHIG_LATE_END, 1003, PHIG_SHARED(1, 600), PHIG_SHARED(1, 1200),
	PHIG_SHARED(9, 800)};
	uint8	   *to = (uint8 *) (summary + 1);

	make_header(&header);
	memset(summary, 0, sizeof(*summary));
	memcpy(summary->magic, PHIG_SUMMARY_MAGIC, sizeof(summary->magic));
	summary->version = PHIG_SUMMARY_VERSION;
	summary->head_bytes = sizeof(PhigSummary);
	memcpy(summary->node, header.node, PHIG_ID_BYTES);
	summary->number = header.number;
	summary->first_seq = header.first_seq;
	summary->last_seq = header.first_seq + BLOCKS * 10;
	summary->nlate = summary->nopen = 1;
	summary->nshared = 3;
	summary->nblocks = BLOCKS;
	for (uint32 i = 0; i < BLOCKS; i++)
	{
		uint64		keys[PERSONS];
		uint8		token[PHIG_ID_BYTES];

		for (uint32 p = 0; p < PERSONS; p++)
		{
			token_of(i, p, token);
			keys[p] = phig_summary_token(token);
		}
		blocks[i].offset = PHIG_SEGMENT_HEADER_BYTES + i * PHIG_BLOCK_BYTES;
		blocks[i].first_seq = header.first_seq + i * 10;
		phig_prints_make(&blocks[i].subjects, keys, i + 1 < BLOCKS ? PERSONS : 0, 500, sets + summary->subjects_bytes);
		blocks[i].subjects.begin = summary->subjects_bytes;
		summary->subjects_bytes += phig_prints_bytes(&blocks[i].subjects);
	}
	phig_keyset_add(&words, word_bits, phig_summary_word('a', "nurse", 5));
	summary->words = words;
	summary->late_subjects = late;
	summary->total_bytes = phig_summary_bytes(summary);
	if (summary->total_bytes > ROOM)
		abort();
	to = memcpy(to, numbers, sizeof(numbers));
	to = memcpy(to + sizeof(numbers), blocks, sizeof(blocks));
	to = memcpy(to + sizeof(blocks), word_bits, words.bytes);
	to = memcpy(to + words.bytes, late_bits, late.bytes);
	memcpy(to + late.bytes, sets, summary->subjects_bytes);
	phig_summary_seal(summary, key);
	return summary->total_bytes;
}

/* Whatever it says. */
static void
ask(const PhigSummary *summary)
{
	uint64		sum = 0;
	uint8		token[PHIG_ID_BYTES];
	uint32		next = 0;
	uint64		offset;

	for (uint32 i = 0; i < summary->nlate + summary->nopen; i++)
		sum += phig_summary_late(summary)[i];
	for (uint32 p = 0; p < 20; p++)
	{
		token_of(p % BLOCKS, p, token);
		sum += phig_summary_has_subject(summary, token, p % 2);
		sum += phig_summary_has_word(summary, sum + p);
		sum += phig_summary_block_of(summary, sum * p);
	}
	for (uint32 i = 0; i < summary->nblocks; i++)
		if (phig_summary_block_end(summary, i, 1000000) > 1000000)
			abort();
	token[0] = 1;
	token[1] = token[2] = token[3] = 0;
	while (phig_summary_shared(summary, token, &next, &offset))
		if (next > summary->nshared)
			abort();
}

/* Of a block whose entry and set are as they were, nobody is forgotten. */
static void
check_persons(const PhigSummary *summary, const PhigSummary *true_one)
{
	const PhigBlock *blocks = phig_summary_blocks(true_one);
	uint64		sets = true_one->total_bytes - sizeof(uint64) - true_one->subjects_bytes;
	uint8		token[PHIG_ID_BYTES];

	if (memcmp(summary, true_one, (const char *) blocks - (const char *) true_one) != 0)
		return;
	for (uint32 i = 0; i + 1 < BLOCKS; i++)
	{
		const PhigPrints *prints = &blocks[i].subjects;
		uint64		begin = sets + prints->begin;

		if (memcmp(&phig_summary_blocks(summary)[i], &blocks[i], sizeof(PhigBlock)) != 0 ||
			memcmp((const char *) summary + begin, (const char *) true_one + begin, phig_prints_bytes(prints)) != 0)
			continue;
		for (uint32 p = 0; p < PERSONS; p++)
		{
			token_of(i, p, token);
			if (!phig_summary_block_has(summary, i, token) || !phig_summary_has_subject(summary, token, false))
				abort();
		}
	}
}

/* bytes: of a file, in memory of just that size. */
static void
read_file(PhigSummary *summary, uint64 bytes, const PhigSummary *true_one)
{
	PhigSegmentHeader header;
	uint8		last_hash[PHIG_HASH_BYTES] = {0};
	bool		same = bytes == true_one->total_bytes && memcmp(summary, true_one, bytes) == 0;

	make_header(&header);
	if (phig_summary_fits(summary, bytes, &header, last_hash, key) != same)
		abort();
	if (bytes < sizeof(PhigSummary) + sizeof(uint64) || summary->total_bytes != bytes)
		return;
	phig_summary_seal(summary, key);
	if (!phig_summary_fits(summary, bytes, &header, last_hash, key))
		return;
	ask(summary);
	check_persons(summary, true_one);
}

static void
check_file(const uint8_t *data, size_t size, bool whole)
{
	PhigSummary *true_one = palloc(ROOM);
	uint64		bytes = make_summary(true_one);
	uint8	   *file;

	if (whole)
	{
		/* What the segment is, it says: the rest is free. */
		file = palloc(size);
		memcpy(file, data, size);
		memcpy(file, true_one, Min(size, offsetof(PhigSummary, last_seq)));
		if (size >= offsetof(PhigSummary, node))
			((PhigSummary *) file)->total_bytes = size;
		read_file((PhigSummary *) file, size, true_one);
		return;
	}
	file = palloc(bytes);
	memcpy(file, true_one, bytes);
	for (; size >= CHANGE_BYTES; size -= CHANGE_BYTES, data += CHANGE_BYTES)
		file[(data[0] | data[1] << 8) % bytes] ^= data[2];
	read_file((PhigSummary *) file, bytes, true_one);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] % 3 == 0)
		check_sets(data + 1, size - 1);
	else
		check_file(data + 1, size - 1, data[0] % 3 == 1);
	return 0;
}
