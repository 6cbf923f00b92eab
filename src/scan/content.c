/*
 * content.c
 *		What the values of a column speak for.
 *
 * A form that most values have speaks for a category by itself, or only where the catalog does already:
 * nine digits are an SSN in a column named ssn.  Columns of long texts are notes.
 */
#include "postgres.h"

#include "detect/functions.h"
#include "detect/token.h"
#include "miscadmin.h"
#include "scan/content.h"
#include "scan/evidence.h"
#include "scan/forms.h"
#include "scan/rules.h"

/* Most values of a column: from this share on it counts. */
#define MOST 0.6
/* The same where chance makes one in ten. */
#define NEARLY_ALL 0.9
/* Hardly any: below this share a name is contradicted, from so many values on. */
#define HARDLY_ANY 0.05
#define ENOUGH_VALUES 20

/* What is left of it then: a plain name is still a suspect. */
#define CONTRADICTED 0.6f

/* Mean of a column of texts. */
#define TEXT_BYTES 40
#define TEXT_WORDS 6
/* So many texts are searched for identifiers, so many values for addresses. */
#define MOST_SEARCHED 200
#define MOST_LOOKED_AT 1000
#define VALUE_MAX_BYTES 120

/* Places for hashes of values: half of them stay free. */
#define SEEN (PHIG_CONTENT_DISTINCT * 2)

typedef struct FormMeaning
{
	const char *name;
	PhigCategory category;
	const char *kind;
	double		share;			/* that is needed */
	float		alone;			/* score; 0: says nothing by itself */
	float		confirming;		/* the same where the catalog says this category */
	int			distinct;		/* values that are needed */
} FormMeaning;

static const FormMeaning meanings[PHIG_FORMS] = {
	[PHIG_FORM_SSN] = {"SSN", PHIG_CAT_SSN, NULL, MOST, 0.92f, 0.92f, 1},
	[PHIG_FORM_SSN_BARE] = {"nine digits", PHIG_CAT_SSN, NULL, MOST, 0, 0.7f, 1},
	[PHIG_FORM_EMAIL] = {"e-mail", PHIG_CAT_EMAIL, NULL, MOST, 0.97f, 0.97f, 1},
	[PHIG_FORM_URL] = {"URL", PHIG_CAT_URL, NULL, MOST, 0.85f, 0.9f, 1},
	[PHIG_FORM_IP] = {"IP address", PHIG_CAT_IP, NULL, MOST, 0.9f, 0.95f, 1},
	[PHIG_FORM_PHONE] = {"telephone number", PHIG_CAT_PHONE, NULL, MOST, 0.85f, 0.9f, 1},
	[PHIG_FORM_PHONE_BARE] = {"ten digits", PHIG_CAT_PHONE, NULL, MOST, 0, 0.7f, 1},
	[PHIG_FORM_ZIP_LONG] = {"ZIP+4", PHIG_CAT_GEO, "zip", MOST, 0.8f, 0.9f, 2},
	[PHIG_FORM_ZIP] = {"five digits", PHIG_CAT_GEO, "zip", MOST, 0, 0.6f, 1},
	[PHIG_FORM_UUID] = {"UUID", PHIG_CAT_OTHER, NULL, MOST, 0, 0.5f, 1},
	[PHIG_FORM_DATE] = {"date", PHIG_CAT_DATE, NULL, MOST, 0.3f, 0.8f, 1},
	[PHIG_FORM_DATE_BARE] = {"date without signs", PHIG_CAT_DATE, NULL, NEARLY_ALL, 0, 0.7f, 3},
	[PHIG_FORM_NPI] = {"NPI", PHIG_CAT_LICENSE, "npi", NEARLY_ALL, 0.9f, 0.9f, 5},
	[PHIG_FORM_DEA] = {"DEA number", PHIG_CAT_LICENSE, "dea", MOST, 0.9f, 0.9f, 3},
	[PHIG_FORM_VIN] = {"VIN", PHIG_CAT_VEHICLE, "vin", MOST, 0.9f, 0.9f, 3},
	[PHIG_FORM_MBI] = {"MBI", PHIG_CAT_HEALTH_PLAN, "mbi", MOST, 0.9f, 0.9f, 3},
	[PHIG_FORM_CARD] = {"card number", PHIG_CAT_ACCOUNT, "card", NEARLY_ALL, 0.85f, 0.9f, 5},
	[PHIG_FORM_MAC] = {"MAC address", PHIG_CAT_DEVICE, "mac", MOST, 0.85f, 0.9f, 1},
	[PHIG_FORM_UDI] = {"UDI", PHIG_CAT_DEVICE, "udi", MOST, 0.92f, 0.92f, 1},
	[PHIG_FORM_FULL_NAME] = {"name of a person", PHIG_CAT_NAME, "full", MOST, 0.85f, 0.9f, 5},
	[PHIG_FORM_GIVEN] = {"given name", PHIG_CAT_NAME, "given", MOST, 0.75f, 0.85f, 8},
	[PHIG_FORM_SURNAME] = {"surname", PHIG_CAT_NAME, "family", MOST, 0.7f, 0.85f, 12},
	[PHIG_FORM_CITY] = {"town", PHIG_CAT_GEO, "city", MOST, 0.65f, 0.85f, 12},
	[PHIG_FORM_STREET] = {"street address", PHIG_CAT_GEO, "street", MOST, 0.9f, 0.95f, 2},
	[PHIG_FORM_PHOTO] = {"image", PHIG_CAT_PHOTO, NULL, MOST, 0.85f, 0.95f, 1},
};

static void count_distinct(PhigContent *content, const char *value, size_t len);
static void count_characters(PhigContent *content, const char *value, size_t len);
static void search(PhigContent *content, const char *value, size_t len, bool has[PHIG_FORMS]);
static List *weigh_forms(const PhigContent *content, List *items, bool about_people);
static bool outdone(const PhigContent *content, PhigValueForm form);
static List *weigh_texts(const PhigContent *content, List *items);
static void contradict(const PhigContent *content, List *items);
static bool is_contradicted(const PhigContent *content, const PhigEvidenceItem *item);
static bool says(List *items, PhigCategory category);
static double share_of(const PhigContent *content, int64 count);
static char *describe(int64 count, int64 of, const char *what, const char *unit);

void
phig_content_begin(PhigContent *content)
{
	memset(content, 0, sizeof(PhigContent));
	content->seen = palloc0(SEEN * sizeof(uint64));
}

void
phig_content_end(PhigContent *content)
{
	pfree(content->seen);
	content->seen = NULL;
}

void
phig_content_add(PhigContent *content, const char *value, size_t len, int holds)
{
	bool		has[PHIG_FORMS];

	if (holds == PHIG_HOLDS_BYTES)
	{
		content->values += len > 0;
		content->forms[PHIG_FORM_PHOTO] += phig_form_is_image(value, len);
		return;
	}
	while (len > 0 && (unsigned char) value[0] <= ' ')
		value++, len--;
	while (len > 0 && (unsigned char) value[len - 1] <= ' ')
		len--;
	if (len == 0)
		return;
	content->values++;
	content->bytes += len;
	count_distinct(content, value, len);
	count_characters(content, value, len);
	phig_forms_of(value, len, has);
	search(content, value, len, has);
	for (int form = 0; form < PHIG_FORMS; form++)
		content->forms[form] += has[form];
}

List *
phig_content_weigh(const PhigContent *content, List *items, bool about_people)
{
	if (content->values == 0)
		return items;
	contradict(content, items);
	items = weigh_forms(content, items, about_people);
	return weigh_texts(content, items);
}

static void
count_distinct(PhigContent *content, const char *value, size_t len)
{
	uint64		hash = PHIG_HASH_SEED;

	if (content->distinct == PHIG_CONTENT_DISTINCT)
		return;
	for (size_t i = 0; i < len; i++)
		hash = phig_hash_byte(hash, value[i]);
	hash = phig_hash_finish(hash) | 1;
	for (size_t i = hash % SEEN;; i = (i + 1) % SEEN)
	{
		if (content->seen[i] == hash)
			return;
		if (content->seen[i] == 0)
		{
			content->seen[i] = hash;
			content->distinct++;
			return;
		}
	}
}

static void
count_characters(PhigContent *content, const char *value, size_t len)
{
	size_t		digits = 0;
	bool		in_word = false;

	for (size_t i = 0; i < len; i++)
	{
		bool		blank = (unsigned char) value[i] <= ' ';

		digits += value[i] >= '0' && value[i] <= '9';
		content->words += !blank && !in_word;
		in_word = !blank;
	}
	content->with_digits += digits > 0;
	content->only_digits += digits == len;
	content->with_at += memchr(value, '@', len) != NULL;
	content->with_dot += memchr(value, '.', len) != NULL;
}

/* What takes detection: addresses in short values, identifiers of any kind in texts. */
static void
search(PhigContent *content, const char *value, size_t len, bool has[PHIG_FORMS])
{
	bool		is_text = len >= TEXT_BYTES;
	PhigSpans  *spans;

	if (memchr(value, ' ', len) == NULL)
		return;
	if (len > VALUE_MAX_BYTES ? content->searched >= MOST_SEARCHED : content->values > MOST_LOOKED_AT)
		return;
	if (!is_text && !(value[0] >= '0' && value[0] <= '9'))
		return;
	CHECK_FOR_INTERRUPTS();
	spans = phig_detect_text(value, len, PHIG_DETECT_MIN_SCORE);
	for (int i = 0; i < spans->n; i++)
		if (spans->spans[i].kind != NULL && strcmp(spans->spans[i].kind, "street") == 0 && len <= VALUE_MAX_BYTES)
			has[PHIG_FORM_STREET] = true;
	if (is_text)
	{
		content->searched++;
		content->with_identifiers += spans->n > 0;
	}
}

static List *
weigh_forms(const PhigContent *content, List *items, bool about_people)
{
	List	   *found = NIL;

	for (int form = 0; form < PHIG_FORMS; form++)
	{
		const FormMeaning *meaning = &meanings[form];
		PhigCategory category = meaning->category;
		int64		looked_at = form == PHIG_FORM_STREET ? Min(content->values, MOST_LOOKED_AT) : content->values;
		double		share = (double) content->forms[form] / looked_at;
		float		score = meaning->alone;

		if (share < meaning->share || outdone(content, form))
			continue;
		/* a number of telefax looks like a telephone's, an id of any sort may be a UUID */
		if (category == PHIG_CAT_PHONE && says(items, PHIG_CAT_FAX))
			category = PHIG_CAT_FAX;
		if (form == PHIG_FORM_UUID && says(items, PHIG_CAT_MRN))
			category = PHIG_CAT_MRN;
		if (category == PHIG_CAT_DATE && about_people && score > 0)
			score = 0.7f;
		if (says(items, category))
			score = meaning->confirming;
		else if (content->distinct < meaning->distinct)
			continue;
		if (score > 0)
			found = phig_evidence_add(found, category, meaning->kind,
									  score * share * content->values / (content->values + 1.0),
									  describe(content->forms[form], looked_at, meaning->name, "values"));
	}
	return list_concat(items, found);
}

/* Words of one kind are often of another, too: the kind that most are counts. */
static bool
outdone(const PhigContent *content, PhigValueForm form)
{
	static const PhigValueForm words[] = {PHIG_FORM_GIVEN, PHIG_FORM_SURNAME, PHIG_FORM_CITY, PHIG_FORM_FULL_NAME};
	bool		is_word = false;

	for (int i = 0; i < (int) lengthof(words); i++)
		is_word = is_word || words[i] == form;
	for (int i = 0; i < (int) lengthof(words) && is_word; i++)
		if (content->forms[words[i]] > content->forms[form])
			return true;
	return false;
}

static List *
weigh_texts(const PhigContent *content, List *items)
{
	bool		is_text = content->bytes >= TEXT_BYTES * content->values &&
		content->words >= TEXT_WORDS * content->values;
	double		found = content->searched == 0 ? 0 : (double) content->with_identifiers / content->searched;

	if (is_text)
		return phig_evidence_add(items, PHIG_CAT_NOTE, NULL, 0.75f + 0.2f * found,
								 describe(content->with_identifiers, content->searched, "with identifiers", "texts"));
	return items;
}

static void
contradict(const PhigContent *content, List *items)
{
	ListCell   *lc;

	if (content->values < ENOUGH_VALUES)
		return;
	foreach(lc, items)
	{
		PhigEvidenceItem *item = lfirst(lc);

		if (!is_contradicted(content, item))
			continue;
		item->score *= CONTRADICTED;
		item->text = psprintf("%s (values do not look like it)", item->text);
	}
}

/* By what no value of that category can be without. */
static bool
is_contradicted(const PhigContent *content, const PhigEvidenceItem *item)
{
	switch (item->category)
	{
		case PHIG_CAT_EMAIL:
			return share_of(content, content->with_at) < HARDLY_ANY;
		case PHIG_CAT_URL:
		case PHIG_CAT_IP:
			return share_of(content, content->with_dot) < HARDLY_ANY;
		case PHIG_CAT_SSN:
		case PHIG_CAT_PHONE:
		case PHIG_CAT_FAX:
		case PHIG_CAT_DATE:
		case PHIG_CAT_MRN:
		case PHIG_CAT_ACCOUNT:
		case PHIG_CAT_HEALTH_PLAN:
		case PHIG_CAT_LICENSE:
			return share_of(content, content->with_digits) < HARDLY_ANY;
		case PHIG_CAT_NAME:
			return share_of(content, content->only_digits) > 1 - HARDLY_ANY;
		default:
			return item->kind != NULL && strcmp(item->kind, "zip") == 0 &&
				share_of(content, content->with_digits) < HARDLY_ANY;
	}
}

static bool
says(List *items, PhigCategory category)
{
	ListCell   *lc;

	foreach(lc, items)
		if (((PhigEvidenceItem *) lfirst(lc))->category == category)
			return true;
	return false;
}

static double
share_of(const PhigContent *content, int64 count)
{
	return (double) count / content->values;
}

static char *
describe(int64 count, int64 of, const char *what, const char *unit)
{
	return psprintf("content: %d %% %s of " INT64_FORMAT " %s", of == 0 ? 0 : (int) (100 * count / of), what, of, unit);
}
