/*
 * token.h
 *		A folded chunk as words, numbers and signs.
 */
#ifndef PHIG_TOKEN_H
#define PHIG_TOKEN_H

#include "detect/fold.h"

typedef enum PhigTokenType
{
	PHIG_WORD,					/* letters, apostrophes inside */
	PHIG_NUMBER,				/* digits */
	PHIG_SIGN					/* any other single byte but white space */
} PhigTokenType;

/* White space before a token. */
typedef enum PhigGap
{
	PHIG_GAP_NONE,
	PHIG_GAP_SPACE,
	PHIG_GAP_WIDE,				/* a tab, or spaces as between columns */
	PHIG_GAP_LINE,
	PHIG_GAP_PARAGRAPH			/* an empty line, or the beginning of the chunk */
} PhigGap;

/* Shapes of words. */
#define PHIG_SHAPE_INITIAL_UPPER	0x01
#define PHIG_SHAPE_ALL_UPPER		0x02	/* of two letters at least */
#define PHIG_SHAPE_OTHER_LETTERS	0x04	/* letters that have no ASCII form */
#define PHIG_SHAPE_USED				0x10	/* part of an address: no name */
#define PHIG_SHAPE_NAME				0x20	/* part of a name that was found */

typedef struct PhigToken
{
	uint32		start;
	uint32		end;
	uint8		type;
	uint8		gap;
	uint8		shape;
	char		sign;			/* the byte of a sign, else '\0' */
	uint32		dict;			/* what dictionary.h says of a word */
	uint64		lex;			/* what lexicon.h says of it */
	uint64		hash;			/* of a word in lower case, without apostrophes */
} PhigToken;

/* So far a recognizer may look ahead without asking whether there is anything. */
#define PHIG_SENTINELS 8

typedef struct PhigTokens
{
	PhigToken  *tokens;			/* n of them, and sentinels behind: signs with gap PARAGRAPH */
	int			n;
	int			room;
} PhigTokens;

extern void phig_tokenize(PhigTokens *out, const char *text, size_t len);

/* FNV-1a, 64 bits, finished so that all bits of it are good: the dictionary file is made with the same. */
#define PHIG_HASH_SEED UINT64CONST(0xcbf29ce484222325)

static inline uint64
phig_hash_byte(uint64 hash, char c)
{
	return (hash ^ (unsigned char) c) * UINT64CONST(0x100000001b3);
}

static inline uint64
phig_hash_finish(uint64 hash)
{
	hash ^= hash >> 29;
	hash *= UINT64CONST(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/* The hash of a word as a token would have it. */
extern uint64 phig_hash_word(const char *word, size_t len);

static inline bool
phig_is_sign(const PhigToken *token, char sign)
{
	return token->sign == sign;
}

static inline bool
phig_is_capital(const PhigToken *token)
{
	return (token->shape & PHIG_SHAPE_INITIAL_UPPER) != 0;
}

static inline uint32
phig_token_len(const PhigToken *token)
{
	return token->end - token->start;
}

#endif
