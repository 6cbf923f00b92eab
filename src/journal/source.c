/*
 * source.c
 *		A journal's files, as somebody who reads them on this server sees them.
 *
 * Reading needs no lock: what lies before the flushed position never changes
 * again, and what lies behind it is not looked at.  Files are read into a
 * buffer, not mapped: a file that somebody cuts short meanwhile must not take
 * the server down with SIGBUS.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "journal/context.h"
#include "journal/crc32c.h"
#include "journal/journal.h"
#include "journal/journal_state.h"
#include "journal/source.h"
#include "journal/verify.h"
#include "journal/vouch.h"
#include "label/label.h"

#define BUFFER_BYTES (1024 * 1024)
/* Pages of the file go to pages of the buffer: to other places the kernel copies up to twice as slowly. */
#define PAGE_BYTES 4096
/* Of a record by itself so much is read first: most are smaller. */
#define ONCE_BYTES 2048

/* A record's bytes, read by themselves. */
typedef struct Once
{
	PhigSource *source;
	uint8	   *room;
	uint64		offset;
	size_t		len;
} Once;

static void
put_on_record(const char *what, PhigOutcome outcome, int sqlstate, bool wait)
{
	char	   *text = psprintf("t=SELECT\nq=%s\n", what);
	PhigDefinition statement = {.text = text, .len = strlen(text)};

	/* That this is itself a function says nothing of the reader. */
	uint32		flags = phig_context_flags() & ~PHIG_FLAG_FUNCTION;

	phig_journal_define(&statement);
	phig_journal_event(&statement, PHIG_KIND_LOG_READ, flags, outcome, sqlstate, wait);
	pfree(text);
}

static void
refuse(const char *what, const char *detail, const char *hint)
{
	put_on_record(what, PHIG_OUTCOME_ERROR, ERRCODE_INSUFFICIENT_PRIVILEGE, true);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to read phiguard's record"),
			 errdetail_internal("%s", detail),
			 errhint("%s", hint)));
}

void
phig_source_permit(const char *what, bool officers)
{
	if (!phig_is_auditor() && !(officers && phig_is_officer()))
		refuse(what,
			   "Only superusers and members of the role that phiguard.auditor_role names may read it.",
			   "Ask an auditor, or have phiguard.auditor_role set to a role that you are a member of.");
}

static void
admit(const char *what, bool officers, bool any_directory)
{
	phig_source_permit(what, officers);
	if (any_directory && !has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		refuse(what,
			   "An auditor who reads files of the server's operating system must be a member of pg_read_server_files too.",
			   "Ask a superuser to grant you the role pg_read_server_files.");
	put_on_record(what, PHIG_OUTCOME_OK, 0, true);
	phig_journal_flush_all();
}

void
phig_source_admit(const char *what)
{
	admit(what, false, false);
}

/* Names of segments are the files' identity: others (the ring, the spare, what somebody left there) are passed over. */
static void
list_files(PhigSource *source)
{
	DIR		   *dir = AllocateDir(source->directory);
	struct dirent *entry;
	int			room = 64;

	if (dir == NULL && !source->own)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open the directory that was given as a journal: %m"),
				 errhint("Give the absolute path of a directory on the server that holds segments (*.seg).")));
	source->files = palloc(room * sizeof(PhigSourceFile));
	while ((entry = ReadDir(dir, source->directory)) != NULL)
	{
		PhigSourceFile file = {.last = true};

		if (!phig_parse_segment_name(entry->d_name, file.node8, &file.number))
			continue;
		/* Begun after the flushed position was asked for. */
		if (strcmp(file.node8, source->own8) == 0 && file.number > source->written_segment)
			continue;
		strlcpy(file.name, entry->d_name, sizeof(file.name));
		if (source->nfiles == room)
		{
			room *= 2;
			source->files = repalloc_huge(source->files, room * sizeof(PhigSourceFile));
		}
		source->files[source->nfiles++] = file;
	}
	FreeDir(dir);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const PhigSourceFile *) a)->name, ((const PhigSourceFile *) b)->name);
}

/* Nothing but the headers is read, since there may be thousands of files. */
static void
read_headers(PhigSource *source)
{
	source->buffer_room = PHIG_SEGMENT_HEADER_BYTES;
	for (int i = 0; i < source->nfiles; i++)
	{
		PhigSourceFile *file = &source->files[i];
		PhigBytes	bytes = phig_source_select(source, i);

		CHECK_FOR_INTERRUPTS();
		file->state = phig_parse_header(&bytes, phig_crc32c, &file->header);
	}
	phig_source_close(source);
	source->buffer_room = BUFFER_BYTES;
}

/* Index behind the node's last file; files stand sorted by name. */
static int
node_end(const PhigSource *source, int begin)
{
	int			end = begin;

	while (end < source->nfiles && strcmp(source->files[end].node8, source->files[begin].node8) == 0)
		end++;
	return end;
}

/* A node's files, while they are put in order. */
typedef struct SourceNode
{
	int			begin;
	int			end;
	int			parent;			/* among the nodes; -1: none is here */
	int			depth;			/* how many branches lead to it, as far as its ancestors are here */
	bool		own;
} SourceNode;

static int
list_nodes(const PhigSource *source, SourceNode *nodes)
{
	int			n = 0;

	for (int begin = 0; begin < source->nfiles; begin = nodes[n++].end)
	{
		nodes[n].begin = begin;
		nodes[n].end = node_end(source, begin);
		nodes[n].own = strcmp(source->files[begin].node8, source->own8) == 0;
	}
	return n;
}

static int
find_parent(const PhigSource *source, const SourceNode *nodes, int n, int node)
{
	const PhigSourceFile *first = &source->files[nodes[node].begin];
	const uint8 *parent = first->header.parent_node;
	char		parent8[9];

	if (first->state != PHIG_HEADER_OK || first->header.reason != PHIG_SEGMENT_BRANCH)
		return -1;
	snprintf(parent8, sizeof(parent8), "%02x%02x%02x%02x", parent[0], parent[1], parent[2], parent[3]);
	for (int i = 0; i < n; i++)
		if (strcmp(source->files[nodes[i].begin].node8, parent8) == 0)
			return i;
	return -1;
}

/* Headers may name each other as parents in a circle: no node has more ancestors than there are nodes. */
static int
depth_of(const SourceNode *nodes, int n, int node)
{
	int			depth = 0;

	CHECK_FOR_INTERRUPTS();
	for (; nodes[node].parent >= 0 && depth < n; depth++)
		node = nodes[node].parent;
	return depth;
}

static int
compare_nodes(const void *a, const void *b)
{
	const SourceNode *x = a;
	const SourceNode *y = b;

	if (x->own != y->own)
		return x->own ? 1 : -1;
	return x->depth != y->depth ? x->depth - y->depth : x->begin - y->begin;
}

/* Parents before children, this server's node last. */
static void
order_nodes(PhigSource *source)
{
	PhigSourceFile *ordered = palloc_extended(Max(source->nfiles, 1) * sizeof(PhigSourceFile), MCXT_ALLOC_HUGE);
	SourceNode *nodes = palloc(Max(source->nfiles, 1) * sizeof(SourceNode));
	int			nnodes = list_nodes(source, nodes);
	int			n = 0;

	for (int i = 0; i < nnodes; i++)
		nodes[i].parent = find_parent(source, nodes, nnodes, i);
	for (int i = 0; i < nnodes; i++)
		nodes[i].depth = depth_of(nodes, nnodes, i);
	qsort(nodes, nnodes, sizeof(SourceNode), compare_nodes);
	for (int i = 0; i < nnodes; i++)
		for (int file = nodes[i].begin; file < nodes[i].end; file++)
		{
			ordered[n] = source->files[file];
			ordered[n++].last = file == nodes[i].end - 1;
		}
	pfree(nodes);
	pfree(source->files);
	source->files = ordered;
}

static void
close_file(void *arg)
{
	phig_source_close(arg);
}

static PhigSource *
create_source(void)
{
	PhigSource *source = palloc0(sizeof(PhigSource));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	source->open = -1;
	source->fd = -1;
	source->buffer = (uint8 *) TYPEALIGN(PAGE_BYTES, palloc(BUFFER_BYTES + PAGE_BYTES));
	callback->func = close_file;
	callback->arg = source;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	return source;
}

/* This server's journal, as far as it is on disk. */
static void
list_own(PhigSource *source)
{
	uint8		node[PHIG_ID_BYTES];
	uint64		written_offset = 0;

	source->own = true;
	phig_journal_directory_path(source->directory);
	if (phig_journal_node(node))
	{
		snprintf(source->own8, sizeof(source->own8), "%02x%02x%02x%02x", node[0], node[1], node[2], node[3]);
		phig_journal_flushed(&source->written_segment, &written_offset);
	}
	list_files(source);
	for (int i = 0; i < source->nfiles; i++)
		if (strcmp(source->files[i].node8, source->own8) == 0 &&
			source->files[i].number == source->written_segment)
			source->files[i].expected_end = written_offset;
}

static void
put_in_order(PhigSource *source)
{
	qsort(source->files, source->nfiles, sizeof(PhigSourceFile), compare_names);
	read_headers(source);
	order_nodes(source);
}

PhigSource *
phig_source_open(const char *what, bool officers)
{
	PhigSource *source;

	admit(what, officers, false);
	source = create_source();
	list_own(source);
	put_in_order(source);
	return source;
}

/* By whatever path: what is written just now is not to be read as damage. */
static bool
is_own_directory(const char *path)
{
	char		own[MAXPGPATH];
	struct stat a;
	struct stat b;

	phig_journal_directory_path(own);
	return stat(path, &a) == 0 && stat(own, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

PhigSource *
phig_source_open_directory(const char *path, const char *what, bool officers)
{
	PhigSource *source;

	admit(what, officers, true);
	if (!is_absolute_path(path) || strlen(path) >= MAXPGPATH - 64)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a journal's directory must be given by an absolute path"),
				 errhint("Give the absolute path of a directory on the server that holds segments (*.seg).")));
	source = create_source();
	if (is_own_directory(path))
		list_own(source);
	else
	{
		strlcpy(source->directory, path, sizeof(source->directory));
		list_files(source);
	}
	if (source->nfiles == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FILE),
				 errmsg("the directory that was given as a journal holds no segments"),
				 errhint("Give the absolute path of a directory on the server that holds segments (*.seg).")));
	put_in_order(source);
	return source;
}

/* Fill the buffer from begin on: up to need, and further as far as that is of use. */
static void
fill_buffer(PhigSource *source, uint64 begin, uint64 need)
{
	uint64		end = source->buffer_begin + source->buffer_len;
	size_t		room = source->buffer_room;

	if (source->read_end > begin)
		room = Min(room, Max(source->read_end, need) - begin);

	/* What is there already is not read again. */
	source->buffer_len = begin >= source->buffer_begin && begin < end ? end - begin : 0;
	if (source->buffer_len > 0)
		memmove(source->buffer, source->buffer + (begin - source->buffer_begin), source->buffer_len);
	source->buffer_begin = begin;
	while (source->fd >= 0 && source->buffer_len < room)
	{
		int			n = FileRead(source->fd, (char *) source->buffer + source->buffer_len,
								 (int) (room - source->buffer_len),
								 (off_t) (begin + source->buffer_len), PG_WAIT_EXTENSION);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			source->files[source->open].error = errno;
		if (n <= 0)
			break;
		source->buffer_len += n;
	}
}

/* See PhigBytes. */
static const uint8_t *
get_bytes(void *arg, uint64_t offset, size_t want, size_t *have)
{
	PhigSource *source = arg;

	if (unlikely(offset < source->buffer_begin ||
				 offset + want > source->buffer_begin + source->buffer_len))
	{
		uint64		begin = offset > PHIG_VERIFY_BEHIND_BYTES ? offset - PHIG_VERIFY_BEHIND_BYTES : 0;

		CHECK_FOR_INTERRUPTS();
		fill_buffer(source, begin - begin % PAGE_BYTES, offset + want);
	}
	*have = source->buffer_begin + source->buffer_len > offset ?
		source->buffer_begin + source->buffer_len - offset : 0;
	return *have > 0 ? source->buffer + (offset - source->buffer_begin) : NULL;
}

static uint64
source_limit(const PhigSourceFile *file)
{
	return file->expected_end != 0 ? file->expected_end : file->size;
}

/* Its size is asked for only once: readers see the file as it was then. */
static void
open_file(PhigSource *source, PhigSourceFile *file)
{
	char		path[MAXPGPATH];
	off_t		size;

	join_path_components(path, source->directory, file->name);
	file->error = 0;
	source->fd = PathNameOpenFile(path, O_RDONLY | PG_BINARY);
	if (source->fd < 0)
		file->error = errno;
	else if (file->size == 0)
	{
		size = FileSize(source->fd);
		if (size < 0)
			file->error = errno;
		else
			file->size = size;
	}
}

PhigBytes
phig_source_select(PhigSource *source, int index)
{
	PhigSourceFile *file = &source->files[index];
	PhigBytes	bytes = {.get = get_bytes, .arg = source};

	if (source->open != index)
	{
		phig_source_close(source);
		source->open = index;
		open_file(source, file);
	}
	if (source->fd >= 0)
		bytes.limit = source_limit(file);
	return bytes;
}

void
phig_source_close(PhigSource *source)
{
	if (source->fd >= 0)
		FileClose(source->fd);
	source->fd = -1;
	source->open = -1;
	source->buffer_begin = 0;
	source->buffer_len = 0;
	source->read_end = 0;
}

void
phig_source_read_to(PhigSource *source, uint64 end)
{
	source->read_end = end;
}

/* See PhigBytes: straight from the file. */
static const uint8_t *
get_bytes_once(void *arg, uint64_t offset, size_t want, size_t *have)
{
	Once	   *once = arg;
	int			n = -1;

	if (offset >= once->offset && offset + want <= once->offset + once->len)
	{
		*have = once->offset + once->len - offset;
		return once->room + (offset - once->offset);
	}
	if (once->source->fd >= 0)
		n = FileRead(once->source->fd, (char *) once->room, (int) Max(want, ONCE_BYTES), (off_t) offset,
					 PG_WAIT_EXTENSION);
	once->offset = offset;
	once->len = n > 0 ? n : 0;
	*have = once->len;
	return once->len > 0 ? once->room : NULL;
}

bool
phig_source_record(PhigSource *source, uint64 offset, uint8 *room, PhigRecord *record)
{
	Once		once = {.source = source, .room = room};
	PhigBytes	bytes = {.get = get_bytes_once, .arg = &once};
	PhigWalk	walk;

	if (source->open < 0)
		return false;
	bytes.limit = Min(source_limit(&source->files[source->open]), offset + PHIG_RECORD_MAX_BYTES);
	phig_walk_begin(&walk, &bytes, phig_crc32c);
	walk.offset = offset;
	if (phig_walk_next(&walk) != PHIG_STEP_RECORD)
		return false;
	*record = walk.record;
	return true;
}

/* The header of the segment that was begun when this one was full; NULL: there is none that is sure of that. */
static const PhigSegmentHeader *
successor(const PhigSourceFile *file)
{
	const PhigSegmentHeader *next = &file[1].header;

	if (file->last || file[1].state != PHIG_HEADER_OK || next->number != file->number + 1 ||
		next->reason != PHIG_SEGMENT_ROTATION)
		return NULL;
	return next;
}

/*
 * Each header says of the segment before it when it was written, and where its own numbers begin.
 * Only rotation is sure that all records of the one before were seen.
 */
PhigSegmentBounds
phig_source_bounds(const PhigSource *source, int index)
{
	const PhigSourceFile *file = &source->files[index];
	PhigSegmentBounds bounds = {PG_INT64_MIN, PG_INT64_MAX, PG_INT64_MIN, PG_INT64_MAX};
	const PhigSegmentHeader *next = successor(file);

	if (file->state == PHIG_HEADER_OK && file->header.number == file->number)
		bounds.first_seq = (int64) file->header.first_seq;
	if (next == NULL)
		return bounds;
	bounds.last_seq = (int64) next->first_seq - 1;
	if (next->before_first != 0 || next->before_last != 0)
	{
		bounds.first_time = next->before_first;
		bounds.last_time = next->before_last;
	}
	return bounds;
}

/* Without the key none is believed; who has to wait for it does so once. */
static PhigSummary *
load_summary(PhigSource *source, const PhigSourceFile *file, const uint8 *last_hash)
{
	PhigSummary *summary;
	PhigFault	fault;
	uint64		key[2];
	char		path[MAXPGPATH];

	if (source->no_key || !phig_vouch_summary_key(key, &fault))
	{
		source->no_key = true;
		return NULL;
	}
	join_path_components(path, source->directory, file->name);
	summary = phig_summary_load(path, &file->header, last_hash, key);
	OPENSSL_cleanse(key, sizeof(key));
	return summary;
}

PhigSummary *
phig_source_summary(PhigSource *source, int index, bool make)
{
	PhigSourceFile *file = &source->files[index];
	const PhigSegmentHeader *next = successor(file);
	PhigSummary *summary = NULL;
	PhigBytes	bytes;

	if (file->state != PHIG_HEADER_OK || file->header.number != file->number)
		return NULL;
	if (next != NULL)
		summary = load_summary(source, file, next->prev_hash);
	if (summary != NULL || !make)
		return summary;
	bytes = phig_source_select(source, index);
	file->looked_at = true;
	summary = phig_summary_build(&bytes, file->number, next != NULL ? next->prev_hash : NULL, false);
	return file->error == 0 ? summary : NULL;
}
