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

#define MAX_STREET_TOKENS 10
#define MAX_BLOCK_LINES 4

static bool may_be_kind(const PhigScan *scan, int i);
static void find_forces(PhigScan *scan, int i);
static void find_kind_before(PhigScan *scan, int i);
static void find_kind_within(PhigScan *scan, int i);
static int	plain_begin(const PhigScan *scan, int i);
static void find_around_unit(PhigScan *scan, int i);
static void find_behind_label(PhigScan *scan, int i);
static int	rest_of_line(PhigScan *scan, int last);
static int	street_before(const PhigScan *scan, int last);
static int	block_line(const PhigScan *scan, int i);
static bool is_one_of(const PhigScan *scan, int i, const char *const *words, int n);
static bool ends_like_street(const PhigScan *scan, int i);
static bool is_house_number(const PhigScan *scan, int i);
static bool is_used(const PhigScan *scan, int first, int last);
static void take(PhigScan *scan, int first, int last, const char *kind, float score);

static const char *const kinds[] = {
	"allee", "avenida", "avenue", "boulevard", "calle", "carrer", "chemin", "corso", "impasse", "largo", "paseo", "piazza",
	"place", "plac", "praca", "quai", "route", "rua", "rue", "strada", "travessa", "ul", "ulica", "ulice", "via", "viale", "vicolo"
};

/* As folded: one letter each. */
static const char *const endings[] = {
	"allen", "braut", "dreef", "gade", "gasse", "gata", "gatan", "gate", "gaten", "gracht", "kade", "katu", "kuja", "laan", "platz",
	"plein", "stigur", "straat", "strade", "strase", "strasse", "straeti", "tie", "trida", "utca", "vagen", "vegen", "vegur", "veien",
	"vej", "weg"
};

/* The same as words of their own: "Gumpendorfer Strasse 44". */
static const char *const kinds_behind[] = {"allee", "gade", "gasse", "plein", "platz", "straat", "strase", "strasse", "utca", "vej"};

static const char *const small_words[] = {"and", "d", "dalla", "degli", "dei", "des", "l", "of", "the", "und"};

static const char *const flats[] = {"apt", "apartment", "suite", "ste"};

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
		if ((token->lex & PHIG_LEX_UNIT) && is_one_of(scan, i, flats, lengthof(flats)))
			find_around_unit(scan, i);
		if (token->lex & PHIG_LEX_LIVES)
			find_behind_label(scan, i);
		if (may_be_kind(scan, i) && is_one_of(scan, i, kinds, lengthof(kinds)))
			find_kind_before(scan, i);
	}
}

/* Few words are so: what makes it cheap to ask further. */
static bool
may_be_kind(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	if (phig_token_len(token) > 9 || (token->shape & PHIG_SHAPE_USED) ||
		(token[1].type != PHIG_WORD && token[1].sign != '.'))
		return false;
	return (token->shape & PHIG_SHAPE_INITIAL_UPPER) || token[1].sign == '.' ||
		(i > 0 && token[-1].type == PHIG_NUMBER);
}

/* "PSC 1437, Box 3833, APO AA 66791", "USNS Comfort FPO AP 96662". */
static void
find_forces(PhigScan *scan, int i)
{
	static const char *const offices[] = {"apo", "fpo", "dpo"};
	static const char *const regions[] = {"aa", "ae", "ap"};
	static const char *const units[] = {"psc", "unit", "cmr", "box", "usns", "usnv", "uss", "uscgc"};
	const PhigToken *tokens = scan->tokens;
	int			first = i;

	if (!is_one_of(scan, i, offices, lengthof(offices)) || !is_one_of(scan, i + 1, regions, lengthof(regions)) ||
		tokens[i + 2].type != PHIG_NUMBER || phig_token_len(&tokens[i + 2]) != 5)
		return;
	for (int j = i - 1; j >= 0 && j >= i - 6 && tokens[j + 1].gap < PHIG_GAP_PARAGRAPH; j--)
		if (is_one_of(scan, j, units, lengthof(units)))
			first = j;
	take(scan, first, i + 2, "street", 0.9f);
}

/* "56 rue La Boetie", "Via Zannoni 49", "ul. Krolowej Jadwigi 5". */
static void
find_kind_before(PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	bool		capital = (tokens[i].shape & PHIG_SHAPE_INITIAL_UPPER) != 0;
	bool		before = i > 0 && is_house_number(scan, i - 1) && tokens[i].gap == PHIG_GAP_SPACE;
	int			words = 0,
				lower = 0;
	int			j = i + 1;

	for (; j < scan->n && j < i + MAX_STREET_TOKENS && tokens[j].gap <= PHIG_GAP_SPACE; j++)
	{
		const PhigToken *token = &tokens[j];

		if (token->type == PHIG_NUMBER)
			break;
		if (token->type == PHIG_SIGN)
		{
			if (token->sign != '.' && token->sign != '\'' && token->sign != '-')
				break;
			continue;
		}
		/* "via the right groin" */
		if (!(token->shape & PHIG_SHAPE_INITIAL_UPPER) && !(token->lex & PHIG_LEX_PARTICLE) &&
			!is_one_of(scan, j, small_words, lengthof(small_words)) &&
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
	if (tokens[j].type == PHIG_NUMBER && tokens[j].gap == PHIG_GAP_SPACE && is_house_number(scan, j) &&
		(capital || before || tokens[i + 1].sign == '.'))
		take(scan, before ? i - 1 : i, j, "street", 0.7f);
	else if (before)
	{
		while (tokens[j - 1].type == PHIG_SIGN)
			j--;
		take(scan, i - 1, j - 1, "street", 0.65f);
	}
}

/* "67 Lodskovvej 28". */
static void
find_kind_within(PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			first = i - 1;

	if (i == 0 || tokens[i].gap != PHIG_GAP_SPACE || !is_house_number(scan, i) ||
		(tokens[i + 1].lex & PHIG_LEX_MEASURE))
		return;
	if (i > 1 && is_one_of(scan, i - 1, kinds_behind, lengthof(kinds_behind)) && tokens[i - 2].type == PHIG_WORD &&
		(tokens[i - 2].shape & PHIG_SHAPE_INITIAL_UPPER) && tokens[i - 1].gap == PHIG_GAP_SPACE &&
		!(tokens[i - 2].shape & PHIG_SHAPE_USED))
		first--;
	else if (!ends_like_street(scan, i - 1))
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

/* "at 72134 Coronilla 3599": names that no list of words knows, between two numbers and behind a place word; -1: not so. */
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
	for (before = i - 1; before > 0 && tokens[before].sign != '\0' && strchr(">?*|", tokens[before].sign) != NULL; before--)
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
	static const char *const labels[] = {"address", "resides", "lives", "residence"};
	static const char *const leads[] = {"is", "to", "the", "same", "at", "on", "with"};
	const PhigToken *tokens = scan->tokens;
	bool		sign = false;
	bool		number = false;
	int			first = i + 1;
	int			last;

	if (!is_one_of(scan, i, labels, lengthof(labels)))
		return;
	for (; first < scan->n && first < i + 6; first++)
	{
		if (tokens[first].sign == ':' || tokens[first].sign == '=')
			sign = true;
		else if (tokens[first].sign != '"' && tokens[first].sign != '>' && !is_one_of(scan, first, leads, lengthof(leads)))
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
			token->type == PHIG_SIGN ? token->sign != '\0' && strchr(last == i ? ",.-'()>?" : ",.-'()?", token->sign) != NULL :
			(token->dict & PHIG_DICT_MEDICAL) == 0 && (token->lex & (PHIG_LEX_GREETING | PHIG_LEX_PERSON)) == 0 &&
			((token->shape & PHIG_SHAPE_INITIAL_UPPER) || (token->dict & PHIG_DICT_WORD) == 0 ||
			 is_one_of(scan, last, small_words, lengthof(small_words)));

		if (!fits || last - i > 7)
			return -1;
	}
	return last - 1;
}

static bool
is_one_of(const PhigScan *scan, int i, const char *const *words, int n)
{
	const PhigToken *token = &scan->tokens[i];
	uint32		len = phig_token_len(token);

	if (token->type != PHIG_WORD)
		return false;
	for (int j = 0; j < n; j++)
		if ((scan->text[token->start] | 0x20) == words[j][0] && strlen(words[j]) == len &&
			strncasecmp(scan->text + token->start, words[j], len) == 0)
			return true;
	return false;
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
	for (int i = first; i <= last; i++)
		scan->tokens[i].shape |= PHIG_SHAPE_USED;
	phig_add(scan, scan->tokens[first].start, scan->tokens[last].end, "geo", kind, "address", score);
}
