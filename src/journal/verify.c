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

/* Batches are hashed in pieces of this size, not record by record. */
#define HASH_PIECE (PHIG_RECORD_MAX_BYTES / 2)
/* No record is shorter than this (a definition with an empty text is). */
#define SHORTEST_RECORD (sizeof(PhigRecordHeader) + sizeof(PhigDefinitionBody))

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

static bool
is_branch_of_node(const PhigVerifier *v, const PhigBranch *branch)
{
	char		parent8[9];

	node_name(branch->parent_node, parent8);
	return strcmp(parent8, v->node8) == 0;
}

/* Did a node take over from this one?  Then what follows its last seal here may be half a copy. */
static bool
is_parent(const PhigVerifier *v)
{
	for (int i = 0; i < v->nbranches; i++)
		if (is_branch_of_node(v, &v->branches[i]))
			return true;
	return false;
}

static bool
tail_is_excused(const PhigVerifier *v)
{
	return v->segment->last && v->segment->expected_end == 0 && is_parent(v);
}

/* --- the hash --- */

/* A batch begins at offset begin; its hash covers the bytes from hash_from on. */
static void
begin_batch(PhigVerifier *v, uint64_t hash_from, uint64_t begin)
{
	v->digests->sha256_begin(v->digests->sha256);
	v->digests->sha256_add(v->digests->sha256, v->hash, PHIG_HASH_BYTES);
	v->hashed_to = hash_from;
	v->batch_begin = begin;
	v->batch_seq = 0;
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
		const uint8_t *p = bytes->get(bytes->arg, v->hashed_to, want, &have);

		if (p == NULL || have < want)
		{
			v->batch_doubtful = true;	/* the file shrinks under us: the walk reports its end */
			v->hashed_to = offset;
			return;
		}
		v->digests->sha256_add(v->digests->sha256, p, want);
		v->hashed_to += want;
	}
}

/* SHA-256(before || bytes): what a header, or a seal's own bytes, make of the hash before. */
static void
hash_over(PhigVerifier *v, const uint8_t *before, const uint8_t *bytes, size_t len, uint8_t *hash)
{
	const PhigDigests *digests = v->digests;

	digests->sha256_begin(digests->sha256);
	digests->sha256_add(digests->sha256, before, PHIG_HASH_BYTES);
	digests->sha256_add(digests->sha256, bytes, len);
	digests->sha256_end(digests->sha256, hash);
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

/* Check the header, begin the first batch's hash.  False when the segment cannot be read on. */
static bool
begin_segment(PhigVerifier *v)
{
	PhigBytes  *bytes = &v->segment->bytes;
	PhigSegmentHeader header;
	PhigHeaderState state = phig_parse_header(bytes, v->digests->crc32c, &header);
	const char *trouble = header_trouble(state);
	const uint8_t *raw;
	size_t		have;

	if (state == PHIG_HEADER_EMPTY && tail_is_excused(v))
		return false;
	if (trouble != NULL)
		finding(v, v->next_seq, "%s", trouble);
	if (state == PHIG_HEADER_SHORT || state == PHIG_HEADER_VERSION)
		return false;

	if (trouble == NULL && check_identity(v, &header))
	{
		check_continuation(v, &header);
		if (v->passed)
			trust_branches(v, header.first_seq);
		v->passed = false;
		v->next_seq = header.first_seq;
	}
	else if (trouble == NULL)
	{
		v->misplaced = true;
		v->next_seq = 0;
	}

	raw = bytes->get(bytes->arg, 0, PHIG_SEGMENT_HEADER_BYTES, &have);
	v->hash_known = trouble == NULL && raw != NULL && have >= PHIG_SEGMENT_HEADER_BYTES;
	if (v->hash_known)
	{
		hash_over(v, header.prev_hash, raw, PHIG_SEGMENT_HEADER_BYTES, v->hash);
		/* A copy taken just after the segment was begun branches off its header. */
		check_branches(v, header.first_seq - 1, v->hash);
	}
	begin_batch(v, PHIG_SEGMENT_HEADER_BYTES, PHIG_SEGMENT_HEADER_BYTES);
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
	}
	if (v->batch_seq == 0)
		v->batch_seq = seq;
}

static void
check_seal(PhigVerifier *v)
{
	uint64_t	offset = v->walk.record.offset;
	uint64_t	seq = v->walk.record.head.seq;
	uint64_t	first = v->batch_seq != 0 ? v->batch_seq : v->next_seq;
	uint8_t		seal[PHIG_SEAL_BYTES];
	uint8_t		computed[PHIG_HASH_BYTES];
	uint8_t		behind[PHIG_HASH_BYTES];

	memcpy(seal, v->walk.record.bytes, PHIG_SEAL_BYTES);
	hash_up_to(v, offset);
	v->digests->sha256_end(v->digests->sha256, computed);

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
	if (is_parent(v))
	{
		hash_over(v, v->hash, seal, PHIG_SEAL_BYTES, behind);
		check_branches(v, seq, behind);
	}
	begin_batch(v, offset, offset + PHIG_SEAL_BYTES);
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
		v->digests->sha256_end(v->digests->sha256, v->hash);
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
	v->segment = NULL;
	for (int i = 0; i < v->nbranches; i++)
		if (strcmp(v->branches[i].node8, node8) == 0)
			v->next_seq = v->branches[i].parent_seq + 1;
}

static void
report_missing(PhigVerifier *v, uint64_t first, uint64_t last)
{
	char		name[32];
	char		what[80];

	snprintf(name, sizeof(name), "%s-%010" PRIu64 ".seg", v->node8, first);
	if (first == last)
		snprintf(what, sizeof(what), "the segment is missing");
	else
		snprintf(what, sizeof(what), "the segments %" PRIu64 " to %" PRIu64 " are missing", first, last);
	v->report(v->report_arg, v->node8, name, v->next_seq, what);
	v->next_seq = 0;
	v->hash_known = false;
}

/* The next segment's number, of those that are there. */
static void
check_number(PhigVerifier *v, uint64_t number)
{
	if (number > v->next_number)
		report_missing(v, v->next_number, number - 1);
	v->next_number = number + 1;
}

void
phig_verify_pass(PhigVerifier *v, uint64_t number)
{
	check_number(v, number);
	v->passed = true;
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
	phig_walk_begin(&v->walk, &segment->bytes, v->digests->crc32c);
	while ((step = phig_walk_next(&v->walk)) != PHIG_STEP_END)
	{
		if (step == PHIG_STEP_DAMAGE)
			note_damage(v);
		else if (v->walk.record.head.type == PHIG_RECORD_SEAL)
			check_seal(v);
		else
			check_record(v);
		if (v->walk.offset - v->hashed_to >= HASH_PIECE)
			hash_up_to(v, v->walk.offset);
	}
	finish_segment(v);
}

void
phig_verify_end_node(PhigVerifier *v, uint64_t last_number)
{
	v->segment = NULL;
	if (last_number >= v->next_number)
		report_missing(v, v->next_number, last_number);

	for (int i = 0; i < v->nbranches; i++)
	{
		const PhigBranch *branch = &v->branches[i];

		if (branch->matched || !is_branch_of_node(v, branch))
			continue;
		v->report(v->report_arg, branch->node8, branch->segment, branch->parent_seq + 1,
				  branch->reached ?
				  "the node does not continue its parent: the parent's hash at that record differs" :
				  "the node continues a parent whose records, here, do not reach that far");
	}
}
