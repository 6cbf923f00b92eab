/*
 * phiguard.c
 *		The library's entry: one line per module, in start-up order.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "extract/extract.h"
#include "hooks.h"
#include "journal/journal.h"
#include "label/label.h"
#include "policy/policy.h"
#include "settings.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	/* Half a protection would look like one: without preload no hook sees the other sessions. */
	if (!process_shared_preload_libraries_in_progress)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("phiguard must be loaded when the server starts"),
				 errhint("Add this line to postgresql.conf (beside what is there already) and restart the server: "
						 "shared_preload_libraries = 'phiguard'")));

	phig_settings_init();
	phig_label_init();
	phig_policy_init();
	phig_extract_init();
	phig_journal_init();
	phig_hooks_init();
}
