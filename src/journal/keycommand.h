/*
 * keycommand.h
 *		phiguard.key_command, run beside the keeper.
 */
#ifndef PHIG_KEYCOMMAND_H
#define PHIG_KEYCOMMAND_H

#include "postgres.h"

#include "journal/child.h"

/* Run it at the next occasion: at the start, and after a reload. */
extern void phig_key_command_wanted(void);

/* Start it where that is wanted, or look what became of it. */
extern PhigChildState phig_key_command_work(PhigFault *fault);

/* The keeper ends: nobody will read the answer. */
extern void phig_key_command_stop(void);

/* Is an answer still to come? */
extern bool phig_key_command_pending(void);

#endif
