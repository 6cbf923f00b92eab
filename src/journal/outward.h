/*
 * outward.h
 *		What the keeper hands to the outside: anchors, and whole segments for the archive.
 */
#ifndef PHIG_OUTWARD_H
#define PHIG_OUTWARD_H

#include "postgres.h"

#include "journal/checkpoint.h"
#include "journal/shared.h"

/*
 * For the keeper's loop: see what became of the command that runs, and start the next one that is due.
 * False with the fault when one failed: it is tried again at the next call.
 */
extern bool phig_anchor_work(PhigFault *fault);
extern bool phig_archive_work(PhigFault *fault);

/* The newest checkpoint is to be handed out; one that waits is replaced. */
extern void phig_anchor_wanted(const PhigCheckpoint *checkpoint);

/* Is an anchor on its way, or waiting? */
extern bool phig_anchor_pending(void);

/* Number of this node's last segment that is in the archive, as the file "archived" says; 0: none. */
extern uint64 phig_archived_segment(void);

#endif
