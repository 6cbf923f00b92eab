/*
 * keyfile.h
 *		The trial master key, in the file that phiguard.key_file names.
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
 *		Read the master key, making the file first where there is none.
 *
 * Of several backends that find none, one makes it and all read the same.
 * Errors:  PG002: unreadable, not a regular file, not ours, open to others, malformed; or
 *          missing on a standby, whose tokens would differ from the primary's.
 *          No message has a byte of the key; the file's name goes to the server log only.
 */
extern void phig_keyfile_read(const char *path, uint8 key[PHIG_KEY_BYTES], PhigKeyFileId *id);

/*
 * phig_keyfile_unchanged
 *		Is path still the file that was read as id?
 *
 * Errors:  PG002 when it is gone: another key in its place would make other tokens.
 */
extern bool phig_keyfile_unchanged(const char *path, const PhigKeyFileId *id);

#endif
