/*
 * retell.h
 *		A statement's text, told anew without anything a user put into it.
 */
#ifndef PHIG_RETELL_H
#define PHIG_RETELL_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "journal/names.h"
#include "journal/shape.h"

/*
 * phig_retell
 *		The statement as phig_normalize describes it.
 *
 * source, len: its text.  names: what it refers to.
 * out:   the result, made here.
 * words: NULL, or room for PHIG_SHAPE_MAX_WORDS that were looked up, with what names said; nwords -1: more were.
 * False, with nothing made, when the text is not SQL.
 * Memory: palloc'd, the result and more; words hold as long.  Errors: catalog errors only.
 */
extern bool phig_retell(const char *source, int len, PhigNames *names, StringInfo out, PhigShapeWord *words,
						int *nwords);

#endif
