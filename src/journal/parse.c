/*
 * parse.c
 *		A journal segment's bytes, read with suspicion.
 *
 * A record counts when its length lies inside the segment, its layout fits its
 * type and its checksum is right.  Where that fails, the walk looks for the
 * next record that counts: first where the damaged one says that it ends, then
 * at every multiple of 8.  Statement text cannot pose as a record there: it
 * holds no NUL byte and a record's header always does.
 */
#include "journal/parse.h"

#include <string.h>

/* Small, called for each record, and worth it: see docs/benchmarks.md. */
#define INLINE static inline __attribute__((always_inline))

#define SMALLEST_RECORD (sizeof(PhigRecordHeader) + PHIG_RECORD_ALIGN)
#define LAYOUT(field) offsetof(PhigSegmentHeader, field)

INLINE uint32_t
get32(const uint8_t *p)
{
	return (uint32_t) p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16 | (uint32_t) p[3] << 24;
}

INLINE uint64_t
get64(const uint8_t *p)
{
	return (uint64_t) get32(p) | (uint64_t) get32(p + 4) << 32;
}

static bool
is_zero(const uint8_t *p, size_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* Bytes at offset, of which at least want are there; NULL when they are not. */
INLINE const uint8_t *
need(PhigBytes *bytes, uint64_t offset, size_t want, size_t *have)
{
	const uint8_t *p;

	if (offset > bytes->limit || bytes->limit - offset < want)
		return NULL;
	p = phig_bytes_at(bytes, offset, want, have);
	if (p == NULL || *have < want)
		return NULL;
	if (*have > bytes->limit - offset)
		*have = (size_t) (bytes->limit - offset);
	return p;
}

static void
decode_segment_header(const uint8_t *p, PhigSegmentHeader *header)
{
	memset(header, 0, sizeof(*header));
	memcpy(header->magic, p, sizeof(header->magic));
	header->version = get32(p + LAYOUT(version));
	header->header_bytes = get32(p + LAYOUT(header_bytes));
	header->system_identifier = get64(p + LAYOUT(system_identifier));
	memcpy(header->node, p + LAYOUT(node), PHIG_ID_BYTES);
	header->number = get64(p + LAYOUT(number));
	header->first_seq = get64(p + LAYOUT(first_seq));
	header->created = (int64_t) get64(p + LAYOUT(created));
	memcpy(header->prev_hash, p + LAYOUT(prev_hash), PHIG_HASH_BYTES);
	memcpy(header->parent_node, p + LAYOUT(parent_node), PHIG_ID_BYTES);
	header->parent_seq = get64(p + LAYOUT(parent_seq));
	header->reason = get32(p + LAYOUT(reason));
	header->timeline = get32(p + LAYOUT(timeline));
	header->broken_segment = get64(p + LAYOUT(broken_segment));
	header->broken_offset = get64(p + LAYOUT(broken_offset));
	header->before_first = (int64_t) get64(p + LAYOUT(before_first));
	header->before_last = (int64_t) get64(p + LAYOUT(before_last));
	header->crc = get32(p + LAYOUT(crc));
}

PhigHeaderState
phig_parse_header(PhigBytes *bytes, PhigCrc32c crc32c, PhigSegmentHeader *header)
{
	size_t		have;
	const uint8_t *p = need(bytes, 0, PHIG_SEGMENT_HEADER_BYTES, &have);

	if (p == NULL)
		return PHIG_HEADER_SHORT;
	decode_segment_header(p, header);
	if (is_zero(p, PHIG_SEGMENT_HEADER_BYTES))
		return PHIG_HEADER_EMPTY;
	if (memcmp(header->magic, PHIG_SEGMENT_MAGIC, sizeof(header->magic)) != 0)
		return PHIG_HEADER_MAGIC;
	if (crc32c(p, LAYOUT(crc)) != header->crc)
		return PHIG_HEADER_CRC;
	if (header->version < 1 || header->version > PHIG_FORMAT_VERSION ||
		header->header_bytes != PHIG_SEGMENT_HEADER_BYTES)
		return PHIG_HEADER_VERSION;
	return PHIG_HEADER_OK;
}

void
phig_parse_start(const PhigRecord *record, PhigStartBody *body)
{
	memcpy(body->statement, record->body, PHIG_ID_BYTES);
	memcpy(body->session, record->body + offsetof(PhigStartBody, session), PHIG_ID_BYTES);
	body->kind = get32(record->body + offsetof(PhigStartBody, kind));
	body->flags = get32(record->body + offsetof(PhigStartBody, flags));
}

void
phig_parse_end(const PhigRecord *record, PhigEndBody *body)
{
	memset(body, 0, sizeof(*body));
	body->start_seq = get64(record->body);
	body->rows = get64(record->body + offsetof(PhigEndBody, rows));
	body->executions = get32(record->body + offsetof(PhigEndBody, executions));
	body->outcome = record->body[offsetof(PhigEndBody, outcome)];
	memcpy(body->sqlstate, record->body + offsetof(PhigEndBody, sqlstate),
		   sizeof(body->sqlstate));
	body->flags = record->body[offsetof(PhigEndBody, flags)];
	body->form = record->body[offsetof(PhigEndBody, form)];
	body->manner = record->body[offsetof(PhigEndBody, manner)];
}

void
phig_parse_event(const PhigRecord *record, PhigEventBody *body)
{
	memset(body, 0, sizeof(*body));
	memcpy(body->statement, record->body, PHIG_ID_BYTES);
	memcpy(body->session, record->body + offsetof(PhigEventBody, session), PHIG_ID_BYTES);
	body->kind = get32(record->body + offsetof(PhigEventBody, kind));
	body->flags = get32(record->body + offsetof(PhigEventBody, flags));
	body->rows = get64(record->body + offsetof(PhigEventBody, rows));
	body->outcome = record->body[offsetof(PhigEventBody, outcome)];
	memcpy(body->sqlstate, record->body + offsetof(PhigEventBody, sqlstate),
		   sizeof(body->sqlstate));
}

/* The persons of an end record, as a record of persons would say it: none is left out. */
static bool
parse_end_persons(const PhigRecord *record, PhigPersonsBody *body, const uint8_t **data)
{
	memset(body, 0, sizeof(*body));
	body->start_seq = get64(record->body);
	body->form = record->body[offsetof(PhigEndBody, form)];
	body->manner = record->body[offsetof(PhigEndBody, manner)];
	body->n = (record->head.body_bytes - (uint32_t) sizeof(PhigEndBody)) / PHIG_TOKEN_BYTES;
	body->persons = body->n;
	*data = record->body + sizeof(PhigEndBody);
	return body->form != 0;
}

bool
phig_parse_persons(const PhigRecord *record, PhigPersonsBody *body, const uint8_t **data)
{
	size_t		bytes = record->head.body_bytes - sizeof(PhigPersonsBody);

	if (record->head.type == PHIG_RECORD_END)
		return parse_end_persons(record, body, data);
	memset(body, 0, sizeof(*body));
	body->start_seq = get64(record->body);
	body->persons = get64(record->body + offsetof(PhigPersonsBody, persons));
	body->form = record->body[offsetof(PhigPersonsBody, form)];
	body->manner = record->body[offsetof(PhigPersonsBody, manner)];
	body->n = get32(record->body + offsetof(PhigPersonsBody, n));
	*data = record->body + sizeof(PhigPersonsBody);
	switch (body->form)
	{
		case PHIG_PERSONS_TOKENS:
			return body->n == bytes / PHIG_TOKEN_BYTES && bytes % PHIG_TOKEN_BYTES == 0;
		case PHIG_PERSONS_SUMMARY:
			return body->n == bytes && bytes > 0 && (bytes & (bytes - 1)) == 0;
		case PHIG_PERSONS_COUNT:
			return body->n == 0 && bytes == 0;
		default:
			return false;
	}
}

void
phig_parse_checkpoint(const PhigSegmentHeader *header, const PhigRecord *record,
					  PhigCheckpoint *checkpoint)
{
	const uint8_t *body = record->body;

	memset(checkpoint, 0, sizeof(*checkpoint));
	checkpoint->system_identifier = header->system_identifier;
	memcpy(checkpoint->node, header->node, PHIG_ID_BYTES);
	checkpoint->segment = header->number;
	checkpoint->offset = record->offset;
	checkpoint->seq = record->head.seq;
	checkpoint->time = record->head.time;
	checkpoint->oldest = get64(body);
	memcpy(checkpoint->hash, body + offsetof(PhigCheckpointBody, hash), PHIG_HASH_BYTES);
	memcpy(checkpoint->key, body + offsetof(PhigCheckpointBody, key), PHIG_KEY_ID_BYTES);
	memcpy(checkpoint->signature, body + offsetof(PhigCheckpointBody, signature), PHIG_SIGNATURE_BYTES);
}

/* The size of a record's body by its type; 0: no such type.  Some may be larger. */
static const uint32_t body_sizes[UINT8_MAX + 1] = {
	[PHIG_RECORD_DEFINITION] = sizeof(PhigDefinitionBody),
	[PHIG_RECORD_START] = sizeof(PhigStartBody),
	[PHIG_RECORD_END] = sizeof(PhigEndBody),
	[PHIG_RECORD_PERSONS] = sizeof(PhigPersonsBody),
	[PHIG_RECORD_EVENT] = sizeof(PhigEventBody),
	[PHIG_RECORD_SEAL] = PHIG_HASH_BYTES,
	[PHIG_RECORD_CHECKPOINT] = sizeof(PhigCheckpointBody)
};

/* Does a body of that size belong to a record of that type? */
INLINE bool
body_fits_type(uint8_t type, uint32_t body_bytes)
{
	uint32_t	size = body_sizes[type];

	if (body_bytes == size)
		return size != 0;
	if (size == 0 || body_bytes < size)
		return false;
	if (type == PHIG_RECORD_END)
		return phig_end_bytes_fit(body_bytes);
	return type == PHIG_RECORD_DEFINITION || type == PHIG_RECORD_PERSONS;
}

/* Does an end record have the tokens that it speaks of, and no others? */
INLINE bool
end_holds(const uint8_t *body, uint32_t body_bytes)
{
	switch (body[offsetof(PhigEndBody, form)])
	{
		case 0:
		case PHIG_PERSONS_COUNT:
			return body_bytes == sizeof(PhigEndBody);
		case PHIG_PERSONS_TOKENS:
			return body_bytes > sizeof(PhigEndBody);
		default:
			return false;
	}
}

INLINE bool
length_is_sane(uint32_t length)
{
	return length >= SMALLEST_RECORD && length <= PHIG_RECORD_MAX_BYTES &&
		length % PHIG_RECORD_ALIGN == 0;
}

/* Decode a record's header from 32 bytes; false when no record has such a header. */
INLINE bool
decode_record_header(const uint8_t *p, PhigRecordHeader *head)
{
	uint32_t	body_room;

	head->length = get32(p);
	head->type = p[offsetof(PhigRecordHeader, type)];
	/* The reserved bytes share a word with the type. */
	if (!length_is_sane(head->length) || get32(p + offsetof(PhigRecordHeader, type)) > UINT8_MAX)
		return false;
	head->crc = get32(p + offsetof(PhigRecordHeader, crc));
	head->seq = get64(p + offsetof(PhigRecordHeader, seq));
	head->time = (int64_t) get64(p + offsetof(PhigRecordHeader, time));
	memset(head->reserved, 0, sizeof(head->reserved));
	head->body_bytes = get32(p + offsetof(PhigRecordHeader, body_bytes));
	body_room = head->length - (uint32_t) sizeof(PhigRecordHeader);
	return head->body_bytes <= body_room && body_room - head->body_bytes < PHIG_RECORD_ALIGN &&
		body_fits_type(head->type, head->body_bytes);
}

/* Is there a record at offset that counts? */
INLINE bool
record_at(PhigWalk *walk, uint64_t offset, PhigRecord *record)
{
	size_t		have;
	const uint8_t *p = need(walk->bytes, offset, sizeof(PhigRecordHeader), &have);

	if (p == NULL || !decode_record_header(p, &record->head))
		return false;
	if (have < record->head.length)
		p = need(walk->bytes, offset, record->head.length, &have);
	if (p == NULL)
		return false;
	if (walk->crc32c(p + 8, record->head.length - 8) != record->head.crc ||
		(record->head.type == PHIG_RECORD_END && !end_holds(p + sizeof(PhigRecordHeader), record->head.body_bytes)))
	{
		/*
		 * Hostile lengths must not make the walk quadratic: it pays for what it checksums in
		 * vain.
		 */
		walk->budget -= record->head.length < walk->budget ? record->head.length : walk->budget;
		return false;
	}
	record->offset = offset;
	record->bytes = p;
	record->body = p + sizeof(PhigRecordHeader);
	return true;
}

/* The bytes from offset on that can be had at once; NULL at the end. */
static const uint8_t *
window(PhigBytes *bytes, uint64_t offset, size_t *len)
{
	uint64_t	left = offset < bytes->limit ? bytes->limit - offset : 0;
	size_t		have;

	*len = left < PHIG_RECORD_MAX_BYTES ? (size_t) left : PHIG_RECORD_MAX_BYTES;
	return *len > 0 ? need(bytes, offset, *len, &have) : NULL;
}

/* The first byte at or behind offset that is not zero; the limit when there is none. */
static uint64_t
first_nonzero(PhigBytes *bytes, uint64_t offset)
{
	const uint8_t *p;
	size_t		len;

	for (; (p = window(bytes, offset, &len)) != NULL; offset += len)
		if (!is_zero(p, len))
			for (size_t i = 0; i < len; i++)
				if (p[i] != 0)
					return offset + i;
	return bytes->limit;
}

/* Behind the last byte that is not zero; offset itself when there is none from there on. */
static uint64_t
behind_nonzero(PhigBytes *bytes, uint64_t offset)
{
	uint64_t	behind = offset;
	const uint8_t *p;
	size_t		len;

	for (; (p = window(bytes, offset, &len)) != NULL; offset += len)
		if (!is_zero(p, len))
			for (size_t i = 0; i < len; i++)
				if (p[i] != 0)
					behind = offset + i + 1;
	return behind;
}

/*
 * The first record that counts at or behind offset; false when there is none,
 * or the budget is spent.
 */
static bool
find_record(PhigWalk *walk, uint64_t offset, uint64_t *found)
{
	const uint8_t *p;
	size_t		len;

	while ((p = window(walk->bytes, offset, &len)) != NULL && len >= SMALLEST_RECORD)
	{
		PhigRecord	candidate;
		size_t		i = 0;

		while (i + sizeof(PhigRecordHeader) <= len && !decode_record_header(p + i, &candidate.head))
			i += PHIG_RECORD_ALIGN;
		offset += i;
		if (i + sizeof(PhigRecordHeader) > len)
			continue;
		if (walk->budget == 0)
			return false;
		*found = offset;
		if (record_at(walk, offset, &candidate))
			return true;
		offset += PHIG_RECORD_ALIGN;
	}
	return false;
}

/* The length that the record at offset claims, when another record follows there; 0 otherwise. */
static uint32_t
length_confirmed(PhigWalk *walk, uint64_t offset)
{
	PhigRecord	follower;
	size_t		have;
	const uint8_t *p = need(walk->bytes, offset, sizeof(uint32_t), &have);
	uint32_t	length = p != NULL ? get32(p) : 0;

	return length_is_sane(length) && record_at(walk, offset + length, &follower) ? length : 0;
}

/* The bytes at walk->offset are no record: say what they are, and move behind them. */
static PhigStep
step_over_damage(PhigWalk *walk)
{
	uint64_t	begin = walk->offset;
	uint64_t	nonzero = first_nonzero(walk->bytes, begin);
	uint64_t	next;
	uint32_t	length;

	if (nonzero >= walk->bytes->limit)
	{
		walk->ended = true;
		return PHIG_STEP_END;
	}

	if ((length = length_confirmed(walk, begin)) > 0)
	{
		walk->damage = PHIG_DAMAGE_RECORD;
		next = begin + length;
	}
	else if (find_record(walk, begin + PHIG_RECORD_ALIGN, &next))
		walk->damage = PHIG_DAMAGE_RANGE;
	else
	{
		walk->ended = true;
		walk->damage = nonzero - begin < sizeof(PhigRecordHeader) ?
			PHIG_DAMAGE_TAIL : PHIG_DAMAGE_STRAY;
		next = behind_nonzero(walk->bytes, nonzero);
		if (walk->damage == PHIG_DAMAGE_STRAY)
			begin = nonzero;
	}
	walk->damage_offset = begin;
	walk->damage_bytes = next - begin;
	if (!walk->ended)
		walk->offset = next;
	return PHIG_STEP_DAMAGE;
}

void
phig_walk_begin(PhigWalk *walk, PhigBytes *bytes, PhigCrc32c crc32c)
{
	memset(walk, 0, sizeof(*walk));
	walk->bytes = bytes;
	walk->crc32c = crc32c;
	walk->offset = PHIG_SEGMENT_HEADER_BYTES;
	walk->budget = 4 * bytes->limit;
}

PhigStep
phig_walk_next(PhigWalk *walk)
{
	if (walk->ended || walk->offset >= walk->bytes->limit)
		return PHIG_STEP_END;
	if (!record_at(walk, walk->offset, &walk->record))
		return step_over_damage(walk);
	walk->offset += walk->record.head.length;
	return PHIG_STEP_RECORD;
}

bool
phig_parse_line(const char **cursor, const char *end, PhigLine *line)
{
	while (*cursor < end)
	{
		const char *begin = *cursor;
		const char *newline = memchr(begin, '\n', (size_t) (end - begin));
		const char *stop = newline != NULL ? newline : end;

		*cursor = newline != NULL ? newline + 1 : end;
		if (stop - begin >= 2 && begin[1] == '=')
		{
			line->key = begin[0];
			line->value = begin + 2;
			line->len = (size_t) (stop - line->value);
			return true;
		}
	}
	return false;
}

size_t
phig_parse_value(const PhigLine *line, char *out)
{
	size_t		n = 0;

	for (size_t i = 0; i < line->len; i++)
	{
		char		c = line->value[i];

		if (c == '\\' && i + 1 < line->len)
		{
			c = line->value[++i];
			if (c == 'n')
				c = '\n';
		}
		out[n++] = c;
	}
	return n;
}

/* The value of a lower-case hex digit, or of a decimal one, below base; -1 otherwise. */
static int
digit(char c, int base)
{
	int			value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : base;

	return value < base ? value : -1;
}

bool
phig_parse_segment_name(const char *name, char node8[9], uint64_t *number)
{
	uint64_t	n = 0;

	if (strlen(name) != 8 + 1 + 10 + 4 || name[8] != '-' || strcmp(name + 19, ".seg") != 0)
		return false;
	for (int i = 0; i < 8; i++)
		if (digit(name[i], 16) < 0)
			return false;
	for (int i = 9; i < 19; i++)
	{
		if (digit(name[i], 10) < 0)
			return false;
		n = n * 10 + (uint64_t) digit(name[i], 10);
	}
	memcpy(node8, name, 8);
	node8[8] = '\0';
	*number = n;
	return n > 0;
}
