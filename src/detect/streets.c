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

static bool find_street(PhigScan *scan, int i);
static bool names_itself(const PhigScan *scan, int i);
static int	house_number_begin(const PhigScan *scan, int i);
static bool is_small(const PhigScan *scan, int i);
static void find_street_alone(PhigScan *scan, int i);
static int	unit_end(const PhigScan *scan, int i);
static void find_po_box(PhigScan *scan, int i);
static void use(PhigScan *scan, int first, int last);
static bool is_capital(const PhigToken *token);

void
phig_find_streets(PhigScan *scan)
{
	for (int i = 0; i < scan->n; i++)
	{
		const PhigToken *token = &scan->tokens[i];

		/* of "Oak Hill Street" the last kind is the one */
		if (token->lex & PHIG_LEX_STREET)
		{
			bool		last = !((token[1].lex & PHIG_LEX_STREET) && is_capital(&token[1]) &&
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
	int			first = i;
	int			words = 0;
	bool		capital = is_capital(&tokens[i]);
	int			last = i;

	if (tokens[i].shape & PHIG_SHAPE_USED)
		return false;
	for (int j = i - 1; j >= 0 && words <= MAX_STREET_WORDS; j--)
	{
		const PhigToken *token = &tokens[j];

		if (tokens[j + 1].gap > PHIG_GAP_SPACE)
			return false;
		if (token->type == PHIG_NUMBER)
		{
			/* "5th": a name; else the number of the house */
			if ((tokens[j + 1].lex & PHIG_LEX_ORDINAL) && tokens[j + 1].gap == PHIG_GAP_NONE)
			{
				first = j;
				continue;
			}
			if ((words == 0 && !names_itself(scan, i)) || phig_token_len(token) > 6 ||
				tokens[j + 1].gap == PHIG_GAP_NONE)
				return false;
			first = house_number_begin(scan, j);
			if (first < 0)
				return false;
			words++;
			break;
		}
		if (token->type == PHIG_WORD)
		{
			/* "221B", "12-B": the letter belongs to the number */
			if (token->gap == PHIG_GAP_NONE && j > 1 && phig_token_len(token) == 1 &&
				(tokens[j - 1].type == PHIG_NUMBER || (tokens[j - 1].sign == '-' &&
													   tokens[j - 1].gap == PHIG_GAP_NONE &&
													   tokens[j - 2].type == PHIG_NUMBER)))
			{
				first = house_number_begin(scan, tokens[j - 1].type == PHIG_NUMBER ? j - 1 : j - 2);
				break;
			}
			if (!is_capital(token) && !(token->lex & PHIG_LEX_ORDINAL))
				capital = false;
			if ((token->lex & (PHIG_LEX_MEASURE | PHIG_LEX_AT)) || (token->shape & PHIG_SHAPE_USED) ||
				is_small(scan, j))
				return false;
			words++;
			continue;
		}
		if (token->sign != '.' && token->sign != '\'' && token->sign != '-')
			return false;
	}
	if (first < 0 || first == i || tokens[first].type == PHIG_SIGN || words == 0)
		return false;
	if (!capital && ((tokens[i].lex & PHIG_LEX_ROAD) == 0 || words > 3))
		return false;
	if (!capital && phig_has_context(scan, first, last, PHIG_LEX_MEASURE))
		return false;
	if (tokens[last + 1].sign == '.' && tokens[last + 1].gap == PHIG_GAP_NONE &&
		phig_token_len(&tokens[last]) <= 4)
		last++;
	if ((tokens[last + 1].lex & PHIG_LEX_DIRECTION) && is_capital(&tokens[last + 1]) &&
		tokens[last + 1].gap == PHIG_GAP_SPACE)
		last++;
	last = unit_end(scan, last);
	/* "99 3503 Bicetown Road" */
	if (first > 0 && tokens[first].gap == PHIG_GAP_SPACE && tokens[first - 1].type == PHIG_NUMBER &&
		tokens[first - 1].gap != PHIG_GAP_NONE && phig_token_len(&tokens[first - 1]) <= 5)
		first--;
	use(scan, first, last);
	phig_add(scan, tokens[first].start, tokens[last].end, "geo", "street", "street", capital ? 0.9f : 0.6f);
	return true;
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
	return !is_capital(token) || ((token->shape & PHIG_SHAPE_ALL_UPPER) &&
								  !(token->dict & (PHIG_DICT_FIRST | PHIG_DICT_LAST | PHIG_DICT_CITY)));
}

/* "on Mill Street": no house, but a street all the same. */
static void
find_street_alone(PhigScan *scan, int i)
{
	PhigToken  *tokens = scan->tokens;
	PhigToken  *name = &tokens[i - 1];

	if (i < 2 || (tokens[i].lex & PHIG_LEX_ROAD) == 0 || phig_token_len(&tokens[i]) < 4 || name->type != PHIG_WORD ||
		!is_capital(name) || !is_capital(&tokens[i]) || tokens[i].gap != PHIG_GAP_SPACE ||
		(name->shape & PHIG_SHAPE_USED) ||
		(name->lex & (PHIG_LEX_STOP | PHIG_LEX_AFTER_EPONYM)) || (name->dict & PHIG_DICT_MEDICAL) ||
		((tokens[i - 2].lex & PHIG_LEX_AT) == 0 && strncmp(scan->text + tokens[i - 2].start, "on ", 3) != 0))
		return;
	use(scan, i - 1, i);
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
		while (j + 1 < scan->n && tokens[j + 1].gap == PHIG_GAP_NONE && (tokens[j + 1].type != PHIG_SIGN ||
																		 tokens[j + 1].sign == '-') &&
			   (tokens[j + 1].type != PHIG_SIGN || tokens[j + 2].type != PHIG_SIGN))
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
	use(scan, first, last);
	phig_add(scan, tokens[first].start, tokens[last].end, "geo", "street", "po_box", 0.9f);
}

static void
use(PhigScan *scan, int first, int last)
{
	for (int i = first; i <= last; i++)
		scan->tokens[i].shape |= PHIG_SHAPE_USED;
}

static bool
is_capital(const PhigToken *token)
{
	return (token->shape & PHIG_SHAPE_INITIAL_UPPER) != 0;
}
