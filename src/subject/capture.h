/*
 * capture.h
 *		Whose rows an execution returns: read while it runs.
 */
#ifndef PHIG_SUBJECT_CAPTURE_H
#define PHIG_SUBJECT_CAPTURE_H

#include "postgres.h"

#include "executor/execdesc.h"

#include "subject/query.h"
#include "subject/set.h"

typedef struct PhigCapture PhigCapture;
typedef struct PhigCaptureSource PhigCaptureSource;

/*
 * phig_capture_prepare
 *		Before the execution: are the keys to be had?
 *
 * Errors: PG002; with phiguard.journal_on_failure = allow it is false instead, and the log says so.
 */
extern bool phig_capture_prepare(const PhigSubjectSources *sources);

/* It would do nothing: the keys are here. */
extern bool phig_capture_is_ready(const PhigSubjectSources *sources);

/*
 * phig_capture_begin
 *		Watch the plan's nodes, after ExecutorStart; persons go into set.
 *
 * The set has to be there for as long as the plan may be run; alone: it is of this execution only.
 * Memory: es_query_cxt.  Errors: PG002.
 */
extern void phig_capture_begin(QueryDesc *query_desc, const PhigSubjectSources *sources, PhigPersonSet *set,
							   bool alone);

/*
 * phig_capture_worker_begin, phig_capture_worker_end
 *		The same in a parallel worker, for the leader's start record.
 *
 * end writes what was met, and is to be called however the run ends.
 */
extern void phig_capture_worker_begin(QueryDesc *query_desc, const PhigSubjectSources *sources);
extern void phig_capture_worker_end(void);

/*
 * phig_capture_source, phig_capture_row
 *		Persons of rows that no watched node returns: those of one relation, in the columns that it has.
 *
 * type: of the relation's subject column.  Memory: in the current context, for as long as the execution.
 */
extern PhigCaptureSource *phig_capture_source(PhigCapture *capture, const PhigSubjectPath *path, Oid type);
extern void phig_capture_row(PhigCapture *capture, PhigCaptureSource *source, TupleTableSlot *row);

/* There are rows whose persons cannot be told. */
extern void phig_capture_unnamed(PhigCapture *capture);

#endif
