/*
 * sample.h
 *		Reading a sample of a table's rows, through the executor.
 */
#ifndef PHIG_SAMPLE_H
#define PHIG_SAMPLE_H

#include "postgres.h"

#include "access/attnum.h"
#include "scan/content.h"

/* A column to look at. */
typedef struct PhigSampled
{
	AttrNumber	attno;
	int			holds;			/* PHIG_HOLDS_... */
	PhigContent content;		/* filled here */
} PhigSampled;

/* Are values of a column read at all? */
extern bool phig_sample_reads(const PhigSampled *column);

/*
 * As whom a relation is read: its owner, so that what the owner has planted (an index on a function that the planner
 * evaluates) has no rights of the officer's.  Labelled and foreign ones, and those with children of other owners, as
 * the role that asks: policies and user mappings are the officer's.  The caller checks that both may read.
 */
extern Oid	phig_sample_role(Oid relid);

/* Blocks of a relation and all below it; none of a foreign one. */
extern double phig_sample_blocks(Oid relid);

/*
 * phig_sample
 *		Count the values of n columns in about rows rows of a relation.
 *
 * Less than half of a table is read as blocks drawn by lot, at least a hundred; a small table, a foreign one and one
 * whose blocks are mostly empty from its beginning.  Returns how many rows were read.
 * Errors: those of the executor, 42501 among them; also 57014, within a value or two.
 */
extern int64 phig_sample(Oid relid, int32 rows, PhigSampled *columns, int n);

#endif
