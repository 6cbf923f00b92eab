/* sources: src/detect/validators.c src/detect/contacts.c */
/*
 * validators_fuzz.c
 *		Outside bytes for the validators, and what must hold for check digits whatever the number.
 *
 * Every text lies in a heap block of exactly its length, so that the sanitizer
 * sees each read beyond it.  The seed is fixed: a failure repeats.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/validators.h"

#define lengthof(array) (sizeof(array) / sizeof((array)[0]))

#define ROUNDS 20000

static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
static int	failures = 0;

static uint32_t
next_random(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t) (state >> 32) % below;
}

static void
fail(const char *what, const char *sample)
{
	fprintf(stderr, "not ok: %s: %s\n", what, sample);
	failures++;
}

/* A validator's verdict on a copy without anything behind it. */
static PhigVerdict
verdict(PhigValidator check, const char *sample, size_t len)
{
	char	   *copy = malloc(len > 0 ? len : 1);
	PhigVerdict first,
				second;

	memcpy(copy, sample, len);
	first = check(len > 0 ? copy : copy + 1, len);
	second = check(len > 0 ? copy : copy + 1, len);
	free(copy);
	if (first != second || first < PHIG_BAD_SHAPE || first > PHIG_VALID)
		fail("verdict is not one, or changes", "");
	return first;
}

static const struct
{
	PhigValidator check;
	const char *valid;			/* the sample that mutations start from */
}			validators[] = {
	{phig_check_ssn, "219-09-1234"},
	{phig_check_npi, "1234567893"},
	{phig_check_mbi, "1EG4-TE5-MK73"},
	{phig_check_dea, "AB1234563-012"},
	{phig_check_card, "4111 1111 1111 1111"},
	{phig_check_routing, "021000021"},
	{phig_check_card_or_routing, "378282246310005"},
	{phig_check_vin, "1M8GDM9AXKP042788"},
	{phig_check_udi, "(01)00614141999996(17)290315(10)A1(21)488266988"},
	{phig_check_imei, "490154203237518"},
	{phig_check_mac, "00:1A:2b:3c:4D:5e"},
	{phig_check_device, "010061414199999617290315"},
	{phig_check_phone, "+1 (617) 555-0142, ext. 12"},
	{phig_check_zip, "02155-1234"},
	{phig_check_email, "\"j \\\"doe\"@mail.example.org"},
	{phig_check_url, "https://portal.example.org:8443/p/1?x=2#top"},
	{phig_check_url, "portal.example.org:8443/p"},
	{phig_check_name, "Jos\xc3\xa9 O'Reilly797"},
	{phig_check_address, "784 Stamm Lock\nUnit 46"},
	{phig_check_number, "HAR 0012345"},
	{phig_check_plate, "GOBRUINS"},
	{phig_check_device_text, "+H123PARTNO1234567890120/$$420020216LOT1"},
	{phig_check_line, "study subject 7"}
};

/* Bytes changed, dropped, doubled and cut off at random, given to every validator. */
static void
mutate(const char *from)
{
	char		sample[300];
	size_t		len = strlen(from);
	uint32_t	edits = 1 + next_random(4);

	memcpy(sample, from, len);
	while (edits-- > 0)
	{
		size_t		at = len > 0 ? next_random((uint32_t) len) : 0;

		switch (next_random(5))
		{
			case 0:
				if (len > 0)
					sample[at] = (char) next_random(256);
				break;
			case 1:
				if (len > 0)
					memmove(sample + at, sample + at + 1, --len - at);
				break;
			case 2:
				memmove(sample + at + 1, sample + at, len++ - at);
				sample[at] = " -.()@/\"\\0X9x+#:"[next_random(16)];
				break;
			case 3:
				len = at;
				break;
			default:
				if (len > 0)
					sample[at] = (char) ('0' + next_random(10));
				break;
		}
	}
	for (size_t i = 0; i < lengthof(validators); i++)
		verdict(validators[i].check, sample, len);
}

/* The area, group and serial rules, said once more in other words. */
static void
ssn_against_its_rules(void)
{
	unsigned	area = next_random(1000),
				group = next_random(100),
				serial = next_random(10) == 0 ? 0 : next_random(10000);
	char		sample[32];
	PhigVerdict want = PHIG_VALID;

	if (area < 1 || area > 899 || area == 666 || group < 1 || serial < 1)
		want = PHIG_BAD_RANGE;
	snprintf(sample, sizeof(sample), "%03u-%02u-%04u", area, group, serial);
	if (strcmp(sample, "078-05-1120") == 0 || strcmp(sample, "219-09-9999") == 0)
		want = PHIG_BAD_RANGE;
	if (verdict(phig_check_ssn, sample, strlen(sample)) != want)
		fail("ssn", sample);
}

/* Luhn as the standard words it, over prefix and number. */
static int
luhn_holds(const char *prefix, const char *number)
{
	char		all[64];
	int			sum = 0;
	int			twice = 0;

	snprintf(all, sizeof(all), "%s%s", prefix, number);
	for (size_t i = strlen(all); i-- > 0; twice = !twice)
	{
		int			product = (all[i] - '0') * (twice ? 2 : 1);

		sum += product / 10 + product % 10;
	}
	return sum % 10 == 0;
}

static void
random_digits(char *sample, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sample[i] = (char) ('0' + next_random(10));
	sample[n] = '\0';
}

static void
luhn_numbers(void)
{
	char		sample[32];

	random_digits(sample, 10);
	sample[0] = (char) ('1' + next_random(2));
	if ((verdict(phig_check_npi, sample, 10) == PHIG_VALID) != luhn_holds("80840", sample))
		fail("npi", sample);

	random_digits(sample, 15);
	if ((verdict(phig_check_imei, sample, 15) == PHIG_VALID) != luhn_holds("", sample))
		fail("imei", sample);

	random_digits(sample, 16);
	sample[0] = '4';
	if ((verdict(phig_check_card, sample, 16) == PHIG_VALID) != luhn_holds("", sample))
		fail("card", sample);
}

/*
 * With every other digit fixed exactly one value of each digit passes: such a
 * check digit finds any single wrong digit.
 */
static void
one_digit_of_ten(PhigValidator check, const char *form, const char *what)
{
	char		sample[32];
	size_t		len = strlen(form);
	size_t		at;
	int			passes = 0;

	for (size_t i = 0; i < len; i++)
		sample[i] = form[i] == '#' ? (char) ('0' + next_random(10)) : form[i];
	sample[len] = '\0';
	do
		at = next_random((uint32_t) len);
	while (form[at] != '#');
	for (char c = '0'; c <= '9'; c++)
	{
		sample[at] = c;
		passes += verdict(check, sample, len) == PHIG_VALID;
	}
	if (passes != 1)
		fail(what, sample);
}

/* Of the eleven check characters of a VIN exactly one passes. */
static void
vin_digits(void)
{
	char		sample[] = "1HGCM82633A004352";
	int			passes = 0;

	for (int i = 3; i < 17; i++)
		if (i != 8 && i != 9)
			sample[i] = (char) ('0' + next_random(10));
	for (size_t i = 0; i < 11; i++)
	{
		sample[8] = "0123456789X"[i];
		passes += verdict(phig_check_vin, sample, 17) == PHIG_VALID;
	}
	if (passes != 1)
		fail("vin", sample);
}

int
main(void)
{
	for (size_t i = 0; i < lengthof(validators); i++)
	{
		const char *sample = validators[i].valid;

		if (verdict(validators[i].check, sample, strlen(sample)) != PHIG_VALID)
			fail("a valid sample is refused", sample);
	}

	for (int round = 0; round < ROUNDS; round++)
	{
		mutate(validators[round % lengthof(validators)].valid);
		ssn_against_its_rules();
		luhn_numbers();
		one_digit_of_ten(phig_check_npi, "1#########", "npi digit");
		one_digit_of_ten(phig_check_imei, "###############", "imei digit");
		one_digit_of_ten(phig_check_routing, "02#######", "routing digit");
		one_digit_of_ten(phig_check_udi, "(01)##############", "gtin digit");
		vin_digits();
	}
	if (failures > 0)
		return 1;
	printf("%d rounds\n", ROUNDS);
	return 0;
}
