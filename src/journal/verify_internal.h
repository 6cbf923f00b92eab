/*
 * verify_internal.h
 *		What verify.c (a segment) and verify_node.c (a node's segments, branches and anchors) ask of each other.
 */
#ifndef PHIG_VERIFY_INTERNAL_H
#define PHIG_VERIFY_INTERNAL_H

#include "journal/verify.h"

/* Report what is wrong in the segment at hand, or in the node where there is none. */
extern void phig_verify_finding(PhigVerifier *v, uint64_t position, const char *format,...)
			__attribute__((format(printf, 3, 4)));

/* A node's name in files: the first four bytes in hexadecimal. */
extern void phig_verify_node_name(const uint8_t *node, char node8[9]);

/* The next segment's number, of those that are there. */
extern void phig_verify_check_number(PhigVerifier *v, uint64_t number);

/* Did nodes take over from this one, each at a place that was met?  Then what follows here may be half a copy. */
extern bool phig_verify_was_left(const PhigVerifier *v);

/*
 * Is this place behind the end of what was copied?  What stands there was caught while the parent wrote, in the
 * last segment and in those begun meanwhile: it belongs to nobody, and nothing is wrong with it.
 */
extern bool phig_verify_copy_ended(const PhigVerifier *v);

/* May an anchor or a branch speak of this place? */
extern bool phig_verify_is_of_interest(const PhigVerifier *v, uint64_t offset, uint64_t seq);

/* The hash behind record seq is this: do the branches that leave the node there begin with it? */
extern void phig_verify_check_branches(PhigVerifier *v, uint64_t seq, const uint8_t *hash);

/* The segments before this first record were taken on trust: so are the branches that leave there. */
extern void phig_verify_trust_branches(PhigVerifier *v, uint64_t first_seq);

/* The last hash at offset is this (NULL: not known): is it what the anchors of this place know? */
extern void phig_verify_check_anchors(PhigVerifier *v, uint64_t offset, const uint8_t *hash);

#endif
