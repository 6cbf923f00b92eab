/*
 * keyed.h
 *		What call sites of keyed transforms have in common.
 */
#ifndef PHIG_KEYED_H
#define PHIG_KEYED_H

#include "postgres.h"

#include "fmgr.h"

#include "crypto/key.h"
#include "keys/ring.h"

/* A use of keys: which, who may, and what is made of one for any number of values. */
typedef struct PhigKeyedUse
{
	PhigKeyUse	use;
	PhigKeyRight right;
	const char *primitive;		/* for the error where OpenSSL does not provide it */
	/* option: the caller's, see phig_keyed_site.  NULL when OpenSSL refuses. */
	void	   *(*prepare) (const uint8 *key, int option);
	void		(*release) (void *prepared);
} PhigKeyedUse;

/* What one call site keeps between rows. */
typedef struct PhigKeyedSite
{
	MemoryContextCallback callback;
	const PhigKeyedUse *use;
	void	   *prepared;
	bool		core_forbidden; /* on account of it */
	int			version;		/* of the domain's key */
	text	   *domain;			/* as given, to notice another */
	int			wanted;			/* the version that was asked for; 0: the domain's */
	int			option;
	uint64		generation;
	Oid			role;
} PhigKeyedSite;

/*
 * phig_keyed_site
 *		The call site's state, ready for this domain and a version of its key (0: that for new values).
 *
 * Checked, and made anew, where the domain, the version, the option, the role or the key ring is another
 * than in the row before.  It goes when the call site's memory goes, also after an error.
 * Errors: 42501, 42704, PG002, 22023 for a domain that cannot be one.
 */
extern PhigKeyedSite *phig_keyed_site(FmgrInfo *flinfo, const PhigKeyedUse *use, text *domain, int version,
									  int option);

/*
 * phig_keyed_by_policy
 *		Is it a twin (twin.c) that is called, from where a policy has put it?
 *
 * Its call has a constant of type internal in front, which nobody can write in SQL.  The key
 * domain needs no grant then: the purpose was granted.
 */
extern bool phig_keyed_by_policy(const FmgrInfo *flinfo);

/* For a use of HMAC-SHA-256: what is prepared is a PhigHmac. */
extern void *phig_keyed_prepare_hmac(const uint8 *key, int option);
extern void phig_keyed_release_hmac(void *prepared);

#define PHIG_USES_HMAC \
	.primitive = "HMAC with SHA-256", \
	.prepare = phig_keyed_prepare_hmac, \
	.release = phig_keyed_release_hmac

#endif
