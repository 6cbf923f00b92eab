/*
 * functions.h
 *		Detection inside the server: for SQL functions of this and other modules.
 */
#ifndef PHIG_DETECT_FUNCTIONS_H
#define PHIG_DETECT_FUNCTIONS_H

#include "detect/detect.h"

/*
 * phig_detect_text
 *		phig_detect on a text of this database, with the recognizers and terms of its tables; interruptible.
 */
extern PhigSpans *phig_detect_text(const char *text, size_t len, float min_score);

/* Opens the dictionary, for whoever looks words up without detection.  Errors: see phig_dictionary_open. */
extern void phig_detect_prepare(void);

/* How this database's characters are decoded. */
extern PhigDecode phig_detect_decoder(void);

/*
 * phig_custom_current
 *		The compiled rows of phiguard.recognizers and phiguard.detection_terms; NULL when there are none.
 *
 * Compiled once per backend, and again when one of the tables changed.  Valid until the next call.
 */
extern const PhigDetectCustom *phig_custom_current(void);

#endif
