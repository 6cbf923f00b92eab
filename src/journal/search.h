/*
 * search.h
 *		Conditions on the journal's rows, as far as summaries and definitions decide them.
 *
 * A search is a list of clauses that all must hold, each a list of terms of which one must.  Whatever
 * it cannot say of a condition it leaves out: rows that it lets through are filtered by the plan, rows that
 * it rejects are not in the answer for certain.
 */
#ifndef PHIG_SEARCH_H
#define PHIG_SEARCH_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"

#include "journal/definition.h"
#include "journal/row.h"
#include "journal/summary.h"

typedef enum PhigTermKind
{
	PHIG_TERM_WORD,				/* a definition has this word */
	PHIG_TERM_SUBJECT,			/* the row names this person */
	PHIG_TERM_FLAGS,			/* its record has one of these flags */
	PHIG_TERM_KINDS,			/* its record is of one of these kinds */
	/* Not from conditions in SQL, and only asked of summaries: */
	PHIG_TERM_FORMS,			/* it says of its persons so much: 1 << PHIG_PERSONS_... */
	PHIG_TERM_OPEN				/* it should name persons, and has no end */
} PhigTermKind;

typedef struct PhigTerm
{
	PhigTermKind kind;
	uint64		word;			/* of flags too, that a definition may have as well */
	uint8		token[PHIG_ID_BYTES];
	uint32		mask;			/* flags, 1 << kind, or 1 << form */
} PhigTerm;

typedef struct PhigClause
{
	int			nterms;			/* 0: nothing matches */
	PhigTerm   *terms;
	bool		by_record;		/* decided by the start record and its definitions: no term is a
								 * subject */
} PhigClause;

/* Clauses beyond these are left to the plan's filter. */
#define PHIG_SEARCH_CLAUSES 32

struct PhigSearch
{
	int			nclauses;
	bool		by_subject;		/* some clause has a term that is one */
	bool		all_possible;	/* rows that may name persons without saying so are let through */
	bool		only_subject;	/* and some has no other terms */
	uint32		record_clauses; /* 1 << number of each clause that is by record */
	PhigClause	clauses[PHIG_SEARCH_CLAUSES];
};

/*
 * phig_search_plan
 *		What of a condition on table relid a search can use, as a node for the plan; NULL: nothing.
 *
 * Expressions whose values it needs are appended to exprs.
 */
extern Node *phig_search_plan(PlannerInfo *root, Index relid, Node *clause, List **exprs);

/*
 * phig_search_add
 *		Add a node of phig_search_plan to the search, with the values (and their types, nulls) of the
 *		expressions now.
 *
 * Memory: terms in the current context.
 */
typedef struct PhigValue
{
	Datum		value;
	bool		isnull;
	Oid			type;
} PhigValue;

extern void phig_search_add(PhigSearch *search, Node *planned, const PhigValue *values);

/* May rows that begin in the segment of this summary match?  Clauses with subjects are not looked at. */
extern bool phig_search_summary(const PhigSearch *search, const PhigSummary *summary);

/* The same for clause i.  late: rows that begin in an earlier segment and name persons in this one. */
extern bool phig_search_clause(const PhigSearch *search, int i, const PhigSummary *summary, bool late);

/*
 * phig_search_by_names
 *		A clause that rows of a segment can only fulfil by the persons whom their records of persons name, or may
 *		hide, or by having no end; -1: there is none.
 *
 * summary: the segment's, which may leave a clause's other terms out; NULL: there is none.
 */
extern int	phig_search_by_names(const PhigSearch *search, const PhigSummary *summary);

/* May persons on record in a block of the segment fulfil such a clause? */
extern bool phig_search_block(const PhigSearch *search, int clause, const PhigSummary *summary, uint32 block);

/* Do the persons of one record?  body, data: as phig_parse_persons gives them. */
extern bool phig_search_names(const PhigSearch *search, int clause, const PhigPersonsBody *body, const uint8 *data);

/* Does a row that should name persons, and has no end? */
extern bool phig_search_has_open(const PhigSearch *search, int clause);

/* The clauses that an execution without an end fulfils: 1 << clause. */
extern uint32 phig_search_open(const PhigSearch *search);

/* Which clauses a definition's line, a record's flags and kind decide for the better: 1 << clause. */
extern uint32 phig_search_line(const PhigSearch *search, const PhigLine *line);
extern uint32 phig_search_record(const PhigSearch *search, uint32 kind, uint32 flags);

/*
 * With those decided, do the persons that an execution names fulfil the other clauses?
 *
 * captured: it names everybody, as far as named says no other; NULL there: nobody.
 */
extern bool phig_search_persons(const PhigSearch *search, uint32 decided, bool captured, const PhigNamed *named);

#endif
