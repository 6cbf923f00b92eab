/*
 * address.h
 *		An address being read, part by part.
 *
 * address.c goes from part to part, address_parts.c knows what each looks like, address_plain.c finds streets that only
 * the parts behind them tell.
 */
#ifndef PHIG_ADDRESS_H
#define PHIG_ADDRESS_H

#include "detect/scan.h"

#define PHIG_MAX_PARTS 10

typedef enum PhigPart
{
	PHIG_PART_STREET,
	PHIG_PART_FLAT,
	PHIG_PART_POSTAL,
	PHIG_PART_TOWN,
	PHIG_PART_REGION,
	PHIG_PART_STATE,			/* of the United States: may stay */
	PHIG_PART_COUNTRY,
	PHIG_PART_FOUND				/* taken already, of whatever kind */
} PhigPart;

/* Where an address is being read. */
typedef struct PhigAddress
{
	PhigScan   *scan;
	bool		capitals;		/* the text has some: their absence means something */
	int			end;			/* last token of the part before */
	PhigPart	before;			/* what that was */
	char		joint;			/* what stood between: ' ', ',', '\n' */
	int			pending[PHIG_MAX_PARTS][2]; /* parts that something behind them must confirm */
	int			npending;
	int			street;			/* the finding that the middle is, by number; -1: none */
	bool		placed;			/* a town or state was read */
	bool		sure;			/* a flat, postal code or country was read: an address for certain */
} PhigAddress;

/*
 * The parts behind the token that ends the middle of an address.  keep: take what is found; else only say in at->sure
 * whether it makes an address of what stands before.  Errors: none.
 */
extern void phig_read_behind(PhigAddress *at, int middle_end, bool keep);

/* Take the parts before the token that begins the middle of an address.  Errors: none. */
extern void phig_read_before(PhigAddress *at, int first);

/* Add a finding of tokens first to last, and mark them as used.  Errors: none. */
extern void phig_take_part(PhigAddress *at, int first, int last, PhigPart part);

/* The last token of the part that begins at token i, and what it is; -1: there is none. */
extern int	phig_read_part(const PhigAddress *at, int i, PhigPart *part);

/* The same of a flat, suite or floor alone. */
extern int	phig_read_flat(const PhigAddress *at, int i);

/* The last token of the number of a house that begins at number i: "12", "12a", "12-14", "5/7"; -1: it is none. */
extern int	phig_house_number_end(const PhigAddress *at, int i);

/* Whether token i may be a word of a place's name; a word before the number of a flat. */
extern bool phig_is_place_word(const PhigAddress *at, int i);
extern bool phig_is_flat_word(const PhigAddress *at, int i);

/* Whether nothing goes on with token i: a sign, a new line, or the end. */
extern bool phig_ends_part(const PhigAddress *at, int i);

/* Streets without a kind, by what stands behind them: "Ilica 12, 10000 Zagreb".  Token i is a number. */
extern void phig_find_plain_street(PhigAddress *at, int i);

/* "the corner of 5th Street and Main".  Token i is "corner". */
extern void phig_find_corner(PhigAddress *at, int i);

#endif
