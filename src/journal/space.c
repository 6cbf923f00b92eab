/*
 * space.c
 *		How much the journal holds, how fast it grows, and how long the disk will do.
 */
#include "postgres.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "utils/timestamp.h"

#include "journal/file.h"
#include "journal/journal_state.h"
#include "journal/parse.h"
#include "journal/scan.h"
#include "journal/space.h"
#include "settings.h"

#define GROWTH_WINDOW_US (7 * USECS_PER_DAY)
/* Of less than this nobody can say how fast it grows. */
#define GROWTH_LEAST_US (60 * INT64CONST(1000000))
#define DAYS_LEFT_LOW 14
#define SEGMENTS_LEFT_LOW 8

/* This node's growth. */
typedef struct Growth
{
	int64		since;			/* when the first segment inside the window was begun; 0: none */
	uint64		bytes;			/* of the segments since */
} Growth;

static void
add_segment(PhigSpace *space, Growth *growth, const char *path, bool own, uint64 number)
{
	PhigSegmentHeader header;
	struct stat st;
	uint64		segment,
				offset;

	if (stat(path, &st) != 0)
		return;
	space->segments++;
	space->bytes += st.st_size;
	if (!phig_scan_header(path, &header))
		return;
	if (space->oldest == 0 || header.created < space->oldest)
		space->oldest = header.created;
	if (!own || header.created < GetCurrentTimestamp() - GROWTH_WINDOW_US)
		return;
	if (growth->since == 0 || header.created < growth->since)
		growth->since = header.created;
	phig_journal_flushed(&segment, &offset);
	growth->bytes += number == segment ? offset : (uint64) st.st_size;
}

bool
phig_space(PhigSpace *space, PhigFault *fault)
{
	char		directory[MAXPGPATH];
	char		path[MAXPGPATH];
	char		own8[9];
	Growth		growth = {0};
	int64		elapsed;
	struct statvfs vfs;
	DIR		   *dir;
	struct dirent *entry;

	memset(space, 0, sizeof(*space));
	space->bytes_per_day = space->days_left = -1;
	phig_journal_directory_path(directory);
	snprintf(own8, sizeof(own8), "%02x%02x%02x%02x", phig_journal->node[0], phig_journal->node[1],
			 phig_journal->node[2], phig_journal->node[3]);
	dir = opendir(directory);
	if (dir == NULL)
		return phig_fault_set(fault, errno, "could not open directory \"%s\"", directory);
	while ((entry = readdir(dir)) != NULL)
	{
		char		node8[9];
		uint64_t	number;

		if (!phig_parse_segment_name(entry->d_name, node8, &number))
			continue;
		phig_file_path(path, entry->d_name);
		add_segment(space, &growth, path, strcmp(node8, own8) == 0, number);
	}
	closedir(dir);
	if (statvfs(directory, &vfs) != 0)
		return phig_fault_set(fault, errno, "could not look at the file system of directory \"%s\"", directory);
	space->free_bytes = (uint64) vfs.f_bavail * vfs.f_frsize;

	elapsed = GetCurrentTimestamp() - growth.since;
	if (growth.since != 0 && elapsed >= GROWTH_LEAST_US)
	{
		space->bytes_per_day = (double) growth.bytes * USECS_PER_DAY / elapsed;
		if (space->bytes_per_day > 0)
			space->days_left = space->free_bytes / space->bytes_per_day;
	}
	return true;
}

bool
phig_space_is_low(const PhigSpace *space)
{
	return space->free_bytes < (uint64) SEGMENTS_LEFT_LOW * phig_journal_segment_size * 1024 ||
		(space->days_left >= 0 && space->days_left < DAYS_LEFT_LOW);
}
