/*
 * follow.c
 *		Labels follow DDL.
 *
 * What a column inherits, or has from its type or expression, is found anew at each look-up
 * and so needs nothing here, until DDL cuts it off: DETACH PARTITION, NO INHERIT, another
 * type, DROP EXPRESSION, a parent's column dropped with ONLY.  The labels of the relation and
 * of all below it are therefore noted before the statement, and a column that has less
 * afterwards gets what it had as its own label.  Values may also move without a query:
 * ALTER COLUMN TYPE ... USING reads other columns, and CREATE TABLE ... LIKE is the shape
 * that data will come to.
 *
 * The relation is locked before it is noted, as strongly as the statement will lock it, so
 * that nobody attaches or relabels in between.  A PhigFollow lives in the context of the
 * utility statement: it survives the commit in the middle of DETACH CONCURRENTLY.  There
 * the lock does not, and the statement waits: what the parent got meanwhile counts too.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "flow/flow.h"
#include "label/cache.h"
#include "label/extension.h"
#include "label/inherit.h"
#include "label/label.h"
#include "label/names.h"
#include "label/resolve.h"
#include "label/store.h"
#include "label/value.h"

/* A label that a column, known by name, is to have at least. */
typedef struct WantedLabel
{
	char	   *column_name;
	PhigLabel	label;
} WantedLabel;

struct PhigFollow
{
	NodeTag		statement;		/* T_Invalid: labels have nothing to do */
	Oid			relid;			/* altered relation; InvalidOid for other statements */
	Oid			detached;		/* partition of DETACH CONCURRENTLY */
	RangeVar   *name;			/* created relation, or the one whose column is renamed */
	List	   *hanging;		/* of Hanging *: what may lose its parents */
	List	   *before;			/* of PhigRelLabels *: the altered relation, and all below it */
	List	   *wanted;			/* of WantedLabel *, for the altered or created relation */
	List	   *sources;		/* OIDs: the relations of CREATE TABLE ... LIKE */
	char	   *old_name;		/* of a renamed column */
	char	   *new_name;
	List	   *noted;			/* names that stand in our tables, where objects are renamed or
								 * moved */
	List	   *renames;		/* of phig_renames_note_hook */
};

/* A relation, and its ancestors without parents. */
typedef struct Hanging
{
	Oid			relid;
	List	   *tops;
} Hanging;

/* A call that stands around the present part of an expression. */
typedef struct NamedCall
{
	FuncCandidateList candidates;	/* every function that its name may mean */
	bool		computed;		/* its argument is more than a column */
	const struct NamedCall *outer;
} NamedCall;

typedef struct UsingContext
{
	const PhigRelLabels *columns;
	const NamedCall *call;		/* the innermost, or NULL */
	PhigLabel	label;
} UsingContext;

static PhigFollow *before(Node *utilityStmt);
static PhigFollow *before_alter(AlterTableStmt *stmt);
static PhigFollow *before_rename(RenameStmt *stmt);
static PhigFollow *before_move(ObjectType type, RangeVar *name);
static PhigFollow *before_create(CreateStmt *stmt);
static PhigFollow *before_label(SecLabelStmt *stmt);
static void after_alter(PhigFollow *follow);
static void after_rename(PhigFollow *follow);
static void after_create(PhigFollow *follow);
static void after_label(PhigFollow *follow);
static bool takes_off(AlterTableStmt *stmt);
static List *note_hanging(Oid relid);
static bool cuts_labels_off(AlterTableType subtype);
static Oid	lock_altered(AlterTableStmt *stmt);
static Oid	concurrently_detached(AlterTableStmt *stmt);
static List *labels_of_using(AlterTableStmt *stmt, const PhigRelLabels *columns);
static bool using_walker(Node *node, UsingContext *context);
static void add_column_ref(ColumnRef *ref, UsingContext *context);
static void add_column(UsingContext *context, AttrNumber attno, bool in_row);
static PhigLabel left_by_call(const NamedCall *call, PhigLabel label, bool computed);
static void restore(const PhigRelLabels *before);
static void want(Oid relid, const WantedLabel *wanted);
static List *labels_by_name(Oid relid);

phig_detached_hook_type phig_detached_hook;
phig_label_stored_hook_type phig_label_stored_hook;
phig_renames_note_hook_type phig_renames_note_hook;
phig_renames_follow_hook_type phig_renames_follow_hook;

PhigFollow *
phig_follow_before(Node *utilityStmt)
{
	PhigFollow *follow = before(utilityStmt);
	List	   *renames = NIL;

	if (phig_renames_note_hook != NULL &&
		(IsA(utilityStmt, RenameStmt) || IsA(utilityStmt, AlterObjectSchemaStmt)))
		renames = phig_renames_note_hook();
	if (renames != NIL && follow == NULL)
		follow = palloc0(sizeof(PhigFollow));
	if (renames != NIL)
		follow->renames = renames;
	return follow;
}

/* NULL: nothing to do for labels. */
static PhigFollow *
before(Node *utilityStmt)
{
	phig_extension_statement_begins();
	switch (nodeTag(utilityStmt))
	{
		case T_AlterTableStmt:
			return before_alter((AlterTableStmt *) utilityStmt);
		case T_RenameStmt:
			return before_rename((RenameStmt *) utilityStmt);
		case T_AlterObjectSchemaStmt:
			return before_move(((AlterObjectSchemaStmt *) utilityStmt)->objectType,
							   ((AlterObjectSchemaStmt *) utilityStmt)->relation);
		case T_CreateStmt:
			return before_create((CreateStmt *) utilityStmt);
		case T_CreateForeignTableStmt:
			return before_create(&((CreateForeignTableStmt *) utilityStmt)->base);
		case T_SecLabelStmt:
			return before_label((SecLabelStmt *) utilityStmt);
		case T_DropStmt:
			phig_extension_before_drop((DropStmt *) utilityStmt);
			return NULL;
		default:
			return NULL;
	}
}

void
phig_follow_after(PhigFollow *follow)
{
	bool		push;

	if (follow == NULL)
		return;

	/*
	 * After the commit in the middle of DETACH CONCURRENTLY there is no snapshot, which writing
	 * labels needs.
	 */
	push = !ActiveSnapshotSet();
	CommandCounterIncrement();
	if (push)
		PushActiveSnapshot(GetTransactionSnapshot());
	if (follow->renames != NIL)
		phig_renames_follow_hook(follow->renames);
	if (follow->statement == T_AlterTableStmt)
		after_alter(follow);
	else if (follow->statement == T_RenameStmt)
		after_rename(follow);
	else if (follow->statement == T_AlterObjectSchemaStmt)
		phig_names_follow(follow->noted);
	else if (follow->statement == T_CreateStmt)
		after_create(follow);
	else if (follow->statement == T_SecLabelStmt)
		after_label(follow);
	if (push)
		PopActiveSnapshot();
}

static PhigFollow *
before_alter(AlterTableStmt *stmt)
{
	PhigFollow *follow;
	bool		cuts = false;
	Oid			relid;
	ListCell   *cell;

	foreach(cell, stmt->cmds)
		cuts = cuts || cuts_labels_off(lfirst_node(AlterTableCmd, cell)->subtype);
	if (!cuts)
		return NULL;
	relid = lock_altered(stmt);
	if (!OidIsValid(relid))
		return NULL;

	follow = palloc0(sizeof(PhigFollow));
	follow->statement = T_AlterTableStmt;
	follow->relid = relid;
	if (!phig_relkind_has_labels(get_rel_relkind(relid)))
		return follow;
	if (takes_off(stmt) && phig_detached_hook != NULL)
		follow->hanging = note_hanging(relid);
	foreach(cell, phig_family(relid))
		if (phig_cache_relation(lfirst_oid(cell)) != NULL)
			follow->before = lappend(follow->before, phig_label_relation_copy(lfirst_oid(cell)));
	if (phig_label_relation(relid) != NULL)
		follow->wanted = labels_of_using(stmt, phig_label_relation_copy(relid));
	follow->detached = concurrently_detached(stmt);
	return follow;
}

static void
after_alter(PhigFollow *follow)
{
	ListCell   *cell;

	/*
	 * What ATTACH and INHERIT bring below hangs from the relation now; what was cut off was
	 * noted.
	 */
	phig_label_invalidate(follow->relid);
	foreach(cell, follow->before)
		phig_label_invalidate(((PhigRelLabels *) lfirst(cell))->relid);
	CommandCounterIncrement();

	foreach(cell, follow->before)
		restore(lfirst(cell));
	foreach(cell, follow->wanted)
		want(follow->relid, lfirst(cell));
	if (OidIsValid(follow->detached))
		foreach(cell, labels_by_name(follow->relid))
			want(follow->detached, lfirst(cell));
	foreach(cell, follow->hanging)
	{
		const Hanging *one = lfirst(cell);

		if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(one->relid)) && phig_parents(one->relid) == NIL)
			phig_detached_hook(one->relid, one->tops);
	}
}

/* Does the statement take something from below something else? */
static bool
takes_off(AlterTableStmt *stmt)
{
	ListCell   *cell;

	foreach(cell, stmt->cmds)
		switch (lfirst_node(AlterTableCmd, cell)->subtype)
		{
			case AT_DropInherit:
			case AT_DetachPartition:
			case AT_DetachPartitionFinalize:
				return true;
			default:
				break;
		}
	return false;
}

/* What has parents among the relation and all below it. */
static List *
note_hanging(Oid relid)
{
	List	   *hanging = NIL;
	ListCell   *cell;

	foreach(cell, phig_family(relid))
	{
		Hanging    *one;

		if (phig_parents(lfirst_oid(cell)) == NIL)
			continue;
		one = palloc(sizeof(Hanging));
		one->relid = lfirst_oid(cell);
		one->tops = phig_tops(one->relid);
		hanging = lappend(hanging, one);
	}
	return hanging;
}

static PhigFollow *
before_rename(RenameStmt *stmt)
{
	PhigFollow *follow;

	if (stmt->renameType != OBJECT_COLUMN)
		return before_move(stmt->renameType, stmt->relation);
	follow = palloc0(sizeof(PhigFollow));
	follow->statement = T_RenameStmt;
	follow->name = copyObject(stmt->relation);
	follow->old_name = pstrdup(stmt->subname);
	follow->new_name = pstrdup(stmt->newname);
	return follow;
}

/* Labels of columns follow by number; names stand in the registry and in subject=. */
static void
after_rename(PhigFollow *follow)
{
	Oid			relid = RangeVarGetRelid(follow->name, NoLock, true);
	ListCell   *cell;

	if (!OidIsValid(relid) || !phig_relkind_has_labels(get_rel_relkind(relid)))
		return;
	foreach(cell, phig_family(relid))
	{
		char	   *subject = phig_stored_subject(lfirst_oid(cell));

		phig_names_rename_column(lfirst_oid(cell), follow->old_name, follow->new_name);
		if (subject != NULL && strcmp(subject, follow->old_name) == 0)
			phig_store_subject(lfirst_oid(cell), follow->new_name);
	}
}

/* ALTER ... RENAME and SET SCHEMA of what may be registered, or have it in it.  name: of a relation, else NULL. */
static PhigFollow *
before_move(ObjectType type, RangeVar *name)
{
	PhigFollow *follow;
	Oid			relid = name == NULL ? InvalidOid : RangeVarGetRelid(name, NoLock, true);
	char		relkind = OidIsValid(relid) ? get_rel_relkind(relid) : '\0';

	/* A view may be an extract. */
	if (name != NULL ? !phig_relkind_has_labels(relkind) && relkind != RELKIND_VIEW :
		type != OBJECT_SCHEMA && type != OBJECT_DOMAIN && type != OBJECT_TYPE && type != OBJECT_EXTENSION)
		return NULL;
	follow = palloc0(sizeof(PhigFollow));
	follow->statement = T_AlterObjectSchemaStmt;
	follow->noted = phig_names_note();
	return follow;
}

static PhigFollow *
before_create(CreateStmt *stmt)
{
	PhigFollow *follow;
	List	   *sources = NIL;
	ListCell   *cell;

	foreach(cell, stmt->tableElts)
		if (IsA(lfirst(cell), TableLikeClause))
		{
			Oid			source = RangeVarGetRelid(((TableLikeClause *) lfirst(cell))->relation, NoLock, true);

			/* Looked up now: the new table may take the place of its name. */
			if (OidIsValid(source) && phig_cache_relation(source) != NULL)
				sources = lappend_oid(sources, source);
		}
	if (sources == NIL ||
		(stmt->if_not_exists &&
		 OidIsValid(get_relname_relid(stmt->relation->relname, RangeVarGetCreationNamespace(stmt->relation)))))
		return NULL;
	follow = palloc0(sizeof(PhigFollow));
	follow->statement = T_CreateStmt;
	follow->name = copyObject(stmt->relation);
	follow->sources = sources;
	return follow;
}

static void
after_create(PhigFollow *follow)
{
	Oid			relid = get_relname_relid(follow->name->relname, RangeVarGetCreationNamespace(follow->name));
	ListCell   *source;

	if (!OidIsValid(relid))
		return;
	foreach(source, follow->sources)
	{
		PhigRelLabels *labels = phig_label_relation_copy(lfirst_oid(source));
		ListCell   *cell;

		foreach(cell, labels_by_name(lfirst_oid(source)))
			want(relid, lfirst(cell));
		if (labels->subject != InvalidAttrNumber && phig_stored_subject(relid) == NULL)
			phig_store_subject_of(relid, labels);
	}
}

/* SECURITY LABEL asks the provider before it stores the label. */
static PhigFollow *
before_label(SecLabelStmt *stmt)
{
	PhigFollow *follow;
	List	   *names = (List *) stmt->object;

	if (phig_label_stored_hook == NULL || stmt->objtype != OBJECT_COLUMN)
		return NULL;
	follow = palloc0(sizeof(PhigFollow));
	follow->statement = T_SecLabelStmt;
	follow->name = makeRangeVarFromNameList(list_copy_head(names, list_length(names) - 1));
	return follow;
}

static void
after_label(PhigFollow *follow)
{
	Oid			relid = RangeVarGetRelid(follow->name, NoLock, true);

	if (OidIsValid(relid))
		phig_label_stored_hook(relid);
}

static bool
cuts_labels_off(AlterTableType subtype)
{
	switch (subtype)
	{
		case AT_AddColumn:		/* cuts nothing off, but rows of this relation may be a column
								 * elsewhere */
		case AT_DropColumn:
		case AT_AlterColumnType:
		case AT_DropExpression:
		case AT_AddInherit:
		case AT_DropInherit:
		case AT_AttachPartition:
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
			return true;
		default:
			return (int) subtype == PHIG_AT_SET_EXPRESSION;
	}
}

/* InvalidOid when the statement will fail or do nothing. */
static Oid
lock_altered(AlterTableStmt *stmt)
{
	Oid			relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	char		relkind = OidIsValid(relid) ? get_rel_relkind(relid) : '\0';

	/* Nobody may have us take locks that the server would not take for him. */
	if ((!phig_relkind_has_labels(relkind) && relkind != RELKIND_COMPOSITE_TYPE) ||
		!phig_owns_relation(relid, GetUserId()))
		return InvalidOid;
	return RangeVarGetRelidExtended(stmt->relation, AlterTableGetLockLevel(stmt->cmds), RVR_MISSING_OK,
									RangeVarCallbackOwnsRelation, NULL);
}

/* InvalidOid when the statement does something else. */
static Oid
concurrently_detached(AlterTableStmt *stmt)
{
	AlterTableCmd *cmd = linitial_node(AlterTableCmd, stmt->cmds);

	if (cmd->subtype != AT_DetachPartition || !castNode(PartitionCmd, cmd->def)->concurrent)
		return InvalidOid;
	return RangeVarGetRelid(castNode(PartitionCmd, cmd->def)->name, NoLock, true);
}

/* ALTER COLUMN TYPE ... USING writes what other columns hold into this one. */
static List *
labels_of_using(AlterTableStmt *stmt, const PhigRelLabels *columns)
{
	List	   *found = NIL;
	ListCell   *cell;

	foreach(cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);
		ColumnDef  *def = cmd->subtype == AT_AlterColumnType ? (ColumnDef *) cmd->def : NULL;
		UsingContext context = {columns};

		if (def == NULL || def->raw_default == NULL)
			continue;
		using_walker(def->raw_default, &context);
		if (phig_label_is_phi(&context.label))
		{
			WantedLabel *wanted = palloc(sizeof(WantedLabel));

			wanted->column_name = pstrdup(cmd->name);
			wanted->label = context.label;
			found = lappend(found, wanted);
		}
	}
	return found;
}

/*
 * The expression has not been analysed, and analysing it here would raise its errors
 * without their position: names are enough, since it may only speak of this relation.
 */
static bool
using_walker(Node *node, UsingContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		add_column_ref((ColumnRef *) node, context);
		return false;
	}
	/* Only arguments: aggregates and windows, with what else they have, are refused in there. */
	if (IsA(node, FuncCall))
	{
		FuncCall   *func = (FuncCall *) node;
		NamedCall	call = {.outer = context->call};
		ListCell   *cell;

		call.candidates = FuncnameGetCandidates(func->funcname, list_length(func->args), NIL,
												true, true, false, true);
		context->call = &call;
		foreach(cell, func->args)
		{
			call.computed = !IsA(lfirst(cell), ColumnRef);
			using_walker(lfirst(cell), context);
		}
		context->call = call.outer;
		return false;
	}
	return raw_expression_tree_walker(node, using_walker, context);
}

/* column, table.column, or anything that may stand for the whole row. */
static void
add_column_ref(ColumnRef *ref, UsingContext *context)
{
	AttrNumber	attno = InvalidAttrNumber;
	ListCell   *cell;

	foreach(cell, ref->fields)
		if (IsA(lfirst(cell), String))
		{
			AttrNumber	found = get_attnum(context->columns->relid, strVal(lfirst(cell)));

			if (found > 0)
				attno = found;
		}
	for (AttrNumber i = 1; i <= context->columns->natts; i++)
		if (i == attno || attno == InvalidAttrNumber)
			add_column(context, i, attno == InvalidAttrNumber);
}

static void
add_column(UsingContext *context, AttrNumber attno, bool in_row)
{
	PhigLabel	label = context->columns->cols[attno - 1];

	if (phig_label_is_phi(&label))
		for (const NamedCall *call = context->call; call != NULL; call = call->outer)
			label = left_by_call(call, label, call->computed || in_row);
	context->label = phig_label_stricter(&context->label, &label);
}

/* What the functions leave that the name may mean, the strictest. */
static PhigLabel
left_by_call(const NamedCall *call, PhigLabel label, bool computed)
{
	PhigLabel	strictest = {PHIG_CAT_UNLABELLED};

	if (call->candidates == NULL)
		return label;
	for (FuncCandidateList one = call->candidates; one != NULL; one = one->next)
	{
		PhigLabel	left = label;

		(void) phig_flow_transform(one->oid, &label, computed, &left);
		strictest = phig_label_stricter(&strictest, &left);
	}
	return strictest;
}

/* Columns that are still there but have less than before get what they had as their own. */
static void
restore(const PhigRelLabels *before)
{
	PhigRelLabels *now = phig_label_relation_copy(before->relid);

	for (AttrNumber i = 0; i < Min(before->natts, now->natts); i++)
		if (before->cols[i].category != PHIG_CAT_UNLABELLED &&
			phig_label_is_lower(&now->cols[i], &before->cols[i]) &&
			OidIsValid(get_atttype(before->relid, i + 1)))
			phig_label_set_column(before->relid, i + 1, &before->cols[i]);

	if (before->subject != InvalidAttrNumber && now->subject == InvalidAttrNumber &&
		before->subject <= now->natts && OidIsValid(get_atttype(before->relid, before->subject)))
		phig_store_subject_of(before->relid, before);
}

static void
want(Oid relid, const WantedLabel *wanted)
{
	AttrNumber	attno = get_attnum(relid, wanted->column_name);
	PhigRelLabels *now = phig_label_relation_copy(relid);

	if (attno > 0 && attno <= now->natts && phig_label_is_lower(&now->cols[attno - 1], &wanted->label))
		phig_label_set_column(relid, attno, &wanted->label);
}

/* Of WantedLabel *. */
static List *
labels_by_name(Oid relid)
{
	PhigRelLabels *labels = phig_label_relation_copy(relid);
	List	   *found = NIL;

	for (AttrNumber i = 0; i < labels->natts; i++)
		if (labels->cols[i].category != PHIG_CAT_UNLABELLED)
		{
			WantedLabel *wanted = palloc(sizeof(WantedLabel));

			wanted->column_name = get_attname(relid, i + 1, false);
			wanted->label = labels->cols[i];
			found = lappend(found, wanted);
		}
	return found;
}
