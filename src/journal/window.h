/*
 * window.h
 *		A segment's file as parse.h wants it, for the keeper: faults are values, and it moves forward.
 */
#ifndef PHIG_WINDOW_H
#define PHIG_WINDOW_H

#include "postgres.h"

#include "journal/parse.h"
#include "journal/shared.h"

typedef struct PhigWindow
{
	int			fd;
	char		path[MAXPGPATH];
	uint64		size;			/* of the file */
	uint64		start;			/* file position of bytes[0] */
	size_t		len;
	char	   *bytes;
	PhigFault  *fault;
	bool		failed;			/* fault says why a read did */
} PhigWindow;

/*
 * phig_window_open
 *		The bytes of the file at path, which must not move; a failed read shows as bytes that are not there.
 *
 * Memory: a buffer in the current context until phig_window_close.  Errors: out of memory.
 */
extern bool phig_window_open(PhigWindow *window, const char *path, PhigBytes *bytes, PhigFault *fault);
extern void phig_window_close(PhigWindow *window);

#endif
