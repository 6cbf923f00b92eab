/*
 * profile.h
 *		The aggregate phiguard.risk_profile: all that is known of a release's risk after one pass over it.
 *
 * Its result is an array of float8 in this order: PHIG_RISK_NMETRICS metrics, the
 * number of values of each quasi-identifier, PHIG_RISK_NSENSITIVE metrics of each
 * sensitive column.
 */
#ifndef PHIG_EXTRACT_PROFILE_H
#define PHIG_EXTRACT_PROFILE_H

#include "postgres.h"

#include "nodes/parsenodes.h"

#include "extract/measure.h"

/* Quasi-identifiers, sensitive columns and steps together: functions take 100 arguments. */
#define PHIG_PROFILE_MAX_COLUMNS 90

/* The result, apart. */
typedef struct PhigProfile
{
	double		release[PHIG_RISK_NMETRICS];
	const double *values_of_quasi;
	const double (*sensitive)[PHIG_RISK_NSENSITIVE];
} PhigProfile;

/* What SPI is to be asked for a profile, and how the columns are called in it. */
typedef struct PhigProfileQuery
{
	Oid			relid;
	int			nquasi;
	const char **quasi;			/* expressions over the relation's columns */
	int			nsensitive;
	const char **sensitive;
	const int  *nsteps;			/* of their hierarchies, or NULL */
	const char ***steps;		/* expressions */
	const char *person;
	Oid			population;		/* or InvalidOid */
	const char **population_quasi;
	const char *population_person;
	PhigRiskOptions options;
	bool		measured;		/* relid is an extract that is closed, and measured all the same */
} PhigProfileQuery;

/*
 * phig_profile_read
 *		Runs the aggregate as the current user, by SPI, which must not be connected.
 *
 * Memory: palloc'd in the current context.
 * Errors: 22023 for no quasi-identifier, 54011 for too many columns.
 */
extern PhigProfile *phig_profile_read(const PhigProfileQuery *query);

/* Where the query that it runs, rewritten, has its release: an entry of it; NULL where there is none. */
extern RangeTblEntry *phig_profile_release(const Query *query);

#endif
