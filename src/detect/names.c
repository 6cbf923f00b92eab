/*
 * names.c
 *		Names of people: what stands before and behind them, and dictionaries of given names and surnames.
 *
 * A run of words that may be a name is read, and name_weight.c says what it is worth.  What was found by good evidence
 * is then looked for in the rest of the text.
 */
#include "postgres.h"

#include "detect/chars.h"
#include "detect/names.h"
#include "detect/person.h"

static bool read_run(const PhigScan *scan, int i, bool labelled, PhigNameRun *run);
static int	particle_begin(const PhigScan *scan, int i);
static bool is_suffix(const PhigScan *scan, int i);
static int	nickname_end(const PhigScan *scan, int i);
static bool is_name_after_comma(const PhigScan *scan, int comma, bool labelled);
static void trim_run(const PhigScan *scan, PhigNameRun *run);
static void keep_known(PhigScan *scan, const PhigNameRun *run);
static void find_known(PhigScan *scan);
static void find_listed(PhigScan *scan, int i, int side);
static int	find_initials(PhigScan *scan, int i);
static bool may_be_name(const PhigToken *token, bool labelled);

void
phig_find_names(PhigScan *scan)
{
	bool		capitals = phig_has_capitals(scan);

	for (int i = 0; i < scan->n; i++)
	{
		const PhigToken *token = &scan->tokens[i];
		PhigWitness evidence;
		PhigNameRun run;
		float		score;
		int			first;

		if (token->type != PHIG_WORD || (token->shape & PHIG_SHAPE_USED))
			continue;
		first = i;
		if ((token->shape & PHIG_SHAPE_INITIAL_UPPER) == 0)
		{
			/* "Dr. van der Berg" */
			if ((token->lex & PHIG_LEX_PARTICLE) && phig_witness_before(scan, i) >= PHIG_WITNESS_LABEL)
				while ((scan->tokens[i].lex & PHIG_LEX_PARTICLE) && scan->tokens[i + 1].gap == PHIG_GAP_SPACE &&
					   (scan->tokens[i].shape & PHIG_SHAPE_INITIAL_UPPER) == 0)
					i++;
			if (first == i || !may_be_name(&scan->tokens[i], true))
			{
				i = first + phig_find_lower_name(scan, first, capitals);
				continue;
			}
			token = &scan->tokens[i];
		}
		evidence = phig_witness_before(scan, first);
		if (phig_token_len(token) == 1)
		{
			int			taken = find_initials(scan, i);

			if (taken > 0)
			{
				i += taken;
				continue;
			}
		}
		if (!read_run(scan, i, evidence >= PHIG_WITNESS_LABEL, &run))
			continue;
		if (first < i)
			run.first = first;
		/* "Per Ada Poe": what is no part of it may speak for it */
		else if (run.first > i && evidence == PHIG_WITNESS_NONE)
			evidence = phig_witness_before(scan, run.first);
		if (phig_credential_behind(scan, run.last))
			evidence = PHIG_WITNESS_TITLE;
		score = phig_judge_name(scan, &run, evidence);
		if (score > 0)
		{
			const char *kind = evidence == PHIG_WITNESS_TITLE ? NULL : run.words + run.initials > 1 ? "full" : NULL;

			run.first = particle_begin(scan, run.first);
			phig_add(scan, scan->tokens[run.first].start, scan->tokens[run.last].end, "name", kind, "name", score);
			if (score >= 0.6f)
				keep_known(scan, &run);
			for (int j = run.first; j <= run.last && score >= PHIG_DETECT_MIN_SCORE; j++)
				scan->tokens[j].shape |= PHIG_SHAPE_NAME;
		}
		i = Max(i, run.last);
	}
	find_known(scan);
	for (int i = 2; i < scan->n; i++)
		if (scan->tokens[i - 2].shape & PHIG_SHAPE_NAME)
			find_listed(scan, i, -1);
	for (int i = scan->n - 3; i >= 0; i--)
		if (scan->tokens[i + 2].shape & PHIG_SHAPE_NAME)
			find_listed(scan, i, 1);
}

/* "van der Pol, Rick": particles without a capital before a name. */
static int
particle_begin(const PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;

	while (i > 0 && (tokens[i - 1].lex & PHIG_LEX_PARTICLE) && tokens[i - 1].shape == 0 &&
		   tokens[i].gap == PHIG_GAP_SPACE &&
		   phig_token_len(&tokens[i - 1]) > 1 && (tokens[i - 1].lex & (PHIG_LEX_STREET | PHIG_LEX_ORDINAL)) == 0 &&
		   !(tokens[i - 1].shape & PHIG_SHAPE_USED))
		i--;
	return i;
}

/* From i on: capitalised words, initials, particles between them, a comma once. */
static bool
read_run(const PhigScan *scan, int i, bool labelled, PhigNameRun *run)
{
	const PhigToken *tokens = scan->tokens;
	int			j = i;

	*run = (PhigNameRun)
	{
		.first = i,
			.last = i - 1
	};
	while (j < scan->n && j - i < PHIG_MAX_NAME_TOKENS)
	{
		const PhigToken *token = &tokens[j];

		if (j > i && (token->gap > PHIG_GAP_SPACE || (token->gap == PHIG_GAP_NONE && token->type == PHIG_WORD &&
													  tokens[j - 1].type == PHIG_NUMBER)))
			break;
		if (phig_is_initial(scan, j))
		{
			run->initials++;
			run->last = j;
			j++;
			if (tokens[j].sign == '.' && tokens[j].gap == PHIG_GAP_NONE)
			{
				/* of an initial at the end the full stop is a part */
				run->last = j;
				j++;
			}
			continue;
		}
		if (j > i && run->words > 0 && is_suffix(scan, j))
		{
			run->last = j++;
			continue;
		}
		if (j > i && run->words > 0 && nickname_end(scan, j) > j)
		{
			j = nickname_end(scan, j) + 1;
			continue;
		}
		if (token->type == PHIG_WORD && may_be_name(token, labelled))
		{
			run->words++;
			run->last = j;
			j++;
			/* Maynard46 */
			if (tokens[j].type == PHIG_NUMBER && tokens[j].gap == PHIG_GAP_NONE && phig_token_len(&tokens[j]) <= 4)
			{
				run->last = j;
				j++;
			}
			if (tokens[j].sign == '-' && tokens[j].gap == PHIG_GAP_NONE && tokens[j + 1].gap == PHIG_GAP_NONE &&
				(may_be_name(&tokens[j + 1], labelled) || (tokens[j + 1].dict & PHIG_DICT_LAST)))
			{
				/* "Hauta-aho" */
				if ((tokens[j + 1].shape & PHIG_SHAPE_INITIAL_UPPER) == 0)
					run->last = ++j;
				j++;
			}
			continue;
		}
		/* "de la Cruz" */
		if (j > i && token->type == PHIG_WORD && (token->lex & PHIG_LEX_PARTICLE) &&
			tokens[j + 1].gap == PHIG_GAP_SPACE &&
			(may_be_name(&tokens[j + 1], labelled) || (tokens[j + 1].lex & PHIG_LEX_PARTICLE)) &&
			tokens[j + 1].type == PHIG_WORD)
		{
			j++;
			continue;
		}
		/* LAST, FIRST M; in HL7 v2 with ^ */
		if ((token->sign == ',' || token->sign == '^') && token->gap == PHIG_GAP_NONE && !run->comma &&
			run->words >= 1 &&
			run->words <= 2 &&
			run->initials == 0 && is_name_after_comma(scan, j, labelled))
		{
			run->comma = true;
			j++;
			continue;
		}
		if (token->sign == '.' && token->gap == PHIG_GAP_NONE && labelled && j > i &&
			phig_token_len(&tokens[j - 1]) <= 2 && tokens[j + 1].type == PHIG_WORD)
		{
			j++;
			continue;
		}
		break;
	}
	trim_run(scan, run);
	/* "Ada Poe, Jr." */
	if (scan->tokens[run->last + 1].sign == ',' && run->words > 1 && is_suffix(scan, run->last + 2))
		run->last += 2;
	return run->last >= run->first && run->words > 0;
}

/* "Jr", "III" behind a name. */
static bool
is_suffix(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	return (token->lex & PHIG_LEX_SUFFIX) && (token->shape & PHIG_SHAPE_INITIAL_UPPER) && token->gap <= PHIG_GAP_SPACE;
}

/* 'Ada "Addie" Poe', "Ada (Addie) Poe": the sign behind the nickname that begins at sign i; else i. */
static int
nickname_end(const PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	char		close = tokens[i].sign == '(' ? ')' : tokens[i].sign;

	if (tokens[i].sign != '(' && tokens[i].sign != '"' && tokens[i].sign != '\'')
		return i;
	return tokens[i].gap == PHIG_GAP_SPACE && tokens[i + 1].gap == PHIG_GAP_NONE &&
		may_be_name(&tokens[i + 1], false) &&
		tokens[i + 2].sign == close && tokens[i + 2].gap == PHIG_GAP_NONE && tokens[i + 3].gap == PHIG_GAP_SPACE &&
		(tokens[i + 3].lex == 0 || (tokens[i + 3].dict & PHIG_DICT_LAST)) &&
		may_be_name(&tokens[i + 3], false) ? i + 2 : i;
}

/* "POE, ADA": not a state or a credential, and without a label a surname and a given name in the same letters. */
static bool
is_name_after_comma(const PhigScan *scan, int comma, bool labelled)
{
	const PhigToken *last = &scan->tokens[comma - 1];
	const PhigToken *given = &scan->tokens[comma + 1];

	if (given->gap > PHIG_GAP_SPACE || (scan->tokens[comma].sign == '^' && given->gap != PHIG_GAP_NONE) ||
		!may_be_name(given, labelled) || (given->shape & PHIG_SHAPE_USED) ||
		((given->lex & (PHIG_LEX_STATE | PHIG_LEX_CREDENTIAL)) && phig_token_len(given) == 2))
		return false;
	if (phig_credential_behind(scan, comma + 1) && ((last->dict & PHIG_DICT_LAST) || last->dict == 0))
		return true;
	/* "Poe, Ada M." */
	if (phig_is_initial(scan, comma + 2) && given[1].gap == PHIG_GAP_SPACE && given[2].sign == '.' &&
		((last->dict | given->dict) & (PHIG_DICT_WORD | PHIG_DICT_MEDICAL | PHIG_DICT_CITY)) == 0 && given->lex == 0)
		return true;
	/* both in capitals at the beginning of a line, and no words */
	if ((last->shape & given->shape & PHIG_SHAPE_ALL_UPPER) && last->gap >= PHIG_GAP_LINE &&
		phig_token_len(last) > 3 &&
		phig_token_len(given) > 3 &&
		((last->dict | given->dict) & (PHIG_DICT_WORD | PHIG_DICT_MEDICAL | PHIG_DICT_CITY)) == 0 &&
		((last->lex | given->lex) & (PHIG_LEX_HOUSE | PHIG_LEX_SPECIALTY | PHIG_LEX_AFTER_EPONYM)) == 0)
		return true;
	return labelled || (((last->dict & PHIG_DICT_LAST) || last->dict == 0) && (given->dict & PHIG_DICT_FIRST) &&
						((last->shape ^ given->shape) & PHIG_SHAPE_ALL_UPPER) == 0 &&
						scan->tokens[comma + 2].sign != ',');
}

/* Words at both ends that are ordinary ones and no names are not part of it: "Reports Ada Poe". */
static void
trim_run(const PhigScan *scan, PhigNameRun *run)
{
	run->weight = 0;
	run->best = -9;
	for (int j = run->first; j <= run->last; j++)
		if (scan->tokens[j].type == PHIG_WORD && phig_token_len(&scan->tokens[j]) > 1)
		{
			float		weight = phig_name_weight(scan, j);

			run->weight += weight;
			run->best = Max(run->best, weight);
		}
	while (run->words > 1 && scan->tokens[run->first].type == PHIG_WORD &&
		   phig_token_len(&scan->tokens[run->first]) > 1 &&
		   phig_name_weight(scan, run->first) < 0 && !run->comma)
	{
		run->weight -= phig_name_weight(scan, run->first);
		run->words--;
		do
			run->first++;
		while (run->first < run->last && scan->tokens[run->first].type != PHIG_WORD);
	}
	/* "Ada Q Public": behind an initial any word is a surname */
	while (run->words > 1 && scan->tokens[run->last].type == PHIG_WORD &&
		   phig_token_len(&scan->tokens[run->last]) > 1 &&
		   phig_name_weight(scan, run->last) < -1.0f && !run->comma && !phig_is_initial(scan, run->last - 1) &&
		   !is_suffix(scan, run->last))
	{
		run->weight -= phig_name_weight(scan, run->last);
		run->words--;
		do
			run->last--;
		while (run->last > run->first && scan->tokens[run->last].type == PHIG_SIGN &&
			   scan->tokens[run->last].sign != '.');
	}
}

static void
keep_known(PhigScan *scan, const PhigNameRun *run)
{
	for (int j = run->first; j <= run->last; j++)
	{
		const PhigToken *token = &scan->tokens[j];

		if (token->type == PHIG_WORD && phig_token_len(token) >= 3 &&
			((token->lex & (PHIG_LEX_PARTICLE | PHIG_LEX_SUFFIX | PHIG_LEX_STOP)) == 0) &&
			phig_name_weight(scan, j) > -1.6f)
			phig_known_add(&scan->known, token->hash);
	}
}

/* Words of names found elsewhere in the text. */
static void
find_known(PhigScan *scan)
{
	if (scan->known.n == 0)
		return;
	for (int i = 0; i < scan->n; i++)
	{
		const PhigToken *token = &scan->tokens[i];
		PhigNameRun run = {.first = i, .last = i, .words = 1};

		if (token->type != PHIG_WORD || (token->shape & PHIG_SHAPE_INITIAL_UPPER) == 0 ||
			(token->shape & PHIG_SHAPE_USED) ||
			!phig_known_has(&scan->known, token->hash))
			continue;
		if (phig_is_eponym(scan, &run, true) && ((scan->tokens[i + 1].lex & PHIG_LEX_AFTER_EPONYM) ||
												 scan->tokens[i + 1].sign == '\''))
			continue;

		/*
		 * an ordinary word at the beginning of a sentence is one, unless somebody is said to be
		 * or do something
		 */
		if ((token->dict & PHIG_DICT_WORD) && (token->gap >= PHIG_GAP_LINE || (i > 0 &&
																			   scan->tokens[i - 1].sign == '.')) &&
			(scan->tokens[i + 1].lex & PHIG_LEX_LINK) == 0 &&
			strncmp(scan->text + scan->tokens[i + 1].start, "has ", 4) != 0)
			continue;
		phig_add(scan, token->start, token->end, "name", NULL, "name_known", 0.7f);
	}
}

/* "Efim, Mary and Ana": one word in a list, whose neighbour to the left (-1) or right (1) is a name. */
static void
find_listed(PhigScan *scan, int i, int side)
{
	PhigToken  *token = &scan->tokens[i];
	const PhigToken *joint = &scan->tokens[i + side];
	const PhigToken *far = &scan->tokens[i - side];

	if (token->type != PHIG_WORD || (token->shape & (PHIG_SHAPE_NAME | PHIG_SHAPE_ALL_UPPER)) ||
		!may_be_name(token, false) || phig_token_len(token) < 3 || phig_name_weight(scan, i) < 1.2f ||
		(token->dict & (PHIG_DICT_CITY | PHIG_DICT_PROPER)) ||
		(token->lex & (PHIG_LEX_EPONYM | PHIG_LEX_STATE | PHIG_LEX_CREDENTIAL)))
		return;
	if (joint->sign != ',' && joint->sign != '&' && strncmp(scan->text + joint->start, "and ", 4) != 0)
		return;
	/* the whole item is one word */
	if (far->type == PHIG_WORD && (far->shape & PHIG_SHAPE_INITIAL_UPPER) && token->gap <= PHIG_GAP_SPACE)
		return;
	token->shape |= PHIG_SHAPE_NAME;
	phig_add(scan, token->start, token->end, "name", NULL, "name", 0.55f);
}

/* "(L.R.)", "patient J.S.": two or three initials with full stops.  Returns how many further tokens. */
static int
find_initials(PhigScan *scan, int i)
{
	const PhigToken *tokens = scan->tokens;
	int			last = i;
	int			letters = 0;
	bool		bracket = i > 0 && tokens[i - 1].sign == '(';
	char		word[4] = "";
	char		padded[sizeof(word) + 2];

	while (letters < 3 && tokens[last].type == PHIG_WORD && phig_token_len(&tokens[last]) == 1 &&
		   is_upper(scan->text[tokens[last].start]) &&
		   (letters == 0 || tokens[last].gap == PHIG_GAP_NONE) && tokens[last + 1].sign == '.' &&
		   tokens[last + 1].gap == PHIG_GAP_NONE)
	{
		word[letters++] = scan->text[tokens[last].start];
		last += 2;
	}
	last--;
	/* a name follows: the initials are a part of it */
	if (letters < 2 || (tokens[last + 1].gap == PHIG_GAP_SPACE && may_be_name(&tokens[last + 1], false)))
		return 0;
	snprintf(padded, sizeof(padded), " %s ", word);
	if (strstr(" US IV IM PO BP HR UK EU PM AM BS MS MA BA DO MD RN PA SC SL PR ID USA PHD ", padded) != NULL)
		return last - i;
	if (bracket && tokens[last + 1].sign == ')')
		phig_add(scan, tokens[i].start, tokens[last].end, "name", "initials", "initials", 0.7f);
	else if (phig_witness_before(scan, i) >= PHIG_WITNESS_ROLE)
		phig_add(scan, tokens[i].start, tokens[last].end, "name", "initials", "initials", 0.7f);
	else
		phig_add(scan, tokens[i].start, tokens[last].end, "name", "initials", "initials", 0.35f);
	return last - i;
}

static bool
may_be_name(const PhigToken *token, bool labelled)
{
	if (token->type != PHIG_WORD || (token->shape & PHIG_SHAPE_INITIAL_UPPER) == 0 || phig_token_len(token) < 2 ||
		(token->shape & PHIG_SHAPE_USED))
		return false;
	if (token->lex & PHIG_LEX_STOP)
		return labelled && (token->dict & (PHIG_DICT_FIRST | PHIG_DICT_LAST)) &&
			!(token->shape & PHIG_SHAPE_ALL_UPPER);
	if (token->lex & (PHIG_LEX_TITLE | PHIG_LEX_WEEKDAY | PHIG_LEX_RELATION | PHIG_LEX_CARE))
		return labelled && (token->dict & PHIG_DICT_LAST);
	if (token->lex & PHIG_LEX_MONTH)
		return (token->dict & PHIG_DICT_FIRST) != 0;
	if (token->lex & (PHIG_LEX_CREDENTIAL | PHIG_LEX_PERSON | PHIG_LEX_NAMED))
		return phig_token_len(token) > 3 && (token->dict & (PHIG_DICT_FIRST | PHIG_DICT_LAST)) && labelled;
	return true;
}

bool
phig_is_initial(const PhigScan *scan, int i)
{
	const PhigToken *token = &scan->tokens[i];

	return token->type == PHIG_WORD && phig_token_len(token) == 1 && (token->shape & PHIG_SHAPE_INITIAL_UPPER) &&
		(scan->tokens[i + 1].gap != PHIG_GAP_NONE || scan->tokens[i + 1].type == PHIG_SIGN) &&
		scan->tokens[i + 1].sign != '-' && scan->tokens[i + 1].sign != '/';
}
