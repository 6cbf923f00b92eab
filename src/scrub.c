/*
 * scrub.c
 *		Errors without the data that caused them.
 *
 * PostgreSQL puts values into its errors: invalid input syntax for type
 * date: "...", Key (ssn)=(...) already exists, Failing row contains (...), COPY
 * patient, line 3: "...".  They reach the client, the server log, and the
 * EXCEPTION block of a function whose caller may not see the value.
 *
 * Messages may be translated, so nothing here reads their words.  It goes by
 * the SQLSTATE, by the names that the error carries in fields of its own or that
 * stand in the statement, and by quotes and brackets, which a translation keeps.
 * A value can hold quotes itself: what is taken out runs from the first quote to the last.
 *
 * Errors that a statement's author words (RAISE in a function) keep their
 * message: it is the application's.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/prs2lock.h"
#include "tcop/tcopprot.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "journal/lex.h"
#include "journal/names.h"
#include "journal/probe.h"
#include "label/label.h"
#include "scrub.h"
#include "settings.h"

#define CLASS(code) ERRCODE_TO_CATEGORY(code)
#define CLASS_IS(code, a, b) (CLASS(code) == MAKE_SQLSTATE(a, b, '0', '0', '0'))

#define WITHHELD "phiguard withheld the values."
#define VIEW_DEPTH_MAX 32

/* Start of the transaction in which an error was scrubbed last. */
static TimestampTz scrubbed_in = 0;

/* Finding values. */

/* Length of the quotation mark at p in the database's encoding, or 0. */
static int
quote_at(const char *p)
{
	static const char *const utf8[] = {
		"\xc2\xab", "\xc2\xbb", "\xe2\x80\x9c", "\xe2\x80\x9d", "\xe2\x80\x9e", "\xe3\x80\x8c", "\xe3\x80\x8d"
	};

	if (*p == '"')
		return 1;
	if (!IS_HIGHBIT_SET(*p))
		return 0;
	if (pg_database_encoding_max_length() == 1)
		return *p == '\xab' || *p == '\xbb' ? 1 : 0;
	if (GetDatabaseEncoding() == PG_UTF8)
		for (int i = 0; i < (int) lengthof(utf8); i++)
			if (strncmp(p, utf8[i], strlen(utf8[i])) == 0)
				return strlen(utf8[i]);
	return 0;
}

/* The first quotation mark of text, or NULL. */
static char *
first_quote(char *text)
{
	for (; *text != '\0'; text += pg_mblen(text))
		if (quote_at(text) > 0)
			return text;
	return NULL;
}

/* Behind the last quotation mark of text. */
static char *
behind_last_quote(char *text)
{
	char	   *last = text;

	for (; *text != '\0'; text += pg_mblen(text))
		if (quote_at(text) > 0)
			last = text + quote_at(text);
	return last;
}

/* Does the word, not being (part of) a constant, stand in the text of a statement? */
static bool
stands_in(const char *statement, const char *word, int len)
{
	PhigLexer	lexer;
	PhigToken	token;

	if (statement == NULL)
		return false;
	phig_lex_init(&lexer, statement, strlen(statement));
	for (phig_lex_next(&lexer, &token); token.kind != PHIG_TOKEN_END; phig_lex_next(&lexer, &token))
	{
		int			quotes = token.kind == PHIG_TOKEN_QUOTED ? 1 : 0;

		if (token.kind == PHIG_TOKEN_BROKEN)
			break;
		if (token.kind != PHIG_TOKEN_STRING && token.kind != PHIG_TOKEN_NUMBER &&
			token.len == len + 2 * quotes && pg_strncasecmp(token.start + quotes, word, len) == 0)
			return true;
	}
	return false;
}

/* A name of one or more parts, each of which stands in the statement's text. */
static bool
is_written_name(const ErrorData *edata, const char *name, int len)
{
	while (len > 0)
	{
		const char *dot = memchr(name, '.', len);
		int			part = dot != NULL && dot > name ? dot - name : len;

		if (!stands_in(edata->internalquery, name, part) && !stands_in(debug_query_string, name, part))
			return false;
		len -= part + 1;
		name += part + 1;
	}
	return true;
}

/*
 * Do the quotes at text hold a name that the error also has in a field, or a
 * word of the statement that is no constant?  Then returns what is behind them, else NULL.
 */
static char *
skip_known_name(const ErrorData *edata, char *text)
{
	const char *known[] = {
		edata->schema_name, edata->table_name, edata->column_name, edata->datatype_name, edata->constraint_name
	};
	char	   *name = text + quote_at(text);
	char	   *end = first_quote(name);
	size_t		len;

	if (end == NULL || end == name)
		return NULL;
	len = end - name;
	for (int i = 0; i < (int) lengthof(known); i++)
		if (known[i] != NULL && strlen(known[i]) == len && strncmp(name, known[i], len) == 0)
			return end + quote_at(end);
	return is_written_name(edata, name, (int) len) ? end + quote_at(end) : NULL;
}

/* Replaces *text from begin to end (both in it).  False if that changes nothing. */
static bool
replace(char **text, const char *begin, const char *end, const char *by)
{
	char	   *changed = psprintf("%.*s%s%s", (int) (begin - *text), *text, by, end);

	if (strcmp(changed, *text) == 0)
	{
		pfree(changed);
		return false;
	}
	pfree(*text);
	*text = changed;
	return true;
}

/* The fields of an error.  Each function says whether it took anything out. */

/*
 * Can the message of such an error hold a value?  Not where the server only
 * ever names objects: integrity (its values are in DETAIL), cursors, privileges,
 * resources, cancellation, columns that are there and not grouped by; nor where the
 * author of a function words it.
 */
static bool
message_may_hold_values(const ErrorData *edata)
{
	int			code = edata->sqlerrcode;

	if (CLASS_IS(code, '2', '3') || CLASS_IS(code, '2', '4') || CLASS_IS(code, '2', '5') ||
		CLASS_IS(code, '3', '4') || CLASS_IS(code, '4', '0') || CLASS_IS(code, '5', '3') ||
		CLASS_IS(code, '5', '4') || CLASS_IS(code, '5', '5') || CLASS_IS(code, '5', '7') ||
		CLASS_IS(code, '5', '8') || CLASS_IS(code, 'P', '0') || CLASS_IS(code, 'P', 'G'))
		return false;
	return code != ERRCODE_INSUFFICIENT_PRIVILEGE && code != ERRCODE_FEATURE_NOT_SUPPORTED &&
		code != ERRCODE_GROUPING_ERROR;
}

/* All from the first quotes that hold no known name to the last. */
static bool
scrub_quotes(const ErrorData *edata, char **text)
{
	char	   *quote = first_quote(*text);
	char	   *behind;

	while (quote != NULL && (behind = skip_known_name(edata, quote)) != NULL)
		quote = first_quote(behind);
	return quote != NULL && replace(text, quote, behind_last_quote(quote), "\"...\"");
}

static bool
scrub_message(ErrorData *edata)
{
	if (edata->message == NULL || !message_may_hold_values(edata))
		return false;
	return scrub_quotes(edata, &edata->message);
}

/* Key (ssn)=(...) already exists.  Failing row contains (...). */
static bool
scrub_integrity_detail(char **detail)
{
	char	   *begin = strstr(*detail, ")=(");
	char	   *end = strrchr(*detail, ')');

	/* The key may be an expression with constants of its own. */
	if (begin != NULL && memchr(*detail, '\'', begin - *detail) == NULL)
		begin += 3;
	else if ((begin = strchr(*detail, '(')) != NULL)
		begin++;
	if (begin == NULL || end == NULL || end < begin)
		return replace(detail, *detail, *detail + strlen(*detail), WITHHELD);
	return replace(detail, begin, end, "...");
}

static bool
scrub_detail(ErrorData *edata)
{
	if (edata->detail == NULL || strstr(edata->detail, WITHHELD) != NULL)
		return false;
	if (CLASS_IS(edata->sqlerrcode, '2', '3'))
		return scrub_integrity_detail(&edata->detail);
	if (CLASS_IS(edata->sqlerrcode, '2', '2'))
	{
		/* JSON, XML, arrays: pieces of the value, quoted or not. */
		pfree(edata->detail);
		edata->detail = NULL;
		return true;
	}
	if (!message_may_hold_values(edata))
		return false;
	return scrub_quotes(edata, &edata->detail);
}

static char *
earlier(char *a, char *b)
{
	return a == NULL || (b != NULL && b < a) ? b : a;
}

/*
 * COPY patient, line 3, column ssn: "...".  JSON data, line 1: ...  SQL
 * statement "...".  unnamed portal parameter $1 = '...'.  The first of these begins
 * what goes; it ends behind the last quote, and not before the line does.
 */
static bool
scrub_context(ErrorData *edata)
{
	char	   *quote;
	char	   *colon;
	char	   *equals;
	char	   *begin;
	char	   *end;

	if (edata->context == NULL)
		return false;
	quote = first_quote(edata->context);
	colon = strstr(edata->context, ": ");
	equals = strstr(edata->context, " = '");
	begin = earlier(quote, earlier(colon, equals));
	if (begin == NULL)
		return false;

	end = quote != NULL ? behind_last_quote(quote) : begin;
	if (equals != NULL)
		end = Max(end, strrchr(equals, '\'') + 1);
	if (colon != NULL)
		end = Max(end, colon);
	if (begin != quote)
		end += strcspn(end, "\n");
	return replace(&edata->context, begin, end,
				   begin == quote ? "\"...\"" : begin == colon ? ": ..." : " = ...");
}

static void
clear(char **text)
{
	if (*text != NULL)
		pfree(*text);
	*text = NULL;
}

void
phig_scrub_edata(ErrorData *edata)
{
	bool		changed = scrub_context(edata);

	if (edata->hide_stmt)
		return;					/* its author, or we, have taken care of the rest */
	changed |= scrub_message(edata);
	changed |= scrub_detail(edata);

	/*
	 * Deadlock reports list the statements of others; a query of a function may be built from
	 * values.
	 */
	clear(&edata->detail_log);
	clear(&edata->internalquery);
	edata->internalpos = 0;
	edata->hide_stmt = true;
	scrubbed_in = GetCurrentTransactionStartTimestamp();

	if (!changed)
		return;
	if (edata->detail == NULL)
		edata->detail = pstrdup(WITHHELD);
	else if (strstr(edata->detail, WITHHELD) == NULL)
	{
		char	   *detail = psprintf("%s %s", edata->detail, WITHHELD);

		pfree(edata->detail);
		edata->detail = detail;
	}
}

void
phig_scrub_rethrow(void)
{
	ErrorData  *edata;

	/* ErrorContext, where PG_CATCH begins, is about to be emptied. */
	MemoryContextSwitchTo(CurTransactionContext != NULL ? CurTransactionContext : TopMemoryContext);
	edata = CopyErrorData();
	FlushErrorState();
	phig_probe_note(edata);
	phig_scrub_edata(edata);
	ReThrowError(edata);
}

/* Errors that no other hook has caught: is the statement about labelled data? */

typedef struct ViewSearch
{
	Oid			view;
	int			depth;
} ViewSearch;

static bool is_labelled_relation(Oid relid, int depth);

static bool
find_labelled_relation(Node *node, void *context)
{
	ViewSearch *search = context;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, find_labelled_relation, context, QTW_EXAMINE_RTES_BEFORE);
	if (IsA(node, RangeTblEntry))
	{
		Oid			relid = ((RangeTblEntry *) node)->relid;

		/* A view's rule has entries for the view itself, too. */
		return relid != search->view && is_labelled_relation(relid, search->depth + 1);
	}
	return expression_tree_walker(node, find_labelled_relation, context);
}

/* Does a view read labelled data? */
static bool
is_labelled_view(Oid relid, int depth)
{
	ViewSearch	search = {relid, depth};
	Relation	rel = RelationIdGetRelation(relid);
	bool		result = false;

	if (!RelationIsValid(rel))
		return false;
	if (rel->rd_rules != NULL)
		for (int i = 0; i < rel->rd_rules->numLocks && !result; i++)
			result = find_labelled_relation((Node *) rel->rd_rules->rules[i]->actions, &search);
	RelationClose(rel);
	return result;
}

static bool
is_labelled_relation(Oid relid, int depth)
{
	if (!OidIsValid(relid) || depth > VIEW_DEPTH_MAX)
		return false;
	if (phig_label_relation(relid) != NULL)
		return true;
	return get_rel_relkind(relid) == RELKIND_VIEW && is_labelled_view(relid, depth);
}

/* Is there a labelled relation, or a PHI type, of that name in any schema? */
static bool
names_labelled_object(const char *word)
{
	static const int caches[] = {RELNAMENSP, TYPENAMENSP};
	bool		result = false;

	for (int i = 0; i < (int) lengthof(caches) && !result; i++)
	{
		CatCList   *list = SearchSysCacheList1(caches[i], CStringGetDatum(word));

		for (int j = 0; j < list->n_members && !result; j++)
		{
			void	   *form = GETSTRUCT(&list->members[j]->tuple);

			if (caches[i] == RELNAMENSP)
				result = is_labelled_relation(((Form_pg_class) form)->oid, 0);
			else
			{
				PhigLabel	label = phig_label_of_type(((Form_pg_type) form)->oid);

				result = phig_label_is_phi(&label);
			}
		}
		ReleaseSysCacheList(list);
	}
	return result;
}

static bool
text_names_labelled_object(const char *text)
{
	PhigLexer	lexer;
	PhigToken	token;

	if (text == NULL)
		return false;
	phig_lex_init(&lexer, text, strlen(text));
	for (phig_lex_next(&lexer, &token); token.kind != PHIG_TOKEN_END; phig_lex_next(&lexer, &token))
	{
		char		word[NAMEDATALEN];

		/* A quote is missing: what comes is no name. */
		if (token.kind == PHIG_TOKEN_BROKEN)
			break;
		if (token.kind != PHIG_TOKEN_WORD && !(token.kind == PHIG_TOKEN_QUOTED && token.start[0] == '"'))
			continue;
		phig_names_fold(token.start, token.len, word);
		if (names_labelled_object(word))
			return true;
	}
	return false;
}

/* The table whose key a foreign key refers to; it is not among the fields of an error. */
static Oid
referenced_table(Oid relid, const char *constraint_name)
{
	Oid			constraint = get_relation_constraint_oid(relid, constraint_name, true);
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Oid			result;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	result = ((Form_pg_constraint) GETSTRUCT(tuple))->confrelid;
	ReleaseSysCache(tuple);
	return result;
}

/* Do the fields of an error name a labelled table, or a foreign key to one? */
static bool
is_about_labelled_table(const ErrorData *edata)
{
	Oid			relid;

	if (edata->schema_name == NULL || edata->table_name == NULL)
		return false;
	relid = get_relname_relid(edata->table_name, get_namespace_oid(edata->schema_name, true));
	if (!OidIsValid(relid))
		return names_labelled_object(edata->table_name);
	return is_labelled_relation(relid, 0) ||
		(edata->constraint_name != NULL &&
		 is_labelled_relation(referenced_table(relid, edata->constraint_name), 0));
}

static bool
is_about_labelled_data(const ErrorData *edata)
{
	return is_about_labelled_table(edata) || text_names_labelled_object(edata->internalquery) ||
		text_names_labelled_object(debug_query_string);
}

void
phig_scrub_rethrow_constraint(void)
{
	ErrorData  *edata;

	if (phig_mode == PHIG_MODE_OFF || !CLASS_IS(geterrcode(), '2', '3') || !IsTransactionState())
		return;
	MemoryContextSwitchTo(CurTransactionContext);
	edata = CopyErrorData();
	FlushErrorState();
	phig_probe_note(edata);
	if (is_about_labelled_table(edata))
		phig_scrub_edata(edata);
	ReThrowError(edata);
}

void
phig_scrub_log(ErrorData *edata)
{
	/* Still set when the look-up below has failed: then edata is that failure. */
	static bool looking_up = false;
	int			code = edata->sqlerrcode;

	if (edata->elevel != ERROR)
		return;
	if (edata->hide_stmt)
	{
		/* One of ours, most likely, or scrubbed already. */
		(void) scrub_context(edata);
		return;
	}
	if (!IsTransactionState())
	{
		/* No look-ups in a failed transaction.  What it ignores now may well repeat what failed. */
		edata->hide_stmt = GetCurrentTransactionStartTimestamp() == scrubbed_in;
		return;
	}

	/*
	 * The catalogs are read after an error, before its transaction is aborted.  Other errors
	 * might have left low-level locks behind; these come from parsing, from input functions and
	 * from constraints.
	 */
	if (!CLASS_IS(code, '2', '2') && !CLASS_IS(code, '2', '3') && !CLASS_IS(code, '4', '2') &&
		code != ERRCODE_QUERY_CANCELED)
	{
		/* The leader has a line of its own for the statement. */
		edata->hide_stmt = IsParallelWorker();
		return;
	}
	if (looking_up || !OidIsValid(MyDatabaseId))
	{
		looking_up = false;
		return;
	}
	looking_up = true;
	if (is_about_labelled_data(edata))
		phig_scrub_edata(edata);
	looking_up = false;
}
