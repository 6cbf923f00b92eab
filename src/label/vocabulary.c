/*
 * vocabulary.c
 *		The words that a label may use.
 *
 * Categories are the 18 of 45 CFR 164.514(b)(2)(i)(A)-(R) and phiguard's own;
 * kinds refine them; sensitivity codes are those of the HL7 v3 value set
 * InformationSensitivityPolicy (2.16.840.1.113883.1.11.20428), without its abstract
 * groups.  Stored labels name the words: a word may be added, never removed.
 * The bits of PhigLabel.sens live in memory only, so that the list may grow in place.
 */
#include "postgres.h"

#include "label/vocabulary.h"

typedef struct CategoryWord
{
	const char *name;
	const char *citation;
	const char *const *kinds;
} CategoryWord;

static const char *const no_kinds[] = {NULL};
static const char *const clinical_kinds[] = {
	"diagnosis", "genetic", "lab", "medication", "procedure", "vital", NULL
};
static const char *const quasi_kinds[] = {
	"ethnicity", "facility", "language", "marital", "occupation", "race", "sex", "year", "zip3", NULL
};
static const char *const token_kinds[] = {"hash", "keyed", "random", "sealed", NULL};
static const char *const date_kinds[] = {"birth", "death", "event", NULL};
static const char *const geo_kinds[] = {
	"city", "county", "facility", "point", "state", "street", "zip", NULL
};
static const char *const ip_kinds[] = {"v4", "v6", NULL};
static const char *const device_kinds[] = {"imei", "implant", "mac", "serial", "udi", NULL};
static const char *const vehicle_kinds[] = {"plate", "vin", NULL};
static const char *const license_kinds[] = {
	"dea", "driver", "npi", "passport", "professional", NULL
};
static const char *const phone_kinds[] = {"home", "mobile", "work", NULL};
static const char *const other_kinds[] = {
	"barcode", "employer", "occupation", "trial", "username", NULL
};
static const char *const account_kinds[] = {"bank", "billing", "card", NULL};
static const char *const health_plan_kinds[] = {"group", "hicn", "mbi", "medicaid", "member", NULL};
static const char *const name_kinds[] = {
	"family", "full", "given", "initials", "maiden", "provider", "relative", NULL
};
static const char *const mrn_kinds[] = {"accession", "encounter", "patient", NULL};
static const char *const photo_kinds[] = {"face", "scan", NULL};
static const char *const biometric_kinds[] = {"face", "fingerprint", "gait", "iris", "voice", NULL};
static const char *const ssn_kinds[] = {"itin", "last4", NULL};
static const char *const note_kinds[] = {"clinical", "psychotherapy", NULL};

#define SAFE_HARBOR "45 CFR 164.514(b)(2)(i)"

static const CategoryWord categories[PHIG_NCATEGORIES] = {
	[PHIG_CAT_UNLABELLED] = {"unlabelled", NULL, no_kinds},
	[PHIG_CAT_NONE] = {"none", NULL, no_kinds},
	[PHIG_CAT_QUASI] = {"quasi", "45 CFR 164.514(b)(1)", quasi_kinds},
	[PHIG_CAT_TOKEN] = {"token", "45 CFR 164.514(c)", token_kinds},
	[PHIG_CAT_CLINICAL] = {"clinical", "45 CFR 160.103", clinical_kinds},
	[PHIG_CAT_AGE] = {"age", SAFE_HARBOR "(C)", no_kinds},
	[PHIG_CAT_DATE] = {"date", SAFE_HARBOR "(C)", date_kinds},
	[PHIG_CAT_GEO] = {"geo", SAFE_HARBOR "(B)", geo_kinds},
	[PHIG_CAT_URL] = {"url", SAFE_HARBOR "(N)", no_kinds},
	[PHIG_CAT_IP] = {"ip", SAFE_HARBOR "(O)", ip_kinds},
	[PHIG_CAT_DEVICE] = {"device", SAFE_HARBOR "(M)", device_kinds},
	[PHIG_CAT_VEHICLE] = {"vehicle", SAFE_HARBOR "(L)", vehicle_kinds},
	[PHIG_CAT_LICENSE] = {"license", SAFE_HARBOR "(K)", license_kinds},
	[PHIG_CAT_FAX] = {"fax", SAFE_HARBOR "(E)", no_kinds},
	[PHIG_CAT_PHONE] = {"phone", SAFE_HARBOR "(D)", phone_kinds},
	[PHIG_CAT_EMAIL] = {"email", SAFE_HARBOR "(F)", no_kinds},
	[PHIG_CAT_OTHER] = {"other", SAFE_HARBOR "(R)", other_kinds},
	[PHIG_CAT_ACCOUNT] = {"account", SAFE_HARBOR "(J)", account_kinds},
	[PHIG_CAT_HEALTH_PLAN] = {"health_plan", SAFE_HARBOR "(I)", health_plan_kinds},
	[PHIG_CAT_NAME] = {"name", SAFE_HARBOR "(A)", name_kinds},
	[PHIG_CAT_MRN] = {"mrn", SAFE_HARBOR "(H)", mrn_kinds},
	[PHIG_CAT_PHOTO] = {"photo", SAFE_HARBOR "(Q)", photo_kinds},
	[PHIG_CAT_BIOMETRIC] = {"biometric", SAFE_HARBOR "(P)", biometric_kinds},
	[PHIG_CAT_SSN] = {"ssn", SAFE_HARBOR "(G)", ssn_kinds},
	[PHIG_CAT_NOTE] = {"note", SAFE_HARBOR, note_kinds},
};

/* In alphabetical order: the order in which a label is printed. */
static const char *const sens_codes[] = {
	"ADOL", "B", "BH", "CEL", "COGN", "DEMO", "DIA", "DOB", "DRGIS", "DVD", "EMOTDIS", "EMP",
	"EMPL", "ETH", "ETHUD", "GDIS", "GENDER", "HIV", "IDS", "LIVARG", "LOCIS", "MARST", "MH",
	"MST", "OPIOIDUD", "PATLOC", "PDS", "PHY", "PREGNANT", "PRS", "PSY", "PSYTHPN", "RACE", "REL",
	"SCA", "SDV", "SEX", "SICKLE", "SPI", "SSP", "STD", "SUD", "TBOO", "VIO", "VIP",
};

StaticAssertDecl(lengthof(sens_codes) <= 64, "sensitivity codes must fit the bits of PhigLabel.sens");

const char *
phig_category_name(PhigCategory category)
{
	return categories[category].name;
}

PhigCategory
phig_category_from_name(const char *name)
{
	for (int i = PHIG_CAT_NONE; i < PHIG_NCATEGORIES; i++)
		if (strcmp(categories[i].name, name) == 0)
			return (PhigCategory) i;
	return PHIG_CAT_UNLABELLED;
}

const char *const *
phig_category_kinds(PhigCategory category)
{
	return categories[category].kinds;
}

const char *
phig_category_citation(PhigCategory category)
{
	return categories[category].citation;
}

const char *
phig_kind_from_name(PhigCategory category, const char *name)
{
	for (const char *const *kind = categories[category].kinds; *kind != NULL; kind++)
		if (strcmp(*kind, name) == 0)
			return *kind;
	return NULL;
}

const char *
phig_sens_code(int bit)
{
	return bit >= 0 && bit < (int) lengthof(sens_codes) ? sens_codes[bit] : NULL;
}

uint64
phig_sens_from_code(const char *code)
{
	for (int i = 0; i < (int) lengthof(sens_codes); i++)
		if (strcmp(sens_codes[i], code) == 0)
			return UINT64CONST(1) << i;
	return 0;
}

int
phig_conf_rank(char conf)
{
	const char *place = conf == '\0' ? NULL : strchr(PHIG_CONF_ORDER, conf);

	return place == NULL ? 0 : (int) (place - PHIG_CONF_ORDER) + 1;
}
