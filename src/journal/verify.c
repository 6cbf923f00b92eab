/*
 * verify.c
 *		Is a segment of the journal what was written?
 *
 * Each thing that is wrong is reported once, where it begins; then the check
 * takes what it finds for true and goes on, so that one altered batch does not
 * condemn all that follow.  A batch in which something was reported adopts its
 * seal unseen: that the seal does not fit says nothing new.
 */
#include "journal/verify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "journal/chain.h"
#include "journal/verify_internal.h"

#define BLOCK_BYTES 64			/* of SHA-256 */
/* No record is shorter than this (a definition with an empty text is). */
#define SHORTEST_RECORD (sizeof(PhigRecordHeader) + sizeof(PhigDefinitionBody))

/* Between two records at most so much counts as time that went by. */
#define PAUSE_MAX_US (INT64_C(600) * 1000000)

void
phig_verify_finding(PhigVerifier *v, uint64_t position, const char *format,...)
{
	char		what[256];
	va_list		args;

	if (phig_verify_copy_ended(v))
		return;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	v->report(v->report_arg, v->node8, v->segment != NULL ? v->segment->name : NULL,
			  position, what);
}

static bool
tail_is_excused(const PhigVerifier *v)
{
	return v->segment->last && v->segment->expected_end == 0 && phig_verify_was_left(v);
}

/* --- the hash --- */

static void
hash_end(PhigVerifier *v, uint8_t *hash)
{
	v->hash_failed |= !phig_hash_end(hash);
}

static void
begin_hash(PhigVerifier *v)
{
	phig_hash_begin();
	phig_hash_add(v->hash, PHIG_HASH_BYTES);
	v->hashed_to = v->hash_from;
}

/* A batch begins at offset begin; its hash covers the bytes from hash_from on. */
static void
begin_batch(PhigVerifier *v, uint64_t hash_from, uint64_t begin)
{
	v->hash_from = hash_from;
	begin_hash(v);
	v->batch_begin = begin;
	v->batch_seq = 0;
	v->batch_vouched = false;
	v->batch_doubtful = !v->hash_known;
}

/* A batch whose seal cannot fit is not hashed to its end. */
static inline void
hash_up_to(PhigVerifier *v, uint64_t offset)
{
	while (v->hashed_to < offset && !v->batch_doubtful)
	{
		uint64_t	left = offset - v->hashed_to;
		size_t		want = left < PHIG_RECORD_MAX_BYTES ? (size_t) left : PHIG_RECORD_MAX_BYTES;
		size_t		have;
		const uint8_t *p = phig_bytes_at(&v->segment->bytes, v->hashed_to, want, &have);

		if (p == NULL || have < want)
		{
			v->batch_doubtful = true;	/* the file shrinks under us: the walk reports its end */
			return;
		}
		phig_hash_add(p, want);
		v->hashed_to += want;
	}
}

/*
 * What fills whole blocks of SHA-256, after each record.  In a block each round waits
 * for the one before; meanwhile the processor begins to walk over the next record,
 * which behind a larger piece it would do afterwards.  What fills no block OpenSSL
 * copies and hashes apart.
 */
static inline void
hash_whole_blocks(PhigVerifier *v)
{
	uint64_t	added = PHIG_HASH_BYTES + v->walk.offset - v->hash_from;

	hash_up_to(v, v->walk.offset - added % BLOCK_BYTES);
}

/* SHA-256(before || bytes): what a header, or a seal's own bytes, make of the hash before. */
static void
hash_over(PhigVerifier *v, const uint8_t *before, const uint8_t *bytes, size_t len, uint8_t *hash)
{
	phig_hash_begin();
	phig_hash_add(before, PHIG_HASH_BYTES);
	phig_hash_add(bytes, len);
	hash_end(v, hash);
}

/* The last hash at offset, with no record of a batch before it.  False when it cannot be known. */
static bool
last_hash(PhigVerifier *v, uint64_t offset, uint8_t *hash)
{
	hash_up_to(v, offset);
	if (v->batch_doubtful)
		return false;
	memcpy(hash, v->hash, PHIG_HASH_BYTES);
	if (offset > v->hash_from)
	{
		hash_end(v, hash);
		begin_hash(v);
	}
	return true;
}

/* Between batches, at offset: the branches that leave here, and the anchors. */
static void
check_boundary(PhigVerifier *v, uint64_t offset, uint64_t seq)
{
	uint8_t		hash[PHIG_HASH_BYTES];
	bool		known;

	if (!phig_verify_is_of_interest(v, offset, seq))
		return;
	known = last_hash(v, offset, hash);
	if (known)
		phig_verify_check_branches(v, seq, hash);
	phig_verify_check_anchors(v, offset, known ? hash : NULL);
}

/* --- the header --- */

/* Does it stand where its reason says: the first of a node, or not the first? */
static bool
place_is_right(const PhigSegmentHeader *header)
{
	static const uint8_t zeros[PHIG_HASH_BYTES];

	switch (header->reason)
	{
		case PHIG_SEGMENT_FIRST:
			return header->number == 1 && header->first_seq == 1 &&
				memcmp(header->prev_hash, zeros, PHIG_HASH_BYTES) == 0;
		case PHIG_SEGMENT_BRANCH:
			return header->number == 1 && header->first_seq == header->parent_seq + 1;
		case PHIG_SEGMENT_ROTATION:
			return header->number > 1;
		default:
			return false;
	}
}

/* Readers leave the segment before out by these, and the server retires it. */
static bool
times_are_right(const PhigVerifier *v, const PhigSegmentHeader *header)
{
	if (header->before_first == 0 && header->before_last == 0)
		return true;
	return v->earliest == 0 || (header->before_first <= v->earliest && header->before_last >= v->latest);
}

/* Does the header follow from the segment before it? */
static void
check_continuation(PhigVerifier *v, const PhigSegmentHeader *header)
{
	const bool	broken = header->reason == PHIG_SEGMENT_BROKEN;

	if (broken)
		phig_verify_finding(v, header->first_seq,
							"the chain was begun anew here, because segment %" PRIu64
							" was found damaged at offset %" PRIu64, header->broken_segment, header->broken_offset);
	else if (!place_is_right(header))
		phig_verify_finding(v, header->first_seq, "the segment's header contradicts its place in the journal");

	if (v->next_seq != 0 && header->first_seq > v->next_seq)
		phig_verify_finding(v, v->next_seq, "records %" PRIu64 " to %" PRIu64 " are missing before this segment",
							v->next_seq, header->first_seq - 1);
	else if (v->next_seq != 0 && header->first_seq < v->next_seq)
		phig_verify_finding(v, header->first_seq,
							"the segment begins at a record that the one before it holds already");
	else if (v->hash_known && !broken &&
			 memcmp(header->prev_hash, v->hash, PHIG_HASH_BYTES) != 0)
		phig_verify_finding(v, header->first_seq,
							"the segment does not continue the one before it: the previous hash differs");
	else if (v->hash_known && header->reason == PHIG_SEGMENT_ROTATION && !times_are_right(v, header))
		phig_verify_finding(v, header->first_seq, "the segment's header is wrong about the times of the one before it");
}

/* False when the header is not this segment's: what it says is then no ground to stand on. */
static bool
check_identity(PhigVerifier *v, const PhigSegmentHeader *header)
{
	char		node8[9];

	phig_verify_node_name(header->node, node8);
	if (header->number != v->segment->number || strcmp(node8, v->node8) != 0)
	{
		phig_verify_finding(v, v->next_seq, "the file holds segment %" PRIu64 " of node %s",
							header->number, node8);
		return false;
	}
	if (v->system_identifier == 0)
		v->system_identifier = header->system_identifier;
	if (header->system_identifier != v->system_identifier)
	{
		phig_verify_finding(v, v->next_seq, "the segment belongs to another database system, %" PRIu64,
							header->system_identifier);
		return false;
	}
	return true;
}

/* Why there is no header to be read, or NULL when there is one. */
static const char *
header_trouble(PhigHeaderState state)
{
	switch (state)
	{
		case PHIG_HEADER_OK:
			return NULL;
		case PHIG_HEADER_SHORT:
			return "the file is shorter than a segment's header";
		case PHIG_HEADER_EMPTY:
			return "the segment's header is zeros";
		case PHIG_HEADER_MAGIC:
			return "the segment's header is damaged: it does not begin as a journal segment does";
		case PHIG_HEADER_CRC:
			return "the segment's header is damaged: its checksum does not match";
		case PHIG_HEADER_VERSION:
			return "the segment is of a format version that is not known here";
	}
	return "the segment's header cannot be read";
}

/* Of the first record there, before which no header says so; 0: it cannot be read either. */
static uint64_t
first_number(PhigVerifier *v)
{
	PhigWalk	walk;

	phig_walk_begin(&walk, &v->segment->bytes, v->crc32c);
	if (phig_walk_next(&walk) != PHIG_STEP_RECORD)
		return 0;
	return walk.record.head.seq +
		(walk.record.head.type == PHIG_RECORD_SEAL || walk.record.head.type == PHIG_RECORD_CHECKPOINT);
}

/* Check the header, begin the first batch's hash.  False when the segment cannot be read on. */
static bool
begin_segment(PhigVerifier *v)
{
	PhigBytes  *bytes = &v->segment->bytes;
	PhigSegmentHeader *header = &v->header;
	PhigHeaderState state = phig_parse_header(bytes, v->crc32c, header);
	const char *trouble = header_trouble(state);
	const uint8_t *raw;
	size_t		have;

	if (state == PHIG_HEADER_EMPTY && tail_is_excused(v))
		return false;
	if (trouble != NULL)
	{
		/* A node whose first header is lost may be a branch, and begin at any number. */
		uint64_t	there = v->segment->number == 1 ? first_number(v) : v->next_seq;

		phig_verify_finding(v, there != 0 ? there : v->next_seq, "%s", trouble);
		v->next_seq = there;
	}
	if (state == PHIG_HEADER_SHORT || state == PHIG_HEADER_VERSION)
		return false;

	if (trouble == NULL && check_identity(v, header))
	{
		check_continuation(v, header);
		if (v->passed)
			phig_verify_trust_branches(v, header->first_seq);
		v->passed = false;
		v->next_seq = header->first_seq;
		v->sealed_seq = header->first_seq - 1;
		if (v->first_seq == 0)
			v->first_seq = header->first_seq;
	}
	else if (trouble == NULL)
	{
		v->misplaced = true;
		v->next_seq = 0;
	}

	raw = phig_bytes_at(bytes, 0, PHIG_SEGMENT_HEADER_BYTES, &have);
	v->hash_known = trouble == NULL && raw != NULL && have >= PHIG_SEGMENT_HEADER_BYTES;
	if (v->hash_known)
		hash_over(v, header->prev_hash, raw, PHIG_SEGMENT_HEADER_BYTES, v->hash);
	v->earliest = v->latest = 0;
	begin_batch(v, PHIG_SEGMENT_HEADER_BYTES, PHIG_SEGMENT_HEADER_BYTES);
	/* A copy taken just after the segment was begun branches off its header. */
	if (v->hash_known)
		check_boundary(v, PHIG_SEGMENT_HEADER_BYTES, header->first_seq - 1);
	return true;
}

/* --- the records --- */

/* The next record, or the one behind a seal, has the number seq, which is next_seq or greater. */
static void
check_hole(PhigVerifier *v, uint64_t seq)
{
	if (seq - v->next_seq > v->lost_records)
	{
		phig_verify_finding(v, v->next_seq, "records %" PRIu64 " to %" PRIu64 " are missing before offset %" PRIu64,
							v->next_seq, seq - 1, v->walk.record.offset);
		v->batch_doubtful = true;
	}
	v->next_seq = seq;
	v->lost_records = 0;
}

/* Time that goes by with records that no checkpoint vouches for; a pause, or a clock that is set, counts little. */
static void
note_time(PhigVerifier *v, int64_t time)
{
	if (v->unvouched_last != 0 && time > v->unvouched_last)
	{
		uint64_t	passed = (uint64_t) time - (uint64_t) v->unvouched_last;

		v->unvouched_us += passed < PAUSE_MAX_US ? (int64_t) passed : PAUSE_MAX_US;
	}
	v->unvouched_last = time;
	if (v->earliest == 0 || time < v->earliest)
		v->earliest = time;
	if (v->latest == 0 || time > v->latest)
		v->latest = time;
}

static void
check_record(PhigVerifier *v)
{
	uint64_t	seq = v->walk.record.head.seq;

	if (v->next_seq == 0)
		v->next_seq = seq;
	if (seq < v->next_seq)
	{
		if (seq != v->repeated_seq + 1)
			phig_verify_finding(v, seq, "record %" PRIu64 " stands again, or out of order, at offset %" PRIu64,
								seq, v->walk.record.offset);
		v->repeated_seq = seq;
		v->batch_doubtful = true;
	}
	else
	{
		check_hole(v, seq);
		v->next_seq = seq + 1;
		if (!v->misplaced)
			v->last_seq = seq;
	}
	if (v->batch_seq == 0)
		v->batch_seq = seq;
	note_time(v, v->walk.record.head.time);
}

static void
check_seal(PhigVerifier *v)
{
	uint64_t	offset = v->walk.record.offset;
	uint64_t	seq = v->walk.record.head.seq;
	uint64_t	first = v->batch_seq != 0 ? v->batch_seq : v->next_seq;
	uint8_t		seal[PHIG_SEAL_BYTES];
	uint8_t		computed[PHIG_HASH_BYTES];

	memcpy(seal, v->walk.record.bytes, PHIG_SEAL_BYTES);
	hash_up_to(v, offset);
	hash_end(v, computed);

	if (v->next_seq != 0 && seq >= v->next_seq)
		check_hole(v, seq + 1);
	if (!v->batch_doubtful &&
		memcmp(computed, seal + sizeof(PhigRecordHeader), PHIG_HASH_BYTES) != 0)
		phig_verify_finding(v, first,
							"the seal at offset %" PRIu64 " does not match its batch (records %" PRIu64 " to %" PRIu64
							", from offset %" PRIu64 "): the batch or the seal before it was altered",
							offset, first, seq, v->batch_begin);
	else if (!v->batch_doubtful && v->next_seq != 0 && seq != v->next_seq - 1)
		phig_verify_finding(v, first, "the seal at offset %" PRIu64 " stands for records up to %" PRIu64
							", but follows record %" PRIu64, offset, seq, v->next_seq - 1);

	memcpy(v->hash, seal + sizeof(PhigRecordHeader), PHIG_HASH_BYTES);
	v->hash_known = true;
	v->sealed_seq = seq;
	begin_batch(v, offset, offset + PHIG_SEAL_BYTES);
	check_boundary(v, offset + PHIG_SEAL_BYTES, seq);
}

static bool
signature_is_good(PhigVerifier *v, const PhigCheckpoint *c)
{
	PhigSignatureState state = v->nkeys > 0 ? phig_checkpoint_check(c, v->keys, v->nkeys) : PHIG_SIGNATURE_GOOD;

	if (state == PHIG_SIGNATURE_BAD)
		phig_verify_finding(v, c->seq, "the checkpoint at offset %" PRIu64
							" does not have the signature of the key that it names: it was altered or forged", c->offset);
	else if (state == PHIG_SIGNATURE_KEY_UNKNOWN)
		phig_verify_finding(v, c->seq, "the checkpoint at offset %" PRIu64
							" names key %02x%02x%02x%02x%02x%02x%02x%02x, which is not known here", c->offset,
							c->key[0], c->key[1], c->key[2], c->key[3], c->key[4], c->key[5], c->key[6], c->key[7]);
	return state == PHIG_SIGNATURE_GOOD;
}

/* Everything before it is what was signed. */
static void
vouch(PhigVerifier *v, const PhigCheckpoint *c)
{
	v->rewritten = false;
	v->vouched_seq = c->seq;
	v->vouched_time = c->time;
	v->unvouched_us = v->unvouched_last = 0;
	/* Anybody could say so without a signature that was checked. */
	if (v->nkeys > 0 && c->oldest > v->oldest)
		v->oldest = c->oldest;
}

static void
check_checkpoint(PhigVerifier *v)
{
	uint64_t	offset = v->walk.record.offset;
	PhigCheckpoint c;
	uint8_t		hash[PHIG_HASH_BYTES];
	bool		known;

	phig_parse_checkpoint(&v->header, &v->walk.record, &c);
	if (offset != v->batch_begin || v->batch_vouched)
	{
		phig_verify_finding(v, v->next_seq, "a checkpoint stands at offset %" PRIu64 ", where none belongs", offset);
		v->batch_doubtful = true;
		return;
	}
	known = last_hash(v, offset, hash);
	if (v->next_seq != 0 && c.seq != v->next_seq - 1)
		phig_verify_finding(v, v->next_seq, "the checkpoint at offset %" PRIu64 " stands for records up to %" PRIu64
							", but follows record %" PRIu64, offset, c.seq, v->next_seq - 1);
	else if (!v->misplaced && signature_is_good(v, &c) && known)
	{
		if (memcmp(c.hash, hash, PHIG_HASH_BYTES) == 0)
			vouch(v, &c);
		else if (!v->rewritten)
		{
			v->rewritten = true;
			phig_verify_finding(v, v->vouched_seq + 1,
								"the checkpoint at offset %" PRIu64 " was signed for another history: "
								"records %" PRIu64 " to %" PRIu64 ", or some of them, were rewritten",
								offset, v->vouched_seq + 1, c.seq);
		}
	}
	v->batch_begin = offset + PHIG_CHECKPOINT_BYTES;
	v->batch_vouched = true;
	check_boundary(v, v->batch_begin, c.seq);
}

static void
note_damage(PhigVerifier *v)
{
	const PhigWalk *walk = &v->walk;
	uint64_t	offset = walk->damage_offset;
	uint64_t	n = walk->damage_bytes;

	switch (walk->damage)
	{
		case PHIG_DAMAGE_RECORD:
			phig_verify_finding(v, v->next_seq,
								"the record at offset %" PRIu64 " (%" PRIu64 " bytes) was altered: its checksum does not match",
								offset, n);
			v->lost_records = 1;
			break;
		case PHIG_DAMAGE_RANGE:
			phig_verify_finding(v, v->next_seq, "%" PRIu64 " bytes at offset %" PRIu64 " are no records", n, offset);
			v->lost_records = n / SHORTEST_RECORD;
			break;
		case PHIG_DAMAGE_TAIL:
			if (!tail_is_excused(v))
				phig_verify_finding(v, v->next_seq,
									"%" PRIu64 " bytes at offset %" PRIu64
									", where the records end, are no record: torn or altered", n, offset);
			break;
		case PHIG_DAMAGE_STRAY:
			if (!tail_is_excused(v))
				phig_verify_finding(v, v->next_seq,
									"bytes that are not zero, at offset %" PRIu64 ", behind the end of the records at %" PRIu64,
									offset, walk->offset);
			break;
	}
	if (walk->damage != PHIG_DAMAGE_STRAY)
		v->batch_doubtful = true;
}

/* The records end: was everything sealed, and is it all that was written? */
static void
finish_segment(PhigVerifier *v)
{
	uint64_t	end = v->walk.offset;
	bool		torn = v->walk.damage == PHIG_DAMAGE_TAIL;

	hash_up_to(v, end);
	if (end < v->segment->expected_end && !torn)
		phig_verify_finding(v, v->next_seq,
							"the segment was cut: its records end at offset %" PRIu64 ", the server wrote up to %" PRIu64,
							end, v->segment->expected_end);
	else if (end > v->batch_begin && !torn && !tail_is_excused(v))
		phig_verify_finding(v, v->batch_seq != 0 ? v->batch_seq : v->next_seq,
							"no seal follows the last one's batch: the records from offset %" PRIu64 " to %" PRIu64
							" are not covered", v->batch_begin, end);

	if (torn || end > v->batch_begin)
		v->hash_known = false;
	else if (end > PHIG_SEGMENT_HEADER_BYTES)
		hash_end(v, v->hash);
	if (torn || v->misplaced)
		v->next_seq = 0;
	if (v->misplaced)
		v->hash_known = false;
}

void
phig_verify_segment(PhigVerifier *v, PhigSegment *segment)
{
	PhigStep	step;

	v->segment = segment;
	phig_verify_check_number(v, segment->number);
	v->lost_records = 0;
	v->repeated_seq = UINT64_MAX - 1;
	v->misplaced = false;

	if (!begin_segment(v))
	{
		v->next_seq = 0;
		v->hash_known = false;
		return;
	}
	phig_walk_begin(&v->walk, &segment->bytes, v->crc32c);
	while ((step = phig_walk_next(&v->walk)) != PHIG_STEP_END)
	{
		if (step == PHIG_STEP_DAMAGE)
			note_damage(v);
		else if (v->walk.record.head.type == PHIG_RECORD_SEAL)
			check_seal(v);
		else if (v->walk.record.head.type == PHIG_RECORD_CHECKPOINT)
			check_checkpoint(v);
		else
			check_record(v);
		hash_whole_blocks(v);
	}
	finish_segment(v);
}
