/*
 * names.c
 *		Which words of a statement are names that the catalogs know.
 *
 * For a Query its tree says what it refers to: each relation of the range
 * tables (with the columns the catalogs give it, not the aliases in eref),
 * each function, type and collation of the expressions.  Reading a
 * relation's columns costs nothing (they are in the relation cache); names of functions
 * and types are fetched when a word is none of the columns.
 * A utility statement's names are collected in names_utility.c.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "journal/names_internal.h"

/*
 * Words that are public without being keywords or names of one object, sorted:
 * system columns, fields that EXTRACT knows, options of EXPLAIN and COPY,
 * excluded, old and new.
 */
static const char *const public_words[] = {
	"buffers", "century", "cmax", "cmin", "costs", "ctid", "decade", "dow", "doy", "epoch", "excluded",
	"force_not_null", "force_null", "force_quote", "generic_plan", "information_schema", "isodow", "isoyear",
	"julian", "log_verbosity", "memory", "microseconds", "millennium", "milliseconds", "new", "old", "on_error",
	"pg_catalog", "quarter", "reject_limit", "serialize", "settings", "summary", "tableoid", "timezone",
	"timezone_hour", "timezone_minute", "timing", "wal", "week", "xmax", "xmin"
};

void
phig_names_add_oid(PhigOidSet *set, Oid oid)
{
	if (!OidIsValid(oid))
		return;
	for (int i = set->n - 1; i >= 0; i--)
		if (set->items[i] == oid)
			return;
	if (set->n == set->size)
	{
		set->size = set->size == 0 ? 16 : set->size * 2;
		set->items = set->n == 0 ? palloc(set->size * sizeof(Oid)) : repalloc(set->items, set->size * sizeof(Oid));
	}
	set->items[set->n++] = oid;
}

bool
phig_names_in_list(List *words, const char *word)
{
	ListCell   *lc;

	foreach(lc, words)
		if (phig_names_compare(lfirst(lc), word) == 0)
			return true;
	return false;
}

/* What a Query refers to. */

static bool collect_from_node(Node *node, void *context);

/* The columns of a composite type are names of the catalogs, too. */
static void
add_row_type(PhigNames *names, Oid type)
{
	phig_names_add_oid(&names->relids, get_typ_typrelid(getBaseType(type)));
}

Oid
phig_names_view(RangeTblEntry *rte)
{
	RangeTblEntry *first;

	if (rte->rtekind != RTE_SUBQUERY)
		return InvalidOid;

	/*
	 * PostgreSQL 15 says it only in the view's OLD and NEW entries, the first two of its range
	 * table.
	 */
	if (OidIsValid(rte->relid))
		return rte->relid;
	if (list_length(rte->subquery->rtable) < 2)
		return InvalidOid;
	first = linitial_node(RangeTblEntry, rte->subquery->rtable);
	if (first->rtekind == RTE_RELATION && first->relkind == RELKIND_VIEW)
		return first->relid;
	return InvalidOid;
}

/* The columns of a function in FROM: of its row type, or named as its output arguments (or itself). */
static void
collect_from_function(PhigNames *names, RangeTblEntry *rte)
{
	ListCell   *lc;
	bool		declared = rte->alias != NULL;	/* may eref hold the user's words? */

	foreach(lc, rte->functions)
	{
		RangeTblFunction *function = lfirst_node(RangeTblFunction, lc);
		Oid			type = exprType(function->funcexpr);
		ListCell   *coltype;

		if (type != RECORDOID)
			add_row_type(names, type);
		else if (rte->alias != NULL && rte->alias->colnames == NIL)
			declared = false;
		foreach(coltype, function->funccoltypes)
			phig_names_add_oid(&names->types, lfirst_oid(coltype));
	}
	foreach(lc, rte->functions)
		declared |= lfirst_node(RangeTblFunction, lc)->funccolnames != NIL;
	if (!declared)
		foreach(lc, rte->eref->colnames)
			names->names = lappend(names->names, strVal(lfirst(lc)));
}

static void
collect_from_rte(PhigNames *names, RangeTblEntry *rte)
{
	if (rte->alias != NULL)
		names->aliases = lappend(names->aliases, rte->alias->aliasname);

	switch (rte->rtekind)
	{
		case RTE_SUBQUERY:
			{
				Oid			view = phig_names_view(rte);

				/* What stands inside the view is not in the statement's text. */
				if (OidIsValid(view))
				{
					phig_names_add_oid(&names->relids, view);
					return;
				}
				break;
			}
		case RTE_FUNCTION:
			collect_from_function(names, rte);
			break;
		default:
			phig_names_add_oid(&names->relids, rte->relid);
	}
	range_table_entry_walker(rte, collect_from_node, names, 0);
}

static void
collect_from_query(PhigNames *names, Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
		collect_from_rte(names, lfirst_node(RangeTblEntry, lc));
	foreach(lc, query->cteList)
		names->aliases = lappend(names->aliases, lfirst_node(CommonTableExpr, lc)->ctename);
	if (query->onConflict != NULL && OidIsValid(query->onConflict->constraint))
		names->names = lappend(names->names, get_constraint_name(query->onConflict->constraint));
	query_tree_walker(query, collect_from_node, names, QTW_IGNORE_RANGE_TABLE);
}

static void
collect_from_call(PhigNames *names, FuncExpr *call)
{
	switch (call->funcformat)
	{
		case COERCE_IMPLICIT_CAST:
			break;
		case COERCE_EXPLICIT_CAST:
			phig_names_add_oid(&names->types, call->funcresulttype);
			break;
		default:
			phig_names_add_oid(&names->functions, call->funcid);
	}
}

static bool
collect_from_node(Node *node, void *context)
{
	PhigNames  *names = context;
	ListCell   *lc;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Query:
			collect_from_query(names, (Query *) node);
			return false;
		case T_Var:
			phig_names_add_oid(&names->types, ((Var *) node)->vartype);
			return false;
		case T_Const:
			phig_names_add_oid(&names->types, ((Const *) node)->consttype);
			return false;
		case T_Param:
			phig_names_add_oid(&names->types, ((Param *) node)->paramtype);
			return false;
		case T_FuncExpr:
			collect_from_call(names, (FuncExpr *) node);
			break;
		case T_Aggref:
			phig_names_add_oid(&names->functions, ((Aggref *) node)->aggfnoid);
			break;
		case T_WindowFunc:
			phig_names_add_oid(&names->functions, ((WindowFunc *) node)->winfnoid);
			break;
		case T_TableSampleClause:
			phig_names_add_oid(&names->functions, ((TableSampleClause *) node)->tsmhandler);
			break;
		case T_RelabelType:
			phig_names_add_oid(&names->types, ((RelabelType *) node)->resulttype);
			break;
		case T_CoerceViaIO:
			phig_names_add_oid(&names->types, ((CoerceViaIO *) node)->resulttype);
			break;
		case T_ArrayCoerceExpr:
			phig_names_add_oid(&names->types, ((ArrayCoerceExpr *) node)->resulttype);
			break;
		case T_ConvertRowtypeExpr:
			phig_names_add_oid(&names->types, ((ConvertRowtypeExpr *) node)->resulttype);
			break;
		case T_CoerceToDomain:
			phig_names_add_oid(&names->types, ((CoerceToDomain *) node)->resulttype);
			break;
		case T_ArrayExpr:
			phig_names_add_oid(&names->types, ((ArrayExpr *) node)->array_typeid);
			break;
		case T_RowExpr:
			phig_names_add_oid(&names->types, ((RowExpr *) node)->row_typeid);
			break;
		case T_FieldSelect:
			add_row_type(names, exprType((Node *) ((FieldSelect *) node)->arg));
			break;
		case T_FieldStore:
			add_row_type(names, ((FieldStore *) node)->resulttype);
			break;
		case T_CollateExpr:
			phig_names_add_oid(&names->collations, ((CollateExpr *) node)->collOid);
			break;
		case T_NamedArgExpr:
			names->names = lappend(names->names, ((NamedArgExpr *) node)->name);
			break;
		case T_TableFunc:
			foreach(lc, ((TableFunc *) node)->coltypes)
				phig_names_add_oid(&names->types, lfirst_oid(lc));
			break;
		default:
			break;
	}
	return expression_tree_walker(node, collect_from_node, context);
}

void
phig_names_open_relations(PhigNames *names)
{
	for (; names->opened < names->relids.n; names->opened++)
	{
		Relation	rel = RelationIdGetRelation(names->relids.items[names->opened]);

		if (RelationIsValid(rel))
			names->relations = lappend(names->relations, rel);
	}
}

/* Most words are columns of what stands in FROM: only one that is not makes us look at the rest. */
PhigNames *
phig_names_of_query(Query *query)
{
	PhigNames  *names = palloc0(sizeof(PhigNames));
	ListCell   *lc;

	names->query = query;
	foreach(lc, query->rtable)
	{
		const RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION)
			phig_names_add_oid(&names->relids, rte->relid);
	}
	phig_names_open_relations(names);
	return names;
}

static void
collect_rest(PhigNames *names)
{
	Query	   *query = names->query;

	names->query = NULL;
	collect_from_query(names, query);
	phig_names_open_relations(names);
}

/* Looking up. */

/* strcmp(), but most columns differ in the first eight bytes. */
static inline bool
name_is(const NameData *name, uint64 head, const char *word)
{
	uint64		name_head;

	memcpy(&name_head, NameStr(*name), sizeof(name_head));
	return name_head == head && strcmp(NameStr(*name), word) == 0;
}

static bool
is_of_relations(PhigNames *names, const char *word)
{
	uint64		head = 0;
	ListCell   *lc;

	memcpy(&head, word, Min(strlen(word), sizeof(head)));
	foreach(lc, names->relations)
	{
		Relation	rel = lfirst(lc);
		TupleDesc	desc = RelationGetDescr(rel);

		if (name_is(&rel->rd_rel->relname, head, word))
			return true;
		for (int i = 0; i < desc->natts; i++)
			if (name_is(&TupleDescAttr(desc, i)->attname, head, word))
				return true;
	}
	return false;
}

static void
load_name(PhigNames *names, const NameData *name, Oid namespace)
{
	names->names = lappend(names->names, pstrdup(NameStr(*name)));
	if (OidIsValid(namespace) && namespace != PG_CATALOG_NAMESPACE)
	{
		char	   *schema = get_namespace_name(namespace);

		if (schema != NULL)
			names->names = lappend(names->names, schema);
	}
}

static void
load_function(PhigNames *names, Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(oid));

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);

		load_name(names, &form->proname, form->pronamespace);
		ReleaseSysCache(tuple);
	}
}

/* An array type's own name is never written, its element's is. */
static void
load_type(PhigNames *names, Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(oid));

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);
		Oid			element = IsTrueArrayType(form) ? form->typelem : InvalidOid;

		load_name(names, &form->typname, form->typnamespace);
		ReleaseSysCache(tuple);
		if (OidIsValid(element))
			load_type(names, element);
	}
}

static void
load_collation(PhigNames *names, Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(oid));

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_collation form = (Form_pg_collation) GETSTRUCT(tuple);

		load_name(names, &form->collname, form->collnamespace);
		ReleaseSysCache(tuple);
	}
}

static void
load_names(PhigNames *names)
{
	Oid			last = InvalidOid;
	ListCell   *lc;

	names->loaded = true;
	foreach(lc, names->relations)
	{
		Oid			namespace = RelationGetNamespace((Relation) lfirst(lc));
		char	   *schema = namespace == last ? NULL : get_namespace_name(namespace);

		if (schema != NULL)
			names->names = lappend(names->names, schema);
		last = namespace;
	}
	for (int i = 0; i < names->functions.n; i++)
		load_function(names, names->functions.items[i]);
	for (int i = 0; i < names->types.n; i++)
		load_type(names, names->types.items[i]);
	for (int i = 0; i < names->collations.n; i++)
		load_collation(names, names->collations.items[i]);
}

/* Any object of that name?  Constraints, triggers, rules and policies do not count. */
static bool
is_object(const char *word)
{
	static const int unique[] = {
		NAMESPACENAME, AUTHNAME, LANGNAME, AMNAME, FOREIGNDATAWRAPPERNAME, FOREIGNSERVERNAME,
		PUBLICATIONNAME, EVENTTRIGGERNAME
	};
	static const int by_schema[] = {TYPENAMENSP, PROCNAMEARGSNSP, COLLNAMEENCNSP};

	for (int i = 0; i < (int) lengthof(unique); i++)
		if (SearchSysCacheExists1(unique[i], CStringGetDatum(word)))
			return true;
	for (int i = 0; i < (int) lengthof(by_schema); i++)
	{
		CatCList   *list = SearchSysCacheList1(by_schema[i], CStringGetDatum(word));
		bool		found = list->n_members > 0;

		ReleaseSysCacheList(list);
		if (found)
			return true;
	}
	return OidIsValid(get_extension_oid(word, true));
}

static int
compare_public_word(const void *key, const void *member)
{
	return phig_names_compare(key, *(const char *const *) member);
}

bool
phig_names_has(PhigNames *names, const char *word, bool keyword)
{
	if (is_of_relations(names, word))
		return true;
	if (names->query != NULL)
	{
		collect_rest(names);
		if (is_of_relations(names, word))
			return true;
	}
	if (!names->loaded)
		load_names(names);
	if (phig_names_in_list(names->names, word))
		return true;
	if (bsearch(word, public_words, lengthof(public_words), sizeof(char *), compare_public_word) != NULL)
		return true;
	return names->utility && !keyword && !phig_names_in_list(names->declared, word) && is_object(word);
}

bool
phig_names_is_alias(PhigNames *names, const char *word)
{
	if (names->query != NULL)
		collect_rest(names);
	return phig_names_in_list(names->aliases, word) || phig_names_in_list(names->declared, word);
}

void
phig_names_release(PhigNames *names)
{
	ListCell   *lc;

	foreach(lc, names->relations)
		RelationClose((Relation) lfirst(lc));
	names->relations = NIL;
}
