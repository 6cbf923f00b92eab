/*
 * detect.h
 *		Finding identifiers in text: what other modules may use.
 *
 * The engine takes a text and hands back spans.  It knows nothing of queries, tables or
 * settings: recognizers of the user's own and lists of terms come in as a PhigDetectCustom,
 * which custom.c reads from tables and scan code to come can take from there.
 *
 * How a text is searched (README.md has the whole): it is cut into chunks at line breaks,
 * folded to one byte a character (fold.c), split into words and numbers (token.c); numbers
 * start the recognizers of shapes (shapes.c), words those of labels, dates, names and places;
 * last the overlaps are resolved (resolve.c).
 */
#ifndef PHIG_DETECT_H
#define PHIG_DETECT_H

#include "postgres.h"

/* What is reported unless the caller says otherwise: at this score a span is acted upon. */
#define PHIG_DETECT_MIN_SCORE 0.5f

/* One identifier.  Offsets count from 0; the strings live as long as the program or the PhigDetectCustom. */
typedef struct PhigSpan
{
	size_t		start;			/* bytes of the text */
	size_t		end;
	size_t		start_char;		/* the same in characters */
	size_t		end_char;
	const char *category;		/* words of label/vocabulary.c */
	const char *kind;			/* or NULL */
	const char *recognizer;
	float		score;			/* 0 .. 1 */
} PhigSpan;

typedef struct PhigSpans
{
	PhigSpan   *spans;
	int			n;
	int			room;
} PhigSpans;

/*
 * Length in bytes (1 .. left) of the character at s, which starts with a byte of 0x80 or above, and
 * its code point; 0 as code point for what is no character, or one that nobody can name.
 */
typedef int (*PhigDecode) (const char *s, size_t left, uint32 *code);

typedef struct PhigDetectCustom PhigDetectCustom;

typedef struct PhigDetectOptions
{
	PhigDecode	decode;
	const PhigDetectCustom *custom; /* or NULL */
	float		min_score;
	void		(*pause) (void);	/* called at least once per 64 kB: the place to look for
									 * interrupts; or NULL */
} PhigDetectOptions;

/*
 * phig_detect
 *		The identifiers in len bytes of text, in order of place and without overlap.
 *
 * Memory: the result and all working memory in the current context; working memory does not grow
 * with the text.
 * Errors: 54000 when a pattern needs more steps than allowed; never passes over what it could not decide.
 */
extern PhigSpans *phig_detect(const char *text, size_t len, const PhigDetectOptions *options);

/* Text in UTF-8.  Bytes that are no UTF-8 are a character each. */
extern int	phig_decode_utf8(const char *s, size_t left, uint32 *code);

/* Names of the recognizers that came with phiguard, in alphabetical order; NULL after the last. */
extern const char *const phig_recognizer_names[];

/*
 * phig_dictionary_open
 *		Map the file of names and words, which all processes then share.  Once per process.
 *
 * Errors: 58P01 and others for a file that cannot be read, XX001 for one that is none of ours.
 */
extern void phig_dictionary_open(const char *path);

#endif
