/*
 * summarize.h
 *		Summaries of the segments that are complete, made and made again by the keeper.
 */
#ifndef PHIG_SUMMARIZE_H
#define PHIG_SUMMARIZE_H

#include "postgres.h"

#include "journal/shared.h"

/* Look through the whole directory with the next call of phig_summarize_work. */
extern void phig_summarize_wanted(void);

/*
 * phig_summarize_work
 *		Summarize the next segment that needs it, one a call.
 *
 * Those that were completed since are noticed by themselves; those of other nodes, and summaries that
 * somebody removed or spoilt, when phig_summarize_wanted() was called.  Errors: out of memory.
 */
extern bool phig_summarize_work(PhigFault *fault);

/* Is there more to do? */
extern bool phig_summarize_pending(void);

#endif
