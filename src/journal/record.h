/*
 * record.h
 *		Single records: their headers, their checksums, and the text of definitions.
 */
#ifndef PHIG_RECORD_H
#define PHIG_RECORD_H

#include "postgres.h"

#include "journal/crc32c.h"
#include "journal/format.h"

/* Room for a definition's text inside a record of the largest size. */
#define PHIG_DEFINITION_MAX_BYTES \
	(PHIG_RECORD_MAX_BYTES - (uint32) sizeof(PhigRecordHeader) - (uint32) sizeof(PhigDefinitionBody))

/* Length of a record with so many body bytes, padding included. */
static inline uint32
phig_record_bytes(uint32 body_bytes)
{
	return (uint32) TYPEALIGN(PHIG_RECORD_ALIGN, sizeof(PhigRecordHeader) + body_bytes);
}

/* A record whose body needs no padding, but for seq, time, body and checksum. */
static inline void
phig_record_begin(PhigRecordHeader *record, uint8 type, uint32 body_bytes)
{
	Assert(body_bytes % PHIG_RECORD_ALIGN == 0);
	record->length = sizeof(PhigRecordHeader) + body_bytes;
	record->type = type;
	memset(record->reserved, 0, sizeof(record->reserved));
	record->body_bytes = body_bytes;
}

/* The checksum of a contiguous record whose other fields are all there. */
static inline uint32
phig_record_crc(const PhigRecordHeader *record)
{
	return phig_crc32c((const char *) record + offsetof(PhigRecordHeader, seq),
					   record->length - offsetof(PhigRecordHeader, seq));
}

/*
 * phig_record_finish
 *		Fill in the length and the CRC of a record, and the zeros between its fields and behind its body.
 *
 * seq, time, type and body_bytes are set, the body stands behind the header, and there is room
 * for the padding.
 */
extern void phig_record_finish(PhigRecordHeader *record);

/* Could this be a record's header?  Looks at the 32 bytes alone. */
extern bool phig_record_plausible(const PhigRecordHeader *header);

/* Does the checksum of a whole, contiguous record (of a plausible header) hold? */
static inline bool
phig_record_crc_holds(const PhigRecordHeader *record)
{
	return phig_record_crc(record) == record->crc;
}

#endif
