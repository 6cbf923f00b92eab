/*
 * name_weight.c
 *		What words are worth as the name of a person.
 *
 * Each word by what the dictionary knows of it, a run of words by its evidence (a label, a title, a relation, a
 * credential).  A given name with a surname is enough; a word that is an ordinary one too needs evidence.
 */
#include "postgres.h"

#include "detect/names.h"

static bool follows_name(const PhigScan *scan, int i);
static bool precedes_name(const PhigScan *scan, int i);
static bool says_line(const PhigScan *scan, const PhigNameRun *run);
static bool is_article(const PhigScan *scan, int i);
static bool fills_line(const PhigScan *scan, const PhigNameRun *run);
static bool is_inside_sentence(const PhigScan *scan, const PhigNameRun *run);
static bool is_full_name(const PhigScan *scan, const PhigNameRun *run);
static bool is_text(const PhigScan *scan, const PhigToken *token, const char *word);

float
phig_name_weight(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];
	uint32		dict = token->dict;
	bool		word = (dict & PHIG_DICT_WORD) != 0;

	/* "Ada Poe", but not "the ADA" */
	if ((dict & PHIG_DICT_MEDICAL) && (dict & PHIG_DICT_FIRST) && precedes_name(scan, i))
		return 1.3f;
	if (dict & PHIG_DICT_MEDICAL)
		return (dict & PHIG_DICT_LAST) && follows_name(scan, i) ? 1.3f : -3.0f;
	if (token->lex & (PHIG_LEX_AFTER_EPONYM | PHIG_LEX_FACILITY | PHIG_LEX_MEASURE))
		return (dict & (PHIG_DICT_FIRST | PHIG_DICT_LAST)) && !word ? 0.5f : -2.0f;
	if (dict & PHIG_DICT_FIRST)
		return word || (token->lex & PHIG_LEX_STATE) ? 1.6f : dict & PHIG_DICT_FOREIGN ? 2.2f : 3.0f;
	if (dict & PHIG_DICT_LAST)
		return dict & PHIG_DICT_FOREIGN ? 1.8f : !word ? 2.0f : dict & PHIG_DICT_COMMON_LAST ? 1.3f : 0.5f;
	if (word)
		return -1.5f;
	if (dict & PHIG_DICT_PROPER)
		return 0.2f;
	/* unknown to all lists, with letters that English words do not have */
	if (phig_is_accented(scan, i))
		return 2.0f;
	/* short ones in capitals are mostly abbreviations */
	return (token->shape & PHIG_SHAPE_ALL_UPPER) && phig_token_len(token) <= 4 ? -0.5f : 1.2f;
}

/* "Ada White", "Dr. White". */
static bool
follows_name(const PhigScan *scan, int i)
{
	const PhigToken *before = i > 0 ? &scan->tokens[i - 1] : NULL;

	if (before == NULL || scan->tokens[i].gap != PHIG_GAP_SPACE)
		return false;
	if (before->sign == '.' && i > 1)
		before--;
	return (before->shape & PHIG_SHAPE_INITIAL_UPPER) &&
		((before->lex & PHIG_LEX_TITLE) || (before->dict & (PHIG_DICT_FIRST | PHIG_DICT_WORD)) == PHIG_DICT_FIRST);
}

/* "Ada Poe", "Ada Q. Poe", "Ada van der Poe": a word with another name behind it. */
static bool
precedes_name(const PhigScan *scan, int i)
{
	const PhigToken *next = &scan->tokens[i + 1];

	if (scan->tokens[i].shape & PHIG_SHAPE_ALL_UPPER)
		return false;
	if (phig_is_initial(scan, i + 1))
		next += next[1].sign == '.' ? 2 : 1;
	for (int particles = 0; particles < 3 && (next->lex & PHIG_LEX_PARTICLE) && next->shape == 0; particles++)
		next++;
	return next->gap == PHIG_GAP_SPACE && (next->shape & PHIG_SHAPE_INITIAL_UPPER) &&
		(next->dict & PHIG_DICT_MEDICAL) == 0 &&
		(next->dict & PHIG_DICT_WORD ? (next->dict & PHIG_DICT_FIRST) != 0 : (next->dict & PHIG_DICT_LAST) != 0 ||
		 next->dict == 0);
}

bool
phig_is_accented(const PhigScan *scan, int i)
{
	PhigSpan	span;

	if (scan->folded.nruns == 0)
		return false;
	phig_unfold(&scan->folded, scan->tokens[i].start, scan->tokens[i].end, &span);
	return span.end - span.start > span.end_char - span.start_char;
}

float
phig_judge_name(const PhigScan *scan, const PhigNameRun *run, PhigWitness evidence)
{
	const PhigToken *first = &scan->tokens[run->first];
	bool		given = (first->dict & PHIG_DICT_FIRST) != 0;
	bool		upper = (first->shape & PHIG_SHAPE_ALL_UPPER) != 0;

	/* "Attending: Cardiology" */
	if (run->words == 1 && run->initials == 0 && (first->lex & PHIG_LEX_SPECIALTY) &&
		(first->dict & (PHIG_DICT_FIRST | PHIG_DICT_LAST)) == 0)
		return 0;
	if (evidence != PHIG_WITNESS_TITLE && phig_is_eponym(scan, run, evidence == PHIG_WITNESS_NONE))
		return 0;
	/* "Swan-Ganz" */
	if (evidence == PHIG_WITNESS_NONE && !given && !run->comma)
		for (int j = run->first; j <= run->last; j++)
			if (scan->tokens[j].lex & PHIG_LEX_EPONYM)
				return 0.3f;
	switch (evidence)
	{
		case PHIG_WITNESS_TITLE:
			return run->best > -2.0f ? 0.9f : 0;
		case PHIG_WITNESS_LABEL:
			if (run->best > 0 || (run->words > 1 && run->best > -2.0f && run->words <= 4))
				return 0.9f;
			break;
		case PHIG_WITNESS_WORD:
			if (run->weight > 0 && run->best >= 1.0f)
				return 0.75f;
			break;
		case PHIG_WITNESS_ROLE:
			/* "Physician Referral": one word that no list knows may be anything */
			if (run->weight > 0 && run->best >= (run->words > 1 ? 1.0f : 1.3f))
				return 0.75f;
			break;
		case PHIG_WITNESS_NONE:
			break;
	}
	/* two words at least, or one that is no abbreviation: what only people do */
	if (run->best >= 1.0f && run->weight > 0 && !upper && phig_acts_like_person(scan, run->last + 1))
		return 0.6f;
	if (run->weight > 0 && !run->comma &&
		(says_line(scan, run) || ((given || (first->dict & PHIG_DICT_LAST)) &&
								  phig_is_addressed(scan, run->first, run->last))))
		return 0.6f;
	if (run->comma)
		return run->weight >= 2.5f ? 0.75f : run->weight >= 1.5f && (upper || run->initials > 0) ? 0.6f : 0.3f;
	if (run->words == 1 && run->initials > 0)
	{
		if (given)
			return run->best >= 3.0f ? 0.85f : 0.6f;
		if (phig_is_initial(scan, run->first))
			return run->best >= 2.0f ? 0.75f :
				run->best >= 1.0f && !upper && scan->tokens[run->first + 1].sign == '.' ? 0.55f : 0.2f;
		return run->best >= 2.0f && scan->tokens[run->last].sign == '.' ? 0.5f : 0.2f;
	}
	if (run->words > 1)
	{
		if (given && run->weight >= 4.0f)
			return 0.85f;
		/* a line of a letterhead or under a letter */
		if (fills_line(scan, run) && run->weight >= 2.4f && run->best >= 1.8f && !upper)
			return 0.55f;
		/* "the Princess Royal" */
		if (given && run->weight >= 2.5f)
			return run->first > 0 && is_article(scan, run->first - 1) &&
				(scan->tokens[run->last].dict & PHIG_DICT_WORD) ? 0.4f : 0.65f;
		if (run->best >= 3.0f && run->weight >= 4.0f)
			return 0.6f;
		/* the last word is a surname and no other word */
		if (run->weight >= 2.5f && phig_name_weight(scan, run->last) >= 1.8f && !upper)
			return 0.5f;
		return run->weight >= 4.0f ? 0.5f : 0.3f;
	}
	/* a name that is a town's too is an identifier either way */
	if (run->best >= 3.0f && !upper && phig_token_len(first) > 2)
		return first->lex & (PHIG_LEX_EPONYM | PHIG_LEX_STATE) ? 0.4f : first->dict & PHIG_DICT_CITY ? 0.5f :
			0.55f;
	if (given && !upper && phig_token_len(first) > 2 &&
		(is_inside_sentence(scan, run) || (run->best >= 2.2f && phig_may_be_person(scan, run->last + 1))))
		return 0.5f;
	if (run->best >= 1.8f && !upper && phig_token_len(first) > 3 && is_inside_sentence(scan, run))
		return 0.5f;
	return run->best >= 2.0f && !upper ? 0.35f : 0.2f;
}

/* 'Ada: "Who is there?"' */
static bool
says_line(const PhigScan *scan, const PhigNameRun *run)
{
	const PhigToken *behind = &scan->tokens[run->last + 1];

	return scan->tokens[run->first].gap >= PHIG_GAP_LINE && behind->sign == ':' && behind[1].sign == '"' &&
		behind[1].gap <= PHIG_GAP_SPACE;
}

static bool
is_article(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	return phig_token_len(token) == 3 && strncasecmp(scan->text + token->start, "the", 3) == 0;
}

/* Nothing else stands in its line, and none of its words is an ordinary one. */
static bool
fills_line(const PhigScan *scan, const PhigNameRun *run)
{
	if (scan->tokens[run->first].gap < PHIG_GAP_LINE || scan->tokens[run->last + 1].gap < PHIG_GAP_LINE ||
		run->words > 3)
		return false;
	for (int j = run->first; j <= run->last; j++)
		if (scan->tokens[j].dict & (PHIG_DICT_WORD | PHIG_DICT_MEDICAL | PHIG_DICT_CITY))
			return false;
	return true;
}

/* Between words in lower case: there a capital means something. */
static bool
is_inside_sentence(const PhigScan *scan, const PhigNameRun *run)
{
	const PhigToken *before = run->first > 0 ? &scan->tokens[run->first - 1] : NULL;
	const PhigToken *after = &scan->tokens[run->last + 1];

	return before != NULL && before->type == PHIG_WORD && before->shape == 0 &&
		scan->tokens[run->first].gap == PHIG_GAP_SPACE &&
		(after->type == PHIG_SIGN || (after->type == PHIG_WORD &&
									  (after->shape & PHIG_SHAPE_INITIAL_UPPER) == 0)) &&
		after->sign != '-' &&
		(scan->tokens[run->first].lex & (PHIG_LEX_MONTH | PHIG_LEX_STATE | PHIG_LEX_SEASON | PHIG_LEX_EPONYM)) == 0 &&
		(scan->tokens[run->first].dict & (PHIG_DICT_CITY | PHIG_DICT_PROPER)) == 0;
}

bool
phig_is_eponym(const PhigScan *scan, const PhigNameRun *run, bool alone)
{
	int			next = run->last + 1;
	int			before;
	bool		possessive = false;

	if (scan->tokens[next].sign == '\'' && scan->tokens[next].gap == PHIG_GAP_NONE)
	{
		next++;
		if (phig_token_len(&scan->tokens[next]) == 1 && scan->tokens[next].gap == PHIG_GAP_NONE)
			next++;
		possessive = true;
	}
	if (scan->tokens[next].sign == '-' && scan->tokens[next].gap == PHIG_GAP_NONE)
		next++;
	if ((scan->tokens[next].lex & PHIG_LEX_AFTER_EPONYM) && scan->tokens[next].gap <= PHIG_GAP_SPACE)
		return !is_full_name(scan, run);
	/* "Child-Pugh B": the first of the two is no name to the run */
	before = run->first > 1 && scan->tokens[run->first - 1].sign == '-' ? run->first - 2 : run->first - 1;
	if (before >= 0 && (scan->tokens[before].lex & scan->tokens[run->first].lex & PHIG_LEX_EPONYM) &&
		scan->tokens[run->first].gap <= PHIG_GAP_SPACE)
		return true;
	for (int j = run->first; j <= run->last; j++)
	{
		if ((scan->tokens[j].lex & PHIG_LEX_AFTER_EPONYM) && j > run->first)
			return true;
		if ((scan->tokens[j].lex & PHIG_LEX_EPONYM) && ((run->words == 1 && alone) || possessive))
			return true;
	}
	return false;
}

/* "Ada Poe test results": a given name and a surname that are not together an eponym. */
static bool
is_full_name(const PhigScan *scan, const PhigNameRun *run)
{
	static const char *const eponyms[][2] = {
		{"argyll", "robertson"}, {"austin", "flint"}, {"bernard", "soulier"}, {"cornelia", "lange"}, {"dandy", "walker"},
		{"diamond", "blackfan"}, {"dubin", "johnson"}, {"frank", "starling"}, {"graham", "steell"}, {"holt", "oram"}, {"jackson", "pratt"},
		{"klippel", "feil"}, {"laurence", "moon"}, {"marcus", "gunn"}, {"marshall", "marchetti"}, {"mary", "walker"}, {"parkes", "weber"},
		{"pierre", "robin"}, {"russell", "silver"}, {"stevens", "johnson"}, {"sturge", "weber"}, {"treacher", "collins"}
	};
	const PhigToken *first = &scan->tokens[run->comma ? run->last : run->first];
	const PhigToken *last = &scan->tokens[run->comma ? run->first : run->last];

	if (run->words < 2 || !(first->dict & PHIG_DICT_FIRST) || !(last->dict & PHIG_DICT_LAST) ||
		((first->dict | last->dict) & PHIG_DICT_MEDICAL) || (first->dict & last->dict & PHIG_DICT_WORD))
		return false;
	for (int j = run->first; j <= run->last; j++)
		if (scan->tokens[j].lex & PHIG_LEX_EPONYM)
			return false;
	for (int i = 0; i < (int) lengthof(eponyms); i++)
		if (is_text(scan, first, eponyms[i][0]) && is_text(scan, last, eponyms[i][1]))
			return false;
	return true;
}

static bool
is_text(const PhigScan *scan, const PhigToken *token, const char *word)
{
	return phig_token_len(token) == strlen(word) && strncasecmp(scan->text + token->start, word, strlen(word)) == 0;
}
