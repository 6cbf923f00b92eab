/*
 * arrivals.c
 *		Columns that are new, and what phiguard.on_new_column makes of them.
 *
 * What is new the object access hook tells, whatever made it: CREATE TABLE, ALTER TABLE, a query's result, IMPORT
 * FOREIGN SCHEMA, a function.  It is looked at when the statement is over and labels have followed data, types and
 * LIKE: a column that has a label then needs nothing.  Its type alone says too little; its name, comment or reference
 * must speak too, or its table be about people.
 *
 * There is no queue of columns whose values are still to be looked at: that a column has no statistics says that
 * nobody has analysed it yet.  COPY FROM and ANALYZE look at those (loaded.c), in one session once, and after the
 * first ANALYZE no more.
 *
 * Passed over: temporary tables (nobody else reads them, they end with the session, and what goes from them into a
 * table is new there), columns inherited from a parent (whose label holds for them), objects of extensions.  A session
 * that looks like a restore is told and no more: pg_dump sets labels after it has made the tables, and lowering one
 * that we had set would take an officer.  Who imitates a restore can as well choose a name that says nothing: the
 * setting is for mistakes.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "label/label.h"
#include "scan/arrivals.h"
#include "scan/evidence.h"
#include "scan/loaded.h"
#include "settings.h"

/* So sure must what the catalog says be. */
#define STRONG 0.7f

/* A message has so many columns at most. */
#define MAX_LISTED 10

/* A column, or all of a relation's (attno 0). */
typedef struct PhigArrival
{
	Oid			relid;
	AttrNumber	attno;
} PhigArrival;

static List *suspects_among(Oid relid, AttrNumber attno);
static bool is_watched(Oid relid);
static bool is_installed(void);
static bool is_strong(Oid relid, AttrNumber attno, PhigEvidence *evidence);
static void withhold_evidence(Oid relid, List *suspects);
static void act(Oid relid, List *suspects, bool may_refuse);
static void tell(int level, Oid relid, List *suspects);
static void set_labels(Oid relid, List *suspects);
static PhigLabel label_of(const PhigSuspect *suspect);
static bool looks_like_restore(void);

List *
phig_arrivals_note(List *arrivals, Oid relid, int subId, void *arg)
{
	PhigArrival *arrival;

	if (phig_on_new_column == PHIG_NEW_COLUMN_IGNORE || creating_extension ||
		(arg != NULL && ((ObjectAccessPostCreate *) arg)->is_internal))
		return arrivals;
	arrival = palloc(sizeof(PhigArrival));
	*arrival = (PhigArrival)
	{
		relid, subId
	};
	return lappend(arrivals, arrival);
}

void
phig_arrivals_judge(List *arrivals)
{
	ListCell   *lc;

	CommandCounterIncrement();
	foreach(lc, arrivals)
	{
		const PhigArrival *arrival = lfirst(lc);
		List	   *suspects = NIL;

		if (is_watched(arrival->relid))
			suspects = suspects_among(arrival->relid, arrival->attno);
		if (suspects != NIL && is_installed())
			act(arrival->relid, suspects, true);
	}
}

List *
phig_arrivals_before(Node *stmt)
{
	List	   *unseen = NIL;
	ListCell   *lc;

	if (phig_on_new_column == PHIG_NEW_COLUMN_IGNORE || creating_extension || looks_like_restore())
		return NIL;
	foreach(lc, phig_loaded_relations(stmt))
	{
		Oid			relid = lfirst_oid(lc);
		List	   *columns = is_watched(relid) ? phig_loaded_unseen(relid) : NIL;

		if (columns != NIL && is_installed())
			unseen = lappend(unseen, list_concat(list_make1_int((int) relid), columns));
	}
	return unseen;
}

void
phig_arrivals_loaded(List *unseen, bool by_copy)
{
	/* VACUUM leaves none behind. */
	const bool	without_snapshot = !ActiveSnapshotSet();
	ListCell   *lc;

	CommandCounterIncrement();
	if (without_snapshot)
		PushActiveSnapshot(GetTransactionSnapshot());
	foreach(lc, unseen)
	{
		List	   *columns = lfirst(lc);
		Oid			relid = (Oid) linitial_int(columns);
		List	   *suspects = phig_loaded_suspects(relid, list_copy_tail(columns, 1));

		withhold_evidence(relid, suspects);
		/* refused: looked at again when the next COPY brings values */
		if (suspects != NIL)
			act(relid, suspects, by_copy);
		phig_loaded_remember(relid, list_copy_tail(columns, 1));
	}
	if (without_snapshot)
		PopActiveSnapshot();
}

/* The columns without a label that look like PHI: a list of PhigSuspect. */
static List *
suspects_among(Oid relid, AttrNumber attno)
{
	PhigRelLabels *labels = phig_label_relation_copy(relid);
	List	   *suspects = NIL;

	for (AttrNumber i = attno == 0 ? 1 : attno; i <= (attno == 0 ? labels->natts : attno); i++)
	{
		HeapTuple	tuple;
		bool		own;
		PhigEvidence evidence;

		if (i > labels->natts || labels->cols[i - 1].category != PHIG_CAT_UNLABELLED)
			continue;
		tuple = SearchSysCacheAttNum(relid, i);
		own = HeapTupleIsValid(tuple) && ((Form_pg_attribute) GETSTRUCT(tuple))->attinhcount == 0;
		if (HeapTupleIsValid(tuple))
			ReleaseSysCache(tuple);
		if (own && is_strong(relid, i, &evidence))
			suspects = lappend(suspects, phig_suspect(i, evidence.category, evidence.kind, evidence.text));
	}
	return suspects;
}

/* A relation that keeps values for others to read: not a temporary one, not the system's. */
static bool
is_watched(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	bool		watched;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_class) GETSTRUCT(tuple);
	watched = strchr("rpfm", form->relkind) != NULL && form->relpersistence != RELPERSISTENCE_TEMP &&
		!IsCatalogNamespace(form->relnamespace) && !IsToastNamespace(form->relnamespace) &&
		form->relnamespace != get_namespace_oid("phiguard", true);
	ReleaseSysCache(tuple);
	return watched;
}

/* Labels of databases without the extension are nobody's business. */
static bool
is_installed(void)
{
	return OidIsValid(get_extension_oid("phiguard", true));
}

/* More than the type must speak for it, or the table be about people. */
static bool
is_strong(Oid relid, AttrNumber attno, PhigEvidence *evidence)
{
	const bool	about_people = phig_evidence_is_about_people(relid);
	List	   *items = phig_evidence_items(relid, attno, about_people);
	ListCell   *lc;

	phig_evidence_judge(items, evidence);
	/* identifiers: what only describes a person makes nobody known by itself */
	if (evidence->category < PHIG_CAT_AGE || evidence->confidence < STRONG)
		return false;
	foreach(lc, items)
	{
		PhigEvidenceItem *item = lfirst(lc);

		/* a comment or a text by name is one about somebody only in a table about people */
		if (item->category == evidence->category && evidence->category != PHIG_CAT_NOTE &&
			strncmp(item->text, "type ", 5) != 0)
			return true;
	}
	return about_people;
}

/* Who may write and not read is not told in how many rows of others what is found. */
static void
withhold_evidence(Oid relid, List *suspects)
{
	ListCell   *lc;

	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return;
	foreach(lc, suspects)
	{
		PhigSuspect *suspect = lfirst(lc);

		if (pg_attribute_aclcheck(relid, suspect->attno, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			suspect->evidence = pstrdup("content");
	}
}

static void
act(Oid relid, List *suspects, bool may_refuse)
{
	PhigOnNewColumn what = (PhigOnNewColumn) phig_on_new_column;

	if (what == PHIG_NEW_COLUMN_REFUSE && !may_refuse)
		what = PHIG_NEW_COLUMN_NOTICE;
	if (looks_like_restore())
		what = PHIG_NEW_COLUMN_NOTICE;
	switch (what)
	{
		case PHIG_NEW_COLUMN_IGNORE:
			break;
		case PHIG_NEW_COLUMN_NOTICE:
			tell(NOTICE, relid, suspects);
			break;
		case PHIG_NEW_COLUMN_LABEL:
			set_labels(relid, suspects);
			break;
		case PHIG_NEW_COLUMN_REFUSE:
			tell(ERROR, relid, suspects);
			break;
	}
}

/* The hint has the statements to run. */
static void
tell(int level, Oid relid, List *suspects)
{
	StringInfoData names;
	StringInfoData evidence;
	StringInfoData statements;
	char	   *schema = get_namespace_name(get_rel_namespace(relid));
	char	   *relation = quote_qualified_identifier(schema, get_rel_name(relid));
	ListCell   *lc;

	initStringInfo(&names);
	initStringInfo(&evidence);
	initStringInfo(&statements);
	foreach(lc, suspects)
	{
		const PhigSuspect *suspect = lfirst(lc);
		char	   *column = get_attname(relid, suspect->attno, false);
		PhigLabel	label = label_of(suspect);

		if (foreach_current_index(lc) == MAX_LISTED)
		{
			appendStringInfo(&names, ", and %d more", list_length(suspects) - MAX_LISTED);
			break;
		}
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", column);
		appendStringInfo(&evidence, "%s%s: %s (%s)", evidence.len > 0 ? ", " : "", column,
						 phig_category_name(suspect->category), suspect->evidence);
		appendStringInfo(&statements, "\nSECURITY LABEL FOR phiguard ON COLUMN %s.%s IS '%s';", relation,
						 quote_identifier(column), phig_label_to_text(&label));
	}
	if (level == ERROR)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("columns of relation \"%s\" look like PHI and have no label: %s", get_rel_name(relid), names.data),
				 errdetail("phiguard.on_new_column is refuse. %s.", evidence.data),
				 errhint("Give them types that say so, such as phiguard.ssn, or let a superuser set phiguard.on_new_column "
						 "to notice here and label them at once:%s", statements.data)));
	ereport(level,
			(errmsg("columns of relation \"%s\" look like PHI and have no label: %s", get_rel_name(relid), names.data),
			 errdetail("%s.", evidence.data),
			 errhint("Label them, as none where they are not PHI:%s", statements.data)));
}

/* As phiguard, whoever runs the statement: who may make a column may have it protected. */
static void
set_labels(Oid relid, List *suspects)
{
	PhigRelLabels *labels;
	ListCell   *lc;

	/*
	 * as SECURITY LABEL: another session may have set one since; after ANALYZE nothing else keeps
	 * the table
	 */
	LockRelationOid(relid, ShareUpdateExclusiveLock);
	if (get_rel_name(relid) == NULL)
		return;
	labels = phig_label_relation_copy(relid);
	foreach(lc, suspects)
	{
		const PhigSuspect *suspect = lfirst(lc);
		PhigLabel	label = label_of(suspect);

		if (suspect->attno > labels->natts || labels->cols[suspect->attno - 1].category != PHIG_CAT_UNLABELLED ||
			!OidIsValid(get_atttype(relid, suspect->attno)))
			continue;
		phig_label_set_column(relid, suspect->attno, &label);
		ereport(NOTICE,
				(errmsg("column \"%s\" of relation \"%s\" is labelled \"%s\"",
						get_attname(relid, suspect->attno, false), get_rel_name(relid), phig_label_to_text(&label)),
				 errdetail("Evidence: %s.", suspect->evidence)));
	}
}

static PhigLabel
label_of(const PhigSuspect *suspect)
{
	return (PhigLabel)
	{
		.category = suspect->category, .kind = suspect->kind, .conf = 'N'
	};
}

/* As the scripts of pg_dump and pg_restore begin: nothing else sets all three. */
static bool
looks_like_restore(void)
{
	return !check_function_bodies && !row_security && namespace_search_path != NULL &&
		(namespace_search_path[0] == '\0' || strcmp(namespace_search_path, "\"\"") == 0);
}
