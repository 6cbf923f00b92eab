/*
 * texts.h
 *		Lists of char *, and SQL's text[].
 */
#ifndef PHIG_TEXTS_H
#define PHIG_TEXTS_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* The elements of a text[], but for NULLs.  Memory: the list and its texts are palloc'd. */
extern List *phig_texts_of_array(Datum array);

/* The list with a word that was not among them. */
extern List *phig_texts_add(List *words, char *word);

/* The text[] of a list of char *; of NIL it is empty. */
extern Datum phig_text_array(List *words);

#endif
