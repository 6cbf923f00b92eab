/*
 * checkpoint.h
 *		A state of the journal, signed; and the anchor, its text for keeping elsewhere.
 *
 * A checkpoint says: at this offset of this segment the chain's last hash was
 * this, and with it everything before.  As a record it stands there in the segment; as an
 * anchor it is one line of text, the same facts and the same signature:
 *
 *		phiguard-anchor 1 system=7300000000000000001 node=<32 hex digits> segment=12 offset=40960 record=1234
 *			time=848000000000000 oldest=1 hash=<64> key=<16> signature=<128>
 *
 * (one space between words, no newline).  The signature, Ed25519 (RFC 8032), is over the
 * bytes of that line before " signature=", so that any tool can check it.
 * time: microseconds since 2000-01-01 00:00 UTC.
 *
 * Includes nothing of PostgreSQL, see parse.h.
 */
#ifndef PHIG_CHECKPOINT_H
#define PHIG_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/format.h"

#define PHIG_PUBLIC_KEY_BYTES 32
#define PHIG_SIGNING_SEED_BYTES 32

/* Room for an anchor and its NUL. */
#define PHIG_ANCHOR_MAX_BYTES 640

typedef struct PhigCheckpoint
{
	uint64_t	system_identifier;
	uint8_t		node[PHIG_ID_BYTES];
	uint64_t	segment;
	uint64_t	offset;			/* in it: where the checkpoint's record begins */
	uint64_t	seq;			/* last record before it */
	int64_t		time;
	uint64_t	oldest;			/* number of the oldest segment that is kept */
	uint8_t		hash[PHIG_HASH_BYTES];	/* the last hash there */
	uint8_t		key[PHIG_KEY_ID_BYTES];
	uint8_t		signature[PHIG_SIGNATURE_BYTES];
} PhigCheckpoint;

/* An Ed25519 key that signs checkpoints. */
typedef struct PhigPublicKey
{
	uint8_t		raw[PHIG_PUBLIC_KEY_BYTES];
	uint8_t		id[PHIG_KEY_ID_BYTES];
} PhigPublicKey;

/* Fill in id from raw.  False when OpenSSL fails. */
extern bool phig_public_key_identify(PhigPublicKey *key);

/* The public key that belongs to a private one (RFC 8032's 32-byte seed).  False when OpenSSL fails. */
extern bool phig_public_key_of_seed(PhigPublicKey *key, const uint8_t seed[PHIG_SIGNING_SEED_BYTES]);

/*
 * phig_public_key_parse, phig_public_key_format
 *		A public key as PEM, "-----BEGIN PUBLIC KEY-----" (RFC 8410).
 *
 * parse takes the 64 hex digits of the raw key as well, and reads the first key of len bytes.
 * format returns the length, 0 when OpenSSL fails; pem has room for PHIG_PUBLIC_KEY_PEM_BYTES.
 */
#define PHIG_PUBLIC_KEY_PEM_BYTES 256
extern bool phig_public_key_parse(PhigPublicKey *key, const char *text, size_t len);
extern size_t phig_public_key_format(const PhigPublicKey *key, char pem[PHIG_PUBLIC_KEY_PEM_BYTES]);

/* Fill in key and signature, all else given.  False when OpenSSL fails. */
extern bool phig_checkpoint_sign(PhigCheckpoint *checkpoint,
								 const uint8_t seed[PHIG_SIGNING_SEED_BYTES]);

typedef enum PhigSignatureState
{
	PHIG_SIGNATURE_GOOD,
	PHIG_SIGNATURE_BAD,			/* of a key that is known, and not by it */
	PHIG_SIGNATURE_KEY_UNKNOWN	/* names none of the keys */
} PhigSignatureState;

extern PhigSignatureState phig_checkpoint_check(const PhigCheckpoint *checkpoint,
												const PhigPublicKey *keys, int nkeys);

/* The anchor's text; returns its length. */
extern size_t phig_anchor_format(const PhigCheckpoint *checkpoint, char text[PHIG_ANCHOR_MAX_BYTES]);

/*
 * phig_anchor_parse
 *		Read an anchor: exactly as phig_anchor_format writes it, white space around it left out.
 *
 * False when it is anything else.  Says nothing of the signature.
 */
extern bool phig_anchor_parse(PhigCheckpoint *checkpoint, const char *text, size_t len);

#endif
