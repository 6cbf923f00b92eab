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

#include <dirent.h>

#include "journal/crc32c.h"
#include "journal/file.h"
#include "journal/journal_state.h"
#include "journal/parse.h"
#include "journal/scan.h"
#include "journal/segment.h"
#include "journal/window.h"

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

	phig_walk_begin(&walk, bytes, phig_crc32c);
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
	}
	if (scan->state == PHIG_SCAN_WHOLE && scan->end > scan->chain.offset)
		scan->state = PHIG_SCAN_TORN;
}

static bool
scan_bytes(PhigBytes *bytes, const uint8 node[PHIG_ID_BYTES], uint64 number, PhigScan *scan)
{
	const uint8_t *raw;
	size_t		have;

	if (phig_parse_header(bytes, phig_crc32c, &scan->header) != PHIG_HEADER_OK ||
		memcmp(scan->header.node, node, PHIG_ID_BYTES) != 0 || scan->header.number != number)
	{
		scan->state = PHIG_SCAN_NO_HEADER;
		return true;
	}
	raw = phig_bytes_at(bytes, 0, PHIG_SEGMENT_HEADER_BYTES, &have);
	if (raw == NULL || !phig_chain_begin(&scan->chain, (const PhigSegmentHeader *) raw))
		return false;
	scan->end = PHIG_SEGMENT_HEADER_BYTES;
	scan->highest_seq = scan->chain.last_seq;
	walk_chain(bytes, scan);
	return true;
}

bool
phig_scan_header(const char *path, PhigSegmentHeader *header)
{
	PhigFault	fault;
	PhigWindow	window;
	PhigBytes	bytes;
	bool		holds;

	if (!phig_window_open(&window, path, &bytes, &fault))
		return false;
	holds = phig_parse_header(&bytes, phig_crc32c, header) == PHIG_HEADER_OK;
	phig_window_close(&window);
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
	char		path[MAXPGPATH];
	PhigWindow	window;
	PhigBytes	bytes;
	bool		ok;

	memset(scan, 0, sizeof(*scan));
	scan->state = PHIG_SCAN_WHOLE;
	phig_segment_path(path, node, number);
	if (!phig_window_open(&window, path, &bytes, fault))
		return false;
	ok = scan_bytes(&bytes, node, number, scan);
	phig_window_close(&window);
	if (ok || window.failed)
		return ok && !window.failed;
	return phig_fault_set(fault, 0, "could not compute a SHA-256 hash");
}
