/*
 * trigger.c
 *		Which triggers see whole rows?
 *
 * A row trigger reads OLD and NEW through no range table, and a statement
 * trigger with transition tables may read all of them.  What they do with the
 * values is their own business (their statements make their own records); that they
 * were handed the row is the triggering statement's.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupdesc.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "partitioning/partdesc.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "flow/internal.h"

static bool fires(Relation relation, int events, const Bitmapset *assigned, bool any_column);
static bool assigns_column(Relation relation, const Trigger *trigger, const Bitmapset *assigned);
static bool child_fires(Relation relation, int events);
static List *children_of(Relation relation);
static bool has_triggers(Oid relid);

/*
 * phig_flow_row_trigger
 *		Does a statement that targets the relation fire a trigger that sees rows?
 *
 * events:   TRIGGER_TYPE_INSERT | _UPDATE | _DELETE, what the statement may do.
 * assigned: columns that an UPDATE assigns, for UPDATE OF triggers.
 *
 * Internal triggers (foreign keys, deferred uniqueness) do not count: they
 * compare keys and show nothing.
 */
bool
phig_flow_row_trigger(Oid relid, bool with_children, int events, const Bitmapset *assigned)
{
	Relation	relation = RelationIdGetRelation(relid);
	bool		partitioned;
	bool		result;

	if (!RelationIsValid(relation))
		return false;
	partitioned = relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	/* A row that moves to another partition is deleted here and inserted there. */
	if (partitioned && (events & TRIGGER_TYPE_UPDATE))
		events |= TRIGGER_TYPE_INSERT | TRIGGER_TYPE_DELETE;
	result = fires(relation, events, assigned, false);
	if (!result && relation->rd_rel->relhassubclass &&
		(partitioned || (with_children && (events & ~TRIGGER_TYPE_INSERT))))
		result = child_fires(relation, events);
	RelationClose(relation);
	return result;
}

static bool
fires(Relation relation, int events, const Bitmapset *assigned, bool any_column)
{
	const TriggerDesc *desc = relation->trigdesc;

	if (desc == NULL)
		return false;
	for (int i = 0; i < desc->numtriggers; i++)
	{
		const Trigger *trigger = &desc->triggers[i];
		int			hits = trigger->tgtype & events;

		if (hits == 0 || trigger->tgisinternal || trigger->tgenabled == TRIGGER_DISABLED)
			continue;
		if (!TRIGGER_FOR_ROW(trigger->tgtype) && !trigger->tgoldtable && !trigger->tgnewtable)
			continue;
		if (hits == TRIGGER_TYPE_UPDATE && trigger->tgnattr > 0 && !any_column &&
			!assigns_column(relation, trigger, assigned))
			continue;
		return true;
	}
	return false;
}

/* Is one of the columns that the trigger waits for assigned, or computed from what is? */
static bool
assigns_column(Relation relation, const Trigger *trigger, const Bitmapset *assigned)
{
	for (int i = 0; i < trigger->tgnattr; i++)
	{
		AttrNumber	attno = trigger->tgattr[i];

		if (bms_is_member(attno, assigned) ||
			TupleDescAttr(RelationGetDescr(relation), attno - 1)->attgenerated)
			return true;
	}
	return false;
}

/*
 * Partitions and children have triggers of their own.  They are not locked
 * here: a statement takes its locks when it knows which of them it touches.
 */
static bool
child_fires(Relation relation, int events)
{
	ListCell   *lc;

	foreach(lc, children_of(relation))
	{
		Oid			childid = lfirst_oid(lc);
		Relation	child;
		bool		result;

		if (childid == RelationGetRelid(relation) || !has_triggers(childid))
			continue;
		child = RelationIdGetRelation(childid);
		if (!RelationIsValid(child))
			continue;			/* dropped meanwhile */
		/* Column numbers differ between children: any UPDATE OF counts. */
		result = fires(child, events, NULL, true);
		if (!result && child->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
			result = child_fires(child, events);
		RelationClose(child);
		if (result)
			return true;
	}
	return false;
}

static List *
children_of(Relation relation)
{
	PartitionDesc desc;
	List	   *children = NIL;

	if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return find_all_inheritors(RelationGetRelid(relation), NoLock, NULL);
	desc = RelationGetPartitionDesc(relation, false);
	for (int i = 0; i < desc->nparts; i++)
		children = lappend_oid(children, desc->oids[i]);
	return children;
}

/* Spares the relation cache partitions without; true for partitioned ones, to look below. */
static bool
has_triggers(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_class) GETSTRUCT(tuple);
	result = form->relhastriggers || form->relkind == RELKIND_PARTITIONED_TABLE;
	ReleaseSysCache(tuple);
	return result;
}
