/*
 * disclosure.c
 *		Disclosures outside of the database, written down: phiguard.record_disclosure(), suspend_accounting().
 *
 * What an accounting must tell (45 CFR 164.528(b)) is in tables that pg_dump carries; that somebody wrote it
 * down, with whom it was about and a digest of what was written, is a record of kind disclosure.  Persons are tokens in
 * both.  The record is on disk before the function returns, and stays if the transaction does not.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "journal/chain.h"
#include "journal/context.h"
#include "journal/journal.h"
#include "label/provider.h"
#include "subject/token.h"

PG_FUNCTION_INFO_V1(phiguard_record_disclosure);
PG_FUNCTION_INFO_V1(phiguard_suspend_accounting);

/* Tokens in one record. */
#define CHUNK 1024
/* 164.528(a)(2)(ii)(C) */
#define ORAL_DAYS 30

/* Arguments of record_disclosure. */
enum
{
	ARG_RELATION,
	ARG_KEYS,
	ARG_RECIPIENT,
	ARG_DESCRIPTION,
	ARG_BASIS,
	ARG_PURPOSE,
	ARG_DISCLOSED,
	ARG_ADDRESS,
	ARG_REQUEST,
	ARG_TIMES,
	ARG_LAST,
	ARG_PROTOCOL
};

typedef struct Persons
{
	int			n;
	uint8		(*tokens)[PHIG_TOKEN_BYTES];
} Persons;

static bool
is_empty(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) || VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(arg)) == 0;
}

static void
require_text(FunctionCallInfo fcinfo, int arg, const char *what)
{
	if (is_empty(fcinfo, arg))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be given", what),
				 errhint("An accounting of disclosures must tell it: 45 CFR 164.528(b)(2).")));
}

static void
check_times(FunctionCallInfo fcinfo)
{
	TimestampTz first = PG_GETARG_TIMESTAMPTZ(ARG_DISCLOSED);
	TimestampTz now = GetCurrentTimestamp();

	if (PG_ARGISNULL(ARG_TIMES) || PG_GETARG_INT32(ARG_TIMES) < 1 || PG_ARGISNULL(ARG_DISCLOSED) ||
		(!PG_ARGISNULL(ARG_LAST) && PG_GETARG_TIMESTAMPTZ(ARG_LAST) < first))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a disclosure was made once or more often, and its last time is not before its first")));
	/* It would not be in an accounting of today. */
	if (first > now || (!PG_ARGISNULL(ARG_LAST) && PG_GETARG_TIMESTAMPTZ(ARG_LAST) > now))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a disclosure is written down when it was made, not before")));
	if (PG_GETARG_INT32(ARG_TIMES) > 1 && PG_ARGISNULL(ARG_LAST))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the last time of disclosures that were made more than once must be given"),
				 errhint("45 CFR 164.528(b)(3) asks for it.")));
}

/* Keys are not repeated in errors. */
static Persons
make_persons(FunctionCallInfo fcinfo)
{
	Persons		persons = {0};
	Datum	   *keys;
	bool	   *nulls;

	if (PG_ARGISNULL(ARG_KEYS))
		return persons;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(ARG_KEYS), TEXTOID, -1, false, TYPALIGN_INT, &keys, &nulls, &persons.n);
	if (persons.n > 0 && PG_ARGISNULL(ARG_RELATION))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the relation whose persons the keys number must be given")));
	persons.tokens = palloc(Max(persons.n, 1) * sizeof(*persons.tokens));
	for (int i = 0; i < persons.n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a person's key must not be null")));
		CHECK_FOR_INTERRUPTS();
		phig_person_of_typed(PG_GETARG_OID(ARG_RELATION), TextDatumGetCString(keys[i]), persons.tokens[i], NULL);
	}
	return persons;
}

static Datum
tokens_datum(const Persons *persons)
{
	Datum	   *digits = palloc(Max(persons->n, 1) * sizeof(Datum));

	for (int i = 0; i < persons->n; i++)
	{
		char		text[2 * PHIG_TOKEN_BYTES];

		hex_encode((const char *) persons->tokens[i], PHIG_TOKEN_BYTES, text);
		digits[i] = PointerGetDatum(cstring_to_text_with_len(text, sizeof(text)));
	}
	return PointerGetDatum(construct_array(digits, persons->n, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * One statement over the extension's tables, which nobody else may touch: with their owner's rights, and
 * every name in it qualified.  Returns its one value.
 */
static int64
run_as_owner(const char *sql, int nargs, Oid *types, Datum *values, const bool *isnull)
{
	char	   *nulls = palloc(nargs);
	Oid			user;
	int			context;
	bool		none;
	int64		result;

	for (int i = 0; i < nargs; i++)
		nulls[i] = isnull[i] ? 'n' : ' ';
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	if (SPI_execute_with_args(sql, nargs, types, values, nulls, false, 1) < 0 || SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the basis of the disclosure is not one of phiguard.disclosure_basis"),
				 errhint("SELECT basis, citation FROM phiguard.disclosure_basis lists them.")));
	result = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &none));
	SPI_finish();
	SetUserIdAndSecContext(user, context);
	return result;
}

/* Only some may be accounted for together, and only research by its protocol. */
static void
check_basis(FunctionCallInfo fcinfo)
{
	Oid			types[] = {TEXTOID, JSONBOID};
	Datum		values[] = {PG_GETARG_DATUM(ARG_BASIS), PG_GETARG_DATUM(ARG_PROTOCOL)};
	bool		nulls[] = {false, PG_ARGISNULL(ARG_PROTOCOL)};
	int64		answer = run_as_owner("SELECT CASE WHEN $2 IS NULL THEN 0 "
									  "WHEN b.basis OPERATOR(pg_catalog.<>) 'research' THEN 4 "
									  "WHEN NOT phiguard.is_protocol($2) THEN 2 ELSE 0 END OPERATOR(pg_catalog.+) "
									  "CASE WHEN b.repeats THEN 1 ELSE 0 END::bigint "
									  "FROM phiguard.disclosure_basis b WHERE b.basis OPERATOR(pg_catalog.=) $1",
									  lengthof(types), types, values, nulls);

	if (answer & 4)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("only research is accounted for by a protocol"),
				 errhint("45 CFR 164.528(b)(4).")));
	if (answer & 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the protocol must be an object with name, description, criteria, data, period, sponsor and researcher"),
				 errhint("45 CFR 164.528(b)(4)(i) asks for each.")));
	if (PG_GETARG_INT32(ARG_TIMES) > 1 && !(answer & 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("disclosures on this basis are written down one by one"),
				 errhint("Only those under 164.512, or to the Secretary, may be accounted for together: 45 CFR 164.528(b)(3).")));
}

/* What was written down, in one digest. */
static char *
digest(FunctionCallInfo fcinfo)
{
	static const int texts[] = {ARG_RECIPIENT, ARG_DESCRIPTION, ARG_BASIS, ARG_PURPOSE, ARG_ADDRESS, ARG_REQUEST};
	static const int others[] = {ARG_DISCLOSED, ARG_TIMES, ARG_LAST, ARG_PROTOCOL};
	uint8		hash[PHIG_HASH_BYTES];
	char	   *hex = palloc0(2 * PHIG_HASH_BYTES + 1);

	phig_hash_begin();
	for (int i = 0; i < (int) lengthof(texts); i++)
	{
		text	   *value = PG_ARGISNULL(texts[i]) ? NULL : PG_GETARG_TEXT_PP(texts[i]);

		if (value != NULL)
			phig_hash_add(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
		phig_hash_add("", 1);
	}
	for (int i = 0; i < (int) lengthof(others); i++)
	{
		char	   *value = PG_ARGISNULL(others[i]) ? "" : others[i] == ARG_PROTOCOL ?
			JsonbToCString(NULL, &PG_GETARG_JSONB_P(ARG_PROTOCOL)->root, 0) :
			psprintf(INT64_FORMAT, others[i] == ARG_TIMES ? (int64) PG_GETARG_INT32(ARG_TIMES) :
					 PG_GETARG_TIMESTAMPTZ(others[i]));

		phig_hash_add(value, strlen(value) + 1);
	}
	if (!phig_hash_end(hash))
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute a SHA-256 hash")));
	hex_encode((const char *) hash, PHIG_HASH_BYTES, hex);
	return hex;
}

static void
put_on_record(const char *recipient, const char *what, const Persons *persons)
{
	StringInfoData lines;
	PhigDefinition definition = {0};
	PhigJournalTicket ticket;
	uint32		flags;

	initStringInfo(&lines);
	phig_journal_line(&lines, 'R', recipient);
	phig_journal_line(&lines, 't', "RECORD DISCLOSURE");
	phig_journal_line(&lines, 'q', what);
	definition.text = lines.data;
	definition.len = lines.len;
	phig_journal_define(&definition);
	flags = (phig_context_flags() & ~PHIG_FLAG_FUNCTION) | PHIG_FLAG_PERSONS;
	phig_journal_start(&definition, PHIG_KIND_DISCLOSURE, flags, &ticket);
	for (int i = 0; i < persons->n; i += CHUNK)
	{
		int			n = Min(CHUNK, persons->n - i);

		phig_journal_persons(&ticket, i + n, PHIG_PERSONS_TOKENS, PHIG_MANNER_ROWS, persons->tokens[i], n);
	}
	phig_journal_end(&ticket, &(PhigJournalEnd) {.rows = persons->n, .executions = 1, .ran = true});
	phig_journal_wait(ticket.lsn);
}

/* See sql/82_reports.sql for the arguments. */
Datum
phiguard_record_disclosure(PG_FUNCTION_ARGS)
{
	static Oid	types[] = {
		TEXTARRAYOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, INT4OID, TIMESTAMPTZOID,
		JSONBOID
	};
	Datum		values[lengthof(types)];
	bool		nulls[lengthof(types)];
	Persons		persons;
	int64		id;

	phig_require_officer("record a disclosure");
	PreventCommandIfReadOnly("a disclosure");
	require_text(fcinfo, ARG_RECIPIENT, "the recipient");
	require_text(fcinfo, ARG_DESCRIPTION, "the description of what was disclosed");
	require_text(fcinfo, ARG_BASIS, "the basis of the disclosure");
	if (is_empty(fcinfo, ARG_REQUEST))
		require_text(fcinfo, ARG_PURPOSE, "the purpose, or a copy of the request,");
	check_times(fcinfo);
	check_basis(fcinfo);
	persons = make_persons(fcinfo);
	if (persons.n == 0 && PG_ARGISNULL(ARG_PROTOCOL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the persons must be given"),
				 errhint("Only a research protocol is accounted for without: 45 CFR 164.528(b)(4).")));
	values[0] = tokens_datum(&persons);
	nulls[0] = false;
	for (int i = 1; i < (int) lengthof(types); i++)
	{
		values[i] = PG_GETARG_DATUM(i + 1);
		nulls[i] = PG_ARGISNULL(i + 1);
	}
	id = run_as_owner("INSERT INTO phiguard.disclosure (subjects, recipient, description, basis, purpose, disclosed, address, "
					  "request, times, last_disclosed, protocol, recorded, recorded_by) "
					  "SELECT $1, $2, $3, b.basis, $5, $6, $7, $8, $9, COALESCE($10, $6), $11, "
					  "pg_catalog.now(), session_user FROM phiguard.disclosure_basis b WHERE b.basis OPERATOR(pg_catalog.=) $4 "
					  "RETURNING id", lengthof(types), types, values, nulls);
	put_on_record(text_to_cstring(PG_GETARG_TEXT_PP(ARG_RECIPIENT)),
				  psprintf("disclosure " INT64_FORMAT ", persons %d, SHA-256 %s", id, persons.n, digest(fcinfo)), &persons);
	PG_RETURN_INT64(id);
}

/* suspend_accounting(recipient, until, statement, official, written, relation, key) */
Datum
phiguard_suspend_accounting(PG_FUNCTION_ARGS)
{
	static Oid	types[] = {TEXTOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, BOOLOID, TEXTOID};
	Datum		values[lengthof(types)];
	bool		nulls[lengthof(types)] = {false};
	TimestampTz now = GetCurrentTimestamp();
	Persons		persons = {0};
	bool		written = !PG_ARGISNULL(4) && PG_GETARG_BOOL(4);
	int64		id;

	phig_require_officer("suspend the accounting of disclosures");
	PreventCommandIfReadOnly("a suspension");
	require_text(fcinfo, 0, "the agency or official that received the disclosures");
	require_text(fcinfo, 2, "the statement that an accounting would impede the agency's activities");
	require_text(fcinfo, 3, "the identity of the agency or official who made it");
	if (PG_ARGISNULL(1) || PG_GETARG_TIMESTAMPTZ(1) <= now ||
		(!written && PG_GETARG_TIMESTAMPTZ(1) > now + ORAL_DAYS * USECS_PER_DAY))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an accounting is suspended until a time to come, by an oral statement for %d days at most", ORAL_DAYS),
				 errhint("45 CFR 164.528(a)(2): a longer one takes a written statement.")));
	if (!PG_ARGISNULL(5) && !PG_ARGISNULL(6))
	{
		persons.n = 1;
		persons.tokens = palloc(sizeof(*persons.tokens));
		phig_person_of_typed(PG_GETARG_OID(5), text_to_cstring(PG_GETARG_TEXT_PP(6)), persons.tokens[0], NULL);
	}
	else if (PG_ARGISNULL(5) != PG_ARGISNULL(6))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a person is given by relation and key together")));
	for (int i = 0; i < 4; i++)
		values[i] = PG_GETARG_DATUM(i);
	values[4] = BoolGetDatum(written);
	nulls[5] = persons.n == 0;
	if (persons.n > 0)
	{
		char		text[2 * PHIG_TOKEN_BYTES];

		hex_encode((const char *) persons.tokens[0], PHIG_TOKEN_BYTES, text);
		values[5] = PointerGetDatum(cstring_to_text_with_len(text, sizeof(text)));
	}
	id = run_as_owner("INSERT INTO phiguard.accounting_suspension (recipient, suspended_until, statement, official, written, "
					  "subject, recorded, recorded_by) VALUES ($1, $2, $3, $4, $5, $6, pg_catalog.now(), session_user) "
					  "RETURNING id", lengthof(types), types, values, nulls);
	put_on_record(text_to_cstring(PG_GETARG_TEXT_PP(0)), psprintf("suspension " INT64_FORMAT, id), &persons);
	PG_RETURN_INT64(id);
}
