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
#include "journal/record.h"
#include "journal/scan.h"
#include "journal/segment.h"

#define WINDOW_BYTES (4 * PHIG_RECORD_MAX_BYTES)

/* A view of the file that moves forward; a whole record at any place fits. */
typedef struct Window
{
	int			fd;
	char		path[MAXPGPATH];
	uint64		start;			/* file position of bytes[0] */
	size_t		len;
	bool		at_end;			/* the file ends with them */
	char	   *bytes;
} Window;

/* Up to len bytes at position, got of them there; NULL on a fault. */
static const char *
view(Window *window, uint64 position, size_t len, size_t *got, PhigFault *fault)
{
	if (position < window->start ||
		(position + len > window->start + window->len && !window->at_end))
	{
		window->start = position;
		if (!phig_file_read(window->fd, window->path, window->bytes, WINDOW_BYTES, position,
							&window->len, fault))
			return NULL;
		window->at_end = window->len < WINDOW_BYTES;
	}
	*got = position >= window->start + window->len ? 0 :
		Min(len, window->start + window->len - position);
	return window->bytes + (position - window->start);
}

/* The record at position, or NULL in *record when none that is whole stands there. */
static bool
view_record(Window *window, uint64 position, const PhigRecordHeader **record, PhigFault *fault)
{
	size_t		got;
	const char *bytes = view(window, position, PHIG_RECORD_MAX_BYTES, &got, fault);
	const PhigRecordHeader *header = (const PhigRecordHeader *) bytes;

	*record = NULL;
	if (bytes == NULL)
		return false;
	if (got >= sizeof(PhigRecordHeader) && phig_record_plausible(header) &&
		header->type != PHIG_RECORD_ROTATE && header->length <= got &&
		phig_record_crc_holds(header))
		*record = header;
	return true;
}

static bool
header_holds(const PhigSegmentHeader *header, const uint8 node[PHIG_ID_BYTES], uint64 number)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, header, offsetof(PhigSegmentHeader, crc));
	FIN_CRC32C(crc);
	return memcmp(header->magic, PHIG_SEGMENT_MAGIC, sizeof(header->magic)) == 0 &&
		header->version == PHIG_FORMAT_VERSION &&
		header->header_bytes == PHIG_SEGMENT_HEADER_BYTES &&
		memcmp(header->node, node, PHIG_ID_BYTES) == 0 &&
		header->number == number &&
		EQ_CRC32C(crc, header->crc);
}

/*
 * walk
 *		Follow the chain from the header; position: out, where it stops.
 *
 * Sets DAMAGED where a seal stands that does not fit what is before it.
 */
static bool
walk(Window *window, PhigScan *scan, uint64 *position, PhigFault *fault)
{
	const PhigRecordHeader *record;
	uint8		hash[PHIG_HASH_BYTES];

	*position = PHIG_SEGMENT_HEADER_BYTES;
	phig_chain_begin_batch(&scan->chain);
	for (;; *position += record->length)
	{
		if (!view_record(window, *position, &record, fault))
			return false;
		if (record == NULL)
			return true;
		scan->highest_seq = Max(scan->highest_seq, record->seq);
		if (record->type != PHIG_RECORD_SEAL)
		{
			phig_hash_add(record, record->length);
			continue;
		}
		if (!phig_hash_end(hash))
			return phig_fault_set(fault, 0, "could not compute a SHA-256 hash");
		if (memcmp(hash, record + 1, PHIG_HASH_BYTES) != 0)
		{
			scan->state = PHIG_SCAN_DAMAGED;
			return true;
		}
		phig_chain_advance(&scan->chain, (const uint8 *) record, *position + record->length);
		phig_chain_begin_batch(&scan->chain);
	}
}

/* What stands from position on: readable records make it DAMAGED, other bytes TORN. */
static bool
look_behind(Window *window, uint64 position, uint64 file_bytes, PhigScan *scan, PhigFault *fault)
{
	const PhigRecordHeader *record;
	const char *bytes;
	size_t		got;

	for (; position < file_bytes; position += PHIG_RECORD_ALIGN)
	{
		static const char zeros[PHIG_RECORD_ALIGN];

		bytes = view(window, position, PHIG_RECORD_ALIGN, &got, fault);
		if (bytes == NULL)
			return false;
		if (memcmp(bytes, zeros, got) == 0)
			continue;
		scan->end = position + got;
		if (!view_record(window, position, &record, fault))
			return false;
		if (record == NULL)
			continue;
		scan->highest_seq = Max(scan->highest_seq, record->seq);
		scan->state = PHIG_SCAN_DAMAGED;
	}
	return true;
}

static bool
scan_file(Window *window, const uint8 node[PHIG_ID_BYTES], uint64 number, PhigScan *scan,
		  PhigFault *fault)
{
	struct stat st;
	const char *bytes;
	uint64		position;
	size_t		got;

	if (fstat(window->fd, &st) != 0)
		return phig_fault_set(fault, errno, "could not stat file \"%s\"", window->path);
	bytes = view(window, 0, PHIG_SEGMENT_HEADER_BYTES, &got, fault);
	if (bytes == NULL)
		return false;
	if (got < PHIG_SEGMENT_HEADER_BYTES ||
		!header_holds((const PhigSegmentHeader *) bytes, node, number))
	{
		if (!look_behind(window, 0, st.st_size, scan, fault))
			return false;
		scan->state = PHIG_SCAN_NO_HEADER;
		return true;
	}

	memcpy(&scan->header, bytes, PHIG_SEGMENT_HEADER_BYTES);
	if (!phig_chain_begin(&scan->chain, &scan->header))
		return phig_fault_set(fault, 0, "could not compute a SHA-256 hash");
	scan->highest_seq = scan->chain.last_seq;
	if (!walk(window, scan, &position, fault))
		return false;
	scan->end = position;
	if (!look_behind(window, position, st.st_size, scan, fault))
		return false;
	if (scan->state == PHIG_SCAN_WHOLE && scan->end > scan->chain.offset)
		scan->state = PHIG_SCAN_TORN;
	return true;
}

bool
phig_scan_segment(const uint8 node[PHIG_ID_BYTES], uint64 number, PhigScan *scan, PhigFault *fault)
{
	Window		window = {0};
	bool		ok;

	memset(scan, 0, sizeof(*scan));
	scan->state = PHIG_SCAN_WHOLE;
	phig_segment_path(window.path, node, number);
	window.fd = BasicOpenFile(window.path, O_RDONLY | O_CLOEXEC | PG_BINARY);
	if (window.fd < 0)
		return phig_fault_set(fault, errno, "could not open file \"%s\"", window.path);
	window.bytes = palloc(WINDOW_BYTES);
	ok = scan_file(&window, node, number, scan, fault);
	close(window.fd);
	pfree(window.bytes);
	return ok;
}
