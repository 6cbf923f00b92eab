/*
 * glass.h
 *		Break-glass: access in an emergency, on record, and listed until somebody has reviewed it.
 */
#ifndef PHIG_POLICY_GLASS_H
#define PHIG_POLICY_GLASS_H

#include "policy/policy.h"

/* Grows when the session breaks the glass, or ends that. */
extern uint32 phig_glass_generation;

/*
 * phig_glass_until
 *		Until when the session's glass is broken for a role; DT_NOBEGIN when it is not.
 *
 * Asks whether the role may (still) do so: looks tables up.
 */
extern TimestampTz phig_glass_until(Oid role);

#endif
