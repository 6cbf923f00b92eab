/* sources: src/journal/parse.c src/journal/chain.c src/journal/checkpoint.c src/journal/verify.c */
/*
 * parse_fuzz.c
 *		Can bytes break the journal's parser, or hide from the verifier?
 *
 * Writes journals of two nodes (the second a branch of the first) in memory,
 * damages them in ways that a fixed seed chooses, some as a forger would, with
 * checksums made right again, and reads them: no access out of bounds (the
 * sanitizers say so), an end in time (the alarm says so), and at least one
 * finding wherever a byte differs from what was written.  The untouched journal
 * has none.
 *
 * usage: parse_fuzz ROUNDS SEED; PARSE_FUZZ_VERBOSE=1 prints the findings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "journal/verify.h"

#define SEGMENTS 4
#define BRANCH 3				/* index of the second node's only segment */
#define SEGMENT_BYTES 8192
#define DAMAGES_PER_JOURNAL 10
#define SYSTEM UINT64_C(7300000000000000001)

typedef struct File
{
	uint8_t		data[2 * SEGMENT_BYTES];
	size_t		size;
	size_t		end;			/* of the records */
	int			nrecords;
	size_t		records[SEGMENT_BYTES / 40];	/* offsets, seals included */
	bool		present;
} File;

static File pristine[SEGMENTS];
static File files[SEGMENTS];
static uint64_t random_state;
static uint64_t seed = 1;
static long round_number;
static int	findings;

static uint32_t
any(uint32_t below)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t) ((random_state >> 33) % below);
}

static void
fail(const char *what)
{
	fprintf(stderr, "parse_fuzz: %s (round %ld, seed %llu)\n", what, round_number, (unsigned long long) seed);
	abort();
}

/* --- checksum --- */

static uint32_t
crc32c(const void *data, size_t len)
{
	static uint32_t table[256];
	const uint8_t *p = data;
	uint32_t	crc = 0xffffffff;

	if (table[1] == 0)
		for (uint32_t i = 0; i < 256; i++)
		{
			uint32_t	c = i;

			for (int bit = 0; bit < 8; bit++)
				c = c & 1 ? c >> 1 ^ 0x82f63b78 : c >> 1;
			table[i] = c;
		}
	while (len-- > 0)
		crc = table[(crc ^ *p++) & 0xff] ^ crc >> 8;
	return crc ^ 0xffffffff;
}

/* --- a writer, after docs/journal.md --- */

static void
put(uint8_t *p, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (uint8_t) (value >> 8 * i);
}

static void
hash3(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen, const uint8_t *c, size_t clen, uint8_t *hash)
{
	static EVP_MD_CTX *context = NULL;

	if (context == NULL && (context = EVP_MD_CTX_new()) == NULL)
		fail("out of memory");
	EVP_DigestInit_ex(context, EVP_sha256(), NULL);
	EVP_DigestUpdate(context, a, alen);
	EVP_DigestUpdate(context, b, blen);
	EVP_DigestUpdate(context, c, clen);
	EVP_DigestFinal_ex(context, hash, NULL);
}

static void
header_crc(uint8_t *data)
{
	put(data + PHIG_SEGMENT_HEADER_BYTES - 4, crc32c(data, PHIG_SEGMENT_HEADER_BYTES - 4), 4);
}

static void
record_crc(uint8_t *record, size_t length)
{
	put(record + 4, crc32c(record + 8, length - 8), 4);
}

static void
append(File *file, uint8_t type, uint64_t seq, size_t body_bytes)
{
	uint8_t    *p = file->data + file->end;
	size_t		length = (sizeof(PhigRecordHeader) + body_bytes + 7) / 8 * 8;

	memset(p, 0, length);
	put(p, length, 4);
	put(p + 8, seq, 8);
	put(p + 16, UINT64_C(800000000000000) + seq, 8);
	p[24] = type;
	put(p + 28, body_bytes, 4);
	for (size_t i = 0; i < body_bytes; i++)
		p[32 + i] = (uint8_t) (type == PHIG_RECORD_DEFINITION ? 32 + any(90) : any(256));
	record_crc(p, length);
	file->records[file->nrecords++] = file->end;
	file->end += length;
}

static void
append_any(File *file, uint64_t seq)
{
	switch (any(4))
	{
		case 0:
			append(file, PHIG_RECORD_DEFINITION, seq, sizeof(PhigDefinitionBody) + any(120));
			break;
		case 1:
			append(file, PHIG_RECORD_EVENT, seq, sizeof(PhigEventBody));
			break;
		case 2:
			append(file, PHIG_RECORD_END, seq, sizeof(PhigEndBody));
			break;
		default:
			append(file, PHIG_RECORD_START, seq, sizeof(PhigStartBody));
	}
}

/* The hash of a batch: before, the seal before (its bytes precede batch_begin), the batch. */
static void
append_seal(File *file, size_t covered_from, uint64_t seq, uint8_t *hash)
{
	uint8_t		next[PHIG_HASH_BYTES];
	uint8_t    *seal;

	hash3(hash, PHIG_HASH_BYTES, file->data + covered_from, file->end - covered_from, NULL, 0, next);
	append(file, PHIG_RECORD_SEAL, seq, PHIG_HASH_BYTES);
	seal = file->data + file->end - PHIG_SEAL_BYTES;
	memcpy(seal + 32, next, PHIG_HASH_BYTES);
	record_crc(seal, PHIG_SEAL_BYTES);
	memcpy(hash, next, PHIG_HASH_BYTES);
}

/* hash: in, the last hash of what precedes (zeros: nothing); out, this segment's. */
static void
write_segment(File *file, int index, uint64_t *seq, uint8_t *hash)
{
	uint8_t    *p = file->data;
	size_t		covered_from;
	int			nbatches = 2 + (int) any(5);
	bool		branch = index == BRANCH;

	memset(file, 0, sizeof(*file));
	file->present = true;
	file->size = SEGMENT_BYTES;
	memcpy(p, PHIG_SEGMENT_MAGIC, 8);
	put(p + 8, PHIG_FORMAT_VERSION, 4);
	put(p + 12, PHIG_SEGMENT_HEADER_BYTES, 4);
	put(p + 16, SYSTEM, 8);
	memset(p + 24, branch ? 0xbb : 0xaa, PHIG_ID_BYTES);
	put(p + 40, branch ? 1 : (uint64_t) index + 1, 8);
	put(p + 48, *seq, 8);
	memcpy(p + 64, hash, PHIG_HASH_BYTES);
	if (branch)
	{
		memset(p + 96, 0xaa, PHIG_ID_BYTES);
		put(p + 112, *seq - 1, 8);
	}
	put(p + 120, branch ? PHIG_SEGMENT_BRANCH : index == 0 ? PHIG_SEGMENT_FIRST : PHIG_SEGMENT_ROTATION, 4);
	header_crc(p);
	file->end = PHIG_SEGMENT_HEADER_BYTES;
	hash3(hash, PHIG_HASH_BYTES, p, PHIG_SEGMENT_HEADER_BYTES, NULL, 0, hash);

	covered_from = file->end;
	for (int batch = 0; batch < nbatches; batch++)
	{
		for (int n = 1 + (int) any(6); n > 0; n--)
			append_any(file, (*seq)++);
		append_seal(file, covered_from, *seq - 1, hash);
		covered_from = file->end - PHIG_SEAL_BYTES;
	}
	hash3(hash, PHIG_HASH_BYTES, file->data + covered_from, PHIG_SEAL_BYTES, NULL, 0, hash);
}

static void
write_journal(void)
{
	uint8_t		hash[PHIG_HASH_BYTES] = {0};
	uint64_t	seq = 1;

	for (int i = 0; i < SEGMENTS; i++)
		write_segment(&pristine[i], i, &seq, hash);
}

/* --- a reader, as the server does it --- */

/* Hands out a copy of exactly the bytes that it says are there: a sanitizer sees one too far. */
static const uint8_t *
get_bytes(void *arg, uint64_t offset, size_t want, size_t *have)
{
	static uint8_t *piece;
	File	   *file = arg;
	size_t		left = offset < file->size ? file->size - (size_t) offset : 0;

	free(piece);
	*have = want < left ? want : left;
	if ((piece = malloc(*have > 0 ? *have : 1)) == NULL)
		fail("out of memory");
	memcpy(piece, file->data + offset, *have);
	return piece;
}

static void
count_finding(void *arg, const char *node8, const char *segment, uint64_t position, const char *what)
{
	findings++;
	if (strlen(node8) != 8 || (segment != NULL && strlen(segment) > 31) || what[0] == '\0')
		fail("a finding without its place");
	if (getenv("PARSE_FUZZ_VERBOSE") != NULL)
		printf("%s %s %llu %s\n", node8, segment ? segment : "-", (unsigned long long) position, what);
	(void) arg;
}

static int
verify_journal(void)
{
	PhigVerifier verifier = {0};
	PhigBranch	branch = {.node8 = "bbbbbbbb", .segment = "bbbbbbbb-0000000001.seg"};
	PhigBytes	bytes = {get_bytes, &files[BRANCH], files[BRANCH].size};
	PhigSegmentHeader header;

	verifier.crc32c = crc32c;
	verifier.report = count_finding;
	if (files[BRANCH].present && phig_parse_header(&bytes, crc32c, &header) == PHIG_HEADER_OK &&
		header.reason == PHIG_SEGMENT_BRANCH)
	{
		memcpy(branch.parent_node, header.parent_node, PHIG_ID_BYTES);
		memcpy(branch.prev_hash, header.prev_hash, PHIG_HASH_BYTES);
		branch.parent_seq = header.parent_seq;
		verifier.branches = &branch;
		verifier.nbranches = 1;
	}

	findings = 0;
	for (int i = 0; i < SEGMENTS; i++)
	{
		bool		second = i == BRANCH;
		char		name[32];
		PhigSegment segment = {.name = name, .number = second ? 1 : (uint64_t) i + 1};

		if (i == 0 || second)
			phig_verify_begin_node(&verifier, second ? "bbbbbbbb" : "aaaaaaaa", second ? SYSTEM : 0);
		if (files[i].present)
		{
			snprintf(name, sizeof(name), "%s-%010d.seg", verifier.node8, (int) segment.number);
			segment.bytes = (PhigBytes) {get_bytes, &files[i], files[i].size};
			segment.last = i >= BRANCH - 1;
			segment.expected_end = second ? pristine[i].end : 0;
			if (second && segment.bytes.limit > pristine[i].end)
				segment.bytes.limit = pristine[i].end;
			phig_verify_segment(&verifier, &segment);
		}
		if (i >= BRANCH - 1)
			phig_verify_end_node(&verifier, second ? 1 : BRANCH);
	}
	return findings;
}

/* Read as access_log does: walk every record, and every line of every definition. */
static void
read_journal(void)
{
	static char value[PHIG_RECORD_MAX_BYTES];

	for (int i = 0; i < SEGMENTS; i++)
	{
		PhigBytes	bytes = {get_bytes, &files[i], files[i].size};
		PhigWalk	walk;
		PhigStep	step;
		long		steps = 0;

		phig_walk_begin(&walk, &bytes, crc32c);
		while ((step = phig_walk_next(&walk)) != PHIG_STEP_END)
		{
			const char *cursor = (const char *) walk.record.body + sizeof(PhigDefinitionBody);
			const char *end = (const char *) walk.record.body + walk.record.head.body_bytes;
			PhigLine	line;

			if (++steps > SEGMENT_BYTES)
				fail("a walk that does not end");
			if (step == PHIG_STEP_RECORD && walk.record.head.type == PHIG_RECORD_DEFINITION)
				while (phig_parse_line(&cursor, end, &line))
					if (phig_parse_value(&line, value) > line.len)
						fail("a value longer than its line");
		}
	}
}

/* --- damage --- */

static size_t
record_length(File *file, int record)
{
	return (record + 1 < file->nrecords ? file->records[record + 1] : file->end) - file->records[record];
}

/*
 * Change some bytes somewhere up to the records' end, or (rarely) in the zeros
 * behind: not there in the newest segments of both nodes, which end anywhere.
 */
static void
flip(File *file)
{
	size_t		room = any(8) == 0 && file < &files[BRANCH - 1] ? file->size : file->end;

	for (int n = 1 + (int) any(3); n > 0; n--)
		file->data[any((uint32_t) room)] ^= (uint8_t) (1 + any(255));
}

/* Change a record, and make its checksum right. */
static void
forge_record(File *file)
{
	int			record = (int) any((uint32_t) file->nrecords);
	uint8_t    *p = file->data + file->records[record];
	size_t		length = record_length(file, record);
	size_t		at = 8 + any((uint32_t) length - 8);

	/* The newest seal's time and reserved bytes are covered by no seal yet. */
	if (file == &files[BRANCH] && record == file->nrecords - 1 && at >= 16 && at < 32)
		at = 32;
	p[at] ^= (uint8_t) (1 + any(255));
	record_crc(p, length);
}

static void
forge_header(File *file)
{
	file->data[any(PHIG_SEGMENT_HEADER_BYTES - 4)] ^= (uint8_t) (1 + any(255));
	header_crc(file->data);
}

static void
remove_range(File *file, size_t begin, size_t length)
{
	memmove(file->data + begin, file->data + begin + length, sizeof(file->data) - begin - length);
	memset(file->data + sizeof(file->data) - length, 0, length);
}

static void
insert_range(File *file, size_t at, const uint8_t *bytes, size_t length)
{
	memmove(file->data + at + length, file->data + at, sizeof(file->data) - at - length);
	memcpy(file->data + at, bytes, length);
}

static void
move_records(File *file)
{
	static uint8_t copy[SEGMENT_BYTES];
	int			from = (int) any((uint32_t) file->nrecords);
	int			to = (int) any((uint32_t) file->nrecords);
	size_t		begin = file->records[from];
	size_t		length = record_length(file, from);

	memcpy(copy, file->data + begin, length);
	switch (any(3))
	{
		case 0:
			remove_range(file, begin, length);
			break;
		case 1:
			insert_range(file, file->records[to], copy, length);
			break;
		default:
			remove_range(file, begin, length);
			insert_range(file, file->records[to] > begin ? file->records[to] - length : file->records[to],
						 copy, length);
	}
}

/* Renumber from some record on, with right checksums: a hole closed by hand. */
static void
forge_removal(File *file)
{
	int			record = (int) any((uint32_t) file->nrecords);
	size_t		length = record_length(file, record);
	bool		seal = file->data[file->records[record] + 24] == PHIG_RECORD_SEAL;

	remove_range(file, file->records[record], length);
	for (int next = record + 1; next < file->nrecords && !seal; next++)
	{
		uint8_t    *p = file->data + file->records[next] - length;

		p[8]--;					/* seqs stay below 256 */
		record_crc(p, record_length(file, next));
	}
}

static void
swap_files(void)
{
	static File other;
	int			a = (int) any(SEGMENTS);
	int			b = (int) any(SEGMENTS);

	other = files[a];
	files[a] = files[b];
	if (any(2))
		files[b] = other;
}

/* Headers that look like records': the worst for a walk that looks for the next one. */
static void
hostile(File *file)
{
	for (size_t at = PHIG_SEGMENT_HEADER_BYTES; at + 32 <= file->size; at += 8 * (1 + any(5)))
	{
		uint32_t	length = any(2) ? 8 * (5 + any(100)) : 65536;

		memset(file->data + at, 0, 32);
		put(file->data + at, length, 4);
		put(file->data + at + 4, any(1u << 30), 4);
		file->data[at + 24] = "DDDSEVLRX"[any(9)];
		put(file->data + at + 28, length - 32 - any(8), 4);
	}
}

static void
damage(void)
{
	File	   *file = &files[any(SEGMENTS)];

	switch (any(9))
	{
		case 0:
			flip(file);
			break;
		case 1:
			forge_record(file);
			break;
		case 2:
			forge_header(file);
			break;
		case 3:
			move_records(file);
			break;
		case 4:
			forge_removal(file);
			break;
		case 5:
			swap_files();
			break;
		case 6:
			file->present = file == &files[BRANCH] && any(2);
			break;
		case 7:
			file->size = any((uint32_t) file->end);
			break;
		default:
			hostile(file);
	}
}

static bool
is_pristine(void)
{
	for (int i = 0; i < SEGMENTS; i++)
	{
		/* Behind the end of the newest segment the server writes now: nobody looks there. */
		size_t		size = i == BRANCH ? pristine[i].end : files[i].size;

		if (files[i].present != pristine[i].present || files[i].size < pristine[i].end ||
			memcmp(files[i].data, pristine[i].data, size) != 0)
			return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	long		rounds = argc > 1 ? atol(argv[1]) : 20000;
	long		damaged = 0;

	if (argc > 2)
		seed = strtoull(argv[2], NULL, 10);

	for (round_number = 0; round_number < rounds; round_number++)
	{
		alarm(20);
		if (round_number % DAMAGES_PER_JOURNAL == 0)
		{
			random_state = seed + (uint64_t) round_number;
			write_journal();
			memcpy(files, pristine, sizeof(files));
			if (verify_journal() != 0)
				fail("a finding in an untouched journal");
			read_journal();
		}
		else
			memcpy(files, pristine, sizeof(files));

		for (int n = any(4) == 0 ? 3 : 1; n > 0; n--)
			damage();
		read_journal();
		if (is_pristine())
			continue;
		damaged++;
		if (verify_journal() == 0)
			fail("damage that nobody found");
	}
	printf("%ld journals damaged, every damage found\n", damaged);
	return damaged > 0 ? 0 : 1;
}
