/*
 * packed.c
 *		Arrays as bytes: see packed.h.
 *
 * A bytea's contents begin behind its length of four bytes; the first four of
 * them are left free, so that what follows is as well aligned as the whole.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "compat.h"
#include "extract/packed.h"

#define BEGIN MAXALIGN(VARHDRSZ)

void
phig_packed_begin(PhigPacked *bytes)
{
	bytes->allocated = 8192;
	bytes->data = palloc0(bytes->allocated);
	bytes->used = BEGIN;
}

void *
phig_packed_room(PhigPacked *bytes, Size size)
{
	char	   *room;

	if (size >= MaxAllocSize || bytes->used + MAXALIGN(size) >= MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many persons to be counted by parallel workers"),
				 errhint("Count them without: SET max_parallel_workers_per_gather = 0.")));
	if (bytes->used + MAXALIGN(size) > bytes->allocated)
	{
		bytes->allocated = Min(Max(2 * bytes->allocated, bytes->used + MAXALIGN(size)), MaxAllocSize);
		bytes->data = repalloc(bytes->data, bytes->allocated);
	}
	room = bytes->data + bytes->used;
	/* What lies between two pieces says nothing. */
	if (size > 0)
		memset(room + MAXALIGN_DOWN(size), 0, MAXALIGN(size) - MAXALIGN_DOWN(size));
	bytes->used += MAXALIGN(size);
	return room;
}

void
phig_packed_put(PhigPacked *bytes, const void *data, Size size)
{
	void	   *room = phig_packed_room(bytes, size);

	if (size > 0)
		memcpy(room, data, size);
}

bytea *
phig_packed_end(PhigPacked *bytes)
{
	SET_VARSIZE(bytes->data, bytes->used);
	return (bytea *) bytes->data;
}

void
phig_packed_open(PhigPackedReader *reader, const bytea *data)
{
	Size		length = VARSIZE_ANY_EXHDR(data);
	char	   *copy;

	if (length < BEGIN - VARHDRSZ)
		phig_packed_damaged();
	reader->left = length - (BEGIN - VARHDRSZ);
	copy = palloc(Max(reader->left, 1));
	memcpy(copy, VARDATA_ANY(data) + (BEGIN - VARHDRSZ), reader->left);
	reader->at = copy;
}

const void *
phig_packed_take(PhigPackedReader *reader, Size size)
{
	const char *taken = reader->at;

	if (size > reader->left || MAXALIGN(size) > reader->left)
		phig_packed_damaged();
	reader->at += MAXALIGN(size);
	reader->left -= MAXALIGN(size);
	return taken;
}

const void *
phig_packed_take_array(PhigPackedReader *reader, int64 count, Size size)
{
	if (count < 0 || count > (int64) (reader->left / size))
		phig_packed_damaged();
	return phig_packed_take(reader, (Size) count * size);
}

void
phig_packed_damaged(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("the risk profile of a parallel worker is damaged")));
}
