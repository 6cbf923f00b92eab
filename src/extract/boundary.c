/*
 * boundary.c
 *		Where a query reads extracts.
 *
 * The view's sub-query in the rewritten query is the boundary.  Inside, the extract's purpose and method hold,
 * whoever reads, in every mode (enforce/extract.c); outside, the session's purpose.  While that is settled the
 * sub-query is one over nothing, of the same columns: nothing of what stands inside is the session's business.
 *
 * An extract inside of an extract is a view like any other: the outer one was proven with it.  A set-returning
 * function that the planner would put in line is put in line here, where it reads an extract.  Nobody writes
 * through an extract: the rows of the table behind it would be looked at, and returned, as they are.
 *
 * A closed extract is measured by one query, that of phiguard.risk: it alone enters, since the leave to do so is
 * gone once a query has been planned, and only where that query names its release.  Through a view over the extract,
 * in the population say, it would be read by whatever stands in that view.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "extract/extract.h"
#include "extract/profile.h"
#include "extract/prove.h"
#include "extract/state.h"
#include "extract/view.h"

/* What ends a stamp of an extract that is only measured; of others a semicolon. */
#define MEASURED '!'

typedef struct Search
{
	List	   *boundaries;
	PhigRefusal *refusal;
	List	   *functions;		/* OIDs of those that were put in line */
	Oid			measured;		/* an extract that may be entered while it is closed, or
								 * InvalidOid */
	const RangeTblEntry *measured_at;	/* there, and nowhere else */
} Search;

static Oid	to_be_measured = InvalidOid;	/* by the next query that is planned */
static Oid	is_measured = InvalidOid;

static bool may_be_entered(const PhigExtractState *state, Oid measured);
static bool codes_may_be_seen(const PhigExtractState *state);
static void search(Query *query, Search *s);
static bool search_sublinks(Node *node, void *context);
static void put_in_line(Query *query, RangeTblEntry *rte, Search *s);
static bool enter(RangeTblEntry *rte, Oid view, Search *s);
static void refuse_written(PhigRefusal *refusal, Oid view);
static void refuse_closed(PhigRefusal *refusal, const PhigExtractState *state);
static Query *make_stub(const Query *query);

List *
phig_extract_enter(Query *query, PhigRefusal *refusal)
{
	Search		s = {.refusal = refusal, .measured = to_be_measured};

	to_be_measured = InvalidOid;
	memset(refusal, 0, sizeof(*refusal));
	if (query->commandType == CMD_UTILITY || phig_extract_rows() == NIL)
		return NIL;
	if (OidIsValid(s.measured))
		s.measured_at = phig_profile_release(query);
	search(query, &s);
	if (refusal->message != NULL)
		return NIL;
	if (s.boundaries != NIL)
	{
		PhigExtractBoundary *first = linitial(s.boundaries);

		first->enforced.functions = list_concat_unique_oid(first->enforced.functions, s.functions);
	}
	return s.boundaries;
}

void
phig_extract_measure(Oid view)
{
	to_be_measured = is_measured = view;
}

void
phig_extract_hide(List *boundaries)
{
	ListCell   *lc;

	foreach(lc, boundaries)
	{
		PhigExtractBoundary *boundary = lfirst(lc);

		boundary->rte->subquery = boundary->stub;
	}
}

void
phig_extract_show(List *boundaries)
{
	ListCell   *lc;

	foreach(lc, boundaries)
	{
		PhigExtractBoundary *boundary = lfirst(lc);

		boundary->rte->subquery = boundary->query;
	}
}

void
phig_extract_add(List *boundaries, PhigEnforcement *done)
{
	ListCell   *lc;

	foreach(lc, boundaries)
	{
		const PhigExtractBoundary *boundary = lfirst(lc);

		done->restricted = true;
		done->relids = list_concat_unique_oid(done->relids, boundary->enforced.relids);
		done->policies = list_concat(done->policies, boundary->enforced.policies);
		done->functions = list_concat_unique_oid(done->functions, boundary->enforced.functions);
	}
}

List *
phig_extract_disclosures(List *boundaries)
{
	List	   *disclosures = NIL;
	ListCell   *lc;

	foreach(lc, boundaries)
		disclosures = lappend(disclosures, ((const PhigExtractBoundary *) lfirst(lc))->disclosure);
	return disclosures;
}

char *
phig_extract_stamps(List *disclosures)
{
	StringInfoData stamps;
	ListCell   *lc;

	if (disclosures == NIL)
		return "";
	initStringInfo(&stamps);
	foreach(lc, disclosures)
	{
		const PhigDisclosure *disclosure = lfirst(lc);

		appendStringInfo(&stamps, "%u " UINT64_FORMAT "%c", disclosure->view, disclosure->stamp,
						 disclosure->measured ? MEASURED : ';');
	}
	return stamps.data;
}

bool
phig_extract_still_open(const char *stamps, PhigRefusal *refusal)
{
	while (*stamps != '\0')
	{
		char	   *end;
		Oid			view = strtoul(stamps, &end, 10);
		uint64		stamp = strtou64(end + 1, &end, 10);
		const PhigExtractState *state = phig_extract_state(view);
		bool		measured = *end == MEASURED;

		stamps = end + 1;
		if (state != NULL && !may_be_entered(state, measured ? is_measured : InvalidOid))
		{
			refuse_closed(refusal, state);
			return false;
		}
		if (state == NULL || state->stamp != stamp)
		{
			refusal->message = "an extract that the statement reads has changed";
			refusal->detail = "The statement was planned before that.";
			refusal->hint = "Run it again.";
			return false;
		}
		if (state->codes && !codes_may_be_seen(state))
		{
			refusal->message = psprintf("extract %s shows codes of a table that the role may write",
										quote_qualified_identifier(state->row->schema, state->row->relation));
			refusal->detail = "Who may write a table and see the codes of what it holds could look any value up by its code.";
			refusal->hint = "Read it as a role that may not write what it is made of.";
			return false;
		}
	}
	return true;
}

/* Open, or it is the one that is measured, and waits for nothing else. */
static bool
may_be_entered(const PhigExtractState *state, Oid measured)
{
	return state->problem == NULL || (OidIsValid(measured) && measured == state->view && state->undetermined);
}

/* As for tables: enforce.c, phig_enforce_may_write. */
static bool
codes_may_be_seen(const PhigExtractState *state)
{
	const PhigSubject *subject = phig_policy_subject();
	ListCell   *lc;

	if (subject->exempt)
		return true;
	foreach(lc, state->relids)
		if (lfirst_oid(lc) != state->view && phig_enforce_may_write(lfirst_oid(lc), subject->role))
			return false;
	return true;
}

static void
search(Query *query, Search *s)
{
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
		Oid			view;

		if (rte->rtekind == RTE_FUNCTION)
			put_in_line(query, rte, s);
		/* A view that is written through is still named by the entry that was the target. */
		if (query->commandType != CMD_SELECT && rte->rtekind == RTE_RELATION && rte->relkind == RELKIND_VIEW)
			refuse_written(s->refusal, rte->relid);
		if (rte->rtekind != RTE_SUBQUERY)
			continue;
		view = phig_view_of(rte);
		if (!OidIsValid(view) || !enter(rte, view, s))
			search(rte->subquery, s);
	}
	foreach(lc, query->cteList)
		search(castNode(Query, lfirst_node(CommonTableExpr, lc)->ctequery), s);
	if (query->hasSubLinks)
		query_tree_walker(query, search_sublinks, s,
						  QTW_IGNORE_RT_SUBQUERIES | QTW_IGNORE_CTE_SUBQUERIES | QTW_IGNORE_JOINALIASES);
}

static bool
search_sublinks(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		search((Query *) node, context);
		return false;
	}
	return expression_tree_walker(node, search_sublinks, context);
}

/* As for governed tables: enforce/collect.c. */
static void
put_in_line(Query *query, RangeTblEntry *rte, Search *s)
{
	Query	   *inlined = phig_flow_inline(query, rte);
	int			before = list_length(s->boundaries);

	if (inlined == NULL)
		return;
	search(inlined, s);
	if (list_length(s->boundaries) == before)
		return;
	phig_flow_put_in_line(rte, inlined, &s->functions);
}

/* Unless it is no extract. */
static void
refuse_written(PhigRefusal *refusal, Oid view)
{
	const PhigExtractRow *row = phig_extract_row(view);

	if (row == NULL)
		return;
	refusal->message = psprintf("extract %s may not be written through",
								quote_qualified_identifier(row->schema, row->relation));
	refusal->detail = "What it shows goes by its purpose; a row that is written would be looked at as it is.";
	refusal->hint = "Write the tables that it is made of.";
}

/* False where the view is no extract. */
static bool
enter(RangeTblEntry *rte, Oid view, Search *s)
{
	const PhigExtractState *state = phig_extract_state(view);
	PhigExtractBoundary *boundary;
	PhigDisclosure *disclosure;
	PhigExtractRow row;
	List	   *problems = NIL;

	if (state == NULL)
		return false;
	if (!may_be_entered(state, rte == s->measured_at ? s->measured : InvalidOid))
	{
		refuse_closed(s->refusal, state);
		return true;
	}
	boundary = palloc0(sizeof(PhigExtractBoundary));
	disclosure = palloc0(sizeof(PhigDisclosure));
	row = *state->row;
	row.purpose = pstrdup(row.purpose);
	row.method = pstrdup(row.method);
	row.agreement = row.agreement ? pstrdup(row.agreement) : NULL;
	disclosure->extract = quote_qualified_identifier(row.schema, row.relation);
	disclosure->measured = state->problem != NULL;
	disclosure->agreement = row.agreement;
	disclosure->method = row.method;
	disclosure->recipient = disclosure->measured ? NULL : state->recipient ? pstrdup(state->recipient) : NULL;
	disclosure->stamp = state->stamp;
	disclosure->view = view;
	boundary->disclosure = disclosure;
	boundary->rte = rte;
	boundary->query = rte->subquery;
	boundary->stub = make_stub(rte->subquery);
	s->boundaries = lappend(s->boundaries, boundary);
	phig_extract_set_constants(boundary->query, &row);
	phig_enforce_extract(boundary->query, phig_extract_subject(&row, view), phig_method_from_name(row.method),
						 &boundary->enforced, &problems, NULL);
	/* The proof would have had them. */
	if (problems != NIL)
		elog(ERROR, "an extract that was proven reads what its purpose does not show");
	return true;
}

static void
refuse_closed(PhigRefusal *refusal, const PhigExtractState *state)
{
	refusal->message = psprintf("extract %s is closed", quote_qualified_identifier(state->row->schema, state->row->relation));
	refusal->detail = pstrdup(state->problem);
	refusal->hint = pstrdup(state->hint);
}

/* The same visible columns, and no table. */
static Query *
make_stub(const Query *query)
{
	Query	   *stub = makeNode(Query);
	ListCell   *lc;

	stub->commandType = CMD_SELECT;
	stub->querySource = QSRC_ORIGINAL;
	stub->canSetTag = true;
	stub->jointree = makeFromExpr(NIL, NULL);
	foreach(lc, query->targetList)
	{
		const TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Node	   *expr = (Node *) tle->expr;
		Const	   *null = makeNullConst(exprType(expr), exprTypmod(expr), exprCollation(expr));

		if (tle->resjunk)
			continue;
		stub->targetList = lappend(stub->targetList,
								   makeTargetEntry((Expr *) null,
												   list_length(stub->targetList) + 1, tle->resname, false));
	}
	return stub;
}
