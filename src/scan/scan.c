/*
 * scan.c
 *		Which columns may be PHI: phiguard.scan_table(), scan_schema().
 *
 * For the officer.  What the catalog says of each column that nobody has labelled, and what a sample of its values
 * says, goes into phiguard.suspect.  Each scan is a record of kind policy, before a value is read; reading is done
 * with the officer's privileges and under the policies that hold for the officer.  Where values cannot be
 * read, the catalog alone speaks, and a notice says so.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_statistic.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "compat.h"
#include "journal/statement.h"
#include "label/provider.h"
#include "label/registry.h"
#include "label/resolve.h"
#include "policy/cache.h"
#include "scan/evidence.h"
#include "scan/read.h"
#include "scan/store.h"
#include "scan/types.h"
#include "settings.h"

/* Tables of a schema that are read together, and told of: enough to keep workers busy. */
#define TOGETHER 64

PG_FUNCTION_INFO_V1(phiguard_scan_table);
PG_FUNCTION_INFO_V1(phiguard_scan_schema);

static int32 sample_rows(FunctionCallInfo fcinfo);
static bool is_for_users(Oid schema);
static List *relations_of(Oid schema);
static void refuse_relation(Oid relid);
static const char *why_not(Form_pg_class class);
static int	scan_some(Relation table, const List *relations, int *done, int32 rows);
static bool begin(Relation table, Oid relid, int32 rows, PhigScanned *scanned);
static int	finish(Relation table, PhigScanned *scanned, int32 rows);
static PhigSampled *columns_to_scan(Relation table, Oid relid, int *n);
static bool knows_better(Relation table, Oid relid, AttrNumber attno, float confidence);
static const char *why_unreadable(Oid relid, const PhigSampled *columns, int n);
static bool is_enforced(Oid relid);
static bool may_read(Oid relid, Oid role, const PhigSampled *columns, int n);
static bool is_populated(Oid relid);
static bool judge(Oid relid, const PhigSampled *column, bool about_people, PhigEvidence *evidence);
static List *weigh_statistics(Oid relid, AttrNumber attno, List *items);

/* scan_table(relation regclass, sample_rows int) returns int: suspects found */
Datum
phiguard_scan_table(PG_FUNCTION_ARGS)
{
	int32		rows;
	Relation	table;
	PhigScanned scanned;
	int			found = 0;

	phig_require_officer("scan tables");
	PreventCommandIfReadOnly("phiguard.scan_table()");
	rows = sample_rows(fcinfo);
	LockRelationOid(PG_GETARG_OID(0), AccessShareLock);
	refuse_relation(PG_GETARG_OID(0));
	table = phig_suspects_open();
	if (begin(table, PG_GETARG_OID(0), rows, &scanned))
	{
		if (rows > 0)
			phig_read_together(&scanned, 1, rows);
		found = finish(table, &scanned, rows);
	}
	table_close(table, NoLock);
	PG_RETURN_INT32(found);
}

/* scan_schema(schema regnamespace, sample_rows int) returns int */
Datum
phiguard_scan_schema(PG_FUNCTION_ARGS)
{
	Oid			schema = PG_GETARG_OID(0);
	int32		rows;
	int			found = 0;
	int			done = 0;
	List	   *relations;
	Relation	table;

	phig_require_officer("scan schemas");
	PreventCommandIfReadOnly("phiguard.scan_schema()");
	rows = sample_rows(fcinfo);
	if (get_namespace_name(schema) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema with OID %u does not exist", schema)));
	if (!is_for_users(schema))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("schema \"%s\" cannot be scanned", get_namespace_name(schema)),
				 errhint("Scans are for schemas with tables of users.")));
	table = phig_suspects_open();
	relations = relations_of(schema);
	while (done < list_length(relations))
		found += scan_some(table, relations, &done, rows);
	table_close(table, NoLock);
	PG_RETURN_INT32(found);
}

static int32
sample_rows(FunctionCallInfo fcinfo)
{
	int32		rows = PG_GETARG_INT32(1);

	if (rows < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("sample_rows must not be negative"),
				 errhint("With 0 no value is read: names, types, comments and foreign keys alone speak.")));
	return rows;
}

static bool
is_for_users(Oid schema)
{
	if (schema == PG_PUBLIC_NAMESPACE)
		return true;
	return schema >= FirstNormalObjectId && !isAnyTempNamespace(schema) &&
		!phig_is_ours(NamespaceRelationId, schema) && schema != get_namespace_oid("phiguard", true);
}

/* In the order in which they were made.  Partitions are read through their parents. */
static List *
relations_of(Oid schema)
{
	List	   *relations = NIL;
	Relation	classes = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_class_relnamespace, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(schema));
	scan = systable_beginscan(classes, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);

		if (!class->relispartition && why_not(class) == NULL)
			relations = lappend_oid(relations, class->oid);
	}
	systable_endscan(scan);
	table_close(classes, AccessShareLock);
	list_sort(relations, list_oid_cmp);
	return relations;
}

static void
refuse_relation(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	const char *reason;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	reason = why_not((Form_pg_class) GETSTRUCT(tuple));
	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("relation \"%s\" cannot be scanned", get_rel_name(relid)),
				 errdetail("%s", reason),
				 errhint("Scans are for tables, partitioned tables, foreign tables and materialized views.")));
	ReleaseSysCache(tuple);
}

/* NULL: it can be scanned. */
static const char *
why_not(Form_pg_class class)
{
	if (class->oid < FirstNormalObjectId || IsCatalogNamespace(class->relnamespace))
		return "It belongs to the system.";
	if (!phig_relkind_has_labels(class->relkind))
		return "It has no rows of its own.";
	if (class->relpersistence == RELPERSISTENCE_TEMP)
		return "It is temporary.";
	if (phig_is_ours(RelationRelationId, class->oid))
		return "It belongs to phiguard.";
	return NULL;
}

/* The next of the relations, together: those that were done are counted. */
static int
scan_some(Relation table, const List *relations, int *done, int32 rows)
{
	PhigScanned tables[TOGETHER];
	int			ntables = 0;
	int			found = 0;
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(outer, "phiguard scan", ALLOCSET_DEFAULT_SIZES);

	MemoryContextSwitchTo(context);
	for (int i = 0; i < TOGETHER && *done + i < list_length(relations); i++)
		if (begin(table, list_nth_oid(relations, *done + i), rows, &tables[ntables]))
			ntables++;
	if (rows > 0)
		phig_read_together(tables, ntables, rows);
	for (int i = 0; i < ntables; i++)
	{
		int			suspects = finish(table, &tables[i], rows);

		found += suspects;
		ereport(NOTICE,
				(errmsg("table \"%s\": %d suspects (%d of %d tables)", get_rel_name(tables[i].relid), suspects,
						*done + i + 1, list_length(relations))));
	}
	*done += TOGETHER;
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
	return found;
}

/* Locks a relation and puts its scan on record; false: it is gone. */
static bool
begin(Relation table, Oid relid, int32 rows, PhigScanned *scanned)
{
	char	   *name;

	memset(scanned, 0, sizeof(PhigScanned));
	scanned->relid = relid;
	LockRelationOid(relid, AccessShareLock);
	if (get_rel_name(relid) == NULL)
		return false;
	phig_suspects_lock(table, relid);
	scanned->columns = columns_to_scan(table, relid, &scanned->n);
	if (scanned->n == 0)
		return true;
	scanned->about_people = phig_evidence_is_about_people(relid);
	name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
	phig_statement_policy("SCAN TABLE", psprintf("%s, %d rows", name, rows));
	if (rows > 0)
		scanned->why_unread = why_unreadable(relid, scanned->columns, scanned->n);
	return true;
}

/* Reads what no worker has read, and stores what is suspected.  How many suspects it has. */
static int
finish(Relation table, PhigScanned *scanned, int32 rows)
{
	int			found = 0;

	if (rows > 0)
		phig_read_rest(scanned, rows);
	if (scanned->why_unread)
		ereport(NOTICE,
				(errmsg("values of table \"%s\" are not read: %s", get_rel_name(scanned->relid),
						scanned->why_unread)));
	for (int i = 0; i < scanned->n; i++)
	{
		const PhigSampled *column = &scanned->columns[i];
		PhigEvidence evidence;
		bool		suspected;

		CHECK_FOR_INTERRUPTS();
		suspected = judge(scanned->relid, column, scanned->about_people, &evidence);
		if (!scanned->were_read && knows_better(table, scanned->relid, column->attno, evidence.confidence))
			suspected = true;
		else if (suspected)
			phig_suspect_put(table, scanned->relid, column->attno, &evidence, PHIG_SUSPECT);
		else
			phig_suspect_remove(table, scanned->relid, column->attno);
		found += suspected;
	}
	return found;
}

/* Those that nobody has labelled, and no officer has rejected. */
static PhigSampled *
columns_to_scan(Relation table, Oid relid, int *n)
{
	PhigRelLabels *labels = phig_label_relation_copy(relid);
	List	   *known = phig_suspects_of(table, relid);
	PhigSampled *columns = palloc0(sizeof(PhigSampled) * Max(labels->natts, 1));

	*n = 0;
	for (AttrNumber attno = 1; attno <= labels->natts; attno++)
	{
		bool		rejected = false;
		ListCell   *lc;

		if (labels->cols[attno - 1].category != PHIG_CAT_UNLABELLED || !OidIsValid(get_atttype(relid, attno)))
			continue;
		foreach(lc, known)
			rejected = rejected || (((PhigSuspectRow *) lfirst(lc))->attno == attno &&
									((PhigSuspectRow *) lfirst(lc))->state == PHIG_SUSPECT_REJECTED);
		if (rejected)
			continue;
		columns[*n].attno = attno;
		columns[(*n)++].holds = phig_type_holds(get_atttype(relid, attno));
	}
	return columns;
}

/* An earlier scan, which had values, was surer: one without them does not take that back. */
static bool
knows_better(Relation table, Oid relid, AttrNumber attno, float confidence)
{
	PhigSuspectRow *row = phig_suspect_of(table, relid, attno);

	return row != NULL && row->state == PHIG_SUSPECT && row->evidence.confidence > confidence;
}

static const char *
why_unreadable(Oid relid, const PhigSampled *columns, int n)
{
	if (!may_read(relid, GetUserId(), columns, n))
		return "permission denied";
	if (!may_read(relid, phig_sample_role(relid), columns, n))
		return "permission denied to its owner";
	/* functions in its policies, which are the owner's, would run with the officer's rights */
	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		return "row-level security holds";
	/* what a purpose shows in their place would be taken for values */
	if (!has_bypassrls_privilege(GetOuterUserId()) && is_enforced(relid))
		return "it is labelled and its policies are enforced";
	if (get_rel_relkind(relid) == RELKIND_MATVIEW && !is_populated(relid))
		return "it has not been populated";
	return NULL;
}

/* Has it, or one of its children, a labelled column, under policies that are enforced? */
static bool
is_enforced(Oid relid)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
		if (phig_label_relation(lfirst_oid(lc)) != NULL && phig_policy_mode(lfirst_oid(lc)) == PHIG_MODE_ENFORCE)
			return true;
	return false;
}

static bool
may_read(Oid relid, Oid role, const PhigSampled *columns, int n)
{
	if (!phig_compat_may_use_schema(get_rel_namespace(relid), role))
		return false;
	if (pg_class_aclcheck(relid, role, ACL_SELECT) == ACLCHECK_OK)
		return true;
	for (int i = 0; i < n; i++)
		if (phig_sample_reads(&columns[i]) &&
			pg_attribute_aclcheck(relid, columns[i].attno, role, ACL_SELECT) != ACLCHECK_OK)
			return false;
	return true;
}

static bool
is_populated(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		populated = HeapTupleIsValid(tuple) && ((Form_pg_class) GETSTRUCT(tuple))->relispopulated;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return populated;
}

static bool
judge(Oid relid, const PhigSampled *column, bool about_people, PhigEvidence *evidence)
{
	List	   *items = phig_evidence_items(relid, column->attno, about_people);

	items = phig_content_weigh(&column->content, items, about_people);
	items = weigh_statistics(relid, column->attno, items);
	phig_evidence_judge(items, evidence);
	return evidence->category > PHIG_CAT_NONE && evidence->confidence >= PHIG_EVIDENCE_MIN;
}

/*
 * Numbers that are given out to people are many: of the statistics only how many distinct values there are is asked
 * for, since the rest of them holds values.
 */
static List *
weigh_statistics(Oid relid, AttrNumber attno, List *items)
{
	HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid), Int16GetDatum(attno),
										BoolGetDatum(false));
	float4		distinct;
	ListCell   *lc;

	if (!HeapTupleIsValid(tuple))
		return items;
	distinct = ((Form_pg_statistic) GETSTRUCT(tuple))->stadistinct;
	ReleaseSysCache(tuple);
	if (distinct >= 0)
		return items;
	foreach(lc, items)
	{
		PhigEvidenceItem *item = lfirst(lc);

		if (item->category == PHIG_CAT_MRN || item->category == PHIG_CAT_OTHER || item->category == PHIG_CAT_ACCOUNT ||
			item->category == PHIG_CAT_HEALTH_PLAN || item->category == PHIG_CAT_SSN)
			return phig_evidence_add(items, item->category, NULL, 0.2f,
									 psprintf("statistics: %d %% distinct", (int) (-100 * distinct)));
	}
	return items;
}
