/*
 * source.h
 *		A journal's files, as somebody who reads them on this server sees them.
 */
#ifndef PHIG_SOURCE_H
#define PHIG_SOURCE_H

#include "postgres.h"

#include "storage/fd.h"

#include "journal/parse.h"
#include "journal/summary.h"

/* A segment's file. */
typedef struct PhigSourceFile
{
	char		name[32];
	char		node8[9];
	uint64		number;
	uint64		size;			/* of the file when it was first opened; 0 when it cannot be */
	uint64		expected_end;	/* how far this server has written it; 0: not known, all of the
								 * file counts */
	bool		last;			/* none of this node follows */
	bool		looked_at;		/* its records were, or are about to be */
	int			error;			/* errno of the latest failure to open or read it; 0: none */
	PhigHeaderState state;
	PhigSegmentHeader header;	/* to be believed when state is PHIG_HEADER_OK */
} PhigSourceFile;

typedef struct PhigSource
{
	char		directory[MAXPGPATH];
	bool		own;			/* it is the one that this server writes to */
	char		own8[9];		/* this server's node; empty when the journal is not open, or the
								 * directory is another */
	uint64		written_segment;	/* its newest segment, 0 when not known */
	int			nfiles;
	PhigSourceFile *files;		/* parents before the nodes that branch off, this server's node
								 * last; then by number */

	/* private */
	int			open;			/* index of the selected file; -1 = none */
	File		fd;				/* -1: it could not be opened */
	uint8	   *buffer;
	size_t		buffer_room;
	bool		no_key;			/* of summaries: it was asked for in vain */
	uint64		read_end;		/* offset up to which reading ahead is of use; 0: to the end */
	uint64		buffer_begin;	/* offset of the buffer's first byte in the file */
	size_t		buffer_len;
} PhigSource;

/* What the headers say of a segment's records; what they do not say is the end of the type's range. */
typedef struct PhigSegmentBounds
{
	int64		first_time;		/* of its earliest record */
	int64		last_time;		/* of its latest one */
	int64		first_seq;
	int64		last_seq;
} PhigSegmentBounds;

/*
 * phig_source_admit
 *		Admit a reader, and put the reading on record; everything appended so far is on disk then.
 *
 * Errors: as phig_source_open.
 */
extern void phig_source_admit(const char *what);

/* Refuse, and put that on record, whoever is no auditor (nor, with officers, an officer). */
extern void phig_source_permit(const char *what, bool officers);

/*
 * phig_source_open
 *		Admit a reader of this server's journal, put the reading on record, and list
 *		what there is to read.
 *
 * what: what is read, for the record: "access_log", "verify_journal".  officers: they may, too.
 * Everything appended before the call is on disk and in the list when it
 * returns; the reading's own record is.
 * Memory:  palloc'd in the current context, and the open file goes with that:
 *          it is tied to no transaction, since a cursor may be read in a
 *          subtransaction that is rolled back.
 * Errors:  42501 when the current role is no auditor (that is on record too);
 *          PG001 when the journal cannot be written; 58030 or 58P01 and their kin for
 *          the directory.
 */
extern PhigSource *phig_source_open(const char *what, bool officers);

/*
 * phig_source_open_directory
 *		The same for another node's journal, or segments kept elsewhere.
 *
 * path: absolute.  Not in the record and not in errors: a path may hold anything.
 * Nothing is written there.
 * Errors:  42501 also where the role may not read the server's files; 22023 for
 *          a path that is not absolute; 58P01 where no segment lies.
 */
extern PhigSource *phig_source_open_directory(const char *path, const char *what, bool officers);

/*
 * phig_source_select
 *		The bytes of one file; those of the file selected before are gone.
 *
 * A failure to open it or, later, to read it is in the file's error, and shows as
 * bytes that are not there.
 */
extern PhigBytes phig_source_select(PhigSource *source, int index);

/*
 * phig_source_read_to
 *		Of the selected file, only what lies before offset end is of use for now.
 *
 * No limit to what can be read, and forgotten when another file is selected; 0: all of it.
 */
extern void phig_source_read_to(PhigSource *source, uint64 end);

/*
 * phig_source_record
 *		Parse the record at offset of the selected file, without its neighbours.
 *
 * room: of PHIG_RECORD_MAX_BYTES, where the record's bytes go.  False where no whole record begins there.
 */
extern bool phig_source_record(PhigSource *source, uint64 offset, uint8 *room, PhigRecord *record);

/* Close the selected file. */
extern void phig_source_close(PhigSource *source);

/* Between what times and numbers the records of a file lie, as far as that is known. */
extern PhigSegmentBounds phig_source_bounds(const PhigSource *source, int index);

/*
 * phig_source_summary
 *		The summary of a file, palloc'd; NULL where there is none that fits.
 *
 * make: make one in memory then, of what is there to read, which selects the file; NULL only where it is damaged.
 */
extern PhigSummary *phig_source_summary(PhigSource *source, int index, bool make);

#endif
