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
 * source:      text that holds the statement, or NULL; location and length (bytes, as in Query.stmt_location
 *              and stmt_len: -1 and 0 mean unknown / to the end) say where.  A Query without text is deparsed.
 * tree:        the analysed or rewritten Query: its names that exist in the catalogs are kept, every other
 *              identifier becomes a placeholder (_1, _2 ... in order of appearance).  Of a utility
 *              statement (or NULL: unknown) every name of the catalogs is kept.
 * fingerprint: out; a 64-bit hash of the result: the same for statements that differ only in literals, length
 *              of lists of literals, whitespace, comments, case of keywords, and aliases.
 *
 * Returns palloc'd text in the database's encoding, at most about 16 kB.  No literal, bind value, comment,
 * alias, cursor name, prepared-statement name, savepoint name or other user-chosen word comes through,
 * unless it is spelt as a keyword or as a name that is kept anyway.
 * Errors: catalog errors only; text that cannot be scanned gives the command tag alone.
 */
extern char *phig_normalize(const char *source, int location, int length, Node *tree, uint64 *fingerprint);

#endif
