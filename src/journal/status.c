/*
 * status.c
 *		phiguard.journal_status: how the journal does, in one row.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "journal/definition.h"
#include "journal/journal_state.h"
#include "journal/outward.h"
#include "journal/shared.h"
#include "journal/space.h"
#include "journal/vouch.h"
#include "label/label.h"
#include "settings.h"
#include "texts.h"

PG_FUNCTION_INFO_V1(phiguard_read_status);

typedef enum StatusColumn
{
	STATUS_NODE,
	STATUS_STATE,
	STATUS_REASON,
	STATUS_DIRECTORY,
	STATUS_SEGMENTS,
	STATUS_BYTES,
	STATUS_OLDEST,
	STATUS_NEWEST_SEGMENT,
	STATUS_POSITION,
	STATUS_RING_BYTES,
	STATUS_RING_USED,
	STATUS_BYTES_PER_DAY,
	STATUS_FREE_BYTES,
	STATUS_DAYS_LEFT,
	STATUS_SIGNED_POSITION,
	STATUS_SIGNED,
	STATUS_ANCHORED_POSITION,
	STATUS_ARCHIVED_SEGMENT,
	STATUS_ARCHIVE_WAITING,
	STATUS_KEEPER_PID,
	STATUS_WARNINGS,
	STATUS_COLUMNS
} StatusColumn;

typedef struct Row
{
	Datum		values[STATUS_COLUMNS];
	bool		nulls[STATUS_COLUMNS];
} Row;

static void
set(Row *row, StatusColumn column, Datum value)
{
	row->values[column] = value;
	row->nulls[column] = false;
}

static void
set_number(Row *row, StatusColumn column, uint64 number)
{
	set(row, column, Int64GetDatum((int64) number));
}

static void
set_space(Row *row, const PhigSpace *space)
{
	set_number(row, STATUS_SEGMENTS, space->segments);
	set_number(row, STATUS_BYTES, space->bytes);
	set_number(row, STATUS_FREE_BYTES, space->free_bytes);
	if (space->oldest != 0)
		set(row, STATUS_OLDEST, TimestampTzGetDatum(space->oldest));
	if (space->bytes_per_day >= 0)
		set_number(row, STATUS_BYTES_PER_DAY, (uint64) space->bytes_per_day);
	if (space->days_left >= 0)
		set(row, STATUS_DAYS_LEFT, Float8GetDatum(space->days_left));
}

static void
set_outward(Row *row, uint64 newest)
{
	PhigCheckpoint checkpoint;
	uint64		archived = phig_archived_segment();

	if (phig_vouch_last(&checkpoint))
	{
		set_number(row, STATUS_SIGNED_POSITION, checkpoint.seq);
		set(row, STATUS_SIGNED, TimestampTzGetDatum(checkpoint.time));
	}
	if (phig_journal->anchored_seq != 0)
		set_number(row, STATUS_ANCHORED_POSITION, phig_journal->anchored_seq);
	if (archived != 0)
		set_number(row, STATUS_ARCHIVED_SEGMENT, archived);
	if (phig_journal_archive_command[0] != '\0' && newest > 0)
		set_number(row, STATUS_ARCHIVE_WAITING, newest - 1 - Min(archived, newest - 1));
}

/* What somebody should look at, in words; an empty array when all is well. */
static Datum
warnings(const PhigSpace *space, bool space_known)
{
	static const char *const about[PHIG_TROUBLES] = {
		[PHIG_TROUBLE_WRITE] = "write",
		[PHIG_TROUBLE_SPARE] = "next segment",
		[PHIG_TROUBLE_CHECKPOINT] = "checkpoint",
		[PHIG_TROUBLE_ANCHOR] = "journal_anchor_command",
		[PHIG_TROUBLE_ARCHIVE] = "journal_archive_command",
		[PHIG_TROUBLE_RETIRE] = "retention",
		[PHIG_TROUBLE_KEY] = "key_command",
		[PHIG_TROUBLE_SUMMARY] = "summaries",
	};
	char		path[MAXPGPATH];
	List	   *words = NIL;

	for (int i = 0; i < PHIG_TROUBLES; i++)
	{
		char		trouble[sizeof(phig_journal->troubles[0])];

		SpinLockAcquire(&phig_journal->mutex);
		memcpy(trouble, phig_journal->troubles[i], sizeof(trouble));
		SpinLockRelease(&phig_journal->mutex);
		if (trouble[0] != '\0')
			words = lappend(words, psprintf("%s: %s", about[i], trouble));
	}
	if (space_known && phig_space_is_low(space))
		words = lappend(words, "space: runs low");
	if (phig_journal->keeper_latch == NULL)
		words = lappend(words, "keeper: does not run");
	phig_journal_directory_path(path);
	if (path_is_prefix_of_path(DataDir, path))
		words = lappend(words, "directory: inside the data directory, where pg_rewind deletes it");
	return phig_text_array(words);
}

static void
require_permission(void)
{
	if (!phig_is_auditor() && !phig_is_officer() && !has_privs_of_role(GetUserId(), ROLE_PG_MONITOR))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to see the state of phiguard's journal"),
				 errhint("Superusers may, and members of pg_monitor and of the roles that phiguard.auditor_role and "
						 "phiguard.officer_role name.")));
}

static const char *
state_name(void)
{
	switch (pg_atomic_read_u32(&phig_journal->state))
	{
		case PHIG_JOURNAL_OPENING:
			return "opening";
		case PHIG_JOURNAL_OPEN:
			return "open";
		default:
			return "closed";
	}
}

Datum
phiguard_read_status(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Row			row;
	char		text[MAXPGPATH + 256];
	uint8		node[PHIG_ID_BYTES];
	uint64		newest,
				offset;
	PhigSpace	space;
	PhigFault	fault;
	bool		space_known;

	require_permission();
	InitMaterializedSRF(fcinfo, 0);
	memset(row.nulls, true, sizeof(row.nulls));

	set(&row, STATUS_STATE, CStringGetTextDatum(state_name()));
	if (!phig_journal_available(text, sizeof(text)) && text[0] != '\0')
		set(&row, STATUS_REASON, CStringGetTextDatum(text));
	phig_journal_directory_path(text);
	set(&row, STATUS_DIRECTORY, CStringGetTextDatum(text));
	if (phig_journal_node(node))
	{
		snprintf(text, sizeof(text), "%02x%02x%02x%02x", node[0], node[1], node[2], node[3]);
		set(&row, STATUS_NODE, CStringGetTextDatum(text));
		phig_journal_flushed(&newest, &offset);
		set_number(&row, STATUS_NEWEST_SEGMENT, newest);
		set_number(&row, STATUS_POSITION, phig_journal->last_seq);
		set_number(&row, STATUS_RING_BYTES, phig_journal->ring_bytes);
		set_number(&row, STATUS_RING_USED,
				   pg_atomic_read_u64(&phig_journal->head) - pg_atomic_read_u64(&phig_journal->tail));
		set_outward(&row, newest);
	}
	space_known = phig_space(&space, &fault);
	if (space_known)
		set_space(&row, &space);
	if (phig_journal->keeper_pid != 0)
		set(&row, STATUS_KEEPER_PID, Int32GetDatum(phig_journal->keeper_pid));
	set(&row, STATUS_WARNINGS, warnings(&space, space_known));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row.values, row.nulls);
	return (Datum) 0;
}
