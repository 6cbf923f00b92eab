/*
 * evidence.h
 *		What speaks for a column being PHI before anybody has looked at its values.
 *
 * Its name, its table's name, its type, its comment, and what it references.  Nothing is read but
 * the catalog.  docs/detection.md says how evidence adds up.
 */
#ifndef PHIG_EVIDENCE_H
#define PHIG_EVIDENCE_H

#include "postgres.h"

#include "access/attnum.h"
#include "nodes/pg_list.h"

#include "label/label.h"

/* At this confidence a column is a suspect. */
#define PHIG_EVIDENCE_MIN 0.5f

/*
 * What a column may be.  category UNLABELLED: nothing speaks for anything.  kind is a word of
 * the vocabulary or NULL.  text: "name: ssn; type: text", names of objects and words of phiguard only.
 */
typedef struct PhigEvidence
{
	PhigCategory category;
	const char *kind;
	float		confidence;		/* 0 .. 1 */
	char	   *text;			/* palloc'd; "" without evidence */
} PhigEvidence;

/* One thing that speaks for a category. */
typedef struct PhigEvidenceItem
{
	PhigCategory category;
	const char *kind;
	float		score;
	char	   *text;
} PhigEvidenceItem;

/*
 * phig_evidence_items
 *		What the catalog says of a column: a list of PhigEvidenceItem, palloc'd.
 *
 * about_people: see phig_evidence_is_about_people, which looks at every column.
 */
extern List *phig_evidence_items(Oid relid, AttrNumber attno, bool about_people);

/*
 * phig_evidence_add
 *		One more item; text is kept.
 */
extern List *phig_evidence_add(List *items, PhigCategory category, const char *kind, float score, char *text);

/*
 * phig_evidence_judge
 *		What the items amount to together.
 *
 * Items of one category make it as sure as if each were an independent witness: 1 - (1 - a)(1 - b).  The
 * surest category is it; what speaks for others is left out of the text.
 */
extern void phig_evidence_judge(List *items, PhigEvidence *out);

/*
 * phig_evidence_of_column
 *		What the catalog says of a column.
 *
 * Returns whether it is a suspect: confidence >= PHIG_EVIDENCE_MIN.  out is filled either way.  Labels that
 * the column has are not asked for.  The caller holds a lock on the relation.
 * Memory: text in the current context.  Errors: those of the catalog only.
 */
extern bool phig_evidence_of_column(Oid relid, AttrNumber attno, PhigEvidence *out);

/*
 * phig_evidence_is_about_people
 *		Does a relation have rows about a person: a column that says whose they are, or a reference to such a relation?
 *
 * What is a date there is a date of somebody.
 */
extern bool phig_evidence_is_about_people(Oid relid);

#endif
