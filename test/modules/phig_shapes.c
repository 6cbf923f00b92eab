/*
 * phig_shapes.c
 *		Statements run from C, by SPI, in a session and in a background worker.
 *
 * For test/t/018_execution_shapes.pl, which builds it; never installed.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(shapes_execute);
PG_FUNCTION_INFO_V1(shapes_plan);
PG_FUNCTION_INFO_V1(shapes_cursor);
PG_FUNCTION_INFO_V1(shapes_worker);

extern PGDLLEXPORT void shapes_worker_main(Datum arg);

/* What a worker is to do; in bgw_extra, so short. */
typedef struct Job
{
	Oid			database;
	Oid			role;
	int			times;
	bool		commit;
	char		query[BGW_EXTRALEN - 4 * sizeof(int)];
} Job;

static uint64
execute(const char *query, int times, int limit, bool commit)
{
	uint64		rows = 0;

	SPI_connect_ext(commit ? SPI_OPT_NONATOMIC : 0);
	for (int i = 0; i < times; i++)
	{
		/* A worker has no portal that would have a snapshot. */
		PushActiveSnapshot(GetTransactionSnapshot());
		if (SPI_execute(query, false, limit) < 0)
			elog(ERROR, "SPI_execute failed");
		PopActiveSnapshot();
		rows += SPI_processed;
		if (commit)
			SPI_commit();
	}
	SPI_finish();
	return rows;
}

/* shapes_execute(query, times, limit): rows of SPI_execute, so many times. */
Datum
shapes_execute(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(execute(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_INT32(1),
							PG_GETARG_INT32(2), false));
}

/* shapes_plan(query, times, limit): one plan with a parameter, 1 to times. */
Datum
shapes_plan(PG_FUNCTION_ARGS)
{
	Oid			type = INT4OID;
	SPIPlanPtr	plan;
	uint64		rows = 0;

	SPI_connect();
	plan = SPI_prepare(text_to_cstring(PG_GETARG_TEXT_PP(0)), 1, &type);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed");
	for (int i = 1; i <= PG_GETARG_INT32(1); i++)
	{
		Datum		value = Int32GetDatum(i);

		if (SPI_execute_plan(plan, &value, NULL, true, PG_GETARG_INT32(2)) < 0)
			elog(ERROR, "SPI_execute_plan failed");
		rows += SPI_processed;
	}
	SPI_finish();
	PG_RETURN_INT64(rows);
}

/* shapes_cursor(query, times, limit, leave): so many fetches; the portal is closed, or left behind. */
Datum
shapes_cursor(PG_FUNCTION_ARGS)
{
	SPIPlanPtr	plan;
	Portal		portal;
	uint64		rows = 0;

	SPI_connect();
	plan = SPI_prepare(text_to_cstring(PG_GETARG_TEXT_PP(0)), 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed");
	portal = SPI_cursor_open("shapes", plan, NULL, NULL, true);
	for (int i = 0; i < PG_GETARG_INT32(1); i++)
	{
		SPI_cursor_fetch(portal, true, PG_GETARG_INT32(2));
		rows += SPI_processed;
	}
	if (!PG_GETARG_BOOL(3))
		SPI_cursor_close(portal);
	SPI_finish();
	PG_RETURN_INT64(rows);
}

/*
 * shapes_worker(query, times, commit): start a background worker that executes it, in one transaction or
 * committing each time; returns when it is gone.
 */
Datum
shapes_worker(PG_FUNCTION_ARGS)
{
	BackgroundWorker worker = {0};
	BackgroundWorkerHandle *handle;
	Job			job = {.database = MyDatabaseId, .role = GetUserId(), .times = PG_GETARG_INT32(1),
	.commit = PG_GETARG_BOOL(2)};

	StaticAssertStmt(sizeof(Job) <= BGW_EXTRALEN, "the job fits");
	strlcpy(job.query, text_to_cstring(PG_GETARG_TEXT_PP(0)), sizeof(job.query));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "phig_shapes", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "shapes_worker_main", sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "phig_shapes", sizeof(worker.bgw_name));
	memcpy(worker.bgw_extra, &job, sizeof(job));
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		elog(ERROR, "no background worker to be had");
	WaitForBackgroundWorkerShutdown(handle);
	PG_RETURN_VOID();
}

void
shapes_worker_main(Datum arg)
{
	Job			job;

	memcpy(&job, MyBgworkerEntry->bgw_extra, sizeof(job));
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(job.database, job.role, 0);
	SetConfigOption("application_name", "worker", PGC_USERSET, PGC_S_SESSION);

	StartTransactionCommand();
	(void) execute(job.query, job.times, 0, job.commit);
	CommitTransactionCommand();
}
