/*
 * client.c
 *		Clients that note what they received, for tests that compare it with the journal.
 *
 * Every statement carries a mark of its own as phiguard.app_user.  As soon as its first
 * row, or that there is none, or its completion has arrived, one line goes to the client's
 * own file, NOTES.<client>: mark, journal_sync, kind of statement, milliseconds of CLOCK_MONOTONIC.
 * Errors that a server which is killed does not explain go to NOTES.errors.
 *
 * usage: client load CONNINFO NOTES PREFIX CLIENTS SEED SYNC
 *			SYNC is on, write, off, or mixed: drawn for each statement.  Marks are
 *			PREFIX.<client>.<n>.  Reads and writes of every kind until SIGTERM; a client
 *			that loses its server connects again.
 *		  client crowd CONNINFO NOTES PREFIX SESSIONS
 *			As many sessions, all connected first, then one read each at the same time; prints
 *			how many were answered and how many refused with PG001.
 *
 * The server has patient(id, ssn) with ids from 1 to 1000, intake(id, ssn), and the function
 * reads(int).
 */
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define lengthof(array) (sizeof(array) / sizeof((array)[0]))
#define CROWD_SHARE 100			/* sessions of one process */

typedef struct Client
{
	const char *conninfo;
	const char *prefix;
	const char *sync;
	int			number;
	unsigned int seed;
	int			notes;			/* files */
	int			errors;
	PGconn	   *conn;
	int			statements;
	char		mark[64];		/* of the statement that runs */
	char		mark_sync[8];
	const char *kind;
	bool		noted;
} Client;

static volatile sig_atomic_t stopping = 0;
static pid_t parent;			/* nobody outlives the test */

static void
on_sigterm(int signal)
{
	stopping = 1;
}

static bool
is_over(void)
{
	return stopping || getppid() != parent;
}

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static int
open_notes(const char *notes, const char *suffix)
{
	char		path[1024];
	int			fd;

	snprintf(path, sizeof(path), "%s.%s", notes, suffix);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd < 0)
		fail(path);
	return fd;
}

/* One line in one write: the client itself may be ended at any moment. */
static void
line(int fd, const char *format,...)
{
	char		text[1024];
	va_list		args;
	int			len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text) - 1, format, args);
	va_end(args);
	if (len > (int) sizeof(text) - 2)
		len = sizeof(text) - 2;
	text[len++] = '\n';
	if (write(fd, text, len) != len)
		fail("write");
}

static void
note(Client *c)
{
	struct timespec now;

	if (c->noted)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	line(c->notes, "%s %s %s %.3f", c->mark, c->mark_sync, c->kind, now.tv_sec * 1e3 + now.tv_nsec / 1e6);
	c->noted = true;
}

static int
draw(Client *c, int below)
{
	return rand_r(&c->seed) % below;
}

/* A server that ends, or has just begun, explains these. */
static bool
is_expected(const char *sqlstate)
{
	static const char *const expected[] = {"57P01", "57P02", "57P03", "PG001"};

	for (size_t i = 0; i < lengthof(expected); i++)
		if (strcmp(sqlstate, expected[i]) == 0)
			return true;
	return false;
}

static void
check_error(Client *c, const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	/* Without an SQLSTATE the connection is gone. */
	if (sqlstate != NULL && !is_expected(sqlstate))
		line(c->errors, "%s: %s: %s", c->mark, c->kind, PQresultErrorMessage(result));
}

/* False when the connection was lost in the middle: libpq offers the same COPY again and again then. */
static bool
copy_out(Client *c)
{
	char	   *row;
	int			len;

	while ((len = PQgetCopyData(c->conn, &row, 0)) > 0)
	{
		note(c);
		PQfreemem(row);
	}
	return len == -1;
}

static bool
copy_in(Client *c)
{
	char		row[64];
	bool		ok = true;

	for (int i = 0; i < 3; i++)
	{
		int			len = snprintf(row, sizeof(row), "%d\t%09d\n", i, c->statements);

		ok = ok && PQputCopyData(c->conn, row, len) == 1;
	}
	return ok && PQputCopyEnd(c->conn, NULL) == 1;
}

/*
 * Take what comes until the statement is done, and note the first answer behind the first `skip`
 * results, which are those of SET and its like.  False at the first error: the session is given up then.
 */
static bool
take_results(Client *c, int skip)
{
	PGresult   *result;
	bool		ok = true;

	while (ok && (result = PQgetResult(c->conn)) != NULL)
	{
		switch (PQresultStatus(result))
		{
			case PGRES_SINGLE_TUPLE:
				note(c);
				break;
			case PGRES_TUPLES_OK:
			case PGRES_COMMAND_OK:
				if (skip-- <= 0)
					note(c);
				break;
			case PGRES_COPY_OUT:
				ok = copy_out(c);
				break;
			case PGRES_COPY_IN:
				ok = copy_in(c);
				break;
			default:
				check_error(c, result);
				ok = false;
		}
		PQclear(result);
	}
	return ok;
}

static bool
send_simple(Client *c, int skip, const char *format,...)
{
	char		sql[1024];
	va_list		args;

	va_start(args, format);
	vsnprintf(sql, sizeof(sql), format, args);
	va_end(args);
	if (!PQsendQuery(c->conn, sql))
		return false;
	PQsetSingleRowMode(c->conn);
	return take_results(c, skip);
}

/* A new mark; the statements that set it into text. */
static void
next_mark(Client *c, const char *kind, const char *local, char *text, size_t size)
{
	static const char *const modes[] = {"on", "write", "off"};
	const char *sync = strcmp(c->sync, "mixed") == 0 ? modes[draw(c, 3)] : c->sync;

	snprintf(c->mark, sizeof(c->mark), "%s.%d.%d", c->prefix, c->number, ++c->statements);
	snprintf(c->mark_sync, sizeof(c->mark_sync), "%s", sync);
	c->kind = kind;
	c->noted = false;
	snprintf(text, size, "SET %s phiguard.journal_sync = %s; SET %s phiguard.app_user = '%s'",
			 local, sync, local, c->mark);
}

/* --- statements of one round trip: both SETs and the statement in one query */

typedef struct Simple
{
	const char *kind;
	const char *sql;			/* %1$d: an id */
} Simple;

static const Simple simples[] = {
	{"point", "SELECT ssn FROM patient WHERE id = %1$d"},
	{"empty", "SELECT ssn FROM patient WHERE id = -%1$d"},
	{"wide", "SELECT ssn, repeat('x', 9000) FROM patient WHERE id BETWEEN %1$d AND %1$d + 5"},
	{"execute", "EXECUTE named(%1$d)"},
	{"function", "SELECT reads(%1$d)"},
	{"update", "UPDATE patient SET ssn = reverse(ssn) WHERE id = %1$d"},
	{"insert", "INSERT INTO intake VALUES (%1$d, '000-00-0000') RETURNING ssn"},
	{"copy_to", "COPY (SELECT ssn FROM patient WHERE id BETWEEN %1$d AND %1$d + 20) TO STDOUT"},
	{"copy_from", "COPY intake (id, ssn) FROM STDIN"},
};

static bool
run_simple(Client *c, const Simple *simple)
{
	char		set[256];
	char		sql[512];

	next_mark(c, simple->kind, "", set, sizeof(set));
	snprintf(sql, sizeof(sql), simple->sql, 1 + draw(c, 1000));
	return send_simple(c, 2, "%s; %s", set, sql);
}

/* --- statements of several round trips */

static bool
run_prepared(Client *c)
{
	char		set[256];
	char		id[16];
	const char *values[] = {id};

	next_mark(c, "prepared", "", set, sizeof(set));
	if (!send_simple(c, 2, "%s", set))
		return false;
	snprintf(id, sizeof(id), "%d", 1 + draw(c, 1000));
	if (!PQsendQueryPrepared(c->conn, "prepared", 1, values, NULL, NULL, 0))
		return false;
	PQsetSingleRowMode(c->conn);
	return take_results(c, 0);
}

static bool
run_cursor(Client *c)
{
	char		set[256];
	int			id = 1 + draw(c, 1000);

	next_mark(c, "cursor", "LOCAL", set, sizeof(set));
	return send_simple(c, 3, "BEGIN; %s; ", set) &&
		send_simple(c, 1, "DECLARE c CURSOR FOR SELECT ssn FROM patient WHERE id BETWEEN %d AND %d; FETCH 2 FROM c", id, id + 9) &&
		send_simple(c, 0, "FETCH 3 FROM c") &&
		send_simple(c, 0, draw(c, 2) ? "COMMIT" : "ROLLBACK");
}

/* Three marks and three reads sent at once, one sync: one implicit transaction. */
static bool
run_pipeline(Client *c)
{
	enum
	{
		DEPTH = 3
	};
	char		marks[DEPTH][64];
	char		sync[8];
	bool		ok = PQenterPipelineMode(c->conn);

	for (int i = 0; ok && i < DEPTH; i++)
	{
		char		set[256];
		char		id[16];
		const char *values[] = {id};
		char	   *second;

		next_mark(c, "pipeline", "", set, sizeof(set));
		strcpy(marks[i], c->mark);
		/* One journal_sync for all, so that the first need not wait for what the last asks for. */
		if (i == 0)
			strcpy(sync, c->mark_sync);
		second = strstr(set, "; ");
		*second = '\0';
		snprintf(id, sizeof(id), "%d", 1 + draw(c, 1000));
		ok = (i > 0 || PQsendQueryParams(c->conn, set, 0, NULL, NULL, NULL, NULL, 0)) &&
			PQsendQueryParams(c->conn, second + 2, 0, NULL, NULL, NULL, NULL, 0) &&
			PQsendQueryPrepared(c->conn, "prepared", 1, values, NULL, NULL, 0);
	}
	ok = ok && PQpipelineSync(c->conn);
	strcpy(c->mark_sync, sync);
	for (int answers = 0, nulls = 0, done = 0; ok && done == 0;)
	{
		PGresult   *result = PQgetResult(c->conn);

		/* One between two statements. */
		if (result == NULL)
		{
			ok = ++nulls < 2;
			continue;
		}
		nulls = 0;
		switch (PQresultStatus(result))
		{
			case PGRES_TUPLES_OK:
				strcpy(c->mark, marks[answers++]);
				c->noted = false;
				note(c);
				break;
			case PGRES_COMMAND_OK:
				break;
			case PGRES_PIPELINE_SYNC:
				done = 1;
				break;
			default:
				check_error(c, result);
				ok = false;
		}
		PQclear(result);
	}
	return ok && PQexitPipelineMode(c->conn);
}

static bool
prepare(Client *c)
{
	PGresult   *result = PQprepare(c->conn, "prepared", "SELECT ssn FROM patient WHERE id = $1", 0, NULL);
	bool		ok = PQresultStatus(result) == PGRES_COMMAND_OK;

	PQclear(result);
	result = PQexec(c->conn, "PREPARE named(int) AS SELECT ssn FROM patient WHERE id = $1");
	ok = ok && PQresultStatus(result) == PGRES_COMMAND_OK;
	PQclear(result);
	return ok;
}

static void
connect_again(Client *c)
{
	if (c->conn != NULL)
		PQfinish(c->conn);
	c->conn = PQconnectdb(c->conninfo);
	if (PQstatus(c->conn) != CONNECTION_OK || !prepare(c))
		usleep(20000);
}

static void
work(Client *c)
{
	while (!is_over())
	{
		size_t		kind = draw(c, lengthof(simples) + 3);
		bool		ok;

		if (c->conn == NULL || PQstatus(c->conn) != CONNECTION_OK)
		{
			connect_again(c);
			continue;
		}
		ok = kind < lengthof(simples) ? run_simple(c, &simples[kind]) :
			kind == lengthof(simples) ? run_prepared(c) :
			kind == lengthof(simples) + 1 ? run_cursor(c) : run_pipeline(c);
		/* Refused or cut off: whatever the session is in the middle of, a new one is not. */
		if (!ok)
			connect_again(c);
		usleep(draw(c, 15000));
	}
	if (c->conn != NULL)
		PQfinish(c->conn);
}

static int
load(char *argv[])
{
	int			clients = atoi(argv[3]);
	pid_t	   *pids = calloc(clients, sizeof(pid_t));
	int			status;

	for (int i = 0; i < clients; i++)
		if ((pids[i] = fork()) == 0)
		{
			Client		c = {.conninfo = argv[0], .prefix = argv[2], .number = i, .sync = argv[5]};
			char		suffix[16];

			parent = getppid();
			c.seed = atoi(argv[4]) * 1000 + i;
			snprintf(suffix, sizeof(suffix), "%d", i);
			c.notes = open_notes(argv[1], suffix);
			c.errors = open_notes(argv[1], "errors");
			work(&c);
			_exit(0);
		}
	while (!is_over())
		usleep(20000);
	for (int i = 0; i < clients; i++)
		kill(pids[i], SIGTERM);
	while (wait(&status) > 0 || errno == EINTR)
		;
	return 0;
}

/* One process's share of the crowd: connect, tell, wait for the start, read, count. */
static void
crowd_share(char *argv[], int first, int sessions, int ready, int start, int result)
{
	Client	   *crowd = calloc(sessions, sizeof(Client));
	int			counts[2] = {0, 0}; /* answered, refused */
	char		byte = 0;

	for (int i = 0; i < sessions; i++)
	{
		Client	   *c = &crowd[i];
		char		set[256];

		*c = (Client) {.conninfo = argv[0], .prefix = argv[2], .number = first + i, .sync = "on"};
		c->notes = i == 0 ? open_notes(argv[1], argv[2]) : crowd[0].notes;
		c->errors = i == 0 ? open_notes(argv[1], "errors") : crowd[0].errors;
		c->conn = PQconnectdb(c->conninfo);
		next_mark(c, "point", "", set, sizeof(set));
		if (PQstatus(c->conn) != CONNECTION_OK || !send_simple(c, 2, "%s", set))
			line(c->errors, "%s: %s", c->mark, PQerrorMessage(c->conn));
	}
	if (write(ready, &byte, 1) != 1 || read(start, &byte, 1) != 0)
		fail("pipe");
	for (int i = 0; i < sessions; i++)
		PQsendQuery(crowd[i].conn, "SELECT ssn FROM patient WHERE id = 1");
	for (int i = 0; i < sessions; i++)
		counts[take_results(&crowd[i], 0) ? 0 : 1]++;
	for (int i = 0; i < sessions; i++)
		PQfinish(crowd[i].conn);
	if (write(result, counts, sizeof(counts)) != sizeof(counts))
		fail("pipe");
}

static int
crowd(char *argv[])
{
	int			sessions = atoi(argv[3]);
	int			shares = 0;
	int			total[2] = {0, 0};
	int			counts[2];
	int			ready[2];
	int			start[2];
	int			result[2];
	char		byte;

	if (pipe(ready) != 0 || pipe(start) != 0 || pipe(result) != 0)
		fail("pipe");
	for (int first = 0; first < sessions; first += CROWD_SHARE, shares++)
		if (fork() == 0)
		{
			int			left = sessions - first;

			close(start[1]);
			crowd_share(argv, first, left < CROWD_SHARE ? left : CROWD_SHARE, ready[1], start[0], result[1]);
			_exit(0);
		}
	for (int i = 0; i < shares; i++)
		if (read(ready[0], &byte, 1) != 1)
			fail("pipe");
	close(start[1]);			/* now */
	for (int i = 0; i < shares; i++)
	{
		if (read(result[0], counts, sizeof(counts)) != sizeof(counts))
			fail("pipe");
		total[0] += counts[0];
		total[1] += counts[1];
	}
	while (wait(NULL) > 0)
		;
	printf("%d answered, %d not\n", total[0], total[1]);
	return 0;
}

int
main(int argc, char *argv[])
{
	struct sigaction action = {.sa_handler = on_sigterm};

	parent = getppid();
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (argc == 8 && strcmp(argv[1], "load") == 0)
		return load(argv + 2);
	if (argc == 6 && strcmp(argv[1], "crowd") == 0)
		return crowd(argv + 2);
	fprintf(stderr, "client: see the head of client.c for its arguments\n");
	return 1;
}
