/*
 * reversal.c
 *		The record of values that were made readable again.
 *
 * One record for a command, a domain and a statement of the client's, counted.  A record that no
 * later reversal ends, the transaction does: a statement's own end is nothing that a function
 * hears of.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "crypto/key.h"
#include "journal/context.h"
#include "journal/journal.h"
#include "journal/statement.h"
#include "transform/reversal.h"

typedef struct Reversal
{
	const char *command;
	char		domain[PHIG_KEY_DOMAIN_MAX_BYTES + 1];
	TimestampTz statement;		/* when the client's began */
	PhigJournalTicket ticket;
	uint64		values;
} Reversal;

/* Of the transaction's present statement; in TopTransactionContext. */
static List *open_reversals = NIL;

static void
end_all(int sqlstate)
{
	ListCell   *cell;

	foreach(cell, open_reversals)
	{
		Reversal   *reversal = lfirst(cell);

		PhigJournalEnd end = {.rows = reversal->values, .executions = 1, .ran = true, .sqlstate = sqlstate};

		phig_journal_end(&reversal->ticket, &end);
	}
	open_reversals = NIL;
}

static void
transaction_ends(XactEvent event, void *arg)
{
	if (open_reversals == NIL)
		return;
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
		end_all(0);
	else if (event == XACT_EVENT_ABORT)
		end_all(ERRCODE_TRANSACTION_ROLLBACK);
}

/* The record, on disk; without it the command may not be thought to have one. */
static void
start_record(Reversal *reversal, const PhigDefinition *def)
{
	PG_TRY();
	{
		phig_journal_start(def, PHIG_KIND_READ, phig_context_flags(), &reversal->ticket);
		phig_journal_wait(reversal->ticket.lsn);
	}
	PG_CATCH();
	{
		open_reversals = list_delete_ptr(open_reversals, reversal);
		phig_journal_end(&reversal->ticket, &(PhigJournalEnd) {.executions = 1, .sqlstate = geterrcode()});
		PG_RE_THROW();
	}
	PG_END_TRY();
}

static void
begin(const char *command, const char *domain)
{
	static bool registered = false;
	MemoryContext caller;
	PhigDefinition def;
	Reversal   *reversal;

	if (!registered)
		RegisterXactCallback(transaction_ends, NULL);
	registered = true;

	reversal = MemoryContextAllocZero(TopTransactionContext, sizeof(Reversal));
	reversal->command = command;
	strlcpy(reversal->domain, domain, sizeof(reversal->domain));
	reversal->statement = GetCurrentStatementStartTimestamp();
	phig_statement_event(&def, command, psprintf("key domain %s", domain), NIL);

	/* In the list first: once the record is appended nothing may fail before its end is sure. */
	caller = MemoryContextSwitchTo(TopTransactionContext);
	open_reversals = lappend(open_reversals, reversal);
	MemoryContextSwitchTo(caller);
	start_record(reversal, &def);
	reversal->values++;
}

void
phig_reversal(const char *command, const text *domain)
{
	const char *bytes = VARDATA_ANY(domain);
	const size_t len = VARSIZE_ANY_EXHDR(domain);
	ListCell   *cell;

	if (!phig_active())
		return;
	if (open_reversals != NIL &&
		((Reversal *) linitial(open_reversals))->statement != GetCurrentStatementStartTimestamp())
		end_all(0);
	foreach(cell, open_reversals)
	{
		Reversal   *reversal = lfirst(cell);

		if (strcmp(reversal->command, command) == 0 && strlen(reversal->domain) == len &&
			memcmp(reversal->domain, bytes, len) == 0)
		{
			reversal->values++;
			return;
		}
	}
	begin(command, text_to_cstring(domain));
}
