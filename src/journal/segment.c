/*
 * segment.c
 *		Segment files: names, creation, and writing to the one in use.
 *
 * A segment is filled with zeros and synced before it gets its name, so that
 * later fdatasyncs find the blocks allocated and need no metadata.  The file
 * "spare" is the next one, made ahead by the keeper; shared->spare_ready says
 * whether it is whole.  Segments are written by whoever holds the flush lock.
 */
#include "postgres.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "storage/fd.h"
#include "utils/timestamp.h"

#include "journal/crc32c.h"
#include "journal/file.h"
#include "journal/journal_state.h"
#include "journal/parse.h"
#include "journal/segment.h"
#include "settings.h"

#define SPARE "spare"

/* The segment that this process writes to, or last did. */
static int	open_fd = -1;
static uint8 open_node[PHIG_ID_BYTES];
static uint64 open_number;		/* 0: not a segment yet */
static char open_path[MAXPGPATH];

void
phig_segment_path(char path[MAXPGPATH], const uint8 node[PHIG_ID_BYTES], uint64 number)
{
	char		name[64];

	snprintf(name, sizeof(name), "%02x%02x%02x%02x-%010" PRIu64 ".seg",
			 node[0], node[1], node[2], node[3], number);
	phig_file_path(path, name);
}

/* 0 while a standby has not begun to replay. */
static uint32
current_timeline(void)
{
	TimeLineID	timeline = 0;

	if (RecoveryInProgress())
		GetXLogReplayRecPtr(&timeline);
	else
		timeline = GetWALInsertionTimeLine();
	return timeline;
}

void
phig_segment_header(PhigSegmentHeader *header, const uint8 node[PHIG_ID_BYTES],
					uint64 number, uint64 first_seq, uint32 reason,
					const uint8 prev_hash[PHIG_HASH_BYTES])
{
	memset(header, 0, sizeof(*header));
	memcpy(header->magic, PHIG_SEGMENT_MAGIC, sizeof(header->magic));
	header->version = PHIG_FORMAT_VERSION;
	header->header_bytes = PHIG_SEGMENT_HEADER_BYTES;
	header->system_identifier = GetSystemIdentifier();
	memcpy(header->node, node, PHIG_ID_BYTES);
	header->number = number;
	header->first_seq = first_seq;
	memcpy(header->prev_hash, prev_hash, PHIG_HASH_BYTES);
	header->reason = reason;
	header->timeline = current_timeline();
}

void
phig_segment_header_before(PhigSegmentHeader *header, const PhigChain *before)
{
	header->before_first = before->first_time;
	header->before_last = before->last_time;
}

/*
 * A file of zeros as large as a segment, whole and synced.  Not the last ones of
 * the file system, though: filling it up even for a moment may take the server
 * down, whose WAL may be there too.
 */
static bool
preallocate(const char *path, PhigFault *fault)
{
	uint64		bytes = (uint64) phig_journal_segment_size * 1024;
	char		directory[MAXPGPATH];
	struct statvfs vfs;
	int			fd;
	bool		ok;

	phig_journal_directory_path(directory);
	if (statvfs(directory, &vfs) == 0 && (uint64) vfs.f_bavail * vfs.f_frsize < 2 * bytes)
		return phig_fault_set(fault, ENOSPC, "could not preallocate file \"%s\"", path);
	if (!phig_file_create(path, bytes, &fd, fault))
		return false;
	ok = phig_file_sync(fd, path, false, fault);
	close(fd);
	if (!ok)
		unlink(path);
	return ok;
}

/* The file that becomes the next segment; on a disk almost full it grows as it is written. */
static bool
get_blank(char path[MAXPGPATH], PhigFault *fault)
{
	int			fd;

	if (pg_atomic_exchange_u32(&phig_journal->spare_ready, 0) == 1)
	{
		phig_file_path(path, SPARE);
		return true;
	}
	phig_file_path(path, "segment.tmp");
	if (preallocate(path, fault))
		return true;
	if (fault->error != ENOSPC || !phig_file_create(path, 0, &fd, fault))
		return false;
	close(fd);
	return true;
}

/* What open_fd is. */
static void
note_open(const char *path, const uint8 node[PHIG_ID_BYTES], uint64 number)
{
	memcpy(open_node, node, PHIG_ID_BYTES);
	open_number = number;
	strlcpy(open_path, path, MAXPGPATH);
}

bool
phig_segment_create(PhigSegmentHeader *header, PhigChain *chain, PhigFault *fault)
{
	char		temporary[MAXPGPATH];
	char		path[MAXPGPATH];
	struct iovec iov = {header, sizeof(*header)};

	header->created = GetCurrentTimestamp();
	header->crc = phig_crc32c(header, offsetof(PhigSegmentHeader, crc));

	if (!get_blank(temporary, fault))
		return false;

	/* A file left behind by a failure below has no .seg name: nobody takes it for a segment. */
	phig_segment_path(path, header->node, header->number);
	phig_segment_close();
	open_fd = BasicOpenFile(temporary, O_RDWR | O_CLOEXEC | PG_BINARY);
	if (open_fd < 0)
		return phig_fault_set(fault, errno, "could not open file \"%s\"", temporary);
	ReserveExternalFD();
	open_number = 0;
	strlcpy(open_path, temporary, MAXPGPATH);
	if (!phig_file_write(open_fd, temporary, &iov, 1, 0, fault) ||
		!phig_file_sync(open_fd, temporary, false, fault) ||
		!phig_file_rename(temporary, path, fault) ||
		!phig_file_inode(open_fd, path, &phig_journal->segment_inode, fault))
		return false;
	note_open(path, header->node, header->number);

	if (!phig_chain_begin(chain, header))
		return phig_fault_set(fault, 0, "could not compute a SHA-256 hash");
	return true;
}

bool
phig_segment_make_spare(PhigFault *fault)
{
	char		temporary[MAXPGPATH];
	char		path[MAXPGPATH];

	phig_file_path(temporary, SPARE ".tmp");
	phig_file_path(path, SPARE);
	if (!preallocate(temporary, fault) || !phig_file_rename(temporary, path, fault))
		return false;
	pg_write_barrier();
	pg_atomic_write_u32(&phig_journal->spare_ready, 1);
	return true;
}

void
phig_segment_drop_spare(void)
{
	static const char *const leftovers[] = {SPARE, SPARE ".tmp", "segment.tmp"};
	char		path[MAXPGPATH];

	pg_atomic_write_u32(&phig_journal->spare_ready, 0);
	for (int i = 0; i < (int) lengthof(leftovers); i++)
	{
		phig_file_path(path, leftovers[i]);
		unlink(path);
	}
}

bool
phig_segment_exists(const uint8 node[PHIG_ID_BYTES], uint64 number)
{
	char		path[MAXPGPATH];

	phig_segment_path(path, node, number);
	return access(path, F_OK) == 0;
}

bool
phig_segment_newest(const uint8 node[PHIG_ID_BYTES], uint64 *number, PhigFault *fault)
{
	char		directory[MAXPGPATH];
	char		mine[9];
	DIR		   *dir;
	struct dirent *entry;

	*number = 0;
	phig_journal_directory_path(directory);
	snprintf(mine, sizeof(mine), "%02x%02x%02x%02x", node[0], node[1], node[2], node[3]);

	dir = opendir(directory);
	if (dir == NULL)
		return phig_fault_set(fault, errno, "could not open directory \"%s\"", directory);
	while ((entry = readdir(dir)) != NULL)
	{
		char		node8[9];
		uint64_t	n;

		if (phig_parse_segment_name(entry->d_name, node8, &n) && strcmp(node8, mine) == 0)
			*number = Max(*number, n);
	}
	closedir(dir);
	return true;
}

bool
phig_segment_in_place(PhigFault *fault)
{
	char		path[MAXPGPATH];

	phig_segment_path(path, phig_journal->node, phig_journal->chain.number);
	return phig_file_in_place(path, phig_journal->segment_inode, fault);
}

static bool
open_segment(const uint8 node[PHIG_ID_BYTES], uint64 number, PhigFault *fault)
{
	char		path[MAXPGPATH];

	phig_segment_path(path, node, number);
	phig_segment_close();
	open_fd = BasicOpenFile(path, O_RDWR | O_CLOEXEC | PG_BINARY);
	if (open_fd < 0)
		return phig_fault_set(fault, errno, "could not open file \"%s\"", path);
	ReserveExternalFD();
	note_open(path, node, number);
	return true;
}

bool
phig_segment_write(const uint8 node[PHIG_ID_BYTES], uint64 number,
				   struct iovec *iov, int niov, uint64 offset, PhigFault *fault)
{
	bool		is_open = open_fd >= 0 && open_number == number &&
		memcmp(open_node, node, PHIG_ID_BYTES) == 0;

	if (!is_open && !open_segment(node, number, fault))
		return false;
	if (phig_file_write(open_fd, open_path, iov, niov, offset, fault) &&
		phig_file_sync(open_fd, open_path, true, fault) &&
		phig_file_inode(open_fd, open_path, &phig_journal->segment_inode, fault))
		return true;
	phig_segment_close();
	return false;
}

bool
phig_segment_make_durable(const uint8 node[PHIG_ID_BYTES], uint64 number, PhigFault *fault)
{
	char		directory[MAXPGPATH];

	phig_journal_directory_path(directory);
	return open_segment(node, number, fault) &&
		phig_file_sync(open_fd, open_path, false, fault) &&
		phig_file_inode(open_fd, open_path, &phig_journal->segment_inode, fault) &&
		phig_file_sync_directory(directory, fault);
}

void
phig_segment_close(void)
{
	if (open_fd < 0)
		return;
	close(open_fd);
	ReleaseExternalFD();
	open_fd = -1;
}
