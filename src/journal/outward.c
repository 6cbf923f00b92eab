/*
 * outward.c
 *		What the keeper hands to the outside: anchors, and whole segments for the archive.
 *
 * An anchor goes to phiguard.journal_anchor_command on its standard input, a segment
 * that is complete to phiguard.journal_archive_command by its path, one after the other.  What is
 * in the archive the file "archived" says, so that a restart goes on there; a command may be run
 * twice for the same segment, as with PostgreSQL's own archive_command.
 */
#include "postgres.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "storage/fd.h"
#include "utils/timestamp.h"

#include "journal/child.h"
#include "journal/file.h"
#include "journal/journal_state.h"
#include "journal/outward.h"
#include "journal/segment.h"
#include "settings.h"

#define ARCHIVED_FILE "archived"
#define ANCHOR_PATIENCE_MS (60 * 1000.0)
#define ARCHIVE_PATIENCE_MS (3600 * 1000.0)

static PhigChild anchor_child;
static PhigChild archive_child;
static PhigCheckpoint anchor;	/* segment 0: none waits */
static uint64 archiving;		/* number of the segment whose command runs */

/* --- anchors --- */

void
phig_anchor_wanted(const PhigCheckpoint *checkpoint)
{
	anchor = *checkpoint;
}

bool
phig_anchor_pending(void)
{
	return phig_journal_anchor_command[0] != '\0' && (anchor_child.pid != 0 || anchor.segment != 0);
}

static bool
start_anchor(PhigFault *fault)
{
	char		text[PHIG_ANCHOR_MAX_BYTES + 1];
	size_t		len = phig_anchor_format(&anchor, text);
	char	   *command = phig_child_command(phig_journal_anchor_command, NULL, NULL);

	text[len] = '\n';
	text[len + 1] = '\0';
	if (!phig_child_start(&anchor_child, command, text, fault))
		return false;
	anchor.segment = 0;
	return true;
}

bool
phig_anchor_work(PhigFault *fault)
{
	static PhigCheckpoint started;

	switch (phig_child_poll(&anchor_child, ANCHOR_PATIENCE_MS, fault))
	{
		case PHIG_CHILD_RUNS:
			return true;
		case PHIG_CHILD_FAILED:
			/* The next checkpoint's anchor says more; until there is one, this. */
			if (anchor.segment == 0)
				anchor = started;
			return false;
		case PHIG_CHILD_DONE:
			SpinLockAcquire(&phig_journal->mutex);
			phig_journal->anchored_seq = started.seq;
			SpinLockRelease(&phig_journal->mutex);
			break;
		case PHIG_CHILD_NONE:
			break;
	}
	if (anchor.segment == 0 || phig_journal_anchor_command[0] == '\0')
		return true;
	started = anchor;
	return start_anchor(fault);
}

/* --- the archive --- */

static void
node_prefix(char prefix[2 * PHIG_ID_BYTES + 1])
{
	for (int i = 0; i < PHIG_ID_BYTES; i++)
		snprintf(prefix + 2 * i, 3, "%02x", phig_journal->node[i]);
}

uint64
phig_archived_segment(void)
{
	char		path[MAXPGPATH];
	char		text[128] = "";
	char		node[2 * PHIG_ID_BYTES + 1];
	char		found[2 * PHIG_ID_BYTES + 1] = "";
	uint64_t	number = 0;
	PhigFault	fault;
	size_t		got = 0;
	int			fd;

	phig_file_path(path, ARCHIVED_FILE);
	fd = BasicOpenFile(path, O_RDONLY | O_CLOEXEC | PG_BINARY);
	if (fd < 0)
		return 0;
	if (phig_file_read(fd, path, text, sizeof(text) - 1, 0, &got, &fault))
		text[got] = '\0';
	close(fd);
	node_prefix(node);
	if (sscanf(text, "%32s %" SCNu64, found, &number) != 2 || strcmp(found, node) != 0)
		return 0;
	return number;
}

static bool
note_archived(uint64 number, PhigFault *fault)
{
	char		path[MAXPGPATH];
	char		temporary[MAXPGPATH];
	char		node[2 * PHIG_ID_BYTES + 1];
	char		text[128];
	struct iovec iov = {text};
	int			fd;
	bool		ok;

	node_prefix(node);
	iov.iov_len = snprintf(text, sizeof(text), "%s " UINT64_FORMAT "\n", node, number);
	phig_file_path(path, ARCHIVED_FILE);
	phig_file_path(temporary, ARCHIVED_FILE ".tmp");
	if (!phig_file_create(temporary, 0, &fd, fault))
		return false;
	ok = phig_file_write(fd, temporary, &iov, 1, 0, fault) &&
		phig_file_sync(fd, temporary, false, fault);
	close(fd);
	return ok && phig_file_rename(temporary, path, fault);
}

/* The next complete segment that is not in the archive, when there is one. */
static bool
start_archiving(PhigFault *fault)
{
	uint64		newest,
				offset;
	uint64		number = Max(phig_archived_segment() + 1, phig_journal->oldest_segment);
	char		path[MAXPGPATH];
	char	   *command;

	phig_journal_flushed(&newest, &offset);
	if (number >= newest)
		return true;
	phig_segment_path(path, phig_journal->node, number);
	if (!phig_segment_exists(phig_journal->node, number))
		return phig_fault_set(fault, 0, "file \"%s\" is not there to be archived", path);
	command = phig_child_command(phig_journal_archive_command, path, strrchr(path, '/') + 1);
	archiving = number;
	return phig_child_start(&archive_child, command, NULL, fault);
}

bool
phig_archive_work(PhigFault *fault)
{
	switch (phig_child_poll(&archive_child, ARCHIVE_PATIENCE_MS, fault))
	{
		case PHIG_CHILD_RUNS:
			return true;
		case PHIG_CHILD_FAILED:
			return false;
		case PHIG_CHILD_DONE:
			if (!note_archived(archiving, fault))
				return false;
			break;
		case PHIG_CHILD_NONE:
			break;
	}
	return phig_journal_archive_command[0] == '\0' || start_archiving(fault);
}
