/*
 * change.c
 *		What the officer's functions have in common.
 *
 * Each change is a record of kind policy, on disk before the change is made; it has names and words, no
 * text that an officer has written freely.  One change at a time: a lock on policy_purpose excludes
 * others, and nobody who reads.  Words that are not known are refused with those that are, and not repeated.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

#include "compat.h"
#include "label/inherit.h"
#include "label/provider.h"
#include "label/resolve.h"
#include "policy/cache.h"
#include "policy/change.h"

Relation
phig_change_begin(const char *what)
{
	phig_require_officer(what);
	PreventCommandIfReadOnly("a change of policies");
	return phig_policy_open(PHIG_POLICY_PURPOSE, ShareRowExclusiveLock);
}

char *
phig_change_text(FunctionCallInfo fcinfo, int arg, const char *what)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", what)));
	return text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

char *
phig_change_optional_text(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

char *
phig_change_purpose(FunctionCallInfo fcinfo)
{
	char	   *purpose = phig_change_text(fcinfo, 0, "purpose");
	bool		printable = true;

	for (const char *c = purpose; *c != '\0'; c++)
		printable = printable && (unsigned char) *c >= 0x20 && *c != 0x7f;
	if (purpose[0] == '\0' || strlen(purpose) > PHIG_PURPOSE_MAX_BYTES || !printable)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a purpose's name has 1 to %d bytes and no control characters", PHIG_PURPOSE_MAX_BYTES)));
	return purpose;
}

void
phig_change_require_purpose(const char *purpose)
{
	if (phig_policy_purpose(purpose) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no purpose \"%s\"", purpose),
				 errhint("phiguard.purposes lists them; phiguard.create_purpose() makes one.")));
}

Oid
phig_change_role(FunctionCallInfo fcinfo, int arg)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the role must not be null")));
	(void) GetUserNameFromId(PG_GETARG_OID(arg), false);
	return PG_GETARG_OID(arg);
}

void
phig_change_relation(Oid relid, char **schema, char **relation)
{
	LockRelationOid(relid, ShareUpdateExclusiveLock);
	*relation = get_rel_name(relid);
	if (*relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	*schema = get_namespace_name(get_rel_namespace(relid));
	if (!phig_relkind_has_labels(get_rel_relkind(relid)) || get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("policies cannot name relation \"%s\"", *relation),
				 errhint("They name tables, partitioned tables, foreign tables and materialized views that are not temporary.")));
	if (phig_parents(relid) != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("policies cannot name relation \"%s\", which is a partition or child", *relation),
				 errhint("Name \"%s\": what holds of it holds of all below it.",
						 get_rel_name(linitial_oid(phig_tops(relid))))));
}

void
phig_change_named_relation(const char *text, char **schema, char **relation)
{
	List	   *names = phig_compat_qualified_names(text);
	Oid			relid = RangeVarGetRelid(makeRangeVarFromNameList(names), NoLock, true);

	if (OidIsValid(relid))
	{
		*relation = get_rel_name(relid);
		*schema = get_namespace_name(get_rel_namespace(relid));
		return;
	}
	if (list_length(names) != 2)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no such relation"),
				 errhint("One that is gone is named with its schema, as phiguard.rules shows it.")));
	*schema = strVal(linitial(names));
	*relation = strVal(lsecond(names));
}

void
phig_change_refuse_word(const char *what, const char *valid)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown %s", what),
			 errhint("Valid are %s.", valid),
			 errhidestmt(true)));
}

char *
phig_change_by(void)
{
	return GetUserNameFromId(GetUserId(), false);
}

bool
phig_change_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}
