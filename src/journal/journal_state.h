/*
 * journal_state.h
 *		What readers of the journal's files may ask of its writer.
 */
#ifndef PHIG_JOURNAL_STATE_H
#define PHIG_JOURNAL_STATE_H

#include "postgres.h"

#include "journal/format.h"

/* The journal's directory, as an absolute path. */
extern void phig_journal_directory_path(char path[MAXPGPATH]);

/* The node that this server writes as; false (and zeros) when the journal is not open. */
extern bool phig_journal_node(uint8 node[PHIG_ID_BYTES]);

/*
 * How far this node's journal is valid on disk right now: the newest segment's
 * number and the end of its last seal (or of its header, 512).
 * Bytes beyond may be a batch that is being written.  Zeros before the journal is open.
 */
extern void phig_journal_flushed(uint64 *segment, uint64 *offset);

/*
 * phig_journal_flush_all
 *		Bring everything appended so far to disk, whatever phiguard.journal_sync says.
 *
 * Errors: PG001 when that cannot be done.
 */
extern void phig_journal_flush_all(void);

/* Is the journal open?  If not, reason says why (empty while the server is starting). */
extern bool phig_journal_available(char *reason, size_t size);

#endif
