/*
 * search_gen.c
 *		Writes a journal to be searched: many persons, roles, purposes and tables.
 *
 * usage: search_gen DIRECTORY EXECUTIONS SEGMENT_KB PERSONS
 *
 * Each execution reads one of 300 tables in one of 64 sessions and names one person, seldom up to 200, in its end
 * record where there is room, as often as not;
 * a hundredth is not captured, a thousandth says how many only.  Sessions change after 500 executions, and with
 * them role (one of 200), purpose and user.  Some executions go on for long: they name persons and end in
 * later segments, or never.  One in two million reads research.registry.  The server is restarted ten times.
 * Person i has the token of token_of(i).
 *
 * cc -I src test/lib/search_gen.c src/journal/chain.c -lcrypto
 */
#define NODE 0xdd
#include "segments.h"

#define END_TIME (INT64_C(9497) * 86400 * 1000000)	/* 2026-01-01 */
#define DAYS 400
#define DAY (INT64_C(86400) * 1000000)
#define STATEMENTS 300
#define RARE STATEMENTS			/* number of the statement over research.registry */
#define SESSIONS 64
#define LONG_ONES 8				/* slots of executions that take long */
#define EXECUTIONS_A_SESSION 500
#define KIND_READ 1
#define KIND_SERVER 9
#define FLAG_PERSONS 0x800000

static uint64_t total;
static uint64_t persons;
static Id	statements[STATEMENTS + 1];
static Id	sessions[SESSIONS];
static uint64_t session_uses[SESSIONS];
static uint64_t long_ones[LONG_ONES];	/* number of the start record; 0: idle */

/* --- definitions --- */

static void
define_statement(int n)
{
	char		text[1024];
	char		table[64];

	if (statements[n].segment == number)
		return;
	if (n == RARE)
		strcpy(table, "research.registry");
	else
		snprintf(table, sizeof(table), "clinic.table_%d", n);
	snprintf(text, sizeof(text),
			 "r=%s.ssn\ne=%s.name\nw=%s.ssn=clear\nc=%s.name=name\nc=%s.ssn=ssn\nt=SELECT\nf=%016x\n"
			 "q=SELECT ssn FROM %s WHERE name = $1\n", table, table, table, table, table, n + 1, table);
	define(&statements[n], text);
}

static void
define_session(int n)
{
	char		text[1024];
	uint64_t	life = session_uses[n] / EXECUTIONS_A_SESSION;
	uint64_t	serial = life * SESSIONS + (uint64_t) n;
	int			role = (int) (serial * 2654435761u % 200);

	if (session_uses[n]++ % EXECUTIONS_A_SESSION == 0)
		sessions[n].segment = 0;
	if (sessions[n].segment == number)
		return;
	snprintf(text, sizeof(text),
			 "l=app\na=role_%d\nu=user%" PRIu64 "\nh=10.0.0.%d\nn=ward\nd=clinic\np=%" PRIu64 "\ni=%" PRIx64 ".%" PRIx64
			 "\nP=purpose_%d\n", role, serial % 5000, n + 1, serial + 1000, life + 1, serial + 1000, role % 20);
	define(&sessions[n], text);
}

/* --- persons --- */

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static void
token_of(uint64_t person, uint8_t token[PHIG_TOKEN_BYTES])
{
	put(token, mix(2 * person + 1), 8);
	put(token + 8, mix(mix(2 * person + 2)), 8);
}

static uint64_t
any_person(void)
{
	return ((uint64_t) any(1 << 20) << 20 | (uint64_t) any(1 << 20)) % persons;
}

static void
name_persons(uint64_t seq, int n)
{
	uint8_t		buffer[sizeof(PhigPersonsBody) + 200 * PHIG_TOKEN_BYTES];
	PhigPersonsBody body = {.start_seq = seq, .persons = (uint64_t) n, .form = PHIG_PERSONS_TOKENS,
	.manner = PHIG_MANNER_ROWS, .n = (uint32_t) n};

	if (any(1000) == 0)
	{
		body.form = PHIG_PERSONS_COUNT;
		body.n = 0;
	}
	memcpy(buffer, &body, sizeof(body));
	for (uint32_t i = 0; i < body.n; i++)
		token_of(any_person(), buffer + sizeof(body) + i * PHIG_TOKEN_BYTES);
	append_record(PHIG_RECORD_PERSONS, buffer, sizeof(body) + body.n * PHIG_TOKEN_BYTES);
}

/* --- what happens --- */

static void
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
	append_record(PHIG_RECORD_EVENT, &body, sizeof(body));
}

static uint64_t
start(uint64_t i, uint32_t flags)
{
	PhigStartBody body = {.kind = KIND_READ, .flags = flags};
	int			session = (int) any(SESSIONS);
	int			statement = i % 2000000 == 50000 ? RARE : (int) any(STATEMENTS);

	define_statement(statement);
	define_session(session);
	memcpy(body.statement, statements[statement].bytes, PHIG_ID_BYTES);
	memcpy(body.session, sessions[session].bytes, PHIG_ID_BYTES);
	return append_record(PHIG_RECORD_START, &body, sizeof(body));
}

/* named: so many persons. */
static void
end(uint64_t seq, uint64_t rows, int named)
{
	uint8_t		buffer[sizeof(PhigEndBody) + PHIG_END_TOKENS * PHIG_TOKEN_BYTES];
	PhigEndBody body = {.start_seq = seq, .rows = rows, .executions = 1, .outcome = 1, .flags = PHIG_END_RAN};

	memcpy(body.sqlstate, "00000", 5);
	if (named > 0)
	{
		body.form = PHIG_PERSONS_TOKENS;
		body.manner = PHIG_MANNER_ROWS;
	}
	memcpy(buffer, &body, sizeof(body));
	for (int i = 0; i < named; i++)
		token_of(any_person(), buffer + sizeof(body) + i * PHIG_TOKEN_BYTES);
	append_record(PHIG_RECORD_END, buffer, sizeof(body) + (size_t) named * PHIG_TOKEN_BYTES);
}

static void
long_one(uint64_t i)
{
	uint64_t   *slot = &long_ones[any(LONG_ONES)];

	if (*slot == 0)
		*slot = start(i, FLAG_PERSONS);
	else if (any(8) != 0)
		name_persons(*slot, 3);
	else
	{
		end(*slot, 3, (int) any(3));
		*slot = 0;
	}
}

static void
execution(uint64_t i)
{
	int			chance = (int) any(1000);
	int			n = chance < 900 ? 1 : chance < 990 ? 2 + (int) any(18) : 200;
	bool		captured = any(100) != 0;
	bool		ends = any(100000) != 0;
	bool		in_end = ends && n <= PHIG_END_TOKENS && any(2) == 0;
	uint64_t	seq = start(i, captured ? FLAG_PERSONS : 0);

	if (captured && !in_end)
		name_persons(seq, n);
	if (ends)
		end(seq, (uint64_t) n, captured && in_end ? n : 0);
}

static void
run(void)
{
	now = END_TIME - DAYS * DAY;
	begin_segment();
	server_event("SERVER START");
	for (uint64_t i = 0; i < total; i++)
	{
		now = END_TIME - DAYS * DAY + (int64_t) ((double) i / (double) total * (double) (DAYS * DAY));
		make_room(8192);
		if (i > 0 && i % (total / 10) == 0)
		{
			memset(long_ones, 0, sizeof(long_ones));
			if (i / (total / 10) % 2 == 0)
				server_event("SERVER STOP");
			server_event("SERVER START");
			make_room(8192);
		}
		if (any(1000) == 0)
			long_one(i);
		else
			execution(i);
		if (any(20) == 0)
			seal();
	}
	seal();
	end_segment();
}

int
main(int argc, char **argv)
{
	if (argc != 5 || strtoull(argv[2], NULL, 10) < 1000)
	{
		fprintf(stderr, "usage: search_gen DIRECTORY EXECUTIONS SEGMENT_KB PERSONS\n");
		return 2;
	}
	directory = argv[1];
	total = strtoull(argv[2], NULL, 10);
	segment_bytes = strtoull(argv[3], NULL, 10) * 1024;
	persons = strtoull(argv[4], NULL, 10);
	segment = malloc(segment_bytes);
	if (segment == NULL)
		die("memory");
	run();
	printf("%" PRIu64 " executions, %" PRIu64 " records, %" PRIu64 " segments\n", total, next_seq - 1, number);
	for (uint64_t i = 0; i < 5; i++)
	{
		uint8_t		token[PHIG_TOKEN_BYTES];

		token_of(i, token);
		for (int b = 0; b < PHIG_TOKEN_BYTES; b++)
			printf("%02x", token[b]);
		printf("\n");
	}
	return 0;
}
