/*
 * forms.h
 *		The form that a single value has.
 */
#ifndef PHIG_FORMS_H
#define PHIG_FORMS_H

#include "scan/content.h"

/*
 * phig_forms_of
 *		Mark in has each form that a value has: len bytes without blanks around it, len > 0.
 *
 * Not PHIG_FORM_STREET, which takes detection, nor PHIG_FORM_PHOTO.
 * The dictionary must be open.  Memory: working memory in the current context.  Errors: none.
 */
extern void phig_forms_of(const char *value, size_t len, bool has[PHIG_FORMS]);

/* Bytes that open like an image. */
extern bool phig_form_is_image(const char *value, size_t len);

#endif
