/*
 * definition.c
 *		What a segment's definitions say, as columns of access_log.
 *
 * A definition is read once and used for every record that refers to it, so its
 * lines become Datums at once.  All of a segment's are in one memory context.
 */
#include "postgres.h"

#include <arpa/inet.h>

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inet.h"
#include "utils/memutils.h"

#include "journal/definition.h"
#include "journal/parse.h"
#include "journal/search.h"
#include "texts.h"

#define REPLACEMENT '?'

struct PhigDictionary
{
	MemoryContext context;
	const PhigSearch *search;
	HTAB	   *meanings;
};

typedef enum LineType
{
	LINE_TEXT,
	LINE_LIST,
	LINE_WORDS,					/* a list of column=word, of which the different words are shown */
	LINE_NUMBER,
	LINE_HEX,
	LINE_ADDRESS
} LineType;

/* Which column a line fills in; see format.h for the keys. */
static const struct
{
	char		key;
	LineType	type;
	PhigLogColumn column;
}			lines[] = {
	{'t', LINE_TEXT, PHIG_LOG_COMMAND},
	{'f', LINE_HEX, PHIG_LOG_FINGERPRINT},
	{'q', LINE_TEXT, PHIG_LOG_QUERY},
	{'r', LINE_LIST, PHIG_LOG_RETURNED},
	{'e', LINE_LIST, PHIG_LOG_REFERENCED},
	{'s', LINE_LIST, PHIG_LOG_STORED},
	{'w', LINE_LIST, PHIG_LOG_SHOWN},
	{'c', LINE_WORDS, PHIG_LOG_CATEGORIES},
	{'x', LINE_TEXT, PHIG_LOG_EXTRACT},
	{'g', LINE_TEXT, PHIG_LOG_AGREEMENT},
	{'R', LINE_TEXT, PHIG_LOG_RECIPIENT},
	{'F', LINE_LIST, PHIG_LOG_FLAGS},
	{'l', LINE_TEXT, PHIG_LOG_LOGIN_ROLE},
	{'a', LINE_TEXT, PHIG_LOG_ACTIVE_ROLE},
	{'u', LINE_TEXT, PHIG_LOG_APP_USER},
	{'h', LINE_ADDRESS, PHIG_LOG_CLIENT},
	{'n', LINE_TEXT, PHIG_LOG_APPLICATION},
	{'d', LINE_TEXT, PHIG_LOG_DATABASE},
	{'p', LINE_NUMBER, PHIG_LOG_PID},
	{'i', LINE_TEXT, PHIG_LOG_SESSION_ID},
	{'P', LINE_TEXT, PHIG_LOG_PURPOSE},
	{'j', LINE_TEXT, PHIG_LOG_JUSTIFICATION},
};

PhigDictionary *
phig_dictionary_create(const PhigSearch *search)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "phiguard definitions",
												  ALLOCSET_DEFAULT_SIZES);
	PhigDictionary *dictionary = MemoryContextAlloc(context, sizeof(PhigDictionary));
	HASHCTL		ctl = {
		.keysize = PHIG_ID_BYTES,
		.entrysize = sizeof(PhigMeaning),
		.hcxt = context
	};

	dictionary->context = context;
	dictionary->search = search;
	dictionary->meanings = hash_create("phiguard definitions", 256, &ctl,
									   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return dictionary;
}

void
phig_dictionary_destroy(PhigDictionary *dictionary)
{
	MemoryContextDelete(dictionary->context);
}

/* Replace what is not valid UTF-8, and NUL, so that the rest can be converted.  In place. */
static void
make_valid(char *text, int len)
{
	while (len > 0)
	{
		int			valid = pg_encoding_verifymbstr(PG_UTF8, text, len);

		if (valid >= len)
			break;
		text[valid] = REPLACEMENT;
		text += valid + 1;
		len -= valid + 1;
	}
}

/* UTF-8 text, changed on the way, in the database's encoding. */
static char *
to_database_encoding(char *text, int len)
{
	int			encoding = GetDatabaseEncoding();
	unsigned char *out;
	Oid			conversion;
	int			done = 0;
	int			written = 0;

	make_valid(text, len);
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return text;
	conversion = FindDefaultConversionProc(PG_UTF8, encoding);
	out = palloc(((Size) len + 2) * MAX_CONVERSION_GROWTH);
	while (done < len)
	{
		if (OidIsValid(conversion))
		{
			int			left = len - done;

			/* One byte more than left: the conversion takes only as much as surely fits. */
			done += pg_do_encoding_conversion_buf(conversion, PG_UTF8, encoding,
												  (unsigned char *) text + done, left, out + written,
												  (left + 1) * MAX_CONVERSION_GROWTH + 1, true);
			written += strlen((char *) out + written);
		}
		if (done < len)
		{
			done += pg_utf_mblen((unsigned char *) text + done);
			out[written++] = REPLACEMENT;
		}
	}
	out[written] = '\0';
	return (char *) out;
}

static char *
line_text(const PhigLine *line)
{
	char	   *text = palloc(line->len + 1);
	size_t		len = phig_parse_value(line, text);

	text[len] = '\0';
	return to_database_encoding(text, (int) len);
}

/* An inet from a numeric address, which may name an interface; false when it is none. */
static bool
address_datum(char *text, Datum *value)
{
	char	   *interface = strchr(text, '%');
	unsigned char address[sizeof(struct in6_addr)];

	if (interface != NULL)
		*interface = '\0';
	if (inet_pton(AF_INET, text, address) != 1 && inet_pton(AF_INET6, text, address) != 1)
		return false;
	*value = DirectFunctionCall1(inet_in, CStringGetDatum(text));
	return true;
}

/* A number of so many digits and nothing else; false when it is none. */
static bool
number_datum(const char *text, int base, Datum *value)
{
	char	   *end;
	uint64		number;

	errno = 0;
	number = strtou64(text, &end, base);
	if (errno != 0 || end == text || *end != '\0')
		return false;
	*value = base == 16 ? Int64GetDatum((int64) number) : Int32GetDatum((int32) number);
	return true;
}

static bool
single_datum(LineType type, char *text, Datum *value)
{
	switch (type)
	{
		case LINE_TEXT:
			*value = CStringGetTextDatum(text);
			return text[0] != '\0';
		case LINE_NUMBER:
			return number_datum(text, 10, value);
		case LINE_HEX:
			return number_datum(text, 16, value);
		case LINE_ADDRESS:
			return address_datum(text, value);
		case LINE_LIST:
		case LINE_WORDS:
			break;
	}
	return false;
}

/* Add the word behind the last '=' to the sorted list, unless it is there. */
static List *
add_word(List *words, char *value)
{
	char	   *equals = strrchr(value, '=');
	char	   *word = equals ? equals + 1 : value;
	ListCell   *lc;

	foreach(lc, words)
	{
		int			order = strcmp(lfirst(lc), word);

		if (order == 0)
			return words;
		if (order > 0)
			return list_insert_nth(words, foreach_current_index(lc), word);
	}
	return lappend(words, word);
}

static void
read_lines(const PhigSearch *search, PhigMeaning *meaning, const char *text, size_t len)
{
	const char *cursor = text;
	PhigLine	line;
	List	   *lists[PHIG_LOG_COLUMNS] = {0};

	while (phig_parse_line(&cursor, text + len, &line))
	{
		meaning->decides |= phig_search_line(search, &line);
		for (int i = 0; i < (int) lengthof(lines); i++)
		{
			PhigLogColumn column = lines[i].column;
			char	   *value;

			if (lines[i].key != line.key)
				continue;
			value = line_text(&line);
			if (lines[i].type == LINE_LIST)
				lists[column] = lappend(lists[column], value);
			else if (lines[i].type == LINE_WORDS)
				lists[column] = add_word(lists[column], value);
			else
				meaning->present[column] = single_datum(lines[i].type, value, &meaning->values[column]);
			if (column == PHIG_LOG_SESSION_ID)
				meaning->session_id = value;
		}
	}

	meaning->flags = lists[PHIG_LOG_FLAGS];
	for (int column = 0; column < PHIG_LOG_COLUMNS; column++)
		if (lists[column] != NIL && column != PHIG_LOG_FLAGS)
		{
			meaning->values[column] = phig_text_array(lists[column]);
			meaning->present[column] = true;
		}
}

void
phig_dictionary_add(PhigDictionary *dictionary, const uint8 id[PHIG_ID_BYTES], const char *text,
					size_t len)
{
	MemoryContext old = MemoryContextSwitchTo(dictionary->context);
	bool		found;
	PhigMeaning *meaning = hash_search(dictionary->meanings, id, HASH_ENTER, &found);

	if (!found)
	{
		memset((char *) meaning + PHIG_ID_BYTES, 0, sizeof(*meaning) - PHIG_ID_BYTES);
		read_lines(dictionary->search, meaning, text, len);
	}
	MemoryContextSwitchTo(old);
}

const PhigMeaning *
phig_dictionary_find(PhigDictionary *dictionary, const uint8 id[PHIG_ID_BYTES])
{
	return hash_search(dictionary->meanings, id, HASH_FIND, NULL);
}
