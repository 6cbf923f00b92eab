/*
 * view.h
 *		The query of a view, as it is for whoever reads it.
 */
#ifndef PHIG_EXTRACT_VIEW_H
#define PHIG_EXTRACT_VIEW_H

#include "postgres.h"

#include "nodes/parsenodes.h"

#include "policy/store.h"

/* Rewritten, with the views below it and row-level security; the caller's own copy.  Locks what it reads. */
extern Query *phig_view_query(Oid view);

/*
 * phig_extract_set_constants
 *		What holds for everybody who reads, in place: the extract's key domain where calls of transforms say none, and
 *		the offsets of time zones that are named.
 *
 * All transforms have their arguments in order then.
 */
extern void phig_extract_set_constants(Query *query, const PhigExtractRow *row);

/* The view that a range-table entry stands for, or InvalidOid. */
extern Oid	phig_view_of(const RangeTblEntry *rte);

#endif
