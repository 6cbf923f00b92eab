/*
 * retire.c
 *		Segments that have been kept as long as they must.
 *
 * First a checkpoint that names the oldest segment kept, then the files go: whoever
 * verifies can tell what was retired from what was taken away, because only
 * the server can sign.  So it does not sign for segments that somebody made look
 * old: they are verified before, up to a checkpoint that vouches for all of them.
 */
#include "postgres.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog.h"
#include "nodes/pg_list.h"
#include "utils/timestamp.h"

#include "journal/crc32c.h"
#include "journal/file.h"
#include "journal/journal_state.h"
#include "journal/outward.h"
#include "journal/parse.h"
#include "journal/retire.h"
#include "journal/scan.h"
#include "journal/segment.h"
#include "journal/summary.h"
#include "journal/verify.h"
#include "journal/vouch.h"
#include "journal/window.h"
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
	if (phig_journal_retention == 0 || oldest == 0)
		return oldest;
	while (oldest < newest && oldest <= archived && before_is_older(oldest + 1, cutoff()))
		oldest++;
	return oldest;
}

/* The next segment file of the directory; false at its end. */
static bool
next_segment(DIR *dir, char path[MAXPGPATH], char node8[9], uint64_t *number)
{
	struct dirent *entry;

	while ((entry = readdir(dir)) != NULL)
		if (phig_parse_segment_name(entry->d_name, node8, number))
		{
			phig_file_path(path, entry->d_name);
			return true;
		}
	return false;
}

static DIR *
open_directory(PhigFault *fault)
{
	char		directory[MAXPGPATH];
	DIR		   *dir;

	phig_journal_directory_path(directory);
	dir = opendir(directory);
	if (dir == NULL)
		phig_fault_set(fault, errno, "could not open directory \"%s\"", directory);
	return dir;
}

/* Begun, and last written to, before what must be kept. */
static bool
file_is_old(const char *path)
{
	PhigSegmentHeader header;
	struct stat st;

	return stat(path, &st) == 0 && st.st_mtime < timestamptz_to_time_t(cutoff()) &&
		phig_scan_header(path, &header) && header.created < cutoff();
}

/* Another node's segments go all at once: nobody signs for a part of them. */
static bool
node_is_old(const char *wanted, PhigFault *fault)
{
	char		path[MAXPGPATH];
	char		node8[9];
	uint64_t	number;
	DIR		   *dir = open_directory(fault);
	bool		old = dir != NULL;

	while (old && next_segment(dir, path, node8, &number))
		old = strcmp(node8, wanted) != 0 || file_is_old(path);
	if (dir != NULL)
		closedir(dir);
	return old;
}

/* Other nodes that were looked at, with all their files: each is once. */
typedef struct OtherNode
{
	char		node8[9];
	bool		old;
} OtherNode;

static bool
is_old_node(List **others, const char *node8, PhigFault *fault)
{
	OtherNode  *other;
	ListCell   *lc;

	foreach(lc, *others)
	{
		other = lfirst(lc);
		if (strcmp(other->node8, node8) == 0)
			return other->old;
	}
	other = palloc(sizeof(OtherNode));
	strlcpy(other->node8, node8, sizeof(other->node8));
	other->old = node_is_old(node8, fault);
	*others = lappend(*others, other);
	return other->old;
}

static bool
remove_files(uint64 oldest, PhigFault *fault)
{
	char		own8[9];
	char		path[MAXPGPATH];
	char		summary[MAXPGPATH];
	char		node8[9];
	uint64_t	number;
	List	   *others = NIL;
	DIR		   *dir = open_directory(fault);
	bool		ok = dir != NULL;

	snprintf(own8, sizeof(own8), "%02x%02x%02x%02x", phig_journal->node[0], phig_journal->node[1],
			 phig_journal->node[2], phig_journal->node[3]);
	while (ok && next_segment(dir, path, node8, &number))
	{
		if (strcmp(node8, own8) == 0 ? number >= oldest : !is_old_node(&others, node8, fault))
			continue;
		phig_summary_path(summary, path);
		(void) unlink(summary);
		if (unlink(path) != 0 && errno != ENOENT)
			ok = phig_fault_set(fault, errno, "could not remove file \"%s\"", path);
	}
	if (dir != NULL)
		closedir(dir);
	list_free_deep(others);
	return ok;
}

/* What the verifier says first. */
typedef struct Proof
{
	bool		failed;
	PhigFault  *fault;
} Proof;

static void
note_finding(void *arg, const char *node8, const char *segment, uint64_t position, const char *what)
{
	Proof	   *proof = arg;

	if (!proof->failed)
		phig_fault_set(proof->fault, 0, "file \"%s\", record " UINT64_FORMAT ": %s", segment ? segment : "", position, what);
	proof->failed = true;
}

/* end: how far the segment is written; 0: it is complete. */
static bool
verify_segment(PhigVerifier *verifier, uint64 number, uint64 end, PhigFault *fault)
{
	PhigSegment segment = {.number = number, .expected_end = end, .last = end != 0};
	char		path[MAXPGPATH];
	PhigWindow	window;

	phig_segment_path(path, phig_journal->node, number);
	if (!phig_window_open(&window, path, &segment.bytes, fault))
		return false;
	segment.name = strrchr(path, '/') + 1;
	if (end != 0)
		segment.bytes.limit = Min(segment.bytes.limit, end);
	phig_verify_segment(verifier, &segment);
	phig_window_close(&window);
	return !window.failed;
}

bool
phig_retire_prove(uint64 oldest, PhigFault *fault)
{
	Proof		proof = {.fault = fault};
	PhigVerifier verifier = {.crc32c = phig_crc32c, .report = note_finding, .report_arg = &proof};
	PhigPublicKey key;
	char		own8[9];
	uint64		last_retired = 0;
	uint64		newest,
				end;

	if (!phig_vouch_public_key(&key, fault))
		return false;
	verifier.keys = &key;
	verifier.nkeys = 1;
	snprintf(own8, sizeof(own8), "%02x%02x%02x%02x", phig_journal->node[0], phig_journal->node[1],
			 phig_journal->node[2], phig_journal->node[3]);
	phig_journal_flushed(&newest, &end);
	phig_verify_begin_node(&verifier, own8, GetSystemIdentifier());
	for (uint64 number = phig_journal->oldest_segment; number <= newest; number++)
	{
		if (!verify_segment(&verifier, number, number == newest ? end : 0, fault) || proof.failed)
			return false;
		if (number == oldest)
			last_retired = verifier.header.first_seq - 1;
		if (number >= oldest && verifier.vouched_seq >= last_retired)
			return !verifier.hash_failed || phig_fault_set(fault, 0, "could not compute a SHA-256 hash");
	}
	return phig_fault_set(fault, 0, "no checkpoint vouches for them");
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

	if (phig_vouch(&checkpoint, fault))
	{
		if (checkpoint.oldest == oldest)
			return remove_files(oldest, fault);
		phig_fault_set(fault, 0, "a checkpoint was taken at the same moment");
	}
	LWLockAcquire(phig_flush_lock(), LW_EXCLUSIVE);
	phig_journal->oldest_segment = before;
	LWLockRelease(phig_flush_lock());
	return false;
}
