/*
 * token.c
 *		A folded chunk as words, numbers and signs.
 */
#include "postgres.h"

#include "detect/chars.h"
#include "detect/dictionary.h"
#include "detect/lexicon.h"
#include "detect/token.h"

enum
{
	C_SPACE, C_LINE, C_LETTER, C_DIGIT, C_SIGN
};

static uint8 classes[256];
static char lower[256];
static bool ready = false;

static void prepare(void);
static size_t read_word(const char *text, size_t at, size_t len, PhigToken *token);

void
phig_tokenize(PhigTokens *out, const char *text, size_t len)
{
	size_t		at = 0;
	PhigGap		gap = PHIG_GAP_PARAGRAPH;
	int			n = 0;

	if (!ready)
		prepare();
	/* every token but the sentinels has a byte at least */
	if ((size_t) out->room < len + PHIG_SENTINELS)
	{
		if (out->tokens != NULL)
			pfree(out->tokens);
		out->tokens = palloc((len + PHIG_SENTINELS) * sizeof(PhigToken));
		out->room = len + PHIG_SENTINELS;
	}
	while (at < len)
	{
		unsigned char c = text[at];
		PhigToken  *token = &out->tokens[n];

		switch (classes[c])
		{
			case C_SPACE:
				gap = gap == PHIG_GAP_NONE ? (c == '\t' ? PHIG_GAP_WIDE : PHIG_GAP_SPACE) :
					gap == PHIG_GAP_SPACE ? PHIG_GAP_WIDE : gap;
				at++;
				continue;
			case C_LINE:
				if (c != '\r')
					gap = gap >= PHIG_GAP_LINE ? PHIG_GAP_PARAGRAPH : PHIG_GAP_LINE;
				at++;
				continue;
		}
		token->start = at;
		token->gap = gap;
		token->shape = 0;
		token->sign = '\0';
		token->dict = 0;
		token->lex = 0;
		token->hash = 0;
		if (classes[c] == C_LETTER)
		{
			token->type = PHIG_WORD;
			at = read_word(text, at, len, token);
		}
		else if (classes[c] == C_DIGIT)
		{
			token->type = PHIG_NUMBER;
			while (at < len && classes[(unsigned char) text[at]] == C_DIGIT)
				at++;
		}
		else
		{
			token->type = PHIG_SIGN;
			token->sign = c;
			at++;
		}
		token->end = at;
		gap = PHIG_GAP_NONE;
		n++;
	}
	out->n = n;
	for (int i = 0; i < PHIG_SENTINELS; i++)
		out->tokens[n + i] = (PhigToken)
	{
		.start = len, .end = len, .type = PHIG_SIGN, .gap = PHIG_GAP_PARAGRAPH, .sign = '\n'
	};
}

uint64
phig_hash_word(const char *word, size_t len)
{
	uint64		hash = PHIG_HASH_SEED;

	if (!ready)
		prepare();
	for (size_t i = 0; i < len; i++)
		if (word[i] != '\'')
			hash = phig_hash_byte(hash, lower[(unsigned char) word[i]]);
	return phig_hash_finish(hash);
}

/* An apostrophe belongs to a word between two letters, unless what follows is a possessive s. */
static size_t
read_word(const char *text, size_t at, size_t len, PhigToken *token)
{
	uint64		hash = PHIG_HASH_SEED;
	size_t		start = at;
	bool		upper = true;
	uint8		shape = is_upper(text[at]) ? PHIG_SHAPE_INITIAL_UPPER : 0;

	for (;; at++)
	{
		unsigned char c = at < len ? text[at] : ' ';

		if (classes[c] == C_LETTER)
		{
			hash = phig_hash_byte(hash, lower[c]);
			upper &= is_upper(c);
			if (c == (unsigned char) PHIG_OTHER_LETTER)
				shape |= PHIG_SHAPE_OTHER_LETTERS;
		}
		else if (c != '\'' || at + 1 >= len || classes[(unsigned char) text[at + 1]] != C_LETTER ||
				 ((text[at + 1] == 's' || text[at + 1] == 'S') &&
				  (at + 2 >= len || classes[(unsigned char) text[at + 2]] != C_LETTER)))
			break;
	}
	if (upper && at - start > 1)
		shape |= PHIG_SHAPE_ALL_UPPER;
	token->shape = shape;
	token->hash = phig_hash_finish(hash);
	token->lex = phig_lexicon_look(token->hash);
	token->dict = phig_dictionary_look(token->hash);
	return at;
}

static void
prepare(void)
{
	for (int c = 0; c < 256; c++)
	{
		lower[c] = is_upper(c) ? c - 'A' + 'a' : c;
		classes[c] = is_digit(c) ? C_DIGIT : is_letter(c) ? C_LETTER :
			c == '\n' || c == '\r' || c == '\f' || c == '\v' ? C_LINE :
			c == ' ' || c == '\t' ? C_SPACE : C_SIGN;
	}
	ready = true;
}
