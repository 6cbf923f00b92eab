/*
 * store.h
 *		The rows of the policy tables.
 */
#ifndef PHIG_POLICY_STORE_H
#define PHIG_POLICY_STORE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "utils/rel.h"

#define PHIG_PURPOSE_MAX_BYTES 128

typedef enum PhigPolicyTable
{
	PHIG_POLICY_PURPOSE,		/* the marker: see phig_policy_marker */
	PHIG_POLICY_RULE,
	PHIG_POLICY_ROWS,
	PHIG_POLICY_GRANT,
	PHIG_POLICY_MODE,
	PHIG_POLICY_GLASS,
	PHIG_POLICY_GLASS_REVIEW,
	PHIG_POLICY_FUNCTION,
	PHIG_POLICY_AGREEMENT,
	PHIG_POLICY_EXTRACT,
	PHIG_POLICY_EXTRACT_RISK,
	PHIG_POLICY_METHOD_RULE,
	PHIG_POLICY_TABLES
} PhigPolicyTable;

/* Rows as they stand there, palloc'd; what nobody may have understood is for the reader to find out. */

typedef struct PhigPurposeRow
{
	ItemPointerData tid;
	char	   *purpose;
	char	   *code;
	char	   *otherwise;
	char	   *rows;
	bool		require_justification;
	char	   *basis;			/* or NULL, as the next two */
	char	   *description;
	char	   *journal_on_failure;
	TimestampTz created;
	char	   *created_by;
} PhigPurposeRow;

typedef struct PhigRuleRow
{
	ItemPointerData tid;
	char	   *purpose;
	char	   *schema;			/* NULL where it does not name a relation, and so on */
	char	   *relation;
	char	   *column_name;
	char	   *category;
	char	   *kind;
	char	   *sens;
	char	   *conf;
	char	   *transform;
	bool		writable;
	TimestampTz created;
	char	   *created_by;
} PhigRuleRow;

typedef struct PhigRowsRow
{
	ItemPointerData tid;
	char	   *purpose;
	char	   *schema;
	char	   *relation;
	char	   *predicate;
	bool		restrictive;
	Oid			officer;
	char	   *officer_name;
	TimestampTz created;
	Node	   *tree;			/* rows.c: the predicate analysed over tree_of, or NULL */
	Oid			tree_of;
	uint64		tree_at;
} PhigRowsRow;

typedef struct PhigGrantRow
{
	ItemPointerData tid;
	char	   *purpose;
	Oid			grantee;
	char	   *grantee_name;
	bool		denied;
	TimestampTz expires;		/* DT_NOEND: never */
	char	   *recipient;		/* or NULL */
	char	   *agreement;		/* or NULL */
	TimestampTz granted;
	char	   *granted_by;
} PhigGrantRow;

typedef struct PhigModeRow
{
	ItemPointerData tid;
	char	   *schema;
	char	   *relation;
	char	   *mode;
} PhigModeRow;

typedef struct PhigGlassRow
{
	ItemPointerData tid;
	Oid			grantee;
	char	   *grantee_name;
	int32		most;			/* s */
	TimestampTz granted;
	char	   *granted_by;
} PhigGlassRow;

typedef struct PhigGlassReviewRow
{
	ItemPointerData tid;
	char	   *node;
	char	   *position;
	char	   *finding;
	TimestampTz reviewed;
	char	   *reviewed_by;
} PhigGlassReviewRow;

typedef struct PhigFunctionRow
{
	ItemPointerData tid;
	char	   *purpose;
	char	   *function;		/* phig_transform_signature */
	char	   *owner;			/* of the function */
	char	   *definition;		/* phig_boundary_definition when it was registered */
	TimestampTz registered;
	char	   *registered_by;
} PhigFunctionRow;

typedef struct PhigAgreementRow
{
	ItemPointerData tid;
	char	   *name;
	char	   *kind;			/* BAA, DUA */
	char	   *party;
	List	   *purposes;		/* of char * */
	TimestampTz effective;
	TimestampTz expires;		/* DT_NOEND: never */
	char	   *reference;		/* or NULL */
	TimestampTz ended;			/* DT_NOEND: it has not been */
	TimestampTz created;
	char	   *created_by;
} PhigAgreementRow;

typedef struct PhigExtractRow
{
	ItemPointerData tid;
	char	   *schema;
	char	   *relation;
	char	   *purpose;
	char	   *method;
	char	   *agreement;		/* or NULL */
	char	   *owner;			/* of the view, when it was checked */
	char	   *pin;			/* digest of all that was proven */
	TimestampTz checked;
	char	   *checked_by;
	char	   *attestation;	/* NULL: there is none; as the next five */
	TimestampTz attested;
	char	   *attested_by;
	TimestampTz attested_until;
	char	   *attested_pin;
	List	   *redacted;		/* of char *: output columns of redacted text that it names */
	TimestampTz created;
	char	   *created_by;
} PhigExtractRow;

typedef struct PhigExtractRiskRow
{
	ItemPointerData tid;
	char	   *schema;
	char	   *relation;
	char	   *pin;
	char	   *expert;
	char	   *limits;			/* JSON */
	char	   *results;		/* JSON */
	bool		within;
	TimestampTz valid_until;
	TimestampTz recorded;
	char	   *recorded_by;
} PhigExtractRiskRow;

/* What a method of de-identification says of a label, or of one that went through a transform. */
typedef struct PhigMethodRuleRow
{
	ItemPointerData tid;
	char	   *method;
	char	   *category;
	char	   *kind;			/* or NULL: any */
	char	   *transform;		/* or NULL: the label that is left */
	char	   *verdict;		/* passes, refused, attest */
	char	   *citation;
	char	   *advice;			/* or NULL */
} PhigMethodRuleRow;

/* Its OID; InvalidOid where the extension, or a table of this version, is not there. */
extern Oid	phig_policy_table(PhigPolicyTable table);

/*
 * phig_policy_open
 *		One of the tables.  Errors: 55000 where there is none that this version can use.
 */
extern Relation phig_policy_open(PhigPolicyTable table, LOCKMODE lockmode);

/*
 * phig_policy_rows_of
 *		The rows of a table for a purpose (NULL: all): a list of Phig...Row.
 *
 * NIL where the extension is not there.  Errors: XX001 for a NULL where there must be none.
 */
extern List *phig_policy_rows_of(PhigPolicyTable table, const char *purpose);

/* The row of a purpose, or NULL. */
extern PhigPurposeRow *phig_policy_purpose(const char *purpose);

/* Write a row (Phig...Row); tid is not looked at.  Every session goes by it once it is committed. */
extern void phig_policy_insert(Relation relation, PhigPolicyTable table, const void *row);

extern void phig_policy_delete(Relation relation, ItemPointer tid);

/* Write a row in place of the one with that tid. */
extern void phig_policy_update(Relation relation, PhigPolicyTable table, ItemPointer tid, const void *row);

/* Is the role that has the number still the one that had this name? */
extern bool phig_policy_names_role(Oid role, const char *name);

#endif
