/*
 * rows.c
 *		Which rows a purpose shows: predicates parsed, kept and put together.
 *
 * A predicate is stored as text that means the same for everybody: every name in it is qualified, and it is
 * read again under settings that are always the same.  Its sub-selects read as the officer who wrote it,
 * through his privileges and policies, and are not masked.  It may not ask what the user can choose:
 * settings, and what depends on them, as the time zone; so of functions that are not immutable only
 * a few can be called.  That is looked at again after views and policies have been expanded, whenever it
 * is used.
 *
 * Analysed predicates are kept with the policies, until a relation that they read, or any type, function,
 * operator or schema changes.  As for CREATE POLICY, permissive ones are ORed and restrictive ones ANDed.
 */
#include "postgres.h"

#include "access/attmap.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "parser/parse_clause.h"
#include "parser/parse_collate.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "rewrite/rewriteDefine.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "label/inherit.h"
#include "policy/rows.h"
#include "policy/zone.h"

/* What the relation is called inside stored predicates, so that it may have another name. */
#define ROW_ALIAS "phiguard_row"

/* A stored predicate while it is looked at, as the officer; an error puts the user back. */
typedef struct Looking
{
	const PhigRowsRow *row;
	ErrorContextCallback callback;
	Oid			user;			/* who looks, while the officer seems to */
	int			security;
} Looking;

/* A predicate as it was analysed before a statement that may rename. */
typedef struct NotedRows
{
	PhigRowsRow *row;
	Oid			relid;
	Node	   *tree;
} NotedRows;

static uint64 catalogs_generation = 1;

static int	pin_settings(const char *search_path);
static Node *parse(const char *predicate);
static Node *analyse(const char *predicate, Oid relid, const char *search_path, const char *alias);
static char *write_out(Node *tree, Oid relid);
static void writing_failed(void *arg);
static Node *look_at(const PhigRowsRow *row, Oid relid);
static Node *try_to_look(PhigRowsRow *row, Oid relid, char **problem);
static void begin_looking(Looking *looking, const PhigRowsRow *row);
static void end_looking(Looking *looking);
static void looking_failed(void *arg);
static Node *kept_tree(PhigRowsRow *row, Oid relid);
static Node *ready(PhigRowsRow *row, Oid top, Oid relid);
static bool rewrite_walker(Node *node, void *context);
static bool check_walker(Node *node, void *context);
static bool has_moment(const FuncExpr *call);
static bool reads_walker(Node *node, void *context);
static bool check_function(Oid funcid, void *context);
static void refuse(const char *what, const char *hint);
static Node *of_top(const PhigPolicies *policies, const PhigRuledRelation *ruled, Oid top, Oid relid);
static void relation_changed(Datum arg, Oid relid);
static void catalog_changed(Datum arg, int cacheid, uint32 hashvalue);

char *
phig_rows_write(const char *predicate, Oid relid)
{
	char	   *schema = get_namespace_name(get_rel_namespace(relid));
	ErrorContextCallback callback = {error_context_stack, writing_failed, NULL};
	Node	   *tree;
	Node	   *expanded;

	error_context_stack = &callback;
	tree = analyse(predicate, relid, psprintf("pg_catalog, %s, pg_temp", quote_identifier(schema)), NULL);
	expanded = copyObject(tree);
	(void) rewrite_walker(expanded, NULL);
	(void) check_walker(expanded, NULL);
	error_context_stack = callback.previous;
	return write_out(tree, relid);
}

Node *
phig_rows_of(const PhigPolicies *policies, Oid relid, List **reads)
{
	List	   *all = NIL;
	ListCell   *lc;

	if (policies->all_rows && hash_get_num_entries(policies->relations) == 0)
		return NULL;
	foreach(lc, phig_tops(relid))
	{
		Node	   *rows = of_top(policies, phig_policies_relation(policies, lfirst_oid(lc)), lfirst_oid(lc), relid);

		if (rows != NULL)
			all = lappend(all, rows);
	}
	(void) reads_walker((Node *) all, reads);
	return all == NIL ? NULL : (Node *) make_ands_explicit(all);
}

char *
phig_rows_problem(PhigRowsRow *row, Oid relid)
{
	char	   *problem;

	(void) try_to_look(row, relid, &problem);
	return problem;
}

List *
phig_rows_note(void)
{
	List	   *noted = NIL;
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_ROWS, NULL))
	{
		PhigRowsRow *row = lfirst(lc);
		Oid			schema = get_namespace_oid(row->schema, true);
		Oid			relid = OidIsValid(schema) ? get_relname_relid(row->relation, schema) : InvalidOid;
		NotedRows	one = {row, relid};
		char	   *problem;

		if (!OidIsValid(relid))
			continue;
		one.tree = try_to_look(row, relid, &problem);
		if (one.tree != NULL)
			noted = lappend(noted, memcpy(palloc(sizeof(one)), &one, sizeof(one)));
	}
	return noted;
}

void
phig_rows_follow(List *noted)
{
	Relation	table = phig_policy_open(PHIG_POLICY_ROWS, RowExclusiveLock);
	ListCell   *lc;

	foreach(lc, noted)
	{
		const NotedRows *one = lfirst(lc);
		PhigRowsRow now = *one->row;

		now.predicate = write_out(one->tree, one->relid);
		if (strcmp(now.predicate, one->row->predicate) != 0)
			phig_policy_update(table, PHIG_POLICY_ROWS, &one->row->tid, &now);
	}
	table_close(table, NoLock);
}

void
phig_rows_init(void)
{
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, catalog_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, catalog_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(OPEROID, catalog_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, catalog_changed, (Datum) 0);
}

/* What texts are read and written by; undone by AtEOXact_GUC. */
static int
pin_settings(const char *search_path)
{
	static const char *const settings[][2] = {
		{"array_nulls", "on"},
		{"backslash_quote", "safe_encoding"},
		{"bytea_output", "hex"},
		{"DateStyle", "ISO, YMD"},
		{"extra_float_digits", "1"},
		{"IntervalStyle", "postgres"},
		{"quote_all_identifiers", "off"},
		{"standard_conforming_strings", "on"},
		{"TimeZone", "UTC"},
		{"transform_null_equals", "off"},
		{"xmloption", "content"}
	};
	int			nest = NewGUCNestLevel();

	for (int i = 0; i < (int) lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
								 false);
	(void) set_config_option("search_path", search_path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return nest;
}

/* One expression: nothing may stand behind the parenthesis that it is put into. */
static Node *
parse(const char *predicate)
{
	List	   *statements = raw_parser(psprintf("SELECT (%s\n)", predicate), RAW_PARSE_DEFAULT);
	SelectStmt *select = list_length(statements) == 1 ?
		(SelectStmt *) linitial_node(RawStmt, statements)->stmt : NULL;
	ResTarget  *target;

	if (select != NULL && IsA(select, SelectStmt) && select->op == SETOP_NONE && list_length(select->targetList) == 1 &&
		select->distinctClause == NIL && select->intoClause == NULL && select->fromClause == NIL &&
		select->whereClause == NULL && select->groupClause == NIL && select->havingClause == NULL &&
		select->windowClause == NIL && select->valuesLists == NIL && select->sortClause == NIL &&
		select->limitOffset == NULL && select->limitCount == NULL && select->lockingClause == NIL &&
		select->withClause == NULL)
	{
		target = linitial_node(ResTarget, select->targetList);
		if (target->name == NULL && target->indirection == NIL)
			return target->val;
	}
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("a row predicate is one expression"),
			 errhint("Write what would stand behind WHERE."),
			 errhidestmt(true)));
	return NULL;				/* for the compiler */
}

/* Over FROM ONLY relation; Vars of it have varno 1. */
static Node *
analyse(const char *predicate, Oid relid, const char *search_path, const char *alias)
{
	int			nest = pin_settings(search_path);
	ParseState *pstate = make_parsestate(NULL);
	Relation	relation = table_open(relid, AccessShareLock);
	ParseNamespaceItem *item;
	Node	   *tree;

	item = addRangeTableEntryForRelation(pstate, relation, AccessShareLock,
										 alias == NULL ? NULL : makeAlias(alias, NIL), false, true);
	addNSItemToQuery(pstate, item, true, true, true);
	tree = transformWhereClause(pstate, parse(predicate), EXPR_KIND_POLICY, "row predicate");
	assign_expr_collations(pstate, tree);
	table_close(relation, NoLock);
	free_parsestate(pstate);
	AtEOXact_GUC(true, nest);
	return tree;
}

static char *
write_out(Node *tree, Oid relid)
{
	int			nest = pin_settings("pg_catalog, pg_temp");
	char	   *text = deparse_expression(tree, deparse_context_for(ROW_ALIAS, relid), false, false);

	AtEOXact_GUC(true, nest);
	return text;
}

/* Where in the predicate is no place in the statement. */
static void
writing_failed(void *arg)
{
	errposition(0);
}

/* A stored predicate, analysed. */
static Node *
look_at(const PhigRowsRow *row, Oid relid)
{
	Looking		looking;
	Node	   *tree;

	begin_looking(&looking, row);
	tree = analyse(row->predicate, relid, "pg_catalog, pg_temp", ROW_ALIAS);
	end_looking(&looking);
	return tree;
}

/* NULL, with what is wrong, where it cannot be evaluated. */
static Node *
try_to_look(PhigRowsRow *row, Oid relid, char **problem)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	Node	   *volatile tree = NULL;

	*problem = NULL;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		Node	   *looked_at = look_at(row, relid);

		(void) ready(row, relid, relid);
		tree = looked_at;
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			ReThrowError(error);
		*problem = error->message;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return tree;
}

static void
begin_looking(Looking *looking, const PhigRowsRow *row)
{
	if (!phig_policy_names_role(row->officer, row->officer_name))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("a row predicate of purpose \"%s\" was written by a role that is not there any more",
						row->purpose),
				 errhint("phiguard.verify_policy() shows a privacy officer what is to be set right.")));
	looking->row = row;
	looking->callback.callback = looking_failed;
	looking->callback.arg = looking;
	looking->callback.previous = error_context_stack;
	error_context_stack = &looking->callback;
	GetUserIdAndSecContext(&looking->user, &looking->security);
	SetUserIdAndSecContext(row->officer, looking->security | SECURITY_LOCAL_USERID_CHANGE);
}

static void
end_looking(Looking *looking)
{
	SetUserIdAndSecContext(looking->user, looking->security);
	error_context_stack = looking->callback.previous;
}

/* Whatever is wrong with it, the relation is closed. */
static void
looking_failed(void *arg)
{
	const PhigRowsRow *row = ((Looking *) arg)->row;

	errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
	errposition(0);
	errhidestmt(true);
	errcontext("row predicate of purpose \"%s\" on relation \"%s\"", row->purpose, row->relation);
	errhint("phiguard.verify_policy() shows a privacy officer what is to be set right.");
}

/* Beside the row, in its memory. */
static Node *
kept_tree(PhigRowsRow *row, Oid relid)
{
	uint64		generation = catalogs_generation;
	MemoryContext caller;
	Node	   *tree;

	if (row->tree != NULL && row->tree_at == generation && row->tree_of == relid)
		return row->tree;
	tree = look_at(row, relid);
	caller = MemoryContextSwitchTo(GetMemoryChunkContext(row));
	row->tree = copyObject(tree);
	MemoryContextSwitchTo(caller);
	row->tree_at = generation;
	row->tree_of = relid;
	return row->tree;
}

/* For a relation below the one that it was written for: columns by name. */
static Node *
ready(PhigRowsRow *row, Oid top, Oid relid)
{
	Node	   *tree = copyObject(kept_tree(row, top));
	Looking		looking;

	begin_looking(&looking, row);
	setRuleCheckAsUser(tree, row->officer);
	(void) rewrite_walker(tree, NULL);
	(void) check_walker(tree, NULL);
	(void) phig_zone_fix(tree, NULL);
	if (relid != top)
	{
		Relation	above = table_open(top, AccessShareLock);
		Relation	below = table_open(relid, AccessShareLock);
		AttrMap    *map = phig_compat_attrmap_by_name(RelationGetDescr(below), RelationGetDescr(above));
		bool		whole_row;

		tree = map_variable_attnos(tree, 1, 0, map, RelationGetForm(below)->reltype, &whole_row);
		free_attrmap(map);
		table_close(below, NoLock);
		table_close(above, NoLock);
	}
	end_looking(&looking);
	return tree;
}

/* Sub-selects get locks, and what views and row-level security make of them. */
static bool
rewrite_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
	{
		SubLink    *sublink = (SubLink *) node;
		Query	   *query = castNode(Query, sublink->subselect);
		List	   *rewritten;

		AcquireRewriteLocks(query, true, false);
		rewritten = QueryRewrite(query);
		if (list_length(rewritten) != 1 || linitial_node(Query, rewritten)->commandType != CMD_SELECT)
			refuse("a row predicate reads only", NULL);
		sublink->subselect = linitial(rewritten);
		return rewrite_walker(sublink->testexpr, context);
	}
	return expression_tree_walker(node, rewrite_walker, context);
}

/* Adds the relations in sub-selects to a list of OIDs. */
static bool
reads_walker(Node *node, void *context)
{
	List	  **reads = context;
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, reads_walker, context);
	foreach(lc, ((Query *) node)->rtable)
	{
		const RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION)
			*reads = list_append_unique_oid(*reads, rte->relid);
	}
	return query_tree_walker((Query *) node, reads_walker, context, 0);
}

static bool
check_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SQLValueFunction) && ((SQLValueFunction *) node)->op != SVFOP_SESSION_USER &&
		((SQLValueFunction *) node)->op != SVFOP_CURRENT_CATALOG)
		refuse("a row predicate asks for what depends on the user's settings, or on whose function he is in",
			   "session_user and now() can be used: now() - at < interval '30 days', not at > current_date - 30.");
	(void) check_functions_in_node(node, check_function, NULL);
	if (IsA(node, FuncExpr) && phig_zone_is_asked_for(((FuncExpr *) node)->funcid) && has_moment((FuncExpr *) node) &&
		!phig_zone_is_said(node))
		refuse("a row predicate goes by a time zone that the user has a say in",
			   phig_compat_session_names_zones() ? "AT TIME ZONE a constant of fixed offset can be used: 'UTC'." :
			   "AT TIME ZONE a constant of fixed offset or a region can be used: 'UTC', 'America/New_York'.");
	if (IsA(node, Query))
	{
		if (((Query *) node)->rowMarks != NIL || ((Query *) node)->hasModifyingCTE)
			refuse("a row predicate reads only", NULL);
		return query_tree_walker((Query *) node, check_walker, context, 0);
	}
	return expression_tree_walker(node, check_walker, context);
}

/* A timestamptz or a timetz. */
static bool
has_moment(const FuncExpr *call)
{
	bool		found = call->funcresulttype == TIMESTAMPTZOID || call->funcresulttype == TIMETZOID;
	ListCell   *lc;

	foreach(lc, call->args)
		found |= exprType(lfirst(lc)) == TIMESTAMPTZOID || exprType(lfirst(lc)) == TIMETZOID;
	return found;
}

/* What is stable may depend on settings; who wrote it need not say so. */
static bool
check_function(Oid funcid, void *context)
{
	switch (funcid)
	{
		case F_NOW:
		case F_TRANSACTION_TIMESTAMP:
		case F_STATEMENT_TIMESTAMP:
		case F_SESSION_USER:
		case F_CURRENT_DATABASE:
			return false;
			/* The server calls these immutable; they go by extra_float_digits and bytea_output. */
		case F_FLOAT4OUT:
		case F_FLOAT8OUT:
		case F_BYTEAOUT:
		case F_POINT_OUT:
		case F_LSEG_OUT:
		case F_PATH_OUT:
		case F_BOX_OUT:
		case F_POLY_OUT:
		case F_LINE_OUT:
		case F_CIRCLE_OUT:
			refuse("a row predicate writes out a value in a form that the user has a say in",
				   "Compare the value itself, or cast it to numeric or with encode() first.");
			break;
		default:
			break;
	}
	if (func_volatile(funcid) != PROVOLATILE_IMMUTABLE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a row predicate calls function \"%s\", which is not immutable", get_func_name(funcid)),
				 errdetail("What it gives may depend on settings that a user can change, as the time zone."),
				 errhint("session_user and now() can be used: now() - at < interval '30 days', not at > now() - interval '30 days'."),
				 errhidestmt(true)));
	return false;
}

static void
refuse(const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s", what),
			 hint == NULL ? 0 : errhint("%s", hint),
			 errhidestmt(true)));
}

/* NULL: all. */
static Node *
of_top(const PhigPolicies *policies, const PhigRuledRelation *ruled, Oid top, Oid relid)
{
	List	   *permissive = NIL;
	List	   *all = NIL;
	ListCell   *lc;

	if (ruled != NULL)
		foreach(lc, ruled->rows)
		{
			PhigRowsRow *row = lfirst(lc);

			if (row->restrictive)
				all = lappend(all, ready(row, top, relid));
			else
				permissive = lappend(permissive, ready(row, top, relid));
		}
	if (list_length(permissive) == 1)
		all = lcons(linitial(permissive), all);
	else if (permissive != NIL)
		all = lcons(makeBoolExpr(OR_EXPR, permissive, -1), all);
	else if (!policies->all_rows)
		all = list_make1(makeBoolConst(false, false));
	return all == NIL ? NULL : (Node *) make_ands_explicit(all);
}

static void
relation_changed(Datum arg, Oid relid)
{
	/*
	 * Which relations they read is not noted: whatever changes is rare, and to look again is
	 * cheap.
	 */
	catalogs_generation++;
}

static void
catalog_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	catalogs_generation++;
}
