/*
 * twin.c
 *		Twins of the keyed and random transforms, which policies put in place of values.
 *
 * They do what the public functions do, but ask for no grant of the key domain: the purpose was
 * granted, and nobody is to be able to call the transform on guesses of his own.  Their first
 * argument is of type internal, of which SQL makes no value, not even a null; and a call that does not
 * come from a plan that phiguard has made is refused besides.  Twins of generalisations
 * stand beside these (year.c, zip3.c): they keep the column's type.
 */
#include "postgres.h"

#include "fmgr.h"

#include "transform/keyed.h"

#define MOST_ARGUMENTS 4

/* Strict, but for the first argument. */
static Datum
call_original(FunctionCallInfo fcinfo, PGFunction original)
{
	LOCAL_FCINFO(inner, MOST_ARGUMENTS);
	Datum		result;

	if (!phig_keyed_by_policy(fcinfo->flinfo))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("this function cannot be called"),
				 errhint("It is what a policy puts in place of a value.")));
	Assert(fcinfo->nargs - 1 <= MOST_ARGUMENTS);
	InitFunctionCallInfoData(*inner, fcinfo->flinfo, fcinfo->nargs - 1, fcinfo->fncollation, NULL, NULL);
	for (int i = 0; i < inner->nargs; i++)
	{
		inner->args[i] = fcinfo->args[i + 1];
		if (inner->args[i].isnull)
			PG_RETURN_NULL();
	}
	result = original(inner);
	fcinfo->isnull = inner->isnull;
	return result;
}

#define TWIN_OF(original) \
extern Datum phiguard_##original(PG_FUNCTION_ARGS); \
PG_FUNCTION_INFO_V1(phiguard_twin_##original); \
Datum \
phiguard_twin_##original(PG_FUNCTION_ARGS) \
{ \
	return call_original(fcinfo, phiguard_##original); \
} \
extern int	phig_twin_##original##_is_defined

TWIN_OF(token_text);
TWIN_OF(token_int8_int8);
TWIN_OF(token_uuid_uuid);
TWIN_OF(seal_text);
TWIN_OF(seal_bytea);
TWIN_OF(fpe);
TWIN_OF(surrogate_text);
TWIN_OF(shift_date_text);
TWIN_OF(shift_date_int8);
TWIN_OF(shift_date_uuid);
TWIN_OF(shift_timestamp_text);
TWIN_OF(shift_timestamp_int8);
TWIN_OF(shift_timestamp_uuid);
