/*
 * measure.h
 *		Disclosure risk of a release, measured over its equivalence classes.
 *
 * Source: 45 CFR 164.514(b)(1) asks for a very small risk and for methods and results on record; it names no
 * number.  k-anonymity: Sweeney (2002).  l-diversity: Machanavajjhala et al. (2007).  t-closeness: Li, Li,
 * Venkatasubramanian (2007).  Prosecutor, journalist, marketer: El Emam (2013).  delta-presence: Nergiz et al. (2007).
 */
#ifndef PHIG_EXTRACT_MEASURE_H
#define PHIG_EXTRACT_MEASURE_H

#include "postgres.h"

#include "extract/classes.h"

/* f: persons of a class in the release, F: in the population; n: sum of f; J: classes of the release. */
typedef enum PhigMetric
{
	PHIG_RISK_ROWS,
	PHIG_RISK_ROWS_WITHOUT_PERSON,
	PHIG_RISK_PERSONS,
	PHIG_RISK_MEMBERS,			/* n: a person counts in each class */
	PHIG_RISK_CLASSES,			/* J */
	PHIG_RISK_SMALL_CELLS,		/* classes with f < k wanted */
	PHIG_RISK_SMALL_CELL_MEMBERS,
	PHIG_RISK_SMALL_CELL_ROWS,
	PHIG_RISK_K,				/* min f; from here on rates of classes */
	PHIG_RISK_SAMPLE_UNIQUES,	/* share of n with f = 1 */
	PHIG_RISK_POPULATION_UNIQUES,	/* with f = 1 and F = 1 */
	PHIG_RISK_PROSECUTOR_MAX,
	PHIG_RISK_PROSECUTOR_AVG,
	PHIG_RISK_PROSECUTOR_AT_RISK,
	PHIG_RISK_JOURNALIST_MAX,
	PHIG_RISK_JOURNALIST_AVG,
	PHIG_RISK_JOURNALIST_AT_RISK,
	PHIG_RISK_MARKETER,
	PHIG_RISK_PRESENCE_MIN,		/* of f / F */
	PHIG_RISK_PRESENCE_MAX,
	PHIG_RISK_NMETRICS
} PhigMetric;

/* Of each sensitive column. */
typedef enum PhigSensitiveMetric
{
	PHIG_RISK_VALUES,			/* how many, NULL counts */
	PHIG_RISK_L_DISTINCT,
	PHIG_RISK_L_ENTROPY,
	PHIG_RISK_L_RECURSIVE,		/* (c,l)-diversity holds for each c above this */
	PHIG_RISK_T_NOMINAL,
	PHIG_RISK_T_ORDERED,
	PHIG_RISK_T_HIERARCHY,		/* of a column that has one */
	PHIG_RISK_NSENSITIVE
} PhigSensitiveMetric;

typedef struct PhigRiskOptions
{
	int32		k;				/* cells of fewer persons are small */
	int32		l;				/* of recursive (c,l)-diversity */
	double		threshold;		/* a member is at risk above it */
	bool		has_population;
} PhigRiskOptions;

/*
 * phig_risk_measure
 *		The metrics of a release.  NaN is what does not apply: no row, no population, values without an order.
 *
 * Without a population the release is the whole of it, which makes no risk smaller.
 * Errors:  22023 for a population that does not hold the release.
 */
extern void phig_risk_measure(const PhigClasses *classes, const PhigRiskOptions *options,
							  double metrics[PHIG_RISK_NMETRICS]);

/* The metrics of a sensitive column. */
extern void phig_risk_measure_sensitive(const PhigClasses *classes, int column, const PhigRiskOptions *options,
										double metrics[PHIG_RISK_NSENSITIVE]);

#endif
