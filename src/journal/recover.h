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
 * For the keeper alone, outside any lock; at start, and again after a failure or
 * when the files have been taken away: what the ring holds goes into the new ones.
 * Damage is reported in the server log and does not stop it; false with the fault
 * when the directory cannot be used.
 */
extern bool phig_recover(PhigFault *fault);

/*
 * Take the lock that keeps a second server out of the directory, creating the
 * directory if need be.  phig_recover does so; a keeper that takes over from
 * another one has to.
 */
extern bool phig_lock_directory(PhigFault *fault);

/* False when somebody removed or replaced the files under the running server. */
extern bool phig_files_in_place(PhigFault *fault);

#endif
