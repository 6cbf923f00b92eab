/*
 * keyfile.c
 *		The trial master key, in the file that phiguard.key_file names.
 *
 * Two lines of text: a magic line, and 32 bytes in hexadecimal.  Made on first
 * use by whichever backend links its own temporary file to the name first: a link
 * never replaces, so that all backends read the key of one.
 *
 * A key that lies beside the data is for trial use.  Whoever copies the data
 * directory has both, and to 45 CFR 164.402 (74 FR 19006) that is no encryption.
 */
#include "postgres.h"

#include <fcntl.h>
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
#define FILE_BYTES (MAGIC_BYTES + 2 * PHIG_KEY_BYTES + 1)

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
	if (st->st_size != (off_t) FILE_BYTES)
		return "The key file is not as long as a master key's";
	return NULL;
}

/* Read and check what fd has open.  Its contents do not outlive this, also where refused. */
static void
read_key(const char *path, int fd, uint8 key[PHIG_KEY_BYTES], PhigKeyFileId *id)
{
	char		contents[FILE_BYTES];
	struct stat st;
	const char *objection;
	const char *hint;
	bool		good;

	if (fstat(fd, &st) != 0)
		refuse(path, "Could not examine the key file", errno, MODE_HINT);
	objection = file_objection(&st, &hint);
	if (objection != NULL)
		refuse(path, objection, 0, hint);

	good = read(fd, contents, FILE_BYTES) == (ssize_t) FILE_BYTES &&
		memcmp(contents, MAGIC_LINE, MAGIC_BYTES) == 0 &&
		contents[FILE_BYTES - 1] == '\n' &&
		decode_hex(contents + MAGIC_BYTES, key);
	OPENSSL_cleanse(contents, sizeof(contents));
	if (!good)
	{
		OPENSSL_cleanse(key, PHIG_KEY_BYTES);
		refuse(path, "The key file is not a master key's", 0, FORMAT_HINT);
	}
	id->device = st.st_dev;
	id->inode = st.st_ino;
	id->size = st.st_size;
	id->mode = st.st_mode;
	id->owner = st.st_uid;
	id->modified = st.st_mtim;
}

/* Write a new key to fd and the disk.  False, with errno set, when that fails. */
static bool
write_new_key(int fd)
{
	uint8		key[PHIG_KEY_BYTES];
	char		contents[FILE_BYTES];
	bool		done;

	memcpy(contents, MAGIC_LINE, MAGIC_BYTES);
	contents[FILE_BYTES - 1] = '\n';
	errno = 0;
	done = pg_strong_random(key, sizeof(key));
	if (done)
	{
		encode_hex(key, contents + MAGIC_BYTES);
		done = write(fd, contents, FILE_BYTES) == (ssize_t) FILE_BYTES && pg_fsync(fd) == 0;
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

/* Make the key file, unless another backend is first. */
static void
make_key_file(const char *path)
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
	if (!write_new_key(fd))
		err = errno;
	if (CloseTransientFile(fd) != 0 && err == 0)
		err = errno;
	if (err == 0 && link(temporary, path) != 0)
		err = errno;
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

void
phig_keyfile_read(const char *path, uint8 key[PHIG_KEY_BYTES], PhigKeyFileId *id)
{
	/* O_NONBLOCK: a FIFO in its place must not hold up the session. */
	const int	flags = O_RDONLY | O_NONBLOCK | PG_BINARY;
	int			fd;

	if (path == NULL || path[0] == '\0')
		refuse("", "phiguard.key_file is empty", 0,
			   "Name a file, and reload the server's settings.");
	fd = OpenTransientFile(path, flags);
	if (fd < 0 && errno == ENOENT)
	{
		make_key_file(path);
		fd = OpenTransientFile(path, flags);
	}
	if (fd < 0)
		refuse(path, "Could not open the key file", errno, MODE_HINT);
	/* The journal's keeper has no transaction whose end would close it. */
	PG_TRY();
	{
		read_key(path, fd, key, id);
	}
	PG_FINALLY();
	{
		CloseTransientFile(fd);
	}
	PG_END_TRY();
}
