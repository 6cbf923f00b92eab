/*
 * scan.c
 *		How far a segment is proven, for recovery.
 *
 * A write that a loss of power cut short leaves the beginning of a batch, or
 * nothing that can be read; that may be cut off.  Where anything readable
 * follows, bytes in the middle were changed, and overwriting what comes after
 * would destroy evidence.  (Sectors of one write that reached the disk out of
 * order look the same; then the new segment names a break that was an
 * accident, and nothing is lost.)
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/pg_crc32c.h"
#include "storage/fd.h"

#include "journal/file.h"
#include "journal/journal_state.h"
#include "journal/parse.h"
#include "journal/scan.h"
#include "journal/segment.h"

#define WINDOW_BYTES (4 * PHIG_RECORD_MAX_BYTES)

/* A view of the file that moves forward, as parse.h wants it. */
typedef struct Window
{
	int			fd;
	char		path[MAXPGPATH];
	uint64		start;			/* file position of bytes[0] */
	size_t		len;
	char	   *bytes;
	PhigFault  *fault;
	bool		failed;			/* fault says why a read did */
} Window;

static const uint8_t *
get_bytes(void *arg, uint64_t offset, size_t want, size_t *have)
{
	Window	   *window = arg;

	*have = 0;
	if (window->failed)
		return NULL;
	if (offset < window->start || offset + want > window->start + window->len)
	{
		window->start = offset;
		window->failed = !phig_file_read(window->fd, window->path, window->bytes, WINDOW_BYTES,
										 offset, &window->len, window->fault);
		if (window->failed)
			return NULL;
	}
	*have = window->len - (offset - window->start);
	return (const uint8_t *) window->bytes + (offset - window->start);
}

static uint32_t
crc32c(const void *data, size_t len)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, data, len);
	FIN_CRC32C(crc);
	return crc;
}

/* A seal stands there: true when it fits what the chain says of the records before it. */
static bool
seal_fits(PhigChain *chain, const PhigRecord *record)
{
	uint8		hash[PHIG_HASH_BYTES];

	if (!phig_hash_end(hash) || memcmp(hash, record->body, PHIG_HASH_BYTES) != 0)
		return false;
	phig_chain_advance(chain, record->bytes, record->offset + record->head.length);
	phig_chain_begin_batch(chain);
	return true;
}

/* A checkpoint has no place but where the chain ends. */
static bool
checkpoint_fits(PhigChain *chain, const PhigRecord *record)
{
	if (record->offset != chain->offset || chain->vouched)
		return false;
	phig_chain_vouched(chain, record->bytes);
	phig_chain_begin_batch(chain);
	return true;
}

/* Go on with the chain by one record; false when that does not belong there. */
static bool
follows(PhigChain *chain, const PhigRecord *record)
{
	switch (record->head.type)
	{
		case PHIG_RECORD_SEAL:
			return seal_fits(chain, record);
		case PHIG_RECORD_CHECKPOINT:
			return checkpoint_fits(chain, record);
		default:
			phig_chain_note_time(chain, record->head.time);
			phig_hash_add(record->bytes, record->head.length);
			return true;
	}
}

/* Follow the chain from the header to its end, and judge what comes after. */
static void
walk_chain(PhigBytes *bytes, PhigScan *scan)
{
	PhigWalk	walk;
	PhigStep	step;

	phig_walk_begin(&walk, bytes, crc32c);
	phig_chain_begin_batch(&scan->chain);
	while ((step = phig_walk_next(&walk)) != PHIG_STEP_END)
	{
		if (step == PHIG_STEP_DAMAGE)
		{
			scan->end = walk.damage_offset + walk.damage_bytes;
			if (walk.damage == PHIG_DAMAGE_RECORD || walk.damage == PHIG_DAMAGE_RANGE)
				scan->state = PHIG_SCAN_DAMAGED;
			continue;
		}
		scan->end = walk.offset;
		scan->highest_seq = Max(scan->highest_seq, walk.record.head.seq);
		if (scan->state == PHIG_SCAN_DAMAGED)
			continue;
		if (!follows(&scan->chain, &walk.record))
			scan->state = PHIG_SCAN_DAMAGED;
		else if (walk.record.head.type == PHIG_RECORD_CHECKPOINT)
		{
			PhigCheckpoint checkpoint;

			phig_parse_checkpoint(&scan->header, &walk.record, &checkpoint);
			scan->oldest = Max(scan->oldest, checkpoint.oldest);
		}
	}
	if (scan->state == PHIG_SCAN_WHOLE && scan->end > scan->chain.offset)
		scan->state = PHIG_SCAN_TORN;
}

static bool
scan_bytes(PhigBytes *bytes, const uint8 node[PHIG_ID_BYTES], uint64 number, PhigScan *scan)
{
	const uint8_t *raw;
	size_t		have;

	if (phig_parse_header(bytes, crc32c, &scan->header) != PHIG_HEADER_OK ||
		memcmp(scan->header.node, node, PHIG_ID_BYTES) != 0 || scan->header.number != number)
	{
		scan->state = PHIG_SCAN_NO_HEADER;
		return true;
	}
	raw = get_bytes(bytes->arg, 0, PHIG_SEGMENT_HEADER_BYTES, &have);
	if (raw == NULL || !phig_chain_begin(&scan->chain, (const PhigSegmentHeader *) raw))
		return false;
	scan->end = PHIG_SEGMENT_HEADER_BYTES;
	scan->highest_seq = scan->chain.last_seq;
	scan->oldest = scan->header.oldest;
	walk_chain(bytes, scan);
	return true;
}

bool
phig_scan_header(const char *path, PhigSegmentHeader *header)
{
	PhigFault	fault;
	Window		window = {.fault = &fault};
	PhigBytes	bytes = {.get = get_bytes, .arg = &window, .limit = PHIG_SEGMENT_HEADER_BYTES};
	bool		holds;

	strlcpy(window.path, path, MAXPGPATH);
	window.fd = BasicOpenFile(path, O_RDONLY | O_CLOEXEC | PG_BINARY);
	if (window.fd < 0)
		return false;
	window.bytes = palloc(WINDOW_BYTES);
	holds = phig_parse_header(&bytes, crc32c, header) == PHIG_HEADER_OK;
	close(window.fd);
	pfree(window.bytes);
	return holds;
}

bool
phig_scan_last_writer(uint8 node[PHIG_ID_BYTES], bool *found, PhigFault *fault)
{
	char		directory[MAXPGPATH];
	char		path[MAXPGPATH];
	int64		created = PG_INT64_MIN;
	DIR		   *dir;
	struct dirent *entry;

	*found = false;
	phig_journal_directory_path(directory);
	dir = opendir(directory);
	if (dir == NULL)
		return phig_fault_set(fault, errno, "could not open directory \"%s\"", directory);
	while ((entry = readdir(dir)) != NULL)
	{
		PhigSegmentHeader header;
		char		node8[9];
		uint64_t	number;

		if (!phig_parse_segment_name(entry->d_name, node8, &number))
			continue;
		phig_file_path(path, entry->d_name);
		if (!phig_scan_header(path, &header) || header.created < created)
			continue;
		*found = true;
		created = header.created;
		memcpy(node, header.node, PHIG_ID_BYTES);
	}
	closedir(dir);
	return true;
}

bool
phig_scan_segment(const uint8 node[PHIG_ID_BYTES], uint64 number, PhigScan *scan, PhigFault *fault)
{
	Window		window = {.fault = fault};
	PhigBytes	bytes = {.get = get_bytes, .arg = &window};
	struct stat st;
	bool		ok;

	memset(scan, 0, sizeof(*scan));
	scan->state = PHIG_SCAN_WHOLE;
	phig_segment_path(window.path, node, number);
	window.fd = BasicOpenFile(window.path, O_RDONLY | O_CLOEXEC | PG_BINARY);
	if (window.fd < 0 || fstat(window.fd, &st) != 0)
	{
		phig_fault_set(fault, errno, "could not open file \"%s\"", window.path);
		if (window.fd >= 0)
			close(window.fd);
		return false;
	}

	bytes.limit = st.st_size;
	window.bytes = palloc(WINDOW_BYTES);
	ok = scan_bytes(&bytes, node, number, scan);
	close(window.fd);
	pfree(window.bytes);
	if (ok || window.failed)
		return ok && !window.failed;
	return phig_fault_set(fault, 0, "could not compute a SHA-256 hash");
}
