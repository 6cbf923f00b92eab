/*
 * window.c
 *		A segment's file as parse.h wants it, for the keeper: faults are values, and it moves forward.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/fd.h"

#include "journal/file.h"
#include "journal/verify.h"
#include "journal/window.h"

#define WINDOW_BYTES (8 * PHIG_RECORD_MAX_BYTES)

static const uint8_t *
get_bytes(void *arg, uint64_t offset, size_t want, size_t *have)
{
	PhigWindow *window = arg;

	*have = 0;
	if (window->failed)
		return NULL;
	if (offset < window->start || offset + want > window->start + window->len)
	{
		window->start = offset > PHIG_VERIFY_BEHIND_BYTES ? offset - PHIG_VERIFY_BEHIND_BYTES : 0;
		window->failed = !phig_file_read(window->fd, window->path, window->bytes, WINDOW_BYTES,
										 window->start, &window->len, window->fault);
		if (window->failed || window->start + window->len <= offset)
			return NULL;
	}
	*have = window->start + window->len - offset;
	return (const uint8_t *) window->bytes + (offset - window->start);
}

bool
phig_window_open(PhigWindow *window, const char *path, PhigBytes *bytes, PhigFault *fault)
{
	struct stat st;

	memset(window, 0, sizeof(*window));
	window->fault = fault;
	strlcpy(window->path, path, MAXPGPATH);
	window->fd = BasicOpenFile(path, O_RDONLY | O_CLOEXEC | PG_BINARY);
	if (window->fd < 0 || fstat(window->fd, &st) != 0)
	{
		phig_fault_set(fault, errno, "could not open file \"%s\"", path);
		if (window->fd >= 0)
			close(window->fd);
		return false;
	}
	window->size = st.st_size;
	window->bytes = palloc(WINDOW_BYTES);
	memset(bytes, 0, sizeof(*bytes));
	bytes->get = get_bytes;
	bytes->arg = window;
	bytes->limit = window->size;
	return true;
}

void
phig_window_close(PhigWindow *window)
{
	close(window->fd);
	pfree(window->bytes);
}
