/*
 * recover.h
 *		Opening the journal: who we are, where the chain ends, what the ring still holds.
 */
#ifndef PHIG_RECOVER_H
#define PHIG_RECOVER_H

#include "postgres.h"

#include "journal/shared.h"

/*
 * phig_recover
 *		Bring the journal into a state in which records can be appended.
 *
 * For the keeper alone, outside any lock.  Damage is reported in the server log
 * and does not stop it; false with the fault when the directory cannot be used.
 * It may be called again then.
 */
extern bool phig_recover(PhigFault *fault);

#endif
