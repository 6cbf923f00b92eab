/*
 * loaded.c
 *		What a sample of values says of columns that nobody has analysed yet.
 *
 * Bounded: so many rows, so much of each value.  A value by itself says less than one in a note: a number without
 * a form is any number, so what is found here are forms (e-mail, SSN, telephone), names, places, and free text
 * that has them.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "executor/tuptable.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "detect/functions.h"
#include "scan/loaded.h"
#include "settings.h"

#define SAMPLE_ROWS 200
#define SAMPLE_BYTES 2000
#define LEAST_VALUES 10
#define MOSTLY 0.6f				/* of a column's values */
#define SOMETIMES 0.1f			/* of free text */
#define NOTE_BYTES 40			/* on average: free text */

/* What the values of a column were. */
typedef struct Tally
{
	AttrNumber	attno;
	int			values;
	size_t		bytes;
	int			whole[PHIG_NCATEGORIES];	/* the value is nothing else */
	const char *kind[PHIG_NCATEGORIES]; /* of the last one */
	int			inside;			/* it holds some */
} Tally;

/* Columns that this session has looked at; the oldest makes room. */
#define MAX_REMEMBERED 256

typedef struct Seen
{
	Oid			relid;
	AttrNumber	attno;
} Seen;

static Seen seen[MAX_REMEMBERED];
static int	nseen = 0;
static int	next_seen = 0;
static int	seen_setting;		/* of phiguard.on_new_column: another one makes a new start */
static bool enough = false;		/* the last sample had so many rows as one may have at least */

static void forget(XactEvent event, void *arg);
static bool is_remembered(Oid relid, AttrNumber attno);
static bool analyzes(const VacuumStmt *stmt);
static List *never_analyzed(void);
static void count_value(Tally *tally, Datum value);
static PhigSuspect *judge(const Tally *tally);

PhigSuspect *
phig_suspect(AttrNumber attno, PhigCategory category, const char *kind, char *evidence)
{
	PhigSuspect *suspect = palloc(sizeof(PhigSuspect));

	*suspect = (PhigSuspect)
	{
		attno, category, kind, evidence
	};
	return suspect;
}

List *
phig_loaded_relations(Node *stmt)
{
	List	   *relations = NIL;
	ListCell   *lc;

	if (IsA(stmt, CopyStmt) && ((CopyStmt *) stmt)->is_from)
		return list_make1_oid(RangeVarGetRelid(((CopyStmt *) stmt)->relation, NoLock, true));
	if (!IsA(stmt, VacuumStmt) || !analyzes((VacuumStmt *) stmt))
		return NIL;
	if (((VacuumStmt *) stmt)->rels == NIL)
		return never_analyzed();
	foreach(lc, ((VacuumStmt *) stmt)->rels)
	{
		const VacuumRelation *named = lfirst_node(VacuumRelation, lc);

		if (OidIsValid(named->oid))
			relations = lappend_oid(relations, named->oid);
		else if (named->relation != NULL)
			relations = lappend_oid(relations, RangeVarGetRelid(named->relation, NoLock, true));
	}
	return relations;
}

List *
phig_loaded_unseen(Oid relid)
{
	PhigRelLabels *labels;
	List	   *columns = NIL;

	if (get_rel_relkind(relid) != RELKIND_RELATION)
		return NIL;
	labels = phig_label_relation_copy(relid);
	for (AttrNumber attno = 1; attno <= labels->natts; attno++)
	{
		char		typcategory;
		bool		preferred;
		Oid			type = get_atttype(relid, attno);

		if (!OidIsValid(type) || labels->cols[attno - 1].category != PHIG_CAT_UNLABELLED || is_remembered(relid, attno))
			continue;
		get_type_category_preferred(getBaseType(type), &typcategory, &preferred);
		if (typcategory == TYPCATEGORY_STRING && getBaseType(type) != CHAROID && get_typlen(type) == -1 &&
			!SearchSysCacheExists3(STATRELATTINH, ObjectIdGetDatum(relid), Int16GetDatum(attno), BoolGetDatum(false)))
			columns = lappend_int(columns, attno);
	}
	return columns;
}

List *
phig_loaded_suspects(Oid relid, List *columns)
{
	int			n = list_length(columns);
	Tally	   *tallies = palloc0(n * sizeof(Tally));
	List	   *suspects = NIL;
	Relation	rel;
	TableScanDesc scan;
	TupleTableSlot *slot;
	int			rows = 0;

	enough = false;
	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return NIL;
	rel = try_table_open(relid, NoLock);
	if (rel == NULL)
		return NIL;
	for (int i = 0; i < n; i++)
		tallies[i].attno = list_nth_int(columns, i);
	/* what this statement has written is seen too, at every level of isolation */
	PushCopiedSnapshot(GetTransactionSnapshot());
	UpdateActiveSnapshotCommandId();
	slot = table_slot_create(rel, NULL);
	scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	for (; rows < SAMPLE_ROWS && table_scan_getnextslot(scan, ForwardScanDirection, slot); rows++)
		for (int i = 0; i < n; i++)
		{
			bool		isnull = true;
			Datum		value = (Datum) 0;

			CHECK_FOR_INTERRUPTS();
			if (tallies[i].attno <= slot->tts_tupleDescriptor->natts)
				value = slot_getattr(slot, tallies[i].attno, &isnull);
			if (!isnull)
				count_value(&tallies[i], value);
		}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	PopActiveSnapshot();
	table_close(rel, AccessShareLock);
	enough = rows >= LEAST_VALUES;
	for (int i = 0; i < n; i++)
	{
		PhigSuspect *suspect = judge(&tallies[i]);

		if (suspect != NULL)
			suspects = lappend(suspects, suspect);
	}
	return suspects;
}

void
phig_loaded_remember(Oid relid, List *columns)
{
	static bool registered = false;
	ListCell   *lc;

	if (!registered)
		RegisterXactCallback(forget, NULL);
	registered = true;
	foreach(lc, columns)
	{
		if (!enough || is_remembered(relid, lfirst_int(lc)))
			continue;
		seen[next_seen] = (Seen)
		{
			relid, lfirst_int(lc)
		};
		next_seen = (next_seen + 1) % MAX_REMEMBERED;
		nseen = Max(nseen, next_seen == 0 ? MAX_REMEMBERED : next_seen);
	}
}

static void
forget(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		nseen = next_seen = 0;
}

static bool
is_remembered(Oid relid, AttrNumber attno)
{
	if (seen_setting != phig_on_new_column)
		nseen = next_seen = 0;
	seen_setting = phig_on_new_column;
	for (int i = 0; i < nseen; i++)
		if (seen[i].relid == relid && seen[i].attno == attno)
			return true;
	return false;
}

static bool
analyzes(const VacuumStmt *stmt)
{
	ListCell   *lc;

	if (!stmt->is_vacuumcmd)
		return true;
	foreach(lc, stmt->options)
		if (strcmp(lfirst_node(DefElem, lc)->defname, "analyze") == 0)
			return defGetBoolean(lfirst_node(DefElem, lc));
	return false;
}

/* The tables without statistics, for an ANALYZE of all of them. */
static List *
never_analyzed(void)
{
	Relation	classes = table_open(RelationRelationId, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(classes, 0, NULL);
	List	   *relations = NIL;
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->relkind == RELKIND_RELATION && form->reltuples < 0)
			relations = lappend_oid(relations, form->oid);
	}
	table_endscan(scan);
	table_close(classes, AccessShareLock);
	return relations;
}

/* Memory of detection is as long as the statement's: the sample is small. */
static void
count_value(Tally *tally, Datum value)
{
	text	   *detoasted = DatumGetTextPP(value);
	int			len = VARSIZE_ANY_EXHDR(detoasted);
	const char *data = VARDATA_ANY(detoasted);
	PhigSpans  *spans;

	while (len > 0 && data[len - 1] == ' ')
		len--;
	if (len == 0)
		return;
	if (len > SAMPLE_BYTES)
		len = pg_mbcliplen(data, len, SAMPLE_BYTES);
	tally->values++;
	tally->bytes += len;
	spans = phig_detect_text(data, len, PHIG_DETECT_MIN_SCORE);
	for (int i = 0; i < spans->n; i++)
	{
		const PhigSpan *span = &spans->spans[i];
		PhigCategory category = phig_category_from_name(span->category);

		if (span->end - span->start >= 0.8 * len)
		{
			tally->whole[category]++;
			tally->kind[category] = span->kind;
		}
	}
	tally->inside += spans->n > 0;
}

/* NULL unless the values are mostly of one category, or are texts with some inside. */
static PhigSuspect *
judge(const Tally *tally)
{
	int			best = PHIG_CAT_UNLABELLED;

	if (tally->values < LEAST_VALUES)
		return NULL;
	for (int i = PHIG_CAT_NONE + 1; i < PHIG_NCATEGORIES; i++)
		if (tally->whole[i] > tally->whole[best])
			best = i;
	if (best > PHIG_CAT_NONE && tally->whole[best] >= MOSTLY * tally->values)
		return phig_suspect(tally->attno, best, tally->kind[best] ? phig_kind_from_name(best, tally->kind[best]) : NULL,
							psprintf("content: %d of %d values", tally->whole[best], tally->values));
	if (tally->bytes >= (size_t) NOTE_BYTES * tally->values && tally->inside >= SOMETIMES * tally->values)
		return phig_suspect(tally->attno, PHIG_CAT_NOTE, NULL,
							psprintf("content: identifiers inside %d of %d values", tally->inside, tally->values));
	return NULL;
}
