/*
 * checked.c
 *		What a statement assigns beside what the server compares it with.
 *
 * CHECK constraints, the expressions of indexes and of generated columns are evaluated over each new row, and fail, or
 * not, by all columns in it.  Where such an expression has a column that the statement assigns and one that it may not
 * see, whoever assigns can choose what the other is compared with: so the statement looks at it.
 * A key of several plain columns says only whether there is such a row; that no policy can hide.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/sysattr.h"
#include "access/tupdesc.h"
#include "nodes/bitmapset.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "enforce/internal.h"
#include "label/inherit.h"

/* Of a statement: what it assigns, by columns of the relation that it names. */
typedef struct Assigning
{
	Oid			relid;
	const Bitmapset *assigned;
	Bitmapset  *beside;			/* columns that stand beside them */
} Assigning;

static void look_at_relation(Assigning *assigning, Oid relid);
static void look_at_indexes(Assigning *assigning, Relation relation);
static void look_at(Assigning *assigning, Relation relation, Node *expr);
static Bitmapset *columns_of(Relation relation, Node *expr);

Bitmapset *
phig_enforce_compared(Oid relid, const Bitmapset *assigned)
{
	Assigning	assigning = {.relid = relid, .assigned = assigned};
	ListCell   *lc;

	if (bms_is_empty(assigned))
		return NULL;
	foreach(lc, phig_family(relid))
		look_at_relation(&assigning, lfirst_oid(lc));
	return assigning.beside;
}

static void
look_at_relation(Assigning *assigning, Oid relid)
{
	Relation	relation = RelationIdGetRelation(relid);
	TupleDesc	desc;

	if (!RelationIsValid(relation))
		return;
	desc = RelationGetDescr(relation);
	for (int i = 0; desc->constr != NULL && i < desc->constr->num_check; i++)
		look_at(assigning, relation, stringToNode(desc->constr->check[i].ccbin));
	for (AttrNumber attno = 1; attno <= desc->natts; attno++)
		if (TupleDescAttr(desc, attno - 1)->attgenerated == ATTRIBUTE_GENERATED_STORED)
			look_at(assigning, relation, build_column_default(relation, attno));
	look_at_indexes(assigning, relation);
	RelationClose(relation);
}

static void
look_at_indexes(Assigning *assigning, Relation relation)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(relation))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		ListCell   *lc2;

		foreach(lc2, RelationGetIndexExpressions(index))
			look_at(assigning, relation, lfirst(lc2));
		look_at(assigning, relation, (Node *) RelationGetIndexPredicate(index));
		index_close(index, NoLock);
	}
}

/* Whole rows are all columns; a child's are those of the same name. */
static void
look_at(Assigning *assigning, Relation relation, Node *expr)
{
	Bitmapset  *columns = columns_of(relation, expr);
	Bitmapset  *named = NULL;
	int			attno = -1;

	while ((attno = bms_next_member(columns, attno)) >= 0)
	{
		const FormData_pg_attribute *att = TupleDescAttr(RelationGetDescr(relation), attno - 1);
		AttrNumber	above = RelationGetRelid(relation) == assigning->relid ? attno :
			get_attnum(assigning->relid, NameStr(att->attname));

		if (above > 0)
			named = bms_add_member(named, above);
	}
	if (bms_overlap(named, assigning->assigned))
		assigning->beside = bms_add_members(assigning->beside, bms_difference(named, assigning->assigned));
}

/* A generated column stands for what it is made of, and for itself. */
static Bitmapset *
columns_of(Relation relation, Node *expr)
{
	TupleDesc	desc = RelationGetDescr(relation);
	Bitmapset  *offsets = NULL;
	Bitmapset  *columns = NULL;
	bool		whole_row;

	pull_varattnos(expr, 1, &offsets);
	whole_row = bms_is_member(-FirstLowInvalidHeapAttributeNumber, offsets);
	for (AttrNumber attno = 1; attno <= desc->natts; attno++)
	{
		const FormData_pg_attribute *att = TupleDescAttr(desc, attno - 1);

		if (att->attisdropped || (!whole_row && !bms_is_member(attno - FirstLowInvalidHeapAttributeNumber, offsets)))
			continue;
		columns = bms_add_member(columns, attno);
		if (att->attgenerated)
			columns = bms_add_members(columns, columns_of(relation, build_column_default(relation, attno)));
	}
	return columns;
}
