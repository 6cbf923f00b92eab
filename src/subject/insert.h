/*
 * insert.h
 *		Rows of a query that INSERT writes, with columns that it does not write.
 */
#ifndef PHIG_SUBJECT_INSERT_H
#define PHIG_SUBJECT_INSERT_H

#include "postgres.h"

#include "executor/execdesc.h"

/*
 * phig_insert_prepare
 *		Have a top-level INSERT leave resjunk columns of its rows out.
 *
 * After ExecutorStart, before the first row, of every plan that may run, captured or not.
 * Memory: es_query_cxt.  Errors: out of memory.
 */
extern void phig_insert_prepare(QueryDesc *query_desc);

#endif
