/*
 * keyfile.c
 *		The trial master keys, in the file that phiguard.key_file names.
 *
 * Lines of text: a magic line, and a line of 32 bytes in hexadecimal for each key, the
 * current one first.  Made on first use by whichever backend links its own temporary file
 * to the name first: a link never replaces, so that all backends read the key of one.
 * Another key is added by a new file in its place, made under a lock on the old one.
 *
 * A key that lies beside the data is for trial use.  Whoever copies the data
 * directory has both, and to 45 CFR 164.402 (74 FR 19006) that is no encryption.
 */
#include "postgres.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "port.h"
#include "storage/fd.h"

#include "crypto/keyfile.h"
#include "errors.h"

#define MAGIC_LINE "phiguard master key 1\n"
#define MAGIC_BYTES (sizeof(MAGIC_LINE) - 1)
#define LINE_BYTES (2 * PHIG_KEY_BYTES + 1)
#define FILE_MAX_BYTES (MAGIC_BYTES + PHIG_MASTER_KEYS_MAX * LINE_BYTES)

#define BESIDE_DETAIL \
	"A key that lies beside the data does not count as encryption (45 CFR 164.402): " \
	"whoever copies the data directory has both."
#define CREATE_HINT \
	"The server must be able to make a file where phiguard.key_file says."
#define MODE_HINT \
	"The file that phiguard.key_file names must belong to the server's user, with no permission " \
	"for anybody else (mode 0600)."
#define FORMAT_HINT \
	"Restore the file that phiguard.key_file names from its safe copy; another key makes other " \
	"tokens."

/*
 * Raise PG002 for what is wrong, with the system's word for err unless that is 0.
 * Users of token() need not know where the key is: only the log says.
 */
static void
refuse(const char *path, const char *what, int err, const char *hint)
{
	char	   *detail = err == 0 ? psprintf("%s.", what) : psprintf("%s: %s.", what, strerror(err));

	ereport(ERROR,
			(errcode(PHIG_ERRCODE_KEY_UNAVAILABLE),
			 errmsg("the master key is not available"),
			 errdetail("%s", detail),
			 errdetail_log("Key file \"%s\": %s", path, detail),
			 errhint("%s", hint),
			 errhidestmt(true)));
}

bool
phig_keyfile_unchanged(const char *path, const PhigKeyFileId *id)
{
	struct stat st;

	if (stat(path, &st) != 0)
		refuse(path, "The key file was there, and is not now", errno, FORMAT_HINT);
	return st.st_dev == id->device && st.st_ino == id->inode && st.st_size == id->size &&
		st.st_mode == id->mode && st.st_uid == id->owner &&
		st.st_mtim.tv_sec == id->modified.tv_sec && st.st_mtim.tv_nsec == id->modified.tv_nsec;
}

/* Key in binary from key in hexadecimal; false where a character is no digit. */
static bool
decode_hex(const char *hex, uint8 key[PHIG_KEY_BYTES])
{
	for (int i = 0; i < 2 * PHIG_KEY_BYTES; i++)
	{
		char		c = hex[i];
		int			nibble = c >= '0' && c <= '9' ? c - '0' :
			c >= 'a' && c <= 'f' ? c - 'a' + 10 :
			c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (nibble < 0)
			return false;
		key[i / 2] = i % 2 == 0 ? nibble << 4 : key[i / 2] | nibble;
	}
	return true;
}

static void
encode_hex(const uint8 key[PHIG_KEY_BYTES], char *hex)
{
	for (int i = 0; i < PHIG_KEY_BYTES; i++)
	{
		hex[2 * i] = "0123456789abcdef"[key[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[key[i] & 15];
	}
}

int
phig_keyfile_parse(const char *text, size_t len, uint8 keys[PHIG_MASTER_KEYS_MAX][PHIG_KEY_BYTES])
{
	size_t		n = len / LINE_BYTES;

	if (n == 0 || n > PHIG_MASTER_KEYS_MAX || len % LINE_BYTES != 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (!decode_hex(text + i * LINE_BYTES, keys[i]) || text[(i + 1) * LINE_BYTES - 1] != '\n')
		{
			OPENSSL_cleanse(keys, n * PHIG_KEY_BYTES);
			return 0;
		}
	return (int) n;
}

/* What speaks against the file's owner, mode and size, or NULL. */
static const char *
file_objection(const struct stat *st, const char **hint)
{
	*hint = MODE_HINT;
	if (!S_ISREG(st->st_mode))
		return "It is not a regular file";
	if (st->st_uid != geteuid())
		return "The key file belongs to another user";
	if ((st->st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return "The key file is open to others than its owner";
	*hint = FORMAT_HINT;
	if (st->st_size < (off_t) (MAGIC_BYTES + LINE_BYTES) || st->st_size > (off_t) FILE_MAX_BYTES ||
		(st->st_size - (off_t) MAGIC_BYTES) % (off_t) LINE_BYTES != 0)
		return "The key file is not as long as a master key's";
	return NULL;
}

/* Read and check what fd has open.  Its contents do not outlive this, also where refused. */
static int
read_keys(const char *path, int fd, uint8 keys[PHIG_MASTER_KEYS_MAX][PHIG_KEY_BYTES], PhigKeyFileId *id)
{
	char		contents[FILE_MAX_BYTES];
	struct stat st;
	const char *objection;
	const char *hint;
	int			n = 0;

	if (fstat(fd, &st) != 0)
		refuse(path, "Could not examine the key file", errno, MODE_HINT);
	objection = file_objection(&st, &hint);
	if (objection != NULL)
		refuse(path, objection, 0, hint);

	if (read(fd, contents, sizeof(contents)) == (ssize_t) st.st_size &&
		memcmp(contents, MAGIC_LINE, MAGIC_BYTES) == 0)
		n = phig_keyfile_parse(contents + MAGIC_BYTES, st.st_size - MAGIC_BYTES, keys);
	OPENSSL_cleanse(contents, sizeof(contents));
	if (n == 0)
		refuse(path, "The key file is not a master key's", 0, FORMAT_HINT);
	id->device = st.st_dev;
	id->inode = st.st_ino;
	id->size = st.st_size;
	id->mode = st.st_mode;
	id->owner = st.st_uid;
	id->modified = st.st_mtim;
	return n;
}

/* Write a new key to fd, before n others, and to the disk.  False, with errno set, when that fails. */
static bool
write_keys(int fd, uint8 others[][PHIG_KEY_BYTES], int n)
{
	uint8		key[PHIG_KEY_BYTES];
	char		contents[FILE_MAX_BYTES];
	char	   *line = contents + MAGIC_BYTES;
	const size_t len = MAGIC_BYTES + (n + 1) * LINE_BYTES;
	bool		done;

	Assert(n < PHIG_MASTER_KEYS_MAX);
	memcpy(contents, MAGIC_LINE, MAGIC_BYTES);
	errno = 0;
	done = pg_strong_random(key, sizeof(key));
	if (done)
	{
		for (int i = 0; i <= n; i++, line += LINE_BYTES)
		{
			encode_hex(i == 0 ? key : others[i - 1], line);
			line[LINE_BYTES - 1] = '\n';
		}
		done = write(fd, contents, len) == (ssize_t) len && pg_fsync(fd) == 0;
	}
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(contents, sizeof(contents));
	/* a short write has no error of its own */
	if (!done && errno == 0)
		errno = ENOSPC;
	return done;
}

/* The name's directory entry must be on disk before a token depends on it. */
static void
sync_directory_of(const char *path)
{
	char	   *directory = pstrdup(path);

	get_parent_directory(directory);
	fsync_fname(directory[0] == '\0' ? "." : directory, true);
	pfree(directory);
}

/* A file of a new key and n others under a name of its own; palloc'd. */
static char *
make_temporary(const char *path, uint8 others[][PHIG_KEY_BYTES], int n)
{
	uint32		unique = 0;
	char	   *temporary;
	int			fd;
	int			err = 0;

	if (RecoveryInProgress())
		refuse(path, "A standby makes no key file: its tokens would differ from the primary's", 0,
			   "Copy the primary's key file to where phiguard.key_file says on this server.");
	if (!pg_strong_random(&unique, sizeof(unique)))
		refuse(path, "The system gave no random numbers", 0, CREATE_HINT);

	temporary = psprintf("%s.%08x.tmp", path, unique);
	fd = OpenTransientFilePerm(temporary, O_WRONLY | O_CREAT | O_EXCL | PG_BINARY,
							   S_IRUSR | S_IWUSR);
	if (fd < 0)
		refuse(path, "Could not create the key file", errno, CREATE_HINT);
	if (!write_keys(fd, others, n))
		err = errno;
	if (CloseTransientFile(fd) != 0 && err == 0)
		err = errno;
	if (err != 0)
	{
		unlink(temporary);
		refuse(path, "Could not write the key file", err, CREATE_HINT);
	}
	return temporary;
}

/* Make the key file, unless another backend is first. */
static void
make_key_file(const char *path)
{
	char	   *temporary = make_temporary(path, NULL, 0);
	int			err = link(temporary, path) != 0 ? errno : 0;

	unlink(temporary);
	pfree(temporary);
	if (err == EEXIST)
		return;
	if (err != 0)
		refuse(path, "Could not write the key file", err, CREATE_HINT);
	sync_directory_of(path);
	ereport(WARNING,
			(errmsg("phiguard has made a master key for trial use"),
			 errdetail(BESIDE_DETAIL),
			 errdetail_log(BESIDE_DETAIL " Key file: \"%s\".", path),
			 errhint("Keep a copy of the file that phiguard.key_file names in a safe place: "
					 "without it the same tokens cannot be made again."),
			 errhidestmt(true)));
}

/* O_NONBLOCK: a FIFO in its place must not hold up the session. */
static int
open_key_file(const char *path)
{
	return OpenTransientFile(path, O_RDONLY | O_NONBLOCK | PG_BINARY);
}

int
phig_keyfile_read(const char *path, uint8 keys[PHIG_MASTER_KEYS_MAX][PHIG_KEY_BYTES], PhigKeyFileId *id)
{
	int			fd;
	volatile int n = 0;

	if (path == NULL || path[0] == '\0')
		refuse("", "phiguard.key_file is empty", 0,
			   "Name a file, and reload the server's settings.");
	fd = open_key_file(path);
	if (fd < 0 && errno == ENOENT)
	{
		make_key_file(path);
		fd = open_key_file(path);
	}
	if (fd < 0)
		refuse(path, "Could not open the key file", errno, MODE_HINT);
	/* The journal's keeper has no transaction whose end would close it. */
	PG_TRY();
	{
		n = read_keys(path, fd, keys, id);
	}
	PG_FINALLY();
	{
		CloseTransientFile(fd);
	}
	PG_END_TRY();
	return n;
}

/* The file at path, open and locked against others who want to add to it. */
static int
open_locked(const char *path)
{
	struct stat opened,
				there;

	for (;;)
	{
		int			fd = open_key_file(path);

		if (fd < 0)
			refuse(path, "Could not open the key file", errno, MODE_HINT);
		while (flock(fd, LOCK_EX | LOCK_NB) != 0)
		{
			if (errno != EWOULDBLOCK && errno != EINTR)
				refuse(path, "Could not lock the key file", errno, MODE_HINT);
			CHECK_FOR_INTERRUPTS();
			pg_usleep(10000L);
		}
		/* Whoever had it may have put another in its place. */
		if (fstat(fd, &opened) == 0 && stat(path, &there) == 0 &&
			opened.st_dev == there.st_dev && opened.st_ino == there.st_ino)
			return fd;
		CloseTransientFile(fd);
	}
}

/*
 * The file itself where the setting names a symbolic link to it: another file must come to lie there, and not
 * in place of the link, which may be beside the data.
 */
static char *
resolve_links(const char *path)
{
	char		resolved[PATH_MAX];

	if (realpath(path, resolved) == NULL)
		refuse(path, "Could not find the key file", errno, CREATE_HINT);
	return pstrdup(resolved);
}

void
phig_keyfile_add(const char *path)
{
	uint8		keys[PHIG_MASTER_KEYS_MAX][PHIG_KEY_BYTES];
	PhigKeyFileId id;
	int			fd;
	volatile int n = 0;

	/* Made where there is none. */
	phig_keyfile_read(path, keys, &id);
	path = resolve_links(path);
	fd = open_locked(path);
	PG_TRY();
	{
		char	   *temporary;

		n = read_keys(path, fd, keys, &id);
		if (n == PHIG_MASTER_KEYS_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("the key file holds %d master keys already", PHIG_MASTER_KEYS_MAX),
					 errhint("Call phiguard.rotate_master_key() in every database, then take the last lines out of the "
							 "file: phiguard.keys says which master key each key depends on.")));
		temporary = make_temporary(path, keys, n);
		if (rename(temporary, path) != 0)
		{
			int			err = errno;

			unlink(temporary);
			refuse(path, "Could not replace the key file", err, CREATE_HINT);
		}
		sync_directory_of(path);
	}
	PG_FINALLY();
	{
		OPENSSL_cleanse(keys, sizeof(keys));
		CloseTransientFile(fd);
	}
	PG_END_TRY();
}
