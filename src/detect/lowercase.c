/*
 * lowercase.c
 *		Names of people in text that is typed without capitals, or without one where a name stands.
 *
 * There both words must be names and nothing else, unless a title or a label says who it is.
 */
#include "postgres.h"

#include "detect/names.h"
#include "detect/person.h"

static bool is_titled(const PhigScan *scan, int i);
static bool is_surname_first(const PhigScan *scan, int i);
static float weigh_full(const PhigScan *scan, int i, int last, bool capitals, PhigWitness evidence);
static int	lower_run(const PhigScan *scan, int i);
static int	nickname_end(const PhigScan *scan, int i);
static bool goes_on(const PhigScan *scan, int i);
static int	suffix_end(const PhigScan *scan, int i);
static bool is_lower_surname(const PhigScan *scan, int i, bool capitals, bool sure);

#define ORDINARY (PHIG_DICT_WORD | PHIG_DICT_MEDICAL)

int
phig_find_lower_name(PhigScan *scan, int i, bool capitals)
{
	const PhigToken *token = &scan->tokens[i];
	bool		title = is_titled(scan, i);
	PhigWitness evidence;
	int			last;
	float		score;

	if ((token->lex & (PHIG_LEX_STOP | PHIG_LEX_PARTICLE | PHIG_LEX_TITLE)) || ((token->lex & PHIG_LEX_EPONYM) &&
																				!title))
		return 0;
	last = lower_run(scan, i);
	evidence = title ? PHIG_WITNESS_TITLE : i > 0 ? phig_witness_before(scan, i) : PHIG_WITNESS_NONE;
	if (evidence == PHIG_WITNESS_LABEL && is_surname_first(scan, i))
	{
		phig_add(scan, token->start, scan->tokens[i + 2].end, "name", "full", "name_lower", 0.7f);
		return 2;
	}
	score = last > i ? weigh_full(scan, i, last, capitals, evidence) : 0;
	if (score > 0)
	{
		last = suffix_end(scan, last);
		phig_add(scan, token->start, scan->tokens[last].end, "name", "full", "name_lower", score);
		return last - i;
	}
	if (title && (token->dict & (PHIG_DICT_LAST | PHIG_DICT_FIRST)) && (token->dict & PHIG_DICT_WORD) == 0)
		phig_add(scan, token->start, token->end, "name", NULL, "name_lower", 0.65f);
	else if ((token->dict & ORDINARY) == 0 && phig_token_len(token) > 2 && evidence == PHIG_WITNESS_LABEL)
	{
		last = is_lower_surname(scan, last, capitals, true) ? suffix_end(scan, last) : i;
		phig_add(scan, token->start, scan->tokens[last].end, "name", NULL, "name_lower", 0.6f);
		return last - i;
	}
	else if (!capitals && (token->dict & (ORDINARY | PHIG_DICT_CITY | PHIG_DICT_PROPER)) == 0 && token->lex == 0 &&
			 phig_token_len(token) > 3 && (token->shape & PHIG_SHAPE_OTHER_LETTERS) == 0 &&
			 ((token->dict & PHIG_DICT_FIRST) || phig_is_accented(scan, i) ||
			  ((token->dict & PHIG_DICT_LAST) && evidence == PHIG_WITNESS_WORD) ||
			  phig_acts_like_person(scan, i + 1)))
		phig_add(scan, token->start, token->end, "name", NULL, "name_lower", 0.5f);
	return 0;
}

/* "mr poe", "dr. poe". */
static bool
is_titled(const PhigScan *scan, int i)
{
	const PhigToken *before = &scan->tokens[i - 1];

	if (i == 0 || scan->tokens[i].gap != PHIG_GAP_SPACE)
		return false;
	if (before->sign == '.' && i > 1)
		before--;
	return (before->lex & PHIG_LEX_TITLE) && phig_token_len(before) <= 3;
}

/* "name: poe, ada". */
static bool
is_surname_first(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];
	const PhigToken *given = &token[2];

	return (token->dict & (PHIG_DICT_LAST | PHIG_DICT_MEDICAL)) == PHIG_DICT_LAST && token[1].sign == ',' &&
		token[1].gap == PHIG_GAP_NONE && given->type == PHIG_WORD && given->gap <= PHIG_GAP_SPACE &&
		(given->dict & PHIG_DICT_FIRST) &&
		!(token->dict & given->dict & PHIG_DICT_WORD);
}

/* What a given name and a surname, tokens i and last, are worth; 0: they are none. */
static float
weigh_full(const PhigScan *scan, int i, int last, bool capitals, PhigWitness evidence)
{
	const PhigToken *token = &scan->tokens[i];
	bool		given = (token->dict & PHIG_DICT_FIRST) != 0;

	if (given && (token->dict & ORDINARY) == 0 && is_lower_surname(scan, last, capitals, true))
		return evidence == PHIG_WITNESS_TITLE ? 0.8f : 0.6f;
	if (capitals || (token->dict & PHIG_DICT_MEDICAL))
		return 0;
	/* "dr. grace park" */
	if (given && evidence == PHIG_WITNESS_TITLE && (scan->tokens[last].dict & PHIG_DICT_LAST) &&
		(scan->tokens[last].dict & PHIG_DICT_MEDICAL) == 0)
		return 0.65f;
	/* "mark poe": only where nobody writes capitals */
	if (given && is_lower_surname(scan, last, capitals, evidence == PHIG_WITNESS_LABEL))
		return 0.55f;
	return evidence >= PHIG_WITNESS_ROLE && token->dict == 0 && phig_token_len(token) > 2 &&
		is_lower_surname(scan, last, capitals, false) ? 0.55f : 0;
}

/*
 * The word behind given name i that may be its surname, with initials, given names, nicknames and particles between
 * them: "ada q. poe", "ada mary de la poe"; i if there is none.
 */
static int
lower_run(const PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			j = i + 1;

	while (j < i + PHIG_MAX_NAME_TOKENS && goes_on(scan, j))
	{
		j = nickname_end(scan, j);
		if (tokens[j].type == PHIG_WORD && tokens[j + 1].sign == '.' && tokens[j + 1].gap == PHIG_GAP_NONE &&
			phig_token_len(&tokens[j]) <= 2)
			j++;
		j++;
	}
	if (tokens[j].type != PHIG_WORD || tokens[j].gap != PHIG_GAP_SPACE || phig_token_len(&tokens[j]) < 2 ||
		(tokens[j].shape & PHIG_SHAPE_INITIAL_UPPER))
		return i;
	/* "del carmen poe y stone" */
	if (phig_token_len(&tokens[j + 1]) == 1 && (tokens[j + 1].lex & PHIG_LEX_PARTICLE) &&
		tokens[j + 1].gap == PHIG_GAP_SPACE &&
		tokens[j + 2].gap == PHIG_GAP_SPACE && (tokens[j + 2].dict & PHIG_DICT_LAST))
		return j + 2;
	return j;
}

/* Whether token i may stand between a given name and a surname. */
static bool
goes_on(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];
	const PhigToken *next = token + 1;

	if (token->gap != PHIG_GAP_SPACE)
		return false;
	if (token->type != PHIG_WORD)
		return nickname_end(scan, i) > i;
	if (phig_token_len(token) == 1 || (token->lex & PHIG_LEX_PARTICLE))
		return true;
	/* a second given name, and a surname behind it */
	return (token->dict & PHIG_DICT_FIRST) && (token->dict & ORDINARY) == 0 && next->type == PHIG_WORD &&
		next->gap == PHIG_GAP_SPACE && (next->dict & PHIG_DICT_LAST) && (next->dict & ORDINARY) == 0;
}

/* '"addie"', "(addie)": the closing sign; i: no nickname begins there. */
static int
nickname_end(const PhigScan *scan, int i)
{
	const PhigToken *sign = &scan->tokens[i];
	char		close = sign->sign == '(' ? ')' : sign->sign;

	return (sign->sign == '(' || sign->sign == '"') && sign[1].gap == PHIG_GAP_NONE && sign[1].type == PHIG_WORD &&
		((sign[1].dict & PHIG_DICT_FIRST) || (sign[1].dict & ORDINARY) == 0) && sign[2].sign == close &&
		sign[2].gap == PHIG_GAP_NONE && (sign[3].dict & PHIG_DICT_LAST) ? i + 2 : i;
}

/* "poe iii", "poe, jr": the last token of a suffix behind surname i; i: there is none. */
static int
suffix_end(const PhigScan *scan, int i)
{
	int			j = scan->tokens[i + 1].sign == ',' ? i + 2 : i + 1;

	return (scan->tokens[j].lex & PHIG_LEX_SUFFIX) && scan->tokens[j].gap == PHIG_GAP_SPACE ? j : i;
}

/* sure: what stands before it is a given name and nothing else. */
static bool
is_lower_surname(const PhigScan *scan, int i, bool capitals, bool sure)
{
	const PhigToken *token = &scan->tokens[i];
	bool		word = (token->dict & (PHIG_DICT_WORD | PHIG_DICT_MEDICAL)) != 0;

	if (token->lex & (PHIG_LEX_STOP | PHIG_LEX_AFTER_EPONYM))
		return false;
	if (token->dict & PHIG_DICT_LAST)
		return !word || (sure && (token->dict & PHIG_DICT_COMMON_LAST));
	/* in no list at all */
	return sure && !capitals && token->dict == 0 && token->lex == 0 && phig_token_len(token) > 3;
}
