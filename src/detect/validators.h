/*
 * validators.h
 *		Does a text have the published form of an identifier?
 *
 * Pure functions of (bytes, length): nothing of the server is included, no memory
 * is allocated, no error raised, no locale asked; the text needs no NUL and may
 * hold any byte.  The PHI types check with them, and so can detection.
 *
 * A verdict is graded, because test data and mistyped identifiers are PHI too:
 * shape alone makes a value an SSN to be protected; the issued ranges and the
 * check digit say whether it can be a real one.
 */
#ifndef PHIG_VALIDATORS_H
#define PHIG_VALIDATORS_H

#include <stddef.h>

typedef enum PhigVerdict
{
	PHIG_BAD_SHAPE,				/* not written like one */
	PHIG_BAD_RANGE,				/* written like one, with a part that is never issued */
	PHIG_BAD_CHECK,				/* in range, and the check digit is wrong */
	PHIG_VALID					/* nothing published speaks against it */
} PhigVerdict;

typedef PhigVerdict (*PhigValidator) (const char *s, size_t len);

/* AAA-GG-SSSS with one kind of separator (hyphen, space, dot), or nine digits.
 * Range: SSA, randomization since 2011: area not 000, 666, 900-999; group not 00; serial not
 * 0000; nor 078-05-1120 and 219-09-9999, which SSA withdrew after they were printed in public. */
extern PhigVerdict phig_check_ssn(const char *s, size_t len);

/* Ten digits (45 CFR 162.406).  Range: starts with 1 or 2.  Check: Luhn over 80840 and the number. */
extern PhigVerdict phig_check_npi(const char *s, size_t len);

/* Medicare Beneficiary Identifier: eleven upper-case letters and digits, plain or 4-3-4 with
 * hyphens.  Range: the characters that CMS allows at each position. */
extern PhigVerdict phig_check_mbi(const char *s, size_t len);

/* DEA registration: two letters (or a letter and 9) and seven digits, with an optional hospital
 * suffix after a hyphen.  Range: the registrant letters in use.  Check: the seventh digit. */
extern PhigVerdict phig_check_dea(const char *s, size_t len);

/* Payment card of 13 to 19 digits, plain or grouped by single spaces or hyphens.
 * Range: an issuer's prefix with its length.  Check: Luhn (ISO/IEC 7812-1). */
extern PhigVerdict phig_check_card(const char *s, size_t len);

/* ABA bank routing number: nine digits.  Range: first two digits.  Check: weights 3, 7, 1. */
extern PhigVerdict phig_check_routing(const char *s, size_t len);

/* A card or a routing number. */
extern PhigVerdict phig_check_card_or_routing(const char *s, size_t len);

/* Vehicle identification number (49 CFR 565.15): 17 of A-H J-N P R-Z 0-9, the ninth a digit or X.
 * Range: model-year character, four digits at the end.  Check: the ninth position. */
extern PhigVerdict phig_check_vin(const char *s, size_t len);

/* Unique device identifier, GS1 (21 CFR 801.20): (01) and a GTIN-14, then further (nn) elements;
 * or the same digits without brackets; or the GTIN-14 alone.
 * Range: month and day of dates.  Check: the GTIN's last digit. */
extern PhigVerdict phig_check_udi(const char *s, size_t len);

/* IMEI: 15 digits.  Check: Luhn (3GPP TS 23.003). */
extern PhigVerdict phig_check_imei(const char *s, size_t len);

/* MAC address: six hex pairs joined by colons or hyphens, or three groups of four joined by dots.
 * Range: neither all zero nor all one. */
extern PhigVerdict phig_check_mac(const char *s, size_t len);

/* A UDI, an IMEI or a MAC address. */
extern PhigVerdict phig_check_device(const char *s, size_t len);

/* 7 to 15 digits with spaces, dots, slashes, hyphens and brackets between them, a leading +, and an
 * extension of 1 to 6 digits after x, ext or #.  Range: ten digits of the North American Numbering
 * Plan, with or without country code 1. */
extern PhigVerdict phig_check_phone(const char *s, size_t len);

/* Five digits, or nine, with or without a hyphen after the fifth.  Range: 00501 to 99950. */
extern PhigVerdict phig_check_zip(const char *s, size_t len);

/* local@domain: dot-atom or quoted local part (RFC 5321, UTF-8 as in RFC 6531), a domain of two or
 * more labels. */
extern PhigVerdict phig_check_email(const char *s, size_t len);

/* scheme://rest (RFC 3986), www.host, or host/path. */
extern PhigVerdict phig_check_url(const char *s, size_t len);

/* A person's name or part of one: at least one letter, no control characters, at most 400 bytes. */
extern PhigVerdict phig_check_name(const char *s, size_t len);

/* One or more lines of an address: a letter or digit, at most 1000 bytes. */
extern PhigVerdict phig_check_address(const char *s, size_t len);

/* A number assigned without a published form: letters, digits and - . _ / : # * with single spaces
 * between them, at least one digit, at most 64 bytes. */
extern PhigVerdict phig_check_number(const char *s, size_t len);

/* Like phig_check_number, but letters may do without digits: licence plates. */
extern PhigVerdict phig_check_plate(const char *s, size_t len);

/* Device identifiers of any issuer: printable ASCII (and the GS1 group separator) with a letter or
 * digit, at most 200 bytes. */
extern PhigVerdict phig_check_device_text(const char *s, size_t len);

/* Any one-line text that is not blank, at most 1000 bytes. */
extern PhigVerdict phig_check_line(const char *s, size_t len);

#endif
