/*
 * record.c
 *		Single records: their headers, their checksums, and the text of definitions.
 *
 * A definition's text is lines of one key character, '=', value, newline, in
 * UTF-8; the keys are listed in format.h.  The same text gives the same id on
 * every server and version, so lines come in one fixed order from each writer.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/string.h"
#include "mb/pg_wchar.h"
#include "port/pg_crc32c.h"

#include "journal/chain.h"
#include "journal/journal.h"
#include "journal/record.h"

#ifdef WORDS_BIGENDIAN
#error "the journal is little-endian, and phiguard writes it as the machine lays it out"
#endif

/* What a text that did not fit ends in, after the newline before it; room for it is always kept. */
#define CUT_LINE "\nF=cut\n"
#define CUT_LINE_BYTES 7

static const char zeros[PHIG_RECORD_ALIGN];

void
phig_record_finish(PhigRecordHeader *header, const void *first, uint32 first_len,
				   const void *rest, uint32 rest_len)
{
	pg_crc32c	crc;

	header->body_bytes = first_len + rest_len;
	header->length = phig_record_bytes(header->body_bytes);
	memset(header->reserved, 0, sizeof(header->reserved));

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, (const char *) header + offsetof(PhigRecordHeader, seq),
				sizeof(PhigRecordHeader) - offsetof(PhigRecordHeader, seq));
	COMP_CRC32C(crc, first, first_len);
	if (rest_len > 0)
		COMP_CRC32C(crc, rest, rest_len);
	COMP_CRC32C(crc, zeros, header->length - sizeof(PhigRecordHeader) - header->body_bytes);
	FIN_CRC32C(crc);
	header->crc = crc;
}

bool
phig_record_plausible(const PhigRecordHeader *header)
{
	if (header->length < sizeof(PhigRecordHeader) || header->length > PHIG_RECORD_MAX_BYTES)
		return false;
	if (header->body_bytes > PHIG_RECORD_MAX_BYTES ||
		header->length != phig_record_bytes(header->body_bytes))
		return false;
	if (header->reserved[0] != 0 || header->reserved[1] != 0 || header->reserved[2] != 0)
		return false;

	switch (header->type)
	{
		case PHIG_RECORD_DEFINITION:
			return header->body_bytes >= sizeof(PhigDefinitionBody);
		case PHIG_RECORD_START:
			return header->body_bytes == sizeof(PhigStartBody);
		case PHIG_RECORD_END:
			return header->body_bytes == sizeof(PhigEndBody);
		case PHIG_RECORD_EVENT:
			return header->body_bytes == sizeof(PhigEventBody);
		case PHIG_RECORD_SEAL:
			return header->body_bytes == PHIG_HASH_BYTES;
		case PHIG_RECORD_ROTATE:
			return header->body_bytes == 0;
	}
	return false;
}

bool
phig_record_crc_holds(const PhigRecordHeader *record)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, (const char *) record + offsetof(PhigRecordHeader, seq),
				record->length - offsetof(PhigRecordHeader, seq));
	FIN_CRC32C(crc);
	return EQ_CRC32C(crc, record->crc);
}

/*
 * as_utf8
 *		The value in UTF-8: itself, or a palloc'd conversion.
 *
 * Conversions need the catalogs.  Outside a transaction, and for text that is
 * not valid in its own encoding (SQL_ASCII takes any), bytes beyond ASCII
 * become question marks: the record matters more than its umlauts.
 */
static const char *
as_utf8(const char *value)
{
	int			encoding = GetDatabaseEncoding();
	size_t		len = strlen(value);
	char	   *ascii;

	if (pg_is_ascii(value))
		return value;
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
	{
		if (pg_verify_mbstr(PG_UTF8, value, (int) len, true))
			return value;
	}
	else if (IsTransactionState() && pg_verify_mbstr(encoding, value, (int) len, true))
		return pg_server_to_any(value, (int) len, PG_UTF8);

	ascii = pstrdup(value);
	for (char *p = ascii; *p; p++)
		if (IS_HIGHBIT_SET(*p))
			*p = '?';
	return ascii;
}

static bool
is_cut(StringInfo text)
{
	return text->len >= CUT_LINE_BYTES &&
		memcmp(text->data + text->len - CUT_LINE_BYTES, CUT_LINE, CUT_LINE_BYTES) == 0;
}

/* Go back to where the last line that counts ended (without its newline), and say that more is missing. */
static void
cut_at(StringInfo text, int len)
{
	text->len = len;
	appendStringInfoString(text, CUT_LINE);
}

void
phig_journal_line(StringInfo text, char key, const char *value)
{
	const int	limit = (int) PHIG_DEFINITION_MAX_BYTES - CUT_LINE_BYTES;
	const int	start = text->len;
	bool		fits = start + 3 <= limit;

	if (is_cut(text))
		return;

	appendStringInfoChar(text, key);
	appendStringInfoChar(text, '=');
	for (const char *p = as_utf8(value); fits && *p;)
	{
		int			len = pg_utf_mblen((const unsigned char *) p);

		fits = text->len + Max(len, 2) <= limit;
		if (!fits)
			break;
		if (*p == '\\')
			appendStringInfoString(text, "\\\\");
		else if (*p == '\n')
			appendStringInfoString(text, "\\n");
		else
			appendBinaryStringInfo(text, p, len);
		p += len;
	}
	if (fits)
		appendStringInfoChar(text, '\n');
	else if (key == 'q' && text->len <= limit)
		cut_at(text, text->len);	/* part of a statement is worth having */
	else
		cut_at(text, Max(start - 1, 0));	/* part of a name is another name */
}

void
phig_journal_define(PhigDefinition *def)
{
	uint8		hash[PHIG_HASH_BYTES];

	/* Whoever builds text otherwise than by phig_journal_line loses lines at its end. */
	if (def->len > PHIG_DEFINITION_MAX_BYTES)
	{
		def->len = PHIG_DEFINITION_MAX_BYTES;
		while (def->len > 0 && def->text[def->len - 1] != '\n')
			def->len--;
	}

	phig_hash_begin();
	phig_hash_add(def->text, def->len);
	if (!phig_hash_end(hash))
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute a SHA-256 hash")));
	memcpy(def->id, hash, PHIG_ID_BYTES);
}
