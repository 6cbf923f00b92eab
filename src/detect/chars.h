/*
 * chars.h
 *		Classes of bytes, the same in every locale and encoding.
 *
 * Bytes of 0x80 and above count as letters: every server encoding of PostgreSQL
 * keeps ASCII bytes for ASCII characters.
 */
#ifndef PHIG_CHARS_H
#define PHIG_CHARS_H

#include <stdbool.h>
#include <stddef.h>

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool
is_alpha(char c)
{
	return is_upper(c) || (c >= 'a' && c <= 'z');
}

static inline bool
is_alnum(char c)
{
	return is_alpha(c) || is_digit(c);
}

static inline bool
is_control(char c)
{
	return (unsigned char) c < 0x20 || c == 0x7f;
}

/* A letter of any script. */
static inline bool
is_letter(char c)
{
	return is_alpha(c) || (unsigned char) c >= 0x80;
}

static inline int
digit_value(char c)
{
	return c - '0';
}

static inline bool
all_digits(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_digit(s[i]))
			return false;
	return true;
}

/* The number that n (at most 9) digits spell. */
static inline int
to_int(const char *s, size_t n)
{
	int			value = 0;

	for (size_t i = 0; i < n; i++)
		value = value * 10 + digit_value(s[i]);
	return value;
}

#endif
