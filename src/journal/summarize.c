/*
 * summarize.c
 *		Summaries of the segments that are complete, made and made again by the keeper.
 *
 * A list of the directory's segments is worked off one by one, so that nobody waits for it.  Nothing is synced:
 * what a loss of power leaves of a summary does not fit, and is made again.
 */
#include "postgres.h"

#include <dirent.h>
#include <inttypes.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "journal/file.h"
#include "journal/journal_state.h"
#include "journal/scan.h"
#include "journal/segment.h"
#include "journal/summarize.h"
#include "journal/summary.h"
#include "journal/vouch.h"
#include "journal/window.h"

/* Names of segments, without directory, in one context of their own. */
static MemoryContext queue_context = NULL;
static List *queue = NIL;
static bool wanted = true;
static uint64 seen_newest = 0;	/* of this node, when the list was made or added to */

void
phig_summarize_wanted(void)
{
	wanted = true;
}

bool
phig_summarize_pending(void)
{
	return queue != NIL;
}

/* A summary without its segment. */
static void
drop_orphan(const char *name)
{
	char		path[MAXPGPATH];
	char		segment[MAXPGPATH];
	char		node8[9];
	uint64_t	number;

	snprintf(segment, sizeof(segment), "%.*s.seg", (int) (strlen(name) - 4), name);
	if (!phig_parse_segment_name(segment, node8, &number))
		return;
	phig_file_path(path, segment);
	if (access(path, F_OK) == 0 || errno != ENOENT)
		return;
	phig_file_path(path, name);
	(void) unlink(path);
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

static bool
list_directory(PhigFault *fault)
{
	char		path[MAXPGPATH];
	MemoryContext old;
	struct dirent *entry;
	char		node8[9];
	uint64_t	number;
	DIR		   *dir;

	phig_journal_directory_path(path);
	dir = opendir(path);
	if (dir == NULL)
		return phig_fault_set(fault, errno, "could not open directory \"%s\"", path);
	if (queue_context == NULL)
		queue_context = AllocSetContextCreate(TopMemoryContext, "phiguard segments to summarize",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(queue_context);
	queue = NIL;
	old = MemoryContextSwitchTo(queue_context);
	while ((entry = readdir(dir)) != NULL)
	{
		size_t		len = strlen(entry->d_name);

		if (phig_parse_segment_name(entry->d_name, node8, &number))
			queue = lappend(queue, pstrdup(entry->d_name));
		else if (len > 4 && len < 64 && strcmp(entry->d_name + len - 4, ".sum") == 0)
			drop_orphan(entry->d_name);
	}
	list_sort(queue, compare_names);
	MemoryContextSwitchTo(old);
	closedir(dir);
	return true;
}

/* Header of the segment of this number beside the one at path. */
static bool
neighbour_header(const char *name, uint64 number, PhigSegmentHeader *header)
{
	char		path[MAXPGPATH];
	char		neighbour[64];

	snprintf(neighbour, sizeof(neighbour), "%.8s-%010" PRIu64 ".seg", name, number);
	phig_file_path(path, neighbour);
	return phig_scan_header(path, header);
}

/* Another one continues the segment: as this header and with this hash. */
static bool
is_complete(const char *name, PhigSegmentHeader *header, uint8 last_hash[PHIG_HASH_BYTES])
{
	char		path[MAXPGPATH];
	PhigSegmentHeader next;
	char		node8[9];
	uint64_t	number;

	phig_file_path(path, name);
	if (!phig_parse_segment_name(name, node8, &number) || !phig_scan_header(path, header) ||
		header->number != number || !neighbour_header(name, number + 1, &next) ||
		next.number != number + 1 || next.reason != PHIG_SEGMENT_ROTATION ||
		memcmp(next.node, header->node, PHIG_ID_BYTES) != 0)
		return false;
	memcpy(last_hash, next.prev_hash, PHIG_HASH_BYTES);
	return true;
}

/* A summary that is missing, or another's. */
static bool
needs_summary(const char *path, const PhigSegmentHeader *header, const uint8 last_hash[PHIG_HASH_BYTES],
			  const uint64 key[2])
{
	PhigSummary *summary = phig_summary_load(path, header, last_hash, key);

	if (summary != NULL)
		pfree(summary);
	return summary == NULL;
}

/*
 * A damaged segment gets none, and is looked into by every search: verify_journal() says what it is.  So does one whose
 * bytes are not those that the next segment continues: the right ones may be put back later.
 */
static bool
summarize(const char *name, const PhigSegmentHeader *header, const uint8 last_hash[PHIG_HASH_BYTES],
		  const uint64 key[2], PhigFault *fault)
{
	char		path[MAXPGPATH];
	PhigWindow	window;
	PhigBytes	bytes;
	PhigSummary *summary;

	phig_file_path(path, name);
	if (!needs_summary(path, header, last_hash, key))
		return true;
	if (!phig_window_open(&window, path, &bytes, fault))
		return access(path, F_OK) != 0 && errno == ENOENT;	/* retired meanwhile */
	summary = phig_summary_build(&bytes, header->number, last_hash, true);
	phig_window_close(&window);
	if (window.failed)
		return false;
	if (summary == NULL)
		return true;
	phig_summary_seal(summary, key);
	return phig_summary_write(summary, path, fault);
}

/* This node's segment is full and another one begun. */
static void
note_newest(void)
{
	uint64		newest;
	uint64		offset;
	char		path[MAXPGPATH];
	MemoryContext old;

	phig_journal_flushed(&newest, &offset);
	if (newest == seen_newest)
		return;
	old = MemoryContextSwitchTo(queue_context);
	for (uint64 number = Max(seen_newest, 1); seen_newest != 0 && number < newest; number++)
	{
		phig_segment_path(path, phig_journal->node, number);
		queue = lappend(queue, pstrdup(strrchr(path, '/') + 1));
	}
	MemoryContextSwitchTo(old);
	seen_newest = newest;
}

bool
phig_summarize_work(PhigFault *fault)
{
	PhigSegmentHeader header;
	uint8		last_hash[PHIG_HASH_BYTES];
	uint64		key[2];
	bool		ok = true;

	if (wanted && !list_directory(fault))
		return false;
	wanted = false;
	note_newest();
	if (queue == NIL)
		return true;
	/* The key is asked for where there is something to do: to ask may be to make it. */
	if (is_complete(linitial(queue), &header, last_hash))
	{
		if (!phig_vouch_summary_key(key, fault))
		{
			/* Without it none would be believed; look again after a while. */
			wanted = true;
			MemoryContextReset(queue_context);
			queue = NIL;
			return false;
		}
		ok = summarize(linitial(queue), &header, last_hash, key, fault);
		OPENSSL_cleanse(key, sizeof(key));
	}
	/* A failure is tried again with the next look through the directory. */
	queue = list_delete_first(queue);
	return ok;
}
