/*
 * provider.h
 *		What may be labelled, with what, by whom.
 */
#ifndef PHIG_PROVIDER_H
#define PHIG_PROVIDER_H

#include "catalog/objectaddress.h"

#include "label/grammar.h"

/* Raises 42501 unless the current role is an officer.  what: "set labels", as in "must be a privacy officer to ..." */
extern void phig_require_officer(const char *what);

/* Is any role one of the officers? */
extern bool phig_role_is_officer(Oid role);

/* Raises 42501 unless the current role is an officer or an auditor. */
extern void phig_require_reader(void);

/*
 * phig_check_relabel
 *		Raise an error unless the object can be labelled, and with this text (NULL: no label).
 *
 * parsed is set where text is not NULL.  No privilege is checked.
 * Errors:  42809 for a wrong kind of object, PG004 for the text, 42703 for subject= without such a column.
 */
extern void phig_check_relabel(const ObjectAddress *object, const char *text, PhigParsedLabel *parsed);

#endif
