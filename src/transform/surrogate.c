/*
 * surrogate.c
 *		phiguard.surrogate: a random code for a value, from a crosswalk.
 *
 * The code is 128 random bits, not derived from the value: the one kind that 45 CFR 164.514(c) accepts in
 * Safe Harbor data, while the crosswalk stays with the covered entity.  Table phiguard.crosswalk holds
 * codes, and in place of values HMAC-SHA-256 of them under the domain's key: who has the table
 * alone cannot read it, who has the key and the value finds the code.
 *
 * Reading only looks up, also on a standby.  assign_surrogate() adds what is not there; of two sessions
 * that add the same value one is first, and both have its code.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "crypto/hmac.h"
#include "crypto/key.h"
#include "errors.h"
#include "keys/store.h"
#include "transform/keyed.h"
#include "transform/value.h"

#define CROSSWALK_NAME "crosswalk"
#define FIRST_VERSION 1
#define CODE_BYTES 16
#define PREFIX "sr_"
#define PREFIX_CHARS 3
#define CODE_CHARS (PREFIX_CHARS + PHIG_BASE32_CHARS(CODE_BYTES))

enum
{
	WALK_DOMAIN = 1, WALK_VALUE, WALK_CODE
};

static const PhigKeyedUse look_up_use = {
	.use = PHIG_KEY_SURROGATE,
	.right = PHIG_RIGHT_SURROGATE,
	PHIG_USES_HMAC
};

static const PhigKeyedUse assign_use = {
	.use = PHIG_KEY_SURROGATE,
	.right = PHIG_RIGHT_ASSIGN_SURROGATES,
	PHIG_USES_HMAC
};

/* What stands for a value in the crosswalk: a bytea of PHIG_HMAC_BYTES, palloc'd. */
static bytea *
key_of_value(FunctionCallInfo fcinfo, const PhigKeyedUse *use, PhigValue value)
{
	PhigKeyedSite *site = phig_keyed_site(fcinfo->flinfo, use, PG_GETARG_TEXT_PP(1), FIRST_VERSION, 0);
	bytea	   *key = palloc(VARHDRSZ + PHIG_HMAC_BYTES);

	SET_VARSIZE(key, VARHDRSZ + PHIG_HMAC_BYTES);
	if (!phig_hmac_compute(site->prepared, value.bytes, value.len, (uint8 *) VARDATA(key)))
		phig_key_refuse_without(use->primitive);
	phig_value_free(&value);
	return key;
}

/* The code of a value, palloc'd; NULL where it has none. */
static text *
find_code(Datum domain, Datum key)
{
	Relation	table = phig_keys_open(CROSSWALK_NAME, AccessShareLock);
	Oid			index = get_relname_relid(CROSSWALK_NAME "_pkey", RelationGetNamespace(table));
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	text	   *code = NULL;

	ScanKeyInit(&keys[0], WALK_DOMAIN, BTEqualStrategyNumber, F_TEXTEQ, domain);
	ScanKeyInit(&keys[1], WALK_VALUE, BTEqualStrategyNumber, F_BYTEAEQ, key);
	scan = systable_beginscan(table, index, OidIsValid(index), NULL, lengthof(keys), keys);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;

		code = DatumGetTextPCopy(heap_getattr(tuple, WALK_CODE, RelationGetDescr(table), &isnull));
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return code;
}

static Datum
look_up(FunctionCallInfo fcinfo, PhigValue value)
{
	bytea	   *key = key_of_value(fcinfo, &look_up_use, value);
	text	   *code = find_code(PG_GETARG_DATUM(1), PointerGetDatum(key));

	if (code == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("a value has no surrogate in this domain"),
				 errhint("Reading only looks up. Give all values one: SELECT phiguard.assign_surrogates('table', 'column', 'domain')."),
				 errhidestmt(true)));
	pfree(key);
	PG_RETURN_TEXT_P(code);
}

static text *
random_code(void)
{
	uint8		bytes[CODE_BYTES];
	text	   *code = palloc(VARHDRSZ + CODE_CHARS);

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR,
				(errcode(PHIG_ERRCODE_KEY_UNAVAILABLE),
				 errmsg("the system gave no random numbers")));
	SET_VARSIZE(code, VARHDRSZ + CODE_CHARS);
	memcpy(VARDATA(code), PREFIX, PREFIX_CHARS);
	phig_encode_base32(bytes, sizeof(bytes), VARDATA(code) + PREFIX_CHARS);
	return code;
}

/* As the owner of the table: the caller needs no privilege on it. */
static bool
insert_code(Datum domain, Datum key, Datum code)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {TEXTOID, BYTEAOID, TEXTOID};
	Datum		values[] = {domain, key, code};
	Relation	table = phig_keys_open(CROSSWALK_NAME, RowExclusiveLock);
	Oid			user;
	int			context;
	bool		inserted;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(table->rd_rel->relowner, context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	if (plan == NULL)
	{
		plan = SPI_prepare("INSERT INTO phiguard.crosswalk (domain, value_key, code, assigned) "
						   "VALUES ($1, $2, $3, pg_catalog.now()) ON CONFLICT (domain, value_key) DO NOTHING",
						   lengthof(types), types);
		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare the crosswalk's statement");
	}
	if (SPI_execute_plan(plan, values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not add to the crosswalk");
	inserted = SPI_processed > 0;
	SPI_finish();
	SetUserIdAndSecContext(user, context);
	table_close(table, NoLock);
	return inserted;
}

static Datum
assign(FunctionCallInfo fcinfo, PhigValue value)
{
	bytea	   *key = key_of_value(fcinfo, &assign_use, value);
	Datum		domain = PG_GETARG_DATUM(1);
	bool		assigned = false;

	PreventCommandIfReadOnly("phiguard.assign_surrogate()");
	if (find_code(domain, PointerGetDatum(key)) == NULL)
		assigned = insert_code(domain, PointerGetDatum(key), PointerGetDatum(random_code()));
	PG_RETURN_BOOL(assigned);
}

#define SURROGATES_OF(type) \
PG_FUNCTION_INFO_V1(phiguard_surrogate_##type); \
PG_FUNCTION_INFO_V1(phiguard_assign_surrogate_##type); \
Datum \
phiguard_surrogate_##type(PG_FUNCTION_ARGS) \
{ \
	PhigScratch scratch; \
	return look_up(fcinfo, phig_value_of_##type(PG_GETARG_DATUM(0), &scratch)); \
} \
Datum \
phiguard_assign_surrogate_##type(PG_FUNCTION_ARGS) \
{ \
	PhigScratch scratch; \
	return assign(fcinfo, phig_value_of_##type(PG_GETARG_DATUM(0), &scratch)); \
} \
extern int	phig_surrogate_##type##_is_defined

SURROGATES_OF(text);
SURROGATES_OF(bytea);
SURROGATES_OF(int8);
SURROGATES_OF(uuid);
SURROGATES_OF(date);
