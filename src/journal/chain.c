/*
 * chain.c
 *		The hash chain of a segment, and the SHA-256 under it.
 *
 * The rules stand in format.h.  OpenSSL directly, not pg_cryptohash: that one
 * ties its context to a resource owner, and the journal also hashes where
 * there is none (the keeper, a backend's exit).
 */
#include "journal/chain.h"

#include <string.h>

#include <openssl/evp.h>

static EVP_MD_CTX *hash_context = NULL;
static bool hash_is_sha256 = false; /* the context knows its method */
static bool hash_ok = false;

void
phig_hash_begin(void)
{
	if (hash_context == NULL)
		hash_context = EVP_MD_CTX_new();
	hash_ok = hash_context != NULL &&
		EVP_DigestInit_ex(hash_context, hash_is_sha256 ? NULL : EVP_sha256(), NULL) == 1;
	hash_is_sha256 = hash_ok;
}

void
phig_hash_add(const void *data, size_t len)
{
	hash_ok = hash_ok && EVP_DigestUpdate(hash_context, data, len) == 1;
}

bool
phig_hash_end(uint8_t hash[PHIG_HASH_BYTES])
{
	return hash_ok && EVP_DigestFinal_ex(hash_context, hash, NULL) == 1;
}

bool
phig_chain_begin(PhigChain *chain, const PhigSegmentHeader *header)
{
	memset(chain, 0, sizeof(*chain));
	chain->number = header->number;
	chain->version = header->version;
	chain->first_seq = header->first_seq;
	chain->last_seq = header->first_seq - 1;
	chain->offset = PHIG_SEGMENT_HEADER_BYTES;

	phig_hash_begin();
	phig_hash_add(header->prev_hash, PHIG_HASH_BYTES);
	phig_hash_add(header, PHIG_SEGMENT_HEADER_BYTES);
	return phig_hash_end(chain->hash);
}

void
phig_chain_begin_batch(const PhigChain *chain)
{
	phig_hash_begin();
	phig_hash_add(chain->hash, PHIG_HASH_BYTES);
	phig_hash_add(chain->since, chain->nsince);
}

void
phig_chain_note_time(PhigChain *chain, int64_t time)
{
	bool		none = chain->first_time == 0 && chain->last_time == 0;

	if (none || time < chain->first_time)
		chain->first_time = time;
	if (none || time > chain->last_time)
		chain->last_time = time;
}

void
phig_chain_advance(PhigChain *chain, const uint8_t seal[PHIG_SEAL_BYTES], uint64_t offset)
{
	PhigRecordHeader header;

	memcpy(&header, seal, sizeof(header));
	memcpy(chain->hash, seal + sizeof(header), PHIG_HASH_BYTES);
	memcpy(chain->since, seal, PHIG_SEAL_BYTES);
	chain->nsince = PHIG_SEAL_BYTES;
	chain->sealed = true;
	chain->vouched = false;
	chain->offset = offset;
	chain->last_seq = header.seq;
}

void
phig_chain_vouched(PhigChain *chain, const uint8_t checkpoint[PHIG_CHECKPOINT_BYTES])
{
	memcpy(chain->since + chain->nsince, checkpoint, PHIG_CHECKPOINT_BYTES);
	chain->nsince += PHIG_CHECKPOINT_BYTES;
	chain->vouched = true;
	chain->offset += PHIG_CHECKPOINT_BYTES;
}

bool
phig_chain_last_hash(const PhigChain *chain, uint8_t hash[PHIG_HASH_BYTES])
{
	if (chain->nsince == 0)
	{
		memcpy(hash, chain->hash, PHIG_HASH_BYTES);
		return true;
	}
	phig_chain_begin_batch(chain);
	return phig_hash_end(hash);
}
