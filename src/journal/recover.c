/*
 * recover.c
 *		Opening the journal: who we are, where the chain ends, what the ring still holds.
 *
 * Nothing that may be evidence is overwritten.  A torn tail is cut off only when
 * nothing readable follows it; in every other doubt the segment stays as it is
 * and a new one begins that says where the chain broke.  Then the complete
 * records of the ring go into the segment, the same way as in daily work.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "access/xlog.h"
#include "common/file_perm.h"
#include "storage/fd.h"

#include "journal/file.h"
#include "journal/flush.h"
#include "journal/journal_state.h"
#include "journal/node.h"
#include "journal/recover.h"
#include "journal/ring.h"
#include "journal/scan.h"
#include "journal/segment.h"

typedef struct Recovery
{
	bool		running;		/* the journal was open before, in this run of the server */
	bool		nameless;		/* there were segments, but no node file to say whose */
	PhigNode	node;
	uint64		newest;			/* number of the newest segment file; 0: none */
	PhigScan	scan;			/* of it */
	PhigRingRest rest;
} Recovery;

/* Held while the keeper lives: two servers must not write into one directory. */
static int	directory_lock = -1;

bool
phig_lock_directory(PhigFault *fault)
{
	char		path[MAXPGPATH];
	char		parents[MAXPGPATH];

	phig_journal_directory_path(path);
	strlcpy(parents, path, MAXPGPATH);
	/* Changes its argument on failure. */
	if (pg_mkdir_p(parents, pg_dir_create_mode) != 0 && errno != EEXIST)
		return phig_fault_set(fault, errno, "could not create directory \"%s\"", path);

	if (directory_lock >= 0)
		close(directory_lock);
	directory_lock = BasicOpenFile(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory_lock < 0)
		return phig_fault_set(fault, errno, "could not open directory \"%s\"", path);
	if (flock(directory_lock, LOCK_EX | LOCK_NB) != 0)
	{
		if (errno == EWOULDBLOCK)
			return phig_fault_set(fault, 0, "directory \"%s\" is in use by another server", path);
		/* Some network file systems have no such locks. */
		if (errno != ENOSYS && errno != EOPNOTSUPP && errno != EINVAL && errno != ENOLCK)
			return phig_fault_set(fault, errno, "could not lock directory \"%s\"", path);
	}
	return true;
}

/*
 * find_end
 *		Where a node's chain ends that some other server wrote.
 *
 * A copy may have caught the last segment without its header, or the one before it
 * while that was not full yet: the last segment that continues the one before counts.
 * chain->number is 0 when there is none.
 */
static bool
find_end(const uint8 node[PHIG_ID_BYTES], PhigChain *chain, PhigFault *fault)
{
	PhigScan	scan;
	PhigScan	before;
	uint8		hash[PHIG_HASH_BYTES];
	uint64		number;

	memset(chain, 0, sizeof(*chain));
	if (!phig_segment_newest(node, &number, fault))
		return false;
	if (number > 0 && !phig_scan_segment(node, number, &scan, fault))
		return false;
	for (; number > 0; number--, scan = before)
	{
		if (number > 1 && phig_segment_exists(node, number - 1))
		{
			if (!phig_scan_segment(node, number - 1, &before, fault))
				return false;
		}
		else
			before.state = PHIG_SCAN_NO_HEADER;
		if (scan.state == PHIG_SCAN_NO_HEADER)
			continue;
		if (before.state == PHIG_SCAN_NO_HEADER || scan.header.reason == PHIG_SEGMENT_BROKEN)
			break;
		if (!phig_chain_last_hash(&before.chain, hash))
			return phig_fault_set(fault, 0, "could not compute a SHA-256 hash");
		if (memcmp(hash, scan.header.prev_hash, PHIG_HASH_BYTES) == 0)
			break;
	}
	if (number > 0)
		*chain = scan.chain;
	return true;
}

/* A new node that continues after chain, which belongs to parent. */
static bool
make_branch(PhigNode *node, const uint8 parent[PHIG_ID_BYTES], const PhigChain *chain,
			PhigFault *fault)
{
	if (!phig_node_make(node, fault))
		return false;
	node->has_parent = true;
	memcpy(node->parent, parent, PHIG_ID_BYTES);
	node->parent_seq = chain->last_seq;
	if (chain->number > 0 && !phig_chain_last_hash(chain, node->parent_hash))
		return phig_fault_set(fault, 0, "could not compute a SHA-256 hash");
	return true;
}

/*
 * A new node in the place of one that a crash or a copy left without any segment: what that
 * one was to continue, this one does.
 */
static bool
make_sibling(PhigNode *node, const PhigNode *former, PhigFault *fault)
{
	if (!phig_node_make(node, fault))
		return false;
	node->has_parent = former->has_parent;
	memcpy(node->parent, former->parent, PHIG_ID_BYTES);
	node->parent_seq = former->parent_seq;
	memcpy(node->parent_hash, former->parent_hash, PHIG_HASH_BYTES);
	return true;
}

/* Who writes here: as the node file says, or a new node that continues what is known. */
static bool
identify(Recovery *r, PhigFault *fault)
{
	PhigNode   *node = &r->node;
	PhigNodeFile found;
	PhigNode	former;
	PhigChain	chain;
	bool		known;

	if (!phig_node_read(node, &found, fault))
		return false;
	former = *node;
	if (r->running)
	{
		/* The files were taken away under us: our own chain is the one to continue. */
		if (found == PHIG_NODE_OURS && memcmp(node->id, phig_journal->node, PHIG_ID_BYTES) == 0)
			return true;
		if (!make_branch(node, phig_journal->node, &phig_journal->chain, fault))
			return false;
		ereport(WARNING,
				(errmsg("the journal of PHI access was taken away from the running server and begins a branch"),
				 errdetail("It continues after record " UINT64_FORMAT ".", node->parent_seq)));
		return phig_node_write(node, fault);
	}

	if (found == PHIG_NODE_OURS)
		return true;
	known = found == PHIG_NODE_COPIED;
	if (!known && !phig_scan_last_writer(former.id, &known, fault))
		return false;
	if (!known)
		return phig_node_make(node, fault) && phig_node_write(node, fault);

	if (!find_end(former.id, &chain, fault))
		return false;
	if (chain.number == 0 ? !make_sibling(node, &former, fault) :
		!make_branch(node, former.id, &chain, fault))
		return false;
	r->nameless = found != PHIG_NODE_COPIED;
	ereport(r->nameless ? WARNING : LOG,
			(r->nameless ?
			 errmsg("the node file of the journal of PHI access is missing or damaged") :
			 errmsg("the journal of PHI access was copied from elsewhere"),
			 errdetail("It begins a branch after record " UINT64_FORMAT ".", node->parent_seq)));
	return phig_node_write(node, fault);
}

/*
 * begin_segment
 *		Create the segment that recovery goes on in, after chain (NULL: after nothing that is known).
 */
static bool
begin_segment(const Recovery *r, uint64 number, uint64 first_seq, uint32 reason,
			  const PhigChain *after, uint64 broken_segment, uint64 broken_offset,
			  PhigFault *fault)
{
	PhigSegmentHeader header;
	uint8		prev_hash[PHIG_HASH_BYTES] = {0};

	if (reason == PHIG_SEGMENT_BRANCH)
		memcpy(prev_hash, r->node.parent_hash, PHIG_HASH_BYTES);
	else if (after != NULL && !phig_chain_last_hash(after, prev_hash))
		return phig_fault_set(fault, 0, "could not compute a SHA-256 hash");

	phig_segment_header(&header, r->node.id, number, first_seq, reason, prev_hash);
	if (reason == PHIG_SEGMENT_BRANCH)
	{
		memcpy(header.parent_node, r->node.parent, PHIG_ID_BYTES);
		header.parent_seq = r->node.parent_seq;
	}
	header.broken_segment = broken_segment;
	header.broken_offset = broken_offset;
	return phig_segment_create(&header, &phig_journal->chain, fault);
}

/* Never write into the segment where the chain broke: begin a new one that says so. */
static bool
begin_after_break(const Recovery *r, uint64 segment, uint64 offset, PhigFault *fault)
{
	uint64		number = Max(r->newest, r->rest.synced_segment) + 1;
	uint64		first_seq = r->rest.first_seq;
	char		path[MAXPGPATH];
	const PhigChain *after = NULL;

	if (first_seq == 0)
		first_seq = Max(r->scan.highest_seq, r->rest.highest_seq) + 1;
	if (r->newest > 0 && r->scan.state != PHIG_SCAN_NO_HEADER)
		after = &r->scan.chain;
	if (!begin_segment(r, number, first_seq, PHIG_SEGMENT_BROKEN, after, segment, offset, fault))
		return false;

	phig_segment_path(path, r->node.id, segment);
	ereport(WARNING,
			(errmsg("the journal of PHI access is damaged: file \"%s\", byte " UINT64_FORMAT,
					path, offset),
			 errdetail("Records after this place may have been changed or removed.  The journal continues in a new segment."),
			 errhint("Keep the file as it is, and see phiguard.verify_journal().")));
	return true;
}

/* Overwrite a torn tail with zeros, so that no rubbish stands behind the next batch. */
static bool
cut_tail(const Recovery *r, PhigFault *fault)
{
	uint64		bytes = r->scan.end - r->scan.chain.offset;
	struct iovec iov = {palloc0(bytes), bytes};

	ereport(LOG,
			(errmsg("removing an incomplete batch of " UINT64_FORMAT " bytes from the end of the journal of PHI access",
					bytes)));
	return phig_segment_write(r->node.id, r->newest, &iov, 1, r->scan.chain.offset, fault);
}

/* Decide which segment to go on in; phig_journal->chain is its state afterwards. */
static bool
choose_segment(Recovery *r, PhigFault *fault)
{
	PhigScan   *scan = &r->scan;
	PhigRingRest *rest = &r->rest;

	/*
	 * Whoever wrote there may have been killed before it was synced: what was read of it came
	 * from the kernel.  The segments before the newest are on disk; that was so before it was
	 * begun.
	 */
	if (r->newest > 0 && !phig_segment_make_durable(r->node.id, r->newest, fault))
		return false;
	if (r->newest < rest->synced_segment)
		return begin_after_break(r, r->newest + 1, 0, fault);
	if (r->newest == 0)
		return begin_segment(r, 1, r->node.parent_seq + 1,
							 r->node.has_parent ? PHIG_SEGMENT_BRANCH : PHIG_SEGMENT_FIRST,
							 NULL, 0, 0, fault);
	if (scan->state == PHIG_SCAN_NO_HEADER)
		return begin_after_break(r, r->newest, 0, fault);

	/*
	 * The ring's file knows better than the segment how far that once was on disk, and its
	 * records must follow those of the segment.
	 */
	if (scan->state == PHIG_SCAN_DAMAGED ||
		(r->newest == rest->synced_segment && scan->chain.offset < rest->synced_offset) ||
		rest->first_seq > scan->chain.last_seq + 1)
		return begin_after_break(r, r->newest, scan->chain.offset, fault);

	if (scan->state == PHIG_SCAN_TORN && !cut_tail(r, fault))
		return false;
	phig_journal->chain = scan->chain;
	return true;
}

/* Make the ring the one in use and bring what it holds to disk.  Both locks held. */
static bool
use_ring(const Recovery *r, PhigFault *fault)
{
	const PhigRingRest *rest = &r->rest;
	const PhigChain *chain = &phig_journal->chain;
	uint64		last_seq = Max(chain->last_seq, chain->first_seq - 1);

	SpinLockAcquire(&phig_journal->mutex);
	memcpy(phig_journal->node, r->node.id, PHIG_ID_BYTES);
	/* It may be another node's now; the keeper soon takes a new one. */
	phig_journal->checkpoint.segment = 0;
	phig_journal->oldest_segment = 0;
	SpinLockRelease(&phig_journal->mutex);
	if (rest->usable)
	{
		if (rest->lost_bytes > 0)
			ereport(LOG,
					(errmsg("the last " UINT64_FORMAT " bytes of the ring of the journal of PHI access were lost with the machine",
							rest->lost_bytes)));
		phig_ring_adopt(rest->tail, rest->head, Max(last_seq, rest->last_seq));
		if (!phig_flush_locked(fault))
			return false;
		last_seq = phig_journal->last_seq;
	}
	if (!phig_ring_is_as_configured() && !phig_ring_create(r->node.id, last_seq, fault))
		return false;
	phig_ring_release(pg_atomic_read_u64(&phig_journal->head), chain->number, chain->offset);
	return true;
}

/* What the ring holds that no seal covers. */
static bool
look_into_ring(Recovery *r, PhigFault *fault)
{
	if (r->running)
	{
		phig_ring_rest_in_use(&r->rest);
		if (memcmp(r->node.id, phig_journal->node, PHIG_ID_BYTES) != 0)
			r->rest.synced_segment = r->rest.synced_offset = 0;
		return true;
	}
	if (!phig_ring_load(r->node.id, r->nameless, &r->rest, fault))
		return false;
	if (r->rest.usable)
		phig_ring_examine(r->scan.chain.last_seq, &r->rest);
	else if (r->newest > 0)
		ereport(WARNING,
				(errmsg("the ring of the journal of PHI access is missing or damaged"),
				 errdetail("Records that were not on disk yet when the server stopped are lost.")));
	return true;
}

static bool
recover_locked(PhigFault *fault)
{
	Recovery	r = {0};

	/* With its mapping lost too (a keeper that died) there is only what the files say. */
	r.running = phig_journal->ring_number > 0 && phig_ring_map(fault);

	phig_segment_close();
	phig_segment_drop_spare();
	return identify(&r, fault) &&
		phig_segment_newest(r.node.id, &r.newest, fault) &&
		(r.newest == 0 || phig_scan_segment(r.node.id, r.newest, &r.scan, fault)) &&
		look_into_ring(&r, fault) &&
		choose_segment(&r, fault) &&
		use_ring(&r, fault);
}

bool
phig_recover(PhigFault *fault)
{
	bool		ok;

	if (!phig_lock_directory(fault))
		return false;
	LWLockAcquire(phig_insert_lock(), LW_EXCLUSIVE);
	LWLockAcquire(phig_flush_lock(), LW_EXCLUSIVE);
	ok = recover_locked(fault);
	LWLockRelease(phig_flush_lock());
	LWLockRelease(phig_insert_lock());
	return ok;
}

bool
phig_files_in_place(PhigFault *fault)
{
	bool		ok;

	LWLockAcquire(phig_flush_lock(), LW_SHARED);
	ok = phig_segment_in_place(fault) && phig_ring_in_place(fault);
	LWLockRelease(phig_flush_lock());
	return ok;
}
