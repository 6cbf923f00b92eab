/*
 * names_utility.c
 *		Which words of a utility statement are names that the catalogs know.
 *
 * Such a statement is hardly analysed at all: there a word is looked up as
 * the name of anything.  The words that it declares (a cursor, a savepoint,
 * the value of a setting) are not looked up: they are the user's.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "common/keywords.h"
#include "mb/pg_wchar.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/guc.h"
#include "utils/syscache.h"

#include "journal/lex.h"
#include "journal/names_internal.h"

/* Cuts at NAMEDATALEN - 1 bytes, never inside a character. */
static void
store_word(const char *text, int len, char word[NAMEDATALEN])
{
	if (len >= NAMEDATALEN)
		len = pg_mbcliplen(text, len, NAMEDATALEN - 1);
	memcpy(word, text, len);
	word[len] = '\0';
}

static void
fold_quoted(const char *start, int len, char word[NAMEDATALEN])
{
	char	   *text = palloc(len);
	int			n = 0;

	for (int i = 1; i < len - 1; i++)
	{
		text[n++] = start[i];
		if (start[i] == '"')
			i++;
	}
	store_word(text, n, word);
	pfree(text);
}

void
phig_names_fold(const char *start, int len, char word[NAMEDATALEN])
{
	if (start[0] == '"')
		return fold_quoted(start, len, word);

	for (int i = 0; i < len; i++)
	{
		char		c = start[i];

		/* Long ones, and letters whose lower case depends on the encoding: as the server does it. */
		if (i == NAMEDATALEN - 1 || IS_HIGHBIT_SET(c))
		{
			char	   *folded = downcase_identifier(start, len, false, false);

			store_word(folded, strlen(folded), word);
			pfree(folded);
			return;
		}
		word[i] = c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
	}
	word[len] = '\0';
}

/* The values and the name of SET: the name's parts are public if the server knows the setting. */
static void
collect_from_set(PhigNames *names, VariableSetStmt *set)
{
	ListCell   *lc;
	char	   *part;
	char	   *rest;

	if (set == NULL)
		return;
	foreach(lc, set->args)
	{
		A_Const    *value = lfirst(lc);

		if (IsA(value, A_Const) && !value->isnull && IsA(&value->val, String))
			names->declared = lappend(names->declared, strVal(&value->val));
	}
	if (set->name == NULL || GetConfigOption(set->name, true, false) == NULL ||
		(GetConfigOptionFlags(set->name, true) & GUC_CUSTOM_PLACEHOLDER))
		return;
	for (part = strtok_r(pstrdup(set->name), ".", &rest); part != NULL; part = strtok_r(NULL, ".", &rest))
		names->names = lappend(names->names, part);
}

/* Words that name nothing in the catalogs: do not even look them up, the caches would remember each. */
static void
collect_declared(PhigNames *names, Node *utility)
{
	const char *word = NULL;

	if (utility == NULL)
		return;
	switch (nodeTag(utility))
	{
		case T_DeclareCursorStmt:
			word = ((DeclareCursorStmt *) utility)->portalname;
			break;
		case T_FetchStmt:
			word = ((FetchStmt *) utility)->portalname;
			break;
		case T_ClosePortalStmt:
			word = ((ClosePortalStmt *) utility)->portalname;
			break;
		case T_PrepareStmt:
			word = ((PrepareStmt *) utility)->name;
			break;
		case T_ExecuteStmt:
			word = ((ExecuteStmt *) utility)->name;
			break;
		case T_DeallocateStmt:
			word = ((DeallocateStmt *) utility)->name;
			break;
		case T_TransactionStmt:
			word = ((TransactionStmt *) utility)->savepoint_name;
			break;
		case T_NotifyStmt:
			word = ((NotifyStmt *) utility)->conditionname;
			break;
		case T_ListenStmt:
			word = ((ListenStmt *) utility)->conditionname;
			break;
		case T_UnlistenStmt:
			word = ((UnlistenStmt *) utility)->conditionname;
			break;
		case T_VariableSetStmt:
			collect_from_set(names, (VariableSetStmt *) utility);
			break;
		case T_AlterRoleSetStmt:
			collect_from_set(names, ((AlterRoleSetStmt *) utility)->setstmt);
			break;
		case T_AlterDatabaseSetStmt:
			collect_from_set(names, ((AlterDatabaseSetStmt *) utility)->setstmt);
			break;
		case T_AlterSystemStmt:
			collect_from_set(names, ((AlterSystemStmt *) utility)->setstmt);
			break;
		default:
			break;
	}
	if (word != NULL)
		names->declared = lappend(names->declared, unconstify(char *, word));
}

/* Can the token name an object?  Then word is its name. */
static bool
token_names_object(const PhigToken *token, char word[NAMEDATALEN])
{
	int			keyword;

	if (token->kind == PHIG_TOKEN_QUOTED && token->start[0] == '"')
	{
		phig_names_fold(token->start, token->len, word);
		return true;
	}
	if (token->kind != PHIG_TOKEN_WORD)
		return false;
	phig_names_fold(token->start, token->len, word);
	keyword = ScanKeywordLookup(word, &ScanKeywords);
	return keyword < 0 || ScanKeywordCategories[keyword] != RESERVED_KEYWORD;
}

/* Every relation of that name, whatever its schema. */
static void
add_relations_named(PhigNames *names, const char *word)
{
	CatCList   *list = SearchSysCacheList1(RELNAMENSP, CStringGetDatum(word));

	for (int i = 0; i < list->n_members; i++)
		phig_names_add_oid(&names->relids, ((Form_pg_class) GETSTRUCT(&list->members[i]->tuple))->oid);
	ReleaseSysCacheList(list);
}

PhigNames *
phig_names_of_utility(Node *utility, const char *text, int len)
{
	PhigNames  *names = palloc0(sizeof(PhigNames));
	PhigLexer	lexer;
	PhigToken	token;

	names->utility = true;
	if (!IsTransactionState())
	{
		/* ROLLBACK of a failed transaction: no name can be looked up, so none is let through. */
		names->loaded = true;
		names->utility = false;
		return names;
	}
	collect_declared(names, utility);
	phig_lex_init(&lexer, text, len);
	for (phig_lex_next(&lexer, &token);
		 token.kind != PHIG_TOKEN_END && token.kind != PHIG_TOKEN_BROKEN;
		 phig_lex_next(&lexer, &token))
	{
		char		word[NAMEDATALEN];

		if (token_names_object(&token, word) && !phig_names_in_list(names->declared, word))
			add_relations_named(names, word);
	}
	phig_names_open_relations(names);
	return names;
}
