/*
 * hop_row.c
 *		One row between a reference and the person: looked up.
 *
 * By the index of the key where a table has one that compares as the column does: that is what the query below would
 * do, for a fifth of the time.  Else, of a partitioned table say, by a query as foreign keys are checked: SELECT person
 * FROM relation WHERE key = $1, as the relation's owner.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "subject/hop_row.h"
#include "subject/hop_whole.h"
#include "subject/spelling.h"

/* A block is read in the time of so many look-ups; and for few it is not worth it. */
#define WORTH_BLOCK 4
#define WORTH_MIN 1024

struct PhigHopRow
{
	PhigSubjectHop hop;
	Oid			type;			/* of references */
	Oid			person_type;
	int16		person_len;
	bool		person_byval;
	Oid			index;			/* InvalidOid: by the query */
	ScanKeyData key;			/* without the reference */
	double		worth;			/* so many look-ups take as long as reading the whole; 0: not to
								 * be read */
	double		asked;
	PhigHopWhole *whole;		/* NULL: not read */
	MemoryContext context;
	SPIPlanPtr	plan;			/* NULL: none yet */
};

bool		phig_hop_looks_up = false;

static void choose_index(PhigHopRow *row);
static bool index_does(PhigHopRow *row, Relation relation, Oid index);
static bool find_by_index(PhigHopRow *row, Datum reference, Datum *person, bool *isnull);
static bool find_in_index(PhigHopRow *row, Relation relation, Relation index, Datum reference, Datum *person,
						  bool *isnull);
static void read_whole(PhigHopRow *row, Relation relation);
static bool find_in_whole(const PhigHopRow *row, Datum reference, Datum *person, bool *isnull);
static bool find_by_query(PhigHopRow *row, Datum reference, Datum *person, bool *isnull);
static Oid	owner_of(Oid relid);
static SPIPlanPtr make_plan(const PhigHopRow *row);

static void
free_plan(void *arg)
{
	PhigHopRow *row = arg;

	if (row->plan != NULL)
		SPI_freeplan(row->plan);
}

PhigHopRow *
phig_hop_row_create(const PhigSubjectHop *hop, Oid type)
{
	PhigHopRow *row = palloc0(sizeof(PhigHopRow));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	row->hop = *hop;
	row->type = type;
	row->context = CurrentMemoryContext;
	row->person_type = getBaseType(get_atttype(hop->relid, hop->person));
	get_typlenbyval(row->person_type, &row->person_len, &row->person_byval);
	choose_index(row);
	callback->func = free_plan;
	callback->arg = row;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	return row;
}

Oid
phig_hop_row_type(const PhigHopRow *row)
{
	return row->person_type;
}

bool
phig_hop_row_find(PhigHopRow *row, Datum reference, Datum *person, bool *isnull)
{
	if (row->whole != NULL)
		return find_in_whole(row, reference, person, isnull);
	if (OidIsValid(row->index))
		return find_by_index(row, reference, person, isnull);
	return find_by_query(row, reference, person, isnull);
}

/* The rows of children, of partitions and of other servers are the query's to find. */
static void
choose_index(PhigHopRow *row)
{
	Relation	relation = table_open(row->hop.relid, AccessShareLock);
	List	   *indexes;
	ListCell   *lc;

	if (relation->rd_rel->relkind == RELKIND_RELATION && !relation->rd_rel->relhassubclass)
	{
		indexes = RelationGetIndexList(relation);
		foreach(lc, indexes)
			if (!OidIsValid(row->index) && index_does(row, relation, lfirst_oid(lc)))
				row->index = lfirst_oid(lc);
		list_free(indexes);
	}
	/* A serializable transaction would conflict with all that is written there. */
	if (OidIsValid(row->index) && !IsolationIsSerializable() && phig_spelling_is_of_number(row->type) &&
		phig_spelling_is_of_number(row->person_type))
		row->worth = Max(WORTH_MIN, RelationGetNumberOfBlocks(relation) * WORTH_BLOCK);
	table_close(relation, AccessShareLock);
}

static bool
index_does(PhigHopRow *row, Relation relation, Oid index)
{
	const FormData_pg_attribute *column = TupleDescAttr(RelationGetDescr(relation), row->hop.key - 1);
	Oid			key_type = getBaseType(column->atttypid);
	Relation	open = index_open(index, AccessShareLock);
	const FormData_pg_index *form = open->rd_index;
	bool		same = row->type == key_type;
	Oid			compares = same ? open->rd_opcintype[0] : row->type;
	Oid			equal;
	Oid			function;

	equal = open->rd_rel->relam == BTREE_AM_OID && form->indnkeyatts == 1 && form->indkey.values[0] == row->hop.key &&
		form->indisvalid && !form->indcheckxmin && open->rd_indcollation[0] == column->attcollation &&
		heap_attisnull(open->rd_indextuple, Anum_pg_index_indpred, NULL) &&
		(same || phig_subject_both_integers(row->type, key_type)) ?
		get_opfamily_member(open->rd_opfamily[0], open->rd_opcintype[0], compares, BTEqualStrategyNumber) : InvalidOid;
	function = OidIsValid(equal) ? get_opcode(equal) : InvalidOid;
	/* Somebody's own type, or own notion of what is equal, is the query's, too. */
	if (function >= FirstNormalObjectId)
		function = InvalidOid;
	if (OidIsValid(function))
		ScanKeyEntryInitialize(&row->key, 0, 1, BTEqualStrategyNumber, compares, column->attcollation, function, 0);
	index_close(open, AccessShareLock);
	return OidIsValid(function);
}

/* A cursor may outlive the index. */
static bool
find_by_index(PhigHopRow *row, Datum reference, Datum *person, bool *isnull)
{
	Relation	relation = table_open(row->hop.relid, AccessShareLock);
	Relation	index = try_relation_open(row->index, AccessShareLock);
	bool		found = false;

	if (index != NULL)
	{
		found = find_in_index(row, relation, index, reference, person, isnull);
		index_close(index, NoLock);
	}
	if (row->worth > 0 && ++row->asked >= row->worth)
		read_whole(row, relation);
	/* Locks are kept, as those of a query are. */
	table_close(relation, NoLock);
	if (index == NULL)
	{
		row->index = InvalidOid;
		return find_by_query(row, reference, person, isnull);
	}
	return found;
}

static bool
find_in_index(PhigHopRow *row, Relation relation, Relation index, Datum reference, Datum *person, bool *isnull)
{
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	IndexScanDesc scan = phig_compat_index_beginscan(relation, index, GetActiveSnapshot(), 1);
	bool		found;

	row->key.sk_argument = reference;
	index_rescan(scan, &row->key, 1, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, slot);
	if (found)
	{
		*person = slot_getattr(slot, row->hop.person, isnull);
		if (!*isnull && row->person_len == -1)
			*person = PointerGetDatum(PG_DETOAST_DATUM_COPY(*person));
		else if (!*isnull)
			*person = datumCopy(*person, row->person_byval, row->person_len);
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	return found;
}

static void
read_whole(PhigHopRow *row, Relation relation)
{
	MemoryContext old = MemoryContextSwitchTo(row->context);

	row->whole = phig_hop_whole_read(relation, &row->hop);
	row->worth = 0;
	MemoryContextSwitchTo(old);
}

static bool
find_in_whole(const PhigHopRow *row, Datum reference, Datum *person, bool *isnull)
{
	int64		number;

	if (!phig_hop_whole_find(row->whole, phig_spelling_number(row->type, reference), &number, isnull))
		return false;
	*person = phig_spelling_of_number(row->person_type, number);
	return true;
}

static bool
find_by_query(PhigHopRow *row, Datum reference, Datum *person, bool *isnull)
{
	bool		outer = phig_hop_looks_up;
	Oid			user;
	int			context;
	int			result;
	bool		found;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(owner_of(row->hop.relid), context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	phig_hop_looks_up = true;
	PG_TRY();
	{
		if (row->plan == NULL)
			row->plan = make_plan(row);
		result = SPI_execute_snapshot(row->plan, &reference, NULL, GetActiveSnapshot(), InvalidSnapshot, true, false,
									  1);
	}
	PG_FINALLY();
	{
		phig_hop_looks_up = outer;
		SetUserIdAndSecContext(user, context);
	}
	PG_END_TRY();
	found = result == SPI_OK_SELECT && SPI_processed == 1;
	if (found)
	{
		*person = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
		if (!*isnull)
			*person = SPI_datumTransfer(*person, row->person_byval, row->person_len);
	}
	SPI_finish();
	return found;
}

static Oid
owner_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

static SPIPlanPtr
make_plan(const PhigHopRow *row)
{
	const PhigSubjectHop *hop = &row->hop;
	Oid			type = row->type;
	char	   *key = get_attname(hop->relid, hop->key, false);
	char	   *person = get_attname(hop->relid, hop->person, false);
	Oid			key_type = getBaseType(get_atttype(hop->relid, hop->key));
	StringInfoData sql;
	SPIPlanPtr	plan;

	/* The operator is the key type's own, whatever stands in the search path. */
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s FROM %s WHERE %s OPERATOR(pg_catalog.=) $1",
					 quote_identifier(person),
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(hop->relid)),
												get_rel_name(hop->relid)),
					 quote_identifier(key));
	/* A wider integer may be out of the key's range: it refers to nobody. */
	if (!phig_subject_both_integers(type, key_type))
		appendStringInfo(&sql, "::%s", format_type_be_qualified(key_type));
	appendStringInfoString(&sql, " LIMIT 1");
	plan = SPI_prepare(sql.data, 1, &type);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	return plan;
}
