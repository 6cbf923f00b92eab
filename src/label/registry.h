/*
 * registry.h
 *		The second book: table phiguard.label_registry.
 */
#ifndef PHIG_REGISTRY_H
#define PHIG_REGISTRY_H

#include "catalog/objectaddress.h"
#include "nodes/pg_list.h"

/* One row, as palloc'd copies. */
typedef struct PhigRegistered
{
	char	   *schema;
	char	   *relation;		/* NULL for a domain */
	char	   *column_name;	/* NULL: the table itself, or a domain */
	char	   *domain;			/* NULL for a relation */
	char	   *label;
} PhigRegistered;

/* The extension, InvalidOid where it is not installed in this database. */
extern Oid	phig_extension_oid(void);

/* Is the object a member of it? */
extern bool phig_is_ours(Oid classId, Oid objectId);

/* Is the object one that the extension script being run brings along? */
extern bool phig_is_shipped(const ObjectAddress *object);

/*
 * phig_registry_set
 *		Register a label (NULL: its removal).
 *
 * Not registered: temporary tables, and what an extension's script labels of its
 * own.  Nothing happens where the extension is not installed.
 */
extern void phig_registry_set(const ObjectAddress *object, const char *label);

/* Forget a relation with its columns (objectSubId 0), a column, or a domain that is about to be dropped. */
extern void phig_registry_forget(const ObjectAddress *object);

/* The relation, column or domain that a row speaks of; false when there is none (any more). */
extern bool phig_registered_object(const PhigRegistered *row, ObjectAddress *object);

/* List of PhigRegistered *, all of them. */
extern List *phig_registry_rows(void);

#endif
