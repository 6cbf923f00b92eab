/*
 * use.c
 *		Has anybody written a policy in this database?  And does the present purpose ask for a record of all?
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"

#include "policy/cache.h"
#include "settings.h"

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

/* What is not understood asks for it. */
bool
phig_policy_allows_unrecorded(void)
{
	const PhigSubject *subject = IsTransactionState() ? phig_policy_subject() : NULL;
	const PhigPurposeRow *row = subject == NULL || !subject->granted ? NULL : phig_policies_of(subject->purpose)->row;

	if (row == NULL || row->journal_on_failure == NULL)
		return phig_journal_on_failure == PHIG_ON_FAILURE_ALLOW;
	return strcmp(row->journal_on_failure, "allow") == 0;
}
