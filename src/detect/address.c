/*
 * address.c
 *		The whole of an address: what stands before and behind a street, a box or a flat.
 *
 * streets.c and abroad.c find the middle of an address; from there this goes on in both directions, by a grammar that
 * holds for the forms of USPS Publication 28 and of UPU S42:
 *
 *	address = { before } middle { joint part }
 *	before = number | flat "," | building "," | name
 *	joint = "" | "," | "-" | end of line
 *	part = flat | box | street | postal code | town | region | country
 *
 * A town that no list knows is a part only where a postal code, a region or a country behind it says so, or where
 * it stands alone between commas.  A middle without any kind of street ("Ilica 12") needs such a part, too.
 */
#include "postgres.h"

#include "detect/address.h"
#include "detect/places.h"
#include "detect/placewords.h"

#define MAX_BEFORE 3
#define MAX_BEFORE_TOKENS 5
#define MAX_TOWN_WORDS 3

static int	end_flat(PhigAddress *at, int last);
static int	skip_joint(PhigAddress *at);
static bool is_sure(const PhigAddress *at, int first, PhigPart part);
static bool is_confirmed(const PhigAddress *at, int first, int last, PhigPart part);
static int	before_begin(PhigAddress *at, int first, int last, PhigPart *part);
static int	name_begin(const PhigAddress *at, int last);

void
phig_find_whole_addresses(PhigScan *scan)
{
	PhigAddress at = {.scan = scan, .capitals = phig_has_capitals(scan)};
	int			n = scan->nfound;

	for (int i = 0; i < n; i++)
	{
		PhigFound	middle = scan->found[i];
		int			first,
					last;

		if (middle.score < PHIG_DETECT_MIN_SCORE || middle.kind == NULL || strcmp(middle.kind, "street") != 0)
			continue;
		first = phig_token_at(scan, middle.start);
		last = phig_token_at(scan, middle.end) - 1;
		at.street = i;
		last = end_flat(&at, last);
		phig_read_behind(&at, last, true);
		phig_read_before(&at, first);
	}
	for (int i = 0; i < scan->n; i++)
	{
		const PhigToken *token = &scan->tokens[i];

		if (token->type == PHIG_NUMBER && !(token->shape & PHIG_SHAPE_USED))
			phig_find_plain_street(&at, i);
		else if (token->type == PHIG_WORD && phig_token_len(token) == 6 &&
				 strncasecmp(scan->text + token->start, "corner", 6) == 0)
			phig_find_corner(&at, i);
	}
}

/* The middle may end inside a flat: "nr. 86, ap." "Vestergade 3, 7" */
static int
end_flat(PhigAddress *at, int last)
{
	const PhigToken *tokens = at->scan->tokens;
	int			first = tokens[last].sign == '.' ? last - 1 : last;
	int			flat;

	if (first < 1 || (first < last ? !phig_is_flat_word(at, first) : tokens[last].type != PHIG_NUMBER ||
					  tokens[last - 1].sign != ','))
		return last;
	at->joint = ',';
	at->before = PHIG_PART_STREET;
	flat = phig_read_flat(at, first);
	if (flat <= last)
		return last;
	phig_take_part(at, first, flat, PHIG_PART_FLAT);
	return flat;
}

void
phig_read_behind(PhigAddress *at, int middle_end, bool keep)
{
	at->end = middle_end;
	at->before = PHIG_PART_STREET;
	at->npending = 0;
	at->placed = at->sure = false;
	for (int parts = 0; parts < PHIG_MAX_PARTS; parts++)
	{
		int			first = skip_joint(at);
		PhigPart	part = PHIG_PART_FOUND;
		int			last = first < 0 ? -1 : phig_read_part(at, first, &part);

		if (last < 0 || (at->before == PHIG_PART_COUNTRY && part != PHIG_PART_POSTAL))
			break;
		if (is_confirmed(at, first, last, part))
		{
			for (int i = 0; keep && i < at->npending; i++)
				phig_take_part(at, at->pending[i][0], at->pending[i][1], PHIG_PART_TOWN);
			at->npending = 0;
			if (keep && part != PHIG_PART_FOUND && part != PHIG_PART_STATE)
				phig_take_part(at, first, last, part);
			at->sure |= is_sure(at, first, part);
			at->placed |= part == PHIG_PART_TOWN || part == PHIG_PART_STATE || part == PHIG_PART_FOUND;
		}
		else
		{
			at->pending[at->npending][0] = first;
			at->pending[at->npending++][1] = last;
		}
		at->end = last;
		at->before = part;
	}
}

/* The first token of the next part, at->joint what stands before it; -1: the address ends here. */
static int
skip_joint(PhigAddress *at)
{
	const PhigToken *tokens = at->scan->tokens;
	int			i = at->end + 1;
	bool		comma = false;
	bool		line = false;

	/* "u. 14.,", a full stop behind the number of a house */
	if (tokens[i].sign == '.' && tokens[i].gap == PHIG_GAP_NONE && (tokens[i - 1].type == PHIG_NUMBER ||
																	phig_token_len(&tokens[i - 1]) <= 4) &&
		(tokens[i + 1].sign == ',' || tokens[i + 1].gap >= PHIG_GAP_LINE))
		i++;
	for (int signs = 0; signs < 6 && i < at->scan->n && tokens[i].gap < PHIG_GAP_PARAGRAPH; signs++, i++)
	{
		line |= tokens[i].gap == PHIG_GAP_LINE;
		if (tokens[i].type != PHIG_SIGN)
			break;
		comma |= tokens[i].sign == ',' || tokens[i].sign == '^';
		if (tokens[i].sign == '#')
			break;
		if (tokens[i].sign == '\0' || strchr(line ? ",>?*|-" : ",^-/", tokens[i].sign) == NULL)
			return -1;
		if (tokens[i].sign == '/' && tokens[i - 1].type != PHIG_NUMBER)
			return -1;
		/* "12-4", "12/7" go on with the number; a dash elsewhere has spaces */
		if ((tokens[i].sign == '-' || tokens[i].sign == '/') && !line && tokens[i].gap != tokens[i + 1].gap)
			return -1;
	}
	if (i >= at->scan->n || tokens[i].gap >= PHIG_GAP_PARAGRAPH)
		return -1;
	at->joint = line ? '\n' : comma ? ',' : ' ';
	return i;
}

/* Whether a part makes an address of what stands before it. */
static bool
is_sure(const PhigAddress *at, int first, PhigPart part)
{
	const PhigToken *token = &at->scan->tokens[first];

	/* a flat or ZIP code that another recognizer found */
	if (part == PHIG_PART_FOUND)
		return phig_is_flat_word(at, first) || (token->type == PHIG_NUMBER && phig_token_len(token) == 5 &&
												at->before == PHIG_PART_STATE);
	/* "D 3", "No. 4" may be anything */
	if (part == PHIG_PART_FLAT)
		return token->type == PHIG_WORD && ((token->lex & PHIG_LEX_UNIT) ||
											(phig_token_len(token) > 2 && (token->dict & PHIG_DICT_WORD) == 0));
	return part == PHIG_PART_POSTAL || part == PHIG_PART_COUNTRY ||
		(part == PHIG_PART_TOWN && phig_is_place(at->scan, first, PHIG_PLACE_DISTRICT));
}

/* Whether a part is one without anything behind it. */
static bool
is_confirmed(const PhigAddress *at, int first, int last, PhigPart part)
{
	const PhigToken *token = &at->scan->tokens[first];

	if (part != PHIG_PART_TOWN)
		return true;
	/* "04109 Leipzig" */
	if (at->before == PHIG_PART_POSTAL && at->joint == ' ')
		return true;
	/* "Co. Kilkenny" */
	if (phig_is_place(at->scan, first, PHIG_PLACE_DISTRICT) && last > first && at->joint != ' ')
		return true;
	if (phig_place_words(at->scan, first, PHIG_DICT_CITY, MAX_TOWN_WORDS, at->capitals) == last - first + 1 &&
		at->joint != ' ')
		return (token->dict & PHIG_DICT_FIRST) == 0 || at->joint == ',';
	/* ", Saugerties," and no name of a person */
	if (at->joint != ',' || !at->capitals || !phig_ends_part(at, last + 1))
		return false;
	for (int i = first; i <= last; i++)
		if (at->scan->tokens[i].dict & (PHIG_DICT_FIRST | PHIG_DICT_WORD | PHIG_DICT_MEDICAL))
			return false;
	return true;
}

void
phig_read_before(PhigAddress *at, int first)
{
	const PhigToken *tokens = at->scan->tokens;

	at->joint = ',';
	at->before = PHIG_PART_FOUND;
	for (int parts = 0; parts < MAX_BEFORE && first > 0 && tokens[first].gap < PHIG_GAP_PARAGRAPH; parts++)
	{
		int			last = first - 1;
		PhigPart	part;
		int			begin;

		if (tokens[last].sign == ',' && tokens[last].gap == PHIG_GAP_NONE && last > 0)
			last--;
		begin = before_begin(at, first, last, &part);
		if (begin < 0)
			return;
		phig_take_part(at, begin, last, part);
		first = begin;
	}
}

/* Where the part begins that ends in token last, before token first: "Flat 4,", "Windmill Court,"; -1: none does. */
static int
before_begin(PhigAddress *at, int first, int last, PhigPart *part)
{
	const PhigToken *tokens = at->scan->tokens;
	bool		comma = last < first - 1;
	bool		line = tokens[first].gap == PHIG_GAP_LINE;

	*part = PHIG_PART_FLAT;
	for (int j = last; j >= 0 && last - j < MAX_BEFORE_TOKENS && !(tokens[j].shape & PHIG_SHAPE_USED); j--)
	{
		/* a number, or "12/4", is a flat only behind a word for one */
		if (tokens[j].type == PHIG_WORD && phig_read_flat(at, j) == last)
			return j;
		if (tokens[j].gap > PHIG_GAP_SPACE)
			break;
	}
	*part = PHIG_PART_STREET;
	if (comma)
	{
		int			j = last;

		while (j > 0 && last - j < MAX_BEFORE_TOKENS && tokens[j].gap <= PHIG_GAP_SPACE &&
			   phig_is_place_word(at, j - 1))
			j--;
		return phig_is_place(at->scan, last, PHIG_PLACE_BUILDING) && j < last ? j : -1;
	}
	if (line || tokens[first].gap != PHIG_GAP_SPACE || (tokens[last].shape & PHIG_SHAPE_USED))
		return -1;
	if (tokens[last].type == PHIG_NUMBER)
		return phig_token_len(&tokens[last]) <= 5 && tokens[last].gap != PHIG_GAP_NONE ? last : -1;
	return tokens[first].type == PHIG_NUMBER ? name_begin(at, last) : -1;
}

/*
 * Where a name begins that ends in token last, before the number of a house: "Rosengard 12 Mill Street".  Its words
 * are in no list, and a place word, a sign or a new line stands before it; -1: none does.
 */
static int
name_begin(const PhigAddress *at, int last)
{
	const PhigToken *tokens = at->scan->tokens;

	for (int j = last; j >= 0 && last - j < MAX_BEFORE_TOKENS; j--)
	{
		if (tokens[j].type != PHIG_WORD || (tokens[j].shape & PHIG_SHAPE_INITIAL_UPPER) == 0 || tokens[j].dict != 0 ||
			tokens[j].lex != 0 || (tokens[j].shape & PHIG_SHAPE_USED))
			return -1;
		if (j == 0 || tokens[j].gap >= PHIG_GAP_LINE || (tokens[j - 1].lex & (PHIG_LEX_AT | PHIG_LEX_LIVES)) ||
			tokens[j - 1].sign == ':')
			return j;
	}
	return -1;
}

void
phig_take_part(PhigAddress *at, int first, int last, PhigPart part)
{
	PhigScan   *scan = at->scan;
	bool		street = part == PHIG_PART_STREET || part == PHIG_PART_FLAT;
	int			n = scan->nfound;

	phig_use(scan, first, last);
	/* a flat behind its street is one span with it */
	if (part == PHIG_PART_FLAT && at->before <= PHIG_PART_FLAT && at->street >= 0 &&
		scan->found[at->street].end < scan->tokens[last].end)
	{
		scan->found[at->street].end = scan->tokens[last].end;
		return;
	}
	phig_add(scan, scan->tokens[first].start, scan->tokens[last].end, "geo",
			 part == PHIG_PART_POSTAL ? "zip" : street ? "street" : part == PHIG_PART_TOWN ? "city" : "state",
			 "address", 0.65f);
	if (part == PHIG_PART_STREET)
		at->street = scan->nfound > n ? n : -1;
}
