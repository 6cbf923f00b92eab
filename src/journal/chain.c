/*
 * chain.c
 *		The hash chain of a segment, and the SHA-256 under it.
 *
 * The rules stand in format.h.  OpenSSL directly, not pg_cryptohash: that one
 * ties its context to a resource owner, and the journal also hashes where
 * there is none (the keeper, a backend's exit).
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "journal/chain.h"

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
phig_hash_end(uint8 hash[PHIG_HASH_BYTES])
{
	return hash_ok && EVP_DigestFinal_ex(hash_context, hash, NULL) == 1;
}

bool
phig_chain_begin(PhigChain *chain, const PhigSegmentHeader *header)
{
	chain->number = header->number;
	chain->first_seq = header->first_seq;
	chain->last_seq = header->first_seq - 1;
	chain->offset = PHIG_SEGMENT_HEADER_BYTES;
	chain->sealed = false;

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
	if (chain->sealed)
		phig_hash_add(chain->seal, PHIG_SEAL_BYTES);
}

void
phig_chain_advance(PhigChain *chain, const uint8 seal[PHIG_SEAL_BYTES], uint64 offset)
{
	memcpy(chain->seal, seal, PHIG_SEAL_BYTES);
	memcpy(chain->hash, seal + sizeof(PhigRecordHeader), PHIG_HASH_BYTES);
	chain->sealed = true;
	chain->offset = offset;
	chain->last_seq = ((const PhigRecordHeader *) chain->seal)->seq;
}

bool
phig_chain_last_hash(const PhigChain *chain, uint8 hash[PHIG_HASH_BYTES])
{
	if (!chain->sealed)
	{
		memcpy(hash, chain->hash, PHIG_HASH_BYTES);
		return true;
	}
	phig_hash_begin();
	phig_hash_add(chain->hash, PHIG_HASH_BYTES);
	phig_hash_add(chain->seal, PHIG_SEAL_BYTES);
	return phig_hash_end(hash);
}
