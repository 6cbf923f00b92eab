/*
 * recall.h
 *		Definitions that this backend has built before.
 */
#ifndef PHIG_RECALL_H
#define PHIG_RECALL_H

#include "postgres.h"

#include "journal/statement.h"

#define PHIG_RECALL_KEY_MAX_BYTES 2048

/* All that a definition is made of, in bytes. */
typedef struct PhigRecallKey
{
	uint64		fingerprint;
	uint64		labels;			/* phig_label_invalidations, and */
	uint64		names;			/* changes of schemas and functions, before it was built */
	Size		len;			/* 0: too long to be kept */
	char		bytes[PHIG_RECALL_KEY_MAX_BYTES];
} PhigRecallKey;

/*
 * phig_recall_find
 *		The definition that phig_statement_build would build, if it has been built before; and a key in any case.
 *
 * Arguments as for phig_statement_build.  True: out is filled in, palloc'd in the current context.
 * Errors: none raised but for memory.
 */
extern bool phig_recall_find(PhigRecallKey *key, PhigStatement *out, const PhigFlow *flow, const char *command,
							 const char *query, uint64 fingerprint);

/* Keep what was built for a key that was not found. */
extern void phig_recall_keep(const PhigRecallKey *key, const PhigStatement *statement);

#endif
