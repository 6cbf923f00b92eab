/*
 * explain.c
 *		The PHI Access part of EXPLAIN.
 *
 * What a query would do to labelled columns, told before it is run: column
 * names and forms, never a value.
 */
#include "postgres.h"

#include "compat.h"
#include "journal/carrier.h"
#include "journal/explain.h"

static void
print_list(const char *label, const char *text, char key, ExplainState *es)
{
	List	   *paths = phig_definition_values(text, key);

	if (paths != NIL || es->format != EXPLAIN_FORMAT_TEXT)
		ExplainPropertyList(label, paths, es);
}

static void
print_statement(const PhigStatement *statement, ExplainState *es)
{
	const char *text = statement->def.len > 0 ? statement->def.text : "";

	if (es->format == EXPLAIN_FORMAT_TEXT)
	{
		appendStringInfoSpaces(es->str, es->indent * 2);
		appendStringInfo(es->str, "PHI Access:%s\n", text[0] ? "" : " none");
		es->indent++;
	}
	ExplainOpenGroup("PHI Access", "PHI Access", true, es);
	print_list("Returned", text, 'w', es);
	print_list("Referenced", text, 'e', es);
	print_list("Stored", text, 's', es);
	ExplainCloseGroup("PHI Access", "PHI Access", true, es);
	if (es->format == EXPLAIN_FORMAT_TEXT)
		es->indent--;
}

void
phig_explain_print(const PhigStatement *statement, ExplainState *es, bool own_group)
{
	bool		wrap = own_group && es->format != EXPLAIN_FORMAT_TEXT;

	if (wrap)
		ExplainOpenGroup("Query", NULL, true, es);
	print_statement(statement, es);
	if (wrap)
		ExplainCloseGroup("Query", NULL, true, es);
}

void
phig_explain_print_plan(const PlannedStmt *plan, ExplainState *es)
{
	PhigCarrier carrier;

	if (phig_carrier_read(plan, &carrier))
		print_statement(&carrier.statement, es);
}
