/*
 * named.h
 *		Persons on record, gathered by the execution that they belong to: for the reader.
 */
#ifndef PHIG_NAMED_H
#define PHIG_NAMED_H

#include "postgres.h"

#include "journal/row.h"

typedef struct PhigNamedTable PhigNamedTable;

/* Memory: in a context of its own below the current one. */
extern PhigNamedTable *phig_named_create(void);
extern void phig_named_reset(PhigNamedTable *table);

/* Add what a record says of persons; data as phig_parse_persons gives it. */
extern void phig_named_add(PhigNamedTable *table, const PhigPersonsBody *body, const uint8 *data);

/*
 * phig_named_take
 *		What both tables have of the execution that began with record seq.
 *
 * False when neither has any.
 * Memory: until phig_named_put_back, or a table is reset.
 */
extern bool phig_named_take(PhigNamedTable *here, PhigNamedTable *late, uint64 seq, PhigNamed *named);

/* What was taken is done with, and late forgets it. */
extern void phig_named_put_back(PhigNamedTable *late, uint64 seq, PhigNamed *named);

/* Is this one of the persons that are named? */
extern bool phig_named_has(const PhigNamed *named, const uint8 token[PHIG_TOKEN_BYTES]);

extern void phig_named_forget(PhigNamedTable *table, uint64 seq);

#endif
