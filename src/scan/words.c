/*
 * words.c
 *		The words that names of columns are made of.
 *
 * A general vocabulary of health records, insurance and persons, with the abbreviations in use; no
 * table's columns by themselves.  What is no abbreviation stands for itself.
 */
#include "postgres.h"

#include "scan/words.h"

typedef struct KnownWords
{
	char		sort;
	const char *words;			/* separated by blanks; "short=long" is written out, + joins two
								 * words */
} KnownWords;

static const KnownWords known[] = {
	{PHIG_WORD_PERSON,
		"patient pat=patient pt=patient ptnt=patient pnt=patient person prsn=person people=person individual member mbr=member mem=member subscriber subscr=subscriber "
		"sbscr=subscriber insured beneficiary bene=beneficiary benef=beneficiary guarantor guar=guarantor kin nok=kin relative mother father "
		"spouse child wife husband sibling guardian subject subj=subject participant client enrollee customer donor recipient policyholder holder "
		"dependent resident newborn emergency mom=mother dad=father partner contact caretaker applicant claimant family employee "
	"cardholder signer wearer household decedent emp=employee empl=employee infant baby subs=subscriber human respondent candidate"},
	{PHIG_WORD_STAFF,
		"provider prov=provider prv=provider prvdr=provider physician phys=physician doctor nurse surgeon attending clinician prescriber caregiver cg=caregiver cgid=caregiver+id practitioner "
		"author operator staff rendering referring ordering supervising performer pcp=physician technician therapist user pharmacist hygienist owner "
	"radiologist pathologist anesthesiologist dentist consultant md=physician manager requester"},
	{PHIG_WORD_PLACE,
		"facility healthsystem=facility fac=facility hospital hosp=hospital clinic organization org=organization organisation=organization site pharmacy "
		"laboratory department dept=department ward company vendor manufacturer mfr=manufacturer payer payor=payer insurer "
	"school institution practice custodian careunit bed room building room office agency"},
	{PHIG_WORD_EVENT,
		"encounter encntr=encounter enc=encounter visit vis=visit admission adm=admission hadm=admission admit=admission admsn=admission adm=admission stay icustay=stay "
		"clm=claim dth=death episode appointment appt=appointment claim hospitalization inpatient outpatient discharge disch=discharge "
		"dischg=discharge enrollment transfer referral eligibility surgery "
	"death exam"},
	{PHIG_WORD_CLINICAL,
		"diagnosis dgns=diagnosis diag=diagnosis dx=diagnosis icd icd9=icd icd10=icd procedure proc=procedure cpt hcpcs drg apr drug medication med=medication meds=medication "
		"prescription rx=prescription rxnorm ndc dose dosage route frequency refill refills lab labs=lab loinc result measurement "
		"vital vitals=vital bp systolic diastolic pulse temperature temp=temperature weight wt=weight height ht=height bmi condition cond=condition disease "
		"problem allergy allergen reaction severity immunization vaccine vaccination observation symptom finding snomed organism antibiotic "
		"culture specimen blood glucose insulin hba1c a1c cholesterol hiv cd4 pregnancy pregnant smoking alcohol tobacco substance treatment therapy "
		"careplan implant exposure era gene variant mutation genotype tumor stage grade cancer mortality readmitted readmission "
		"acuity triage bodysite body anatomic laterality modality ordercode strength unit units supply pain score metformin "
		"clinical comorbidity abnormal hospice complication chief complaint quantity dispense administration infusion "
	"opioid methadone psych psychiatric disability"},
	{PHIG_WORD_HEAD,
		"id sid=id ident=id identifier=id ids=id key sk=key uuid guid=uuid uid=uuid code cd=code codes=code type typ=type flag flg=flag fl=flag ind=flag indicator=flag "
		"yn=flag is has count cnt=count status stat=status sts=status format fmt=format mask valid verified label desc description=desc descr=desc "
		"category cat=category hash date dt=date dte=date dtc=date time tm=time datetime=date dttm=date timestamp=date ts=date month mon=month day year yr=year yyyy=year "
		"age concept class preferred preference pref=preference consent opt system use rank priority version method quality "
		"amount amt=amount total cost charge charges=charge paid payment balance price expense expenses=expense revenue copay coverage percent pct=percent ratio rate "
		"length len=length duration los=duration bool boolean enabled active deleted exists required missing limit level seq=sequence "
	"sequence order index idx=index position size checksum digest"},
	{PHIG_WORD_OTHER,
		"number num=number no=number nbr=number nmbr=number name nm=name names=name first fst=first frst=first given last lst=last surname lastname=last+name firstname=first+name fname=first+name "
		"lname=last+name mname=middle+name middle mid=middle mi=middle+initial middlename=middle+name maiden maidenname=maiden+name alias aka=alias nickname=alias prefix suffix initial initials "
		"forename=given fullname=full+name full signature surnames=surname familyname=last+name givenname=given+name "
		"ssn soc=social social security sec=security ss itin tin taxpayer tax ein "
		"mrn icn pid medrec=mrn emrn=mrn medical record rec=record chart empi mpi unitnumber hospitalnumber csn fin accession acc=accession acsn=accession "
		"birth brth=birth dob=birth+date bdate=birth+date birthdate=birth+date birthday=birth+date born=birth+date birthplace=birth+place birthyear=birth+year deathdate=death+date dod=death+date deceased decease=deceased died=death+date "
		"expired address addr=address adrs=address add=address line ln street str=street st city town county cnty=county parish precinct "
		"municipality district zip zipcode=zip zip5=zip zip4=zip plus4=zip postal postcode=zip post lat latitude=lat lon=longitude lng=longitude longitude long=longitude "
		"geom=geometry geometry geography geohash geocode geo=geometry location loc=location coordinates coordinate=coordinates coord=coordinates coords=coordinates gps tract census block fips state province=state country region apt=apartment apartment "
		"birthcity=birth+city zip3 place home mailing residence residential "
		"phone tel=phone ph=phone telephone=phone phn=phone telephon=phone mobile mob=mobile cell cellphone=cell+phone cellular=cell pager beeper=pager fax facsimile=fax "
		"email e mail telecom extension ext=extension "
		"plan policy group grp=group hicn hic=hicn mbi medicare mcr=medicare medicaid mcd=medicaid insurance ins=insurance memberid=member+id "
		"certificate cert=certificate account acct=account acnt=account har iban card credit debit cc routing bank invoice billing bill=check eft billing control ctrl=control ctl=control statement transaction "
		"license licence=license drv=driver badge lic=license drivers=driver driver dl passport npi dea upin "
		"vin plate vehicle veh=vehicle auto tag udi device dev=device serial sn lot imei mac unique production "
		"url uri=url website=url web link href portal ip ipaddress=ip+address ipaddr=ip+address remote host "
		"fingerprint voice voiceprint iris retina face facial biometric embedding template photo photograph=photo image img=image picture=image portrait "
		"avatar dicom pixel scan attachment barcode employer occupation job profession username login=username logon=username userid=user+id study trial rand=randomization randomization screening "
		"note blob=text notes=note text txt=text narrative comment comments=comment cmt=comment remark remarks=remark report impression history hpi instructions=instruction instruction message msg=message "
		"snippet reason title filename=file+name file path body content memo freetext=text summary plain display answer response free question "
		"gender sex race ethnicity hispanic=ethnicity ethnic=ethnicity ethnicgroup=ethnicity language lang=language religion marital maritalstatus=marital married education income nationality citizenship citizen veteran disposition discharged specialty "
		"source value val=value src=source reference ref=reference start begin beg=start end stop effective eff=effective expiration expire exp=expiration release created create updated update modified "
		"in out reg registration chartdate=chart+date charttime=chart+time store service svc=service serv=service dispensed collected collection resulted signed dictated "
		"series instance lmp edd onset acknowledge callout of for to from at by the and with at on curr=current current prev=previous previous prior next primary secondary tertiary other "
		"old new self-reported self my main work business daytime evening alternate alt=alternate care health healthcare=health+care medicine parent table column product event test "
		"anchor row detail occurrence period item process workflow queue batch config setting parameter metric model role permission "
		"domain vocabulary relationship synonym ancestor descendant cohort definition invalid standard modifier range low high numeric string measure ed "
		"subscribernumber=subscriber+number billed responsible respons=responsible party ordered performed scheduled reported requested entered filed recorded observed received approved occurred seen min max avg sum "
		"mandate=rule rule validate=rule acid=chemical rapid covid fluid steroid platelet hybrid grid rename runtime uptime timezone=zone zone overtime lifetime "
		"assignment association assn=association shipment shipping faxitron mailbox cellularity cellulitis racemic stature sexual parity "
	"plated plates intracellular updatetime=update+time "},
};

static const KnownWords *find(const char *text, size_t len, const char **entry, size_t *entry_len);
static void add_chunk(PhigWords *out, const char *chunk, size_t len);
static bool add_known(PhigWords *out, const char *text, size_t len);
static void add(PhigWords *out, const char *text, size_t len, char sort);
static bool take_apart(PhigWords *out, const char *text, size_t len, int depth);
static bool may_be_short(const char *text, int depth, bool is_last);
static bool take_end_off(PhigWords *out, const char *text, size_t len);

#define IS_LOWER(c) ((c) >= 'a' && (c) <= 'z')
#define IS_UPPER(c) ((c) >= 'A' && (c) <= 'Z')
#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_LETTER(c) (IS_LOWER(c) || IS_UPPER(c) || ((unsigned char) (c)) >= 0x80)

void
phig_words_split(const char *name, PhigWords *out)
{
	char		chunk[PHIG_WORD_MAX_BYTES * 2];
	size_t		len = 0;
	char		before = '\0';

	out->n = 0;
	for (const char *c = name;; c++)
	{
		bool		starts = *c == '\0' || !(IS_LETTER(*c) || IS_DIGIT(*c)) ||
			(IS_DIGIT(before) != IS_DIGIT(*c)) ||
			(IS_LOWER(before) && IS_UPPER(*c)) ||
			(IS_UPPER(before) && IS_UPPER(*c) && IS_LOWER(c[1]));

		if (starts && len > 0)
		{
			add_chunk(out, chunk, len);
			len = 0;
		}
		if (*c == '\0' || out->n == PHIG_WORDS_MAX)
			return;
		if ((IS_LETTER(*c) || IS_DIGIT(*c)) && len < sizeof(chunk))
			chunk[len++] = IS_UPPER(*c) ? *c - 'A' + 'a' : *c;
		before = *c;
	}
}

bool
phig_words_have(const PhigWords *words, const char *word)
{
	for (int i = 0; i < words->n; i++)
		if (strcmp(words->words[i].text, word) == 0)
			return true;
	return false;
}

bool
phig_words_have_sort(const PhigWords *words, char sort)
{
	for (int i = 0; i < words->n; i++)
		if (words->words[i].sort == sort)
			return true;
	return false;
}

/* Letters without anything between them, or digits. */
static void
add_chunk(PhigWords *out, const char *chunk, size_t len)
{
	if (IS_DIGIT(chunk[0]))
		add(out, chunk, len, PHIG_WORD_DIGITS);
	else if (!add_known(out, chunk, len) && !take_apart(out, chunk, len, 0) && !take_end_off(out, chunk, len))
		add(out, chunk, len, PHIG_WORD_UNKNOWN);
}

/* A word of the vocabulary, or its plural. */
static bool
add_known(PhigWords *out, const char *text, size_t len)
{
	const char *entry;
	size_t		entry_len;
	const KnownWords *group = find(text, len, &entry, &entry_len);
	const char *plus;

	if (group == NULL && len > 3 && text[len - 1] == 's')
		group = find(text, len - 1, &entry, &entry_len);
	if (group == NULL && len > 4 && strncmp(text + len - 3, "ies", 3) == 0)
	{
		char		singular[PHIG_WORD_MAX_BYTES];

		if (len - 2 < sizeof(singular))
		{
			memcpy(singular, text, len - 3);
			singular[len - 3] = 'y';
			group = find(singular, len - 2, &entry, &entry_len);
		}
	}
	if (group == NULL)
		return false;
	plus = memchr(entry, '+', entry_len);
	if (plus != NULL)
	{
		/* each of the two is a word of its own */
		(void) add_known(out, entry, plus - entry);
		(void) add_known(out, plus + 1, entry + entry_len - plus - 1);
	}
	else
	{
		/* what an abbreviation stands for may be of another sort */
		const char *ignored;
		size_t		ignored_len;
		const KnownWords *long_group = find(entry, entry_len, &ignored, &ignored_len);

		add(out, entry, entry_len, long_group == NULL ? group->sort : long_group->sort);
	}
	return true;
}

/* Where a word stands; entry: what it stands for. */
static const KnownWords *
find(const char *text, size_t len, const char **entry, size_t *entry_len)
{
	for (int i = 0; i < (int) lengthof(known); i++)
		for (const char *word = known[i].words; *word != '\0';)
		{
			size_t		word_len = strcspn(word, " ");
			size_t		short_len = strcspn(word, " =");

			if (short_len == len && memcmp(word, text, len) == 0)
			{
				*entry = short_len == word_len ? word : word + short_len + 1;
				*entry_len = short_len == word_len ? word_len : word_len - short_len - 1;
				return &known[i];
			}
			word += word_len;
			word += strspn(word, " ");
		}
	return NULL;
}

static void
add(PhigWords *out, const char *text, size_t len, char sort)
{
	PhigWord   *word;

	if (out->n == PHIG_WORDS_MAX)
		return;
	word = &out->words[out->n++];
	len = Min(len, PHIG_WORD_MAX_BYTES - 1);
	memcpy(word->text, text, len);
	word->text[len] = '\0';
	word->sort = sort;
}

/*
 * Known words written together, the longest first part that leaves known words.  Short ones join nothing
 * but the last: patientid, not pa+tie+n+tid.
 */
static bool
take_apart(PhigWords *out, const char *text, size_t len, int depth)
{
	const char *entry;
	size_t		entry_len;
	int			before = out->n;

	if (depth == 5)
		return false;
	for (size_t first = len; first >= 2; first--)
	{
		if (first == 2 && !may_be_short(text, depth, first == len))
			continue;
		if (find(text, first, &entry, &entry_len) == NULL &&
			!(first > 4 && text[first - 1] == 's' && find(text, first - 1, &entry, &entry_len) != NULL))
			continue;
		(void) add_known(out, text, first);
		if (first == len || take_apart(out, text + first, len - first, depth + 1))
			return true;
		out->n = before;
	}
	return false;
}

/* The words of two letters that count where all is written together: at the beginning, in between, at the end. */
static bool
may_be_short(const char *text, int depth, bool is_last)
{
	const char *list = is_last ? "id no dt nm cd" : depth == 0 ? "pt ed is" : "of";

	if (is_last && depth == 0)
		return false;
	for (const char *word = list; *word != '\0'; word += strcspn(word, " "), word += strspn(word, " "))
		if (memcmp(word, text, 2) == 0)
			return true;
	return false;
}

/* An unknown word that ends in what names of columns often end in. */
static bool
take_end_off(PhigWords *out, const char *text, size_t len)
{
	static const char *const ends[] = {"datetime", "number", "address", "phone", "date", "time", "name", "code", "text", "ssn", "mrn", "npi", "dob"};

	for (int i = 0; i < (int) lengthof(ends); i++)
	{
		size_t		end_len = strlen(ends[i]);

		if (len < end_len + 3 || memcmp(text + len - end_len, ends[i], end_len) != 0)
			continue;
		if (!take_apart(out, text, len - end_len, 0))
			add(out, text, len - end_len, PHIG_WORD_UNKNOWN);
		return add_known(out, ends[i], end_len);
	}
	return false;
}
