/*
 * cache.h
 *		The policies of one purpose, read and made ready for look-ups.
 */
#ifndef PHIG_POLICY_CACHE_H
#define PHIG_POLICY_CACHE_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/hsearch.h"

#include "policy/policy.h"
#include "policy/store.h"

/* Schema and name of a relation: what rules name it by. */
typedef struct PhigRelationName
{
	NameData	schema;
	NameData	relation;
} PhigRelationName;

/* A rule that names one column. */
typedef struct PhigColumnRule
{
	char	   *column_name;
	uint64		sens;			/* a bit, or 0 */
	char		conf;			/* or '\0' */
	PhigDecision decision;
} PhigColumnRule;

/* What the rules of a purpose say of one relation by name. */
typedef struct PhigRuledRelation
{
	PhigRelationName name;		/* the key */
	int			number;			/* from 1: see PhigRuleKey */
	List	   *columns;		/* of PhigColumnRule * */
	List	   *rows;			/* of PhigRowsRow * */
} PhigRuledRelation;

/* What a rule that names no column is found by. */
typedef struct PhigRuleKey
{
	int32		relation;		/* number of the relation that it names, or 0 */
	int32		category;		/* or UNLABELLED: any */
	const char *kind;			/* of the static vocabulary, or NULL */
	uint64		sens;			/* one bit, or 0 */
	int64		conf;			/* a letter, or 0 */
} PhigRuleKey;

typedef struct PhigRule
{
	PhigRuleKey key;
	PhigDecision decision;
} PhigRule;

typedef struct PhigPolicies
{
	char	   *purpose;
	PhigPurposeRow *row;		/* NULL: there is no such purpose */
	char	   *problem;		/* why nothing can be decided for it, or NULL */
	PhigAction	otherwise;
	bool		all_rows;		/* where no allow_rows() speaks */
	HTAB	   *relations;		/* of PhigRuledRelation */
	HTAB	   *rules;			/* of PhigRule */
	uint64		sens;			/* the codes that rules speak of */
	bool		has_conf;
	uint64		digest;			/* of all that was read */
} PhigPolicies;

/* Grows whenever policies may have changed. */
extern uint64 phig_policy_generation;

/* This backend has its own plans forget the marker: no policy has changed. */
extern bool phig_policy_only_plans;

/*
 * phig_policies_of
 *		The policies of a purpose: kept until any policy changes.
 *
 * Memory: until the next call.
 */
extern const PhigPolicies *phig_policies_of(const char *purpose);

/* The same, read anew into the current memory context. */
extern PhigPolicies *phig_policies_read(const char *purpose);

/* What the rules say of a relation by name, or NULL. */
extern const PhigRuledRelation *phig_policies_relation(const PhigPolicies *policies, Oid relid);

/* Why nothing can be decided by a row of a purpose, or NULL. */
extern char *phig_purpose_problem(const PhigPurposeRow *row);

/* What a rule names, for people: names and words. */
extern char *phig_rule_words(const PhigRuleRow *row);

/* What a rule row says; or why it says nothing, else NULL.  The decision's texts are the row's. */
extern char *phig_rule_problem(const PhigRuleRow *row, PhigRuleKey *key, PhigDecision *decision);

/* The mode of a relation by policy_mode, not above the server's; by its topmost ancestors. */
extern int	phig_policy_mode(Oid relid);

/* Of all rows of policy_mode. */
extern uint64 phig_policy_modes_digest(void);

/* The stricter of two decisions. */
extern PhigDecision phig_decision_stricter(const PhigDecision *a, const PhigDecision *b);

extern void phig_policy_cache_init(void);

#endif
