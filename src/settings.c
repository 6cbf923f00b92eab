/*
 * settings.c
 *		Every setting of phiguard, in alphabetical order.
 *
 * What protects is for the server file alone (PGC_SIGHUP, PGC_POSTMASTER) or
 * for superusers (PGC_SUSET).  What a session says of itself (purpose,
 * app_user, justification) anyone may set: it is a claim, recorded as such.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/plancache.h"

#include "compat.h"
#include "journal/journal.h"
#include "policy/subject.h"
#include "settings.h"

#define CLAIM_MAX_BYTES 256

char	   *phig_app_user = NULL;
char	   *phig_auditor_role = NULL;
int			phig_copy_masked = PHIG_COPY_MASKED_REFUSE;
char	   *phig_journal_anchor_command = NULL;
char	   *phig_journal_archive_command = NULL;
int			phig_journal_buffers = 4096;
int			phig_journal_checkpoint_interval = 60;
char	   *phig_journal_directory = NULL;
int			phig_journal_on_failure = PHIG_ON_FAILURE_REFUSE;
int			phig_journal_retention = 189388800;
int			phig_journal_segment_size = 16384;
int			phig_journal_sync = PHIG_SYNC_ON;
char	   *phig_justification = NULL;
char	   *phig_key_command = NULL;
int			phig_key_command_timeout;
char	   *phig_key_file = NULL;
int			phig_mode = PHIG_MODE_AUDIT;
char	   *phig_officer_role = NULL;
int			phig_on_new_column = PHIG_NEW_COLUMN_NOTICE;
int			phig_on_unlabelled_store = PHIG_UNLABELLED_NOTICE;
int			phig_probe_limit = 100;
char	   *phig_purpose = NULL;
bool		phig_require_tls = false;
int			phig_subjects_per_record = 1000;

static const struct config_enum_entry mode_options[] = {
	{"off", PHIG_MODE_OFF, false},
	{"audit", PHIG_MODE_AUDIT, false},
	{"enforce", PHIG_MODE_ENFORCE, false},
	{NULL, 0, false}
};

static const struct config_enum_entry copy_masked_options[] = {
	{"refuse", PHIG_COPY_MASKED_REFUSE, false},
	{"transform", PHIG_COPY_MASKED_TRANSFORM, false},
	{NULL, 0, false}
};

static const struct config_enum_entry sync_options[] = {
	{"on", PHIG_SYNC_ON, false},
	{"write", PHIG_SYNC_WRITE, false},
	{"off", PHIG_SYNC_OFF, false},
	{NULL, 0, false}
};

static const struct config_enum_entry on_failure_options[] = {
	{"refuse", PHIG_ON_FAILURE_REFUSE, false},
	{"allow", PHIG_ON_FAILURE_ALLOW, false},
	{NULL, 0, false}
};

static const struct config_enum_entry on_new_column_options[] = {
	{"ignore", PHIG_NEW_COLUMN_IGNORE, false},
	{"notice", PHIG_NEW_COLUMN_NOTICE, false},
	{"label", PHIG_NEW_COLUMN_LABEL, false},
	{"refuse", PHIG_NEW_COLUMN_REFUSE, false},
	{NULL, 0, false}
};

static const struct config_enum_entry on_unlabelled_options[] = {
	{"ignore", PHIG_UNLABELLED_IGNORE, false},
	{"notice", PHIG_UNLABELLED_NOTICE, false},
	{"error", PHIG_UNLABELLED_ERROR, false},
	{NULL, 0, false}
};

/* Claims: what a session says of itself, and in which transaction it said so. */
enum
{
	CLAIM_APP_USER, CLAIM_JUSTIFICATION, CLAIM_PURPOSE, CLAIM_COUNT
};

uint32		phig_claims_generation = 0;
uint32		phig_claims_made = 0;
static LocalTransactionId claim_set_in[CLAIM_COUNT];

static bool
claim_check(char **newval, void **extra, GucSource source)
{
	size_t		len = strlen(*newval);

	if (len > CLAIM_MAX_BYTES)
	{
		GUC_check_errdetail("At most %d bytes are allowed.", CLAIM_MAX_BYTES);
		return false;
	}
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) (*newval)[i] < 0x20 || (*newval)[i] == 0x7f)
		{
			GUC_check_errdetail("Control characters are not allowed.");
			return false;
		}
	return true;
}

/*
 * What is assigned while no transaction is in progress was there before: it is
 * restored, or comes from outside.  A parallel worker cannot know when its leader's
 * claims were set: it does not vouch for them.
 */
static void
claim_assigned(int claim, const char *value)
{
	if (value == NULL || value[0] == '\0')
		phig_claims_made &= ~(1 << claim);
	else
		phig_claims_made |= 1 << claim;
	claim_set_in[claim] = IsTransactionState() && !IsParallelWorker() ?
		phig_compat_lxid() : InvalidLocalTransactionId;
	phig_claims_generation++;
	phig_journal_session_changed();
}

/*
 * Where policies are enforced, a purpose that is not granted is refused when it is set; it is looked at
 * again when it is used.  What comes without a transaction is restored, what a parallel worker gets was
 * looked at in its leader, and what is only stored for another session is looked at there.
 */
static bool
purpose_check(char **newval, void **extra, GucSource source)
{
	const char *refusal;
	const char *advice;

	if (!claim_check(newval, extra, source))
		return false;
	if ((*newval)[0] == '\0' || phig_mode != PHIG_MODE_ENFORCE || source == PGC_S_TEST ||
		!IsTransactionState() || InitializingParallelWorker || IsBinaryUpgrade ||
		phig_subject_may_claim(*newval, &refusal, &advice))
		return true;
	GUC_check_errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
	GUC_check_errdetail("%s", refusal);
	GUC_check_errhint("%s", advice);
	return false;
}

static void
app_user_assign(const char *newval, void *extra)
{
	claim_assigned(CLAIM_APP_USER, newval);
}

static void
justification_assign(const char *newval, void *extra)
{
	claim_assigned(CLAIM_JUSTIFICATION, newval);
}

static void
purpose_assign(const char *newval, void *extra)
{
	claim_assigned(CLAIM_PURPOSE, newval);
	phig_subject_purpose_changes(newval == NULL ? "" : newval);
}

/* Plans carry what the mode was when they were made. */
static void
mode_assign(int newval, void *extra)
{
	if (newval != phig_mode)
		ResetPlanCache();
}

bool
phig_claims_made_are_fresh(void)
{
	LocalTransactionId lxid = phig_compat_lxid();

	for (int claim = 0; claim < CLAIM_COUNT; claim++)
		if (phig_claims_made & (1 << claim) &&
			(!LocalTransactionIdIsValid(claim_set_in[claim]) || claim_set_in[claim] != lxid))
			return false;
	return true;
}

PG_FUNCTION_INFO_V1(phiguard_begin_access);

static void
claim_for_transaction(const char *name, FunctionCallInfo fcinfo, int arg)
{
	(void) set_config_option(name, PG_ARGISNULL(arg) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(arg)),
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

/* begin_access(purpose, app_user, justification): the claims of one transaction, for pooled connections. */
Datum
phiguard_begin_access(PG_FUNCTION_ARGS)
{
	WarnNoTransactionBlock(true, "phiguard.begin_access()");
	claim_for_transaction("phiguard.purpose", fcinfo, 0);
	claim_for_transaction("phiguard.app_user", fcinfo, 1);
	claim_for_transaction("phiguard.justification", fcinfo, 2);
	PG_RETURN_VOID();
}

bool		phig_settings_touched = true;

static void
weakening_assign(int newval, void *extra)
{
	phig_settings_touched = true;
}

/* The settings that weaken the record and that a superuser can change inside a session, as last on record. */
static int	known_sync = -1;
static int	known_store = -1;

const char *
phig_settings_drift(void)
{
	static char text[128];

	if (known_sync == phig_journal_sync && known_store == phig_on_unlabelled_store)
		return NULL;
	snprintf(text, sizeof(text), "phiguard.journal_sync = %s, phiguard.on_unlabelled_store = %s",
			 GetConfigOption("phiguard.journal_sync", false, false),
			 GetConfigOption("phiguard.on_unlabelled_store", false, false));
	/* What the server file, a database or a role sets is on record where it was set. */
	if (known_sync < 0 &&
		strcmp(GetConfigOption("phiguard.journal_sync", false, false),
			   GetConfigOptionResetString("phiguard.journal_sync")) == 0 &&
		strcmp(GetConfigOption("phiguard.on_unlabelled_store", false, false),
			   GetConfigOptionResetString("phiguard.on_unlabelled_store")) == 0)
		return NULL;
	return text;
}

void
phig_settings_drift_recorded(void)
{
	known_sync = phig_journal_sync;
	known_store = phig_on_unlabelled_store;
	phig_settings_touched = false;
}

void
phig_settings_init(void)
{
	DefineCustomStringVariable("phiguard.app_user",
							   "The application's user on whose behalf this session works, as recorded.",
							   "A claim of the application: phiguard records it and does not verify it.",
							   &phig_app_user, "", PGC_USERSET, GUC_REPORT,
							   claim_check, app_user_assign, NULL);
	DefineCustomStringVariable("phiguard.auditor_role",
							   "Role whose members may read the record; empty: superusers only.",
							   NULL,
							   &phig_auditor_role, "", PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("phiguard.copy_masked",
							 "What happens to COPY of a table that the session's purpose does not show all of.",
							 "refuse: an error, since a masked dump looks like one that can be restored. transform: what the purpose shows is copied.",
							 &phig_copy_masked, PHIG_COPY_MASKED_REFUSE, copy_masked_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("phiguard.journal_anchor_command",
							   "Shell command that takes each checkpoint's anchor, a line on its standard input.",
							   "It is to put the anchor where nobody who can write the journal can change it.",
							   &phig_journal_anchor_command, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomStringVariable("phiguard.journal_archive_command",
							   "Shell command that archives a segment of the journal that is complete.",
							   "%p is the file's path, %f its name. It must not replace a file that is there, and end with 0 only when the copy is safe.",
							   &phig_journal_archive_command, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomIntVariable("phiguard.journal_buffers",
							"Size of the ring between the backends and the journal's files.",
							"A larger ring takes larger bursts before backends have to flush for themselves.",
							&phig_journal_buffers, 4096, 256, 1024 * 1024,
							PGC_POSTMASTER, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("phiguard.journal_checkpoint_interval",
							"Time between signed checkpoints of the journal.",
							"What was written since the last one, only the chain of hashes protects; each costs one sync.",
							&phig_journal_checkpoint_interval, 60, 1, 1800,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomStringVariable("phiguard.journal_directory",
							   "Directory of the journal, absolute or relative to the data directory.",
							   "Inside the data directory, base backups copy it and pg_rewind deletes it; place it outside in production.",
							   &phig_journal_directory, "phiguard/journal", PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("phiguard.journal_on_failure",
							 "What happens to a statement whose record cannot be written.",
							 "refuse: an error. allow: the statement runs and the server log says so.",
							 &phig_journal_on_failure, PHIG_ON_FAILURE_REFUSE, on_failure_options,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("phiguard.journal_retention",
							"How long the segments of the journal are kept; 0: for ever.",
							"45 CFR 164.316(b)(2)(i) asks for six years. With journal_archive_command, only what is in the archive is removed here.",
							&phig_journal_retention, 189388800, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("phiguard.journal_segment_size",
							"Size at which the journal starts a new segment file.",
							NULL,
							&phig_journal_segment_size, 16384, 1024, 1024 * 1024,
							PGC_POSTMASTER, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomEnumVariable("phiguard.journal_sync",
							 "How safe a record is before the first row of its statement leaves.",
							 "on: on disk. write: survives any crash of PostgreSQL, not of the machine. off: up to 200 ms may be lost.",
							 &phig_journal_sync, PHIG_SYNC_ON, sync_options,
							 PGC_SUSET, 0, NULL, weakening_assign, NULL);
	DefineCustomStringVariable("phiguard.justification",
							   "Why this session reads PHI, in the user's words, as recorded.",
							   "A claim of the user: phiguard records it and does not verify it.",
							   &phig_justification, "", PGC_USERSET, GUC_REPORT,
							   claim_check, justification_assign, NULL);
	DefineCustomStringVariable("phiguard.key_command",
							   "Shell command that prints the master key; empty: it is in phiguard.key_file.",
							   "64 hexadecimal digits a line: the current master key, then earlier ones that still open what they wrapped.",
							   &phig_key_command, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomIntVariable("phiguard.key_command_timeout",
							"How long phiguard.key_command may take.",
							"One that takes longer is killed, and has failed.",
							&phig_key_command_timeout, 30, 1, 600,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomStringVariable("phiguard.key_file",
							   "File of the trial master keys, absolute or relative to the data directory.",
							   "Generated on first use. A key beside the data is for trial use: whoever copies the data copies the key.",
							   &phig_key_file, "phiguard_master.key", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomEnumVariable("phiguard.mode",
							 "What phiguard does on this server: off, audit (record every access to labelled data), or enforce (show of it what the purpose allows).",
							 "phiguard.set_mode() has a lower one for single relations.",
							 &phig_mode, PHIG_MODE_AUDIT, mode_options,
							 PGC_SIGHUP, 0, NULL, mode_assign, NULL);
	DefineCustomStringVariable("phiguard.officer_role",
							   "Role whose members may set and lower labels; empty: superusers only.",
							   NULL,
							   &phig_officer_role, "", PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("phiguard.on_new_column",
							 "What happens when a new column looks like PHI and has no label: ignore, notice (say which label to set), label (set it), or refuse.",
							 "By name, type and comment at once; by content after the first COPY FROM or ANALYZE.",
							 &phig_on_new_column, PHIG_NEW_COLUMN_NOTICE, on_new_column_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("phiguard.on_unlabelled_store",
							 "What happens when labelled data is written into an unlabelled column.",
							 NULL,
							 &phig_on_unlabelled_store, PHIG_UNLABELLED_NOTICE, on_unlabelled_options,
							 PGC_SUSET, 0, NULL, weakening_assign, NULL);
	DefineCustomIntVariable("phiguard.probe_limit",
							"Violations of labelled keys within an hour after which a restricted role may not write to tables that have one; -1: no limit.",
							"Each violation tells that a value is there. An application that tries before it looks wants more.",
							&phig_probe_limit, 100, -1, 1000000,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("phiguard.purpose",
							   "The purpose for which this session reads PHI, as recorded.",
							   NULL,
							   &phig_purpose, "", PGC_USERSET, GUC_REPORT,
							   purpose_check, purpose_assign, NULL);
	DefineCustomBoolVariable("phiguard.require_tls",
							 "Whether labelled data is refused to network connections without TLS (or GSSAPI encryption).",
							 "45 CFR 164.312(e)(1). Unix-domain sockets are no network.",
							 &phig_require_tls, false, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("phiguard.subjects_per_record",
							"How many persons a record names whose rows left.",
							"Where there are more, the others are in a summary of bounded size: it knows who is not among them.",
							&phig_subjects_per_record, 1000, 0, 100000,
							PGC_SUSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("phiguard");
}
