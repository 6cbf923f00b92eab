/*
 * whole_row.h
 *		Whole rows of sub-selects, where those get further columns.
 */
#ifndef PHIG_SUBJECT_WHOLE_ROW_H
#define PHIG_SUBJECT_WHOLE_ROW_H

#include "postgres.h"

#include "nodes/parsenodes.h"

/*
 * phig_whole_row_keep
 *		May a sub-select get further columns, without its whole rows having them?
 *
 * query has it as range-table entry rti.  Where whole rows of it are asked for, they become a column that it computes.
 * marked: the planner may ask for whole rows, too, and wants those of views and functions to have their type.
 * False, with nothing changed: the row cannot be made a second time, or not there.
 */
extern bool phig_whole_row_keep(Query *query, Index rti, bool marked);

/* Does a query ask for whole rows of a CTE, anywhere? */
extern bool phig_whole_row_of_cte(Query *query);

#endif
