/*
 * carrier.c
 *		What a plan carries from the planner to the executor.
 *
 * The carrier's strings, in order:
 *		0	id of the definition, 32 letters a-p for its nibbles, or '' when no labelled column is reached
 *		1	its text
 *		2	kind, flags, and the version of the labels it was made for, "kind:flags:version" in hex
 *		3	columns without a label into which labelled data is written
 */
#include "postgres.h"

#include "nodes/makefuncs.h"

#include "journal/carrier.h"

/* Longer than any name that a statement can give: nothing in a query becomes a carrier. */
#define CARRIER_NAME "phiguard carrier: what the planner hook tells the executor hooks of this statement"
#define CARRIER_STRINGS 4

StaticAssertDecl(sizeof(CARRIER_NAME) > NAMEDATALEN, "the carrier's name must not be an identifier");

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

/* Letters for nibbles: read back on each execution, so without the checks of hex_decode(). */
static char *
letters_of_id(const PhigDefinition *def)
{
	char	   *letters = palloc0(2 * sizeof(def->id) + 1);

	if (def->len > 0)
		for (size_t i = 0; i < sizeof(def->id); i++)
		{
			letters[2 * i] = 'a' + (def->id[i] >> 4);
			letters[2 * i + 1] = 'a' + (def->id[i] & 0x0f);
		}
	return letters;
}

static void
id_of_letters(const char *letters, PhigDefinition *def)
{
	for (size_t i = 0; i < sizeof(def->id); i++)
		def->id[i] = (uint8) ((letters[2 * i] - 'a') << 4 | (letters[2 * i + 1] - 'a'));
}

/*
 * The version of the labels of all relations of a plan.  A cached plan is made
 * anew when a label changes, but a transaction that holds its locks already may
 * be told of the change only after it has taken the plan from the cache.
 */
static uint64
labels_version(const PlannedStmt *plan)
{
	uint64		greatest = 0;
	ListCell   *lc;

	foreach(lc, plan->rtable)
	{
		const RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION)
			greatest = Max(greatest, phig_label_version(rte->relid));
	}
	return greatest;
}

void
phig_carrier_attach(PlannedStmt *plan, const PhigStatement *statement, const PhigFlow *flow)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	List	   *strings;

	strings = list_make4(makeString(letters_of_id(&statement->def)),
						 makeString(pstrdup(statement->def.len ? statement->def.text : "")),
						 makeString(psprintf("%x:%x:%llx", statement->kind, statement->flags,
											 (unsigned long long) labels_version(plan))),
						 makeString(unlabelled_targets(flow)));
	rte->rtekind = RTE_RESULT;
	rte->eref = makeAlias(CARRIER_NAME, strings);
	plan->rtable = lappend(plan->rtable, rte);
}

bool
phig_carrier_read(const PlannedStmt *plan, PhigCarrier *out)
{
	RangeTblEntry *rte;
	const char *letters;
	char	   *rest;

	if (plan->rtable == NIL)
		return false;
	rte = llast_node(RangeTblEntry, plan->rtable);
	if (rte->rtekind != RTE_RESULT || rte->eref == NULL ||
		strcmp(rte->eref->aliasname, CARRIER_NAME) != 0 ||
		list_length(rte->eref->colnames) != CARRIER_STRINGS)
		return false;

	memset(out, 0, sizeof(*out));
	letters = strVal(linitial(rte->eref->colnames));
	if (letters[0] != '\0')
	{
		id_of_letters(letters, &out->statement.def);
		out->statement.def.text = strVal(lsecond(rte->eref->colnames));
		out->statement.def.len = strlen(out->statement.def.text);
	}
	out->statement.kind = (PhigKind) strtoul(strVal(lthird(rte->eref->colnames)), &rest, 16);
	out->statement.flags = *rest == ':' ? strtoul(rest + 1, &rest, 16) : 0;
	out->stale = *rest != ':' || labels_version(plan) > strtou64(rest + 1, NULL, 16);
	out->unlabelled_stores = strVal(lfourth(rte->eref->colnames));
	return true;
}
