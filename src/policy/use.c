/*
 * use.c
 *		Has anybody written a policy in this database?
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"

#include "policy/cache.h"

bool
phig_policy_in_use(void)
{
	static uint64 known = 0;
	static Oid	known_marker = InvalidOid;
	static bool in_use = false;
	Oid			marker = phig_policy_marker();
	uint64		generation = phig_policy_generation;
	Relation	purposes;
	SysScanDesc scan;

	if (!OidIsValid(marker))
		return false;
	if (known == generation && known_marker == marker)
		return in_use;
	purposes = table_open(marker, AccessShareLock);
	scan = systable_beginscan(purposes, InvalidOid, false, NULL, 0, NULL);
	in_use = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(purposes, AccessShareLock);
	known = generation;
	known_marker = marker;
	return in_use;
}
