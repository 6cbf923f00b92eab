/*
 * inherit.c
 *		Inheritance and partitioning as labels see them.
 *
 * The server's own functions leave out a partition whose DETACH CONCURRENTLY
 * has begun but not ended, depending on the snapshot.  Labels must not: until
 * it is done the partition has no label of its own yet.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "label/inherit.h"

/* One side of pg_inherits, given the other. */
static List *
scan_inherits(Oid relid, AttrNumber key_column, Oid index)
{
	List	   *found = NIL;
	Relation	inherits = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, key_column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(inherits, index, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_inherits row = (Form_pg_inherits) GETSTRUCT(tuple);

		found = lappend_oid(found, key_column == Anum_pg_inherits_inhrelid ? row->inhparent : row->inhrelid);
	}
	systable_endscan(scan);
	table_close(inherits, AccessShareLock);
	return found;
}

List *
phig_parents(Oid relid)
{
	return scan_inherits(relid, Anum_pg_inherits_inhrelid, InheritsRelidSeqnoIndexId);
}

List *
phig_tops(Oid relid)
{
	List	   *parents = phig_parents(relid);
	List	   *tops = NIL;
	ListCell   *lc;

	if (parents == NIL)
		return list_make1_oid(relid);
	foreach(lc, parents)
		tops = list_concat_unique_oid(tops, phig_tops(lfirst_oid(lc)));
	return tops;
}

List *
phig_family(Oid relid)
{
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(Oid), .hcxt = CurrentMemoryContext};
	HTAB	   *seen = hash_create("phiguard family", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	List	   *family = list_make1_oid(relid);

	/* The list grows while it is walked; pg_inherits has no cycles, so it ends. */
	for (int i = 0; i < list_length(family); i++)
	{
		List	   *children = scan_inherits(list_nth_oid(family, i), Anum_pg_inherits_inhparent,
											 InheritsParentIndexId);
		ListCell   *cell;

		foreach(cell, children)
		{
			bool		found;

			hash_search(seen, &lfirst_oid(cell), HASH_ENTER, &found);
			if (!found)
				family = lappend_oid(family, lfirst_oid(cell));
		}
	}
	hash_destroy(seen);
	return family;
}
