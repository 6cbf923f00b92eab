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
chooses(const PhigSearch *search, HTAB *decisions, const uint8 *statement, const uint8 *session, uint32 kind,
		uint32 flags)
{
	return (search->record_clauses & ~(look_up_decision(decisions, statement) | look_up_decision(decisions, session) |
									   phig_search_record(search, kind, flags))) == 0;
}

static bool
chooses_start(const PhigSearch *search, HTAB *decisions, const PhigRecord *record)
{
	PhigStartBody body;

	phig_parse_start(record, &body);
	return chooses(search, decisions, body.statement, body.session, body.kind, body.flags);
}

static bool
chooses_event(const PhigSearch *search, HTAB *decisions, const PhigRecord *record)
{
	PhigEventBody body;

	phig_parse_event(record, &body);
	return chooses(search, decisions, body.statement, body.session, body.kind, body.flags);
}

static bool
chooses_persons(const PhigSearch *search, int clause, const PhigRecord *record, uint64 *seq)
{
	PhigPersonsBody body;
	const uint8 *data;

	if (!phig_parse_persons(record, &body, &data))
		return false;
	*seq = body.start_seq;
	return phig_search_names(search, clause, &body, data);
}

static void
choose_record(const PhigSearch *search, int clause, HTAB *decisions, const PhigRecord *record, HTAB *chosen)
{
	bool		by_names = clause >= 0;
	uint64		seq = record->head.seq;
	bool		wanted = false;

	switch (record->head.type)
	{
		case PHIG_RECORD_DEFINITION:
			if (!by_names)
				note_decision(search, decisions, record);
			break;
		case PHIG_RECORD_START:
			wanted = !by_names && chooses_start(search, decisions, record);
			break;
		case PHIG_RECORD_EVENT:
			wanted = !by_names && chooses_event(search, decisions, record);
			break;
		case PHIG_RECORD_PERSONS:
		case PHIG_RECORD_END:
			wanted = by_names && chooses_persons(search, clause, record, &seq);
			break;
		default:
			break;
	}
	if (wanted)
		hash_search(chosen, &seq, HASH_ENTER, NULL);
}

/* Of the records that begin at or behind offset, and before end. */
static void
choose_between(PhigBytes *bytes, uint64 offset, uint64 end, const PhigSearch *search, int clause, HTAB *decisions,
			   HTAB *chosen)
{
	PhigWalk	walk;
	PhigStep	step;

	phig_walk_begin(&walk, bytes, phig_crc32c);
	walk.offset = offset;
	while (walk.offset < end && (step = phig_walk_next(&walk)) != PHIG_STEP_END)
		if (step == PHIG_STEP_RECORD)
			choose_record(search, clause, decisions, &walk.record, chosen);
}

void
phig_choose_executions(PhigSource *source, int index, const PhigSearch *search, int clause,
					   const PhigSummary *summary, HTAB *chosen)
{
	HASHCTL		ctl = {.keysize = PHIG_ID_BYTES, .entrysize = sizeof(Decision), .hcxt = CurrentMemoryContext};
	HTAB	   *decisions = hash_create("phiguard search: definitions", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	PhigBytes	bytes = phig_source_select(source, index);

	if (summary == NULL || clause < 0)
		choose_between(&bytes, PHIG_SEGMENT_HEADER_BYTES, bytes.limit, search, clause, decisions, chosen);
	else
		for (uint32 i = 0; i < summary->nblocks; i++)
		{
			uint64		end = phig_summary_block_end(summary, i, bytes.limit);

			if (!phig_search_block(search, clause, summary, i))
				continue;
			phig_source_read_to(source, end);
			choose_between(&bytes, phig_summary_blocks(summary)[i].offset, end, search, clause, decisions, chosen);
		}
	phig_source_read_to(source, 0);
	hash_destroy(decisions);
}
