/*
 * streets.c
 *		Streets and boxes as the United States write them: the middle of an address.
 */
#include "postgres.h"

#include "detect/chars.h"
#include "detect/places.h"
#include "detect/placewords.h"

#define MAX_STREET_WORDS 5
#define MAX_NUMBER_TOKENS 8
/* "12-B" has three; what goes on and on is none, and each street of a text may have it behind it. */
#define MAX_UNIT_TOKENS 8

static bool find_street(PhigScan *scan, int i);
static int	street_begin(const PhigScan *scan, int i, int *words, bool *capital);
static bool is_house_number(const PhigScan *scan, int j, int i, int words);
static bool ends_house_number(const PhigScan *scan, int i);
static int	street_end(const PhigScan *scan, int i);
static bool names_itself(const PhigScan *scan, int i);
static int	house_number_begin(const PhigScan *scan, int i);
static bool is_small(const PhigScan *scan, int i);
static void find_street_alone(PhigScan *scan, int i);
static int	unit_end(const PhigScan *scan, int i);
static void find_po_box(PhigScan *scan, int i);

void
phig_find_streets(PhigScan *scan)
{
	for (int i = 0; i < scan->n; i++)
	{
		const PhigToken *token = &scan->tokens[i];

		/* of "Oak Hill Street" the last kind is the one */
		if (token->lex & PHIG_LEX_STREET)
		{
			bool		last = !((token[1].lex & PHIG_LEX_STREET) && phig_is_capital(&token[1]) &&
								 token[1].gap == PHIG_GAP_SPACE);

			if (!last || !find_street(scan, i))
				find_street_alone(scan, i);
		}
		if (token->type == PHIG_WORD && phig_token_len(token) == 3 &&
			strncasecmp(scan->text + token->start, "box", 3) == 0)
			find_po_box(scan, i);
	}
}

/*
 * The number, the name of the street, its kind, the unit: from the kind backwards.  "217 Mill Blvd",
 * "12-B North 5th St. Apt 4".
 */
static bool
find_street(PhigScan *scan, int i)
{
	PhigToken  *tokens = scan->tokens;
	bool		road = (tokens[i].lex & PHIG_LEX_ROAD) != 0;
	bool		capital = phig_is_capital(&tokens[i]);
	int			words = 0;
	int			first,
				last;

	if (tokens[i].shape & PHIG_SHAPE_USED)
		return false;
	first = street_begin(scan, i, &words, &capital);
	if (first < 0)
		return false;
	if (!capital && (!road || words > 3 || phig_has_context(scan, first, i, PHIG_LEX_MEASURE)))
		return false;
	last = street_end(scan, i);
	/* "99 3503 Bicetown Road" */
	if (first > 0 && tokens[first].gap == PHIG_GAP_SPACE && tokens[first - 1].type == PHIG_NUMBER &&
		tokens[first - 1].gap != PHIG_GAP_NONE && phig_token_len(&tokens[first - 1]) <= 5)
		first--;
	phig_use(scan, first, last);
	phig_add(scan, tokens[first].start, tokens[last].end, "geo", "street", "street", capital ? 0.9f : 0.6f);
	return true;
}

/*
 * Where the number of the house begins before the words that kind i is the last of; -1: there is none.  words: how many
 * the name has; capital: cleared where one has no capital.
 */
static int
street_begin(const PhigScan *scan, int i, int *words, bool *capital)
{
	const PhigToken *tokens = scan->tokens;

	for (int j = i - 1; j >= 0 && *words <= MAX_STREET_WORDS && tokens[j + 1].gap <= PHIG_GAP_SPACE; j--)
	{
		const PhigToken *token = &tokens[j];

		if (token->type == PHIG_NUMBER)
		{
			/* "5th": a name; else the number of the house */
			if (tokens[j + 1].gap != PHIG_GAP_NONE)
				return is_house_number(scan, j, i, *words) ? house_number_begin(scan, j) : -1;
			if ((tokens[j + 1].lex & PHIG_LEX_ORDINAL) == 0)
				return -1;
		}
		else if (token->type == PHIG_WORD)
		{
			/* "221B", "12-B": the letter belongs to the number */
			if (ends_house_number(scan, j))
				return house_number_begin(scan, tokens[j - 1].type == PHIG_NUMBER ? j - 1 : j - 2);
			if (!phig_is_capital(token) && !(token->lex & PHIG_LEX_ORDINAL))
				*capital = false;
			if ((token->lex & (PHIG_LEX_MEASURE | PHIG_LEX_AT)) || (token->shape & PHIG_SHAPE_USED) ||
				is_small(scan, j))
				return -1;
			(*words)++;
		}
		/* "St. Mary Street", not the end of a sentence */
		else if ((token->sign != '.' && token->sign != '\'' && token->sign != '-') ||
				 (token->sign == '.' && j > 0 && phig_token_len(&tokens[j - 1]) > 4))
			return -1;
	}
	return -1;
}

/* Whether number j, with so many words up to kind i, is that of a house: not "6 Minute Walk". */
static bool
is_house_number(const PhigScan *scan, int j, int i, int words)
{
	if ((words == 0 && !names_itself(scan, i)) || phig_token_len(&scan->tokens[j]) > 6)
		return false;
	return (scan->tokens[i].lex & PHIG_LEX_ROAD) || !phig_is_place(scan, j + 1, PHIG_PLACE_COUNTED);
}

/* A letter that is joined to a number before it. */
static bool
ends_house_number(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	if (token->gap != PHIG_GAP_NONE || i < 2 || phig_token_len(token) != 1)
		return false;
	return token[-1].type == PHIG_NUMBER ||
		(token[-1].sign == '-' && token[-1].gap == PHIG_GAP_NONE && token[-2].type == PHIG_NUMBER);
}

/* Behind kind i: its full stop, a direction, a unit. */
static int
street_end(const PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			last = i;

	if (tokens[last + 1].sign == '.' && tokens[last + 1].gap == PHIG_GAP_NONE && phig_token_len(&tokens[last]) <= 4)
		last++;
	if ((tokens[last + 1].lex & PHIG_LEX_DIRECTION) && phig_is_capital(&tokens[last + 1]) &&
		tokens[last + 1].gap == PHIG_GAP_SPACE)
		last++;
	return unit_end(scan, last);
}

/* "Broadway": a kind that is a name, too. */
static bool
names_itself(const PhigScan *scan, int i)
{
	return phig_token_len(&scan->tokens[i]) == 8 && strncasecmp(scan->text + scan->tokens[i].start, "broadway", 8) == 0;
}

/* Where the number of a house begins that ends in number i: "12-14", "1/2", "N6W23001"; -1: it is none. */
static int
house_number_begin(const PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;

	for (int n = 0; n < MAX_NUMBER_TOKENS && i > 0 && tokens[i].gap == PHIG_GAP_NONE &&
		 phig_token_len(&tokens[i - 1]) <= 6; n++)
	{
		if (tokens[i - 1].sign == ':' || (tokens[i - 1].type == PHIG_WORD && phig_token_len(&tokens[i - 1]) > 1))
			return -1;
		if (tokens[i - 1].type == PHIG_SIGN && ((tokens[i - 1].sign != '-' && tokens[i - 1].sign != '/') ||
												tokens[i - 1].gap != PHIG_GAP_NONE))
			break;
		i--;
	}
	return i;
}

/* A word that is in no name of a street: "with", in text of capitals "WITH"; "state", "county" may be. */
static bool
is_small(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	if ((token->lex & PHIG_LEX_STOP) == 0 || (token->lex & PHIG_LEX_HOUSE))
		return false;
	return !phig_is_capital(token) || ((token->shape & PHIG_SHAPE_ALL_UPPER) &&
									   !(token->dict & (PHIG_DICT_FIRST | PHIG_DICT_LAST | PHIG_DICT_CITY)));
}

/* "on Mill Street": no house, but a street all the same. */
static void
find_street_alone(PhigScan *scan, int i)
{
	PhigToken  *tokens = scan->tokens;
	PhigToken  *name = &tokens[i - 1];

	if (i < 2 || (tokens[i].lex & PHIG_LEX_ROAD) == 0 || phig_token_len(&tokens[i]) < 4 || name->type != PHIG_WORD ||
		!phig_is_capital(name) || !phig_is_capital(&tokens[i]) || tokens[i].gap != PHIG_GAP_SPACE ||
		(name->shape & PHIG_SHAPE_USED) ||
		(name->lex & (PHIG_LEX_STOP | PHIG_LEX_AFTER_EPONYM)) || (name->dict & PHIG_DICT_MEDICAL) ||
		((tokens[i - 2].lex & PHIG_LEX_AT) == 0 && strncmp(scan->text + tokens[i - 2].start, "on ", 3) != 0))
		return;
	phig_use(scan, i - 1, i);
	phig_add(scan, name->start, tokens[i].end, "geo", "street", "street", 0.6f);
}

/* ", Apt. 4B", " #12", " Suite 300". */
static int
unit_end(const PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			j = i + 1;

	if (tokens[j].sign == ',')
		j++;
	if (tokens[j].gap >= PHIG_GAP_PARAGRAPH || j >= scan->n)
		return i;
	if (tokens[j].lex & PHIG_LEX_UNIT)
		j++;
	else if (tokens[j].sign != '#')
		return i;
	if (tokens[j].sign == '.')
		j++;
	if (tokens[j].sign == '#')
		j++;
	if (j >= scan->n || tokens[j].gap > PHIG_GAP_SPACE)
		return i;
	if (tokens[j].type == PHIG_NUMBER || (tokens[j].type == PHIG_WORD && phig_token_len(&tokens[j]) == 1))
	{
		int			unit = j;

		while (j + 1 < scan->n && j - unit < MAX_UNIT_TOKENS && tokens[j + 1].gap == PHIG_GAP_NONE &&
			   (tokens[j + 1].type != PHIG_SIGN || (tokens[j + 1].sign == '-' && tokens[j + 2].type != PHIG_SIGN)))
			j++;
		return j;
	}
	return i;
}

/* "P.O. Box 12", "Post Office Box 7", "RR 2 Box 7A", "Rural Route 3, Box 9-D". */
static void
find_po_box(PhigScan *scan, int i)
{
	PhigToken  *tokens = scan->tokens;
	int			first = i;
	int			last = i + 1;

	if (tokens[last].sign == '#')
		last++;
	if (last >= scan->n || tokens[last].type != PHIG_NUMBER || tokens[last].gap > PHIG_GAP_SPACE)
		return;
	for (int j = i - 1; j >= 0 && j >= i - 5 && tokens[j + 1].gap <= PHIG_GAP_SPACE; j--)
	{
		if (phig_is_place(scan, j, PHIG_PLACE_OFFICE))
			first = j;
		else if (tokens[j].sign != '.' && tokens[j].sign != ',' && tokens[j].type != PHIG_NUMBER)
			break;
	}
	if (first == i)
		return;
	/* "Box 7A", "Box 9-D" */
	if (tokens[last + 1].sign == '-' && tokens[last + 1].gap == PHIG_GAP_NONE &&
		phig_token_len(&tokens[last + 2]) == 1 &&
		tokens[last + 2].type == PHIG_WORD && tokens[last + 2].gap == PHIG_GAP_NONE)
		last += 2;
	else if (tokens[last + 1].gap == PHIG_GAP_NONE && tokens[last + 1].type == PHIG_WORD &&
			 phig_token_len(&tokens[last + 1]) == 1)
		last++;
	last = unit_end(scan, last);
	phig_use(scan, first, last);
	phig_add(scan, tokens[first].start, tokens[last].end, "geo", "street", "po_box", 0.9f);
}
