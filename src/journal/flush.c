/*
 * flush.c
 *		From the ring to the segment: hash, seal, write, sync.
 *
 * All under the flush lock.  Flushes take turns: those whose records came too late
 * for the one that is running wait for the next, which the first of them will make,
 * so each sleeps until its record is on disk and is woken once.  A batch is what
 * stands in the ring up to a marker that ends the segment; it is hashed and written
 * straight from the ring, one write with its seal, then fdatasync, and only then the
 * ring lets go of it.  Every flush syncs: after a failed sync the kernel may have
 * dropped what it was given before, and what still stands in the ring can be written
 * again.
 *
 * A crash between the write and the release leaves records both sealed and in
 * the ring; recovery tells by their seq.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "utils/timestamp.h"

#include "journal/flush.h"
#include "journal/record.h"
#include "journal/ring.h"
#include "journal/segment.h"

/* More than this in one write is split, so that a disk that fills up takes what fits. */
#define BATCH_BYTES (1024 * 1024)

/*
 * Where the batch that begins at from ends: at a marker, at head, or when it is large enough.
 * The times of a batch that is then not written count all the same: they are that of one to come.
 */
static uint64
batch_end(uint64 from, uint64 head, uint64 *last_seq)
{
	uint64		position = from;

	while (position < head && position - from < BATCH_BYTES)
	{
		PhigRecordHeader header;

		phig_ring_peek(position, &header);
		if (header.type == PHIG_RECORD_ROTATE)
			break;
		*last_seq = header.seq;
		phig_chain_note_time(&phig_journal->chain, header.time);
		position += header.length;
	}
	return position;
}

static bool
write_batch(uint64 from, uint64 to, uint64 last_seq, PhigFault *fault)
{
	PhigChain  *chain = &phig_journal->chain;
	struct
	{
		PhigRecordHeader header;
		uint8		hash[PHIG_HASH_BYTES];
	}			seal = {{.seq = last_seq, .type = PHIG_RECORD_SEAL, .body_bytes = PHIG_HASH_BYTES}};
	struct iovec iov[3];
	int			n = phig_ring_pieces(from, to, iov);

	StaticAssertStmt(sizeof(seal) == PHIG_SEAL_BYTES, "a seal is its header and a hash");

	phig_chain_begin_batch(chain);
	for (int i = 0; i < n; i++)
		phig_hash_add(iov[i].iov_base, iov[i].iov_len);
	if (!phig_hash_end(seal.hash))
		return phig_fault_set(fault, 0, "could not compute a SHA-256 hash");
	seal.header.time = GetCurrentTimestamp();
	phig_record_finish(&seal.header);
	iov[n].iov_base = &seal;
	iov[n].iov_len = PHIG_SEAL_BYTES;

	if (!phig_segment_write(phig_journal->node, chain->number, iov, n + 1, chain->offset, fault))
		return false;
	phig_chain_advance(chain, (const uint8 *) &seal, chain->offset + (to - from) + PHIG_SEAL_BYTES);
	phig_ring_release(to, chain->number, chain->offset);
	return true;
}

/* A marker stands at the tail: what follows goes into a new segment. */
static bool
pass_marker(uint64 position, PhigFault *fault)
{
	PhigChain  *chain = &phig_journal->chain;
	PhigRecordHeader marker;

	phig_ring_peek(position, &marker);

	/*
	 * The present segment may have been begun at this very marker, before a crash; not by other
	 * code.
	 */
	if (chain->sealed || chain->version != PHIG_FORMAT_VERSION)
	{
		PhigSegmentHeader header;
		PhigChain	next = {0};
		uint8		prev_hash[PHIG_HASH_BYTES];

		if (!phig_chain_last_hash(chain, prev_hash))
			return phig_fault_set(fault, 0, "could not compute a SHA-256 hash");
		phig_segment_header(&header, phig_journal->node, chain->number + 1, marker.seq,
							PHIG_SEGMENT_ROTATION, prev_hash);
		phig_segment_header_before(&header, chain);
		if (!phig_segment_create(&header, &next, fault))
			return false;
		*chain = next;
		phig_keeper_wake();
	}
	phig_ring_release(position + marker.length, chain->number, chain->offset);
	return true;
}

bool
phig_flush_locked(PhigFault *fault)
{
	uint64		head = pg_atomic_read_u64(&phig_journal->head);

	/* Records before head are complete: head moved after them, under the insert lock. */
	pg_read_barrier();
	pg_atomic_write_u64(&phig_journal->target, head);
	pg_write_barrier();
	pg_atomic_write_u64(&phig_journal->turn, pg_atomic_read_u64(&phig_journal->turn) + 1);
	if (!phig_ring_map(fault))
		return false;

	for (;;)
	{
		uint64		tail = pg_atomic_read_u64(&phig_journal->tail);
		uint64		last_seq = 0;
		uint64		end;

		if (tail >= head)
			return true;
		end = batch_end(tail, head, &last_seq);
		if (end > tail ? !write_batch(tail, end, last_seq, fault) : !pass_marker(tail, fault))
			return false;
	}
}

static bool
flush_now(PhigJournalLSN lsn, PhigFault *fault)
{
	bool		done = true;

	LWLockAcquire(phig_flush_lock(), LW_EXCLUSIVE);
	if (pg_atomic_read_u64(&phig_journal->tail) < lsn)
		done = phig_flush_locked(fault);
	LWLockRelease(phig_flush_lock());
	return done;
}

/* Turn and target are read without a lock: who is mistaken waits for a turn that is not his, and looks again. */
bool
phig_flush(PhigJournalLSN lsn, PhigFault *fault)
{
	while (pg_atomic_read_u64(&phig_journal->tail) < lsn)
	{
		uint64		turn = pg_atomic_read_u64(&phig_journal->turn);
		LWLock	   *lock;
		bool		done;

		pg_read_barrier();
		if (pg_atomic_read_u64(&phig_journal->target) < lsn)
			turn++;
		lock = phig_turn_lock(turn);
		if (!LWLockAcquireOrWait(lock, LW_EXCLUSIVE))
			continue;
		done = flush_now(lsn, fault);
		LWLockRelease(lock);
		if (!done)
			return false;
	}
	return true;
}

bool
phig_flush_all(PhigFault *fault)
{
	return phig_flush(pg_atomic_read_u64(&phig_journal->head), fault);
}
