/*
 * transform.c
 *		Functions whose result is known to be less than what goes in.
 *
 * phiguard.token(text, text) for now.  It is found by the extension that owns
 * it, so that no other function of that name counts, and its OID is kept until
 * the function catalog changes.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/syscache.h"

#include "flow/flow.h"

static Oid	token_oid = InvalidOid;
static bool token_known = false;

static void
forget(Datum arg, int cacheid, uint32 hashvalue)
{
	token_known = false;
}

static void
find_token(void)
{
	static bool watching = false;
	Oid			argtypes[2] = {TEXTOID, TEXTOID};
	Oid			extension;
	Oid			schema;
	Oid			funcid;

	if (!watching)
	{
		CacheRegisterSyscacheCallback(PROCOID, forget, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, forget, (Datum) 0);
		watching = true;
	}
	token_oid = InvalidOid;
	token_known = true;			/* before the look-ups: what changes while they run must count */
	extension = get_extension_oid("phiguard", true);
	schema = get_namespace_oid("phiguard", true);
	if (!OidIsValid(extension) || !OidIsValid(schema))
		return;
	funcid = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("token"),
							 PointerGetDatum(buildoidvector(argtypes, 2)),
							 ObjectIdGetDatum(schema));
	if (OidIsValid(funcid) && getExtensionOfObject(ProcedureRelationId, funcid) == extension)
		token_oid = funcid;
}

bool
phig_flow_transform(Oid funcid, PhigLabel *result)
{
	if (funcid < FirstNormalObjectId)
		return false;
	if (!token_known)
		find_token();
	if (funcid != token_oid)
		return false;
	*result = (PhigLabel) {.category = PHIG_CAT_TOKEN, .conf = 'N'};
	return true;
}
