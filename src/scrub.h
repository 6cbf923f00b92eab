/*
 * scrub.h
 *		Errors without the data that caused them.
 */
#ifndef PHIG_SCRUB_H
#define PHIG_SCRUB_H

#include "postgres.h"

/*
 * phig_scrub_edata
 *		Take the values out of an error about labelled data, in place.
 *
 * What stays: SQLSTATE, the message's words, names of relations, columns and constraints.  Where
 * something was taken out, DETAIL says so.  The server log gets no STATEMENT line.
 * Doing it twice is harmless.
 * Memory:  new texts are palloc'd in the current context, the old ones freed.
 * Errors:  none but out of memory.
 */
extern void phig_scrub_edata(ErrorData *edata);

/*
 * phig_scrub_rethrow
 *		In PG_CATCH of a statement on labelled relations: raise the error again, scrubbed.
 */
extern _Noreturn void phig_scrub_rethrow(void);

/*
 * phig_scrub_rethrow_constraint
 *		In PG_CATCH of any other statement: an error of a constraint of a labelled table, or of one that refers to
 *		one, is raised again, scrubbed.
 *
 * A statement may run into it that names neither: SET CONSTRAINTS, or a DELETE that cascades.
 * Returns for every other error, which is left as it is.
 */
extern void phig_scrub_rethrow_constraint(void);

/*
 * phig_scrub_log
 *		From emit_log_hook: scrubs an error of a statement that no other hook has seen, because it
 *		failed while it was parsed or its parameters were read.
 *
 * It counts as one about labelled data when its text names a labelled relation, a view over one, or a
 * PHI type, or when the error itself says that it is about a labelled table (a deferred constraint).
 */
extern void phig_scrub_log(ErrorData *edata);

#endif
