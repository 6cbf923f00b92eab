/*
 * store.h
 *		Labels as they are stored: pg_seclabel read and written.
 */
#ifndef PHIG_STORE_H
#define PHIG_STORE_H

#include "catalog/objectaddress.h"
#include "nodes/pg_list.h"

#include "label/grammar.h"

/* One row of pg_seclabel that is ours. */
typedef struct PhigStoredLabel
{
	ObjectAddress object;
	PhigLabelFault fault;		/* not PHIG_FAULT_NONE: somebody wrote past the provider */
	PhigParsedLabel parsed;
} PhigStoredLabel;

/* List of PhigStoredLabel *: of one object and its columns, or of all objects when objectId is InvalidOid. */
extern List *phig_stored_labels(Oid classId, Oid objectId);

/* Raises XX001 when the stored label is malformed: what is not understood is never passed over. */
extern void phig_stored_label_must_be_valid(const PhigStoredLabel *stored);

/* The column that a table's own label names as its subject, palloc'd, or NULL. */
extern char *phig_stored_subject(Oid relid);

/* Names that column (NULL: none). */
extern void phig_store_subject(Oid relid, const char *column_name);

/* As it is in labels, of this relation or of another with a column of that name. */
extern void phig_store_subject_of(Oid relid, const PhigRelLabels *labels);

/*
 * phig_store_label
 *		Write (NULL: remove) a label, with everything that follows from a change.
 *
 * Nothing is checked.  Visible to what comes next in the transaction.
 */
extern void phig_store_label(const ObjectAddress *object, const PhigParsedLabel *parsed);

/*
 * phig_label_changes
 *		What follows from a change that the present command makes: the registry and
 *		the journal are told, caches and plans everywhere are invalidated.
 *
 * old_text: as stored, or NULL.  parsed: the new label, or NULL.
 */
extern void phig_label_changes(const ObjectAddress *object, const char *old_text, const PhigParsedLabel *parsed);

/*
 * phig_label_invalidate
 *		Labels and plans of a relation, of all below it, and of all whose columns hold rows of these.
 */
extern void phig_label_invalidate(Oid relid);

/* Does a column, a domain or a range use this type, or an array of it? */
extern bool phig_type_is_used(Oid typid);

#endif
