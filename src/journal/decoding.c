/*
 * decoding.c
 *		The server's functions that decode rows from WAL.
 *
 * What a slot gives back was never planned: it shows rows of all tables as they are, to whoever has REPLICATION.
 * So in mode enforce it is the officer's, in a database where a purpose is asked for anything.  What the
 * replication protocol does passes no hook: docs/limits.md.
 */
#include "postgres.h"

#include "utils/lsyscache.h"

#include "enforce/enforce.h"
#include "journal/context.h"
#include "journal/decoding.h"
#include "journal/statement.h"
#include "label/provider.h"
#include "policy/fit.h"

static bool is_anything_governed(void);

void
phig_decoding_guard(Oid function)
{
	PhigDefinition def;

	if (!phig_active() || !phig_enforce_session() || phig_is_officer() || !is_anything_governed())
		return;
	phig_statement_event(&def, "LOGICAL DECODING", get_func_name(function), NIL);
	phig_journal_event(&def, PHIG_KIND_READ, phig_context_flags(), PHIG_OUTCOME_ERROR, ERRCODE_INSUFFICIENT_PRIVILEGE,
					   true);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("logical decoding shows the rows of all tables of this database as they are"),
			 errdetail("Some are open only to a purpose."),
			 errhint("A privacy officer, or a role that is exempt, may call %s().", get_func_name(function))));
}

static bool
is_anything_governed(void)
{
	ListCell   *lc;

	foreach(lc, phig_labelled_relations())
		if (phig_policy_governs(lfirst_oid(lc)))
			return true;
	return false;
}
