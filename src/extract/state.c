/*
 * state.c
 *		Which views are extracts, and may they be read now?
 *
 * A backend keeps the rows of phiguard.extract until policies change, and of each extract that was read what
 * came of proving it anew: until a relation behind it, a label, a function, a cast, a role, a schema, a policy or the
 * officer's role changes, or a term runs out.  So a change of anything that the proof went by counts at
 * the next execution, and nothing else is asked in between.
 *
 * Views are found by the name that they have when they are read, as the rows name them: one that was dropped
 * and made anew by somebody else is the extract, and closed.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "common/hashfn.h"
#include "extract/extract.h"
#include "extract/prove.h"
#include "extract/state.h"
#include "policy/cache.h"
#include "settings.h"

static List *rows = NIL;		/* of PhigExtractRow * */
static uint64 rows_at = 0;		/* phig_policy_generation */
static MemoryContext rows_context = NULL;

static HTAB *states = NULL;
static uint64 changes = 1;		/* of roles, schemas, functions, casts and what types are compared
								 * by */

static void find_state(PhigExtractState *state, const PhigExtractRow *row);
static PhigExtractRow *copy_row(const PhigExtractRow *row);
static void relation_changed(Datum arg, Oid relid);
static void catalog_changed(Datum arg, int cacheid, uint32 hashvalue);

List *
phig_extract_rows(void)
{
	uint64		generation = phig_policy_generation;
	MemoryContext caller;

	if (likely(rows_at == generation))
		return rows;
	if (rows_context == NULL)
		rows_context = AllocSetContextCreate(TopMemoryContext, "phiguard extracts", ALLOCSET_SMALL_SIZES);
	rows = NIL;
	rows_at = 0;
	MemoryContextReset(rows_context);
	(void) phig_policy_marker();
	caller = MemoryContextSwitchTo(rows_context);
	rows = phig_policy_rows_of(PHIG_POLICY_EXTRACT, NULL);
	MemoryContextSwitchTo(caller);
	rows_at = generation;
	return rows;
}

bool
phig_extract_in_use(void)
{
	return phig_extract_rows() != NIL;
}

const PhigExtractRow *
phig_extract_row(Oid view)
{
	const PhigExtractRow *found = NULL;
	List	   *all = phig_extract_rows();
	char	   *relation = all == NIL ? NULL : get_rel_name(view);
	char	   *schema = relation == NULL ? NULL : get_namespace_name(get_rel_namespace(view));
	ListCell   *lc;

	/* Looking names up may have changed what is kept. */
	foreach(lc, schema == NULL ? NIL : phig_extract_rows())
	{
		const PhigExtractRow *row = lfirst(lc);

		if (strcmp(row->relation, relation) == 0 && strcmp(row->schema, schema) == 0)
			found = row;
	}
	return found;
}

const PhigExtractState *
phig_extract_state(Oid view)
{
	const PhigExtractRow *row = phig_extract_row(view);
	PhigExtractState *state;
	bool		found;

	if (row == NULL)
		return NULL;
	if (states == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(PhigExtractState), .hcxt = TopMemoryContext};

		states = hash_create("phiguard states of extracts", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	state = hash_search(states, &view, HASH_ENTER, &found);
	if (!found)
	{
		memset((char *) state + sizeof(Oid), 0, sizeof(*state) - sizeof(Oid));
		state->context = AllocSetContextCreate(TopMemoryContext, "phiguard extract", ALLOCSET_SMALL_SIZES);
	}
	if (!state->known || state->policies != phig_policy_generation || state->labels != phig_label_invalidations ||
		state->catalogs != changes || strcmp(state->officer_role, phig_officer_role) != 0 ||
		state->until <= GetCurrentTimestamp())
		find_state(state, row);
	return state;
}

const char *
phig_extract_closed(Oid view, const char **hint)
{
	const PhigExtractState *state = phig_extract_state(view);

	*hint = state == NULL ? NULL : state->hint;
	return state == NULL ? NULL : state->problem;
}

bool
phig_extract_waits_for_expert(Oid view)
{
	const PhigExtractState *state = phig_extract_state(view);

	return state != NULL && state->problem != NULL && state->undetermined;
}

void
phig_extract_init(void)
{
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, catalog_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, catalog_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMMEMROLE, catalog_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, catalog_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(CASTSOURCETARGET, catalog_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(CLAOID, catalog_changed, (Datum) 0);
}

static void
find_state(PhigExtractState *state, const PhigExtractRow *row)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "phiguard proof", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(work);
	PhigExtractRow *copy;
	PhigProof  *proof;
	char	   *problem = NULL;
	char	   *hint = NULL;
	bool		undetermined = false;

	/* Before: what changes meanwhile must count. */
	state->known = false;
	state->policies = phig_policy_generation;
	state->labels = phig_label_invalidations;
	state->catalogs = changes;
	copy = copy_row(row);
	proof = phig_extract_prove(copy, state->view);
	state->until = proof->until;
	problem = phig_agreement_problem(copy->agreement, copy->purpose, copy->method, &state->until);
	if (problem != NULL)
		hint = "A privacy officer changes that: phiguard.replace_agreement(), or phiguard.replace_extract().";
	else if (proof->refused || strcmp(proof->pin, copy->pin) != 0)
	{
		problem = proof->refused ? "It does not meet its method any more." :
			"Something that was looked at when it was checked has changed since.";
		hint = psprintf("A privacy officer looks at it: SELECT * FROM phiguard.check_extract(%s).",
						quote_literal_cstr(quote_qualified_identifier(copy->schema, copy->relation)));
	}
	else
	{
		problem = phig_extract_terms(copy, proof, &state->until, &hint);
		undetermined = problem != NULL && strcmp(copy->method, "expert_determination") == 0;
	}

	MemoryContextReset(state->context);
	MemoryContextSwitchTo(state->context);
	state->row = copy_row(copy);
	state->problem = problem == NULL ? NULL : pstrdup(problem);
	state->hint = problem == NULL ? NULL : pstrdup(hint);
	state->undetermined = undetermined;
	state->officer_role = pstrdup(phig_officer_role);
	state->recipient = NULL;
	if (copy->agreement != NULL && phig_agreement_named(copy->agreement) != NULL)
		state->recipient = phig_agreement_named(copy->agreement)->party;
	state->codes = proof->codes;
	state->relids = list_copy(proof->relids);
	state->stamp = hash_bytes_extended((const unsigned char *) proof->pin, strlen(proof->pin), 0);
	state->known = true;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(work);
}

static PhigExtractRow *
copy_row(const PhigExtractRow *row)
{
	PhigExtractRow *copy = palloc(sizeof(PhigExtractRow));
	char	  **texts[] = {
		&copy->schema, &copy->relation, &copy->purpose, &copy->method, &copy->agreement, &copy->owner, &copy->pin,
		&copy->checked_by, &copy->attestation, &copy->attested_by, &copy->attested_pin, &copy->created_by
	};
	ListCell   *lc;

	*copy = *row;
	for (int i = 0; i < (int) lengthof(texts); i++)
		if (*texts[i] != NULL)
			*texts[i] = pstrdup(*texts[i]);
	copy->redacted = NIL;
	foreach(lc, row->redacted)
		copy->redacted = lappend(copy->redacted, pstrdup(lfirst(lc)));
	return copy;
}

static void
relation_changed(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	PhigExtractState *state;

	if (states == NULL)
		return;
	hash_seq_init(&status, states);
	while ((state = hash_seq_search(&status)) != NULL)
		if (!OidIsValid(relid) || !state->known || list_member_oid(state->relids, relid))
			state->policies = 0;
}

static void
catalog_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	changes++;
}
