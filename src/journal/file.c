/*
 * file.c
 *		Files of the journal: whole writes, durable creation, identity.
 *
 * Plain descriptors, opened through fd.c for its limits: a resource owner's
 * files would be closed at the end of a transaction, and PostgreSQL's own
 * durable_rename() and fsync_fname() may PANIC, which a journal that cannot be
 * written must not.  Everything honours the setting fsync.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file_perm.h"
#include "storage/fd.h"

#include "journal/file.h"
#include "journal/journal_state.h"

#define ZERO_BYTES (64 * 1024)

void
phig_file_path(char path[MAXPGPATH], const char *name)
{
	char		directory[MAXPGPATH];

	phig_journal_directory_path(directory);
	join_path_components(path, directory, name);
}

bool
phig_file_create(const char *path, uint64 bytes, int *fd, PhigFault *fault)
{
	static const char zeros[ZERO_BYTES];

	if (unlink(path) != 0 && errno != ENOENT)
		return phig_fault_set(fault, errno, "could not remove file \"%s\"", path);
	*fd = BasicOpenFilePerm(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | PG_BINARY,
							pg_file_create_mode);
	if (*fd < 0)
		return phig_fault_set(fault, errno, "could not create file \"%s\"", path);

	for (uint64 done = 0; done < bytes;)
	{
		struct iovec iov = {(void *) zeros, Min(bytes - done, ZERO_BYTES)};
		size_t		len = iov.iov_len;

		if (!phig_file_write(*fd, path, &iov, 1, done, fault))
		{
			close(*fd);
			unlink(path);
			return false;
		}
		done += len;
	}
	return true;
}

bool
phig_file_write(int fd, const char *path, struct iovec *iov, int niov, uint64 offset,
				PhigFault *fault)
{
	while (niov > 0)
	{
		ssize_t		written;

		errno = 0;
		written = pg_pwritev(fd, iov, niov, (off_t) offset);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return phig_fault_set(fault, errno ? errno : ENOSPC, "could not write file \"%s\"", path);

		offset += written;
		while (niov > 0 && (size_t) written >= iov->iov_len)
		{
			written -= iov->iov_len;
			iov++;
			niov--;
		}
		if (niov > 0)
		{
			iov->iov_base = (char *) iov->iov_base + written;
			iov->iov_len -= written;
		}
	}
	return true;
}

bool
phig_file_read(int fd, const char *path, void *buffer, size_t len, uint64 offset,
			   size_t *got, PhigFault *fault)
{
	*got = 0;
	while (*got < len)
	{
		ssize_t		n = pg_pread(fd, (char *) buffer + *got, len - *got, (off_t) (offset + *got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return phig_fault_set(fault, errno, "could not read file \"%s\"", path);
		if (n == 0)
			break;
		*got += n;
	}
	return true;
}

bool
phig_file_sync(int fd, const char *path, bool data_only, PhigFault *fault)
{
	if ((data_only ? pg_fdatasync(fd) : pg_fsync(fd)) != 0)
		return phig_fault_set(fault, errno, "could not fsync file \"%s\"", path);
	return true;
}

/*
 * After each write to a segment.  Times are not asked for: a kernel that has to
 * show them anew at each change would write the inode at each sync.
 */
bool
phig_file_inode(int fd, const char *path, uint64 *inode, PhigFault *fault)
{
	uint64		links;
#ifdef STATX_NLINK
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_NLINK, &stx) != 0)
		return phig_fault_set(fault, errno, "could not stat file \"%s\"", path);
	*inode = stx.stx_ino;
	links = stx.stx_nlink;
#else
	struct stat st;

	if (fstat(fd, &st) != 0)
		return phig_fault_set(fault, errno, "could not stat file \"%s\"", path);
	*inode = st.st_ino;
	links = st.st_nlink;
#endif
	return links > 0 || phig_fault_set(fault, 0, "file \"%s\" was removed", path);
}

bool
phig_file_in_place(const char *path, uint64 inode, PhigFault *fault)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return phig_fault_set(fault, errno, "could not stat file \"%s\"", path);
	return st.st_ino == inode || phig_fault_set(fault, 0, "file \"%s\" was replaced", path);
}

bool
phig_file_rename(const char *from, const char *to, PhigFault *fault)
{
	char		parent[MAXPGPATH];

	if (rename(from, to) != 0)
		return phig_fault_set(fault, errno, "could not rename file \"%s\" to \"%s\"", from, to);
	strlcpy(parent, to, MAXPGPATH);
	get_parent_directory(parent);
	return phig_file_sync_directory(parent, fault);
}

bool
phig_file_sync_directory(const char *path, PhigFault *fault)
{
	int			fd = BasicOpenFile(path, O_RDONLY | O_CLOEXEC | PG_BINARY);
	int			error = 0;

	if (fd < 0)
		return phig_fault_set(fault, errno, "could not open directory \"%s\"", path);
	/* Some file systems cannot sync a directory and say so in one of these ways. */
	if (pg_fsync(fd) != 0 && errno != EBADF && errno != EINVAL)
		error = errno;
	close(fd);
	if (error != 0)
		return phig_fault_set(fault, error, "could not fsync directory \"%s\"", path);
	return true;
}

bool
phig_file_identify(int fd, const char *path, PhigFileIdentity *identity, PhigFault *fault)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return phig_fault_set(fault, errno, "could not stat file \"%s\"", path);
	identity->inode = st.st_ino;
	identity->device = st.st_dev;
	identity->born = 0;
#ifdef STATX_BTIME
	{
		struct statx stx;

		if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &stx) == 0 && (stx.stx_mask & STATX_BTIME))
			identity->born = stx.stx_btime.tv_sec * INT64CONST(1000000000) + stx.stx_btime.tv_nsec;
	}
#endif
	return true;
}

bool
phig_file_same(const PhigFileIdentity *a, const PhigFileIdentity *b)
{
	if (a->inode != b->inode || a->born != b->born)
		return false;
	/* Device numbers may change when a machine starts; the time of birth does not. */
	return a->born != 0 || a->device == b->device;
}
