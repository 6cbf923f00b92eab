/*
 * row.h
 *		A row of phiguard.access_log from what the journal says of one execution.
 */
#ifndef PHIG_ROW_H
#define PHIG_ROW_H

#include "postgres.h"

#include "journal/definition.h"

/* How an execution ended. */
typedef struct PhigEnding
{
	int64		ended;
	uint64		rows;
	uint32		executions;
	uint8		outcome;
	char		sqlstate[5];
} PhigEnding;

typedef struct PhigLogEntry
{
	uint64		seq;
	int64		started;
	uint32		kind;
	uint32		flags;
	const PhigMeaning *statement;	/* NULL: the definition is not to be had */
	const PhigMeaning *session;
	const PhigEnding *ending;	/* NULL: not known */
	bool		lost;			/* and none will come */
} PhigLogEntry;

/* What rows have in common, made once. */
typedef struct PhigRowMaker PhigRowMaker;

/* Memory: in the current context. */
extern PhigRowMaker *phig_row_maker_create(void);

/* The rows that follow are of this node. */
extern void phig_row_maker_set_node(PhigRowMaker *maker, const char *node8);

/*
 * phig_row_make
 *		Fill in a row: PHIG_LOG_COLUMNS of values and nulls.
 *
 * Memory: the values hold until the next call, those of definitions as long as
 * their dictionary.
 */
extern void phig_row_make(PhigRowMaker *maker, const PhigLogEntry *entry, Datum *values, bool *nulls);

#endif
