/*
 * statement.h
 *		The definition of a statement: what the journal stores once and start records name.
 */
#ifndef PHIG_STATEMENT_H
#define PHIG_STATEMENT_H

#include "postgres.h"

#include "flow/flow.h"
#include "journal/journal.h"

typedef struct PhigStatement
{
	PhigDefinition def;			/* def.len = 0: labelled relations were met, no labelled column
								 * was reached */
	PhigKind	kind;
	uint32		flags;			/* PHIG_FLAG_... that belong to the plan */
} PhigStatement;

/*
 * phig_statement_build
 *		What a statement does to labelled columns, as definition text.
 *
 * command: tag, e.g. "SELECT".  query: normalised text, in the database's encoding.
 * Result is palloc'd in the current context, in UTF-8.
 */
extern void phig_statement_build(PhigStatement *out, const PhigFlow *flow, const char *command,
								 const char *query, uint64 fingerprint);

/*
 * phig_statement_retarget
 *		The same statement as part of another command: its tag, and, where its rows go into a
 *		relation rather than to the client, what it returned becomes what it stored.
 */
extern void phig_statement_retarget(PhigStatement *out, const PhigStatement *in,
									const char *command, bool into_relation);

/*
 * A definition without flow, for events: tag, text (no user data), and the columns it is about
 * (list of char *, may be NIL).
 */
extern void phig_statement_event(PhigDefinition *out, const char *command, const char *text,
								 List *columns);

/* A record of kind policy, on disk when this returns; none where phiguard is off. */
extern void phig_statement_policy(const char *command, const char *text);

/* "schema.table.column", each part quoted as needed; palloc'd, database encoding.  NULL when it is gone. */
extern char *phig_column_path(Oid relid, AttrNumber attno);

/* The values of one key of a definition's text, as a list of palloc'd strings (unescaped, UTF-8). */
extern List *phig_definition_values(const char *text, char key);

#endif
