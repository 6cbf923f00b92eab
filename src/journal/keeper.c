/*
 * keeper.c
 *		The journal's background worker.
 *
 * Started with the postmaster, before recovery of the database ends, and on a
 * hot standby too; it connects to no database.  It opens the journal, flushes what
 * nobody waits for at least every 200 ms, preallocates the next segment, signs
 * checkpoints, and writes the events of the server: start, stop, promotion, changed
 * settings.
 *
 * Faults of the disk close the journal or are reported and tried again, with
 * growing pauses; they never stop the server.  Should the keeper itself die, the
 * postmaster starts another, and backends go on meanwhile: they flush for
 * themselves.
 *
 * The stop event: at a shutdown the postmaster sends SIGTERM to this worker at the
 * same time as to the backends (in smart mode after them), and waits for all.  So
 * the keeper waits until those that have appended are gone, and then writes it.
 * What a WAL sender appends later it flushes itself.
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "journal/file.h"
#include "journal/flush.h"
#include "journal/journal_state.h"
#include "journal/keeper.h"
#include "journal/recover.h"
#include "journal/segment.h"
#include "journal/shared.h"
#include "journal/vouch.h"
#include "settings.h"

#define FLUSH_INTERVAL_MS 200
#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS 10000

PGDLLEXPORT void phig_keeper_main(Datum arg);

bool		phig_is_keeper = false;

/* What a start event tells and a reload compares; not what sessions claim of themselves. */
static const char *const watched_settings[] = {
	"phiguard.auditor_role",
	"phiguard.journal_buffers",
	"phiguard.journal_checkpoint_interval",
	"phiguard.journal_directory",
	"phiguard.journal_on_failure",
	"phiguard.journal_segment_size",
	"phiguard.journal_sync",
	"phiguard.key_file",
	"phiguard.mode",
	"phiguard.officer_role",
	"phiguard.on_unlabelled_store",
};

static char *watched_values[lengthof(watched_settings)];

/* Something that is tried again after a fault, with growing pauses. */
typedef struct Attempt
{
	const char *detail;			/* for the server log: what the fault means */
	int			pause_ms;		/* before the next one; 0: all is well */
	int64		next_ms;		/* see now_ms() */
	char		reported[MAXPGPATH + 256];	/* the fault that the server log has already */
} Attempt;

static Attempt journal_attempt = {
	"Statements that touch PHI are refused, or allowed without a record, as phiguard.journal_on_failure says."
};
static Attempt spare_attempt = {
	"Records are still written; the next segment will grow as it is written."
};

static Attempt checkpoint_attempt = {
	"Records are still written; only the chain of hashes protects them until a checkpoint is signed."
};
static int64 next_checkpoint_ms = 0;

/* Time that no adjustment of the clock moves. */
static int64
now_ms(void)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) INSTR_TIME_GET_MILLISEC(now);
}

void
phig_keeper_register(void)
{
	BackgroundWorker worker = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS,
		.bgw_start_time = BgWorkerStart_PostmasterStart,
		.bgw_restart_time = 1
	};

	strlcpy(worker.bgw_library_name, "phiguard", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "phig_keeper_main", sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "phiguard journal keeper", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "phiguard journal keeper", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

/* Events are flushed like everything else that nobody waits for. */
static void
append_event(const char *tag, const char *text, PhigKind kind)
{
	StringInfoData lines;
	PhigDefinition definition;

	initStringInfo(&lines);
	phig_journal_line(&lines, 't', tag);
	phig_journal_line(&lines, 'q', text);
	definition.text = lines.data;
	definition.len = lines.len;
	phig_journal_define(&definition);
	phig_journal_event(&definition, kind, phig_journal->standby ? PHIG_FLAG_REPLICA : 0,
					   PHIG_OUTCOME_OK, 0, false);
	pfree(lines.data);
}

/* Remember the present values; with report, an event for each that changed. */
static void
watch_settings(bool report)
{
	for (int i = 0; i < (int) lengthof(watched_settings); i++)
	{
		const char *value = GetConfigOption(watched_settings[i], true, false);

		if (value == NULL)
			value = "";
		if (watched_values[i] != NULL && strcmp(watched_values[i], value) == 0)
			continue;
		if (report)
		{
			char	   *text = psprintf("%s = '%s' (was '%s')", watched_settings[i], value,
										watched_values[i] ? watched_values[i] : "");

			append_event("SETTING", text, PHIG_KIND_SETTING);
			pfree(text);
		}
		if (watched_values[i] != NULL)
			pfree(watched_values[i]);
		watched_values[i] = MemoryContextStrdup(TopMemoryContext, value);
	}
}

static const char *
server_role(void)
{
	return !IsUnderPostmaster ? "single-user" : phig_journal->standby ? "standby" : "primary";
}

static void
append_start_event(void)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, server_role());
	for (int i = 0; i < (int) lengthof(watched_settings); i++)
		appendStringInfo(&text, ", %s = '%s'", watched_settings[i], watched_values[i]);
	append_event("SERVER START", text.data, PHIG_KIND_SERVER);
	pfree(text.data);
}

/* The signal files stand until the end of recovery; later the shared state tells. */
static bool
replays_wal(void)
{
	struct stat st;

	return RecoveryInProgress() &&
		(stat("standby.signal", &st) == 0 || stat("recovery.signal", &st) == 0);
}

/* Once a server: where the journal lies matters to backups. */
static void
comment_on_place(void)
{
	char		path[MAXPGPATH];

	if (phig_journal->announced)
		return;
	phig_journal->announced = true;
	phig_journal_directory_path(path);
	if (path_is_prefix_of_path(DataDir, path))
		ereport(LOG,
				(errmsg("the journal of PHI access is inside the data directory"),
				 errdetail("Base backups copy it, pg_rewind deletes it, and pg_upgrade leaves it behind."),
				 errhint("In production, set phiguard.journal_directory to a directory elsewhere.")));
}

/* Say it once in the server log, and pause longer each time. */
static void
back_off(Attempt *attempt, const PhigFault *fault, const char *what)
{
	char		text[sizeof(attempt->reported)];

	phig_fault_text(fault, text, sizeof(text));
	if (attempt->pause_ms == 0 || strcmp(text, attempt->reported) != 0)
		ereport(WARNING,
				(errmsg("%s: %s", what, text),
				 errdetail_internal("%s", attempt->detail),
				 errhint("phiguard tries again by itself.")));
	strlcpy(attempt->reported, text, sizeof(attempt->reported));
	attempt->pause_ms = attempt->pause_ms == 0 ? RETRY_FIRST_MS :
		Min(attempt->pause_ms * 2, RETRY_MOST_MS);
	attempt->next_ms = now_ms() + attempt->pause_ms;
}

static void
succeeded(Attempt *attempt)
{
	if (attempt->pause_ms > 0 && attempt == &journal_attempt)
		ereport(LOG, (errmsg("the journal of PHI access is available again")));
	attempt->pause_ms = 0;
}

static bool
is_due(const Attempt *attempt)
{
	return attempt->pause_ms == 0 || now_ms() >= attempt->next_ms;
}

static bool
is_open(void)
{
	return pg_atomic_read_u32(&phig_journal->state) == PHIG_JOURNAL_OPEN;
}

/* Close the journal when its files are no longer where they belong; the next attempt makes new ones. */
static bool
files_are_gone(void)
{
	PhigFault	fault;

	if (phig_files_in_place(&fault))
		return false;
	phig_journal_closed(&fault);
	back_off(&journal_attempt, &fault, "the journal of PHI access was taken away");
	journal_attempt.next_ms = 0;
	return true;
}

static void
try_to_open(void)
{
	PhigFault	fault;

	if (!phig_recover(&fault))
	{
		phig_journal_closed(&fault);
		back_off(&journal_attempt, &fault, "could not open the journal of PHI access");
		return;
	}
	phig_journal_opened();
	succeeded(&journal_attempt);
	comment_on_place();
	if (!phig_journal->started)
	{
		phig_journal->started = true;
		append_start_event();
	}
}

static void
flush(void)
{
	PhigFault	fault;

	if (phig_flush_all(&fault))
		succeeded(&journal_attempt);
	else
		back_off(&journal_attempt, &fault, "could not write the journal of PHI access");
}

static void
prepare_segment(void)
{
	PhigFault	fault;

	if (pg_atomic_read_u32(&phig_journal->spare_ready) == 1 || phig_segment_make_spare(&fault))
		succeeded(&spare_attempt);
	else
		back_off(&spare_attempt, &fault,
				 "could not prepare the next segment of the journal of PHI access");
}

/* Where something was written since the last one. */
static void
sign_checkpoint(void)
{
	PhigCheckpoint checkpoint;
	PhigFault	fault;

	next_checkpoint_ms = now_ms() + phig_journal_checkpoint_interval * INT64CONST(1000);
	if (phig_vouch(&checkpoint, &fault))
		succeeded(&checkpoint_attempt);
	else
		back_off(&checkpoint_attempt, &fault, "could not sign the journal of PHI access");
}

static bool
checkpoint_is_due(void)
{
	return checkpoint_attempt.pause_ms > 0 ? is_due(&checkpoint_attempt) :
		now_ms() >= next_checkpoint_ms;
}

static void
work(void)
{
	if (is_open() ? files_are_gone() : is_due(&journal_attempt))
		try_to_open();
	if (!is_open())
		return;
	if (is_due(&journal_attempt))
		flush();
	if (is_due(&spare_attempt))
		prepare_segment();
	if (phig_journal->standby && !RecoveryInProgress())
	{
		phig_journal->standby = false;
		append_event("PROMOTION", "this server is a primary now", PHIG_KIND_SERVER);
	}
	if (checkpoint_is_due())
		sign_checkpoint();
}

/* A shutdown of the server, not somebody who terminates just this worker? */
static bool
server_is_stopping(void)
{
	FILE	   *file = fopen("postmaster.pid", "r");
	char		line[MAXPGPATH];
	bool		stopping = false;

	if (file == NULL)
		return true;
	while (fgets(line, sizeof(line), file) != NULL)
		stopping = strncmp(line, "stopping", 8) == 0;
	fclose(file);
	return stopping;
}

static void
pause_until_woken(int timeout_ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeout_ms,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
}

static void
stop(void)
{
	while (pg_atomic_read_u32(&phig_journal->appenders) > 0)
	{
		work();
		pause_until_woken(10);
	}
	if (!is_open())
		return;
	append_event("SERVER STOP", server_role(), PHIG_KIND_SERVER);
	pg_atomic_write_u32(&phig_journal->stopped, 1);
	flush();
	sign_checkpoint();
}

/* Another keeper died and left the journal open: only the lock on the directory went with it. */
static void
take_over(void)
{
	PhigFault	fault;

	if (phig_lock_directory(&fault))
		return;
	phig_journal_closed(&fault);
	back_off(&journal_attempt, &fault, "could not open the journal of PHI access");
}

static void
keeper_exit(int code, Datum arg)
{
	phig_journal->keeper_latch = NULL;
}

void
phig_keeper_main(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();

	phig_is_keeper = true;
	phig_journal->keeper_latch = MyLatch;
	on_shmem_exit(keeper_exit, 0);
	MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext, "phiguard keeper",
												ALLOCSET_DEFAULT_SIZES));
	if (!phig_journal->started)
		phig_journal->standby = replays_wal();
	watch_settings(false);
	if (is_open())
		take_over();

	while (!ShutdownRequestPending)
	{
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			watch_settings(is_open());
		}
		work();
		MemoryContextReset(CurrentMemoryContext);
		pause_until_woken(FLUSH_INTERVAL_MS);
	}

	if (!server_is_stopping())
	{
		ereport(LOG, (errmsg("the keeper of the journal of PHI access was terminated and starts anew")));
		proc_exit(1);
	}
	stop();
	proc_exit(0);
}

void
phig_keeper_standalone(void)
{
	PhigFault	fault;

	if (!phig_recover(&fault))
	{
		phig_journal_closed(&fault);
		return;
	}
	phig_journal_opened();
	watch_settings(false);
	append_start_event();
}
