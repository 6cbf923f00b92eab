/*
 * abroad.c
 *		Addresses that are not written as in the United States, and those of its forces.
 *
 * The kind of street stands before the name ("Via Roma 8"), or in one word with it ("Kuefsteinstrasse 9"), the number
 * behind.  What stands around a flat or suite with a number, or behind the label "address", belongs to it.
 */
#include "postgres.h"

#include "detect/chars.h"
#include "detect/places.h"
#include "detect/placewords.h"

#define MAX_STREET_TOKENS 10
#define MAX_BLOCK_LINES 4

static bool may_be_kind(const PhigScan *scan, int i);
static void find_forces(PhigScan *scan, int i);
static void find_kind_before(PhigScan *scan, int i);
static bool is_without_number(const PhigScan *scan, int i);
static bool is_before_flat(const PhigScan *scan, int i);
static int	house_before(const PhigScan *scan, int i);
static void find_kind_within(PhigScan *scan, int i);
static int	kind_begin(const PhigScan *scan, int i);
static int	plain_begin(const PhigScan *scan, int i);
static void find_around_unit(PhigScan *scan, int i);
static void find_behind_label(PhigScan *scan, int i);
static int	rest_of_line(PhigScan *scan, int last);
static int	street_before(const PhigScan *scan, int last);
static int	block_line(const PhigScan *scan, int i);
static bool ends_like_street(const PhigScan *scan, int i);
static bool is_house_number(const PhigScan *scan, int i);
static bool is_divided(const PhigScan *scan, int i);
static bool is_used(const PhigScan *scan, int first, int last);
static void take(PhigScan *scan, int first, int last, const char *kind, float score);

/* As folded: one letter each. */
static const char *const endings[] = {
	"allen", "braut", "dreef", "gade", "gasse", "gata", "gatan", "gate", "gaten", "gracht", "kade", "katu", "kuja",
	"laan", "platz",
	"plein", "stigur", "straat", "strade", "strase", "strasse", "strati", "tie", "trida", "utca", "vagen", "vegen",
	"vegur", "veien",
	"vej", "weg"
};

void
phig_find_abroad(PhigScan *scan)
{
	for (int i = 0; i < scan->n; i++)
	{
		const PhigToken *token = &scan->tokens[i];

		if (token->type == PHIG_NUMBER)
			find_kind_within(scan, i);
		if (token->type != PHIG_WORD)
			continue;
		if (phig_token_len(token) == 3)
			find_forces(scan, i);
		if ((token->lex & PHIG_LEX_UNIT) && phig_is_place(scan, i, PHIG_PLACE_SUITE))
			find_around_unit(scan, i);
		if (token->lex & PHIG_LEX_LIVES)
			find_behind_label(scan, i);
		if (may_be_kind(scan, i) && phig_is_place(scan, i, PHIG_PLACE_KIND))
			find_kind_before(scan, i);
	}
}

/* Few words are so: what makes it cheap to ask further. */
static bool
may_be_kind(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	if (phig_token_len(token) > 9 || (token->shape & PHIG_SHAPE_USED) ||
		(token[1].type != PHIG_WORD && token[1].sign != '.' && token[1].sign != '/'))
		return false;
	/* "C/ Mayor" */
	if (token[1].sign == '/')
		return phig_token_len(token) == 1 && token[1].gap == PHIG_GAP_NONE && token[2].type == PHIG_WORD;
	return (token->shape & PHIG_SHAPE_INITIAL_UPPER) || token[1].sign == '.' ||
		(i > 0 && (token[-1].type == PHIG_NUMBER || token[-1].sign == ','));
}

/* "PSC 1437, Box 3833, APO AA 66791", "USNS Comfort FPO AP 96662". */
static void
find_forces(PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			first = i;
	int			last;

	if (!phig_is_place(scan, i, PHIG_PLACE_FORCES) || !phig_is_place(scan, i + 1, PHIG_PLACE_THEATER) ||
		tokens[i + 2].type != PHIG_NUMBER || phig_token_len(&tokens[i + 2]) != 5)
		return;
	for (int j = i - 1; j >= 0 && j >= i - 6 && tokens[j + 1].gap < PHIG_GAP_PARAGRAPH; j--)
		if (phig_is_place(scan, j, PHIG_PLACE_POST))
			first = j;
	last = tokens[i + 3].sign == '-' && tokens[i + 3].gap == PHIG_GAP_NONE && tokens[i + 4].type == PHIG_NUMBER &&
		tokens[i + 4].gap == PHIG_GAP_NONE ? i + 4 : i + 2;
	take(scan, first, last, "street", 0.9f);
}

/* "56 rue La Boetie", "Via Zannoni 49", "ul. Krolowej Jadwigi 5". */
static void
find_kind_before(PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	bool		capital = (tokens[i].shape & PHIG_SHAPE_INITIAL_UPPER) != 0;
	int			house = house_before(scan, i);
	bool		before = house >= 0;
	int			words = 0,
				lower = 0;
	int			j = tokens[i + 1].sign == '/' ? i + 2 : i + 1;

	for (; j < scan->n && j < i + MAX_STREET_TOKENS && tokens[j].gap <= PHIG_GAP_SPACE; j++)
	{
		const PhigToken *token = &tokens[j];

		if (token->type == PHIG_NUMBER)
			break;
		if (token->type == PHIG_SIGN)
		{
			/* "Rua das Flores, 120" */
			if (token->sign == ',' && capital && !before && words > 0 && is_house_number(scan, j + 1) &&
				tokens[j + 1].gap == PHIG_GAP_SPACE)
				continue;
			if (token->sign != '.' && token->sign != '\'' && token->sign != '-')
				break;
			continue;
		}
		/* "via the right groin" */
		if (!(token->shape & PHIG_SHAPE_INITIAL_UPPER) && !(token->lex & PHIG_LEX_PARTICLE) &&
			!phig_is_place(scan, j, PHIG_PLACE_JOINT) &&
			(!before || (token->dict & (PHIG_DICT_WORD | PHIG_DICT_MEDICAL))))
			break;
		words += (token->shape & PHIG_SHAPE_INITIAL_UPPER) != 0;
		lower += (token->shape & PHIG_SHAPE_INITIAL_UPPER) == 0;
	}
	/* without capitals only between two numbers */
	if (words == 0 && lower > 0 && before && tokens[j].type == PHIG_NUMBER)
		words = 1;
	if (words == 0)
		return;
	if (tokens[j].type == PHIG_NUMBER && tokens[j].gap == PHIG_GAP_SPACE && (is_house_number(scan, j) ||
																			 is_divided(scan, j)) &&
		(capital || before || tokens[i + 1].sign == '.'))
		take(scan, before ? house : i, j, "street", 0.7f);
	else if (capital && (is_without_number(scan, j) || is_before_flat(scan, j)))
		take(scan, i, tokens[j].sign == ',' ? j - 1 : j + 2, "street", 0.6f);
	else if (before)
	{
		while (tokens[j - 1].type == PHIG_SIGN)
			j--;
		take(scan, house, j - 1, "street", 0.65f);
	}
}

/* "s/n": the house has no number. */
static bool
is_without_number(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	return phig_token_len(token) == 1 && (scan->text[token->start] | 0x20) == 's' && token[1].sign == '/' &&
		token[1].gap == PHIG_GAP_NONE && phig_token_len(&token[2]) == 1 && (scan->text[token[2].start] | 0x20) == 'n' &&
		token[2].gap == PHIG_GAP_NONE;
}

/* ", Bloc 36": a house that is named by the number of a flat. */
static bool
is_before_flat(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	return token->sign == ',' && phig_is_place(scan, i + 1, PHIG_PLACE_FLAT) &&
		(token[2].type == PHIG_NUMBER || (token[2].sign == '.' && token[3].type == PHIG_NUMBER));
}

/* Where the number begins that stands before kind i: "56 rue", "56, rue", "56 bis, rue"; -1: none does. */
static int
house_before(const PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			j = i - 1;

	if (j > 0 && tokens[j].sign == ',' && tokens[j].gap == PHIG_GAP_NONE)
		j--;
	if (j > 0 && phig_is_place(scan, j, PHIG_PLACE_AGAIN))
		j--;
	else if (j < i - 1 && (j < 1 || tokens[j].gap == PHIG_GAP_NONE))
		return -1;
	return j >= 0 && is_house_number(scan, j) && tokens[i].gap == PHIG_GAP_SPACE ? j : -1;
}

/* "67 Lodskovvej 28", "Obere Bergstrasse 51", "Kossuth Lajos u. 14", "Paul-Linde-Platz 4". */
static void
find_kind_within(PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			kind = i > 1 && tokens[i - 1].sign == '.' ? i - 2 : i - 1;
	int			first;

	if (kind < 0 || tokens[i].gap != PHIG_GAP_SPACE || !is_house_number(scan, i) ||
		(tokens[i + 1].lex & PHIG_LEX_MEASURE))
		return;
	first = kind_begin(scan, kind);
	if (first < 0)
	{
		first = plain_begin(scan, i);
		if (first >= 0)
			take(scan, first, i, "street", 0.55f);
		return;
	}
	if (first > 0 && is_house_number(scan, first - 1) && tokens[first].gap == PHIG_GAP_SPACE)
		first--;
	take(scan, first, i, "street", 0.65f);
}

/* The first of the words that token i, a kind or a word that ends in one, is the last of; -1: it is none. */
static int
kind_begin(const PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			words = 0;
	int			first = i;
	bool		within = ends_like_street(scan, i);

	if (!within && !phig_is_place(scan, i, PHIG_PLACE_BEHIND))
		return -1;
	/* up to three words before it that are names */
	while (first > 0 && words < 3)
	{
		int			before = first - 1;

		if (tokens[before].sign == '-' && tokens[before].gap == PHIG_GAP_NONE && tokens[first].gap == PHIG_GAP_NONE &&
			before > 0)
			before--;
		else if (tokens[first].gap != PHIG_GAP_SPACE)
			break;
		if (tokens[before].type != PHIG_WORD ||
			!((tokens[before].shape & PHIG_SHAPE_INITIAL_UPPER) || tokens[first].gap == PHIG_GAP_NONE ||
			  tokens[before + 1].gap == PHIG_GAP_NONE) || (tokens[before].shape & PHIG_SHAPE_USED) ||
			(tokens[before].dict & PHIG_DICT_MEDICAL) ||
			((tokens[before].lex != 0 || (tokens[before].dict & PHIG_DICT_WORD)) && (within || words > 0)))
			break;
		first = before;
		words++;
	}
	/* "van der Meerlaan" */
	for (int n = 0; n < 3 && first > 0 && (tokens[first - 1].lex & PHIG_LEX_PARTICLE) &&
		 tokens[first].gap == PHIG_GAP_SPACE &&
		 tokens[first - 1].type == PHIG_WORD; n++)
		first--;
	return within || words > 0 ? first : -1;
}

/* "at 72134 Coronilla 3599": names that no list of words knows, between two numbers and behind a place word;
	-1: not so. */
static int
plain_begin(const PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			j = i - 1;

	for (; j > 0 && i - j <= 3 && tokens[j].type == PHIG_WORD; j--)
		if (!(tokens[j].shape & PHIG_SHAPE_INITIAL_UPPER) || tokens[j].gap != PHIG_GAP_SPACE || tokens[j].lex != 0 ||
			(tokens[j].dict & (PHIG_DICT_WORD | PHIG_DICT_MEDICAL)) || (tokens[j].shape & PHIG_SHAPE_USED))
			return -1;
	if (j < 1 || j == i - 1 || !is_house_number(scan, j) || tokens[j].gap > PHIG_GAP_SPACE)
		return -1;
	return (tokens[j - 1].lex & PHIG_LEX_AT) || (tokens[j - 1].sign == ',' && phig_token_len(&tokens[j]) > 1) ? j : -1;
}

/* "Suite 245" with the line before it, and what follows up to a postal code. */
static void
find_around_unit(PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			last = i + 1;
	int			first,
				before;

	if (tokens[last].sign == '.' || tokens[last].sign == '#')
		last++;
	if (last >= scan->n || tokens[last].type != PHIG_NUMBER || tokens[last].gap > PHIG_GAP_SPACE ||
		phig_token_len(&tokens[last]) > 5 || (tokens[last + 1].lex & PHIG_LEX_MEASURE))
		return;
	if (!(tokens[i].shape & PHIG_SHAPE_USED))
		take(scan, i, last, "street", 0.6f);
	/* quoted lines begin with a sign */
	for (before = i - 1; before > 0 && tokens[before].sign != '\0' &&
		 strchr(">?*|", tokens[before].sign) != NULL; before--)
		;
	first = street_before(scan, before);
	if (first >= 0)
		take(scan, first, before, "street", 0.6f);
	last = rest_of_line(scan, last);
	for (int lines = 0; lines < MAX_BLOCK_LINES; lines++)
	{
		int			end = block_line(scan, last + 1);

		if (end < 0)
			break;
		if (!is_used(scan, last + 1, end))
			take(scan, last + 1, end, "city", 0.55f);
		last = end;
	}
}

/* "address: 5049 Harjukuja 54", "address is ..."; a number must be among the first words. */
static void
find_behind_label(PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	bool		sign = false;
	bool		number = false;
	int			first = i + 1;
	int			last;

	if (!phig_is_place(scan, i, PHIG_PLACE_LABEL))
		return;
	for (; first < scan->n && first < i + 6; first++)
	{
		if (tokens[first].sign == ':' || tokens[first].sign == '=')
			sign = true;
		else if (tokens[first].sign != '"' && tokens[first].sign != '>' &&
				 !phig_is_place(scan, first, PHIG_PLACE_LEAD))
			break;
	}
	if (first == i + 1 || (tokens[first].gap >= PHIG_GAP_LINE && !sign))
		return;
	for (last = first; last < scan->n && last < first + MAX_STREET_TOKENS; last++)
	{
		const PhigToken *token = &tokens[last];

		if ((last > first && token->gap >= PHIG_GAP_LINE) ||
			(token->sign != '\0' && strchr(";|\"<>:?", token->sign) != NULL) ||
			(token->sign == '.' && tokens[last + 1].gap > PHIG_GAP_NONE &&
			 (tokens[last - 1].type == PHIG_NUMBER || phig_token_len(&tokens[last - 1]) > 4)))
			break;
		if (token->type == PHIG_WORD && token->shape == 0 && !(token->lex & (PHIG_LEX_PARTICLE | PHIG_LEX_STREET)) &&
			(token->dict & PHIG_DICT_WORD))
			break;
		number |= token->type == PHIG_NUMBER && phig_token_len(token) <= 6;
	}
	if (number && last - first >= 2 && !is_used(scan, first, last - 1))
		take(scan, first, last - 1, "street", sign ? 0.75f : 0.6f);
}

/* "Suite 574 34 Sireli 74": the street behind the flat; returns its last token, or last. */
static int
rest_of_line(PhigScan *scan, int last)
{
	const PhigToken *tokens = scan->tokens;
	int			first = last + 1;
	int			end = first;
	bool		word = false;

	if (tokens[first].gap != PHIG_GAP_SPACE || !is_house_number(scan, first))
		return last;
	for (; end < scan->n && tokens[end].gap <= PHIG_GAP_SPACE; end++)
	{
		const PhigToken *token = &tokens[end];

		if (end - first >= MAX_STREET_TOKENS || (token->type == PHIG_WORD && (token->dict & PHIG_DICT_MEDICAL)) ||
			(token->lex & PHIG_LEX_MEASURE) ||
			(token->type == PHIG_SIGN && (token->sign == '\0' || strchr(",.-'", token->sign) == NULL)))
			return last;
		word |= token->type == PHIG_WORD;
	}
	if (!word || is_used(scan, first, end - 1))
		return last;
	take(scan, first, end - 1, "street", 0.6f);
	return end - 1;
}

/* Where the street begins that ends in token last with the number of a house; -1: there is none. */
static int
street_before(const PhigScan *scan, int last)
{
	const PhigToken *tokens = scan->tokens;
	bool		word = false;
	int			j = last;

	if (last >= 1 && tokens[last].sign == ',')
		last = --j;
	if (j < 1 || !is_house_number(scan, j))
		return -1;
	while (j > 0 && last - j < MAX_STREET_TOKENS && tokens[j].gap <= PHIG_GAP_SPACE)
	{
		const PhigToken *before = &tokens[j - 1];

		if (before->shape & PHIG_SHAPE_USED)
			break;
		if (before->type == PHIG_WORD)
		{
			if (!(before->shape & PHIG_SHAPE_INITIAL_UPPER) && (before->dict & PHIG_DICT_WORD))
				break;
			word = true;
		}
		else if (before->type == PHIG_SIGN && before->sign != '.' && before->sign != '-' && before->sign != '\'')
			break;
		j--;
	}
	return word ? j : -1;
}

/* The end of a line of an address that begins at token i: a town, a country, a postal code; -1 if it is none. */
static int
block_line(const PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			last = i;

	if (i >= scan->n || tokens[i].gap != PHIG_GAP_LINE)
		return -1;
	for (; last < scan->n && (last == i || tokens[last].gap <= PHIG_GAP_SPACE); last++)
	{
		const PhigToken *token = &tokens[last];
		bool		fits = token->type == PHIG_NUMBER ? phig_token_len(token) >= 3 && phig_token_len(token) <= 6 :
			token->type == PHIG_SIGN ? token->sign != '\0' && strchr(last == i ? ",.-'()>?" : ",.-'()?",
																	 token->sign) != NULL :
			(token->dict & PHIG_DICT_MEDICAL) == 0 && (token->lex & (PHIG_LEX_GREETING | PHIG_LEX_PERSON)) == 0 &&
			((token->shape & PHIG_SHAPE_INITIAL_UPPER) || (token->dict & PHIG_DICT_WORD) == 0 ||
			 phig_is_place(scan, last, PHIG_PLACE_JOINT));

		if (!fits || last - i > 7)
			return -1;
	}
	return last - 1;
}

/* One word, in no list, with an ending that streets have. */
static bool
ends_like_street(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];
	uint32		len = phig_token_len(token);

	if (token->type != PHIG_WORD || token->dict != 0 || token->lex != 0 || len < 7 || (token->shape & PHIG_SHAPE_USED))
		return false;
	for (int j = 0; j < (int) lengthof(endings); j++)
	{
		uint32		n = strlen(endings[j]);

		if (len >= n + 3 && strncasecmp(scan->text + token->end - n, endings[j], n) == 0)
			return true;
	}
	return false;
}

static bool
is_house_number(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	return token->type == PHIG_NUMBER && phig_token_len(token) <= 5 && !(token->shape & PHIG_SHAPE_USED) &&
		!((token[1].sign == '/' || token[1].sign == '%') && token[1].gap == PHIG_GAP_NONE);
}

/* "30/7": a house and a flat. */
static bool
is_divided(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	return phig_token_len(token) <= 3 && !(token->shape & PHIG_SHAPE_USED) && token[1].sign == '/' &&
		token[1].gap == PHIG_GAP_NONE && token[2].type == PHIG_NUMBER && token[2].gap == PHIG_GAP_NONE &&
		!(token[3].sign == '/' && token[3].gap == PHIG_GAP_NONE) && phig_token_len(&token[2]) <= 3;
}

/* Whether something else has been found among tokens first to last. */
static bool
is_used(const PhigScan *scan, int first, int last)
{
	for (int i = first; i <= last; i++)
		if (scan->tokens[i].shape & PHIG_SHAPE_USED)
			return true;
	return false;
}

static void
take(PhigScan *scan, int first, int last, const char *kind, float score)
{
	phig_use(scan, first, last);
	phig_add(scan, scan->tokens[first].start, scan->tokens[last].end, "geo", kind, "address", score);
}
