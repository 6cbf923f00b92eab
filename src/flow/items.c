/*
 * items.c
 *		Items by number, sets of them, and what the caller gets to see.
 *
 * A generated column: its value is derived from other columns of its row.
 * One that is stored has a value of its own and is an item like any other; one
 * that is computed when read (PostgreSQL 18) shows its sources as well.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/tupdesc.h"
#include "nodes/nodes.h"
#include "optimizer/optimizer.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "compat.h"
#include "flow/internal.h"

#define INITIAL_ITEMS 4

static int
new_item(PhigFlowContext *ctx, PhigFlowRel *rel, AttrNumber attno, PhigForm form, PhigLabel remaining)
{
	PhigFlowItem *item;

	if (ctx->nitems == ctx->maxitems)
	{
		ctx->maxitems = Max(INITIAL_ITEMS, 2 * ctx->maxitems);
		ctx->items = ctx->items ?
			repalloc(ctx->items, ctx->maxitems * sizeof(PhigFlowItem)) :
			palloc(ctx->maxitems * sizeof(PhigFlowItem));
		ctx->remaining = ctx->remaining ?
			repalloc(ctx->remaining, ctx->maxitems * sizeof(PhigLabel)) :
			palloc(ctx->maxitems * sizeof(PhigLabel));
	}
	ctx->remaining[ctx->nitems] = remaining;
	item = &ctx->items[ctx->nitems];
	item->relid = rel->relid;
	item->attno = attno;
	item->form = form;
	item->label = rel->labels[attno - 1];
	return ctx->nitems++;
}

/* Adds the column, if it is labelled, and what it is computed from. */
void
phig_flow_add_column(PhigFlowContext *ctx, PhigFlowRel *rel, AttrNumber attno, Bitmapset **out)
{
	if (attno > rel->natts)
		return;					/* younger than the labels: not labelled */
	if (phig_flow_counts(ctx, &rel->labels[attno - 1]))
	{
		int		   *id = &rel->ids[attno - 1];

		if (*id == 0)
			*id = 1 + new_item(ctx, rel, attno, PHIG_FORM_CLEAR, rel->labels[attno - 1]);
		*out = bms_add_member(*out, *id - 1);
	}
	if (rel->has_virtual)
	{
		Bitmapset  *from = phig_flow_generated_from(rel->relid, attno, true);
		int			source = -1;

		while ((source = bms_next_member(from, source)) >= 0)
			phig_flow_add_column(ctx, rel, source, out);
	}
}

/* Adds all labelled columns. */
void
phig_flow_add_row(PhigFlowContext *ctx, PhigFlowRel *rel, Bitmapset **out)
{
	for (AttrNumber attno = 1; attno <= rel->natts; attno++)
	{
		if (phig_flow_counts(ctx, &rel->labels[attno - 1]))
			phig_flow_add_column(ctx, rel, attno, out);
	}
}

/* The item of a column in a form; it may have come about in several ways, of which one left the most. */
static int
transformed_item(PhigFlowContext *ctx, const PhigFlowItem *item, Oid transform, PhigLabel remaining)
{
	for (int id = 0; id < ctx->nitems; id++)
	{
		if (ctx->items[id].form != transform || ctx->items[id].attno != item->attno ||
			ctx->items[id].relid != item->relid)
			continue;
		ctx->remaining[id] = phig_label_stricter(&ctx->remaining[id], &remaining);
		return id;
	}
	return new_item(ctx, phig_flow_rel(ctx, item->relid), item->attno, transform, remaining);
}

/* Adds the items of a function's argument: in the function's form where it is a transform that takes them. */
void
phig_flow_transform_items(PhigFlowContext *ctx, const Bitmapset *arguments, Oid function, bool computed,
						  Bitmapset **out)
{
	int			argument = -1;

	while ((argument = bms_next_member(arguments, argument)) >= 0)
	{
		PhigLabel	remaining;
		int			id = argument;

		if (phig_flow_transform(function, &ctx->remaining[argument], computed, &remaining))
		{
			if (ctx->method != PHIG_FLOW_ANY_METHOD && !phig_flow_method_accepts(function, ctx->method))
				remaining = ctx->remaining[argument];
			id = transformed_item(ctx, &ctx->items[argument], function, remaining);
		}
		*out = bms_add_member(*out, id);
	}
}

PhigLabel
phig_flow_strictest(const PhigFlowContext *ctx, const Bitmapset *set)
{
	PhigLabel	strictest = {.category = PHIG_CAT_UNLABELLED};
	int			id = -1;
	bool		first = true;

	while ((id = bms_next_member(set, id)) >= 0)
	{
		strictest = first ? ctx->remaining[id] : phig_label_stricter(&strictest, &ctx->remaining[id]);
		first = false;
	}
	return strictest;
}

static int
compare_items(const void *a, const void *b)
{
	const PhigFlowItem *left = a;
	const PhigFlowItem *right = b;

	if (left->relid != right->relid)
		return left->relid < right->relid ? -1 : 1;
	if (left->attno != right->attno)
		return left->attno < right->attno ? -1 : 1;
	if (left->form != right->form)
		return left->form < right->form ? -1 : 1;
	return 0;
}

PhigFlowSet
phig_flow_make_set(const PhigFlowContext *ctx, const Bitmapset *set)
{
	PhigFlowSet result = {0};
	int			id = -1;

	if (set == NULL)
		return result;
	result.items = palloc(bms_num_members(set) * sizeof(PhigFlowItem));
	while ((id = bms_next_member(set, id)) >= 0)
	{
		result.items[result.nitems] = ctx->items[id];
		result.items[result.nitems++].left = ctx->remaining[id];
	}
	if (result.nitems > 1)
		qsort(result.items, result.nitems, sizeof(PhigFlowItem), compare_items);
	return result;
}

static bool
has_column(const PhigFlowSet *set, const PhigFlowItem *column)
{
	for (int i = 0; i < set->nitems; i++)
		if (set->items[i].relid == column->relid && set->items[i].attno == column->attno)
			return true;
	return false;
}

static void
add_withheld(PhigFlow *flow, PhigFlowSet *set, const PhigFlowSet *asked)
{
	PhigFlowSet more = {set->nitems, palloc((set->nitems + asked->nitems) * sizeof(PhigFlowItem))};

	if (set->nitems > 0)
		memcpy(more.items, set->items, set->nitems * sizeof(PhigFlowItem));
	for (int i = 0; i < asked->nitems; i++)
	{
		PhigFlowItem item = asked->items[i];

		if (!phig_label_is_phi(&item.label) || has_column(&flow->returned, &item) ||
			has_column(&flow->stored, &item) || has_column(&flow->referenced, &item))
			continue;
		item.form = PHIG_FORM_WITHHELD;
		item.left = (PhigLabel) {.category = PHIG_CAT_NONE};
		more.items[more.nitems++] = item;
	}
	if (more.nitems > 1)
		qsort(more.items, more.nitems, sizeof(PhigFlowItem), compare_items);
	*set = more;
}

void
phig_flow_add_withheld(PhigFlow *flow, const PhigFlow *asked)
{
	add_withheld(flow, &flow->returned, &asked->returned);
	add_withheld(flow, &flow->stored, &asked->stored);
	add_withheld(flow, &flow->referenced, &asked->referenced);
	add_withheld(flow, &flow->referenced, &asked->secured);
}

static bool
is_generated(TupleDesc desc, AttrNumber attno, bool only_virtual)
{
	Form_pg_attribute att;

	if (attno < 1 || attno > desc->natts)
		return false;
	att = TupleDescAttr(desc, attno - 1);
	return only_virtual ? phig_compat_is_virtual(att) : att->attgenerated != '\0';
}

/*
 * phig_flow_generated_from
 *		The columns that a generated column is computed from; none for any other column.
 *
 * The caller holds a lock on the relation.
 */
Bitmapset *
phig_flow_generated_from(Oid relid, AttrNumber attno, bool only_virtual)
{
	Relation	relation = RelationIdGetRelation(relid);
	Bitmapset  *offsets = NULL,
			   *attnos = NULL;
	int			offset = -1;

	if (!RelationIsValid(relation))
		return NULL;
	if (is_generated(RelationGetDescr(relation), attno, only_virtual))
	{
		const TupleConstr *constr = RelationGetDescr(relation)->constr;

		for (int i = 0; i < constr->num_defval; i++)
		{
			if (constr->defval[i].adnum == attno)
				pull_varattnos(stringToNode(constr->defval[i].adbin), 1, &offsets);
		}
	}
	RelationClose(relation);
	while ((offset = bms_next_member(offsets, offset)) >= 0)
	{
		AttrNumber	source = offset + FirstLowInvalidHeapAttributeNumber;

		if (source > 0)
			attnos = bms_add_member(attnos, source);
	}
	return attnos;
}
