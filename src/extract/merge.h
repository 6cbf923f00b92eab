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

#include "extract/packed.h"
#include "extract/classes.h"

/*
 * phig_classes_write
 *		All rows so far, as bytes; finishes the classes.
 *
 * Errors:  54000 as in packed.h.
 */
extern void phig_classes_write(PhigClasses *classes, PhigPacked *bytes);

/*
 * phig_classes_merge
 *		What was written by one process or more, put together.
 *
 * parts:   each stands behind its begin; they are read where they are, and have to stay.
 * Returns: classes that live in context, whose persons are counted and take no more rows.
 * Memory:  leaves garbage in the current context.
 * Errors:  XX001 for parts of different columns, or damaged ones; 54000 as phig_classes_add.
 */
extern PhigClasses *phig_classes_merge(MemoryContext context, PhigPackedReader *parts, int nparts);

#endif
