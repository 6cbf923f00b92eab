/*
 * words.h
 *		The words of policies: actions, purpose-of-use codes, modes.
 *
 * Static tables and look-ups in them: no memory is allocated, no error raised.
 */
#ifndef PHIG_POLICY_WORDS_H
#define PHIG_POLICY_WORDS_H

#include "policy/policy.h"

/* "clear", "transform", "mask", "null", "deny": what stands for an action where a rule is shown. */
extern const char *phig_action_name(PhigAction action);

/* The action that a transform's text names by itself: clear, mask, null or deny.  False for any other text. */
extern bool phig_action_from_name(const char *name, PhigAction *action);

/* Is it a code of the tree PurposeOfUse in HL7 v3 ActReason? */
extern bool phig_purpose_code_exists(const char *code);

/* Is it the code, or one below it?  What holds of a code holds of all below it. */
extern bool phig_purpose_code_is(const char *code, const char *ancestor);

/* The codes at the top of the tree, "HMARKT, HOPERAT, ...", for hints. */
extern const char *phig_purpose_code_tops(void);

/* PHIG_MODE_..., or -1. */
extern int	phig_mode_from_name(const char *name);
extern const char *phig_mode_name(int mode);

#endif
