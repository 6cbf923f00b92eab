/* sources: src/journal/lex.c */
/*
 * lex_fuzz.c
 *		Any bytes as the text of a statement.
 *
 * Tokens follow each other inside the text, and between them stand only spaces and comments.  A token
 * read again by itself is the same token, but for an operator that a comment had cut.
 */
#include "postgres.h"

#include "fuzz.h"
#include "journal/lex.h"

bool		standard_conforming_strings = true;

/* No letter, digit or quote outside a comment: all else would be a word or a constant that got lost. */
static bool
is_blank(const char *text, int len)
{
	int			depth = 0;

	for (int i = 0; i < len; i++)
	{
		if (depth == 0 && text[i] == '-' && i + 1 < len && text[i + 1] == '-')
		{
			while (i < len && text[i] != '\n' && text[i] != '\r')
				i++;
		}
		else if (text[i] == '/' && i + 1 < len && text[i + 1] == '*')
		{
			depth++;
			i++;
		}
		else if (depth > 0 && text[i] == '*' && i + 1 < len && text[i + 1] == '/')
		{
			depth--;
			i++;
		}
		else if (depth == 0 && strchr(" \t\n\r\f\v", text[i]) == NULL)
			return false;
	}
	return depth == 0;
}

static void
read_again(const PhigToken *token)
{
	PhigLexer	lexer;
	PhigToken	again;

	phig_lex_init(&lexer, token->start, token->len);
	phig_lex_next(&lexer, &again);
	if (again.kind != token->kind || again.start != token->start || again.len != token->len)
		abort();
	phig_lex_next(&lexer, &again);
	if (again.kind != PHIG_TOKEN_END)
		abort();
}

static void
read_all(const char *text, int len)
{
	PhigLexer	lexer;
	PhigToken	token;
	const char *pos = text;

	phig_lex_init(&lexer, text, len);
	for (;;)
	{
		phig_lex_next(&lexer, &token);
		if (token.start < pos || token.start + token.len > text + len)
			abort();
		if (token.kind == PHIG_TOKEN_BROKEN)
			break;
		if (!is_blank(pos, token.start - pos))
			abort();
		if (token.kind == PHIG_TOKEN_END)
		{
			if (token.start != text + len)
				abort();
			break;
		}
		if (token.len <= 0)
			abort();
		read_again(&token);
		pos = token.start + token.len;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	standard_conforming_strings = true;
	read_all((const char *) data, (int) size);
	standard_conforming_strings = false;
	read_all((const char *) data, (int) size);
	return 0;
}
