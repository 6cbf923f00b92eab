/*
 * token.h
 *		A person in the record: a token, and a place in a set.
 *
 * Token: the first 16 bytes of HMAC-SHA-256(key, space || 0x00 || spelling).  The key is in the key ring, in a domain
 * of its own that stays on its version, so tokens outlive rotation, a change of the master key, and retention.
 * Set summary: a Bloom filter over SipHash-2-4 of the number or the spelling, under a key made of the same key and the
 * space: a hash that keeps up with a scan, which an HMAC does not.
 * A token is re-identifiable by whoever has the key and tries all keys: 45 CFR 164.514(c) is not what it is for.
 */
#ifndef PHIG_SUBJECT_TOKEN_H
#define PHIG_SUBJECT_TOKEN_H

#include "postgres.h"

#include "journal/format.h"

/* What hashes the persons of one space. */
typedef struct PhigPersonHash
{
	uint64		key[2];
} PhigPersonHash;

/*
 * phig_person_token
 *		The token of a person.
 *
 * space: of phig_subject_path.  text: the key's spelling, see spelling.h.
 * Errors:  PG002 without the key, before the first row is read where phig_person_prepare was called.
 */
extern void phig_person_token(const char *space, const char *text, int len, uint8 token[PHIG_TOKEN_BYTES]);

/* Make the hash of a space ready.  Errors: PG002. */
extern void phig_person_prepare(const char *space, PhigPersonHash *hash);

/* Is the key at hand, and still the one? */
extern bool phig_person_key_is_ready(void);

/*
 * phig_person_hash, phig_person_hash_number
 *		What a summary knows a person by: of the number where the spelling is one (phig_spelling_is_number).
 *
 * Never errors.
 */
extern uint64 phig_person_hash(const PhigPersonHash *hash, const char *text, int len);
extern uint64 phig_person_hash_number(const PhigPersonHash *hash, int64 number);

/*
 * phig_person_of_typed
 *		The token of a person, and (hash not NULL) what a summary knows the person by, from a key that somebody typed.
 *
 * Who may ask is the caller's to check.
 * Errors: 55000 where relid has no subject that can be named; 22023 for a key that is none of its type; PG002.
 */
extern void phig_person_of_typed(Oid relid, const char *typed, uint8 token[PHIG_TOKEN_BYTES], uint64 *hash);

/* --- set summaries --- */

#define PHIG_SUMMARY_MIN_BYTES 8
#define PHIG_SUMMARY_MAX_BYTES 32768

/* Add a person to a summary of PHIG_SUMMARY_MAX_BYTES bytes, zeros at first. */
extern void phig_summary_add(uint8 *summary, uint64 hash);

/* Make a summary smaller while it stays sparse; its bytes, a power of two from 8 on. */
extern uint32 phig_summary_fold(uint8 *summary);

/* False: the person of that hash is not in it.  True: it may be. */
extern bool phig_summary_may_hold(const uint8 *summary, uint32 bytes, uint64 hash);

#endif
