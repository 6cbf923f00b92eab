/*
 * placewords.h
 *		Words that say what a part of an address is: kinds of streets, flats, boxes, buildings, regions.
 *
 * The lexicon's classes are for words that are looked for in every text; these are asked for where an address may be.
 */
#ifndef PHIG_PLACEWORDS_H
#define PHIG_PLACEWORDS_H

#include "detect/scan.h"

#define PHIG_PLACE_KIND		0x0001	/* before the name of a street: "rue" */
#define PHIG_PLACE_BEHIND	0x0002	/* behind it, in other countries: "strasse" */
#define PHIG_PLACE_FLAT		0x0004	/* before the number of a flat */
#define PHIG_PLACE_ALONE	0x0008	/* a part of a house, without a number: "rear" */
#define PHIG_PLACE_FLOOR	0x0010	/* behind the number of a floor */
#define PHIG_PLACE_BOX		0x0020	/* before the number of a box, in other countries */
#define PHIG_PLACE_OFFICE	0x0040	/* before a box: "post", "rural route" */
#define PHIG_PLACE_BUILDING 0x0080	/* last word of the name of a building */
#define PHIG_PLACE_REGION	0x0100	/* of Canada and Australia */
#define PHIG_PLACE_DISTRICT 0x0200	/* before the name of a part of a town or country */
#define PHIG_PLACE_SMALL	0x0400	/* inside names, without a capital */
#define PHIG_PLACE_ROAD		0x0800	/* before the number of a road: "FM" */
#define PHIG_PLACE_AGAIN	0x1000	/* behind the number of a house: "bis" */
#define PHIG_PLACE_FORCES	0x2000	/* offices of the forces */
#define PHIG_PLACE_THEATER	0x4000	/* their regions */
#define PHIG_PLACE_POST		0x8000	/* what stands before them: units, ships */
#define PHIG_PLACE_LABEL	0x10000 /* an address follows */
#define PHIG_PLACE_LEAD		0x20000 /* between such a label and the address */
#define PHIG_PLACE_JOINT	0x40000 /* between the words of a street */
#define PHIG_PLACE_COUNTED	0x100000	/* the number before them says how many */
#define PHIG_PLACE_SUITE	0x80000 /* a flat or office that an address stands around */

typedef struct PhigPlaceSlot
{
	uint64		hash;
	uint32		classes;
} PhigPlaceSlot;

#define PHIG_PLACE_SLOTS 1024

extern PhigPlaceSlot phig_place_slots[PHIG_PLACE_SLOTS];

/* Make the table of slots; once per process, before the first text. */
extern void phig_placewords_prepare(void);

/* Classes of a word; 0: none. */
static inline uint32
phig_place_classes(const PhigToken *token)
{
	for (uint32 i = token->hash % PHIG_PLACE_SLOTS;; i = (i + 1) % PHIG_PLACE_SLOTS)
	{
		if (phig_place_slots[i].classes == 0)
			return 0;
		if (phig_place_slots[i].hash == token->hash)
			return phig_place_slots[i].classes;
	}
}

static inline bool
phig_is_place(const PhigScan *scan, int i, uint32 classes)
{
	return scan->tokens[i].type == PHIG_WORD && (phig_place_classes(&scan->tokens[i]) & classes) != 0;
}

#endif
