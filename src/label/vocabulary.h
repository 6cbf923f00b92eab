/*
 * vocabulary.h
 *		The words that a label may use.
 *
 * Static tables and look-ups in them: no memory is allocated, no error raised,
 * so that the grammar can be fuzzed outside a server.
 */
#ifndef PHIG_VOCABULARY_H
#define PHIG_VOCABULARY_H

#include "label/label.h"

/* HL7 v3 Confidentiality from the least to the most strict. */
#define PHIG_CONF_ORDER "ULMNRV"
#define PHIG_CONF_DEFAULT 'N'

/* The kinds of a category: NULL-terminated, never NULL itself. */
extern const char *const *phig_category_kinds(PhigCategory category);

/* Paragraph that makes a category an identifier or says what else it is; NULL for none and unlabelled. */
extern const char *phig_category_citation(PhigCategory category);

/* Code of one bit of PhigLabel.sens, 0 ..; NULL beyond the last. */
extern const char *phig_sens_code(int bit);

/* The bit of a code, or 0 when there is no such code. */
extern uint64 phig_sens_from_code(const char *code);

/* Place of a confidentiality code in PHIG_CONF_ORDER, from 1; 0 when there is none. */
extern int	phig_conf_rank(char conf);

#endif
