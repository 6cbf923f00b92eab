/*
 * level.c
 *		Query levels: their outputs, and what steers them.
 *
 * A level is reached when its rows count: the top, what stands in the FROM of
 * a reached level, sub-selects of expressions that are followed, CTEs that are
 * read, and data-modifying CTEs always.  Reaching it collects whatever decides
 * which rows there are and in what order.  Outputs are followed only when asked for.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"

#include "compat.h"
#include "flow/internal.h"

static PhigFlowLevel *cte_level(PhigFlowLevel *level, const RangeTblEntry *rte);
static PhigFlowLevel *target_view_level(PhigFlowContext *ctx, PhigFlowLevel *level,
										RangeTblEntry *rte);
static void look(PhigFlowContext *ctx, PhigFlowLevel *level, int rti);
static void reach_jointree(PhigFlowContext *ctx, PhigFlowLevel *level, Node *node);
static void reach_set_operation(PhigFlowContext *ctx, PhigFlowLevel *level, Node *node,
								bool compared);
static void reach_unasked_outputs(PhigFlowContext *ctx, PhigFlowLevel *level);
static void set_operation_column(PhigFlowContext *ctx, PhigFlowLevel *level, Node *node,
								 AttrNumber attno, Bitmapset **out);
static bool steer_by_sorts(Node *node, void *context);
static void steer(PhigFlowContext *ctx, PhigFlowLevel *level, void *expr);
static void steer_by_security(PhigFlowContext *ctx, PhigFlowLevel *level, List *quals);

/* For walking expressions of a level. */
typedef struct Place
{
	PhigFlowContext *ctx;
	PhigFlowLevel *level;
} Place;

PhigFlowLevel *
phig_flow_level(PhigFlowLevel *parent, Query *query)
{
	List	   *output = query->commandType == CMD_SELECT ? query->targetList : query->returningList;
	Size		cells = list_length(output) * sizeof(PhigFlowCell);
	PhigFlowLevel *level = palloc0(sizeof(PhigFlowLevel) + cells + list_length(query->rtable) * sizeof(PhigFlowSource));

	level->parent = parent;
	level->query = query;
	level->output = output;
	level->cells = (PhigFlowCell *) (level + 1);
	level->sources = (PhigFlowSource *) ((char *) level->cells + cells);
	if (query->commandType != CMD_SELECT)
		phig_flow_list_assigns(level);
	return level;
}

/* The level of a sub-select or a CTE: always the same one for the same query. */
PhigFlowLevel *
phig_flow_child(PhigFlowLevel *level, Query *query)
{
	PhigFlowLevel *child;

	for (child = level->children; child; child = child->next)
	{
		if (child->query == query)
			return child;
	}
	child = phig_flow_level(level, query);
	child->next = level->children;
	level->children = child;
	return child;
}

static PhigFlowLevel *
cte_level(PhigFlowLevel *level, const RangeTblEntry *rte)
{
	ListCell   *lc;

	for (Index up = rte->ctelevelsup; up > 0 && level; up--)
		level = level->parent;
	if (level != NULL)
	{
		foreach(lc, level->query->cteList)
		{
			CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);

			if (strcmp(cte->ctename, rte->ctename) == 0)
				return phig_flow_child(level, castNode(Query, cte->ctequery));
		}
	}
	elog(ERROR, "could not find CTE of a range-table entry");
	return NULL;				/* keep compiler quiet */
}

/*
 * A view that is the target itself, because it has an INSTEAD OF trigger: the
 * rewriter keeps the view's query beside it as the source of old rows (UPDATE,
 * DELETE, MERGE), or not at all (INSERT).
 */
static PhigFlowLevel *
target_view_level(PhigFlowContext *ctx, PhigFlowLevel *level, RangeTblEntry *rte)
{
	Query	   *expanded = phig_flow_expansion(ctx, rte);
	int			rti = 0;
	ListCell   *lc;

	if (expanded != NULL)
		return phig_flow_level(NULL, expanded);
	foreach(lc, level->query->rtable)
	{
		const RangeTblEntry *other = lfirst_node(RangeTblEntry, lc);

		rti++;
		if (other->rtekind == RTE_SUBQUERY && other->relid == rte->relid)
			return phig_flow_source_level(ctx, level, rti);
	}
	return NULL;
}

static void
look(PhigFlowContext *ctx, PhigFlowLevel *level, int rti)
{
	RangeTblEntry *rte = rt_fetch(rti, level->query->rtable);
	PhigFlowSource *source = &level->sources[rti - 1];
	Query	   *expanded;

	source->looked = true;
	switch (rte->rtekind)
	{
		case RTE_RELATION:
			if (rte->relkind != RELKIND_VIEW)
				source->rel = phig_flow_rel(ctx, rte->relid);
			else if (rti == level->query->resultRelation)
				source->level = target_view_level(ctx, level, rte);
			break;
		case RTE_NAMEDTUPLESTORE:
			source->rel = phig_flow_rel(ctx, rte->relid);
			break;
		case RTE_SUBQUERY:
			source->level = phig_flow_level(level, rte->subquery);
			break;
		case RTE_CTE:
			source->level = cte_level(level, rte);
			break;
		case RTE_FUNCTION:
			expanded = phig_flow_expansion(ctx, rte);
			if (expanded != NULL)
			{
				source->level = phig_flow_level(level, expanded);
				ctx->flags |= PHIG_FLOW_INLINED;
			}
			break;
		default:
			break;
	}
}

/* The query behind a range-table entry, or NULL. */
PhigFlowLevel *
phig_flow_source_level(PhigFlowContext *ctx, PhigFlowLevel *level, int rti)
{
	if (!level->sources[rti - 1].looked)
		look(ctx, level, rti);
	return level->sources[rti - 1].level;
}

/* The labelled relation behind a range-table entry, or NULL. */
PhigFlowRel *
phig_flow_source_rel(PhigFlowContext *ctx, PhigFlowLevel *level, int rti)
{
	if (!level->sources[rti - 1].looked)
		look(ctx, level, rti);
	return level->sources[rti - 1].rel;
}

/* Collects what steers a level's rows, once in each pass. */
void
phig_flow_reach(PhigFlowContext *ctx, PhigFlowLevel *level)
{
	Query	   *query = level->query;
	ListCell   *lc;

	if (level->reached == ctx->pass)
		return;
	level->reached = ctx->pass;
	check_stack_depth();

	if (query->hasModifyingCTE)
	{
		foreach(lc, query->cteList)
		{
			Query	   *ctequery = castNode(Query, lfirst_node(CommonTableExpr, lc)->ctequery);

			if (ctequery->commandType != CMD_SELECT)
				phig_flow_reach(ctx, phig_flow_child(level, ctequery));
		}
	}
	reach_jointree(ctx, level, (Node *) query->jointree);
	if (query->setOperations)
		reach_set_operation(ctx, level, query->setOperations, false);
	phig_flow_steer_by(ctx, level, query->groupClause);
	steer(ctx, level, query->havingQual);
	phig_flow_steer_by(ctx, level, query->distinctClause);
	phig_flow_steer_by(ctx, level, query->sortClause);
	steer(ctx, level, query->limitOffset);
	steer(ctx, level, query->limitCount);
	if (query->commandType != CMD_SELECT)
		phig_flow_dml(ctx, level);
	if (query->hasTargetSRFs || level->parent != NULL)
		reach_unasked_outputs(ctx, level);
	if (query->hasWindowFuncs || query->hasAggs)
	{
		Place		place = {ctx, level};

		steer_by_sorts((Node *) query->targetList, &place);
	}
}

static void
reach_jointree(PhigFlowContext *ctx, PhigFlowLevel *level, Node *node)
{
	ListCell   *lc;

	if (node == NULL)
		return;
	check_stack_depth();
	switch (nodeTag(node))
	{
		case T_FromExpr:
			foreach(lc, ((FromExpr *) node)->fromlist)
				reach_jointree(ctx, level, lfirst(lc));
			steer(ctx, level, ((FromExpr *) node)->quals);
			break;
		case T_JoinExpr:
			reach_jointree(ctx, level, ((JoinExpr *) node)->larg);
			reach_jointree(ctx, level, ((JoinExpr *) node)->rarg);
			steer(ctx, level, ((JoinExpr *) node)->quals);
			break;
		case T_RangeTblRef:
			phig_flow_reach_source(ctx, level, ((RangeTblRef *) node)->rtindex);
			break;
		default:
			phig_flow_unknown("node type", nodeTag(node));
	}
}

/* What an entry of FROM lets steer, whether or not a column of it is asked for. */
void
phig_flow_reach_source(PhigFlowContext *ctx, PhigFlowLevel *level, int rti)
{
	RangeTblEntry *rte = rt_fetch(rti, level->query->rtable);
	PhigFlowLevel *below = phig_flow_source_level(ctx, level, rti);

	steer_by_security(ctx, level, rte->securityQuals);
	switch (rte->rtekind)
	{
		case RTE_RELATION:
			/* A target view is reached through its expanded twin, if it is read at all. */
			if (rte->tablesample)
			{
				steer(ctx, level, rte->tablesample->args);
				steer(ctx, level, rte->tablesample->repeatable);
			}
			break;
		case RTE_SUBQUERY:
		case RTE_CTE:
			phig_flow_reach(ctx, below);
			break;
		case RTE_FUNCTION:
		case RTE_TABLEFUNC:
			/* The arguments decide how many rows there are. */
			if (below)
				phig_flow_reach(ctx, below);
			else
				phig_flow_column(ctx, level, rti, InvalidAttrNumber, false, &ctx->used);
			break;
		case RTE_VALUES:
		case RTE_NAMEDTUPLESTORE:
		case RTE_RESULT:
			break;
		default:
			phig_flow_unknown("range-table entry kind", rte->rtekind);
	}
}

/*
 * A set operation that removes or matches rows compares all columns of both
 * sides, those that nobody asks for too; only UNION ALL compares nothing.
 */
static void
reach_set_operation(PhigFlowContext *ctx, PhigFlowLevel *level, Node *node, bool compared)
{
	check_stack_depth();
	if (IsA(node, RangeTblRef))
	{
		int			rti = ((RangeTblRef *) node)->rtindex;

		phig_flow_reach_source(ctx, level, rti);
		if (compared)
			phig_flow_column(ctx, level, rti, InvalidAttrNumber, false, &ctx->used);
	}
	else if (IsA(node, SetOperationStmt))
	{
		SetOperationStmt *operation = (SetOperationStmt *) node;

		compared |= operation->op != SETOP_UNION || !operation->all;
		reach_set_operation(ctx, level, operation->larg, compared);
		reach_set_operation(ctx, level, operation->rarg, compared);
	}
	else
		phig_flow_unknown("node type", nodeTag(node));
}

/*
 * Two kinds of output act even when nobody asks for them: a set-returning one
 * decides how many rows there are, and a volatile function runs and may tell what it sees.
 */
static void
reach_unasked_outputs(PhigFlowContext *ctx, PhigFlowLevel *level)
{
	int			index = 0;
	ListCell   *lc;

	foreach(lc, level->output)
	{
		Node	   *expr = (Node *) lfirst_node(TargetEntry, lc)->expr;

		if (!IsA(expr, Var) &&
			((level->query->hasTargetSRFs && expression_returns_set(expr)) ||
			 contain_volatile_functions(expr)))
		{
			const Bitmapset *set = phig_flow_output(ctx, level, index);

			ctx->used = bms_add_members(ctx->used, set);
		}
		index++;
	}
}

/* Lets the target entries that a sort, group, distinct or window list names steer. */
void
phig_flow_steer_by(PhigFlowContext *ctx, PhigFlowLevel *level, List *clauses)
{
	ListCell   *lc;

	foreach(lc, clauses)
	{
		Index		ref = lfirst_node(SortGroupClause, lc)->tleSortGroupRef;
		int			index = 0;
		ListCell   *entry;

		foreach(entry, level->query->targetList)
		{
			if (lfirst_node(TargetEntry, entry)->ressortgroupref == ref)
			{
				const Bitmapset *set = phig_flow_output(ctx, level, index);

				ctx->used = bms_add_members(ctx->used, set);
				break;
			}
			index++;
		}
	}
}

/* Lets the keys and the frame of a window steer. */
void
phig_flow_steer_by_window(PhigFlowContext *ctx, PhigFlowLevel *level, Index winref)
{
	ListCell   *lc;

	foreach(lc, level->query->windowClause)
	{
		WindowClause *clause = lfirst_node(WindowClause, lc);

		if (clause->winref != winref)
			continue;
		phig_flow_steer_by(ctx, level, clause->partitionClause);
		phig_flow_steer_by(ctx, level, clause->orderClause);
		steer(ctx, level, clause->startOffset);
		steer(ctx, level, clause->endOffset);
	}
}

/*
 * Windows and aggregates with an order of their own sort the level's rows,
 * which others then see in that order, whether or not anybody asks for them.
 */
static bool
steer_by_sorts(Node *node, void *context)
{
	Place	   *place = context;
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (IsA(node, WindowFunc))
		phig_flow_steer_by_window(place->ctx, place->level, ((WindowFunc *) node)->winref);
	if (IsA(node, Aggref))
	{
		Aggref	   *aggref = (Aggref *) node;

		foreach(lc, aggref->aggorder ? aggref->aggorder : aggref->aggdistinct)
			steer(place->ctx, place->level, get_sortgroupclause_expr(lfirst(lc), aggref->args));
	}
	return expression_tree_walker(node, steer_by_sorts, context);
}

/* What reaches one output of a level, counted from 0.  Not to be changed by the caller. */
Bitmapset *
phig_flow_output(PhigFlowContext *ctx, PhigFlowLevel *level, int index)
{
	PhigFlowCell *cell = &level->cells[index];
	TargetEntry *tle;
	Bitmapset  *set = NULL;

	if (phig_flow_cell_known(ctx, cell))
		return cell->set;
	check_stack_depth();
	tle = list_nth_node(TargetEntry, level->output, index);
	if (level->query->setOperations)
		set_operation_column(ctx, level, level->query->setOperations, tle->resno, &set);
	level->in_returning += level->query->commandType != CMD_SELECT;
	phig_flow_expr(ctx, level, (Node *) tle->expr, &set);
	level->in_returning -= level->query->commandType != CMD_SELECT;
	phig_flow_cell_set(ctx, cell, set);
	return cell->set;
}

/* The left side of EXCEPT comes out, the right side never does. */
static void
set_operation_column(PhigFlowContext *ctx, PhigFlowLevel *level, Node *node, AttrNumber attno,
					 Bitmapset **out)
{
	check_stack_depth();
	if (IsA(node, RangeTblRef))
		phig_flow_column(ctx, level, ((RangeTblRef *) node)->rtindex, attno, false, out);
	else
	{
		SetOperationStmt *operation = castNode(SetOperationStmt, node);

		set_operation_column(ctx, level, operation->larg, attno, out);
		if (operation->op != SETOP_EXCEPT)
			set_operation_column(ctx, level, operation->rarg, attno, out);
	}
}

static void
steer(PhigFlowContext *ctx, PhigFlowLevel *level, void *expr)
{
	if (expr != NULL)
		phig_flow_expr(ctx, level, expr, &ctx->used);
}

/* A policy does not ask for the session; it is on record all the same. */
static void
steer_by_security(PhigFlowContext *ctx, PhigFlowLevel *level, List *quals)
{
	Bitmapset  *used = ctx->used;

	if (!ctx->governed)
	{
		steer(ctx, level, quals);
		return;
	}
	ctx->used = ctx->secured;
	steer(ctx, level, quals);
	ctx->secured = ctx->used;
	ctx->used = used;
}
