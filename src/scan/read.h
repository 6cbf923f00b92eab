/*
 * read.h
 *		Reading samples of several tables, with what help can be had.
 */
#ifndef PHIG_SCAN_READ_H
#define PHIG_SCAN_READ_H

#include "postgres.h"

#include "scan/sample.h"

/* A table that is scanned, with those of its columns that are looked at. */
typedef struct PhigScanned
{
	Oid			relid;
	int			n;
	PhigSampled *columns;
	bool		about_people;
	const char *why_unread;		/* NULL: values are to be read, or were */
	bool		were_read;		/* content of each column is what its values say */
} PhigScanned;

/*
 * phig_read_together
 *		Count the values in about rows rows of each of several tables, in workers.
 *
 * Reads none where that does not pay or cannot be; phig_read_rest reads what is left.  Tables with a why_unread are
 * left alone.  The caller has locked the tables and put on record that they are scanned.
 * Errors: 57xxx (cancel, time limits, shutdown), 53xxx, 40xxx, and a record that cannot be written.
 */
extern void phig_read_together(PhigScanned *tables, int ntables, int32 rows);

/*
 * phig_read_rest
 *		The same of one table, in this process, unless it was read or is not to be.
 *
 * Where its reading fails, why_unread gets the SQLSTATE, and content stays empty.
 * Errors: as above.
 */
extern void phig_read_rest(PhigScanned *table, int32 rows);

/* Is this an error of a table's reading, which leaves others as they are?  Not where it asks for an end. */
extern bool phig_read_may_go_on(int sqlstate);

#endif
