/*
 * verify.c
 *		Is the journal what was written?
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

/* Batches are hashed in pieces of this size, not record by record. */
#define HASH_PIECE (PHIG_RECORD_MAX_BYTES / 2)
/* No record is shorter than this (a definition with an empty text is). */
#define SHORTEST_RECORD (sizeof(PhigRecordHeader) + sizeof(PhigDefinitionBody))

/* A server signs every half hour at least; what was written over more than this has to be signed. */
#define UNVOUCHED_MAX_US (INT64_C(3600) * 1000000)
#define PAUSE_MAX_US (INT64_C(600) * 1000000)

static void finding(PhigVerifier *v, uint64_t position, const char *format,...)
			__attribute__((format(printf, 3, 4)));

static void
finding(PhigVerifier *v, uint64_t position, const char *format,...)
{
	char		what[256];
	va_list		args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	v->report(v->report_arg, v->node8, v->segment != NULL ? v->segment->name : NULL,
			  position, what);
}

static void
node_name(const uint8_t *node, char node8[9])
{
	snprintf(node8, 9, "%02x%02x%02x%02x", node[0], node[1], node[2], node[3]);
}

bool
phig_verify_branch(const PhigSegmentHeader *header, const char *name, const char *node8,
				   uint64_t number, PhigBranch *branch)
{
	char		holds[9];

	node_name(header->node, holds);
	if (number != 1 || header->reason != PHIG_SEGMENT_BRANCH || strcmp(holds, node8) != 0)
		return false;
	memset(branch, 0, sizeof(*branch));
	memcpy(branch->node8, node8, sizeof(branch->node8));
	snprintf(branch->segment, sizeof(branch->segment), "%s", name);
	memcpy(branch->parent_node, header->parent_node, PHIG_ID_BYTES);
	branch->parent_seq = header->parent_seq;
	memcpy(branch->prev_hash, header->prev_hash, PHIG_HASH_BYTES);
	return true;
}

static bool
is_branch_of_node(const PhigVerifier *v, const PhigBranch *branch)
{
	char		parent8[9];

	node_name(branch->parent_node, parent8);
	return strcmp(parent8, v->node8) == 0;
}

/* Did nodes take over from this one, each at a place that was met?  Then what follows here may be half a copy. */
static bool
was_left(const PhigVerifier *v)
{
	bool		left = false;

	for (int i = 0; i < v->nbranches; i++)
		if (is_branch_of_node(v, &v->branches[i]))
		{
			if (!v->branches[i].matched)
				return false;
			left = true;
		}
	return left;
}

/* The branch that leaves where the records of this node end, if one does: they may be a copy of its beginning. */
static const PhigBranch *
branch_at_end(const PhigVerifier *v)
{
	for (int i = 0; i < v->nbranches; i++)
		if (is_branch_of_node(v, &v->branches[i]) && v->branches[i].parent_seq >= v->sealed_seq)
			return &v->branches[i];
	return NULL;
}

static bool
tail_is_excused(const PhigVerifier *v)
{
	return v->segment->last && v->segment->expected_end == 0 && was_left(v);
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

static void
hash_up_to(PhigVerifier *v, uint64_t offset)
{
	PhigBytes  *bytes = &v->segment->bytes;

	if (v->batch_doubtful)
		v->hashed_to = offset;
	while (v->hashed_to < offset)
	{
		uint64_t	left = offset - v->hashed_to;
		size_t		want = left < PHIG_RECORD_MAX_BYTES ? (size_t) left : PHIG_RECORD_MAX_BYTES;
		size_t		have;
		const uint8_t *p = phig_bytes_at(bytes, v->hashed_to, want, &have);

		if (p == NULL || have < want)
		{
			v->batch_doubtful = true;	/* the file shrinks under us: the walk reports its end */
			v->hashed_to = offset;
			return;
		}
		phig_hash_add(p, want);
		v->hashed_to += want;
	}
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

/* The hash behind record seq is this: do the branches that leave the node there begin with it? */
static void
check_branches(PhigVerifier *v, uint64_t seq, const uint8_t *hash)
{
	for (int i = 0; i < v->nbranches; i++)
	{
		PhigBranch *branch = &v->branches[i];

		if (branch->parent_seq != seq || !is_branch_of_node(v, branch))
			continue;
		branch->reached = true;
		branch->matched |= memcmp(hash, branch->prev_hash, PHIG_HASH_BYTES) == 0;
	}
}

/* The segments before this first record were taken on trust: so are the branches that leave there. */
static void
trust_branches(PhigVerifier *v, uint64_t first_seq)
{
	for (int i = 0; i < v->nbranches; i++)
		if (v->branches[i].parent_seq < first_seq && is_branch_of_node(v, &v->branches[i]))
			v->branches[i].matched = true;
}

static bool
is_anchor_of_node(const PhigVerifier *v, const PhigAnchor *anchor)
{
	char		node8[9];

	node_name(anchor->checkpoint.node, node8);
	return strcmp(node8, v->node8) == 0;
}

/* The last hash at offset is this (NULL: not known): is it what the anchors of this place know? */
static void
check_anchors(PhigVerifier *v, uint64_t offset, const uint8_t *hash)
{
	for (int i = 0; i < v->nanchors; i++)
	{
		const PhigCheckpoint *c = &v->anchors[i].checkpoint;

		if (!is_anchor_of_node(v, &v->anchors[i]) || c->segment != v->segment->number || c->offset != offset)
			continue;
		v->anchors[i].met = true;
		if (hash != NULL && memcmp(c->hash, hash, PHIG_HASH_BYTES) != 0)
			finding(v, v->vouched_seq + 1,
					"the journal is not what it was when the anchor of record %" PRIu64
					" was taken: records before were rewritten, or this is another branch", c->seq);
	}
}

/* May an anchor or a branch speak of this place?  Asked at each seal: numbers first. */
static bool
is_of_interest(const PhigVerifier *v, uint64_t offset, uint64_t seq)
{
	for (int i = 0; i < v->nanchors; i++)
		if (v->anchors[i].checkpoint.offset == offset && v->anchors[i].checkpoint.segment == v->segment->number)
			return true;
	for (int i = 0; i < v->nbranches; i++)
		if (v->branches[i].parent_seq == seq)
			return true;
	return false;
}

/* Between batches, at offset: the branches that leave here, and the anchors. */
static void
check_boundary(PhigVerifier *v, uint64_t offset, uint64_t seq)
{
	uint8_t		hash[PHIG_HASH_BYTES];
	bool		known;

	if (!is_of_interest(v, offset, seq))
		return;
	known = last_hash(v, offset, hash);
	if (known)
		check_branches(v, seq, hash);
	check_anchors(v, offset, known ? hash : NULL);
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
		finding(v, header->first_seq,
				"the chain was begun anew here, because segment %" PRIu64
				" was found damaged at offset %" PRIu64, header->broken_segment, header->broken_offset);
	else if (!place_is_right(header))
		finding(v, header->first_seq, "the segment's header contradicts its place in the journal");

	if (v->next_seq != 0 && header->first_seq > v->next_seq)
		finding(v, v->next_seq, "records %" PRIu64 " to %" PRIu64 " are missing before this segment",
				v->next_seq, header->first_seq - 1);
	else if (v->next_seq != 0 && header->first_seq < v->next_seq)
		finding(v, header->first_seq,
				"the segment begins at a record that the one before it holds already");
	else if (v->hash_known && !broken &&
			 memcmp(header->prev_hash, v->hash, PHIG_HASH_BYTES) != 0)
		finding(v, header->first_seq,
				"the segment does not continue the one before it: the previous hash differs");
	else if (v->hash_known && header->reason == PHIG_SEGMENT_ROTATION && !times_are_right(v, header))
		finding(v, header->first_seq, "the segment's header is wrong about the times of the one before it");
}

/* False when the header is not this segment's: what it says is then no ground to stand on. */
static bool
check_identity(PhigVerifier *v, const PhigSegmentHeader *header)
{
	char		node8[9];

	node_name(header->node, node8);
	if (header->number != v->segment->number || strcmp(node8, v->node8) != 0)
	{
		finding(v, v->next_seq, "the file holds segment %" PRIu64 " of node %s",
				header->number, node8);
		return false;
	}
	if (v->system_identifier == 0)
		v->system_identifier = header->system_identifier;
	if (header->system_identifier != v->system_identifier)
	{
		finding(v, v->next_seq, "the segment belongs to another database system, %" PRIu64,
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

		finding(v, there != 0 ? there : v->next_seq, "%s", trouble);
		v->next_seq = there;
	}
	if (state == PHIG_HEADER_SHORT || state == PHIG_HEADER_VERSION)
		return false;

	if (trouble == NULL && check_identity(v, header))
	{
		check_continuation(v, header);
		if (v->passed)
			trust_branches(v, header->first_seq);
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
		finding(v, v->next_seq, "records %" PRIu64 " to %" PRIu64 " are missing before offset %" PRIu64,
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
			finding(v, seq, "record %" PRIu64 " stands again, or out of order, at offset %" PRIu64,
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
		finding(v, first,
				"the seal at offset %" PRIu64 " does not match its batch (records %" PRIu64 " to %" PRIu64
				", from offset %" PRIu64 "): the batch or the seal before it was altered",
				offset, first, seq, v->batch_begin);
	else if (!v->batch_doubtful && v->next_seq != 0 && seq != v->next_seq - 1)
		finding(v, first, "the seal at offset %" PRIu64 " stands for records up to %" PRIu64
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
		finding(v, c->seq, "the checkpoint at offset %" PRIu64
				" does not have the signature of the key that it names: it was altered or forged", c->offset);
	else if (state == PHIG_SIGNATURE_KEY_UNKNOWN)
		finding(v, c->seq, "the checkpoint at offset %" PRIu64
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
		finding(v, v->next_seq, "a checkpoint stands at offset %" PRIu64 ", where none belongs", offset);
		v->batch_doubtful = true;
		return;
	}
	known = last_hash(v, offset, hash);
	if (v->next_seq != 0 && c.seq != v->next_seq - 1)
		finding(v, v->next_seq, "the checkpoint at offset %" PRIu64 " stands for records up to %" PRIu64
				", but follows record %" PRIu64, offset, c.seq, v->next_seq - 1);
	else if (!v->misplaced && signature_is_good(v, &c) && known)
	{
		if (memcmp(c.hash, hash, PHIG_HASH_BYTES) == 0)
			vouch(v, &c);
		else if (!v->rewritten)
		{
			v->rewritten = true;
			finding(v, v->vouched_seq + 1,
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
			finding(v, v->next_seq,
					"the record at offset %" PRIu64 " (%" PRIu64 " bytes) was altered: its checksum does not match",
					offset, n);
			v->lost_records = 1;
			break;
		case PHIG_DAMAGE_RANGE:
			finding(v, v->next_seq, "%" PRIu64 " bytes at offset %" PRIu64 " are no records", n, offset);
			v->lost_records = n / SHORTEST_RECORD;
			break;
		case PHIG_DAMAGE_TAIL:
			if (!tail_is_excused(v))
				finding(v, v->next_seq,
						"%" PRIu64 " bytes at offset %" PRIu64
						", where the records end, are no record: torn or altered", n, offset);
			break;
		case PHIG_DAMAGE_STRAY:
			if (!tail_is_excused(v))
				finding(v, v->next_seq,
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
		finding(v, v->next_seq,
				"the segment was cut: its records end at offset %" PRIu64 ", the server wrote up to %" PRIu64,
				end, v->segment->expected_end);
	else if (end > v->batch_begin && !torn && !tail_is_excused(v))
		finding(v, v->batch_seq != 0 ? v->batch_seq : v->next_seq,
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
phig_verify_begin_node(PhigVerifier *v, const char *node8, uint64_t system_identifier)
{
	memcpy(v->node8, node8, sizeof(v->node8));
	v->system_identifier = system_identifier;
	v->next_number = 1;
	v->next_seq = 1;
	v->hash_known = false;
	v->passed = false;
	v->passed_to = v->missing_to = v->oldest = v->first_seq = 0;
	v->last_seq = v->vouched_seq = 0;
	v->vouched_time = v->unvouched_us = v->unvouched_last = 0;
	v->rewritten = false;
	v->segment = NULL;
	for (int i = 0; i < v->nanchors; i++)
		v->anchors[i].begun |= is_anchor_of_node(v, &v->anchors[i]);
	for (int i = 0; i < v->nbranches; i++)
		if (strcmp(v->branches[i].node8, node8) == 0)
			v->next_seq = v->branches[i].parent_seq + 1;
	v->start_seq = v->next_seq;
	v->vouched_seq = v->last_seq = v->sealed_seq = v->next_seq - 1;
}

/* position: of the first record concerned. */
static void
report_missing(PhigVerifier *v, uint64_t first, uint64_t last, uint64_t position)
{
	char		name[32];
	char		what[80];

	snprintf(name, sizeof(name), "%s-%010" PRIu64 ".seg", v->node8, first);
	if (first == last)
		snprintf(what, sizeof(what), "the segment is missing");
	else
		snprintf(what, sizeof(what), "the segments %" PRIu64 " to %" PRIu64 " are missing", first, last);
	v->report(v->report_arg, v->node8, name, position, what);
}

/* The next segment's number, of those that are there. */
static void
check_number(PhigVerifier *v, uint64_t number)
{
	if (number > v->next_number)
	{
		/* The first ones may have been retired: a checkpoint will say. */
		if (v->next_number == 1)
			v->missing_to = number - 1;
		else
			report_missing(v, v->next_number, number - 1, v->next_seq);
		v->next_seq = 0;
		v->hash_known = false;
	}
	v->next_number = number + 1;
}

void
phig_verify_pass(PhigVerifier *v, uint64_t number)
{
	check_number(v, number);
	v->passed = true;
	v->passed_to = number;
	v->next_seq = 0;
	v->hash_known = false;
}

void
phig_verify_segment(PhigVerifier *v, PhigSegment *segment)
{
	PhigStep	step;

	v->segment = segment;
	check_number(v, segment->number);
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
		if (v->walk.offset - v->hashed_to >= HASH_PIECE)
			hash_up_to(v, v->walk.offset);
	}
	finish_segment(v);
}

/* The first segments are missing, and no checkpoint says that they were retired. */
static void
check_retired(PhigVerifier *v)
{
	uint64_t	first = v->oldest > 1 ? v->oldest : 1;

	if (first <= v->missing_to)
		report_missing(v, first, v->missing_to, first == 1 ? v->start_seq : 0);
}

/* Somebody who cannot sign takes the checkpoints away with what he rewrites. */
static void
check_unvouched(PhigVerifier *v)
{
	if (!v->rewritten && v->unvouched_us > UNVOUCHED_MAX_US)
		finding(v, v->vouched_seq + 1, "no checkpoint vouches for records %" PRIu64 " to %" PRIu64
				", which were written over more than an hour", v->vouched_seq + 1, v->last_seq);
}

static void
check_unmet_anchors(PhigVerifier *v)
{
	for (int i = 0; i < v->nanchors; i++)
	{
		PhigAnchor *anchor = &v->anchors[i];
		const PhigCheckpoint *c = &anchor->checkpoint;

		if (anchor->met || !is_anchor_of_node(v, anchor))
			continue;
		anchor->met = true;
		/* Taken on trust, retired, or reported as missing. */
		if (c->segment <= v->passed_to || c->segment < v->oldest || c->segment <= v->missing_to)
			continue;
		if (c->seq > v->last_seq && branch_at_end(v) != NULL)
			finding(v, v->last_seq + 1, "records %" PRIu64 " to %" PRIu64 ", which an anchor knows of, are not here, "
					"where node %s branches off: they are in the directory that was copied, or an older copy was put back",
					v->last_seq + 1, c->seq, branch_at_end(v)->node8);
		else if (c->seq > v->last_seq)
			finding(v, v->last_seq + 1, "the journal ends at record %" PRIu64 ", and an anchor knows of record %" PRIu64
					": its end was cut off, or an older copy put back", v->last_seq, c->seq);
		else
			finding(v, v->vouched_seq + 1, "there is nothing at the place that the anchor of record %" PRIu64
					" names: the journal was rewritten, or this is another branch", c->seq);
	}
}

void
phig_verify_end_node(PhigVerifier *v, uint64_t last_number)
{
	v->segment = NULL;
	if (last_number >= v->next_number)
		report_missing(v, v->next_number, last_number, v->next_seq);
	check_retired(v);
	check_unvouched(v);
	check_unmet_anchors(v);

	for (int i = 0; i < v->nbranches; i++)
	{
		const PhigBranch *branch = &v->branches[i];

		if (branch->matched || !is_branch_of_node(v, branch))
			continue;
		/* What it leaves was retired. */
		if (v->oldest > v->missing_to && branch->parent_seq < v->first_seq)
			continue;
		v->report(v->report_arg, branch->node8, branch->segment, branch->parent_seq + 1,
				  branch->reached ?
				  "the node does not continue its parent: the parent's hash at that record differs" :
				  "the node continues a parent whose records, here, do not reach that far");
	}
}

void
phig_verify_end(PhigVerifier *v)
{
	for (int i = 0; i < v->nanchors; i++)
	{
		const PhigCheckpoint *c = &v->anchors[i].checkpoint;
		char		node8[9];

		if (v->anchors[i].begun)
			continue;
		node_name(c->node, node8);
		v->report(v->report_arg, node8, NULL, 0, "an anchor names this node, and none of its segments is here");
	}
}
