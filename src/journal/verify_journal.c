/*
 * verify_journal.c
 *		phiguard.verify_journal(): the verifier over this server's files.
 *
 * What is behind the flushed position is not looked at; everything before it
 * must hold, and the last checkpoint that this server took must stand in it.  With
 * since, segments that were complete before that time are not read, and their chain
 * is taken on trust; that their files are there is still checked.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "journal/crc32c.h"
#include "journal/source.h"
#include "journal/verify.h"
#include "journal/vouch.h"

PG_FUNCTION_INFO_V1(phiguard_verify_journal);

static void
put_finding(void *arg, const char *node8, const char *segment, uint64_t position, const char *what)
{
	ReturnSetInfo *rsinfo = arg;
	Datum		values[4] = {CStringGetTextDatum(node8)};
	bool		nulls[4] = {false, segment == NULL, position == 0, false};

	if (segment != NULL)
		values[1] = CStringGetTextDatum(segment);
	values[2] = Int64GetDatum((int64) position);
	values[3] = CStringGetTextDatum(what);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* Every branch that the files tell of, for the verifier to check against its parent. */
static void
collect_branches(PhigVerifier *verifier, const PhigSource *source)
{
	verifier->branches = palloc0(sizeof(PhigBranch) * Max(source->nfiles, 1));
	for (int i = 0; i < source->nfiles; i++)
	{
		const PhigSourceFile *file = &source->files[i];

		if (file->state == PHIG_HEADER_OK &&
			phig_verify_branch(&file->header, file->name, file->node8, file->number,
							   &verifier->branches[verifier->nbranches]))
			verifier->nbranches++;
	}
	phig_verify_note_copies(verifier, source->own8);
}

/* Of the node whose files begin at index: the first that may hold records of since or later. */
static int
first_to_read(const PhigSource *source, int index, TimestampTz since)
{
	int			first = index;

	for (int i = index; i < source->nfiles && strcmp(source->files[i].node8, source->files[index].node8) == 0; i++)
		if (source->files[i].state == PHIG_HEADER_OK && source->files[i].header.created <= since)
			first = i;
	return first;
}

/*
 * A summary is not part of the chain: whoever has the server's key and edits one hides records from searches.  One
 * that is missing, not sealed, or does not fit the segment, no search believes.
 */
static void
verify_summary(PhigVerifier *verifier, PhigSource *source, int index)
{
	const PhigSourceFile *file = &source->files[index];
	PhigSummary *said = phig_source_summary(source, index, false);
	PhigSummary *made;
	PhigBytes	bytes;

	/*
	 * A segment that is not what was summarized is itself a finding, here or with the next one's
	 * header.
	 */
	if (said == NULL || !verifier->hash_known || memcmp(verifier->hash, said->last_hash, PHIG_HASH_BYTES) != 0)
		return;
	bytes = phig_source_select(source, index);
	made = phig_summary_build(&bytes, file->number, said->last_hash, false);
	/* A damaged segment has no other summary than that of what it was. */
	if (made != NULL && file->error == 0 && !phig_summary_same(made, said))
		put_finding(verifier->report_arg, file->node8, file->name, said->first_seq,
					"its summary is not what the segment holds: searches may have missed records of it");
	if (made != NULL)
		pfree(made);
	pfree(said);
}

static void
verify_file(PhigVerifier *verifier, PhigSource *source, int index)
{
	PhigSourceFile *file = &source->files[index];
	PhigSegment segment = {
		.name = file->name,
		.number = file->number,
		.bytes = phig_source_select(source, index),
		.expected_end = file->expected_end,
		.last = file->last
	};

	phig_verify_segment(verifier, &segment);
	if (file->error != 0)
	{
		char	   *what = psprintf("the file could not be read: %s", strerror(file->error));

		put_finding(verifier->report_arg, file->node8, file->name, verifier->next_seq, what);
		pfree(what);
	}
	verify_summary(verifier, source, index);
}

/* Add the keys of a text[]: each as PEM or in hexadecimal. */
static void
add_keys(PhigVerifier *verifier, PhigPublicKey *keys, ArrayType *array)
{
	Datum	   *texts;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		text	   *key = nulls[i] ? NULL : DatumGetTextPP(texts[i]);

		if (key == NULL ||
			!phig_public_key_parse(&keys[verifier->nkeys], VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("public key %d is not an Ed25519 public key", i + 1),
					 errhint("Give it as phiguard.journal_public_key() shows it, or as 64 hexadecimal digits.")));
		verifier->nkeys++;
	}
}

/* The keys that may have signed: this server's, and those that the caller trusts besides. */
static void
collect_keys(PhigVerifier *verifier, ArrayType *more)
{
	int			nmore = more ? ArrayGetNItems(ARR_NDIM(more), ARR_DIMS(more)) : 0;
	PhigPublicKey *keys = palloc((nmore + 1) * sizeof(PhigPublicKey));
	PhigFault	fault;

	verifier->keys = keys;
	if (phig_vouch_public_key(&keys[0], &fault))
		verifier->nkeys = 1;
	else
		ereport(WARNING,
				(errcode(PHIG_ERRCODE_KEY_UNAVAILABLE),
				 errmsg("this server's own signatures cannot be checked: %s", fault.what)));
	if (more)
		add_keys(verifier, keys, more);
}

Datum
phiguard_verify_journal(PG_FUNCTION_ARGS)
{
	bool		all = PG_ARGISNULL(0);
	TimestampTz since = all ? 0 : PG_GETARG_TIMESTAMPTZ(0);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PhigSource *source;
	PhigVerifier verifier = {.crc32c = phig_crc32c, .report = put_finding};
	PhigAnchor	last = {0};
	bool		own_met = false;
	int			first = 0;

	InitMaterializedSRF(fcinfo, 0);
	/* Asked for first: all that it vouches for is in the files then. */
	if (phig_vouch_last(&last.checkpoint))
	{
		verifier.anchors = &last;
		verifier.nanchors = 1;
	}
	source = phig_source_open("verify_journal", false);
	collect_keys(&verifier, PG_ARGISNULL(1) ? NULL : PG_GETARG_ARRAYTYPE_P(1));
	verifier.report_arg = rsinfo;
	collect_branches(&verifier, source);

	for (int i = 0; i < source->nfiles; i++)
	{
		PhigSourceFile *file = &source->files[i];
		bool		own = strcmp(file->node8, source->own8) == 0;

		if (i == 0 || file[-1].last)
		{
			first = all ? i : first_to_read(source, i, since);
			phig_verify_begin_node(&verifier, file->node8, own ? GetSystemIdentifier() : 0);
		}
		if (i >= first)
			verify_file(&verifier, source, i);
		else
			phig_verify_pass(&verifier, file->number);
		if (file->last)
			phig_verify_end_node(&verifier, own ? source->written_segment : 0);
		own_met |= own;
	}
	if (!own_met && source->own8[0] != '\0')
	{
		phig_verify_begin_node(&verifier, source->own8, GetSystemIdentifier());
		phig_verify_end_node(&verifier, source->written_segment);
	}
	phig_source_close(source);
	phig_verify_end(&verifier);
	if (verifier.hash_failed)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute a SHA-256 hash")));
	return (Datum) 0;
}
