/*
 * retell.c
 *		A statement's text, told anew without anything a user put into it.
 *
 * The text is read token by token and written anew: one space between tokens,
 * keywords in upper case, ? for each constant (with its sign).  An identifier
 * stays only if names.c says that the statement refers to something of that
 * name; any other becomes _1, _2 ... in order of appearance.  So nothing can come through
 * but keywords, operators, and names of the catalogs, even if the text were cut
 * into tokens wrongly.
 *
 * Elements of a list that are alike are written once: IN (?, ...),
 * VALUES (?, ?), ... and so a statement keeps its fingerprint however long its lists are.
 *
 * The result is the same on all supported versions of the server: words that
 * only newer ones know as keywords are listed here.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "common/keywords.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "journal/lex.h"
#include "journal/retell.h"

#define TEXT_MAX_BYTES (16 * 1024)
#define NESTING_MAX 64
#define CATEGORY_NONE (-1)		/* no keyword */

/* Keywords that PostgreSQL 15 lacks and 16, 17 or 18 has; and one that 18 gave up.  Sorted. */
typedef struct NewKeyword
{
	const char *word;
	int			category;
} NewKeyword;

static const NewKeyword new_keywords[] = {
	{"absent", UNRESERVED_KEYWORD}, {"conditional", UNRESERVED_KEYWORD}, {"empty", UNRESERVED_KEYWORD},
	{"enforced", UNRESERVED_KEYWORD}, {"error", UNRESERVED_KEYWORD}, {"format", UNRESERVED_KEYWORD},
	{"indent", UNRESERVED_KEYWORD}, {"json", COL_NAME_KEYWORD}, {"json_array", COL_NAME_KEYWORD},
	{"json_arrayagg", COL_NAME_KEYWORD}, {"json_exists", COL_NAME_KEYWORD}, {"json_object", COL_NAME_KEYWORD},
	{"json_objectagg", COL_NAME_KEYWORD}, {"json_query", COL_NAME_KEYWORD}, {"json_scalar", COL_NAME_KEYWORD},
	{"json_serialize", COL_NAME_KEYWORD}, {"json_table", COL_NAME_KEYWORD}, {"json_value", COL_NAME_KEYWORD},
	{"keep", UNRESERVED_KEYWORD}, {"keys", UNRESERVED_KEYWORD}, {"merge_action", COL_NAME_KEYWORD},
	{"nested", UNRESERVED_KEYWORD}, {"objects", UNRESERVED_KEYWORD}, {"omit", UNRESERVED_KEYWORD},
	{"path", UNRESERVED_KEYWORD}, {"period", UNRESERVED_KEYWORD}, {"plan", UNRESERVED_KEYWORD},
	{"quotes", UNRESERVED_KEYWORD}, {"recheck", UNRESERVED_KEYWORD}, {"scalar", UNRESERVED_KEYWORD},
	{"source", UNRESERVED_KEYWORD}, {"string", UNRESERVED_KEYWORD}, {"system_user", RESERVED_KEYWORD},
	{"target", UNRESERVED_KEYWORD}, {"unconditional", UNRESERVED_KEYWORD}, {"virtual", UNRESERVED_KEYWORD}
};

/* Each identifier of the statement, looked up once. */
typedef struct Word
{
	const char *text;			/* as the catalogs would store it */
	uint32		hash;
	char		status;
	bool		opaque;			/* never looked up */
	bool		keyword;		/* spelt like one */
	bool		public;			/* a name that may stay */
	bool		asked_alias;	/* looked up as an alias, and */
	bool		alias;			/* it is one */
	bool		quotes;			/* must be quoted */
	int			category;		/* what it is when not quoted: a keyword, or CATEGORY_NONE */
	int			placeholder;	/* 0: none given yet */
} Word;

#define SH_PREFIX words
#define SH_ELEMENT_TYPE Word
#define SH_KEY_TYPE const char *
#define SH_KEY text
#define SH_HASH_KEY(tb, key) hash_bytes((const unsigned char *) (key), strlen(key))
#define SH_EQUAL(tb, a, b) (strcmp(a, b) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* An open bracket, and what lists need to know of the elements in it.  Offsets are into out. */
typedef struct Level
{
	int			element;		/* where the present element begins */
	int			previous;		/* where the one before began; -1: none */
	int			previous_end;
	int			values;			/* constants and parameters in the present element, and */
	int			all_values;		/* in those before it, too */
	bool		elided;			/* ", ..." stands for elements like the one before */
	bool		in_list;		/* IN ( */
	bool		rows;			/* VALUES */
} Level;

typedef struct Normalizer
{
	StringInfoData out;
	PhigNames  *names;
	words_hash *words;
	int			placeholders;

	/* The token written last. */
	int			last;			/* where it begins in out */
	bool		tight;			/* nothing may stand between it and the next */
	bool		callable;		/* ( follows without a space */
	bool		operand;		/* + or - after it has two operands, unless it is */
	int			keyword;		/* of this category */

	char		sign;			/* + or - that may belong to a number, not written yet */
	int			depth;
	Level		levels[NESTING_MAX + 1];
} Normalizer;

static int
new_keyword_category(const char *word)
{
	int			low = 0;
	int			high = lengthof(new_keywords) - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		int			cmp = phig_names_compare(word, new_keywords[middle].word);

		if (cmp == 0)
			return new_keywords[middle].category;
		if (cmp < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return CATEGORY_NONE;
}

/* As this server knows it. */
static int
keyword_category(const char *word)
{
	int			keyword = ScanKeywordLookup(word, &ScanKeywords);

	return keyword >= 0 ? ScanKeywordCategories[keyword] : CATEGORY_NONE;
}

/* Writing. */

/* Does no space stand before the token? */
static bool
is_closing(const char *text, int len)
{
	switch (text[0])
	{
		case ',':
		case ')':
		case ']':
		case '[':
		case ';':
		case '.':
			return len == 1;
		case ':':
			return len == 1 || text[1] == ':';
		default:
			return false;
	}
}

static void
put(Normalizer *n, const char *text, int len, bool operand)
{
	if (n->out.len > 0 && !n->tight && !(n->callable && text[0] == '(') && !is_closing(text, len))
		appendStringInfoCharMacro(&n->out, ' ');
	n->last = n->out.len;
	appendBinaryStringInfo(&n->out, text, len);
	n->tight = false;
	n->callable = false;
	n->operand = operand;
	n->keyword = CATEGORY_NONE;
}

/* Has a + or - that comes next two operands?  (Not in BETWEEN -1 AND 1.) */
static bool
after_operand(const Normalizer *n)
{
	static const char *const values[] = {
		"NULL", "TRUE", "FALSE", "END", "DEFAULT", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP",
		"LOCALTIME", "LOCALTIMESTAMP", "CURRENT_USER", "SESSION_USER", "USER", "CURRENT_ROLE",
		"CURRENT_CATALOG", NULL
	};
	static const char *const syntax[] = {
		"BETWEEN", "BY", "MINVALUE", "MAXVALUE", "INCREMENT", "START", "RESTART", "ABSOLUTE", "RELATIVE",
		"FORWARD", "BACKWARD", "MOVE", NULL
	};
	bool		listed = false;

	if (n->keyword == CATEGORY_NONE)
		return n->operand;
	for (const char *const *word = n->keyword == RESERVED_KEYWORD ? values : syntax; *word != NULL; word++)
		listed |= strcmp(n->out.data + n->last, *word) == 0;
	return listed == (n->keyword == RESERVED_KEYWORD);
}

/* A sign that turned out to be an operator. */
static void
flush_sign(Normalizer *n)
{
	char		sign = n->sign;

	n->sign = '\0';
	if (sign != '\0')
		put(n, &sign, 1, false);
}

/* Lists. */

static Level *
level(Normalizer *n)
{
	return n->depth <= NESTING_MAX ? &n->levels[n->depth] : NULL;
}

static void
begin_list(Level *l, int at)
{
	memset(l, 0, sizeof(*l));
	l->element = at;
	l->previous = -1;
}

/* Are two pieces of out the same but for the numbers of parameters? */
static bool
same_piece(const char *a, int alen, const char *b, int blen)
{
	const char *aend = a + alen;
	const char *bend = b + blen;

	while (a < aend && b < bend)
	{
		if (*a != *b)
			return false;
		if (*a++ == '$' && *b++ == '$')
		{
			while (a < aend && *a >= '0' && *a <= '9')
				a++;
			while (b < bend && *b >= '0' && *b <= '9')
				b++;
			continue;
		}
		b++;
	}
	return a == aend && b == bend;
}

/*
 * An element has ended (a comma or the closing bracket comes next): if it has
 * values and is like the one before, take it back, and say so once.
 */
static void
end_element(Normalizer *n)
{
	Level	   *l = level(n);
	char	   *out = n->out.data;
	int			begin;

	if (l == NULL)
		return;
	begin = l->element;
	while (begin < n->out.len && out[begin] == ' ')
		begin++;
	if (l->previous >= 0 && l->values > 0 &&
		same_piece(out + l->previous, l->previous_end - l->previous, out + begin, n->out.len - begin))
	{
		n->out.len = l->previous_end + (l->elided ? 5 : 0);
		if (!l->elided)
			appendStringInfoString(&n->out, ", ...");
		l->elided = true;
	}
	else
	{
		l->previous = begin;
		l->previous_end = n->out.len;
		l->elided = false;
	}
	out = n->out.data;
	out[n->out.len] = '\0';
	l->element = n->out.len + 1;	/* behind the comma */
	l->all_values += l->values;
	l->values = 0;
}

/* A closing bracket comes next.  IN (?) is a short form of IN (?, ...). */
static void
end_list(Normalizer *n)
{
	Level	   *l = level(n);
	int			values = 0;

	if (l != NULL)
	{
		if (l->in_list && !l->elided && l->previous > 0 && n->out.data[l->previous - 1] == '(' &&
			(n->out.data[l->previous] == '?' || n->out.data[l->previous] == '$'))
			appendStringInfoString(&n->out, ", ...");
		values = l->all_values;
	}
	if (n->depth > 0)
		n->depth--;
	if ((l = level(n)) != NULL)
		l->values += values;
}

/* A keyword after the rows of VALUES ends the last of them. */
static void
end_rows(Normalizer *n)
{
	Level	   *l = level(n);

	if (l != NULL && l->rows)
	{
		end_element(n);
		begin_list(l, n->out.len);
	}
}

/* Tokens. */

static void
put_value(Normalizer *n, const char *text, int len)
{
	Level	   *l = level(n);

	put(n, text, len, true);
	if (l != NULL)
		l->values++;
}

static void
put_number(Normalizer *n)
{
	n->sign = '\0';
	put_value(n, "?", 1);
}

/* $1 holds no data; a number that no statement can have would. */
static void
put_param(Normalizer *n, const PhigToken *token)
{
	flush_sign(n);
	if (token->len <= 6)
		put_value(n, token->start, token->len);
	else
		put_value(n, "?", 1);
}

static void
put_operator(Normalizer *n, const PhigToken *token)
{
	flush_sign(n);
	if (token->len == 1 && (token->start[0] == '-' || token->start[0] == '+') && !after_operand(n))
		n->sign = token->start[0];
	else if (token->len == 2 && token->start[0] == '!' && token->start[1] == '=')
		put(n, "<>", 2, false);
	else
		put(n, token->start, token->len, false);
}

static void
put_punctuation(Normalizer *n, const PhigToken *token)
{
	char		c = token->len == 1 ? token->start[0] : '\0';
	bool		after_in = n->out.len - n->last == 2 && memcmp(n->out.data + n->last, "IN", 2) == 0;
	Level	   *l;

	flush_sign(n);
	if (c == ',' || c == ')' || c == ']')
		end_element(n);
	if (c == ')' || c == ']')
		end_list(n);
	put(n, token->start, token->len, c == ')' || c == ']');
	n->tight = c == '(' || c == '[' || c == '.' || c == ':' || (token->len == 2 && token->start[1] == ':');
	if (c == '(' || c == '[')
	{
		n->depth++;
		if ((l = level(n)) != NULL)
		{
			begin_list(l, n->out.len);
			l->in_list = c == '(' && after_in;
		}
	}
}

/* category: as of a keyword of that spelling. */
static bool
needs_quotes(const char *word, int category)
{
	if (!((word[0] >= 'a' && word[0] <= 'z') || word[0] == '_'))
		return true;
	for (const char *p = word; *p != '\0'; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_'))
			return true;
	return category != CATEGORY_NONE && category != UNRESERVED_KEYWORD;
}

/* quote_identifier() would look at a setting. */
static void
put_name(Normalizer *n, const Word *word)
{
	char		quoted[2 * NAMEDATALEN + 2];
	int			len = 0;

	if (!word->quotes)
		put(n, word->text, strlen(word->text), true);
	else
	{
		quoted[len++] = '"';
		for (const char *p = word->text; *p != '\0'; p++)
		{
			if (*p == '"')
				quoted[len++] = '"';
			quoted[len++] = *p;
		}
		quoted[len++] = '"';
		put(n, quoted, len, true);
	}
	n->callable = true;
}

static Word *
lookup_word(Normalizer *n, const char *text, int category, bool opaque)
{
	bool		found;
	Word	   *word = words_insert(n->words, text, &found);

	if (!found)
	{
		if (category == CATEGORY_NONE)
			category = new_keyword_category(text);
		word->text = pstrdup(text);
		word->opaque = opaque;
		word->keyword = category != CATEGORY_NONE;
		word->public = !opaque && phig_names_has(n->names, text, word->keyword);
		word->quotes = needs_quotes(text, category);
		word->placeholder = 0;

		/*
		 * An unreserved keyword may as well be the name of a column (name, value), or an alias
		 * (source).
		 */
		word->asked_alias = category == UNRESERVED_KEYWORD && !word->public;
		word->alias = word->asked_alias && phig_names_is_alias(n->names, text);
		if (category == UNRESERVED_KEYWORD && (word->public || word->alias))
			category = CATEGORY_NONE;
		word->category = category;
	}
	return word;
}

static void
put_identifier(Normalizer *n, Word *word)
{
	char		text[16];

	if (word->public)
	{
		put_name(n, word);
		return;
	}
	if (word->placeholder == 0)
		word->placeholder = ++n->placeholders;
	text[0] = '_';
	put(n, text, 1 + pg_ltoa(word->placeholder, text + 1), true);
	n->callable = true;
}

static void
put_keyword(Normalizer *n, const char *word, int category)
{
	char		upper[NAMEDATALEN];
	int			len = 0;
	Level	   *l;

	for (const char *p = word; *p != '\0'; p++)
		upper[len++] = *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p;
	end_rows(n);
	put(n, upper, len, false);
	n->keyword = category;
	n->callable = category == COL_NAME_KEYWORD;

	/* What follows is the first row, not part of an element before it. */
	if (strcmp(word, "values") == 0 && (l = level(n)) != NULL)
	{
		begin_list(l, n->out.len);
		l->rows = true;
	}
}

static void
put_word(Normalizer *n, const PhigToken *token)
{
	char		text[NAMEDATALEN];
	int			category;
	Word	   *word;

	flush_sign(n);
	phig_names_fold(token->start, token->len, text);
	category = keyword_category(text);
	if (category != CATEGORY_NONE && category != UNRESERVED_KEYWORD)
	{
		put_keyword(n, text, category);
		return;
	}

	word = lookup_word(n, text, category, false);
	if (word->category == CATEGORY_NONE)
		put_identifier(n, word);
	else
		put_keyword(n, text, word->category);
}

/* U&"..." may be spelt in many ways: never looked up. */
static void
put_quoted(Normalizer *n, const PhigToken *token)
{
	char		text[NAMEDATALEN];

	flush_sign(n);
	if (token->start[0] == '"')
	{
		phig_names_fold(token->start, token->len, text);
		put_identifier(n, lookup_word(n, text, keyword_category(text), false));
	}
	else
		put_identifier(n, lookup_word(n, pnstrdup(token->start, token->len), CATEGORY_NONE, true));
}

static void
put_token(Normalizer *n, const PhigToken *token)
{
	switch (token->kind)
	{
		case PHIG_TOKEN_WORD:
			put_word(n, token);
			break;
		case PHIG_TOKEN_QUOTED:
			put_quoted(n, token);
			break;
		case PHIG_TOKEN_NUMBER:
			put_number(n);
			break;
		case PHIG_TOKEN_STRING:
			flush_sign(n);
			put_value(n, "?", 1);
			break;
		case PHIG_TOKEN_PARAM:
			put_param(n, token);
			break;
		case PHIG_TOKEN_OPERATOR:
			put_operator(n, token);
			break;
		default:
			put_punctuation(n, token);
	}
}

/* After U&'...' and U&"...": UESCAPE and its character are part of it. */
static void
skip_uescape(PhigLexer *lexer, const PhigToken *before)
{
	PhigLexer	ahead = *lexer;
	PhigToken	token;

	if (before->len < 2 || before->start[1] != '&')
		return;
	phig_lex_next(&ahead, &token);
	if (token.kind != PHIG_TOKEN_WORD || token.len != 7 || pg_strncasecmp(token.start, "uescape", 7) != 0)
		return;
	phig_lex_next(&ahead, &token);
	if (token.kind == PHIG_TOKEN_STRING)
		*lexer = ahead;
}

/* False when the text is not SQL. */
static bool
put_text(Normalizer *n, const char *text, int len)
{
	PhigLexer	lexer;
	PhigToken	token;

	phig_lex_init(&lexer, text, len);
	for (;;)
	{
		phig_lex_next(&lexer, &token);
		if (token.kind == PHIG_TOKEN_END)
			break;
		if (token.kind == PHIG_TOKEN_BROKEN)
			return false;
		if (n->out.len > TEXT_MAX_BYTES)
		{
			appendStringInfoString(&n->out, " ...");
			return true;
		}
		put_token(n, &token);
		if (token.kind == PHIG_TOKEN_STRING || token.kind == PHIG_TOKEN_QUOTED)
			skip_uescape(&lexer, &token);
	}
	flush_sign(n);
	end_element(n);
	while (n->out.len > 0 && n->out.data[n->out.len - 1] == ';')
		n->out.data[--n->out.len] = '\0';
	return n->out.len > 0;
}

/* The words that were looked up, so that they can be asked for again; -1: too many. */
static int
list_words(const Normalizer *n, PhigShapeWord words[PHIG_SHAPE_MAX_WORDS])
{
	words_iterator scan;
	Word	   *word;
	int			nwords = 0;

	words_start_iterate(n->words, &scan);
	while ((word = words_iterate(n->words, &scan)) != NULL)
	{
		if (word->opaque)
			continue;
		if (nwords == PHIG_SHAPE_MAX_WORDS)
			return -1;
		words[nwords++] = (PhigShapeWord)
		{
			word->text, word->keyword, word->public,
				word->asked_alias, word->alias
		};
	}
	return nwords;
}

bool
phig_retell(const char *source, int len, PhigNames *names, StringInfo out, PhigShapeWord *words, int *nwords)
{
	Normalizer	n;

	memset(&n, 0, offsetof(Normalizer, levels));
	n.names = names;
	n.keyword = CATEGORY_NONE;
	begin_list(&n.levels[0], 0);
	initStringInfo(&n.out);
	n.words = words_create(CurrentMemoryContext, 32, NULL);
	if (!put_text(&n, source, len))
		return false;
	*out = n.out;
	if (words != NULL)
		*nwords = list_words(&n, words);
	return true;
}
