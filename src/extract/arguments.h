/*
 * arguments.h
 *		What the officer's functions of the module have in common.
 */
#ifndef PHIG_EXTRACT_ARGUMENTS_H
#define PHIG_EXTRACT_ARGUMENTS_H

#include "postgres.h"

#include "fmgr.h"
#include "nodes/pg_list.h"

#include "policy/store.h"

/* Errors: 42704 where there is none. */
extern PhigAgreementRow *phig_extract_agreement(const char *name);

/* An argument of type text[], without NULLs: a list of char *. */
extern List *phig_extract_texts(FunctionCallInfo fcinfo, int arg);

/*
 * phig_extract_named
 *		The row of an extract by its name, which may have a schema, and its view (InvalidOid where that is gone).
 *
 * Errors: 42704 where there is none.
 */
extern PhigExtractRow *phig_extract_named(const char *name, Oid *view);

#endif
