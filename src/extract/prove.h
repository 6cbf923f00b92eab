/*
 * prove.h
 *		Does a view meet its method?  For the rest of the module.
 */
#ifndef PHIG_EXTRACT_PROVE_H
#define PHIG_EXTRACT_PROVE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"

#include "flow/flow.h"
#include "policy/policy.h"
#include "policy/store.h"

#define PHIG_PIN_BYTES 65

typedef enum PhigVerdict
{
	PHIG_VERDICT_PASSES,
	PHIG_VERDICT_STEERS,		/* reaches no output, but decides which rows there are: the
								 * purpose shows it */
	PHIG_VERDICT_ATTEST,		/* passes where the attestation names the column */
	PHIG_VERDICT_REFUSED
} PhigVerdict;

/* One line of phiguard.check_extract(). */
typedef struct PhigFinding
{
	const char *column;			/* output column, or NULL for what is about the whole */
	List	   *sources;		/* of char *: "schema.table.column" */
	List	   *transforms;		/* of char * */
	PhigVerdict verdict;
	const char *citation;		/* or NULL */
	const char *advice;			/* what is wrong, or what would set it right; or NULL */
} PhigFinding;

typedef struct PhigProof
{
	List	   *findings;		/* of PhigFinding * */
	bool		refused;		/* one of them is */
	bool		codes;			/* it shows codes, which a key or a crosswalk makes */
	List	   *relids;			/* OIDs of the view and of all relations behind it */
	char		pin[PHIG_PIN_BYTES];	/* SHA-256 of all that it went by, in hexadecimal */
	TimestampTz until;			/* when it has to be made anew; DT_NOEND */
} PhigProof;

/*
 * phig_extract_prove
 *		Prove what a row of phiguard.extract says of a view.
 *
 * Memory: the current context.  Errors: 42501 where the purpose's policies cannot be evaluated; 0A000 for
 * nodes that flow does not know.
 */
extern PhigProof *phig_extract_prove(const PhigExtractRow *row, Oid view);

/* The subject that an extract reads as. */
extern PhigSubject *phig_extract_subject(const PhigExtractRow *row, Oid view);

/* A method's place in phig_transform_methods; -1 for another word. */
extern int	phig_method_from_name(const char *name);

/* prove.c: adds a finding about the whole. */
extern void phig_proof_refuse(PhigProof *proof, const char *citation, const char *advice);

/* vet.c: what an extract's query may not have at all; *until as PhigProof's. */
extern void phig_extract_vet_view(PhigProof *proof, const PhigExtractRow *row, Oid view);
extern void phig_extract_vet_query(PhigProof *proof, const PhigExtractRow *row, Query *query);
extern void phig_extract_vet_birth_years(PhigProof *proof, Query *query);

/* zone.c: does what this node computes, apart from its arguments, go by the time zone of whoever reads? */
extern bool phig_extract_goes_by_zone(Node *node);

/* ... or by the DateStyle: a date that is read from a text, or a text that is made of one. */
extern bool phig_extract_goes_by_date_style(Node *node);

/* types.c: is the type, or what it holds, such a one: elements, columns, bounds, what a domain is over? */
extern bool phig_extract_type_holds(Oid type, bool (*is) (Oid type));

/* types.c: can nothing that the server does with values of a type by itself be a function of a user's? */
extern bool phig_extract_type_is_of_server(Oid type);

/* types.c: a type whose values this node makes by what a domain of a user's checks, or InvalidOid; not casts to one. */
extern Oid	phig_extract_makes(Node *node);

/* method.c: what the method says of an item that reaches an output. */
extern PhigVerdict phig_method_verdict(const char *method, const PhigFlowItem *item, const char **citation,
									   const char **advice);

/* All that the method's rules say, as text. */
extern void phig_method_describe(const char *method, StringInfo text);

/* check.c: a finding as a line for people. */
extern char *phig_finding_words(const PhigFinding *finding);

/* pin.c: query before and after it is restricted, flow of the latter, decided what the purpose shows. */
extern void phig_extract_pin(PhigProof *proof, const PhigExtractRow *row, Query *query, Query *restricted,
							 const PhigFlow *flow, const char *decided);

/* terms.c: the agreement of that name, or NULL; why it does not hold for a purpose, or NULL. */
extern PhigAgreementRow *phig_agreement_named(const char *name);
extern char *phig_agreement_problem(const char *name, const char *purpose, const char *method, TimestampTz *until);

/* terms.c: why an extract that is proven may not be read, or NULL; until when the answer holds. */
extern char *phig_extract_terms(const PhigExtractRow *row, const PhigProof *proof, TimestampTz *until, char **hint);

/* state.c: all rows of phiguard.extract, and the one of a view, or NULL; kept until they change. */
extern List *phig_extract_rows(void);
extern const PhigExtractRow *phig_extract_row(Oid view);

/* state.c: why an extract may not be read now, or NULL. */
extern const char *phig_extract_closed(Oid view, const char **hint);

#endif
