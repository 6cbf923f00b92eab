/*
 * loaded.c
 *		What a sample of values says of columns that nobody has analysed yet.
 *
 * Counted and weighed as in a scan (content.h), but from the first rows and without the executor: who loads a table
 * need not have the right to read it, and nothing of what is read comes out.
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
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "detect/functions.h"
#include "scan/content.h"
#include "scan/evidence.h"
#include "scan/loaded.h"
#include "scan/rules.h"
#include "settings.h"

#define SAMPLE_ROWS 200
#define SAMPLE_BYTES 2000
#define LEAST_VALUES 10
#define STRONG 0.7f				/* so sure must all evidence together be */
#define SOMETIMES 0.1f			/* of free texts have identifiers */

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
static void forget_sub(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg);
static bool is_remembered(Oid relid, AttrNumber attno);
static bool analyzes(const VacuumStmt *stmt);
static List *never_analyzed(void);
static List *allowed(List *relations);
static void count_value(PhigContent *content, Datum value);
static PhigSuspect *judge(Oid relid, AttrNumber attno, const PhigContent *content);

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
		return allowed(never_analyzed());
	foreach(lc, ((VacuumStmt *) stmt)->rels)
	{
		const VacuumRelation *named = lfirst_node(VacuumRelation, lc);

		if (OidIsValid(named->oid))
			relations = lappend_oid(relations, named->oid);
		else if (named->relation != NULL)
			relations = lappend_oid(relations, RangeVarGetRelid(named->relation, NoLock, true));
	}
	return allowed(relations);
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
	PhigContent *contents = palloc0(n * sizeof(PhigContent));
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
	phig_detect_prepare();
	for (int i = 0; i < n; i++)
		phig_content_begin(&contents[i]);
	/* what this statement has written is seen too, at every level of isolation */
	PushCopiedSnapshot(GetTransactionSnapshot());
	UpdateActiveSnapshotCommandId();
	slot = table_slot_create(rel, NULL);
	scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	for (; rows < SAMPLE_ROWS && table_scan_getnextslot(scan, ForwardScanDirection, slot); rows++)
		for (int i = 0; i < n; i++)
		{
			AttrNumber	attno = list_nth_int(columns, i);
			bool		isnull = true;
			Datum		value = (Datum) 0;

			CHECK_FOR_INTERRUPTS();
			if (attno <= slot->tts_tupleDescriptor->natts)
				value = slot_getattr(slot, attno, &isnull);
			if (!isnull)
				count_value(&contents[i], value);
		}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	PopActiveSnapshot();
	table_close(rel, AccessShareLock);
	enough = rows >= LEAST_VALUES;
	for (int i = 0; i < n; i++)
	{
		PhigSuspect *suspect;

		phig_content_end(&contents[i]);
		suspect = judge(relid, list_nth_int(columns, i), &contents[i]);
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
	{
		RegisterXactCallback(forget, NULL);
		RegisterSubXactCallback(forget_sub, NULL);
	}
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

static void
forget_sub(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
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

/* ANALYZE passes the tables of others over, with a warning: nothing is said of their values. */
static List *
allowed(List *relations)
{
	List	   *left = NIL;
	ListCell   *lc;

	foreach(lc, relations)
		if (OidIsValid(lfirst_oid(lc)) && phig_compat_may_analyze(lfirst_oid(lc), GetUserId()))
			left = lappend_oid(left, lfirst_oid(lc));
	return left;
}

/* The beginning of it.  Memory of detection is as long as the statement's: the sample is small. */
static void
count_value(PhigContent *content, Datum value)
{
	text	   *begin = DatumGetTextPSlice(value, 0, SAMPLE_BYTES);
	int			len = VARSIZE_ANY_EXHDR(begin);

	if (len == SAMPLE_BYTES)
		len = pg_mbcliplen(VARDATA_ANY(begin), len, len - MAX_MULTIBYTE_CHAR_LEN);
	phig_content_add(content, VARDATA_ANY(begin), len, PHIG_HOLDS_TEXT);
}

/* NULL unless the values say what it is, with or without its name.  A text must have identifiers in it. */
static PhigSuspect *
judge(Oid relid, AttrNumber attno, const PhigContent *content)
{
	const bool	about_people = phig_evidence_is_about_people(relid);
	PhigEvidence evidence;
	List	   *items;
	ListCell   *lc;

	if (content->values < LEAST_VALUES)
		return NULL;
	items = phig_evidence_items(relid, attno, about_people);
	items = phig_content_weigh(content, items, about_people);
	phig_evidence_judge(items, &evidence);
	if (evidence.category < PHIG_CAT_AGE || evidence.confidence < STRONG ||
		(evidence.category == PHIG_CAT_NOTE && content->with_identifiers < SOMETIMES * content->searched))
		return NULL;
	foreach(lc, items)
	{
		PhigEvidenceItem *item = lfirst(lc);

		if (item->category == evidence.category && strncmp(item->text, "content:", 8) == 0)
			return phig_suspect(attno, evidence.category, evidence.kind, evidence.text);
	}
	return NULL;
}
