/*
 * carrier.c
 *		What a plan carries from the planner to the executor.
 *
 * An entry in the range table that stands for nothing.  It is read on every
 * execution of the plan, so what has a fixed size is a struct, as the value of a
 * constant in a list that the planner empties in all other entries: no query
 * makes one.  The strings, in order:
 *		0	the definition's text
 *		1	columns without a label into which labelled data is written
 *		2	the extracts that it reads, each with a stamp of what was proven of it
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/execnodes.h"
#include "nodes/makefuncs.h"
#include "utils/memutils.h"

#include "extract/extract.h"
#include "journal/carrier.h"
#include "journal/format.h"

#define CARRIER_NAME "phiguard carrier: what the planner hook tells the executor hooks of this statement"
#define CARRIER_STRINGS 3
#define CARRIER_MAGIC UINT64CONST(0x7068696743617272)

typedef struct PhigCarrierFixed
{
	uint64		magic;
	uint8		id[PHIG_ID_BYTES];
	uint64		version;		/* of the labels that it was made for */
	uint64		checked;		/* phig_label_invalidations when these were still the labels */
	uint32		len;			/* 0: no labelled column is reached */
	uint32		kind;
	uint32		flags;
	uint32		enforced;		/* ENFORCED_... */
	uint64		stamp;			/* PhigEnforcement's, as function */
	Oid			function;
} PhigCarrierFixed;

#define ENFORCED_RESTRICTED	1
#define ENFORCED_CONSTRAINT	2

static char *
unlabelled_targets(const PhigFlow *flow)
{
	StringInfoData buf;
	ListCell   *lc;

	if (flow->unlabelled_stores == NIL)
		return "";
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

/*
 * The version of the labels of all relations of a plan, as it is now.  A cached plan is made
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
		{
			uint64		version = phig_label_version(rte->relid);

			greatest = Max(greatest, version);
		}
	}
	return greatest;
}

static Const *
fixed_part(const PlannedStmt *plan, const PhigStatement *statement, const PhigEnforcement *enforced)
{
	PhigCarrierFixed *fixed = palloc0(sizeof(PhigCarrierFixed));

	fixed->magic = CARRIER_MAGIC;
	memcpy(fixed->id, statement->def.id, PHIG_ID_BYTES);
	fixed->checked = phig_label_invalidations;
	/* Every labelled relation of the plan has been asked for, by the flow or as a child. */
	fixed->version = phig_label_newest_version();
	fixed->len = statement->def.len;
	fixed->kind = statement->kind;
	fixed->flags = statement->flags;
	fixed->stamp = enforced->stamp;
	fixed->function = enforced->function;
	fixed->enforced = (enforced->restricted ? ENFORCED_RESTRICTED : 0) |
		(enforced->constraint ? ENFORCED_CONSTRAINT : 0);
	return makeConst(BYTEAOID, -1, InvalidOid, sizeof(PhigCarrierFixed), PointerGetDatum(fixed), false, false);
}

static Const *
subjects_part(const PhigSubjectSources *subjects)
{
	void	   *copy = palloc(subjects->bytes);

	memcpy(copy, subjects, subjects->bytes);
	return makeConst(BYTEAOID, -1, InvalidOid, (int) subjects->bytes, PointerGetDatum(copy), false, false);
}

/* NULL where there is none. */
static PhigSubjectSources *
carried_subjects(const RangeTblEntry *rte)
{
	return list_length(rte->securityQuals) < 2 ? NULL :
		(PhigSubjectSources *) DatumGetPointer(lsecond_node(Const, rte->securityQuals)->constvalue);
}

void
phig_carrier_attach(PlannedStmt *plan, const PhigStatement *statement, const PhigFlow *flow,
					const PhigEnforcement *enforced, const PhigSubjectSources *subjects)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	List	   *strings;

	strings = list_make3(makeString(unconstify(char *, statement->def.len ? statement->def.text : "")),
						 makeString(unlabelled_targets(flow)), makeString(phig_extract_stamps(flow->extracts)));
	rte->rtekind = RTE_RESULT;
	rte->eref = makeNode(Alias);
	rte->eref->aliasname = CARRIER_NAME;
	rte->eref->colnames = strings;
	rte->securityQuals = list_make1(fixed_part(plan, statement, enforced));
	if (subjects != NULL)
		rte->securityQuals = lappend(rte->securityQuals, subjects_part(subjects));
	plan->rtable = lappend(plan->rtable, rte);
}

/* The carrier's fixed part, or NULL when there is no carrier. */
static PhigCarrierFixed *
carried(const PlannedStmt *plan)
{
	const RangeTblEntry *rte;
	const Const *constant;
	PhigCarrierFixed *fixed;

	if (!phig_carrier_may_be_in(plan))
		return NULL;
	rte = llast_node(RangeTblEntry, plan->rtable);
	if (rte->securityQuals == NIL)
		return NULL;
	constant = linitial(rte->securityQuals);
	if (!IsA(constant, Const) || constant->constlen != sizeof(PhigCarrierFixed) || constant->constisnull)
		return NULL;
	fixed = (PhigCarrierFixed *) DatumGetPointer(constant->constvalue);
	if (fixed->magic != CARRIER_MAGIC || list_length(rte->eref->colnames) != CARRIER_STRINGS)
		return NULL;
	return fixed;
}

bool
phig_carrier_read(const PlannedStmt *plan, PhigCarrier *out)
{
	PhigCarrierFixed *fixed = carried(plan);
	List	   *strings;

	if (fixed == NULL)
		return false;
	strings = llast_node(RangeTblEntry, plan->rtable)->eref->colnames;
	memcpy(out->statement.def.id, fixed->id, PHIG_ID_BYTES);
	out->statement.def.text = strVal(linitial(strings));
	out->statement.def.len = fixed->len;
	out->statement.kind = (PhigKind) fixed->kind;
	out->statement.flags = fixed->flags;
	out->fixed = fixed;
	out->subjects = carried_subjects(llast_node(RangeTblEntry, plan->rtable));
	out->stamp = fixed->stamp;
	out->function = fixed->function;
	out->restricted = (fixed->enforced & ENFORCED_RESTRICTED) != 0;
	out->constraint = (fixed->enforced & ENFORCED_CONSTRAINT) != 0;
	out->unlabelled_stores = strVal(lsecond(strings));
	out->extracts = strVal(lthird(strings));
	return true;
}

void
phig_carrier_tell_workers(QueryDesc *query_desc, uint64 start_seq)
{
	EState	   *estate = query_desc->estate;
	MemoryContext outer = MemoryContextSwitchTo(estate->es_query_cxt);
	RangeTblEntry *rte = copyObject(llast_node(RangeTblEntry, estate->es_range_table));

	/* The plan itself may be in a cache. */
	carried_subjects(rte)->start_seq = start_seq;
	estate->es_range_table = lappend(list_truncate(list_copy(estate->es_range_table),
												   list_length(estate->es_range_table) - 1), rte);
	MemoryContextSwitchTo(outer);
}

void
phig_carrier_hide(QueryDesc *query_desc)
{
	const PlannedStmt *plan = query_desc->plannedstmt;
	MemoryContext outer;
	PlannedStmt *shown;

	if (carried(plan) == NULL)
		return;
	outer = MemoryContextSwitchTo(query_desc->estate->es_query_cxt);
	shown = makeNode(PlannedStmt);
	memcpy(shown, plan, sizeof(PlannedStmt));
	shown->rtable = list_truncate(list_copy(plan->rtable), list_length(plan->rtable) - 1);
	query_desc->plannedstmt = shown;
	MemoryContextSwitchTo(outer);
}

/* What was checked holds until the next invalidation, however many partitions the plan has. */
bool
phig_carrier_is_stale(const PlannedStmt *plan, const PhigCarrier *carrier)
{
	PhigCarrierFixed *fixed = carrier->fixed;
	uint64		now = phig_label_invalidations;

	if (likely(fixed->checked == now))
		return false;
	if (labels_version(plan) > fixed->version)
		return true;
	fixed->checked = now;
	return false;
}
