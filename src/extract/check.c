/*
 * check.c
 *		What was proven, for people: phiguard.check_extract(), and the state of extracts.
 *
 * An officer who calls check_extract() and finds nothing refused has thereby looked at the extract as it is
 * now: it is pinned to that, and open again, if its terms hold.  An attestation and a determination are of
 * what they were made of, and are wanted anew.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "extract/arguments.h"
#include "extract/prove.h"
#include "journal/definition.h"
#include "journal/statement.h"
#include "label/label.h"
#include "policy/change.h"
#include "policy/show.h"
#include "texts.h"

enum
{
	CHECK_COLUMN, CHECK_SOURCES, CHECK_TRANSFORMS, CHECK_VERDICT, CHECK_CITATION, CHECK_ADVICE, CHECK_NCOLUMNS
};

static void pin_anew(PhigExtractRow *row, const PhigProof *proof);
static void put_finding(ReturnSetInfo *result, const PhigFinding *finding);
static void put_terms(ReturnSetInfo *result, const PhigExtractRow *row, const PhigProof *proof);
static void put(Datum *values, bool *nulls, int column, const char *text);

PG_FUNCTION_INFO_V1(phiguard_check_extract);
PG_FUNCTION_INFO_V1(phiguard_extract_state);

static const char *const verdicts[] = {
	[PHIG_VERDICT_PASSES] = "passes",
	[PHIG_VERDICT_STEERS] = "steers",
	[PHIG_VERDICT_ATTEST] = "attest",
	[PHIG_VERDICT_REFUSED] = "refused"
};

char *
phig_finding_words(const PhigFinding *finding)
{
	StringInfoData words;
	const char *before = " (";
	ListCell   *lc;

	initStringInfo(&words);
	if (finding->column != NULL)
		appendStringInfo(&words, "column \"%s\"", finding->column);
	foreach(lc, finding->sources)
	{
		appendStringInfo(&words, "%s%s", words.len == 0 ? "" : before, (char *) lfirst(lc));
		before = ", ";
	}
	if (finding->column != NULL && finding->sources != NIL)
		appendStringInfoChar(&words, ')');
	if (finding->advice != NULL)
		appendStringInfo(&words, "%s%s", words.len > 0 ? ": " : "", finding->advice);
	if (finding->citation != NULL)
		appendStringInfo(&words, " [%s]", finding->citation);
	return words.data;
}

/* check_extract(extract) */
Datum
phiguard_check_extract(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			view;
	PhigExtractRow *row;
	PhigProof  *proof;
	ListCell   *lc;

	phig_policy_require_reader();
	InitMaterializedSRF(fcinfo, 0);
	row = phig_extract_named(phig_change_text(fcinfo, 0, "the extract"), &view);
	if (!OidIsValid(view))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the view of the extract is gone"),
				 errhint("phiguard.drop_extract() removes it.")));
	proof = phig_extract_prove(row, view);
	if (!proof->refused && strcmp(proof->pin, row->pin) != 0 && phig_is_officer() && !RecoveryInProgress() &&
		!XactReadOnly)
		pin_anew(row, proof);
	foreach(lc, proof->findings)
		put_finding(result, lfirst(lc));
	put_terms(result, row, proof);
	return (Datum) 0;
}

/* extract_state(schema, relation): why it is closed; NULL while it is open */
Datum
phiguard_extract_state(PG_FUNCTION_ARGS)
{
	const char *name = quote_qualified_identifier(NameStr(*PG_GETARG_NAME(0)), NameStr(*PG_GETARG_NAME(1)));
	const char *problem;
	const char *hint;
	Oid			view;

	phig_policy_require_reader();
	(void) phig_extract_named(name, &view);
	if (!OidIsValid(view))
		PG_RETURN_TEXT_P(cstring_to_text("Its view is gone."));
	problem = phig_extract_closed(view, &hint);
	if (problem == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}

static void
pin_anew(PhigExtractRow *row, const PhigProof *proof)
{
	Relation	purposes = phig_change_begin("check extracts");
	Relation	extracts = phig_policy_open(PHIG_POLICY_EXTRACT, RowExclusiveLock);

	row->pin = pstrdup(proof->pin);
	row->checked = GetCurrentTimestamp();
	row->checked_by = phig_change_by();
	phig_statement_policy("CHECK EXTRACT", psprintf("%s, pinned anew", quote_qualified_identifier(row->schema, row->relation)));
	phig_policy_update(extracts, PHIG_POLICY_EXTRACT, &row->tid, row);
	table_close(extracts, NoLock);
	table_close(purposes, NoLock);
}

static void
put_finding(ReturnSetInfo *result, const PhigFinding *finding)
{
	Datum		values[CHECK_NCOLUMNS] = {0};
	bool		nulls[CHECK_NCOLUMNS] = {0};

	put(values, nulls, CHECK_COLUMN, finding->column);
	values[CHECK_SOURCES] = phig_text_array(finding->sources);
	values[CHECK_TRANSFORMS] = phig_text_array(finding->transforms);
	put(values, nulls, CHECK_VERDICT, verdicts[finding->verdict]);
	put(values, nulls, CHECK_CITATION, finding->citation);
	put(values, nulls, CHECK_ADVICE, finding->advice);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* What keeps it closed although it is proven, or until when it is open. */
static void
put_terms(ReturnSetInfo *result, const PhigExtractRow *row, const PhigProof *proof)
{
	Datum		values[CHECK_NCOLUMNS] = {0};
	bool		nulls[CHECK_NCOLUMNS] = {0};
	TimestampTz until = proof->until;
	char	   *hint = NULL;
	char	   *problem = NULL;

	if (proof->refused)
		problem = "What is refused has to be set right.";
	else if (strcmp(proof->pin, row->pin) != 0)
		problem = "It has changed since a privacy officer has checked it.";
	else
		problem = phig_extract_terms(row, proof, &until, &hint);
	nulls[CHECK_COLUMN] = nulls[CHECK_CITATION] = true;
	values[CHECK_SOURCES] = phig_text_array(NIL);
	values[CHECK_TRANSFORMS] = phig_text_array(NIL);
	put(values, nulls, CHECK_VERDICT, problem == NULL ? "open" : "closed");
	if (problem != NULL)
		put(values, nulls, CHECK_ADVICE, hint == NULL ? problem : psprintf("%s %s", problem, hint));
	else
		put(values, nulls, CHECK_ADVICE, TIMESTAMP_IS_NOEND(until) ? NULL : psprintf("until %s", timestamptz_to_str(until)));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
put(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	if (text != NULL)
		values[column] = CStringGetTextDatum(text);
}
