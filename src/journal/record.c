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
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "journal/chain.h"
#include "journal/journal.h"
#include "journal/record.h"

#ifdef WORDS_BIGENDIAN
#error "the journal is little-endian, and phiguard writes it as the machine lays it out"
#endif

/* What a text that did not fit ends in, after what is kept of it. */
#define CUT_LINE "\nF=cut\n"
#define CUT_LINE_BYTES 7

void
phig_record_finish(PhigRecordHeader *record)
{
	char	   *body = (char *) (record + 1);

	record->length = phig_record_bytes(record->body_bytes);
	memset(record->reserved, 0, sizeof(record->reserved));
	for (char *p = body + record->body_bytes; p < (char *) record + record->length; p++)
		*p = '\0';
	record->crc = phig_record_crc(record);
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
			return phig_end_bytes_fit(header->body_bytes);
		case PHIG_RECORD_PERSONS:
			return header->body_bytes >= sizeof(PhigPersonsBody);
		case PHIG_RECORD_EVENT:
			return header->body_bytes == sizeof(PhigEventBody);
		case PHIG_RECORD_SEAL:
			return header->body_bytes == PHIG_HASH_BYTES;
		case PHIG_RECORD_CHECKPOINT:
			return header->body_bytes == sizeof(PhigCheckpointBody);
		case PHIG_RECORD_ROTATE:
			return header->body_bytes == 0;
	}
	return false;
}

/* Eight bytes at a time. */
static bool
is_ascii(const char *text, size_t len)
{
	const uint64 high_bits = UINT64CONST(0x8080808080808080);
	uint64		all = 0;
	size_t		i = 0;

	for (; i + sizeof(uint64) <= len; i += sizeof(uint64))
	{
		uint64		eight;

		memcpy(&eight, text + i, sizeof(eight));
		all |= eight;
	}
	for (; i < len; i++)
		all |= (unsigned char) text[i];
	return (all & high_bits) == 0;
}

const char *
phig_journal_utf8(const char *value)
{
	int			encoding = GetDatabaseEncoding();
	size_t		len = strlen(value);
	char	   *ascii;

	if (is_ascii(value, len))
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

void
phig_journal_line(StringInfo text, char key, const char *value)
{
	const char *p = phig_journal_utf8(value);

	appendStringInfoChar(text, key);
	appendStringInfoChar(text, '=');
	while (*p)
	{
		size_t		plain = strcspn(p, "\n\\");

		appendBinaryStringInfo(text, p, (int) plain);
		p += plain;
		if (*p)
			appendStringInfoString(text, *p++ == '\n' ? "\\n" : "\\\\");
	}
	appendStringInfoChar(text, '\n');
}

/*
 * cut_length
 *		Of a text that is too long, the bytes to keep: up to the end of a line, its newline left out.
 *
 * A statement's text may end anywhere but inside a character or an escape: part of it is worth
 * having.  Part of a name would be another name: such lines go whole.
 */
static uint32
cut_length(const char *text, uint32 limit)
{
	uint32		line = limit;
	uint32		end;

	while (line > 0 && text[line - 1] != '\n')
		line--;
	if (limit - line < 2 || text[line] != 'q' || text[line + 1] != '=')
		return line > 0 ? line - 1 : 0;

	for (end = line + 2; end < limit;)
	{
		int			len = text[end] == '\\' ? 2 : pg_utf_mblen((const unsigned char *) text + end);

		if (end + len > limit)
			break;
		end += len;
	}
	return end;
}

/*
 * Texts that were hashed not long ago, with their ids: a session says the same
 * things over and over, and statements that are planned each time would be hashed each time.
 */
#define REMEMBERED 32
#define REMEMBERED_MAX_BYTES 2048

typedef struct Remembered
{
	PhigDefinition definition;	/* its text is the buffer below */
	uint32		size;
	char	   *buffer;
} Remembered;

static Remembered remembered[REMEMBERED];

static Remembered *
remembered_slot(const PhigDefinition *def)
{
	return &remembered[hash_bytes((const unsigned char *) def->text, (int) def->len) % REMEMBERED];
}

static void
remember(const PhigDefinition *def)
{
	Remembered *slot = remembered_slot(def);

	slot->definition.len = 0;
	if (slot->size < def->len)
	{
		if (slot->buffer != NULL)
			pfree(slot->buffer);
		slot->buffer = NULL;
		slot->size = 0;
		slot->buffer = MemoryContextAlloc(TopMemoryContext, def->len);
		slot->size = def->len;
	}
	memcpy(slot->buffer, def->text, def->len);
	slot->definition = *def;
	slot->definition.text = slot->buffer;
}

/* Give a definition its id, if it is known. */
static bool
is_remembered(PhigDefinition *def)
{
	const Remembered *slot;

	if (def->len == 0 || def->len > REMEMBERED_MAX_BYTES)
		return false;
	slot = remembered_slot(def);
	if (slot->definition.len != def->len || memcmp(slot->buffer, def->text, def->len) != 0)
		return false;
	memcpy(def->id, slot->definition.id, PHIG_ID_BYTES);
	return true;
}

static void
hash_text(PhigDefinition *def)
{
	uint8		hash[PHIG_HASH_BYTES];

	phig_hash_begin();
	phig_hash_add(def->text, def->len);
	if (!phig_hash_end(hash))
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute a SHA-256 hash")));
	memcpy(def->id, hash, PHIG_ID_BYTES);
	if (def->len > 0 && def->len <= REMEMBERED_MAX_BYTES)
		remember(def);
}

void
phig_journal_define(PhigDefinition *def)
{
	if (def->len > PHIG_DEFINITION_MAX_BYTES)
	{
		uint32		keep = cut_length(def->text, PHIG_DEFINITION_MAX_BYTES - CUT_LINE_BYTES);
		char	   *text = palloc(keep + CUT_LINE_BYTES + 1);

		memcpy(text, def->text, keep);
		memcpy(text + keep, CUT_LINE, CUT_LINE_BYTES + 1);
		def->text = text;
		def->len = keep + CUT_LINE_BYTES;
	}

	if (!is_remembered(def))
		hash_text(def);
}
