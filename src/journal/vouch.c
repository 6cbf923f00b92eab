/*
 * vouch.c
 *		Checkpoints taken: the state of this server's journal, signed and written.
 *
 * The keeper does so regularly, and whoever asks for an anchor.  The private key is
 * derived from the master key, anew each time, before any lock is taken: reading
 * the key file may raise an error, which must not happen under one.
 *
 * A checkpoint is written behind the last seal, by a write and a sync of its own.  A
 * crash in between leaves a torn tail, which recovery cuts off: a checkpoint can be lost,
 * what it was to vouch for cannot.
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "crypto/key.h"
#include "errors.h"
#include "journal/crc32c.h"
#include "journal/flush.h"
#include "journal/journal_state.h"
#include "journal/parse.h"
#include "journal/record.h"
#include "journal/ring.h"
#include "journal/segment.h"
#include "journal/vouch.h"
#include "journal/window.h"

#define KEY_PURPOSE "journal"
#define KEY_DOMAIN "checkpoint"
#define SUMMARY_DOMAIN "summary"
#define SUMMARY_KEY "phiguard/journal/v1/summary"
#define SUMMARY_KEY_BYTES (2 * sizeof(uint64))

StaticAssertDecl(PHIG_KEY_BYTES == PHIG_SIGNING_SEED_BYTES, "a derived key is a seed of Ed25519");

typedef void (*KeyGetter) (void *key);

/*
 * A key that is derived.  That there is none is a fault.  Where no transaction would clean up after an error, as in
 * the keeper, any ends here.
 */
static bool
get_key(KeyGetter get, void *key, PhigFault *fault)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile bool ok = true;
	const uint32 holdoff = InterruptHoldoffCount;

	PG_TRY();
	{
		get(key);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		/* A session that is cancelled while it waits for the key is told so. */
		if (IsTransactionState() && geterrcode() != PHIG_ERRCODE_KEY_UNAVAILABLE)
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		InterruptHoldoffCount = holdoff;
		phig_fault_set(fault, 0, "%s%s%s", error->message,
					   error->detail ? ": " : "", error->detail ? error->detail : "");
		FreeErrorData(error);
		ok = false;
	}
	PG_END_TRY();
	return ok;
}

static void
derive_seed(void *seed)
{
	phig_key_derive(KEY_PURPOSE, KEY_DOMAIN, seed);
}

/* Asked for with every summary: kept. */
static void
find_summary_key(void *key)
{
	const uint8 *cached = phig_key_cached(SUMMARY_KEY);
	uint8		derived[PHIG_SUBKEY_MAX_BYTES] = {0};

	if (cached != NULL)
	{
		memcpy(key, cached, SUMMARY_KEY_BYTES);
		return;
	}
	phig_key_derive(KEY_PURPOSE, SUMMARY_DOMAIN, derived);
	phig_key_cache(SUMMARY_KEY, derived);
	/* Not from the cache: a master key that is replaced in between empties it. */
	memcpy(key, derived, SUMMARY_KEY_BYTES);
	OPENSSL_cleanse(derived, sizeof(derived));
}

/* The private key. */
static bool
get_seed(uint8 seed[PHIG_SIGNING_SEED_BYTES], PhigFault *fault)
{
	return get_key(derive_seed, seed, fault);
}

/* In one segment, up to limit (0: all of it): what its last checkpoint with a good signature says. */
static bool
find_oldest(uint64 number, uint64 limit, const PhigPublicKey *key, uint64 *oldest, PhigFault *fault)
{
	char		path[MAXPGPATH];
	PhigWindow	window;
	PhigBytes	bytes;
	PhigSegmentHeader header;
	PhigWalk	walk;
	PhigStep	step;

	phig_segment_path(path, phig_journal->node, number);
	if (!phig_window_open(&window, path, &bytes, fault))
		return false;
	if (limit != 0)
		bytes.limit = Min(bytes.limit, limit);
	if (phig_parse_header(&bytes, phig_crc32c, &header) == PHIG_HEADER_OK)
	{
		phig_walk_begin(&walk, &bytes, phig_crc32c);
		while ((step = phig_walk_next(&walk)) != PHIG_STEP_END)
		{
			PhigCheckpoint c;

			if (step != PHIG_STEP_RECORD || walk.record.head.type != PHIG_RECORD_CHECKPOINT)
				continue;
			phig_parse_checkpoint(&header, &walk.record, &c);
			if (phig_checkpoint_check(&c, key, 1) == PHIG_SIGNATURE_GOOD)
				*oldest = c.oldest;
		}
	}
	phig_window_close(&window);
	return !window.failed;
}

/*
 * learn_oldest
 *		Which segments were retired before this run of the server, by its own signature.
 *
 * Nothing else may say so: what this server signs is what tells a segment that was retired
 * from one that somebody took away.
 */
static bool
learn_oldest(const uint8 seed[PHIG_SIGNING_SEED_BYTES], PhigFault *fault)
{
	PhigPublicKey key;
	uint64		number,
				limit;
	uint64		oldest = 0;

	if (phig_journal->oldest_segment != 0)
		return true;
	if (!phig_public_key_of_seed(&key, seed))
		return phig_fault_set(fault, 0, "could not compute an Ed25519 key");
	phig_journal_flushed(&number, &limit);
	for (; oldest == 0 && number > 0 && phig_segment_exists(phig_journal->node, number); number--, limit = 0)
		if (!find_oldest(number, limit, &key, &oldest, fault))
			return false;
	LWLockAcquire(phig_flush_lock(), LW_EXCLUSIVE);
	if (phig_journal->oldest_segment == 0)
		phig_journal->oldest_segment = Max(oldest, 1);
	LWLockRelease(phig_flush_lock());
	return true;
}

/* The chain's end, as a checkpoint would state it.  Flush lock held. */
static bool
describe_end(PhigCheckpoint *c, PhigFault *fault)
{
	const PhigChain *chain = &phig_journal->chain;

	memset(c, 0, sizeof(*c));
	c->system_identifier = GetSystemIdentifier();
	memcpy(c->node, phig_journal->node, PHIG_ID_BYTES);
	c->segment = chain->number;
	c->offset = chain->offset;
	c->seq = chain->last_seq;
	c->time = GetCurrentTimestamp();
	/* The journal may just have been opened anew, with nothing learnt yet. */
	c->oldest = Max(phig_journal->oldest_segment, 1);
	return phig_chain_last_hash(chain, c->hash) ||
		phig_fault_set(fault, 0, "could not compute a SHA-256 hash");
}

/* The checkpoint that stands at the chain's end. */
static void
read_back(PhigCheckpoint *c)
{
	const PhigChain *chain = &phig_journal->chain;
	const uint8 *bytes = chain->since + chain->nsince - PHIG_CHECKPOINT_BYTES;
	PhigRecord	record = {.offset = chain->offset - PHIG_CHECKPOINT_BYTES};
	PhigSegmentHeader header = {.system_identifier = GetSystemIdentifier(), .number = chain->number};

	memcpy(header.node, phig_journal->node, PHIG_ID_BYTES);
	memcpy(&record.head, bytes, sizeof(record.head));
	record.body = bytes + sizeof(record.head);
	phig_parse_checkpoint(&header, &record, c);
}

/* Write it where the chain ends.  Flush lock held. */
static bool
write_checkpoint(const PhigCheckpoint *c, PhigFault *fault)
{
	PhigChain  *chain = &phig_journal->chain;
	struct
	{
		PhigRecordHeader header;
		PhigCheckpointBody body;
	}			record = {{.seq = c->seq, .time = c->time, .type = PHIG_RECORD_CHECKPOINT,
	.body_bytes = sizeof(PhigCheckpointBody)}};
	struct iovec iov = {&record, PHIG_CHECKPOINT_BYTES};

	StaticAssertStmt(sizeof(record) == PHIG_CHECKPOINT_BYTES, "a checkpoint is its header and its body");

	record.body.oldest = c->oldest;
	memcpy(record.body.hash, c->hash, PHIG_HASH_BYTES);
	memcpy(record.body.key, c->key, PHIG_KEY_ID_BYTES);
	memcpy(record.body.signature, c->signature, PHIG_SIGNATURE_BYTES);
	phig_record_finish(&record.header);
	if (!phig_segment_write(phig_journal->node, chain->number, &iov, 1, chain->offset, fault))
		return false;
	phig_chain_vouched(chain, (const uint8 *) &record);
	phig_ring_release(pg_atomic_read_u64(&phig_journal->tail), chain->number, chain->offset);
	return true;
}

/* Flush lock held. */
static bool
vouch_locked(const uint8 seed[PHIG_SIGNING_SEED_BYTES], PhigCheckpoint *c, PhigFault *fault)
{
	if (!phig_flush_locked(fault))
		return false;
	if (phig_journal->chain.vouched)
		read_back(c);
	else if (!describe_end(c, fault))
		return false;
	else if (!phig_checkpoint_sign(c, seed))
		return phig_fault_set(fault, 0, "could not sign with Ed25519");
	else if (!write_checkpoint(c, fault))
		return false;
	SpinLockAcquire(&phig_journal->mutex);
	phig_journal->checkpoint = *c;
	SpinLockRelease(&phig_journal->mutex);
	return true;
}

bool
phig_vouch(PhigCheckpoint *checkpoint, PhigFault *fault)
{
	uint8		seed[PHIG_SIGNING_SEED_BYTES];
	bool		ok;

	if (!phig_journal_is_open(fault) || !get_seed(seed, fault))
		return false;
	phig_key_forbid_core();
	ok = learn_oldest(seed, fault);
	if (ok)
	{
		LWLockAcquire(phig_flush_lock(), LW_EXCLUSIVE);
		ok = vouch_locked(seed, checkpoint, fault);
		LWLockRelease(phig_flush_lock());
	}
	OPENSSL_cleanse(seed, sizeof(seed));
	phig_key_allow_core();
	return ok;
}

bool
phig_vouch_public_key(PhigPublicKey *key, PhigFault *fault)
{
	uint8		seed[PHIG_SIGNING_SEED_BYTES];
	bool		ok;

	if (!get_seed(seed, fault))
		return false;
	phig_key_forbid_core();
	ok = phig_public_key_of_seed(key, seed);
	OPENSSL_cleanse(seed, sizeof(seed));
	phig_key_allow_core();
	return ok || phig_fault_set(fault, 0, "could not compute an Ed25519 key");
}

bool
phig_vouch_summary_key(uint64 key[2], PhigFault *fault)
{
	return get_key(find_summary_key, key, fault);
}

bool
phig_vouch_last(PhigCheckpoint *checkpoint)
{
	SpinLockAcquire(&phig_journal->mutex);
	*checkpoint = phig_journal->checkpoint;
	SpinLockRelease(&phig_journal->mutex);
	return checkpoint->segment != 0;
}
