/*
 * normalize.h
 *		A statement's text without anything a user put into it.
 */
#ifndef PHIG_NORMALIZE_H
#define PHIG_NORMALIZE_H

#include "postgres.h"

#include "nodes/parsenodes.h"

/*
 * phig_normalize
 *		The statement with every literal, comment and alias taken out.
 *
 * source:      text that holds the statement; location and length (bytes, as in Query.stmt_location
 *              and stmt_len: -1 and 0 mean unknown / to the end) say where.
 * tree:        the analysed Query, or the utility statement's parse node: its names that exist in the
 *              catalogs are kept, every other identifier becomes a placeholder (_1, _2 ... in order of appearance).
 * fingerprint: out; a 64-bit hash of the result.
 *
 * Returns palloc'd text in the database's encoding.  No literal, bind value, comment, alias, cursor name,
 * prepared-statement name, savepoint name or other user-chosen word comes through.
 * Errors: none but out of memory; text that cannot be scanned gives the command tag alone.
 */
extern char *phig_normalize(const char *source, int location, int length, Node *tree, uint64 *fingerprint);

#endif
