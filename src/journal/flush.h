/*
 * flush.h
 *		From the ring to the segment: hash, seal, write, sync.
 */
#ifndef PHIG_FLUSH_H
#define PHIG_FLUSH_H

#include "postgres.h"

#include "journal/journal.h"
#include "journal/shared.h"

/*
 * phig_flush
 *		Return when everything before lsn is on disk; false with the fault when that cannot be.
 *
 * Of those that wait at the same time one works for all.  Interrupts are held
 * meanwhile.  Errors: none raised.
 */
extern bool phig_flush(PhigJournalLSN lsn, PhigFault *fault);

/* The same for everything appended so far. */
extern bool phig_flush_all(PhigFault *fault);

/* For the keeper at recovery: the flush lock is held and nobody appends. */
extern bool phig_flush_locked(PhigFault *fault);

#endif
