/*
 * keeper.h
 *		The journal's background worker.
 */
#ifndef PHIG_KEEPER_H
#define PHIG_KEEPER_H

#include "postgres.h"

/* This process is the keeper. */
extern bool phig_is_keeper;

/* From _PG_init: have the postmaster start it. */
extern void phig_keeper_register(void);

/* In single-user mode: open the journal in this process. */
extern void phig_keeper_standalone(void);

#endif
