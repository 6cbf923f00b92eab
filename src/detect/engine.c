/*
 * engine.c
 *		The identifiers in a text: chunk by chunk, all recognizers.
 *
 * Chunks end at an empty line, else at a line break, else at a space; but for an empty line the next one begins
 * somewhat earlier, and what begins in the first half of what both have is the earlier one's, so that each finding
 * had its surroundings.  They bound memory and time: nothing looks further than its chunk, except that words known
 * to be names are known in the chunks that follow.
 */
#include "postgres.h"

#include "detect/custom.h"
#include "detect/placewords.h"
#include "detect/scan.h"

#define CHUNK_BYTES (64 * 1024)
/* So far back from its end a chunk may end at a better place. */
#define CHUNK_SLACK (16 * 1024)
/* What two chunks have in common. */
#define OVERLAP_BYTES 1024
#define CONTEXT_BEFORE 5
#define CONTEXT_AFTER 3

const char *const phig_recognizer_names[] = {
	"accession", "account", "address", "age", "bank", "biometric", "card", "card_labelled", "city", "coordinates", "date", "date_compact",
	"date_iso", "date_month_year", "date_range", "date_season", "date_short", "date_words", "dea", "dea_labelled", "device",
	"email", "encounter", "facility", "fax", "group", "iban", "identifier", "imei", "initials", "ipv4", "ipv6", "license", "mac", "mbi",
	"medicare", "member", "mrn", "name", "name_known", "name_lower", "npi", "npi_labelled", "passport", "phone", "phone_labelled",
	"plate", "po_box", "serial", "ssn", "ssn_labelled", "ssn_last4", "street", "trial", "udi", "udi_plain", "url", "vin",
	"vin_labelled", "zip", "zip4", "zip_labelled", NULL
};

static size_t chunk_end(const char *text, size_t at, size_t len, PhigDecode decode);
static size_t next_begin(const char *text, size_t at, size_t end, size_t len);
static size_t count_characters(const PhigScan *scan, const char *text, size_t len);
static void search(PhigScan *scan, const char *chunk, size_t len);
static void drop_disabled(PhigScan *scan);
static void collect(PhigScan *scan, PhigSpans *spans, size_t byte, size_t character, size_t from, size_t to);
static void make_room(PhigKnown *known);

PhigSpans *
phig_detect(const char *text, size_t len, const PhigDetectOptions *options)
{
	PhigSpans  *spans = palloc0(sizeof(PhigSpans));
	PhigScan   *scan = palloc0(sizeof(PhigScan));
	size_t		character = 0;
	size_t		from = 0;

	phig_lexicon_prepare();
	phig_placewords_prepare();
	scan->options = options;
	for (size_t at = 0; at < len;)
	{
		size_t		end = chunk_end(text, at, len, options->decode);
		size_t		next = next_begin(text, at, end, len);
		size_t		to = next < end ? end - OVERLAP_BYTES / 2 : end;

		if (options->pause != NULL)
			options->pause();
		search(scan, text + at, end - at);
		collect(scan, spans, at, character, from, to);
		character += next == end ? scan->folded.nchars : count_characters(scan, text + at, next - at);
		from = to;
		at = next;
	}
	return spans;
}

void
phig_add(PhigScan *scan, size_t start, size_t end, const char *category, const char *kind, const char *recognizer,
		 float score)
{
	if (score < scan->options->min_score || score <= 0 || end <= start)
		return;
	if (scan->nfound == scan->found_room)
	{
		scan->found_room = Max(256, 2 * scan->found_room);
		scan->found = scan->found == NULL ? palloc(scan->found_room * sizeof(PhigFound)) :
			repalloc(scan->found, scan->found_room * sizeof(PhigFound));
	}
	scan->found[scan->nfound++] = (PhigFound)
	{
		start, end, category, kind, recognizer, Min(score, 1.0f)
	};
}

void
phig_use(PhigScan *scan, int first, int last)
{
	for (int i = first; i <= last; i++)
		scan->tokens[i].shape |= PHIG_SHAPE_USED;
}

bool
phig_has_context(const PhigScan *scan, int first, int last, uint64 classes)
{
	int			words = 0;

	for (int i = first; i > 0 && words < CONTEXT_BEFORE; i--)
	{
		/* a value may stand below its label, no further away */
		if (scan->tokens[i].gap >= PHIG_GAP_LINE && (i < first || scan->tokens[i].gap == PHIG_GAP_PARAGRAPH))
			break;
		if (scan->tokens[i - 1].lex & classes)
			return true;
		words += scan->tokens[i - 1].type != PHIG_SIGN;
	}
	words = 0;
	for (int i = last + 1; i < scan->n && words < CONTEXT_AFTER && scan->tokens[i].gap < PHIG_GAP_WIDE; i++)
	{
		if (scan->tokens[i].lex & classes)
			return true;
		words += scan->tokens[i].type != PHIG_SIGN;
	}
	return false;
}

bool
phig_has_capitals(const PhigScan *scan)
{
	for (int i = 0; i < scan->n; i++)
		if (scan->tokens[i].shape & PHIG_SHAPE_INITIAL_UPPER)
			return true;
	return false;
}

int
phig_token_at(const PhigScan *scan, size_t at)
{
	int			low = 0,
				high = scan->n;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (scan->tokens[middle].start < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
phig_known_add(PhigKnown *known, uint64 hash)
{
	uint32		i;

	if (2 * known->n >= known->slots)
		make_room(known);
	for (i = hash & (known->slots - 1); known->hashes[i] != 0; i = (i + 1) & (known->slots - 1))
		if (known->hashes[i] == hash)
			return;
	known->hashes[i] = hash;
	known->n++;
}

bool
phig_known_has(const PhigKnown *known, uint64 hash)
{
	for (uint32 i = hash & (known->slots - 1); known->hashes[i] != 0; i = (i + 1) & (known->slots - 1))
		if (known->hashes[i] == hash)
			return true;
	return false;
}

/* Never inside a character. */
static size_t
chunk_end(const char *text, size_t at, size_t len, PhigDecode decode)
{
	size_t		end = at + CHUNK_BYTES;
	size_t		line = 0,
				space = 0;

	if (len - at <= CHUNK_BYTES)
		return len;
	for (size_t i = end; i > end - CHUNK_SLACK; i--)
	{
		if (text[i - 1] == '\n' && text[i - 2] == '\n')
			return i;
		if (text[i - 1] == '\n' && line == 0)
			line = i;
		if (text[i - 1] == ' ' && space == 0)
			space = i;
	}
	if (line != 0 || space != 0)
		return line != 0 ? line : space;
	/* an ASCII byte is a character in every encoding of a database */
	for (size_t i = end; i > end - CHUNK_SLACK; i--)
		if ((text[i - 1] & 0x80) == 0)
			return i;
	for (size_t i = at; i < len;)
	{
		uint32		code;
		size_t		next = i + (text[i] & 0x80 ? (size_t) decode(text + i, len - i, &code) : 1);

		if (next > end)
			return i > at ? i : next;
		i = next;
	}
	return len;
}

/* Where the chunk behind one that ends at end begins: behind an ASCII byte, which is a character in every encoding. */
static size_t
next_begin(const char *text, size_t at, size_t end, size_t len)
{
	if (end == len || (text[end - 1] == '\n' && text[end - 2] == '\n'))
		return end;
	for (size_t i = end - OVERLAP_BYTES; i < end - OVERLAP_BYTES / 2; i++)
		if (text[i - 1] == ' ' || text[i - 1] == '\n')
			return i;
	for (size_t i = end - OVERLAP_BYTES; i < end - OVERLAP_BYTES / 2; i++)
		if ((text[i - 1] & 0x80) == 0)
			return i;
	return end;
}

/* In the first len bytes of the chunk that was searched. */
static size_t
count_characters(const PhigScan *scan, const char *text, size_t len)
{
	size_t		n = 0;

	if (scan->folded.nruns == 0)
		return len;
	for (size_t i = 0; i < len; n++)
	{
		uint32		code;

		i += text[i] & 0x80 ? (size_t) scan->options->decode(text + i, len - i, &code) : 1;
	}
	return n;
}

static void
search(PhigScan *scan, const char *chunk, size_t len)
{
	scan->nfound = 0;
	phig_fold(&scan->folded, chunk, len, scan->options->decode);
	scan->text = scan->folded.bytes;
	scan->len = scan->folded.len;
	phig_tokenize(&scan->words, scan->text, scan->len);
	scan->tokens = scan->words.tokens;
	scan->n = scan->words.n;
	phig_find_shapes(scan);
	phig_find_links(scan);
	phig_find_labelled(scan);
	phig_find_dates(scan);
	phig_find_places(scan);
	phig_find_names(scan);
	if (scan->options->custom != NULL)
	{
		drop_disabled(scan);
		phig_find_custom(scan, chunk, len);
	}
	phig_resolve(scan, scan->options->min_score);
}

/* Findings of recognizers that were turned off; the user's own may have their names. */
static void
drop_disabled(PhigScan *scan)
{
	int			kept = 0;

	if (scan->options->custom->noff == 0)
		return;
	for (int i = 0; i < scan->nfound; i++)
		if (phig_custom_keeps(scan->options->custom, scan->found[i].recognizer))
			scan->found[kept++] = scan->found[i];
	scan->nfound = kept;
}

/* What begins from a byte of the text on and before another. */
static void
collect(PhigScan *scan, PhigSpans *spans, size_t byte, size_t character, size_t from, size_t to)
{
	for (int i = 0; i < scan->nfound; i++)
	{
		const PhigFound *found = &scan->found[i];
		PhigSpan	span;
		PhigSpan   *last = spans->n > 0 ? &spans->spans[spans->n - 1] : NULL;

		phig_unfold(&scan->folded, found->start, found->end, &span);
		span.start += byte;
		span.end += byte;
		span.start_char += character;
		span.end_char += character;
		if (span.start < from || span.start >= to ||
			(scan->options->custom != NULL &&
			 phig_custom_allows(scan->options->custom, scan->text + found->start, found->end - found->start)))
			continue;
		/* what the chunk before found may go on in this one */
		if (last != NULL && span.start < last->end)
		{
			if (span.end <= last->end)
				continue;
			span.start = last->end;
			span.start_char = last->end_char;
		}
		span.category = found->category;
		span.kind = found->kind;
		span.recognizer = found->recognizer;
		span.score = found->score;
		if (spans->n == spans->room)
		{
			spans->room = Max(16, 2 * spans->room);
			spans->spans = spans->spans == NULL ? palloc(spans->room * sizeof(PhigSpan)) :
				repalloc_huge(spans->spans, (Size) spans->room * sizeof(PhigSpan));
		}
		spans->spans[spans->n++] = span;
	}
}

static void
make_room(PhigKnown *known)
{
	PhigKnown	old = *known;

	known->slots = Max(256, 2 * old.slots);
	known->hashes = palloc0(known->slots * sizeof(uint64));
	known->n = 0;
	for (uint32 i = 0; i < old.slots; i++)
		if (old.hashes[i] != 0)
			phig_known_add(known, old.hashes[i]);
	if (old.hashes != NULL)
		pfree(old.hashes);
}
