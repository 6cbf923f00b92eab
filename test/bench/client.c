/*
 * client.c
 *		Two servers, the same work, turn by turn: what a statement costs one
 *		backend on each.
 *
 * Batches alternate between the two connections, so that whatever else the
 * machine does hits both.  Each backend is pinned to one CPU and the client to
 * another; a backend's CPU time is what the kernel's scheduler accounted for
 * it (/proc/PID/schedstat, nanoseconds), system calls included.
 *
 * usage: client NAME MODE BATCH ROUNDS CONN_A SQL_A CONN_B SQL_B [SETUP_A SETUP_B]
 *        client run MODE BATCH CONN SQL [SETUP]
 *        client sync FILE COUNT BYTES
 *
 * MODE is "simple" (a simple query; %d in it becomes a random number from 1 to
 * 100000), "prepared" (prepared once; $1 is such a number) or "pipeline" (prepared, a hundred
 * sent at a time: the executor without the waiting for the client).  SETUP runs once on each.
 * Prints one line: NAME, median CPU microseconds a statement on A and on B,
 * median of the rounds' ratios B/A of CPU and of elapsed time, and the ratios' quartiles.
 *
 * "run" executes one batch and prints the backend's pid, for whoever counts elsewhere.
 * "sync" appends COUNT times so many BYTES to what is allocated of FILE already, each with fdatasync,
 * and prints the median time in microseconds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libpq-fe.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct Side
{
	PGconn	   *conn;
	const char *sql;
	int			pid;
	double	   *cpu;			/* microseconds a statement, by round */
	double	   *elapsed;
} Side;

#define PIPELINE 100

static int	prepared;
static int	pipeline;
static unsigned int seed = 42;

static void
fail(const char *what, PGconn *conn)
{
	fprintf(stderr, "client: %s: %s\n", what, conn ? PQerrorMessage(conn) : "");
	exit(1);
}

static double
cpu_of(int pid)
{
	char		path[64];
	unsigned long long ns;
	FILE	   *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "r");
	if (f == NULL || fscanf(f, "%llu", &ns) != 1)
		fail(path, NULL);
	fclose(f);
	return ns / 1000.0;
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

static void
pin(int pid, int cpu)
{
	cpu_set_t	set;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(pid, sizeof(set), &set) != 0)
		perror("client: sched_setaffinity");
}

static void
check(PGresult *result, PGconn *conn)
{
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		fail("statement", conn);
	PQclear(result);
}

static void
connect_side(Side *side, const char *conninfo, const char *sql, const char *setup, int rounds)
{
	side->conn = PQconnectdb(conninfo);
	if (PQstatus(side->conn) != CONNECTION_OK)
		fail("connect", side->conn);
	side->sql = sql;
	side->pid = PQbackendPID(side->conn);
	side->cpu = calloc(rounds, sizeof(double));
	side->elapsed = calloc(rounds, sizeof(double));
	pin(side->pid, 1);
	if (setup && setup[0])
		check(PQexec(side->conn, setup), side->conn);
	if (prepared)
		check(PQprepare(side->conn, "q", sql, 0, NULL), side->conn);
}

static void
set_mode(const char *mode)
{
	pipeline = strcmp(mode, "pipeline") == 0;
	prepared = pipeline || strcmp(mode, "prepared") == 0;
}

/* Read up to the result of one query in a pipeline, or of a sync. */
static void
next_result(PGconn *conn)
{
	PGresult   *result = PQgetResult(conn);

	if (PQresultStatus(result) == PGRES_PIPELINE_SYNC)
	{
		PQclear(result);
		return;
	}
	check(result, conn);
	if (PQgetResult(conn) != NULL)
		fail("more than one result", conn);
}

static void
run_pipeline(Side *side, int batch)
{
	if (!PQenterPipelineMode(side->conn))
		fail("pipeline", side->conn);
	for (int done = 0; done < batch; done += PIPELINE)
	{
		for (int i = 0; i < PIPELINE; i++)
		{
			char		number[16];
			const char *values[1] = {number};

			snprintf(number, sizeof(number), "%d", rand_r(&seed) % 100000 + 1);
			if (!PQsendQueryPrepared(side->conn, "q", 1, values, NULL, NULL, 0))
				fail("send", side->conn);
		}
		if (!PQpipelineSync(side->conn))
			fail("sync", side->conn);
		for (int i = 0; i <= PIPELINE; i++)
			next_result(side->conn);
	}
	if (!PQexitPipelineMode(side->conn))
		fail("pipeline", side->conn);
}

static void
run_batch(Side *side, int batch)
{
	char		text[4096];

	if (pipeline)
	{
		run_pipeline(side, batch);
		return;
	}
	for (int i = 0; i < batch; i++)
	{
		int			n = rand_r(&seed) % 100000 + 1;

		if (prepared)
		{
			char		number[16];
			const char *values[1] = {number};
			int			nparams = strstr(side->sql, "$1") != NULL;

			snprintf(number, sizeof(number), "%d", n);
			check(PQexecPrepared(side->conn, "q", nparams, values, NULL, NULL, 0), side->conn);
		}
		else
		{
			snprintf(text, sizeof(text), side->sql, n, n, n, n);
			check(PQexec(side->conn, text), side->conn);
		}
	}
}

static void
measure(Side *side, int round, int batch)
{
	double		cpu = cpu_of(side->pid);
	double		start = now();

	run_batch(side, batch);
	side->elapsed[round] = (now() - start) / batch;
	side->cpu[round] = (cpu_of(side->pid) - cpu) / batch;
}

static int
compare(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

static double
quantile(const double *values, int n, double q)
{
	double	   *sorted = malloc(n * sizeof(double));
	double		result;

	memcpy(sorted, values, n * sizeof(double));
	qsort(sorted, n, sizeof(double), compare);
	result = sorted[(int) ((n - 1) * q + 0.5)];
	free(sorted);
	return result;
}

static int
run_once(int argc, char **argv)
{
	Side		side;

	if (argc < 6)
		fail("usage: client run MODE BATCH CONN SQL [SETUP]", NULL);
	set_mode(argv[2]);
	connect_side(&side, argv[4], argv[5], argc > 6 ? argv[6] : NULL, 1);
	for (int i = atoi(argv[3]); i > 0; i--)
	{
		/* Let the backend go to sleep: whether it has to wait would make a difference. */
		run_batch(&side, 1);
		usleep(2000);
	}
	printf("%d\n", side.pid);
	PQfinish(side.conn);
	return 0;
}

static int
time_syncs(const char *path, int count, int bytes)
{
	size_t		size = (size_t) count * bytes;
	char	   *zeros = calloc(1, size);
	double	   *took = calloc(count, sizeof(double));
	int			fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || pwrite(fd, zeros, size, 0) != (ssize_t) size || fsync(fd) != 0)
		fail("could not write the file to sync", NULL);
	memset(zeros, 'x', size);
	for (int i = 0; i < count; i++)
	{
		double		start = now();

		if (pwrite(fd, zeros, bytes, (off_t) i * bytes) != bytes || fdatasync(fd) != 0)
			fail("could not sync", NULL);
		took[i] = now() - start;
	}
	close(fd);
	unlink(path);
	printf("%.1f\n", quantile(took, count, 0.5));
	return 0;
}

int
main(int argc, char **argv)
{
	Side		a,
				b;
	double	   *ratio,
			   *ratio_elapsed;
	int			batch,
				rounds;

	if (argc > 1 && strcmp(argv[1], "run") == 0)
		return run_once(argc, argv);
	if (argc == 5 && strcmp(argv[1], "sync") == 0)
		return time_syncs(argv[2], atoi(argv[3]), atoi(argv[4]));
	if (argc < 9)
		fail("usage: client NAME MODE BATCH ROUNDS CONN_A SQL_A CONN_B SQL_B [SETUP_A SETUP_B]", NULL);
	set_mode(argv[2]);
	batch = atoi(argv[3]);
	rounds = atoi(argv[4]);
	connect_side(&a, argv[5], argv[6], argc > 9 ? argv[9] : NULL, rounds);
	connect_side(&b, argv[7], argv[8], argc > 10 ? argv[10] : NULL, rounds);
	pin(getpid(), 0);

	run_batch(&a, batch);		/* warm caches */
	run_batch(&b, batch);
	ratio = calloc(rounds, sizeof(double));
	ratio_elapsed = calloc(rounds, sizeof(double));
	for (int round = 0; round < rounds; round++)
	{
		/* Who goes first changes, too. */
		if (round % 2 == 0)
			measure(&a, round, batch);
		measure(&b, round, batch);
		if (round % 2 != 0)
			measure(&a, round, batch);
		ratio[round] = b.cpu[round] / a.cpu[round];
		ratio_elapsed[round] = b.elapsed[round] / a.elapsed[round];
	}
	printf("| %s | %.2f | %.2f | %.2f | **%.3f** (%.3f-%.3f) | %.3f |\n", argv[1],
		   quantile(a.cpu, rounds, 0.5), quantile(b.cpu, rounds, 0.5),
		   quantile(b.cpu, rounds, 0.5) - quantile(a.cpu, rounds, 0.5),
		   quantile(ratio, rounds, 0.5), quantile(ratio, rounds, 0.25), quantile(ratio, rounds, 0.75),
		   quantile(ratio_elapsed, rounds, 0.5));
	PQfinish(a.conn);
	PQfinish(b.conn);
	return 0;
}
