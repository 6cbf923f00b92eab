/*
 * fold.c
 *		A piece of text with one byte a character, and the way back.
 *
 * The recognizers see ASCII and two placeholders only, so that patterns need no UTF mode, words
 * one form, and an identifier written with look-alikes or invisible characters is found all
 * the same.
 */
#include "postgres.h"

#include "detect/fold.h"

#define HIDDEN '\0'

static bool is_ascii(const char *text, size_t len);
static char fold_code(uint32 code);
static const PhigFoldRun *find_run(const PhigFolded *folded, size_t at);
static void add_run(PhigFolded *out, uint32 at, uint32 byte, uint32 character, uint32 width);

/* Letters of Latin-1 and Latin Extended-A, U+00C0 .. U+017F, without their accents. */
static const char latin[] =
"AAAAAAACEEEEIIIIDNOOOOO*OUUUUYTsaaaaaaaceeeeiiiidnooooo*ouuuuyty"
"AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlL"
"lLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

StaticAssertDecl(sizeof(latin) - 1 == 0x180 - 0xC0, "one letter a code point");

/* Letters of other alphabets that look like one of ours (Unicode TR 39, the plain cases). */
static const struct
{
	uint16		code;
	char		letter;
}			look_alikes[] = {
	{0x0391, 'A'}, {0x0392, 'B'}, {0x0395, 'E'}, {0x0396, 'Z'}, {0x0397, 'H'}, {0x0399, 'I'},
	{0x039A, 'K'}, {0x039C, 'M'}, {0x039D, 'N'}, {0x039F, 'O'}, {0x03A1, 'P'}, {0x03A4, 'T'},
	{0x03A5, 'Y'}, {0x03A7, 'X'}, {0x03BD, 'v'}, {0x03BF, 'o'}, {0x0405, 'S'}, {0x0406, 'I'},
	{0x0408, 'J'}, {0x0410, 'A'}, {0x0412, 'B'}, {0x0415, 'E'}, {0x041A, 'K'}, {0x041C, 'M'},
	{0x041D, 'H'}, {0x041E, 'O'}, {0x0420, 'P'}, {0x0421, 'C'}, {0x0422, 'T'}, {0x0425, 'X'},
	{0x0430, 'a'}, {0x0435, 'e'}, {0x043E, 'o'}, {0x0440, 'p'}, {0x0441, 'c'}, {0x0443, 'y'},
	{0x0445, 'x'}, {0x0455, 's'}, {0x0456, 'i'}, {0x0458, 'j'},
};

/* The zeros of other scripts, whose digits are in order: Arabic, Persian, Devanagari, Bengali, Thai. */
static const uint16 zeros[] = {0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50};

void
phig_fold(PhigFolded *out, const char *text, size_t len, PhigDecode decode)
{
	size_t		at = 0;
	uint32		character = 0;

	out->nruns = 0;
	if (out->buffer_room < len + 1)
	{
		if (out->buffer != NULL)
			pfree(out->buffer);
		out->buffer = palloc(len + 1);
		out->buffer_room = len + 1;
	}
	out->bytes = out->buffer;
	if (is_ascii(text, len))
	{
		memcpy(out->buffer, text, len);
		out->buffer[len] = '\0';
		out->len = len;
		out->nchars = len;
		return;
	}
	for (size_t i = 0; i < len; character++)
	{
		uint32		width = 1;
		char		byte = text[i];

		if (byte & 0x80)
		{
			uint32		code;

			width = decode(text + i, len - i, &code);
			byte = fold_code(code);
		}
		else if (byte == '\0')
			byte = PHIG_OTHER_SIGN;
		if (byte != HIDDEN)
		{
			const PhigFoldRun *last = out->nruns == 0 ? NULL : &out->runs[out->nruns - 1];

			if (last == NULL || last->width != width || last->character + (at - last->at) != character)
				add_run(out, at, i, character, width);
			out->buffer[at++] = byte;
		}
		i += width;
	}
	out->buffer[at] = '\0';
	out->len = at;
	out->nchars = character;
}

void
phig_unfold(const PhigFolded *folded, size_t start, size_t end, PhigSpan *span)
{
	const PhigFoldRun *first,
			   *last;

	span->start = span->start_char = start;
	span->end = span->end_char = end;
	if (folded->nruns == 0)
		return;
	first = find_run(folded, start);
	last = find_run(folded, end - 1);
	span->start = first->byte + (start - first->at) * first->width;
	span->start_char = first->character + (start - first->at);
	span->end = last->byte + (end - last->at) * last->width;
	span->end_char = last->character + (end - last->at);
}

static bool
is_ascii(const char *text, size_t len)
{
	uint64		seen = 0;
	size_t		i = 0;

	for (; i + sizeof(uint64) <= len; i += sizeof(uint64))
	{
		uint64		eight;

		memcpy(&eight, text + i, sizeof(eight));
		seen |= eight;
	}
	for (; i < len; i++)
		seen |= (unsigned char) text[i];
	return (seen & UINT64CONST(0x8080808080808080)) == 0;
}

static char
fold_code(uint32 code)
{
	if (code >= 0xC0 && code < 0x180)
		return latin[code - 0xC0];
	if ((code >= 0xFF01 && code <= 0xFF5E))
		return (char) (code - 0xFF01 + '!');
	if (code == 0xAD || code == 0x34F || (code >= 0x300 && code <= 0x36F) ||
		(code >= 0x200B && code <= 0x200F) || (code >= 0x202A && code <= 0x202E) ||
		(code >= 0x2060 && code <= 0x206F) || code == 0xFEFF || (code >= 0xFE00 && code <= 0xFE0F) ||
		(code >= 0x1AB0 && code <= 0x1AFF) || (code >= 0x20D0 && code <= 0x20FF))
		return HIDDEN;
	if (code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x202F ||
		code == 0x205F || code == 0x3000)
		return ' ';
	if (code == 0x85 || code == 0x2028 || code == 0x2029)
		return '\n';
	if ((code >= 0x2010 && code <= 0x2015) || code == 0x2212 || code == 0xFE58 || code == 0xFE63)
		return '-';
	if (code == 0x2018 || code == 0x2019 || code == 0x201B || code == 0x2BC || code == 0xB4)
		return '\'';
	if (code == 0x201C || code == 0x201D)
		return '"';
	if (code == 0x2022 || code == 0xB7)
		return '*';
	if (code == 0xFF0E || code == 0x3002)
		return '.';
	/* digits of other scripts that are a decimal digit's compatibility form */
	if (code >= 0x1D7CE && code <= 0x1D7FF)
		return (char) ('0' + (code - 0x1D7CE) % 10);
	for (size_t i = 0; i < lengthof(zeros); i++)
		if (code >= zeros[i] && code < (uint32) zeros[i] + 10)
			return (char) ('0' + (code - zeros[i]));
	for (size_t i = 0; i < lengthof(look_alikes); i++)
		if (look_alikes[i].code == code)
			return look_alikes[i].letter;
	if (code < 0xC0 || (code >= 0x2000 && code < 0x2C00) || (code >= 0x3000 && code < 0x3040) ||
		(code >= 0xFF00 && code < 0xFF66) || code >= 0x1F000)
		return PHIG_OTHER_SIGN;
	return PHIG_OTHER_LETTER;
}

static const PhigFoldRun *
find_run(const PhigFolded *folded, size_t at)
{
	size_t		low = 0,
				high = folded->nruns;

	while (high - low > 1)
	{
		size_t		middle = (low + high) / 2;

		if (folded->runs[middle].at <= at)
			low = middle;
		else
			high = middle;
	}
	return &folded->runs[low];
}

static void
add_run(PhigFolded *out, uint32 at, uint32 byte, uint32 character, uint32 width)
{
	if (out->nruns == out->run_room)
	{
		size_t		room = out->run_room == 0 ? 256 : 2 * out->run_room;

		out->runs = out->runs == NULL ? palloc(room * sizeof(PhigFoldRun)) :
			repalloc(out->runs, room * sizeof(PhigFoldRun));
		out->run_room = room;
	}
	out->runs[out->nruns++] = (PhigFoldRun)
	{
		at, byte, character, width
	};
}

/* RFC 3629; overlong forms, surrogates and cut characters are single bytes that nobody can name. */
int
phig_decode_utf8(const char *s, size_t left, uint32 *code)
{
	const unsigned char *u = (const unsigned char *) s;
	int			width = u[0] >= 0xF0 ? 4 : u[0] >= 0xE0 ? 3 : 2;
	static const uint32 least[] = {0, 0, 0x80, 0x800, 0x10000};

	*code = 0;
	if (u[0] < 0xC2 || u[0] > 0xF4 || left < (size_t) width)
		return 1;
	*code = u[0] & (0x7F >> width);
	for (int i = 1; i < width; i++)
	{
		if ((u[i] & 0xC0) != 0x80)
		{
			*code = 0;
			return 1;
		}
		*code = *code << 6 | (u[i] & 0x3F);
	}
	if (*code < least[width] || *code > 0x10FFFF || (*code >= 0xD800 && *code < 0xE000))
	{
		*code = 0;
		return 1;
	}
	return width;
}
