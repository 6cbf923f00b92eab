/*
 * state.c
 *		The journal's shared memory, whether it is open, and how faults become errors.
 *
 * The keeper opens the journal after each start of the server and after each
 * failure; everyone else asks phig_journal_is_open() first, which costs one
 * atomic read when it is.  The server starts and runs whatever the state is:
 * only statements that need a record are refused.
 */
#include "postgres.h"

#include <unistd.h>

#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/wait_event.h"

#include "errors.h"
#include "journal/flush.h"
#include "journal/journal.h"
#include "journal/journal_state.h"
#include "journal/keeper.h"
#include "journal/shared.h"
#include "policy/policy.h"
#include "settings.h"

#define TRANCHE "phiguard_journal"

/* How long a statement waits for a server that is still opening its journal. */
#define OPENING_TIMEOUT_MS 30000

PhigJournalShared *phig_journal = NULL;

static LWLockPadded *locks = NULL;

LWLock *
phig_insert_lock(void)
{
	return &locks[0].lock;
}

LWLock *
phig_flush_lock(void)
{
	return &locks[1].lock;
}

LWLock *
phig_turn_lock(uint64 turn)
{
	return &locks[2 + turn % 2].lock;
}

void
phig_journal_shmem_request(void)
{
	RequestAddinShmemSpace(MAXALIGN(sizeof(PhigJournalShared)));
	RequestNamedLWLockTranche(TRANCHE, 4);
}

/* Runs in the postmaster at each start, also after a crash of a backend: the memory is new then. */
void
phig_journal_shmem_startup(void)
{
	bool		found;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	phig_journal = ShmemInitStruct("phiguard journal", sizeof(PhigJournalShared), &found);
	if (!found)
	{
		memset(phig_journal, 0, sizeof(PhigJournalShared));
		pg_atomic_init_u32(&phig_journal->state, PHIG_JOURNAL_OPENING);
		pg_atomic_init_u32(&phig_journal->appenders, 0);
		pg_atomic_init_u32(&phig_journal->stopped, 0);
		pg_atomic_init_u32(&phig_journal->spare_ready, 0);
		pg_atomic_init_u64(&phig_journal->head, 0);
		pg_atomic_init_u64(&phig_journal->tail, 0);
		pg_atomic_init_u64(&phig_journal->turn, 0);
		pg_atomic_init_u64(&phig_journal->target, 0);
		pg_atomic_init_u64(&phig_journal->segment_bytes, 0);
		ConditionVariableInit(&phig_journal->state_changed);
		SpinLockInit(&phig_journal->mutex);
	}
	locks = GetNamedLWLockTranche(TRANCHE);
	LWLockRelease(AddinShmemInitLock);
}

bool
phig_fault_set(PhigFault *fault, int error, const char *format,...)
{
	va_list		args;

	fault->error = error;
	va_start(args, format);
	vsnprintf(fault->what, sizeof(fault->what), format, args);
	va_end(args);
	return false;
}

void
phig_fault_text(const PhigFault *fault, char *text, size_t size)
{
	if (fault->error == 0)
		strlcpy(text, fault->what, size);
	else
		snprintf(text, size, "%s: %s", fault->what, strerror(fault->error));
}

void
phig_fault_raise(const PhigFault *fault, bool access)
{
	char		text[MAXPGPATH + 256];

	phig_fault_text(fault, text, sizeof(text));
	if (phig_is_keeper)
		ereport(LOG, (errmsg("could not record an event of the server: %s", text)));
	else if (access ? phig_policy_allows_unrecorded() : phig_journal_on_failure == PHIG_ON_FAILURE_ALLOW)
		ereport(LOG,
				(errcode(PHIG_ERRCODE_JOURNAL_UNAVAILABLE),
				 errmsg("an access to PHI was allowed without a record: %s", text),
				 errhidestmt(true),
				 errhidecontext(true)));
	else
		ereport(ERROR,
				(errcode(PHIG_ERRCODE_JOURNAL_UNAVAILABLE),
				 errmsg("access to PHI cannot be recorded"),
				 errdetail("The journal is not available: %s.", text),
				 errhint("See to the directory \"phiguard.journal_directory\"; once it can be written to, "
						 "phiguard goes on by itself."),
				 errhidestmt(true)));
}

/* A server that has just started opens its journal within moments: wait for it. */
static bool
wait_until_opened(PhigFault *fault)
{
	double		start = phig_monotonic_ms();
	bool		opening = true;

	ConditionVariablePrepareToSleep(&phig_journal->state_changed);
	while (opening &&
		   pg_atomic_read_u32(&phig_journal->state) == PHIG_JOURNAL_OPENING)
	{
		ConditionVariableTimedSleep(&phig_journal->state_changed, 1000, PG_WAIT_EXTENSION);
		opening = phig_monotonic_ms() - start < OPENING_TIMEOUT_MS;
	}
	ConditionVariableCancelSleep();
	if (opening)
		return true;
	if (phig_journal->keeper_latch == NULL)
		return phig_fault_set(fault, 0, "its keeper is not running; is \"max_worker_processes\" too small?");
	return phig_fault_set(fault, 0, "the server has not finished opening it");
}

bool
phig_journal_is_open(PhigFault *fault)
{
	if (likely(pg_atomic_read_u32(&phig_journal->state) == PHIG_JOURNAL_OPEN))
	{
		pg_read_barrier();
		return true;
	}

	/* Single-user mode has no keeper: the one process does its work. */
	if (!IsUnderPostmaster)
		phig_keeper_standalone();
	if (pg_atomic_read_u32(&phig_journal->state) == PHIG_JOURNAL_OPENING && !wait_until_opened(fault))
		return false;
	if (pg_atomic_read_u32(&phig_journal->state) == PHIG_JOURNAL_OPEN)
		return true;

	fault->error = 0;
	SpinLockAcquire(&phig_journal->mutex);
	strlcpy(fault->what, phig_journal->reason, sizeof(fault->what));
	SpinLockRelease(&phig_journal->mutex);
	return false;
}

static void
change_state(PhigJournalState state)
{
	pg_write_barrier();
	pg_atomic_write_u32(&phig_journal->state, state);
	ConditionVariableBroadcast(&phig_journal->state_changed);
}

void
phig_journal_opened(void)
{
	change_state(PHIG_JOURNAL_OPEN);
}

void
phig_journal_closed(const PhigFault *fault)
{
	char		text[sizeof(phig_journal->reason)];

	phig_fault_text(fault, text, sizeof(text));
	SpinLockAcquire(&phig_journal->mutex);
	memcpy(phig_journal->reason, text, sizeof(text));
	SpinLockRelease(&phig_journal->mutex);
	change_state(PHIG_JOURNAL_CLOSED);
}

double
phig_monotonic_ms(void)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	return INSTR_TIME_GET_MILLISEC(now);
}

void
phig_keeper_wake(void)
{
	Latch	   *latch = phig_journal->keeper_latch;

	if (latch != NULL)
		SetLatch(latch);
}

void
phig_journal_directory_path(char path[MAXPGPATH])
{
	if (is_absolute_path(phig_journal_directory))
		strlcpy(path, phig_journal_directory, MAXPGPATH);
	else
		join_path_components(path, DataDir, phig_journal_directory);
	canonicalize_path(path);
}

bool
phig_journal_available(char *reason, size_t size)
{
	uint32		state = pg_atomic_read_u32(&phig_journal->state);

	reason[0] = '\0';
	if (state == PHIG_JOURNAL_CLOSED)
	{
		SpinLockAcquire(&phig_journal->mutex);
		strlcpy(reason, phig_journal->reason, size);
		SpinLockRelease(&phig_journal->mutex);
	}
	return state == PHIG_JOURNAL_OPEN;
}

bool
phig_journal_node(uint8 node[PHIG_ID_BYTES])
{
	bool		open = pg_atomic_read_u32(&phig_journal->state) == PHIG_JOURNAL_OPEN;

	memset(node, 0, PHIG_ID_BYTES);
	if (open)
	{
		SpinLockAcquire(&phig_journal->mutex);
		memcpy(node, phig_journal->node, PHIG_ID_BYTES);
		SpinLockRelease(&phig_journal->mutex);
	}
	return open;
}

void
phig_journal_flushed(uint64 *segment, uint64 *offset)
{
	SpinLockAcquire(&phig_journal->mutex);
	*segment = phig_journal->written_segment;
	*offset = phig_journal->written_offset;
	SpinLockRelease(&phig_journal->mutex);
}

void
phig_journal_flush_all(void)
{
	PhigFault	fault;

	if (!phig_journal_is_open(&fault) || !phig_flush_all(&fault))
		phig_fault_raise(&fault, false);
}
