/*
 * spelling.h
 *		The one spelling that a person's key has, whatever type a column holds it in.
 *
 * The same person is 42 in a bigint, an integer and a text; so tokens are made of text.  Types whose values could be
 * equal and be written in two ways (timestamps, floats, citext ...) have no such spelling: rows that such a
 * column numbers are not captured.
 */
#ifndef PHIG_SUBJECT_SPELLING_H
#define PHIG_SUBJECT_SPELLING_H

#include "postgres.h"

#include "catalog/pg_type.h"

/* Room for a spelling of a type whose values are not texts. */
#define PHIG_SPELLING_BYTES 48

/* type: a base type, not a domain. */
extern bool phig_spelling_is_one(Oid type);

/*
 * phig_spell
 *		The spelling of a value of such a type.
 *
 * *text points into the value, into buffer, or to what is palloc'd; no NUL is behind it.
 * The value has to be detoasted.  Errors: out of memory.
 */
extern void phig_spell(Oid type, Datum value, char buffer[PHIG_SPELLING_BYTES], const char **text, int *len);

/* Is it the spelling of an integer of 18 digits at most, and of which? */
extern bool phig_spelling_is_number(const char *text, int len, int64 *number);

/* Keys of these types are numbers as they are: phig_spelling_number reads one, phig_spelling_of_number is one. */
static inline bool
phig_spelling_is_of_number(Oid type)
{
	return type == INT4OID || type == INT8OID || type == INT2OID || type == OIDOID;
}

static inline int64
phig_spelling_number(Oid type, Datum value)
{
	switch (type)
	{
		case INT4OID:
			return DatumGetInt32(value);
		case INT8OID:
			return DatumGetInt64(value);
		case INT2OID:
			return DatumGetInt16(value);
		default:
			return DatumGetObjectId(value);
	}
}

static inline Datum
phig_spelling_of_number(Oid type, int64 number)
{
	switch (type)
	{
		case INT4OID:
			return Int32GetDatum((int32) number);
		case INT8OID:
			return Int64GetDatum(number);
		case INT2OID:
			return Int16GetDatum((int16) number);
		default:
			return ObjectIdGetDatum((Oid) number);
	}
}

/* The spelling of what somebody typed as a key of that type, palloc'd; NULL where it is none. */
extern char *phig_spelling_of_text(Oid type, const char *typed);

#endif
