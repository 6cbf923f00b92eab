/*
 * choose.c
 *		Which executions of a segment a search may be for.
 *
 * One light walk, so that of all other executions neither ends nor persons need be gathered, which is most of
 * the work.  What damage there is shows in the walk that makes the rows.
 */
#include "postgres.h"

#include "journal/choose.h"
#include "journal/crc32c.h"

/* A definition, and which clauses it fulfils. */
typedef struct Decision
{
	uint8		id[PHIG_ID_BYTES];	/* hash key */
	uint32		decides;
} Decision;

static void
note_decision(const PhigSearch *search, HTAB *decisions, const PhigRecord *record)
{
	const char *cursor = (const char *) record->body + sizeof(PhigDefinitionBody);
	const char *end = (const char *) record->body + record->head.body_bytes;
	Decision   *decision = hash_search(decisions, record->body, HASH_ENTER, NULL);
	PhigLine	line;

	decision->decides = 0;
	while (phig_parse_line(&cursor, end, &line))
		decision->decides |= phig_search_line(search, &line);
}

/* A definition that is not in the segment may decide anything. */
static uint32
look_up_decision(HTAB *decisions, const uint8 id[PHIG_ID_BYTES])
{
	Decision   *decision = hash_search(decisions, id, HASH_FIND, NULL);

	return decision != NULL ? decision->decides : PG_UINT32_MAX;
}

static bool
chooses_start(const PhigSearch *search, HTAB *decisions, const PhigRecord *record)
{
	PhigStartBody body;

	phig_parse_start(record, &body);
	return (search->record_clauses & ~(look_up_decision(decisions, body.statement) |
									   look_up_decision(decisions, body.session) |
									   phig_search_record(search, body.kind, body.flags))) == 0;
}

static bool
chooses_persons(const PhigSearch *search, const PhigRecord *record, uint64 *seq)
{
	PhigPersonsBody body;
	const uint8 *data;

	if (!phig_parse_persons(record, &body, &data) || body.form != PHIG_PERSONS_TOKENS)
		return false;
	*seq = body.start_seq;
	return phig_search_names(search, data, body.n);
}

bool
phig_chooses(const PhigSearch *search)
{
	return search->only_subject || search->record_clauses != 0;
}

void
phig_choose_executions(PhigSource *source, int index, const PhigSearch *search, HTAB *chosen)
{
	HASHCTL		ctl = {.keysize = PHIG_ID_BYTES, .entrysize = sizeof(Decision), .hcxt = CurrentMemoryContext};
	HTAB	   *decisions = hash_create("phiguard search: definitions", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	PhigBytes	bytes = phig_source_select(source, index);
	bool		by_subject = search->only_subject;
	PhigWalk	walk;
	PhigStep	step;

	phig_walk_begin(&walk, &bytes, phig_crc32c);
	while ((step = phig_walk_next(&walk)) != PHIG_STEP_END)
	{
		const PhigRecord *record = &walk.record;
		uint64		seq = record->head.seq;

		if (step != PHIG_STEP_RECORD)
			continue;
		if (record->head.type == PHIG_RECORD_DEFINITION && !by_subject)
			note_decision(search, decisions, record);
		if ((record->head.type == PHIG_RECORD_START && !by_subject && chooses_start(search, decisions, record)) ||
			(record->head.type == PHIG_RECORD_PERSONS && by_subject && chooses_persons(search, record, &seq)))
			hash_search(chosen, &seq, HASH_ENTER, NULL);
	}
	hash_destroy(decisions);
}
