/*
 * summary_read.c
 *		Summaries of segments: their files, read with suspicion, and what can be asked of them.
 *
 * A file that fits, seal and all, may still say anything, where the key became known: nothing outside of its
 * bytes is looked at.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/fd.h"

#include "crypto/siphash.h"
#include "journal/file.h"
#include "journal/summary.h"

#define SEAL_BYTES sizeof(uint64)

/* --- keys --- */

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

uint64
phig_summary_token(const uint8 token[PHIG_ID_BYTES])
{
	uint64		halves[2];

	memcpy(halves, token, sizeof(halves));
	return halves[0] ^ (halves[1] * UINT64CONST(0x9e3779b97f4a7c15));
}

bool
phig_summary_is_word(char key)
{
	/* Not the texts, what categories are made of, and numbers; a key that comes later is a word. */
	return key != '\0' && strchr("qjnchpfv", key) == NULL;
}

uint64
phig_summary_bytes(const PhigSummary *head)
{
	return sizeof(PhigSummary) + ((uint64) head->nlate + head->nopen + head->nshared) * sizeof(uint64) +
		(uint64) head->nblocks * sizeof(PhigBlock) + head->words.bytes + head->late_subjects.bytes +
		head->subjects_bytes + SEAL_BYTES;
}

static uint64
seal_of(const PhigSummary *summary, const uint64 key[2])
{
	return phig_siphash(key, summary, summary->total_bytes - SEAL_BYTES);
}

void
phig_summary_seal(PhigSummary *summary, const uint64 key[2])
{
	uint64		seal = seal_of(summary, key);

	memcpy((uint8 *) summary + summary->total_bytes - SEAL_BYTES, &seal, SEAL_BYTES);
}

bool
phig_summary_same(const PhigSummary *a, const PhigSummary *b)
{
	return a->total_bytes == b->total_bytes && memcmp(a, b, a->total_bytes - SEAL_BYTES) == 0;
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

/* Is it of that segment, and as large as it says? */
static bool
head_fits(const PhigSummary *head, uint64 bytes, const PhigSegmentHeader *header,
		  const uint8 last_hash[PHIG_HASH_BYTES])
{
	return memcmp(head->magic, PHIG_SUMMARY_MAGIC, sizeof(head->magic)) == 0 &&
		head->version == PHIG_SUMMARY_VERSION && head->head_bytes == sizeof(PhigSummary) &&
		memcmp(head->node, header->node, PHIG_ID_BYTES) == 0 && head->number == header->number &&
		head->first_seq == header->first_seq && memcmp(head->last_hash, last_hash, PHIG_HASH_BYTES) == 0 &&
		is_power_of_two(head->words.bytes) && is_power_of_two(head->late_subjects.bytes) && head->nblocks > 0 &&
		head->total_bytes == phig_summary_bytes(head) && head->total_bytes == bytes && bytes <= PHIG_SUMMARY_FILE_BYTES;
}

/* Do the blocks follow each other, and lie their sets where sets are? */
static bool
blocks_fit(const PhigSummary *summary)
{
	const PhigBlock *blocks = phig_summary_blocks(summary);

	for (uint32 i = 0; i < summary->nblocks; i++)
		if (!phig_prints_fit(&blocks[i].subjects, summary->subjects_bytes) ||
			blocks[i].offset < PHIG_SEGMENT_HEADER_BYTES || blocks[i].offset % PHIG_RECORD_ALIGN != 0 ||
			(i > 0 && (blocks[i].offset < blocks[i - 1].offset || blocks[i].first_seq < blocks[i - 1].first_seq)))
			return false;
	return true;
}

bool
phig_summary_fits(const PhigSummary *summary, uint64 bytes, const PhigSegmentHeader *header,
				  const uint8 last_hash[PHIG_HASH_BYTES], const uint64 key[2])
{
	uint64		seal;

	if (bytes < sizeof(PhigSummary) + SEAL_BYTES || !head_fits(summary, bytes, header, last_hash))
		return false;
	memcpy(&seal, (const uint8 *) summary + bytes - SEAL_BYTES, SEAL_BYTES);
	return seal == seal_of(summary, key) && blocks_fit(summary);
}

PhigSummary *
phig_summary_load(const char *segment_path, const PhigSegmentHeader *header,
				  const uint8 last_hash[PHIG_HASH_BYTES], const uint64 key[2])
{
	char		path[MAXPGPATH];
	PhigSummary *summary = NULL;
	PhigFault	fault;
	size_t		got = 0;
	struct stat st;
	int			fd;

	phig_summary_path(path, segment_path);
	fd = BasicOpenFile(path, O_RDONLY | O_CLOEXEC | PG_BINARY);
	if (fd < 0)
		return NULL;
	/* Whatever size somebody gave it: no memory for more than a summary can have. */
	if (fstat(fd, &st) == 0 && st.st_size >= (off_t) sizeof(PhigSummary) && st.st_size <= PHIG_SUMMARY_FILE_BYTES)
	{
		summary = palloc(st.st_size);
		if (!phig_file_read(fd, path, summary, st.st_size, 0, &got, &fault) || got != (size_t) st.st_size ||
			!phig_summary_fits(summary, got, header, last_hash, key))
		{
			pfree(summary);
			summary = NULL;
		}
	}
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

static const uint64 *
shared(const PhigSummary *summary)
{
	return phig_summary_open(summary) + summary->nopen;
}

const PhigBlock *
phig_summary_blocks(const PhigSummary *summary)
{
	return (const PhigBlock *) (shared(summary) + summary->nshared);
}

static const uint8 *
words(const PhigSummary *summary)
{
	return (const uint8 *) (phig_summary_blocks(summary) + summary->nblocks);
}

static const uint8 *
late_subjects(const PhigSummary *summary)
{
	return words(summary) + summary->words.bytes;
}

bool
phig_summary_has_word(const PhigSummary *summary, uint64 word)
{
	return phig_keyset_has(&summary->words, words(summary), word);
}

bool
phig_summary_block_has(const PhigSummary *summary, uint32 i, const uint8 token[PHIG_ID_BYTES])
{
	const PhigPrints *prints = &phig_summary_blocks(summary)[i].subjects;
	const uint8 *sets = late_subjects(summary) + summary->late_subjects.bytes;

	return phig_prints_has(prints, sets + prints->begin, phig_summary_token(token));
}

bool
phig_summary_has_subject(const PhigSummary *summary, const uint8 token[PHIG_ID_BYTES], bool late)
{
	if (late)
		return phig_keyset_has(&summary->late_subjects, late_subjects(summary), phig_summary_token(token));
	for (uint32 i = 0; i < summary->nblocks; i++)
		if (phig_summary_block_has(summary, i, token))
			return true;
	return false;
}

uint64
phig_summary_block_end(const PhigSummary *summary, uint32 i, uint64 limit)
{
	return i + 1 < summary->nblocks ? Min(phig_summary_blocks(summary)[i + 1].offset, limit) : limit;
}

uint32
phig_summary_block_of(const PhigSummary *summary, uint64 seq)
{
	const PhigBlock *blocks = phig_summary_blocks(summary);
	uint32		i = summary->nblocks - 1;

	while (i > 0 && blocks[i].first_seq > seq)
		i--;
	return i;
}

bool
phig_summary_shared(const PhigSummary *summary, const uint8 id[PHIG_ID_BYTES], uint32 *next, uint64 *offset)
{
	const uint64 *list = shared(summary);
	uint32		id32;

	memcpy(&id32, id, sizeof(id32));
	while (*next < summary->nshared && list[*next] >> 32 < id32)
		++* next;
	if (*next == summary->nshared || list[*next] >> 32 != id32)
		return false;
	*offset = PHIG_SHARED_OFFSET(list[*next]);
	++*next;
	return true;
}
