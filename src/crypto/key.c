/*
 * key.c
 *		The master keys, and where key bytes live.
 *
 * Key bytes lie in pages of their own: locked against swapping and left out of core dumps, as far
 * as the system grants that; a backend's own pages are not inherited by child processes either.
 * Everything else that touches a key byte wipes it.  OpenSSL allows nobody to say where its contexts
 * lie: while one is keyed, the process leaves no core at all.
 *
 * With phiguard.key_command the keeper alone runs the command, and puts what it prints on a page that
 * all processes share; backends take it over when its generation moves on.  Without, each
 * backend reads the key file, and looks at each request (one stat) whether it was replaced, moved or
 * opened to others; a request is made once a statement.
 */
#include "postgres.h"

#include <sys/mman.h>
#ifdef HAVE_SYS_PRCTL_H
#include <sys/prctl.h>
#endif

#include <openssl/crypto.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/latch.h"
#include "storage/spin.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "compat.h"
#include "crypto/hmac.h"
#include "crypto/key.h"
#include "crypto/keyfile.h"
#include "errors.h"
#include "settings.h"

#define INFO_FORMAT "phiguard/%s/v1/%s"
#define INFO_MAX_BYTES (PHIG_KEY_DOMAIN_MAX_BYTES + 64)
#define MAX_CACHED 24

/* What of a command's first run a session waits for before it gives up. */
#define PATIENCE_MS 10000

typedef struct PhigMasterKey
{
	uint8		key[PHIG_KEY_BYTES];
	char		id[PHIG_MASTER_ID_CHARS + 1];
} PhigMasterKey;

typedef struct PhigCachedKey
{
	char		info[INFO_MAX_BYTES + 1];	/* "" where the slot is free */
	uint8		key[PHIG_SUBKEY_MAX_BYTES];
} PhigCachedKey;

/* A backend's own. */
typedef struct PhigKeyPages
{
	int			nmasters;		/* 0: not known */
	PhigMasterKey masters[PHIG_MASTER_KEYS_MAX];	/* the current one first */
	PhigCachedKey cached[MAX_CACHED];
} PhigKeyPages;

/* What the keeper has of phiguard.key_command. */
typedef struct PhigKeyShared
{
	pg_atomic_uint32 generation;	/* moves on with the keys */
	pg_atomic_uint32 there;		/* there are keys */
	pg_atomic_uint32 running;	/* the command runs, and there is no answer yet */
	slock_t		mutex;			/* covers the rest */
	int			nkeys;
	uint8		keys[PHIG_MASTER_KEYS_MAX][PHIG_KEY_BYTES];
	char		trouble[256];	/* why the last run failed; "" when it did not */
} PhigKeyShared;

static PhigKeyPages *pages = NULL;
static PhigKeyShared *shared = NULL;
static int	next_slot = 0;		/* the slot that is overwritten next */
static int	core_forbidden = 0; /* how many say so */
static bool core_was_allowed = false;	/* before the first of them */
static char *loaded_path = NULL;	/* the file that the masters were read from, or NULL */
static PhigKeyFileId loaded_file;
static uint32 loaded_generation = 0;	/* of the command's keys; 0: they are from a file */

/* Memory for key bytes; NULL when there is none.  Sharing: MAP_SHARED or MAP_PRIVATE. */
static void *
map_locked(size_t size, int sharing)
{
	void	   *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	if (mlock(memory, size) != 0)
		ereport(DEBUG1,
				(errmsg("could not lock the memory of keys: %m")));
#ifdef MADV_DONTDUMP
	(void) madvise(memory, size, MADV_DONTDUMP);
#endif
	return memory;
}

void *
phig_key_memory(size_t size)
{
	void	   *memory = map_locked(size, MAP_PRIVATE);

#ifdef MADV_DONTFORK
	if (memory != NULL)
		(void) madvise(memory, size, MADV_DONTFORK);
#endif
	return memory;
}

void
phig_key_forbid_core(void)
{
	if (core_forbidden++ > 0)
		return;
#ifdef PR_SET_DUMPABLE
	core_was_allowed = prctl(PR_GET_DUMPABLE) == 1;
	if (core_was_allowed && prctl(PR_SET_DUMPABLE, 0) != 0)
		ereport(DEBUG1,
				(errmsg("could not switch core dumps off: %m")));
#endif
}

void
phig_key_allow_core(void)
{
	Assert(core_forbidden > 0);
	if (--core_forbidden > 0)
		return;
#ifdef PR_SET_DUMPABLE
	if (core_was_allowed)
		(void) prctl(PR_SET_DUMPABLE, 1);
#endif
}

static void
refuse_without_memory(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("out of memory"),
			 errdetail("Failed while requesting memory for keys.")));
}

/* Pages for key bytes, once a backend. */
static void
allocate_pages(void)
{
	if (pages != NULL)
		return;
	pages = phig_key_memory(sizeof(PhigKeyPages));
	if (pages == NULL)
		refuse_without_memory();
}

void
phig_key_shmem_startup(void)
{
	if (shared == NULL)
		shared = map_locked(sizeof(PhigKeyShared), MAP_SHARED);
	if (shared == NULL)
		refuse_without_memory();
	/* Of a process that crashed anything may be left. */
	OPENSSL_cleanse(shared, sizeof(PhigKeyShared));
	pg_atomic_init_u32(&shared->generation, 0);
	pg_atomic_init_u32(&shared->there, 0);
	pg_atomic_init_u32(&shared->running, 0);
	SpinLockInit(&shared->mutex);
}

void
phig_key_forget(void)
{
	if (pages != NULL)
		OPENSSL_cleanse(pages->cached, sizeof(pages->cached));
	next_slot = 0;
}

static void
forget_masters(void)
{
	phig_key_forget();
	OPENSSL_cleanse(pages->masters, sizeof(pages->masters));
	pages->nmasters = 0;
	loaded_generation = 0;
	if (loaded_path != NULL)
		pfree(loaded_path);
	loaded_path = NULL;
}

void
phig_key_refuse_without(const char *primitive)
{
	ereport(ERROR,
			(errcode(PHIG_ERRCODE_KEY_UNAVAILABLE),
			 errmsg("OpenSSL does not provide %s", primitive),
			 errhint("Check the providers that the system's OpenSSL configuration activates."),
			 errhidestmt(true)));
}

void
phig_key_hkdf(const uint8 key[PHIG_KEY_BYTES], const char *info, uint8 *out, size_t len)
{
	if (!phig_hkdf(key, PHIG_KEY_BYTES, NULL, 0, info, strlen(info), out, len))
		phig_key_refuse_without("HKDF with SHA-256");
}

/* HKDF of a master key. */
static void
derive(const uint8 master[PHIG_KEY_BYTES], const char *purpose, const char *domain, uint8 *key, size_t len)
{
	char		info[INFO_MAX_BYTES + 1];

	if (snprintf(info, sizeof(info), INFO_FORMAT, purpose, domain) >= (int) sizeof(info))
		elog(ERROR, "key purpose or domain is too long");
	phig_key_hkdf(master, info, key, len);
}

/* Names for n master keys that are there. */
static void
name_masters(int n)
{
	for (int i = 0; i < n; i++)
	{
		uint8		hash[PHIG_MASTER_ID_CHARS / 2];

		derive(pages->masters[i].key, "name", "", hash, sizeof(hash));
		for (size_t j = 0; j < sizeof(hash); j++)
			snprintf(pages->masters[i].id + 2 * j, 3, "%02x", hash[j]);
	}
	pages->nmasters = n;
}

static void
take_masters(uint8 keys[PHIG_MASTER_KEYS_MAX][PHIG_KEY_BYTES], int n)
{
	for (int i = 0; i < n; i++)
		memcpy(pages->masters[i].key, keys[i], PHIG_KEY_BYTES);
	OPENSSL_cleanse(keys, PHIG_MASTER_KEYS_MAX * PHIG_KEY_BYTES);
	name_masters(n);
}

static void
load_from_file(void)
{
	uint8		keys[PHIG_MASTER_KEYS_MAX][PHIG_KEY_BYTES];
	int			n;

	if (loaded_path != NULL && pages->nmasters > 0 && strcmp(loaded_path, phig_key_file) == 0 &&
		phig_keyfile_unchanged(loaded_path, &loaded_file))
		return;
	forget_masters();
	n = phig_keyfile_read(phig_key_file, keys, &loaded_file);
	take_masters(keys, n);
	loaded_path = MemoryContextStrdup(TopMemoryContext, phig_key_file);
}

/* Why there is no key; what the command is and says only the server log has. */
static void
refuse_without_command(void)
{
	char		trouble[sizeof(shared->trouble)];

	SpinLockAcquire(&shared->mutex);
	strlcpy(trouble, shared->trouble, sizeof(trouble));
	SpinLockRelease(&shared->mutex);
	ereport(ERROR,
			(errcode(PHIG_ERRCODE_KEY_UNAVAILABLE),
			 errmsg("the master key is not available"),
			 trouble[0] == '\0' ?
			 errdetail("phiguard.key_command has not answered yet.") :
			 errdetail("phiguard.key_command: %s.", trouble),
			 errhint("See the server log; phiguard runs the command again by itself, and when the settings are reloaded."),
			 errhidestmt(true)));
}

static void
load_from_command(void)
{
	uint8		keys[PHIG_MASTER_KEYS_MAX][PHIG_KEY_BYTES];
	uint32		generation;
	int			n;

	/* The keeper runs it: nobody else may wait for that but sessions, and those not for ever. */
	for (int waited = 0; pg_atomic_read_u32(&shared->there) == 0; waited += 20)
	{
		if (waited >= PATIENCE_MS || !IsTransactionState() || pg_atomic_read_u32(&shared->running) == 0)
			refuse_without_command();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 20, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	if (pages->nmasters > 0 && loaded_generation == pg_atomic_read_u32(&shared->generation))
		return;
	forget_masters();
	SpinLockAcquire(&shared->mutex);
	generation = pg_atomic_read_u32(&shared->generation);
	n = shared->nkeys;
	memcpy(keys, shared->keys, sizeof(keys));
	SpinLockRelease(&shared->mutex);
	if (n == 0)
		refuse_without_command();
	take_masters(keys, n);
	loaded_generation = generation;
}

/* Have in pages->masters the keys that the settings name now. */
static void
load_masters(void)
{
	allocate_pages();
	if (phig_key_command[0] != '\0')
		load_from_command();
	else
		load_from_file();
}

void
phig_key_derive(const char *purpose, const char *domain, uint8 key[PHIG_KEY_BYTES])
{
	load_masters();
	derive(pages->masters[0].key, purpose, domain, key, PHIG_KEY_BYTES);
}

void
phig_key_master_id(char id[PHIG_MASTER_ID_CHARS + 1])
{
	load_masters();
	strlcpy(id, pages->masters[0].id, PHIG_MASTER_ID_CHARS + 1);
}

void
phig_key_new_master(void)
{
	if (phig_key_command[0] != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("phiguard makes no master key where phiguard.key_command brings them"),
				 errhint("Make a new key there, have the command print it first and the present one on the next line, "
						 "and reload the settings.")));
	phig_keyfile_add(phig_key_file);
}

void
phig_key_wrap(const uint8 key[PHIG_KEY_BYTES], uint8 wrapped[PHIG_KEYWRAP_BYTES],
			  char master[PHIG_MASTER_ID_CHARS + 1])
{
	uint8		kek[PHIG_KEY_BYTES];
	bool		done;

	load_masters();
	derive(pages->masters[0].key, "wrap", "", kek, sizeof(kek));
	done = phig_keywrap(kek, key, wrapped);
	OPENSSL_cleanse(kek, sizeof(kek));
	if (!done)
		phig_key_refuse_without("AES-256 key wrap");
	strlcpy(master, pages->masters[0].id, PHIG_MASTER_ID_CHARS + 1);
}

bool
phig_key_unwrap(const uint8 wrapped[PHIG_KEYWRAP_BYTES], const char *master, uint8 key[PHIG_KEY_BYTES])
{
	uint8		kek[PHIG_KEY_BYTES];
	bool		done;

	load_masters();
	for (int i = 0; i < pages->nmasters; i++)
		if (strcmp(pages->masters[i].id, master) == 0)
		{
			derive(pages->masters[i].key, "wrap", "", kek, sizeof(kek));
			done = phig_keyunwrap(kek, wrapped, key);
			OPENSSL_cleanse(kek, sizeof(kek));
			return done;
		}
	ereport(ERROR,
			(errcode(PHIG_ERRCODE_KEY_UNAVAILABLE),
			 errmsg("the master key is another one than this key was wrapped with"),
			 errdetail("That was master key %s, and this server has %s.", master, pages->masters[0].id),
			 errhint("Bring back that master key: phiguard.key_command may print it on a line behind the current one, "
					 "and the key file may hold it there."),
			 errhidestmt(true)));
	return false;				/* for the compiler */
}

const uint8 *
phig_key_cached(const char *info)
{
	load_masters();
	for (int i = 0; i < MAX_CACHED; i++)
		if (strcmp(pages->cached[i].info, info) == 0)
			return pages->cached[i].key;
	return NULL;
}

void
phig_key_cache(const char *info, const uint8 key[PHIG_SUBKEY_MAX_BYTES])
{
	PhigCachedKey *slot = &pages->cached[next_slot];

	if (strlen(info) >= sizeof(slot->info))
		elog(ERROR, "the name of a key is too long");
	next_slot = (next_slot + 1) % MAX_CACHED;
	strlcpy(slot->info, info, sizeof(slot->info));
	memcpy(slot->key, key, PHIG_SUBKEY_MAX_BYTES);
}

/* --- the keeper --- */

void
phig_key_awaited(void)
{
	pg_atomic_write_u32(&shared->running, 1);
}

bool
phig_key_arrived(const char *output, size_t len, const char **objection)
{
	uint8		keys[PHIG_MASTER_KEYS_MAX][PHIG_KEY_BYTES];
	int			n = phig_keyfile_parse(output, len, keys);

	if (n == 0)
	{
		*objection = "it did not print a master key: 64 hexadecimal digits a line, at most 4 lines";
		return false;
	}
	SpinLockAcquire(&shared->mutex);
	if (n != shared->nkeys || memcmp(keys, shared->keys, n * PHIG_KEY_BYTES) != 0)
	{
		OPENSSL_cleanse(shared->keys, sizeof(shared->keys));
		memcpy(shared->keys, keys, n * PHIG_KEY_BYTES);
		shared->nkeys = n;
		pg_atomic_fetch_add_u32(&shared->generation, 1);
	}
	shared->trouble[0] = '\0';
	SpinLockRelease(&shared->mutex);
	OPENSSL_cleanse(keys, sizeof(keys));
	pg_atomic_write_u32(&shared->there, 1);
	pg_atomic_write_u32(&shared->running, 0);
	return true;
}

void
phig_key_unwanted(void)
{
	pg_atomic_write_u32(&shared->there, 0);
	pg_atomic_write_u32(&shared->running, 0);
	SpinLockAcquire(&shared->mutex);
	OPENSSL_cleanse(shared->keys, sizeof(shared->keys));
	shared->nkeys = 0;
	shared->trouble[0] = '\0';
	SpinLockRelease(&shared->mutex);
}

void
phig_key_missed(const char *why)
{
	SpinLockAcquire(&shared->mutex);
	strlcpy(shared->trouble, why, sizeof(shared->trouble));
	SpinLockRelease(&shared->mutex);
	pg_atomic_write_u32(&shared->running, 0);
}
