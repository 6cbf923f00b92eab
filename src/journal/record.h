/*
 * record.h
 *		Single records: their headers, their checksums, and the text of definitions.
 */
#ifndef PHIG_RECORD_H
#define PHIG_RECORD_H

#include "postgres.h"

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
extern bool phig_record_crc_holds(const PhigRecordHeader *record);

#endif
