/*
 * show.h
 *		Who may see policies.
 */
#ifndef PHIG_POLICY_SHOW_H
#define PHIG_POLICY_SHOW_H

/* Errors: 42501 for who is neither officer nor auditor. */
extern void phig_policy_require_reader(void);

#endif
