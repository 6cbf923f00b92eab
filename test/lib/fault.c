/*
 * fault.c
 *		A disk that fails, or a clock that is wrong, on request, for LD_PRELOAD.
 *
 * The words in the file that PHIG_FAULT names say what happens.  To the journal's segments: "eio" fails
 * fdatasync, "enospc" writes half and then nothing, "short" writes half at a time.  "clock SECONDS", always the
 * last, is added to the time of day.  No file: nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int
is_segment(int fd)
{
	char		link[64];
	char		path[4096];
	ssize_t		len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	return len > 4 && memcmp(path + len - 4, ".seg", 4) == 0;
}

/* What the file says; empty when there is none. */
static void
read_fault(char text[64])
{
	const char *path = getenv("PHIG_FAULT");
	FILE	   *file = path ? fopen(path, "r") : NULL;

	text[0] = '\0';
	if (file == NULL)
		return;
	if (fgets(text, 64, file) == NULL)
		text[0] = '\0';
	fclose(file);
}

static int
wanted(const char *fault, int fd)
{
	char		text[64];

	read_fault(text);
	return strstr(text, fault) != NULL && is_segment(fd);
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec now;
	char		text[64];
	const char *clock;

	(void) zone;
	clock_gettime(CLOCK_REALTIME, &now);
	tv->tv_sec = now.tv_sec;
	tv->tv_usec = now.tv_nsec / 1000;
	read_fault(text);
	clock = strstr(text, "clock ");
	if (clock != NULL)
		tv->tv_sec += atol(clock + strlen("clock "));
	return 0;
}

int
fdatasync(int fd)
{
	int			(*real) (int) = (int (*) (int)) dlsym(RTLD_NEXT, "fdatasync");

	if (wanted("eio", fd))
	{
		errno = EIO;
		return -1;
	}
	return real(fd);
}

static ssize_t
write_some(int fd, const struct iovec *iov, off_t offset)
{
	return pwrite(fd, iov->iov_base, iov->iov_len > 1 ? iov->iov_len / 2 : 1, offset);
}

ssize_t
pwritev(int fd, const struct iovec *iov, int niov, off_t offset)
{
	static int	written = 0;
	ssize_t		(*real) (int, const struct iovec *, int, off_t) =
		(ssize_t (*) (int, const struct iovec *, int, off_t)) dlsym(RTLD_NEXT, "pwritev");

	if (wanted("short", fd))
		return write_some(fd, iov, offset);
	if (wanted("enospc", fd))
	{
		written = !written;
		if (written)
			return write_some(fd, iov, offset);
		errno = ENOSPC;
		return -1;
	}
	return real(fd, iov, niov, offset);
}

/* On machines where off_t has 64 bits anyway both names are in use. */
ssize_t		pwritev64(int fd, const struct iovec *iov, int niov, off_t offset) __attribute__((alias("pwritev")));
