/*
 * resolve.c
 *		What a label amounts to: own, type, ancestors and expression taken together.
 *
 * The strictest speaks.  A generated column also has what the labelled columns in
 * its expression give; it cannot refer to another generated one, so one pass over
 * the plain columns and one over the generated ones do.  A partition or child takes its
 * ancestors' labels by column name, one level at a time through the cache.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "flow/flow.h"
#include "label/cache.h"
#include "label/inherit.h"
#include "label/resolve.h"
#include "label/store.h"

/* A relation while its labels are put together. */
typedef struct Resolving
{
	PhigRelLabels *labels;
	PhigLabelSource *sources;
	NameData   *names;			/* [attno - 1], empty where dropped */
	Oid		   *types;			/* [attno - 1], InvalidOid where dropped */
	List	   *generated;		/* attribute numbers */
	char		subject[NAMEDATALEN];	/* its own subject=, or empty */
	PhigParsedLabel table;		/* ... all of it */
} Resolving;

/* A call that stands around the present part of an expression. */
typedef struct EnclosingCall
{
	Oid			funcid;
	bool		computed;		/* its argument is more than a column */
	const struct EnclosingCall *outer;
} EnclosingCall;

typedef struct ExpressionContext
{
	const PhigRelLabels *columns;
	const EnclosingCall *call;	/* the innermost, or NULL */
	PhigLabel	label;
} ExpressionContext;

static char start_resolving(Oid relid, Resolving *r);
static void read_columns(Resolving *r);
static void add_stored(Resolving *r);
static void add_types(Resolving *r);
static void add_ancestors(Resolving *r);
static void add_parent(Resolving *r, const PhigRelLabels *parent);
static void add_generated(Resolving *r);
static void add_label(Resolving *r, AttrNumber attno, const PhigLabel *label, PhigLabelSource source);
static Oid	target_of(const Resolving *r);
static AttrNumber find_column(const Resolving *r, const char *name);
static bool finish(Resolving *r);
static char *generation_expression(Oid relid, AttrNumber attno);
static bool expression_walker(Node *node, ExpressionContext *context);
static void add_column(ExpressionContext *context, AttrNumber attno);
static PhigLabel resolve_domain(Oid typid, Oid base);
static PhigLabel resolve_rows(Oid relid);

bool
phig_relkind_has_labels(char relkind)
{
	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE ||
		relkind == RELKIND_FOREIGN_TABLE || relkind == RELKIND_MATVIEW;
}

PhigRelLabels *
phig_resolve_relation(Oid relid, PhigLabelSource **sources)
{
	Resolving	r;

	if (sources != NULL)
		*sources = NULL;
	if (!phig_relkind_has_labels(start_resolving(relid, &r)))
		return NULL;
	read_columns(&r);
	add_stored(&r);
	add_types(&r);
	add_ancestors(&r);
	add_generated(&r);
	if (!finish(&r))
		return NULL;
	if (sources != NULL)
		*sources = r.sources;
	return r.labels;
}

PhigLabel
phig_resolve_type(Oid typid)
{
	PhigLabel	unlabelled = {PHIG_CAT_UNLABELLED};
	HeapTuple	tuple;
	FormData_pg_type type;

	check_stack_depth();
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(typid));
	if (!HeapTupleIsValid(tuple))
		return unlabelled;
	memcpy(&type, GETSTRUCT(tuple), sizeof(FormData_pg_type));
	ReleaseSysCache(tuple);

	switch (type.typtype)
	{
		case TYPTYPE_BASE:
			return IsTrueArrayType(&type) ? phig_label_of_type(type.typelem) : unlabelled;
		case TYPTYPE_DOMAIN:
			return resolve_domain(typid, type.typbasetype);
		case TYPTYPE_COMPOSITE:
			return resolve_rows(type.typrelid);
		case TYPTYPE_RANGE:
			return phig_label_of_type(get_range_subtype(typid));
		case TYPTYPE_MULTIRANGE:
			return phig_label_of_type(get_multirange_range(typid));
		default:
			return unlabelled;
	}
}

/* Its relkind, or 0 when there is no such relation. */
static char
start_resolving(Oid relid, Resolving *r)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	AttrNumber	natts;
	char		relkind;

	if (!HeapTupleIsValid(tuple))
		return '\0';
	natts = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	relkind = ((Form_pg_class) GETSTRUCT(tuple))->relkind;
	ReleaseSysCache(tuple);

	memset(r, 0, sizeof(*r));
	r->labels = palloc0(offsetof(PhigRelLabels, cols) + natts * sizeof(PhigLabel));
	r->labels->relid = relid;
	r->labels->natts = natts;
	r->sources = palloc0(Max(natts, 1) * sizeof(PhigLabelSource));
	r->names = palloc0(Max(natts, 1) * sizeof(NameData));
	r->types = palloc0(Max(natts, 1) * sizeof(Oid));
	return relkind;
}

/* One scan rather than a cache look-up a column: the syscache is cold for most of them. */
static void
read_columns(Resolving *r)
{
	Relation	attributes = table_open(AttributeRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_attribute_attrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(r->labels->relid));
	ScanKeyInit(&keys[1], Anum_pg_attribute_attnum, BTGreaterStrategyNumber, F_INT2GT, Int16GetDatum(0));
	scan = systable_beginscan(attributes, AttributeRelidNumIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_attribute column = (Form_pg_attribute) GETSTRUCT(tuple);

		if (column->attisdropped || column->attnum > r->labels->natts)
			continue;
		r->names[column->attnum - 1] = column->attname;
		r->types[column->attnum - 1] = column->atttypid;
		if (column->attgenerated != '\0')
			r->generated = lappend_int(r->generated, column->attnum);
	}
	systable_endscan(scan);
	table_close(attributes, AccessShareLock);
}

static void
add_stored(Resolving *r)
{
	ListCell   *cell;

	foreach(cell, phig_stored_labels(RelationRelationId, r->labels->relid))
	{
		PhigStoredLabel *stored = lfirst(cell);

		phig_stored_label_must_be_valid(stored);
		if (stored->parsed.is_subject)
		{
			strlcpy(r->subject, stored->parsed.subject, NAMEDATALEN);
			r->table = stored->parsed;
		}
		else if (stored->object.objectSubId > 0 && stored->object.objectSubId <= r->labels->natts)
			add_label(r, stored->object.objectSubId, &stored->parsed.label, PHIG_SOURCE_COLUMN);
	}
}

static void
add_types(Resolving *r)
{
	for (int i = 0; i < r->labels->natts; i++)
		if (OidIsValid(r->types[i]))
		{
			PhigLabel	label = phig_label_of_type(r->types[i]);

			add_label(r, i + 1, &label, PHIG_SOURCE_TYPE);
		}
}

static void
add_ancestors(Resolving *r)
{
	ListCell   *cell;

	r->labels->subject = r->subject[0] == '\0' ? InvalidAttrNumber : find_column(r, r->subject);
	r->labels->subject_reaches = r->table.target[0] != '\0';
	if (r->labels->subject_reaches)
		r->labels->subject_target = target_of(r);
	foreach(cell, phig_parents(r->labels->relid))
	{
		Oid			parent = lfirst_oid(cell);

		/* The cached one may go with the next catalog access. */
		if (phig_cache_relation(parent) != NULL)
			add_parent(r, phig_label_relation_copy(parent));
	}
}

static void
add_parent(Resolving *r, const PhigRelLabels *parent)
{
	for (AttrNumber i = 0; i < parent->natts; i++)
	{
		bool		is_subject = parent->subject == i + 1 && r->labels->subject == InvalidAttrNumber;
		char	   *name;
		AttrNumber	attno;

		if (parent->cols[i].category == PHIG_CAT_UNLABELLED && !is_subject)
			continue;
		name = get_attname(parent->relid, i + 1, true);
		attno = name == NULL ? InvalidAttrNumber : find_column(r, name);
		if (attno == InvalidAttrNumber)
			continue;
		add_label(r, attno, &parent->cols[i], PHIG_SOURCE_ANCESTOR);
		if (is_subject)
		{
			r->labels->subject = attno;
			r->labels->subject_reaches = parent->subject_reaches;
			r->labels->subject_target = parent->subject_target;
		}
	}
}

static void
add_generated(Resolving *r)
{
	ListCell   *cell;

	foreach(cell, r->generated)
	{
		AttrNumber	attno = lfirst_int(cell);
		char	   *tree = generation_expression(r->labels->relid, attno);
		PhigLabel	label;

		if (tree == NULL)
			continue;
		label = phig_label_of_expression(stringToNode(tree), r->labels);
		/* Made of columns that are no PHI: whether the result is reviewed, they do not say. */
		if (phig_label_is_phi(&label))
			add_label(r, attno, &label, PHIG_SOURCE_GENERATED);
	}
}

static void
add_label(Resolving *r, AttrNumber attno, const PhigLabel *label, PhigLabelSource source)
{
	PhigLabel  *column = &r->labels->cols[attno - 1];

	if (!OidIsValid(r->types[attno - 1]))
		return;
	if (label->category > column->category)
		r->sources[attno - 1] = source;
	*column = phig_label_stricter(column, label);
}

/* The relation that the subject column refers to, by name. */
static Oid
target_of(const Resolving *r)
{
	Oid			schema = r->table.target_schema[0] == '\0' ? get_rel_namespace(r->labels->relid) :
		get_namespace_oid(r->table.target_schema, true);

	return OidIsValid(schema) ? get_relname_relid(r->table.target, schema) : InvalidOid;
}

static AttrNumber
find_column(const Resolving *r, const char *name)
{
	for (int i = 0; i < r->labels->natts; i++)
		if (OidIsValid(r->types[i]) && strcmp(NameStr(r->names[i]), name) == 0)
			return i + 1;
	return InvalidAttrNumber;
}

/* False when nothing was found. */
static bool
finish(Resolving *r)
{
	bool		any = r->labels->subject != InvalidAttrNumber;

	for (int i = 0; i < r->labels->natts; i++)
	{
		any = any || r->labels->cols[i].category != PHIG_CAT_UNLABELLED;
		r->labels->nphi += phig_label_is_phi(&r->labels->cols[i]);
	}
	return any;
}

/* As a node tree's text, or NULL. */
static char *
generation_expression(Oid relid, AttrNumber attno)
{
	Relation	defaults = table_open(AttrDefaultRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *tree = NULL;

	ScanKeyInit(&keys[0], Anum_pg_attrdef_adrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	ScanKeyInit(&keys[1], Anum_pg_attrdef_adnum, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(attno));
	scan = systable_beginscan(defaults, AttrDefaultIndexId, true, NULL, 2, keys);
	if (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, Anum_pg_attrdef_adbin, RelationGetDescr(defaults), &isnull);

		if (!isnull)
			tree = TextDatumGetCString(value);
	}
	systable_endscan(scan);
	table_close(defaults, AccessShareLock);
	return tree;
}

PhigLabel
phig_label_of_expression(Node *expression, const PhigRelLabels *columns)
{
	ExpressionContext context = {columns};

	expression_walker(expression, &context);
	return context.label;
}

/* Everything counts that a value could be made of, as what the calls around it leave of it. */
static bool
expression_walker(Node *node, ExpressionContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		if (var->varattno > 0 && var->varattno <= context->columns->natts)
			add_column(context, var->varattno);
		else if (var->varattno == 0)
			for (int i = 0; i < context->columns->natts; i++)
				add_column(context, i + 1);
		return false;
	}
	if (IsA(node, FuncExpr) && phig_flow_is_transform(((FuncExpr *) node)->funcid))
	{
		EnclosingCall call = {((FuncExpr *) node)->funcid, false, context->call};
		ListCell   *cell;

		context->call = &call;
		foreach(cell, ((FuncExpr *) node)->args)
		{
			Var		   *var = (Var *) phig_flow_uncast(lfirst(cell));

			call.computed = !IsA(var, Var) || var->varattno <= 0;
			expression_walker(lfirst(cell), context);
		}
		context->call = call.outer;
		return false;
	}
	return expression_tree_walker(node, expression_walker, context);
}

static void
add_column(ExpressionContext *context, AttrNumber attno)
{
	PhigLabel	label = context->columns->cols[attno - 1];

	if (phig_label_is_phi(&label))
		for (const EnclosingCall *call = context->call; call != NULL; call = call->outer)
			(void) phig_flow_transform(call->funcid, &label, call->computed, &label);
	context->label = phig_label_stricter(&context->label, &label);
}

static PhigLabel
resolve_domain(Oid typid, Oid base)
{
	PhigLabel	label = phig_label_of_type(base);
	ListCell   *cell;

	foreach(cell, phig_stored_labels(TypeRelationId, typid))
	{
		PhigStoredLabel *stored = lfirst(cell);

		phig_stored_label_must_be_valid(stored);
		label = phig_label_stricter(&label, &stored->parsed.label);
	}
	return label;
}

/* A row holds what its columns hold: of a composite type, or of a table used as a type. */
static PhigLabel
resolve_rows(Oid relid)
{
	PhigLabel	unlabelled = {PHIG_CAT_UNLABELLED};
	PhigLabel	label = unlabelled;
	const PhigRelLabels *columns;
	Resolving	r;

	phig_cache_depends_on_rows(relid);
	if (phig_relkind_has_labels(get_rel_relkind(relid)))
		columns = phig_label_relation(relid);
	else
	{
		if (start_resolving(relid, &r) == '\0')
			return unlabelled;
		read_columns(&r);
		add_types(&r);
		columns = r.labels;
	}
	for (int i = 0; columns != NULL && i < columns->natts; i++)
		label = phig_label_stricter(&label, &columns->cols[i]);
	/* That one column was reviewed says nothing of the row. */
	return phig_label_is_phi(&label) ? label : unlabelled;
}
