/*
 * written.h
 *		Whose rows a statement writes: read where they are written.
 */
#ifndef PHIG_SUBJECT_WRITTEN_H
#define PHIG_SUBJECT_WRITTEN_H

#include "postgres.h"

#include "nodes/execnodes.h"

#include "subject/capture.h"

/*
 * phig_written_watch
 *		Have what a node writes noted, as it is written.
 *
 * After ExecutorStart, before the first row.  Memory: that of the node's es_query_cxt.  Errors: PG002.
 */
extern void phig_written_watch(PhigCapture *capture, ModifyTableState *node);

/*
 * phig_written_settle
 *		After a run of a plan: were rows written, or read anew, that could not be looked at?
 *
 * set: says so then.
 */
extern void phig_written_settle(QueryDesc *query_desc, const PhigSubjectSources *sources, PhigPersonSet *set);

#endif
