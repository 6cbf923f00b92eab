/*
 * vet.c
 *		What an extract's view and its query may not have at all.
 *
 * A function that is neither the server's nor a registered transform may run statements of its own, and one
 * that asks for settings, catalogs or files lets whoever reads have a hand in what comes out.  A whole row
 * gets a column more when its table does.  System columns say where a row lies and when it was written.  What
 * goes by the time zone of whoever reads tells the hour to who tries them all, and a text search by a configuration
 * of theirs tells the words.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "rewrite/prs2lock.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "extract/prove.h"
#include "label/inherit.h"
#include "label/provider.h"
#include "label/registry.h"
#include "label/resolve.h"
#include "transform/twin.h"

typedef struct Vetting
{
	PhigProof  *proof;
	const PhigExtractRow *row;
	List	   *rtables;		/* of List *: range tables, the innermost first */
	List	   *said;			/* of char *: problems, each once */
} Vetting;

static bool vet_walker(Node *node, void *context);
static void vet_entry(Vetting *v, const RangeTblEntry *rte);
static void vet_children(Vetting *v, Oid relid);
static bool vet_function(Oid funcid, void *context);
static bool goes_by_setting(Oid funcid);
static bool is_free(Oid funcid);
static void say(Vetting *v, const char *citation, char *problem);
static bool birth_year_walker(Node *node, void *context);
static bool is_today(Node *node, TimestampTz *until);

void
phig_extract_vet_view(PhigProof *proof, const PhigExtractRow *row, Oid view)
{
	Relation	relation = RelationIdGetRelation(view);

	if (!RelationIsValid(relation))
		elog(ERROR, "could not open relation with OID %u", view);
	if (relation->rd_rel->relkind != RELKIND_VIEW)
		phig_proof_refuse(proof, NULL, "it is not a view: phiguard.drop_extract(), and phiguard.create_extract() anew");
	else if (!RelationIsSecurityView(relation) || RelationHasSecurityInvoker(relation))
		phig_proof_refuse(proof, NULL, "the view has to be a security_barrier, and not security_invoker: ALTER VIEW ... SET (...)");
	if (relation->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		phig_proof_refuse(proof, NULL, "the view is temporary: leave temporary tables out");
	if (relation->rd_rules != NULL && relation->rd_rules->numLocks != 1)
		phig_proof_refuse(proof, NULL, "the view has rules of its own: DROP RULE");
	if (relation->trigdesc != NULL)
		phig_proof_refuse(proof, NULL, "the view has triggers: DROP TRIGGER");
	if (strcmp(GetUserNameFromId(relation->rd_rel->relowner, false), row->owner) != 0)
		phig_proof_refuse(proof, NULL, psprintf("the view belongs to another role than \"%s\": ALTER VIEW ... OWNER TO, or phiguard.replace_extract()",
												row->owner));
	else if (!phig_role_is_officer(relation->rd_rel->relowner))
		phig_proof_refuse(proof, NULL, psprintf("role \"%s\", to which the view belongs, is not a privacy officer", row->owner));
	RelationClose(relation);
}

void
phig_extract_vet_query(PhigProof *proof, const PhigExtractRow *row, Query *query)
{
	Vetting		v = {.proof = proof, .row = row};

	(void) vet_walker((Node *) query, &v);
}

static bool
vet_walker(Node *node, void *context)
{
	Vetting    *v = context;

	if (node == NULL)
		return false;
	(void) check_functions_in_node(node, vet_function, v);
	if ((IsA(node, Var) || IsA(node, FuncExpr)) && !phig_extract_type_is_of_server(exprType(node)))
		say(v, "45 CFR 164.514", psprintf("leave out what is of type %s: functions that compare or cast its values cannot be looked into",
										  format_type_be(exprType(node))));
	if (OidIsValid(phig_extract_makes(node)))
		say(v, "45 CFR 164.514", psprintf("leave out what is made a value of %s: what a domain checks cannot be looked into",
										  format_type_be(phig_extract_makes(node))));
	if (IsA(node, Var))
	{
		const Var  *var = (Var *) node;
		const RangeTblEntry *rte;

		if (var->varattno > 0)
			return false;
		rte = rt_fetch(var->varno, (List *) list_nth(v->rtables, var->varlevelsup));
		if (var->varattno == 0)
			say(v, "45 CFR 164.514", psprintf("name the columns of \"%s\" that are wanted: a whole row has a column more when its table gets one",
											  rte->eref->aliasname));
		else
			say(v, "45 CFR 164.514(b)(2)(i)(R)", psprintf("leave out the system columns of \"%s\"", rte->eref->aliasname));
		return false;
	}
	if (IsA(node, CoerceToDomain) && ((CoerceToDomain *) node)->resulttype >= FirstNormalObjectId &&
		!phig_is_ours(TypeRelationId, ((CoerceToDomain *) node)->resulttype))
		say(v, "45 CFR 164.514", psprintf("leave out the cast to domain %s: what it checks cannot be looked into",
										  format_type_be(((CoerceToDomain *) node)->resulttype)));
	if (phig_extract_goes_by_zone(node))
		say(v, "45 CFR 164.514(b)(2)(i)(C)",
			pstrdup("the day, a part or the text of a timestamptz, or one that is made of these, goes by the time zone of "
					"whoever reads: AT TIME ZONE 'UTC', of a date ::timestamp, or a transform of the value as it is"));
	if (phig_extract_goes_by_date_style(node))
		say(v, "45 CFR 164.514(b)(2)(i)(C)",
			pstrdup("a date that is read from a text, or a text that is made of a date, goes by the DateStyle of whoever reads: "
					"to_date() and to_char() say the format"));
	if (IsA(node, SQLValueFunction) && ((SQLValueFunction *) node)->op == SVFOP_CURRENT_SCHEMA)
		say(v, "45 CFR 164.514", pstrdup("current_schema goes by a setting of whoever reads: leave it out"));
	if (IsA(node, Const) && ((Const *) node)->consttype == REGCONFIGOID && !((Const *) node)->constisnull &&
		DatumGetObjectId(((Const *) node)->constvalue) >= FirstNormalObjectId)
		say(v, "45 CFR 164.514", pstrdup("a text search configuration that is not the server's may be changed by its owner: 'english', 'simple' and the like"));
	if (IsA(node, SortGroupClause))
	{
		const SortGroupClause *clause = (SortGroupClause *) node;

		(void) vet_function(get_opcode(clause->eqop), v);
		if (OidIsValid(clause->sortop))
			(void) vet_function(get_opcode(clause->sortop), v);
		return false;
	}
	if (IsA(node, FuncExpr) && phig_flow_is_transform(((FuncExpr *) node)->funcid))
	{
		const char *domain = v->row->agreement ? v->row->agreement : v->row->purpose;

		if (!phig_twin_set_domain((FuncExpr *) node, domain))
			say(v, "45 CFR 164.514(c)", psprintf("the key domain of %s() is to be '%s': codes of different recipients shall not join",
												 get_func_name(((FuncExpr *) node)->funcid), domain));
	}
	if (IsA(node, Query))
	{
		ListCell   *lc;

		foreach(lc, ((Query *) node)->rtable)
			vet_entry(v, lfirst_node(RangeTblEntry, lc));
		v->rtables = lcons(((Query *) node)->rtable, v->rtables);
		(void) query_tree_walker((Query *) node, vet_walker, v, QTW_IGNORE_JOINALIASES | QTW_EXAMINE_SORTGROUP);
		v->rtables = list_delete_first(v->rtables);
		return false;
	}
	return expression_tree_walker(node, vet_walker, context);
}

static void
vet_entry(Vetting *v, const RangeTblEntry *rte)
{
	/* Version 15 keeps OLD and NEW of a view. */
	if (rte->rtekind != RTE_RELATION || rte->relkind == RELKIND_VIEW)
		return;
	v->proof->relids = list_append_unique_oid(v->proof->relids, rte->relid);
	if (rte->relid < FirstNormalObjectId || phig_is_ours(RelationRelationId, rte->relid) ||
		!phig_relkind_has_labels(rte->relkind))
		say(v, "45 CFR 164.514", psprintf("\"%s\" cannot have labels: leave it out", get_rel_name(rte->relid)));
	else if (get_rel_persistence(rte->relid) == RELPERSISTENCE_TEMP)
		say(v, "45 CFR 164.514", psprintf("\"%s\" is temporary: leave it out", get_rel_name(rte->relid)));
	else if (rte->inh)
		vet_children(v, rte->relid);
}

/* A child's columns are read by the parent's labels. */
static void
vet_children(Vetting *v, Oid relid)
{
	PhigRelLabels *above = phig_label_relation_copy(relid);
	ListCell   *lc;

	foreach(lc, phig_family(relid))
	{
		Oid			child = lfirst_oid(lc);
		PhigRelLabels *labels;

		if (child == relid)
			continue;
		v->proof->relids = list_append_unique_oid(v->proof->relids, child);
		labels = phig_label_relation_copy(child);
		for (AttrNumber attno = 1; attno <= above->natts; attno++)
		{
			char	   *name = OidIsValid(get_atttype(relid, attno)) ? get_attname(relid, attno, true) : NULL;
			AttrNumber	own = name ? get_attnum(child, name) : InvalidAttrNumber;

			if (own > 0 && own <= labels->natts &&
				(labels->cols[own - 1].category != above->cols[attno - 1].category ||
				 labels->cols[own - 1].kind != above->cols[attno - 1].kind))
				say(v, "45 CFR 164.514", psprintf("column \"%s\" of \"%s\" has another label than in \"%s\", through which it is read: label it there",
												  name, get_rel_name(child), get_rel_name(relid)));
		}
	}
}

static bool
vet_function(Oid funcid, void *context)
{
	if (goes_by_setting(funcid))
		say(context, "45 CFR 164.514", psprintf("function %s() goes by a setting of whoever reads: leave it out, or give a text search its configuration, to_tsvector('english', ...)",
												get_func_name(funcid)));
	else if (!is_free(funcid))
		say(context, "45 CFR 164.514", psprintf("function %s() cannot be looked into: leave it out, or vouch for it with phiguard.register_transform()",
												get_func_name(funcid)));
	return false;
}

/* By search_path, default_text_search_config, or both: what a name means, and what a text says. */
static bool
goes_by_setting(Oid funcid)
{
	static const char *const searches[] = {
		"to_tsvector", "json_to_tsvector", "jsonb_to_tsvector", "to_tsquery", "plainto_tsquery", "phraseto_tsquery",
		"websearch_to_tsquery", "get_current_ts_config"
	};
	const char *name;

	if (funcid >= FirstNormalObjectId || func_volatile(funcid) != PROVOLATILE_STABLE)
		return false;
	name = get_func_name(funcid);
	for (int i = 0; i < (int) lengthof(searches); i++)
		if (strcmp(name, searches[i]) == 0)
			return true;
	return strncmp(name, "reg", strlen("reg")) == 0 || strncmp(name, "current_schema", strlen("current_schema")) == 0;
}

/* Does nothing but compute something from its arguments? */
static bool
is_free(Oid funcid)
{
	static const char *const asks[] = {
		"pg_", "has_", "table_to_xml", "schema_to_xml", "database_to_xml", "query_to_xml", "cursor_to_xml", "current_setting",
		"obj_description", "col_description", "shobj_description", "row_security_active", "inet_client", "inet_server",
		"currtid", "to_reg", "lo_", "ts_", "txid_"
	};
	char	   *name;

	if (funcid >= FirstNormalObjectId)
		return phig_flow_is_transform(funcid);
	name = get_func_name(funcid);
	switch (func_volatile(funcid))
	{
		case PROVOLATILE_IMMUTABLE:
			return true;
		case PROVOLATILE_STABLE:
			for (int i = 0; i < (int) lengthof(asks); i++)
				if (strncmp(name, asks[i], strlen(asks[i])) == 0)
					return false;
			return true;
		default:
			return strcmp(name, "random") == 0 || strcmp(name, "clock_timestamp") == 0;
	}
}

static void
say(Vetting *v, const char *citation, char *problem)
{
	ListCell   *lc;

	foreach(lc, v->said)
		if (strcmp(lfirst(lc), problem) == 0)
			return;
	v->said = lappend(v->said, problem);
	phig_proof_refuse(v->proof, citation, problem);
}

void
phig_extract_vet_birth_years(PhigProof *proof, Query *query)
{
	Vetting		v = {.proof = proof};

	(void) birth_year_walker((Node *) query, &v);
}

/* The cap goes by the latest year that is released of the person: no later one than today's, HIPAA wants no less. */
static bool
birth_year_walker(Node *node, void *context)
{
	Vetting    *v = context;

	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr))
	{
		const FuncExpr *call = (FuncExpr *) node;
		char	   *name = phig_flow_is_transform(call->funcid) ? get_func_name(call->funcid) : NULL;

		if (name != NULL && strcmp(name, "birth_year") == 0 && phig_is_ours(ProcedureRelationId, call->funcid) &&
			!is_today(llast(call->args), &v->proof->until))
			say(v, "45 CFR 164.514(b)(2)(i)(C)", "the year that birth_year() goes by may be earlier than one that is released: birth_year(..., current_date)");
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, birth_year_walker, context, 0);
	return expression_tree_walker(node, birth_year_walker, context);
}

/* A constant of this year, or a later one, is, until that is over. */
static bool
is_today(Node *node, TimestampTz *until)
{
	const Node *expr = phig_flow_uncast(node);
	struct pg_tm now;
	struct pg_tm said;
	fsec_t		fsec;
	int			zone;

	if (IsA(expr, SQLValueFunction))
		return ((const SQLValueFunction *) expr)->op == SVFOP_CURRENT_DATE ||
			((const SQLValueFunction *) expr)->op == SVFOP_CURRENT_TIMESTAMP;
	if (IsA(expr, FuncExpr))
		return ((const FuncExpr *) expr)->funcid < FirstNormalObjectId && ((const FuncExpr *) expr)->args == NIL;
	if (!IsA(expr, Const) || ((const Const *) expr)->consttype != DATEOID || ((const Const *) expr)->constisnull ||
		DATE_NOT_FINITE(DatumGetDateADT(((const Const *) expr)->constvalue)))
		return false;
	j2date(DatumGetDateADT(((const Const *) expr)->constvalue) + POSTGRES_EPOCH_JDATE, &said.tm_year, &said.tm_mon,
		   &said.tm_mday);
	if (timestamp2tm(GetCurrentTimestamp(), &zone, &now, &fsec, NULL, NULL) != 0 || said.tm_year < now.tm_year)
		return false;
	*until = Min(*until, (TimestampTz) (date2j(said.tm_year + 1, 1, 1) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY);
	return true;
}
