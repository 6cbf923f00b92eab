/*
 * typecheck.c
 *		The check behind the PHI types: phiguard.check_value, called from each domain's CHECK.
 *
 * The domain's own message would only name a constraint.  This one says what is
 * valid and, for a strict type, which rule was broken.  It never says what the
 * value was: not in the message, detail or hint, and the statement, which may
 * hold it as a literal, is kept out of the server log.
 *
 * A domain that is stored in tables may not change its mind, or a dump would not
 * restore: the rules below are fixed per type, and no setting is asked.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "compat.h"
#include "compat.h"
#include "detect/validators.h"

/* One type: what it accepts, and the sentences that explain a refusal. */
typedef struct PhigTypeRule
{
	const char *type;
	PhigValidator check;
	PhigVerdict accepts;		/* the lowest verdict that passes */
	const char *shape;			/* DETAIL */
	const char *shape_hint;		/* HINT when the shape is wrong, or NULL */
	const char *range;			/* HINT when a range is broken; strict types only */
	const char *checksum;		/* HINT when a check digit is wrong; strict types only */
} PhigTypeRule;

#define NUMBER_SHAPE \
	"is at most 64 letters, digits and - . _ / : # * with single spaces between, and has a digit."
#define PHONE_SHAPE \
	"has 7 to 15 digits, with spaces, dots, slashes, hyphens and brackets between, " \
	"a leading +, and an extension after x or ext allowed."
#define PHONE_RANGE \
	"A North American number has ten digits, 1 or +1 before them allowed; area code and " \
	"exchange start with 2 to 9 and do not end in 11, and the area code's second digit is not 9."
#define SSN_SHAPE \
	"A Social Security number is written AAA-GG-SSSS, with hyphens, spaces or dots, " \
	"or as nine digits."
#define NPI_SHAPE "A National Provider Identifier is ten digits."
#define ZIP_SHAPE "A ZIP code is five digits, or nine with or without a hyphen after the fifth."
#define ZIP_HINT "Where a leading zero was lost, pad on the left to five digits."
#define NULL_HINT "Use NULL where there is none."

/* In the order of their names: find_rule searches by halves. */
static const PhigTypeRule type_rules[] = {
	{
		.type = "account_number",
		.check = phig_check_number,
		.accepts = PHIG_VALID,
		.shape = "An account number " NUMBER_SHAPE
	},
	{
		.type = "account_number_strict",
		.check = phig_check_card_or_routing,
		.accepts = PHIG_VALID,
		.shape = "A payment card has 13 to 19 digits, plain or in groups; "
		"a bank routing number has nine digits.",
		.range = "The first digits and the length must be those of a card issuer, "
		"or of a Federal Reserve district.",
		.checksum = "The check digit is wrong: Luhn for a card, "
		"weights 3, 7, 1 for a routing number."
	},
	{
		.type = "city",
		.check = phig_check_name,
		.accepts = PHIG_VALID,
		.shape = "A place has at least one letter, no control characters and at most 400 bytes.",
		.shape_hint = NULL_HINT
	},
	{
		.type = "device_id",
		.check = phig_check_device_text,
		.accepts = PHIG_VALID,
		.shape = "A device identifier is at most 200 printable ASCII characters "
		"(and GS1 group separators), at least one of them a letter or digit."
	},
	{
		.type = "device_id_strict",
		.check = phig_check_device,
		.accepts = PHIG_VALID,
		.shape = "A strict device identifier is a GS1 UDI such as (01)GTIN-14(17)YYMMDD(21)serial, "
		"a GTIN-14, an IMEI of 15 digits, or a MAC address of 12 hexadecimal digits.",
		.range = "A date in a UDI is YYMMDD; a MAC address is neither all zeros nor all ones.",
		.checksum = "The check digit is wrong: the GTIN's last digit, or Luhn for an IMEI."
	},
	{
		.type = "email",
		.check = phig_check_email,
		.accepts = PHIG_VALID,
		.shape = "An e-mail address is written local-part@host.domain, "
		"with at most 64 bytes before the @ and 254 in all."
	},
	{
		.type = "fax",
		.check = phig_check_phone,
		.accepts = PHIG_BAD_RANGE,
		.shape = "A fax number " PHONE_SHAPE
	},
	{
		.type = "fax_strict",
		.check = phig_check_phone,
		.accepts = PHIG_VALID,
		.shape = "A fax number " PHONE_SHAPE,
		.range = PHONE_RANGE
	},
	{
		.type = "health_plan_id",
		.check = phig_check_number,
		.accepts = PHIG_VALID,
		.shape = "A health plan identifier " NUMBER_SHAPE
	},
	{
		.type = "health_plan_id_strict",
		.check = phig_check_mbi,
		.accepts = PHIG_VALID,
		.shape = "A Medicare Beneficiary Identifier is eleven upper-case letters and digits, "
		"plain or 4-3-4 with hyphens.",
		.range = "Position by position it is: 1-9, letter, letter or digit, digit, letter, "
		"letter or digit, digit, letter, letter, digit, digit; "
		"S, L, O, I, B and Z are not used."
	},
	{
		.type = "license_number",
		.check = phig_check_number,
		.accepts = PHIG_VALID,
		.shape = "A license or certificate number " NUMBER_SHAPE
	},
	{
		.type = "license_number_strict",
		.check = phig_check_dea,
		.accepts = PHIG_VALID,
		.shape = "A DEA registration number is two upper-case letters, or a letter and 9, "
		"and seven digits; a suffix after a hyphen is allowed.",
		.range = "The first letter is one of A B C D E F G H J K L M P R S T U X.",
		.checksum = "The last digit is wrong: it is that of the sum of digits 1, 3, 5 "
		"and twice the sum of digits 2, 4, 6."
	},
	{
		.type = "mrn",
		.check = phig_check_number,
		.accepts = PHIG_VALID,
		.shape = "A medical record number " NUMBER_SHAPE
	},
	{
		.type = "npi",
		.check = phig_check_npi,
		.accepts = PHIG_BAD_RANGE,
		.shape = NPI_SHAPE
	},
	{
		.type = "npi_strict",
		.check = phig_check_npi,
		.accepts = PHIG_VALID,
		.shape = NPI_SHAPE,
		.range = "It starts with 1 or 2.",
		.checksum = "The check digit is wrong: Luhn over 80840 and the number."
	},
	{
		.type = "other_id",
		.check = phig_check_line,
		.accepts = PHIG_VALID,
		.shape = "An identifier is not blank, has no control characters and at most 1000 bytes.",
		.shape_hint = NULL_HINT
	},
	{
		.type = "person_name",
		.check = phig_check_name,
		.accepts = PHIG_VALID,
		.shape = "A name has at least one letter, no control characters and at most 400 bytes.",
		.shape_hint = NULL_HINT
	},
	{
		.type = "phone",
		.check = phig_check_phone,
		.accepts = PHIG_BAD_RANGE,
		.shape = "A telephone number " PHONE_SHAPE
	},
	{
		.type = "phone_strict",
		.check = phig_check_phone,
		.accepts = PHIG_VALID,
		.shape = "A telephone number " PHONE_SHAPE,
		.range = PHONE_RANGE
	},
	{
		.type = "ssn",
		.check = phig_check_ssn,
		.accepts = PHIG_BAD_RANGE,
		.shape = SSN_SHAPE
	},
	{
		.type = "ssn_strict",
		.check = phig_check_ssn,
		.accepts = PHIG_VALID,
		.shape = SSN_SHAPE,
		.range = "The area is not 000, 666 or 900 to 999, the group not 00, the serial not 0000, "
		"and it is no number that was withdrawn after it was printed in public."
	},
	{
		.type = "street_address",
		.check = phig_check_address,
		.accepts = PHIG_VALID,
		.shape = "An address has at least one letter or digit, no control characters "
		"but line ends and tabs, and at most 1000 bytes.",
		.shape_hint = NULL_HINT
	},
	{
		.type = "url",
		.check = phig_check_url,
		.accepts = PHIG_VALID,
		.shape = "A web address is written scheme://host/path, www.host, or host/path, "
		"without spaces, in at most 2048 bytes."
	},
	{
		.type = "vehicle_id",
		.check = phig_check_plate,
		.accepts = PHIG_VALID,
		.shape = "A vehicle identifier is at most 64 letters, digits and - . _ / : # * "
		"with single spaces between."
	},
	{
		.type = "vehicle_id_strict",
		.check = phig_check_vin,
		.accepts = PHIG_VALID,
		.shape = "A vehicle identification number is 17 upper-case letters and digits "
		"without I, O and Q, the ninth a digit or X.",
		.range = "The tenth character is not U, Z or 0, and the last four are digits.",
		.checksum = "The check digit, the ninth character, is wrong (49 CFR 565.15)."
	},
	{
		.type = "zip_code",
		.check = phig_check_zip,
		.accepts = PHIG_BAD_RANGE,
		.shape = ZIP_SHAPE,
		.shape_hint = ZIP_HINT
	},
	{
		.type = "zip_code_strict",
		.check = phig_check_zip,
		.accepts = PHIG_VALID,
		.shape = ZIP_SHAPE,
		.shape_hint = ZIP_HINT,
		.range = "ZIP codes run from 00501 to 99950."
	}
};

/* The rule of a type, or NULL. */
static const PhigTypeRule *
find_rule(const char *name, size_t len)
{
	size_t		low = 0;
	size_t		high = lengthof(type_rules);

	while (low < high)
	{
		size_t		middle = (low + high) / 2;
		const char *candidate = type_rules[middle].type;
		int			order = strncmp(candidate, name, len);

		if (order == 0 && candidate[len] != '\0')
			order = 1;
		if (order == 0)
			return &type_rules[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void
refuse_value(const PhigTypeRule *rule, PhigVerdict verdict)
{
	const char *hint = verdict == PHIG_BAD_SHAPE ? rule->shape_hint :
		verdict == PHIG_BAD_RANGE ? rule->range : rule->checksum;

	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("invalid value for type phiguard.%s", rule->type),
			 errdetail("%s", rule->shape),
			 hint != NULL ? errhint("%s", hint) : 0,
			 err_generic_string(PG_DIAG_SCHEMA_NAME, "phiguard"),
			 err_generic_string(PG_DIAG_DATATYPE_NAME, rule->type),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME, psprintf("%s_check", rule->type)),
			 errhidestmt(true)));
}

PG_FUNCTION_INFO_V1(phiguard_check_value);

/*
 * phiguard.check_value(value text, type_name text)
 *
 * Returns true, or raises 23514.  22023 for a type that has no rule.
 */
Datum
phiguard_check_value(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	text	   *name = PG_GETARG_TEXT_PP(1);
	const PhigTypeRule *rule = find_rule(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	PhigVerdict verdict;

	/* The name is not repeated: with the arguments swapped it would be the value. */
	if (rule == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no PHI type of that name has a check"),
				 errhint("The second argument names a text type of phiguard, "
						 "without the schema, such as 'ssn'."),
				 errhidestmt(true)));

	verdict = rule->check(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	if (verdict < rule->accepts)
		refuse_value(rule, verdict);
	PG_FREE_IF_COPY(value, 0);
	PG_RETURN_BOOL(true);
}
