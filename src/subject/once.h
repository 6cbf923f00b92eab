/*
 * once.h
 *		Is every row of an execution about another person?
 */
#ifndef PHIG_SUBJECT_ONCE_H
#define PHIG_SUBJECT_ONCE_H

#include "postgres.h"

#include "executor/execdesc.h"

#include "subject/path.h"

/*
 * phig_rows_come_once
 *		Does the plan read nothing but one relation, once, whose persons path tells, each of whom has one row there?
 *
 * False where so few rows are expected that it does not matter.  After ExecutorStart.
 */
extern bool phig_rows_come_once(const QueryDesc *query_desc, const PhigSubjectPath *path);

#endif
