/*
 * space.h
 *		How much the journal holds, how fast it grows, and how long the disk will do.
 */
#ifndef PHIG_SPACE_H
#define PHIG_SPACE_H

#include "postgres.h"

#include "journal/shared.h"

typedef struct PhigSpace
{
	uint64		segments;		/* files of segments, of all nodes */
	uint64		bytes;			/* in them */
	int64		oldest;			/* when the oldest was begun; 0: there is none */
	uint64		free_bytes;		/* on the file system, for this user */
	double		bytes_per_day;	/* this node's growth over the last week, or since it began;
								 * negative: not known yet */
	double		days_left;		/* until the file system is full at that rate; negative: not known */
} PhigSpace;

/* Look at the directory.  Errors: none raised. */
extern bool phig_space(PhigSpace *space, PhigFault *fault);

/* Is the space so low that somebody should be told? */
extern bool phig_space_is_low(const PhigSpace *space);

#endif
