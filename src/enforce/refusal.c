/*
 * refusal.c
 *		What a refusal says: the columns and the purpose, never a value, and how to ask.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "enforce/internal.h"

char *
phig_enforce_relation_name(Oid relid)
{
	char	   *name = get_rel_name(relid);
	char	   *schema = name ? get_namespace_name_or_temp(get_rel_namespace(relid)) : NULL;

	return schema ? quote_qualified_identifier(schema, name) : psprintf("relation %u", relid);
}

void
phig_refuse_unpurposed(PhigRefusal *refusal, const PhigSubject *subject, Oid relid)
{
	refusal->message = psprintf("table %s is open only to a purpose that is granted",
								phig_enforce_relation_name(relid));
	refusal->detail = subject->refusal;
	refusal->hint = subject->advice;
}

/* what: "show", "let ... be assigned". */
void
phig_refuse_columns(PhigRefusal *refusal, const PhigSubject *subject, const char *what, Oid relid,
					const Bitmapset *columns)
{
	StringInfoData names;
	int			attno = -1;

	initStringInfo(&names);
	while ((attno = bms_next_member(columns, attno)) >= 0)
		appendStringInfo(&names, "%s%s", names.len ? ", " : "",
						 quote_identifier(get_attname(relid, attno, false)));
	refusal->message = psprintf("purpose \"%s\" does not %s %s of table %s", subject->purpose, what,
								names.data, phig_enforce_relation_name(relid));
	refusal->hint = psprintf("Leave %s out, or ask the privacy officer for a rule: phiguard.allow('%s', ...). "
							 "SELECT * FROM phiguard.my_access shows what there is.",
							 bms_membership(columns) == BMS_MULTIPLE ? "them" : "it", subject->purpose);
}

void
phig_enforce_refuse(const PhigRefusal *refusal)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("%s", refusal->message),
			 refusal->detail ? errdetail("%s", refusal->detail) : 0,
			 refusal->hint ? errhint("%s", refusal->hint) : 0));
}
