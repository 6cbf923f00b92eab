/*
 * value.c
 *		Values as keyed transforms take them: canonical text in UTF-8, or bytes.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/uuid.h"

#include "compat.h"
#include "transform/value.h"

/*
 * The server's own conversion would name the bytes that it cannot convert, which
 * are part of a value.
 */
PhigValue
phig_value_of_text(Datum datum, PhigScratch *scratch)
{
	const text *t = DatumGetTextPP(datum);
	PhigValue	result = {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t), NULL};
	int			encoding = GetDatabaseEncoding();
	int			size = result.len * MAX_CONVERSION_GROWTH + 1;
	Oid			proc;

	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII || result.len == 0)
		return result;
	proc = FindDefaultConversionProc(encoding, PG_UTF8);
	result.owned = palloc(size);
	if (!OidIsValid(proc) ||
		pg_do_encoding_conversion_buf(proc, encoding, PG_UTF8, (unsigned char *) result.bytes,
									  result.len, (unsigned char *) result.owned, size,
									  true) != (int) result.len)
		ereport(ERROR,
				(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
				 errmsg("a text without a form in UTF-8 cannot be transformed"),
				 errhint("Keyed transforms work on UTF-8, so that databases of different encodings agree."),
				 errhidestmt(true)));
	result.bytes = result.owned;
	result.len = strlen(result.owned);
	return result;
}

static PhigValue
scratch_value(const PhigScratch *scratch)
{
	return (PhigValue) {scratch->bytes, strlen(scratch->bytes), NULL};
}

PhigValue
phig_value_of_bytea(Datum datum, PhigScratch *scratch)
{
	bytea	   *bytes = DatumGetByteaPP(datum);

	return (PhigValue) {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), NULL};
}

PhigValue
phig_value_of_int8(Datum datum, PhigScratch *scratch)
{
	pg_lltoa(DatumGetInt64(datum), scratch->bytes);
	return scratch_value(scratch);
}

PhigValue
phig_value_of_uuid(Datum datum, PhigScratch *scratch)
{
	const uint8 *octets = DatumGetUUIDP(datum)->data;
	char	   *out = scratch->bytes;

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = "0123456789abcdef"[octets[i] >> 4];
		*out++ = "0123456789abcdef"[octets[i] & 15];
	}
	*out = '\0';
	return scratch_value(scratch);
}

/* As ISO 8601, whatever DateStyle says. */
PhigValue
phig_value_of_date(Datum datum, PhigScratch *scratch)
{
	DateADT		date = DatumGetDateADT(datum);
	struct pg_tm tm;

	if (DATE_NOT_FINITE(date))
		EncodeSpecialDate(date, scratch->bytes);
	else
	{
		j2date(date + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
		EncodeDateOnly(&tm, USE_ISO_DATES, scratch->bytes);
	}
	return scratch_value(scratch);
}

text *
phig_text_of_utf8(const uint8 *bytes, size_t len)
{
	int			encoding = GetDatabaseEncoding();
	int			size = len * MAX_CONVERSION_GROWTH + 1;
	Oid			proc;
	text	   *result;

	if (encoding == PG_SQL_ASCII || len == 0)
		return cstring_to_text_with_len((const char *) bytes, len);
	if (encoding == PG_UTF8)
		return pg_verify_mbstr(PG_UTF8, (const char *) bytes, len, true) ?
			cstring_to_text_with_len((const char *) bytes, len) : NULL;
	proc = FindDefaultConversionProc(PG_UTF8, encoding);
	result = palloc(VARHDRSZ + size);
	if (!OidIsValid(proc) ||
		pg_do_encoding_conversion_buf(proc, PG_UTF8, encoding, (unsigned char *) bytes, len,
									  (unsigned char *) VARDATA(result), size, true) != (int) len)
		return NULL;
	SET_VARSIZE(result, VARHDRSZ + strlen(VARDATA(result)));
	return result;
}

void
phig_encode_base32(const uint8 *bytes, size_t len, char *out)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint32		bits = 0;
	int			nbits = 0;

	for (size_t i = 0; i < len; i++)
	{
		bits = bits << 8 | bytes[i];
		for (nbits += 8; nbits >= 5; nbits -= 5)
			*out++ = alphabet[bits >> (nbits - 5) & 31];
	}
	if (nbits > 0)
		*out = alphabet[bits << (5 - nbits) & 31];
}
