/*
 * checkpoint.c
 *		A state of the journal, signed; and the anchor, its text for keeping elsewhere.
 */
#include "journal/checkpoint.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define HEX(bytes) (2 * (bytes) + 1)
#define SIGNATURE_WORD " signature="

static void
encode_hex(char *text, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	text[2 * n] = '\0';
}

/* The value of a lower-case hex digit, -1 for other characters. */
static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
decode_hex(uint8_t *bytes, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
	{
		int			high = hex_digit(text[2 * i]);
		int			low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);

		if (low < 0)
			return false;
		bytes[i] = (uint8_t) (high << 4 | low);
	}
	return true;
}

/* --- keys --- */

bool
phig_public_key_identify(PhigPublicKey *key)
{
	uint8_t		digest[PHIG_HASH_BYTES];

	if (EVP_Digest(key->raw, sizeof(key->raw), digest, NULL, EVP_sha256(), NULL) != 1)
		return false;
	memcpy(key->id, digest, PHIG_KEY_ID_BYTES);
	return true;
}

static bool
take_raw(PhigPublicKey *key, EVP_PKEY *pkey)
{
	size_t		len = sizeof(key->raw);

	return pkey != NULL && EVP_PKEY_get_id(pkey) == EVP_PKEY_ED25519 &&
		EVP_PKEY_get_raw_public_key(pkey, key->raw, &len) == 1 && len == sizeof(key->raw) &&
		phig_public_key_identify(key);
}

bool
phig_public_key_of_seed(PhigPublicKey *key, const uint8_t seed[PHIG_SIGNING_SEED_BYTES])
{
	EVP_PKEY   *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, PHIG_SIGNING_SEED_BYTES);
	bool		ok = take_raw(key, pkey);

	EVP_PKEY_free(pkey);
	return ok;
}

bool
phig_public_key_parse(PhigPublicKey *key, const char *text, size_t len)
{
	BIO		   *bio;
	EVP_PKEY   *pkey;
	bool		ok;

	while (len > 0 && isspace((unsigned char) text[len - 1]))
		len--;
	if (len == 2 * PHIG_PUBLIC_KEY_BYTES)
		return decode_hex(key->raw, PHIG_PUBLIC_KEY_BYTES, text) && phig_public_key_identify(key);

	bio = BIO_new_mem_buf(text, (int) len);
	if (bio == NULL)
		return false;
	pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	ok = take_raw(key, pkey);
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	return ok;
}

size_t
phig_public_key_format(const PhigPublicKey *key, char pem[PHIG_PUBLIC_KEY_PEM_BYTES])
{
	EVP_PKEY   *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->raw, sizeof(key->raw));
	BIO		   *bio = BIO_new(BIO_s_mem());
	int			len = 0;

	if (pkey != NULL && bio != NULL && PEM_write_bio_PUBKEY(bio, pkey) == 1)
		len = BIO_read(bio, pem, PHIG_PUBLIC_KEY_PEM_BYTES - 1);
	if (len < 0)
		len = 0;
	pem[len] = '\0';
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	return (size_t) len;
}

/* --- signatures --- */

/* The bytes that are signed; returns their length. */
static int
signed_text(const PhigCheckpoint *c, char text[PHIG_ANCHOR_MAX_BYTES])
{
	char		node[HEX(PHIG_ID_BYTES)];
	char		hash[HEX(PHIG_HASH_BYTES)];
	char		key[HEX(PHIG_KEY_ID_BYTES)];

	encode_hex(node, c->node, PHIG_ID_BYTES);
	encode_hex(hash, c->hash, PHIG_HASH_BYTES);
	encode_hex(key, c->key, PHIG_KEY_ID_BYTES);
	return snprintf(text, PHIG_ANCHOR_MAX_BYTES,
					"phiguard-anchor 1 system=%" PRIu64 " node=%s segment=%" PRIu64 " offset=%" PRIu64
					" record=%" PRIu64 " time=%" PRId64 " oldest=%" PRIu64 " hash=%s key=%s",
					c->system_identifier, node, c->segment, c->offset,
					c->seq, c->time, c->oldest, hash, key);
}

bool
phig_checkpoint_sign(PhigCheckpoint *checkpoint, const uint8_t seed[PHIG_SIGNING_SEED_BYTES])
{
	EVP_PKEY   *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, PHIG_SIGNING_SEED_BYTES);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t		len = PHIG_SIGNATURE_BYTES;
	PhigPublicKey key;
	char		text[PHIG_ANCHOR_MAX_BYTES];
	bool		ok = false;

	if (context != NULL && take_raw(&key, pkey))
	{
		memcpy(checkpoint->key, key.id, PHIG_KEY_ID_BYTES);
		ok = EVP_DigestSignInit(context, NULL, NULL, NULL, pkey) == 1 &&
			EVP_DigestSign(context, checkpoint->signature, &len,
						   (const uint8_t *) text, (size_t) signed_text(checkpoint, text)) == 1;
	}
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pkey);
	return ok;
}

static bool
signature_holds(const PhigCheckpoint *checkpoint, const PhigPublicKey *key)
{
	EVP_PKEY   *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->raw, sizeof(key->raw));
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	char		text[PHIG_ANCHOR_MAX_BYTES];
	bool		ok;

	ok = pkey != NULL && context != NULL &&
		EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
		EVP_DigestVerify(context, checkpoint->signature, PHIG_SIGNATURE_BYTES,
						 (const uint8_t *) text, (size_t) signed_text(checkpoint, text)) == 1;
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pkey);
	return ok;
}

PhigSignatureState
phig_checkpoint_check(const PhigCheckpoint *checkpoint, const PhigPublicKey *keys, int nkeys)
{
	for (int i = 0; i < nkeys; i++)
		if (memcmp(keys[i].id, checkpoint->key, PHIG_KEY_ID_BYTES) == 0)
			return signature_holds(checkpoint, &keys[i]) ? PHIG_SIGNATURE_GOOD : PHIG_SIGNATURE_BAD;
	return PHIG_SIGNATURE_KEY_UNKNOWN;
}

/* --- anchors --- */

size_t
phig_anchor_format(const PhigCheckpoint *checkpoint, char text[PHIG_ANCHOR_MAX_BYTES])
{
	char		signature[HEX(PHIG_SIGNATURE_BYTES)];
	int			len = signed_text(checkpoint, text);

	encode_hex(signature, checkpoint->signature, PHIG_SIGNATURE_BYTES);
	return (size_t) (len + snprintf(text + len, PHIG_ANCHOR_MAX_BYTES - (size_t) len,
									SIGNATURE_WORD "%s", signature));
}

/* The value of " word=value"; moves *cursor behind it.  NULL when something else stands there. */
static const char *
take_word(const char **cursor, const char *word)
{
	const char *value = *cursor + strlen(word);

	if (strncmp(*cursor, word, strlen(word)) != 0)
		return NULL;
	*cursor = value + strcspn(value, " ");
	return value;
}

static bool
take_number(const char **cursor, const char *word, uint64_t *number)
{
	const char *value = take_word(cursor, word);

	*number = value != NULL ? strtoull(value, NULL, 10) : 0;
	return value != NULL;
}

static bool
take_hex(const char **cursor, const char *word, uint8_t *bytes, size_t n)
{
	const char *value = take_word(cursor, word);

	return value != NULL && (size_t) (*cursor - value) == 2 * n && decode_hex(bytes, n, value);
}

bool
phig_anchor_parse(PhigCheckpoint *checkpoint, const char *text, size_t len)
{
	char		copy[PHIG_ANCHOR_MAX_BYTES];
	char		again[PHIG_ANCHOR_MAX_BYTES];
	const char *cursor = copy;
	const char *time;

	while (len > 0 && isspace((unsigned char) text[len - 1]))
		len--;
	for (; len > 0 && isspace((unsigned char) *text); len--)
		text++;
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';

	memset(checkpoint, 0, sizeof(*checkpoint));
	if (!take_number(&cursor, "phiguard-anchor 1 system=", &checkpoint->system_identifier) ||
		!take_hex(&cursor, " node=", checkpoint->node, PHIG_ID_BYTES) ||
		!take_number(&cursor, " segment=", &checkpoint->segment) ||
		!take_number(&cursor, " offset=", &checkpoint->offset) ||
		!take_number(&cursor, " record=", &checkpoint->seq) ||
		(time = take_word(&cursor, " time=")) == NULL ||
		!take_number(&cursor, " oldest=", &checkpoint->oldest) ||
		!take_hex(&cursor, " hash=", checkpoint->hash, PHIG_HASH_BYTES) ||
		!take_hex(&cursor, " key=", checkpoint->key, PHIG_KEY_ID_BYTES) ||
		!take_hex(&cursor, SIGNATURE_WORD, checkpoint->signature, PHIG_SIGNATURE_BYTES))
		return false;
	checkpoint->time = strtoll(time, NULL, 10);

	/* One spelling: signs, leading zeros and numbers out of range come out otherwise. */
	return phig_anchor_format(checkpoint, again) == len && memcmp(again, copy, len) == 0;
}
