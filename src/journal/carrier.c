/*
 * carrier.c
 *		What a plan carries from the planner to the executor.
 *
 * The carrier's strings, in order:
 *		0	id and length of the definition, kind, flags, version of the labels: struct Fixed in letters
 *		1	the definition's text
 *		2	columns without a label into which labelled data is written
 *
 * They are read on every execution of the plan, so nothing is parsed.
 */
#include "postgres.h"

#include "nodes/execnodes.h"
#include "nodes/makefuncs.h"
#include "utils/memutils.h"

#include "journal/carrier.h"
#include "journal/format.h"

/* Longer than any name that a statement can give: nothing in a query becomes a carrier. */
#define CARRIER_NAME "phiguard carrier: what the planner hook tells the executor hooks of this statement"
#define CARRIER_STRINGS 3

/* What has a fixed size. */
typedef struct Fixed
{
	uint8		id[PHIG_ID_BYTES];
	uint64		version;		/* of the labels that it was made for */
	uint32		len;			/* 0: no labelled column is reached */
	uint32		kind;
	uint32		flags;
	uint32		zero;
} Fixed;

#define LETTERS (2 * sizeof(Fixed))

StaticAssertDecl(sizeof(Fixed) % sizeof(uint64) == 0, "letters are read eight at a time");

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

/* Eight at a time: no letter is less than 'a', so nothing is borrowed between bytes. */
static inline void
read_letters(const char *letters, Fixed *fixed)
{
	const uint64 a = UINT64CONST(0x6161616161616161);

	for (size_t i = 0; i < sizeof(Fixed); i += sizeof(uint64))
	{
		uint64		high;
		uint64		low;

		memcpy(&high, letters + i, sizeof(high));
		memcpy(&low, letters + sizeof(Fixed) + i, sizeof(low));
		high = (high - a) << 4 | (low - a);
		memcpy((char *) fixed + i, &high, sizeof(high));
	}
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

/* Letters a to p for nibbles: all the high ones, then all the low ones. */
static char *
letters_of(const PhigStatement *statement, uint64 version)
{
	Fixed		fixed = {
		.version = version, .len = statement->def.len, .kind = statement->kind,
		.flags = statement->flags
	};
	const uint8 *bytes = (const uint8 *) &fixed;
	char	   *letters = palloc(LETTERS + 1);

	memcpy(fixed.id, statement->def.id, PHIG_ID_BYTES);
	for (size_t i = 0; i < sizeof(Fixed); i++)
	{
		letters[i] = 'a' + (bytes[i] >> 4);
		letters[sizeof(Fixed) + i] = 'a' + (bytes[i] & 0x0f);
	}
	letters[LETTERS] = '\0';
	return letters;
}

void
phig_carrier_attach(PlannedStmt *plan, const PhigStatement *statement, const PhigFlow *flow)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	List	   *strings;

	strings = list_make3(makeString(letters_of(statement, labels_version(plan))),
						 makeString(pstrdup(statement->def.len ? statement->def.text : "")),
						 makeString(unlabelled_targets(flow)));
	rte->rtekind = RTE_RESULT;
	rte->eref = makeAlias(CARRIER_NAME, strings);
	plan->rtable = lappend(plan->rtable, rte);
}

/* The strings, or NIL when there is no carrier. */
static List *
carried(const PlannedStmt *plan)
{
	const RangeTblEntry *rte;

	if (!phig_carrier_may_be_in(plan))
		return NIL;
	rte = llast_node(RangeTblEntry, plan->rtable);
	if (rte->eref == NULL ||
		strcmp(rte->eref->aliasname, CARRIER_NAME) != 0 ||
		list_length(rte->eref->colnames) != CARRIER_STRINGS)
		return NIL;
	return rte->eref->colnames;
}

bool
phig_carrier_read(const PlannedStmt *plan, PhigCarrier *out)
{
	List	   *strings = carried(plan);
	Fixed		fixed;

	if (strings == NIL)
		return false;
	read_letters(strVal(linitial(strings)), &fixed);
	memcpy(out->statement.def.id, fixed.id, PHIG_ID_BYTES);
	out->statement.def.text = strVal(lsecond(strings));
	out->statement.def.len = fixed.len;
	out->statement.kind = (PhigKind) fixed.kind;
	out->statement.flags = fixed.flags;
	out->labels_version = fixed.version;
	out->unlabelled_stores = strVal(lthird(strings));
	return true;
}

void
phig_carrier_hide(QueryDesc *query_desc)
{
	const PlannedStmt *plan = query_desc->plannedstmt;
	MemoryContext outer;
	PlannedStmt *shown;

	if (carried(plan) == NIL)
		return;
	outer = MemoryContextSwitchTo(query_desc->estate->es_query_cxt);
	shown = makeNode(PlannedStmt);
	memcpy(shown, plan, sizeof(PlannedStmt));
	shown->rtable = list_truncate(list_copy(plan->rtable), list_length(plan->rtable) - 1);
	query_desc->plannedstmt = shown;
	MemoryContextSwitchTo(outer);
}

bool
phig_carrier_is_stale(const PlannedStmt *plan, const PhigCarrier *carrier)
{
	return labels_version(plan) > carrier->labels_version;
}
