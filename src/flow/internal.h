/*
 * internal.h
 *		What the files of the flow module share; nobody else includes it.
 *
 * All of it lives for one analysis, in the memory context that the caller is
 * in (the planner's, which is short-lived).
 *
 * Columns are interned: an item (relation, column, form) gets a small number,
 * and a set of items is a Bitmapset of those numbers.  A labelled column gets
 * its number when it is first met, so sets stay as small as what is used.
 */
#ifndef PHIG_FLOW_INTERNAL_H
#define PHIG_FLOW_INTERNAL_H

#include "postgres.h"

#include "nodes/bitmapset.h"
#include "nodes/parsenodes.h"

#include "flow/flow.h"

/* A set that is computed when first asked for, once in each pass. */
typedef struct PhigFlowCell
{
	Bitmapset  *set;			/* only grows, from pass to pass */
	int			pass;			/* the pass that computed it */
	bool		busy;			/* being computed: only a recursive CTE meets itself */
} PhigFlowCell;

/* A relation with labels, as it was when the analysis met it. */
typedef struct PhigFlowRel
{
	Oid			relid;
	AttrNumber	natts;
	bool		has_virtual;	/* has generated columns that are computed when read */
	PhigLabel  *labels;			/* [attno - 1] */
	int		   *ids;			/* [attno - 1] 1 + number of the clear item, 0 while unused */
} PhigFlowRel;

/* What the analysis knows of one range-table entry. */
typedef struct PhigFlowSource
{
	struct PhigFlowLevel *level;	/* the query behind a subquery, view or inlined function */
	PhigFlowRel *rel;			/* the labelled relation behind it */
	bool		looked;			/* level and rel have been looked up */
	PhigFlowCell *cells;		/* of entries made of expressions: [0] all columns, [n] column n */
} PhigFlowSource;

/* One "column = expression" of INSERT, UPDATE, MERGE or ON CONFLICT. */
typedef struct PhigFlowAssign
{
	AttrNumber	attno;
	bool		proposed;		/* of the row that INSERT proposes: what EXCLUDED shows */
	Expr	   *expr;
	List	   *tlist;			/* the list it stands in: sub-selects of (a, b) = ... are there */
	PhigFlowCell cell;
} PhigFlowAssign;

/* One query level. */
typedef struct PhigFlowLevel
{
	struct PhigFlowLevel *parent;	/* where Vars of varlevelsup 1 point */
	Query	   *query;
	List	   *output;			/* target list of SELECT, RETURNING of the others */
	PhigFlowCell *cells;		/* [length of output] */
	PhigFlowSource *sources;	/* [length of rtable] */
	PhigFlowAssign *assigns;
	int			nassigns;
	int			in_returning;	/* > 0 while RETURNING is followed, which shows what was assigned */
	int			reached;		/* the pass that collected what steers this level */
	struct PhigFlowLevel *children; /* sub-selects in expressions, and CTEs */
	struct PhigFlowLevel *next; /* in the parent's children */
} PhigFlowLevel;

/* A column that receives items, for unlabelled_stores. */
typedef struct PhigFlowTarget
{
	Oid			relid;
	AttrNumber	attno;
	Bitmapset  *sources;
} PhigFlowTarget;

/* The query that an entry stands for although it holds none: an inlined function, a target view. */
typedef struct PhigFlowExpansion
{
	RangeTblEntry *rte;
	Query	   *query;
} PhigFlowExpansion;

#define PHIG_FLOW_ANY_METHOD (-1)

typedef struct PhigFlowContext
{
	List	   *rels;			/* of PhigFlowRel * */
	List	   *expansions;		/* of PhigFlowExpansion * */
	PhigFlowItem *items;
	PhigLabel  *remaining;		/* [nitems] what the value of each still is */
	int			nitems;
	int			maxitems;
	bool		governed;		/* phig_flow_analyze_governed */
	bool		reviewed;		/* phig_flow_analyze_reviewed */
	int			method;			/* whose transforms alone leave less, or PHIG_FLOW_ANY_METHOD */
	int			pass;
	bool		again;			/* a cell was read while it was being computed */
	bool		grew;			/* a cell holds more than after the pass before */
	Bitmapset  *used;			/* whatever steers */
	Bitmapset  *secured;		/* if governed: what row-level security lets steer */
	Bitmapset  *stored;
	Bitmapset  *written;
	List	   *targets;		/* of PhigFlowTarget *: columns without a PHI label */
	uint32		flags;
} PhigFlowContext;

/* Is a column of that label followed? */
static inline bool
phig_flow_counts(const PhigFlowContext *ctx, const PhigLabel *label)
{
	return ctx->reviewed || phig_label_is_phi(label) || (ctx->governed && label->category == PHIG_CAT_UNLABELLED);
}

/* meet.c: which labelled relations are there? */
extern void phig_flow_meet(PhigFlowContext *ctx, Query *query);
extern PhigFlowRel *phig_flow_meet_relation(PhigFlowContext *ctx, Oid relid);
extern PhigFlowRel *phig_flow_rel(PhigFlowContext *ctx, Oid relid);
extern Query *phig_flow_expansion(PhigFlowContext *ctx, RangeTblEntry *rte);

/* items.c: numbers of items, and sets of them as the caller sees them. */
extern void phig_flow_add_column(PhigFlowContext *ctx, PhigFlowRel *rel, AttrNumber attno,
								 Bitmapset **out);
extern void phig_flow_add_row(PhigFlowContext *ctx, PhigFlowRel *rel, Bitmapset **out);
extern void phig_flow_transform_items(PhigFlowContext *ctx, const Bitmapset *arguments,
									  Oid function, bool computed, Bitmapset **out);
extern PhigLabel phig_flow_strictest(const PhigFlowContext *ctx, const Bitmapset *set);
extern PhigFlowSet phig_flow_make_set(const PhigFlowContext *ctx, const Bitmapset *set);
extern Bitmapset *phig_flow_generated_from(Oid relid, AttrNumber attno, bool only_virtual);

/* level.c: query levels, and what steers them. */
extern PhigFlowLevel *phig_flow_level(PhigFlowLevel *parent, Query *query);
extern PhigFlowLevel *phig_flow_child(PhigFlowLevel *level, Query *query);
extern PhigFlowLevel *phig_flow_source_level(PhigFlowContext *ctx, PhigFlowLevel *level, int rti);
extern PhigFlowRel *phig_flow_source_rel(PhigFlowContext *ctx, PhigFlowLevel *level, int rti);
extern void phig_flow_reach(PhigFlowContext *ctx, PhigFlowLevel *level);
extern void phig_flow_reach_source(PhigFlowContext *ctx, PhigFlowLevel *level, int rti);
extern void phig_flow_steer_by(PhigFlowContext *ctx, PhigFlowLevel *level, List *clauses);
extern void phig_flow_steer_by_window(PhigFlowContext *ctx, PhigFlowLevel *level, Index winref);
extern Bitmapset *phig_flow_output(PhigFlowContext *ctx, PhigFlowLevel *level, int index);

/* column.c: what reaches one column of a range-table entry. */
extern void phig_flow_column(PhigFlowContext *ctx, PhigFlowLevel *level, int rti,
							 AttrNumber attno, bool old, Bitmapset **out);
extern void phig_flow_level_column(PhigFlowContext *ctx, PhigFlowLevel *level, AttrNumber attno,
								   Bitmapset **out);

/* expr.c: what reaches an expression. */
extern void phig_flow_expr(PhigFlowContext *ctx, PhigFlowLevel *level, Node *expr,
						   Bitmapset **out);
extern void phig_flow_assigned_expr(PhigFlowContext *ctx, PhigFlowLevel *level,
									PhigFlowAssign *assign, Bitmapset **out);
extern void phig_flow_unknown(const char *what, int number);

/* dml.c: what a statement stores, assigns and removes. */
extern void phig_flow_list_assigns(PhigFlowLevel *level);
extern void phig_flow_dml(PhigFlowContext *ctx, PhigFlowLevel *level);
extern void phig_flow_assigned(PhigFlowContext *ctx, PhigFlowLevel *level, AttrNumber attno,
							   bool only_proposed, Bitmapset **out);

/* trigger.c: which triggers see whole rows. */
extern bool phig_flow_row_trigger(Oid relid, bool with_children, int events,
								  const Bitmapset *assigned);

/* True and the cell's set in *set when this pass has it already; else the cell is marked busy. */
static inline bool
phig_flow_cell_known(PhigFlowContext *ctx, PhigFlowCell *cell)
{
	if (cell->pass == ctx->pass)
	{
		if (cell->busy)
			ctx->again = true;
		return true;
	}
	cell->pass = ctx->pass;
	cell->busy = true;
	return false;
}

static inline void
phig_flow_cell_set(PhigFlowContext *ctx, PhigFlowCell *cell, Bitmapset *set)
{
	cell->busy = false;
	if (cell->set == NULL)
	{
		cell->set = set;
		ctx->grew |= set != NULL;
	}
	else if (!bms_is_subset(set, cell->set))
	{
		cell->set = bms_add_members(cell->set, set);
		ctx->grew = true;
	}
}

#endif
