/*
 * anchor.c
 *		Checkpoints and anchors in SQL: journal_anchor(), journal_public_key(), journal_checkpoints.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "journal/crc32c.h"
#include "journal/source.h"
#include "journal/vouch.h"

PG_FUNCTION_INFO_V1(phiguard_journal_anchor);
PG_FUNCTION_INFO_V1(phiguard_journal_public_key);
PG_FUNCTION_INFO_V1(phiguard_read_checkpoints);

#define CHECKPOINT_COLUMNS 8

static void
refuse(const PhigFault *fault)
{
	char		text[MAXPGPATH + 256];

	phig_fault_text(fault, text, sizeof(text));
	ereport(ERROR,
			(errcode(PHIG_ERRCODE_JOURNAL_UNAVAILABLE),
			 errmsg("the journal cannot be vouched for: %s", text),
			 errhint("See to phiguard.journal_directory and to the master key.")));
}

Datum
phiguard_journal_anchor(PG_FUNCTION_ARGS)
{
	PhigCheckpoint checkpoint;
	PhigFault	fault;
	char		text[PHIG_ANCHOR_MAX_BYTES];

	phig_source_admit("journal_anchor");
	if (!phig_vouch(&checkpoint, &fault))
		refuse(&fault);
	phig_anchor_format(&checkpoint, text);
	PG_RETURN_TEXT_P(cstring_to_text(text));
}

Datum
phiguard_journal_public_key(PG_FUNCTION_ARGS)
{
	PhigPublicKey key;
	PhigFault	fault;
	char		pem[PHIG_PUBLIC_KEY_PEM_BYTES];

	phig_source_admit("journal_public_key");
	if (!phig_vouch_public_key(&key, &fault))
		refuse(&fault);
	if (phig_public_key_format(&key, pem) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not write an Ed25519 public key")));
	PG_RETURN_TEXT_P(cstring_to_text(pem));
}

static void
put_checkpoint(ReturnSetInfo *rsinfo, const PhigSourceFile *file, const PhigRecord *record)
{
	PhigCheckpoint c;
	char		anchor[PHIG_ANCHOR_MAX_BYTES];
	char		key[2 * PHIG_KEY_ID_BYTES + 1];
	Datum		values[CHECKPOINT_COLUMNS];
	bool		nulls[CHECKPOINT_COLUMNS] = {false};

	phig_parse_checkpoint(&file->header, record, &c);
	phig_anchor_format(&c, anchor);
	for (int i = 0; i < PHIG_KEY_ID_BYTES; i++)
		snprintf(key + 2 * i, 3, "%02x", c.key[i]);

	values[0] = CStringGetTextDatum(file->node8);
	values[1] = CStringGetTextDatum(file->name);
	values[2] = Int64GetDatum((int64) c.offset);
	values[3] = Int64GetDatum((int64) c.seq);
	values[4] = TimestampTzGetDatum(c.time);
	nulls[4] = !IS_VALID_TIMESTAMP(c.time);
	values[5] = Int64GetDatum((int64) c.oldest);
	values[6] = CStringGetTextDatum(key);
	values[7] = CStringGetTextDatum(anchor);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* What phiguard.journal_checkpoints shows: as the files have them, checked by nobody. */
Datum
phiguard_read_checkpoints(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PhigSource *source;

	InitMaterializedSRF(fcinfo, 0);
	source = phig_source_open("journal_checkpoints", false);
	for (int i = 0; i < source->nfiles; i++)
	{
		PhigSourceFile *file = &source->files[i];
		PhigBytes	bytes = phig_source_select(source, i);
		PhigWalk	walk;
		PhigStep	step;

		if (file->state != PHIG_HEADER_OK)
			continue;
		phig_walk_begin(&walk, &bytes, phig_crc32c);
		while ((step = phig_walk_next(&walk)) != PHIG_STEP_END)
			if (step == PHIG_STEP_RECORD && walk.record.head.type == PHIG_RECORD_CHECKPOINT)
				put_checkpoint(rsinfo, file, &walk.record);
	}
	phig_source_close(source);
	return (Datum) 0;
}
