/*
 * spelling.c
 *		The one spelling that a person's key has, whatever type a column holds it in.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/uuid.h"

#include "compat.h"
#include "subject/spelling.h"

static char *number_of_text(const char *typed, bool fraction);
static char *uuid_of_text(const char *typed);

bool
phig_spelling_is_one(Oid type)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
		case UUIDOID:
		case NUMERICOID:
			return true;
		default:
			return false;
	}
}

static int
spell_uuid(const pg_uuid_t *uuid, char *out)
{
	char	   *to = out;

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		*to++ = "0123456789abcdef"[uuid->data[i] >> 4];
		*to++ = "0123456789abcdef"[uuid->data[i] & 0x0f];
	}
	return to - out;
}

void
phig_spell(Oid type, Datum value, char buffer[PHIG_SPELLING_BYTES], const char **text, int *len)
{
	*text = buffer;
	switch (type)
	{
		case INT2OID:
			*len = pg_itoa(DatumGetInt16(value), buffer);
			return;
		case INT4OID:
			*len = pg_ltoa(DatumGetInt32(value), buffer);
			return;
		case INT8OID:
			*len = pg_lltoa(DatumGetInt64(value), buffer);
			return;
		case OIDOID:
			*len = pg_ultoa_n(DatumGetObjectId(value), buffer);
			return;
		case UUIDOID:
			*len = spell_uuid(DatumGetUUIDP(value), buffer);
			return;
		case NAMEOID:
			*text = NameStr(*DatumGetName(value));
			*len = strlen(*text);
			return;
		case NUMERICOID:
			*text = numeric_normalize(DatumGetNumeric(value));
			*len = strlen(*text);
			return;
		default:
			*text = VARDATA_ANY(DatumGetPointer(value));
			*len = VARSIZE_ANY_EXHDR(DatumGetPointer(value));
			/* Blanks at the end of a character(n) do not count. */
			while (type == BPCHAROID && *len > 0 && (*text)[*len - 1] == ' ')
				(*len)--;
	}
}

bool
phig_spelling_is_number(const char *text, int len, int64 *number)
{
	const bool	negative = len > 0 && text[0] == '-';
	const char *digit = text + negative;
	const int	n = len - negative;
	int64		value = 0;

	if (n < 1 || n > 18 || (digit[0] == '0' && (n > 1 || negative)))
		return false;
	for (int i = 0; i < n; i++)
	{
		if (digit[i] < '0' || digit[i] > '9')
			return false;
		value = value * 10 + (digit[i] - '0');
	}
	*number = negative ? -value : value;
	return true;
}

char *
phig_spelling_of_text(Oid type, const char *typed)
{
	char	   *copy;
	int			len;

	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
			return number_of_text(typed, false);
		case NUMERICOID:
			return number_of_text(typed, true);
		case UUIDOID:
			return uuid_of_text(typed);
		default:
			copy = pstrdup(typed);
			for (len = strlen(copy); type == BPCHAROID && len > 0 && copy[len - 1] == ' ';)
				copy[--len] = '\0';
			return copy;
	}
}

/* Without blanks around, a plus, zeros in front, and zeros behind a fraction. */
static char *
number_of_text(const char *typed, bool fraction)
{
	char	   *spelling = palloc(strlen(typed) + 3);
	char	   *to = spelling;
	const char *digits;
	bool		negative;

	while (isspace((unsigned char) *typed))
		typed++;
	negative = *typed == '-';
	typed += *typed == '-' || *typed == '+';
	digits = typed;
	if (negative)
		*to++ = '-';
	while (*typed == '0' && typed[1] >= '0' && typed[1] <= '9')
		typed++;
	while (*typed >= '0' && *typed <= '9')
		*to++ = *typed++;
	if (typed == digits && !(fraction && *typed == '.' && typed[1] >= '0' && typed[1] <= '9'))
		return NULL;
	if (typed == digits)
		*to++ = '0';
	if (fraction && *typed == '.')
	{
		char	   *point = to;

		*to++ = *typed++;
		while (*typed >= '0' && *typed <= '9')
			*to++ = *typed++;
		while (to > point && (to[-1] == '0' || to[-1] == '.'))
			if (*--to == '.')
				break;
	}
	while (isspace((unsigned char) *typed))
		typed++;
	*to = '\0';
	if (*typed != '\0')
		return NULL;
	return strcmp(spelling, "-0") == 0 ? pstrdup("0") : spelling;
}

/* As uuid_in takes them: braces around, hyphens between groups of four digits, either case. */
static char *
uuid_of_text(const char *typed)
{
	pg_uuid_t	uuid;
	char	   *spelling = palloc(PHIG_SPELLING_BYTES);
	int			n = 0;
	bool		braces;

	memset(&uuid, 0, sizeof(uuid));
	while (isspace((unsigned char) *typed))
		typed++;
	braces = *typed == '{';
	for (typed += braces; isxdigit((unsigned char) *typed) || *typed == '-'; typed++)
	{
		int			digit = tolower((unsigned char) *typed);

		if (digit == '-')
			continue;
		if (n == 2 * UUID_LEN)
			return NULL;
		digit = digit <= '9' ? digit - '0' : digit - 'a' + 10;
		uuid.data[n / 2] |= n % 2 == 0 ? digit << 4 : digit;
		n++;
	}
	if (braces && *typed++ != '}')
		return NULL;
	while (isspace((unsigned char) *typed))
		typed++;
	if (n != 2 * UUID_LEN || *typed != '\0')
		return NULL;
	spelling[spell_uuid(&uuid, spelling)] = '\0';
	return spelling;
}
