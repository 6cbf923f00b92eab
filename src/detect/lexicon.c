/*
 * lexicon.c
 *		Words that say what stands beside them.
 *
 * In lower case, without apostrophes, as token.c hashes them.  A word that stands in several lines is
 * of all their classes.
 */
#include "postgres.h"

#include "detect/lexicon.h"
#include "detect/token.h"

PhigLexSlot phig_lexicon_slots[PHIG_LEX_SLOTS];

static const struct
{
	uint64		classes;
	const char *words;
}			lexicon[] = {

	/* labels of numbers */
	{PHIG_LEX_SSN, "ssn ssns social ss socsec itin tin"},
	{PHIG_LEX_PHONE, "phone telephone tel ph mobile cell cellphone pager beeper page call called calling contact "
	"callback text desk office extension dial reach reached landline voicemail whatsapp sms"},
	{PHIG_LEX_FAX, "fax facsimile faxed"},
	{PHIG_LEX_NPI, "npi"},
	{PHIG_LEX_DEA, "dea"},
	{PHIG_LEX_MEDICARE, "medicare mbi hicn beneficiary hic"},
	{PHIG_LEX_MEMBER, "member subscriber policy insured insurance beneficiary medicaid payer payor hpid plan coverage "
	"cin ins insurer hmo ppo"},
	{PHIG_LEX_GROUP, "group grp"},
	{PHIG_LEX_ACCOUNT, "account acct accounts har guarantor invoice claim statement billing hospacct"},
	{PHIG_LEX_CARD, "card visa mastercard amex discover credit debit cc maestro"},
	{PHIG_LEX_BANK, "routing aba iban bank swift"},
	{PHIG_LEX_VEHICLE, "vin vehicle car truck"},
	{PHIG_LEX_PLATE, "plate plates tag registration"},
	{PHIG_LEX_SERIAL, "serial sn"},
	{PHIG_LEX_DEVICE, "udi imei mac device implant implanted lot"},
	{PHIG_LEX_LICENSE, "license licence dl oln permit drivers driver lic certificate cert"},
	{PHIG_LEX_PASSPORT, "passport"},
	{PHIG_LEX_MRN, "mrn mrns mr uhn umrn medrec emrn empi mpi hospno patno ptid pid chartno"},
	{PHIG_LEX_RECORD, "record records rec chart hosp unit"},
	{PHIG_LEX_ENCOUNTER, "csn fin encounter visit har"},
	{PHIG_LEX_ACCESSION, "accession acc specimen requisition"},
	{PHIG_LEX_ZIP, "zip zipcode postal postcode"},
	{PHIG_LEX_BIRTH, "dob birth born birthdate birthday bday dod"},
	{PHIG_LEX_DATE, "date dated on seen admitted admit since through discharged discharge expired died visit visited "
		"collected signed dictated transcribed surgery appt appointment rtc lmp edd due onset until till "
	"reported received follow followup scheduled dos performed diagnosed started stopped"},
	{PHIG_LEX_TRIAL, "subject subj participant enrollee case"},
	{PHIG_LEX_ID, "id ids identifier ident identification unique ref reference"},
	{PHIG_LEX_BIOMETRIC, "biometric fingerprint voiceprint retina iris"},

	{PHIG_LEX_NUMBER, "number numbers no num nbr nr nos code"},
	{PHIG_LEX_LINK, "is was are of the as ending ends in with its last four digits for to at id ids identifier "
		"record medical state health plan card policy member model patient security social insurance "
	"account and s my your his her lic license plate num reads currently"},

	{PHIG_LEX_CODE, "ndc cpt icd version v section rev hcpcs loinc snomed rxnorm drg isbn doi pmid nct page pages "
		"article chapter room rm bed hcpc ed release build protocol grade stage type rfc figure fig "
	"table step phase part model"},
	{PHIG_LEX_MEASURE, "mg ml mcg g kg lb lbs l dl meq mmol mmhg cm mm tab tabs tablet tablets cap caps capsule "
		"capsules units unit iu percent bpm hz kcal mls gm grams gram ounces oz puffs drops doses dose "
	"days weeks months hours hrs minutes min mins times points french fr gauge"},

	/* people */
	{PHIG_LEX_PERSON, "patient pt name names attending surgeon pcp provider physician resident dictated transcribed "
		"signed author authored reviewed verified prescriber prescribed referring referred ordering cc "
		"guarantor contact pi investigator coordinator nurse therapist counselor pharmacist radiologist "
		"pathologist anesthesiologist assistant interpreter witness employee client alias aka nok kin "
	"interviewed reported consultant hospitalist intern fellow caregiver guardian proxy subscriber  insured beneficiary spouse member user customer technician cardiologist oncologist neurologist  psychiatrist psychologist dentist dietitian by"},
	{PHIG_LEX_NAMED, "named name called alias aka nee surname firstname lastname nickname goes known"},
	{PHIG_LEX_TITLE, "mr mrs ms miss mx dr drs messrs prof professor doctor rev reverend fr sister sgt capt lt col "
	"hon judge mister madam"},
	{PHIG_LEX_CREDENTIAL, "md do rn np pa pac phd lcsw crna dds dmd dpm dnp fnp aprn lpn cnm msn bsn facs facp mph pharmd "
	"rph pt ot otr slp lmft lpc psyd crnp arnp rd mbbs frcp esq cna ma lvn"},
	{PHIG_LEX_RELATION, "wife husband son daughter mother father sister brother partner spouse aunt uncle caregiver "
	"friend neighbor neighbour mom dad mum grandmother grandfather grandson granddaughter niece  nephew cousin stepfather stepmother stepson fiance fiancee girlfriend boyfriend kid child boy girl roommate  guardian proxy twin grandma grandpa baby"},
	{PHIG_LEX_GREETING, "dear hi hello hey sincerely regards thanks signed cheers love thank"},
	{PHIG_LEX_SUFFIX, "jr sr ii iii iv"},
	{PHIG_LEX_PARTICLE, "de la del della der den van von di da dos das du le los al el bin ibn ter ten st mac mc san "
	"santa y"},
	{PHIG_LEX_PRONOUN, "he she patient pt they mother father grandmother grandfather man woman male female who husband "
	"wife now aged turned turning turns resident lady gentleman"},

	/* time */
	{PHIG_LEX_MONTH, "january february march april may june july august september october november december jan feb "
	"mar apr jun jul aug sep sept oct nov dec"},
	{PHIG_LEX_WEEKDAY, "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri "
	"sat sun"},
	{PHIG_LEX_ORDINAL, "st nd rd th"},
	{PHIG_LEX_SEASON, "winter spring summer fall autumn christmas thanksgiving easter halloween hanukkah ramadan"},
	{PHIG_LEX_AGE_UNIT, "year years yr yrs yo y"},
	{PHIG_LEX_AGE, "age aged ages"},
	{PHIG_LEX_NINETY, "ninety nineties nonagenarian centenarian nonagenarians centenarians hundred"},

	/* places */
	{PHIG_LEX_STREET, "street st avenue ave av boulevard blvd road rd drive dr lane ln court ct place pl way terrace "
		"ter circle cir parkway pkwy highway hwy trail trl square sq loop alley aly plaza plz row run "
		"path pike turnpike tpke crossing xing ridge expressway expy freeway fwy cove cv point pt hollow "
		"glen bend grove hill hills landing meadow meadows crescent walk mews close broadway bypass  route causeway creek heights hts junction knoll lake manor mill orchard park pass spur station  summit trace valley view vista village wharf arcade bayou bluff bluffs brook brooks burg burgs corners "
		"crossroad dale esplanade estate estates ferry ford fords forest forge forks garden gardens gateway greens harbor "
		"haven heath inlet lakes lodge mall manors mead mission motorway orchard oval overpass parade pines prairie ranch "
	"rise shores skyway springs station throughway trafficway underpass unions vale viaduct ville yard"},
	{PHIG_LEX_ROAD, "street st avenue ave boulevard blvd road rd drive lane ln terrace highway hwy parkway pkwy "
	"turnpike"},
	{PHIG_LEX_UNIT, "apt apartment unit suite ste floor fl room rm bldg building lot trlr trailer"},
	{PHIG_LEX_DIRECTION, "n s e w ne nw se sw north south east west northeast northwest southeast southwest"},
	{PHIG_LEX_STATE, "al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny "
		"nc nd oh ok or pa ri sc sd tn tx ut vt va wa wv wi wy dc pr gu vi alabama alaska arizona "
		"arkansas california colorado connecticut delaware florida georgia hawaii idaho illinois indiana "
	"iowa kansas kentucky louisiana maine maryland massachusetts michigan minnesota mississippi  missouri montana nebraska nevada ohio oklahoma oregon pennsylvania tennessee texas utah vermont  virginia washington wisconsin wyoming mass calif penn"},
	{PHIG_LEX_FACILITY, "hospital clinic center centre infirmary hospice rehab rehabilitation sanatorium pharmacy "
	"medical health healthcare hosp clinics hospitals nursing school university college church  institute foundation academy laboratory laboratories labs associates practice regional er ed  icu office offices facility campus hosp group home manor"},
	{PHIG_LEX_HOUSE, "medical general memorial regional community county city university methodist presbyterian "
		"baptist childrens veterans sacred heart holy mercy cancer heart surgical surgery family health "
		"care center med womens orthopedic pediatric dental eye nursing home living assisted senior "
	"primary urgent specialty teaching state national central north south east west valley river  lake shore mountain coast bay view cardiac cardiology oncology diabetes neurology psychiatric  behavioral academic of and the"},
	{PHIG_LEX_CARE, "seen treated evaluated admitted operated followed discharged hospitalized transferred visited "
		"visiting diagnosed referred presented presenting examined consulted underwent monitored managed "
	"surgery appointment procedure tested scheduled care recovering transplanted delivered  undergoing received treatment hospitalised attended stay imaging evaluation operation admission  seeing visit biopsy"},
	{PHIG_LEX_AT, "at in from near to outside around via under"},
	{PHIG_LEX_LIVES, "lives resides living residing resident lived moved native relocated residence born traveled "
	"address"},
	{PHIG_LEX_SAINT, "st saint mt mount fort ft new san santa los las el la north south east west port lake palm "
	"grand little saint cedar"},
	{PHIG_LEX_TALK, "spoke spoken talked met discussed conversation family care name visit call accompanied reviewed "
		"presence meeting interview seen wife husband son daughter mother father parents sister brother "
	"letter message"},
	{PHIG_LEX_SYSTEM, "mayo kaiser ucla ucsf mgh uclah nyu upmc intermountain geisinger ochsner sutter hopkins cedars "
		"sinai permanente mskcc johns brigham presbyterian massgen bellevue montefiore stanford scripps "
	"vanderbilt emory duke beaumont"},
	{PHIG_LEX_SPECIALTY, "medical surgery surgical nursing home health care urgent primary specialty teaching assisted "
		"living senior rehab rehabilitation cancer heart dental eye cardiac cardiology oncology diabetes "
		"neurology psychiatric behavioral orthopedic orthopedics pediatric pediatrics emergency trauma "
		"critical access ambulatory outpatient inpatient pain wound sleep imaging infusion dialysis "
		"skilled intermediate long term acute mental another same other local maternity fertility "
		"transplant stroke burn palliative physical occupational therapy day treatment recovery "
		"addiction substance abuse public private medicine internal hematology gastroenterology "
		"rheumatology dermatology endocrinology nephrology urology pulmonary infectious disease vascular "
	"spine joint weight travel student discharge hearing vision speech radiation chemotherapy  anticoagulation memory unit intensive step down observation"},

	/* medicine */
	{PHIG_LEX_AFTER_EPONYM, "disease diseases syndrome syndromes sign signs test tests score scores catheter fracture "
		"fractures palsy lymphoma thyroiditis ulcer esophagus oesophagus sarcoma criteria classification "
		"procedure operation maneuver manoeuvre reflex phenomenon tumor tumour scale index hernia "
		"malformation dystrophy ataxia anemia tremor disorder lines nodes wort chorea stage staging cell "
		"cells body bodies contracture forceps clamp tube drain line gait position sarcoidosis dementia "
		"grade scan stain agar method block triad law principle risk study heart trial guidelines "
		"formula equation questionnaire neuroma cyst fever virus bypass encephalopathy duct gland canal "
	"arteritis aneurysm neuropathy carcinoma melanoma infection lesion lesions protein proteins splint hump angina rods rod crisis pins spots node tear ring rings ligament muscle artery vein nerve suture  needle speculum retractor flap graft repair technique approach incision hook valve brace boot collar bag precautions fascia  pouch septum membrane circle tubercle catheters solution dressing"},
	{PHIG_LEX_EPONYM, "addison alzheimer alzheimers apgar babinski barrett barretts bell bells chiari colles crohn "
		"crohns cushing cushings foley gleason graves guillain barre hashimoto hashimotos hodgkin "
		"hodgkins homans huntington huntingtons kaposi kawasaki kocher lachman mallory marfan "
		"marfans mcburney parkinson parkinsons phalen ranson raynaud raynauds romberg roux sjogren "
		"sjogrens takayasu tinel tourette tourettes virchow wells whipple wilson wilsons zenker down "
		"downs framingham lou gehrig gehrigs lyme ewing ewings wilms burkitt burkitts meniere menieres "
		"paget pagets still stills klinefelter noonan prader willi fanconi goodpasture "
		"wegener behcet dupuytren dupuytrens peyronie peyronies osgood schlatter legg perthes charcot "
		"tooth creutzfeldt jakob kearns duchenne becker friedreich hirschsprung kallmann sheehan "
		"conn conns asperger asperger aspergers rett heimlich valsalva trendelenburg lewy wernicke "
		"korsakoff braden morse glasgow child pugh swan ganz hickman broviac kirschner pap "
		"epley dix hallpike kussmaul cheyne stokes hartmann murphy murphys nissen billroth "
		"blalock fontan norwood bentall whipples baker bakers hodgkinson nonhodgkin osler oslers "
		"roth janeway brudzinski kernig rinne gram ziehl neelsen coombs schilling mantoux "
		"hunt ramsay reiter reiters sezary kimmelstiel fabry gaucher gauchers pompe "
	"hurler niemann pick picks tay sachs krabbe rotor crigler najjar dubin sachs bence ganz bankart ludwig hampton harrington kerley bowman ringer ringers lactated ottawa karnofsky zubrod  caprini padua ranchos fleischner fontaine killip forrester schatzker  lauge spurling finkelstein ober trendelenberg mcmurray apley "},
	{PHIG_LEX_STOP, "im ive ill id youre theyre hes shes its dont doesnt didnt isnt wasnt cant wont whos thats theres lets the and or but not no yes a an this that these those what which who how when where why is are "
		"was were be been has have had do does did if then than with without for from to of on in at by "
		"as it its he she they we you i his her their our your my can could should would might "
		"shall all any both each few more most other some such only own same so too very just also note "
		"notes history exam assessment plan impression chief complaint allergies medications medication "
		"diagnosis diagnoses labs vitals review systems social family past medical surgical physical "
		"subjective objective findings results recommendations follow date time dob mrn ssn sex male "
		"female age address phone fax email home work cell street city state zip county country "
		"emergency relationship reason admission discharge summary report operative procedure procedures "
		"progress consult consultation telephone encounter triage registration pathology radiology "
		"laboratory medicine surgery department unit room bed floor rx refill status code full dnr hpi "
		"pmh ros hent heent cv gi gu msk neuro psych current updated latest best guidelines guideline "
		"management treatment contraindications recommendations side effects effect what's whats "
		"evaluation prognosis protocol safety efficacy early signs appropriate recommended options "
		"option standard care use using drug interactions monitoring risk long term dosage dose approach "
		"therapy reports denies states complains presents presented advised discussed continue start "
		"stop monitor return call please thank thanks dear hi hello hey sincerely regards bot user "
		"question answer mailing website driver license account group member medicare medicaid insurance "
	"policy subscriber contact facility attending surgeon prescriber site study subject specimen  accession received reported infusion last four car estimated blood loss incision staging pain temp weight glucose hx icd cpt ndc npi dea udi vin bp hr rr spo2 wbc psa"},
};

void
phig_lexicon_prepare(void)
{
	static bool ready = false;

	if (ready)
		return;
	for (size_t i = 0; i < lengthof(lexicon); i++)
	{
		const char *word = lexicon[i].words;

		while (*word != '\0')
		{
			size_t		len = strcspn(word, " ");
			uint64		hash = phig_hash_word(word, len);
			uint32		slot = hash % PHIG_LEX_SLOTS;

			if (len > 0)
			{
				while (phig_lexicon_slots[slot].classes != 0 && phig_lexicon_slots[slot].hash != hash)
					slot = (slot + 1) % PHIG_LEX_SLOTS;
				phig_lexicon_slots[slot].hash = hash;
				phig_lexicon_slots[slot].classes |= lexicon[i].classes;
			}
			word += len;
			word += *word == ' ';
		}
	}
	ready = true;
}
