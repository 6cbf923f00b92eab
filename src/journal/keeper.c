/*
 * keeper.c
 *		The journal's background worker.
 *
 * Started with the postmaster, before recovery of the database ends, and on a
 * hot standby too; it connects to no database.  It opens the journal, flushes what
 * nobody waits for at least every 200 ms, preallocates the next segment, signs
 * checkpoints, hands anchors and whole segments to the outside, retires segments, looks
 * after the space on the disk, and writes the events of the server: start, stop,
 * promotion, changed settings.
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
#include "journal/keycommand.h"
#include "journal/outward.h"
#include "journal/recover.h"
#include "journal/retire.h"
#include "journal/segment.h"
#include "journal/shared.h"
#include "journal/space.h"
#include "journal/summarize.h"
#include "journal/vouch.h"
#include "settings.h"

#define FLUSH_INTERVAL_MS 200
/* While there is more to summarize. */
#define SUMMARIZE_INTERVAL_MS 20
#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS 10000
#define HOUSEKEEPING_MS (600 * 1000.0)
#define STOP_PATIENCE_MS 10000

PGDLLEXPORT void phig_keeper_main(Datum arg);

bool		phig_is_keeper = false;

/* What a start event tells and a reload compares; not what sessions claim of themselves. */
static const char *const watched_settings[] = {
	"phiguard.auditor_role",
	"phiguard.journal_anchor_command",
	"phiguard.journal_archive_command",
	"phiguard.journal_buffers",
	"phiguard.journal_checkpoint_interval",
	"phiguard.journal_directory",
	"phiguard.journal_on_failure",
	"phiguard.journal_retention",
	"phiguard.journal_segment_size",
	"phiguard.journal_sync",
	"phiguard.key_command",
	"phiguard.key_file",
	"phiguard.mode",
	"phiguard.officer_role",
	"phiguard.on_new_column",
	"phiguard.on_unlabelled_store",
	"phiguard.probe_limit",
};

static char *watched_values[lengthof(watched_settings)];

/* Something that is tried again after a fault, with growing pauses. */
typedef struct Attempt
{
	const char *what;			/* for the server log: what could not be done */
	const char *detail;			/* and what that means */
	int			pause_ms;		/* before the next one; 0: all is well */
	double		next;			/* in phig_monotonic_ms() */
	char		reported[MAXPGPATH + 256];	/* the fault that the server log has already */
} Attempt;

static Attempt attempts[PHIG_TROUBLES] = {
	[PHIG_TROUBLE_WRITE] = {
		"could not write the journal of PHI access",
		"Statements that touch PHI are refused, or allowed without a record, as phiguard.journal_on_failure says."
	},
	[PHIG_TROUBLE_SPARE] = {
		"could not prepare the next segment of the journal of PHI access",
		"Records are still written; the next segment will grow as it is written."
	},
	[PHIG_TROUBLE_CHECKPOINT] = {
		"could not sign the journal of PHI access",
		"Records are still written; only the chain of hashes protects them until a checkpoint is signed."
	},
	[PHIG_TROUBLE_ANCHOR] = {
		"phiguard.journal_anchor_command failed",
		"Records are still written and signed; what only an anchor shows cannot be shown for them."
	},
	[PHIG_TROUBLE_ARCHIVE] = {
		"phiguard.journal_archive_command failed",
		"Records are still written; no segment is retired before it is in the archive."
	},
	[PHIG_TROUBLE_KEY] = {
		"phiguard.key_command failed",
		"What needs a key is refused until it succeeds, unless it did before."
	},
	[PHIG_TROUBLE_RETIRE] = {
		"could not retire old segments of the journal of PHI access",
		"They stay where they are."
	},
	[PHIG_TROUBLE_SUMMARY] = {
		"could not summarize segments of the journal of PHI access",
		"Records are still written; searches look into segments that have no summary."
	},
};

#define journal_attempt (&attempts[PHIG_TROUBLE_WRITE])

static double next_checkpoint = 0;
static double next_housekeeping = 0;

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

/* A setting as it may be recorded: a command may hold a password, so that only a digest tells one from another. */
static const char *
recordable(const char *setting)
{
	const char *value = GetConfigOption(setting, true, false);
	uint8		hash[PHIG_HASH_BYTES];

	if (value == NULL)
		return "";
	if (value[0] == '\0' || strstr(setting, "_command") == NULL)
		return value;
	phig_hash_begin();
	phig_hash_add(value, strlen(value));
	if (!phig_hash_end(hash))
		return "a command";
	return psprintf("a command, SHA-256 %02x%02x%02x%02x...", hash[0], hash[1], hash[2], hash[3]);
}

/* Remember the present values; with report, an event for each that changed. */
static void
watch_settings(bool report)
{
	for (int i = 0; i < (int) lengthof(watched_settings); i++)
	{
		const char *value = recordable(watched_settings[i]);

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

/* In pg_upgrade's mode statements leave no record: that the server ran so is one. */
static const char *
server_role(void)
{
	return !IsUnderPostmaster ? "single-user" : IsBinaryUpgrade ? "binary upgrade" :
		phig_journal->standby ? "standby" : "primary";
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

/* With the timeline, which the segment in use was begun too early to know. */
static void
append_promotion_event(void)
{
	char	   *text = psprintf("primary, timeline %u", GetWALInsertionTimeLine());

	phig_journal->standby = false;
	append_event("PROMOTION", text, PHIG_KIND_SERVER);
	pfree(text);
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
				 errdetail("Base backups copy it, pg_rewind puts the source's in its place, and pg_upgrade leaves it behind."),
				 errhint("In production, set phiguard.journal_directory to a directory elsewhere.")));
}

/* For phiguard.journal_status. */
static void
publish(const Attempt *attempt, const char *text)
{
	char	   *trouble = phig_journal->troubles[attempt - attempts];

	SpinLockAcquire(&phig_journal->mutex);
	strlcpy(trouble, text, sizeof(phig_journal->troubles[0]));
	SpinLockRelease(&phig_journal->mutex);
}

/* Say it once in the server log, and pause longer each time. */
static void
back_off_as(Attempt *attempt, const PhigFault *fault, const char *what)
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
	attempt->next = phig_monotonic_ms() + attempt->pause_ms;
	publish(attempt, text);
}

static void
back_off(Attempt *attempt, const PhigFault *fault)
{
	back_off_as(attempt, fault, attempt->what);
}

static void
succeeded(Attempt *attempt)
{
	if (attempt->pause_ms == 0)
		return;
	if (attempt == journal_attempt)
		ereport(LOG, (errmsg("the journal of PHI access is available again")));
	attempt->pause_ms = 0;
	publish(attempt, "");
}

static bool
is_due(const Attempt *attempt)
{
	return attempt->pause_ms == 0 || phig_monotonic_ms() >= attempt->next;
}

/* Do something that may fail, if it is due. */
static void
try(PhigTrouble trouble, bool (*work) (PhigFault *fault))
{
	Attempt    *attempt = &attempts[trouble];
	PhigFault	fault;

	if (!is_due(attempt))
		return;
	if (work(&fault))
		succeeded(attempt);
	else
		back_off(attempt, &fault);
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
	back_off_as(journal_attempt, &fault, "the journal of PHI access was taken away");
	journal_attempt->next = 0;
	return true;
}

static void
try_to_open(void)
{
	PhigFault	fault;

	if (!phig_recover(&fault))
	{
		phig_journal_closed(&fault);
		back_off_as(journal_attempt, &fault, "could not open the journal of PHI access");
		return;
	}
	phig_journal_opened();
	succeeded(journal_attempt);
	comment_on_place();
	if (!phig_journal->started)
	{
		phig_journal->started = true;
		append_start_event();
	}
}

static bool
prepare_segment(PhigFault *fault)
{
	return pg_atomic_read_u32(&phig_journal->spare_ready) == 1 || phig_segment_make_spare(fault);
}

/* Where something was written since the last one. */
static bool
sign_checkpoint(PhigFault *fault)
{
	PhigCheckpoint checkpoint;

	next_checkpoint = phig_monotonic_ms() + phig_journal_checkpoint_interval * 1000.0;
	if (!phig_vouch(&checkpoint, fault))
		return false;
	if (checkpoint.seq != phig_journal->anchored_seq)
		phig_anchor_wanted(&checkpoint);
	return true;
}

/* Not while a primary still starts: it may have to make the key, which only a standby must not. */
static bool
may_ask_for_key(void)
{
	return (!RecoveryInProgress() || phig_journal->standby) && !phig_key_command_pending();
}

static bool
checkpoint_is_due(void)
{
	if (!may_ask_for_key())
		return false;
	return attempts[PHIG_TROUBLE_CHECKPOINT].pause_ms > 0 || phig_monotonic_ms() >= next_checkpoint;
}

static bool
retire(PhigFault *fault)
{
	uint64		oldest = phig_retire_find();
	char	   *text;

	if (oldest == phig_journal->oldest_segment)
		return true;
	/* Nothing is retired that is not proven, nor is that on record. */
	if (!phig_retire_prove(oldest, fault))
		return false;
	text = psprintf("segments " UINT64_FORMAT " to " UINT64_FORMAT ", older than phiguard.journal_retention",
					phig_journal->oldest_segment, oldest - 1);
	append_event("SEGMENTS RETIRED", text, PHIG_KIND_SERVER);
	pfree(text);
	return phig_retire(oldest, fault);
}

/* Before it is too late. */
static void
watch_space(void)
{
	static TimestampTz warned = 0;
	PhigSpace	space;
	PhigFault	fault;

	if (!phig_space(&space, &fault) || !phig_space_is_low(&space) ||
		!TimestampDifferenceExceeds(warned, GetCurrentTimestamp(), SECS_PER_DAY * 1000))
		return;
	warned = GetCurrentTimestamp();
	ereport(WARNING,
			(errmsg("space for the journal of PHI access runs low"),
			 space.days_left < 0 ?
			 errdetail("The file system has " UINT64_FORMAT " MB left.", space.free_bytes / (1024 * 1024)) :
			 errdetail("The file system has " UINT64_FORMAT " MB left, which is enough for %.1f days at the present rate.",
					   space.free_bytes / (1024 * 1024), space.days_left),
			 errhint("Give it more space, or set phiguard.journal_archive_command and phiguard.journal_retention.")));
}

/* What need not be done at once; retiring needs to know, from a signature, what was retired before. */
static void
keep_house(void)
{
	static bool retire_wanted = false;

	if (phig_monotonic_ms() >= next_housekeeping)
	{
		next_housekeeping = phig_monotonic_ms() + HOUSEKEEPING_MS;
		retire_wanted = true;
		phig_summarize_wanted();
		watch_space();
	}
	if (retire_wanted && phig_journal->oldest_segment != 0)
	{
		retire_wanted = false;
		try(PHIG_TROUBLE_RETIRE, retire);
	}
}

/* After a failure again, with growing pauses. */
static void
tend_key_command(void)
{
	Attempt    *attempt = &attempts[PHIG_TROUBLE_KEY];
	PhigFault	fault;

	if (attempt->pause_ms > 0 && is_due(attempt) && !phig_key_command_pending())
		phig_key_command_wanted();
	switch (phig_key_command_work(&fault))
	{
		case PHIG_CHILD_DONE:
			succeeded(attempt);
			break;
		case PHIG_CHILD_FAILED:
			back_off(attempt, &fault);
			break;
		case PHIG_CHILD_NONE:
			if (phig_key_command[0] == '\0')
				succeeded(attempt);
			break;
		case PHIG_CHILD_RUNS:
			break;
	}
}

static void
work(void)
{
	tend_key_command();
	if (is_open() ? files_are_gone() : is_due(journal_attempt))
		try_to_open();
	if (!is_open())
		return;
	try(PHIG_TROUBLE_WRITE, phig_flush_all);
	try(PHIG_TROUBLE_SPARE, prepare_segment);
	if (phig_journal->standby && !RecoveryInProgress())
		append_promotion_event();
	if (checkpoint_is_due())
		try(PHIG_TROUBLE_CHECKPOINT, sign_checkpoint);
	try(PHIG_TROUBLE_ANCHOR, phig_anchor_work);
	try(PHIG_TROUBLE_ARCHIVE, phig_archive_work);
	if (may_ask_for_key())
		try(PHIG_TROUBLE_SUMMARY, phig_summarize_work);
	keep_house();
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
	try(PHIG_TROUBLE_WRITE, phig_flush_all);
	try(PHIG_TROUBLE_CHECKPOINT, sign_checkpoint);
	/* The last anchor says the most: a stop waits for it, for a while. */
	for (int waited = 0; phig_anchor_pending() && waited < STOP_PATIENCE_MS; waited += 10)
	{
		try(PHIG_TROUBLE_ANCHOR, phig_anchor_work);
		pause_until_woken(10);
	}
}

/* Another keeper died and left the journal open: only the lock on the directory went with it. */
static void
take_over(void)
{
	PhigFault	fault;

	if (phig_lock_directory(&fault))
		return;
	phig_journal_closed(&fault);
	back_off_as(journal_attempt, &fault, "could not open the journal of PHI access");
}

static void
keeper_exit(int code, Datum arg)
{
	phig_key_command_stop();
	phig_journal->keeper_latch = NULL;
	phig_journal->keeper_pid = 0;
}

void
phig_keeper_main(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();

	phig_is_keeper = true;
	phig_journal->keeper_latch = MyLatch;
	phig_journal->keeper_pid = MyProcPid;
	on_shmem_exit(keeper_exit, 0);
	MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext, "phiguard keeper",
												ALLOCSET_DEFAULT_SIZES));
	if (!phig_journal->started)
		phig_journal->standby = replays_wal();
	watch_settings(false);
	phig_key_command_wanted();
	if (is_open())
		take_over();

	while (!ShutdownRequestPending)
	{
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			watch_settings(is_open());
			phig_key_command_wanted();
			attempts[PHIG_TROUBLE_KEY].next = 0;
			next_housekeeping = 0;
		}
		work();
		MemoryContextReset(CurrentMemoryContext);
		pause_until_woken(phig_summarize_pending() ? SUMMARIZE_INTERVAL_MS : FLUSH_INTERVAL_MS);
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
