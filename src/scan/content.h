/*
 * content.h
 *		What the values of a column speak for.
 *
 * Counts only: no value is kept, none comes out.
 */
#ifndef PHIG_CONTENT_H
#define PHIG_CONTENT_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Forms that a value can have. */
typedef enum PhigValueForm
{
	PHIG_FORM_SSN,
	PHIG_FORM_SSN_BARE,
	PHIG_FORM_EMAIL,
	PHIG_FORM_URL,
	PHIG_FORM_IP,
	PHIG_FORM_PHONE,
	PHIG_FORM_PHONE_BARE,
	PHIG_FORM_ZIP_LONG,
	PHIG_FORM_ZIP,
	PHIG_FORM_UUID,
	PHIG_FORM_DATE,
	PHIG_FORM_DATE_BARE,
	PHIG_FORM_NPI,
	PHIG_FORM_DEA,
	PHIG_FORM_VIN,
	PHIG_FORM_MBI,
	PHIG_FORM_CARD,
	PHIG_FORM_MAC,
	PHIG_FORM_UDI,
	PHIG_FORM_FULL_NAME,
	PHIG_FORM_GIVEN,
	PHIG_FORM_SURNAME,
	PHIG_FORM_CITY,
	PHIG_FORM_STREET,
	PHIG_FORM_PHOTO,
	PHIG_FORMS
} PhigValueForm;

/* Values are told apart up to so many. */
#define PHIG_CONTENT_DISTINCT 1024

typedef struct PhigContent
{
	int64		values;			/* neither NULL nor blank */
	int64		forms[PHIG_FORMS];
	int64		with_digits;
	int64		only_digits;
	int64		with_at;
	int64		with_dot;
	int64		bytes;
	int64		words;
	int64		searched;		/* texts that detection has searched ... */
	int64		with_identifiers;	/* ... and found something in */
	int			distinct;
	uint64	   *seen;			/* hashes, 0 is free; NULL once everything is counted */
} PhigContent;

/*
 * phig_content_begin
 *		Nothing has been counted.  Memory: 16 kB in the current context, until phig_content_end.
 */
extern void phig_content_begin(PhigContent *content);

/* Everything has been counted: what is left is plain numbers, which may be copied to other processes. */
extern void phig_content_end(PhigContent *content);

/*
 * phig_content_add
 *		Count a value: len bytes of text of this database, or of anything else where holds is PHIG_HOLDS_BYTES.
 *
 * May stop for an interrupt.  Memory: leaves working memory in the current context.
 */
extern void phig_content_add(PhigContent *content, const char *value, size_t len, int holds);

/*
 * phig_content_weigh
 *		Add to what the catalog says (a list of PhigEvidenceItem) what the values say.
 *
 * Items that they contradict lose weight.
 * about_people: see phig_evidence_is_about_people.
 */
extern List *phig_content_weigh(const PhigContent *content, List *items, bool about_people);

#endif
