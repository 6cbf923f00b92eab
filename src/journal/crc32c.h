/*
 * crc32c.h
 *		CRC-32C (Castagnoli, RFC 3720) by the processor's instructions where it has them.
 */
#ifndef PHIG_CRC32C_H
#define PHIG_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of len bytes at any address.  Errors: none.  Memory: none allocated. */
extern uint32_t phig_crc32c(const void *data, size_t len);

#endif
