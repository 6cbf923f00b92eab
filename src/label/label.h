/*
 * label.h
 *		What is PHI: categories, labels, and the per-relation label cache.
 *
 * A label says what a column holds.  pg_seclabel is the store; this module
 * parses, checks, resolves and caches.  It knows nothing of queries.
 */
#ifndef PHIG_LABEL_H
#define PHIG_LABEL_H

#include "postgres.h"

#include "catalog/objectaccess.h"
#include "catalog/objectaddress.h"
#include "nodes/parsenodes.h"

#define PHIG_PROVIDER "phiguard"

/*
 * Categories, from the least to the most strict: where a column's own label,
 * its type and its ancestors disagree, the greater value holds.
 * The 18 identifiers of 45 CFR 164.514(b)(2)(i) stand between PHIG_CAT_DATE
 * and PHIG_CAT_SSN.
 */
typedef enum PhigCategory
{
	PHIG_CAT_UNLABELLED = 0,	/* nobody has looked at it */
	PHIG_CAT_NONE,				/* reviewed: not PHI */
	PHIG_CAT_QUASI,				/* indirect identifier */
	PHIG_CAT_TOKEN,				/* a code of ours */
	PHIG_CAT_CLINICAL,			/* health information, not an identifier */
	PHIG_CAT_AGE,				/* ages, which matter above 89 */
	PHIG_CAT_DATE,
	PHIG_CAT_GEO,
	PHIG_CAT_URL,
	PHIG_CAT_IP,
	PHIG_CAT_DEVICE,
	PHIG_CAT_VEHICLE,
	PHIG_CAT_LICENSE,
	PHIG_CAT_FAX,
	PHIG_CAT_PHONE,
	PHIG_CAT_EMAIL,
	PHIG_CAT_OTHER,
	PHIG_CAT_ACCOUNT,
	PHIG_CAT_HEALTH_PLAN,
	PHIG_CAT_NAME,
	PHIG_CAT_MRN,
	PHIG_CAT_PHOTO,
	PHIG_CAT_BIOMETRIC,
	PHIG_CAT_SSN,
	PHIG_CAT_NOTE				/* free text: may hold any of them */
} PhigCategory;

#define PHIG_NCATEGORIES (PHIG_CAT_NOTE + 1)

/* The label of one column, resolved.  kind points into static vocabulary. */
typedef struct PhigLabel
{
	PhigCategory category;
	const char *kind;			/* NULL, or e.g. "zip" */
	char		conf;			/* HL7 v3 Confidentiality: U L M N R V */
	uint64		sens;			/* bits of the HL7 sensitivity vocabulary */
} PhigLabel;

/* A column is recorded (and, with a policy, governed) when this holds. */
static inline bool
phig_label_is_phi(const PhigLabel *label)
{
	return label->category > PHIG_CAT_NONE;
}

/* The labels of one relation, as cached. */
typedef struct PhigRelLabels
{
	Oid			relid;
	AttrNumber	natts;			/* columns 1 .. natts, dropped ones included */
	AttrNumber	subject;		/* attno of subject=..., or 0 */
	bool		subject_reaches;	/* ... is a reference to a table that says who the person is: */
	Oid			subject_target; /* this one; InvalidOid: it is gone */
	int			nphi;			/* how many of cols satisfy phig_label_is_phi */
	PhigLabel	cols[FLEXIBLE_ARRAY_MEMBER];	/* [attno - 1] */
} PhigRelLabels;

/*
 * phig_label_relation
 *		Labels of a relation, or NULL when it has no column that is PHI.
 *
 * One hash look-up when cached.  Views answer NULL (flow looks through them);
 * so do system catalogs.
 * Memory:  the result lives in the cache.  Copy what you need; it may be freed
 *          by the next call or the next catalog access.
 * Errors:  catalog errors only; a malformed stored label is an ERROR (XX001), never ignored.
 */
extern const PhigRelLabels *phig_label_relation(Oid relid);

/*
 * phig_label_version
 *		A number that grows whenever the labels of a relation have changed, as far as this backend knows.
 *
 * Numbers come from one counter: a greatest one over several relations grows when
 * any of them changes.  Other invalidations leave it alone.  Means nothing in another backend.
 */
extern uint64 phig_label_version(Oid relid);

/* At least as great as the version of every relation whose labels have been asked for. */
extern uint64 phig_label_newest_version(void);

/*
 * Grows when what the cache holds of any relation may be stale, or a relation was met for the first time.
 * Until then no version grows that was asked for, and nothing else has changed about a relation that was
 * asked for, its name say.
 */
extern uint64 phig_label_invalidations;

/*
 * Has a caller found, since phig_label_invalidations grew last, that all PHI columns of a child are PHI columns of the
 * parent?  A partition that no statement has met yet is not.
 */
extern bool phig_label_is_covered(Oid child, Oid parent);
extern void phig_label_set_covered(Oid child, Oid parent);

/* Like phig_label_relation, but also for relations whose columns are all none or unlabelled; palloc'd copy. */
extern PhigRelLabels *phig_label_relation_copy(Oid relid);

/* The label that a (scalar, array, composite, domain, range) type brings along; category UNLABELLED when none. */
extern PhigLabel phig_label_of_type(Oid typid);

/* The stricter of two: greater category and its kind, greater conf, union of sens. */
extern PhigLabel phig_label_stricter(const PhigLabel *a, const PhigLabel *b);

/* Vocabulary. */
extern const char *phig_category_name(PhigCategory category);
extern PhigCategory phig_category_from_name(const char *name);	/* UNLABELLED when unknown */

/* The kind as the static vocabulary spells it, or NULL when the category has no such kind. */
extern const char *phig_kind_from_name(PhigCategory category, const char *name);

/* "geo kind=zip conf=R sens=HIV,PSY": palloc'd canonical text of a label; "unlabelled" for none at all. */
extern char *phig_label_to_text(const PhigLabel *label);

/*
 * phig_label_set_column
 *		Store a label on a column for phiguard itself (labels that follow data).
 *
 * Writes pg_seclabel and the registry, sends the invalidations.  No privilege is
 * checked; never lowers: what is stored is the stricter of the present own label and label.
 */
extern void phig_label_set_column(Oid relid, AttrNumber attno, const PhigLabel *label);

/*
 * Told of every stored change, in the command that makes it: by SECURITY LABEL, by
 * phiguard's functions, and where labels follow data.  objectSubId 0 is a table (its
 * subject=) or a domain.  The texts are canonical and hold words of the vocabulary
 * only (a column's name with subject=); NULL is no label.  Not called for the
 * labels that CREATE EXTENSION phiguard brings.
 */
typedef void (*phig_label_changed_hook_type) (Oid classId, Oid objectId, int objectSubId,
											  const char *old_text, const char *new_text);
extern phig_label_changed_hook_type phig_label_changed_hook;

/*
 * Told when a column's label is stored and can be looked up: it may raise an error for a label that
 * something else does not go with.  relid: of its relation.
 */
typedef void (*phig_label_stored_hook_type) (Oid relid);
extern phig_label_stored_hook_type phig_label_stored_hook;

/*
 * Told when a relation has lost its last parent: by DETACH PARTITION or NO INHERIT.  tops: its ancestors that had none.
 */
typedef void (*phig_detached_hook_type) (Oid relid, List *tops);
extern phig_detached_hook_type phig_detached_hook;

/*
 * Told before and after every statement that may rename something or move it to another schema: what
 * the first returns (palloc'd, NIL: nothing) the second gets.
 */
typedef List *(*phig_renames_note_hook_type) (void);
typedef void (*phig_renames_follow_hook_type) (List *noted);
extern phig_renames_note_hook_type phig_renames_note_hook;
extern phig_renames_follow_hook_type phig_renames_follow_hook;

/* Start-up: registers the label provider and the cache callbacks. */
extern void phig_label_init(void);

/*
 * Labels follow DDL (follow.c).  hooks.c brackets every utility statement that
 * can move labelled data or change a labelled relation:
 *		PhigFollow *f = phig_follow_before(pstmt->utilityStmt);   (may be NULL: nothing to do)
 *		... the statement runs ...
 *		phig_follow_after(f);
 * CREATE TABLE AS and materialized views get theirs from flow, see enforce of
 * labels in hooks.c.
 */
typedef struct PhigFollow PhigFollow;
extern PhigFollow *phig_follow_before(Node *utilityStmt);
extern void phig_follow_after(PhigFollow *follow);

/* object_access_hook's work: the registry forgets drops; DROP EXTENSION is refused while columns have our types. */
extern void phig_label_object_access(ObjectAccessType access, Oid classId, Oid objectId, int subId, void *arg);

/* Is the current role an officer: a superuser or a member of phiguard.officer_role? */
extern bool phig_is_officer(void);

/* Is the current role an auditor: a superuser or a member of phiguard.auditor_role? */
extern bool phig_is_auditor(void);

#endif
