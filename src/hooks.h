/*
 * hooks.h
 *		Start-up of the server hooks; hooks.c alone assigns them.
 */
#ifndef PHIG_HOOKS_H
#define PHIG_HOOKS_H

extern void phig_hooks_init(void);

#endif
