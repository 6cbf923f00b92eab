/*
 * closed.c
 *		What an extract may be measured by before it is open.
 *
 * Release and population are one UNION, which has the population's type where the extract's can be cast to that.
 * The cast may be a function of a user's: who may not read the extract yet could have it tell.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "extract/closed.h"
#include "extract/release.h"

void
phig_closed_check_columns(Oid extract, const char *const *columns, int ncolumns, Oid population)
{
	for (int i = 0; i < ncolumns; i++)
	{
		Oid			type = getBaseType(get_atttype(extract, get_attnum(extract, columns[i])));

		if (getBaseType(get_atttype(population, get_attnum(population, columns[i]))) != type)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("column \"%s\" is of type %s in extract %s and of another in the population", columns[i],
							format_type_be(type), phig_release_name(extract)),
					 errdetail("A cast would be given values of the extract, which is closed."),
					 errhint("Give a view of the population that casts it.")));
	}
}
