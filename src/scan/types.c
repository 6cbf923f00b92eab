/*
 * types.c
 *		What columns of a type can hold, as far as evidence cares.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

#include "scan/types.h"

static int	holds_of_category(Oid type);

int
phig_type_holds(Oid type)
{
	Oid			element;

	type = getBaseType(type);
	element = get_element_type(type);
	if (OidIsValid(element))
	{
		int			holds = phig_type_holds(element);

		return holds == PHIG_HOLDS_NUMBER ? PHIG_HOLDS_VECTOR : holds;
	}
	switch (type)
	{
		case BOOLOID:
			return PHIG_HOLDS_BOOL;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
		case CHAROID:
			return PHIG_HOLDS_TEXT;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return PHIG_HOLDS_INTEGER;
		case NUMERICOID:
		case FLOAT4OID:
		case FLOAT8OID:
			return PHIG_HOLDS_NUMBER;
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return PHIG_HOLDS_TIME;
		case UUIDOID:
			return PHIG_HOLDS_UUID;
		case BYTEAOID:
		case OIDOID:
			return PHIG_HOLDS_BYTES;
		case JSONOID:
		case JSONBOID:
		case XMLOID:
		case TSVECTOROID:
			return PHIG_HOLDS_DOCUMENT;
		case INETOID:
		case CIDROID:
			return PHIG_HOLDS_NET;
		case MACADDROID:
		case MACADDR8OID:
			return PHIG_HOLDS_MAC;
		case POINTOID:
			return PHIG_HOLDS_POINT;
		default:
			return holds_of_category(type);
	}
}

/* Types of extensions: citext is a string; dates are dates. */
static int
holds_of_category(Oid type)
{
	char		category;
	bool		preferred;

	get_type_category_preferred(type, &category, &preferred);
	if (category == TYPCATEGORY_STRING)
		return PHIG_HOLDS_TEXT;
	if (category == TYPCATEGORY_ENUM)
		return PHIG_HOLDS_TEXT;
	return PHIG_HOLDS_UNKNOWN;
}
