/*
 * decoding.h
 *		The server's functions that decode rows from WAL.
 */
#ifndef PHIG_DECODING_H
#define PHIG_DECODING_H

#include "postgres.h"

#include "utils/fmgroids.h"

/* Does the function make, copy or read a logical replication slot? */
static inline bool
phig_is_decoding(Oid function)
{
	return function - F_PG_LOGICAL_SLOT_GET_CHANGES <=
		F_PG_CREATE_LOGICAL_REPLICATION_SLOT - F_PG_LOGICAL_SLOT_GET_CHANGES ||
		function - F_PG_COPY_LOGICAL_REPLICATION_SLOT_NAME_NAME_BOOL_NAME <=
		F_PG_COPY_LOGICAL_REPLICATION_SLOT_NAME_NAME - F_PG_COPY_LOGICAL_REPLICATION_SLOT_NAME_NAME_BOOL_NAME;
}

/*
 * phig_decoding_guard
 *		Such a function is about to be called: may this session, where there are governed tables?
 *
 * Errors: 42501, on record, for all but officers and who is exempt, in mode enforce.
 */
extern void phig_decoding_guard(Oid function);

#endif
