/*
 * verify_journal.c
 *		phiguard.verify_journal(): the verifier over this server's files.
 *
 * What is behind the flushed position is not looked at; everything before it
 * must hold.  With since, segments that were complete before that time are not
 * read, and their chain is taken on trust; that their files are there is still
 * checked.
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "access/xlog.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "journal/source.h"
#include "journal/verify.h"

PG_FUNCTION_INFO_V1(phiguard_verify_journal);

/* A SHA-256 under way.  failed: OpenSSL could not do it. */
typedef struct Hasher
{
	EVP_MD_CTX *context;
	bool		failed;
} Hasher;

static void
hasher_begin(void *arg)
{
	Hasher	   *hasher = arg;

	/* Without a type it starts over with the one set at the first time, and does not look it up. */
	hasher->failed |= EVP_DigestInit_ex(hasher->context, NULL, NULL) != 1;
}

static void
hasher_add(void *arg, const void *data, size_t len)
{
	Hasher	   *hasher = arg;

	hasher->failed |= EVP_DigestUpdate(hasher->context, data, len) != 1;
}

static void
hasher_end(void *arg, uint8_t hash[PHIG_HASH_BYTES])
{
	Hasher	   *hasher = arg;

	hasher->failed |= EVP_DigestFinal_ex(hasher->context, hash, NULL) != 1;
}

static void
hasher_free(void *arg)
{
	EVP_MD_CTX_free(((Hasher *) arg)->context);
}

/* Freed with the current memory context. */
static Hasher *
hasher_create(void)
{
	Hasher	   *hasher = palloc0(sizeof(Hasher));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	hasher->context = EVP_MD_CTX_new();
	if (hasher->context == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	callback->func = hasher_free;
	callback->arg = hasher;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	hasher->failed = EVP_DigestInit_ex(hasher->context, EVP_sha256(), NULL) != 1;
	return hasher;
}

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
		PhigBranch *branch = &verifier->branches[verifier->nbranches];

		if (file->state != PHIG_HEADER_OK || file->header.reason != PHIG_SEGMENT_BRANCH ||
			file->number != 1)
			continue;
		memcpy(branch->node8, file->node8, sizeof(branch->node8));
		strlcpy(branch->segment, file->name, sizeof(branch->segment));
		memcpy(branch->parent_node, file->header.parent_node, PHIG_ID_BYTES);
		branch->parent_seq = file->header.parent_seq;
		memcpy(branch->prev_hash, file->header.prev_hash, PHIG_HASH_BYTES);
		verifier->nbranches++;
	}
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
}

Datum
phiguard_verify_journal(PG_FUNCTION_ARGS)
{
	bool		all = PG_ARGISNULL(0);
	TimestampTz since = all ? 0 : PG_GETARG_TIMESTAMPTZ(0);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PhigSource *source;
	Hasher	   *hasher = hasher_create();
	PhigDigests digests = {phig_source_crc32c, hasher_begin, hasher_add, hasher_end, hasher};
	PhigVerifier verifier = {.digests = &digests, .report = put_finding};
	bool		own_met = false;
	int			first = 0;

	InitMaterializedSRF(fcinfo, 0);
	source = phig_source_open("verify_journal");
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
	if (hasher->failed)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute a SHA-256 hash")));
	return (Datum) 0;
}
