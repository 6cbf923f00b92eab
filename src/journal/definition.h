/*
 * definition.h
 *		What a segment's definitions say, as columns of access_log.
 */
#ifndef PHIG_DEFINITION_H
#define PHIG_DEFINITION_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "journal/format.h"

typedef struct PhigSearch PhigSearch;

/* The columns of phiguard.access_log, in its order. */
typedef enum PhigLogColumn
{
	PHIG_LOG_STARTED,
	PHIG_LOG_ENDED,
	PHIG_LOG_NODE,
	PHIG_LOG_POSITION,
	PHIG_LOG_KIND,
	PHIG_LOG_COMMAND,
	PHIG_LOG_LOGIN_ROLE,
	PHIG_LOG_ACTIVE_ROLE,
	PHIG_LOG_APP_USER,
	PHIG_LOG_CLIENT,
	PHIG_LOG_APPLICATION,
	PHIG_LOG_DATABASE,
	PHIG_LOG_PID,
	PHIG_LOG_SESSION_ID,
	PHIG_LOG_PURPOSE,
	PHIG_LOG_JUSTIFICATION,
	PHIG_LOG_RETURNED,
	PHIG_LOG_REFERENCED,
	PHIG_LOG_STORED,
	PHIG_LOG_SHOWN,
	PHIG_LOG_CATEGORIES,
	PHIG_LOG_ROWS,
	PHIG_LOG_OUTCOME,
	PHIG_LOG_SQLSTATE,
	PHIG_LOG_FINGERPRINT,
	PHIG_LOG_QUERY,
	PHIG_LOG_EXECUTIONS,
	PHIG_LOG_EXTRACT,
	PHIG_LOG_AGREEMENT,
	PHIG_LOG_RECIPIENT,
	PHIG_LOG_SUBJECTS,
	PHIG_LOG_PERSONS,
	PHIG_LOG_PERSONS_AT_LEAST,
	PHIG_LOG_FLAGS,
	PHIG_LOG_COLUMNS
} PhigLogColumn;

/* One definition: the columns that it fills in. */
typedef struct PhigMeaning
{
	uint8		id[PHIG_ID_BYTES];	/* hash key */
	Datum		values[PHIG_LOG_COLUMNS];
	bool		present[PHIG_LOG_COLUMNS];
	List	   *flags;			/* of char *: words that belong to the statement */
	char	   *session_id;		/* NULL unless it defines a session */
	uint32		decides;		/* 1 << clause of the search that it fulfils */
} PhigMeaning;

/* The definitions of one segment. */
typedef struct PhigDictionary PhigDictionary;

/* For a search, which must stay where it is. */
extern PhigDictionary *phig_dictionary_create(const PhigSearch *search);
extern void phig_dictionary_destroy(PhigDictionary *dictionary);

/*
 * phig_dictionary_add
 *		Read a definition.  A second one of the same id is passed over.
 *
 * text: len bytes as they stand in the record; text in them that is not valid
 * UTF-8, or that this database's encoding cannot say, is replaced by '?'.
 * Errors: none for what the text holds.
 */
extern void phig_dictionary_add(PhigDictionary *dictionary, const uint8 id[PHIG_ID_BYTES],
								const char *text, size_t len);

/* NULL when the segment has no such definition (it may have been damaged). */
extern const PhigMeaning *phig_dictionary_find(PhigDictionary *dictionary,
											   const uint8 id[PHIG_ID_BYTES]);

#endif
