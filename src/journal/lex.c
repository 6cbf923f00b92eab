/*
 * lex.c
 *		The words, constants and operators of a statement's text.
 *
 * The server's own scanner would do, but it raises errors, repeats NOTICEs
 * (truncated identifiers) and WARNINGs (backslashes) that the parser has given
 * already, and copies the text.  This one finds the same borders between
 * tokens, in place.  Should it ever disagree with the server on where a
 * constant ends (standard_conforming_strings changed after a statement was
 * prepared), parts of the constant come out as words, which the
 * caller lets through only when they are keywords or names of the catalogs.
 */
#include "postgres.h"

#include "parser/parser.h"

#include "journal/lex.h"

#define IS_SPACE	0x01
#define IS_DIGIT	0x02
#define IS_LETTER	0x04		/* may begin an identifier */
#define IS_OPERATOR 0x08
#define IS_SPECIAL	0x10		/* an operator may end in + or - if it has one of these */
#define IS_PUNCTUATION 0x20

/* Bytes of 0x80 and above are letters: in server encodings no byte of a longer character is ASCII. */
static const uint8 char_class[256] = {
	[' '] = IS_SPACE, ['\t'] = IS_SPACE, ['\n'] = IS_SPACE, ['\r'] = IS_SPACE, ['\f'] = IS_SPACE, ['\v'] = IS_SPACE,
	['0' ... '9'] = IS_DIGIT,
	['a' ... 'z'] = IS_LETTER, ['A' ... 'Z'] = IS_LETTER, ['_'] = IS_LETTER, [0x80 ... 0xff] = IS_LETTER,
	['~'] = IS_OPERATOR | IS_SPECIAL, ['!'] = IS_OPERATOR | IS_SPECIAL, ['@'] = IS_OPERATOR | IS_SPECIAL,
	['#'] = IS_OPERATOR | IS_SPECIAL, ['^'] = IS_OPERATOR | IS_SPECIAL, ['&'] = IS_OPERATOR | IS_SPECIAL,
	['|'] = IS_OPERATOR | IS_SPECIAL, ['`'] = IS_OPERATOR | IS_SPECIAL, ['?'] = IS_OPERATOR | IS_SPECIAL,
	['%'] = IS_OPERATOR | IS_SPECIAL,
	['+'] = IS_OPERATOR, ['-'] = IS_OPERATOR, ['*'] = IS_OPERATOR, ['/'] = IS_OPERATOR, ['<'] = IS_OPERATOR,
	['>'] = IS_OPERATOR, ['='] = IS_OPERATOR,
	[','] = IS_PUNCTUATION, ['('] = IS_PUNCTUATION, [')'] = IS_PUNCTUATION, ['['] = IS_PUNCTUATION,
	[']'] = IS_PUNCTUATION, [';'] = IS_PUNCTUATION, [':'] = IS_PUNCTUATION, ['.'] = IS_PUNCTUATION,
};

static inline bool
is_class(char c, int classes)
{
	return (char_class[(unsigned char) c] & classes) != 0;
}

/* The character at pos + n, or NUL past the end. */
static inline char
peek(const PhigLexer *lexer, int n)
{
	return lexer->end - lexer->pos > n ? lexer->pos[n] : '\0';
}

void
phig_lex_init(PhigLexer *lexer, const char *text, int len)
{
	lexer->pos = text;
	lexer->end = text + len;
	lexer->backslash_escapes = !standard_conforming_strings;
}

static void
skip_line(PhigLexer *lexer)
{
	while (lexer->pos < lexer->end && *lexer->pos != '\n' && *lexer->pos != '\r')
		lexer->pos++;
}

/* At a slash and an asterisk.  False when the comment does not end. */
static bool
skip_block_comment(PhigLexer *lexer)
{
	int			depth = 0;

	while (lexer->pos < lexer->end)
	{
		if (*lexer->pos == '/' && peek(lexer, 1) == '*')
		{
			depth++;
			lexer->pos += 2;
		}
		else if (*lexer->pos == '*' && peek(lexer, 1) == '/')
		{
			lexer->pos += 2;
			if (--depth == 0)
				return true;
		}
		else
			lexer->pos++;
	}
	return false;
}

/* False when a comment does not end. */
static bool
skip_space(PhigLexer *lexer)
{
	while (lexer->pos < lexer->end)
	{
		if (is_class(*lexer->pos, IS_SPACE))
			lexer->pos++;
		else if (*lexer->pos == '-' && peek(lexer, 1) == '-')
			skip_line(lexer);
		else if (*lexer->pos == '/' && peek(lexer, 1) == '*')
		{
			if (!skip_block_comment(lexer))
				return false;
		}
		else
			break;
	}
	return true;
}

/* After a constant's closing quote: does it go on, in quotes again, on another line? */
static bool
continues(PhigLexer *lexer)
{
	const char *p = lexer->pos;
	bool		newline = false;

	while (p < lexer->end)
	{
		if (is_class(*p, IS_SPACE))
			newline |= (*p == '\n' || *p == '\r');
		else if (*p == '-' && p + 1 < lexer->end && p[1] == '-')
		{
			while (p + 1 < lexer->end && p[1] != '\n' && p[1] != '\r')
				p++;
		}
		else
			break;
		p++;
	}
	if (p >= lexer->end || *p != '\'' || !newline)
		return false;
	lexer->pos = p + 1;
	return true;
}

/*
 * After the opening quote: passes the closing one; false when there is none.
 * doubles: two quotes stand for one (everywhere but in bit strings).
 */
static bool
skip_quoted(PhigLexer *lexer, char quote, bool doubles, bool backslash_escapes)
{
	while (lexer->pos < lexer->end)
	{
		char		c = *lexer->pos++;

		if (c == '\\' && backslash_escapes)
		{
			if (lexer->pos < lexer->end)
				lexer->pos++;
		}
		else if (c == quote)
		{
			if (doubles && lexer->pos < lexer->end && *lexer->pos == quote)
				lexer->pos++;
			else if (quote != '\'' || !continues(lexer))
				return true;
		}
	}
	return false;
}

/* At a dollar sign.  False when no dollar-quoted constant begins, or none ends. */
static bool
skip_dollar_quoted(PhigLexer *lexer)
{
	const char *tag = lexer->pos;
	int			len = 1;

	if (is_class(peek(lexer, 1), IS_LETTER))
		while (is_class(peek(lexer, len), IS_LETTER | IS_DIGIT))
			len++;
	if (peek(lexer, len) != '$')
		return false;
	len++;

	for (lexer->pos += len; lexer->end - lexer->pos >= len; lexer->pos++)
		if (*lexer->pos == '$' && memcmp(lexer->pos, tag, len) == 0)
		{
			lexer->pos += len;
			return true;
		}
	return false;
}

static PhigTokenKind
lex_dollar(PhigLexer *lexer)
{
	if (!is_class(peek(lexer, 1), IS_DIGIT))
		return skip_dollar_quoted(lexer) ? PHIG_TOKEN_STRING : PHIG_TOKEN_BROKEN;
	lexer->pos++;
	while (is_class(peek(lexer, 0), IS_DIGIT))
		lexer->pos++;
	return PHIG_TOKEN_PARAM;
}

/* 12, 1.5, .5, 1e-10, 0xff, 1_000 */
static PhigTokenKind
lex_number(PhigLexer *lexer)
{
	bool		decimal = !(peek(lexer, 0) == '0' && is_class(peek(lexer, 1), IS_LETTER));
	bool		fraction = false;	/* no point may follow */

	while (lexer->pos < lexer->end)
	{
		char		c = *lexer->pos;

		if (c == '.' ? fraction || peek(lexer, 1) == '.' : !is_class(c, IS_DIGIT | IS_LETTER))
			break;
		fraction |= c == '.';
		lexer->pos++;
		if (decimal && (c == 'e' || c == 'E'))
		{
			fraction = true;
			if ((peek(lexer, 0) == '+' || peek(lexer, 0) == '-') && is_class(peek(lexer, 1), IS_DIGIT))
				lexer->pos++;
		}
	}
	return PHIG_TOKEN_NUMBER;
}

/* A letter that stands before a quote: E'...', B'...', X'...', N'...', U&'...', U&"..." */
static bool
lex_prefixed(PhigLexer *lexer, PhigTokenKind *kind)
{
	char		c = pg_ascii_tolower((unsigned char) peek(lexer, 0));
	int			prefix = c == 'u' && peek(lexer, 1) == '&' ? 2 : 1;
	char		quote = peek(lexer, prefix);
	bool		escapes = c == 'e' || (c == 'n' && lexer->backslash_escapes);

	if (!(quote == '\'' && (prefix == 2 || c == 'e' || c == 'b' || c == 'x' || c == 'n')) &&
		!(quote == '"' && prefix == 2))
		return false;
	lexer->pos += prefix + 1;
	*kind = quote == '"' ? PHIG_TOKEN_QUOTED : PHIG_TOKEN_STRING;
	if (!skip_quoted(lexer, quote, c != 'b' && c != 'x', escapes))
		*kind = PHIG_TOKEN_BROKEN;
	return true;
}

static PhigTokenKind
lex_word(PhigLexer *lexer)
{
	PhigTokenKind kind;

	if (lex_prefixed(lexer, &kind))
		return kind;
	while (lexer->pos < lexer->end && (is_class(*lexer->pos, IS_LETTER | IS_DIGIT) || *lexer->pos == '$'))
		lexer->pos++;
	return PHIG_TOKEN_WORD;
}

/*
 * An operator ends where a comment begins.  One of several characters ends in
 * + or - only if it has a character that is in no SQL-standard operator.
 */
static PhigTokenKind
lex_operator(PhigLexer *lexer)
{
	const char *start = lexer->pos;
	bool		special = false;

	while (lexer->pos < lexer->end && is_class(*lexer->pos, IS_OPERATOR))
	{
		char		c = *lexer->pos;

		if ((c == '-' && peek(lexer, 1) == '-') || (c == '/' && peek(lexer, 1) == '*'))
			break;
		special |= is_class(c, IS_SPECIAL);
		lexer->pos++;
	}
	while (!special && lexer->pos - start > 1 && (lexer->pos[-1] == '+' || lexer->pos[-1] == '-'))
		lexer->pos--;
	return PHIG_TOKEN_OPERATOR;
}

static PhigTokenKind
lex_punctuation(PhigLexer *lexer)
{
	char		c = peek(lexer, 0);
	char		next = peek(lexer, 1);

	if (!is_class(c, IS_PUNCTUATION))
		return PHIG_TOKEN_BROKEN;
	lexer->pos += (c == ':' && (next == ':' || next == '=')) || (c == '.' && next == '.') ? 2 : 1;
	return PHIG_TOKEN_PUNCTUATION;
}

static PhigTokenKind
lex_token(PhigLexer *lexer)
{
	char		c = *lexer->pos;

	if (is_class(c, IS_LETTER))
		return lex_word(lexer);
	if (is_class(c, IS_DIGIT) || (c == '.' && is_class(peek(lexer, 1), IS_DIGIT)))
		return lex_number(lexer);
	if (is_class(c, IS_OPERATOR))
		return lex_operator(lexer);
	if (c == '$')
		return lex_dollar(lexer);
	if (c == '\'' || c == '"')
	{
		lexer->pos++;
		if (!skip_quoted(lexer, c, true, c == '\'' && lexer->backslash_escapes))
			return PHIG_TOKEN_BROKEN;
		return c == '"' ? PHIG_TOKEN_QUOTED : PHIG_TOKEN_STRING;
	}
	return lex_punctuation(lexer);
}

void
phig_lex_next(PhigLexer *lexer, PhigToken *token)
{
	bool		ended = skip_space(lexer);

	token->start = lexer->pos;
	if (!ended)
		token->kind = PHIG_TOKEN_BROKEN;
	else
		token->kind = lexer->pos < lexer->end ? lex_token(lexer) : PHIG_TOKEN_END;
	token->len = (int) (lexer->pos - token->start);
}
