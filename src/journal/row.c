/*
 * row.c
 *		A row of phiguard.access_log from what the journal says of one execution.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "journal/journal.h"
#include "journal/row.h"
#include "texts.h"

static const char *const kind_names[] = {
	[PHIG_KIND_READ] = "read",
	[PHIG_KIND_WRITE] = "write",
	[PHIG_KIND_DISCLOSURE] = "disclosure",
	[PHIG_KIND_DENIED] = "denied",
	[PHIG_KIND_PROBE] = "probe",
	[PHIG_KIND_DDL] = "ddl",
	[PHIG_KIND_POLICY] = "policy",
	[PHIG_KIND_SETTING] = "setting",
	[PHIG_KIND_SERVER] = "server",
	[PHIG_KIND_LOG_READ] = "log_read",
};

static const char *const outcome_names[] = {
	[PHIG_OUTCOME_OK] = "ok",
	[PHIG_OUTCOME_ERROR] = "error",
	[PHIG_OUTCOME_CANCELLED] = "cancelled",
};

static const struct
{
	uint32		flag;
	const char *name;
}			flag_names[] = {
	{PHIG_FLAG_EXEMPT, "exempt"},
	{PHIG_FLAG_FUNCTION, "function"},
	{PHIG_FLAG_COPY, "copy"},
	{PHIG_FLAG_REPLICA, "replica"},
	{PHIG_FLAG_EXPLAIN, "explain"},
	{PHIG_FLAG_CONSTRAINT, "constraint"},
	{PHIG_FLAG_UNSEEN_PLAN, "unseen_plan"},
	{PHIG_FLAG_ROW_TRIGGER, "row_trigger"},
	{PHIG_FLAG_APPROXIMATE, "approximate"},
	{PHIG_FLAG_SESSION_USER_CLAIM, "session_user_claim"},
	{PHIG_FLAG_WOULD_DENY, "would_deny"},
	{PHIG_FLAG_WOULD_TRANSFORM, "would_transform"},
	{PHIG_FLAG_BREAK_GLASS, "break_glass"},
};

struct PhigRowMaker
{
	MemoryContext context;		/* of the maker */
	MemoryContext row_context;	/* reset for each row */
	Datum		no_words;		/* an empty text[] */
	Datum		kinds[lengthof(kind_names)];	/* 0: there is no such kind */
	Datum		outcomes[lengthof(outcome_names)];
	Datum		lost;
	Datum		node;
	/* The row at hand. */
	Datum	   *values;
	bool	   *nulls;
};

static void
name_datums(Datum *datums, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		datums[i] = names[i] != NULL ? CStringGetTextDatum(names[i]) : (Datum) 0;
}

PhigRowMaker *
phig_row_maker_create(void)
{
	PhigRowMaker *maker = palloc0(sizeof(PhigRowMaker));

	maker->context = CurrentMemoryContext;
	maker->row_context = AllocSetContextCreate(CurrentMemoryContext, "phiguard row", ALLOCSET_DEFAULT_SIZES);
	maker->no_words = phig_text_array(NIL);
	name_datums(maker->kinds, kind_names, lengthof(kind_names));
	name_datums(maker->outcomes, outcome_names, lengthof(outcome_names));
	maker->lost = CStringGetTextDatum("lost");
	maker->node = CStringGetTextDatum("");
	return maker;
}

void
phig_row_maker_set_node(PhigRowMaker *maker, const char *node8)
{
	MemoryContext old = MemoryContextSwitchTo(maker->context);

	pfree(DatumGetPointer(maker->node));
	maker->node = CStringGetTextDatum(node8);
	MemoryContextSwitchTo(old);
}

static void
set_column(PhigRowMaker *maker, PhigLogColumn column, Datum value)
{
	maker->values[column] = value;
	maker->nulls[column] = false;
}

/* The text of a number that has one. */
static void
set_name(PhigRowMaker *maker, PhigLogColumn column, const Datum *names, uint32 n, uint32 number)
{
	if (number < n && names[number] != (Datum) 0)
		set_column(maker, column, names[number]);
}

static void
set_time(PhigRowMaker *maker, PhigLogColumn column, int64 time)
{
	/* Damage that the checksum did not catch, or a forger, may have written any. */
	if (IS_VALID_TIMESTAMP(time))
		set_column(maker, column, TimestampTzGetDatum(time));
}

static void
set_meaning(PhigRowMaker *maker, const PhigMeaning *meaning)
{
	for (int column = 0; meaning != NULL && column < PHIG_LOG_COLUMNS; column++)
		if (meaning->present[column])
			set_column(maker, column, meaning->values[column]);
}

/*
 * Of an execution that names persons.  One that has ended and names nobody saw nobody's rows;
 * while it runs, or when its end is lost, there may be more.
 */
static void
set_subjects(PhigRowMaker *maker, const PhigLogEntry *entry)
{
	const PhigNamed *named = entry->named;
	List	   *words = NIL;

	if (!(entry->flags & PHIG_FLAG_PERSONS) || (named == NULL && entry->ending == NULL) ||
		(named != NULL && named->unnamed))
		return;
	for (int i = 0; named != NULL && i < named->ntokens; i++)
	{
		char	   *digits = palloc(2 * PHIG_TOKEN_BYTES + 1);

		hex_encode((const char *) named->tokens[i], PHIG_TOKEN_BYTES, digits);
		digits[2 * PHIG_TOKEN_BYTES] = '\0';
		words = lappend(words, digits);
	}
	set_column(maker, PHIG_LOG_SUBJECTS, words != NIL ? phig_text_array(words) : maker->no_words);
	set_column(maker, PHIG_LOG_PERSONS, Int64GetDatum(named == NULL ? 0 : (int64) named->persons));
	set_column(maker, PHIG_LOG_PERSONS_AT_LEAST, Int64GetDatum(named == NULL ? 0 : (int64) named->at_least));
}

static void
set_flags(PhigRowMaker *maker, const PhigLogEntry *entry, const PhigMeaning *statement)
{
	const PhigNamed *named = entry->named;
	uint32		flags = entry->flags;
	List	   *words = NIL;
	ListCell   *lc;

	for (int i = 0; i < (int) lengthof(flag_names); i++)
		if (flags & flag_names[i].flag)
			words = lappend(words, unconstify(char *, flag_names[i].name));
	/* What did not fail ran anyway. */
	if (entry->ending != NULL && entry->ending->ran && entry->ending->outcome != PHIG_OUTCOME_OK)
		words = lappend(words, "ran");
	if (named != NULL && named->manners & (1 << PHIG_MANNER_AGGREGATE))
		words = lappend(words, "subjects_aggregate");
	if (named != NULL && named->summaries != NIL)
		words = lappend(words, "subjects_summary");
	foreach(lc, statement != NULL ? statement->flags : NIL)
		words = phig_texts_add(words, lfirst(lc));
	set_column(maker, PHIG_LOG_FLAGS, words != NIL ? phig_text_array(words) : maker->no_words);
}

/* Refused, and nothing had left by then: a function may fail like that behind as many rows as it likes. */
static bool
was_denied(const PhigLogEntry *entry)
{
	const PhigEnding *ending = entry->ending;
	const PhigNamed *named = entry->named;

	if (ending == NULL || ending->outcome != PHIG_OUTCOME_ERROR || memcmp(ending->sqlstate, "42501", 5) != 0)
		return false;
	return ending->rows == 0 && (named == NULL || (named->ntokens == 0 && named->summaries == NIL && !named->unnamed));
}

static void
set_ending(PhigRowMaker *maker, const PhigEnding *ending)
{
	char		sqlstate[6] = {0};

	set_time(maker, PHIG_LOG_ENDED, ending->ended);
	set_column(maker, PHIG_LOG_ROWS, Int64GetDatum((int64) ending->rows));
	set_column(maker, PHIG_LOG_EXECUTIONS, Int64GetDatum(ending->executions));
	set_name(maker, PHIG_LOG_OUTCOME, maker->outcomes, lengthof(outcome_names), ending->outcome);
	memcpy(sqlstate, ending->sqlstate, sizeof(ending->sqlstate));
	if (strspn(sqlstate, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == sizeof(ending->sqlstate))
		set_column(maker, PHIG_LOG_SQLSTATE, CStringGetTextDatum(sqlstate));
}

void
phig_row_make(PhigRowMaker *maker, const PhigLogEntry *entry, Datum *values, bool *nulls)
{
	MemoryContext old;

	MemoryContextReset(maker->row_context);
	old = MemoryContextSwitchTo(maker->row_context);
	maker->values = values;
	maker->nulls = nulls;
	memset(values, 0, PHIG_LOG_COLUMNS * sizeof(Datum));
	memset(nulls, true, PHIG_LOG_COLUMNS * sizeof(bool));
	for (int column = PHIG_LOG_RETURNED; column <= PHIG_LOG_CATEGORIES; column++)
		set_column(maker, column, maker->no_words);

	set_meaning(maker, entry->session);
	set_meaning(maker, entry->statement);
	set_flags(maker, entry, entry->statement);
	set_subjects(maker, entry);
	set_time(maker, PHIG_LOG_STARTED, entry->started);
	set_column(maker, PHIG_LOG_NODE, maker->node);
	set_column(maker, PHIG_LOG_POSITION, Int64GetDatum((int64) entry->seq));
	set_name(maker, PHIG_LOG_KIND, maker->kinds, lengthof(kind_names),
			 was_denied(entry) ? PHIG_KIND_DENIED : entry->kind);
	if (entry->ending != NULL)
		set_ending(maker, entry->ending);
	else if (entry->lost)
		set_column(maker, PHIG_LOG_OUTCOME, maker->lost);
	MemoryContextSwitchTo(old);
}

uint32
phig_row_kind_mask(const char *name)
{
	for (int i = 0; i < (int) lengthof(kind_names); i++)
		if (kind_names[i] != NULL && strcmp(kind_names[i], name) == 0)
			return (uint32) 1 << i;
	return 0;
}

uint32
phig_row_flag_mask(const char *name)
{
	for (int i = 0; i < (int) lengthof(flag_names); i++)
		if (strcmp(flag_names[i].name, name) == 0)
			return flag_names[i].flag;
	return 0;
}
