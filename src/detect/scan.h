/*
 * scan.h
 *		One chunk of text being searched: what the recognizers share.
 */
#ifndef PHIG_SCAN_H
#define PHIG_SCAN_H

#include "detect/detect.h"
#include "detect/dictionary.h"
#include "detect/fold.h"
#include "detect/lexicon.h"
#include "detect/token.h"

/* A span before overlaps are resolved, in folded bytes. */
typedef struct PhigFound
{
	uint32		start;
	uint32		end;
	const char *category;
	const char *kind;
	const char *recognizer;
	float		score;
} PhigFound;

/* Words known to be names from elsewhere in the text, by hash. */
typedef struct PhigKnown
{
	uint64	   *hashes;			/* open addressing; 0: free */
	uint32		slots;
	uint32		n;
} PhigKnown;

typedef struct PhigScan
{
	const PhigDetectOptions *options;
	const char *text;			/* folded */
	size_t		len;
	PhigFolded	folded;
	PhigTokens	words;
	PhigToken  *tokens;			/* words.tokens */
	int			n;
	PhigFound  *found;
	int			nfound;
	int			found_room;
	PhigKnown	known;
} PhigScan;

/* The recognizers, in the order in which they run. */
extern void phig_find_shapes(PhigScan *scan);
extern void phig_find_links(PhigScan *scan);
extern void phig_find_labelled(PhigScan *scan);
extern void phig_find_dates(PhigScan *scan);
extern void phig_find_places(PhigScan *scan);
extern void phig_find_names(PhigScan *scan);
extern void phig_find_custom(PhigScan *scan, const char *chunk, size_t len);

/* Sort, cut overlaps, join what touches; keeps what has min_score. */
extern void phig_resolve(PhigScan *scan, float min_score);

extern void phig_add(PhigScan *scan, size_t start, size_t end, const char *category, const char *kind,
					 const char *recognizer, float score);

/* Mark tokens as part of an address: no name is looked for there. */
extern void phig_use(PhigScan *scan, int first, int last);

/* Whether a word of the classes stands up to five words before token first, or three behind token last. */
extern bool phig_has_context(const PhigScan *scan, int first, int last, uint64 classes);

/* Whether any word begins with a capital: in text typed without them their absence says nothing. */
extern bool phig_has_capitals(const PhigScan *scan);

/* The first token that begins at a byte or behind it. */
extern int	phig_token_at(const PhigScan *scan, size_t at);

extern void phig_known_add(PhigKnown *known, uint64 hash);
extern bool phig_known_has(const PhigKnown *known, uint64 hash);

/* Score that a context word, or a sign that it is something else, makes of a base (DETECTION: score model). */
#define PHIG_CONTEXT_GAIN 0.35f
#define PHIG_CONTEXT_LOSS 0.4f

#endif
