/*
 * row.h
 *		A row of phiguard.access_log from what the journal says of one execution.
 */
#ifndef PHIG_ROW_H
#define PHIG_ROW_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "journal/definition.h"
#include "journal/format.h"

/* How an execution ended. */
typedef struct PhigEnding
{
	int64		ended;
	uint64		rows;
	uint32		executions;
	bool		ran;			/* the plan was asked for a row; false also where that is not
								 * known */
	uint8		outcome;
	char		sqlstate[5];
} PhigEnding;

/* Whose rows left, as far as is known. */
typedef struct PhigNamed
{
	uint8		(*tokens)[PHIG_TOKEN_BYTES];	/* sorted, each once */
	int			ntokens;
	List	   *summaries;		/* of PhigNamedSummary *: sets that others may be in */
	uint32		manners;		/* bits 1 << PHIG_MANNER_... */
	uint64		persons;		/* how many, at most */
	uint64		at_least;
	bool		unnamed;		/* others are not named at all */
} PhigNamed;

typedef struct PhigNamedSummary
{
	uint64		persons;		/* whom its writer counted */
	uint32		bytes;
	uint8		data[FLEXIBLE_ARRAY_MEMBER];
} PhigNamedSummary;

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
	const PhigNamed *named;		/* NULL: no record of persons */
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

/* 1 << kind of the records whose rows have this kind by themselves; 0: there is none of that name. */
extern uint32 phig_row_kind_mask(const char *name);

/* The flag of start records and events that rows show as this word; 0: none. */
extern uint32 phig_row_flag_mask(const char *name);

#endif
