/*
 * shapes.c
 *		Identifiers that are known by their form: patterns, and what may start them.
 *
 * One pass over the tokens.  Where a number begins, the length of its run of digits and the character
 * behind it pick, by two tables of bits, the few patterns that can match there; most numbers of a
 * note pick none.  A pattern is tried at that one place; then its judge looks at check digits and ranges,
 * and the words around raise or lower the score.
 */
#include "postgres.h"

#include "port/pg_bitutils.h"

#include "detect/chars.h"
#include "detect/judge.h"
#include "detect/shapes.h"

#define MAX_SHAPES 32
#define MAX_RUN 31
#define BETWEEN(low, high) ((uint32) ((UINT64CONST(2) << (high)) - (UINT64CONST(1) << (low))))
#define EXACTLY(n) BETWEEN(n, n)

/* "14:30", ", 2:30 p.m. EST", "T14:30:00Z", "@ 1430", "0745": what may stand behind a date. */
#define TIME "(?i:(?:[ t]|, ?|,? at | ?@ ?)(?:\\d{1,2}:\\d{2}(?::\\d{2}(?:[.,]\\d{1,6})?)?(?: ?[ap]\\.?m\\b\\.?)?|(?:0\\d|(?<=@|@ )[12]\\d)[0-5]\\d(?!\\d))" \
	"(?:z|[+-]\\d\\d:?\\d\\d| (?:[ecmp][sd]t|utc|gmt|h|hrs|hours)\\b)?)?"
/* "x12", ", ext. 7", "extension 310", "#45". */
#define EXTENSION "(?:,? ?(?:x|ext(?:n|ension)?\\.?:?|#) ?\\d{1,6})?"

/* "Longitude", "lng:", "\"lon\": " before the second of two coordinates; the sign of degrees is folded to \x01. */
#define LONGITUDE "(?:\"?(?i:lon(?:g(?:itude)?)?|lng)\"?[:=]? ?)?"

const PhigShape phig_shapes[] = {
	{"card", "account", "card", "\\d{4}(?:([ -])\\d{4}\\1\\d{4}\\1\\d{1,7}|([ -])\\d{6}\\2\\d{4,5}|\\d{8,15})(?![\\w-])", 0,
	{EXACTLY(4) | BETWEEN(12, 19), " -", 0, 'd'}, phig_judge_card, 0.4f, PHIG_LEX_CARD},
	{"coordinates", "geo", "point", "\\d{1,3}\\.\\d{4,}\\x01?(?: ?[NS])?[,;]? {0,2}" LONGITUDE "-?\\d{1,3}\\.\\d{4,}\\x01?(?: ?[EW])?(?![\\w.])", 0,
	{BETWEEN(1, 3), ".", 0, 'd'}, phig_judge_point, 0.6f, 0},
	{"date", "date", NULL, "\\d{1,2}([/.-])\\d{1,2}\\1(?:\\d{4}|\\d{2})(?![\\d/]|\\.\\d|-\\d(?!\\d?/))" TIME, 0,
	{BETWEEN(1, 2), "/.-", 0, 'd'}, phig_judge_date, 0.7f, PHIG_LEX_DATE | PHIG_LEX_BIRTH},
	{"date_compact", "date", NULL, "(?:19|20)\\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])(?:[01]\\d[0-5]\\d(?:[0-5]\\d)?)?(?![\\w-])", 0,
		{EXACTLY(8) | EXACTLY(12) | EXACTLY(14), " ", 0, 'd'}, phig_judge_compact, 0.2f,
	PHIG_LEX_DATE | PHIG_LEX_BIRTH},
	{"date_iso", "date", NULL, "(?:19|20)\\d{2}(?:([/.-])\\d{1,2}\\1\\d{1,2}" TIME "|-W\\d\\d(?:-[1-7])?|-\\d{3})(?![\\w-])", 0,
	{EXACTLY(4), "/.-", 0, 'd'}, phig_judge_iso, 0.75f, PHIG_LEX_DATE | PHIG_LEX_BIRTH},
	{"date_month_year", "date", NULL, "(?:0?[1-9]|1[0-2])[/-](?:19|20)\\d{2}(?![\\w/-]|\\.\\d)", 0,
	{BETWEEN(1, 2), "/-", 0, 'd'}, phig_judge_plain, 0.55f, PHIG_LEX_DATE | PHIG_LEX_BIRTH},
	{"date_range", "date", NULL, "\\d{1,2}/\\d{1,2} ?(?:-|to|through|thru) ?\\d{1,2}/\\d{1,2}(?:/(?:\\d{4}|\\d{2}))?(?![\\w/])", 0,
	{BETWEEN(1, 2), "/", 0, 'd'}, phig_judge_range, 0.4f, PHIG_LEX_DATE},
	{"date_short", "date", NULL, "\\d{1,2}/\\d{1,2}(?![\\w/%]|[.,]\\d|-\\d)", 0,
	{BETWEEN(1, 2), "/", 0, 'd'}, phig_judge_short, 0.2f, PHIG_LEX_DATE | PHIG_LEX_BIRTH},
	{"dea", "license", "dea", "[A-HJ-MPR-UX][A-Z9]\\d{7}(?:-\\w{2,6})?(?![\\w])", PCRE2_CASELESS,
	{BETWEEN(1, 2), "a", EXACTLY(9), 'a'}, phig_judge_dea, 0.7f, PHIG_LEX_DEA},
	{"iban", "account", "bank", "[A-Z]{2}\\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![\\w])", 0,
	{EXACTLY(2), "a", 0, 'a'}, phig_judge_iban, 0.9f, PHIG_LEX_BANK},
	{"imei", "device", "imei", "\\d{15}(?![\\w-])", 0,
	{EXACTLY(15), " ", 0, 'd'}, phig_judge_imei, 0.4f, PHIG_LEX_DEVICE},
	{"ipv4", "ip", "v4", "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)(?:\\.(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)){3}(?:/\\d{1,2})?(?![\\w-]|\\.\\d)", 0,
	{BETWEEN(1, 3), ".", 0, 'd'}, phig_judge_ipv4, 0.8f, PHIG_LEX_DEVICE},
	{"mac", "device", "mac", "[0-9A-F]{2}(?:([:-])(?:[0-9A-F]{2}\\1){4}[0-9A-F]{2}|[0-9A-F]{2}\\.[0-9A-F]{4}\\.[0-9A-F]{4})(?![\\w:])", PCRE2_CASELESS,
	{BETWEEN(1, 4), ":-.a", EXACTLY(2) | EXACTLY(4), 'd'}, phig_judge_mac, 0.9f, PHIG_LEX_DEVICE},
	{"mac", "device", "mac", "[0-9A-F]{2}(?:([:-])(?:[0-9A-F]{2}\\1){4}[0-9A-F]{2}|[0-9A-F]{2}\\.[0-9A-F]{4}\\.[0-9A-F]{4})(?![\\w:])", PCRE2_CASELESS,
	{BETWEEN(1, 4), ":-.a", EXACTLY(2) | EXACTLY(4), 'a'}, phig_judge_mac, 0.9f, PHIG_LEX_DEVICE},
	{"mbi", "health_plan", "mbi", "[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\\d[ -]?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\\d[ -]?[AC-HJKMNP-RT-Y]{2}\\d{2}(?![\\w-])", PCRE2_CASELESS,
	{EXACTLY(1), "a", EXACTLY(4) | EXACTLY(11), 'd'}, phig_judge_plain, 0.8f, PHIG_LEX_MEDICARE | PHIG_LEX_MEMBER},
	{"npi", "license", "npi", "[12]\\d{9}(?![\\w-])", 0,
	{EXACTLY(10), " .,;:)]}?!", 0, 'd'}, phig_judge_npi, 0.4f, PHIG_LEX_NPI},
	{"phone", "phone", NULL, "\\d{3}(?:[./-]|\\) ?)\\d{3}[ .-]\\d{4}" EXTENSION "(?![\\w-]|\\.\\d)", PCRE2_CASELESS,
	{EXACTLY(3), ".-/", 0, 'd'}, phig_judge_phone, 0.6f, PHIG_LEX_PHONE | PHIG_LEX_FAX},
	{"phone", "phone", NULL, "\\d{3} \\d{3} \\d{4}" EXTENSION "(?![\\w-]|\\.\\d)", PCRE2_CASELESS,
	{EXACTLY(3), " ", 0, 'd'}, phig_judge_phone, 0.4f, PHIG_LEX_PHONE | PHIG_LEX_FAX},
	{"phone", "phone", NULL, "(?:1|00[1-9]\\d?)[ .-](?:\\(\\d{3}\\) ?|\\d{3}[ .-])\\d{3}[ .-]\\d{4}" EXTENSION "(?![\\w-]|\\.\\d)", PCRE2_CASELESS,
	{EXACTLY(1) | BETWEEN(3, 4), " .-", 0, 'd'}, phig_judge_international, 0.65f, PHIG_LEX_PHONE | PHIG_LEX_FAX},
	{"phone", "phone", NULL, "\\(\\d{3}\\)[ .-]?\\d{3}[ .-]?\\d{4}" EXTENSION "(?![\\w-]|\\.\\d)", PCRE2_CASELESS,
	{EXACTLY(3), ")", 0, '('}, phig_judge_phone, 0.75f, PHIG_LEX_PHONE | PHIG_LEX_FAX},
	{"phone", "phone", NULL, "\\+\\d(?:[ .-]?\\(?\\d{1,4}\\)?){2,6}\\d" EXTENSION "(?![\\w-]|\\.\\d)", PCRE2_CASELESS,
	{BETWEEN(1, 15), " .-(a)", 0, '+'}, phig_judge_international, 0.7f, PHIG_LEX_PHONE | PHIG_LEX_FAX},
	{"phone", "phone", NULL, "0\\d{1,4}(?: \\d{2,4}){2,4}(?![\\w-]|[.,/]\\d)", 0,
	{BETWEEN(2, 5), " ", 0, 'd'}, phig_judge_national, 0.5f, PHIG_LEX_PHONE | PHIG_LEX_FAX},
	{"ssn", "ssn", NULL, "\\d{3}([ .-])\\d{2}\\1\\d{4}(?![\\w-]|\\.\\d)", 0,
	{EXACTLY(3), " .-", 0, 'd'}, phig_judge_ssn, 0.6f, PHIG_LEX_SSN},
	{"ssn_last4", "ssn", "last4", "[xX*#]{3}[ -]?[xX*#]{2}[ -]?\\d{4}(?![\\w-])", 0,
	{0, "", 0, '*'}, phig_judge_plain, 0.8f, PHIG_LEX_SSN},
	{"ssn_last4", "ssn", "last4", "xxx[ -]?xx[ -]?\\d{4}(?![\\w-])", PCRE2_CASELESS,
	{EXACTLY(3) | EXACTLY(5), "-a", 0, 'a'}, phig_judge_plain, 0.8f, PHIG_LEX_SSN},
	{"udi", "device", "udi", "\\(01\\)\\d{14}(?:\\((?:10|11|15|17|20|21|30|240|250)\\)[\\w./+-]{0,19}\\w)*", 0,
	{EXACTLY(2), ")", 0, '('}, phig_judge_plain, 0.9f, PHIG_LEX_DEVICE},
	{"udi_plain", "device", "udi", "01\\d{14}(?:1[157]\\d{6})?(?:(?:10|21)\\w{1,20})?(?!\\w)", 0,
	{BETWEEN(16, 31), " a.,;)", 0, 'd'}, phig_judge_gtin, 0.3f, PHIG_LEX_DEVICE | PHIG_LEX_SERIAL},
	{"vin", "vehicle", "vin", "[A-HJ-NPR-Z0-9]{17}(?!\\w)", PCRE2_CASELESS,
	{0, "", EXACTLY(17), 'd'}, phig_judge_vin, 0.4f, PHIG_LEX_VEHICLE},
	{"vin", "vehicle", "vin", "[A-HJ-NPR-Z0-9]{17}(?!\\w)", PCRE2_CASELESS,
	{0, "", EXACTLY(17), 'a'}, phig_judge_vin, 0.4f, PHIG_LEX_VEHICLE},
	{"zip4", "geo", "zip", "\\d{5}-\\d{4}(?![\\w-])", 0,
	{EXACTLY(5), "-", 0, 'd'}, phig_judge_zip4, 0.5f, PHIG_LEX_ZIP},
};
const int	phig_nshapes = lengthof(phig_shapes);

StaticAssertDecl(lengthof(phig_shapes) <= MAX_SHAPES, "a shape is a bit");

static PhigPattern patterns[MAX_SHAPES];
static bool ready = false;

/*
 * Which shapes begin so: by the length of the run of letters, of digits, or of digits behind a sign, and by what
 * follows it.
 */
enum
{
	RUN_LETTERS, RUN_DIGITS, RUN_SIGNED
};

static uint32 by_run[3][MAX_RUN + 1];
static uint32 by_after[256];
static uint32 by_cluster[MAX_RUN + 1];
static uint32 by_sign[256];

static void prepare(void);
static void add_start(const PhigStart *start, uint32 bit);
static bool is_fax(const PhigScan *scan, int i);
static int	cluster_end(const PhigScan *scan, int i);
static size_t try_shapes(PhigScan *scan, uint32 shapes, int i, size_t done);
static uint32 shapes_at(const PhigScan *scan, int i, int cluster);
static uint32 shapes_behind(const PhigScan *scan, int i);

void
phig_find_shapes(PhigScan *scan)
{
	size_t		done = 0;

	if (!ready)
		prepare();
	for (int i = 0; i < scan->n;)
	{
		const PhigToken *token = &scan->tokens[i];
		int			next = i + 1;
		uint32		shapes;

		if (token->type == PHIG_SIGN)
			shapes = by_sign[(unsigned char) token->sign] == 0 ? 0 : shapes_behind(scan, i);
		else
		{
			next = cluster_end(scan, i);
			shapes = token->type == PHIG_NUMBER || next > i + 1 || (scan->text[token->start] | 0x20) == 'x' ?
				shapes_at(scan, i, next) : 0;
		}
		/* inside a match the later, shorter ones would only overlap it */
		if (shapes != 0 && token->start >= done)
			done = Max(done, try_shapes(scan, shapes, i, done));
		i = next;
	}
}

static uint32
shapes_at(const PhigScan *scan, int i, int cluster)
{
	const PhigToken *token = &scan->tokens[i];
	uint32		len = scan->tokens[cluster - 1].end - token->start;
	uint32		run = Min(phig_token_len(token), MAX_RUN);
	unsigned char after = token->end < scan->len ? scan->text[token->end] : ' ';

	return by_run[token->type == PHIG_NUMBER ? RUN_DIGITS : RUN_LETTERS][run] & by_after[after] &
		by_cluster[Min(len, MAX_RUN)];
}

/* A bracket or plus that digits follow; a star that another follows. */
static uint32
shapes_behind(const PhigScan *scan, int i)
{
	const PhigToken *next = &scan->tokens[i + 1];
	uint32		shapes = by_sign[(unsigned char) scan->tokens[i].sign];
	unsigned char after = next->end < scan->len ? scan->text[next->end] : ' ';

	if (next->gap != PHIG_GAP_NONE || next->type == PHIG_WORD)
		return 0;
	if (next->type == PHIG_SIGN)
		return next->sign == scan->tokens[i].sign ? shapes & by_run[RUN_SIGNED][0] : 0;
	return shapes & by_run[RUN_SIGNED][Min(phig_token_len(next), MAX_RUN)] & by_after[after];
}

/* Returns the end of the longest match that counts.  before: that of the match before. */
static size_t
try_shapes(PhigScan *scan, uint32 shapes, int i, size_t before)
{
	size_t		start = scan->tokens[i].start;
	size_t		done = 0;

	/* a part of a longer number is nothing by itself; a date behind the dash of another is */
	if (start > 0 && start != before + 1 && scan->tokens[i].type != PHIG_SIGN &&
		scan->tokens[i].gap == PHIG_GAP_NONE &&
		strchr("./-", scan->text[start - 1]) != NULL &&
		start > 1 && is_digit(scan->text[start - 2]))
		return 0;
	while (shapes != 0)
	{
		int			s = pg_rightmost_one_pos32(shapes);
		const PhigShape *shape = &phig_shapes[s];
		size_t		end;
		int			last = i;
		float		score;

		shapes &= shapes - 1;
		if (!phig_pattern_match(&patterns[s], shape->name, scan->text, scan->len, start, &end))
			continue;
		while (last + 1 < scan->n && scan->tokens[last + 1].start < end)
			last++;
		score = shape->judge(shape, scan, start, end, i, last);
		if (score <= 0)
			continue;
		if ((shape->context & PHIG_LEX_FAX) && is_fax(scan, i))
			phig_add(scan, start, end, "fax", NULL, "fax", score);
		else
			phig_add(scan, start, end, shape->category, shape->kind, shape->name, score);
		if (score >= PHIG_DETECT_MIN_SCORE)
			done = Max(done, end);
	}
	return done;
}

/* Of the words before a number the nearest that says so. */
static bool
is_fax(const PhigScan *scan, int i)
{
	for (int j = i - 1; j >= 0 && j >= i - 6 && scan->tokens[j + 1].gap < PHIG_GAP_LINE; j--)
	{
		const PhigToken *token = &scan->tokens[j];

		if (token->lex & (PHIG_LEX_FAX | PHIG_LEX_PHONE))
			return (token->lex & PHIG_LEX_FAX) != 0;
		/* "F:" beside "T:" and "P:" */
		if (token->type == PHIG_WORD && phig_token_len(token) == 1 && scan->tokens[j + 1].sign == ':')
			return (scan->text[token->start] | 0x20) == 'f';
	}
	return false;
}

static int
cluster_end(const PhigScan *scan, int i)
{
	for (i++; i < scan->n && scan->tokens[i].gap == PHIG_GAP_NONE && scan->tokens[i].type != PHIG_SIGN; i++)
		;
	return i;
}

static void
prepare(void)
{
	for (int i = 0; i < phig_nshapes; i++)
	{
		const PhigShape *shape = &phig_shapes[i];
		int			error;
		size_t		offset;

		/*
		 * no search of the rest of the text for a byte that a match must have: there is one place
		 * to try
		 */
		if (!phig_pattern_compile(&patterns[i], shape->pattern, strlen(shape->pattern),
								  shape->options | PCRE2_ANCHORED | PCRE2_NO_START_OPTIMIZE, &error, &offset))
			elog(ERROR, "pattern of recognizer \"%s\" is bad at %zu: %s", shape->name, offset,
				 phig_pattern_error(error));
		add_start(&shape->start, UINT32_C(1) << i);
	}
	ready = true;
}

static void
add_start(const PhigStart *start, uint32 bit)
{
	int			run = start->first == 'd' ? RUN_DIGITS : start->first == 'a' ? RUN_LETTERS : RUN_SIGNED;

	if (run == RUN_SIGNED)
		by_sign[(unsigned char) start->first] |= bit;
	for (int n = 0; n <= MAX_RUN; n++)
	{
		if (start->run_lengths == 0 || (start->run_lengths >> n & 1))
			by_run[run][n] |= bit;
		if (start->cluster_lengths == 0 || (start->cluster_lengths >> n & 1))
			by_cluster[n] |= bit;
	}
	for (int c = 0; c < 256; c++)
	{
		char		type = is_letter(c) || is_digit(c) ? 'a' : c == '\t' || c == '\n' || c == '\r' ? ' ' : c;

		if (start->after[0] == '\0' || (type != '\0' && strchr(start->after, type) != NULL))
			by_after[c] |= bit;

		/*
		 * what ends a number in a sentence is as good as a space; a dot or comma may go on with a
		 * digit
		 */
		else if (strchr(start->after, ' ') != NULL && strchr(".,;:)]}?!\"'=<>|&\1", c) != NULL)
			by_after[c] |= bit;
	}
}
