/*
 * lex.h
 *		The words, constants and operators of a statement's text.
 */
#ifndef PHIG_LEX_H
#define PHIG_LEX_H

#include "postgres.h"

typedef enum PhigTokenKind
{
	PHIG_TOKEN_END,
	PHIG_TOKEN_WORD,			/* keyword or unquoted identifier, as written */
	PHIG_TOKEN_QUOTED,			/* "identifier", quotes included; also U&"..." */
	PHIG_TOKEN_NUMBER,
	PHIG_TOKEN_STRING,			/* any quoted constant, with all its continuations */
	PHIG_TOKEN_PARAM,			/* $1 */
	PHIG_TOKEN_OPERATOR,
	PHIG_TOKEN_PUNCTUATION,		/* one of , ( ) [ ] ; : . or :: := .. */
	PHIG_TOKEN_BROKEN			/* no SQL: unterminated, or a character that cannot stand there */
} PhigTokenKind;

typedef struct PhigToken
{
	PhigTokenKind kind;
	const char *start;
	int			len;
} PhigToken;

typedef struct PhigLexer
{
	const char *pos;
	const char *end;
	bool		backslash_escapes;	/* in '...': standard_conforming_strings is off */
} PhigLexer;

/* text need not end in a NUL. */
extern void phig_lex_init(PhigLexer *lexer, const char *text, int len);

/*
 * phig_lex_next
 *		The next token; whitespace and comments are passed over.
 *
 * After PHIG_TOKEN_END or PHIG_TOKEN_BROKEN do not call again.
 * Errors:  none raised.  Memory: none allocated; token->start points into the text.
 */
extern void phig_lex_next(PhigLexer *lexer, PhigToken *token);

#endif
