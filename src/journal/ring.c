/*
 * ring.c
 *		The ring between the backends and the journal's segments.
 *
 * A file of fixed size in the journal's directory, mapped shared by every
 * process that appends: a record copied into it is in the kernel's hands and
 * outlives any crash of PostgreSQL.  Positions grow for ever; a position modulo
 * the data bytes is the place.  [tail, head) holds whole records not yet on disk.
 *
 * Appending: under the insert lock, which covers a checksum and a copy, never a
 * hash or a file.  seq is given out there, so ring order is seq order, and head
 * moves once for a record and the definitions it needs: all of them exist or none.
 * Releasing: under the flush lock.  The file's header is what recovery reads;
 * running processes go by shared memory.
 *
 * When the ring is full the appender flushes and tries again: no start or event
 * record is ever dropped.  End records, which must not wait, have an eighth of
 * the ring to themselves.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access/xlog.h"
#include "storage/fd.h"
#include "utils/timestamp.h"

#include "journal/file.h"
#include "journal/record.h"
#include "journal/ring.h"
#include "settings.h"

#define RING_FILE "ring"
#define RING_MAGIC "PHIGRNG1"
#define RING_VERSION 2			/* 1 had other records, no other header */
#define RING_HEADER_BYTES 4096

/* Kept free in each segment for seals, beyond the estimate. */
#define SEGMENT_SLACK_BYTES (64 * 1024)

typedef struct RingHeader
{
	char		magic[8];
	uint32		version;
	uint32		header_bytes;
	uint64		data_bytes;
	uint64		system_identifier;
	uint8		node[PHIG_ID_BYTES];
	uint64		head;
	uint64		last_seq;
	uint64		tail;
	uint64		synced_segment;
	uint64		synced_offset;
} RingHeader;

/* This process's mapping. */
static struct
{
	uint32		number;			/* phig_journal->ring_number it belongs to; 0: none */
	RingHeader *header;
	char	   *data;
	uint64		bytes;			/* of data */
	uint64		inode;
}			ring;

/* One record of any size. */
static union
{
	PhigRecordHeader header;
	char		bytes[PHIG_RECORD_MAX_BYTES];
}			scratch;

static void
unmap(void)
{
	if (ring.header != NULL)
		munmap(ring.header, RING_HEADER_BYTES + ring.bytes);
	memset(&ring, 0, sizeof(ring));
}

static bool
map_file(const char *path, int fd, uint64 data_bytes, uint32 number, PhigFault *fault)
{
	void	   *memory;
	uint64		inode;

	unmap();
	if (!phig_file_inode(fd, path, &inode, fault))
		return false;
	memory = mmap(NULL, RING_HEADER_BYTES + data_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return phig_fault_set(fault, errno, "could not map file \"%s\"", path);
	ring.header = memory;
	ring.data = (char *) memory + RING_HEADER_BYTES;
	ring.bytes = data_bytes;
	ring.inode = inode;
	ring.number = number;
	return true;
}

/* Is it the ring in use that this process has mapped? */
static inline bool
is_mapped(void)
{
	return ring.number != 0 && ring.number == phig_journal->ring_number;
}

bool
phig_ring_map(PhigFault *fault)
{
	char		path[MAXPGPATH];
	uint64		bytes;
	uint32		number;
	int			fd;
	bool		ok;

	if (likely(is_mapped()))
		return true;

	SpinLockAcquire(&phig_journal->mutex);
	bytes = phig_journal->ring_bytes;
	number = phig_journal->ring_number;
	SpinLockRelease(&phig_journal->mutex);
	if (number == 0)
		return phig_fault_set(fault, 0, "the journal is not open");

	phig_file_path(path, RING_FILE);
	fd = BasicOpenFile(path, O_RDWR | O_CLOEXEC | PG_BINARY);
	if (fd < 0)
		return phig_fault_set(fault, errno, "could not open file \"%s\"", path);
	ok = map_file(path, fd, bytes, number, fault);
	close(fd);
	return ok;
}

static inline void
put(uint64 position, const void *data, size_t len)
{
	uint64		place = position % ring.bytes;
	size_t		first = Min(len, ring.bytes - place);

	memcpy(ring.data + place, data, first);
	if (unlikely(first < len))
		memcpy(ring.data, (const char *) data + first, len - first);
}

static void
get(uint64 position, void *data, size_t len)
{
	uint64		place = position % ring.bytes;
	size_t		first = Min(len, ring.bytes - place);

	memcpy(data, ring.data + place, first);
	if (first < len)
		memcpy((char *) data + first, ring.data, len - first);
}

/*
 * put_record
 *		Write one record at position; returns the position after it.  Insert lock held.
 *
 * Where it would run over the ring's end, it is put together elsewhere.
 */
static uint64
put_record(uint64 position, uint8 type, uint64 seq, int64 now,
		   const void *first, uint32 first_len, const void *rest, uint32 rest_len)
{
	uint32		length = phig_record_bytes(first_len + rest_len);
	uint64		place = position % ring.bytes;
	bool		whole = place + length <= ring.bytes;
	PhigRecordHeader *record = whole ? (PhigRecordHeader *) (ring.data + place) : &scratch.header;
	char	   *body = (char *) (record + 1);

	record->seq = seq;
	record->time = now;
	record->type = type;
	record->body_bytes = first_len + rest_len;
	memcpy(body, first, first_len);
	if (rest_len > 0)
		memcpy(body + first_len, rest, rest_len);
	phig_record_finish(record);
	if (!whole)
		put(position, record, length);
	return position + length;
}

static inline PhigKnown *
known_slot(const PhigDefinition *definition)
{
	uint32		place;

	memcpy(&place, definition->id, sizeof(place));
	return &phig_journal->known[place % PHIG_KNOWN_DEFINITIONS];
}

static inline bool
is_known(const PhigDefinition *definition)
{
	const PhigKnown *slot = known_slot(definition);

	return slot->epoch == phig_journal->epoch &&
		memcmp(slot->id, definition->id, PHIG_ID_BYTES) == 0;
}

static uint64
put_definition(uint64 position, const PhigDefinition *definition, int64 now)
{
	PhigKnown  *slot = known_slot(definition);

	memcpy(slot->id, definition->id, PHIG_ID_BYTES);
	slot->epoch = phig_journal->epoch;
	return put_record(position, PHIG_RECORD_DEFINITION, ++phig_journal->last_seq, now,
					  definition->id, PHIG_ID_BYTES, definition->text, definition->len);
}

/* What this code appends is of its own version: a segment of an earlier one counts as full. */
static uint64
segment_bytes_of(const PhigChain *chain)
{
	return chain->version == PHIG_FORMAT_VERSION ? chain->offset : PG_UINT32_MAX;
}

/*
 * segment_estimate
 *		Bytes that the newest segment will have once the ring is flushed.
 *
 * tail is read before segment_bytes, which the flusher writes before tail: the
 * error is on the side of more.
 */
static uint64
segment_estimate(uint64 head)
{
	uint64		tail = pg_atomic_read_u64(&phig_journal->tail);

	pg_read_barrier();
	if (tail < phig_journal->epoch_start)
		return PHIG_SEGMENT_HEADER_BYTES + (head - phig_journal->epoch_start);
	return pg_atomic_read_u64(&phig_journal->segment_bytes) + (head - tail);
}

#define ALL_DEFINITIONS 3		/* a bit for each in PhigAppend */

/* Which of its definitions an append has to write, since the segment lacks them. */
static inline uint32
unknown_definitions(const PhigAppend *append)
{
	uint32		unknown = 0;

	for (int i = 0; i < 2; i++)
		if (append->definitions[i] != NULL && !is_known(append->definitions[i]))
			unknown |= 1 << i;
	return unknown;
}

static uint32
definition_bytes(const PhigAppend *append, uint32 which)
{
	uint32		bytes = 0;

	for (int i = 0; i < 2; i++)
		if (which & (1 << i) && append->definitions[i] != NULL)
			bytes += phig_record_bytes(PHIG_ID_BYTES + append->definitions[i]->len);
	return bytes;
}

static uint64
put_definitions(uint64 position, const PhigAppend *append, uint32 which, int64 now)
{
	for (int i = 0; i < 2; i++)
		if (which & (1 << i) && append->definitions[i] != NULL)
			position = put_definition(position, append->definitions[i], now);
	return position;
}

/* What follows goes into a new segment, which has no definitions yet. */
static uint64
put_marker(uint64 position, int64 now)
{
	position = put_record(position, PHIG_RECORD_ROTATE, phig_journal->last_seq + 1, now,
						  "", 0, NULL, 0);
	phig_journal->epoch++;
	phig_journal->epoch_start = position;
	return position;
}

/* The part of phig_ring_append under the insert lock, once the ring is mapped. */
static inline PhigAppendResult
append_locked(PhigAppend *append, bool *half_full)
{
	PhigRecordHeader *record = append->record;
	uint64		start = pg_atomic_read_u64(&phig_journal->head);
	uint64		position = start;
	uint64		used = start - pg_atomic_read_u64(&phig_journal->tail);
	uint64		room = append->last_room ? ring.bytes : ring.bytes - ring.bytes / 8;

	/* Decided once: writing the first may push the second out of its slot. */
	uint32		write = unknown_definitions(append);
	uint32		need = record->length;
	bool		rotate;

	if (unlikely(write != 0))
		need += definition_bytes(append, write);
	rotate = segment_estimate(start) + need >
		(uint64) phig_journal_segment_size * 1024 - SEGMENT_SLACK_BYTES;
	if (unlikely(rotate))
	{
		write = ALL_DEFINITIONS;
		need = phig_record_bytes(0) + definition_bytes(append, write) + record->length;
	}
	if (unlikely(used + need > room))
		return PHIG_APPEND_FULL;

	if (unlikely(rotate))
		position = put_marker(position, record->time);
	if (unlikely(write != 0))
		position = put_definitions(position, append, write, record->time);
	record->seq = ++phig_journal->last_seq;
	record->crc = phig_record_crc(record);
	put(position, record, record->length);
	position += record->length;
	append->end = position;

	/* A crash of this process before the next line leaves nothing; after it, all. */
	pg_write_barrier();
	ring.header->last_seq = phig_journal->last_seq;
	ring.header->head = position;
	pg_atomic_write_u64(&phig_journal->head, position);

	*half_full = used <= ring.bytes / 2 && used + need > ring.bytes / 2;
	return PHIG_APPEND_DONE;
}

PhigAppendResult
phig_ring_append(PhigAppend *append, PhigFault *fault)
{
	LWLock	   *lock = phig_insert_lock();
	bool		half_full = false;
	PhigAppendResult result;

	append->record->time = GetCurrentTimestamp();
	for (;;)
	{
		LWLockAcquire(lock, LW_EXCLUSIVE);
		if (likely(is_mapped()))
			break;
		LWLockRelease(lock);
		if (!phig_ring_map(fault))
			return PHIG_APPEND_FAILED;
	}
	result = append_locked(append, &half_full);
	LWLockRelease(lock);

	if (unlikely(half_full))
		phig_keeper_wake();
	return result;
}

void
phig_ring_peek(uint64 position, PhigRecordHeader *header)
{
	get(position, header, sizeof(*header));
}

int
phig_ring_pieces(uint64 from, uint64 to, struct iovec pieces[2])
{
	uint64		place = from % ring.bytes;
	uint64		len = to - from;
	uint64		first = Min(len, ring.bytes - place);

	pieces[0].iov_base = ring.data + place;
	pieces[0].iov_len = first;
	if (first == len)
		return 1;
	pieces[1].iov_base = ring.data;
	pieces[1].iov_len = len - first;
	return 2;
}

void
phig_ring_release(uint64 tail, uint64 segment, uint64 offset)
{
	ring.header->synced_segment = segment;
	ring.header->synced_offset = offset;
	ring.header->tail = tail;

	SpinLockAcquire(&phig_journal->mutex);
	phig_journal->written_segment = segment;
	phig_journal->written_offset = offset;
	SpinLockRelease(&phig_journal->mutex);

	pg_atomic_write_u64(&phig_journal->segment_bytes, segment_bytes_of(&phig_journal->chain));
	pg_write_barrier();
	pg_atomic_write_u64(&phig_journal->tail, tail);
}

/* Is this the header of a ring that this code wrote, in a file of file_bytes? */
static bool
header_holds(const RingHeader *header, uint64 file_bytes)
{
	return memcmp(header->magic, RING_MAGIC, sizeof(header->magic)) == 0 &&
		header->version >= 1 && header->version <= RING_VERSION &&
		header->header_bytes == RING_HEADER_BYTES &&
		header->data_bytes >= 2 * PHIG_RECORD_MAX_BYTES &&
		header->data_bytes % PHIG_RECORD_ALIGN == 0 &&
		header->data_bytes + RING_HEADER_BYTES == file_bytes &&
		header->tail <= header->head &&
		header->head - header->tail <= header->data_bytes &&
		header->tail % PHIG_RECORD_ALIGN == 0 &&
		header->head % PHIG_RECORD_ALIGN == 0;
}

/* Keep a ring that cannot be read, for whoever looks into it. */
static bool
set_aside(const char *path, PhigFault *fault)
{
	char		aside[MAXPGPATH];

	phig_file_path(aside, RING_FILE ".damaged");
	ereport(WARNING,
			(errmsg("the ring of the journal of PHI access is damaged or of another node"),
			 errdetail("It is kept as \"%s\".", aside)));
	return phig_file_rename(path, aside, fault);
}

bool
phig_ring_load(const uint8 node[PHIG_ID_BYTES], bool keep_foreign, PhigRingRest *rest,
			   PhigFault *fault)
{
	char		path[MAXPGPATH];
	RingHeader	header;
	size_t		got;
	off_t		size;
	int			fd;
	bool		ok;
	bool		holds;
	bool		ours;

	memset(rest, 0, sizeof(*rest));
	unmap();
	phig_file_path(path, RING_FILE);
	fd = BasicOpenFile(path, O_RDWR | O_CLOEXEC | PG_BINARY);
	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0)
		return phig_fault_set(fault, errno, "could not open file \"%s\"", path);

	ok = phig_file_read(fd, path, &header, sizeof(header), 0, &got, fault);
	size = lseek(fd, 0, SEEK_END);
	holds = ok && got == sizeof(header) && size > 0 && header_holds(&header, size);
	ours = holds && header.system_identifier == GetSystemIdentifier() &&
		memcmp(header.node, node, PHIG_ID_BYTES) == 0;
	if (ours)
	{
		ok = map_file(path, fd, header.data_bytes, phig_journal->ring_number + 1, fault);
		rest->usable = ok;
		rest->synced_segment = header.synced_segment;
		rest->synced_offset = header.synced_offset;
		rest->highest_seq = header.last_seq;
	}
	else if (ok && (!holds || keep_foreign))
		ok = set_aside(path, fault);
	close(fd);
	return ok;
}

/* Copy the record at position out, if a whole one that passes its checksum stands there. */
static bool
read_record(uint64 position, uint64 head, PhigRecordHeader *record)
{
	if (position + sizeof(PhigRecordHeader) > head)
		return false;
	get(position, record, sizeof(PhigRecordHeader));
	if (!phig_record_plausible(record) || position + record->length > head)
		return false;
	get(position, record, record->length);
	return phig_record_crc_holds(record);
}

/*
 * phig_ring_examine
 *		Find the records that are in the ring and under no seal.
 *
 * After a crash of PostgreSQL that is all of [tail, head) but what the flusher
 * had written without saying so yet (its seq is sealed).  After a loss of power
 * any page may be of any age: what counts is a run of whole records, each with the
 * seq after the one before.  It ends where that is not so; what follows was never
 * acknowledged.
 */
void
phig_ring_examine(uint64 sealed_seq, PhigRingRest *rest)
{
	uint64		head = ring.header->head;
	uint64		position = ring.header->tail;
	uint64		expected = 0;

	rest->tail = rest->head = position;
	for (; read_record(position, head, &scratch.header); position += scratch.header.length)
	{
		bool		marker = scratch.header.type == PHIG_RECORD_ROTATE;
		uint64		seq = scratch.header.seq;

		if (scratch.header.type == PHIG_RECORD_SEAL || (expected != 0 && seq != expected))
			break;
		expected = marker ? seq : seq + 1;
		rest->head = position + scratch.header.length;
		rest->highest_seq = Max(rest->highest_seq, marker ? seq - 1 : seq);

		if (seq <= sealed_seq)
			rest->tail = rest->head;
		else if (!marker)
		{
			if (rest->first_seq == 0)
				rest->first_seq = seq;
			rest->last_seq = seq;
		}
	}
	rest->lost_bytes = head - rest->head;
}

void
phig_ring_rest_in_use(PhigRingRest *rest)
{
	const PhigChain *chain = &phig_journal->chain;

	memset(rest, 0, sizeof(*rest));
	rest->usable = true;
	rest->synced_segment = chain->number;
	rest->synced_offset = chain->offset;
	rest->highest_seq = phig_journal->last_seq;
	rest->tail = pg_atomic_read_u64(&phig_journal->tail);
	rest->head = pg_atomic_read_u64(&phig_journal->head);
	if (rest->head > rest->tail)
	{
		rest->first_seq = chain->last_seq + 1;
		rest->last_seq = phig_journal->last_seq;
	}
}

void
phig_ring_adopt(uint64 tail, uint64 head, uint64 last_seq)
{
	ring.header->version = RING_VERSION;
	ring.header->tail = tail;
	ring.header->head = head;
	ring.header->last_seq = last_seq;

	SpinLockAcquire(&phig_journal->mutex);
	phig_journal->ring_bytes = ring.bytes;
	phig_journal->ring_number = ring.number;
	SpinLockRelease(&phig_journal->mutex);
	phig_journal->ring_inode = ring.inode;

	phig_journal->last_seq = last_seq;
	phig_journal->epoch++;
	phig_journal->epoch_start = tail;
	pg_atomic_write_u64(&phig_journal->tail, tail);
	pg_atomic_write_u64(&phig_journal->head, head);
}

bool
phig_ring_in_place(PhigFault *fault)
{
	char		path[MAXPGPATH];

	phig_file_path(path, RING_FILE);
	return phig_file_in_place(path, phig_journal->ring_inode, fault);
}

bool
phig_ring_is_as_configured(void)
{
	PhigFault	fault;

	return ring.number != 0 && ring.number == phig_journal->ring_number &&
		ring.bytes + RING_HEADER_BYTES == (uint64) phig_journal_buffers * 1024 &&
		memcmp(ring.header->node, phig_journal->node, PHIG_ID_BYTES) == 0 &&
		phig_ring_in_place(&fault);
}

bool
phig_ring_create(const uint8 node[PHIG_ID_BYTES], uint64 last_seq, PhigFault *fault)
{
	uint64		bytes = (uint64) phig_journal_buffers * 1024 - RING_HEADER_BYTES;
	uint64		position = pg_atomic_read_u64(&phig_journal->head);
	RingHeader	header = {.version = RING_VERSION, .header_bytes = RING_HEADER_BYTES};
	struct iovec iov = {&header, sizeof(header)};
	char		path[MAXPGPATH];
	char		temporary[MAXPGPATH];
	int			fd;
	bool		ok;

	memcpy(header.magic, RING_MAGIC, sizeof(header.magic));
	header.data_bytes = bytes;
	header.system_identifier = GetSystemIdentifier();
	memcpy(header.node, node, PHIG_ID_BYTES);
	header.head = header.tail = position;
	header.last_seq = last_seq;
	header.synced_segment = phig_journal->chain.number;
	header.synced_offset = phig_journal->chain.offset;

	phig_file_path(path, RING_FILE);
	phig_file_path(temporary, RING_FILE ".tmp");
	if (!phig_file_create(temporary, RING_HEADER_BYTES + bytes, &fd, fault))
		return false;
	ok = phig_file_write(fd, temporary, &iov, 1, 0, fault) &&
		phig_file_sync(fd, temporary, false, fault) &&
		phig_file_rename(temporary, path, fault) &&
		map_file(path, fd, bytes, phig_journal->ring_number + 1, fault);
	close(fd);
	if (ok)
		phig_ring_adopt(position, position, last_seq);
	return ok;
}
