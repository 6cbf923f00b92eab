/*
 * segments.h
 *		Segments of a journal, valid and chained as a server writes them: what the programs that make long ones share.
 *
 * Who includes this defines NODE, the byte that all bytes of the node's name are; sets directory, segment_bytes and
 * now; gives segment so many bytes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "journal/chain.h"
#include "journal/format.h"
#include "bytes.h"

typedef struct Id
{
	uint8_t		bytes[PHIG_ID_BYTES];
	uint64_t	segment;		/* that has its definition */
} Id;

static const char *directory;
static size_t segment_bytes;
static uint8_t *segment;
static size_t used;
static size_t batch_begin;
static PhigChain chain;
static uint64_t number;
static uint64_t next_seq = 1;
static int64_t now;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
begin_segment(void)
{
	PhigSegmentHeader header = {.version = PHIG_FORMAT_VERSION, .header_bytes = PHIG_SEGMENT_HEADER_BYTES};

	memcpy(header.magic, PHIG_SEGMENT_MAGIC, sizeof(header.magic));
	header.system_identifier = UINT64_C(7300000000000000001);
	memset(header.node, NODE, sizeof(header.node));
	header.number = ++number;
	header.first_seq = next_seq;
	header.created = now;
	header.reason = number == 1 ? PHIG_SEGMENT_FIRST : PHIG_SEGMENT_ROTATION;
	header.timeline = 1;
	if (number > 1)
	{
		header.before_first = chain.first_time;
		header.before_last = chain.last_time;
		if (!phig_chain_last_hash(&chain, header.prev_hash))
			die("hash");
	}
	header.crc = crc32c((uint8_t *) &header, PHIG_SEGMENT_HEADER_BYTES - 4);

	memset(segment, 0, segment_bytes);
	memcpy(segment, &header, sizeof(header));
	used = sizeof(header);
	batch_begin = used;
	if (!phig_chain_begin(&chain, &header))
		die("hash");
}

static void
end_segment(void)
{
	char		path[4096];
	FILE	   *file;

	snprintf(path, sizeof(path), "%s/%02x%02x%02x%02x-%010" PRIu64 ".seg", directory, NODE, NODE, NODE, NODE, number);
	file = fopen(path, "wb");
	if (file == NULL || fwrite(segment, 1, segment_bytes, file) != segment_bytes || fclose(file) != 0)
		die(path);
}

static uint8_t *
append(uint8_t type, uint64_t seq, const void *body, size_t body_bytes)
{
	uint8_t    *p = segment + used;
	size_t		length = (sizeof(PhigRecordHeader) + body_bytes + 7) / 8 * 8;

	put(p, length, 4);
	put(p + 8, seq, 8);
	put(p + 16, (uint64_t) now, 8);
	p[24] = type;
	put(p + 28, body_bytes, 4);
	memcpy(p + 32, body, body_bytes);
	put(p + 4, crc32c(p + 8, length - 8), 4);
	used += length;
	return p;
}

static void
seal(void)
{
	uint8_t		hash[PHIG_HASH_BYTES];
	const uint8_t *record;

	if (used == batch_begin)
		return;
	phig_chain_begin_batch(&chain);
	phig_hash_add(segment + batch_begin, used - batch_begin);
	if (!phig_hash_end(hash))
		die("hash");
	record = append(PHIG_RECORD_SEAL, next_seq - 1, hash, sizeof(hash));
	phig_chain_advance(&chain, record, used);
	batch_begin = used;
}

/* Room for so many bytes and a seal, in the next segment if need be. */
static void
make_room(size_t bytes)
{
	if (used + bytes + PHIG_SEAL_BYTES <= segment_bytes)
		return;
	seal();
	end_segment();
	begin_segment();
}

static uint64_t
append_record(uint8_t type, const void *body, size_t body_bytes)
{
	append(type, next_seq, body, body_bytes);
	phig_chain_note_time(&chain, now);
	return next_seq++;
}

static void
define(Id *id, const char *text)
{
	uint8_t		body[1024];
	uint8_t		digest[PHIG_HASH_BYTES];
	size_t		len = strlen(text);

	if (id->segment == number)
		return;
	if (EVP_Digest(text, len, digest, NULL, EVP_sha256(), NULL) != 1)
		die("hash");
	memcpy(id->bytes, digest, PHIG_ID_BYTES);
	memcpy(body, digest, PHIG_ID_BYTES);
	memcpy(body + PHIG_ID_BYTES, text, len);
	append_record(PHIG_RECORD_DEFINITION, body, PHIG_ID_BYTES + len);
	id->segment = number;
}
