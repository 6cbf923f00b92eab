/*
 * key.c
 *		Derived keys, and where key bytes live in a backend.
 *
 * The master key and the keys derived from it lie in pages of their own: locked
 * against swapping, left out of core dumps, not inherited by child processes, as
 * far as the system grants that.  Everything else that touches a key byte wipes it.
 *
 * The file is examined at each request (one stat), so that a replaced, moved or
 * newly exposed key file is noticed; a request is made once a statement.
 */
#include "postgres.h"

#include <sys/mman.h>

#include <openssl/crypto.h>

#include "utils/memutils.h"

#include "crypto/hmac.h"
#include "crypto/key.h"
#include "crypto/keyfile.h"
#include "errors.h"
#include "settings.h"

#define INFO_FORMAT "phiguard/%s/v1/%s"
#define INFO_MAX_BYTES (PHIG_KEY_DOMAIN_MAX_BYTES + 40)
#define MAX_DERIVED 24

typedef struct PhigDerivedKey
{
	char		info[INFO_MAX_BYTES + 1];	/* "" where the slot is free */
	uint8		key[PHIG_KEY_BYTES];
} PhigDerivedKey;

typedef struct PhigKeyPages
{
	uint8		master[PHIG_KEY_BYTES];
	PhigDerivedKey derived[MAX_DERIVED];
} PhigKeyPages;

static PhigKeyPages *pages = NULL;
static int	next_slot = 0;		/* the slot that is overwritten next */
static char *loaded_path = NULL;	/* where the master was read from; NULL when there is none */
static PhigKeyFileId loaded_file;

/* Pages for key bytes, once a backend. */
static void
allocate_pages(void)
{
	void	   *memory = mmap(NULL, sizeof(PhigKeyPages), PROT_READ | PROT_WRITE,
							  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed while requesting memory for keys.")));
	if (mlock(memory, sizeof(PhigKeyPages)) != 0)
		ereport(DEBUG1,
				(errmsg("could not lock the memory of keys: %m")));
#ifdef MADV_DONTDUMP
	(void) madvise(memory, sizeof(PhigKeyPages), MADV_DONTDUMP);
#endif
#ifdef MADV_DONTFORK
	(void) madvise(memory, sizeof(PhigKeyPages), MADV_DONTFORK);
#endif
	pages = memory;
}

static void
forget_keys(void)
{
	OPENSSL_cleanse(pages, sizeof(PhigKeyPages));
	next_slot = 0;
	if (loaded_path != NULL)
		pfree(loaded_path);
	loaded_path = NULL;
}

/* Have in pages->master the key of the file that phiguard.key_file names now. */
static void
load_master(void)
{
	if (loaded_path != NULL && strcmp(loaded_path, phig_key_file) == 0 &&
		phig_keyfile_unchanged(loaded_path, &loaded_file))
		return;
	forget_keys();
	phig_keyfile_read(phig_key_file, pages->master, &loaded_file);
	loaded_path = MemoryContextStrdup(TopMemoryContext, phig_key_file);
}

/* The derived key for info, from the pages or made now. */
static const uint8 *
derive_key(const char *info)
{
	PhigDerivedKey *slot;

	for (int i = 0; i < MAX_DERIVED; i++)
		if (strcmp(pages->derived[i].info, info) == 0)
			return pages->derived[i].key;

	slot = &pages->derived[next_slot];
	next_slot = (next_slot + 1) % MAX_DERIVED;
	OPENSSL_cleanse(slot, sizeof(*slot));
	if (!phig_hkdf(pages->master, PHIG_KEY_BYTES, NULL, 0, info, strlen(info),
				   slot->key, PHIG_KEY_BYTES))
	{
		OPENSSL_cleanse(slot, sizeof(*slot));
		ereport(ERROR,
				(errcode(PHIG_ERRCODE_KEY_UNAVAILABLE),
				 errmsg("OpenSSL does not provide HKDF with SHA-256"),
				 errhint("Check the providers that the system's OpenSSL configuration activates."),
				 errhidestmt(true)));
	}
	strlcpy(slot->info, info, sizeof(slot->info));
	return slot->key;
}

void
phig_key_domain(const char *purpose, const char *domain, uint8 key[PHIG_KEY_BYTES])
{
	char		info[INFO_MAX_BYTES + 1];

	if (snprintf(info, sizeof(info), INFO_FORMAT, purpose, domain) >= (int) sizeof(info))
		elog(ERROR, "key purpose or domain is too long");
	if (pages == NULL)
		allocate_pages();
	load_master();
	memcpy(key, derive_key(info), PHIG_KEY_BYTES);
}
