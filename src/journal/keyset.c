/*
 * keyset.c
 *		Sets that can say "not here" for certain.
 *
 * A Bloom filter has SET_PROBES bits a key.  It begins as large as it may become and is folded in half as long as it
 * stays sparse, so its size follows what is in it without counting first.
 *
 * Fingerprints take 1.23 cells a key, in three equal parts; the cells that a key's hash names, one in each part, are
 * together its fingerprint by exclusive or.  To find such cells, keys that have a cell to themselves are
 * taken away one after the other; last taken, first set.  Where none has, another salt is tried.
 */
#include "postgres.h"

#include "lib/qunique.h"
#include "port/pg_bitutils.h"

#include "journal/keyset.h"

#define SET_PROBES 6
/* After folding, up to a quarter of the bits is set: one absent key in 4,000 seems to be there. */
#define SET_FULL(bits) ((bits) / 4)
#define SET_LEAST_BYTES 64

/* A third of the cells for n keys. */
#define PART_CELLS(n) ((n) * 41 / 100 + 11)
/* Each fails seldom; after so many the set says of any key that it may be there. */
#define SALTS 64

/* A cell while keys are taken away: those left that name it. */
typedef struct Cell
{
	uint64		keys;			/* exclusive or of their hashes */
	uint32		n;
} Cell;

/* A key that was taken away, and the cell that it had to itself. */
typedef struct Taken
{
	uint64		hash;
	uint32		cell;
} Taken;

/* --- a Bloom filter --- */

static inline uint64
step_of(uint64 key)
{
	key *= UINT64CONST(0x9e3779b97f4a7c15);
	return (key ^ (key >> 29)) | 1;
}

void
phig_keyset_add(PhigKeySet *set, uint8 *bits, uint64 key)
{
	uint64		mask = (uint64) set->bytes * 8 - 1;
	uint64		step = step_of(key);

	for (int i = 0; i < SET_PROBES; i++, key += step)
	{
		uint8	   *byte = &bits[(key & mask) / 8];
		uint8		bit = 1 << (key % 8);

		set->used += (*byte & bit) == 0;
		*byte |= bit;
	}
}

bool
phig_keyset_has(const PhigKeySet *set, const uint8 *bits, uint64 key)
{
	uint64		mask = (uint64) set->bytes * 8 - 1;
	uint64		step = step_of(key);

	if (set->bytes == 0)
		return false;
	for (int i = 0; i < SET_PROBES; i++, key += step)
		if ((bits[(key & mask) / 8] & (1 << (key % 8))) == 0)
			return false;
	return true;
}

/* The largest power of two of bytes that is not more than this. */
static uint32
set_room(uint64 bytes)
{
	bytes = Min(bytes, UINT64CONST(1) << 30);
	return bytes <= SET_LEAST_BYTES ? SET_LEAST_BYTES : (uint32) 1 << pg_leftmost_one_pos64(bytes);
}

uint8 *
phig_keyset_create(PhigKeySet *set, uint64 bytes)
{
	set->bytes = set_room(bytes);
	set->used = 0;
	return palloc_extended(set->bytes, MCXT_ALLOC_ZERO | MCXT_ALLOC_HUGE);
}

/* In half, as long as less than an eighth of the bits is set: half of that many may fall together. */
void
phig_keyset_fold(PhigKeySet *set, uint8 *bits)
{
	if (set->used == 0)
		set->bytes = 0;
	while (set->bytes > SET_LEAST_BYTES && set->used <= SET_FULL((uint64) set->bytes * 8) / 2)
	{
		set->bytes /= 2;
		for (uint32 i = 0; i < set->bytes; i++)
			bits[i] |= bits[i + set->bytes];
		set->used = (uint32) pg_popcount((char *) bits, (int) set->bytes);
	}
}

/* --- fingerprints --- */

static uint64
salted(uint64 key, uint16 salt)
{
	key += salt * UINT64CONST(0x9e3779b97f4a7c15);
	key = (key ^ key >> 33) * UINT64CONST(0xff51afd7ed558ccd);
	key = (key ^ key >> 33) * UINT64CONST(0xc4ceb9fe1a85ec53);
	return key ^ key >> 33;
}

/* The cell in part i, of the 3 parts of so many cells, that a hash names. */
static inline uint32
cell_of(uint64 hash, int i, uint32 part)
{
	uint32		turned = (uint32) (i == 0 ? hash : hash << 21 * i | hash >> (64 - 21 * i));

	return (uint32) ((uint64) turned * part >> 32) + i * part;
}

static inline uint32
print_of(uint64 hash, uint16 bits)
{
	return (uint32) (hash >> 32 ^ hash) & (((uint32) 1 << bits) - 1);
}

static inline uint32
get_cell(const uint8 *bytes, uint16 bits, uint32 cell)
{
	uint64		at = (uint64) cell * bits;
	const uint8 *p = bytes + at / 8;

	return ((uint32) (p[0] | p[1] << 8 | p[2] << 16) >> at % 8) & (((uint32) 1 << bits) - 1);
}

/* A cell that is zero so far. */
static inline void
set_cell(uint8 *bytes, uint16 bits, uint32 cell, uint32 value)
{
	uint64		at = (uint64) cell * bits;
	uint8	   *p = bytes + at / 8;

	value <<= at % 8;
	p[0] |= (uint8) value;
	p[1] |= (uint8) (value >> 8);
	p[2] |= (uint8) (value >> 16);
}

int
phig_keyset_compare(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	return x < y ? -1 : x > y;
}

/* All keys, each with a cell that no key behind it names; false where this salt does not do. */
static bool
take_away(const uint64 *keys, uint32 n, uint16 salt, uint32 part, Cell *cells, Taken *taken)
{
	uint32		ntaken = 0;
	uint32		next = 0;

	memset(cells, 0, 3 * part * sizeof(Cell));
	for (uint32 k = 0; k < n; k++)
	{
		uint64		hash = salted(keys[k], salt);

		for (int i = 0; i < 3; i++)
		{
			Cell	   *cell = &cells[cell_of(hash, i, part)];

			cell->keys ^= hash;
			cell->n++;
		}
	}
	for (uint32 c = 0; c < 3 * part; c++)
	{
		/* What this frees may free others, before it or behind. */
		if (cells[c].n == 1)
			taken[ntaken++] = (Taken) {cells[c].keys, c};
		for (; next < ntaken; next++)
		{
			uint64		hash = taken[next].hash;

			if (cells[taken[next].cell].n != 1)
			{
				/* It was the only one in two cells, and is taken by the other. */
				taken[next--] = taken[--ntaken];
				continue;
			}
			for (int i = 0; i < 3; i++)
			{
				uint32		other = cell_of(hash, i, part);

				cells[other].keys ^= hash;
				if (--cells[other].n == 1 && other <= c)
					taken[ntaken++] = (Taken) {cells[other].keys, other};
			}
		}
	}
	return ntaken == n;
}

uint64
phig_prints_make(PhigPrints *prints, uint64 *keys, uint32 n, uint64 room, uint8 *out)
{
	uint32		part;
	Cell	   *cells;
	Taken	   *taken;
	uint64		fits;

	memset(prints, 0, sizeof(*prints));
	if (n == 0)
		return 0;
	qsort(keys, n, sizeof(uint64), phig_keyset_compare);
	n = (uint32) qunique(keys, n, sizeof(uint64), phig_keyset_compare);
	part = (uint32) PART_CELLS((uint64) n);
	prints->cells = 3 * part;
	fits = room <= PHIG_PRINTS_SLACK ? 0 : (room - PHIG_PRINTS_SLACK) * 8 / prints->cells;
	prints->bits = (uint16) Min(fits, PHIG_PRINTS_MAX_BITS);
	if (prints->bits == 0)
		return 0;
	cells = palloc_extended(prints->cells * sizeof(Cell), MCXT_ALLOC_HUGE);
	/* A cell is in it once at most. */
	taken = palloc_extended((uint64) prints->cells * sizeof(Taken), MCXT_ALLOC_HUGE);
	while (prints->salt < SALTS && !take_away(keys, n, prints->salt, part, cells, taken))
		prints->salt++;
	if (prints->salt == SALTS)
		prints->bits = 0;
	else
	{
		memset(out, 0, phig_prints_bytes(prints));
		for (uint32 k = n; k-- > 0;)
		{
			uint32		value = print_of(taken[k].hash, prints->bits);

			for (int i = 0; i < 3; i++)
				value ^= get_cell(out, prints->bits, cell_of(taken[k].hash, i, part));
			set_cell(out, prints->bits, taken[k].cell, value);
		}
	}
	pfree(cells);
	pfree(taken);
	return phig_prints_bytes(prints);
}

uint64
phig_prints_bytes(const PhigPrints *prints)
{
	return prints->bits == 0 || prints->cells == 0 ? 0 :
		((uint64) prints->cells * prints->bits + 7) / 8 + PHIG_PRINTS_SLACK;
}

bool
phig_prints_has(const PhigPrints *prints, const uint8 *bytes, uint64 key)
{
	uint64		hash = salted(key, prints->salt);
	uint32		part = prints->cells / 3;
	uint32		value = print_of(hash, prints->bits);

	if (prints->cells == 0)
		return false;
	if (prints->bits == 0)
		return true;
	for (int i = 0; i < 3; i++)
		value ^= get_cell(bytes, prints->bits, cell_of(hash, i, part));
	return value == 0;
}

bool
phig_prints_fit(const PhigPrints *prints, uint64 bytes)
{
	return prints->cells % 3 == 0 && prints->bits <= PHIG_PRINTS_MAX_BITS && prints->salt <= SALTS &&
		prints->begin <= bytes && phig_prints_bytes(prints) <= bytes - prints->begin;
}
