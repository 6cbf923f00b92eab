/*
 * person.c
 *		What the words around a place say: that a person is named there.
 *
 * Before a name stand titles, labels, relations and verbs of speech; behind it what only people do and have.
 */
#include "postgres.h"

#include "detect/person.h"

static bool is_line_behind_dash(const PhigScan *scan, int i);
static bool is_called(const PhigScan *scan, int j);
static bool is_spoken(const PhigScan *scan, int j, int i);
static bool is_related(const PhigScan *scan, int i);
static bool is_word(const PhigScan *scan, int i, const char *word);
static bool is_a(const PhigScan *scan, int i, int classes);
static void prepare(void);
static bool owns(const PhigScan *scan, int i);

/* Classes of words, in lower case; a word may be of several. */
enum
{
	SAYS = 1 << 0,				/* verbs behind which people stand */
	DOES = 1 << 1,				/* what only people do */
	IS = 1 << 2,				/* said of people and of things: enough behind a given name */
	OWNED = 1 << 3,				/* what people have: "Ada's address" */
	CALLS = 1 << 4,				/* "call me Ada" */
	WHOM = 1 << 5,
	WHOSE = 1 << 6,
	HAS_DONE = 1 << 7,			/* "had given her" */
	SHOUTS = 1 << 8,			/* at somebody */
	TALKS = 1 << 9,				/* to somebody */
	SENT = 1 << 10				/* from or to somebody */
};

static const struct
{
	int			classes;
	const char *words;
}			vocabulary[] = {

	{SAYS,
		"call said says asked asks told tells tell replied answered whispered shouted yelled met starring "
		"thanked phoned texted emailed messaged paged notified informed referring saw married hired "
	"hugged kissed"},
	{DOES,
		"accepts admits agreed agrees ambulated asked asks answered ate believes called calls came "
		"complained complains confirmed consented cried declined denied denies drank drove endorsed "
		"endorses enjoys expressed feels felt forgot hates knows laughed likes lives loves married met "
		"moved phoned prefers promised refused refuses remembers replied reported reports requested "
		"requests returned returns said says shouted signed slept smiled smokes spent spoke states stated "
		"thinks thought told tells tolerated understands verbalized visited visits voiced walked wanted "
	"wants whispered wishes wonders works worked wrote yelled"},
	{IS,
	"was is has had will would did does can could and"},
	{OWNED,
		"account address appointment birthday bill boss car chart cell children class contact dad email "
		"employer family fax file friends home house insurance job kids life lunch mailbox mom mobile "
		"name notes number office parents password patient phone plan policy profile record records "
	"relatives room sessions visit voicemail wallet work"},
	{CALLS,
	"call calls called calling name named names"},
	{WHOM,
	"me him her them"},
	{WHOSE,
	"her his their my your"},
	{HAS_DONE,
	"given told asked just never always"},
	{SHOUTS,
	"shouted yelled screamed laughed smiled"},
	{TALKS,
	"married engaged talk talked talking spoke speak speaking listen introduced"},
	{SENT,
	"call calls email emails fax faxed letter message messages note text voicemail"},
};

#define SLOTS 1024

static struct
{
	uint64		hash;
	int			classes;
}			slots[SLOTS];

PhigWitness
phig_witness_before(const PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			j = i - 1;
	bool		sign = false;

	/* "Sincerely," and a line below it */
	if (j > 0 && tokens[i].gap >= PHIG_GAP_LINE && tokens[j].sign == ',' && (tokens[j - 1].lex & PHIG_LEX_GREETING))
		return PHIG_WITNESS_LABEL;
	if (j < 0 || tokens[i].gap == PHIG_GAP_PARAGRAPH)
		return PHIG_WITNESS_NONE;
	if (tokens[j].sign == '.' && j > 0 && (tokens[j - 1].lex & PHIG_LEX_TITLE) &&
		tokens[i].gap <= PHIG_GAP_SPACE &&
		!(tokens[j - 1].shape & PHIG_SHAPE_USED))
		return PHIG_WITNESS_TITLE;
	if ((tokens[j].lex & PHIG_LEX_TITLE) && tokens[i].gap == PHIG_GAP_SPACE &&
		!(tokens[j].shape & PHIG_SHAPE_USED) &&
		(tokens[j].shape & PHIG_SHAPE_INITIAL_UPPER))
		return PHIG_WITNESS_TITLE;
	if (is_line_behind_dash(scan, i))
		return PHIG_WITNESS_WORD;
	while (j >= 0 && (tokens[j].sign == ':' || tokens[j].sign == '=' || tokens[j].sign == '?' ||
					  tokens[j].sign == '-' ||
					  tokens[j].sign == '"' || tokens[j].sign == '\'' ||
					  tokens[j].sign == '('))
	{
		sign |= tokens[j].sign == ':' || tokens[j].sign == '=' || tokens[j].sign == '?';
		if (tokens[j].gap >= PHIG_GAP_LINE)
			return PHIG_WITNESS_NONE;
		j--;
	}
	if (j < 0 || (!sign && tokens[j + 1].gap >= PHIG_GAP_WIDE))
		return PHIG_WITNESS_NONE;
	/* "name is", "patient's name was" */
	if (j > 0 && (is_word(scan, j, "is") || is_word(scan, j, "was")) && (tokens[j - 1].lex & PHIG_LEX_NAMED))
		return PHIG_WITNESS_LABEL;
	if (tokens[j].lex & PHIG_LEX_NAMED)
		return PHIG_WITNESS_LABEL;
	if (sign && (tokens[j].lex & (PHIG_LEX_PERSON | PHIG_LEX_RELATION | PHIG_LEX_GREETING)))
		return PHIG_WITNESS_LABEL;
	if (tokens[i].gap >= PHIG_GAP_LINE)
		return PHIG_WITNESS_NONE;
	if (is_called(scan, j))
		return PHIG_WITNESS_LABEL;
	if ((tokens[j].lex & (PHIG_LEX_RELATION | PHIG_LEX_GREETING)) || is_spoken(scan, j, i))
		return PHIG_WITNESS_WORD;
	if ((tokens[j].lex & PHIG_LEX_PERSON) || is_word(scan, j, "per"))
		return PHIG_WITNESS_ROLE;
	/* "spoke with Ada", "family of Ada" */
	if (j > 0 && tokens[j].type == PHIG_WORD && (tokens[j - 1].lex & PHIG_LEX_TALK) &&
		tokens[i].gap == PHIG_GAP_SPACE && (is_word(scan, j, "with") || is_word(scan, j, "of")))
		return PHIG_WITNESS_ROLE;
	return PHIG_WITNESS_NONE;
}

bool
phig_credential_behind(const PhigScan *scan, int i)
{
	const PhigToken *next = &scan->tokens[i + 1];

	if (next->sign == ',' && next->gap == PHIG_GAP_NONE)
		next++;
	else if (next->gap != PHIG_GAP_SPACE)
		return false;
	return (next->lex & PHIG_LEX_CREDENTIAL) && next->gap <= PHIG_GAP_SPACE &&
		(next->shape & PHIG_SHAPE_INITIAL_UPPER) &&
		(scan->text[next->end - 1] < 'a' || phig_token_len(next) > 2);
}

bool
phig_acts_like_person(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	if (token->sign == '\'' && token->gap == PHIG_GAP_NONE)
		return owns(scan, i);
	if (is_related(scan, i))
		return true;
	if (token->type != PHIG_WORD || token->shape != 0 || token->gap != PHIG_GAP_SPACE)
		return false;
	/* not "refused by insurance" */
	if (is_a(scan, i, DOES) || is_word(scan, i, "who"))
		return !is_word(scan, i + 1, "by");
	/* "had given her", "just has to" */
	if ((is_word(scan, i, "had") || is_word(scan, i, "has")) && is_a(scan, i + 1, HAS_DONE))
		return true;
	return strncmp(scan->text + token->start, "is a", 4) == 0 && scan->tokens[i + 2].type == PHIG_NUMBER &&
		phig_token_len(&scan->tokens[i + 2]) <= 3;
}

bool
phig_may_be_person(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	if (token->sign == '\'' && token->gap == PHIG_GAP_NONE)
		return is_word(scan, i + 1, "s") && token[1].gap == PHIG_GAP_NONE;
	return token->type == PHIG_WORD && token->shape == 0 && token->gap == PHIG_GAP_SPACE && is_a(scan, i, IS);
}

bool
phig_is_addressed(const PhigScan *scan, int first, int last)
{
	const PhigToken *before = first > 0 ? &scan->tokens[first - 1] : NULL;
	const PhigToken *behind = &scan->tokens[last + 1];

	return before != NULL && before->sign == ',' && scan->tokens[first].gap == PHIG_GAP_SPACE &&
		(behind->sign == '!' || behind->sign == '?') && behind->gap == PHIG_GAP_NONE;
}

/* "- Ada" below a letter. */
static bool
is_line_behind_dash(const PhigScan *scan, int i)
{
	const PhigToken *dash = &scan->tokens[i - 1];

	return dash->sign == '-' && scan->tokens[i].gap == PHIG_GAP_SPACE && dash->gap >= PHIG_GAP_SPACE &&
		scan->tokens[i + 1].gap >= PHIG_GAP_LINE;
}

/* Token j ends "call me", "named him", "my name's". */
static bool
is_called(const PhigScan *scan, int j)
{
	if (j < 1 || scan->tokens[j].gap > PHIG_GAP_SPACE)
		return false;
	if (is_a(scan, j, WHOM))
		return is_a(scan, j - 1, CALLS);
	return is_word(scan, j, "s") && j > 1 && scan->tokens[j - 1].sign == '\'' &&
		(scan->tokens[j - 2].lex & PHIG_LEX_NAMED) != 0;
}

/* Token j is a verb after which people stand, or a word behind such a verb; token i comes next. */
static bool
is_spoken(const PhigScan *scan, int j, int i)
{
	if (scan->tokens[j].type != PHIG_WORD || scan->tokens[i].gap != PHIG_GAP_SPACE ||
		(scan->tokens[j].shape & PHIG_SHAPE_INITIAL_UPPER))
		return false;
	if (is_a(scan, j, SAYS))
		return true;
	if (j == 0 || scan->tokens[j].gap != PHIG_GAP_SPACE)
		return false;
	if (is_word(scan, j, "at"))
		return is_a(scan, j - 1, SHOUTS);
	if ((is_word(scan, j, "from") || is_word(scan, j, "to")) &&
		is_a(scan, j - 1, SENT))
		return true;
	if (is_word(scan, j, "to"))
		return is_a(scan, j - 1, TALKS);
	return false;
}

/* ", her daughter", "(daughter)", "and her husband": tokens from i on. */
static bool
is_related(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	if (token->sign == '(')
		return (token[1].lex & PHIG_LEX_RELATION) != 0 && (token[2].sign == ')' || token[2].sign == ',');
	if (token->sign != ',' && !is_word(scan, i, "and"))
		return false;
	return is_a(scan, i + 1, WHOSE) && (token[2].lex & PHIG_LEX_RELATION) != 0;
}

static bool
is_word(const PhigScan *scan, int i, const char *word)
{
	size_t		len = strlen(word);

	return phig_token_len(&scan->tokens[i]) == len && strncasecmp(scan->text + scan->tokens[i].start, word, len) == 0;
}

static bool
is_a(const PhigScan *scan, int i, int classes)
{
	uint64		hash = scan->tokens[i].hash;

	if (slots[0].classes == 0)
		prepare();
	for (uint32 slot = hash % (SLOTS - 1) + 1; slots[slot].classes != 0; slot = slot % (SLOTS - 1) + 1)
		if (slots[slot].hash == hash)
			return (slots[slot].classes & classes) != 0;
	return false;
}

/* Slot 0 says that the others are filled. */
static void
prepare(void)
{
	slots[0].classes = -1;
	for (size_t i = 0; i < lengthof(vocabulary); i++)
		for (const char *word = vocabulary[i].words; *word != '\0'; word += strspn(word, " "))
		{
			size_t		len = strcspn(word, " ");
			uint64		hash = phig_hash_word(word, len);
			uint32		slot = hash % (SLOTS - 1) + 1;

			while (slots[slot].classes != 0 && slots[slot].hash != hash)
				slot = slot % (SLOTS - 1) + 1;
			slots[slot].hash = hash;
			slots[slot].classes |= vocabulary[i].classes;
			word += len;
		}
}

/* "'s daughter", "'s address": token i is the apostrophe. */
static bool
owns(const PhigScan *scan, int i)
{
	const PhigToken *thing = &scan->tokens[i + 2];

	return is_word(scan, i + 1, "s") && scan->tokens[i + 1].gap == PHIG_GAP_NONE && thing->type == PHIG_WORD &&
		thing->gap == PHIG_GAP_SPACE && thing->shape == 0 &&
		((thing->lex & PHIG_LEX_RELATION) || is_a(scan, i + 2, OWNED));
}
