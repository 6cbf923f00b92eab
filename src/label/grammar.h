/*
 * grammar.h
 *		The text of a label, parsed.
 *
 *		column, domain:		category [kind=word] [conf=U|L|M|N|R|V] [sens=CODE[,CODE]...]
 *		table:				subject=column[->[schema.]table]
 *
 * Words are separated by spaces, attributes come in any order and at most once,
 * upper and lower case are the same; a column's name follows the rules of an
 * SQL identifier ("quoted" where it is not all lower case).
 *
 * With an arrow the column refers to another table, whose own subject= says who the person is; a table
 * without a schema is in the schema of the one that has the label.
 */
#ifndef PHIG_GRAMMAR_H
#define PHIG_GRAMMAR_H

#include "label/label.h"

#define PHIG_LABEL_MAX_BYTES 1024

/* What a text was refused for.  The text itself is never repeated: somebody may have pasted PHI. */
typedef enum PhigLabelFault
{
	PHIG_FAULT_NONE,
	PHIG_FAULT_EMPTY,
	PHIG_FAULT_TOO_LONG,
	PHIG_FAULT_CATEGORY,		/* no such category */
	PHIG_FAULT_ATTRIBUTE,		/* neither kind= nor conf= nor sens= */
	PHIG_FAULT_REPEATED,		/* an attribute twice */
	PHIG_FAULT_KIND,			/* not a kind of this category */
	PHIG_FAULT_CONF,
	PHIG_FAULT_SENS,
	PHIG_FAULT_NONE_ATTRIBUTE,	/* the category none takes no attribute */
	PHIG_FAULT_SUBJECT			/* subject= without one column name after it, and maybe one
								 * table's */
} PhigLabelFault;

typedef struct PhigParsedLabel
{
	bool		is_subject;
	char		subject[NAMEDATALEN];	/* where is_subject */
	char		target_schema[NAMEDATALEN]; /* empty: the labelled table's own */
	char		target[NAMEDATALEN];	/* table that the subject column refers to; empty: none */
	PhigLabel	label;			/* where not; its category is set also with most faults */
} PhigParsedLabel;

/*
 * phig_label_parse
 *		Parse the text of a label.
 *
 * text:    NUL-terminated, of any length and content.
 * Errors:  none raised; a fault is returned.  Memory: none allocated.
 */
extern PhigLabelFault phig_label_parse(const char *text, PhigParsedLabel *parsed);

#endif
