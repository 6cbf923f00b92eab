/*
 * touched.h
 *		The labelled relations that a command reaches: for utility.c.
 */
#ifndef PHIG_TOUCHED_H
#define PHIG_TOUCHED_H

#include "postgres.h"

#include "journal/utility.h"

/* The relations that a DDL statement names, where no object access hook tells of them. */
extern void phig_touched_named(PhigUtility *utility, Node *stmt);

/* One relation, if it is labelled: into touched, and columns or late_columns. */
extern void phig_touched_note(PhigUtility *utility, Oid relid);

#endif
