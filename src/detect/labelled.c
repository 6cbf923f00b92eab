/*
 * labelled.c
 *		Numbers that are known by what stands before them: "MRN: 0123", "account no. 17-44".
 *
 * A label, then words and signs that only lead on ("number", "is", ":", "#"), then a value: letters and
 * digits with signs between them and at least some digits.  Labels in two words have the telling one in
 * the lexicon.
 */
#include "postgres.h"

#include "detect/chars.h"
#include "detect/scan.h"

#define MAX_LEADING 7
#define MAX_VALUE 40

/* What a label makes of the value behind it. */
typedef struct Label
{
	uint64		classes;
	const char *recognizer;
	const char *category;
	const char *kind;
	int			digits;			/* at least */
	int			most;			/* digits at most */
	float		with_sign;		/* score when a colon, a hash, a word like number stands between */
	float		bare;			/* when not: 0 for labels that are common words */
	bool		spaced;			/* groups of digits with spaces between them too */
} Label;

/* The first that fits counts. */
static const Label labels[] = {
	{PHIG_LEX_SSN, "ssn_labelled", "ssn", NULL, 9, 9, 0.9f, 0.85f, true},
	{PHIG_LEX_SSN, "ssn_last4", "ssn", "last4", 4, 4, 0.85f, 0.75f, false},
	{PHIG_LEX_FAX, "fax", "fax", NULL, 7, 16, 1.0f, 0.99f, true},
	{PHIG_LEX_CARD, "card_labelled", "account", "card", 12, 19, 0.85f, 0.8f, true},
	{PHIG_LEX_NPI, "npi_labelled", "license", "npi", 10, 10, 0.95f, 0.9f, false},
	{PHIG_LEX_DEA, "dea_labelled", "license", "dea", 7, 7, 0.95f, 0.9f, false},
	{PHIG_LEX_BANK, "bank", "account", "bank", 8, 20, 0.85f, 0.6f, false},
	{PHIG_LEX_PASSPORT, "passport", "license", "passport", 6, 9, 0.85f, 0.8f, false},
	{PHIG_LEX_MRN, "mrn", "mrn", "patient", 4, 14, 0.9f, 0.85f, false},
	{PHIG_LEX_RECORD, "mrn", "mrn", "patient", 5, 14, 0.75f, 0, false},
	{PHIG_LEX_ACCESSION, "accession", "mrn", "accession", 4, 14, 0.85f, 0.7f, false},
	{PHIG_LEX_ENCOUNTER, "encounter", "mrn", "encounter", 5, 16, 0.85f, 0.6f, false},
	{PHIG_LEX_MEDICARE, "medicare", "health_plan", "hicn", 6, 12, 0.85f, 0.75f, false},
	{PHIG_LEX_MEMBER, "member", "health_plan", "member", 4, 16, 0.85f, 0.6f, false},
	{PHIG_LEX_ACCOUNT, "account", "account", "billing", 5, 20, 0.85f, 0.65f, false},
	{PHIG_LEX_LICENSE, "license", "license", "driver", 5, 15, 0.85f, 0.6f, false},
	{PHIG_LEX_PLATE, "plate", "vehicle", "plate", 1, 6, 0.8f, 0.75f, true},
	{PHIG_LEX_VEHICLE, "vin_labelled", "vehicle", "vin", 1, 17, 0.85f, 0.8f, false},
	{PHIG_LEX_SERIAL, "serial", "device", "serial", 4, 18, 0.85f, 0.8f, false},
	{PHIG_LEX_DEVICE, "device", "device", NULL, 5, 40, 0.75f, 0.5f, false},
	{PHIG_LEX_TRIAL, "trial", "other", "trial", 3, 10, 0.75f, 0.65f, false},
	{PHIG_LEX_GROUP, "group", "health_plan", "group", 4, 14, 0.75f, 0.5f, false},
	{PHIG_LEX_PHONE, "phone_labelled", "phone", NULL, 7, 17, 0.85f, 0.75f, true},
	{PHIG_LEX_BIOMETRIC, "biometric", "biometric", NULL, 2, 16, 0.7f, 0, false},
	{PHIG_LEX_ZIP, "zip_labelled", "geo", "zip", 5, 9, 0.85f, 0.8f, false},
	{PHIG_LEX_ID, "identifier", "other", NULL, 4, 16, 0.7f, 0, false},
};

#define ANY_LABEL \
	(PHIG_LEX_SSN | PHIG_LEX_FAX | PHIG_LEX_CARD | PHIG_LEX_NPI | PHIG_LEX_DEA | PHIG_LEX_BANK | PHIG_LEX_PASSPORT | \
	 PHIG_LEX_MRN | PHIG_LEX_RECORD | PHIG_LEX_ACCESSION | PHIG_LEX_ENCOUNTER | PHIG_LEX_MEDICARE | PHIG_LEX_MEMBER | \
	 PHIG_LEX_ACCOUNT | PHIG_LEX_LICENSE | PHIG_LEX_PLATE | PHIG_LEX_VEHICLE | PHIG_LEX_SERIAL | PHIG_LEX_DEVICE | \
	 PHIG_LEX_TRIAL | PHIG_LEX_GROUP | PHIG_LEX_PHONE | PHIG_LEX_BIOMETRIC | PHIG_LEX_ZIP | PHIG_LEX_ID)

typedef struct Value
{
	int			first;			/* tokens */
	int			last;
	int			digits;
	int			letters;
} Value;

static uint64 label_classes(const PhigScan *scan, int i);
static bool is_named_id(const PhigScan *scan, int i);
static bool add_value(PhigScan *scan, uint64 lex, int at, bool sign);
static void add_ending(PhigScan *scan, uint64 lex, int i, int at);
static int	find_value(const PhigScan *scan, int label, bool *sign);
static bool begins_long_number(const PhigScan *scan, int i);
static bool leads_to_phone(const PhigScan *scan, const PhigToken *token);
static bool is_one_of(const PhigScan *scan, const PhigToken *token, const char *const *words, int n);
static bool read_value(const PhigScan *scan, int i, bool spaced, Value *value);
static bool fits(const PhigScan *scan, const Label *label, const Value *value);
static bool is_date(const PhigScan *scan, const Value *value);
static void find_phone_before(PhigScan *scan, int i);
static void find_hash(PhigScan *scan, int i);

void
phig_find_labelled(PhigScan *scan)
{
	for (int i = 0; i < scan->n; i++)
	{
		uint64		lex = label_classes(scan, i);
		bool		sign;
		int			at;

		if (scan->tokens[i].sign == '#')
			find_hash(scan, i);
		if (lex == 0)
			continue;
		if (lex & (PHIG_LEX_PHONE | PHIG_LEX_FAX))
			find_phone_before(scan, i);
		at = find_value(scan, i, &sign);
		if (at < 0)
			continue;
		sign |= is_named_id(scan, i) && phig_token_len(&scan->tokens[at]) >= 5;
		if (!add_value(scan, lex, at, sign))
			add_ending(scan, lex, i, at);
	}
}

/* Adds what a label of the classes makes of the value at a token; false: nothing. */
static bool
add_value(PhigScan *scan, uint64 lex, int at, bool sign)
{
	for (int j = 0; j < (int) lengthof(labels); j++)
	{
		const Label *label = &labels[j];
		Value		value;

		if ((label->classes & lex) == 0 || (!sign && label->bare == 0) ||
			!read_value(scan, at, label->spaced, &value) || !fits(scan, label, &value))
			continue;
		phig_add(scan, scan->tokens[value.first].start, scan->tokens[value.last].end, label->category,
				 label->kind,
				 label->recognizer, sign ? label->with_sign : label->bare);
		return true;
	}
	return false;
}

/* "account ending in 4421", "the last four of the card are 4421": token i is the label. */
static void
add_ending(PhigScan *scan, uint64 lex, int i, int at)
{
	static const char *const endings[] = {"ending", "ends", "four"};
	const PhigToken *value = &scan->tokens[at];
	bool		ending = false;

	if ((lex & (PHIG_LEX_ACCOUNT | PHIG_LEX_CARD | PHIG_LEX_BANK)) == 0 || value->type != PHIG_NUMBER ||
		phig_token_len(value) != 4 ||
		(value[1].gap == PHIG_GAP_NONE && (value[1].type != PHIG_SIGN || value[2].type == PHIG_NUMBER)))
		return;
	/* between label and value, or in words before the label */
	for (int j = at - 1; j >= 0 && j >= i - 5 && (j > i || scan->tokens[j].type == PHIG_WORD); j--)
		ending |= is_one_of(scan, &scan->tokens[j], endings, lengthof(endings));
	if (ending)
		phig_add(scan, value->start, value->end, "account", lex & PHIG_LEX_CARD ? "card" : "billing",
				 lex & PHIG_LEX_CARD ? "card_labelled" : "account", 0.75f);
}

/* What a token is a label of; some labels are more than a word. */
static uint64
label_classes(const PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	uint64		lex = tokens[i].lex & ANY_LABEL;
	int			before = i - 1;

	/* "S/N" */
	if (i > 1 && tokens[i].type == PHIG_WORD && phig_token_len(&tokens[i]) == 1 &&
		tokens[i].gap == PHIG_GAP_NONE &&
		(scan->text[tokens[i].start] | 0x20) == 'n' && tokens[i - 1].sign == '/' &&
		(scan->text[tokens[i - 2].start] | 0x20) == 's' && phig_token_len(&tokens[i - 2]) == 1)
		return PHIG_LEX_SERIAL;
	/* "patient id", "pt. id" */
	if ((lex & PHIG_LEX_ID) && before >= 0)
	{
		if ((tokens[before].sign == '.' || tokens[before].sign == '_') && before > 0)
			before--;
		if (tokens[before].lex & PHIG_LEX_PRONOUN)
			lex |= PHIG_LEX_MRN;
	}
	return lex;
}

/* "Employee ID", "study id": a word says whose number it is, as a sign would. */
static bool
is_named_id(const PhigScan *scan, int i)
{
	const PhigToken *before = &scan->tokens[i - 1];

	return i > 0 && (scan->tokens[i].lex & PHIG_LEX_ID) && phig_token_len(&scan->tokens[i]) == 2 &&
		before->type == PHIG_WORD && phig_token_len(before) > 3 && scan->tokens[i].gap == PHIG_GAP_SPACE &&
		(before->dict & PHIG_DICT_WORD) && (phig_is_capital(before) || (before->lex & PHIG_LEX_STOP) == 0);
}

/* The token where the value of a label begins; -1 when something else follows. */
static int
find_value(const PhigScan *scan, int label, bool *sign)
{
	*sign = false;
	for (int i = label + 1; i < scan->n && i <= label + MAX_LEADING; i++)
	{
		const PhigToken *token = &scan->tokens[i];

		/* the value may stand in the line below a label, the label's words not */
		if (token->gap == PHIG_GAP_PARAGRAPH || (token->gap == PHIG_GAP_LINE && !*sign))
			return -1;
		if (token->type == PHIG_NUMBER || token->sign == '+')
			return i;
		if (token->type == PHIG_SIGN)
		{
			if (token->sign == '\0' || strchr(":#=.(-_'\"/*)", token->sign) == NULL)
				return -1;
			if (token->sign == '(' && i + 1 < scan->n && scan->tokens[i + 1].type == PHIG_NUMBER)
				return i;
			*sign |= strchr(":#=", token->sign) != NULL;
			continue;
		}
		/* letters that digits follow without a space are the beginning of a value */
		if (i + 1 < scan->n && scan->tokens[i + 1].gap == PHIG_GAP_NONE &&
			(scan->tokens[i + 1].type == PHIG_NUMBER ||
			 ((scan->tokens[i + 1].sign == '-' || scan->tokens[i + 1].sign == '_') && i + 2 < scan->n &&
			  scan->tokens[i + 2].gap == PHIG_GAP_NONE && (token->lex & PHIG_LEX_NUMBER) == 0)))
			return i;
		if (token->lex & PHIG_LEX_NUMBER)
			*sign = true;
		else if (token->lex & (PHIG_LEX_ID | PHIG_LEX_RECORD))
			*sign = true;
		else if ((token->lex & (PHIG_LEX_LINK | ANY_LABEL)) == 0 &&
				 !((scan->tokens[label].lex & PHIG_LEX_PHONE) && leads_to_phone(scan, token)))
		{
			/* "Member ID: ABC 123456789": the letters say whose plan it is */
			if (*sign && (scan->tokens[label].lex & PHIG_LEX_MEMBER) && phig_token_len(token) <= 4 &&
				(token->shape & PHIG_SHAPE_ALL_UPPER) && begins_long_number(scan, i + 1))
				continue;
			/* "plate CJK 3320" */
			if ((token->shape & PHIG_SHAPE_ALL_UPPER) && i + 1 < scan->n &&
				scan->tokens[i + 1].type == PHIG_NUMBER &&
				scan->tokens[i + 1].gap == PHIG_GAP_SPACE && (scan->tokens[label].lex & PHIG_LEX_PLATE))
				return i;
			return -1;
		}
	}
	return -1;
}

/* Token i, or letters and what is joined to them, is a number of six digits at least. */
static bool
begins_long_number(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	if (i >= scan->n || token->gap != PHIG_GAP_SPACE)
		return false;
	if (token->type == PHIG_WORD && token[1].gap == PHIG_GAP_NONE)
		token++;
	return token->type == PHIG_NUMBER && phig_token_len(token) >= 6;
}

/* "call me back on". */
static bool
leads_to_phone(const PhigScan *scan, const PhigToken *token)
{
	static const char *const words[] = {"me", "us", "him", "them", "back", "on", "at", "under", "anytime"};

	return is_one_of(scan, token, words, lengthof(words));
}

static bool
is_one_of(const PhigScan *scan, const PhigToken *token, const char *const *words, int n)
{
	for (int i = 0; i < n; i++)
		if (phig_token_len(token) == strlen(words[i]) &&
			strncasecmp(scan->text + token->start, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

static bool
read_value(const PhigScan *scan, int i, bool spaced, Value *value)
{
	const char *signs = spaced ? "-./()+ *" : "-./_*";
	int			last = -1;
	int			digits = 0,
				letters = 0;

	*value = (Value)
	{
		.first = i
	};
	for (int j = i; j < scan->n; j++)
	{
		const PhigToken *token = &scan->tokens[j];

		if (j > i && token->gap != PHIG_GAP_NONE &&
			!(spaced && token->gap == PHIG_GAP_SPACE && (token->type == PHIG_NUMBER || token->sign == '(')))
			break;
		if (token->end - scan->tokens[i].start > MAX_VALUE)
			break;
		if (token->type == PHIG_SIGN)
		{
			if (strchr(signs, token->sign) == NULL || token->sign == '\0')
				break;
			continue;
		}
		if (token->type == PHIG_WORD && spaced && j > i && digits >= 7 &&
			!(token->gap == PHIG_GAP_NONE && (scan->text[token->start] == 'x' ||
											  scan->text[token->start] == 'X') && phig_token_len(token) == 1))
			break;
		if (token->type == PHIG_NUMBER)
			digits += phig_token_len(token);
		else
			letters += phig_token_len(token);
		last = j;
		value->digits = digits;
		value->letters = letters;
	}
	value->last = last;
	return last >= i && digits > 0;
}

static bool
fits(const PhigScan *scan, const Label *label, const Value *value)
{
	const PhigToken *next = &scan->tokens[value->last + 1];

	if (value->digits < label->digits)
		return false;
	if (value->digits > label->most &&
		!((label->classes & PHIG_LEX_PHONE || label->classes & PHIG_LEX_FAX) && value->letters == 1 &&
		  value->digits <= 22))
		return false;
	if ((label->classes & PHIG_LEX_PHONE) && is_date(scan, value))
		return false;
	if (label->classes & PHIG_LEX_VEHICLE)
		return value->letters + value->digits == 17;
	if (value->letters > 10 || (label->spaced && value->letters > 1 && label->digits > 2))
		return false;
	/* 5 mg and 12 % are no identifiers, dates are dates */
	if ((next->lex & PHIG_LEX_MEASURE) && next->gap <= PHIG_GAP_SPACE)
		return false;
	if (next->sign == '%')
		return false;
	if (label->classes & PHIG_LEX_PLATE)
		return value->letters > 0 || value->digits >= 4;
	return true;
}

/* "called on 3-14-2019": three groups as long as those of a date, with the same sign between them. */
static bool
is_date(const PhigScan *scan, const Value *value)
{
	const PhigToken *t = &scan->tokens[value->first];
	uint32		a,
				b,
				c;

	if (value->last - value->first != 4 || t[0].type != PHIG_NUMBER || t[2].type != PHIG_NUMBER ||
		t[4].type != PHIG_NUMBER || t[1].sign != t[3].sign)
		return false;
	a = phig_token_len(&t[0]);
	b = phig_token_len(&t[2]);
	c = phig_token_len(&t[4]);
	return b <= 2 && ((a <= 2 && (c == 2 || c == 4)) || (a == 4 && c <= 2));
}

/* "(84) 7564-8830 office", "357-596-4604 fax": the word stands behind the number. */
static void
find_phone_before(PhigScan *scan, int i)
{
	int			first = i - 1;
	int			digits = 0;
	int			groups = 0;

	if (i == 0 || scan->tokens[i].gap >= PHIG_GAP_LINE || scan->tokens[i].gap == PHIG_GAP_NONE ||
		scan->tokens[first].type != PHIG_NUMBER ||
		(scan->tokens[i + 1].sign == ':' || (scan->tokens[i + 1].type == PHIG_NUMBER &&
											 scan->tokens[i + 1].gap < PHIG_GAP_LINE)))
		return;
	for (int j = first; j >= 0; j--)
	{
		const PhigToken *token = &scan->tokens[j];

		if (token->type == PHIG_NUMBER)
		{
			digits += phig_token_len(token);
			groups++;
			first = j;
		}
		else if (token->sign == '(' || token->sign == '+')
			first = j;
		else if (!(token->sign != '\0' && strchr("-.)", token->sign)) &&
				 !(phig_token_len(token) == 1 && scan->text[token->start] == 'x'))
			break;
		if (token->gap >= PHIG_GAP_WIDE || digits > 17)
			break;
	}
	/* "61 51 81" */
	if ((digits >= 7 || (digits == 6 && groups == 3)) && digits <= 20)
		phig_add(scan, scan->tokens[first].start, scan->tokens[i - 1].end,
				 scan->tokens[i].lex & PHIG_LEX_FAX ? "fax" : "phone", NULL, "phone_labelled", 0.7f);
}

/* "#SP-112233" without a label that says whose. */
static void
find_hash(PhigScan *scan, int i)
{
	Value		value;

	if (i + 1 >= scan->n || scan->tokens[i + 1].gap != PHIG_GAP_NONE || scan->tokens[i + 1].type == PHIG_SIGN ||
		!read_value(scan, i + 1, false, &value))
		return;
	if (value.digits >= 5 && value.digits <= 14 && value.letters <= 6)
		phig_add(scan, scan->tokens[value.first].start, scan->tokens[value.last].end, "other", NULL,
				 "identifier", 0.6f);
}
