/*
 * disguise.h
 *		Values of the same form in place of identifiers.
 */
#ifndef PHIG_DISGUISE_H
#define PHIG_DISGUISE_H

#include "lib/stringinfo.h"

#include "detect/detect.h"

/*
 * Where the randomness of a value comes from: the same for the same value.  value: in canonical form, by
 * which equal identifiers are recognised.
 */
typedef uint64 (*PhigDisguiseSeed) (void *state, const char *value, size_t len);

/*
 * phig_disguise
 *		Append a value of the form of a span to out.
 *
 * Names become other names, digits other digits, dates other days of the same year, e-mail addresses, URLs and
 * IP addresses those reserved for documentation, ages over 89 the number 90.  Words of a name are replaced one by one,
 * so that a surname alone becomes what it became with the given name.
 * text: len bytes of the span, characters as decode has them.  Errors: those of seed.
 */
extern void phig_disguise(StringInfo out, const PhigSpan *span, const char *text, size_t len, PhigDecode decode,
						  PhigDisguiseSeed seed, void *state);

#endif
