/*
 * retire.h
 *		Segments that have been kept as long as they must.
 */
#ifndef PHIG_RETIRE_H
#define PHIG_RETIRE_H

#include "postgres.h"

#include "journal/shared.h"

/*
 * phig_retire_find
 *		Number of the oldest segment of this node that must still be kept.
 *
 * All before are complete, older than phiguard.journal_retention, and, where there is an
 * archive_command, in the archive.
 */
extern uint64 phig_retire_find(void);

/* Are the segments before oldest what this server has signed?  Errors: none raised; the fault says what is not. */
extern bool phig_retire_prove(uint64 oldest, PhigFault *fault);

/*
 * phig_retire
 *		Sign that the segments before oldest, which are proven, are no longer kept, then remove them.
 *
 * With the first of them go the segments of other nodes that are older still: those that
 * this one branched off.  Errors: none raised.
 */
extern bool phig_retire(uint64 oldest, PhigFault *fault);

#endif
