/*
 * vouch.h
 *		Checkpoints taken: the state of this server's journal, signed and written.
 */
#ifndef PHIG_VOUCH_H
#define PHIG_VOUCH_H

#include "postgres.h"

#include "journal/checkpoint.h"
#include "journal/shared.h"

/*
 * phig_vouch
 *		Flush everything appended so far, and sign for it.
 *
 * checkpoint: out, the one that stands at the journal's end now; where nothing was written since
 * the last one, that one.
 * False with the fault when the key cannot be had or the file not be written.
 * Errors: in a transaction, whatever ends its waiting for the key (57014); none in the keeper.
 */
extern bool phig_vouch(PhigCheckpoint *checkpoint, PhigFault *fault);

/* The key by which this server's checkpoints are checked.  Errors: as phig_vouch. */
extern bool phig_vouch_public_key(PhigPublicKey *key, PhigFault *fault);

/* The key under which this server's summaries of segments are sealed; the caller wipes it.  Errors: as phig_vouch. */
extern bool phig_vouch_summary_key(uint64 key[2], PhigFault *fault);

/* The last checkpoint of this server's journal, as far as it knows; false: there is none. */
extern bool phig_vouch_last(PhigCheckpoint *checkpoint);

#endif
