/*
 * contacts.c
 *		How people and machines are reached and named, and numbers of anybody's own making.
 *
 * The other half of validators.h: forms without check digits.  Where nothing is
 * published, the check asks only for what keeps a value of another kind out: no
 * control characters, some content, a length.
 */
#include "detect/validators.h"

#include <string.h>

#include "detect/chars.h"

/*
 * Length of s without a telephone extension at its end.  len when there is none;
 * a marker without digits stays, and is refused as a character of the number.
 */
static size_t
strip_extension(const char *s, size_t len)
{
	size_t		i = len;

	while (i > 0 && is_digit(s[i - 1]))
		i--;
	if (len - i < 1 || len - i > 6)
		return len;
	while (i > 0 && s[i - 1] == ' ')
		i--;
	if (i > 0 && (s[i - 1] == 'x' || s[i - 1] == 'X' || s[i - 1] == '#'))
		i--;
	else
	{
		if (i > 0 && s[i - 1] == '.')
			i--;
		if (i >= 9 && memcmp(s + i - 9, "extension", 9) == 0)
			i -= 9;
		else if (i >= 3 && (memcmp(s + i - 3, "ext", 3) == 0 || memcmp(s + i - 3, "Ext", 3) == 0))
			i -= 3;
		else
			return len;
	}
	while (i > 0 && (s[i - 1] == ' ' || s[i - 1] == ','))
		i--;
	return i;
}

/* NPA-NXX-XXXX: the ten digits of the North American Numbering Plan. */
static bool
nanp_in_range(const char *d)
{
	return d[0] >= '2' && d[1] != '9' && !(d[1] == '1' && d[2] == '1') &&
		d[3] >= '2' && !(d[4] == '1' && d[5] == '1');
}

PhigVerdict
phig_check_phone(const char *s, size_t len)
{
	char		d[15];
	size_t		n = 0;
	bool		plus = len > 0 && s[0] == '+';
	bool		bracket = false;
	size_t		end = strip_extension(s, len);

	if (end == 0 || !is_digit(s[end - 1]) || len > 64)
		return PHIG_BAD_SHAPE;
	for (size_t i = plus ? 1 : 0; i < end; i++)
	{
		if (is_digit(s[i]))
		{
			if (n == sizeof(d))
				return PHIG_BAD_SHAPE;
			d[n++] = s[i];
		}
		else if (s[i] == '(' || s[i] == ')')
		{
			if (bracket == (s[i] == '('))
				return PHIG_BAD_SHAPE;
			bracket = !bracket;
		}
		else if (s[i] == '\0' || strchr(" .-/", s[i]) == NULL || i == 0)
			return PHIG_BAD_SHAPE;
	}
	if (bracket || n < 7 || (plus && n < 8))
		return PHIG_BAD_SHAPE;

	if (n == 11 && d[0] == '1')
		return nanp_in_range(d + 1) ? PHIG_VALID : PHIG_BAD_RANGE;
	return n == 10 && !plus && nanp_in_range(d) ? PHIG_VALID : PHIG_BAD_RANGE;
}

PhigVerdict
phig_check_zip(const char *s, size_t len)
{
	int			zip;

	if (len != 5 && len != 9 && !(len == 10 && s[5] == '-'))
		return PHIG_BAD_SHAPE;
	if (!all_digits(s, 5) || !all_digits(s + (len == 10 ? 6 : 5), len == 5 ? 0 : 4))
		return PHIG_BAD_SHAPE;
	zip = to_int(s, 5);
	return zip >= 501 && zip <= 99950 ? PHIG_VALID : PHIG_BAD_RANGE;
}

/*
 * A host name of two or more labels, the last of two or more letters (or
 * xn--...); a colon and port may follow when port_allowed.
 */
static bool
is_host(const char *s, size_t len, bool port_allowed)
{
	size_t		label = 0;		/* where the present label starts */
	size_t		labels = 0;

	if (port_allowed)
	{
		size_t		i = len;

		while (i > 0 && is_digit(s[i - 1]))
			i--;
		if (i > 0 && i < len && s[i - 1] == ':')
			len = i - 1;
	}
	if (len > 253)
		return false;
	for (size_t i = 0; i <= len; i++)
	{
		if (i < len && s[i] != '.')
		{
			if (!is_letter(s[i]) && !is_digit(s[i]) && s[i] != '-')
				return false;
			continue;
		}
		if (i == label || i - label > 63 || s[label] == '-' || s[i - 1] == '-')
			return false;
		labels++;
		if (i < len)
			label = i + 1;
	}
	return labels >= 2 && len - label >= 2 && is_letter(s[label]);
}

/* The part before the @: dot-atom, or any printable text in double quotes. */
static bool
is_email_local(const char *s, size_t len)
{
	if (len == 0 || len > 64)
		return false;
	if (s[0] == '"')
	{
		if (len < 3 || s[len - 1] != '"')
			return false;
		for (size_t i = 1; i < len - 1; i++)
		{
			if (is_control(s[i]) || s[i] == '"')
				return false;
			if (s[i] == '\\' && (++i == len - 1 || is_control(s[i])))
				return false;
		}
		return true;
	}
	for (size_t i = 0; i < len; i++)
	{
		if (s[i] == '.')
		{
			if (i == 0 || i == len - 1 || s[i - 1] == '.')
				return false;
		}
		else if (!is_letter(s[i]) && !is_digit(s[i]) &&
				 (s[i] == '\0' || strchr("!#$%&'*+-/=?^_`{|}~", s[i]) == NULL))
			return false;
	}
	return true;
}

PhigVerdict
phig_check_email(const char *s, size_t len)
{
	size_t		at = len;

	if (len > 254)
		return PHIG_BAD_SHAPE;
	while (at > 0 && s[at - 1] != '@')
		at--;
	if (at == 0)
		return PHIG_BAD_SHAPE;
	if (!is_email_local(s, at - 1) || !is_host(s + at, len - at, false))
		return PHIG_BAD_SHAPE;
	return PHIG_VALID;
}

PhigVerdict
phig_check_url(const char *s, size_t len)
{
	size_t		i = 0;

	if (len > 2048)
		return PHIG_BAD_SHAPE;
	for (size_t j = 0; j < len; j++)
		if (is_control(s[j]) || strchr(" <>\"", s[j]) != NULL)
			return PHIG_BAD_SHAPE;

	/* scheme://something */
	while (i < len && (is_alnum(s[i]) || s[i] == '+' || s[i] == '-' || s[i] == '.'))
		i++;
	if (i > 0 && is_alpha(s[0]) && len - i > 3 && memcmp(s + i, "://", 3) == 0)
		return PHIG_VALID;

	/* host/path, or www.host alone */
	i = 0;
	while (i < len && s[i] != '/' && s[i] != '?' && s[i] != '#')
		i++;
	if (!is_host(s, i, true))
		return PHIG_BAD_SHAPE;
	return i < len || (len > 4 && memcmp(s, "www.", 4) == 0) ? PHIG_VALID : PHIG_BAD_SHAPE;
}

PhigVerdict
phig_check_name(const char *s, size_t len)
{
	bool		letter = false;

	if (len > 400)
		return PHIG_BAD_SHAPE;
	for (size_t i = 0; i < len; i++)
	{
		if (is_control(s[i]))
			return PHIG_BAD_SHAPE;
		letter = letter || is_letter(s[i]);
	}
	return letter ? PHIG_VALID : PHIG_BAD_SHAPE;
}

PhigVerdict
phig_check_address(const char *s, size_t len)
{
	bool		content = false;

	if (len > 1000)
		return PHIG_BAD_SHAPE;
	for (size_t i = 0; i < len; i++)
	{
		if (is_control(s[i]) && s[i] != '\n' && s[i] != '\r' && s[i] != '\t')
			return PHIG_BAD_SHAPE;
		content = content || is_letter(s[i]) || is_digit(s[i]);
	}
	return content ? PHIG_VALID : PHIG_BAD_SHAPE;
}

PhigVerdict
phig_check_plate(const char *s, size_t len)
{
	bool		content = false;

	if (len == 0 || len > 64 || s[0] == ' ' || s[len - 1] == ' ')
		return PHIG_BAD_SHAPE;
	for (size_t i = 0; i < len; i++)
	{
		if (is_alnum(s[i]))
			content = true;
		else if (s[i] == '\0' || strchr("-._/:#* ", s[i]) == NULL)
			return PHIG_BAD_SHAPE;
		else if (s[i] == ' ' && s[i - 1] == ' ')
			return PHIG_BAD_SHAPE;
	}
	return content ? PHIG_VALID : PHIG_BAD_SHAPE;
}

PhigVerdict
phig_check_number(const char *s, size_t len)
{
	if (phig_check_plate(s, len) == PHIG_BAD_SHAPE)
		return PHIG_BAD_SHAPE;
	for (size_t i = 0; i < len; i++)
		if (is_digit(s[i]))
			return PHIG_VALID;
	return PHIG_BAD_SHAPE;
}

PhigVerdict
phig_check_device_text(const char *s, size_t len)
{
	const char	group_separator = '\x1d';
	bool		content = false;

	if (len > 200)
		return PHIG_BAD_SHAPE;
	for (size_t i = 0; i < len; i++)
	{
		if ((s[i] < ' ' || s[i] > '~') && s[i] != group_separator)
			return PHIG_BAD_SHAPE;
		content = content || is_alnum(s[i]);
	}
	return content ? PHIG_VALID : PHIG_BAD_SHAPE;
}

PhigVerdict
phig_check_line(const char *s, size_t len)
{
	bool		content = false;

	if (len > 1000)
		return PHIG_BAD_SHAPE;
	for (size_t i = 0; i < len; i++)
	{
		if (is_control(s[i]))
			return PHIG_BAD_SHAPE;
		content = content || s[i] != ' ';
	}
	return content ? PHIG_VALID : PHIG_BAD_SHAPE;
}
