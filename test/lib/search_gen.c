/*
 * search_gen.c
 *		Writes a journal to be searched: many persons, roles, purposes and tables.
 *
 * usage: search_gen DIRECTORY EXECUTIONS SEGMENT_KB PERSONS
 *
 * Each execution reads one of 300 tables in one of 64 sessions and names one person, seldom up to 200;
 * a hundredth is not captured, a thousandth says how many only.  Sessions change after 500 executions, and with
 * them role (one of 200), purpose and user.  Some executions go on for long: they name persons and end in
 * later segments, or never.  One in two million reads research.registry.  The server is restarted ten times.
 * Person i has the token of token_of(i).
 *
 * cc -I src test/lib/search_gen.c src/journal/chain.c -lcrypto
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "journal/chain.h"
#include "journal/format.h"
#include "bytes.h"

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

typedef struct Id
{
	uint8_t		bytes[PHIG_ID_BYTES];
	uint64_t	segment;		/* that has its definition */
} Id;

static const char *directory;
static uint64_t total;
static uint64_t persons;
static size_t segment_bytes;
static uint8_t *segment;
static size_t used;
static size_t batch_begin;
static PhigChain chain;
static uint64_t number;
static uint64_t next_seq = 1;
static int64_t now;
static Id	statements[STATEMENTS + 1];
static Id	sessions[SESSIONS];
static uint64_t session_uses[SESSIONS];
static uint64_t long_ones[LONG_ONES];	/* number of the start record; 0: idle */

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* --- segments --- */

static void
begin_segment(void)
{
	PhigSegmentHeader header = {.version = PHIG_FORMAT_VERSION, .header_bytes = PHIG_SEGMENT_HEADER_BYTES};

	memcpy(header.magic, PHIG_SEGMENT_MAGIC, sizeof(header.magic));
	header.system_identifier = UINT64_C(7300000000000000001);
	memset(header.node, 0xdd, sizeof(header.node));
	header.number = ++number;
	header.first_seq = next_seq;
	header.created = now;
	header.reason = number == 1 ? PHIG_SEGMENT_FIRST : PHIG_SEGMENT_ROTATION;
	header.timeline = 1;
	if (number > 1)
	{
		header.before_first = chain.first_time;
		header.before_last = chain.last_time;
		if (!phig_chain_last_hash(&chain, header.prev_hash))
			die("hash");
	}
	header.crc = crc32c((uint8_t *) &header, PHIG_SEGMENT_HEADER_BYTES - 4);

	memset(segment, 0, segment_bytes);
	memcpy(segment, &header, sizeof(header));
	used = sizeof(header);
	batch_begin = used;
	if (!phig_chain_begin(&chain, &header))
		die("hash");
}

static void
end_segment(void)
{
	char		path[4096];
	FILE	   *file;

	snprintf(path, sizeof(path), "%s/dddddddd-%010" PRIu64 ".seg", directory, number);
	file = fopen(path, "wb");
	if (file == NULL || fwrite(segment, 1, segment_bytes, file) != segment_bytes || fclose(file) != 0)
		die(path);
}

static uint8_t *
append(uint8_t type, uint64_t seq, const void *body, size_t body_bytes)
{
	uint8_t    *p = segment + used;
	size_t		length = (sizeof(PhigRecordHeader) + body_bytes + 7) / 8 * 8;

	put(p, length, 4);
	put(p + 8, seq, 8);
	put(p + 16, (uint64_t) now, 8);
	p[24] = type;
	put(p + 28, body_bytes, 4);
	memcpy(p + 32, body, body_bytes);
	put(p + 4, crc32c(p + 8, length - 8), 4);
	used += length;
	return p;
}

static void
seal(void)
{
	uint8_t		hash[PHIG_HASH_BYTES];
	const uint8_t *record;

	if (used == batch_begin)
		return;
	phig_chain_begin_batch(&chain);
	phig_hash_add(segment + batch_begin, used - batch_begin);
	if (!phig_hash_end(hash))
		die("hash");
	record = append(PHIG_RECORD_SEAL, next_seq - 1, hash, sizeof(hash));
	phig_chain_advance(&chain, record, used);
	batch_begin = used;
}

/* Room for so many bytes and a seal, in the next segment if need be. */
static void
make_room(size_t bytes)
{
	if (used + bytes + PHIG_SEAL_BYTES <= segment_bytes)
		return;
	seal();
	end_segment();
	begin_segment();
}

static uint64_t
append_record(uint8_t type, const void *body, size_t body_bytes)
{
	append(type, next_seq, body, body_bytes);
	phig_chain_note_time(&chain, now);
	return next_seq++;
}

/* --- definitions --- */

static void
define(Id *id, const char *text)
{
	uint8_t		body[1024];
	uint8_t		digest[PHIG_HASH_BYTES];
	size_t		len = strlen(text);

	if (id->segment == number)
		return;
	if (EVP_Digest(text, len, digest, NULL, EVP_sha256(), NULL) != 1)
		die("hash");
	memcpy(id->bytes, digest, PHIG_ID_BYTES);
	memcpy(body, digest, PHIG_ID_BYTES);
	memcpy(body + PHIG_ID_BYTES, text, len);
	append_record(PHIG_RECORD_DEFINITION, body, PHIG_ID_BYTES + len);
	id->segment = number;
}

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

static void
end(uint64_t seq, uint64_t rows)
{
	PhigEndBody body = {.start_seq = seq, .rows = rows, .executions = 1, .outcome = 1};

	memcpy(body.sqlstate, "00000", 5);
	append_record(PHIG_RECORD_END, &body, sizeof(body));
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
		end(*slot, 3);
		*slot = 0;
	}
}

static void
execution(uint64_t i)
{
	int			chance = (int) any(1000);
	int			n = chance < 900 ? 1 : chance < 990 ? 2 + (int) any(18) : 200;
	bool		captured = any(100) != 0;
	uint64_t	seq = start(i, captured ? FLAG_PERSONS : 0);

	if (captured)
		name_persons(seq, n);
	if (any(100000) != 0)
		end(seq, (uint64_t) n);
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
