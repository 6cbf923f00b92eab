/*
 * shared.h
 *		What the journal keeps in shared memory, and how its faults travel.
 *
 * Private to src/journal.  Which lock guards what is in README.md.
 */
#ifndef PHIG_SHARED_H
#define PHIG_SHARED_H

#include "postgres.h"

#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/spin.h"

#include "journal/chain.h"
#include "journal/checkpoint.h"
#include "journal/journal.h"

/*
 * Why something did not work.  Faults are values, not errors: they arise under
 * locks, in the keeper, and in transactions that end; whoever may raise an error
 * does so with phig_fault_raise.
 */
typedef struct PhigFault
{
	int			error;			/* errno, or 0 when what says all */
	char		what[MAXPGPATH + 128];
} PhigFault;

/* Note a fault; always false, so that callers can return it.  error: errno or 0. */
extern bool phig_fault_set(PhigFault *fault, int error, const char *format,...) pg_attribute_printf(3, 4);

/*
 * phig_fault_raise
 *		Raise PG001 for a record that could not be written, or log and return where that is allowed.
 *
 * access: the record is that of a statement on PHI, of which its purpose may say so; of all others
 * phiguard.journal_on_failure does.
 */
extern void phig_fault_raise(const PhigFault *fault, bool access);

/* "could not write file "x": No space left on device" into text. */
extern void phig_fault_text(const PhigFault *fault, char *text, size_t size);

typedef enum PhigJournalState
{
	PHIG_JOURNAL_OPENING = 0,	/* the keeper has not got to it yet */
	PHIG_JOURNAL_OPEN,
	PHIG_JOURNAL_CLOSED			/* unusable; the keeper tries again; reason says why */
} PhigJournalState;

/* What the keeper may be unable to do while the journal is open. */
typedef enum PhigTrouble
{
	PHIG_TROUBLE_WRITE,
	PHIG_TROUBLE_SPARE,
	PHIG_TROUBLE_CHECKPOINT,
	PHIG_TROUBLE_ANCHOR,
	PHIG_TROUBLE_ARCHIVE,
	PHIG_TROUBLE_RETIRE,
	PHIG_TROUBLE_KEY,
	PHIG_TROUBLE_SUMMARY,
	PHIG_TROUBLES
} PhigTrouble;

/* Definitions that the segment being appended to has already; direct-mapped, so an entry may push another out. */
#define PHIG_KNOWN_DEFINITIONS 4096

typedef struct PhigKnown
{
	uint8		id[PHIG_ID_BYTES];
	uint32		epoch;			/* known in this epoch of the ring; epochs start at 1 */
} PhigKnown;

typedef struct PhigJournalShared
{
	pg_atomic_uint32 state;		/* PhigJournalState; written by the keeper alone */
	ConditionVariable state_changed;
	Latch	   *keeper_latch;	/* NULL while there is no keeper */
	int			keeper_pid;		/* 0 then */
	pg_atomic_uint32 appenders; /* backends that have the ring mapped and are counted by the
								 * keeper */
	pg_atomic_uint32 stopped;	/* the keeper has written its stop event: backends flush for
								 * themselves */
	pg_atomic_uint32 spare_ready;	/* the preallocated next segment exists */
	bool		started;		/* the start event is written; keeper only */
	bool		standby;		/* replaying somebody else's WAL, as far as we know; keeper only */
	bool		announced;		/* the place of the directory was commented on; keeper only */

	slock_t		mutex;
	/* under mutex */
	char		reason[MAXPGPATH + 256];	/* of PHIG_JOURNAL_CLOSED */
	uint8		node[PHIG_ID_BYTES];
	uint64		written_segment;	/* how far the journal is on disk */
	uint64		written_offset;
	PhigCheckpoint checkpoint;	/* the last one taken; segment 0: none yet */
	uint64		anchored_seq;	/* of the last anchor that journal_anchor_command took */
	char		troubles[PHIG_TROUBLES][256];	/* what the keeper cannot do at present; empty:
												 * all is well */
	uint64		ring_bytes;		/* data bytes of the ring; changed with both locks held besides */
	uint32		ring_number;	/* counts ring files: a backend's mapping may be of an older one */

	/* under the insert lock; head may be read without */
	pg_atomic_uint64 head;		/* end of the last complete record in the ring */
	uint64		last_seq;		/* last one given out */
	uint64		epoch_start;	/* position from which records go to the newest segment */
	uint32		epoch;
	PhigKnown	known[PHIG_KNOWN_DEFINITIONS];

	/* under the flush lock; tail, turn and target may be read without */
	pg_atomic_uint64 tail;		/* everything before is on disk */
	pg_atomic_uint64 turn;		/* counts flushes; of the running one, or the last */
	pg_atomic_uint64 target;	/* where tail will be after it */
	pg_atomic_uint64 segment_bytes; /* size of the segment being written; estimate for appenders */
	PhigChain	chain;
	uint64		oldest_segment; /* of this node: those before were retired; 0: not known yet */
	uint64		ring_inode;		/* of the files in use, to see whether they are still in their
								 * places */
	uint64		segment_inode;
} PhigJournalShared;

extern PhigJournalShared *phig_journal;

extern LWLock *phig_insert_lock(void);
extern LWLock *phig_flush_lock(void);

/* Held by who makes a flush, from when he waits for the one before to when those who wait for it may look. */
extern LWLock *phig_turn_lock(uint64 turn);

/* True when records can be appended; waits for a server that has just started.  fault says why not. */
extern bool phig_journal_is_open(PhigFault *fault);

/* The keeper's transitions. */
extern void phig_journal_opened(void);
extern void phig_journal_closed(const PhigFault *fault);

/* Milliseconds of a clock that nobody sets: what waits must not wait longer because the time of day steps back. */
extern double phig_monotonic_ms(void);

/* Wake the keeper, if there is one. */
extern void phig_keeper_wake(void);

#endif
