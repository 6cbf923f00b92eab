/*
 * extension.h
 *		What dropped objects leave behind, and DROP EXTENSION phiguard.
 */
#ifndef PHIG_EXTENSION_H
#define PHIG_EXTENSION_H

#include "nodes/parsenodes.h"

/* Called before each utility statement: what is dropped from here on belongs to it. */
extern void phig_extension_statement_begins(void);

/* Raises 2BP01 when the statement is DROP EXTENSION phiguard and columns have its types. */
extern void phig_extension_before_drop(DropStmt *stmt);

#endif
