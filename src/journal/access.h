/*
 * access.h
 *		The record of an execution: from the plan's carrier to start and end records.
 */
#ifndef PHIG_ACCESS_H
#define PHIG_ACCESS_H

#include "postgres.h"

#include "executor/execdesc.h"
#include "lib/ilist.h"

#include "journal/statement.h"
#include "settings.h"
#include "subject/query.h"
#include "subject/set.h"

/* One execution, as access.c keeps it; rows, running and ran are its users'. */
typedef struct PhigExecution
{
	dlist_node	node;
	QueryDesc  *query_desc;
	struct SharedRecord *shared;	/* NULL: a record of its own */
	PhigJournalTicket ticket;
	uint64		rows;
	SubTransactionId subid;
	bool		running;
	bool		ran;			/* it was asked for a row */
	const PhigSubjectSources *subjects; /* NULL: nobody's rows are watched; inside the plan */
	PhigPersonSet *persons;		/* of a record of its own */
	bool		workers_tell;	/* whose rows were scanned: parallel ones, each in a record of its
								 * own */
} PhigExecution;

/*
 * phig_access_begin
 *		Append the start record of one execution, or count it in an earlier one.
 *
 * Inside functions, identical executions of one plan within one top-level
 * statement share a record; see access.c for code that has no such statement.
 * query_desc is the key under which the executor hooks find it again (NULL for
 * COPY of a table).  Errors: PG001.
 */
extern PhigExecution *phig_access_begin(QueryDesc *query_desc, const PhigStatement *statement,
										uint32 flags);

/* How many executions and shared records are open: for most statements, none; and the last begun. */
typedef struct PhigAccessOpen
{
	int			executions;
	int			shared;
	PhigExecution *newest;		/* NULL: it has ended */
} PhigAccessOpen;

extern PhigAccessOpen phig_access_open;

extern PhigExecution *phig_access_search(QueryDesc *query_desc);
extern void phig_access_end_statement(void);

/* The execution of a plan that phig_access_begin has seen, or NULL. */
static inline PhigExecution *
phig_access_find(QueryDesc *query_desc)
{
	if (phig_access_open.executions == 0)
		return NULL;
	if (phig_access_open.newest && phig_access_open.newest->query_desc == query_desc)
		return phig_access_open.newest;
	return phig_access_search(query_desc);
}

extern void phig_access_wait_for_disk(PhigExecution *execution);

/* Return when the start record is as safe as journal_sync asks.  Before the first row. */
static inline void
phig_access_wait(PhigExecution *execution)
{
	/* For the other modes the ring's memory is safe enough. */
	if (phig_journal_sync == PHIG_SYNC_ON)
		phig_access_wait_for_disk(execution);
	execution->ran = true;
}

/*
 * phig_access_expect_persons
 *		This execution will tell whose rows leave.
 *
 * Errors: PG002 without the key for that; the execution has ended then.
 */
extern void phig_access_expect_persons(PhigExecution *execution, const PhigSubjectSources *subjects);

/* Into what they are collected, and the record that they belong to. */
extern PhigPersonSet *phig_access_persons(PhigExecution *execution);
extern PhigJournalTicket *phig_access_ticket(PhigExecution *execution);

extern void phig_access_persons_met(PhigExecution *execution, uint64 count);

/*
 * phig_access_write_persons
 *		A run of the plan, for so many rows, is over: put on record who was met.
 *
 * Not if the end record is next and will do it, nor where executions share a record.
 */
static inline void
phig_access_write_persons(PhigExecution *execution, uint64 count)
{
	if (execution->persons)
		phig_access_persons_met(execution, count);
}

/* While running is set, an abort means that the execution itself was cut short. */
static inline void
phig_access_running(PhigExecution *execution, bool running)
{
	execution->running = running;
}

/* Add rows of a command that has no plan. */
static inline void
phig_access_rows(PhigExecution *execution, uint64 rows)
{
	execution->rows += rows;
}

/* Add the rows that a COPY of a table TO has sent by the time when it fails, as pg_stat_progress_copy has them. */
extern void phig_access_count_copied(PhigExecution *execution);

/* Count what the run of the plan that ends, or fails, now has processed. */
extern void phig_access_count_run(PhigExecution *execution);

/* Write the end record (a shared record only counts down) and forget the execution.  sqlstate 0: ok.  Never errors. */
extern void phig_access_end(PhigExecution *execution, int sqlstate);

/* The top-level statement is over: end the shared records that have no execution left. */
static inline void
phig_access_statement_done(void)
{
	if (phig_access_open.shared > 0)
		phig_access_end_statement();
}

/* The session is going down with this error.  Is an execution cut short by it? */
extern bool phig_access_note_fatal(int sqlstate);

extern void phig_access_init(void);

#endif
