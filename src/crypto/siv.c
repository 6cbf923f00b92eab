/*
 * siv.c
 *		AES-SIV from two keyed contexts: see siv.h.
 *
 * CMAC (RFC 4493) is the last block of CBC, with a key-dependent mask on the last block of the
 * message.  The CBC context is never given an IV again, which would cost more than encrypting a
 * short value: it chains on from its last block of output, and xoring that block (siv->chain) onto
 * the first block of the next message cancels it.  CTR is made of ECB, a batch of counters at a time.
 */
#include "crypto/siv.h"

#include <string.h>

#include <openssl/crypto.h>

#include "crypto/aes.h"

#define BLOCK PHIG_AES_BLOCK_BYTES
#define BATCH (16 * BLOCK)

struct PhigSiv
{
	EVP_CIPHER_CTX *cbc;		/* under the first half of the key; NULL once chain is not known */
	EVP_CIPHER_CTX *ecb;		/* under the second */
	bool		ready;			/* start is that of the associated data */
	uint8_t		chain[BLOCK];	/* the last block that cbc put out */
	uint8_t		whole[BLOCK];	/* K1 of RFC 4493: masks a last block that is complete */
	uint8_t		partial[BLOCK]; /* K2: masks one that was padded */
	uint8_t		start[BLOCK];	/* S2V over the associated data */
	uint8_t		start_doubled[BLOCK];
};

/* Times x in GF(2^128), RFC 5297, section 2.3. */
static void
double_block(const uint8_t *from, uint8_t *to)
{
	uint64_t	high = phig_load64(from);
	uint64_t	low = phig_load64(from + 8);

	phig_store64(to, high << 1 | low >> 63);
	phig_store64(to + 8, low << 1 ^ (-(high >> 63) & 0x87));
}

/* Encrypt the next blocks of one message, in place; first where a message begins. */
static bool
chain_blocks(PhigSiv *siv, uint8_t *bytes, size_t len, bool first)
{
	if (siv->cbc == NULL)
		return false;
	if (first)
		phig_aes_xor(bytes, siv->chain);
	if (!phig_aes_encrypt(siv->cbc, bytes, len))
	{
		EVP_CIPHER_CTX_free(siv->cbc);
		siv->cbc = NULL;
		return false;
	}
	memcpy(siv->chain, bytes + len - BLOCK, BLOCK);
	return true;
}

/* Pad and mask the end of a message, of which the last batch has len bytes; how many it has then. */
static size_t
end_message(const PhigSiv *siv, uint8_t *batch, size_t len)
{
	size_t		padded = (len + BLOCK - 1) / BLOCK * BLOCK;

	if (len > 0 && len == padded)
	{
		phig_aes_xor(batch + len - BLOCK, siv->whole);
		return len;
	}
	if (padded == 0)
		padded = BLOCK;
	memset(batch + len, 0, padded - len);
	batch[len] = 0x80;
	phig_aes_xor(batch + padded - BLOCK, siv->partial);
	return padded;
}

/* CMAC of data, onto whose last 16 bytes end is xored first; there are as many, or end is NULL. */
static bool
cmac(PhigSiv *siv, const uint8_t *data, size_t len, const uint8_t *end, uint8_t mac[BLOCK])
{
	uint8_t		batch[BATCH];
	size_t		done = 0;
	bool		last;

	do
	{
		size_t		now = len - done;

		last = now <= BATCH;
		if (!last)
			now = BATCH;
		if (now > 0)
			memcpy(batch, data + done, now);
		if (end != NULL)
			for (size_t at = len - BLOCK > done ? len - BLOCK : done; at < done + now; at++)
				batch[at - done] ^= end[at - (len - BLOCK)];
		if (!chain_blocks(siv, batch, last ? end_message(siv, batch, now) : now, done == 0))
		{
			OPENSSL_cleanse(batch, sizeof(batch));
			return false;
		}
		/* The batch is encrypted now: there is nothing to wipe. */
		done += now;
	} while (!last);
	memcpy(mac, siv->chain, BLOCK);
	return true;
}

PhigSiv *
phig_siv_create(const uint8_t *key, size_t key_bytes)
{
	PhigSiv    *siv = OPENSSL_zalloc(sizeof(PhigSiv));
	uint8_t		block[BLOCK] = {0};
	bool		done = false;

	if (siv == NULL)
		return NULL;
	siv->cbc = phig_aes_create("CBC", key, key_bytes / 2);
	siv->ecb = phig_aes_create("ECB", key + key_bytes / 2, key_bytes / 2);
	if (key_bytes % 2 == 0 && siv->cbc != NULL && siv->ecb != NULL && chain_blocks(siv, block, BLOCK, true))
	{
		double_block(block, siv->whole);
		double_block(siv->whole, siv->partial);
		done = phig_siv_set_context(siv, NULL, 0);
	}
	OPENSSL_cleanse(block, sizeof(block));
	if (done)
		return siv;
	phig_siv_free(siv);
	return NULL;
}

/* RFC 5297, section 2.4, up to the last string, which is the value. */
bool
phig_siv_set_context(PhigSiv *siv, const PhigSivData *data, int n)
{
	static const uint8_t zeros[BLOCK] = {0};
	uint8_t		mac[BLOCK];

	siv->ready = n <= PHIG_SIV_MAX_DATA && cmac(siv, zeros, BLOCK, NULL, siv->start);
	for (int i = 0; siv->ready && i < n; i++)
	{
		siv->ready = cmac(siv, data[i].data, data[i].len, NULL, mac);
		double_block(siv->start, siv->start);
		phig_aes_xor(siv->start, mac);
	}
	double_block(siv->start, siv->start_doubled);
	return siv->ready;
}

/* S2V's last step: the tag of a value. */
static bool
value_tag(PhigSiv *siv, const uint8_t *plain, size_t len, uint8_t tag[BLOCK])
{
	uint8_t		block[BLOCK] = {0};
	bool		done;

	if (!siv->ready)
		return false;
	if (len >= BLOCK)
		return cmac(siv, plain, len, siv->start, tag);
	if (len > 0)
		memcpy(block, plain, len);
	block[len] = 0x80;
	done = cmac(siv, block, BLOCK, siv->start_doubled, tag);
	OPENSSL_cleanse(block, sizeof(block));
	return done;
}

/*
 * CTR from the tag: encrypts and decrypts.  Two bits of the tag are cleared, RFC 5297, section 2.5,
 * so that counting carries nothing out of the lower half.
 */
static bool
apply_counters(PhigSiv *siv, const uint8_t tag[BLOCK], const uint8_t *from, size_t len, uint8_t *to)
{
	uint8_t		batch[BATCH];
	uint64_t	high = phig_load64(tag);
	uint64_t	low = phig_load64(tag + 8) & UINT64_C(0x7fffffff7fffffff);
	size_t		most = 0;
	bool		done = true;

	while (done && len > 0)
	{
		size_t		now = len < BATCH ? len : BATCH;
		size_t		blocks = (now + BLOCK - 1) / BLOCK;

		for (size_t i = 0; i < blocks; i++)
		{
			phig_store64(batch + i * BLOCK, high);
			phig_store64(batch + i * BLOCK + 8, low++);
		}
		done = phig_aes_encrypt(siv->ecb, batch, blocks * BLOCK);
		for (size_t i = 0; i < now; i++)
			to[i] = from[i] ^ batch[i];
		from += now;
		to += now;
		len -= now;
		if (blocks > most)
			most = blocks;
	}
	OPENSSL_cleanse(batch, most * BLOCK);
	return done;
}

bool
phig_siv_seal(PhigSiv *siv, const void *plain, size_t len, uint8_t *out)
{
	if (value_tag(siv, plain, len, out) && apply_counters(siv, out, plain, len, out + BLOCK))
		return true;
	OPENSSL_cleanse(out, BLOCK + len);
	return false;
}

PhigSivResult
phig_siv_open(PhigSiv *siv, const uint8_t *sealed, size_t sealed_len, uint8_t *out)
{
	PhigSivResult result = PHIG_SIV_FAILED;
	uint8_t		tag[BLOCK];
	size_t		len = sealed_len - BLOCK;

	if (sealed_len < BLOCK)
		return PHIG_SIV_NOT_AUTHENTIC;
	if (apply_counters(siv, sealed, sealed + BLOCK, len, out) && value_tag(siv, out, len, tag))
		result = CRYPTO_memcmp(tag, sealed, BLOCK) == 0 ? PHIG_SIV_OK : PHIG_SIV_NOT_AUTHENTIC;
	/* The right tag of a forgery is worth as much as the value. */
	OPENSSL_cleanse(tag, sizeof(tag));
	if (result != PHIG_SIV_OK && len > 0)
		OPENSSL_cleanse(out, len);
	return result;
}

void
phig_siv_free(PhigSiv *siv)
{
	if (siv == NULL)
		return;
	EVP_CIPHER_CTX_free(siv->cbc);
	EVP_CIPHER_CTX_free(siv->ecb);
	OPENSSL_clear_free(siv, sizeof(PhigSiv));
}
