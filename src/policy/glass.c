/*
 * glass.c
 *		Break-glass: access in an emergency (45 CFR 164.312(a)(2)(ii)).
 *
 * Who may is a grant, with a longest time.  That somebody has done so is kept in the session and in the
 * journal alone, so that it works on a standby and no rollback takes it back.  While it lasts the
 * session sees everything, and each of its records has the flag break_glass.  It ends with its time, the
 * session, another role, or the grant.
 */
#include "postgres.h"

#include "access/table.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "journal/statement.h"
#include "label/label.h"
#include "policy/change.h"
#include "policy/glass.h"

#define LONGEST_SECONDS (24 * 3600)

uint32		phig_glass_generation = 0;
bool		phig_policy_glass_broken = false;

static Oid	glass_role = InvalidOid;
static TimestampTz glass_until = DT_NOBEGIN;

static int32 seconds_of(const Interval *interval);
static int32 longest_for(Oid role);
static void remove_grants(Relation grants, Oid role);
static void refuse_time(const char *what, int32 most);

PG_FUNCTION_INFO_V1(phiguard_grant_break_glass);
PG_FUNCTION_INFO_V1(phiguard_break_glass);
PG_FUNCTION_INFO_V1(phiguard_end_break_glass);
PG_FUNCTION_INFO_V1(phiguard_review_break_glass);

TimestampTz
phig_glass_until(Oid role)
{
	if (glass_role != role || glass_until <= GetCurrentTimestamp() || longest_for(role) == 0)
		return DT_NOBEGIN;
	return glass_until;
}

/* grant_break_glass(role regrole, most interval): NULL takes it back */
Datum
phiguard_grant_break_glass(PG_FUNCTION_ARGS)
{
	Relation	purposes = phig_change_begin("grant break-glass");
	Relation	grants = phig_policy_open(PHIG_POLICY_GLASS, RowExclusiveLock);
	PhigGlassRow row = {.grantee = phig_change_role(fcinfo, 0)};

	row.grantee_name = GetUserNameFromId(row.grantee, false);
	row.most = PG_ARGISNULL(1) ? 0 : seconds_of(PG_GETARG_INTERVAL_P(1));
	if (!PG_ARGISNULL(1) && (row.most < 1 || row.most > LONGEST_SECONDS))
		refuse_time("The longest time", LONGEST_SECONDS);
	phig_statement_policy(row.most == 0 ? "REVOKE BREAK GLASS" : "GRANT BREAK GLASS",
						  row.most == 0 ? psprintf("from %s", row.grantee_name) :
						  psprintf("to %s, %d s", row.grantee_name, row.most));
	remove_grants(grants, row.grantee);
	if (row.most > 0)
	{
		row.granted = GetCurrentTimestamp();
		row.granted_by = phig_change_by();
		phig_policy_insert(grants, PHIG_POLICY_GLASS, &row);
	}
	table_close(grants, NoLock);
	table_close(purposes, NoLock);
	PG_RETURN_VOID();
}

/* break_glass(reason text, duration interval) */
Datum
phiguard_break_glass(PG_FUNCTION_ARGS)
{
	char	   *reason = phig_change_text(fcinfo, 0, "reason");
	int32		duration = PG_ARGISNULL(1) ? 0 : seconds_of(PG_GETARG_INTERVAL_P(1));
	Oid			role = GetOuterUserId();
	int32		most = longest_for(role);
	TimestampTz until;

	if (most == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role \"%s\" may not break the glass", GetUserNameFromId(role, false)),
				 errhint("A privacy officer grants it: phiguard.grant_break_glass().")));
	if (duration < 1 || duration > most)
		refuse_time("The time", most);
	if (strspn(reason, " ") == strlen(reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a reason is wanted"),
				 errhint("It is recorded as phiguard.justification, and read by whoever reviews this.")));
	/* Refuses what cannot be one, and stands in all records from here on. */
	(void) set_config_option("phiguard.justification", reason, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SET, true, 0, false);
	until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), (int64) duration * 1000);
	phig_statement_policy("BREAK GLASS", psprintf("until %s", timestamptz_to_str(until)));
	glass_role = role;
	glass_until = until;
	phig_policy_glass_broken = true;
	phig_glass_generation++;
	ereport(NOTICE,
			(errmsg("the glass is broken until %s", timestamptz_to_str(until)),
			 errdetail("Whatever this session reads from here on is flagged in the record, and will be reviewed."),
			 errhint("phiguard.end_break_glass() ends it.")));
	PG_RETURN_TIMESTAMPTZ(until);
}

/* end_break_glass(): false where it was not broken */
Datum
phiguard_end_break_glass(PG_FUNCTION_ARGS)
{
	bool		was_broken = phig_policy_glass_broken;

	if (was_broken)
		phig_statement_policy("END BREAK GLASS", NULL);
	glass_role = InvalidOid;
	glass_until = DT_NOBEGIN;
	phig_policy_glass_broken = false;
	phig_glass_generation++;
	PG_RETURN_BOOL(was_broken);
}

/* review_break_glass(node text, position bigint, finding text): it is listed no more */
Datum
phiguard_review_break_glass(PG_FUNCTION_ARGS)
{
	PhigGlassReviewRow row = {0};
	Relation	reviews;

	if (!phig_is_officer() && !phig_is_auditor())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be a privacy officer or an auditor to review break-glass")));
	PreventCommandIfReadOnly("a review");
	row.node = phig_change_text(fcinfo, 0, "node");
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the position must not be null")));
	row.position = psprintf(INT64_FORMAT, PG_GETARG_INT64(1));
	row.finding = phig_change_text(fcinfo, 2, "finding");
	row.reviewed = GetCurrentTimestamp();
	row.reviewed_by = phig_change_by();
	phig_statement_policy("REVIEW BREAK GLASS", psprintf("node %s, position %s", row.node, row.position));
	reviews = phig_policy_open(PHIG_POLICY_GLASS_REVIEW, RowExclusiveLock);
	phig_policy_insert(reviews, PHIG_POLICY_GLASS_REVIEW, &row);
	table_close(reviews, NoLock);
	PG_RETURN_VOID();
}

/* Days and months as PostgreSQL estimates them; one that is too long for the number is too long anyhow. */
static int32
seconds_of(const Interval *interval)
{
	double		seconds = interval->time / (double) USECS_PER_SEC + interval->day * (double) SECS_PER_DAY +
		interval->month * (double) DAYS_PER_MONTH * SECS_PER_DAY;

	return seconds < 0 || seconds > 10 * LONGEST_SECONDS ? -1 : (int32) seconds;
}

/* Of all grants to the role, or to one that it inherits from; 0: there is none. */
static int32
longest_for(Oid role)
{
	int32		most = 0;
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_GLASS, NULL))
	{
		const PhigGlassRow *row = lfirst(lc);

		if (phig_policy_names_role(row->grantee, row->grantee_name) && has_privs_of_role(role, row->grantee))
			most = Max(most, row->most);
	}
	return most;
}

static void
remove_grants(Relation grants, Oid role)
{
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_GLASS, NULL))
	{
		PhigGlassRow *row = lfirst(lc);

		if (row->grantee == role)
			phig_policy_delete(grants, &row->tid);
	}
}

static void
refuse_time(const char *what, int32 most)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("that is no time for which the glass may be broken"),
			 errdetail("%s is at least a second and at most %d seconds.", what, most)));
}
