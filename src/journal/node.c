/*
 * node.c
 *		Who writes in this directory: the node file.
 *
 * Text, a key and a value a line.  A node is one writer of one chain.  The
 * file holds its own inode and time of birth: in a copy of the directory (base
 * backup, rsync, restore) they do not match, nor does the system identifier
 * after pg_upgrade, and the copy begins a branch of its own with the node it
 * came from as parent.  A snapshot of the whole disk looks like the original; only an
 * anchor kept elsewhere can tell those apart.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "access/xlog.h"
#include "storage/fd.h"

#include "journal/file.h"
#include "journal/node.h"

#define NODE_FILE "node"
#define NODE_VERSION 1
#define NODE_FILE_MAX_BYTES 2048

bool
phig_node_make(PhigNode *node, PhigFault *fault)
{
	memset(node, 0, sizeof(*node));
	if (!pg_strong_random(node->id, PHIG_ID_BYTES))
		return phig_fault_set(fault, 0, "could not generate random bytes");
	node->system_identifier = GetSystemIdentifier();
	return true;
}

static bool
get_hex(const char *text, uint8 *bytes, int count)
{
	if (strlen(text) != (size_t) count * 2)
		return false;
	for (int i = 0; i < count; i++)
	{
		unsigned int byte;

		if (!isxdigit((unsigned char) text[2 * i]) || !isxdigit((unsigned char) text[2 * i + 1]) ||
			sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		bytes[i] = (uint8) byte;
	}
	return true;
}

static void
put_hex(char *text, const uint8 *bytes, int count)
{
	for (int i = 0; i < count; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static bool
get_number(const char *text, uint64 *number)
{
	char	   *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno == 0 && end != text && *end == '\0';
}

/* One line of the file; false when it says nothing that we know. */
static bool
parse_line(const char *key, const char *value, PhigNode *node, PhigFileIdentity *identity,
		   uint64 *version)
{
	uint64		born;

	if (strcmp(key, "version") == 0)
		return get_number(value, version);
	if (strcmp(key, "node") == 0)
		return get_hex(value, node->id, PHIG_ID_BYTES);
	if (strcmp(key, "system_identifier") == 0)
		return get_number(value, &node->system_identifier);
	if (strcmp(key, "inode") == 0)
		return get_number(value, &identity->inode);
	if (strcmp(key, "device") == 0)
		return get_number(value, &identity->device);
	if (strcmp(key, "born") == 0 && get_number(value, &born))
	{
		identity->born = (int64) born;
		return true;
	}
	if (strcmp(key, "parent") == 0)
	{
		node->has_parent = true;
		return get_hex(value, node->parent, PHIG_ID_BYTES);
	}
	if (strcmp(key, "parent_seq") == 0)
		return get_number(value, &node->parent_seq);
	if (strcmp(key, "parent_hash") == 0)
		return get_hex(value, node->parent_hash, PHIG_HASH_BYTES);
	return false;
}

/* text is torn apart on the way. */
static bool
parse(char *text, PhigNode *node, PhigFileIdentity *identity)
{
	uint64		version = 0;
	char	   *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
	{
		char	   *value = strchr(line, ' ');

		if (value == NULL)
			return false;
		*value++ = '\0';
		if (!parse_line(line, value, node, identity, &version))
			return false;
	}
	return version == NODE_VERSION && node->system_identifier != 0 && identity->inode != 0;
}

bool
phig_node_read(PhigNode *node, PhigNodeFile *found, PhigFault *fault)
{
	char		path[MAXPGPATH];
	char		text[NODE_FILE_MAX_BYTES + 1];
	PhigFileIdentity written = {0};
	PhigFileIdentity present;
	size_t		got;
	int			fd;
	bool		ok;

	memset(node, 0, sizeof(*node));
	*found = PHIG_NODE_MISSING;
	phig_file_path(path, NODE_FILE);
	fd = BasicOpenFile(path, O_RDONLY | O_CLOEXEC | PG_BINARY);
	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0)
		return phig_fault_set(fault, errno, "could not open file \"%s\"", path);
	ok = phig_file_read(fd, path, text, NODE_FILE_MAX_BYTES, 0, &got, fault) &&
		phig_file_identify(fd, path, &present, fault);
	close(fd);
	if (!ok)
		return false;

	text[got] = '\0';
	if (!parse(text, node, &written))
		*found = PHIG_NODE_DAMAGED;
	else if (node->system_identifier != GetSystemIdentifier() || !phig_file_same(&written, &present))
		*found = PHIG_NODE_COPIED;
	else
		*found = PHIG_NODE_OURS;
	return true;
}

static int
format(char text[NODE_FILE_MAX_BYTES], const PhigNode *node, const PhigFileIdentity *identity)
{
	char		id[2 * PHIG_ID_BYTES + 1];
	char		hash[2 * PHIG_HASH_BYTES + 1];
	int			len;

	put_hex(id, node->id, PHIG_ID_BYTES);
	len = snprintf(text, NODE_FILE_MAX_BYTES,
				   "version %d\n"
				   "node %s\n"
				   "system_identifier " UINT64_FORMAT "\n"
				   "inode " UINT64_FORMAT "\n"
				   "device " UINT64_FORMAT "\n"
				   "born " INT64_FORMAT "\n",
				   NODE_VERSION, id, node->system_identifier,
				   identity->inode, identity->device, identity->born);
	if (node->has_parent)
	{
		put_hex(id, node->parent, PHIG_ID_BYTES);
		put_hex(hash, node->parent_hash, PHIG_HASH_BYTES);
		len += snprintf(text + len, NODE_FILE_MAX_BYTES - len,
						"parent %s\n"
						"parent_seq " UINT64_FORMAT "\n"
						"parent_hash %s\n",
						id, node->parent_seq, hash);
	}
	return len;
}

bool
phig_node_write(const PhigNode *node, PhigFault *fault)
{
	char		path[MAXPGPATH];
	char		temporary[MAXPGPATH];
	char		text[NODE_FILE_MAX_BYTES];
	PhigFileIdentity identity;
	struct iovec iov = {text};
	int			fd;
	bool		ok;

	phig_file_path(path, NODE_FILE);
	phig_file_path(temporary, NODE_FILE ".tmp");
	if (!phig_file_create(temporary, 0, &fd, fault))
		return false;
	ok = phig_file_identify(fd, temporary, &identity, fault);
	if (ok)
	{
		iov.iov_len = format(text, node, &identity);
		ok = phig_file_write(fd, temporary, &iov, 1, 0, fault) &&
			phig_file_sync(fd, temporary, false, fault);
	}
	close(fd);
	return ok && phig_file_rename(temporary, path, fault);
}
