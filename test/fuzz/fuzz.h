/*
 * fuzz.h
 *		What a fuzz target defines, and what the driver offers.
 *
 * The entry has libFuzzer's name and shape, so that a target also links with it.
 */
#ifndef PHIG_FUZZ_H
#define PHIG_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/*
 * One input, in a buffer of exactly size bytes.  ereport(ERROR) inside ends the
 * call; what it palloc'd is freed afterwards.  Call abort() on a wrong answer.
 */
extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The shim's side: run the target on one input; errors that it raised are counted. */
extern void phig_fuzz_one(const uint8_t *data, size_t size);
extern unsigned long phig_fuzz_errors;

#endif
