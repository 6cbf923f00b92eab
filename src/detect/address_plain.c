/*
 * address_plain.c
 *		Streets that no word tells, by what stands around them: "Ilica 12, 10000 Zagreb", corners of two streets.
 */
#include "postgres.h"

#include "detect/address.h"
#include "detect/placewords.h"

#define MAX_PLAIN_TOKENS 8
#define MAX_NAME_WORDS 4

static bool find_number_behind(PhigAddress *at, int i);
static bool may_precede(const PhigAddress *at, int i);
static void find_number_before(PhigAddress *at, int i);
static bool find_road(PhigAddress *at, int i);
static int	plain_begin(const PhigAddress *at, int last);
static bool is_own_name(const PhigAddress *at, int i);
static bool is_introduced(const PhigAddress *at, int i);
static int	read_side(const PhigAddress *at, int i);
static bool is_side_part(const PhigAddress *at, int i);

void
phig_find_plain_street(PhigAddress *at, int i)
{
	if (i == 0 || (!find_road(at, i) && !find_number_behind(at, i)))
		find_number_before(at, i);
}

/* "6773 FM 525", "5052 E 3000 S": numbers alone are names of roads.  Token i is the last number. */
static bool
find_road(PhigAddress *at, int i)
{
	const PhigToken *tokens = at->scan->tokens;
	const PhigToken *kind = &tokens[i - 1];
	bool		grid = (kind->lex & PHIG_LEX_DIRECTION) && (tokens[i + 1].lex & PHIG_LEX_DIRECTION) &&
		tokens[i + 1].gap == PHIG_GAP_SPACE;

	if (i < 2 || kind->type != PHIG_WORD || phig_token_len(kind) > 2 || kind[-1].type != PHIG_NUMBER ||
		kind->gap != PHIG_GAP_SPACE ||
		tokens[i].gap != PHIG_GAP_SPACE || phig_token_len(&tokens[i]) > 4 || phig_house_number_end(at, i - 2) != i - 2)
		return false;
	if (!grid && !(kind->shape & PHIG_SHAPE_ALL_UPPER) && at->capitals)
		return false;
	if (!grid && !phig_is_place(at->scan, i - 1, PHIG_PLACE_ROAD))
		return false;
	phig_read_behind(at, grid ? i + 1 : i, false);
	if (!at->sure && !at->placed)
		return false;
	phig_take_part(at, i - 2, grid ? i + 1 : i, PHIG_PART_STREET);
	phig_read_behind(at, grid ? i + 1 : i, true);
	phig_read_before(at, i - 2);
	return true;
}

/* "Ilica 12, 10000 Zagreb", "Bagdat Caddesi No: 42". */
static bool
find_number_behind(PhigAddress *at, int i)
{
	const PhigToken *tokens = at->scan->tokens;
	int			last,
				first;

	if (!may_precede(at, i))
		return false;
	last = phig_house_number_end(at, i);
	if (last < 0 || (!phig_ends_part(at, last + 1) && phig_token_len(&tokens[last + 1]) > 3 &&
					 !phig_is_flat_word(at, last + 1)))
		return false;
	first = plain_begin(at, i);
	if (first < 0)
		return false;
	phig_read_behind(at, last, false);
	if (!at->sure)
		return false;
	phig_take_part(at, first, last, PHIG_PART_STREET);
	phig_read_behind(at, last, true);
	phig_read_before(at, first);
	return true;
}

/* Whether a name may stand before number i: what rules out most numbers at once. */
static bool
may_precede(const PhigAddress *at, int i)
{
	const PhigToken *before = &at->scan->tokens[i - 1];

	if (before->shape & PHIG_SHAPE_USED)
		return false;
	/* "u. 14", "No: 42" */
	if (before->type == PHIG_SIGN)
		return ((before->sign == '.' || before->sign == ',') && at->scan->tokens[i].gap == PHIG_GAP_SPACE) ||
			(before->sign == ':' && i > 1 &&
			 phig_is_flat_word(at, i - 2));
	return before->type == PHIG_WORD && at->scan->tokens[i].gap == PHIG_GAP_SPACE &&
		((before->shape & (PHIG_SHAPE_INITIAL_UPPER | PHIG_SHAPE_OTHER_LETTERS)) || !at->capitals ||
		 before->dict == 0 ||
		 phig_is_flat_word(at, i - 1));
}

/* "37-2-3 Nishi-Shinjuku, Tokyo 160-0023", "79 291 Adelianos Kambos, Suite 4". */
static void
find_number_before(PhigAddress *at, int i)
{
	const PhigToken *tokens = at->scan->tokens;
	const PhigToken *next = &tokens[i + 1];
	int			first = i;
	int			last;
	int			words = 0;
	bool		name = false;

	if (next->type == PHIG_WORD ? next->gap == PHIG_GAP_SPACE && next->shape == 0 && at->capitals && next->dict != 0 :
		next->sign != '-' && next->sign != '/')
		return;
	last = phig_house_number_end(at, i);
	if (last < 0 || (tokens[i].gap == PHIG_GAP_NONE && (tokens[i - 1].sign == '\0' ||
														strchr("\"(=|", tokens[i - 1].sign) == NULL)) ||
		tokens[last + 1].gap != PHIG_GAP_SPACE ||
		!phig_is_place_word(at, last + 1))
		return;
	if (i > 0 && tokens[i - 1].type == PHIG_NUMBER && tokens[i].gap == PHIG_GAP_SPACE)
		first--;
	if (!is_introduced(at, first))
		return;
	for (; words < MAX_NAME_WORDS && tokens[last + 1].gap <= PHIG_GAP_SPACE && !phig_is_flat_word(at, last + 1); last++)
	{
		if (!phig_is_place_word(at, last + 1) && !(tokens[last + 1].sign == '-' && phig_is_place_word(at, last + 2)))
			break;
		words += tokens[last + 1].type == PHIG_WORD;
		name |= is_own_name(at, last + 1);
	}
	if (!name || !(phig_ends_part(at, last + 1) || phig_is_flat_word(at, last + 1)))
		return;
	phig_read_behind(at, last, false);
	if (!at->sure)
		return;
	phig_take_part(at, first, last, PHIG_PART_STREET);
	phig_read_behind(at, last, true);
}

/* Where a street begins that ends in the number of a house, token last; -1: nowhere. */
static int
plain_begin(const PhigAddress *at, int last)
{
	const PhigToken *tokens = at->scan->tokens;
	bool		word = false;
	int			j = last;

	for (; j > 0 && last - j < MAX_PLAIN_TOKENS && tokens[j].gap <= PHIG_GAP_SPACE; j--)
	{
		const PhigToken *before = &tokens[j - 1];

		if (before->shape & PHIG_SHAPE_USED)
			return -1;
		if (before->type == PHIG_WORD)
		{
			if (!phig_is_place_word(at, j - 1) && !phig_is_place(at->scan, j - 1, PHIG_PLACE_SMALL) &&
				!phig_is_flat_word(at, j - 1))
				break;
			if ((before->lex & PHIG_LEX_AT) && !(before->shape & PHIG_SHAPE_INITIAL_UPPER))
				break;
			word |= is_own_name(at, j - 1) || (phig_is_flat_word(at, j - 1) && tokens[j].sign == '.');
		}
		else if (before->type == PHIG_NUMBER)
		{
			if (phig_token_len(before) > 5)
				break;
		}
		/* "No: 42" */
		else if (before->sign == ':' ? j < 2 || !phig_is_flat_word(at, j - 2) :
				 before->sign == '\0' || strchr(".-'/", before->sign) == NULL)
			break;
	}
	while (j < last && (tokens[j].type == PHIG_SIGN || phig_is_place(at->scan, j, PHIG_PLACE_SMALL)) &&
		   !(tokens[j].shape & PHIG_SHAPE_INITIAL_UPPER))
		j++;
	return word && j < last && (is_introduced(at, j) || tokens[j - 1].type == PHIG_WORD) ? j : -1;
}

/* A word that is no ordinary one: "Cycle 3, Day 15" is no street. */
static bool
is_own_name(const PhigAddress *at, int i)
{
	const PhigToken *token = &at->scan->tokens[i];

	return token->type == PHIG_WORD && phig_token_len(token) > 1 && (token->dict & PHIG_DICT_WORD) == 0 &&
		(token->lex & PHIG_LEX_UNIT) == 0 && !phig_is_place(at->scan, i, PHIG_PLACE_SMALL);
}

/* Whether a place may begin at token i: a new line, a place word, or a sign stands before it. */
static bool
is_introduced(const PhigAddress *at, int i)
{
	const PhigToken *before = &at->scan->tokens[i - 1];

	return i == 0 || at->scan->tokens[i].gap >= PHIG_GAP_LINE || (before->lex & (PHIG_LEX_AT | PHIG_LEX_LIVES)) ||
		(before->sign != '\0' && strchr(":;,\"(=|?", before->sign) != NULL);
}

void
phig_find_corner(PhigAddress *at, int i)
{
	const PhigToken *tokens = at->scan->tokens;
	int			first,
				joint,
				last;

	if (tokens[i + 1].type != PHIG_WORD || strncasecmp(at->scan->text + tokens[i + 1].start, "of ", 3) != 0)
		return;
	first = i + 2;
	joint = read_side(at, first) + 1;
	if (joint == first)
		return;
	if (tokens[joint].sign == '.' && tokens[joint].gap == PHIG_GAP_NONE)
		joint++;
	if (tokens[joint].sign != '&' && strncasecmp(at->scan->text + tokens[joint].start, "and ", 4) != 0)
		return;
	last = read_side(at, joint + 1);
	if (last > joint)
		phig_take_part(at, i, last, PHIG_PART_STREET);
}

/* One of two streets that meet: words in capitals, numbers; returns its last token, i - 1: none. */
static int
read_side(const PhigAddress *at, int i)
{
	const PhigToken *tokens = at->scan->tokens;
	int			last = i - 1;

	for (int j = i; j < at->scan->n && j < i + MAX_PLAIN_TOKENS && tokens[j].gap <= PHIG_GAP_SPACE &&
		 is_side_part(at, j); j++)
	{
		if (tokens[j].type != PHIG_SIGN)
			last = j;
		/* without capitals a street ends with its kind or its number */
		if (!at->capitals && j > i && (tokens[j].type == PHIG_NUMBER || ((tokens[j].lex & PHIG_LEX_STREET) &&
																		 tokens[j + 1].type != PHIG_NUMBER)))
			break;
	}
	return last;
}

static bool
is_side_part(const PhigAddress *at, int i)
{
	const PhigToken *token = &at->scan->tokens[i];

	if (token->type == PHIG_SIGN)
		return token->gap == PHIG_GAP_NONE && token->sign != '\0' && strchr(".-'/", token->sign) != NULL;
	if (token->type == PHIG_NUMBER)
		return true;
	return strncasecmp(at->scan->text + token->start, "and ", 4) != 0 &&
		(!at->capitals || (token->shape & (PHIG_SHAPE_INITIAL_UPPER | PHIG_SHAPE_USED)) ||
		 (token->lex & (PHIG_LEX_ORDINAL | PHIG_LEX_PARTICLE)));
}
