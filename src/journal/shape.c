/*
 * shape.c
 *		Statements whose text was normalised before, but for their literals.
 *
 * An application that puts its values into the text sends few shapes of statements, each with ever other
 * literals.  A shape is the statement's tokens in a row, of which literals leave only their kind: what
 * the normalised text is made of, but for what the catalogs say of the words.  That is
 * asked anew each time (normalize.c), so nothing here goes stale.
 *
 * Kept is the last text for each remainder of the shape's hash, in the memory of this backend alone.  No
 * literal is in it.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#include "journal/lex.h"
#include "journal/shape.h"

#define SLOTS 32
#define SOURCE_MAX_BYTES (8 * PHIG_SHAPE_MAX_BYTES)
#define TEXT_MAX_BYTES (2 * PHIG_SHAPE_MAX_BYTES)

/* Longer ones no statement can have: they would be data. */
#define PARAM_MAX_BYTES 6

/* In one piece of memory: this, the words, the shape, the text, and what the words point to. */
typedef struct Kept
{
	int			shape_len;
	const char *shape;
	PhigShapeText text;
	PhigShapeWord words[FLEXIBLE_ARRAY_MEMBER];
} Kept;

static Kept *slots[SLOTS];
static MemoryContext context = NULL;

/* The bytes of a token that count besides its kind. */
static inline int
telling_bytes(const PhigToken *token, const char **bytes)
{
	*bytes = token->start;
	switch (token->kind)
	{
		case PHIG_TOKEN_NUMBER:
			return 0;
		case PHIG_TOKEN_STRING:
			/* UESCAPE may follow. */
			*bytes = token->start + 1;
			return token->len > 1 && token->start[1] == '&' ? 1 : 0;
		case PHIG_TOKEN_PARAM:
			return token->len <= PARAM_MAX_BYTES ? token->len : 0;
		default:
			return token->len;
	}
}

bool
phig_shape_read(PhigShape *shape, const char *text, int len)
{
	PhigLexer	lexer;
	PhigToken	token;
	char	   *to = shape->bytes;
	const char *end = shape->bytes + sizeof(shape->bytes);

	if (len > SOURCE_MAX_BYTES)
		return false;
	phig_lex_init(&lexer, text, len);
	for (phig_lex_next(&lexer, &token); token.kind != PHIG_TOKEN_END; phig_lex_next(&lexer, &token))
	{
		const char *bytes;
		int			n = telling_bytes(&token, &bytes);

		if (token.kind == PHIG_TOKEN_BROKEN || n + 2 > end - to)
			return false;
		/* No byte of a token is NUL. */
		*to++ = '0' + token.kind;
		for (int i = 0; i < n; i++)
			*to++ = bytes[i];
		*to++ = '\0';
	}
	shape->len = to - shape->bytes;
	return true;
}

static Kept **
slot_of(const PhigShape *shape)
{
	return &slots[hash_bytes((const unsigned char *) shape->bytes, shape->len) % SLOTS];
}

const PhigShapeText *
phig_shape_find(const PhigShape *shape)
{
	const Kept *kept = *slot_of(shape);

	if (kept == NULL || kept->shape_len != shape->len || memcmp(kept->shape, shape->bytes, shape->len) != 0)
		return NULL;
	return &kept->text;
}

/* Copy bytes to where *to is, and move it behind them. */
static const char *
put(char **to, const char *bytes, Size len)
{
	const char *copy = *to;

	memcpy(*to, bytes, len);
	*to += len;
	return copy;
}

void
phig_shape_keep(const PhigShape *shape, const PhigShapeText *text)
{
	Kept	  **slot = slot_of(shape);
	Size		size = offsetof(Kept, words) + text->nwords * sizeof(PhigShapeWord) + shape->len + text->len + 1;
	Kept	   *kept;
	char	   *to;

	if (text->len > TEXT_MAX_BYTES || text->nwords > PHIG_SHAPE_MAX_WORDS)
		return;
	for (int i = 0; i < text->nwords; i++)
		size += strlen(text->words[i].text) + 1;
	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "phiguard texts", ALLOCSET_DEFAULT_SIZES);
	kept = MemoryContextAlloc(context, size);
	to = (char *) &kept->words[text->nwords];
	kept->shape_len = shape->len;
	kept->shape = put(&to, shape->bytes, shape->len);
	kept->text = *text;
	kept->text.text = put(&to, text->text, text->len + 1);
	kept->text.words = kept->words;
	for (int i = 0; i < text->nwords; i++)
	{
		kept->words[i] = text->words[i];
		kept->words[i].text = put(&to, text->words[i].text, strlen(text->words[i].text) + 1);
	}
	if (*slot != NULL)
		pfree(*slot);
	*slot = kept;
}
