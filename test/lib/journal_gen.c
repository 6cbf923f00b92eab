/*
 * journal_gen.c
 *		Writes a journal of any length, valid and chained, as a server would have.
 *
 * usage: journal_gen DIRECTORY EXECUTIONS SEGMENT_KB [EXPECTED]
 *
 * Executions of 16 sessions at a time, spread over 400 days that end at
 * 2026-01-01 00:00 UTC; the last hour has 1000 of them.  Most end soon, in any
 * order, some hours later; every tenth part of the journal a server starts anew,
 * by turns after a stop and after a crash, which loses the ends of what was
 * open.  In the middle the clock goes back a day, for a hundredth of the
 * journal.  What is open at the end stays open.
 *
 * EXPECTED gets a line for each execution: position, microseconds since 2000-01-01 when
 * it started and ended, rows, and outcome as phiguard.read_journal() has it (\N: NULL).
 *
 * cc -I src test/lib/journal_gen.c src/journal/chain.c -lcrypto
 */
#define NODE 0xcc
#include "segments.h"

#define END_TIME (INT64_C(9497) * 86400 * 1000000)	/* 2026-01-01 */
#define DAY (INT64_C(86400) * 1000000)
#define HOUR (INT64_C(3600) * 1000000)
#define DAYS 400
#define LAST_HOUR 1000
#define STATEMENTS 300
#define SESSIONS 16
#define SLOTS (SESSIONS + 1)	/* the last one is for what takes long */
#define EXECUTIONS_A_SESSION 500
#define KIND_READ 1
#define KIND_SERVER 9

typedef struct Execution
{
	uint64_t	seq;
	int64_t		started;
	int64_t		ended;			/* 0: open */
	uint64_t	rows;
} Execution;

static uint64_t total;
static Id	statements[STATEMENTS];
static Id	sessions[SESSIONS];
static uint64_t session_uses[SESSIONS];
static Execution *executions;
static uint64_t open_in[SLOTS]; /* index + 1 of the execution; 0: idle */
static uint64_t starts[2];		/* the latest starts of the server, newest first */
static uint64_t last_stop;

/* --- definitions --- */

static void
define_statement(int n)
{
	char		text[1024];

	snprintf(text, sizeof(text),
			 "r=public.patient_%d.ssn\ne=public.patient_%d.name\nw=public.patient_%d.ssn=clear\n"
			 "c=public.patient_%d.name=name\nc=public.patient_%d.ssn=ssn\nt=SELECT\nf=%016x\n"
			 "q=SELECT ssn FROM patient_%d WHERE name = $1 AND id > ?\n", n, n, n, n, n, n + 1, n);
	define(&statements[n], text);
}

static void
define_session(int n)
{
	char		text[1024];
	uint64_t	life = session_uses[n] / EXECUTIONS_A_SESSION;

	if (session_uses[n]++ % EXECUTIONS_A_SESSION == 0)
		sessions[n].segment = 0;
	snprintf(text, sizeof(text),
			 "l=app\na=app\nu=user%" PRIu64 "\nh=10.0.0.%d\nn=ward\nd=clinic\np=%" PRIu64 "\ni=%" PRIx64 ".%" PRIx64 "\nP=care\n",
			 life % 1000, n + 1, life * SESSIONS + (uint64_t) n + 1000, life + 1, life * SESSIONS + (uint64_t) n + 1000);
	define(&sessions[n], text);
}

/* --- what happens --- */

/* As the keeper writes it, in a segment that has room. */
static uint64_t
server_event(const char *tag)
{
	static Id	keeper;
	Id			statement = {.segment = 0};
	char		text[128];
	PhigEventBody body = {.kind = KIND_SERVER, .outcome = 1};

	make_room(1024);
	snprintf(text, sizeof(text), "t=%s\nq=primary\n", tag);
	define(&statement, text);
	define(&keeper, "p=999\ni=1.3e7\nv=18.0\n");
	memcpy(body.statement, statement.bytes, PHIG_ID_BYTES);
	memcpy(body.session, keeper.bytes, PHIG_ID_BYTES);
	memcpy(body.sqlstate, "00000", 5);
	return append_record(PHIG_RECORD_EVENT, &body, sizeof(body));
}

static void
server_starts(void)
{
	starts[1] = starts[0];
	starts[0] = server_event("SERVER START");
}

static void
start(uint64_t i, int slot)
{
	PhigStartBody body = {.kind = KIND_READ};
	int			session = slot % SESSIONS;
	int			statement = (int) any(STATEMENTS);

	make_room(4096);
	define_statement(statement);
	define_session(session);
	memcpy(body.statement, statements[statement].bytes, PHIG_ID_BYTES);
	memcpy(body.session, sessions[session].bytes, PHIG_ID_BYTES);
	executions[i] = (Execution) {append_record(PHIG_RECORD_START, &body, sizeof(body)), now, 0, 0};
	open_in[slot] = i + 1;
}

static void
end(int slot)
{
	PhigEndBody body = {.executions = 1, .outcome = 1};
	Execution  *execution;

	if (open_in[slot] == 0)
		return;
	make_room(4096);
	execution = &executions[open_in[slot] - 1];
	execution->ended = now;
	execution->rows = any(1000);
	body.start_seq = execution->seq;
	body.rows = execution->rows;
	memcpy(body.sqlstate, "00000", 5);
	append_record(PHIG_RECORD_END, &body, sizeof(body));
	open_in[slot] = 0;
}

static void
restart(bool crash)
{
	for (int slot = 0; slot < SLOTS; slot++)
	{
		if (!crash)
			end(slot);
		open_in[slot] = 0;
	}
	if (!crash)
		last_stop = server_event("SERVER STOP");
	server_starts();
}

static int64_t
time_of(uint64_t i)
{
	uint64_t	early = total - LAST_HOUR;
	int64_t		time;

	if (i >= early)
		return END_TIME - HOUR + 1 + (int64_t) (i - early) * (HOUR / LAST_HOUR);
	time = END_TIME - DAYS * DAY + (int64_t) ((double) i / (double) early * (double) (DAYS * DAY - HOUR));
	return i >= total / 2 && i < total / 2 + total / 100 ? time - DAY : time;
}

static void
run(void)
{
	uint64_t	part = total / 10;
	uint64_t	long_one = total / 7;

	now = time_of(0);
	begin_segment();
	server_starts();
	for (uint64_t i = 0; i < total; i++)
	{
		int			slot = (int) any(SESSIONS);

		now = time_of(i);
		if (i > 0 && i % part == 0)
			restart(i / part % 2 == 0);
		end(slot);
		if (any(1000) == 0)
			seal();
		/* One that takes long, nearly always. */
		if (i % long_one == long_one - 1)
			end(SESSIONS);
		if (i % long_one == 1)
			slot = SESSIONS;
		start(i, slot);
		if (any(3) == 0)
			end((int) any(SESSIONS));
		if (any(100) == 0)
			seal();
	}
	seal();
	end_segment();
}

static void
write_expected(const char *path)
{
	FILE	   *file = fopen(path, "w");
	uint64_t	over_before = starts[1] > last_stop ? starts[1] : last_stop;

	if (file == NULL)
		die(path);
	for (uint64_t i = 0; i < total; i++)
	{
		const Execution *e = &executions[i];

		fprintf(file, "%" PRIu64 "\t%" PRId64 "\t", e->seq, e->started);
		if (e->ended != 0)
			fprintf(file, "%" PRId64 "\t%" PRIu64 "\tok\n", e->ended, e->rows);
		else
			fprintf(file, "\\N\t\\N\t%s\n", e->seq < over_before ? "lost" : "\\N");
	}
	if (fclose(file) != 0)
		die(path);
}

int
main(int argc, char **argv)
{
	if (argc < 4 || strtoull(argv[2], NULL, 10) < 10 * LAST_HOUR)
	{
		fprintf(stderr, "usage: journal_gen DIRECTORY EXECUTIONS SEGMENT_KB [EXPECTED]\n");
		return 2;
	}
	directory = argv[1];
	total = strtoull(argv[2], NULL, 10);
	segment_bytes = strtoull(argv[3], NULL, 10) * 1024;
	segment = malloc(segment_bytes);
	executions = calloc(total, sizeof(Execution));
	if (segment == NULL || executions == NULL)
		die("memory");
	run();
	if (argc > 4)
		write_expected(argv[4]);
	printf("%" PRIu64 " executions, %" PRIu64 " records, %" PRIu64 " segments\n", total, next_seq - 1, number);
	return 0;
}
