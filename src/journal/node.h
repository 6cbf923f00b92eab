/*
 * node.h
 *		Who writes in this directory: the node file.
 */
#ifndef PHIG_NODE_H
#define PHIG_NODE_H

#include "postgres.h"

#include "journal/format.h"
#include "journal/shared.h"

typedef struct PhigNode
{
	uint8		id[PHIG_ID_BYTES];
	uint64		system_identifier;
	bool		has_parent;
	uint8		parent[PHIG_ID_BYTES];
	uint64		parent_seq;		/* last one taken over from the parent */
	uint8		parent_hash[PHIG_HASH_BYTES];
} PhigNode;

typedef enum PhigNodeFile
{
	PHIG_NODE_OURS,				/* written by this server, in this very file */
	PHIG_NODE_COPIED,			/* of another directory or server: its node becomes our parent */
	PHIG_NODE_MISSING,
	PHIG_NODE_DAMAGED
} PhigNodeFile;

extern bool phig_node_read(PhigNode *node, PhigNodeFile *found, PhigFault *fault);

/* A new id; no parent. */
extern bool phig_node_make(PhigNode *node, PhigFault *fault);

/* Write the node file, durably. */
extern bool phig_node_write(const PhigNode *node, PhigFault *fault);

#endif
