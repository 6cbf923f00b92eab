/*
 * touched.c
 *		The labelled relations that a command reaches, and their columns' paths while they have names.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "journal/touched.h"
#include "label/inherit.h"
#include "label/resolve.h"

static void note_rangevar(PhigUtility *utility, const RangeVar *rv);
static void note_schema(PhigUtility *utility, const char *name);
static void note_published(PhigUtility *utility, List *objects);
static void note_reindexed(PhigUtility *utility, const ReindexStmt *stmt);
static void note_family(PhigUtility *utility, const RangeVar *rv);
static void note_users_of_type(PhigUtility *utility, Oid typid);

void
phig_touched_named(PhigUtility *utility, Node *stmt)
{
	ListCell   *lc;

	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
			note_family(utility, ((AlterTableStmt *) stmt)->relation);
			break;
		case T_RenameStmt:
			note_rangevar(utility, ((RenameStmt *) stmt)->relation);
			break;
		case T_IndexStmt:
			note_family(utility, ((IndexStmt *) stmt)->relation);
			break;
		case T_CreateTrigStmt:
			note_rangevar(utility, ((CreateTrigStmt *) stmt)->relation);
			break;
		case T_RuleStmt:
			note_rangevar(utility, ((RuleStmt *) stmt)->relation);
			break;
		case T_CreatePolicyStmt:
			note_rangevar(utility, ((CreatePolicyStmt *) stmt)->table);
			break;
		case T_AlterDomainStmt:
			/* ADD and VALIDATE CONSTRAINT, SET NOT NULL */
			if (strchr("CVO", ((AlterDomainStmt *) stmt)->subtype))
			{
				TypeName   *name = makeTypeNameFromNameList(((AlterDomainStmt *) stmt)->typeName);

				note_users_of_type(utility, LookupTypeNameOid(NULL, name, true));
			}
			break;
		case T_AlterPolicyStmt:
			note_rangevar(utility, ((AlterPolicyStmt *) stmt)->table);
			break;
		case T_ClusterStmt:
			note_rangevar(utility, ((ClusterStmt *) stmt)->relation);
			break;
		case T_AlterObjectSchemaStmt:
			note_rangevar(utility, ((AlterObjectSchemaStmt *) stmt)->relation);
			break;
		case T_TruncateStmt:
			foreach(lc, ((TruncateStmt *) stmt)->relations)
				note_rangevar(utility, lfirst_node(RangeVar, lc));
			break;
		case T_DropStmt:
			if (((DropStmt *) stmt)->removeType == OBJECT_TABLE ||
				((DropStmt *) stmt)->removeType == OBJECT_MATVIEW ||
				((DropStmt *) stmt)->removeType == OBJECT_FOREIGN_TABLE)
				foreach(lc, ((DropStmt *) stmt)->objects)
					note_rangevar(utility, makeRangeVarFromNameList(lfirst_node(List, lc)));
			break;
		case T_CreateStatsStmt:
			foreach(lc, ((CreateStatsStmt *) stmt)->relations)
				if (IsA(lfirst(lc), RangeVar))
					note_rangevar(utility, lfirst(lc));
			break;
		case T_ReindexStmt:
			note_reindexed(utility, (ReindexStmt *) stmt);
			break;
		case T_GrantStmt:
			if (((GrantStmt *) stmt)->objtype != OBJECT_TABLE)
				break;
			foreach(lc, ((GrantStmt *) stmt)->objects)
			{
				if (((GrantStmt *) stmt)->targtype == ACL_TARGET_OBJECT)
					note_rangevar(utility, lfirst_node(RangeVar, lc));
				else if (((GrantStmt *) stmt)->targtype == ACL_TARGET_ALL_IN_SCHEMA)
					note_schema(utility, strVal(lfirst(lc)));
			}
			break;
		case T_CreatePublicationStmt:
			if (((CreatePublicationStmt *) stmt)->for_all_tables)
				note_schema(utility, NULL);
			note_published(utility, ((CreatePublicationStmt *) stmt)->pubobjects);
			break;
		case T_AlterPublicationStmt:
			note_published(utility, ((AlterPublicationStmt *) stmt)->pubobjects);
			break;
		default:
			break;
	}
}

static void
note_rangevar(PhigUtility *utility, const RangeVar *rv)
{
	Oid			relid;

	if (rv == NULL)
		return;
	relid = RangeVarGetRelid(rv, NoLock, true);
	if (OidIsValid(relid))
		phig_touched_note(utility, relid);
}

/* Every relation of a schema; of all of them when name is NULL. */
static void
note_schema(PhigUtility *utility, const char *name)
{
	Oid			nspid = name ? get_namespace_oid(name, true) : InvalidOid;
	Relation	relations;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (name && !OidIsValid(nspid))
		return;
	relations = table_open(RelationRelationId, AccessShareLock);
	scan = systable_beginscan(relations, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class relation = (Form_pg_class) GETSTRUCT(tuple);

		if ((name == NULL || relation->relnamespace == nspid) &&
			phig_relkind_has_labels(relation->relkind))
			phig_touched_note(utility, relation->oid);
	}
	systable_endscan(scan);
	table_close(relations, AccessShareLock);
}

static void
note_published(PhigUtility *utility, List *objects)
{
	ListCell   *lc;

	foreach(lc, objects)
	{
		PublicationObjSpec *spec = lfirst_node(PublicationObjSpec, lc);
		List	   *path = NIL;

		if (spec->pubobjtype == PUBLICATIONOBJ_TABLES_IN_CUR_SCHEMA)
			path = fetch_search_path(false);
		if (spec->pubtable)
			note_rangevar(utility, spec->pubtable->relation);
		else if (spec->pubobjtype == PUBLICATIONOBJ_TABLES_IN_SCHEMA)
			note_schema(utility, spec->name);
		else if (path != NIL)
			note_schema(utility, get_namespace_name(linitial_oid(path)));
	}
}

/* Index expressions are evaluated for each row. */
static void
note_reindexed(PhigUtility *utility, const ReindexStmt *stmt)
{
	Oid			index;

	switch (stmt->kind)
	{
		case REINDEX_OBJECT_TABLE:
			note_family(utility, stmt->relation);
			break;
		case REINDEX_OBJECT_INDEX:
			index = RangeVarGetRelid(stmt->relation, NoLock, true);
			if (OidIsValid(index) && OidIsValid(IndexGetRelation(index, true)))
				phig_touched_note(utility, IndexGetRelation(index, true));
			break;
		case REINDEX_OBJECT_SCHEMA:
			note_schema(utility, stmt->name);
			break;
		case REINDEX_OBJECT_DATABASE:
			note_schema(utility, NULL);
			break;
		default:				/* system catalogs have no labels */
			break;
	}
}

/*
 * With the children that have more labels: new constraints, types and indexes
 * reach their rows, while the parent's record names what it labels.
 */
static void
note_family(PhigUtility *utility, const RangeVar *rv)
{
	Oid			relid = rv ? RangeVarGetRelid(rv, NoLock, true) : InvalidOid;
	const PhigRelLabels *labels;
	int			nphi;
	ListCell   *lc;

	if (!OidIsValid(relid))
		return;
	phig_touched_note(utility, relid);
	labels = phig_label_relation(relid);
	nphi = labels ? labels->nphi : 0;
	foreach(lc, phig_family(relid))
	{
		labels = phig_label_relation(lfirst_oid(lc));
		if (labels != NULL && labels->nphi > nphi)
			phig_touched_note(utility, lfirst_oid(lc));
	}
}

/* A domain's new constraint is shown every value of its columns; domains over it have them as well. */
static void
note_users_of_type(PhigUtility *utility, Oid typid)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	check_stack_depth();
	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(TypeRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(typid));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend user = (Form_pg_depend) GETSTRUCT(tuple);

		if (user->classid == RelationRelationId && user->objsubid > 0)
			phig_touched_note(utility, user->objid);
		else if (user->classid == TypeRelationId && get_typtype(user->objid) == TYPTYPE_DOMAIN)
			note_users_of_type(utility, user->objid);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
}

/* The heap into which a table is being rewritten: nobody's object. */
static bool
is_rewrite_heap(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = OidIsValid(((Form_pg_class) GETSTRUCT(tuple))->relrewrite);
	ReleaseSysCache(tuple);
	return result;
}

void
phig_touched_note(PhigUtility *utility, Oid relid)
{
	const PhigRelLabels *labels;
	PhigRelLabels *copy;
	MemoryContext old;

	if (list_member_oid(utility->touched, relid) || phig_label_relation(relid) == NULL ||
		is_rewrite_heap(relid))
		return;
	/* The hook may be called in a context that does not live as long as the statement. */
	old = MemoryContextSwitchTo(utility->context);
	labels = copy = phig_label_relation_copy(relid);
	utility->touched = lappend_oid(utility->touched, relid);
	for (AttrNumber attno = 1; attno <= labels->natts; attno++)
	{
		char	   *path;

		if (!phig_label_is_phi(&labels->cols[attno - 1]) ||
			(path = phig_column_path(relid, attno)) == NULL)
			continue;
		if (utility->running)
			utility->late_columns = lappend(utility->late_columns, path);
		else
			utility->columns = lappend(utility->columns, path);
	}
	pfree(copy);
	MemoryContextSwitchTo(old);
}
