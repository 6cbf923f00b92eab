/*
 * packed.h
 *		Arrays as bytes, for another process of this server: each at a MAXALIGN boundary, and read where it lies.
 */
#ifndef PHIG_EXTRACT_PACKED_H
#define PHIG_EXTRACT_PACKED_H

#include "postgres.h"

typedef struct PhigPacked
{
	char	   *data;			/* a bytea; palloc'd */
	Size		used;
	Size		allocated;
} PhigPacked;

/* What has not been read yet. */
typedef struct PhigPackedReader
{
	const char *at;
	Size		left;
} PhigPackedReader;

/*
 * phig_packed_begin, phig_packed_room, phig_packed_put, phig_packed_end
 *		A bytea, piece by piece.
 *
 * Room stays where it is until the next call.  Memory: the current context of begin.
 * Errors:  54000 beyond 1 GB.
 */
extern void phig_packed_begin(PhigPacked *bytes);
extern void *phig_packed_room(PhigPacked *bytes, Size size);
extern void phig_packed_put(PhigPacked *bytes, const void *data, Size size);
extern bytea *phig_packed_end(PhigPacked *bytes);

/*
 * phig_packed_open, phig_packed_take
 *		The pieces again, in their order, of the sizes that they had.
 *
 * What they return lives in the current context of open.
 * Errors:  XX001 for bytes that are not there.
 */
extern void phig_packed_open(PhigPackedReader *reader, const bytea *data);
extern const void *phig_packed_take(PhigPackedReader *reader, Size size);

/* The same for a count of things, each of a size. */
extern const void *phig_packed_take_array(PhigPackedReader *reader, int64 count, Size size);

/* Bytes that cannot be what was written: an error. */
extern void phig_packed_damaged(void);

#endif
