/*
 * expression.c
 *		What is shown in place of a value, as an expression over it.
 *
 * The result has the column's base type, so that queries, drivers and models find what they expect;
 * it never fails because of what the value is.  Transforms of phiguard are looked up in a table of what
 * they take and what they need besides; those that an officer registered, in the registry.  Keyed
 * transforms are called through their twins (transform/twin.c).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "flow/flow.h"
#include "label/registry.h"
#include "policy/call.h"
#include "policy/expression.h"
#include "transform/literals.h"
#include "transform/registry.h"

#define SCHEMA_NAME "phiguard"
#define MOST_EXTRA 3
#define MOST_ARGUMENTS (2 + MOST_EXTRA)

typedef enum ExtraKind
{
	EXTRA_NONE,
	EXTRA_REQUIRED,				/* the rule has to say it */
	EXTRA_OPTIONAL,				/* fallback, NULL meaning a null */
	EXTRA_DOMAIN,				/* a key domain: the purpose's name */
	EXTRA_SUBJECT				/* whose row it is; not the rule's to say */
} ExtraKind;

typedef struct Extra
{
	ExtraKind	kind;
	Oid			type;
	const char *fallback;
} Extra;

/* A transform of phiguard for a type of values; TEXTOID stands for all that are strings. */
typedef struct Form
{
	const char *transform;
	Oid			value_type;
	const char *function;
	bool		is_twin;
	Oid			result_type;
	Extra		extra[MOST_EXTRA];
} Form;

#define DOMAIN_ARGUMENT {EXTRA_DOMAIN, TEXTOID, NULL}
#define SHIFT_OF(type) \
	{"shift_date", type, "shift_date", true, type, \
		{{EXTRA_SUBJECT, InvalidOid, NULL}, DOMAIN_ARGUMENT, {EXTRA_OPTIONAL, INT4OID, "365"}}}
#define YEAR_OF(type) \
	{"year", type, "year", true, type, {{EXTRA_NONE}}}, \
	{"birth_year", type, "birth_year", true, type, {{EXTRA_OPTIONAL, DATEOID, NULL}}}

static const Form forms[] = {
	{"age_90", INT2OID, "age_90", true, INT2OID, {{EXTRA_NONE}}},
	{"age_90", INT4OID, "age_90", true, INT4OID, {{EXTRA_NONE}}},
	{"age_90", INT8OID, "age_90", true, INT8OID, {{EXTRA_NONE}}},
	{"fpe", TEXTOID, "fpe", true, TEXTOID,
	{{EXTRA_REQUIRED, TEXTOID, NULL}, {EXTRA_OPTIONAL, TEXTOID, ""}, DOMAIN_ARGUMENT}},
	{"mask", TEXTOID, "mask", false, TEXTOID, {{EXTRA_REQUIRED, INT4OID, NULL}}},
	{"seal", BYTEAOID, "seal", true, BYTEAOID, {{EXTRA_OPTIONAL, TEXTOID, ""}, DOMAIN_ARGUMENT}},
	{"seal", TEXTOID, "seal", true, BYTEAOID, {{EXTRA_OPTIONAL, TEXTOID, ""}, DOMAIN_ARGUMENT}},
	SHIFT_OF(DATEOID),
	SHIFT_OF(TIMESTAMPOID),
	SHIFT_OF(TIMESTAMPTZOID),
	{"surrogate", TEXTOID, "surrogate", true, TEXTOID, {DOMAIN_ARGUMENT}},
	{"token", TEXTOID, "token", true, TEXTOID, {DOMAIN_ARGUMENT}},
	{"token", INT8OID, "token", true, INT8OID, {DOMAIN_ARGUMENT}},
	{"token", UUIDOID, "token", true, UUIDOID, {DOMAIN_ARGUMENT}},
	YEAR_OF(DATEOID),
	YEAR_OF(TIMESTAMPOID),
	YEAR_OF(TIMESTAMPTZOID),
	{"zip3", INT4OID, "zip3", true, INT4OID, {{EXTRA_NONE}}},
	{"zip3", TEXTOID, "zip3", true, TEXTOID, {{EXTRA_NONE}}},
	{"zip3", TEXTOID, "zip3", true, TEXTOID, {{EXTRA_REQUIRED, TEXTOID, NULL}}},
};

/* What an expression is made for. */
typedef struct Making
{
	const char *purpose;
	Node	   *value;			/* of type */
	Oid			type;			/* the column's base type */
	Oid			collation;
	Node	   *subject;		/* or NULL */
	const char *problem;
	Oid			function;		/* of the transform that was made */
} Making;

static void check_literals(const Form *form, List *given);
static Node *mask_value(Making *m);
static Node *apply_transform(Making *m, const char *transform);
static Node *apply_form(Making *m, const Form *form, List *arguments);
static Node *form_value(Making *m, const Form *form);
static bool takes_arguments(const Form *form, int n);
static bool is_string(Oid type);
static List *extra_arguments(Making *m, const Form *form, List *given, Oid *types, int *ntypes);
static Node *subject_argument(Making *m, Oid *type);
static Node *literal(const char *text, Oid type);
static Node *apply_registered(Making *m, const PhigTransformCall *call);
static bool is_named(Oid funcid, const char *name);
static Node *call_registered(Making *m, Oid funcid, List *arguments);
static Oid	our_function(const char *name, int nargs, const Oid *types);
static Node *call(Oid function, Oid result_type, List *arguments, Oid collation);
static Node *convert(Node *node, Oid from, Oid to, Oid collation);
static Oid	collation_of(Oid type, Oid collation);
static char *explain_misfit(const Making *m, const PhigTransformCall *call);

Node *
phig_policy_expression(const PhigSubject *subject_of_policy, const PhigDecision *decision,
					   Node *value, Node *subject, const char **problem)
{
	const char *domain = subject_of_policy->domain;

	return phig_policy_make(domain != NULL ? domain : subject_of_policy->purpose, decision, value, subject, NULL,
							problem);
}

Node *
phig_policy_make(const char *purpose, const PhigDecision *decision, Node *value, Node *subject,
				 Oid *function, const char **problem)
{
	Making		m = {.purpose = purpose, .subject = subject};
	Node	   *result = NULL;

	m.type = getBaseType(exprType(value));
	m.collation = exprCollation(value);
	m.value = exprType(value) == m.type ? value :
		(Node *) makeRelabelType((Expr *) value, m.type, -1, m.collation, COERCE_IMPLICIT_CAST);
	*problem = NULL;
	switch (decision->action)
	{
		case PHIG_ACTION_TRANSFORM:
			result = apply_transform(&m, decision->transform);
			break;
		case PHIG_ACTION_MASK:
			result = mask_value(&m);
			break;
		case PHIG_ACTION_NULL:
			result = (Node *) makeNullConst(m.type, -1, m.collation);
			break;
		case PHIG_ACTION_CLEAR:
		case PHIG_ACTION_DENY:
			elog(ERROR, "no expression stands for a column that is clear or denied");
	}
	if (result == NULL)
		*problem = m.problem;
	if (function != NULL)
		*function = m.function;
	return result;
}

const char *
phig_transform_domain(const PhigTransformCall *call, const char *purpose)
{
	for (int i = 0; i < (int) lengthof(forms); i++)
	{
		int			place = 0;

		if (strcmp(forms[i].transform, call->name) != 0)
			continue;
		for (int j = 0; j < MOST_EXTRA; j++)
		{
			if (forms[i].extra[j].kind == EXTRA_DOMAIN)
				return place < list_length(call->arguments) ? list_nth(call->arguments, place) : purpose;
			place += forms[i].extra[j].kind == EXTRA_REQUIRED || forms[i].extra[j].kind == EXTRA_OPTIONAL;
		}
	}
	return NULL;
}

void
phig_transform_check_literals(const PhigTransformCall *call)
{
	bool		known = false;
	bool		fits = false;

	if (strcmp(call->name, "split") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("transform split cannot stand in a rule"),
				 errdetail("It says which set a person is in, and has nothing to show in place of a value."),
				 errhint("Write it into the query, or the extract: phiguard.split(subject, weights).")));
	for (int i = 0; i < (int) lengthof(forms); i++)
	{
		if (strcmp(forms[i].transform, call->name) != 0)
			continue;
		known = true;
		if (!takes_arguments(&forms[i], list_length(call->arguments)))
			continue;
		fits = true;
		check_literals(&forms[i], call->arguments);
	}
	if (known && !fits)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("transform %s does not take %d arguments in a rule", call->name, list_length(call->arguments))));
}

/* They are read as what they have to be, and tried where only a value would tell. */
static void
check_literals(const Form *form, List *given)
{
	const Oid	types[] = {TEXTOID, form->extra[0].type};
	ListCell   *lc = list_head(given);

	for (int i = 0; i < MOST_EXTRA && lc != NULL; i++)
	{
		const Extra *extra = &form->extra[i];
		Datum		value;

		if (extra->kind == EXTRA_NONE || extra->kind == EXTRA_SUBJECT)
			continue;
		value = castNode(Const, literal(lfirst(lc), extra->type))->constvalue;
		lc = lnext(given, lc);
		if (strcmp(form->transform, "fpe") == 0 && i == 0)
			phig_check_alphabet(DatumGetTextPP(value));
		else if (strcmp(form->transform, "shift_date") == 0 && extra->type == INT4OID)
			phig_check_shift_days(DatumGetInt32(value));
		else if (strcmp(form->transform, "mask") == 0 || strcmp(form->transform, "zip3") == 0)
			(void) OidFunctionCall2Coll(our_function(form->function, 2, types), DEFAULT_COLLATION_OID,
										CStringGetTextDatum("12345"), value);
	}
}

/* Three stars where there is a value; NULL where the type has no such text. */
static Node *
mask_value(Making *m)
{
	const Oid	types[] = {TEXTOID};
	Node	   *text = is_string(m->type) ? convert(m->value, m->type, TEXTOID, m->collation) : NULL;
	Node	   *masked = NULL;

	if (text != NULL)
		masked = convert(call(our_function("mask", 1, types), TEXTOID, list_make1(text), m->collation),
						 TEXTOID, m->type, m->collation);
	return masked != NULL ? masked : (Node *) makeNullConst(m->type, -1, m->collation);
}

static Node *
apply_transform(Making *m, const char *transform)
{
	PhigTransformCall parsed;
	bool		known = false;
	Node	   *result = NULL;

	if (!phig_transform_call_parse(transform, &parsed))
	{
		m->problem = "It is not the name of a transform, with literal arguments in parentheses where it takes any.";
		return NULL;
	}
	for (int i = 0; i < (int) lengthof(forms) && result == NULL && m->problem == NULL; i++)
	{
		if (strcmp(forms[i].transform, parsed.name) != 0)
			continue;
		known = true;
		result = apply_form(m, &forms[i], parsed.arguments);
	}
	if (!known)
		result = apply_registered(m, &parsed);
	if (result == NULL && m->problem == NULL)
		m->problem = explain_misfit(m, &parsed);
	return result;
}

/* NULL where it does not take such values, or so many arguments. */
static Node *
apply_form(Making *m, const Form *form, List *arguments)
{
	Oid			types[MOST_ARGUMENTS] = {INTERNALOID, form->value_type};
	int			ntypes = 2;
	bool		fits = form->value_type == TEXTOID ? is_string(m->type) : form->value_type == m->type;
	Node	   *value;
	List	   *list;

	if (!fits || !takes_arguments(form, list_length(arguments)))
		return NULL;
	value = form_value(m, form);
	if (value == NULL)
		return NULL;
	list = extra_arguments(m, form, arguments, types, &ntypes);
	if (m->problem != NULL)
		return NULL;
	list = lcons(value, list);
	if (form->is_twin)
		list = lcons(makeNullConst(INTERNALOID, -1, InvalidOid), list);
	m->function = our_function(form->function, ntypes - !form->is_twin, types + !form->is_twin);
	value = call(m->function, form->result_type, list, m->collation);
	/* Bytes as text are their digits, whatever bytea_output says. */
	if (form->result_type == BYTEAOID && form->value_type == TEXTOID)
		value = call(F_ENCODE, TEXTOID, list_make2(value, literal("hex", TEXTOID)), m->collation);
	return convert(value, form->value_type, m->type, m->collation);
}

/* A generalisation takes the column as it is, with its blanks: see phig_flow_transform. */
static Node *
form_value(Making *m, const Form *form)
{
	if (m->type == BPCHAROID && strcmp(form->transform, "zip3") == 0)
		return (Node *) makeRelabelType((Expr *) m->value, TEXTOID, -1, collation_of(TEXTOID, m->collation),
										COERCE_IMPLICIT_CAST);
	return convert(m->value, m->type, form->value_type, m->collation);
}

static bool
takes_arguments(const Form *form, int n)
{
	int			least = 0;
	int			most = 0;

	for (int i = 0; i < MOST_EXTRA; i++)
	{
		const ExtraKind kind = form->extra[i].kind;

		least += kind == EXTRA_REQUIRED;
		most += kind == EXTRA_REQUIRED || kind == EXTRA_OPTIONAL || kind == EXTRA_DOMAIN;
	}
	return n >= least && n <= most;
}

static bool
is_string(Oid type)
{
	return TypeCategory(type) == TYPCATEGORY_STRING;
}

/* What a form takes besides the value; the types are added to those of the function. */
static List *
extra_arguments(Making *m, const Form *form, List *given, Oid *types, int *ntypes)
{
	List	   *arguments = NIL;
	int			used = 0;

	for (int i = 0; i < MOST_EXTRA && form->extra[i].kind != EXTRA_NONE; i++)
	{
		const Extra *extra = &form->extra[i];
		Oid			type = extra->type;
		const char *text = extra->kind == EXTRA_DOMAIN ? m->purpose : extra->fallback;

		if (extra->kind == EXTRA_SUBJECT)
			arguments = lappend(arguments, subject_argument(m, &type));
		else
		{
			if (used < list_length(given))
				text = list_nth(given, used++);
			arguments = lappend(arguments, literal(text, type));
		}
		types[(*ntypes)++] = type;
	}
	return arguments;
}

/* Sets the problem where there is none. */
static Node *
subject_argument(Making *m, Oid *type)
{
	Oid			base;
	Oid			collation;
	Node	   *subject = m->subject;

	*type = TEXTOID;
	if (subject == NULL)
	{
		m->problem = "It needs to know whose row it is, and the relation has no label subject=column.";
		return NULL;
	}
	base = getBaseType(exprType(subject));
	collation = exprCollation(subject);
	if (base != exprType(subject))
		subject = (Node *) makeRelabelType((Expr *) subject, base, -1, collation, COERCE_IMPLICIT_CAST);
	if (base == UUIDOID)
		*type = UUIDOID;
	else if (base == INT2OID || base == INT4OID || base == INT8OID)
		*type = INT8OID;
	else if (!is_string(base))
	{
		m->problem = psprintf("The relation's subject column is of type %s; text, integers and uuid can be used.",
							  format_type_be(base));
		return NULL;
	}
	return convert(subject, base, *type, collation);
}

/* text NULL: a null. */
static Node *
literal(const char *text, Oid type)
{
	Oid			input;
	Oid			param;
	int16		len;
	bool		by_value;

	if (text == NULL)
		return (Node *) makeNullConst(type, -1, InvalidOid);
	getTypeInputInfo(type, &input, &param);
	get_typlenbyval(type, &len, &by_value);
	return (Node *) makeConst(type, -1, get_typcollation(type), len,
							  OidInputFunctionCall(input, pstrdup(text), param, -1), false, by_value);
}

/* One that an officer registered, while it does what it did then. */
static Node *
apply_registered(Making *m, const PhigTransformCall *parsed)
{
	Node	   *result = NULL;
	Oid			registry;
	ListCell   *lc;

	foreach(lc, phig_transform_rows(&registry))
	{
		const PhigTransform *row = lfirst(lc);
		Oid			funcid = row->builtin ? InvalidOid : phig_transform_function(row->function);

		if (result == NULL && OidIsValid(funcid) && is_named(funcid, parsed->name) && phig_flow_is_transform(funcid))
			result = call_registered(m, funcid, parsed->arguments);
	}
	return result;
}

/* By its bare name, or with its schema. */
static bool
is_named(Oid funcid, const char *name)
{
	char	   *bare = get_func_name(funcid);
	char	   *schema = get_namespace_name(get_func_namespace(funcid));

	return bare != NULL && schema != NULL &&
		(strcmp(bare, name) == 0 || strcmp(psprintf("%s.%s", schema, bare), name) == 0);
}

/* NULL where it does not fit. */
static Node *
call_registered(Making *m, Oid funcid, List *arguments)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	Form_pg_proc proc;
	bool		fits;
	Oid			types[FUNC_MAX_ARGS];
	Oid			result_type;
	Node	   *value;
	List	   *list;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	fits = proc->pronargs == 1 + list_length(arguments) && proc->provolatile != PROVOLATILE_VOLATILE &&
		!proc->proretset && !OidIsValid(proc->provariadic);
	for (int i = 0; fits && i < proc->pronargs; i++)
	{
		types[i] = proc->proargtypes.values[i];
		fits = !IsPolymorphicType(types[i]);
	}
	result_type = proc->prorettype;
	ReleaseSysCache(tuple);
	value = fits ? convert(m->value, m->type, types[0], m->collation) : NULL;
	if (value == NULL)
		return NULL;
	list = list_make1(value);
	for (int i = 0; i < list_length(arguments); i++)
		list = lappend(list, literal(list_nth(arguments, i), types[i + 1]));
	value = convert(call(funcid, result_type, list, m->collation), result_type, m->type, m->collation);
	if (value != NULL)
		m->function = funcid;
	return value;
}

/* Whatever the caller may use: the executor asks whether he may execute it. */
static Oid
our_function(const char *name, int nargs, const Oid *types)
{
	Oid			schema = get_namespace_oid(SCHEMA_NAME, false);
	Oid			function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
										   PointerGetDatum(buildoidvector(types, nargs)),
										   ObjectIdGetDatum(schema));

	if (!OidIsValid(function) || !phig_is_ours(ProcedureRelationId, function))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("function phiguard.%s(), which a policy needs, is not there", name),
				 errhint("Run ALTER EXTENSION phiguard UPDATE in this database.")));
	return function;
}

static Node *
call(Oid function, Oid result_type, List *arguments, Oid collation)
{
	if (!OidIsValid(collation))
		collation = DEFAULT_COLLATION_OID;
	return (Node *) makeFuncExpr(function, result_type, arguments, collation_of(result_type, collation),
								 collation, COERCE_EXPLICIT_CALL);
}

/*
 * Another type, where that cannot fail whatever the value is: of the same bytes, a wider number, a string
 * as another kind of string, anything as a string.  Else NULL.
 */
static Node *
convert(Node *node, Oid from, Oid to, Oid collation)
{
	Oid			function;
	CoercionPathType path;

	if (from == to)
		return node;
	path = find_coercion_pathway(to, from, COERCION_ASSIGNMENT, &function);
	if (path == COERCION_PATH_RELABELTYPE)
		return (Node *) makeRelabelType((Expr *) node, to, -1, collation_of(to, collation), COERCE_IMPLICIT_CAST);
	if (path == COERCION_PATH_FUNC && get_func_nargs(function) == 1 &&
		((is_string(from) && is_string(to)) ||
		 (TypeCategory(from) == TYPCATEGORY_NUMERIC && TypeCategory(to) == TYPCATEGORY_NUMERIC &&
		  can_coerce_type(1, &from, &to, COERCION_IMPLICIT))))
		return call(function, to, list_make1(node), collation);
	if (path == COERCION_PATH_COERCEVIAIO && (to == TEXTOID || to == VARCHAROID || to == BPCHAROID))
	{
		CoerceViaIO *coerced = makeNode(CoerceViaIO);

		coerced->arg = (Expr *) node;
		coerced->resulttype = to;
		coerced->resultcollid = collation_of(to, collation);
		coerced->coerceformat = COERCE_IMPLICIT_CAST;
		coerced->location = -1;
		return (Node *) coerced;
	}
	return NULL;
}

static Oid
collation_of(Oid type, Oid collation)
{
	Oid			own = get_typcollation(type);

	return own == DEFAULT_COLLATION_OID && OidIsValid(collation) ? collation : own;
}

static char *
explain_misfit(const Making *m, const PhigTransformCall *parsed)
{
	StringInfoData types;
	bool		known = false;

	initStringInfo(&types);
	for (int i = 0; i < (int) lengthof(forms); i++)
	{
		if (strcmp(forms[i].transform, parsed->name) != 0)
			continue;
		known = true;
		if (takes_arguments(&forms[i], list_length(parsed->arguments)) &&
			strstr(types.data, format_type_be(forms[i].value_type)) == NULL)
			appendStringInfo(&types, "%s%s", types.len > 0 ? ", " : "", format_type_be(forms[i].value_type));
	}
	if (known && types.len == 0)
		return psprintf("It does not take %d arguments.", list_length(parsed->arguments));
	if (known)
		return psprintf("The column is of type %s; the transform takes, and gives back, %s.",
						format_type_be(m->type), types.data);
	return psprintf("No registered transform of that name takes %s with %d arguments, gives what is converted to it without fail, and is not volatile.",
					format_type_be(m->type), list_length(parsed->arguments));
}
