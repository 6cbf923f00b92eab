/*
 * fold.h
 *		A piece of text with one byte a character, and the way back.
 */
#ifndef PHIG_FOLD_H
#define PHIG_FOLD_H

#include "detect/detect.h"

/* The byte that stands for a letter which has no ASCII look-alike. */
#define PHIG_OTHER_LETTER '\x80'
/* ... and for any other character without one. */
#define PHIG_OTHER_SIGN '\x01'

/* From this folded byte on, up to the next run's, byte i came from character first_char + i - at and so on. */
typedef struct PhigFoldRun
{
	uint32		at;				/* folded */
	uint32		byte;			/* of the chunk */
	uint32		character;		/* of the chunk */
	uint32		width;			/* bytes a character in this run */
} PhigFoldRun;

typedef struct PhigFolded
{
	const char *bytes;			/* len of them, then a NUL */
	size_t		len;
	size_t		nchars;			/* characters of the chunk, the ones left out included */
	PhigFoldRun *runs;			/* NULL: folded and original are the same bytes */
	size_t		nruns;
	size_t		run_room;
	char	   *buffer;
	size_t		buffer_room;
} PhigFolded;

/*
 * phig_fold
 *		Fold len bytes of text into out, whose memory is used again.
 *
 * ASCII stays.  Full-width forms, letters with accents and look-alikes of other alphabets become ASCII;
 * dashes a hyphen, quotes an apostrophe, unusual spaces a space.  Zero-width characters, soft hyphens
 * and combining marks disappear.
 */
extern void phig_fold(PhigFolded *out, const char *text, size_t len, PhigDecode decode);

/* Where a span of folded bytes lies in the chunk, characters that disappeared inside it included. */
extern void phig_unfold(const PhigFolded *folded, size_t start, size_t end, PhigSpan *span);

#endif
