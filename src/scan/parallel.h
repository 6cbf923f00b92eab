/*
 * parallel.h
 *		Reading samples of tables in parallel workers.
 */
#ifndef PHIG_SCAN_PARALLEL_H
#define PHIG_SCAN_PARALLEL_H

#include "postgres.h"

#include "scan/read.h"

/*
 * phig_parallel_read
 *		Count the values of those tables that workers may read, where there may be workers and it pays.
 *
 * This process takes its part; without a worker it does all of them.  were_read says which tables are done.
 * The caller is in a subtransaction of its own: what fails must end it.  *of_table says then whether it was the
 * reading of a table, in whatever process; tables that were whole by then are kept.
 * Errors: that; those of parallel.c of the server, among them those of a worker that was ended.
 */
extern void phig_parallel_read(PhigScanned *tables, int ntables, int32 rows, bool *of_table);

#endif
