/*
 * reader.h
 *		A journal's records, joined into rows one after the other.
 */
#ifndef PHIG_READER_H
#define PHIG_READER_H

#include "postgres.h"

#include "journal/row.h"
#include "journal/search.h"
#include "journal/source.h"

/* Of which rows are wanted: both ends included. */
typedef struct PhigLogRange
{
	int64		since;			/* started, in microseconds since 2000-01-01 */
	int64		until;
	int64		first;			/* position */
	int64		last;
} PhigLogRange;

typedef struct PhigLogReader PhigLogReader;

/*
 * phig_log_open
 *		Begin to read a journal, which is put on record.
 *
 * directory: of another node's journal or of archived segments; NULL: this
 *			  server's own.  what, officers: as for phig_source_open.
 * Memory:  all in a context of its own below the current one; deleting that, or
 *          phig_log_close, closes the open file.
 * Errors:  those of phig_source_open and phig_source_open_directory.
 */
extern PhigLogReader *phig_log_open(const char *directory, const char *what, bool officers);
extern void phig_log_close(PhigLogReader *reader);

/*
 * phig_log_rewind
 *		Start (again) before the first row in range.
 *
 * search: rows that it rejects may be left out; it must stay where it is until the next call.
 * The files count as they were when the journal was opened.
 */
extern void phig_log_rewind(PhigLogReader *reader, const PhigLogRange *range, const PhigSearch *search);

/*
 * phig_log_next
 *		The next row: parents of this server's node first, then by position.
 *
 * Fills in PHIG_LOG_COLUMNS of values and nulls, which hold until the next call;
 * false at the end.
 * Damage is passed over with a WARNING: what it is, phiguard.verify_journal() says.
 */
extern bool phig_log_next(PhigLogReader *reader, Datum *values, bool *nulls);

/*
 * Whose rows left, of the row that phig_log_next has just made; NULL: no record of persons.  Holds until the
 * next call.
 */
extern const PhigNamed *phig_log_named(const PhigLogReader *reader);

/* How many segments there are, and how many were looked into so far. */
extern void phig_log_count_segments(const PhigLogReader *reader, int *total, int *read);

#endif
