/*
 * forms.c
 *		The form that a single value has.
 */
#include "postgres.h"

#include <arpa/inet.h>

#include "detect/chars.h"
#include "detect/dictionary.h"
#include "detect/token.h"
#include "detect/validators.h"
#include "scan/forms.h"

#define MOST_NAME_PARTS 5
#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_HEX(c) (IS_DIGIT(c) || ((c) >= 'a' && (c) <= 'f') || ((c) >= 'A' && (c) <= 'F'))
#define IS_LETTER(c) (((c) >= 'a' && (c) <= 'z') || ((c) >= 'A' && (c) <= 'Z') || ((unsigned char) (c)) >= 0x80)

static void numbers(const char *value, size_t len, bool has[PHIG_FORMS]);
static void names(const char *value, size_t len, bool has[PHIG_FORMS]);
static bool is_ip(const char *value, size_t len);
static bool is_uuid(const char *value, size_t len);
static bool is_date(const char *value, size_t len);
static bool is_bare_date(const char *value, size_t len);
static size_t number_at(const char *value, size_t len, size_t at, int *number);
static bool is_month_word(const char *value, size_t len);
static uint32 look_up(const char *word, size_t len);

void
phig_forms_of(const char *value, size_t len, bool has[PHIG_FORMS])
{
	bool		bare = all_digits(value, len);

	memset(has, 0, sizeof(bool) * PHIG_FORMS);
	if (len > 200)
		return;
	if (bare || IS_DIGIT(value[0]) || value[0] == '(' || value[0] == '+' || memchr(value, '-', len) != NULL)
		numbers(value, len, has);
	has[PHIG_FORM_EMAIL] = memchr(value, '@', len) != NULL && phig_check_email(value, len) == PHIG_VALID;
	has[PHIG_FORM_URL] = !has[PHIG_FORM_EMAIL] && !bare && memchr(value, '.', len) != NULL &&
		phig_check_url(value, len) == PHIG_VALID;
	has[PHIG_FORM_IP] = is_ip(value, len);
	has[PHIG_FORM_DEA] = len == 9 && phig_check_dea(value, len) == PHIG_VALID;
	has[PHIG_FORM_VIN] = len == 17 && !bare && phig_check_vin(value, len) == PHIG_VALID;
	has[PHIG_FORM_MBI] = len >= 11 && len <= 13 && phig_check_mbi(value, len) == PHIG_VALID;
	has[PHIG_FORM_MAC] = len >= 14 && len <= 17 && !bare && phig_check_mac(value, len) == PHIG_VALID;
	has[PHIG_FORM_UDI] = len > 16 && memcmp(value, "(01)", 4) == 0 && phig_check_udi(value, len) != PHIG_BAD_SHAPE;
	if (!bare)
		names(value, len, has);
}

bool
phig_form_is_image(const char *value, size_t len)
{
	return (len > 3 && memcmp(value, "\xFF\xD8\xFF", 3) == 0) ||
		(len > 8 && memcmp(value, "\x89PNG\r\n\x1a\n", 8) == 0) ||
		(len > 6 && memcmp(value, "GIF8", 4) == 0) ||
		(len > 4 && (memcmp(value, "II*\0", 4) == 0 || memcmp(value, "MM\0*", 4) == 0)) ||
		(len > 12 && memcmp(value, "RIFF", 4) == 0 && memcmp(value + 8, "WEBP", 4) == 0) ||
		(len > 132 && memcmp(value + 128, "DICM", 4) == 0);
}

static void
numbers(const char *value, size_t len, bool has[PHIG_FORMS])
{
	bool		bare = all_digits(value, len);

	if (len == 11 || len == 9)
		has[bare ? PHIG_FORM_SSN_BARE : PHIG_FORM_SSN] = phig_check_ssn(value, len) != PHIG_BAD_SHAPE;
	if (len >= 10 && phig_check_phone(value, len) == PHIG_VALID)
		has[bare ? PHIG_FORM_PHONE_BARE : PHIG_FORM_PHONE] = true;
	if (len == 10 && value[5] == '-')
		has[PHIG_FORM_ZIP_LONG] = phig_check_zip(value, len) == PHIG_VALID;
	if (len == 5)
		has[PHIG_FORM_ZIP] = phig_check_zip(value, len) == PHIG_VALID;
	has[PHIG_FORM_UUID] = is_uuid(value, len);
	has[PHIG_FORM_DATE] = !bare && is_date(value, len);
	has[PHIG_FORM_DATE_BARE] = bare && is_bare_date(value, len);
	has[PHIG_FORM_NPI] = len == 10 && bare && phig_check_npi(value, len) == PHIG_VALID;
	has[PHIG_FORM_CARD] = len >= 13 && len <= 23 && phig_check_card(value, len) == PHIG_VALID;
}

/* One word, or several that are a person's; "Beeler, Jane A." too.  Digits behind a word do not count. */
static void
names(const char *value, size_t len, bool has[PHIG_FORMS])
{
	uint32		parts[MOST_NAME_PARTS];
	int			n = 0;
	bool		any_first = false;
	bool		any_last = false;
	bool		all_known = true;

	for (size_t at = 0; at < len;)
	{
		size_t		start = at;

		while (at < len && (IS_LETTER(value[at]) || value[at] == '\''))
			at++;
		if (at == start)
		{
			if (strchr(" ,.-", value[at]) == NULL && !IS_DIGIT(value[at]))
				return;
			at++;
			continue;
		}
		if (at - start < 2)
			continue;			/* an initial */
		if (n == MOST_NAME_PARTS)
			return;
		parts[n++] = look_up(value + start, at - start);
	}
	for (int i = 0; i < n; i++)
	{
		any_first = any_first || (parts[i] & PHIG_DICT_FIRST) != 0;
		any_last = any_last || (parts[i] & PHIG_DICT_LAST) != 0;
		all_known = all_known && (parts[i] & (PHIG_DICT_FIRST | PHIG_DICT_LAST)) != 0;
	}
	if (n == 1)
	{
		bool		plain = (parts[0] & (PHIG_DICT_WORD | PHIG_DICT_MEDICAL)) != 0;

		has[PHIG_FORM_GIVEN] = any_first && !plain;
		has[PHIG_FORM_SURNAME] = any_last && !plain;
		has[PHIG_FORM_CITY] = (parts[0] & PHIG_DICT_CITY) != 0;
	}
	else if (n > 1)
	{
		has[PHIG_FORM_FULL_NAME] = any_first && any_last && all_known && n <= 4;
		has[PHIG_FORM_CITY] = (parts[0] & PHIG_DICT_CITY_PART) != 0 && n <= 3;
	}
}

static bool
is_ip(const char *value, size_t len)
{
	char		text[INET6_ADDRSTRLEN];
	unsigned char address[sizeof(struct in6_addr)];

	if (len >= sizeof(text) || len < 3 || (memchr(value, '.', len) == NULL && memchr(value, ':', len) == NULL))
		return false;
	memcpy(text, value, len);
	text[len] = '\0';
	return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static bool
is_uuid(const char *value, size_t len)
{
	if (len != 36)
		return false;
	for (int i = 0; i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? value[i] != '-' : !IS_HEX(value[i]))
			return false;
	return true;
}

/* Three parts in some order, one of them perhaps a month's name; a time may follow. */
static bool
is_date(const char *value, size_t len)
{
	int			part[3];
	int			n = 0;
	size_t		digits = 0;
	size_t		at = 0;

	while (n < 3 && at < len)
	{
		size_t		end = number_at(value, len, at, &part[n]);

		if (end == at && n < 2 && is_month_word(value + at, len - at))
		{
			part[n] = 1;
			end = at + 3;
		}
		if (end == at || end - at > 4)
			return false;
		digits = Max(digits, end - at);
		at = end;
		if (++n < 3 && (at >= len || strchr("-/. ", value[at++]) == NULL))
			return false;
	}
	if (n < 3 || (at < len && value[at] != ' ' && value[at] != 'T'))
		return false;
	if (digits == 4 && part[0] >= 1000)
		return part[0] < 2400 && part[1] >= 1 && part[1] <= 12 && part[2] >= 1 && part[2] <= 31;
	return part[0] >= 1 && part[1] >= 1 && part[0] <= 31 && part[1] <= 31 && Min(part[0], part[1]) <= 12 &&
		(part[2] < 100 || (part[2] >= 1800 && part[2] < 2400));
}

/* 20150614, with a time of day perhaps. */
static bool
is_bare_date(const char *value, size_t len)
{
	int			year = 0;
	int			month;
	int			day;

	if (len != 8 && len != 12 && len != 14)
		return false;
	for (int i = 0; i < 4; i++)
		year = year * 10 + value[i] - '0';
	month = (value[4] - '0') * 10 + value[5] - '0';
	day = (value[6] - '0') * 10 + value[7] - '0';
	return year >= 1880 && year < 2100 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/* The place behind a number of at most five digits. */
static size_t
number_at(const char *value, size_t len, size_t at, int *number)
{
	size_t		start = at;

	*number = 0;
	while (at < len && at < start + 5 && IS_DIGIT(value[at]))
		*number = *number * 10 + value[at++] - '0';
	return at;
}

static bool
is_month_word(const char *value, size_t len)
{
	static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	char		word[3];

	if (len < 3)
		return false;
	for (int i = 0; i < 3; i++)
		word[i] = value[i] >= 'A' && value[i] <= 'Z' ? value[i] - 'A' + 'a' : value[i];
	for (int i = 0; i < 36; i += 3)
		if (memcmp(months + i, word, 3) == 0)
			return true;
	return false;
}

static uint32
look_up(const char *word, size_t len)
{
	return phig_dictionary_look(phig_hash_word(word, len));
}
