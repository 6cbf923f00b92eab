/*
 * retire.c
 *		Segments that have been kept as long as they must.
 *
 * First a checkpoint that names the oldest segment kept, then the files go: whoever
 * verifies can tell what was retired from what was taken away, because only
 * the server can sign.
 */
#include "postgres.h"

#include <dirent.h>
#include <unistd.h>

#include "utils/timestamp.h"

#include "journal/file.h"
#include "journal/journal_state.h"
#include "journal/outward.h"
#include "journal/parse.h"
#include "journal/retire.h"
#include "journal/scan.h"
#include "journal/segment.h"
#include "journal/vouch.h"
#include "settings.h"

static int64
cutoff(void)
{
	return GetCurrentTimestamp() - phig_journal_retention * USECS_PER_SEC;
}

/* Are all records of the segment before this one older than that?  The header that follows it says. */
static bool
before_is_older(uint64 number, int64 than)
{
	char		path[MAXPGPATH];
	PhigSegmentHeader header;

	phig_segment_path(path, phig_journal->node, number);
	return phig_scan_header(path, &header) && header.before_last != 0 && header.before_last < than;
}

uint64
phig_retire_find(void)
{
	uint64		newest,
				offset;
	uint64		oldest = phig_journal->oldest_segment;
	uint64		archived = phig_journal_archive_command[0] != '\0' ? phig_archived_segment() : PG_UINT64_MAX;

	phig_journal_flushed(&newest, &offset);
	if (phig_journal_retention == 0)
		return oldest;
	while (oldest < newest && oldest <= archived && before_is_older(oldest + 1, cutoff()))
		oldest++;
	return oldest;
}

/* A file of this node before oldest, or of another one that is older than what must be kept. */
static bool
is_retired(const char *path, const char *node8, uint64 number, uint64 oldest)
{
	char		own8[9];
	PhigSegmentHeader header;

	snprintf(own8, sizeof(own8), "%02x%02x%02x%02x", phig_journal->node[0], phig_journal->node[1],
			 phig_journal->node[2], phig_journal->node[3]);
	if (strcmp(node8, own8) == 0)
		return number < oldest;
	return phig_scan_header(path, &header) && header.created < cutoff();
}

static bool
remove_files(uint64 oldest, PhigFault *fault)
{
	char		directory[MAXPGPATH];
	char		path[MAXPGPATH];
	DIR		   *dir;
	struct dirent *entry;
	bool		ok = true;

	phig_journal_directory_path(directory);
	dir = opendir(directory);
	if (dir == NULL)
		return phig_fault_set(fault, errno, "could not open directory \"%s\"", directory);
	while (ok && (entry = readdir(dir)) != NULL)
	{
		char		node8[9];
		uint64_t	number;

		if (!phig_parse_segment_name(entry->d_name, node8, &number))
			continue;
		phig_file_path(path, entry->d_name);
		if (is_retired(path, node8, number, oldest) && unlink(path) != 0 && errno != ENOENT)
			ok = phig_fault_set(fault, errno, "could not remove file \"%s\"", path);
	}
	closedir(dir);
	return ok;
}

bool
phig_retire(uint64 oldest, PhigFault *fault)
{
	PhigCheckpoint checkpoint;
	uint64		before;

	LWLockAcquire(phig_flush_lock(), LW_EXCLUSIVE);
	before = phig_journal->oldest_segment;
	phig_journal->oldest_segment = oldest;
	LWLockRelease(phig_flush_lock());

	if (phig_vouch(&checkpoint, fault) && checkpoint.oldest == oldest)
		return remove_files(oldest, fault);
	LWLockAcquire(phig_flush_lock(), LW_EXCLUSIVE);
	phig_journal->oldest_segment = before;
	LWLockRelease(phig_flush_lock());
	return false;
}
