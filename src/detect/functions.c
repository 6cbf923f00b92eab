/*
 * functions.c
 *		phiguard.detect, and detection for other modules of the server.
 *
 * No message has any of the text.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "detect/functions.h"

#define DICTIONARY_FILE "extension/phiguard.dict"

/* Code point that stands for a letter which is not looked at any further. */
#define SOME_LETTER 0x4E00

PG_FUNCTION_INFO_V1(phiguard_detect);
PG_FUNCTION_INFO_V1(phiguard_detect_above);

enum
{
	DETECT_START, DETECT_LENGTH, DETECT_CATEGORY, DETECT_KIND, DETECT_RECOGNIZER, DETECT_SCORE, DETECT_NCOLUMNS
};

static uint32 single_bytes[128];

static Datum put_spans(FunctionCallInfo fcinfo, float min_score);
static void look_for_interrupts(void);
static int	decode_single(const char *s, size_t left, uint32 *code);
static int	decode_other(const char *s, size_t left, uint32 *code);
static void prepare_single(int encoding);

/* phiguard.detect(value text) returns setof record */
Datum
phiguard_detect(PG_FUNCTION_ARGS)
{
	return put_spans(fcinfo, PHIG_DETECT_MIN_SCORE);
}

/* phiguard.detect(value text, min_score real) returns setof record */
Datum
phiguard_detect_above(PG_FUNCTION_ARGS)
{
	float		min_score = PG_GETARG_FLOAT4(1);

	if (!(min_score >= 0 && min_score <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("min_score must be between 0 and 1"),
				 errhint("Spans of %.1f and above are acted upon; 0 shows every guess.", PHIG_DETECT_MIN_SCORE),
				 errhidestmt(true)));
	return put_spans(fcinfo, min_score);
}

PhigSpans *
phig_detect_text(const char *text, size_t len, float min_score)
{
	PhigDetectOptions options = {
		.decode = phig_detect_decoder(),
		.custom = phig_custom_current(),
		.min_score = min_score,
		.pause = look_for_interrupts
	};

	phig_detect_prepare();
	return phig_detect(text, len, &options);
}

PhigDecode
phig_detect_decoder(void)
{
	static int	prepared_for = -1;
	int			encoding = GetDatabaseEncoding();

	if (encoding == PG_UTF8)
		return phig_decode_utf8;
	if (encoding == PG_SQL_ASCII || pg_encoding_max_length(encoding) > 1)
		return decode_other;
	if (prepared_for != encoding)
		prepare_single(encoding);
	prepared_for = encoding;
	return decode_single;
}

void
phig_detect_prepare(void)
{
	static bool open = false;
	char		share[MAXPGPATH];
	char		path[MAXPGPATH];

	if (open)
		return;
	get_share_path(my_exec_path, share);
	snprintf(path, sizeof(path), "%s/%s", share, DICTIONARY_FILE);
	phig_dictionary_open(path);
	open = true;
}

static Datum
put_spans(FunctionCallInfo fcinfo, float min_score)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PhigSpans  *spans = phig_detect_text(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), min_score);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < spans->n; i++)
	{
		const PhigSpan *span = &spans->spans[i];
		Datum		values[DETECT_NCOLUMNS];
		bool		nulls[DETECT_NCOLUMNS] = {false};

		CHECK_FOR_INTERRUPTS();
		values[DETECT_START] = Int32GetDatum((int32) span->start_char + 1);
		values[DETECT_LENGTH] = Int32GetDatum((int32) (span->end_char - span->start_char));
		values[DETECT_CATEGORY] = CStringGetTextDatum(span->category);
		nulls[DETECT_KIND] = span->kind == NULL;
		values[DETECT_KIND] = span->kind == NULL ? (Datum) 0 : CStringGetTextDatum(span->kind);
		values[DETECT_RECOGNIZER] = CStringGetTextDatum(span->recognizer);
		values[DETECT_SCORE] = Float4GetDatum(span->score);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		/* of a long text there are many */
		pfree(DatumGetPointer(values[DETECT_CATEGORY]));
		pfree(DatumGetPointer(values[DETECT_RECOGNIZER]));
		if (!nulls[DETECT_KIND])
			pfree(DatumGetPointer(values[DETECT_KIND]));
	}
	return (Datum) 0;
}

static void
look_for_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

static int
decode_single(const char *s, size_t left, uint32 *code)
{
	*code = single_bytes[(unsigned char) *s - 0x80];
	return 1;
}

/* What its letters are in Unicode is not asked: they end up as letters. */
static int
decode_other(const char *s, size_t left, uint32 *code)
{
	int			width = pg_encoding_mblen(GetDatabaseEncoding(), s);

	*code = SOME_LETTER;
	return width < 1 ? 1 : Min((size_t) width, left);
}

static void
prepare_single(int encoding)
{
	Oid			conversion = FindDefaultConversionProc(encoding, PG_UTF8);

	for (int c = 0x80; c < 0x100; c++)
	{
		unsigned char source[2] = {c, '\0'};
		unsigned char utf8[16] = "";
		uint32		code = SOME_LETTER;

		if (OidIsValid(conversion) &&
			pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8, source, 1, utf8, sizeof(utf8),
										  true) == 1 && utf8[0] >= 0x80)
			(void) phig_decode_utf8((char *) utf8, strlen((char *) utf8), &code);
		single_bytes[c - 0x80] = code;
	}
}
