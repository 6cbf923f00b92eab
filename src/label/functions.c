/*
 * functions.c
 *		Labels set by functions: phiguard.label(), phiguard.review(), and phiguard itself.
 *
 * The SQL functions are open to everybody as far as EXECUTE goes, since the officer's role is a setting
 * that the install script cannot know; both check it themselves.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "commands/seclabel.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "label/label.h"
#include "label/provider.h"
#include "label/store.h"
#include "label/value.h"

PG_FUNCTION_INFO_V1(phiguard_label);
PG_FUNCTION_INFO_V1(phiguard_review);

static void lock_relation(Oid relid);
static AttrNumber column_number(Oid relid, const char *name);

/* label(relation regclass, column_name name, label text) returns void; without a column: the table's own */
Datum
phiguard_label(PG_FUNCTION_ARGS)
{
	ObjectAddress object;
	PhigParsedLabel parsed;
	char	   *label = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));

	PreventCommandIfReadOnly("phiguard.label()");
	phig_require_officer("set labels with phiguard.label()");
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the relation must not be null")));
	lock_relation(PG_GETARG_OID(0));
	ObjectAddressSubSet(object, RelationRelationId, PG_GETARG_OID(0),
						PG_ARGISNULL(1) ? 0 : column_number(PG_GETARG_OID(0), NameStr(*PG_GETARG_NAME(1))));
	phig_check_relabel(&object, label, &parsed);
	phig_store_label(&object, label == NULL ? NULL : &parsed);
	if (phig_label_stored_hook != NULL && object.objectSubId != 0)
		phig_label_stored_hook(object.objectId);
	PG_RETURN_VOID();
}

/* review(relation regclass) returns int: how many columns nobody had looked at */
Datum
phiguard_review(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	PhigRelLabels *labels;
	int32		reviewed = 0;

	PreventCommandIfReadOnly("phiguard.review()");
	phig_require_officer("review a relation");
	lock_relation(relid);
	labels = phig_label_relation_copy(relid);
	for (AttrNumber attno = 1; attno <= labels->natts; attno++)
	{
		ObjectAddress column;
		PhigParsedLabel none;

		if (labels->cols[attno - 1].category != PHIG_CAT_UNLABELLED || !OidIsValid(get_atttype(relid, attno)))
			continue;
		ObjectAddressSubSet(column, RelationRelationId, relid, attno);
		phig_check_relabel(&column, "none", &none);
		phig_store_label(&column, &none);
		reviewed++;
	}
	PG_RETURN_INT32(reviewed);
}

void
phig_label_set_column(Oid relid, AttrNumber attno, const PhigLabel *label)
{
	ObjectAddress column;
	PhigParsedLabel parsed;
	char	   *own;

	ObjectAddressSubSet(column, RelationRelationId, relid, attno);
	own = GetSecurityLabel(&column, PHIG_PROVIDER);
	if (own == NULL || phig_label_parse(own, &parsed) != PHIG_FAULT_NONE || parsed.is_subject)
		memset(&parsed, 0, sizeof(parsed));
	else if (!phig_label_is_lower(&parsed.label, label))
		return;
	parsed.label = phig_label_stricter(&parsed.label, label);
	phig_store_label(&column, &parsed);
}

/* As SECURITY LABEL does: conflicts with itself and with DDL, not with reading and writing. */
static void
lock_relation(Oid relid)
{
	LockRelationOid(relid, ShareUpdateExclusiveLock);
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
}

static AttrNumber
column_number(Oid relid, const char *name)
{
	AttrNumber	attno = get_attnum(relid, name);

	if (attno == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", name, get_rel_name(relid))));
	return attno;
}
