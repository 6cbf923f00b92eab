/*
 * registry.h
 *		phiguard.transform_registry, as flow reads it and register_transform() writes it.
 */
#ifndef PHIG_FLOW_REGISTRY_H
#define PHIG_FLOW_REGISTRY_H

#include "postgres.h"

#include "utils/rel.h"

/* Its columns. */
enum
{
	PHIG_REG_FUNCTION = 1, PHIG_REG_FORM, PHIG_REG_TAKES, PHIG_REG_RESULT, PHIG_REG_REVERSIBLE, PHIG_REG_METHODS,
	PHIG_REG_SOURCE, PHIG_REG_BUILTIN, PHIG_REG_DEFINITION, PHIG_REG_NCOLUMNS = PHIG_REG_DEFINITION
};

/* In the column result: the label of its argument. */
#define PHIG_RESULT_SAME "same"

#define PHIG_DIGEST_BYTES 32

/* NULL where this database has none. */
extern Relation phig_transform_registry(LOCKMODE lockmode);

/* A function as the registry names it: schema.name(types), all qualified; palloc'd. */
extern char *phig_transform_signature(Oid funcid);

/* SHA-256 of the statement that would define a function as it is now. */
extern void phig_transform_digest(Oid funcid, uint8 digest[PHIG_DIGEST_BYTES]);

#endif
