/*
 * places.c
 *		Towns, ZIP codes and facilities; and the order in which places are looked for.
 *
 * States and countries may stay (45 CFR 164.514(b)(2)(i)(B)) and are no finding.
 */
#include "postgres.h"

#include "detect/chars.h"
#include "detect/person.h"
#include "detect/places.h"

#define MAX_TOWN_WORDS 3
#define MAX_COUNTRY_WORDS 5
#define MAX_FACILITY_WORDS 6

#define NOT_IN_TOWN (PHIG_LEX_FACILITY | PHIG_LEX_TITLE | PHIG_LEX_LIVES | PHIG_LEX_STATE | PHIG_LEX_AT)

static void find_before_state(PhigScan *scan, int i);
static bool names_number(const PhigScan *scan, int i, int zip);
static void find_zip(PhigScan *scan, int i);
static int	find_town(PhigScan *scan, int i);
static int	town_words(const PhigScan *scan, int i);
static bool is_behind_place(const PhigScan *scan, int i);
static bool is_person(const PhigScan *scan, int i);
static void find_facility(PhigScan *scan, int i);
static int	facility_begin(const PhigScan *scan, int i);
static int	facility_end(const PhigScan *scan, int i);
static bool names_facility(const PhigScan *scan, int first, int kind, int last);
static bool is_saint(const PhigScan *scan, int i);
static void find_at(PhigScan *scan, int i);
static bool is_state(const PhigScan *scan, int i);

void
phig_find_places(PhigScan *scan)
{
	phig_find_streets(scan);
	for (int i = 0; i < scan->n; i++)
		if ((scan->tokens[i].lex & (PHIG_LEX_FACILITY | PHIG_LEX_SYSTEM)) &&
			!(scan->tokens[i].shape & PHIG_SHAPE_USED))
			find_facility(scan, i);
	for (int i = 0; i < scan->n; i++)
	{
		const PhigToken *token = &scan->tokens[i];

		if ((token->lex & PHIG_LEX_STATE) && is_state(scan, i))
			find_before_state(scan, i);
		if ((token->dict & (PHIG_DICT_CITY | PHIG_DICT_CITY_PART)) && phig_is_capital(token))
			i += find_town(scan, i);
	}
	phig_find_abroad(scan);
	phig_find_whole_addresses(scan);
	for (int i = 0; i < scan->n; i++)
		if (scan->tokens[i].lex & PHIG_LEX_AT)
			find_at(scan, i);
}

/* "Hartford, MN", "Salt Lake City UT 84101". */
static void
find_before_state(PhigScan *scan, int i)
{
	PhigToken  *tokens = scan->tokens;
	bool		comma = i > 0 && tokens[i - 1].sign == ',';
	int			last = comma ? i - 2 : i - 1;
	int			first = last + 1;
	bool		zip = false;
	bool		known = false;
	int			next = i + 1;

	if (tokens[next].sign == '.' || tokens[next].sign == ',')
		next++;
	zip = tokens[next].type == PHIG_NUMBER && phig_token_len(&tokens[next]) == 5 &&
		tokens[next].gap <= PHIG_GAP_WIDE && next < scan->n;
	if (last < 0 || tokens[last + 1].gap > PHIG_GAP_SPACE || (comma && tokens[i].gap > PHIG_GAP_SPACE))
		first = last + 1;
	else
		while (first > 0 && last - first + 1 < MAX_TOWN_WORDS && phig_is_capital(&tokens[first - 1]) &&
			   !(tokens[first - 1].shape & PHIG_SHAPE_USED) &&
			   ((tokens[first - 1].lex & NOT_IN_TOWN) == 0 || (first - 1 == last &&
															   town_words(scan, last) == 1)) &&
			   (first - 1 == last || tokens[first].gap == PHIG_GAP_SPACE))
		{
			first--;
			if (phig_token_len(&tokens[first]) < 2)
			{
				first++;
				break;
			}
		}
	if (first <= last)
	{
		/* "Surgeon Florence Poe, MD": a town of the dictionary must reach up to the state */
		for (int j = first; j <= last && !known; j++)
			if (town_words(scan, j) > last - j)
			{
				first = j;
				known = true;
			}
		/* MD, DO and PA are credentials too; a state behind a word alone is a word */
		if (((tokens[i].lex & PHIG_LEX_CREDENTIAL) || !comma) && !zip && !known)
			first = last + 1;
		if (!comma && !zip && !known)
			first = last + 1;
	}
	if (!comma && !known && names_number(scan, i, next))
		return;
	if (first <= last)
	{
		phig_use(scan, first, last);
		phig_add(scan, tokens[first].start, tokens[last].end, "geo", "city", "city", known || zip ? 0.85f : 0.7f);
	}
	if (zip)
		find_zip(scan, next);
}

/* "Patient ID 54321": not Idaho, where postal codes are 832 to 838, or behind a word that is no town's name. */
static bool
names_number(const PhigScan *scan, int i, int zip)
{
	const char *digits = scan->text + scan->tokens[zip].start;

	if ((scan->tokens[i].lex & PHIG_LEX_ID) == 0)
		return false;
	return (i > 0 && (scan->tokens[i - 1].dict & PHIG_DICT_WORD)) || strncmp(digits, "83", 2) != 0 || digits[2] < '2' ||
		digits[2] > '8';
}

static void
find_zip(PhigScan *scan, int i)
{
	int			last = i;

	if (scan->tokens[i + 1].sign == '-' && scan->tokens[i + 1].gap == PHIG_GAP_NONE &&
		scan->tokens[i + 2].type == PHIG_NUMBER &&
		phig_token_len(&scan->tokens[i + 2]) == 4 && scan->tokens[i + 2].gap == PHIG_GAP_NONE)
		last = i + 2;
	phig_use(scan, i, last);
	phig_add(scan, scan->tokens[i].start, scan->tokens[last].end, "geo", "zip", "zip", 0.9f);
}

/* How many words from i on are a town of the dictionary; 0: none. */
static int
town_words(const PhigScan *scan, int i)
{
	return phig_is_capital(&scan->tokens[i]) ? phig_place_words(scan, i, PHIG_DICT_CITY, MAX_TOWN_WORDS, true) : 0;
}

int
phig_place_words(const PhigScan *scan, int i, uint32 place, int max, bool capitals)
{
	const PhigToken *tokens = scan->tokens;
	uint32		part = place == PHIG_DICT_CITY ? PHIG_DICT_CITY_PART : PHIG_DICT_COUNTRY_PART;
	uint64		hash = PHIG_HASH_SEED;
	int			words = tokens[i].dict & place ? 1 : 0;
	int			j = i;

	if ((tokens[i].dict & part) == 0)
		return words;
	for (int n = 1; n <= max; n++)
	{
		for (uint32 at = tokens[j].start; at < tokens[j].end; at++)
			if (scan->text[at] != '\'')
				hash = phig_hash_byte(hash, is_upper(scan->text[at]) ? scan->text[at] - 'A' + 'a' :
									  scan->text[at]);
		if (n > 1 && (phig_dictionary_look(phig_hash_finish(hash)) & place))
			words = j - i + 1;
		hash = phig_hash_byte(hash, ' ');
		j++;
		if (tokens[j].sign == '.' || tokens[j].sign == '-')
			j++;
		if (j >= scan->n || tokens[j].type != PHIG_WORD || (capitals && !phig_is_capital(&tokens[j])) ||
			tokens[j].gap > PHIG_GAP_SPACE)
			break;
	}
	return words;
}

/* A town of the dictionary; returns how many further tokens it took. */
static int
find_town(PhigScan *scan, int i)
{
	PhigToken  *tokens = scan->tokens;
	int			words = town_words(scan, i);
	int			last = i + words - 1;
	float		score = 0.6f;
	const PhigToken *before = i > 0 ? &tokens[i - 1] : NULL;
	bool		at = before != NULL && tokens[i].gap == PHIG_GAP_SPACE &&
		((before->lex & (PHIG_LEX_AT | PHIG_LEX_LIVES)) || is_behind_place(scan, i));
	int			next = last + 1;

	if (words == 0 || (tokens[i].shape & PHIG_SHAPE_USED))
		return 0;
	if ((tokens[i].lex & PHIG_LEX_EPONYM) || (tokens[next].lex & PHIG_LEX_AFTER_EPONYM))
		return 0;
	if (words == 1)
	{
		/* what is a name or a word too wants "in" or "from" before it */
		if (tokens[i].dict & PHIG_DICT_WORD)
			score = at && !(tokens[i].dict & (PHIG_DICT_FIRST | PHIG_DICT_LAST)) ? 0.5f : 0.3f;
		else if (tokens[i].dict & (PHIG_DICT_FIRST | PHIG_DICT_LAST))
			score = at ? 0.6f : 0.35f;
		if ((tokens[i].dict & PHIG_DICT_FIRST) && is_person(scan, i))
			score = 0.3f;
		/* New York and Washington may be the states */
		if (tokens[i].lex & PHIG_LEX_STATE)
			score = 0.3f;
	}
	if (at && score > 0.3f)
		score += 0.1f;
	if (tokens[next].sign == ',' && tokens[next].gap == PHIG_GAP_NONE)
		next++;
	if (score >= PHIG_DETECT_MIN_SCORE && next < scan->n && tokens[next].type == PHIG_NUMBER &&
		phig_token_len(&tokens[next]) == 5 &&
		tokens[next].gap <= PHIG_GAP_SPACE)
		find_zip(scan, next);
	if (score >= PHIG_DETECT_MIN_SCORE)
		phig_use(scan, i, last);
	phig_add(scan, tokens[i].start, tokens[last].end, "geo", "city", "city", score);
	return words - 1;
}

/* "Mercy Hospital, Baltimore": what stands before the comma is a place. */
static bool
is_behind_place(const PhigScan *scan, int i)
{
	return i > 1 && scan->tokens[i - 1].sign == ',' && scan->tokens[i - 1].gap == PHIG_GAP_NONE &&
		(scan->tokens[i - 2].shape & PHIG_SHAPE_USED);
}

/* "Elizabeth Poe", "asked Tyler": a town's name that is a given name too. */
static bool
is_person(const PhigScan *scan, int i)
{
	const PhigToken *next = &scan->tokens[i + 1];

	if (next->type == PHIG_WORD && next->gap == PHIG_GAP_SPACE && phig_is_capital(next) && next->lex == 0 &&
		(next->dict & (PHIG_DICT_WORD | PHIG_DICT_MEDICAL | PHIG_DICT_CITY | PHIG_DICT_CITY_PART |
					   PHIG_DICT_PROPER)) == 0)
		return true;
	return phig_witness_before(scan, i) >= PHIG_WITNESS_WORD;
}

static bool
is_name_of_place(const PhigToken *token)
{
	return token->type == PHIG_WORD && phig_is_capital(token) &&
		!(token->lex & (PHIG_LEX_MONTH | PHIG_LEX_WEEKDAY | PHIG_LEX_TITLE | PHIG_LEX_PERSON | PHIG_LEX_CREDENTIAL)) &&
		((token->lex & (PHIG_LEX_STOP | PHIG_LEX_AT)) == 0 ||
		 (token->lex & (PHIG_LEX_HOUSE | PHIG_LEX_FACILITY))) &&
		!(token->dict & PHIG_DICT_MEDICAL);
}

/* Signs inside a name: "St. Mary's", "Cedars-Sinai", "Smith & Wesson". */
static bool
is_joint(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	if (token->gap == PHIG_GAP_NONE && (token->sign == '-' || token->sign == '\''))
		return scan->tokens[i + 1].gap == PHIG_GAP_NONE && scan->tokens[i + 1].type == PHIG_WORD;
	if (token->sign == '.')
		return i > 0 && token->gap == PHIG_GAP_NONE && ((scan->tokens[i - 1].lex & PHIG_LEX_SAINT) ||
														phig_token_len(&scan->tokens[i - 1]) <= 3) &&
			phig_token_len(&scan->tokens[i - 1]) <= 3;
	return token->sign == '&' && scan->tokens[i + 1].type == PHIG_WORD;
}

/* An s behind an apostrophe, and "of" and "the" between capitals. */
static bool
is_small_part(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];
	const char *s = scan->text + token->start;

	if (token->type != PHIG_WORD || phig_is_capital(token))
		return false;
	if (phig_token_len(token) == 1)
		return s[0] == 's' && i > 0 && scan->tokens[i - 1].sign == '\'' && token->gap == PHIG_GAP_NONE;
	if (strncmp(s, "for ", 4) == 0 && (scan->tokens[i + 1].lex & PHIG_LEX_HOUSE) == 0)
		return false;
	return (strncmp(s, "of ", 3) == 0 || strncmp(s, "the ", 4) == 0 || strncmp(s, "for ", 4) == 0 ||
			strncmp(s, "and ", 4) == 0) && scan->tokens[i + 1].type == PHIG_WORD &&
		phig_is_capital(&scan->tokens[i + 1]);
}

/* "Mercy General Hospital", "St. Mary's Clinic", "Johns Hopkins", "Boston clinic". */
static void
find_facility(PhigScan *scan, int i)
{
	PhigToken  *tokens = scan->tokens;
	bool		system = (tokens[i].lex & PHIG_LEX_SYSTEM) != 0;
	bool		capital = phig_is_capital(&tokens[i]);
	int			first,
				last;
	float		score;

	if (system && !capital)
		return;
	first = facility_begin(scan, i);
	last = facility_end(scan, i);
	if (!system && !names_facility(scan, first, i, last))
		return;
	/* "Modified Duke Score" */
	if ((tokens[last + 1].lex & PHIG_LEX_AFTER_EPONYM) && tokens[last + 1].gap <= PHIG_GAP_SPACE)
		return;
	for (int j = first; j <= last; j++)
		if ((tokens[j].lex & PHIG_LEX_AFTER_EPONYM) && !(tokens[j].lex & (PHIG_LEX_HOUSE | PHIG_LEX_STREET)))
			return;
	score = system ? (first == last ? 0.4f : 0.7f) : capital ? 0.75f : 0.6f;
	if (first > 0 && (tokens[first - 1].lex & PHIG_LEX_AT))
		score += 0.2f;
	/* the only capital may be that of the sentence */
	if (!capital && first == i - 1 && tokens[first].gap >= PHIG_GAP_LINE)
		score = 0.3f;
	if (score < PHIG_DETECT_MIN_SCORE)
		return;
	phig_use(scan, first, last);
	phig_add(scan, tokens[first].start, tokens[last].end, "geo", "facility", "facility", score);
}

/* The capitalised words before a kind of facility. */
static int
facility_begin(const PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			first = i;

	while (first > 0 && i - first < 2 * MAX_FACILITY_WORDS && tokens[first].gap <= PHIG_GAP_SPACE)
	{
		const PhigToken *before = &tokens[first - 1];

		if (!is_name_of_place(before) && !is_joint(scan, first - 1) && !is_small_part(scan, first - 1) &&
			!(phig_token_len(before) == 1 && before->sign == '\0' && phig_is_capital(before)))
			break;
		if (before->shape & PHIG_SHAPE_USED && !(before->dict & (PHIG_DICT_CITY | PHIG_DICT_CITY_PART)))
			break;
		first--;
	}
	/* no name begins with a sign or a small word */
	while (first < i && (tokens[first].type == PHIG_SIGN || !phig_is_capital(&tokens[first])))
		first++;
	return first;
}

static int
facility_end(const PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			last = i;

	while (last + 1 < scan->n && tokens[last + 1].gap <= PHIG_GAP_SPACE && last - i < 2 * MAX_FACILITY_WORDS &&
		   (is_name_of_place(&tokens[last + 1]) || is_joint(scan, last + 1) || is_small_part(scan, last + 1) ||
			((tokens[last + 1].lex & PHIG_LEX_FACILITY) && phig_token_len(&tokens[last + 1]) > 3)))
		last++;
	while (last > i && tokens[last].type == PHIG_SIGN)
		last--;
	return last;
}

/* Whether the words say which facility it is, and not only of what kind. */
static bool
names_facility(const PhigScan *scan, int first, int kind, int last)
{
	const PhigToken *tokens = scan->tokens;
	bool		own = false;
	bool		heading = true;

	/* "Group B", "School nurse": a kind alone has its name behind it only by "of" */
	if (first == last || (first == kind && (!phig_is_capital(&tokens[kind]) ||
											scan->text[tokens[kind + 1].start] != 'o')))
		return false;
	for (int j = first; j <= last; j++)
	{
		if (tokens[j].type != PHIG_WORD)
			continue;
		/* "HOME HEALTH" */
		heading &= (tokens[j].shape & PHIG_SHAPE_ALL_UPPER) &&
			(tokens[j].lex & (PHIG_LEX_HOUSE | PHIG_LEX_FACILITY));
		own |= j != kind && phig_is_capital(&tokens[j]) &&
			(tokens[j].lex & (PHIG_LEX_STOP | PHIG_LEX_FACILITY | PHIG_LEX_SPECIALTY)) == 0;
	}
	return own && !heading;
}

/* "St. Luke's": nothing but a house of some kind. */
static bool
is_saint(const PhigScan *scan, int i)
{
	const PhigToken *name = &scan->tokens[i + 1];

	if (!(scan->tokens[i].lex & PHIG_LEX_SAINT) || phig_token_len(&scan->tokens[i]) != 2)
		return false;
	if (name->sign == '.' && name->gap == PHIG_GAP_NONE)
		name++;
	return name->type == PHIG_WORD && name->gap == PHIG_GAP_SPACE && phig_is_capital(name) && name[1].sign == '\'' &&
		name[1].gap == PHIG_GAP_NONE && phig_token_len(&name[2]) == 1 && name[2].gap == PHIG_GAP_NONE;
}

/* "seen at Cedar Crest", "lives in Chico", "from Petrusville": what place it is, is not known. */
static void
find_at(PhigScan *scan, int i)
{
	PhigToken  *tokens = scan->tokens;
	int			first = i + 1;
	int			last;
	bool		care = false,
				lives = false;
	bool		name = false;

	if (strncasecmp(scan->text + tokens[first].start, "the ", 4) == 0)
		first++;
	if (tokens[first].type != PHIG_WORD || !is_name_of_place(&tokens[first]) ||
		(tokens[first].shape & PHIG_SHAPE_USED) ||
		tokens[first].gap > PHIG_GAP_SPACE || (tokens[first].lex & PHIG_LEX_STATE) ||
		phig_place_words(scan, first, PHIG_DICT_COUNTRY, MAX_COUNTRY_WORDS, false) > 0)
		return;
	for (int j = i - 1; j >= 0 && j >= i - 6 && tokens[j + 1].gap < PHIG_GAP_LINE; j--)
	{
		care |= (tokens[j].lex & PHIG_LEX_CARE) != 0;
		lives |= (tokens[j].lex & PHIG_LEX_LIVES) != 0;
		if (tokens[j].sign == '.' && tokens[j + 1].gap != PHIG_GAP_NONE)
			break;
	}
	if (!care && !lives && !is_saint(scan, first))
		return;
	last = first;
	while (last + 1 < scan->n && tokens[last + 1].gap <= PHIG_GAP_SPACE && last - first < 2 * MAX_FACILITY_WORDS &&
		   !(tokens[last + 1].shape & PHIG_SHAPE_USED) &&
		   (is_name_of_place(&tokens[last + 1]) || is_joint(scan, last + 1) || is_small_part(scan, last + 1)))
		last++;
	while (last > first && tokens[last].type == PHIG_SIGN)
		last--;
	/* SNF, ICF: an abbreviation alone is mostly a kind of place */
	if (first == last && !lives && (tokens[first].shape & PHIG_SHAPE_ALL_UPPER) &&
		phig_token_len(&tokens[first]) <= 4 &&
		(tokens[first].lex & PHIG_LEX_SYSTEM) == 0)
		return;
	for (int j = first; j <= last; j++)
		name |= tokens[j].type == PHIG_WORD && phig_is_capital(&tokens[j]) &&
			!((tokens[j].dict & PHIG_DICT_MEDICAL) ||
			  (tokens[j].lex & (PHIG_LEX_STOP | PHIG_LEX_EPONYM | PHIG_LEX_SPECIALTY | PHIG_LEX_FACILITY)));
	if (!name)
		return;
	phig_use(scan, first, last);
	phig_add(scan, tokens[first].start, tokens[last].end, "geo", lives ? "city" : "facility", lives ? "city" :
			 "facility", 0.65f);
}

/* A postal code in capitals, or the name of a state with one. */
static bool
is_state(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	return phig_token_len(token) == 2 ? (token->shape & PHIG_SHAPE_ALL_UPPER) != 0 : phig_is_capital(token);
}
