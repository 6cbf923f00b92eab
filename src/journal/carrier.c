/*
 * carrier.c
 *		What a plan carries from the planner to the executor.
 *
 * The carrier's strings, in order:
 *		0	id of the definition, 32 hex digits, or '' when no labelled column is reached
 *		1	its text
 *		2	kind and flags, "kind:flags" in hex
 *		3	columns without a label into which labelled data is written
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "utils/builtins.h"

#include "journal/carrier.h"

#define CARRIER_NAME "phiguard carrier"
#define CARRIER_STRINGS 4

static char *
unlabelled_targets(const PhigFlow *flow)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, flow->unlabelled_stores)
	{
		const PhigFlowStore *store = lfirst(lc);
		char	   *path = phig_column_path(store->target_relid, store->target_attno);

		if (path)
			appendStringInfo(&buf, "%s%s", buf.len ? ", " : "", path);
	}
	return buf.data;
}

static char *
hex_of_id(const PhigDefinition *def)
{
	char		hex[2 * sizeof(def->id) + 1] = "";

	if (def->len > 0)
		hex[hex_encode((const char *) def->id, sizeof(def->id), hex)] = '\0';
	return pstrdup(hex);
}

void
phig_carrier_attach(PlannedStmt *plan, const PhigStatement *statement, const PhigFlow *flow)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	List	   *strings;

	strings = list_make4(makeString(hex_of_id(&statement->def)),
						 makeString(pstrdup(statement->def.len ? statement->def.text : "")),
						 makeString(psprintf("%x:%x", statement->kind, statement->flags)),
						 makeString(unlabelled_targets(flow)));
	rte->rtekind = RTE_RESULT;
	rte->eref = makeAlias(CARRIER_NAME, strings);
	plan->rtable = lappend(plan->rtable, rte);
}

bool
phig_carrier_read(const PlannedStmt *plan, PhigCarrier *out)
{
	RangeTblEntry *rte;
	const char *hex;
	char	   *rest;

	if (plan->rtable == NIL)
		return false;
	rte = llast_node(RangeTblEntry, plan->rtable);
	if (rte->rtekind != RTE_RESULT || rte->eref == NULL ||
		strcmp(rte->eref->aliasname, CARRIER_NAME) != 0 ||
		list_length(rte->eref->colnames) != CARRIER_STRINGS)
		return false;

	memset(out, 0, sizeof(*out));
	hex = strVal(linitial(rte->eref->colnames));
	if (strlen(hex) == 2 * sizeof(out->statement.def.id))
	{
		hex_decode(hex, 2 * sizeof(out->statement.def.id), (char *) out->statement.def.id);
		out->statement.def.text = strVal(lsecond(rte->eref->colnames));
		out->statement.def.len = strlen(out->statement.def.text);
	}
	out->statement.kind = (PhigKind) strtoul(strVal(lthird(rte->eref->colnames)), &rest, 16);
	out->statement.flags = *rest == ':' ? strtoul(rest + 1, NULL, 16) : 0;
	out->unlabelled_stores = strVal(lfourth(rte->eref->colnames));
	return true;
}
