/*
 * loaded.h
 *		What a sample of values says of columns that nobody has analysed yet.
 */
#ifndef PHIG_LOADED_H
#define PHIG_LOADED_H

#include "postgres.h"

#include "access/attnum.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

#include "label/label.h"

/* A column that looks like PHI.  kind: of the vocabulary, or NULL; evidence: no value in it. */
typedef struct PhigSuspect
{
	AttrNumber	attno;
	PhigCategory category;
	const char *kind;
	char	   *evidence;
} PhigSuspect;

extern PhigSuspect *phig_suspect(AttrNumber attno, PhigCategory category, const char *kind, char *evidence);

/* The tables that COPY FROM, or ANALYZE, brings values or statistics to: OIDs; NIL for other statements. */
extern List *phig_loaded_relations(Node *stmt);

/*
 * A table's columns of text without label and statistics that this session has not looked at: numbers.  NIL for what is
 * no plain table.
 */
extern List *phig_loaded_unseen(Oid relid);

/*
 * phig_loaded_suspects
 *		Those of the columns (numbers) whose values are mostly of one category, as detection finds it: PhigSuspect.
 *
 * Reads the first rows that the transaction sees.  The table may be gone, or locked by somebody: NIL.
 * Errors: those of detection.
 */
extern List *phig_loaded_suspects(Oid relid, List *columns);

/*
 * phig_loaded_remember
 *		Of these columns the last sample had enough values: this session need not look again.
 *
 * Forgotten when the transaction aborts, and with it the values.
 */
extern void phig_loaded_remember(Oid relid, List *columns);

#endif
