/*
 * state.h
 *		What a backend knows of an extract: for the rest of the module.
 */
#ifndef PHIG_EXTRACT_STATE_H
#define PHIG_EXTRACT_STATE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "policy/store.h"

typedef struct PhigExtractState
{
	Oid			view;			/* hash key */
	bool		known;			/* the rest holds, of these generations: */
	uint64		policies;
	uint64		labels;
	uint64		catalogs;
	TimestampTz until;
	MemoryContext context;		/* in which the rest lies */
	char	   *officer_role;	/* the setting, then */
	PhigExtractRow *row;
	char	   *problem;		/* why it is closed, for errdetail; NULL: it is open */
	char	   *hint;
	bool		undetermined;	/* closed, and a determination by an expert would open it */
	char	   *recipient;		/* or NULL */
	uint64		stamp;			/* of all that was proven */
	bool		codes;
	List	   *relids;
} PhigExtractState;

/*
 * phig_extract_state
 *		What holds for a view now; NULL where it is no extract.
 *
 * A few comparisons where nothing has changed, else a proof.  Memory: until the next call.
 */
extern const PhigExtractState *phig_extract_state(Oid view);

#endif
