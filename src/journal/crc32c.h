/*
 * crc32c.h
 *		CRC-32C (Castagnoli, RFC 3720) by the processor's instruction where it has one.
 *
 * Include it behind postgres.h or postgres_fe.h: it is PostgreSQL's.
 */
#ifndef PHIG_CRC32C_H
#define PHIG_CRC32C_H

#include "port/pg_crc32c.h"

static inline uint32
phig_crc32c(const void *data, size_t len)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, data, len);
	FIN_CRC32C(crc);
	return crc;
}

#endif
