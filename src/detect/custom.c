/*
 * custom.c
 *		Recognizers of the user's own, and lists of terms: matching.
 *
 * Patterns of users see the text as it is, not folded, so that they may ask for any character.  They
 * are tried a few places at a time, so that a slow one can be cancelled.
 */
#include "postgres.h"

#include "detect/custom.h"

/* Places of the text that are tried between two looks for interrupts. */
#define STEP_BYTES 64

static void find_pattern(PhigScan *scan, const PhigCustomRecognizer *recognizer, const char *chunk, size_t len);
static void add_match(PhigScan *scan, const PhigCustomRecognizer *recognizer, const char *chunk, size_t start,
					  size_t end);
static void find_terms(PhigScan *scan, const PhigDetectCustom *custom);
static bool term_is_at(const PhigScan *scan, const PhigCustomTerm *term, int i);
static uint64 part_of(const PhigScan *scan, int i);
static size_t refold(const PhigFolded *folded, size_t byte);

static const struct
{
	const char *name;
	PhigValidator validator;
}			validators[] = {
	{"card", phig_check_card}, {"dea", phig_check_dea}, {"email", phig_check_email}, {"imei", phig_check_imei},
	{"mac", phig_check_mac}, {"mbi", phig_check_mbi}, {"npi", phig_check_npi}, {"phone", phig_check_phone},
	{"routing", phig_check_routing}, {"ssn", phig_check_ssn}, {"udi", phig_check_udi}, {"url", phig_check_url},
	{"vin", phig_check_vin}, {"zip", phig_check_zip},
};

void
phig_find_custom(PhigScan *scan, const char *chunk, size_t len)
{
	const PhigDetectCustom *custom = scan->options->custom;

	for (int i = 0; i < custom->nrecognizers; i++)
		find_pattern(scan, &custom->recognizers[i], chunk, len);
	if (custom->nterms > 0)
		find_terms(scan, custom);
}

bool
phig_custom_keeps(const PhigDetectCustom *custom, const char *recognizer)
{
	for (int i = 0; i < custom->noff; i++)
		if (strcmp(custom->off[i], recognizer) == 0)
			return false;
	return true;
}

bool
phig_custom_allows(const PhigDetectCustom *custom, const char *text, size_t len)
{
	return custom->allowed.n > 0 && phig_known_has(&custom->allowed, phig_custom_text_hash(text, len));
}

uint64
phig_custom_text_hash(const char *text, size_t len)
{
	return phig_hash_word(text, len);
}

/* Text that is not valid UTF-8 has no match there, and no error. */
uint32
phig_custom_pattern_options(bool utf8)
{
	return PCRE2_NEVER_BACKSLASH_C | (utf8 ? PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF : 0);
}

int
phig_custom_parts(const char *term, size_t len, PhigDecode decode, uint64 **parts)
{
	PhigScan	scan = {0};

	phig_lexicon_prepare();
	phig_fold(&scan.folded, term, len, decode);
	scan.text = scan.folded.bytes;
	scan.len = scan.folded.len;
	phig_tokenize(&scan.words, scan.text, scan.len);
	scan.tokens = scan.words.tokens;
	*parts = palloc(Max(scan.words.n, 1) * sizeof(uint64));
	for (int i = 0; i < scan.words.n; i++)
		(*parts)[i] = part_of(&scan, i);
	pfree(scan.folded.buffer);
	if (scan.folded.runs != NULL)
		pfree(scan.folded.runs);
	pfree(scan.words.tokens);
	return scan.words.n;
}

PhigValidator
phig_custom_validator(const char *name)
{
	for (int i = 0; i < (int) lengthof(validators); i++)
		if (strcmp(validators[i].name, name) == 0)
			return validators[i].validator;
	return NULL;
}

const char *
phig_custom_validator_names(void)
{
	static char names[256] = "";

	if (names[0] == '\0')
		for (int i = 0; i < (int) lengthof(validators); i++)
		{
			if (i > 0)
				strlcat(names, ", ", sizeof(names));
			strlcat(names, validators[i].name, sizeof(names));
		}
	return names;
}

static void
find_pattern(PhigScan *scan, const PhigCustomRecognizer *recognizer, const char *chunk, size_t len)
{
	size_t		at = 0;

	while (at < len)
	{
		size_t		last = Min(at + STEP_BYTES, len) - 1;
		size_t		start,
					end;

		if (scan->options->pause != NULL)
			scan->options->pause();
		/* a step begins and ends at the beginning of a character */
		while (last + 1 < len && (chunk[last + 1] & 0xC0) == 0x80)
			last++;
		if (!phig_pattern_search(&recognizer->pattern, recognizer->name, chunk, len, at, last, &start, &end))
		{
			at = last + 1;
			continue;
		}
		if (end > start)
			add_match(scan, recognizer, chunk, start, end);
		at = Max(Max(end, start + 1), at + 1);
		while (at < len && (chunk[at] & 0xC0) == 0x80)
			at++;
	}
}

static void
add_match(PhigScan *scan, const PhigCustomRecognizer *recognizer, const char *chunk, size_t start, size_t end)
{
	size_t		from = refold(&scan->folded, start),
				to = refold(&scan->folded, end);
	float		score = recognizer->score;
	bool		valid = recognizer->validator == NULL ||
		recognizer->validator(chunk + start, end - start) == PHIG_VALID;
	bool		context = false;
	int			first,
				last;

	if (to <= from)
		return;
	first = phig_token_at(scan, from);
	last = Max(phig_token_at(scan, to) - 1, first);
	for (int i = Max(0, first - 8); i < first && !context; i++)
		for (int j = 0; j < recognizer->ncontext && !context; j++)
			context = scan->tokens[i].hash == recognizer->context[j];
	for (int i = last + 1; i < Min(scan->n, last + 4) && !context; i++)
		for (int j = 0; j < recognizer->ncontext && !context; j++)
			context = scan->tokens[i].hash == recognizer->context[j];
	/* as of phiguard's own: a label weighs more than a check digit that is wrong */
	if (!valid && !context)
		return;
	if (!valid)
		score -= PHIG_CONTEXT_LOSS / 2;
	if (context)
		score += PHIG_CONTEXT_GAIN;
	phig_add(scan, from, to, recognizer->category, recognizer->kind, recognizer->name, score);
}

static void
find_terms(PhigScan *scan, const PhigDetectCustom *custom)
{
	for (int i = 0; i < scan->n; i++)
		for (int t = custom->chains[part_of(scan, i) & (custom->nchains - 1)]; t >= 0; t = custom->terms[t].next)
		{
			const PhigCustomTerm *term = &custom->terms[t];

			if (term_is_at(scan, term, i))
				phig_add(scan, scan->tokens[i].start, scan->tokens[i + term->nparts - 1].end, term->category,
						 term->kind,
						 "term", 1.0f);
		}
}

static bool
term_is_at(const PhigScan *scan, const PhigCustomTerm *term, int i)
{
	if (i + term->nparts > scan->n)
		return false;
	for (int j = 0; j < term->nparts; j++)
		if (part_of(scan, i + j) != term->parts[j])
			return false;
	return true;
}

static uint64
part_of(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	return token->type == PHIG_WORD ? token->hash : token->type == PHIG_SIGN ?
		(uint64) (unsigned char) token->sign :
		phig_hash_word(scan->text + token->start, phig_token_len(token));
}

/* The first folded byte that comes from a byte of the chunk or one behind it. */
static size_t
refold(const PhigFolded *folded, size_t byte)
{
	size_t		low = 0,
				high = folded->nruns;
	const PhigFoldRun *run;
	size_t		at,
				next;

	if (high == 0)
		return Min(byte, folded->len);
	while (high - low > 1)
	{
		size_t		middle = (low + high) / 2;

		if (folded->runs[middle].byte <= byte)
			low = middle;
		else
			high = middle;
	}
	run = &folded->runs[low];
	at = byte <= run->byte ? run->at : run->at + (byte - run->byte + run->width - 1) / run->width;
	next = low + 1 < folded->nruns ? folded->runs[low + 1].at : folded->len;
	return Min(at, next);
}
