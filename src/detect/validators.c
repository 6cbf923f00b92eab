/*
 * validators.c
 *		Identifying numbers with a published form: shapes, issued ranges, check digits.
 *
 * What has no check digit (telephone numbers, addresses, names, numbers of
 * anybody's own making) is in contacts.c.
 */
#include "detect/validators.h"

#include <string.h>

#include "detect/chars.h"

/* ISO/IEC 7812-1 annex B: sum over digits, the last one being the check digit. */
static int
luhn_sum(const char *digits, size_t n)
{
	int			sum = 0;

	for (size_t i = 0; i < n; i++)
	{
		int			d = digit_value(digits[n - 1 - i]);

		if (i % 2 == 1)
			d = d < 5 ? 2 * d : 2 * d - 9;
		sum += d;
	}
	return sum;
}

/* Weighted sum with the weights repeated as often as needed. */
static int
weighted_sum(const char *digits, size_t n, const int *weights, size_t nweights)
{
	int			sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += digit_value(digits[i]) * weights[i % nweights];
	return sum;
}

/*
 * Copy the digits of s into out when they stand alone or in groups joined by
 * single separators of one kind out of seps.  Returns their number, 0 when s is
 * written otherwise or has more than max.
 */
static size_t
grouped_digits(const char *s, size_t len, const char *seps, char *out, size_t max)
{
	size_t		n = 0;
	char		sep = '\0';

	for (size_t i = 0; i < len; i++)
	{
		if (is_digit(s[i]))
		{
			if (n == max)
				return 0;
			out[n++] = s[i];
			continue;
		}
		if (s[i] == '\0' || strchr(seps, s[i]) == NULL || (sep != '\0' && s[i] != sep))
			return 0;
		if (i == 0 || i == len - 1 || !is_digit(s[i - 1]))
			return 0;
		sep = s[i];
	}
	return n;
}

PhigVerdict
phig_check_ssn(const char *s, size_t len)
{
	char		d[9];
	int			area;

	if (len != 9 && len != 11)
		return PHIG_BAD_SHAPE;
	if (grouped_digits(s, len, "- .", d, sizeof(d)) != 9)
		return PHIG_BAD_SHAPE;
	if (len == 11 && (is_digit(s[3]) || is_digit(s[6])))
		return PHIG_BAD_SHAPE;

	area = to_int(d, 3);
	if (area == 0 || area == 666 || area >= 900 ||
		to_int(d + 3, 2) == 0 || to_int(d + 5, 4) == 0 ||
		memcmp(d, "078051120", 9) == 0 || memcmp(d, "219099999", 9) == 0)
		return PHIG_BAD_RANGE;
	return PHIG_VALID;
}

PhigVerdict
phig_check_npi(const char *s, size_t len)
{
	/* What the prefix 80840 adds to the Luhn sum. */
	const int	prefix_sum = 24;

	if (len != 10 || !all_digits(s, len))
		return PHIG_BAD_SHAPE;
	if (s[0] != '1' && s[0] != '2')
		return PHIG_BAD_RANGE;
	return (luhn_sum(s, len) + prefix_sum) % 10 == 0 ? PHIG_VALID : PHIG_BAD_CHECK;
}

PhigVerdict
phig_check_mbi(const char *s, size_t len)
{
	/* 1: 1-9, 0: a digit, A: a letter, X: either; S L O I B Z are no letters here. */
	static const char form[] = "1AX0AX0AA00";
	char		c[11];
	size_t		n = 0;

	if (len != 11 && len != 13)
		return PHIG_BAD_SHAPE;
	for (size_t i = 0; i < len; i++)
	{
		if (len == 13 && (i == 4 || i == 8))
		{
			if (s[i] != '-')
				return PHIG_BAD_SHAPE;
		}
		else if (!is_upper(s[i]) && !is_digit(s[i]))
			return PHIG_BAD_SHAPE;
		else
			c[n++] = s[i];
	}

	for (size_t i = 0; i < n; i++)
	{
		bool		letter = is_upper(c[i]) && strchr("SLOIBZ", c[i]) == NULL;

		if ((form[i] == '1' && !(is_digit(c[i]) && c[i] != '0')) ||
			(form[i] == '0' && !is_digit(c[i])) ||
			(form[i] == 'A' && !letter) ||
			(form[i] == 'X' && !letter && !is_digit(c[i])))
			return PHIG_BAD_RANGE;
	}
	return PHIG_VALID;
}

PhigVerdict
phig_check_dea(const char *s, size_t len)
{
	const char *d = s + 2;
	int			sum;

	if (len < 9 || !is_upper(s[0]) || !(is_upper(s[1]) || s[1] == '9') || !all_digits(d, 7))
		return PHIG_BAD_SHAPE;
	if (len > 9)
	{
		/* the number that a hospital gives its own prescriber */
		if (s[9] != '-' || len < 11 || len > 20)
			return PHIG_BAD_SHAPE;
		for (size_t i = 10; i < len; i++)
			if (!is_alnum(s[i]))
				return PHIG_BAD_SHAPE;
	}
	if (strchr("ABCDEFGHJKLMPRSTUX", s[0]) == NULL)
		return PHIG_BAD_RANGE;

	sum = digit_value(d[0]) + digit_value(d[2]) + digit_value(d[4]) +
		2 * (digit_value(d[1]) + digit_value(d[3]) + digit_value(d[5]));
	return sum % 10 == digit_value(d[6]) ? PHIG_VALID : PHIG_BAD_CHECK;
}

/* Issuers by the first four digits, with the lengths they use. */
static const struct
{
	int			first;
	int			last;
	size_t		min_digits;
	size_t		max_digits;
}			card_issuers[] = {
	{2221, 2720, 16, 16},		/* Mastercard */
	{3000, 3059, 14, 19},		/* Diners Club */
	{3400, 3499, 15, 15},		/* American Express */
	{3528, 3589, 16, 19},		/* JCB */
	{3600, 3699, 14, 19},		/* Diners Club */
	{3700, 3799, 15, 15},		/* American Express */
	{3800, 3999, 14, 19},		/* Diners Club */
	{4000, 4999, 13, 19},		/* Visa */
	{5100, 5599, 16, 16},		/* Mastercard */
	{6011, 6011, 16, 19},		/* Discover */
	{6200, 6299, 16, 19},		/* UnionPay */
	{6440, 6599, 16, 19}		/* Discover */
};

static bool
card_issuer_known(const char *digits, size_t n)
{
	int			prefix = to_int(digits, 4);

	for (size_t i = 0; i < sizeof(card_issuers) / sizeof(card_issuers[0]); i++)
		if (prefix >= card_issuers[i].first && prefix <= card_issuers[i].last)
			return n >= card_issuers[i].min_digits && n <= card_issuers[i].max_digits;
	return false;
}

PhigVerdict
phig_check_card(const char *s, size_t len)
{
	char		d[19];
	size_t		n = grouped_digits(s, len, "- ", d, sizeof(d));

	if (n < 13)
		return PHIG_BAD_SHAPE;
	if (!card_issuer_known(d, n))
		return PHIG_BAD_RANGE;
	return luhn_sum(d, n) % 10 == 0 ? PHIG_VALID : PHIG_BAD_CHECK;
}

PhigVerdict
phig_check_routing(const char *s, size_t len)
{
	static const int weights[] = {3, 7, 1};
	int			district;

	if (len != 9 || !all_digits(s, len))
		return PHIG_BAD_SHAPE;
	district = to_int(s, 2);
	if (!(district <= 12 || (district >= 21 && district <= 32) ||
		  (district >= 61 && district <= 72) || district == 80))
		return PHIG_BAD_RANGE;
	return weighted_sum(s, len, weights, 3) % 10 == 0 ? PHIG_VALID : PHIG_BAD_CHECK;
}

PhigVerdict
phig_check_card_or_routing(const char *s, size_t len)
{
	return len == 9 ? phig_check_routing(s, len) : phig_check_card(s, len);
}

/* 49 CFR 565.15, table III: what a VIN's character counts, or -1. */
static int
vin_value(char c)
{
	static const char letters[] = "ABCDEFGHJKLMNPRSTUVWXYZ";
	static const char values[] = "12345678123457923456789";
	const char *at;

	if (is_digit(c))
		return digit_value(c);
	at = c == '\0' ? NULL : strchr(letters, c);
	return at == NULL ? -1 : digit_value(values[at - letters]);
}

PhigVerdict
phig_check_vin(const char *s, size_t len)
{
	static const int weights[17] = {8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2};
	int			sum = 0;

	if (len != 17 || !(is_digit(s[8]) || s[8] == 'X'))
		return PHIG_BAD_SHAPE;
	for (size_t i = 0; i < len; i++)
	{
		int			value = vin_value(s[i]);

		if (value < 0)
			return PHIG_BAD_SHAPE;
		sum += value * weights[i];
	}
	if (s[9] == 'U' || s[9] == 'Z' || s[9] == '0' || !all_digits(s + 13, 4))
		return PHIG_BAD_RANGE;
	return sum % 11 == (s[8] == 'X' ? 10 : digit_value(s[8])) ? PHIG_VALID : PHIG_BAD_CHECK;
}

/* GS1 General Specifications 7.9: weights 3, 1, 3 ... from the left of 14 digits. */
static bool
gtin14_check_holds(const char *digits)
{
	static const int weights[] = {3, 1};

	return weighted_sum(digits, 14, weights, 2) % 10 == 0;
}

/* YYMMDD; day 00 stands for a whole month. */
static bool
gs1_date_in_range(const char *digits)
{
	int			month = to_int(digits + 2, 2);

	return month >= 1 && month <= 12 && to_int(digits + 4, 2) <= 31;
}

/* The value of one bracketed element, by its application identifier. */
static PhigVerdict
check_gs1_element(const char *ai, size_t ai_len, const char *value, size_t len)
{
	/* made, due, packed, sell by, best before, expires */
	bool		is_date = ai_len == 2 && ai[0] == '1' && strchr("123567", ai[1]) != NULL;

	if (is_date)
	{
		if (len != 6 || !all_digits(value, len))
			return PHIG_BAD_SHAPE;
		return gs1_date_in_range(value) ? PHIG_VALID : PHIG_BAD_RANGE;
	}
	if (len == 0 || len > 90)
		return PHIG_BAD_SHAPE;
	if (ai_len == 2 && len > 20 && (memcmp(ai, "10", 2) == 0 || memcmp(ai, "21", 2) == 0))
		return PHIG_BAD_SHAPE;
	for (size_t i = 0; i < len; i++)
		if (value[i] <= ' ' || value[i] > '~')
			return PHIG_BAD_SHAPE;
	return PHIG_VALID;
}

/* (nn)value(nn)value ... to the end of the text; the worst verdict of all elements. */
static PhigVerdict
check_gs1_elements(const char *s, size_t len)
{
	PhigVerdict worst = PHIG_VALID;
	size_t		i = 0;

	while (i < len)
	{
		size_t		ai,
					value;
		PhigVerdict verdict;

		if (s[i++] != '(')
			return PHIG_BAD_SHAPE;
		ai = i;
		while (i < len && is_digit(s[i]))
			i++;
		if (i - ai < 2 || i - ai > 4 || i == len || s[i] != ')')
			return PHIG_BAD_SHAPE;
		value = ++i;
		while (i < len && s[i] != '(')
			i++;
		verdict = check_gs1_element(s + ai, value - 1 - ai, s + value, i - value);
		if (verdict < worst)
			worst = verdict;
	}
	return worst;
}

PhigVerdict
phig_check_udi(const char *s, size_t len)
{
	const char *gtin;
	PhigVerdict rest = PHIG_VALID;

	if (len == 14)
		gtin = s;
	else if (len >= 18 && memcmp(s, "(01)", 4) == 0)
	{
		gtin = s + 4;
		rest = check_gs1_elements(s + 18, len - 18);
	}
	else if (len >= 16 && len <= 200 && memcmp(s, "01", 2) == 0)
	{
		gtin = s + 2;
		rest = len == 16 ? PHIG_VALID : phig_check_device_text(s + 16, len - 16);
	}
	else
		return PHIG_BAD_SHAPE;

	if (rest == PHIG_BAD_SHAPE || !all_digits(gtin, 14))
		return PHIG_BAD_SHAPE;
	if (rest == PHIG_BAD_RANGE)
		return PHIG_BAD_RANGE;
	return gtin14_check_holds(gtin) ? PHIG_VALID : PHIG_BAD_CHECK;
}

PhigVerdict
phig_check_imei(const char *s, size_t len)
{
	if (len != 15 || !all_digits(s, len))
		return PHIG_BAD_SHAPE;
	return luhn_sum(s, len) % 10 == 0 ? PHIG_VALID : PHIG_BAD_CHECK;
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

PhigVerdict
phig_check_mac(const char *s, size_t len)
{
	/* how many hex digits stand before each separator */
	size_t		group = len == 17 ? 2 : 4;
	bool		zeros = true;
	bool		ones = true;

	if (len != 17 && len != 14)
		return PHIG_BAD_SHAPE;
	for (size_t i = 0; i < len; i++)
	{
		if (i % (group + 1) == group)
		{
			if (len == 14 ? s[i] != '.' : (s[i] != ':' && s[i] != '-') || s[i] != s[2])
				return PHIG_BAD_SHAPE;
			continue;
		}
		if (!is_hex(s[i]))
			return PHIG_BAD_SHAPE;
		zeros = zeros && s[i] == '0';
		ones = ones && (s[i] == 'f' || s[i] == 'F');
	}
	return zeros || ones ? PHIG_BAD_RANGE : PHIG_VALID;
}

PhigVerdict
phig_check_device(const char *s, size_t len)
{
	PhigVerdict verdict = phig_check_udi(s, len);

	if (verdict == PHIG_BAD_SHAPE)
		verdict = phig_check_imei(s, len);
	if (verdict == PHIG_BAD_SHAPE)
		verdict = phig_check_mac(s, len);
	return verdict;
}
