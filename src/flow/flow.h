/*
 * flow.h
 *		Where PHI goes in a query.
 *
 * Takes a rewritten Query (after the rewriter, before the planner), says for
 * each labelled base column whether it reaches the output (returned), only
 * steers it (referenced), is stored elsewhere (stored), or is assigned or
 * removed by the statement (written).  Where it must approximate, it errs
 * towards reporting.
 */
#ifndef PHIG_FLOW_H
#define PHIG_FLOW_H

#include "postgres.h"

#include "nodes/params.h"
#include "nodes/parsenodes.h"

#include "label/label.h"

/* In what form a column's value arrives: clear, or the OID of the transform it went through. */
typedef Oid PhigForm;
#define PHIG_FORM_CLEAR InvalidOid
#define PHIG_FORM_WITHHELD ((Oid) 1)	/* it was asked for and is not there: NULL was put in its
										 * place */

/* One labelled base column.  label is a copy of what it was at analysis. */
typedef struct PhigFlowItem
{
	Oid			relid;
	AttrNumber	attno;
	PhigForm	form;
	PhigLabel	label;
	PhigLabel	left;			/* what its value still is, in that form */
} PhigFlowItem;

/* A sorted (relid, attno, form), duplicate-free set. */
typedef struct PhigFlowSet
{
	int			nitems;
	PhigFlowItem *items;
} PhigFlowSet;

/* Labelled data on its way into a column that has no PHI label. */
typedef struct PhigFlowStore
{
	Oid			target_relid;
	AttrNumber	target_attno;
	PhigFlowSet sources;
} PhigFlowStore;

typedef struct PhigFlow
{
	PhigFlowSet returned;		/* reaches the client or the caller */
	PhigFlowSet referenced;		/* only steers: filter, join, order, group, count(); nothing that
								 * is returned or stored too */
	PhigFlowSet secured;		/* of phig_flow_analyze_governed: steers by row-level security */
	PhigFlowSet stored;			/* source columns whose value is written to some table */
	PhigFlowSet written;		/* labelled columns that are assigned, or removed with their rows */
	int			ncolumns;		/* visible outputs of the top level (target list, or RETURNING) */
	PhigFlowSet *columns;		/* [ncolumns] what reaches each */
	PhigLabel  *column_labels;	/* [ncolumns] what the result still is; UNLABELLED when no PHI */
	List	   *unlabelled_stores;	/* of PhigFlowStore * */
	List	   *relids;			/* OIDs of all labelled relations met, even when no column counts */
	List	   *extracts;		/* whose view it reads, for the record: the caller's; see
								 * extract/extract.h */
	uint32		flags;			/* PHIG_FLOW_... */
} PhigFlow;

#define PHIG_FLOW_ROW_TRIGGER	0x0001	/* a row trigger (or transition table) sees the whole row */
#define PHIG_FLOW_INLINED		0x0002	/* a set-returning SQL function was followed */
#define PHIG_FLOW_APPROXIMATE	0x0004	/* something had to be over-reported */
#define PHIG_FLOW_BESIDE_EXTRACT 0x0008 /* labelled columns are reached in other ways than by
										 * extracts: the caller's */

/*
 * phig_flow_analyze
 *		What a rewritten query does to labelled columns; NULL when it meets no labelled relation.
 *
 * That answer costs one cache look-up per relation.  query is not changed; the
 * result is palloc'd in the current context.  The rules stand at the head of flow.c.
 * Errors: 0A000 for a node that the analysis does not know (fail closed).
 */
extern PhigFlow *phig_flow_analyze(Query *query);

/*
 * phig_flow_analyze_governed
 *		What a query asks of the columns that a policy speaks of: those that nobody has reviewed, in a
 *		relation with labels, as well as the labelled ones.
 *
 * What others make the statement do is left out: check options, triggers; row-level security has a set of its own.
 */
extern PhigFlow *phig_flow_analyze_governed(Query *query);

/*
 * phig_flow_analyze_reviewed
 *		Where every column of every table goes: the reviewed ones (none) and those that nobody has looked at as well.
 *
 * method: only transforms that it accepts leave less of a value (a place in phig_transform_methods).
 */
extern PhigFlow *phig_flow_analyze_reviewed(Query *query, int method);

/*
 * phig_flow_add_withheld
 *		Add to what a restricted query does the labelled columns that were asked for and are not in it any more.
 */
extern void phig_flow_add_withheld(PhigFlow *flow, const PhigFlow *asked);

/*
 * phig_flow_inline
 *		The query that the planner will put in place of a set-returning function, or NULL.
 *
 * The server's own answer, made from copies; query is the one that rte stands in.
 */
extern Query *phig_flow_inline(Query *query, RangeTblEntry *rte);

/*
 * The planning that is under way, NULL outside: what it knows, and what was decided before it begins.
 *
 * declined: functions that phig_flow_inline looked at and that stay calls.  The planner asks again, and folds their
 * arguments again; what a user declared immutable need not answer twice the same.  So it is kept from putting these
 * in line (phig_flow_declines).
 */
typedef struct PhigFlowPlanning
{
	ParamListInfo params;		/* what the statement's parameters stand for */
	MemoryContext context;		/* that of the planning: */
	List	   *declined;		/* of OIDs */
} PhigFlowPlanning;

extern PhigFlowPlanning *phig_flow_planning;

extern bool phig_flow_declines(Oid function);

/*
 * phig_flow_put_in_line
 *		Put that query in the function's place, as preprocess_function_rtes() of the planner would later.
 *
 * Leaves the function in the entry, for who asks what its row type is.  Added to functions is its OID: the plan depends
 * on it (phig_enforce_plan).
 */
extern void phig_flow_put_in_line(RangeTblEntry *rte, Query *inlined, List **functions);

/*
 * phig_flow_add_output
 *		Give a sub-select one more visible output, behind the others; what is hidden moves on.
 *
 * Returns its resno.  Whoever names the sub-select's columns has to name it too.
 */
extern AttrNumber phig_flow_add_output(Query *query, Expr *expr);

/*
 * phig_flow_copy_to
 *		The flow of COPY relation (columns) TO: the columns are returned in clear.
 * attnos: list of int attribute numbers.  NULL when the relation has no labels.
 */
extern PhigFlow *phig_flow_copy_to(Oid relid, List *attnos);

/* The flow of COPY relation (columns) FROM: labelled ones are written; row triggers see the row. */
extern PhigFlow *phig_flow_copy_from(Oid relid, List *attnos);

/*
 * phig_flow_transform
 *		What is left of a labelled value that goes through a function: see phiguard.transforms.
 *
 * argument: the label of the value.  computed: it is not a column's value as it is, but
 * made of one (phig_flow_uncast).  result: the label of the function's result.
 * Returns false, with result untouched, when the function is no transform or does
 * not lower such a value.
 */
extern bool phig_flow_transform(Oid funcid, const PhigLabel *argument, bool computed,
								PhigLabel *result);

/* Is the function a transform, and the one that was registered? */
extern bool phig_flow_is_transform(Oid funcid);

/* Is its result a code: of form keyed, sealed or random? */
extern bool phig_flow_is_code(Oid funcid);

/* Does a method of de-identification (a place in phig_transform_methods) accept the transform? */
extern bool phig_flow_method_accepts(Oid funcid, int method);

/* What stands below the casts of an argument that only change its type: not its length, nor its text. */
extern Node *phig_flow_uncast(Node *expression);

/* The server's own min or max of one value, which give one of the values that they get. */
extern bool phig_flow_is_min_or_max(const Aggref *aggref);

#endif
