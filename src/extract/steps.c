/*
 * steps.c
 *		Hierarchies that a user gives, read.
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "parser/parser.h"

#include "extract/steps.h"

static bool is_named(const char **columns, int ncolumns, const JsonbValue *key);
static const char *expression_of(const char *column, const char *text);
static void refuse_steps(const char *column);

void
phig_steps_check(const Jsonb *given, const char **columns, int ncolumns, const char *what)
{
	JsonbIterator *iterator;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (given == NULL)
		return;
	iterator = JsonbIteratorInit(unconstify(JsonbContainer *, &given->root));
	token = JsonbIteratorNext(&iterator, &value, true);
	if (token != WJB_BEGIN_OBJECT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("hierarchies must be an object of columns")));
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
		if (token == WJB_KEY && !is_named(columns, ncolumns, &value))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("hierarchies speak of a column that %s does not name", what),
					 errhint("The keys of hierarchies are columns of %s.", what)));
}

const char **
phig_steps_of(const Jsonb *given, const char *column, int *count, const char ***shown)
{
	JsonbValue	found;
	JsonbValue *value = given == NULL ? NULL :
		getKeyJsonValueFromContainer(unconstify(JsonbContainer *, &given->root), column, strlen(column), &found);
	const char **steps;

	*count = 0;
	if (value != NULL)
	{
		if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
			refuse_steps(column);
		*count = JsonContainerSize(value->val.binary.data);
	}
	steps = palloc(sizeof(char *) * Max(*count, 1));
	*shown = palloc(sizeof(char *) * Max(*count, 1));
	for (int i = 0; i < *count; i++)
	{
		JsonbValue *step = getIthJsonbValueFromContainer(value->val.binary.data, i);

		if (step == NULL || step->type != jbvString)
			refuse_steps(column);
		(*shown)[i] = pnstrdup(step->val.string.val, step->val.string.len);
		steps[i] = expression_of(column, (*shown)[i]);
	}
	return steps;
}

static bool
is_named(const char **columns, int ncolumns, const JsonbValue *key)
{
	for (int i = 0; i < ncolumns; i++)
		if ((int) strlen(columns[i]) == key->val.string.len &&
			memcmp(columns[i], key->val.string.val, key->val.string.len) == 0)
			return true;
	return false;
}

/* In parentheses, and nothing but an expression. */
static const char *
expression_of(const char *column, const char *text)
{
	char	   *expression = psprintf("(%s\n)", text);
	List	   *parsed = raw_parser(psprintf("SELECT %s", expression), RAW_PARSE_DEFAULT);
	SelectStmt *select = list_length(parsed) == 1 ? (SelectStmt *) linitial_node(RawStmt, parsed)->stmt : NULL;

	if (select == NULL || !IsA(select, SelectStmt) || select->op != SETOP_NONE ||
		list_length(select->targetList) != 1 ||
		linitial_node(ResTarget, select->targetList)->name != NULL || select->intoClause != NULL ||
		select->fromClause != NIL || select->whereClause != NULL || select->groupClause != NIL ||
		select->havingClause != NULL || select->windowClause != NIL || select->sortClause != NIL ||
		select->limitCount != NULL || select->limitOffset != NULL || select->lockingClause != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("a step in the hierarchy of column \"%s\" is not an expression", column)));
	return expression;
}

static void
refuse_steps(const char *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the hierarchy of column \"%s\" must be an array of expressions", column)));
}
