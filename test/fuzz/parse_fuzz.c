/* sources: src/journal/parse.c src/journal/chain.c src/journal/checkpoint.c */
/* sources: src/journal/verify.c src/journal/verify_node.c */
/* seconds: 45 */
/*
 * parse_fuzz.c
 *		Can bytes break the journal's parser, or hide from the verifier?
 *
 * Writes journals of two nodes (the second a branch of the first), signed, in memory,
 * damages them in ways that a fixed seed chooses, some as a forger would, with
 * checksums and hashes made right again, and reads them: no access out of bounds (the
 * sanitizers say so), an end in time (the alarm says so), and at least one
 * finding wherever a byte differs from what was written.  The untouched journal
 * has none.  All of this twice: as the server verifies its own files, by the key and
 * knowing how far it wrote; and as phiguard-verify does, by the key and anchors.
 *
 * usage: parse_fuzz ROUNDS SEED; FUZZ_SECONDS counts instead of ROUNDS where it is set.
 * PARSE_FUZZ_VERBOSE=1 prints the findings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "journal/verify.h"
#include "../lib/bytes.h"

#define SEGMENTS 4
#define BRANCH 3				/* index of the second node's only segment */
#define SEGMENT_BYTES 8192
#define DAMAGES_PER_JOURNAL 10
#define SYSTEM UINT64_C(7300000000000000001)
#define MAX_ANCHORS (SEGMENTS * 8)

typedef struct File
{
	uint8_t		data[2 * SEGMENT_BYTES];
	size_t		size;
	size_t		end;			/* of the records */
	int			nrecords;
	size_t		records[SEGMENT_BYTES / 40];	/* offsets, seals and checkpoints included */
	bool		present;
} File;

static File pristine[SEGMENTS];
static File files[SEGMENTS];
static uint64_t seed = 1;
static long round_number;
static int	findings;
static long persons_seen;
static long ends_seen;			/* that name persons */

/* Who signs, and who else might. */
static const uint8_t signing_seed[PHIG_SIGNING_SEED_BYTES] = "the key of the server";
static const uint8_t other_seed[PHIG_SIGNING_SEED_BYTES] = "a key of the forger";
static PhigPublicKey public_key;
static PhigCheckpoint anchors[MAX_ANCHORS]; /* each checkpoint of the pristine journal */
static int	nanchors;

static void
fail(const char *what)
{
	fprintf(stderr, "parse_fuzz: %s (round %ld, seed %llu)\n", what, round_number, (unsigned long long) seed);
	abort();
}

/* --- a writer, after docs/journal.md --- */

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

/* Persons in one of their forms, or of numbers that do not fit each other. */
static void
append_persons(File *file, uint64_t seq)
{
	uint32_t	form = any(5);
	uint32_t	bytes = form == PHIG_PERSONS_TOKENS ? any(5) * PHIG_TOKEN_BYTES :
		form == PHIG_PERSONS_SUMMARY ? 8u << any(4) : 0;
	uint32_t	n = form == PHIG_PERSONS_TOKENS ? bytes / PHIG_TOKEN_BYTES : bytes;
	uint8_t    *record = file->data + file->end;

	append(file, PHIG_RECORD_PERSONS, seq, sizeof(PhigPersonsBody) + bytes);
	put(record + 32 + offsetof(PhigPersonsBody, form), form, 1);
	put(record + 32 + offsetof(PhigPersonsBody, n), any(8) == 0 ? any(UINT32_MAX) : n, 4);
	record_crc(record, file->end - file->records[file->nrecords - 1]);
}

/* The end of an execution, which names few persons, or none.  Other numbers are damage: hostile() writes those. */
static void
append_end(File *file, uint64_t seq)
{
	uint32_t	ntokens = any(PHIG_END_TOKENS + 1);
	uint32_t	form = ntokens > 0 ? PHIG_PERSONS_TOKENS : any(2) ? PHIG_PERSONS_COUNT : 0;
	uint8_t    *record = file->data + file->end;

	append(file, PHIG_RECORD_END, seq, sizeof(PhigEndBody) + ntokens * PHIG_TOKEN_BYTES);
	put(record + 32 + offsetof(PhigEndBody, form), form, 1);
	record_crc(record, file->end - file->records[file->nrecords - 1]);
}

static void
append_any(File *file, uint64_t seq)
{
	switch (any(5))
	{
		case 4:
			append_persons(file, seq);
			break;
		case 0:
			append(file, PHIG_RECORD_DEFINITION, seq, sizeof(PhigDefinitionBody) + any(120));
			break;
		case 1:
			append(file, PHIG_RECORD_EVENT, seq, sizeof(PhigEventBody));
			break;
		case 2:
			append_end(file, seq);
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

/* The record of a checkpoint, signed for the place where it stands: behind it, in data, nothing. */
static void
sign_record(const uint8_t *data, size_t offset, uint8_t *record, const uint8_t *seed, PhigCheckpoint *c)
{
	PhigSegmentHeader header = {0};
	PhigRecord	parsed = {.offset = offset, .bytes = record, .body = record + sizeof(PhigRecordHeader)};

	memcpy(&header.system_identifier, data + 16, 8);
	memcpy(header.node, data + 24, PHIG_ID_BYTES);
	memcpy(&header.number, data + 40, 8);
	memcpy(&parsed.head, record, sizeof(parsed.head));
	phig_parse_checkpoint(&header, &parsed, c);
	if (!phig_checkpoint_sign(c, seed))
		fail("no signature");
	memcpy(record + 72, c->key, PHIG_KEY_ID_BYTES);
	memcpy(record + 80, c->signature, PHIG_SIGNATURE_BYTES);
	record_crc(record, PHIG_CHECKPOINT_BYTES);
}

/* hash: of the last seal, or the header; covered_from: the first byte behind it. */
static void
last_hash(const uint8_t *data, size_t covered_from, size_t end, const uint8_t *hash, uint8_t *last)
{
	if (end > covered_from)
		hash3(hash, PHIG_HASH_BYTES, data + covered_from, end - covered_from, NULL, 0, last);
	else
		memcpy(last, hash, PHIG_HASH_BYTES);
}

static void
append_checkpoint(File *file, size_t covered_from, uint64_t seq, const uint8_t *hash)
{
	uint8_t		last[PHIG_HASH_BYTES];
	uint8_t    *record = file->data + file->end;
	size_t		offset = file->end;

	last_hash(file->data, covered_from, offset, hash, last);
	append(file, PHIG_RECORD_CHECKPOINT, seq, sizeof(PhigCheckpointBody));
	put(record + 32, 1, 8);
	memcpy(record + 40, last, PHIG_HASH_BYTES);
	sign_record(file->data, offset, record, signing_seed, &anchors[nanchors++]);
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
	if (index != 0 && !branch && any(4) != 0)
	{
		/* Times follow the numbers, see append(). */
		put(p + 144, UINT64_C(800000000000000) + 1, 8);
		put(p + 152, UINT64_C(800000000000000) + *seq - 1 + any(1000), 8);
	}
	header_crc(p);
	file->end = PHIG_SEGMENT_HEADER_BYTES;
	hash3(hash, PHIG_HASH_BYTES, p, PHIG_SEGMENT_HEADER_BYTES, NULL, 0, hash);

	covered_from = file->end;
	if (any(4) == 0)
		append_checkpoint(file, covered_from, *seq - 1, hash);
	for (int batch = 0; batch < nbatches; batch++)
	{
		for (int n = 1 + (int) any(6); n > 0; n--)
			append_any(file, (*seq)++);
		append_seal(file, covered_from, *seq - 1, hash);
		covered_from = file->end - PHIG_SEAL_BYTES;
		/* The end of each node is signed: a stop does so. */
		if (any(3) == 0 || (batch == nbatches - 1 && index >= BRANCH - 1))
			append_checkpoint(file, covered_from, *seq - 1, hash);
	}
	last_hash(file->data, covered_from, file->end, hash, hash);
}

static void
write_journal(void)
{
	uint8_t		hash[PHIG_HASH_BYTES] = {0};
	uint64_t	seq = 1;

	nanchors = 0;
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

/* elsewhere: as phiguard-verify does, by anchors; otherwise as the server verifies its own node. */
static int
verify_journal(bool elsewhere)
{
	PhigVerifier verifier = {0};
	PhigAnchor	kept[MAX_ANCHORS];
	PhigBranch	branch = {.node8 = "bbbbbbbb", .segment = "bbbbbbbb-0000000001.seg"};
	PhigBytes	bytes = {get_bytes, &files[BRANCH], files[BRANCH].size};
	PhigSegmentHeader header;

	verifier.crc32c = crc32c;
	verifier.report = count_finding;
	verifier.keys = &public_key;
	verifier.nkeys = 1;
	if (elsewhere)
	{
		memset(kept, 0, sizeof(kept));
		for (int i = 0; i < nanchors; i++)
			kept[i].checkpoint = anchors[i];
		verifier.anchors = kept;
		verifier.nanchors = nanchors;
	}
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
		bool		own = second && !elsewhere;
		char		name[32];
		PhigSegment segment = {.name = name, .number = second ? 1 : (uint64_t) i + 1};

		if (elsewhere && second && !files[i].present)
			continue;
		if (i == 0 || second)
			phig_verify_begin_node(&verifier, second ? "bbbbbbbb" : "aaaaaaaa", own ? SYSTEM : 0);
		if (files[i].present)
		{
			snprintf(name, sizeof(name), "%s-%010d.seg", verifier.node8, (int) segment.number);
			segment.bytes = (PhigBytes) {get_bytes, &files[i], files[i].size};
			segment.last = i >= BRANCH - 1;
			segment.expected_end = own ? pristine[i].end : 0;
			if (own && segment.bytes.limit > pristine[i].end)
				segment.bytes.limit = pristine[i].end;
			phig_verify_segment(&verifier, &segment);
		}
		if (i >= BRANCH - 1)
			phig_verify_end_node(&verifier, own ? 1 : second ? 0 : BRANCH);
	}
	phig_verify_end(&verifier);
	if (verifier.hash_failed)
		fail("no hash");
	return findings;
}

/* Persons that are said to be there are: the sanitizer sees to it. */
static void
read_persons(const PhigRecord *record)
{
	PhigPersonsBody body;
	const uint8_t *data;
	uint8_t		sum = 0;
	uint32_t	bytes;

	if (!phig_parse_persons(record, &body, &data))
		return;
	bytes = body.form == PHIG_PERSONS_TOKENS ? body.n * PHIG_TOKEN_BYTES : body.n;
	if (data < record->body || bytes > (size_t) (record->body + record->head.body_bytes - data))
		fail("more persons than the record has room for");
	for (uint32_t i = 0; i < bytes; i++)
		sum ^= data[i];
	persons_seen += bytes > 0 && sum != 1;
	if (record->head.type != PHIG_RECORD_END)
		return;
	if (bytes != record->head.body_bytes - sizeof(PhigEndBody) || body.n > PHIG_END_TOKENS)
		fail("an end record with other persons than it has room for");
	ends_seen += bytes > 0 && sum != 1;
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
			if (step == PHIG_STEP_RECORD &&
				(walk.record.head.type == PHIG_RECORD_PERSONS || walk.record.head.type == PHIG_RECORD_END))
				read_persons(&walk.record);
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
	uint8_t		type = file->data[file->records[record] + 24];
	bool		numbered = type != PHIG_RECORD_SEAL && type != PHIG_RECORD_CHECKPOINT;

	remove_range(file, file->records[record], length);
	for (int next = record + 1; next < file->nrecords && numbered; next++)
	{
		uint8_t    *p = file->data + file->records[next] - length;

		p[8]--;					/* seqs stay below 256 */
		record_crc(p, record_length(file, next));
	}
}

/* What becomes of checkpoints behind what is hashed again. */
typedef enum Treatment
{
	KEPT,
	FITTED,						/* the hash made right, the signature not */
	SIGNED_BY_OTHER,			/* whose key it names */
	SIGNED_IN_HIS_NAME,			/* by another key, naming the right one */
	DROPPED
}			Treatment;

static void
treat_checkpoint(const uint8_t *data, size_t offset, uint8_t *record, const uint8_t *last, Treatment treatment)
{
	PhigCheckpoint c;

	memcpy(record + 40, last, PHIG_HASH_BYTES);
	if (treatment == SIGNED_BY_OTHER || treatment == SIGNED_IN_HIS_NAME)
		sign_record(data, offset, record, other_seed, &c);
	if (treatment == SIGNED_IN_HIS_NAME)
		memcpy(record + 72, public_key.id, PHIG_KEY_ID_BYTES);
	record_crc(record, PHIG_CHECKPOINT_BYTES);
}

/* Every seal of the file made right, and its checkpoints from a record on.  hash: out, the last one. */
static void
hash_again(File *file, int from, Treatment treatment, uint8_t *hash)
{
	static File old;
	size_t		covered_from = PHIG_SEGMENT_HEADER_BYTES;
	uint8_t		last[PHIG_HASH_BYTES];

	old = *file;
	memset(file->data + PHIG_SEGMENT_HEADER_BYTES, 0, sizeof(file->data) - PHIG_SEGMENT_HEADER_BYTES);
	file->end = PHIG_SEGMENT_HEADER_BYTES;
	file->nrecords = 0;
	hash3(file->data + 64, PHIG_HASH_BYTES, file->data, PHIG_SEGMENT_HEADER_BYTES, NULL, 0, hash);
	for (int i = 0; i < old.nrecords; i++)
	{
		uint8_t    *record = file->data + file->end;
		size_t		length = record_length(&old, i);

		memcpy(record, old.data + old.records[i], length);
		if (record[24] == PHIG_RECORD_SEAL && length == PHIG_SEAL_BYTES)
		{
			last_hash(file->data, covered_from, file->end, hash, hash);
			memcpy(record + 32, hash, PHIG_HASH_BYTES);
			record_crc(record, length);
			covered_from = file->end;
		}
		else if (record[24] == PHIG_RECORD_CHECKPOINT && length == PHIG_CHECKPOINT_BYTES &&
				 i >= from && treatment != KEPT)
		{
			if (treatment == DROPPED)
			{
				memset(record, 0, length);
				continue;
			}
			last_hash(file->data, covered_from, file->end, hash, last);
			treat_checkpoint(file->data, file->end, record, last, treatment);
		}
		file->records[file->nrecords++] = file->end;
		file->end += length;
	}
	last_hash(file->data, covered_from, file->end, hash, hash);
}

/* A record changed, and from it on everything hashed again: to the end of its segment, or node, or of all. */
static void
forge_history(void)
{
	int			first = (int) any(SEGMENTS);
	int			last = any(3) == 0 ? first : first == BRANCH || any(2) ? SEGMENTS - 1 : BRANCH - 1;
	Treatment	treatment = (Treatment) any(DROPPED + 1);
	int			record = (int) any((uint32_t) files[first].nrecords);
	uint8_t    *p = files[first].data + files[first].records[record];
	uint8_t		hash[PHIG_HASH_BYTES];

	p[16 + any(6)] ^= (uint8_t) (1 + any(255));
	record_crc(p, record_length(&files[first], record));
	for (int i = first; i <= last; i++)
	{
		if (i > first)
		{
			memcpy(files[i].data + 64, hash, PHIG_HASH_BYTES);
			header_crc(files[i].data);
		}
		hash_again(&files[i], i == first ? record : 0, treatment, hash);
	}
}

/* The end cut off behind a seal or checkpoint, with the segments that follow it on its node. */
static void
cut_end(void)
{
	int			first = (int) any(SEGMENTS);
	File	   *file = &files[first];
	int			record = (int) any((uint32_t) file->nrecords);

	while (record > 0 && file->data[file->records[record] + 24] != PHIG_RECORD_SEAL)
		record--;
	if (record + 1 < file->nrecords)
		memset(file->data + file->records[record + 1], 0, sizeof(file->data) - file->records[record + 1]);
	for (int i = first + 1; i < BRANCH; i++)
		files[i].present = false;
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
		file->data[at + 24] = "DDDSEVLRXPC"[any(11)];
		put(file->data + at + 28, length - 32 - any(8), 4);
	}
}

static void
damage(void)
{
	File	   *file = &files[any(SEGMENTS)];

	switch (any(12))
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
		case 8:
			cut_end();
			break;
		case 9:
		case 10:
			forge_history();
			break;
		default:
			hostile(file);
	}
}

/* Without the last checkpoint of all: no record is lost with it. */
static void
restore_last_checkpoint(void)
{
	static const uint8_t zeros[PHIG_CHECKPOINT_BYTES];
	size_t		offset = pristine[BRANCH].end - PHIG_CHECKPOINT_BYTES;

	/* Cut off with the zeros behind it, or overwritten. */
	if (files[BRANCH].size == offset)
	{
		memcpy(files[BRANCH].data + offset, pristine[BRANCH].data + offset, pristine[BRANCH].size - offset);
		files[BRANCH].size = pristine[BRANCH].size;
	}
	else if (memcmp(files[BRANCH].data + offset, zeros, sizeof(zeros)) == 0)
		memcpy(files[BRANCH].data + offset, pristine[BRANCH].data + offset, PHIG_CHECKPOINT_BYTES);
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
	const char *seconds = getenv("FUZZ_SECONDS");
	time_t		end = seconds != NULL ? time(NULL) + atol(seconds) : 0;
	long		damaged = 0;

	if (argc > 2)
		seed = strtoull(argv[2], NULL, 10);
	if (!phig_public_key_of_seed(&public_key, signing_seed))
		fail("no key");

	for (round_number = 0; seconds != NULL ? time(NULL) < end : round_number < rounds; round_number++)
	{
		alarm(20);
		if (round_number % DAMAGES_PER_JOURNAL == 0)
		{
			random_state = seed + (uint64_t) round_number;
			write_journal();
			memcpy(files, pristine, sizeof(files));
			if (verify_journal(false) != 0 || verify_journal(true) != 0)
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
		if (verify_journal(false) == 0)
			fail("damage that the server does not find");
		if (verify_journal(true) == 0)
		{
			restore_last_checkpoint();
			if (!is_pristine())
				fail("damage that nobody finds, with all anchors");
		}
	}
	printf("%ld journals damaged, every damage found\n", damaged);
	return damaged > 0 && persons_seen > 0 && ends_seen > 0 ? 0 : 1;
}
