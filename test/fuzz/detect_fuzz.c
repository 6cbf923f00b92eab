/* sources: src/detect/engine.c src/detect/fold.c src/detect/token.c src/detect/lexicon.c src/detect/dictionary.c */
/* sources: src/detect/pattern.c src/detect/shapes.c src/detect/judge.c src/detect/links.c src/detect/labelled.c */
/* sources: src/detect/dates.c src/detect/places.c src/detect/abroad.c src/detect/names.c src/detect/person.c */
/* sources: src/detect/streets.c src/detect/address.c src/detect/address_parts.c src/detect/address_plain.c */
/* sources: src/detect/placewords.c src/detect/lowercase.c src/detect/name_weight.c */
/* sources: src/detect/custom.c src/detect/resolve.c */
/* sources: src/detect/validators.c src/detect/contacts.c src/detect/disguise.c */
/* seconds: 30 */
/*
 * detect_fuzz.c
 *		Any bytes as a text to be searched, and as a pattern to search it by.
 *
 * The first byte says how: bit 0, the first line is a pattern of the user's; bit 1, every byte is a character;
 * bits 2 to 5 all clear, the text is repeated until it takes several chunks.  Whatever comes out must lie in the
 * text, in order, without overlap, and at the characters that counting gives; and come out again.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "fuzz.h"

#include "detect/custom.h"
#include "detect/disguise.h"

#define DICTIONARY "build/fuzz/phiguard.dict"
#define LONG_BYTES 150000

static int
decode_bytes(const char *s, size_t left, uint32 *code)
{
	*code = (unsigned char) *s;
	return 1;
}

static uint64
seed(void *state, const char *value, size_t len)
{
	return phig_hash_word(value, len);
}

static void
check_spans(const PhigSpans *spans, const char *text, size_t len, PhigDecode decode)
{
	size_t		byte = 0,
				character = 0;
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < spans->n; i++)
	{
		const PhigSpan *span = &spans->spans[i];

		if (span->start < byte || span->end <= span->start || span->end > len || !(span->score >= 0) ||
			span->score > 1 ||
			span->category == NULL || span->recognizer == NULL)
			abort();
		for (int edge = 0; edge < 2; edge++)
		{
			size_t		to = edge == 0 ? span->start : span->end;
			uint32		code;

			while (byte < to)
			{
				byte += text[byte] & 0x80 ? decode(text + byte, len - byte, &code) : 1;
				character++;
			}
			if (byte != to || character != (edge == 0 ? span->start_char : span->end_char))
				abort();
		}
		phig_disguise(&out, span, text + span->start, span->end - span->start, decode, seed, NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static PhigPattern pattern;
	static bool open = false;
	static const char *off[] = {"name", "email"};
	PhigCustomRecognizer recognizer = {.name = "fuzz", .category = "other", .score = 0.6f};
	PhigDetectCustom custom = {.recognizers = &recognizer, .off = off};
	PhigDetectOptions options = {.decode = phig_decode_utf8};
	const char *text = (const char *) data + 1;
	size_t		len = size - 1;
	PhigSpans  *spans;

	if (size == 0)
		return 0;
	if (!open)
		phig_dictionary_open(DICTIONARY);
	open = true;
	if (pattern.code != NULL)
		phig_pattern_free(&pattern);
	options.min_score = data[0] & 0x40 ? 0.5f : 0;
	if (data[0] & 0x02)
		options.decode = decode_bytes;
	if (data[0] & 0x01)
	{
		const char *line = memchr(text, '\n', len);
		size_t		pattern_len = line == NULL ? len : (size_t) (line - text);
		int			error;
		size_t		offset;

		custom.noff = data[0] & 0x80 ? 2 : 0;
		if (phig_pattern_compile(&pattern, text, pattern_len,
								 phig_custom_pattern_options((data[0] & 0x02) == 0), &error, &offset))
		{
			recognizer.pattern = pattern;
			custom.nrecognizers = 1;
		}
		else if (offset > pattern_len || phig_pattern_error(error)[0] == '\0')
			abort();
		options.custom = &custom;
		text += Min(pattern_len + 1, len);
		len -= Min(pattern_len + 1, len);
	}
	if ((data[0] & 0x3C) == 0 && len > 0)
	{
		size_t		times = LONG_BYTES / len + 1;
		char	   *repeated = palloc(times * len);

		for (size_t i = 0; i < times; i++)
			memcpy(repeated + i * len, text, len);
		text = repeated;
		len *= times;
	}
	spans = phig_detect(text, len, &options);
	check_spans(spans, text, len, options.decode);
	if (phig_detect(text, len, &options)->n != spans->n)
		abort();
	return 0;
}
