/*
 * journal.h
 *		The record: what the rest of phiguard may ask of the journal.
 *
 * A record of an execution is a start record, on disk (or in the kernel's
 * hands, see phiguard.journal_sync) before the first row, and an end record.
 * What both refer to (the statement and its columns; the session) is a
 * definition, stored once per segment under a hash of its text.
 * Format: docs/journal.md and format.h.
 */
#ifndef PHIG_JOURNAL_H
#define PHIG_JOURNAL_H

#include "postgres.h"

#include "lib/stringinfo.h"

typedef enum PhigKind
{
	PHIG_KIND_READ = 1,
	PHIG_KIND_WRITE,
	PHIG_KIND_DISCLOSURE,
	PHIG_KIND_DENIED,			/* set by the reader: outcome error, sqlstate 42501 */
	PHIG_KIND_PROBE,
	PHIG_KIND_DDL,
	PHIG_KIND_POLICY,			/* labels, purposes, rules, grants */
	PHIG_KIND_SETTING,
	PHIG_KIND_SERVER,
	PHIG_KIND_LOG_READ
} PhigKind;

typedef enum PhigOutcome
{
	PHIG_OUTCOME_OK = 1,
	PHIG_OUTCOME_ERROR,
	PHIG_OUTCOME_CANCELLED
} PhigOutcome;

/* Flags of a start record; the reader spells them in access_log.flags. */
#define PHIG_FLAG_EXEMPT				0x0001	/* superuser or BYPASSRLS */
#define PHIG_FLAG_FUNCTION				0x0002	/* ran inside a function, DO block or trigger */
#define PHIG_FLAG_COPY					0x0004
#define PHIG_FLAG_REPLICA				0x0008	/* on a hot standby */
#define PHIG_FLAG_EXPLAIN				0x0010	/* EXPLAIN ANALYZE: rows were counted, not sent */
#define PHIG_FLAG_CONSTRAINT			0x0020	/* foreign-key check or cascade */
#define PHIG_FLAG_UNSEEN_PLAN			0x0040	/* the planner hook had not seen this plan:
												 * recorded in full */
#define PHIG_FLAG_ROW_TRIGGER			0x0080
#define PHIG_FLAG_APPROXIMATE			0x0100
#define PHIG_FLAG_SESSION_USER_CLAIM	0x0200	/* app_user/purpose/justification not set in this
												 * transaction */

#define PHIG_FLAG_WOULD_DENY			0x0400	/* mode enforce would have refused it */
#define PHIG_FLAG_WOULD_TRANSFORM		0x0800	/* ... or shown less */
#define PHIG_FLAG_BREAK_GLASS			0x1000	/* in an emergency: everything was shown */

#define PHIG_FLAG_PERSONS				0x800000	/* whose rows leave is captured: no record of
													 * persons means nobody's */

/*
 * A definition: key=value lines, see record.c.  id = first 16 bytes of
 * SHA-256 over the text; text has no NUL.
 */
typedef struct PhigDefinition
{
	uint8		id[16];
	const char *text;
	uint32		len;
} PhigDefinition;

/*
 * phig_journal_define
 *		Fills in id from text and len.
 *
 * A text too long for a record is replaced by a shorter one, palloc'd, that ends in the line
 * F=cut: lines at its end are missing, a statement's text (q) may be cut anywhere.  So what must
 * not be missed comes first, q last.
 * Errors: out of memory; a failure of OpenSSL.
 */
extern void phig_journal_define(PhigDefinition *def);

/*
 * phig_journal_utf8
 *		Text of the database's encoding in UTF-8: itself, or a palloc'd conversion.
 *
 * Conversions need the catalogs.  Outside a transaction, and for text that is not valid in its
 * own encoding (SQL_ASCII takes any), bytes beyond ASCII become question marks: the record
 * matters more than its umlauts.
 * Errors: out of memory; those of the conversion.
 */
extern const char *phig_journal_utf8(const char *value);

/* Add one line, key=value, to a definition's text: in UTF-8, escaped.  Keys are listed in format.h. */
extern void phig_journal_line(StringInfo text, char key, const char *value);

/* A position in the journal's ring: what must be durable before rows may leave. */
typedef uint64 PhigJournalLSN;

/* One open execution. */
typedef struct PhigJournalTicket
{
	uint64		seq;			/* position of the start record */
	PhigJournalLSN lsn;			/* end of the start record in the ring */
} PhigJournalTicket;

/*
 * phig_journal_start
 *		Append a start record (and the definitions that the segment lacks).
 *
 * Does not wait.  Errors: PG001 when the journal is not available; see
 * phiguard.journal_on_failure (with 'allow' a LOG line, and ticket->seq = 0).
 */
extern void phig_journal_start(const PhigDefinition *statement, PhigKind kind, uint32 flags,
							   PhigJournalTicket *ticket);

/*
 * phig_journal_wait
 *		Return when everything up to lsn is as safe as phiguard.journal_sync asks.
 *
 * One atomic read when it already is.  Errors as phig_journal_start.
 */
extern void phig_journal_wait(PhigJournalLSN lsn);

/* How an execution ended. */
typedef struct PhigJournalEnd
{
	uint64		rows;
	uint32		executions;
	bool		ran;			/* the plan was asked for a row: what it saw may have left,
								 * whatever rows says */
	int			sqlstate;		/* as from geterrcode(), 0 for ok */

	/* Few persons that no record of persons names; see phig_persons_end. */
	uint8		form;			/* PHIG_PERSONS_TOKENS, PHIG_PERSONS_COUNT with no number, or 0:
								 * none */
	uint8		manner;			/* PHIG_MANNER_... */
	uint8		ntokens;		/* PHIG_END_TOKENS at most */
	const void *tokens;
} PhigJournalEnd;

/*
 * phig_journal_end
 *		Append the end record of a ticket.  Never waits for the disk, never raises an
 *		error (it is called while transactions abort): what cannot be written shows as outcome 'lost'.
 */
extern void phig_journal_end(const PhigJournalTicket *ticket, const PhigJournalEnd *end);

/*
 * phig_journal_persons
 *		Append a record of persons, before the end record of a ticket.
 *
 * form, manner: PHIG_PERSONS_..., PHIG_MANNER_...; data: n tokens, or n bytes of a summary.
 * Never waits for the disk, never raises an error.  Where it cannot be written the end record
 * is not either, so that the record does not claim to name everybody.
 */
extern void phig_journal_persons(PhigJournalTicket *ticket, uint64 persons, uint8 form, uint8 manner,
								 const void *data, uint32 n);

/* Start and end in one: policy, setting, server, log_read events.  Waits as phig_journal_wait when wait is true. */
extern void phig_journal_event(const PhigDefinition *statement, PhigKind kind, uint32 flags,
							   PhigOutcome outcome, int sqlstate, bool wait);

/* The session's definition must be made anew (a setting or a role name changed). */
extern void phig_journal_session_changed(void);

extern void phig_journal_init(void);	/* from _PG_init: background worker, nothing touched on
										 * disk */
extern void phig_journal_shmem_request(void);	/* from shmem_request_hook */
extern void phig_journal_shmem_startup(void);	/* from shmem_startup_hook */

#endif
