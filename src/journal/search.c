/*
 * search.c
 *		Conditions on the journal's rows, as far as summaries and definitions decide them.
 *
 * What is understood: a column of one word (active_role, purpose ...) = value or = ANY (array); a value =
 * ANY (a column of many words: returned, subjects ...); such a column && array, @> array; and such
 * conditions with OR between them, or AND below an OR.  Values are whatever is known when the scan begins.
 *
 * Words are compared byte for byte, so only with deterministic collations.  They stand in the journal in
 * UTF-8, and a row shows '?' for what the database's encoding cannot say: a value with a '?' in it
 * may equal anything, and where the encoding is another, so may all that is not ASCII.
 */
#include "postgres.h"

#include "catalog/pg_operator_d.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "journal/definition.h"
#include "journal/journal.h"
#include "journal/named.h"
#include "journal/search.h"

/* How a term's value is meant. */
typedef enum Meant
{
	MEANT_VALUE,				/* this word */
	MEANT_ANY,					/* one of an array */
	MEANT_ALL					/* all of an array */
} Meant;

/* The columns of which segments know the words, by the key that definitions have them under. */
static const struct
{
	PhigLogColumn column;
	bool		many;
	char		key;			/* NUL: see add_word */
}			columns[] = {
	{PHIG_LOG_KIND, false, '\0'},
	{PHIG_LOG_COMMAND, false, 't'},
	{PHIG_LOG_LOGIN_ROLE, false, 'l'},
	{PHIG_LOG_ACTIVE_ROLE, false, 'a'},
	{PHIG_LOG_APP_USER, false, 'u'},
	{PHIG_LOG_DATABASE, false, 'd'},
	{PHIG_LOG_SESSION_ID, false, 'i'},
	{PHIG_LOG_PURPOSE, false, 'P'},
	{PHIG_LOG_RETURNED, true, 'r'},
	{PHIG_LOG_REFERENCED, true, 'e'},
	{PHIG_LOG_STORED, true, 's'},
	{PHIG_LOG_SHOWN, true, 'w'},
	{PHIG_LOG_EXTRACT, false, 'x'},
	{PHIG_LOG_AGREEMENT, false, 'g'},
	{PHIG_LOG_RECIPIENT, false, 'R'},
	{PHIG_LOG_SUBJECTS, true, '\0'},
	{PHIG_LOG_FLAGS, true, 'F'},
};

/* --- planning --- */

static Node *
strip(Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/* Index in columns; -1: another, or none. */
static int
find_column(Node *node, Index relid, bool many)
{
	Var		   *var = (Var *) strip(node);

	if (!IsA(var, Var) || (Index) var->varno != relid || var->varlevelsup != 0)
		return -1;
	for (int i = 0; i < (int) lengthof(columns); i++)
		if (var->varattno == (AttrNumber) (columns[i].column + 1) && columns[i].many == many)
			return i;
	return -1;
}

static bool
is_known(PlannerInfo *root, Index relid, Node *value)
{
	return !bms_is_member(relid, pull_varnos(root, value)) && !contain_volatile_functions(value) &&
		!contain_subplans(value);
}

/* Does it say that two texts are the same bytes? */
static bool
is_equality(Oid opno, Oid collation)
{
	TypeCacheEntry *text = lookup_type_cache(TEXTOID, TYPECACHE_BTREE_OPFAMILY);

	return get_op_opfamily_strategy(opno, text->btree_opf) == BTEqualStrategyNumber &&
		(!OidIsValid(collation) || get_collation_isdeterministic(collation));
}

/* A list of one term: column, how the value is meant, where it stands in exprs. */
static Node *
make_term(int column, Meant meant, Node *value, List **exprs)
{
	*exprs = lappend(*exprs, value);
	return (Node *) list_make1(list_make3_int(column, meant, list_length(*exprs) - 1));
}

static Node *
plan_equality(PlannerInfo *root, Index relid, OpExpr *op, List **exprs)
{
	Node	   *column = linitial(op->args);
	Node	   *value = lsecond(op->args);
	int			i = find_column(column, relid, false);

	if (i < 0)
	{
		value = column;
		i = find_column(lsecond(op->args), relid, false);
	}
	if (i < 0 || !is_equality(op->opno, op->inputcollid) ||
		(exprType(value) != TEXTOID && exprType(value) != NAMEOID) || !is_known(root, relid, value))
		return NULL;
	return make_term(i, MEANT_VALUE, value, exprs);
}

static Node *
plan_overlap(PlannerInfo *root, Index relid, OpExpr *op, List **exprs)
{
	bool		contained = op->opno == OID_ARRAY_CONTAINED_OP;
	Node	   *column = contained ? lsecond(op->args) : linitial(op->args);
	Node	   *value = contained ? linitial(op->args) : lsecond(op->args);
	int			i = find_column(column, relid, true);

	if (i < 0 && op->opno == OID_ARRAY_OVERLAP_OP)
	{
		value = column;
		i = find_column(lsecond(op->args), relid, true);
	}
	if (i < 0 || exprType(value) != TEXTARRAYOID || !is_known(root, relid, value) ||
		(OidIsValid(op->inputcollid) && !get_collation_isdeterministic(op->inputcollid)))
		return NULL;
	return make_term(i, op->opno == OID_ARRAY_OVERLAP_OP ? MEANT_ANY : MEANT_ALL, value, exprs);
}

static Node *
plan_any(PlannerInfo *root, Index relid, ScalarArrayOpExpr *op, List **exprs)
{
	Node	   *scalar = linitial(op->args);
	Node	   *array = lsecond(op->args);
	int			one = find_column(scalar, relid, false);
	int			many = find_column(array, relid, true);

	if (!op->useOr || !is_equality(op->opno, op->inputcollid))
		return NULL;
	if (one >= 0 && exprType(array) == TEXTARRAYOID && is_known(root, relid, array))
		return make_term(one, MEANT_ANY, array, exprs);
	if (many >= 0 && (exprType(scalar) == TEXTOID || exprType(scalar) == NAMEOID) && is_known(root, relid, scalar))
		return make_term(many, MEANT_VALUE, scalar, exprs);
	return NULL;
}

/* OR: of all its parts, or none.  AND, below an OR: of the first part that has any. */
static Node *
plan_bool(PlannerInfo *root, Index relid, BoolExpr *expr, List **exprs)
{
	List	   *terms = NIL;
	ListCell   *lc;

	if (expr->boolop == NOT_EXPR)
		return NULL;
	foreach(lc, expr->args)
	{
		List	   *part = (List *) phig_search_plan(root, relid, lfirst(lc), exprs);

		if (expr->boolop == AND_EXPR && part != NIL)
			return (Node *) part;
		if (expr->boolop == OR_EXPR && part == NIL)
			return NULL;
		terms = list_concat(terms, part);
	}
	return (Node *) terms;
}

Node *
phig_search_plan(PlannerInfo *root, Index relid, Node *clause, List **exprs)
{
	OpExpr	   *op = (OpExpr *) clause;

	if (IsA(clause, BoolExpr))
		return plan_bool(root, relid, (BoolExpr *) clause, exprs);
	if (IsA(clause, ScalarArrayOpExpr))
		return plan_any(root, relid, (ScalarArrayOpExpr *) clause, exprs);
	if (!IsA(clause, OpExpr) || list_length(op->args) != 2)
		return NULL;
	if (op->opno == OID_ARRAY_OVERLAP_OP || op->opno == OID_ARRAY_CONTAINS_OP || op->opno == OID_ARRAY_CONTAINED_OP)
		return plan_overlap(root, relid, op, exprs);
	return plan_equality(root, relid, op, exprs);
}

/* --- at execution --- */

static bool
is_plain(const char *value)
{
	int			encoding = GetDatabaseEncoding();

	if (strchr(value, '?') != NULL)
		return false;
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return true;
	for (; *value != '\0'; value++)
		if (IS_HIGHBIT_SET(*value))
			return false;
	return true;
}

static PhigTerm *
new_term(PhigClause *clause, PhigTermKind kind)
{
	PhigTerm   *term;

	if (clause->terms == NULL)
		clause->terms = palloc(sizeof(PhigTerm));
	else
		clause->terms = repalloc(clause->terms, (clause->nterms + 1) * sizeof(PhigTerm));
	term = &clause->terms[clause->nterms++];
	memset(term, 0, sizeof(*term));
	term->kind = kind;
	return term;
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What is not spelt like a token is in no row. */
static void
add_subject(PhigClause *clause, const char *value)
{
	uint8		token[PHIG_ID_BYTES];

	if (strlen(value) != 2 * PHIG_ID_BYTES)
		return;
	for (int i = 0; i < PHIG_ID_BYTES; i++)
	{
		int			high = hex_digit(value[2 * i]);
		int			low = hex_digit(value[2 * i + 1]);

		if (high < 0 || low < 0)
			return;
		token[i] = high << 4 | low;
	}
	memcpy(new_term(clause, PHIG_TERM_SUBJECT)->token, token, PHIG_ID_BYTES);
	clause->by_record = false;
}

/* False: rows with it cannot be told from others. */
static bool
add_word(PhigClause *clause, int column, const char *value)
{
	PhigTerm   *term;

	switch (columns[column].column)
	{
		case PHIG_LOG_SUBJECTS:
			add_subject(clause, value);
			return true;
		case PHIG_LOG_KIND:
			/* How it ended makes a record one of kind denied. */
			if (strcmp(value, "denied") == 0)
				return false;
			new_term(clause, PHIG_TERM_KINDS)->mask = phig_row_kind_mask(value);
			return true;
		default:
			break;
	}
	if (!is_plain(value))
		return false;
	if (columns[column].column == PHIG_LOG_FLAGS)
	{
		/* Said by records that are not at hand when this is asked. */
		if (strncmp(value, "subjects", 8) == 0 || strcmp(value, "ran") == 0)
			return false;
		term = new_term(clause, PHIG_TERM_FLAGS);
		term->mask = phig_row_flag_mask(value);
	}
	else
		term = new_term(clause, PHIG_TERM_WORD);
	term->word = phig_summary_word(columns[column].key, value, strlen(value));
	return true;
}

static bool
add_scalar(PhigClause *clause, int column, const PhigValue *value)
{
	char	   *word;

	if (value->isnull)
		return true;			/* equals nothing */
	word = value->type == NAMEOID ? pstrdup(NameStr(*DatumGetName(value->value))) : TextDatumGetCString(value->value);
	return add_word(clause, column, word);
}

/* Below an OR all of an array means at least its first element. */
static bool
add_array(PhigClause *clause, int column, const PhigValue *value, bool first)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	if (value->isnull)
		return true;
	deconstruct_array(DatumGetArrayTypeP(value->value), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	if (first && n == 0)
		return false;			/* everything contains nothing */
	for (int i = 0; i < (first ? 1 : n); i++)
		if (!nulls[i] && !add_word(clause, column, TextDatumGetCString(elements[i])))
			return false;
	return true;
}

static bool
is_only_subject(const PhigClause *clause)
{
	for (int t = 0; t < clause->nterms; t++)
		if (clause->terms[t].kind != PHIG_TERM_SUBJECT)
			return false;
	return clause->nterms > 0;
}

/* A clause that is too many, or says nothing, is left to the filter. */
static void
put_clause(PhigSearch *search, const PhigClause *clause, bool useful)
{
	if (!useful || search->nclauses == PHIG_SEARCH_CLAUSES)
		return;
	if (clause->by_record)
		search->record_clauses |= (uint32) 1 << search->nclauses;
	else
		search->by_subject = true;
	if (is_only_subject(clause))
		search->only_subject = true;
	search->clauses[search->nclauses++] = *clause;
}

/* column @> array: a clause an element. */
static void
add_all(PhigSearch *search, int column, const PhigValue *value)
{
	PhigClause	none = {.by_record = true};
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	if (value->isnull)
	{
		put_clause(search, &none, true);
		return;
	}
	deconstruct_array(DatumGetArrayTypeP(value->value), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		PhigClause	clause = {.by_record = true};

		put_clause(search, &clause, nulls[i] || add_word(&clause, column, TextDatumGetCString(elements[i])));
	}
}

void
phig_search_add(PhigSearch *search, Node *planned, const PhigValue *values)
{
	List	   *terms = castNode(List, planned);
	PhigClause	clause = {.by_record = true};
	bool		useful = true;
	ListCell   *lc;

	foreach(lc, terms)
	{
		List	   *term = lfirst(lc);
		int			column = linitial_int(term);
		const PhigValue *value = &values[lthird_int(term)];

		switch ((Meant) lsecond_int(term))
		{
			case MEANT_VALUE:
				useful = useful && add_scalar(&clause, column, value);
				break;
			case MEANT_ANY:
				useful = useful && add_array(&clause, column, value, false);
				break;
			case MEANT_ALL:
				if (list_length(terms) == 1)
				{
					add_all(search, column, value);
					return;
				}
				useful = useful && add_array(&clause, column, value, true);
				break;
		}
	}
	put_clause(search, &clause, useful);
}

/* --- questions --- */

static bool
term_in_summary(const PhigTerm *term, const PhigSummary *summary, bool late)
{
	bool		resolved = (summary->state & PHIG_SUMMARY_UNRESOLVED) == 0;

	switch (term->kind)
	{
		case PHIG_TERM_WORD:
			return !late && (!resolved || phig_summary_has_word(summary, term->word));
		case PHIG_TERM_SUBJECT:
			return phig_summary_has_subject(summary, term->token, late);
		case PHIG_TERM_FLAGS:
			return !late && (!resolved || (summary->flags & term->mask) != 0 ||
							 phig_summary_has_word(summary, term->word));
		case PHIG_TERM_KINDS:
			return !late && (summary->kinds & term->mask) != 0;
		case PHIG_TERM_FORMS:
			return ((late ? summary->late_forms : summary->forms) & term->mask) != 0;
		case PHIG_TERM_OPEN:
			return false;		/* later segments tell */
	}
	return true;
}

bool
phig_search_clause(const PhigSearch *search, int i, const PhigSummary *summary, bool late)
{
	const PhigClause *clause = &search->clauses[i];

	for (int t = 0; t < clause->nterms; t++)
		if (term_in_summary(&clause->terms[t], summary, late))
			return true;
	return false;
}

uint32
phig_search_open(const PhigSearch *search)
{
	uint32		bits = 0;

	for (int i = 0; i < search->nclauses; i++)
		for (int t = 0; t < search->clauses[i].nterms; t++)
			if (search->clauses[i].terms[t].kind == PHIG_TERM_OPEN)
				bits |= (uint32) 1 << i;
	return bits;
}

bool
phig_search_summary(const PhigSearch *search, const PhigSummary *summary)
{
	for (int i = 0; i < search->nclauses; i++)
		if (search->clauses[i].by_record && !phig_search_clause(search, i, summary, false))
			return false;
	return true;
}

/* Bits of the clauses of which a term is of this word, or has one of these masks. */
static uint32
decided(const PhigSearch *search, uint64 word, uint32 kinds, uint32 flags)
{
	uint32		bits = 0;

	for (int i = 0; i < search->nclauses; i++)
		for (int t = 0; t < search->clauses[i].nterms; t++)
		{
			const PhigTerm *term = &search->clauses[i].terms[t];

			if ((term->kind == PHIG_TERM_KINDS && (term->mask & kinds) != 0) ||
				(term->kind == PHIG_TERM_FLAGS && ((term->mask & flags) != 0 || (word != 0 && term->word == word))) ||
				(term->kind == PHIG_TERM_WORD && word != 0 && term->word == word))
				bits |= (uint32) 1 << i;
		}
	return bits;
}

uint32
phig_search_line(const PhigSearch *search, const PhigLine *line)
{
	char		value[PHIG_RECORD_MAX_BYTES];

	if (search->nclauses == 0 || !phig_summary_is_word(line->key))
		return 0;
	return decided(search, phig_summary_word(line->key, value, phig_parse_value(line, value)), 0, 0);
}

uint32
phig_search_record(const PhigSearch *search, uint32 kind, uint32 flags)
{
	return decided(search, 0, kind < 32 ? (uint32) 1 << kind : PG_UINT32_MAX, flags);
}

static bool
names_one(const PhigClause *clause, const PhigNamed *named)
{
	for (int t = 0; t < clause->nterms; t++)
		if (clause->terms[t].kind == PHIG_TERM_SUBJECT &&
			phig_named_has(named, clause->terms[t].token))
			return true;
	return false;
}

/* Of rows of that segment: the other terms that it might be fulfilled by are not there. */
static bool
is_by_names(const PhigClause *clause, const PhigSummary *summary)
{
	bool		named = false;

	for (int t = 0; t < clause->nterms; t++)
	{
		const PhigTerm *term = &clause->terms[t];
		bool		by_persons = term->kind == PHIG_TERM_FORMS || term->kind == PHIG_TERM_OPEN;

		if (term->kind == PHIG_TERM_SUBJECT)
			named = true;
		else if (summary == NULL || (!by_persons && term_in_summary(term, summary, false)))
			return false;
	}
	return named;
}

int
phig_search_by_names(const PhigSearch *search, const PhigSummary *summary)
{
	for (int i = 0; i < search->nclauses; i++)
		if (is_by_names(&search->clauses[i], summary))
			return i;
	return -1;
}

bool
phig_search_block(const PhigSearch *search, int clause, const PhigSummary *summary, uint32 block)
{
	const PhigClause *c = &search->clauses[clause];
	uint32		forms = phig_summary_blocks(summary)[block].forms;

	for (int t = 0; t < c->nterms; t++)
		if ((c->terms[t].kind == PHIG_TERM_SUBJECT && phig_summary_block_has(summary, block, c->terms[t].token)) ||
			(c->terms[t].kind == PHIG_TERM_FORMS && (c->terms[t].mask & forms) != 0))
			return true;
	return false;
}

bool
phig_search_names(const PhigSearch *search, int clause, const PhigPersonsBody *body, const uint8 *data)
{
	const PhigClause *c = &search->clauses[clause];

	for (int t = 0; t < c->nterms; t++)
	{
		const PhigTerm *term = &c->terms[t];

		if (term->kind == PHIG_TERM_FORMS && (term->mask & (uint32) 1 << (body->form % 32)) != 0)
			return true;
		if (term->kind != PHIG_TERM_SUBJECT || body->form != PHIG_PERSONS_TOKENS)
			continue;
		for (uint32 k = 0; k < body->n; k++)
			if (memcmp(data + (Size) k * PHIG_TOKEN_BYTES, term->token, PHIG_TOKEN_BYTES) == 0)
				return true;
	}
	return false;
}

bool
phig_search_has_open(const PhigSearch *search, int clause)
{
	for (int t = 0; t < search->clauses[clause].nterms; t++)
		if (search->clauses[clause].terms[t].kind == PHIG_TERM_OPEN)
			return true;
	return false;
}

bool
phig_search_persons(const PhigSearch *search, uint32 decided, bool captured, const PhigNamed *named)
{
	if (search->all_possible && (!captured || (named != NULL && (named->summaries != NIL || named->unnamed))))
		return true;
	for (int i = 0; i < search->nclauses; i++)
		if (!search->clauses[i].by_record && (decided & ((uint32) 1 << i)) == 0 &&
			(named == NULL || !names_one(&search->clauses[i], named)))
			return false;
	return true;
}
