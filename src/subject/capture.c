/*
 * capture.c
 *		Whose rows an execution returns: read while it runs.
 *
 * A node of the plan is watched by another function in the place of its ExecProcNodeReal, which calls the one that
 * was there and looks at the row.  Watched are: the top node, whose rows have the columns that query.c added; the node
 * that feeds a ModifyTable; and scans of relations whose rows go into an aggregate, say.  Plan nodes have no room for
 * a pointer of ours: watches are found by the node's address.
 *
 * A parallel worker watches its own scans, and writes its own records of persons for the leader's start record.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/parallel.h"
#include "access/relscan.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "errors.h"
#include "label/inherit.h"
#include "settings.h"
#include "subject/capture.h"
#include "subject/hop.h"
#include "subject/once.h"
#include "subject/spelling.h"
#include "subject/token.h"
#include "subject/written.h"

/* Of the leader's plan that this parallel worker runs. */
static PhigPersonSet *worker_set = NULL;
static PhigJournalTicket worker_ticket;

typedef enum Where
{
	WHERE_RESULT,				/* the row that the node returns */
	WHERE_SCAN,					/* the row that it scanned */
	WHERE_HEAP,					/* the row behind the index entry that it scanned */
	WHERE_ANEW					/* none: was it read anew, where no scan is watched? */
} Where;

typedef struct PhigCaptureSource Source;

struct PhigCaptureSource
{
	Where		where;			/* the row that is looked at */
	AttrNumber	attno;			/* in it */
	Oid			type;			/* base type of that column */
	int16		typlen;
	bool		is_number;		/* and it is the person's key */
	bool		any;			/* a number: the one seen last */
	int64		latest;
	PhigPersonSpace *space;
	PhigHopCache *hops;			/* where there are any */
	Source	   *next;			/* of the same watch */
	PhigSubjectPath path;
};

/* In es_query_cxt. */
typedef struct Watch
{
	PlanState  *node;
	ExecProcNodeMtd real;
	Source	   *sources;
	uint64	   *counted;		/* where a row is no more than one more in this count */
	PhigCapture *capture;
	struct Watch *next;			/* of the same capture */
} Watch;

typedef struct WatchEntry
{
	PlanState  *node;			/* hash key */
	Watch	   *watch;
	char		status;
} WatchEntry;

#define SH_PREFIX watches
#define SH_ELEMENT_TYPE WatchEntry
#define SH_KEY_TYPE PlanState *
#define SH_KEY node
#define SH_HASH_KEY(tb, key) murmurhash32((uint32) ((uintptr_t) (key) >> 4))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct PhigCapture
{
	EState	   *estate;
	PlanState  *top;
	MemoryContextCallback gone;
	const PhigSubjectSources *given;
	PhigPersonSet *set;
	Watch	   *watches;
	int			nsources;
	MemoryContext scratch;		/* spellings */
	Watch		first_watch;	/* most statements need no more than these */
	Source		first_source;
};

static watches_hash * watches = NULL;
static Watch *last_watch = NULL;	/* that was looked up */

static void unwatch(void *arg);
static Source *make_source(PhigCapture *capture, const PhigSubjectPath *path, AttrNumber attno, Oid type);
static void watch(PhigCapture *capture, PlanState *node, Where where, Source *source);
static bool watch_scans(PlanState *node, void *context);
static bool watch_writers(PlanState *node, void *context);
static bool copies_rows(const PlannedStmt *plan);
static bool watch_locks(PlanState *node, void *context);
static void watch_routed(PhigCapture *capture, ModifyTableState *node);
static void watch_scan(PhigCapture *capture, ScanState *node, Oid relid);
static const PhigSubjectPath *wanted(PhigCapture *capture, Oid relid);
static void watch_once(PhigCapture *capture, QueryDesc *query_desc);
static TupleTableSlot *watched(PlanState *node);
static TupleTableSlot *watched_once(PlanState *node);
static void look_no_more(Watch *watch);
static TupleTableSlot *counted(PlanState *node);
static inline void look(Watch *watch, TupleTableSlot *slot);
static inline void note_column(PhigCapture *capture, Source *source, TupleTableSlot *row);
static inline void note_number(Source *source, int64 number);
static TupleTableSlot *fetch_heap(IndexOnlyScanState *scan);
static void note(PhigCapture *capture, Source *source, Datum value);
static void note_spelling(Source *source, Datum value);
static AttrNumber index_column(const IndexOnlyScanState *node, AttrNumber attno);

bool
phig_capture_prepare(const PhigSubjectSources *sources)
{
	MemoryContext old = CurrentMemoryContext;
	volatile bool ready = false;
	PhigPersonHash hash;

	PG_TRY();
	{
		for (int i = 0; i < sources->nsources; i++)
			phig_person_prepare(sources->sources[i].path.space, &hash);
		ready = true;
	}
	PG_CATCH();
	{
		if (phig_journal_on_failure != PHIG_ON_FAILURE_ALLOW || geterrcode() != PHIG_ERRCODE_KEY_UNAVAILABLE)
			PG_RE_THROW();
		MemoryContextSwitchTo(old);
		FlushErrorState();
		ereport(LOG,
				(errcode(PHIG_ERRCODE_KEY_UNAVAILABLE),
				 errmsg("the record of a statement does not say whose rows it returned"),
				 errdetail("The key for tokens of persons is not to be had, and phiguard.journal_on_failure is allow."),
				 errhidestmt(true)));
	}
	PG_END_TRY();
	return ready;
}

bool
phig_capture_is_ready(const PhigSubjectSources *sources)
{
	return sources->nsources == 0 || phig_person_key_is_ready();
}

void
phig_capture_begin(QueryDesc *query_desc, const PhigSubjectSources *sources, PhigPersonSet *set, bool alone)
{
	EState	   *estate = query_desc->estate;
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	PhigCapture *capture = palloc0(sizeof(PhigCapture));
	PlanState  *top = query_desc->planstate;
	PlanState  *rows = IsA(top, ModifyTableState) ? outerPlanState(top) : top;

	if (watches == NULL)
		watches = watches_create(TopMemoryContext, 64, NULL);
	capture->gone.func = unwatch;
	capture->gone.arg = capture;
	MemoryContextRegisterResetCallback(estate->es_query_cxt, &capture->gone);
	capture->estate = estate;
	capture->top = top;
	capture->given = sources;
	capture->set = set;
	for (int i = 0; i < sources->nsources; i++)
	{
		const PhigSubjectSource *source = &sources->sources[i];

		/* The rows of a worker's top are the leader's to look at. */
		if (source->resno > 0 && !IsParallelWorker())
			watch(capture, rows, WHERE_RESULT,
				  make_source(capture, &source->path, source->resno,
							  exprType((Node *) list_nth_node(TargetEntry, rows->plan->targetlist,
															  source->resno - 1)->expr)));
	}
	/* A foreign server that does it all shows no rows, or some columns of them. */
	if (IsA(top, ModifyTableState) && ((ModifyTable *) top->plan)->fdwDirectModifyPlans != NULL)
		phig_persons_unnamed(set);
	if (phig_subject_has_scans(sources))
		(void) watch_scans(top, capture);
	if (query_desc->plannedstmt->resultRelations != NIL)
		(void) watch_writers(top, capture);
	if (query_desc->plannedstmt->rowMarks != NIL &&
		(phig_subject_has_scans(sources) || copies_rows(query_desc->plannedstmt)))
		(void) watch_locks(top, capture);
	if (alone)
		watch_once(capture, query_desc);
	MemoryContextSwitchTo(old);
}

void
phig_capture_worker_begin(QueryDesc *query_desc, const PhigSubjectSources *sources)
{
	if (sources->start_seq == 0 || !phig_subject_has_scans(sources))
		return;
	Assert(worker_set == NULL);
	worker_ticket = (PhigJournalTicket) {.seq = sources->start_seq};
	worker_set = phig_persons_create(sources->manner);
	phig_capture_begin(query_desc, sources, worker_set, true);
}

void
phig_capture_worker_end(void)
{
	if (worker_set == NULL)
		return;
	phig_persons_write(worker_set, &worker_ticket, true);
	phig_persons_free(worker_set);
	worker_set = NULL;
}

/* The executor's memory goes, and the nodes with it. */
static void
unwatch(void *arg)
{
	PhigCapture *capture = arg;

	last_watch = NULL;
	for (Watch *watch = capture->watches; watch != NULL; watch = watch->next)
		(void) watches_delete(watches, watch->node);
}

static Source *
make_source(PhigCapture *capture, const PhigSubjectPath *path, AttrNumber attno, Oid type)
{
	Source	   *source = capture->nsources++ == 0 ? &capture->first_source : palloc0(sizeof(Source));

	source->path = *path;
	source->attno = attno;
	source->type = phig_spelling_is_of_number(type) ? type : getBaseType(type);
	source->is_number = path->nhops == 0 && phig_spelling_is_of_number(source->type);
	if (!source->is_number)
		source->typlen = get_typlen(source->type);
	source->space = phig_persons_space(capture->set, path->space);
	if (path->nhops > 0)
		source->hops = phig_hop_cache_create(path, source->type);
	return source;
}

static void
watch(PhigCapture *capture, PlanState *node, Where where, Source *source)
{
	bool		found;
	WatchEntry *entry = watches_insert(watches, node, &found);

	if (!found || entry->watch->capture != capture)
	{
		entry->watch = capture->watches == NULL ? &capture->first_watch : palloc0(sizeof(Watch));
		entry->watch->node = node;
		entry->watch->capture = capture;
		entry->watch->real = node->ExecProcNodeReal;
		node->ExecProcNodeReal = watched;
		entry->watch->next = capture->watches;
		capture->watches = entry->watch;
		last_watch = NULL;
	}
	source->where = where;
	source->next = entry->watch->sources;
	entry->watch->sources = source;
}

/* One node, of whose rows each is another person's. */
static void
watch_once(PhigCapture *capture, QueryDesc *query_desc)
{
	Watch	   *only = capture->watches;

	if (capture->nsources != 1 || only == NULL || only->next != NULL)
		return;
	if (!phig_rows_come_once(query_desc, &only->sources->path))
		return;
	phig_persons_come_once(capture->set);
	only->node->ExecProcNodeReal = watched_once;
}

/* The relation that a node scans, and which it was made for; InvalidOid: none. */
static Oid
scanned(const PhigCapture *capture, const PlanState *node)
{
	Index		rti = ((Scan *) node->plan)->scanrelid;
	const RangeTblEntry *rte = rti == 0 ? NULL : rt_fetch(rti, capture->estate->es_range_table);

	return rte != NULL && rte->rtekind == RTE_RELATION ? rte->relid : InvalidOid;
}

static bool
watch_scans(PlanState *node, void *context)
{
	PhigCapture *capture = context;

	switch (nodeTag(node))
	{
		case T_SeqScanState:
		case T_SampleScanState:
		case T_IndexScanState:
		case T_IndexOnlyScanState:
		case T_BitmapHeapScanState:
		case T_TidScanState:
		case T_TidRangeScanState:
			watch_scan(capture, (ScanState *) node, scanned(capture, node));
			break;
		case T_ForeignScanState:
		case T_CustomScanState:
			/* It may join and aggregate elsewhere. */
			phig_persons_unnamed(capture->set);
			break;
		default:
			break;
	}
	return planstate_tree_walker(node, watch_scans, context);
}

static void
watch_scan(PhigCapture *capture, ScanState *node, Oid relid)
{
	const PhigSubjectPath *path = OidIsValid(relid) ? wanted(capture, relid) : NULL;
	Source	   *source;
	AttrNumber	attno;
	Oid			type;

	if (path == NULL)
		return;
	type = TupleDescAttr(RelationGetDescr(node->ss_currentRelation), path->attno - 1)->atttypid;
	source = make_source(capture, path, path->attno, type);
	if (IsA(node, IndexOnlyScanState))
	{
		attno = source->type == NAMEOID ? 0 : index_column((IndexOnlyScanState *) node, path->attno);
		if (attno > 0)
			source->attno = attno;
		watch(capture, &node->ps, attno > 0 ? WHERE_SCAN : WHERE_HEAP, source);
		return;
	}
	/* A scan that is asked for no column may return rows that it has not looked at. */
	if (IsA(node, BitmapHeapScanState) && node->ps.plan->targetlist == NIL && node->ps.plan->qual == NIL)
		phig_persons_unnamed(capture->set);
	watch(capture, &node->ps, WHERE_SCAN, source);
}

static bool
watch_writers(PlanState *node, void *context)
{
	PhigCapture *capture = context;

	if (IsA(node, ModifyTableState))
	{
		phig_written_watch(capture, (ModifyTableState *) node);
		if (node != capture->top)
			watch_routed(capture, (ModifyTableState *) node);
	}
	return planstate_tree_walker(node, watch_writers, context);
}

/* Of sub-selects, for when a row that is to be locked has changed: without the columns that are read along. */
static bool
copies_rows(const PlannedStmt *plan)
{
	ListCell   *lc;

	foreach(lc, plan->rowMarks)
	{
		const PlanRowMark *mark = lfirst_node(PlanRowMark, lc);
		const RangeTblEntry *rte = rt_fetch(mark->rti, plan->rtable);

		if (mark->markType == ROW_MARK_COPY && (rte->rtekind == RTE_SUBQUERY || rte->rtekind == RTE_CTE))
			return true;
	}
	return false;
}

static bool
watch_locks(PlanState *node, void *context)
{
	if (IsA(node, LockRowsState))
		watch(context, node, WHERE_ANEW, palloc0(sizeof(Source)));
	return planstate_tree_walker(node, watch_locks, context);
}

/* What INSERT hands on to partitions, or a foreign server, are the rows of the plan below, column by column. */
static void
watch_routed(PhigCapture *capture, ModifyTableState *node)
{
	ResultRelInfo *target = node->rootResultRelInfo;
	const PhigSubjectPath *found;
	PhigSubjectPath path;
	Form_pg_attribute column;

	if (node->operation != CMD_INSERT || target->ri_RelationDesc->rd_rel->relkind == RELKIND_RELATION ||
		(found = phig_subject_path(RelationGetRelid(target->ri_RelationDesc))) == NULL)
		return;
	path = *found;
	column = TupleDescAttr(RelationGetDescr(target->ri_RelationDesc), path.attno - 1);
	if (path.space[0] == '\0' || column->attgenerated != '\0')
	{
		phig_persons_unnamed(capture->set);
		return;
	}
	watch(capture, outerPlanState(node), WHERE_RESULT, make_source(capture, &path, path.attno, column->atttypid));
}

bool
phig_subject_has_scans(const PhigSubjectSources *sources)
{
	for (int i = 0; i < sources->nsources; i++)
		if (sources->sources[i].resno == 0)
			return true;
	return false;
}

/* The path of a relation that is among those whose scans tell, or below one of them. */
static const PhigSubjectPath *
wanted(PhigCapture *capture, Oid relid)
{
	const PhigSubjectSources *given = capture->given;
	ListCell   *lc;

	for (int i = 0; i < given->nsources; i++)
		if (given->sources[i].resno == 0 && given->sources[i].path.relid == relid)
			return &given->sources[i].path;
	foreach(lc, phig_parents(relid))
	{
		const PhigSubjectPath *found;

		if (wanted(capture, lfirst_oid(lc)) == NULL)
			continue;
		found = phig_subject_path(relid);
		if (found != NULL && found->space[0] != '\0')
		{
			PhigSubjectPath *copy = palloc(sizeof(PhigSubjectPath));

			*copy = *found;
			return copy;
		}
		phig_persons_unnamed(capture->set);
	}
	return NULL;
}

static inline Watch *
watch_of(PlanState *node)
{
	if (last_watch == NULL || last_watch->node != node)
	{
		WatchEntry *entry = watches_lookup(watches, node);

		if (unlikely(entry == NULL))
			elog(ERROR, "plan node is not watched any more");
		last_watch = entry->watch;
	}
	return last_watch;
}

static TupleTableSlot *
watched(PlanState *node)
{
	Watch	   *watch = watch_of(node);
	TupleTableSlot *slot = watch->real(node);

	if (!TupIsNull(slot))
		look(watch, slot);
	return slot;
}

static TupleTableSlot *
watched_once(PlanState *node)
{
	TupleTableSlot *slot = watched(node);
	Watch	   *watch = watch_of(node);

	if (watch->sources->space->counted != NULL)
		look_no_more(watch);
	return slot;
}

/* Rows of the top node are counted by the executor: for the record that a worker has no part in. */
static void
look_no_more(Watch *watch)
{
	PlanState  *node = watch->node;
	ExecProcNodeMtd next = counted;

	watch->counted = watch->sources->space->counted;
	if (node == watch->capture->top && !IsParallelWorker())
	{
		phig_persons_are_rows(watch->capture->set);
		next = watch->real;
	}
	if (node->ExecProcNode == watched_once)
		node->ExecProcNode = next;
	node->ExecProcNodeReal = next;
}

static TupleTableSlot *
counted(PlanState *node)
{
	Watch	   *watch = watch_of(node);
	TupleTableSlot *slot = watch->real(node);

	if (!TupIsNull(slot))
		(*watch->counted)++;
	return slot;
}

static inline void
look(Watch *watch, TupleTableSlot *slot)
{
	TupleTableSlot *heap = NULL;

	for (Source *source = watch->sources; source != NULL; source = source->next)
	{
		TupleTableSlot *row = slot;

		if (source->where == WHERE_ANEW)
		{
			if (((LockRowsState *) watch->node)->lr_epqstate.recheckestate != NULL)
				phig_persons_unnamed(watch->capture->set);
			continue;
		}
		/* Whoever receives the row will want all of it: once is less than twice. */
		if (source->where == WHERE_RESULT)
			slot_getallattrs(row);
		else if (source->where == WHERE_SCAN)
			row = ((ScanState *) watch->node)->ss_ScanTupleSlot;
		else if ((row = heap) == NULL)
		{
			row = heap = fetch_heap((IndexOnlyScanState *) watch->node);
			if (row == NULL)
			{
				phig_persons_unnamed(watch->capture->set);
				continue;
			}
		}
		note_column(watch->capture, source, row);
	}
	if (heap != NULL)
		ExecClearTuple(heap);
}

static inline void
note_column(PhigCapture *capture, Source *source, TupleTableSlot *row)
{
	bool		isnull;
	Datum		value = slot_getattr(row, source->attno, &isnull);

	if (isnull)
		return;
	if (source->is_number)
		note_number(source, phig_spelling_number(source->type, value));
	else
		note(capture, source, value);
}

static inline void
note_number(Source *source, int64 number)
{
	if (source->any && source->latest == number)
		return;
	source->any = true;
	source->latest = number;
	phig_persons_add_number(source->space, number);
}

PhigCaptureSource *
phig_capture_source(PhigCapture *capture, const PhigSubjectPath *path, Oid type)
{
	return make_source(capture, path, path->attno, type);
}

void
phig_capture_row(PhigCapture *capture, PhigCaptureSource *source, TupleTableSlot *row)
{
	note_column(capture, source, row);
}

void
phig_capture_unnamed(PhigCapture *capture)
{
	phig_persons_unnamed(capture->set);
}

/* The row behind the index entry; NULL where there is none any more. */
static TupleTableSlot *
fetch_heap(IndexOnlyScanState *scan)
{
	return index_fetch_heap(scan->ioss_ScanDesc, scan->ioss_TableSlot) ? scan->ioss_TableSlot : NULL;
}

static void
note(PhigCapture *capture, Source *source, Datum value)
{
	MemoryContext old;

	/* Nothing is palloc'd for a text that is where it should be. */
	if (source->hops == NULL && source->type != NUMERICOID &&
		(source->typlen != -1 || !VARATT_IS_EXTENDED(value) || VARATT_IS_SHORT(value)))
	{
		note_spelling(source, value);
		return;
	}
	if (capture->scratch == NULL)
		capture->scratch = AllocSetContextCreate(capture->estate->es_query_cxt, "phiguard spellings",
												 ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(capture->scratch);
	if (source->hops != NULL)
		phig_hop_follow(source->hops, value, capture->set, source->space);
	else
		note_spelling(source, source->typlen == -1 ? PointerGetDatum(PG_DETOAST_DATUM_PACKED(value)) : value);
	MemoryContextSwitchTo(old);
	MemoryContextReset(capture->scratch);
}

static void
note_spelling(Source *source, Datum value)
{
	char		buffer[PHIG_SPELLING_BYTES];
	const char *text;
	int			len;

	phig_spell(source->type, value, buffer, &text, &len);
	phig_persons_add(source->space, text, len);
}

/* Where an index entry has a column of its relation; 0: nowhere that can be read. */
static AttrNumber
index_column(const IndexOnlyScanState *node, AttrNumber attno)
{
	const IndexOnlyScan *plan = (const IndexOnlyScan *) node->ss.ps.plan;
	ListCell   *lc;

	foreach(lc, plan->indextlist)
	{
		const TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk && IsA(tle->expr, Var) && ((const Var *) tle->expr)->varattno == attno)
			return tle->resno;
	}
	return 0;
}
