/*
 * rules.c
 *		What the words of a column's name say.
 *
 * The rule with the highest score speaks; of equals the one with more words.  A word that says that the
 * column is something *about* what the others name (phone_type, ssn_verified, address_id: sort H) silences
 * every rule that does not name it.
 */
#include "postgres.h"

#include "scan/rules.h"

#define T	PHIG_HOLDS_TEXT
#define TI	(PHIG_HOLDS_TEXT | PHIG_HOLDS_INTEGER | PHIG_HOLDS_NUMBER)
#define TIU	(TI | PHIG_HOLDS_UUID)
#define NP	(PHIG_HOLDS_TEXT | PHIG_HOLDS_NUMBER | PHIG_HOLDS_POINT)
#define TM	(PHIG_HOLDS_TIME | PHIG_HOLDS_TEXT)
#define TMI	(TM | PHIG_HOLDS_INTEGER | PHIG_HOLDS_NUMBER)
#define BY	(PHIG_HOLDS_BYTES | PHIG_HOLDS_TEXT | PHIG_HOLDS_VECTOR | PHIG_HOLDS_UNKNOWN)
#define ANY	(TI | PHIG_HOLDS_TIME | PHIG_HOLDS_UUID | PHIG_HOLDS_BOOL | PHIG_HOLDS_DOCUMENT)
#define DOC	(PHIG_HOLDS_TEXT | PHIG_HOLDS_DOCUMENT)

static const PhigNameRule rules[] = {
	/* numbers that the state, a hospital or an insurer gave out */
	{"ssn", NULL, NULL, PHIG_CAT_SSN, NULL, 0.95f, TI},
	{"social security", NULL, NULL, PHIG_CAT_SSN, NULL, 0.95f, TI},
	{"ss number", NULL, NULL, PHIG_CAT_SSN, NULL, 0.9f, TI},
	{"ssn last", NULL, NULL, PHIG_CAT_SSN, "last4", 0.96f, TI},
	{"itin", NULL, NULL, PHIG_CAT_SSN, "itin", 0.9f, TI},
	{"tin", NULL, NULL, PHIG_CAT_SSN, "itin", 0.8f, TI},
	{"tax id", NULL, NULL, PHIG_CAT_SSN, "itin", 0.85f, TI},
	{"tax number", NULL, NULL, PHIG_CAT_SSN, "itin", 0.8f, TI},
	{"taxpayer", NULL, NULL, PHIG_CAT_SSN, "itin", 0.8f, TI},

	{"mrn", NULL, NULL, PHIG_CAT_MRN, "patient", 0.95f, TIU},
	{"mrn id", NULL, NULL, PHIG_CAT_MRN, "patient", 0.95f, TIU},
	{"medical record", NULL, "type", PHIG_CAT_MRN, "patient", 0.85f, TIU},
	{"medical record number", NULL, NULL, PHIG_CAT_MRN, "patient", 0.95f, TIU},
	{"medical record id", NULL, NULL, PHIG_CAT_MRN, "patient", 0.95f, TIU},
	{"health record number", NULL, NULL, PHIG_CAT_MRN, "patient", 0.95f, TIU},
	{"chart number", NULL, NULL, PHIG_CAT_MRN, "patient", 0.85f, TIU},
	{"chart id", NULL, NULL, PHIG_CAT_MRN, "patient", 0.8f, TIU},
	{"empi", NULL, NULL, PHIG_CAT_MRN, "patient", 0.9f, TIU},
	{"empi id", NULL, NULL, PHIG_CAT_MRN, "patient", 0.9f, TIU},
	{"mpi", NULL, NULL, PHIG_CAT_MRN, "patient", 0.85f, TIU},
	{"mpi id", NULL, NULL, PHIG_CAT_MRN, "patient", 0.85f, TIU},
	{"patient id", NULL, "department room bed", PHIG_CAT_MRN, "patient", 0.9f, TIU},
	{"patient key", NULL, "department room bed", PHIG_CAT_MRN, "patient", 0.9f, TIU},
	{"patient number", NULL, "department room bed", PHIG_CAT_MRN, "patient", 0.9f, TIU},
	{"patient uuid", NULL, NULL, PHIG_CAT_OTHER, NULL, 0.9f, TIU},
	{"patient", NULL, NULL, PHIG_CAT_OTHER, NULL, 0.8f, TIU, true},
	{"patient reference", NULL, NULL, PHIG_CAT_OTHER, NULL, 0.85f, TIU},
	{"patient source value", NULL, NULL, PHIG_CAT_MRN, "patient", 0.9f, TIU},
	{"person source value", NULL, NULL, PHIG_CAT_MRN, "patient", 0.9f, TIU},
	{"id value", "{P}", NULL, PHIG_CAT_MRN, "patient", 0.75f, TIU},
	{"icn", "{P}", NULL, PHIG_CAT_MRN, "patient", 0.9f, TIU},
	{"icn", NULL, NULL, PHIG_CAT_ACCOUNT, "billing", 0.6f, TI, true},
	{"pid", "unique {P} {E} {C}", NULL, PHIG_CAT_MRN, "patient", 0.7f, TIU},
	{"identity id", NULL, NULL, PHIG_CAT_MRN, "patient", 0.7f, TIU},
	{"unit number", "{P}", "address", PHIG_CAT_MRN, "patient", 0.6f, TIU},
	{"hospital number", "{P}", NULL, PHIG_CAT_MRN, "patient", 0.7f, TIU},
	{"{P} id", NULL, "department room bed name address alias phone", PHIG_CAT_OTHER, NULL, 0.85f, TIU},
	{"{P} key", NULL, "department room bed name address alias phone", PHIG_CAT_OTHER, NULL, 0.85f, TIU},
	{"{P} uuid", NULL, "department room bed name address alias phone", PHIG_CAT_OTHER, NULL, 0.85f, TIU},
	{"{P} reference", NULL, NULL, PHIG_CAT_OTHER, NULL, 0.75f, TIU},
	{"person", NULL, NULL, PHIG_CAT_OTHER, NULL, 0.7f, PHIG_HOLDS_INTEGER | PHIG_HOLDS_UUID, true},
	{"subject", NULL, NULL, PHIG_CAT_OTHER, "trial", 0.6f, PHIG_HOLDS_INTEGER | PHIG_HOLDS_UUID, true},
	{"subject id", NULL, NULL, PHIG_CAT_OTHER, "trial", 0.9f, TIU},
	{"subject number", NULL, NULL, PHIG_CAT_OTHER, "trial", 0.9f, TIU},
	{"participant id", NULL, NULL, PHIG_CAT_OTHER, "trial", 0.9f, TIU},
	{"employee id", NULL, NULL, PHIG_CAT_OTHER, NULL, 0.75f, TIU},
	{"employee number", NULL, NULL, PHIG_CAT_OTHER, NULL, 0.75f, TIU},
	{"caregiver id", NULL, NULL, PHIG_CAT_OTHER, NULL, 0.6f, TIU},
	{"id", "{P}", "name address alias phone", PHIG_CAT_OTHER, NULL, 0.8f, TIU, true},
	{"uuid", "{P}", "name address alias phone", PHIG_CAT_OTHER, NULL, 0.8f, TIU, true},
	{"badge number", NULL, NULL, PHIG_CAT_OTHER, NULL, 0.7f, TI},
	{"randomization number", NULL, NULL, PHIG_CAT_OTHER, "trial", 0.75f, TI},
	{"screening number", NULL, NULL, PHIG_CAT_OTHER, "trial", 0.7f, TI},
	{"prescription number", NULL, NULL, PHIG_CAT_OTHER, NULL, 0.8f, TIU},
	{"barcode", NULL, NULL, PHIG_CAT_OTHER, "barcode", 0.75f, TI},
	{"csn", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.9f, TIU},
	{"csn id", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.92f, TIU},
	{"fin", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.7f, TIU, true},
	{"fin number", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.8f, TIU},
	{"encounter", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.75f, TIU, true},
	{"encounter id", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.85f, TIU},
	{"encounter key", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.85f, TIU},
	{"encounter number", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.85f, TIU},
	{"encounter reference", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.8f, TIU},
	{"encounter uuid", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.85f, TIU},
	{"visit id", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.85f, TIU},
	{"visit key", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.85f, TIU},
	{"visit number", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.85f, TIU},
	{"admission id", NULL, "source", PHIG_CAT_MRN, "encounter", 0.85f, TIU},
	{"admission number", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.85f, TIU},
	{"stay id", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.85f, TIU},
	{"episode id", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.75f, TIU},
	{"appointment id", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.7f, TIU},
	{"hospitalization id", NULL, NULL, PHIG_CAT_MRN, "encounter", 0.8f, TIU},
	{"id", "encounter visit admission stay episode appointment hospitalization", NULL, PHIG_CAT_MRN, "encounter", 0.75f, TIU, true},
	{"accession", NULL, NULL, PHIG_CAT_MRN, "accession", 0.85f, TIU},
	{"accession id", NULL, NULL, PHIG_CAT_MRN, "accession", 0.85f, TIU},
	{"specimen number", NULL, NULL, PHIG_CAT_MRN, "accession", 0.75f, TIU},
	{"specimen source id", NULL, NULL, PHIG_CAT_MRN, "accession", 0.75f, TIU},
	{"series uuid", NULL, NULL, PHIG_CAT_OTHER, NULL, 0.8f, T},
	{"instance uuid", NULL, NULL, PHIG_CAT_OTHER, NULL, 0.8f, T},
	{"study uuid", NULL, NULL, PHIG_CAT_MRN, "accession", 0.7f, TIU},

	{"member id", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.95f, TIU},
	{"member number", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.95f, TIU},
	{"member key", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.8f, TIU},
	{"subscriber id", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.95f, TIU},
	{"subscriber number", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.95f, TIU},
	{"subscriber key", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.8f, TIU},
	{"insured id", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.9f, TIU},
	{"insured number", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.9f, TIU},
	{"beneficiary id", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.92f, TIU},
	{"beneficiary number", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.92f, TIU},
	{"cardholder id", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.92f, TIU},
	{"prescription group", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "group", 0.65f, TI},
	{"enrollee id", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.9f, TIU},
	{"policy number", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.85f, TIU},
	{"policy id", "{P} insurance coverage", NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.7f, TIU},
	{"insurance id", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.7f, TIU},
	{"insurance number", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.85f, TIU},
	{"group number", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "group", 0.75f, TIU},
	{"group id", "{P} insurance policy coverage payer", NULL, PHIG_CAT_HEALTH_PLAN, "group", 0.6f, TIU},
	{"insurance group", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "group", 0.6f, TI},
	{"hicn", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "hicn", 0.95f, TI},
	{"mbi", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "mbi", 0.95f, TI},
	{"medicare id", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "mbi", 0.92f, TI},
	{"medicare number", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "mbi", 0.92f, TI},
	{"medicaid id", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "medicaid", 0.92f, TI},
	{"medicaid number", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "medicaid", 0.92f, TI},
	{"health plan id", "{P}", NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.7f, TIU},
	{"health plan number", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.8f, TIU},
	{"payer source value", NULL, NULL, PHIG_CAT_HEALTH_PLAN, NULL, 0.7f, T},
	{"plan source value", NULL, NULL, PHIG_CAT_HEALTH_PLAN, NULL, 0.7f, T},
	{"sponsor source value", NULL, NULL, PHIG_CAT_HEALTH_PLAN, NULL, 0.7f, T},
	{"family source value", NULL, NULL, PHIG_CAT_HEALTH_PLAN, "member", 0.8f, T},

	{"account number", NULL, NULL, PHIG_CAT_ACCOUNT, NULL, 0.9f, TIU},
	{"account id", NULL, NULL, PHIG_CAT_ACCOUNT, NULL, 0.85f, TIU},
	{"account key", NULL, NULL, PHIG_CAT_ACCOUNT, NULL, 0.8f, TIU},
	{"account", NULL, NULL, PHIG_CAT_ACCOUNT, NULL, 0.75f, TI, true},
	{"har", NULL, NULL, PHIG_CAT_ACCOUNT, "billing", 0.7f, TI, true},
	{"har id", NULL, NULL, PHIG_CAT_ACCOUNT, "billing", 0.8f, TI},
	{"guarantor number", NULL, NULL, PHIG_CAT_ACCOUNT, "billing", 0.85f, TI},
	{"check number", NULL, "{C}", PHIG_CAT_ACCOUNT, "bank", 0.6f, TI},
	{"eft number", NULL, NULL, PHIG_CAT_ACCOUNT, "bank", 0.75f, TI},
	{"iban", NULL, NULL, PHIG_CAT_ACCOUNT, "bank", 0.95f, T},
	{"routing number", NULL, NULL, PHIG_CAT_ACCOUNT, "bank", 0.85f, TI},
	{"credit card", NULL, "expiration", PHIG_CAT_ACCOUNT, "card", 0.9f, TI},
	{"card number", NULL, NULL, PHIG_CAT_ACCOUNT, "card", 0.9f, TI},
	{"cc number", NULL, NULL, PHIG_CAT_ACCOUNT, "card", 0.85f, TI},
	{"claim id", NULL, NULL, PHIG_CAT_ACCOUNT, "billing", 0.8f, TIU},
	{"claim key", NULL, NULL, PHIG_CAT_ACCOUNT, "billing", 0.8f, TIU},
	{"claim number", NULL, NULL, PHIG_CAT_ACCOUNT, "billing", 0.85f, TIU},
	{"claim", NULL, NULL, PHIG_CAT_ACCOUNT, "billing", 0.6f, TIU, true},
	{"id", "claim", NULL, PHIG_CAT_ACCOUNT, "billing", 0.7f, TIU, true},
	{"invoice number", NULL, NULL, PHIG_CAT_ACCOUNT, "billing", 0.75f, TIU},
	{"invoice id", NULL, NULL, PHIG_CAT_ACCOUNT, "billing", 0.7f, TIU},
	{"patient control number", NULL, NULL, PHIG_CAT_ACCOUNT, "billing", 0.92f, TIU},
	{"control number", "claim payer", NULL, PHIG_CAT_ACCOUNT, "billing", 0.85f, TIU},

	{"license", NULL, NULL, PHIG_CAT_LICENSE, NULL, 0.7f, TI, true},
	{"license number", NULL, "software", PHIG_CAT_LICENSE, NULL, 0.85f, TI},
	{"license id", NULL, NULL, PHIG_CAT_LICENSE, NULL, 0.75f, TI},
	{"driver license", NULL, NULL, PHIG_CAT_LICENSE, "driver", 0.95f, TI},
	{"driver", NULL, NULL, PHIG_CAT_LICENSE, "driver", 0.7f, TI, true},
	{"driver number", NULL, NULL, PHIG_CAT_LICENSE, "driver", 0.8f, TI},
	{"dl number", NULL, NULL, PHIG_CAT_LICENSE, "driver", 0.9f, TI},
	{"passport", NULL, NULL, PHIG_CAT_LICENSE, "passport", 0.95f, TI},
	{"npi", NULL, NULL, PHIG_CAT_LICENSE, "npi", 0.95f, TI},
	{"dea", NULL, NULL, PHIG_CAT_LICENSE, "dea", 0.95f, TI},
	{"{S} number", NULL, NULL, PHIG_CAT_LICENSE, "professional", 0.65f, TI},
	{"upin", NULL, NULL, PHIG_CAT_LICENSE, "professional", 0.9f, TI},
	{"certificate number", NULL, NULL, PHIG_CAT_LICENSE, NULL, 0.75f, TI},

	{"vin", NULL, NULL, PHIG_CAT_VEHICLE, "vin", 0.9f, T},
	{"license plate", NULL, NULL, PHIG_CAT_VEHICLE, "plate", 0.96f, T},
	{"plate number", NULL, "culture", PHIG_CAT_VEHICLE, "plate", 0.85f, T},
	{"plate", "vehicle {P}", "culture", PHIG_CAT_VEHICLE, "plate", 0.75f, T, true},
	{"vehicle plate", NULL, NULL, PHIG_CAT_VEHICLE, "plate", 0.9f, T},
	{"vehicle id", NULL, NULL, PHIG_CAT_VEHICLE, NULL, 0.85f, TIU},
	{"vehicle number", NULL, NULL, PHIG_CAT_VEHICLE, NULL, 0.85f, TI},
	{"vehicle", NULL, NULL, PHIG_CAT_VEHICLE, NULL, 0.55f, T, true},
	{"tag number", NULL, NULL, PHIG_CAT_VEHICLE, "plate", 0.55f, T},

	{"udi", NULL, NULL, PHIG_CAT_DEVICE, "udi", 0.95f, T},
	{"unique device id", NULL, NULL, PHIG_CAT_DEVICE, "udi", 0.95f, TI},
	{"device id", NULL, "exposure", PHIG_CAT_DEVICE, NULL, 0.8f, TIU},
	{"device uuid", NULL, NULL, PHIG_CAT_DEVICE, NULL, 0.8f, TIU},
	{"device number", NULL, NULL, PHIG_CAT_DEVICE, NULL, 0.75f, TI},
	{"production id", NULL, NULL, PHIG_CAT_DEVICE, "udi", 0.8f, TI},
	{"serial number", NULL, NULL, PHIG_CAT_DEVICE, "serial", 0.85f, TI},
	{"serial", NULL, NULL, PHIG_CAT_DEVICE, "serial", 0.7f, T, true},
	{"device serial", NULL, NULL, PHIG_CAT_DEVICE, "serial", 0.9f, TI},
	{"implant serial", NULL, NULL, PHIG_CAT_DEVICE, "implant", 0.9f, TI},
	{"implant id", NULL, NULL, PHIG_CAT_DEVICE, "implant", 0.8f, TIU},
	{"lot number", "device implant vaccine immunization", NULL, PHIG_CAT_DEVICE, NULL, 0.6f, TI},
	{"imei", NULL, NULL, PHIG_CAT_DEVICE, "imei", 0.95f, TI},
	{"mac address", NULL, NULL, PHIG_CAT_DEVICE, "mac", 0.9f, T},

	/* names */
	{"{P} name", NULL, "plan group file", PHIG_CAT_NAME, NULL, 0.92f, T},
	{"{S} name", NULL, "plan group file", PHIG_CAT_NAME, "provider", 0.85f, T},
	{"first name", NULL, NULL, PHIG_CAT_NAME, "given", 0.93f, T},
	{"last name", NULL, NULL, PHIG_CAT_NAME, "family", 0.93f, T},
	{"family name", NULL, NULL, PHIG_CAT_NAME, "family", 0.9f, T},
	{"given name", NULL, NULL, PHIG_CAT_NAME, "given", 0.93f, T},
	{"middle name", NULL, NULL, PHIG_CAT_NAME, "given", 0.93f, T},
	{"middle initial", NULL, NULL, PHIG_CAT_NAME, "initials", 0.9f, T},
	{"full name", NULL, NULL, PHIG_CAT_NAME, "full", 0.9f, T},
	{"last name key", NULL, NULL, PHIG_CAT_NAME, "family", 0.85f, T},
	{"maiden", NULL, NULL, PHIG_CAT_NAME, "maiden", 0.93f, T},
	{"surname", NULL, NULL, PHIG_CAT_NAME, "family", 0.92f, T},
	{"alias", "{P} first last", "drug table column", PHIG_CAT_NAME, NULL, 0.8f, T},
	{"first", NULL, NULL, PHIG_CAT_NAME, "given", 0.7f, T, true},
	{"last", NULL, NULL, PHIG_CAT_NAME, "family", 0.7f, T, true},
	{"given", NULL, NULL, PHIG_CAT_NAME, "given", 0.75f, T, true},
	{"family", NULL, NULL, PHIG_CAT_NAME, "family", 0.6f, T, true},
	{"middle", NULL, NULL, PHIG_CAT_NAME, "given", 0.7f, T, true},
	{"prefix", "{P} name", NULL, PHIG_CAT_NAME, NULL, 0.55f, T, true},
	{"suffix", "{P} name", NULL, PHIG_CAT_NAME, NULL, 0.6f, T, true},
	{"name suffix", NULL, NULL, PHIG_CAT_NAME, NULL, 0.7f, T},
	{"name prefix", NULL, NULL, PHIG_CAT_NAME, NULL, 0.6f, T},
	{"initials", NULL, NULL, PHIG_CAT_NAME, "initials", 0.85f, T},
	{"signature", NULL, NULL, PHIG_CAT_NAME, NULL, 0.7f, DOC | PHIG_HOLDS_BYTES},
	{"emergency contact", NULL, "phone relationship", PHIG_CAT_NAME, "relative", 0.85f, T},
	{"contact", "{P}", NULL, PHIG_CAT_NAME, "relative", 0.6f, T, true},
	{"kin", NULL, "relationship phone", PHIG_CAT_NAME, "relative", 0.8f, T},
	{"mother", NULL, "relationship phone", PHIG_CAT_NAME, "relative", 0.55f, T, true},
	{"father", NULL, "relationship phone", PHIG_CAT_NAME, "relative", 0.55f, T, true},
	{"name", "{P}", NULL, PHIG_CAT_NAME, "full", 0.85f, T, true},
	{"name", "{S}", NULL, PHIG_CAT_NAME, "provider", 0.8f, T, true},
	{"physician", NULL, NULL, PHIG_CAT_NAME, "provider", 0.6f, T, true},
	{"surgeon", NULL, NULL, PHIG_CAT_NAME, "provider", 0.6f, T, true},
	{"username", NULL, NULL, PHIG_CAT_OTHER, "username", 0.8f, T},
	{"user name", NULL, NULL, PHIG_CAT_OTHER, "username", 0.86f, T},
	{"user id", NULL, NULL, PHIG_CAT_OTHER, "username", 0.55f, T},
	{"employer", NULL, NULL, PHIG_CAT_OTHER, "employer", 0.85f, T},
	{"occupation", NULL, NULL, PHIG_CAT_OTHER, "occupation", 0.8f, T},
	{"job title", NULL, NULL, PHIG_CAT_OTHER, "occupation", 0.7f, T},
	{"profession", NULL, NULL, PHIG_CAT_OTHER, "occupation", 0.7f, T},

	/* places */
	{"address", NULL, "ip mac email web url", PHIG_CAT_GEO, "street", 0.88f, DOC},
	{"address line", NULL, NULL, PHIG_CAT_GEO, "street", 0.92f, T},
	{"street", NULL, NULL, PHIG_CAT_GEO, "street", 0.9f, T},
	{"apartment", NULL, NULL, PHIG_CAT_GEO, "street", 0.8f, TI},
	{"city", NULL, NULL, PHIG_CAT_GEO, "city", 0.9f, T},
	{"city code", NULL, NULL, PHIG_CAT_GEO, "city", 0.75f, TI},
	{"town", NULL, NULL, PHIG_CAT_GEO, "city", 0.9f, T},
	{"municipality", NULL, NULL, PHIG_CAT_GEO, "city", 0.85f, T},
	{"district", NULL, "state", PHIG_CAT_GEO, "county", 0.7f, T},
	{"county", NULL, NULL, PHIG_CAT_GEO, "county", 0.9f, TI},
	{"county code", NULL, NULL, PHIG_CAT_GEO, "county", 0.85f, TI},
	{"county c", NULL, NULL, PHIG_CAT_GEO, "county", 0.85f, TI},
	{"city c", NULL, NULL, PHIG_CAT_GEO, "city", 0.85f, TI},
	{"fips", NULL, "state", PHIG_CAT_GEO, "county", 0.8f, TI},
	{"fips code", NULL, "state", PHIG_CAT_GEO, "county", 0.8f, TI},
	{"parish", NULL, NULL, PHIG_CAT_GEO, "county", 0.8f, T},
	{"precinct", NULL, NULL, PHIG_CAT_GEO, "county", 0.8f, TI},
	{"tract", NULL, "{C}", PHIG_CAT_GEO, "county", 0.7f, TI},
	{"census block", NULL, NULL, PHIG_CAT_GEO, "county", 0.8f, TI},
	{"block group", NULL, NULL, PHIG_CAT_GEO, "county", 0.8f, TI},
	{"zip", NULL, "file", PHIG_CAT_GEO, "zip", 0.92f, TI},
	{"zip code", NULL, NULL, PHIG_CAT_GEO, "zip", 0.95f, TI},
	{"postal code", NULL, NULL, PHIG_CAT_GEO, "zip", 0.95f, TI},
	{"postal", NULL, NULL, PHIG_CAT_GEO, "zip", 0.8f, TI},
	{"post code", NULL, NULL, PHIG_CAT_GEO, "zip", 0.95f, TI},
	{"lat", NULL, NULL, PHIG_CAT_GEO, "point", 0.85f, NP, true},
	{"lat", NULL, "{C}", PHIG_CAT_GEO, "point", 0.8f, PHIG_HOLDS_NUMBER},
	{"latitude", NULL, NULL, PHIG_CAT_GEO, "point", 0.9f, NP},
	{"longitude", NULL, "stay", PHIG_CAT_GEO, "point", 0.88f, NP},
	{"geometry", NULL, NULL, PHIG_CAT_GEO, "point", 0.8f, NP | PHIG_HOLDS_UNKNOWN},
	{"geohash", NULL, NULL, PHIG_CAT_GEO, "point", 0.9f, T},
	{"geocode", NULL, NULL, PHIG_CAT_GEO, "point", 0.8f, TI},
	{"coordinates", NULL, NULL, PHIG_CAT_GEO, "point", 0.8f, NP | PHIG_HOLDS_UNKNOWN},
	{"gps", NULL, NULL, PHIG_CAT_GEO, "point", 0.85f, NP},
	{"birth place", NULL, NULL, PHIG_CAT_GEO, "city", 0.92f, T},
	{"place of birth", NULL, NULL, PHIG_CAT_GEO, "city", 0.93f, T},
	{"location source value", NULL, NULL, PHIG_CAT_GEO, NULL, 0.75f, T},
	{"location", NULL, "{C} {E}", PHIG_CAT_GEO, NULL, 0.55f, T, true},
	{"care site name", NULL, NULL, PHIG_CAT_GEO, "facility", 0.8f, T},
	{"care site source value", NULL, NULL, PHIG_CAT_GEO, "facility", 0.6f, T},
	{"{O} name", NULL, "payer vendor manufacturer company room bed", PHIG_CAT_GEO, "facility", 0.7f, T},
	{"name", "facility hospital clinic organization site department pharmacy practice", "payer", PHIG_CAT_GEO, "facility", 0.7f, T, true},
	{"facility location", NULL, NULL, PHIG_CAT_GEO, "facility", 0.6f, T},
	{"facility", NULL, NULL, PHIG_CAT_GEO, "facility", 0.6f, T, true},
	{"hospital", NULL, NULL, PHIG_CAT_GEO, "facility", 0.6f, T, true},
	{"clinic", NULL, NULL, PHIG_CAT_GEO, "facility", 0.6f, T, true},
	{"region", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.5f, T, true},

	/* dates; dates without such words: evidence.c, by type */
	{"birth date", NULL, NULL, PHIG_CAT_DATE, "birth", 0.97f, TMI},
	{"birth", NULL, "weight order place", PHIG_CAT_DATE, "birth", 0.85f, TM, true},
	{"birth year", NULL, NULL, PHIG_CAT_DATE, "birth", 0.9f, TMI},
	{"birth month", NULL, NULL, PHIG_CAT_DATE, "birth", 0.92f, TMI},
	{"birth day", NULL, NULL, PHIG_CAT_DATE, "birth", 0.92f, TMI},
	{"birth time", NULL, NULL, PHIG_CAT_DATE, "birth", 0.95f, TM},
	{"death date", NULL, NULL, PHIG_CAT_DATE, "death", 0.96f, TMI},
	{"death", NULL, NULL, PHIG_CAT_DATE, "death", 0.8f, PHIG_HOLDS_TIME},
	{"deceased date", NULL, NULL, PHIG_CAT_DATE, "death", 0.95f, TMI},
	{"deceased", NULL, NULL, PHIG_CAT_DATE, "death", 0.8f, PHIG_HOLDS_TIME},
	{"expired date", "{P}", NULL, PHIG_CAT_DATE, "death", 0.8f, TM},
	{"lmp", NULL, NULL, PHIG_CAT_DATE, "event", 0.85f, TM},
	{"edd", NULL, NULL, PHIG_CAT_DATE, "event", 0.85f, TM},
	{"{E} date", NULL, NULL, PHIG_CAT_DATE, "event", 0.9f, TM},
	{"{E} time", NULL, NULL, PHIG_CAT_DATE, "event", 0.85f, TM},
	{"{C} date", NULL, NULL, PHIG_CAT_DATE, "event", 0.85f, TM},
	{"service date", NULL, NULL, PHIG_CAT_DATE, "event", 0.9f, TM},
	{"age", NULL, NULL, PHIG_CAT_AGE, NULL, 0.85f, TI},
	{"age year", NULL, NULL, PHIG_CAT_AGE, NULL, 0.85f, TI},
	{"anchor year", NULL, "group", PHIG_CAT_DATE, "event", 0.6f, PHIG_HOLDS_INTEGER | T},

	/* how to reach somebody */
	{"phone", NULL, NULL, PHIG_CAT_PHONE, NULL, 0.93f, TI},
	{"home phone", NULL, NULL, PHIG_CAT_PHONE, "home", 0.95f, TI},
	{"work phone", NULL, NULL, PHIG_CAT_PHONE, "work", 0.95f, TI},
	{"mobile phone", NULL, NULL, PHIG_CAT_PHONE, "mobile", 0.95f, TI},
	{"cell phone", NULL, NULL, PHIG_CAT_PHONE, "mobile", 0.95f, TI},
	{"mobile", NULL, NULL, PHIG_CAT_PHONE, "mobile", 0.8f, TI, true},
	{"mobile number", NULL, NULL, PHIG_CAT_PHONE, "mobile", 0.9f, TI},
	{"cell", NULL, "{C}", PHIG_CAT_PHONE, "mobile", 0.6f, TI, true},
	{"cell number", NULL, "{C}", PHIG_CAT_PHONE, "mobile", 0.8f, TI},
	{"pager", NULL, NULL, PHIG_CAT_PHONE, NULL, 0.85f, TI},
	{"telecom", NULL, NULL, PHIG_CAT_PHONE, NULL, 0.8f, DOC},
	{"contact number", NULL, NULL, PHIG_CAT_PHONE, NULL, 0.8f, TI},
	{"fax", NULL, NULL, PHIG_CAT_FAX, NULL, 0.95f, TI},
	{"email", NULL, NULL, PHIG_CAT_EMAIL, NULL, 0.95f, T},
	{"email id", NULL, NULL, PHIG_CAT_EMAIL, NULL, 0.9f, T},
	{"e mail", NULL, NULL, PHIG_CAT_EMAIL, NULL, 0.95f, T},
	{"mail", NULL, NULL, PHIG_CAT_EMAIL, NULL, 0.6f, T, true},
	{"url", NULL, NULL, PHIG_CAT_URL, NULL, 0.85f, T},
	{"website", NULL, NULL, PHIG_CAT_URL, NULL, 0.85f, T},
	{"link", NULL, NULL, PHIG_CAT_URL, NULL, 0.55f, T, true},
	{"portal", NULL, NULL, PHIG_CAT_URL, NULL, 0.55f, T, true},
	{"ip", NULL, NULL, PHIG_CAT_IP, NULL, 0.8f, T},
	{"ip address", NULL, NULL, PHIG_CAT_IP, NULL, 0.95f, T},
	{"remote address", NULL, NULL, PHIG_CAT_IP, NULL, 0.9f, T},
	{"client address", "ip host log login session", NULL, PHIG_CAT_IP, NULL, 0.9f, T},

	/* the body */
	{"fingerprint", NULL, NULL, PHIG_CAT_BIOMETRIC, "fingerprint", 0.85f, BY},
	{"voiceprint", NULL, NULL, PHIG_CAT_BIOMETRIC, "voice", 0.9f, BY},
	{"voice", NULL, "{C}", PHIG_CAT_BIOMETRIC, "voice", 0.7f, BY},
	{"iris", NULL, NULL, PHIG_CAT_BIOMETRIC, "iris", 0.75f, BY},
	{"retina", NULL, "{C}", PHIG_CAT_BIOMETRIC, "iris", 0.7f, PHIG_HOLDS_BYTES | PHIG_HOLDS_VECTOR},
	{"biometric", NULL, NULL, PHIG_CAT_BIOMETRIC, NULL, 0.9f, BY},
	{"biometric template", NULL, NULL, PHIG_CAT_BIOMETRIC, NULL, 0.95f, BY},
	{"biometric hash", NULL, NULL, PHIG_CAT_BIOMETRIC, NULL, 0.9f, BY},
	{"face embedding", NULL, NULL, PHIG_CAT_BIOMETRIC, "face", 0.95f, BY | PHIG_HOLDS_DOCUMENT},
	{"face template", NULL, NULL, PHIG_CAT_BIOMETRIC, "face", 0.95f, BY},
	{"photo", NULL, NULL, PHIG_CAT_PHOTO, "face", 0.9f, BY},
	{"photo url", NULL, NULL, PHIG_CAT_PHOTO, "face", 0.9f, T},
	{"portrait", NULL, NULL, PHIG_CAT_PHOTO, "face", 0.9f, BY},
	{"avatar", NULL, NULL, PHIG_CAT_PHOTO, "face", 0.85f, BY},
	{"picture", NULL, NULL, PHIG_CAT_PHOTO, "face", 0.85f, BY},
	{"face", NULL, NULL, PHIG_CAT_PHOTO, "face", 0.6f, PHIG_HOLDS_BYTES, true},
	{"image", NULL, NULL, PHIG_CAT_PHOTO, "scan", 0.8f, PHIG_HOLDS_BYTES},
	{"scan", NULL, NULL, PHIG_CAT_PHOTO, "scan", 0.8f, PHIG_HOLDS_BYTES},
	{"dicom", NULL, NULL, PHIG_CAT_PHOTO, "scan", 0.8f, PHIG_HOLDS_BYTES},
	{"pixel", NULL, NULL, PHIG_CAT_PHOTO, "scan", 0.7f, PHIG_HOLDS_BYTES},

	/* free text */
	{"note", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.8f, DOC},
	{"note text", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.92f, DOC},
	{"text", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.7f, DOC},
	{"narrative", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.88f, DOC},
	{"comment", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.8f, DOC},
	{"remark", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.8f, DOC},
	{"report", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.6f, DOC},
	{"impression", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.75f, DOC},
	{"history", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.6f, DOC},
	{"instruction", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.65f, DOC},
	{"message", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.65f, DOC},
	{"snippet", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.8f, DOC},
	{"note title", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.8f, DOC},
	{"sig", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.6f, T, true},
	{"summary", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.6f, DOC},
	{"memo", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.75f, DOC},
	{"content", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.5f, DOC, true},
	{"body", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.5f, DOC, true},
	{"reason visit", NULL, "code", PHIG_CAT_NOTE, NULL, 0.7f, T},
	{"chief complaint", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.7f, T},
	{"value string", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.6f, T},
	{"file name", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.5f, T},
	{"source value", NULL, NULL, PHIG_CAT_NOTE, NULL, 0.5f, T},

	/* indirect identifiers */
	{"gender", NULL, NULL, PHIG_CAT_QUASI, "sex", 0.9f, ANY},
	{"sex", NULL, NULL, PHIG_CAT_QUASI, "sex", 0.9f, ANY},
	{"race", NULL, NULL, PHIG_CAT_QUASI, "race", 0.9f, ANY},
	{"ethnicity", NULL, NULL, PHIG_CAT_QUASI, "ethnicity", 0.9f, ANY},
	{"language", NULL, NULL, PHIG_CAT_QUASI, "language", 0.8f, ANY},
	{"religion", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.85f, ANY},
	{"marital", NULL, NULL, PHIG_CAT_QUASI, "marital", 0.9f, ANY},
	{"marital status", NULL, NULL, PHIG_CAT_QUASI, "marital", 0.92f, ANY},
	{"gender code", NULL, NULL, PHIG_CAT_QUASI, "sex", 0.9f, ANY},
	{"sex code", NULL, NULL, PHIG_CAT_QUASI, "sex", 0.9f, ANY},
	{"race code", NULL, NULL, PHIG_CAT_QUASI, "race", 0.9f, ANY},
	{"ethnicity code", NULL, NULL, PHIG_CAT_QUASI, "ethnicity", 0.9f, ANY},
	{"education", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.75f, ANY},
	{"education level", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.75f, ANY},
	{"income", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.7f, ANY},
	{"veteran", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.7f, ANY},
	{"nationality", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.75f, ANY},
	{"citizenship", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.75f, ANY},
	{"insurance", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.6f, ANY, true},
	{"state", NULL, "{C} {E} process workflow job", PHIG_CAT_QUASI, NULL, 0.6f, TI, true},
	{"address state", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.9f, TI},
	{"state code", "address city zip {P} {S} {O}", NULL, PHIG_CAT_QUASI, NULL, 0.6f, TI},
	{"{S} id", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.55f, TIU},
	{"{S}", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.5f, TIU, true},
	{"zip 3", NULL, NULL, PHIG_CAT_QUASI, "zip3", 0.96f, TI},
	{"admission type", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.6f, ANY},
	{"admission source", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.6f, ANY},
	{"admission source id", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.6f, ANY},
	{"admission location", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.6f, ANY},
	{"discharge location", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.6f, ANY},
	{"discharge disposition", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.6f, ANY},
	{"age group", NULL, NULL, PHIG_CAT_QUASI, NULL, 0.9f, ANY},

	/* health information */
	{"diagnosis", NULL, "date time", PHIG_CAT_CLINICAL, "diagnosis", 0.8f, ANY},
	{"diagnosis code", NULL, NULL, PHIG_CAT_CLINICAL, "diagnosis", 0.85f, ANY},
	{"icd", NULL, NULL, PHIG_CAT_CLINICAL, "diagnosis", 0.8f, ANY},
	{"icd code", NULL, NULL, PHIG_CAT_CLINICAL, "diagnosis", 0.85f, ANY},
	{"medication", NULL, "date time", PHIG_CAT_CLINICAL, "medication", 0.75f, ANY},
	{"drug", NULL, "date time", PHIG_CAT_CLINICAL, "medication", 0.75f, ANY},
	{"procedure", NULL, "date time", PHIG_CAT_CLINICAL, "procedure", 0.75f, ANY},
	{"procedure code", NULL, NULL, PHIG_CAT_CLINICAL, "procedure", 0.8f, ANY},
	{"cpt", NULL, NULL, PHIG_CAT_CLINICAL, "procedure", 0.75f, ANY},
	{"lab", NULL, "date time", PHIG_CAT_CLINICAL, "lab", 0.7f, ANY},
	{"result", NULL, "date time", PHIG_CAT_CLINICAL, "lab", 0.6f, ANY},
	{"vital", NULL, "date time", PHIG_CAT_CLINICAL, "vital", 0.7f, ANY},
	{"gene", NULL, NULL, PHIG_CAT_CLINICAL, "genetic", 0.8f, ANY},
	{"genotype", NULL, NULL, PHIG_CAT_CLINICAL, "genetic", 0.8f, ANY},
	{"variant", NULL, NULL, PHIG_CAT_CLINICAL, "genetic", 0.6f, ANY},
	{"{C}", NULL, "date time", PHIG_CAT_CLINICAL, NULL, 0.6f, ANY},
	{"{C} code", NULL, NULL, PHIG_CAT_CLINICAL, NULL, 0.6f, ANY},
	{"{C} type", NULL, NULL, PHIG_CAT_CLINICAL, NULL, 0.55f, ANY},
	{"{C} status", NULL, NULL, PHIG_CAT_CLINICAL, NULL, 0.55f, ANY},
	{"{C} flag", NULL, NULL, PHIG_CAT_CLINICAL, NULL, 0.55f, ANY},
	{"{C} concept id", NULL, NULL, PHIG_CAT_CLINICAL, NULL, 0.55f, ANY},
	{"{C} source concept id", NULL, NULL, PHIG_CAT_CLINICAL, NULL, 0.55f, ANY},
	{"{C} desc", NULL, NULL, PHIG_CAT_CLINICAL, NULL, 0.6f, ANY},
	{"{C} source value", NULL, NULL, PHIG_CAT_CLINICAL, NULL, 0.6f, ANY},
	{"{C} name", NULL, "{P}", PHIG_CAT_CLINICAL, NULL, 0.6f, ANY},
	{"gender concept id", NULL, NULL, PHIG_CAT_QUASI, "sex", 0.8f, ANY},
	{"race concept id", NULL, NULL, PHIG_CAT_QUASI, "race", 0.8f, ANY},
	{"ethnicity concept id", NULL, NULL, PHIG_CAT_QUASI, "ethnicity", 0.8f, ANY},
	{NULL}
};
#define CERTAIN 0.9f			/* from this score on a rule may speak of a comment */

/* A text of words separated by blanks, one after the other. */
#define FOREACH_WORD(list, at, len) \
	for (const char *at = list; at != NULL && *at != '\0'; at += len, at += strspn(at, " ")) \
		if ((len = strcspn(at, " ")) > 0)

static bool rule_holds(const PhigNameRule *rule, const PhigWords *table, const PhigWords *column, int holds);
static bool has_all(const PhigWords *words, const char *list, bool *used);
static bool has_any(const PhigWords *words, const char *list, const bool *used);
static bool is_table_of(const PhigWords *table, const char *list);
static int	place_of(const PhigWords *words, const char *word, size_t len, const bool *used);
static bool rest_is_silent(const PhigNameRule *rule, const PhigWords *table, const PhigWords *column, const bool *used);
static bool goes_with_id(PhigCategory category);
static int	length_of(const PhigNameRule *rule);

const PhigNameRule *
phig_rules_best(const PhigWords *table, const PhigWords *column, int holds)
{
	const PhigNameRule *best = NULL;

	for (const PhigNameRule *rule = rules; rule->words != NULL; rule++)
		if (rule_holds(rule, table, column, holds) &&
			(best == NULL || rule->score > best->score ||
			 (rule->score == best->score && length_of(rule) > length_of(best))))
			best = rule;
	return best;
}

const PhigNameRule *
phig_rules_of_comment(const PhigWords *comment, int holds)
{
	const PhigNameRule *best = NULL;

	for (const PhigNameRule *rule = rules; rule->words != NULL; rule++)
	{
		bool		used[PHIG_WORDS_MAX] = {false};

		if (rule->score < CERTAIN || rule->whole || rule->context != NULL || (rule->holds & holds) == 0 ||
			!has_all(comment, rule->words, used) || has_any(comment, rule->never, used))
			continue;
		if (best == NULL || rule->score > best->score)
			best = rule;
	}
	return best;
}

static bool
rule_holds(const PhigNameRule *rule, const PhigWords *table, const PhigWords *column, int holds)
{
	bool		used[PHIG_WORDS_MAX] = {false};

	return (rule->holds & holds) != 0 && has_all(column, rule->words, used) &&
		(rule->context == NULL || has_any(column, rule->context, used) ||
		 (rule->whole ? is_table_of(table, rule->context) : has_any(table, rule->context, NULL))) &&
		!has_any(column, rule->never, used) && rest_is_silent(rule, table, column, used);
}

/* Marks which words they are. */
static bool
has_all(const PhigWords *words, const char *list, bool *used)
{
	size_t		len;

	FOREACH_WORD(list, word, len)
	{
		int			place = place_of(words, word, len, used);

		if (place < 0)
			return false;
		used[place] = true;
	}
	return true;
}

static bool
has_any(const PhigWords *words, const char *list, const bool *used)
{
	size_t		len;

	FOREACH_WORD(list, word, len)
		if (place_of(words, word, len, used) >= 0)
		return true;
	return false;
}

/* A row is one of those: "patients", "dim_patient"; but "patient_allergies" are allergies. */
static bool
is_table_of(const PhigWords *table, const char *list)
{
	int			named = 0;

	for (int i = 0; i < table->n; i++)
	{
		PhigWords	word = {1, {table->words[i]}};

		if (has_any(&word, list, NULL))
			named++;
		else if (strcmp(table->words[i].text, "id") != 0 && table->words[i].sort != PHIG_WORD_UNKNOWN && table->words[i].sort != PHIG_WORD_DIGITS &&
				 table->words[i].sort != PHIG_WORD_PERSON)
			return false;
	}
	return named > 0;
}

/* A word, or {P}: one of that sort.  Not one that is used. */
static int
place_of(const PhigWords *words, const char *word, size_t len, const bool *used)
{
	for (int i = 0; i < words->n; i++)
	{
		const PhigWord *candidate = &words->words[i];

		if (used != NULL && used[i])
			continue;
		if (word[0] == '{' ? candidate->sort == word[1] :
			strlen(candidate->text) == len && memcmp(candidate->text, word, len) == 0)
			return i;
	}
	return -1;
}

/* Do the other words of the name leave what the rule says as it is? */
static bool
rest_is_silent(const PhigNameRule *rule, const PhigWords *table, const PhigWords *column, const bool *used)
{
	for (int i = 0; i < column->n; i++)
	{
		const PhigWord *word = &column->words[i];
		bool		is_last = i == column->n - 1;
		bool		is_whose = word->sort == PHIG_WORD_DIGITS || word->sort == PHIG_WORD_PERSON ||
			phig_words_have(table, word->text);

		if (used[i] || (strcmp(word->text, "id") == 0 && !rule->whole && goes_with_id(rule->category)))
			continue;
		/* birth_dt_tm; the preferred phone is one, phone_preferred says which */
		if ((rule->category == PHIG_CAT_DATE && (strcmp(word->text, "time") == 0 || strcmp(word->text, "date") == 0)) ||
			(strcmp(word->text, "preferred") == 0 && !is_last))
			continue;
		if (word->sort == PHIG_WORD_HEAD && !phig_words_have(table, word->text))
			return false;
		if (rule->whole && !is_whose)
			return false;
	}
	return true;
}

/* The id of what is a number itself is no other thing; a photo_id is still a photo. */
static bool
goes_with_id(PhigCategory category)
{
	return category == PHIG_CAT_QUASI || category == PHIG_CAT_PHOTO || category == PHIG_CAT_SSN ||
		category == PHIG_CAT_MRN || category == PHIG_CAT_HEALTH_PLAN ||
		category == PHIG_CAT_ACCOUNT || category == PHIG_CAT_LICENSE;
}

static int
length_of(const PhigNameRule *rule)
{
	int			n = 0;
	size_t		len;

	FOREACH_WORD(rule->words, word, len)
		n++;
	return n;
}
