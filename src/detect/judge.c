/*
 * judge.c
 *		What a match of a shape is worth: ranges, check digits, the words around it.
 *
 * A check digit that fails lowers the score, and a word that says what it is raises it again:
 * mistyped and invented identifiers are to be found too.
 */
#include "postgres.h"

#include "detect/chars.h"
#include "detect/judge.h"
#include "detect/validators.h"

static float weigh(const PhigScan *scan, int first, int last, float score, uint64 context);
static int	read_numbers(const char *s, size_t len, int *numbers, int max);
static bool is_date_field(const PhigScan *scan, int first);
static bool is_version(const PhigScan *scan, int first);

float
phig_judge_plain(PHIG_JUDGE_ARGS)
{
	return weigh(scan, first, last, shape->score, shape->context);
}

float
phig_judge_card(PHIG_JUDGE_ARGS)
{
	const char *s = scan->text + start;
	float		score = shape->score;

	if (phig_luhn_holds(s, end - start))
		score += phig_check_card(s, end - start) == PHIG_VALID ? 0.4f : 0.1f;
	else
		score -= 0.2f;
	return weigh(scan, first, last, score, shape->context);
}

float
phig_judge_compact(PHIG_JUDGE_ARGS)
{
	const char *s = scan->text + start;

	if (!phig_is_month_day(to_int(s + 4, 2), to_int(s + 6, 2)))
		return 0;
	/* a field of HL7 v2 */
	if (start > 0 && s[-1] == '|' && scan->text[end] == '|')
		return 0.6f;
	return weigh(scan, first, last, end - start > 8 ? 0.6f : shape->score, shape->context);
}

/* Month and day in either order: a date whichever way it is meant. */
float
phig_judge_date(PHIG_JUDGE_ARGS)
{
	const char *s = scan->text + start;
	size_t		parts[3];
	int			n[3];
	size_t		at = 0;
	float		score = shape->score;
	char		sep;

	for (int i = 0; i < 3; i++)
	{
		size_t		from = at;

		while (at < end - start && is_digit(s[at]))
			at++;
		parts[i] = at - from;
		n[i] = to_int(s + from, parts[i]);
		at++;
	}
	sep = s[parts[0]];
	if (!phig_is_month_day(n[0], n[1]) && !phig_is_month_day(n[1], n[0]))
		return 0;
	if (parts[2] == 4 && (n[2] < 1800 || n[2] > 2199))
		return 0;
	/* 3-4-5 and 1.2.10 are mostly something else, but for a time of day behind them */
	if (parts[2] == 2 && sep != '/' && end - start < 10)
		score = parts[0] == 2 && parts[1] == 2 && sep == '-' ? 0.6f : 0.3f;
	else if (parts[2] == 4)
		score += 0.1f;
	return weigh(scan, first, last, score, shape->context);
}

float
phig_judge_dea(PHIG_JUDGE_ARGS)
{
	char		upper[20];
	size_t		len = end - start;

	if (len > sizeof(upper))
		return 0;
	for (size_t i = 0; i < len; i++)
	{
		char		c = scan->text[start + i];

		upper[i] = c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
	}
	return weigh(scan, first, last, phig_check_dea(upper, len) == PHIG_VALID ? shape->score : 0.2f,
				 shape->context);
}

/* GS1 General Specifications, 7.9: over GTIN-14. */
float
phig_judge_gtin(PHIG_JUDGE_ARGS)
{
	return weigh(scan, first, last, phig_check_udi(scan->text + start, 16) == PHIG_VALID ? 0.6f : shape->score,
				 shape->context);
}

/* ISO 13616: the remainder by 97 of the number with its head moved to the end. */
float
phig_judge_iban(PHIG_JUDGE_ARGS)
{
	char		compact[40];
	size_t		n = 0;
	int			remainder = 0;

	for (size_t i = start; i < end; i++)
		if (scan->text[i] != ' ' && n < sizeof(compact))
			compact[n++] = scan->text[i];
	if (n < 15 || n > 34)
		return 0;
	for (size_t i = 0; i < n; i++)
	{
		char		c = compact[(i + 4) % n];

		if (is_digit(c))
			remainder = (remainder * 10 + digit_value(c)) % 97;
		else
			remainder = (remainder * 100 + c - 'A' + 10) % 97;
	}
	return weigh(scan, first, last, remainder == 1 ? shape->score : 0.2f, shape->context);
}

float
phig_judge_imei(PHIG_JUDGE_ARGS)
{
	if (phig_has_context(scan, first, last, shape->context))
		return 0.95f;
	return phig_luhn_holds(scan->text + start, end - start) ? shape->score : 0.1f;
}

float
phig_judge_international(PHIG_JUDGE_ARGS)
{
	int			digits = 0;

	for (size_t i = start; i < end && !is_letter(scan->text[i]) && scan->text[i] != '#'; i++)
		digits += is_digit(scan->text[i]);
	if (digits < 8 || digits > 17)
		return 0;
	return weigh(scan, first, last, shape->score, shape->context);
}

float
phig_judge_ipv4(PHIG_JUDGE_ARGS)
{
	if (is_version(scan, first))
		return 0.1f;
	return weigh(scan, first, last, shape->score, shape->context);
}

float
phig_judge_iso(PHIG_JUDGE_ARGS)
{
	const char *s = scan->text + start;
	int			n[3];

	if (s[5] == 'W')
		return to_int(s + 6, 2) >= 1 &&
			to_int(s + 6, 2) <= 53 ? weigh(scan, first, last, 0.5f, shape->context) : 0;
	if (read_numbers(s, end - start, n, 3) < 3)
		return n[1] >= 1 && n[1] <= 366 ? weigh(scan, first, last, 0.2f, shape->context) : 0;
	if (!phig_is_month_day(n[1], n[2]) && !phig_is_month_day(n[2], n[1]))
		return 0;
	return weigh(scan, first, last, shape->score, shape->context);
}

float
phig_judge_mac(PHIG_JUDGE_ARGS)
{
	return phig_check_mac(scan->text + start, end - start) == PHIG_VALID ? shape->score : 0.1f;
}

/* One random number in ten has the right check digit: without a word it is not enough. */
float
phig_judge_npi(PHIG_JUDGE_ARGS)
{
	return weigh(scan, first, last, phig_check_npi(scan->text + start, end - start) == PHIG_VALID ?
				 shape->score : 0.2f,
				 shape->context);
}

/* "024 971 50 30": of other countries, with the 0 that stands for the country. */
float
phig_judge_national(PHIG_JUDGE_ARGS)
{
	int			digits = 0;

	for (size_t i = start; i < end; i++)
		digits += is_digit(scan->text[i]);
	return digits < 9 || digits > 11 ? 0 : weigh(scan, first, last, shape->score, shape->context);
}

/* NANP: area and exchange begin with 2 to 9 and do not end in 11. */
float
phig_judge_phone(PHIG_JUDGE_ARGS)
{
	char		digits[10];
	int			n = 0;
	float		score = shape->score;

	for (size_t i = start; i < end && n < 10; i++)
		if (is_digit(scan->text[i]))
			digits[n++] = scan->text[i];
	if (n < 10)
		return 0;
	if (digits[0] < '2' || digits[3] < '2' || digits[1] == '9' ||
		(digits[1] == '1' && digits[2] == '1') || (digits[4] == '1' && digits[5] == '1'))
		score -= 0.2f;
	/* nothing else has an extension */
	for (size_t i = start; i < end; i++)
		if (scan->text[i] == 'x' || scan->text[i] == 'X')
			return Max(score, 0.6f);
	return weigh(scan, first, last, score, shape->context);
}

float
phig_judge_point(PHIG_JUDGE_ARGS)
{
	int			degrees = 0;

	for (size_t i = start; i < end && is_digit(scan->text[i]); i++)
		degrees = degrees * 10 + digit_value(scan->text[i]);
	return degrees <= 180 ? shape->score : 0;
}

float
phig_judge_range(PHIG_JUDGE_ARGS)
{
	int			n[5];
	int			got = read_numbers(scan->text + start, end - start, n, 5);

	if (!phig_is_month_day(n[0], n[1]) || !phig_is_month_day(n[2], n[3]))
		return 0;
	return weigh(scan, first, last, got == 5 ? 0.75f : shape->score, shape->context);
}

/* M/D: a date only by what stands before it. */
float
phig_judge_short(PHIG_JUDGE_ARGS)
{
	int			n[2];

	read_numbers(scan->text + start, end - start, n, 2);
	if (!phig_is_month_day(n[0], n[1]))
		return 0;
	if (first > 0 && ((scan->tokens[first - 1].lex & shape->context) != 0 || is_date_field(scan, first)) &&
		scan->tokens[first].gap < PHIG_GAP_LINE &&
		(scan->tokens[last + 1].lex & PHIG_LEX_MEASURE) == 0)
		return shape->score + PHIG_CONTEXT_GAIN;
	return shape->score;
}

float
phig_judge_ssn(PHIG_JUDGE_ARGS)
{
	const char *s = scan->text + start;
	float		score = phig_check_ssn(s, end - start) == PHIG_BAD_RANGE ? 0.3f : shape->score;

	/* an ITIN */
	if (s[0] == '9' && s[4] >= '5')
		score = 0.5f;
	if (s[3] != '-')
		score -= 0.15f;
	return weigh(scan, first, last, score, shape->context);
}

float
phig_judge_vin(PHIG_JUDGE_ARGS)
{
	char		upper[17];
	int			digits = 0,
				letters = 0;

	for (int i = 0; i < 17; i++)
	{
		char		c = scan->text[start + i];

		upper[i] = c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
		digits += is_digit(c);
		letters += is_alpha(c);
	}
	if (digits < 4 || letters < 2)
		return 0;
	return weigh(scan, first, last, phig_check_vin(upper, 17) == PHIG_VALID ? 0.85f : shape->score,
				 shape->context);
}

float
phig_judge_zip4(PHIG_JUDGE_ARGS)
{
	if (phig_check_zip(scan->text + start, end - start) != PHIG_VALID)
		return 0;
	return weigh(scan, first, last, shape->score, shape->context);
}

bool
phig_is_month_day(int month, int day)
{
	static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

bool
phig_luhn_holds(const char *s, size_t len)
{
	int			sum = 0;
	bool		twice = false;

	for (size_t i = len; i-- > 0;)
	{
		int			d = digit_value(s[i]);

		if (!is_digit(s[i]))
			continue;
		if (twice)
			d = d < 5 ? 2 * d : 2 * d - 9;
		sum += d;
		twice = !twice;
	}
	return sum % 10 == 0;
}

static float
weigh(const PhigScan *scan, int first, int last, float score, uint64 context)
{
	const PhigToken *before = first > 0 ? &scan->tokens[first - 1] : NULL;

	if (context != 0 && phig_has_context(scan, first, last, context))
		return Min(score + PHIG_CONTEXT_GAIN, 1.0f);
	/* "NDC 12345-678-90", "NDC: ...", "12 mg" */
	if (before != NULL && before->type == PHIG_SIGN && first > 1)
		before--;
	if ((before != NULL && (before->lex & PHIG_LEX_CODE)) || (scan->tokens[last + 1].lex & PHIG_LEX_MEASURE))
		return Max(score - PHIG_CONTEXT_LOSS, 0.0f);
	return score;
}

/* How many numbers between other characters, of at most nine digits each. */
static int
read_numbers(const char *s, size_t len, int *numbers, int max)
{
	int			n = 0;

	for (size_t i = 0; i < len && n < max; i++)
	{
		size_t		from = i;

		while (i < len && is_digit(s[i]))
			i++;
		if (i > from)
			numbers[n++] = to_int(s + from, Min(i - from, 9));
	}
	return n;
}

/* "DOS: 3/14", "appt: 5/6"; but "Pain at discharge: 4/10". */
static bool
is_date_field(const PhigScan *scan, int first)
{
	static const char *const words[] = {
		"appointment", "appt", "birthday", "collected", "date", "dob", "dos", "due", "edd", "lmp", "performed", "rtc",
		"scheduled", "seen", "signed"
	};
	const PhigToken *label = first > 1 && scan->tokens[first - 1].sign == ':' ? &scan->tokens[first - 2] : NULL;

	for (int i = 0; label != NULL && i < (int) lengthof(words); i++)
		if (phig_token_len(label) == strlen(words[i]) &&
			strncasecmp(scan->text + label->start, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

/* "version 1.2.3.4", "v1.2.3.4", "section 4.2.1.1". */
static bool
is_version(const PhigScan *scan, int first)
{
	for (int i = first - 1; i >= 0 && i >= first - 2; i--)
		if (scan->tokens[i].lex & PHIG_LEX_CODE)
			return true;
	return false;
}
