/*
 * vectors.h
 *		What the targets that check published vectors share: reading the lines of
 *		test/lib/vectors.pl, failing, chance.
 *
 * A target with a "vectors:" line gets them on its standard input.  What cannot be read ends it.
 */
#ifndef PHIG_TEST_VECTORS_H
#define PHIG_TEST_VECTORS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/bytes.h"

#define VECTOR_MAX_FIELDS 32

/* A line, cut into its fields. */
typedef struct PhigVector
{
	char	   *line;
	size_t		size;
	char	   *fields[VECTOR_MAX_FIELDS];
	int			n_fields;
} PhigVector;

static int	failures = 0;

/* The next vector of all, into *vector, which begins as zeros; false at the end. */
static inline bool
next_vector(PhigVector *vector)
{
	vector->n_fields = 0;
	if (getline(&vector->line, &vector->size, stdin) < 0)
	{
		free(vector->line);
		return false;
	}
	for (char *field = strtok(vector->line, "\t\n"); field != NULL; field = strtok(NULL, "\t\n"))
	{
		if (vector->n_fields == VECTOR_MAX_FIELDS)
			abort();
		vector->fields[vector->n_fields++] = field;
	}
	return true;
}

/* The value of a field; "" when there is none. */
static inline const char *
text_of(const PhigVector *vector, const char *name)
{
	size_t		len = strlen(name);

	for (int i = 0; i < vector->n_fields; i++)
		if (strncmp(vector->fields[i], name, len) == 0 && vector->fields[i][len] == '=')
			return vector->fields[i] + len + 1;
	return "";
}

static inline bool
is_valid(const PhigVector *vector)
{
	const char *result = text_of(vector, "result");

	if (strcmp(result, "valid") != 0 && strcmp(result, "invalid") != 0)
		abort();
	return strcmp(result, "valid") == 0;
}

/* Bytes written in hexadecimal up to whatever follows; how many. */
static inline size_t
from_hex(const char *hex, uint8_t *bytes, size_t max)
{
	size_t		len = 0;
	unsigned	byte;

	for (; sscanf(hex + 2 * len, "%2x", &byte) == 1; len++)
	{
		if (len == max)
			abort();
		bytes[len] = (uint8_t) byte;
	}
	return len;
}

static inline size_t
bytes_of_field(const PhigVector *vector, const char *name, uint8_t *bytes, size_t max)
{
	return from_hex(text_of(vector, name), bytes, max);
}

static inline void
fail(const char *what, const char *which)
{
	fprintf(stderr, "not ok: %s: %s\n", what, which);
	failures++;
}

static inline void
fail_vector(const char *what, const PhigVector *vector)
{
	fprintf(stderr, "not ok: %s: %s %s\n", what, text_of(vector, "file"), text_of(vector, "tcId"));
	failures++;
}

static inline void
fill_by_chance(uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t) any(256);
}

#endif
