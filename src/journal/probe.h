/*
 * probe.h
 *		Violations of keys, which tell whoever writes that a value is there: recorded, and limited.
 */
#ifndef PHIG_PROBE_H
#define PHIG_PROBE_H

#include "postgres.h"

#include "nodes/plannodes.h"

/*
 * phig_probe_note
 *		In PG_CATCH: a violation of a labelled key becomes a record of kind probe, and counts.
 *
 * To be asked once for each error, before it is scrubbed.  No value is looked at.
 * Errors: PG001.
 */
extern void phig_probe_note(const ErrorData *edata);

/*
 * phig_probe_guard_plan, phig_probe_guard
 *		A restricted role that has run into too many labelled keys within an hour writes to no table that has one.
 *
 * Errors: 42501, on record.
 */
extern void phig_probe_guard_plan(const PlannedStmt *plan);
extern void phig_probe_guard(Oid relid);

extern void phig_probe_shmem_request(void);
extern void phig_probe_shmem_startup(void);

#endif
