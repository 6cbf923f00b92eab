/*
 * judge.h
 *		What a match of a shape is worth: ranges, check digits, the words around it.
 */
#ifndef PHIG_JUDGE_H
#define PHIG_JUDGE_H

#include "detect/shapes.h"

#define PHIG_JUDGE_ARGS \
	const PhigShape *shape, const PhigScan *scan, size_t start, size_t end, int first, int last

extern float phig_judge_plain(PHIG_JUDGE_ARGS);
extern float phig_judge_card(PHIG_JUDGE_ARGS);
extern float phig_judge_compact(PHIG_JUDGE_ARGS);
extern float phig_judge_date(PHIG_JUDGE_ARGS);
extern float phig_judge_dea(PHIG_JUDGE_ARGS);
extern float phig_judge_gtin(PHIG_JUDGE_ARGS);
extern float phig_judge_iban(PHIG_JUDGE_ARGS);
extern float phig_judge_imei(PHIG_JUDGE_ARGS);
extern float phig_judge_international(PHIG_JUDGE_ARGS);
extern float phig_judge_ipv4(PHIG_JUDGE_ARGS);
extern float phig_judge_iso(PHIG_JUDGE_ARGS);
extern float phig_judge_mac(PHIG_JUDGE_ARGS);
extern float phig_judge_npi(PHIG_JUDGE_ARGS);
extern float phig_judge_national(PHIG_JUDGE_ARGS);
extern float phig_judge_phone(PHIG_JUDGE_ARGS);
extern float phig_judge_point(PHIG_JUDGE_ARGS);
extern float phig_judge_range(PHIG_JUDGE_ARGS);
extern float phig_judge_short(PHIG_JUDGE_ARGS);
extern float phig_judge_ssn(PHIG_JUDGE_ARGS);
extern float phig_judge_vin(PHIG_JUDGE_ARGS);
extern float phig_judge_zip4(PHIG_JUDGE_ARGS);

/* Whether these are a day of some year: month 1-12 and a day that it has in leap years. */
extern bool phig_is_month_day(int month, int day);

/* ISO/IEC 7812-1 annex B over the digits of s; signs between them are passed over. */
extern bool phig_luhn_holds(const char *s, size_t len);

#endif
