/*
 * subject.h
 *		Who asks, and for which purpose: for the rest of the module; see policy.h.
 */
#ifndef PHIG_POLICY_SUBJECT_H
#define PHIG_POLICY_SUBJECT_H

#include "policy/policy.h"

/* What a role is for a purpose, now, with that justification; texts in the current memory context. */
extern void phig_subject_find(Oid role, const char *purpose, const char *justification, PhigSubject *subject);

/*
 * phig_subject_may_claim
 *		May the session's role set this purpose?  Sets what errdetail and errhint are to say where not.
 *
 * Asked when phiguard.purpose is set, in a transaction.  A justification may come later.
 */
extern bool phig_subject_may_claim(const char *purpose, const char **refusal, const char **advice);

/* phiguard.purpose is about to have this value: plans made for another one are made anew. */
extern void phig_subject_purpose_changes(const char *purpose);

#endif
