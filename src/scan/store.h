/*
 * store.h
 *		The rows of table phiguard.suspect.
 */
#ifndef PHIG_SCAN_STORE_H
#define PHIG_SCAN_STORE_H

#include "postgres.h"

#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "utils/rel.h"

#include "scan/evidence.h"

typedef enum PhigSuspectState
{
	PHIG_SUSPECT,
	PHIG_SUSPECT_ACCEPTED,
	PHIG_SUSPECT_REJECTED
} PhigSuspectState;

/* A row as it stands there, palloc'd. */
typedef struct PhigSuspectRow
{
	ItemPointerData tid;
	char	   *schema;
	char	   *relation;
	char	   *column_name;
	AttrNumber	attno;			/* a column of the same name with another number is another column */
	PhigEvidence evidence;
	PhigSuspectState state;
} PhigSuspectRow;

/* The table, to be written to.  Errors: 55000 where there is none. */
extern Relation phig_suspects_open(void);

/*
 * phig_suspects_lock
 *		One at a time writes about a relation, until the transaction ends; nobody else is held up.
 */
extern void phig_suspects_lock(Relation table, Oid relid);

/* The rows of a relation, or of all (InvalidOid); those of columns that are gone are left out. */
extern List *phig_suspects_of(Relation table, Oid relid);

/* The relation of a row; InvalidOid when it is gone. */
extern Oid	phig_suspect_relation(const PhigSuspectRow *row);

/* The row of a column, or NULL. */
extern PhigSuspectRow *phig_suspect_of(Relation table, Oid relid, AttrNumber attno);

/*
 * phig_suspect_put
 *		Write that a column is suspected, accepted or rejected; in place of the row that it has.
 */
extern void phig_suspect_put(Relation table, Oid relid, AttrNumber attno, const PhigEvidence *evidence,
							 PhigSuspectState state);

/* It is no suspect any more. */
extern void phig_suspect_remove(Relation table, Oid relid, AttrNumber attno);

#endif
