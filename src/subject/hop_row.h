/*
 * hop_row.h
 *		One row between a reference and the person: looked up.
 */
#ifndef PHIG_SUBJECT_HOP_ROW_H
#define PHIG_SUBJECT_HOP_ROW_H

#include "postgres.h"

#include "subject/path.h"

typedef struct PhigHopRow PhigHopRow;

/* type: of the references, a base type.  Memory: in the current context, for an execution. */
extern PhigHopRow *phig_hop_row_create(const PhigSubjectHop *hop, Oid type);

/*
 * phig_hop_row_find
 *		The value of the hop's column person, of the row that a reference leads to.
 *
 * As the active snapshot shows it, past row-level security and past phiguard itself.  Memory: the value's in the
 * current context.  False: there is no such row.  Errors: those of reading the relation.
 */
extern bool phig_hop_row_find(PhigHopRow *row, Datum reference, Datum *person, bool *isnull);

/* The base type of that value. */
extern Oid	phig_hop_row_type(const PhigHopRow *row);

/* Such a look-up is at work by a query: it is not an access of the session. */
extern bool phig_hop_looks_up;

#endif
