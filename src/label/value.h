/*
 * value.h
 *		A label as a value: compared, printed, complained about.
 */
#ifndef PHIG_VALUE_H
#define PHIG_VALUE_H

#include "label/grammar.h"
#include "utils/array.h"

/*
 * phig_label_is_lower
 *		Does label protect less than the other one: would putting it in its place need the officer?
 *
 * True when it is lower in category or in conf, lacks a sensitivity code that was
 * there, or is of another kind of the same category: kinds have no order, and a
 * rule may release one of them.
 */
extern bool phig_label_is_lower(const PhigLabel *label, const PhigLabel *than);

extern bool phig_label_equal(const PhigLabel *a, const PhigLabel *b);

/* Canonical text, palloc'd; also of a table's subject=. */
extern char *phig_parsed_label_to_text(const PhigParsedLabel *parsed);

/* The codes of a sens mask as text[], in alphabetical order. */
extern ArrayType *phig_sens_array(uint64 sens);

/*
 * phig_label_complain
 *		Raise PG004 for a text that the grammar refused; does not return.
 *
 * Says which part is wrong and what is valid there, never what was written: a
 * statement that failed may hold PHI in the wrong place, so it is kept out of
 * the server log too.
 */
extern void phig_label_complain(PhigLabelFault fault, const PhigParsedLabel *parsed);

#endif
