/*
 * powerloss.c
 *		What of a directory would survive a loss of power, for LD_PRELOAD.
 *
 * Keeps, for the files right in the directory PHIG_POWER_OF, what they held before each change that
 * was not synced yet.  It is in the directory PHIG_POWER_SHADOW, for PhigPower.pm, which draws from it what
 * a disk might hold once the server is killed:
 *
 *	<inode>.writes	of a file: for each write since its last fsync or fdatasync the offset, the length, the file's
 *					size before, the bytes of what was there (four uint64), and those bytes
 *	directory		text, a line for each change of a name since the last fsync of the directory:
 *					"create NAME INODE", "rename FROM TO INODE SAVED", "unlink NAME INODE SAVED"; SAVED is a link in
 *					PHIG_POWER_SHADOW to the file that lost its name, or "-"
 *
 * A change is noted before it is made, under a lock on what it is noted in: a process that is killed between leaves
 * a note that changes nothing.  A sync forgets its notes afterwards.  The mapped ring is not seen here.
 *
 * Syncs of all other files are left out: nobody takes the power from them.  Should the file "lie" be in
 * PHIG_POWER_SHADOW, syncs of the directory's files are left out as well and reported as done; should the file "stall"
 * be there, those do not return that it names, and the file "stalled" tells that one has begun: "data TEXT" a file
 * with TEXT in its name, "names TEXT" the directory, while TEXT is in what is noted of it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(type, name) static type real; if (real == NULL) real = (type) dlsym(RTLD_NEXT, name)

typedef int (*OpenFunction) (const char *, int,...);
typedef int (*SyncFunction) (int);
typedef int (*RenameFunction) (const char *, const char *);
typedef int (*UnlinkFunction) (const char *);
typedef ssize_t (*PwriteFunction) (int, const void *, size_t, off_t);
typedef ssize_t (*PwritevFunction) (int, const struct iovec *, int, off_t);

static int
real_open(const char *path, int flags, int mode)
{
	REAL(OpenFunction, "open");
	return real(path, flags, mode);
}

static int
real_unlink(const char *path)
{
	REAL(UnlinkFunction, "unlink");
	return real(path);
}

/* The name of a file in the directory, "" for the directory itself, NULL for anything else. */
static const char *
name_of_path(const char *path)
{
	const char *directory = getenv("PHIG_POWER_OF");
	size_t		len = directory ? strlen(directory) : 0;

	if (len == 0 || strncmp(path, directory, len) != 0)
		return NULL;
	if (path[len] == '\0')
		return "";
	return path[len] == '/' && strchr(path + len + 1, '/') == NULL ? path + len + 1 : NULL;
}

static const char *
name_of_fd(int fd, char path[4096])
{
	char		link[64];
	ssize_t		len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, 4095);
	if (len <= 0)
		return NULL;
	path[len] = '\0';
	return name_of_path(path);
}

static void
shadow_path(char path[4096], const char *name)
{
	snprintf(path, 4096, "%s/%s", getenv("PHIG_POWER_SHADOW"), name);
}

static void
writes_path(char path[4096], ino_t inode)
{
	char		name[64];

	snprintf(name, sizeof(name), "%llu.writes", (unsigned long long) inode);
	shadow_path(path, name);
}

static int
open_locked(const char *path)
{
	int			fd = real_open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, LOCK_EX) != 0)
		abort();
	return fd;
}

static int
open_directory_notes(void)
{
	char		path[4096];

	shadow_path(path, "directory");
	return open_locked(path);
}

static void
put(int fd, const void *data, size_t len)
{
	if (write(fd, data, len) != (ssize_t) len)
		abort();
}

/* --- contents */

/* Note what a write of len bytes at offset will change; the lock is held until the result is closed. */
static int
note_write(int fd, size_t len, off_t offset)
{
	char		path[4096];
	struct stat st;
	uint64_t	head[4];
	char	   *before;
	size_t		old = 0;
	int			notes;

	if (fstat(fd, &st) != 0)
		abort();
	writes_path(path, st.st_ino);
	notes = open_locked(path);
	if (fstat(fd, &st) != 0)
		abort();
	if (offset < st.st_size)
		old = (size_t) (st.st_size - offset) < len ? (size_t) (st.st_size - offset) : len;
	before = malloc(sizeof(head) + old + 1);
	head[0] = offset;
	head[1] = len;
	head[2] = st.st_size;
	head[3] = old;
	memcpy(before, head, sizeof(head));
	if (pread(fd, before + sizeof(head), old, offset) != (ssize_t) old)
		abort();
	put(notes, before, sizeof(head) + old);
	free(before);
	return notes;
}

ssize_t
pwritev(int fd, const struct iovec *iov, int niov, off_t offset)
{
	REAL(PwritevFunction, "pwritev");
	char		path[4096];
	const char *name = name_of_fd(fd, path);
	size_t		len = 0;
	ssize_t		result;
	int			notes;
	int			error;

	if (name == NULL)
		return real(fd, iov, niov, offset);
	for (int i = 0; i < niov; i++)
		len += iov[i].iov_len;
	notes = note_write(fd, len, offset);
	result = real(fd, iov, niov, offset);
	error = errno;
	close(notes);
	errno = error;
	return result;
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t offset)
{
	REAL(PwriteFunction, "pwrite");
	char		path[4096];
	struct iovec iov = {(void *) data, len};

	return name_of_fd(fd, path) == NULL ? real(fd, data, len, offset) : pwritev(fd, &iov, 1, offset);
}

/* What a file in PHIG_POWER_SHADOW begins with; "" where it is not there. */
static void
read_shadow(const char *name, char text[4096])
{
	char		path[4096];
	ssize_t		len = 0;
	int			fd;

	shadow_path(path, name);
	fd = real_open(path, O_RDONLY | O_CLOEXEC, 0);
	if (fd >= 0)
	{
		len = read(fd, text, 4095);
		close(fd);
	}
	text[len > 0 ? len : 0] = '\0';
}

/* Is this the sync that does not return?  Whoever is waiting for it can be killed. */
static void
stall(const char *name)
{
	char		wanted[4096];
	char		noted[4096];
	char		path[4096];
	char	   *text;

	read_shadow("stall", wanted);
	text = strchr(wanted, ' ');
	if (text == NULL)
		return;
	*text++ = '\0';
	read_shadow("directory", noted);
	if (*name == '\0' ? strcmp(wanted, "names") != 0 || strstr(noted, text) == NULL :
		strcmp(wanted, "data") != 0 || strstr(name, text) == NULL)
		return;
	shadow_path(path, "stalled");
	close(real_open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	for (;;)
		pause();
}

static int
sync_and_forget(int fd, const char *function)
{
	SyncFunction real = (SyncFunction) dlsym(RTLD_NEXT, function);
	char		path[4096];
	const char *name = name_of_fd(fd, path);
	struct stat st;
	int			notes;
	int			result;
	int			error;

	if (name == NULL)
		return 0;
	stall(name);
	shadow_path(path, "lie");
	if (access(path, F_OK) == 0)
		return 0;
	if (fstat(fd, &st) != 0)
		abort();
	writes_path(path, st.st_ino);
	notes = *name == '\0' ? open_directory_notes() : open_locked(path);
	result = real(fd);
	error = errno;
	if (result == 0 && ftruncate(notes, 0) != 0)
		abort();
	close(notes);
	errno = error;
	return result;
}

int
fdatasync(int fd)
{
	return sync_and_forget(fd, "fdatasync");
}

int
fsync(int fd)
{
	return sync_and_forget(fd, "fsync");
}

/* --- names */

/* Keep a file that is about to lose its name; saved becomes the name of the link, "-" when there is no such file. */
static void
save(const char *path, char saved[64])
{
	static int	count = 0;
	char		to[4096];

	snprintf(saved, 64, "saved.%d.%d", (int) getpid(), count++);
	shadow_path(to, saved);
	real_unlink(to);
	if (link(path, to) != 0)
		strcpy(saved, "-");
}

static unsigned long long
inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

int
open(const char *path, int flags,...)
{
	const char *name = NULL;
	int			mode = 0;
	int			notes = -1;
	int			fd;
	int			error;

	if (flags & (O_CREAT | O_TMPFILE))
	{
		va_list		args;

		va_start(args, flags);
		mode = va_arg(args, int);
		va_end(args);
	}
	if (flags & O_CREAT)
		name = name_of_path(path);
	if (name == NULL || access(path, F_OK) == 0)
		return real_open(path, flags, mode);

	notes = open_directory_notes();
	fd = real_open(path, flags, mode);
	error = errno;
	if (fd >= 0)
	{
		char		writes[4096];

		/* An inode number that was in use before. */
		writes_path(writes, inode_of(path));
		real_unlink(writes);
		dprintf(notes, "create %s %llu\n", name, inode_of(path));
	}
	close(notes);
	errno = error;
	return fd;
}

int
rename(const char *from, const char *to)
{
	REAL(RenameFunction, "rename");
	const char *from_name = name_of_path(from);
	const char *to_name = name_of_path(to);
	char		saved[64];
	int			notes;
	int			result;
	int			error;

	if (from_name == NULL || to_name == NULL)
		return real(from, to);
	notes = open_directory_notes();
	save(to, saved);
	dprintf(notes, "rename %s %s %llu %s\n", from_name, to_name, inode_of(from), saved);
	result = real(from, to);
	error = errno;
	close(notes);
	errno = error;
	return result;
}

int
unlink(const char *path)
{
	const char *name = name_of_path(path);
	char		saved[64];
	int			notes;
	int			result;
	int			error;

	if (name == NULL || access(path, F_OK) != 0)
		return real_unlink(path);
	notes = open_directory_notes();
	save(path, saved);
	dprintf(notes, "unlink %s %llu %s\n", name, inode_of(path), saved);
	result = real_unlink(path);
	error = errno;
	close(notes);
	errno = error;
	return result;
}

/* On machines where off_t has 64 bits anyway both names are in use. */
ssize_t		pwritev64(int fd, const struct iovec *iov, int niov, off_t offset) __attribute__((alias("pwritev")));
ssize_t		pwrite64(int fd, const void *data, size_t len, off_t offset) __attribute__((alias("pwrite")));
int			open64(const char *path, int flags,...) __attribute__((alias("open")));
