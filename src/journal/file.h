/*
 * file.h
 *		Files of the journal: whole writes, durable creation, identity.
 *
 * Functions return false and set the fault; they raise no errors, so they may
 * be called under locks.
 */
#ifndef PHIG_FILE_H
#define PHIG_FILE_H

#include "postgres.h"

#include "port/pg_iovec.h"

#include "journal/shared.h"

/* dir/name */
extern void phig_file_path(char path[MAXPGPATH], const char *name);

/* A new file of so many zero bytes (an old one of that name goes), open for writing. */
extern bool phig_file_create(const char *path, uint64 bytes, int *fd, PhigFault *fault);

/* Write all of it at offset.  iov is used up. */
extern bool phig_file_write(int fd, const char *path, struct iovec *iov, int niov, uint64 offset,
							PhigFault *fault);

/* Read up to len bytes at offset; got is less only at the end of the file. */
extern bool phig_file_read(int fd, const char *path, void *buffer, size_t len, uint64 offset,
						   size_t *got, PhigFault *fault);

/* fsync; with data_only fdatasync. */
extern bool phig_file_sync(int fd, const char *path, bool data_only, PhigFault *fault);

/* The inode of an open file; false when it has no name any more: what is written to it is nowhere. */
extern bool phig_file_inode(int fd, const char *path, uint64 *inode, PhigFault *fault);

/* False when path is not the file with this inode: somebody moved, replaced or removed it. */
extern bool phig_file_in_place(const char *path, uint64 inode, PhigFault *fault);

/* Give a synced file its final name, durably. */
extern bool phig_file_rename(const char *from, const char *to, PhigFault *fault);

extern bool phig_file_sync_directory(const char *path, PhigFault *fault);

/* Which file this is, so that a copy can be told from the original. */
typedef struct PhigFileIdentity
{
	uint64		inode;
	uint64		device;			/* counts only where there is no time of birth */
	int64		born;			/* nanoseconds since 1970; 0: the file system does not say */
} PhigFileIdentity;

extern bool phig_file_identify(int fd, const char *path, PhigFileIdentity *identity, PhigFault *fault);
extern bool phig_file_same(const PhigFileIdentity *a, const PhigFileIdentity *b);

#endif
