/*
 * words.h
 *		The words that names of columns are made of.
 *
 * Stands alone: no memory is allocated, no error raised.
 */
#ifndef PHIG_WORDS_H
#define PHIG_WORDS_H

#include "postgres.h"

/* What sort of word it is. */
#define PHIG_WORD_PERSON	'P' /* somebody whose data it is, or a relative */
#define PHIG_WORD_STAFF		'S' /* somebody who works there */
#define PHIG_WORD_PLACE		'O' /* an organisation or facility */
#define PHIG_WORD_EVENT		'E' /* something that happens to a person */
#define PHIG_WORD_CLINICAL	'C' /* health information */
#define PHIG_WORD_HEAD		'H' /* says that the column is something about what the other words
								 * name */
#define PHIG_WORD_DIGITS	'#'
#define PHIG_WORD_OTHER		'-' /* known, and nothing of these */
#define PHIG_WORD_UNKNOWN	'?'

#define PHIG_WORDS_MAX 24
#define PHIG_WORD_MAX_BYTES 32

typedef struct PhigWord
{
	char		text[PHIG_WORD_MAX_BYTES];	/* as the vocabulary spells it; cut where it is longer */
	char		sort;
} PhigWord;

typedef struct PhigWords
{
	int			n;
	PhigWord	words[PHIG_WORDS_MAX];
} PhigWords;

/*
 * phig_words_split
 *		The words of a name (patientId, PT_NM, birthdate, "Zip Code"): in lower case, abbreviations written out.
 *
 * What is written together is taken apart where all parts are known words.  Words beyond PHIG_WORDS_MAX are left out.
 */
extern void phig_words_split(const char *name, PhigWords *out);

extern bool phig_words_have(const PhigWords *words, const char *word);
extern bool phig_words_have_sort(const PhigWords *words, char sort);

#endif
