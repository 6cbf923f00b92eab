/*
 * merge.h
 *		Equivalence classes of a part of the rows as bytes, and parts put together: for parallel workers.
 *
 * Put together is what one pass over all rows would have found, but for the order of codes: a person of several parts
 * is one person, in each class once, with each sensitive value once there.
 */
#ifndef PHIG_EXTRACT_MERGE_H
#define PHIG_EXTRACT_MERGE_H

#include "postgres.h"

#include "extract/bytes.h"
#include "extract/classes.h"

/*
 * phig_classes_write
 *		All rows so far, as bytes; finishes the classes.
 *
 * Errors:  54000 as in bytes.h.
 */
extern void phig_classes_write(PhigClasses *classes, PhigBytes *bytes);

/* None yet, of the types that such bytes are of; the reader stands at their begin, and stays there. */
extern PhigClasses *phig_classes_create_like(MemoryContext context, PhigBytesReader reader);

/*
 * phig_classes_merge
 *		What was written elsewhere, added.
 *
 * Leaves garbage in the current memory context.
 * Errors:  XX001 for bytes of other columns, or damaged ones; 54000 as phig_classes_add.
 */
extern void phig_classes_merge(PhigClasses *classes, PhigBytesReader *reader);

#endif
