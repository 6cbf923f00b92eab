/*
 * dictionary.c
 *		The file of names and words, mapped read-only and so shared by all processes.
 *
 * dictionary.pl makes it from the lists in dictionary/.  It holds hashes, not words: an entry is
 * eight bytes, a look-up one cache line.  Until it is open the dictionary is empty.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "detect/dictionary.h"

static const PhigDictSlot none = {0, 0};

const PhigDictSlot *phig_dictionary_slots = &none;
uint32		phig_dictionary_mask = 0;

static bool is_ours(const PhigDictHeader *header, size_t size);

void
phig_dictionary_open(const char *path)
{
	int			fd;
	struct stat status;
	PhigDictHeader *header;

	if (phig_dictionary_mask != 0)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) != 0)
	{
		int			error = errno;

		if (fd >= 0)
			close(fd);
		errno = error;
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open the dictionary of detection \"%s\": %m", path),
				 errhint("Install phiguard again: the file comes with it.")));
	}
	header = status.st_size < (off_t) sizeof(PhigDictHeader) ? MAP_FAILED :
		mmap(NULL, status.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (header == MAP_FAILED || !is_ours(header, status.st_size))
	{
		if (header != MAP_FAILED)
			munmap(header, status.st_size);
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("\"%s\" is no dictionary that this version of phiguard can use", path),
				 errhint("Install phiguard again: the file comes with it.")));
	}
	phig_dictionary_slots = (const PhigDictSlot *) (header + 1);
	phig_dictionary_mask = header->slots - 1;
}

/* A look-up ends at an empty slot: there must be one. */
static bool
is_ours(const PhigDictHeader *header, size_t size)
{
	return memcmp(header->magic, PHIG_DICT_MAGIC, sizeof(header->magic)) == 0 &&
		header->slots > 1 && (header->slots & (header->slots - 1)) == 0 &&
		header->entries < header->slots &&
		size == sizeof(PhigDictHeader) + (size_t) header->slots * sizeof(PhigDictSlot);
}
