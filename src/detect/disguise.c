/*
 * disguise.c
 *		Values of the same form in place of identifiers.
 *
 * Nothing of the value stays but its form: length of words and numbers, signs between them, letter
 * case, the year of a date (45 CFR 164.514(b)(2)(i)(C) lets it stay).  What is put there is random, seeded
 * by the caller; where a range is reserved for examples it comes from there.
 */
#include "postgres.h"

#include "detect/chars.h"
#include "detect/dictionary.h"
#include "detect/disguise.h"
#include "detect/fold.h"
#include "detect/lexicon.h"
#include "detect/token.h"

/* Words of addresses and facilities that name no place. */
#define STAYS_IN_PLACE \
	(PHIG_LEX_STREET | PHIG_LEX_UNIT | PHIG_LEX_DIRECTION | PHIG_LEX_FACILITY | PHIG_LEX_SAINT | PHIG_LEX_HOUSE | \
	 PHIG_LEX_STOP | PHIG_LEX_ORDINAL)

typedef struct Random
{
	uint64		state;
} Random;

/* Frequent names, US Census. */
static const char *const given_names[] = {
	"James", "Mary", "Robert", "Patricia", "John", "Jennifer", "Michael", "Linda", "David", "Elizabeth", "William",
	"Barbara", "Richard", "Susan", "Joseph", "Jessica", "Thomas", "Sarah", "Charles", "Karen", "Daniel", "Lisa",
	"Matthew", "Nancy", "Anthony", "Betty", "Steven", "Sandra", "Paul", "Ashley", "Andrew", "Emily", "Joshua",
	"Donna", "Kenneth", "Michelle", "Kevin", "Carol", "Brian", "Amanda", "George", "Melissa", "Edward", "Deborah",
	"Ronald", "Stephanie", "Timothy", "Rebecca", "Jason", "Laura", "Jeffrey", "Sharon", "Ryan", "Cynthia", "Jacob",
	"Kathleen", "Gary", "Amy", "Nicholas", "Angela", "Eric", "Anna", "Stephen", "Ruth"
};
static const char *const surnames[] = {
	"Smith", "Johnson", "Williams", "Brown", "Jones", "Garcia", "Miller", "Davis", "Rodriguez", "Martinez", "Hernandez",
	"Lopez", "Gonzalez", "Wilson", "Anderson", "Thomas", "Taylor", "Moore", "Jackson", "Martin", "Lee", "Perez",
	"Thompson", "White", "Harris", "Sanchez", "Clark", "Ramirez", "Lewis", "Robinson", "Walker", "Young", "Allen",
	"King", "Wright", "Scott", "Torres", "Nguyen", "Hill", "Flores", "Green", "Adams", "Nelson", "Baker", "Hall",
	"Rivera", "Campbell", "Mitchell", "Carter", "Roberts", "Gomez", "Phillips", "Evans", "Turner", "Diaz", "Parker",
	"Cruz", "Edwards", "Collins", "Reyes", "Stewart", "Morris", "Morales", "Murphy"
};
static const char *const places[] = {
	"Franklin", "Clinton", "Springfield", "Greenville", "Bristol", "Fairview", "Salem", "Madison", "Georgetown",
	"Arlington", "Ashland", "Dover", "Oxford", "Jackson", "Burlington", "Manchester", "Milton", "Newport", "Auburn",
	"Centerville", "Clayton", "Dayton", "Lexington", "Milford", "Riverside", "Cleveland", "Hudson", "Kingston", "Mount",
	"Oakland", "Winchester", "Lakeside"
};
static const char *const seasons[] = {"winter", "spring", "summer", "fall"};
static const char *const months[] = {
	"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"
};

static char *to_plain(const char *text, size_t *len, PhigDecode decode);
static void disguise_name(StringInfo out, const char *text, size_t len, PhigDisguiseSeed seed, void *state);
static bool has_letter(const char *text, size_t len);
static void disguise_place(StringInfo out, const char *text, size_t len, PhigDisguiseSeed seed, void *state);
static int	kinds_as_names(const char *text, size_t len);
static bool is_kind_as_name(const char *word, uint64 lex);
static size_t place_word_end(const char *text, size_t i, size_t len);
static void disguise_date(StringInfo out, const char *text, size_t len, Random *random);
static bool is_year(const char *text);
static bool is_short_year(const char *text, size_t len, size_t at, int numbers);
static void disguise_email(StringInfo out, Random *random);
static void disguise_url(StringInfo out, Random *random);
static void disguise_ip(StringInfo out, const char *kind, Random *random);
static void disguise_phone(StringInfo out, const char *text, size_t len, Random *random);
static void disguise_number(StringInfo out, const char *text, size_t len, Random *random);
static void append_like(StringInfo out, const char *word, const char *like, size_t len);
static uint64 canonical_seed(const char *text, size_t len, PhigDisguiseSeed seed, void *state);
static uint32 next_random(Random *random, uint32 below);

void
phig_disguise(StringInfo out, const PhigSpan *span, const char *text, size_t len, PhigDecode decode,
			  PhigDisguiseSeed seed, void *state)
{
	const char *category = span->category;
	Random		random;

	if (strcmp(category, "name") == 0)
	{
		disguise_name(out, text, len, seed, state);
		return;
	}
	if (strcmp(category, "geo") == 0 && (span->kind == NULL || strcmp(span->kind, "zip") != 0))
	{
		disguise_place(out, text, len, seed, state);
		return;
	}
	if (strcmp(category, "age") == 0)
	{
		appendStringInfoString(out, "90");
		return;
	}
	random.state = canonical_seed(text, len, seed, state);
	if (strcmp(category, "date") == 0 || strcmp(category, "phone") == 0 || strcmp(category, "fax") == 0)
	{
		char	   *plain = to_plain(text, &len, decode);

		if (strcmp(category, "date") == 0)
			disguise_date(out, plain, len, &random);
		else
			disguise_phone(out, plain, len, &random);
		pfree(plain);
	}
	else if (strcmp(category, "email") == 0)
		disguise_email(out, &random);
	else if (strcmp(category, "url") == 0)
		disguise_url(out, &random);
	else if (strcmp(category, "ip") == 0)
		disguise_ip(out, span->kind, &random);
	else
		disguise_number(out, text, len, &random);
}

/*
 * The same in ASCII: a full-width digit is to be replaced as any other, a month in look-alikes of its letters too.
 * Where digits and months are looked for, what is neither would stay.
 */
static char *
to_plain(const char *text, size_t *len, PhigDecode decode)
{
	PhigFolded	folded = {0};

	phig_fold(&folded, text, *len, decode);
	for (size_t i = 0; i < folded.len; i++)
		if (folded.buffer[i] == PHIG_OTHER_LETTER || folded.buffer[i] == PHIG_OTHER_SIGN)
			folded.buffer[i] = folded.buffer[i] == PHIG_OTHER_LETTER ? 'x' : '*';
	if (folded.runs != NULL)
		pfree(folded.runs);
	*len = folded.len;
	return folded.buffer;
}

/* Word by word, whatever stands beside it: a surname alone is to become what it became with the given name. */
static void
disguise_name(StringInfo out, const char *text, size_t len, PhigDisguiseSeed seed, void *state)
{
	size_t		i = 0;

	while (i < len)
	{
		size_t		start = i;
		uint64		lex;
		Random		random;

		if (!is_letter(text[i]) && !is_digit(text[i]))
		{
			appendStringInfoChar(out, text[i++]);
			continue;
		}
		while (i < len && (is_letter(text[i]) || is_digit(text[i]) || (text[i] == '\'' && i + 1 < len &&
																	   is_letter(text[i + 1]))))
			i++;
		lex = phig_lexicon_look(phig_hash_word(text + start, i - start));
		/* "van" and "judge" before a name, "Jr" behind one; "Anh Le" is a name */
		if (((lex & (PHIG_LEX_TITLE | PHIG_LEX_PARTICLE)) && has_letter(text + i, len - i)) ||
			((lex & PHIG_LEX_SUFFIX) && start > 0))
		{
			appendBinaryStringInfo(out, text + start, i - start);
			continue;
		}
		random.state = canonical_seed(text + start, i - start, seed, state);
		if (i - start == 1)
			appendStringInfoChar(out, 'A' + next_random(&random, 26));
		else
		{
			const char *word = phig_dictionary_look(phig_hash_word(text + start, i - start)) & PHIG_DICT_FIRST ?
				given_names[next_random(&random, lengthof(given_names))] :
				surnames[next_random(&random, lengthof(surnames))];

			append_like(out, word, text + start, i - start);
		}
	}
}

static bool
has_letter(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (is_letter(text[i]))
			return true;
	return false;
}

/* Kinds of streets and facilities stay, as do small words; the rest is other words and other numbers. */
static void
disguise_place(StringInfo out, const char *text, size_t len, PhigDisguiseSeed seed, void *state)
{
	int			kinds = kinds_as_names(text, len);
	bool		only = kinds == 1;
	size_t		i = 0;

	while (i < len)
	{
		size_t		start = i;
		Random		random;

		if (is_digit(text[i]))
		{
			while (i < len && is_digit(text[i]))
				i++;
			random.state = canonical_seed(text, len, seed, state) + start;
			disguise_number(out, text + start, i - start, &random);
		}
		else if (is_letter(text[i]))
		{
			uint64		lex;

			i = place_word_end(text, i, len);
			lex = phig_lexicon_look(phig_hash_word(text + start, i - start));
			/* the last of several kinds stays one */
			if ((lex & STAYS_IN_PLACE) && !(kinds > 0 && is_kind_as_name(text + start, lex) && (kinds-- > 1 || only)))
				appendBinaryStringInfo(out, text + start, i - start);
			else
			{
				random.state = canonical_seed(text + start, i - start, seed, state);
				append_like(out, places[next_random(&random, lengthof(places))], text + start, i - start);
			}
		}
		else
			appendStringInfoChar(out, text[i++]);
	}
}

/* "North Lake Drive", "Mercy General Hospital": how many words name the place that are kinds elsewhere; 0: others do. */
static int
kinds_as_names(const char *text, size_t len)
{
	int			kinds = 0;

	for (size_t i = 0; i < len;)
	{
		size_t		start = i;
		uint64		lex;

		if (!is_letter(text[i]))
		{
			i++;
			continue;
		}
		i = place_word_end(text, i, len);
		lex = phig_lexicon_look(phig_hash_word(text + start, i - start));
		if ((lex & STAYS_IN_PLACE) == 0)
			return 0;
		kinds += is_kind_as_name(text + start, lex);
	}
	return kinds;
}

static bool
is_kind_as_name(const char *word, uint64 lex)
{
	return (lex & (PHIG_LEX_UNIT | PHIG_LEX_DIRECTION | PHIG_LEX_ORDINAL | PHIG_LEX_ROAD)) == 0 &&
		((lex & PHIG_LEX_STOP) == 0 || is_upper(word[0]));
}

static size_t
place_word_end(const char *text, size_t i, size_t len)
{
	while (i < len && (is_letter(text[i]) || (text[i] == '\'' && i + 1 < len && is_letter(text[i + 1]))))
		i++;
	return i;
}

/* Another day, month and time of the same year; numbers of two digits are 1 to 12, so that they fit any order. */
static void
disguise_date(StringInfo out, const char *text, size_t len, Random *random)
{
	int			numbers = 0;
	bool		year = false;
	size_t		i = 0;

	while (i < len)
	{
		size_t		start = i;
		size_t		digits;

		if (is_letter(text[i]))
		{
			uint64		lex;

			while (i < len && is_letter(text[i]))
				i++;
			lex = phig_lexicon_look(phig_hash_word(text + start, i - start));
			if (lex & PHIG_LEX_MONTH)
			{
				const char *month = months[next_random(random, lengthof(months))];
				char		word[16];

				strlcpy(word, month, i - start <= 4 ? 4 : sizeof(word));
				append_like(out, word, text + start, i - start);
			}
			else if (lex & PHIG_LEX_SEASON)
				append_like(out, seasons[next_random(random, lengthof(seasons))], text + start, i - start);
			else if (lex & PHIG_LEX_WEEKDAY)
				append_like(out, i - start > 3 ? "Monday" : "Mon", text + start, i - start);
			else
				appendBinaryStringInfo(out, text + start, i - start);
			continue;
		}
		if (!is_digit(text[i]))
		{
			appendStringInfoChar(out, text[i++]);
			continue;
		}
		while (i < len && is_digit(text[i]))
			i++;
		digits = i - start;
		numbers++;
		if (digits == 4 && (year || !is_year(text + start)))
			/* "@ 1430", "0745" */
			appendStringInfo(out, "%02d%02d", 1 + (int) next_random(random, 12), 10 + (int) next_random(random, 50));
		else if (digits >= 4)
		{
			year = true;
			/* a year, of a compact form with month, day and time behind it */
			appendBinaryStringInfo(out, text + start, 4);
			for (size_t j = 4; j + 2 <= digits; j += 2)
				appendStringInfo(out, "%02d", 1 + (int) next_random(random, 12));
			if (digits % 2 == 1)
				appendStringInfoChar(out, '1');
		}
		else if (digits == 2 && is_short_year(text, len, start, numbers))
		{
			year = true;
			appendBinaryStringInfo(out, text + start, 2);
		}
		else if (digits == 1)
			appendStringInfoChar(out, '1' + next_random(random, 9));
		else
			appendStringInfo(out, "%0*d", (int) digits, 1 + (int) next_random(random, 12));
	}
}

/* Of the first four digits: 1800 to 2199, and no time of day. */
static bool
is_year(const char *text)
{
	int			n = to_int(text, 4);

	return n >= 1800 && n <= 2199;
}

/* '19, and the last of three numbers between the same signs: 6/8/15. */
static bool
is_short_year(const char *text, size_t len, size_t at, int numbers)
{
	char		before = at > 0 ? text[at - 1] : ' ';

	if (before == '\'')
		return true;
	return numbers >= 3 && (before == '/' || before == '-' || before == '.') &&
		!(at + 3 < len && strchr("/.-", text[at + 2]) != NULL && is_digit(text[at + 3]));
}

/* RFC 2606 keeps example.org for nobody. */
static void
disguise_email(StringInfo out, Random *random)
{
	for (int i = 0; i < 8; i++)
		appendStringInfoChar(out, 'a' + next_random(random, 26));
	appendStringInfoString(out, "@example.org");
}

static void
disguise_url(StringInfo out, Random *random)
{
	appendStringInfoString(out, "https://www.example.org/");
	for (int i = 0; i < 8; i++)
		appendStringInfoChar(out, 'a' + next_random(random, 26));
}

/* RFC 5737, RFC 3849. */
static void
disguise_ip(StringInfo out, const char *kind, Random *random)
{
	if (kind != NULL && strcmp(kind, "v6") == 0)
		appendStringInfo(out, "2001:db8::%x", 1 + next_random(random, 0xffff));
	else
		appendStringInfo(out, "192.0.2.%u", 1 + next_random(random, 254));
}

/* The numbers 555-0100 to 555-0199 are for fiction: of a number of ten digits the last seven are one of them. */
static void
disguise_phone(StringInfo out, const char *text, size_t len, Random *random)
{
	static const char fiction[] = "55501";
	size_t		digits = 0;
	size_t		extension = len;
	size_t		n = 0;

	for (size_t i = 0; i < len; i++)
	{
		if (is_letter(text[i]) || text[i] == '#')
		{
			extension = i;
			break;
		}
		digits += is_digit(text[i]);
	}
	for (size_t i = 0; i < len; i++)
	{
		if (!is_digit(text[i]))
		{
			appendStringInfoChar(out, text[i]);
			continue;
		}
		n++;
		if (i < extension && digits >= 7 && n + 7 > digits && n + 2 <= digits)
			appendStringInfoChar(out, fiction[n + 7 - digits - 1]);
		else
			appendStringInfoChar(out, (n == 1 ? '2' : '0') + next_random(random, n == 1 ? 8 : 10));
	}
}

/* Digit for digit, letter for letter. */
static void
disguise_number(StringInfo out, const char *text, size_t len, Random *random)
{
	for (size_t i = 0; i < len; i++)
	{
		char		c = text[i];

		if (is_digit(c))
			appendStringInfoChar(out, '0' + next_random(random, 10));
		else if (is_upper(c))
			appendStringInfoChar(out, 'A' + next_random(random, 26));
		else if (is_alpha(c))
			appendStringInfoChar(out, 'a' + next_random(random, 26));
		else if ((c & 0x80) == 0)
			appendStringInfoChar(out, c);
		else if ((c & 0xC0) == 0xC0)
			/* one for each character: of what it is made up does not matter */
			appendStringInfoChar(out, '0' + next_random(random, 10));
	}
}

/* In the letter case of what it replaces. */
static void
append_like(StringInfo out, const char *word, const char *like, size_t len)
{
	bool		first = is_upper(like[0]) || (like[0] & 0x80);
	bool		all = len > 1 && is_upper(like[0]) && is_upper(like[len - 1]);

	for (size_t i = 0; word[i] != '\0'; i++)
	{
		char		c = word[i];
		bool		upper = i == 0 ? first : all;

		if (upper)
			appendStringInfoChar(out, c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
		else
			appendStringInfoChar(out, is_upper(c) ? c - 'A' + 'a' : c);
	}
}

/* Letters in lower case and digits, nothing else: however it is written, it is the same value. */
static uint64
canonical_seed(const char *text, size_t len, PhigDisguiseSeed seed, void *state)
{
	char	   *canonical = palloc(len + 1);
	size_t		n = 0;
	uint64		result;

	for (size_t i = 0; i < len; i++)
		if (is_letter(text[i]) || is_digit(text[i]))
			canonical[n++] = is_upper(text[i]) ? text[i] - 'A' + 'a' : text[i];
	result = seed(state, canonical, n);
	pfree(canonical);
	return result;
}

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint32
next_random(Random *random, uint32 below)
{
	uint64		z = (random->state += UINT64CONST(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64CONST(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64CONST(0x94d049bb133111eb);
	return (uint32) (((z ^ z >> 31) >> 32) * below >> 32);
}
