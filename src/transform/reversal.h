/*
 * reversal.h
 *		The record of values that were made readable again.
 */
#ifndef PHIG_REVERSAL_H
#define PHIG_REVERSAL_H

#include "postgres.h"

/*
 * phig_reversal
 *		One more value of this domain, by this command ("UNSEAL", "UNFPE"), in this statement.
 *
 * The first one of a statement starts a record, and returns when that is as safe as journal_sync asks: before
 * the value leaves.  How many there were, its end says, at the latest when the transaction ends.
 * Errors: PG001 when the record cannot be written.
 */
extern void phig_reversal(const char *command, const text *domain);

#endif
