/*
 * verify_node.c
 *		A node as a whole: which of its segments are there, where others branch off, what anchors know of it.
 */
#include "journal/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "journal/verify_internal.h"

/* A server signs every half hour at least; what was written over more than this has to be signed. */
#define UNVOUCHED_MAX_US (INT64_C(3600) * 1000000)

void
phig_verify_node_name(const uint8_t *node, char node8[9])
{
	snprintf(node8, 9, "%02x%02x%02x%02x", node[0], node[1], node[2], node[3]);
}

bool
phig_verify_branch(const PhigSegmentHeader *header, const char *name, const char *node8,
				   uint64_t number, PhigBranch *branch)
{
	char		holds[9];

	phig_verify_node_name(header->node, holds);
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

void
phig_verify_note_copies(PhigVerifier *v, const char *node8)
{
	for (int i = 0; i < v->nbranches; i++)
	{
		PhigBranch *branch = &v->branches[i];
		char		parent8[9];

		if (branch->copied || strcmp(branch->node8, node8) != 0)
			continue;
		branch->copied = true;
		phig_verify_node_name(branch->parent_node, parent8);
		phig_verify_note_copies(v, parent8);
	}
}

static bool
is_branch_of_node(const PhigVerifier *v, const PhigBranch *branch)
{
	char		parent8[9];

	phig_verify_node_name(branch->parent_node, parent8);
	return strcmp(parent8, v->node8) == 0;
}

bool
phig_verify_was_left(const PhigVerifier *v)
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

bool
phig_verify_copy_ended(const PhigVerifier *v)
{
	for (int i = 0; i < v->nbranches; i++)
		if (v->branches[i].copied && v->branches[i].matched && v->branches[i].parent_seq == v->sealed_seq &&
			is_branch_of_node(v, &v->branches[i]))
			return true;
	return false;
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

void
phig_verify_check_branches(PhigVerifier *v, uint64_t seq, const uint8_t *hash)
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

void
phig_verify_trust_branches(PhigVerifier *v, uint64_t first_seq)
{
	for (int i = 0; i < v->nbranches; i++)
		if (v->branches[i].parent_seq < first_seq && is_branch_of_node(v, &v->branches[i]))
			v->branches[i].matched = true;
}

static bool
is_anchor_of_node(const PhigVerifier *v, const PhigAnchor *anchor)
{
	char		node8[9];

	phig_verify_node_name(anchor->checkpoint.node, node8);
	return strcmp(node8, v->node8) == 0;
}

void
phig_verify_check_anchors(PhigVerifier *v, uint64_t offset, const uint8_t *hash)
{
	for (int i = 0; i < v->nanchors; i++)
	{
		const PhigCheckpoint *c = &v->anchors[i].checkpoint;

		if (!is_anchor_of_node(v, &v->anchors[i]) || c->segment != v->segment->number || c->offset != offset)
			continue;
		v->anchors[i].met = true;
		if (hash != NULL && memcmp(c->hash, hash, PHIG_HASH_BYTES) != 0)
			phig_verify_finding(v, v->vouched_seq + 1,
								"the journal is not what it was when the anchor of record %" PRIu64
								" was taken: records before were rewritten, or this is another branch", c->seq);
	}
}

/* May an anchor or a branch speak of this place?  Asked at each seal: numbers first. */
bool
phig_verify_is_of_interest(const PhigVerifier *v, uint64_t offset, uint64_t seq)
{
	for (int i = 0; i < v->nanchors; i++)
		if (v->anchors[i].checkpoint.offset == offset && v->anchors[i].checkpoint.segment == v->segment->number)
			return true;
	for (int i = 0; i < v->nbranches; i++)
		if (v->branches[i].parent_seq == seq)
			return true;
	return false;
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

	if (phig_verify_copy_ended(v))
		return;
	snprintf(name, sizeof(name), "%s-%010" PRIu64 ".seg", v->node8, first);
	if (first == last)
		snprintf(what, sizeof(what), "the segment is missing");
	else
		snprintf(what, sizeof(what), "the segments %" PRIu64 " to %" PRIu64 " are missing", first, last);
	v->report(v->report_arg, v->node8, name, position, what);
}

void
phig_verify_check_number(PhigVerifier *v, uint64_t number)
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
	phig_verify_check_number(v, number);
	v->passed = true;
	v->passed_to = number;
	v->next_seq = 0;
	v->hash_known = false;
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
		phig_verify_finding(v, v->vouched_seq + 1, "no checkpoint vouches for records %" PRIu64 " to %" PRIu64
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
			phig_verify_finding(v, v->last_seq + 1, "records %" PRIu64 " to %" PRIu64 ", which an anchor knows of, are not here, "
								"where node %s branches off: they are in the directory that was copied, or an older copy was put back",
								v->last_seq + 1, c->seq, branch_at_end(v)->node8);
		else if (c->seq > v->last_seq)
			phig_verify_finding(v, v->last_seq + 1, "the journal ends at record %" PRIu64 ", and an anchor knows of record %" PRIu64
								": its end was cut off, or an older copy put back", v->last_seq, c->seq);
		else
			phig_verify_finding(v, v->vouched_seq + 1, "there is nothing at the place that the anchor of record %" PRIu64
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
		phig_verify_node_name(c->node, node8);
		v->report(v->report_arg, node8, NULL, 0, "an anchor names this node, and none of its segments is here");
	}
}
