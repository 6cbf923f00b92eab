/*
 * bytes.h
 *		Arrays as bytes, for another process of this server: each at a MAXALIGN boundary, and read where it lies.
 */
#ifndef PHIG_EXTRACT_BYTES_H
#define PHIG_EXTRACT_BYTES_H

#include "postgres.h"

typedef struct PhigBytes
{
	char	   *data;			/* a bytea; palloc'd */
	Size		used;
	Size		allocated;
} PhigBytes;

/* What has not been read yet. */
typedef struct PhigBytesReader
{
	const char *at;
	Size		left;
} PhigBytesReader;

/*
 * phig_bytes_begin, phig_bytes_room, phig_bytes_put, phig_bytes_end
 *		A bytea, piece by piece.
 *
 * Room stays where it is until the next call.  Memory: the current context of begin.
 * Errors:  54000 beyond 1 GB.
 */
extern void phig_bytes_begin(PhigBytes *bytes);
extern void *phig_bytes_room(PhigBytes *bytes, Size size);
extern void phig_bytes_put(PhigBytes *bytes, const void *data, Size size);
extern bytea *phig_bytes_end(PhigBytes *bytes);

/*
 * phig_bytes_open, phig_bytes_take
 *		The pieces again, in their order, of the sizes that they had.
 *
 * What they return lives in the current context of open.
 * Errors:  XX001 for bytes that are not there.
 */
extern void phig_bytes_open(PhigBytesReader *reader, const bytea *data);
extern const void *phig_bytes_take(PhigBytesReader *reader, Size size);

/* The same for a count of things, each of a size. */
extern const void *phig_bytes_take_array(PhigBytesReader *reader, int64 count, Size size);

/* Bytes that cannot be what was written. */
extern void phig_bytes_damaged(void) pg_attribute_noreturn();

#endif
