/*
 * cache.h
 *		Resolved labels, kept: what label.h says of look-ups, for the rest of the module.
 */
#ifndef PHIG_CACHE_H
#define PHIG_CACHE_H

#include "label/label.h"

/* As phig_label_relation, but NULL only when no column has any label; none counts. */
extern const PhigRelLabels *phig_cache_relation(Oid relid);

/* A type being resolved holds rows of this relation: when that changes, so may all that was resolved. */
extern void phig_cache_depends_on_rows(Oid relid);

/* Something else that labels are made of has changed: all are found anew. */
extern void phig_cache_forget_all(void);

extern void phig_cache_init(void);

#endif
