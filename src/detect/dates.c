/*
 * dates.c
 *		Dates with a month or a season in words, and ages over 89.
 *
 * What 45 CFR 164.514(b)(2)(i)(C) lets stay is left alone: a bare year, an age up to 89.
 */
#include "postgres.h"

#include "detect/chars.h"
#include "detect/scan.h"

static void find_month(PhigScan *scan, int i);
static int	day_before(const PhigScan *scan, int i);
static int	day_behind(const PhigScan *scan, int i);
static void find_season(PhigScan *scan, int i);
static void find_age(PhigScan *scan, int i);
static bool says_sex(const PhigScan *scan, int i);
static bool presents(const PhigScan *scan, int i);
static void find_age_word(PhigScan *scan, int i);
static bool is_word(const PhigScan *scan, int i, const char *word);
static bool is_dash(const PhigToken *token);
static bool ends_clause(const PhigScan *scan, int i);
static int	number_of(const PhigScan *scan, int i);
static bool is_day(const PhigScan *scan, int i);
static int	skip_ordinal(const PhigScan *scan, int i);
static int	read_year(const PhigScan *scan, int i, bool two_digits);
static int	read_time(const PhigScan *scan, int i);
static int	read_half(const PhigScan *scan, int i);
static int	read_zone(const PhigScan *scan, int i);

void
phig_find_dates(PhigScan *scan)
{
	for (int i = 0; i < scan->n; i++)
	{
		const PhigToken *token = &scan->tokens[i];

		if (token->type == PHIG_NUMBER)
		{
			uint32		len = phig_token_len(token);

			if ((len == 2 && scan->text[token->start] == '9') ||
				(len == 3 && scan->text[token->start] == '1' && scan->text[token->start + 1] <= '2'))
				find_age(scan, i);
		}
		else if (token->lex & (PHIG_LEX_MONTH | PHIG_LEX_SEASON | PHIG_LEX_NINETY))
		{
			if (token->lex & PHIG_LEX_MONTH)
				find_month(scan, i);
			if (token->lex & PHIG_LEX_SEASON)
				find_season(scan, i);
			if (token->lex & PHIG_LEX_NINETY)
				find_age_word(scan, i);
		}
	}
}

/*
 * Around a month: "3 Dec 1936", "the 12th of May", "12-May-2019", "March 15th, 2022", "Feb 20 2024",
 * "March 3 to 5", "April 2023", each with a time behind it or a weekday before it.
 */
static void
find_month(PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	bool		capital = tokens[i].shape & PHIG_SHAPE_INITIAL_UPPER;

	/* may, march and mar are other words too */
	bool		ambiguous = (tokens[i].dict & PHIG_DICT_WORD) != 0 && !capital;
	int			first = day_before(scan, i);
	int			last = i;
	int			next = i + 1;
	bool		day = first < i;
	bool		year;
	int			j;

	/* "Feb." */
	if (phig_is_sign(&tokens[next], '.') && tokens[next].gap == PHIG_GAP_NONE)
		next++;
	j = day ? -1 : day_behind(scan, next);
	if (j >= 0)
	{
		day = true;
		last = j;
		next = j + 1;
	}
	/* the year */
	if (phig_is_sign(&tokens[next], ',') || phig_is_sign(&tokens[next], '.'))
		next++;
	else if (is_word(scan, next, "of"))
		next++;
	else if (is_dash(&tokens[next]) && tokens[next].gap == PHIG_GAP_NONE)
		next++;
	j = read_year(scan, next, day);
	year = j >= 0;
	if (year)
		last = j;
	if ((!day && !year) || (ambiguous && !(day && year)))
		return;

	last = read_time(scan, last);
	if (first > 0 && (tokens[first - 1].lex & PHIG_LEX_WEEKDAY) && tokens[first].gap <= PHIG_GAP_SPACE)
		first--;
	else if (first > 1 && phig_is_sign(&tokens[first - 1], ',') && (tokens[first - 2].lex & PHIG_LEX_WEEKDAY))
		first -= 2;
	phig_add(scan, tokens[first].start, tokens[last].end, "date", NULL, "date_words",
			 day && year ? 0.95f : capital ? 0.75f : 0.55f);
}

/* The token of a day that stands before a month: "3 Dec", "12-May",
	"the 12th of May"; the month itself when there is none. */
static int
day_before(const PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			j = i - 1;

	if (j >= 0 && (is_dash(&tokens[j]) || phig_is_sign(&tokens[j], '.')) && tokens[i].gap == PHIG_GAP_NONE)
		j--;
	else if (j >= 1 && is_word(scan, j, "of"))
		j--;
	if (j >= 0 && (tokens[j].lex & PHIG_LEX_ORDINAL) && tokens[j].gap == PHIG_GAP_NONE)
		j--;
	return j >= 0 && is_day(scan, j) && tokens[i].gap < PHIG_GAP_LINE &&
		tokens[j + 1].gap <= PHIG_GAP_SPACE ? j : i;
}

/* The last token of a day or a range of days that stands behind a month: "3", "15th",
	"3 to 5"; -1 when there is none. */
static int
day_behind(const PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			last;

	if ((is_dash(&tokens[i]) && tokens[i].gap == PHIG_GAP_NONE) || is_word(scan, i, "the"))
		i++;
	if (i >= scan->n || !is_day(scan, i) || tokens[i].gap > PHIG_GAP_WIDE)
		return -1;
	last = skip_ordinal(scan, i);
	if ((phig_is_sign(&tokens[last + 1], '-') || is_word(scan, last + 1, "to")) && is_day(scan, last + 2) &&
		tokens[last + 2].gap <= PHIG_GAP_SPACE)
		last = skip_ordinal(scan, last + 2);
	return last;
}

/* "Christmas 2021", "winter of 2019". */
static void
find_season(PhigScan *scan, int i)
{
	int			next = i + 1;
	int			year;

	if (is_word(scan, next, "of"))
		next++;
	year = read_year(scan, next, false);
	if (year >= 0)
		phig_add(scan, scan->tokens[i].start, scan->tokens[year].end, "date", NULL, "date_season", 0.6f);
}

/* The number itself is the span: what is around it may stay. */
static void
find_age(PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	const PhigToken *token = &tokens[i];
	int			next = i + 1;
	float		score = 0;

	if (i > 0 && token->gap == PHIG_GAP_NONE && tokens[i - 1].sign != '(' && tokens[i - 1].sign != ':')
		return;
	if (next < scan->n && phig_is_sign(&tokens[next], '-') && tokens[next].gap == PHIG_GAP_NONE)
		next++;
	if (next < scan->n && (tokens[next].lex & PHIG_LEX_AGE_UNIT) && tokens[next].gap <= PHIG_GAP_SPACE)
	{
		const char *s = scan->text + tokens[next].start;
		uint32		len = phig_token_len(&tokens[next]);
		int			after = next + 1;

		if (after < scan->n && phig_is_sign(&tokens[after], '-'))
			after++;
		/* yo, y/o, year-old; or years of age; "for 95 years" is none */
		if (len == 2 && (s[1] == 'o' || s[1] == 'O'))
			score = 0.9f;
		else if (len == 1 && after < scan->n && (phig_is_sign(&tokens[after], '/') ||
												 phig_is_sign(&tokens[after], '.')))
			score = 0.85f;
		else if (strncmp(scan->text + tokens[after].start, "old", 3) == 0 ||
				 strncmp(scan->text + tokens[after].start, "of age", 6) == 0)
			score = 0.95f;
		else if (i > 0 && (tokens[i - 1].lex & PHIG_LEX_AGE))
			score = 0.9f;
	}
	else if (says_sex(scan, i))
		score = 0.75f;
	/* 92yM */
	else if (tokens[next].type == PHIG_WORD && tokens[next].gap == PHIG_GAP_NONE &&
			 phig_token_len(&tokens[next]) == 2 &&
			 scan->text[tokens[next].start] == 'y' && strchr("mMfF", scan->text[tokens[next].start + 1]) != NULL)
		score = 0.85f;
	else if (i > 0)
	{
		int			before = i - 1;

		if ((phig_is_sign(&tokens[before], ':') || phig_is_sign(&tokens[before], '=')) && before > 0)
			before--;
		if (tokens[before].lex & PHIG_LEX_AGE)
			score = 0.85f;
		else if (strncmp(scan->text + tokens[before].start, "turned", 6) == 0 ||
				 strncmp(scan->text + tokens[before].start, "turning", 7) == 0)
			score = 0.75f;
		/* "died at 97" */
		else if (before > 0 && ends_clause(scan, next) &&
				 strncmp(scan->text + tokens[before].start, "at ", 3) == 0 &&
				 (strncmp(scan->text + tokens[before - 1].start, "died", 4) == 0 ||
				  strncmp(scan->text + tokens[before - 1].start, "passed", 6) == 0))
			score = 0.7f;
		/* "She is 93." */
		else if (before > 0 && (tokens[before - 1].lex & PHIG_LEX_PRONOUN) && ends_clause(scan, next) &&
				 (strncmp(scan->text + tokens[before].start, "is ", 3) == 0 ||
				  strncmp(scan->text + tokens[before].start, "was ", 4) == 0))
			score = 0.65f;
	}
	if (score > 0)
		phig_add(scan, token->start, token->end, "age", NULL, "age", score);
}

/*
 * "92M with", "a 93F presenting", "Pt is a 95M.": number i is the age of a patient.  F is a unit of temperatures, too, which
 * begin no sentence and have no article.
 */
static bool
says_sex(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];
	const PhigToken *sex = token + 1;
	char		letter = sex->type == PHIG_WORD && phig_token_len(sex) == 1 ? scan->text[sex->start] & ~0x20 : '\0';
	bool		ends = sex[1].type == PHIG_SIGN && sex[1].gap == PHIG_GAP_NONE && strchr(".,;", sex[1].sign) != NULL;
	bool		begins = token->gap >= PHIG_GAP_LINE || i == 0 || token[-1].sign == '.' || is_word(scan, i - 1, "a") ||
		is_word(scan, i - 1, "A") || is_word(scan, i - 1, "this") || is_word(scan, i - 1, "This");

	if ((letter != 'M' && letter != 'F') || sex->gap > PHIG_GAP_SPACE)
		return false;
	return letter == 'F' ? begins && (presents(scan, i + 2) || (ends && token->gap < PHIG_GAP_LINE && i > 0 &&
																token[-1].type == PHIG_WORD)) :
		presents(scan, i + 2) || (begins && ends && sex->gap == PHIG_GAP_NONE);
}

/* "with", "w/", "c/o", "presenting": what is said of a patient first. */
static bool
presents(const PhigScan *scan, int i)
{
	static const char *const words[] = {
		"with", "who", "presenting", "presents", "presented", "admitted", "transferred", "brought", "found", "complaining",
		"status", "here", "hx", "pmh", "pmhx"
	};
	const PhigToken *token = &scan->tokens[i];

	if (token->gap != PHIG_GAP_SPACE)
		return false;
	/* w/, c/o, s/p, h/o, p/w */
	if (phig_token_len(token) == 1 && token[1].sign == '/' && token[1].gap == PHIG_GAP_NONE)
		return token->type == PHIG_WORD;
	for (int j = 0; j < (int) lengthof(words); j++)
		if (is_word(scan, i, words[j]))
			return true;
	return false;
}

/* "ninety-three years old", "in her nineties", "centenarian". */
static void
find_age_word(PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	const char *s = scan->text + tokens[i].start;
	int			last = i;
	bool		age = false;

	if (strncasecmp(s, "nineties", 8) == 0)
		age = i > 0 && (strncasecmp(scan->text + tokens[i - 1].start, "h", 1) == 0 ||
						(tokens[i - 1].lex & PHIG_LEX_PRONOUN) ||
						strncasecmp(scan->text + tokens[i - 1].start, "mid", 3) == 0 ||
						strncasecmp(scan->text + tokens[i - 1].start, "late", 4) == 0 ||
						strncasecmp(scan->text + tokens[i - 1].start, "early", 5) == 0 ||
						strncasecmp(scan->text + tokens[i - 1].start, "their", 5) == 0 ||
						phig_is_sign(&tokens[i - 1], '-'));
	else if (s[0] == 'n' || s[0] == 'N' || s[0] == 'c' || s[0] == 'C')
	{
		age = phig_token_len(&tokens[i]) > 6;
		for (int j = i + 1; !age && j < scan->n && j <= i + 4 && tokens[j].gap < PHIG_GAP_LINE; j++)
			if (tokens[j].lex & PHIG_LEX_AGE_UNIT)
				age = true;
			else if (tokens[j].type == PHIG_WORD)
				last = j;
	}
	if (age)
		phig_add(scan, tokens[i].start, tokens[last].end, "age", NULL, "age", 0.8f);
}

static bool
is_word(const PhigScan *scan, int i, const char *word)
{
	const PhigToken *token = &scan->tokens[i];

	return token->type == PHIG_WORD && phig_token_len(token) == strlen(word) &&
		strncmp(scan->text + token->start, word, strlen(word)) == 0;
}

static bool
is_dash(const PhigToken *token)
{
	return phig_is_sign(token, '-') || phig_is_sign(token, '/');
}

/* A full stop, comma or bracket that no number goes on behind; or the end. */
static bool
ends_clause(const PhigScan *scan, int i)
{
	return i >= scan->n || (scan->tokens[i].sign != '\0' && strchr(".,;)", scan->tokens[i].sign) != NULL &&
							scan->tokens[i + 1].gap != PHIG_GAP_NONE);
}

static int
number_of(const PhigScan *scan, int i)
{
	return to_int(scan->text + scan->tokens[i].start, Min(phig_token_len(&scan->tokens[i]), 9));
}

/* 1 to 31, in one or two digits, and not the end of something longer. */
static bool
is_day(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	return token->type == PHIG_NUMBER && phig_token_len(token) <= 2 && number_of(scan, i) >= 1 &&
		number_of(scan, i) <= 31 &&
		!(scan->tokens[i + 1].gap == PHIG_GAP_NONE && scan->tokens[i + 1].sign != '\0' &&
		  strchr("/:%", scan->tokens[i + 1].sign) != NULL &&
		  (scan->tokens[i + 1].sign == '%' || scan->tokens[i + 2].type == PHIG_NUMBER)) &&
		!(scan->tokens[i + 1].sign == '.' && scan->tokens[i + 2].type == PHIG_NUMBER &&
		  scan->tokens[i + 2].gap == PHIG_GAP_NONE);
}

static int
skip_ordinal(const PhigScan *scan, int i)
{
	return scan->tokens[i + 1].gap == PHIG_GAP_NONE && (scan->tokens[i + 1].lex & PHIG_LEX_ORDINAL) ? i + 1 : i;
}

/* The token of a year from i on: 2019, '19, and 19 where two digits are enough; -1 when there is none. */
static int
read_year(const PhigScan *scan, int i, bool two_digits)
{
	const PhigToken *token = &scan->tokens[Min(i, scan->n)];
	uint32		len = phig_token_len(token);

	if (i >= scan->n || token->gap >= PHIG_GAP_LINE)
		return -1;
	if (phig_is_sign(token, '\'') && i + 1 < scan->n && scan->tokens[i + 1].type == PHIG_NUMBER &&
		phig_token_len(&scan->tokens[i + 1]) == 2 && scan->tokens[i + 1].gap == PHIG_GAP_NONE)
		return i + 1;
	if (token->type != PHIG_NUMBER)
		return -1;
	if (len == 4 && number_of(scan, i) >= 1800 && number_of(scan, i) <= 2199)
		return i;
	/* "12-May-19"; but "June 3, 10 mg" is none */
	if (len == 2 && two_digits && token->gap == PHIG_GAP_NONE)
		return i;
	return -1;
}

/* "14:30", ", at 2:30 p.m. EST", "@ 1430", "0745" behind a date. */
static int
read_time(const PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			next = i + 1;
	bool		at = false;

	if (phig_is_sign(&tokens[next], ','))
		next++;
	if (phig_is_sign(&tokens[next], '@') || is_word(scan, next, "at") || is_word(scan, next, "AT"))
	{
		at = true;
		next++;
	}
	if (next >= scan->n || tokens[next].type != PHIG_NUMBER || tokens[next].gap > PHIG_GAP_SPACE)
		return i;
	if (phig_token_len(&tokens[next]) == 4 && number_of(scan, next) < (at ? 2400 : 1000) &&
		number_of(scan, next) % 100 < 60 &&
		!(tokens[next + 1].lex & PHIG_LEX_MEASURE))
		return read_zone(scan, next);
	if (phig_token_len(&tokens[next]) > 2 || !phig_is_sign(&tokens[next + 1], ':') ||
		tokens[next + 2].type != PHIG_NUMBER ||
		phig_token_len(&tokens[next + 2]) != 2)
		return i;
	next += 2;
	if (phig_is_sign(&tokens[next + 1], ':') && tokens[next + 2].type == PHIG_NUMBER)
		next += 2;
	return read_zone(scan, read_half(scan, next));
}

/* "pm", "p.m." */
static int
read_half(const PhigScan *scan, int i)
{
	const PhigToken *half = &scan->tokens[i + 1];
	char		first = scan->text[half->start] | 0x20;

	if (half->type != PHIG_WORD || half->gap > PHIG_GAP_SPACE || (first != 'a' && first != 'p'))
		return i;
	if (phig_token_len(half) == 2 && (scan->text[half->start + 1] | 0x20) == 'm')
		return i + 1;
	if (phig_token_len(half) == 1 && phig_is_sign(&half[1], '.') && phig_token_len(&half[2]) == 1 &&
		(scan->text[half[2].start] | 0x20) == 'm' && half[2].gap == PHIG_GAP_NONE)
		return phig_is_sign(&half[3], '.') && half[3].gap == PHIG_GAP_NONE ? i + 4 : i + 3;
	return i;
}

/* "EST", "UTC". */
static int
read_zone(const PhigScan *scan, int i)
{
	static const char *const zones[] = {"EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "UTC", "GMT"};

	for (int j = 0; j < (int) lengthof(zones); j++)
		if (is_word(scan, i + 1, zones[j]) && scan->tokens[i + 1].gap == PHIG_GAP_SPACE)
			return i + 1;
	return i;
}
