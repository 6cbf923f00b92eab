/*
 * keyfile.h
 *		The trial master keys, in the file that phiguard.key_file names.
 */
#ifndef PHIG_KEYFILE_H
#define PHIG_KEYFILE_H

#include "postgres.h"

#include <sys/stat.h>

#include "crypto/key.h"

/* Which file was read, and in which state. */
typedef struct PhigKeyFileId
{
	dev_t		device;
	ino_t		inode;
	off_t		size;
	mode_t		mode;
	uid_t		owner;
	struct timespec modified;
} PhigKeyFileId;

/*
 * phig_keyfile_read
 *		Read the master keys, the current one first, making the file where there is none.
 *
 * Returns how many.  Of several backends that find none, one makes it and all read the same.
 * Errors:  PG002: unreadable, not a regular file, not ours, open to others, malformed; or
 *          missing on a standby, whose tokens would differ from the primary's.
 *          No message has a byte of a key; the file's name goes to the server log only.
 */
extern int	phig_keyfile_read(const char *path, uint8 keys[PHIG_MASTER_KEYS_MAX][PHIG_KEY_BYTES],
							  PhigKeyFileId *id);

/*
 * phig_keyfile_unchanged
 *		Is path still the file that was read as id?
 *
 * Errors:  PG002 when it is gone: another key in its place would make other tokens.
 */
extern bool phig_keyfile_unchanged(const char *path, const PhigKeyFileId *id);

/*
 * phig_keyfile_add
 *		Put a new key in front of those in the file, which is replaced as a whole.
 *
 * Of several sessions that do so at a time, one comes after the other.
 * Errors:  as phig_keyfile_read; 54000 where there are PHIG_MASTER_KEYS_MAX already.
 */
extern void phig_keyfile_add(const char *path);

/*
 * phig_keyfile_parse
 *		Keys from lines of 64 hexadecimal digits; how many, 0 where that is not what text is.
 */
extern int	phig_keyfile_parse(const char *text, size_t len, uint8 keys[PHIG_MASTER_KEYS_MAX][PHIG_KEY_BYTES]);

#endif
