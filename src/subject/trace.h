/*
 * trace.h
 *		Whose rows a query returns: what query.c and the files beside it have in common.
 */
#ifndef PHIG_SUBJECT_TRACE_H
#define PHIG_SUBJECT_TRACE_H

#include "postgres.h"

#include "nodes/parsenodes.h"

#include "subject/query.h"

/* One query level and those around it. */
typedef struct Level
{
	Query	   *query;
	struct Level *outer;
	List	   *ctes;			/* of TracedCte *: those of this level that were met */
} Level;

typedef struct TracedCte
{
	const char *name;
	List	   *exposed;		/* of Exposed *: their columns are in the CTE's rows, by resno */
} TracedCte;

/* A column that says whose row it is. */
typedef struct Exposed
{
	Expr	   *expr;			/* at the level at hand */
	AttrNumber	resno;			/* in the rows of that level, once it is there */
	PhigSubjectPath path;
} Exposed;

typedef struct Trace
{
	List	   *scans;			/* of PhigSubjectPath *: to be read where they are scanned */
	List	   *written;		/* likewise: where they are written */
	bool		unsure;
	bool		contributes;
	List	   *functions;		/* OIDs of those that were put in line */
	Query	   *top;
	bool		looked_for_whole_rows;
	bool		whole_rows;		/* of CTEs */
	Level	   *level;			/* for walkers */
} Trace;

/* query.c */

/* The columns that say whose an entry's rows are, appended to exposed. */
extern List *phig_trace_expose_entry(Trace *trace, Level *level, int rti, const Bitmapset *nulling, List *exposed);

/* A set-returning function that the planner would put in line later becomes the sub-select that it is. */
extern void phig_trace_put_in_line(Trace *trace, Query *query, RangeTblEntry *rte);

/* The CTE that an entry reads, and the level whose it is; NULL where it is above the top. */
extern CommonTableExpr *phig_trace_find_cte(Level *level, const RangeTblEntry *rte, Level **owner);

/* contribute.c: where a row of the result is about many, the scans of all relations below tell. */
extern void phig_trace_contribute(Trace *trace, Level *level);
extern void phig_trace_contribute_entry(Trace *trace, Level *level, RangeTblEntry *rte);
extern void phig_trace_contribute_outputs(Trace *trace, Level *level);
extern void phig_trace_add_scan(Trace *trace, Oid relid);

/* assigned.c: beside whose rows are read, whose are written; exposed, with columns appended. */
extern List *phig_trace_written(Trace *trace, Level *level, List *exposed);

/* sources.c: what was found, with the columns that the query then has; and a column that it has anyway, 0 for none. */
extern PhigSubjectSources *phig_trace_sources(const Trace *trace, Query *query, List *exposed);
extern AttrNumber phig_trace_find_column(const Query *query, const Exposed *exposed);

#endif
