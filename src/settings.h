/*
 * settings.h
 *		Every setting of phiguard, as settings.c defines it.
 */
#ifndef PHIG_SETTINGS_H
#define PHIG_SETTINGS_H

#include "postgres.h"

typedef enum PhigMode
{
	PHIG_MODE_OFF,
	PHIG_MODE_AUDIT,
	PHIG_MODE_ENFORCE
} PhigMode;

typedef enum PhigSync
{
	PHIG_SYNC_ON,				/* on disk before the first row */
	PHIG_SYNC_WRITE,			/* in the kernel's hands */
	PHIG_SYNC_OFF				/* at most 200 ms may be lost */
} PhigSync;

typedef enum PhigOnFailure
{
	PHIG_ON_FAILURE_REFUSE,
	PHIG_ON_FAILURE_ALLOW
} PhigOnFailure;

typedef enum PhigOnNewColumn
{
	PHIG_NEW_COLUMN_IGNORE,
	PHIG_NEW_COLUMN_NOTICE,
	PHIG_NEW_COLUMN_LABEL,
	PHIG_NEW_COLUMN_REFUSE
} PhigOnNewColumn;

typedef enum PhigOnUnlabelled
{
	PHIG_UNLABELLED_IGNORE,
	PHIG_UNLABELLED_NOTICE,
	PHIG_UNLABELLED_ERROR
} PhigOnUnlabelled;

typedef enum PhigCopyMasked
{
	PHIG_COPY_MASKED_REFUSE,
	PHIG_COPY_MASKED_TRANSFORM
} PhigCopyMasked;

extern char *phig_app_user;
extern char *phig_auditor_role;
extern char *phig_journal_anchor_command;
extern char *phig_journal_archive_command;
extern int	phig_copy_masked;
extern int	phig_journal_buffers;	/* kB */
extern int	phig_journal_checkpoint_interval;	/* s */
extern char *phig_journal_directory;
extern int	phig_journal_on_failure;
extern int	phig_journal_retention; /* s; 0: for ever */
extern int	phig_journal_segment_size;	/* kB */
extern int	phig_journal_sync;
extern char *phig_justification;
extern char *phig_key_command;
extern int	phig_key_command_timeout;	/* s */
extern char *phig_key_file;
extern int	phig_mode;
extern char *phig_officer_role;
extern int	phig_on_new_column;
extern int	phig_on_unlabelled_store;
extern int	phig_probe_limit;	/* an hour; -1: none */
extern char *phig_purpose;
extern bool phig_require_tls;
extern int	phig_subjects_per_record;

/* A bit for each of purpose, app_user and justification that is not empty. */
extern uint32 phig_claims_made;

extern bool phig_claims_made_are_fresh(void);

/* The purpose, app_user and justification were all set (or are empty) in the present transaction. */
static inline bool
phig_claims_are_fresh(void)
{
	return phig_claims_made == 0 || phig_claims_made_are_fresh();
}

/* Grows with each change of purpose, app_user or justification. */
extern uint32 phig_claims_generation;

/* What phig_settings_drift looks at was assigned: worth a call. */
extern bool phig_settings_touched;

/*
 * phig_settings_drift
 *		Text for a setting record when journal_sync or on_unlabelled_store is not what
 *		phig_settings_drift_recorded last found in this session; NULL when it is.  Static memory.
 */
extern const char *phig_settings_drift(void);
extern void phig_settings_drift_recorded(void);

extern void phig_settings_init(void);

#endif
