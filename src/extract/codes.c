/*
 * codes.c
 *		The values of a column as numbers.
 *
 * Most types say of themselves that equal values have equal bytes (btree's
 * equalimage function): theirs are hashed and compared as bytes.  The others
 * (numeric, floating point, collations that are not deterministic) go by the
 * type's own hash function and equality.
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "compat.h"
#include "extract/codes.h"

typedef enum Likeness
{
	BY_WORD,					/* passed by value: the Datum itself */
	BY_BYTES,
	BY_TYPE						/* the type's functions */
} Likeness;

typedef struct CodeEntry
{
	Datum		value;
	PhigCode	code;
	uint32		hash;
	char		status;
} CodeEntry;

static inline uint32 hash_of(PhigCodes *codes, Datum value);
static inline bool same(PhigCodes *codes, Datum a, Datum b);

#define SH_PREFIX codes
#define SH_ELEMENT_TYPE CodeEntry
#define SH_KEY_TYPE Datum
#define SH_KEY value
#define SH_HASH_KEY(table, key) hash_of((table)->private_data, key)
#define SH_EQUAL(table, a, b) same((table)->private_data, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct PhigCodes
{
	MemoryContext context;
	codes_hash *table;
	TypeCacheEntry *type;
	Oid			collation;
	Likeness	likeness;
	bool		varlena;
	bool		borrows;
	int32		count;
	PhigCode	null;			/* its code, or -1 */
};

typedef struct Ordering
{
	FmgrInfo   *compare;
	Oid			collation;
	const Datum *values;		/* by code */
	int32		null_code;
} Ordering;

static Datum *values_in(const PhigCodes *codes, PhigPackedReader *reader, int32 count);
static inline Datum detoasted(const PhigCodes *codes, Datum value);
static PhigCode *code_of_null(PhigCodes *codes);
static CodeEntry *enter(PhigCodes *codes, Datum value, uint32 hash);
static Likeness likeness_of(TypeCacheEntry *type, Oid collation);
static bool equal_bytes(TypeCacheEntry *type, Oid collation);
static inline const char *bytes_of(const PhigCodes *codes, Datum value, Size *length);
static int32 next_code(PhigCodes *codes);
static int	compare_codes(const void *a, const void *b, void *arg);

PhigCodes *
phig_codes_create(MemoryContext context, Oid type, Oid collation)
{
	PhigCodes  *codes = MemoryContextAllocZero(context, sizeof(PhigCodes));

	codes->context = context;
	codes->type = lookup_type_cache(getBaseType(type),
									TYPECACHE_BTREE_OPFAMILY | TYPECACHE_HASH_PROC_FINFO | TYPECACHE_EQ_OPR_FINFO |
									TYPECACHE_CMP_PROC_FINFO);
	codes->collation = OidIsValid(collation) ? collation : codes->type->typcollation;
	codes->likeness = likeness_of(codes->type, codes->collation);
	codes->varlena = codes->type->typlen == -1;
	codes->table = codes_create(context, 64, codes);
	codes->null.code = codes->null.note = -1;
	return codes;
}

int32
phig_codes_of(PhigCodes *codes, Datum value, bool isnull)
{
	CodeEntry  *entry;

	if (isnull)
		return code_of_null(codes)->code;
	value = detoasted(codes, value);
	/* Most values have one already. */
	entry = codes_lookup_hash(codes->table, value, hash_of(codes, value));
	return (entry != NULL ? entry : enter(codes, value, hash_of(codes, value)))->code.code;
}

uint32
phig_codes_hash(PhigCodes *codes, NullableDatum *value)
{
	if (value->isnull)
		return 0;
	value->value = detoasted(codes, value->value);
	return hash_of(codes, value->value);
}

void
phig_codes_expect(PhigCodes *codes, uint32 hash)
{
	const CodeEntry *entry = &codes->table->data[hash & codes->table->sizemask];

	__builtin_prefetch(entry);
	__builtin_prefetch((const char *) (entry + 1) - 1);
}

PhigCode *
phig_codes_find(PhigCodes *codes, const NullableDatum *value, uint32 hash)
{
	return value->isnull ? code_of_null(codes) : &enter(codes, value->value, hash)->code;
}

Datum
phig_codes_copy(const PhigCodes *codes, Datum value)
{
	return datumCopy(value, codes->type->typbyval, codes->type->typlen);
}

PhigColumnType
phig_codes_type(const PhigCodes *codes)
{
	return (PhigColumnType)
	{
		codes->type->type_id, codes->collation
	};
}

int32
phig_codes_count(const PhigCodes *codes)
{
	return codes->count;
}

void
phig_codes_write(const PhigCodes *codes, PhigPacked *bytes)
{
	int32		head[4] = {codes->count, codes->table->members, codes->null.code, codes->null.note};
	codes_iterator iterator;
	CodeEntry  *entry;
	PhigCode   *code;
	Datum	   *value;

	phig_packed_put(bytes, head, sizeof(head));
	code = phig_packed_room(bytes, sizeof(PhigCode) * codes->table->members);
	codes_start_iterate(codes->table, &iterator);
	while ((entry = codes_iterate(codes->table, &iterator)) != NULL)
		*code++ = entry->code;
	value = codes->type->typbyval ? phig_packed_room(bytes, sizeof(Datum) * codes->table->members) : NULL;
	codes_start_iterate(codes->table, &iterator);
	while ((entry = codes_iterate(codes->table, &iterator)) != NULL)
	{
		if (codes->type->typbyval)
			*value++ = entry->value;
		else
			phig_codes_write_value(codes, entry->value, bytes);
	}
}

void
phig_codes_read(const PhigCodes *codes, PhigPackedReader *reader, PhigWrittenCodes *written)
{
	const int32 *head = phig_packed_take(reader, 4 * sizeof(int32));

	written->count = head[0];
	written->nvalues = head[1];
	written->null = (PhigCode)
	{
		head[2], head[3]
	};
	if (written->count != written->nvalues + (written->null.code >= 0) || written->null.code >= written->count)
		phig_packed_damaged();
	written->codes = phig_packed_take_array(reader, written->nvalues, sizeof(PhigCode));
	for (int32 i = 0; i < written->nvalues; i++)
		if ((uint32) written->codes[i].code >= (uint32) written->count)
			phig_packed_damaged();
	if (codes->type->typbyval)
		written->values = phig_packed_take_array(reader, written->nvalues, sizeof(Datum));
	else
		written->values = values_in(codes, reader, written->nvalues);
}

int32 *
phig_codes_merge(PhigCodes *codes, const PhigWrittenCodes *written)
{
	int32	   *mine = palloc_extended(sizeof(int32) * (Size) Max(written->count, 1),
									   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	phig_codes_reserve(codes, written->nvalues);
	for (int32 i = 0; i < written->nvalues; i++)
		mine[written->codes[i].code] = phig_codes_of(codes, written->values[i], false);
	if (written->null.code >= 0)
		mine[written->null.code] = code_of_null(codes)->code;
	return mine;
}

void
phig_codes_reserve(PhigCodes *codes, int32 more)
{
	uint64		wanted = ((uint64) codes->table->members + more) * 10 / 9 + 1;

	if (wanted > codes->table->size)
		codes_grow(codes->table, wanted);
}

void
phig_codes_borrow(PhigCodes *codes)
{
	codes_reset(codes->table);
	codes->borrows = true;
	codes->count = 0;
	codes->null.code = codes->null.note = -1;
}

int32 *
phig_codes_ranks(PhigCodes *codes)
{
	int32	   *in_order = palloc_extended(sizeof(int32) * (Size) codes->count, MCXT_ALLOC_HUGE);
	int32	   *ranks = palloc_extended(sizeof(int32) * (Size) codes->count, MCXT_ALLOC_HUGE);
	Datum	   *values = palloc_extended(sizeof(Datum) * (Size) codes->count, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	Ordering	ordering = {&codes->type->cmp_proc_finfo, codes->collation, values, codes->null.code};
	codes_iterator iterator;
	CodeEntry  *entry;

	if (!OidIsValid(codes->type->cmp_proc))
		return NULL;
	codes_start_iterate(codes->table, &iterator);
	while ((entry = codes_iterate(codes->table, &iterator)) != NULL)
		values[entry->code.code] = entry->value;
	for (int32 code = 0; code < codes->count; code++)
		in_order[code] = code;
	qsort_arg(in_order, codes->count, sizeof(int32), compare_codes, &ordering);
	for (int32 rank = 0; rank < codes->count; rank++)
		ranks[in_order[rank]] = rank;
	return ranks;
}

/* Values that are passed by reference, where they lie. */
static Datum *
values_in(const PhigCodes *codes, PhigPackedReader *reader, int32 count)
{
	Datum	   *values = palloc_extended(sizeof(Datum) * (Size) Max(count, 1), MCXT_ALLOC_HUGE);

	for (int32 i = 0; i < count; i++)
		values[i] = phig_codes_read_value(codes, reader);
	return values;
}

void
phig_codes_write_value(const PhigCodes *codes, Datum value, PhigPacked *bytes)
{
	phig_packed_put(bytes, DatumGetPointer(value), datumGetSize(value, false, codes->type->typlen));
}

Datum
phig_codes_read_value(const PhigCodes *codes, PhigPackedReader *reader)
{
	Size		size = codes->type->typlen;

	if (codes->varlena)
	{
		if (reader->left < MAXIMUM_ALIGNOF || VARATT_IS_EXTERNAL(reader->at) || VARATT_IS_COMPRESSED(reader->at))
			phig_packed_damaged();
		size = VARSIZE_ANY(reader->at);
	}
	return PointerGetDatum(phig_packed_take(reader, size));
}

static inline Datum
detoasted(const PhigCodes *codes, Datum value)
{
	return codes->varlena ? PointerGetDatum(PG_DETOAST_DATUM_PACKED(value)) : value;
}

static PhigCode *
code_of_null(PhigCodes *codes)
{
	if (codes->null.code < 0)
		codes->null.code = next_code(codes);
	return &codes->null;
}

/* The entry of a value, a new one where it has none. */
static CodeEntry *
enter(PhigCodes *codes, Datum value, uint32 hash)
{
	bool		found;
	CodeEntry  *entry = codes_insert_hash(codes->table, value, hash, &found);

	if (!found)
	{
		if (!codes->borrows)
		{
			MemoryContext before = MemoryContextSwitchTo(codes->context);

			entry->value = phig_codes_copy(codes, value);
			MemoryContextSwitchTo(before);
		}
		entry->code.code = next_code(codes);
		entry->code.note = -1;
	}
	return entry;
}

static Likeness
likeness_of(TypeCacheEntry *type, Oid collation)
{
	if (type->typlen != -2 && equal_bytes(type, collation))
		return type->typbyval ? BY_WORD : BY_BYTES;
	if (OidIsValid(type->hash_proc) && OidIsValid(type->eq_opr))
		return BY_TYPE;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_FUNCTION),
			 errmsg("values of type %s cannot be counted", format_type_be(type->type_id)),
			 errdetail("The type has no equality that can be hashed."),
			 errhint("Use a view that casts the column to another type, text say.")));
}

/* Do equal values have equal bytes? */
static bool
equal_bytes(TypeCacheEntry *type, Oid collation)
{
	Oid			function;

	if (!OidIsValid(type->btree_opf))
		return false;
	function = get_opfamily_proc(type->btree_opf, type->btree_opintype, type->btree_opintype, BTEQUALIMAGE_PROC);
	return OidIsValid(function) &&
		DatumGetBool(OidFunctionCall1Coll(function, collation, ObjectIdGetDatum(type->btree_opintype)));
}

static inline uint32
hash_of(PhigCodes *codes, Datum value)
{
	const char *bytes;
	Size		length;

	if (codes->likeness == BY_WORD)
		return phig_hash_word((uint64) value);
	if (codes->likeness == BY_TYPE)
		return DatumGetUInt32(FunctionCall1Coll(&codes->type->hash_proc_finfo, codes->collation, value));
	bytes = bytes_of(codes, value, &length);
	return hash_bytes((const unsigned char *) bytes, (int) length);
}

static inline bool
same(PhigCodes *codes, Datum a, Datum b)
{
	const char *a_bytes;
	const char *b_bytes;
	Size		a_length;
	Size		b_length;

	if (codes->likeness == BY_WORD)
		return a == b;
	if (codes->likeness == BY_TYPE)
		return DatumGetBool(FunctionCall2Coll(&codes->type->eq_opr_finfo, codes->collation, a, b));
	a_bytes = bytes_of(codes, a, &a_length);
	b_bytes = bytes_of(codes, b, &b_length);
	return a_length == b_length && memcmp(a_bytes, b_bytes, a_length) == 0;
}

static inline const char *
bytes_of(const PhigCodes *codes, Datum value, Size *length)
{
	if (codes->type->typlen == -1)
	{
		*length = VARSIZE_ANY_EXHDR(DatumGetPointer(value));
		return VARDATA_ANY(DatumGetPointer(value));
	}
	*length = codes->type->typlen;
	return DatumGetPointer(value);
}

static int32
next_code(PhigCodes *codes)
{
	if (codes->count == PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many different values in a column")));
	return codes->count++;
}

static int
compare_codes(const void *a, const void *b, void *arg)
{
	const Ordering *ordering = arg;
	int32		a_code = *(const int32 *) a;
	int32		b_code = *(const int32 *) b;

	if (a_code == ordering->null_code || b_code == ordering->null_code)
		return (a_code == ordering->null_code) - (b_code == ordering->null_code);
	return DatumGetInt32(FunctionCall2Coll(ordering->compare, ordering->collation,
										   ordering->values[a_code], ordering->values[b_code]));
}
