/*
 * expr.c
 *		What reaches an expression.
 *
 * By default everything below a node reaches it.  The cases that differ stand
 * in the switch of follow(); the rules themselves in flow.c.
 */
#include "postgres.h"

#include "access/transam.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "flow/internal.h"

typedef struct Walk
{
	PhigFlowContext *ctx;
	PhigFlowLevel *level;		/* where the expression stands */
	List	   *tlist;			/* of an assignment, see PhigFlowAssign */
	Bitmapset **out;
} Walk;

static bool follow(Node *node, void *context);
static void follow_steering(Walk *walk, void *expr);
static PhigFlowLevel *level_of(Walk *walk, Index levels_up);
static void follow_param(Walk *walk, const Param *param);
static void follow_aggregate(Walk *walk, Aggref *aggref);
static void follow_window(Walk *walk, WindowFunc *window);
static void follow_function(Walk *walk, FuncExpr *call);
static bool is_column(PhigFlowContext *ctx, PhigFlowLevel *level, Node *expression);
static bool is_stored_column(PhigFlowContext *ctx, PhigFlowLevel *level, const Var *var);
static void follow_sublink(Walk *walk, SubLink *sublink);
static void follow_field(Walk *walk, Node *row, AttrNumber field);
static bool follow_field_of_var(Walk *walk, const Var *var, AttrNumber field);
static bool follow_field_of_output(Walk *walk, PhigFlowLevel *level, AttrNumber attno,
								   AttrNumber field);

void
phig_flow_expr(PhigFlowContext *ctx, PhigFlowLevel *level, Node *expr, Bitmapset **out)
{
	Walk		walk = {.ctx = ctx, .level = level, .out = out};

	follow(expr, &walk);
}

void
phig_flow_assigned_expr(PhigFlowContext *ctx, PhigFlowLevel *level, PhigFlowAssign *assign,
						Bitmapset **out)
{
	Walk		walk = {.ctx = ctx, .level = level, .tlist = assign->tlist, .out = out};

	follow((Node *) assign->expr, &walk);
}

/* Fail closed: what is not understood may carry anything. */
void
phig_flow_unknown(const char *what, int number)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("phiguard cannot follow labelled data through %s %d", what, number),
			 errhint("It meets a labelled table and is refused; please report the statement.")));
}

static bool
follow(Node *node, void *context)
{
	Walk	   *walk = context;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Const:
			return false;		/* the most frequent node of long lists */
		case T_Var:
			{
				const Var  *var = (const Var *) node;

				if (IS_SPECIAL_VARNO(var->varno))
					phig_flow_unknown("a Var of kind", var->varno);
				phig_flow_column(walk->ctx, level_of(walk, var->varlevelsup), var->varno,
								 var->varattno, phig_compat_var_is_old(var), walk->out);
				return false;
			}
		case T_Param:
			follow_param(walk, (const Param *) node);
			return false;
		case T_Aggref:
			follow_aggregate(walk, (Aggref *) node);
			return false;
		case T_GroupingFunc:
			return false;		/* says which grouping set, not what is in it */
		case T_WindowFunc:
			follow_window(walk, (WindowFunc *) node);
			return false;
		case T_FuncExpr:
			follow_function(walk, (FuncExpr *) node);
			return false;
		case T_SubLink:
			follow_sublink(walk, (SubLink *) node);
			return false;
		case T_FieldSelect:
			follow_field(walk, (Node *) ((FieldSelect *) node)->arg,
						 ((FieldSelect *) node)->fieldnum);
			return false;
		case T_Query:
		case T_SubPlan:
		case T_AlternativeSubPlan:
		case T_PlaceHolderVar:
			phig_flow_unknown("node type", nodeTag(node));
			return false;
		default:
			return expression_tree_walker(node, follow, context);
	}
}

static void
follow_steering(Walk *walk, void *expr)
{
	phig_flow_expr(walk->ctx, walk->level, expr, &walk->ctx->used);
}

static PhigFlowLevel *
level_of(Walk *walk, Index levels_up)
{
	PhigFlowLevel *level = walk->level;

	for (; levels_up > 0 && level != NULL; levels_up--)
		level = level->parent;
	if (level == NULL)
		elog(ERROR, "Var points above the outermost query level");
	return level;
}

/*
 * Parameters bring the client's own values, and the results of sub-selects
 * that follow_sublink() adds itself; but SET (a, b) = (SELECT ...) keeps its
 * sub-select elsewhere in the target list, and only parameters in the columns.
 */
static void
follow_param(Walk *walk, const Param *param)
{
	int			link = param->paramid >> 16;
	AttrNumber	attno = param->paramid & 0xFFFF;
	ListCell   *lc;

	if (param->paramkind != PARAM_MULTIEXPR)
		return;
	foreach(lc, walk->tlist)
	{
		const SubLink *sublink = (const SubLink *) lfirst_node(TargetEntry, lc)->expr;

		if (IsA(sublink, SubLink) && sublink->subLinkType == MULTIEXPR_SUBLINK &&
			sublink->subLinkId == link)
		{
			PhigFlowLevel *below = phig_flow_child(walk->level,
												   castNode(Query, sublink->subselect));

			phig_flow_reach(walk->ctx, below);
			phig_flow_level_column(walk->ctx, below, attno, walk->out);
			return;
		}
	}
	phig_flow_unknown("a multiple assignment's parameter", param->paramid);
}

/* count() tells how many, not what; FILTER and the aggregate's own ORDER BY steer. */
static void
follow_aggregate(Walk *walk, Aggref *aggref)
{
	ListCell   *lc;

	follow_steering(walk, aggref->aggfilter);
	if (aggref->aggfnoid == F_COUNT_ANY)
	{
		follow_steering(walk, aggref->args);
		return;
	}
	follow((Node *) aggref->aggdirectargs, walk);
	foreach(lc, aggref->args)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (tle->resjunk)
			follow_steering(walk, tle->expr);
		else
			follow((Node *) tle->expr, walk);
	}
}

static void
follow_window(Walk *walk, WindowFunc *window)
{
	follow_steering(walk, window->aggfilter);
	if (window->winfnoid == F_COUNT_ANY)
		follow_steering(walk, window->args);
	else
		follow((Node *) window->args, walk);
	phig_flow_steer_by_window(walk->ctx, walk->level, window->winref);
}

/* What goes into a transform, argument by argument, may come out as less. */
static void
follow_function(Walk *walk, FuncExpr *call)
{
	Bitmapset **out = walk->out;
	ListCell   *lc;

	if (!phig_flow_is_transform(call->funcid))
	{
		follow((Node *) call->args, walk);
		return;
	}
	foreach(lc, call->args)
	{
		Bitmapset  *argument = NULL;

		walk->out = &argument;
		follow(lfirst(lc), walk);
		walk->out = out;
		phig_flow_transform_items(walk->ctx, argument, call->funcid,
								  !is_column(walk->ctx, walk->level, lfirst(lc)), out);
	}
}

Node *
phig_flow_uncast(Node *expression)
{
	for (;;)
	{
		if (IsA(expression, RelabelType))
			expression = (Node *) ((RelabelType *) expression)->arg;
		else if (IsA(expression, CoerceToDomain))
			expression = (Node *) ((CoerceToDomain *) expression)->arg;
		else if (IsA(expression, NamedArgExpr))
			expression = (Node *) ((NamedArgExpr *) expression)->arg;
		else if (IsA(expression, FuncExpr) && ((FuncExpr *) expression)->funcid < FirstNormalObjectId &&
				 (((FuncExpr *) expression)->funcformat == COERCE_EXPLICIT_CAST ||
				  ((FuncExpr *) expression)->funcformat == COERCE_IMPLICIT_CAST) &&
				 list_length(((FuncExpr *) expression)->args) == 1)
			expression = linitial(((FuncExpr *) expression)->args);
		else
			return expression;
	}
}

/* Is the value that of a column of a table, as it is?  Where that is not plain to see: no. */
static bool
is_column(PhigFlowContext *ctx, PhigFlowLevel *level, Node *expression)
{
	const Var  *var = (Var *) phig_flow_uncast(expression);
	const RangeTblEntry *rte;
	PhigFlowLevel *below;

	check_stack_depth();
	if (IsA(var, Aggref) && phig_flow_is_min_or_max((const Aggref *) var))
		return is_column(ctx, level, (Node *) linitial_node(TargetEntry, ((const Aggref *) var)->args)->expr);
	if (!IsA(var, Var) || IS_SPECIAL_VARNO(var->varno) || var->varattno <= 0)
		return false;
	for (Index up = var->varlevelsup; up > 0 && level != NULL; up--)
		level = level->parent;
	if (level == NULL)
		return false;
	rte = rt_fetch(var->varno, level->query->rtable);
	if (rte->rtekind == RTE_JOIN)
		return is_column(ctx, level, list_nth(rte->joinaliasvars, var->varattno - 1));
	if (phig_compat_is_group(rte))
		return is_column(ctx, level, list_nth(phig_compat_group_exprs(rte), var->varattno - 1));
	below = phig_flow_source_level(ctx, level, var->varno);
	if (below != NULL)
		return below->query->setOperations == NULL && below->query->commandType == CMD_SELECT &&
			var->varattno <= list_length(below->output) &&
			is_column(ctx, below,
					  (Node *) list_nth_node(TargetEntry, below->output, var->varattno - 1)->expr);
	return rte->rtekind == RTE_RELATION && is_stored_column(ctx, level, var);
}

/* Of the server: they give one of the values that they get. */
bool
phig_flow_is_min_or_max(const Aggref *aggref)
{
	const char *name = aggref->aggfnoid < FirstNormalObjectId ? get_func_name(aggref->aggfnoid) : NULL;

	return name != NULL && (strcmp(name, "min") == 0 || strcmp(name, "max") == 0) &&
		aggref->agglevelsup == 0 && list_length(aggref->args) == 1;
}

/* Not what the statement itself puts there, nor what is computed when it is read. */
static bool
is_stored_column(PhigFlowContext *ctx, PhigFlowLevel *level, const Var *var)
{
	const Query *query = level->query;
	PhigFlowRel *rel = phig_flow_source_rel(ctx, level, var->varno);

	if ((int) var->varno == query->resultRelation && query->commandType != CMD_DELETE &&
		level->in_returning > 0)
		return false;
	if (query->onConflict && (int) var->varno == query->onConflict->exclRelIndex)
		return false;
	return rel == NULL || !rel->has_virtual ||
		phig_flow_generated_from(rel->relid, var->varattno, true) == NULL;
}

static void
follow_sublink(Walk *walk, SubLink *sublink)
{
	PhigFlowLevel *below = phig_flow_child(walk->level, castNode(Query, sublink->subselect));

	phig_flow_reach(walk->ctx, below);
	switch (sublink->subLinkType)
	{
		case EXISTS_SUBLINK:
			break;				/* whether there is a row: no value comes out */
		case ALL_SUBLINK:
		case ANY_SUBLINK:
		case ROWCOMPARE_SUBLINK:
		case EXPR_SUBLINK:
		case ARRAY_SUBLINK:
			follow(sublink->testexpr, walk);
			phig_flow_level_column(walk->ctx, below, InvalidAttrNumber, walk->out);
			break;
		case MULTIEXPR_SUBLINK:
			break;				/* see follow_param */
		default:
			phig_flow_unknown("sub-select kind", sublink->subLinkType);
	}
}

/* One field of a row: only that field where the row can be taken apart, else all of it. */
static void
follow_field(Walk *walk, Node *row, AttrNumber field)
{
	check_stack_depth();
	switch (nodeTag(row))
	{
		case T_Var:
			if (follow_field_of_var(walk, (const Var *) row, field))
				return;
			break;
		case T_RowExpr:
			if (field <= list_length(((RowExpr *) row)->args))
			{
				follow(list_nth(((RowExpr *) row)->args, field - 1), walk);
				return;
			}
			break;
		case T_RelabelType:
			follow_field(walk, (Node *) ((RelabelType *) row)->arg, field);
			return;
		case T_CoerceToDomain:
			follow_field(walk, (Node *) ((CoerceToDomain *) row)->arg, field);
			return;
		case T_SubLink:
			if (((SubLink *) row)->subLinkType == EXPR_SUBLINK)
			{
				Query	   *subselect = castNode(Query, ((SubLink *) row)->subselect);
				PhigFlowLevel *below = phig_flow_child(walk->level, subselect);

				phig_flow_reach(walk->ctx, below);
				if (follow_field_of_output(walk, below, 1, field))
					return;
			}
			break;
		default:
			break;
	}
	follow(row, walk);
}

/* False when the variable's row cannot be taken apart. */
static bool
follow_field_of_var(Walk *walk, const Var *var, AttrNumber field)
{
	PhigFlowLevel *level;
	PhigFlowLevel *below;
	RangeTblEntry *rte;

	if (IS_SPECIAL_VARNO(var->varno))
		return false;
	level = level_of(walk, var->varlevelsup);
	rte = rt_fetch(var->varno, level->query->rtable);
	if (var->varattno == InvalidAttrNumber)
	{
		/* A join's row leaves out dropped columns, so that fields count otherwise there. */
		if (rte->rtekind == RTE_JOIN)
			return false;
		phig_flow_column(walk->ctx, level, var->varno, field, phig_compat_var_is_old(var),
						 walk->out);
		return true;
	}
	below = phig_flow_source_level(walk->ctx, level, var->varno);
	return below != NULL && follow_field_of_output(walk, below, var->varattno, field);
}

static bool
follow_field_of_output(Walk *walk, PhigFlowLevel *level, AttrNumber attno, AttrNumber field)
{
	Walk		inner = {.ctx = walk->ctx, .level = level, .out = walk->out};
	TargetEntry *tle;

	/* Set operations (and so all recursion) mix rows; RETURNING sees its target otherwise. */
	if (level->query->setOperations || level->query->commandType != CMD_SELECT ||
		attno > list_length(level->output))
		return false;
	tle = list_nth_node(TargetEntry, level->output, attno - 1);
	follow_field(&inner, (Node *) tle->expr, field);
	return true;
}
