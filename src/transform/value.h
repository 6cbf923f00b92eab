/*
 * value.h
 *		Values as keyed transforms take them: canonical text in UTF-8, or bytes.
 *
 * So a number and its digits, and databases of different encodings agree.
 */
#ifndef PHIG_VALUE_H
#define PHIG_VALUE_H

#include "postgres.h"

#include "utils/datetime.h"

/* Not terminated; owned is what phig_value_free frees, if anything. */
typedef struct PhigValue
{
	const char *bytes;
	size_t		len;
	char	   *owned;
} PhigValue;

/* Room for the text of what is not text, where a value's bytes may stand. */
typedef struct PhigScratch
{
	char		bytes[MAXDATELEN + 1];
} PhigScratch;

/* Errors: 22P05 for text that has no form in UTF-8, without it. */
extern PhigValue phig_value_of_text(Datum datum, PhigScratch *scratch);
extern PhigValue phig_value_of_bytea(Datum datum, PhigScratch *scratch);
extern PhigValue phig_value_of_int8(Datum datum, PhigScratch *scratch);
extern PhigValue phig_value_of_uuid(Datum datum, PhigScratch *scratch);

/* As ISO 8601, whatever DateStyle says. */
extern PhigValue phig_value_of_date(Datum datum, PhigScratch *scratch);

static inline void
phig_value_free(PhigValue *value)
{
	if (value->owned != NULL)
		pfree(value->owned);
}

/* Text of the database's encoding from len bytes of UTF-8; NULL where they are none, or have no form in it. */
extern text *phig_text_of_utf8(const uint8 *bytes, size_t len);

#define PHIG_BASE32_CHARS(bytes) (((bytes) * 8 + 4) / 5)

/* Bytes in base32, RFC 4648 section 6, in lower case and without padding: PHIG_BASE32_CHARS(len) characters, no NUL. */
extern void phig_encode_base32(const uint8 *bytes, size_t len, char *out);

#endif
