/*
 * policy.h
 *		Purpose + role + labels  ->  what a session may see of a relation.
 *
 * Answers questions about relations; knows nothing of queries, and nothing of
 * how an answer is made to hold (enforce/).  Policies live in ordinary tables that
 * pg_dump carries; what a session has read of them is kept until they change.
 */
#ifndef PHIG_POLICY_H
#define PHIG_POLICY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"

#include "label/label.h"

/* What is shown in place of a column's value, from the least to the most strict. */
typedef enum PhigAction
{
	PHIG_ACTION_CLEAR,
	PHIG_ACTION_TRANSFORM,
	PHIG_ACTION_MASK,			/* '***' in place of text; NULL where the type has no such value */
	PHIG_ACTION_NULL,
	PHIG_ACTION_DENY			/* a statement that needs the column is refused */
} PhigAction;

/* What holds for one column, for one subject. */
typedef struct PhigDecision
{
	PhigAction	action;
	bool		writable;		/* may be assigned although it is not clear */
	const char *transform;		/* as the rule says it, "token(registry)"; NULL for other actions */
	const char *because;		/* which rule spoke: "column", "table and category", ...,
								 * "otherwise", "reviewed" */
} PhigDecision;

/* What holds for one relation, for one subject. */
typedef struct PhigRelPolicy
{
	Oid			relid;
	AttrNumber	natts;
	AttrNumber	subject;		/* attno of subject=..., or 0 */
	bool		all_clear;		/* every column is clear, and all rows are shown */
	bool		may_read;		/* every column that is not dropped is clear */
	PhigDecision *columns;		/* [attno - 1]; dropped ones are clear */
	List	   *reads;			/* OIDs of the relations that rows reads besides, as the officer
								 * who wrote it */
	Node	   *rows;			/* which rows: a boolean expression over Vars of varno 1, analysed
								 * and rewritten, sub-selects checked as the officer who wrote it;
								 * NULL: all */
} PhigRelPolicy;

/* Who asks: the session's role (SET ROLE counts, SECURITY DEFINER does not) and purpose. */
typedef struct PhigSubject
{
	Oid			role;
	const char *purpose;		/* "" for none */
	bool		exempt;			/* superuser or BYPASSRLS: recorded, not restricted */
	bool		break_glass;	/* sees everything, flagged: see glass.c */
	bool		granted;		/* the purpose exists, is granted to the role, now, and has what
								 * it requires */
	const char *refusal;		/* otherwise: why not, for errdetail; no user data but role and
								 * purpose */
	const char *advice;			/* and what to do, for errhint */
	bool		rehearsal;		/* asked what would be, were all tables in mode enforce that are
								 * in mode audit */
	TimestampTz expires;		/* when granted ends to hold; DT_NOEND */
	bool		extract;		/* an extract asks: whatever the modes, all labelled tables are
								 * governed */
	const char *domain;			/* key domain where a rule says none; NULL: the purpose's name */
} PhigSubject;

/*
 * phig_policy_subject
 *		The present subject.
 *
 * Memory: static, until the next call.  Looks catalogs up where role, purpose or policies
 * have changed since the last call; else a few comparisons.
 */
extern const PhigSubject *phig_policy_subject(void);

/* The same for any role and purpose; a justification that it wants counts as given.  Texts in the current context. */
extern void phig_policy_subject_of(Oid role, const char *purpose, PhigSubject *subject);

/* "clear", "null", "token(registry)": a decision as its rule says it. */
extern const char *phig_policy_shown(const PhigDecision *decision);

/*
 * phig_policy_stamp
 *		A number for (subject, policies, mode) as they are now; another one when any of them changed.
 *
 * A plan made under one stamp must not run under another.  When the stamp changes, cached
 * plans of this backend that depend on phig_policy_marker() are made invalid; others are not.
 */
extern uint64 phig_policy_stamp(void);

/* Have the plans of this backend that depend on the marker made anew, once. */
extern void phig_policy_forget_plans(void);

/*
 * A relation that plans depend on (PlannedStmt.relationOids) whose making asked for policies; InvalidOid
 * without the extension.
 */
extern Oid	phig_policy_marker(void);

/*
 * phig_policy_relation
 *		What the subject may see of a labelled relation.
 *
 * with_children: also what is read through it from partitions and children: the strictest of
 * their columns.  Rules of its inheritance ancestors bind it.
 * NULL: the relation is not labelled, or its own mode (phiguard.set_mode) is below enforce.
 * Only for subjects that are granted and not exempt.
 * Memory: palloc'd in the current context.
 * Errors: 42501 for a policy that cannot be evaluated, or whose rules name something that is gone (fail closed).
 */
extern PhigRelPolicy *phig_policy_relation(const PhigSubject *subject, Oid relid, bool with_children);

/* Is the relation governed: labelled, and its mode enforce?  (Whoever asks.) */
extern bool phig_policy_governs(Oid relid);

/* The same for a rehearsal: labelled, and its mode not off. */
extern bool phig_policy_would_govern(Oid relid);

/* The same as it is for a subject: a session, a rehearsal or an extract. */
extern bool phig_policy_governs_for(const PhigSubject *subject, Oid relid);

/* The session has broken the glass at some time, and not ended that: worth asking the subject. */
extern bool phig_policy_glass_broken;

/*
 * phig_policy_allows_unrecorded
 *		May a statement on PHI go on whose record cannot be written?
 *
 * As the purpose says, where it is granted and says so; else as phiguard.journal_on_failure does.
 */
extern bool phig_policy_allows_unrecorded(void);

/* Has anybody written a policy in this database? */
extern bool phig_policy_in_use(void);

/*
 * phig_policy_expression
 *		What is shown in place of a value.
 *
 * decision: neither clear nor deny.  value: an expression of the column's declared type, typmod, collation.
 * subject: an expression that says whose row it is, or NULL (shift_date and split need one).
 * The result has the column's base type (of a domain: the type below it).  Keyed transforms are called
 * through twins that nobody else can call (their first argument is of type internal).
 * NULL, with *problem set to what does not fit (no user data), where there is no such transform for that type.
 */
extern Node *phig_policy_expression(const PhigSubject *subject_of_policy, const PhigDecision *decision,
									Node *value, Node *subject, const char **problem);

extern void phig_policy_init(void);

#endif
