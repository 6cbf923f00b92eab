/*
 * key.h
 *		The master keys, and what is derived from them alone.
 *
 * A server has a current master key and up to three earlier ones, which still open what they
 * wrapped.  They come from phiguard.key_command, else from the file of phiguard.key_file.
 * No function here hands one out: only keys derived from it, and domain keys that it wraps.
 */
#ifndef PHIG_KEY_H
#define PHIG_KEY_H

#include "postgres.h"

#include "crypto/keywrap.h"

#define PHIG_KEY_BYTES 32
#define PHIG_KEY_DOMAIN_MAX_BYTES 255
#define PHIG_MASTER_KEYS_MAX 4
#define PHIG_MASTER_ID_CHARS 16
#define PHIG_SUBKEY_MAX_BYTES 64

/*
 * phig_key_derive
 *		A key of the current master's: HKDF-SHA-256(master, info = "phiguard/<purpose>/v1/<domain>").
 *
 * purpose: a constant of the caller's, without a slash, at most 16 bytes: "journal".
 * domain:  UTF-8, 1 to PHIG_KEY_DOMAIN_MAX_BYTES bytes.
 *
 * The caller wipes key (OPENSSL_cleanse) as soon as it has served.
 * Makes the trial key file on first use, with a WARNING.
 * Errors:  PG002 when there is no usable master key.
 * Source:  RFC 5869; separate keys by use, NIST SP 800-108r1.
 */
extern void phig_key_derive(const char *purpose, const char *domain, uint8 key[PHIG_KEY_BYTES]);

/* The name of the current master key: digits of a hash, for tables and logs.  Errors: PG002. */
extern void phig_key_master_id(char id[PHIG_MASTER_ID_CHARS + 1]);

/* A new key before the others in the file of phiguard.key_file.  Errors: PG002; 55000 with phiguard.key_command. */
extern void phig_key_new_master(void);

/*
 * phig_key_wrap, phig_key_unwrap
 *		A key encrypted by a master key, AES-256 key wrap (RFC 3394).
 *
 * wrap uses the current master key, and says in master which that is.
 * unwrap is false where the bytes are not what that master key wrapped.
 * Errors:  PG002, also where none of the master keys has the name master.
 */
extern void phig_key_wrap(const uint8 key[PHIG_KEY_BYTES], uint8 wrapped[PHIG_KEYWRAP_BYTES],
						  char master[PHIG_MASTER_ID_CHARS + 1]);
extern bool phig_key_unwrap(const uint8 wrapped[PHIG_KEYWRAP_BYTES], const char *master,
							uint8 key[PHIG_KEY_BYTES]);

/* HKDF-SHA-256 of a key, len bytes.  Errors: PG002 where OpenSSL does not provide it. */
extern void phig_key_hkdf(const uint8 key[PHIG_KEY_BYTES], const char *info, uint8 *out, size_t len);

/* Raises PG002: OpenSSL does not provide that. */
extern void phig_key_refuse_without(const char *primitive);

/*
 * Keys that this backend derived from domain keys, in memory that is locked, left out of core dumps
 * and not inherited.  info names one; of many, the oldest makes place.  The pointer holds until the
 * next call of anything here.
 *
 * phig_key_cached:		NULL where there is none, or the master keys are others than when it was put there.
 * phig_key_cache:		copies a whole key: nothing half made is ever found by its name.
 */
extern const uint8 *phig_key_cached(const char *info);
extern void phig_key_cache(const char *info, const uint8 key[PHIG_SUBKEY_MAX_BYTES]);
extern void phig_key_forget(void);

/*
 * phig_key_memory
 *		Memory for key bytes, never freed: locked, left out of core dumps and not inherited; zeros.
 *
 * Returns NULL when there is none.  Errors: none raised.
 */
extern void *phig_key_memory(size_t size);

/*
 * phig_key_forbid_core, phig_key_allow_core
 *		While key bytes, or what is prepared with them, lie in other memory: OpenSSL's.
 *
 * The process leaves no core then, and where the system can do that, no other process of the server's user
 * reads its memory.  Calls nest; each of the first is followed by one of the second.
 * Errors: none raised.
 */
extern void phig_key_forbid_core(void);
extern void phig_key_allow_core(void);

/* --- the keeper's: master keys from phiguard.key_command --- */

/* The page that all processes share, empty: from shmem_startup_hook, also after a crash. */
extern void phig_key_shmem_startup(void);

/* phiguard.key_command runs for the first time, or anew. */
extern void phig_key_awaited(void);

/*
 * phig_key_arrived
 *		What the command printed, len bytes: 64 hexadecimal digits a line, the current master key first.
 *
 * False, with what is wrong (no byte of it), where it is something else; the keys that were there stay.
 */
extern bool phig_key_arrived(const char *output, size_t len, const char **objection);

/* There is no command: what one brought is wiped. */
extern void phig_key_unwanted(void);

/* It failed; the keys that were there stay. */
extern void phig_key_missed(const char *why);

#endif
