/*
 * release.c
 *		What a user names, checked.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "extract/release.h"
#include "label/label.h"

static const char *column_of(Oid relid, const char *name, const char *what);
static char *columns_text(Oid relid);

Oid
phig_release_relation(FunctionCallInfo fcinfo, int n)
{
	Oid			relid;

	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the relation must not be null")));
	relid = PG_GETARG_OID(n);

	/* The query that reads it names it again: it has to have that name until then. */
	LockRelationOid(relid, AccessShareLock);
	switch (get_rel_relkind(relid))
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_FOREIGN_TABLE:
		case RELKIND_MATVIEW:
		case RELKIND_VIEW:
			return relid;
		case '\0':
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_TABLE),
					 errmsg("relation with OID %u does not exist", relid)));
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" is not a table or view", get_rel_name(relid))));
	}
}

const char **
phig_release_columns(FunctionCallInfo fcinfo, int n, Oid relid, const char *what, int *count)
{
	Datum	   *names;
	bool	   *nulls;
	const char **columns;

	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", what)));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &names, &nulls, count);
	columns = palloc0(sizeof(char *) * Max(*count, 1));
	for (int i = 0; i < *count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not hold null", what)));
		columns[i] = column_of(relid, NameStr(*DatumGetName(names[i])), what);
		for (int j = 0; j < i; j++)
			if (strcmp(columns[i], columns[j]) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("column \"%s\" is named twice in %s", columns[i], what)));
	}
	return columns;
}

const char *
phig_release_person(FunctionCallInfo fcinfo, int n, Oid relid)
{
	if (!PG_ARGISNULL(n))
		return column_of(relid, NameStr(*PG_GETARG_NAME(n)), "subject");
	if (get_rel_relkind(relid) != RELKIND_VIEW)
	{
		PhigRelLabels *labels = phig_label_relation_copy(relid);

		if (labels != NULL && labels->subject > 0)
			return get_attname(relid, labels->subject, false);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("nothing says whose row a row of \"%s\" is", get_rel_name(relid)),
			 errdetail("Risk counts persons, not rows."),
			 errhint("Name the column by the argument \"subject\", or label the table: SECURITY LABEL FOR phiguard ON TABLE ... IS 'subject=...'.")));
}

const char **
phig_release_quoted(const char **names, int count)
{
	const char **quoted = palloc(sizeof(char *) * Max(count, 1));

	for (int i = 0; i < count; i++)
		quoted[i] = quote_identifier(names[i]);
	return quoted;
}

char *
phig_release_name(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
}

static const char *
column_of(Oid relid, const char *name, const char *what)
{
	AttrNumber	attno = get_attnum(relid, name);

	if (attno <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" in %s does not exist in \"%s\"", name, what, get_rel_name(relid)),
				 errhint("Columns of \"%s\": %s.", get_rel_name(relid), columns_text(relid))));
	return get_attname(relid, attno, false);
}

static char *
columns_text(Oid relid)
{
	StringInfoData text;
	Relation	relation = relation_open(relid, AccessShareLock);
	TupleDesc	columns = RelationGetDescr(relation);

	initStringInfo(&text);
	for (int i = 0; i < columns->natts; i++)
		if (!TupleDescAttr(columns, i)->attisdropped)
			appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", NameStr(TupleDescAttr(columns, i)->attname));
	relation_close(relation, AccessShareLock);
	return text.data;
}
