/*
 * address_parts.c
 *		What each part of an address looks like: flats, boxes, postal codes, towns, regions, countries.
 *
 * Each function says where a part ends that begins at a token, or -1.
 */
#include "postgres.h"

#include "detect/address.h"
#include "detect/chars.h"
#include "detect/places.h"
#include "detect/placewords.h"

#define MAX_PART_WORDS 6
#define MAX_PART_TOKENS 8
#define MAX_COUNTRY_WORDS 5
#define MAX_POSTAL_CHARS 12

static int	read_used(const PhigAddress *at, int i);
static int	read_flat_value(const PhigAddress *at, int i);
static int	read_floor(const PhigAddress *at, int i);
static int	read_road_number(const PhigAddress *at, int i);
static int	read_staircase(const PhigAddress *at, int i);
static int	read_box(const PhigAddress *at, int i);
static int	read_postal(const PhigAddress *at, int i);
static bool is_year(const PhigAddress *at, int i);
static int	postal_form(const PhigAddress *at, int i, bool *letters);
static int	read_country(const PhigAddress *at, int i);
static int	read_state(const PhigAddress *at, int i);
static int	read_region(const PhigAddress *at, int i);
static int	read_street(const PhigAddress *at, int i);
static int	read_town(const PhigAddress *at, int i);
static bool may_link(const PhigAddress *at, int i, bool first);
static bool ends_town(const PhigAddress *at, int i, int first);
static bool is_town_sign(const PhigAddress *at, int i);

/* Words of these classes are in no name of a town, unless a list has it. */
#define NOT_IN_PART (PHIG_LEX_TITLE | PHIG_LEX_PERSON | PHIG_LEX_RELATION | PHIG_LEX_GREETING | \
	PHIG_LEX_CREDENTIAL | PHIG_LEX_MONTH | PHIG_LEX_WEEKDAY | PHIG_LEX_MEASURE | PHIG_LEX_LIVES | PHIG_LEX_STOP | \
	PHIG_LEX_FACILITY | PHIG_LEX_PHONE | PHIG_LEX_FAX | PHIG_LEX_DATE | PHIG_LEX_MRN | PHIG_LEX_RECORD | PHIG_LEX_ID)

int
phig_read_part(const PhigAddress *at, int i, PhigPart *part)
{
	int			last;

	*part = PHIG_PART_FOUND;
	if ((last = read_used(at, i)) >= 0)
		return last;
	*part = PHIG_PART_FLAT;
	if ((last = phig_read_flat(at, i)) >= 0 || (last = read_box(at, i)) >= 0)
		return last;
	*part = PHIG_PART_POSTAL;
	if ((last = read_postal(at, i)) >= 0)
		return last;
	*part = PHIG_PART_COUNTRY;
	if ((last = read_country(at, i)) >= 0)
		return last;
	*part = PHIG_PART_STATE;
	if ((last = read_state(at, i)) >= 0)
		return last;
	*part = PHIG_PART_REGION;
	if ((last = read_region(at, i)) >= 0)
		return last;
	*part = PHIG_PART_STREET;
	if ((last = read_street(at, i)) >= 0)
		return last;
	*part = PHIG_PART_TOWN;
	return read_town(at, i);
}

/* What another recognizer took for a place. */
static int
read_used(const PhigAddress *at, int i)
{
	int			last = i - 1;

	while (last + 1 < at->scan->n && last - i < MAX_PART_TOKENS &&
		   (at->scan->tokens[last + 1].shape & PHIG_SHAPE_USED) &&
		   (last < i || at->scan->tokens[last + 1].gap <= PHIG_GAP_SPACE))
		last++;
	return last >= i ? last : -1;
}

int
phig_read_flat(const PhigAddress *at, int i)
{
	const PhigToken *tokens = at->scan->tokens;
	int			j = i;

	if (tokens[i].sign == '#')
		return read_flat_value(at, i + 1);
	if (tokens[i].type == PHIG_NUMBER)
	{
		/* "12/7", "145-II" */
		if (tokens[i].gap == PHIG_GAP_NONE && tokens[i - 1].type == PHIG_SIGN && at->joint == ' ')
			return read_flat_value(at, i);
		return read_floor(at, i) >= 0 ? read_floor(at, i) : read_road_number(at, i);
	}
	if (tokens[i].type != PHIG_WORD)
		return -1;
	/* "25c" */
	if (tokens[i].gap == PHIG_GAP_NONE)
		return tokens[i - 1].type == PHIG_NUMBER && phig_token_len(&tokens[i]) == 1 ? read_flat_value(at, i) : -1;
	if (phig_is_place(at->scan, i, PHIG_PLACE_ALONE) && ((tokens[i].shape & PHIG_SHAPE_INITIAL_UPPER) || !at->capitals))
		return (tokens[i + 1].lex & PHIG_LEX_UNIT) && tokens[i + 1].gap == PHIG_GAP_SPACE ? i + 1 :
			phig_ends_part(at, i + 1) ? i : -1;
	if (phig_is_flat_word(at, i))
	{
		j++;
		while ((tokens[j].sign == '.' || tokens[j].sign == ':' || tokens[j].sign == '#') && j < i + 3)
			j++;
		return tokens[j].gap <= PHIG_GAP_SPACE ? read_flat_value(at, j) : -1;
	}
	return read_staircase(at, i);
}

/* "Kauppakatu 35 A 12": a letter behind the number of a house. */
static int
read_staircase(const PhigAddress *at, int i)
{
	const PhigToken *letter = &at->scan->tokens[i];
	const PhigToken *flat = letter + 1;

	if (at->before != PHIG_PART_STREET || at->joint != ' ' || letter[-1].type != PHIG_NUMBER ||
		phig_token_len(letter) != 1 ||
		letter->gap != PHIG_GAP_SPACE || (at->capitals && !(letter->shape & PHIG_SHAPE_INITIAL_UPPER)))
		return -1;
	if (flat->type == PHIG_NUMBER && flat->gap == PHIG_GAP_SPACE && phig_is_place(at->scan, i + 2, PHIG_PLACE_FLOOR))
		return i;
	if (flat->type == PHIG_NUMBER && flat->gap == PHIG_GAP_SPACE && phig_token_len(flat) <= 3)
		return i + 1;
	return phig_ends_part(at, i + 1) ? i : -1;
}

/* A number or a letter, and what is joined to it. */
static int
read_flat_value(const PhigAddress *at, int i)
{
	const PhigToken *tokens = at->scan->tokens;
	bool		number = tokens[i].type == PHIG_NUMBER && phig_token_len(&tokens[i]) <= 6;
	bool		letter = tokens[i].type == PHIG_WORD && phig_token_len(&tokens[i]) == 1;

	if (i >= at->scan->n || (!number && !letter) || (tokens[i + 1].lex & PHIG_LEX_MEASURE))
		return -1;
	for (int n = 0; n < MAX_PART_TOKENS && tokens[i + 1].gap == PHIG_GAP_NONE &&
		 (tokens[i + 1].type != PHIG_SIGN || ((tokens[i + 1].sign == '-' || tokens[i + 1].sign == '/') &&
											  tokens[i + 2].gap == PHIG_GAP_NONE &&
											  tokens[i + 2].type != PHIG_SIGN)); n++)
		i++;
	return i;
}

/* "2nd Floor", "2. tv", "3o Esq.", "8 OG", "5.em 78 ajto". */
static int
read_floor(const PhigAddress *at, int i)
{
	const PhigToken *tokens = at->scan->tokens;
	int			j = i + 1;
	bool		listed;

	if (phig_token_len(&tokens[i]) > 2)
		return -1;
	/* an ordinal, or the letter that the sign for one is folded to */
	if (tokens[j].gap == PHIG_GAP_NONE && ((tokens[j].lex & PHIG_LEX_ORDINAL) ||
										   (phig_token_len(&tokens[j]) == 1 && tokens[j].sign != ',' &&
											tokens[j].sign != '/')))
		j++;
	listed = phig_is_place(at->scan, j, PHIG_PLACE_FLOOR) && phig_token_len(&tokens[j]) > 1;
	if (tokens[j].type != PHIG_WORD || tokens[j].gap > PHIG_GAP_SPACE ||
		(j == i + 1 ? !listed || tokens[j].gap == PHIG_GAP_NONE : tokens[j].gap == PHIG_GAP_NONE && !listed))
		return -1;
	if (!listed && !(phig_token_len(&tokens[j]) == 1 && (phig_is_place(at->scan, j, PHIG_PLACE_FLOOR) ||
														 (tokens[j].shape & PHIG_SHAPE_INITIAL_UPPER))))
		return -1;
	/* "County Road 6 Floor 12" */
	if (j == i + 1 && tokens[j + 1].type == PHIG_NUMBER && tokens[j + 1].gap <= PHIG_GAP_SPACE &&
		!phig_is_place(at->scan, j + 2, PHIG_PLACE_FLOOR))
		return -1;
	/* "3 hoog achter", "5.em 78 ajto" */
	if (phig_is_place(at->scan, j + 1, PHIG_PLACE_FLOOR) && tokens[j + 1].gap == PHIG_GAP_SPACE &&
		phig_token_len(&tokens[j + 1]) > 1)
		j++;
	else if (tokens[j + 1].type == PHIG_NUMBER && tokens[j + 1].gap == PHIG_GAP_SPACE &&
			 phig_token_len(&tokens[j + 1]) <= 3 &&
			 phig_is_place(at->scan, j + 2, PHIG_PLACE_FLOOR) && phig_token_len(&tokens[j + 2]) > 1)
		j += 2;
	return tokens[j + 1].sign == '.' && tokens[j + 1].gap == PHIG_GAP_NONE && phig_ends_part(at, j + 2) ? j + 1 : j;
}

/* "County Road 86", "US Highway 20 N", "North Ave 2 #08-45": the number behind a kind of street. */
static int
read_road_number(const PhigAddress *at, int i)
{
	const PhigToken *tokens = at->scan->tokens;
	int			last = phig_house_number_end(at, i);

	if (at->before != PHIG_PART_STREET || at->joint != ' ' || (tokens[i - 1].lex & PHIG_LEX_STREET) == 0 || last < 0 ||
		phig_token_len(&tokens[i]) > 4)
		return -1;
	if ((tokens[last + 1].lex & PHIG_LEX_DIRECTION) && (tokens[last + 1].shape & PHIG_SHAPE_INITIAL_UPPER) &&
		tokens[last + 1].gap == PHIG_GAP_SPACE)
		return last + 1;
	return phig_ends_part(at, last + 1) || tokens[last + 1].sign == '#' || phig_is_flat_word(at, last + 1) ||
		(tokens[i - 1].lex & PHIG_LEX_ROAD) ? last : -1;
}

/* "BP 40122", "Postfach 71"; but no blood pressure. */
static int
read_box(const PhigAddress *at, int i)
{
	const PhigToken *number = &at->scan->tokens[i + 1];

	return phig_is_place(at->scan, i, PHIG_PLACE_BOX) && number->type == PHIG_NUMBER && number->gap == PHIG_GAP_SPACE &&
		(phig_token_len(&at->scan->tokens[i]) > 2 || phig_token_len(number) > 3) ? i + 1 : -1;
}

/* Before or behind a town, or alone in its line. */
static int
read_postal(const PhigAddress *at, int i)
{
	const PhigToken *tokens = at->scan->tokens;
	bool		letters = false;
	int			last = postal_form(at, i, &letters);
	bool		placed = at->before == PHIG_PART_TOWN || at->before == PHIG_PART_REGION ||
		at->before == PHIG_PART_STATE ||
		at->before == PHIG_PART_COUNTRY || at->before == PHIG_PART_FOUND;

	if (last < 0 || (tokens[last + 1].lex & PHIG_LEX_MEASURE) || (tokens[last + 1].sign == '%') ||
		(tokens[last + 1].sign == ':' && tokens[last + 1].gap == PHIG_GAP_NONE))
		return -1;
	if (placed || (letters && at->joint != ' '))
		return last;
	if (at->joint == ' ')
		return -1;
	/* a year and a word, or a year alone, are none */
	if (tokens[last + 1].gap == PHIG_GAP_SPACE && tokens[last + 1].type == PHIG_WORD &&
		(phig_is_place_word(at, last + 1) || (tokens[last + 1].shape & PHIG_SHAPE_USED)) &&
		(last > i || !is_year(at, i) || !(tokens[i + 1].dict & PHIG_DICT_WORD)))
		return last;
	return phig_ends_part(at, last + 1) && (last > i || phig_token_len(&tokens[i]) == 5) ? last : -1;
}

/* "1999", "2021". */
static bool
is_year(const PhigAddress *at, int i)
{
	const PhigToken *token = &at->scan->tokens[i];
	const char *s = at->scan->text + token->start;

	return phig_token_len(token) == 4 && ((s[0] == '1' && s[1] == '9') || (s[0] == '2' && s[1] == '0'));
}

/* The end of the longest form of a postal code at token i; letters: it has some. */
static int
postal_form(const PhigAddress *at, int i, bool *letters)
{
	static const char *const forms[] = {
		"9999", "99999", "999999", "99999-9999", "999 99", "99 999", "999 999", "9999 AA", "99-999", "9999-999",
		"99999-999", "999-9999",
		"A-99999", "AA-9999", "AA9999",
		"AA-99999", "A9 9AA", "A99 9AA", "AA9 9AA", "AA99 9AA", "A9A 9AA", "AA9A 9AA", "A9A 9A9", "A99 A9A9",
		"A99 AA99", "A99 A99A",
		"A99 AAA9", "A99 AAAA", "A99 A999"
	};
	const PhigScan *scan = at->scan;
	const PhigToken *token = &scan->tokens[i];
	char		form[MAX_POSTAL_CHARS + 2];
	size_t		start = token->start;
	size_t		best = 0;
	int			n = 0;

	/* all forms begin with two to six digits, or with one or two letters: most words are longer */
	if (token->type == PHIG_NUMBER ? phig_token_len(token) < 2 || phig_token_len(token) > 6 :
		token->type == PHIG_SIGN || phig_token_len(token) > 2)
		return -1;
	for (; n <= MAX_POSTAL_CHARS && start + n < scan->len; n++)
	{
		char		c = scan->text[start + n];

		if (is_alpha(c) && at->capitals && !is_upper(c))
			c = 'x';
		form[n] = is_digit(c) ? '9' : c != 'x' && is_alpha(c) ? 'A' : is_letter(c) ? 'x' : c;
	}
	form[n] = '\0';
	for (int j = 0; j < (int) lengthof(forms); j++)
	{
		size_t		len = strlen(forms[j]);

		if (len > best && strncmp(form, forms[j], len) == 0 && !(is_letter(form[len]) || is_digit(form[len])) &&
			!((form[len] == '-' || form[len] == '.') && is_alnum(form[len + 1])))
		{
			best = len;
			*letters = strchr(forms[j], 'A') != NULL;
		}
	}
	if (best == 0)
		return -1;
	while (i + 1 < scan->n && scan->tokens[i + 1].start < start + best)
		i++;
	return i;
}

static int
read_country(const PhigAddress *at, int i)
{
	const PhigToken *token = &at->scan->tokens[i];
	int			words;

	if ((token->dict & (PHIG_DICT_COUNTRY | PHIG_DICT_COUNTRY_PART)) == 0 || (at->joint == ' ' &&
																			  at->before <= PHIG_PART_FLAT) ||
		(at->capitals && (token->shape & PHIG_SHAPE_INITIAL_UPPER) == 0))
		return -1;
	words = phig_place_words(at->scan, i, PHIG_DICT_COUNTRY, MAX_COUNTRY_WORDS, false);
	if (words == 0 || at->scan->tokens[i + words].sign == ':')
		return -1;
	/* "Cyprus (Greek)" */
	if (at->scan->tokens[i + words].sign == '(' && at->scan->tokens[i + words + 2].sign == ')')
		words += 3;
	return i + words - 1;
}

/* "NY", "California"; in text without capitals only behind a town or a sign. */
static int
read_state(const PhigAddress *at, int i)
{
	const PhigToken *token = &at->scan->tokens[i];
	bool		placed = at->before == PHIG_PART_TOWN || at->before == PHIG_PART_FOUND;

	if ((token->lex & PHIG_LEX_STATE) == 0)
		return -1;
	if (!at->capitals)
		return placed || at->joint != ' ' ? i : -1;
	return (token->shape & (phig_token_len(token) > 2 ? PHIG_SHAPE_INITIAL_UPPER : PHIG_SHAPE_ALL_UPPER)) ? i : -1;
}

/* "BO", "NSW", in which a town lies. */
static int
read_region(const PhigAddress *at, int i)
{
	const PhigToken *token = &at->scan->tokens[i];
	uint32		len = phig_token_len(token);
	bool		placed = at->before == PHIG_PART_TOWN || at->before == PHIG_PART_FOUND;
	bool		letters;
	int			next = i + 1;

	/* ", 13" and a postal code below it */
	if (token->type == PHIG_NUMBER)
		return placed && len <= 2 && at->joint == '\n' && token[1].gap == PHIG_GAP_LINE &&
			postal_form(at, next, &letters) >= 0 ? i : -1;
	if (token->type != PHIG_WORD)
		return -1;
	if (len > 3 || !(placed || at->joint != ' ') || (token->dict & PHIG_DICT_MEDICAL) ||
		(token->lex & NOT_IN_PART & ~PHIG_LEX_CREDENTIAL))
		return -1;
	if (placed && (token->shape & PHIG_SHAPE_ALL_UPPER) && phig_is_place(at->scan, i, PHIG_PLACE_REGION))
		return i;
	if (at->scan->tokens[next].sign == ',')
		next++;
	/* before a postal code whatever its letters are, elsewhere in capitals or alone in its line */
	if (at->scan->tokens[next].gap <= PHIG_GAP_LINE && postal_form(at, next, &letters) >= 0 && !letters)
		return i;
	return placed && phig_ends_part(at, i + 1) &&
		((token->shape & PHIG_SHAPE_ALL_UPPER) || (at->joint == '\n' &&
												   at->scan->tokens[next].gap == PHIG_GAP_LINE)) ? i : -1;
}

/* "Church Lane", "45 Wattle Grove": a second street, or that behind a building. */
static int
read_street(const PhigAddress *at, int i)
{
	const PhigToken *tokens = at->scan->tokens;
	int			j = i;
	int			words = 0;

	if (tokens[j].type == PHIG_NUMBER)
		j = phig_house_number_end(at, j) + 1;
	for (; j < at->scan->n && words < MAX_PART_WORDS && (j == i || tokens[j].gap <= PHIG_GAP_SPACE) &&
		 phig_is_place_word(at, j); j++, words++)
		if ((tokens[j].lex & PHIG_LEX_STREET) && words > 0 && !(tokens[j + 1].lex & PHIG_LEX_STREET))
		{
			/* "Saw Dr. Poe" */
			if ((tokens[j].lex & PHIG_LEX_TITLE) && (tokens[j + 1].sign == '.' || !phig_ends_part(at, j + 1)))
				return -1;
			return j;
		}
	return -1;
}

/* Words in capitals, small ones between them: "Ciudad de Mexico", "Praha 1", "Kadikoy/Istanbul". */
static int
read_town(const PhigAddress *at, int i)
{
	const PhigToken *tokens = at->scan->tokens;
	int			last = -1;
	int			words = 0;

	for (int j = i; j < at->scan->n && words < MAX_PART_WORDS && j < i + 2 * MAX_PART_TOKENS &&
		 !ends_town(at, j, i); j++)
	{
		if (tokens[j].type == PHIG_SIGN)
		{
			if (tokens[j].sign == ')')
				last = j;
			continue;
		}
		if (tokens[j].type == PHIG_NUMBER)
		{
			if (last == j - 1 && phig_token_len(&tokens[j]) <= 2 && phig_ends_part(at, j + 1))
				last = j;
			break;
		}
		if (phig_is_place_word(at, j) ||
			(j == i ? phig_is_place(at->scan, j, PHIG_PLACE_DISTRICT) : tokens[j].gap == PHIG_GAP_NONE))
			last = j;
		else if (!may_link(at, j, j == i))
			break;
		words++;
	}
	return last >= 0 && tokens[last + 1].sign != ':' && tokens[last + 1].sign != '=' ? last : -1;
}

/* A small word inside the name of a town, or with a capital at its beginning: "Den Haag". */
static bool
may_link(const PhigAddress *at, int i, bool first)
{
	return phig_is_place(at->scan, i, PHIG_PLACE_SMALL) &&
		(!first || (at->scan->tokens[i].shape & PHIG_SHAPE_INITIAL_UPPER));
}

/* Whether the town that begins at token first goes no further than before token i: a sign, a country, a region. */
static bool
ends_town(const PhigAddress *at, int i, int first)
{
	const PhigToken *token = &at->scan->tokens[i];

	if (i == first)
		return token->type == PHIG_SIGN;
	if (token->gap > PHIG_GAP_SPACE)
		return true;
	if (token->type == PHIG_SIGN)
		return !is_town_sign(at, i);
	if (token->type != PHIG_WORD)
		return false;
	if (token->gap == PHIG_GAP_SPACE && !phig_is_place(at->scan, i - 1, PHIG_PLACE_SMALL) &&
		phig_place_words(at->scan, i, PHIG_DICT_COUNTRY, MAX_COUNTRY_WORDS, false) > 0)
		return true;
	/* "Harrow HA3 7QR" */
	if (phig_token_len(token) <= 2 && token[1].type == PHIG_NUMBER && token[1].gap == PHIG_GAP_NONE)
		return true;
	return phig_token_len(token) <= 3 && (token->shape & PHIG_SHAPE_ALL_UPPER) &&
		(phig_ends_part(at, i + 1) || phig_is_place(at->scan, i, PHIG_PLACE_REGION));
}

/* Inside the name of a town: "Stoke-on-Trent", "Co. Clare", "Nicosia (Lefkosia)". */
static bool
is_town_sign(const PhigAddress *at, int i)
{
	const PhigToken *token = &at->scan->tokens[i];

	switch (token->sign)
	{
		case '-':
		case '/':
		case '\'':
			return token->gap == PHIG_GAP_NONE && token[1].gap == PHIG_GAP_NONE;
		case '.':
			return token->gap == PHIG_GAP_NONE && phig_token_len(&token[-1]) <= 3;
		case '(':
			return true;
		case ')':
			return token->gap == PHIG_GAP_NONE;
		default:
			return false;
	}
}

int
phig_house_number_end(const PhigAddress *at, int i)
{
	const PhigToken *tokens = at->scan->tokens;

	if (phig_token_len(&tokens[i]) > 5 || (tokens[i].shape & PHIG_SHAPE_USED) || tokens[i + 1].sign == '%' ||
		tokens[i + 1].sign == ':' ||
		((tokens[i + 1].lex & PHIG_LEX_MEASURE) && !(tokens[i + 1].lex & PHIG_LEX_UNIT)))
		return -1;
	for (int n = 0; n < MAX_PART_TOKENS && tokens[i + 1].gap == PHIG_GAP_NONE &&
		 ((tokens[i + 1].type == PHIG_WORD && phig_token_len(&tokens[i + 1]) == 1) ||
		  ((tokens[i + 1].sign == '-' || tokens[i + 1].sign == '/') && tokens[i + 2].gap == PHIG_GAP_NONE &&
		   tokens[i + 2].type != PHIG_SIGN) ||
		  (tokens[i + 1].type == PHIG_NUMBER && tokens[i].type == PHIG_SIGN)); n++)
		i++;
	return i;
}

bool
phig_is_place_word(const PhigAddress *at, int i)
{
	const PhigToken *token = &at->scan->tokens[i];

	if (token->type != PHIG_WORD || (token->shape & PHIG_SHAPE_USED))
		return false;
	if (at->capitals && !(token->shape & (PHIG_SHAPE_INITIAL_UPPER | PHIG_SHAPE_OTHER_LETTERS)) &&
		(phig_token_len(token) < 4 || token->dict != 0))
		return false;
	if (token->dict & (PHIG_DICT_CITY | PHIG_DICT_CITY_PART | PHIG_DICT_COUNTRY))
		return true;
	return (token->dict & PHIG_DICT_MEDICAL) == 0 && ((token->lex & NOT_IN_PART) == 0 ||
													  (token->lex & (PHIG_LEX_STREET | PHIG_LEX_HOUSE)));
}

bool
phig_ends_part(const PhigAddress *at, int i)
{
	const PhigToken *token = &at->scan->tokens[i];

	return i >= at->scan->n || token->gap >= PHIG_GAP_LINE ||
		(token->type == PHIG_SIGN && token->sign != '\0' && strchr(",.;)\"'|^<>!?]}-", token->sign) != NULL);
}

bool
phig_is_flat_word(const PhigAddress *at, int i)
{
	return (at->scan->tokens[i].lex & PHIG_LEX_UNIT) || phig_is_place(at->scan, i, PHIG_PLACE_FLAT);
}
