/*
 * dictionary.h
 *		The file of names and words: what is known of a word.
 */
#ifndef PHIG_DICTIONARY_H
#define PHIG_DICTIONARY_H

#include "detect/detect.h"

/* Bits of an entry, as dictionary.pl writes them. */
#define PHIG_DICT_FIRST		0x01	/* a given name */
#define PHIG_DICT_LAST		0x02	/* a surname */
#define PHIG_DICT_WORD		0x04	/* an ordinary English word */
#define PHIG_DICT_MEDICAL	0x08	/* a drug, disease, part of the body, procedure */
#define PHIG_DICT_CITY		0x10	/* a town of the United States, in one word */
#define PHIG_DICT_CITY_PART	0x20	/* the first word of one in more */
#define PHIG_DICT_COMMON_LAST 0x40	/* one of the thousand most frequent surnames */
#define PHIG_DICT_PROPER	0x80	/* a proper name of any kind, countries and brands among them */
#define PHIG_DICT_FOREIGN	0x100	/* a name, but in no list of the United States */

#define PHIG_DICT_MAGIC "PHIGDIC1"

#define PHIG_DICT_COUNTRY	0x200	/* a country, in one word */
#define PHIG_DICT_COUNTRY_PART 0x400	/* the first word of one in more */

/* The file: this, then slots of them.  Numbers are little-endian. */
typedef struct PhigDictHeader
{
	char		magic[8];
	uint32		slots;			/* a power of two */
	uint32		entries;
} PhigDictHeader;

/* Slot hash & (slots - 1), or the next free one behind it; bits 0: empty. */
typedef struct PhigDictSlot
{
	uint32		check;			/* the upper half of the hash */
	uint32		bits;
} PhigDictSlot;

extern const PhigDictSlot *phig_dictionary_slots;
extern uint32 phig_dictionary_mask;

/* 0 for a word that is not there.  One word in four billion passes for another. */
static inline uint32
phig_dictionary_look(uint64 hash)
{
	uint32		check = hash >> 32;

	for (uint32 i = hash & phig_dictionary_mask;; i = (i + 1) & phig_dictionary_mask)
	{
		const PhigDictSlot *slot = &phig_dictionary_slots[i];

		if (slot->bits == 0)
			return 0;
		if (slot->check == check)
			return slot->bits;
	}
}

#endif
