/*
 * hop_whole.c
 *		All rows between references and persons: where looking them up one by one would take longer.
 *
 * Keys that a sequence made are close together: the persons are an array from the lowest key to the highest.  Keys that
 * are not soon take more memory than there is, and are looked up as before.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "common/int.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "subject/hop_whole.h"
#include "subject/spelling.h"

#define ROOM_MIN 1024

/* What is not a person. */
#define NO_ROW PG_INT64_MIN
#define NO_PERSON (PG_INT64_MIN + 1)

struct PhigHopWhole
{
	int64		lowest;			/* key, of the first place */
	int64		room;
	int64	   *persons;		/* by key - lowest */
};

static inline bool
is_inside(const PhigHopWhole *whole, int64 key)
{
	return key >= whole->lowest && (uint64) key - (uint64) whole->lowest < (uint64) whole->room;
}

static bool read_rows(PhigHopWhole *whole, Relation relation, const PhigSubjectHop *hop);
static bool make_room(PhigHopWhole *whole, int64 key);

PhigHopWhole *
phig_hop_whole_read(Relation relation, const PhigSubjectHop *hop)
{
	PhigHopWhole *whole = palloc0(sizeof(PhigHopWhole));

	if (read_rows(whole, relation, hop))
		return whole;
	if (whole->persons != NULL)
		pfree(whole->persons);
	pfree(whole);
	return NULL;
}

bool
phig_hop_whole_find(const PhigHopWhole *whole, int64 key, int64 *person, bool *isnull)
{
	if (!is_inside(whole, key) || whole->persons[key - whole->lowest] == NO_ROW)
		return false;
	*person = whole->persons[key - whole->lowest];
	*isnull = *person == NO_PERSON;
	return true;
}

/* False: they do not fit. */
static bool
read_rows(PhigHopWhole *whole, Relation relation, const PhigSubjectHop *hop)
{
	Oid			key_type = getBaseType(TupleDescAttr(RelationGetDescr(relation), hop->key - 1)->atttypid);
	Oid			person_type = getBaseType(TupleDescAttr(RelationGetDescr(relation), hop->person - 1)->atttypid);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, NULL);
	bool		fits = true;

	while (fits && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		no_key;
		bool		nobody;
		Datum		key = slot_getattr(slot, hop->key, &no_key);
		Datum		value = slot_getattr(slot, hop->person, &nobody);
		int64		person = nobody ? NO_PERSON : phig_spelling_number(person_type, value);
		int64		place;

		CHECK_FOR_INTERRUPTS();
		if (no_key)
			continue;
		place = phig_spelling_number(key_type, key);
		fits = (nobody || person > NO_PERSON) && (is_inside(whole, place) || make_room(whole, place));
		if (fits)
			whole->persons[place - whole->lowest] = person;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	return fits;
}

/* On the side of a key that is outside, twice as much as is needed. */
static bool
make_room(PhigHopWhole *whole, int64 key)
{
	int64		most = get_hash_memory_limit() / sizeof(int64);
	int64		highest = whole->room == 0 ? key : whole->lowest + (whole->room - 1);
	int64		lowest = whole->room == 0 ? key : whole->lowest;
	int64		span;
	int64		room;
	int64		first;
	int64	   *persons;

	if (pg_sub_s64_overflow(Max(highest, key), Min(lowest, key), &span) || span >= most)
		return false;
	room = Min(most, Max(ROOM_MIN, 2 * (span + 1)));
	first = Min(lowest, key);
	if (key < lowest && pg_sub_s64_overflow(highest, room - 1, &first))
		return false;
	/* So that the end is a number, too. */
	if (first > PG_INT64_MAX - room)
		return false;
	persons = palloc_extended(room * sizeof(int64), MCXT_ALLOC_HUGE);
	for (int64 i = 0; i < room; i++)
		persons[i] = NO_ROW;
	if (whole->room > 0)
	{
		memcpy(persons + (lowest - first), whole->persons, Min(whole->room, room - (lowest - first)) * sizeof(int64));
		pfree(whole->persons);
	}
	whole->lowest = first;
	whole->room = room;
	whole->persons = persons;
	return true;
}
