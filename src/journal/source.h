/*
 * source.h
 *		The journal's files, as somebody who reads them on this server sees them.
 */
#ifndef PHIG_SOURCE_H
#define PHIG_SOURCE_H

#include "postgres.h"

#include "journal/parse.h"

/* A segment's file. */
typedef struct PhigSourceFile
{
	char		name[32];
	char		node8[9];
	uint64		number;
	uint64		size;			/* of the file; 0 when it cannot be opened */
	uint64		expected_end;	/* how far this server has written it; 0: not known, all of the
								 * file counts */
	bool		last;			/* none of this node follows */
	int			error;			/* errno of the latest failure to open or read it; 0: none */
	PhigHeaderState state;
	PhigSegmentHeader header;	/* to be believed when state is PHIG_HEADER_OK */
} PhigSourceFile;

typedef struct PhigSource
{
	char		directory[MAXPGPATH];
	char		own8[9];		/* this server's node; empty when the journal is not open */
	uint64		written_segment;	/* its newest segment, 0 when not known */
	int			nfiles;
	PhigSourceFile *files;		/* parents before the nodes that branch off, this server's node
								 * last; then by number */

	/* private */
	int			open;			/* index of the file that fd reads; -1 = none */
	int			fd;
	uint8	   *buffer;
	uint64		buffer_begin;	/* offset of the buffer's first byte in the file */
	size_t		buffer_len;
} PhigSource;

/*
 * phig_source_admit
 *		Admit a reader, and put the reading on record; everything appended so far is on disk then.
 *
 * Errors: as phig_source_open.
 */
extern void phig_source_admit(const char *what);

/*
 * phig_source_open
 *		Admit a reader, put the reading on record, and list what there is to read.
 *
 * what: what is read, for the record: "access_log", "verify_journal".
 * Everything appended before the call is on disk and in the list when it
 * returns; the reading's own record is.
 * Memory:  palloc'd in the current context.
 * Errors:  42501 when the current role is no auditor (that is on record too);
 *          PG001 when the journal cannot be written; 58030 or 58P01 and their kin for
 *          the directory.
 */
extern PhigSource *phig_source_open(const char *what);

/*
 * phig_source_select
 *		The bytes of one file; those of the file selected before are gone.
 *
 * A failure to open it or, later, to read it is in the file's error, and shows as
 * bytes that are not there.
 */
extern PhigBytes phig_source_select(PhigSource *source, int index);

/* Close the selected file. */
extern void phig_source_close(PhigSource *source);

/* CRC-32C by the processor's instruction where it has one. */
extern uint32 phig_source_crc32c(const void *data, size_t len);

#endif
