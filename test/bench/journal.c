/*
 * journal.c
 *		A journal of any size, and the rate of SHA-256, to measure verification by.
 *
 * usage: journal write DIRECTORY MEGABYTES RECORDS-PER-BATCH >PUBLIC-KEY
 *		  journal hash MEGABYTES
 *
 * write makes segments of 16 MB such as a server leaves behind: of 16 executions that
 * are recorded by start and end, one has a new statement, whose definition has some 600 bytes, and one is an event;
 * with the seals, records have about 130 to 150 bytes.  hash runs SHA-256 over memory, 64 kB a call,
 * as `openssl speed -evp sha256 -bytes 65536` does, and prints the seconds of CPU time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <openssl/evp.h>

#include "journal/chain.h"
#include "journal/checkpoint.h"
#include "../lib/bytes.h"

#define SEGMENT_BYTES (16 * 1024 * 1024)
#define BATCHES_PER_CHECKPOINT 2000

static const uint8_t signing_seed[PHIG_SIGNING_SEED_BYTES] = "the key of a benchmark";
static uint8_t data[SEGMENT_BYTES];
static size_t end;
static uint64_t seq = 1;
static int64_t now = INT64_C(800000000000000);

static uint8_t *
append(uint8_t type, uint64_t number, const void *body, size_t body_bytes)
{
	PhigRecordHeader head = {.seq = number, .time = now, .type = type, .body_bytes = (uint32_t) body_bytes};
	uint8_t    *p = data + end;

	head.length = (uint32_t) ((sizeof(head) + body_bytes + 7) / 8 * 8);
	memset(p, 0, head.length);
	memcpy(p + sizeof(head), body, body_bytes);
	memcpy(p, &head, sizeof(head));
	head.crc = crc32c(p + 8, head.length - 8);
	memcpy(p, &head, sizeof(head));
	end += head.length;
	return p;
}

static void
append_statement(void)
{
	uint8_t		definition[sizeof(PhigDefinitionBody) + 700];
	PhigStartBody start = {.kind = 1};
	PhigEndBody finish = {.start_seq = seq, .rows = any(100), .executions = 1, .outcome = 1, .sqlstate = "00000"};
	PhigEventBody event = {.kind = 2, .rows = 1, .outcome = 1, .sqlstate = "00000"};

	now += any(5000);
	for (size_t i = 0; i < sizeof(definition); i++)
		definition[i] = (uint8_t) (i < PHIG_ID_BYTES ? any(256) : ' ' + any(90));
	memcpy(start.statement, definition, PHIG_ID_BYTES);
	memcpy(start.session, "0123456789abcdef", PHIG_ID_BYTES);
	switch (any(4))
	{
		case 0:
			append(PHIG_RECORD_DEFINITION, seq++, definition, sizeof(PhigDefinitionBody) + 500 + any(200));
			finish.start_seq = seq;
			break;
		case 1:
			append(PHIG_RECORD_EVENT, seq++, &event, sizeof(event));
			return;
	}
	append(PHIG_RECORD_START, seq++, &start, sizeof(start));
	append(PHIG_RECORD_END, seq++, &finish, sizeof(finish));
}

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static void
append_checkpoint(const PhigSegmentHeader *header, PhigChain *chain)
{
	PhigCheckpoint c = {.system_identifier = header->system_identifier, .segment = header->number, .offset = end,
	.seq = seq - 1, .time = now, .oldest = 1};
	PhigCheckpointBody body = {.oldest = 1};

	memcpy(c.node, header->node, PHIG_ID_BYTES);
	if (!phig_chain_last_hash(chain, c.hash) || !phig_checkpoint_sign(&c, signing_seed))
		fail("signature");
	memcpy(body.hash, c.hash, PHIG_HASH_BYTES);
	memcpy(body.key, c.key, PHIG_KEY_ID_BYTES);
	memcpy(body.signature, c.signature, PHIG_SIGNATURE_BYTES);
	phig_chain_vouched(chain, append(PHIG_RECORD_CHECKPOINT, c.seq, &body, sizeof(body)));
}

static void
write_segment(const char *directory, PhigSegmentHeader *header, int per_batch)
{
	PhigChain	chain;
	char		path[4096];
	FILE	   *file;

	header->first_seq = seq;
	header->created = now;
	header->crc = crc32c((uint8_t *) header, sizeof(*header) - 4);
	memset(data, 0, sizeof(data));
	memcpy(data, header, sizeof(*header));
	end = sizeof(*header);
	if (!phig_chain_begin(&chain, header))
		fail("hash");
	for (long batch = 1; end < SEGMENT_BYTES - 400000; batch++)
	{
		size_t		begin = end;
		uint8_t		hash[PHIG_HASH_BYTES];
		uint64_t	until = seq + (uint64_t) per_batch;

		while (seq < until)
			append_statement();
		phig_chain_begin_batch(&chain);
		phig_hash_add(data + begin, end - begin);
		if (!phig_hash_end(hash))
			fail("hash");
		phig_chain_advance(&chain, append(PHIG_RECORD_SEAL, seq - 1, hash, sizeof(hash)), end);
		if (batch % BATCHES_PER_CHECKPOINT == 0)
			append_checkpoint(header, &chain);
	}
	if (!chain.vouched)
		append_checkpoint(header, &chain);
	if (!phig_chain_last_hash(&chain, header->prev_hash))
		fail("hash");

	snprintf(path, sizeof(path), "%s/abababab-%010llu.seg", directory, (unsigned long long) header->number);
	if ((file = fopen(path, "wb")) == NULL || fwrite(data, 1, sizeof(data), file) != sizeof(data) || fclose(file) != 0)
		fail(path);
}

static void
write_journal(const char *directory, int megabytes, int per_batch)
{
	PhigSegmentHeader header = {.magic = "PHIGSEG1", .version = PHIG_FORMAT_VERSION, .header_bytes = PHIG_SEGMENT_HEADER_BYTES,
	.system_identifier = UINT64_C(7300000000000000001), .reason = PHIG_SEGMENT_FIRST};
	PhigPublicKey key;
	char		pem[PHIG_PUBLIC_KEY_PEM_BYTES];

	memset(header.node, 0xab, PHIG_ID_BYTES);
	for (header.number = 1; header.number <= (uint64_t) megabytes / 16; header.number++)
	{
		write_segment(directory, &header, per_batch);
		header.reason = PHIG_SEGMENT_ROTATION;
	}
	if (!phig_public_key_of_seed(&key, signing_seed) || phig_public_key_format(&key, pem) == 0)
		fail("key");
	fputs(pem, stdout);
}

static void
measure_hash(int megabytes)
{
	static unsigned char block[65536];
	unsigned char hash[PHIG_HASH_BYTES];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	struct rusage usage;

	for (int i = 0; i < megabytes * 16; i++)
	{
		EVP_DigestInit_ex(context, EVP_sha256(), NULL);
		EVP_DigestUpdate(context, block, sizeof(block));
		EVP_DigestFinal_ex(context, hash, NULL);
		block[i % sizeof(block)] ^= hash[0];
	}
	getrusage(RUSAGE_SELF, &usage);
	printf("%.3f\n", (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		   (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "write") == 0)
		write_journal(argv[2], atoi(argv[3]), atoi(argv[4]));
	else if (argc == 3 && strcmp(argv[1], "hash") == 0)
		measure_hash(atoi(argv[2]));
	else
		return 1;
	return 0;
}
