/*
 * change.h
 *		What the officer's functions have in common.
 */
#ifndef PHIG_POLICY_CHANGE_H
#define PHIG_POLICY_CHANGE_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/rel.h"

#include "policy/store.h"

/*
 * phig_change_begin
 *		The officer's alone, one at a time: opens policy_purpose under a lock that excludes other writers.
 *
 * what: "create purposes", as in "must be a privacy officer to ...".
 */
extern Relation phig_change_begin(const char *what);

/* An argument that must be there; one that may be NULL. */
extern char *phig_change_text(FunctionCallInfo fcinfo, int arg, const char *what);
extern char *phig_change_optional_text(FunctionCallInfo fcinfo, int arg);

/* Argument 0: the name of a purpose, as it may be. */
extern char *phig_change_purpose(FunctionCallInfo fcinfo);

/* Errors: 42704 where there is no such purpose. */
extern void phig_change_require_purpose(const char *purpose);

/* A role that must be there. */
extern Oid	phig_change_role(FunctionCallInfo fcinfo, int arg);

/*
 * phig_change_relation
 *		The names of a relation that policies may name, locked against DDL.
 *
 * Errors: 42P01 where it is gone; 42809 where it cannot have labels, is temporary, or has parents.
 */
extern void phig_change_relation(Oid relid, char **schema, char **relation);

/*
 * phig_change_named_relation
 *		The same of a text, for what removes: also of a relation that is gone, with its schema then.
 */
extern void phig_change_named_relation(const char *text, char **schema, char **relation);

/* Raises 22023 for a word that is not known; the word is not repeated. */
extern void phig_change_refuse_word(const char *what, const char *valid);

/* The name of whoever changes something. */
extern char *phig_change_by(void);

/* NULLs are the same. */
extern bool phig_change_same(const char *a, const char *b);

#endif
