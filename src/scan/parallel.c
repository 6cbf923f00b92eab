/*
 * parallel.c
 *		Reading samples of tables in parallel workers.
 *
 * A worker shares the leader's transaction, snapshot, role, settings and locks; it samples and counts, and leaves
 * its counts in shared memory.  The leader samples too; it alone writes, before and after.  Whoever is free
 * takes the next part: a table, or some of its columns where there are few tables.
 *
 * Workers read what is plain: what has a label, is foreign or temporary, or lies elsewhere than in a heap is the
 * leader's.  Where a label is set meanwhile, the hooks in a worker enforce and record as in any process.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "optimizer/paths.h"
#include "port/atomics.h"
#include "storage/lmgr.h"
#include "storage/shm_toc.h"
#include "utils/backend_status.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "label/label.h"
#include "scan/parallel.h"

enum
{
	KEY_PARTS = 1, KEY_COLUMNS
};

/*
 * Of a table that is cut each part has at least so many columns to read.  Each reads rows of its own: with fewer
 * columns that, and a worker's start, take as long as what is saved.
 */
#define LEAST_COLUMNS 20
/* Parts that each process should find: they are not equally large. */
#define PARTS_EACH 2

typedef enum PartState
{
	PART_OPEN, PART_DONE, PART_FAILED
} PartState;

/* Columns of a table: n of those in shared memory, from first on. */
typedef struct Part
{
	Oid			relid;
	int			first;
	int			n;
	bool		by_worker;
	pg_atomic_uint32 state;
} Part;

typedef struct Parts
{
	int32		rows;
	int			n;
	pg_atomic_uint32 next;		/* that nobody has taken */
	Part		parts[FLEXIBLE_ARRAY_MEMBER];
} Parts;

PGDLLEXPORT void phig_scan_worker_main(dsm_segment * segment, shm_toc * toc);

/* A table that is shared out, and how much it is compared to others. */
typedef struct Share
{
	PhigScanned *table;
	double		weight;
} Share;

typedef struct Job
{
	Share	   *shares;
	int			ntables;		/* largest first: nobody is to wait for one at the end */
	int			processes;		/* that may be, with this one */
	int			ncolumns;
	int			nparts;
	Parts	   *parts;			/* in shared memory, */
	PhigSampled *columns;		/* and those of one table after the other */
} Job;

static bool choose(Job *job, PhigScanned *tables, int ntables, int32 rows);
static int	larger_first(const void *a, const void *b);
static int	columns_read(const PhigScanned *table);
static bool is_plain(Oid relid);
static int	pieces(const Job *job, const PhigScanned *table);
static ParallelContext *share_out(Job *job, int32 rows);
static void cut(Parts *parts, const PhigScanned *table, int first, int npieces);
static void read_parts(Parts *parts, PhigSampled *columns);
static void read_part(Part *part, int32 rows, PhigSampled *columns);
static bool collect(const Job *job);
static void tell(const Job *job, int nworkers);

void
phig_parallel_read(PhigScanned *tables, int ntables, int32 rows, bool *of_table)
{
	Job			job;
	ParallelContext *context;

	if (!choose(&job, tables, ntables, rows))
		return;
	EnterParallelMode();
	context = share_out(&job, rows);
	LaunchParallelWorkers(context);
	PG_TRY();
	{
		read_parts(job.parts, job.columns);
		WaitForParallelWorkersToFinish(context);
	}
	PG_CATCH();
	{
		*of_table = collect(&job);
		PG_RE_THROW();
	}
	PG_END_TRY();
	(void) collect(&job);
	tell(&job, context->nworkers_launched);
	DestroyParallelContext(context);
	ExitParallelMode();
	for (int i = 0; i < job.ntables; i++)
		if (!job.shares[i].table->were_read)
			elog(ERROR, "a parallel worker has left its part of a scan undone");
}

void
phig_scan_worker_main(dsm_segment * segment, shm_toc * toc)
{
	read_parts(shm_toc_lookup(toc, KEY_PARTS, false), shm_toc_lookup(toc, KEY_COLUMNS, false));
}

/* False: it does not pay, there may be no worker, or nothing can be shared out. */
static bool
choose(Job *job, PhigScanned *tables, int ntables, int32 rows)
{
	double		blocks = 0;

	memset(job, 0, sizeof(Job));
	job->processes = max_parallel_maintenance_workers + 1;
	job->shares = palloc(ntables * sizeof(Share));
	if (job->processes < 2)
		return false;
	for (int i = 0; i < ntables; i++)
	{
		double		of_table;

		if (tables[i].why_unread || tables[i].n == 0 || !is_plain(tables[i].relid))
			continue;
		/* hardly more blocks than rows are read */
		of_table = Min(phig_sample_blocks(tables[i].relid), rows);
		blocks += of_table;
		job->shares[job->ntables++] = (Share) {&tables[i], of_table * columns_read(&tables[i])};
		job->ncolumns += tables[i].n;
	}
	qsort(job->shares, job->ntables, sizeof(Share), larger_first);
	for (int i = 0; i < job->ntables; i++)
		job->nparts += pieces(job, job->shares[i].table);
	return job->nparts > 1 && blocks >= min_parallel_table_scan_size;
}

static int
larger_first(const void *a, const void *b)
{
	double		first = ((const Share *) a)->weight;
	double		second = ((const Share *) b)->weight;

	return first > second ? -1 : first < second;
}

static int
columns_read(const PhigScanned *table)
{
	int			columns = 0;

	for (int i = 0; i < table->n; i++)
		columns += phig_sample_reads(&table->columns[i]);
	return columns;
}

/* Of a relation and all below it. */
static bool
is_plain(Oid relid)
{
	bool		plain = true;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		Relation	relation = relation_open(lfirst_oid(lc), NoLock);
		const FormData_pg_class *class = relation->rd_rel;

		if (class->relkind != RELKIND_PARTITIONED_TABLE)
			plain = plain && (class->relkind == RELKIND_RELATION || class->relkind == RELKIND_MATVIEW) &&
				class->relam == HEAP_TABLE_AM_OID;
		plain = plain && class->relpersistence != RELPERSISTENCE_TEMP &&
			phig_label_relation(lfirst_oid(lc)) == NULL;
		relation_close(relation, NoLock);
	}
	return plain;
}

/* Into how many parts a table is cut: where there are fewer tables than processes want. */
static int
pieces(const Job *job, const PhigScanned *table)
{
	int			wanted = (PARTS_EACH * job->processes + job->ntables - 1) / job->ntables;

	return Max(Min(wanted, columns_read(table) / LEAST_COLUMNS), 1);
}

static ParallelContext *
share_out(Job *job, int32 rows)
{
	ParallelContext *context = CreateParallelContext("phiguard", "phig_scan_worker_main",
													 Min(job->processes, job->nparts) - 1);
	const Size	parts_size = add_size(offsetof(Parts, parts), mul_size(job->nparts, sizeof(Part)));
	const Size	columns_size = mul_size(job->ncolumns, sizeof(PhigSampled));
	int			first = 0;

	shm_toc_estimate_chunk(&context->estimator, parts_size);
	shm_toc_estimate_chunk(&context->estimator, columns_size);
	shm_toc_estimate_keys(&context->estimator, 2);
	InitializeParallelDSM(context);
	job->parts = shm_toc_allocate(context->toc, parts_size);
	job->columns = shm_toc_allocate(context->toc, columns_size);
	job->parts->rows = rows;
	job->parts->n = 0;
	pg_atomic_init_u32(&job->parts->next, 0);
	for (int i = 0; i < job->ntables; i++)
	{
		const PhigScanned *table = job->shares[i].table;

		memcpy(job->columns + first, table->columns, table->n * sizeof(PhigSampled));
		cut(job->parts, table, first, pieces(job, table));
		first += table->n;
	}
	Assert(job->parts->n == job->nparts && first == job->ncolumns);
	shm_toc_insert(context->toc, KEY_PARTS, job->parts);
	shm_toc_insert(context->toc, KEY_COLUMNS, job->columns);
	return context;
}

static void
cut(Parts *parts, const PhigScanned *table, int first, int npieces)
{
	int			begin = 0;

	for (int i = 1; i <= npieces; i++)
	{
		Part	   *part = &parts->parts[parts->n++];
		int			end = table->n * i / npieces;

		part->relid = table->relid;
		part->first = first + begin;
		part->n = end - begin;
		part->by_worker = false;
		pg_atomic_init_u32(&part->state, PART_OPEN);
		begin = end;
	}
}

/* In each process. */
static void
read_parts(Parts *parts, PhigSampled *columns)
{
	uint32		taken;

	while ((taken = pg_atomic_fetch_add_u32(&parts->next, 1)) < (uint32) parts->n)
	{
		CHECK_FOR_INTERRUPTS();
		read_part(&parts->parts[taken], parts->rows, columns + parts->parts[taken].first);
	}
}

/*
 * What the leader catches may be what a worker has told: then its own part is to be read again, too.  What a
 * worker tells of a table's error, in the server's log too, has no value in it.
 */
static void
read_part(Part *part, int32 rows, PhigSampled *columns)
{
	const char *name;
	const Size	size = part->n * sizeof(PhigSampled);
	PhigSampled *own = palloc(size);
	MemoryContext context = CurrentMemoryContext;

	/* that the leader has this lock lets a worker have it too, at once */
	LockRelationOid(part->relid, AccessShareLock);
	name = get_rel_name(part->relid);
	if (IsParallelWorker())
		pgstat_report_activity(STATE_RUNNING, psprintf("phiguard scan of table %s", name));
	memcpy(own, columns, size);
	PG_TRY();
	{
		(void) phig_sample(part->relid, rows, own, part->n);
	}
	PG_CATCH();
	{
		int			sqlstate = geterrcode();

		if (phig_read_may_go_on(sqlstate))
			pg_atomic_write_u32(&part->state, PART_FAILED);
		if (!phig_read_may_go_on(sqlstate) || !IsParallelWorker())
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		ereport(ERROR,
				(errcode(sqlstate),
				 errmsg("values of table \"%s\" cannot be read", name)));
	}
	PG_END_TRY();
	memcpy(columns, own, size);
	part->by_worker = IsParallelWorker();
	pg_write_barrier();
	pg_atomic_write_u32(&part->state, PART_DONE);
	pfree(own);
}

/* Takes over the tables of which every part is done.  Returns whether the reading of one has failed. */
static bool
collect(const Job *job)
{
	bool		any_failed = false;
	int			part = 0;
	int			first = 0;

	for (int i = 0; i < job->ntables; i++)
	{
		PhigScanned *table = job->shares[i].table;
		bool		done = true;

		for (; part < job->parts->n && job->parts->parts[part].relid == table->relid; part++)
		{
			uint32		state = pg_atomic_read_u32(&job->parts->parts[part].state);

			done = done && state == PART_DONE;
			any_failed = any_failed || state == PART_FAILED;
		}
		pg_read_barrier();
		if (done)
			memcpy(table->columns, job->columns + first, table->n * sizeof(PhigSampled));
		table->were_read = done;
		first += table->n;
	}
	return any_failed;
}

static void
tell(const Job *job, int nworkers)
{
	int			by_workers = 0;

	for (int i = 0; i < job->parts->n; i++)
		by_workers += job->parts->parts[i].by_worker;
	ereport(DEBUG1,
			(errmsg_internal("%d of %d parts of %d tables were read by %d workers", by_workers, job->parts->n,
							 job->ntables, nworkers)));
}
