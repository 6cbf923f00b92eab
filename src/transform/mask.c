/*
 * mask.c
 *		phiguard.mask: three stars, and of the value nothing or its last characters.
 *
 * The result does not tell how long the value was.  The last characters are a part
 * of the value: 45 CFR 164.514(b)(2) removes identifiers whole, the last four
 * digits of a social security number included.
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "compat.h"

#define MASK "***"
#define MASK_CHARS (sizeof(MASK) - 1)
#define KEEP_MAX_CHARS 8

PG_FUNCTION_INFO_V1(phiguard_mask);
PG_FUNCTION_INFO_V1(phiguard_mask_keep);

static int	tail_bytes(const text *value, int keep);

/* phiguard.mask(value text) returns text */
Datum
phiguard_mask(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(MASK));
}

/* phiguard.mask(value text, keep integer) returns text */
Datum
phiguard_mask_keep(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	int32		keep = PG_GETARG_INT32(1);
	int			tail;
	text	   *result;

	if (keep < 0 || keep > KEEP_MAX_CHARS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("characters to keep must be 0 to %d", KEEP_MAX_CHARS),
				 errhidestmt(true)));

	tail = tail_bytes(value, keep);
	result = palloc(VARHDRSZ + MASK_CHARS + tail);
	SET_VARSIZE(result, VARHDRSZ + MASK_CHARS + tail);
	memcpy(VARDATA(result), MASK, MASK_CHARS);
	memcpy(VARDATA(result) + MASK_CHARS,
		   VARDATA_ANY(value) + VARSIZE_ANY_EXHDR(value) - tail, tail);
	PG_RETURN_TEXT_P(result);
}

/*
 * How many bytes the last keep characters are; 0 where they would be more than half
 * of the value, and where its bytes are no characters of this database (the server's
 * own counting would name them in an error).
 */
static int
tail_bytes(const text *value, int keep)
{
	const char *bytes = VARDATA_ANY(value);
	int			len = VARSIZE_ANY_EXHDR(value);
	int			chars = pg_verify_mbstr_len(GetDatabaseEncoding(), bytes, len, true);

	if (keep == 0 || chars < 2 * keep)
		return 0;
	return len - pg_mbcharcliplen(bytes, len, chars - keep);
}
