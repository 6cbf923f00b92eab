/*
 * read.c
 *		Reading samples of several tables, with what help can be had.
 *
 * Workers (parallel.c) read together what they can, the rest is read here, one table after the other.  Each reading
 * is a subtransaction: one that fails, of a broken file or a foreign server that is down, says nothing and
 * leaves the others as they are.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "errors.h"
#include "scan/parallel.h"
#include "scan/read.h"

/* What is done in a subtransaction. */
typedef struct Work
{
	PhigScanned *tables;
	int			ntables;
	int32		rows;
	bool		of_table;		/* its error is one of a table's reading */
} Work;

static int	attempt(void (*what) (Work *work), Work *work);
static void in_parallel(Work *work);
static void alone(Work *work);

void
phig_read_together(PhigScanned *tables, int ntables, int32 rows)
{
	(void) attempt(in_parallel, &(Work) {tables, ntables, rows, false});
}

void
phig_read_rest(PhigScanned *table, int32 rows)
{
	int			sqlstate;

	if (table->why_unread || table->were_read)
		return;
	sqlstate = attempt(alone, &(Work) {table, 1, rows, true});
	if (sqlstate == 0)
		return;
	for (int k = 0; k < table->n; k++)
		table->columns[k].content = (PhigContent) {0};
	table->why_unread = psprintf("reading them fails with SQLSTATE %s", unpack_sql_state(sqlstate));
}

bool
phig_read_may_go_on(int sqlstate)
{
	int			category = ERRCODE_TO_CATEGORY(sqlstate);

	return category != ERRCODE_TO_CATEGORY(ERRCODE_QUERY_CANCELED) &&
		category != ERRCODE_TO_CATEGORY(ERRCODE_OUT_OF_MEMORY) &&
		category != ERRCODE_TO_CATEGORY(ERRCODE_T_R_SERIALIZATION_FAILURE) &&
		category != ERRCODE_TO_CATEGORY(PHIG_ERRCODE_JOURNAL_UNAVAILABLE);
}

/* The SQLSTATE of an error that leaves others as they are, or 0. */
static int
attempt(void (*what) (Work *work), Work *work)
{
	MemoryContext outer = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	MemoryContext inner = AllocSetContextCreate(outer, "phiguard reading", ALLOCSET_DEFAULT_SIZES);
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(inner);
	PG_TRY();
	{
		what(work);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(outer);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(outer);
	CurrentResourceOwner = owner;
	MemoryContextDelete(inner);
	if (error == NULL)
		return 0;
	if (!work->of_table || !phig_read_may_go_on(error->sqlerrcode))
		ReThrowError(error);
	return error->sqlerrcode;
}

static void
in_parallel(Work *work)
{
	phig_parallel_read(work->tables, work->ntables, work->rows, &work->of_table);
}

static void
alone(Work *work)
{
	(void) phig_sample(work->tables->relid, work->rows, work->tables->columns, work->tables->n);
	work->tables->were_read = true;
}
