/* sources: src/journal/checkpoint.c */
/* seconds: 15 */
/*
 * anchor_fuzz.c
 *		Any bytes as an anchor, and as a public key.
 *
 * What is accepted is written out again as the very same bytes, white space around it
 * left out; and what was signed holds no longer once a byte of it is another.
 */
#include "postgres.h"

#include <ctype.h>

#include <openssl/err.h>

#include "fuzz.h"
#include "journal/checkpoint.h"

static const uint8_t seed[PHIG_SIGNING_SEED_BYTES] = "the key of the server";

/* The anchor that these bytes make, signed: 97 of them. */
#define MADE_FROM 97

static void
make(const uint8_t *data, PhigCheckpoint *c)
{
	memset(c, 0, sizeof(*c));
	memcpy(&c->system_identifier, data, 8);
	memcpy(c->node, data + 8, PHIG_ID_BYTES);
	memcpy(&c->segment, data + 24, 8);
	memcpy(&c->offset, data + 32, 8);
	memcpy(&c->seq, data + 40, 8);
	memcpy(&c->time, data + 48, 8);
	memcpy(&c->oldest, data + 56, 8);
	memcpy(c->hash, data + 64, PHIG_HASH_BYTES);
	if (!phig_checkpoint_sign(c, seed))
		abort();
}

/* An anchor of any numbers reads as it was written, and no other is as good. */
static void
round_trip(const uint8_t *data)
{
	PhigPublicKey key;
	PhigCheckpoint c;
	PhigCheckpoint again;
	char		text[PHIG_ANCHOR_MAX_BYTES];
	size_t		len;

	make(data, &c);
	len = phig_anchor_format(&c, text);
	if (len >= sizeof(text) || text[len] != '\0' || !phig_public_key_of_seed(&key, seed) ||
		!phig_anchor_parse(&again, text, len) || memcmp(&c, &again, sizeof(c)) != 0 ||
		phig_checkpoint_check(&again, &key, 1) != PHIG_SIGNATURE_GOOD)
		abort();

	text[data[MADE_FROM - 1] * (len - 1) / 255] ^= 1;
	if (phig_anchor_parse(&again, text, len) && phig_checkpoint_check(&again, &key, 1) == PHIG_SIGNATURE_GOOD)
		abort();
}

static void
as_anchor(const char *text, size_t len)
{
	PhigCheckpoint c;
	PhigPublicKey key;
	char		again[PHIG_ANCHOR_MAX_BYTES];
	size_t		n;

	if (!phig_anchor_parse(&c, text, len))
		return;
	for (; len > 0 && isspace((unsigned char) *text); len--)
		text++;
	while (len > 0 && isspace((unsigned char) text[len - 1]))
		len--;
	n = phig_anchor_format(&c, again);
	if (n != len || memcmp(again, text, n) != 0)
		abort();
	if (phig_public_key_of_seed(&key, seed))
		(void) phig_checkpoint_check(&c, &key, 1);
}

static void
as_key(const char *text, size_t len)
{
	PhigPublicKey key;
	PhigPublicKey again;
	char		pem[PHIG_PUBLIC_KEY_PEM_BYTES];
	size_t		n;

	if (phig_public_key_parse(&key, text, len))
	{
		n = phig_public_key_format(&key, pem);
		if (n == 0 || n >= sizeof(pem) || !phig_public_key_parse(&again, pem, n) ||
			memcmp(&key, &again, sizeof(key)) != 0)
			abort();
	}
	ERR_clear_error();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	as_anchor((const char *) data, size);
	as_key((const char *) data, size);
	if (size >= MADE_FROM)
		round_trip(data);
	return 0;
}
