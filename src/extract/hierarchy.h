/*
 * hierarchy.h
 *		t-closeness over a hierarchy of a sensitive column's values.
 *
 * Two values are as far from each other as the lowest step that puts them together is high, of H steps with the last,
 * that of all values.  Source: Li, Li, Venkatasubramanian (2007), "hierarchical distance".
 */
#ifndef PHIG_EXTRACT_HIERARCHY_H
#define PHIG_EXTRACT_HIERARCHY_H

#include "postgres.h"

#include "extract/classes.h"

/*
 * phig_hierarchy_distance
 *		The greatest earth mover's distance of a class from the whole release.
 *
 * values, first: as from phig_classes_values.
 * Returns: NaN where the column has no hierarchy.
 * Errors:  22023 where a step takes apart what a finer one has put together.
 */
extern double phig_hierarchy_distance(const PhigClasses *classes, int column, const PhigClassValue *values,
									  const int32 *first);

#endif
