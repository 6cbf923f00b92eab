/*
 * derive.h
 *		Labels of tables that are made from queries.
 */
#ifndef PHIG_DERIVE_H
#define PHIG_DERIVE_H

#include "postgres.h"

#include "nodes/parsenodes.h"

/*
 * phig_derive_labels
 *		What each column of CREATE TABLE AS, SELECT INTO or CREATE MATERIALIZED VIEW will hold.
 *
 * A list of PhigLabel *; NIL where the query meets no labelled relation, or nothing will be made.  Errors: those of
 * phig_flow_analyze.
 */
extern List *phig_derive_labels(CreateTableAsStmt *stmt);

/* What a materialized view holds now that it has been filled anew: its query may meet labels set since it was made. */
extern List *phig_derive_refreshed(Oid relid);

/* Give the relation these labels, where any of them is PHI. */
extern void phig_derive_apply(Oid relid, List *derived);

#endif
