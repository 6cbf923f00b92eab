/*
 * keyed.c
 *		What call sites of keyed transforms have in common.
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"

#include "compat.h"
#include "crypto/hmac.h"
#include "crypto/key.h"
#include "errors.h"
#include "transform/keyed.h"

void *
phig_keyed_prepare_hmac(const uint8 *key, int option)
{
	return phig_hmac_create(key, PHIG_KEY_BYTES);
}

void
phig_keyed_release_hmac(void *prepared)
{
	phig_hmac_free(prepared);
}

/* The domain as a C string. */
static char *
check_domain(const text *domain)
{
	int			len = VARSIZE_ANY_EXHDR(domain);

	if (len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key domain must not be empty"),
				 errhint("Name the recipient or the data set: "
						 "tokens of different domains cannot be joined."),
				 errhidestmt(true)));
	if (len > PHIG_KEY_DOMAIN_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key domain must be at most %d bytes long", PHIG_KEY_DOMAIN_MAX_BYTES),
				 errhint("The value is the first argument, the domain the last."),
				 errhidestmt(true)));
	return text_to_cstring(domain);
}

static void
release(void *arg)
{
	PhigKeyedSite *site = arg;

	if (site->prepared != NULL)
		site->use->release(site->prepared);
	site->prepared = NULL;
	if (site->core_forbidden)
		phig_key_allow_core();
	site->core_forbidden = false;
}

static PhigKeyedSite *
make_site(FmgrInfo *flinfo, const PhigKeyedUse *use)
{
	PhigKeyedSite *site = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(PhigKeyedSite));

	site->use = use;
	site->callback.func = release;
	site->callback.arg = site;
	MemoryContextRegisterResetCallback(flinfo->fn_mcxt, &site->callback);
	flinfo->fn_extra = site;
	return site;
}

static void
prepare(FmgrInfo *flinfo, PhigKeyedSite *site, const text *domain, int version, int option)
{
	const PhigKeyedUse *use = site->use;
	uint8		key[PHIG_SUBKEY_MAX_BYTES];
	char	   *name = check_domain(domain);
	text	   *copy;

	release(site);
	site->wanted = version;
	site->option = option;
	site->role = GetUserId();
	if (!phig_keyed_by_policy(flinfo))
		phig_keys_require(name, use->right);
	phig_key_forbid_core();
	site->core_forbidden = true;
	/* Before: what changes while the tables are read must count. */
	site->generation = phig_keys_generation;
	site->version = phig_keys_get(name, use->use, version, key);
	site->prepared = use->prepare(key, option);
	OPENSSL_cleanse(key, sizeof(key));
	if (site->prepared == NULL)
		phig_key_refuse_without(use->primitive);
	pfree(name);

	copy = MemoryContextAlloc(flinfo->fn_mcxt, VARSIZE_ANY(domain));
	memcpy(copy, domain, VARSIZE_ANY(domain));
	if (site->domain != NULL)
		pfree(site->domain);
	site->domain = copy;
}

bool
phig_keyed_by_policy(const FmgrInfo *flinfo)
{
	const FuncExpr *call = (const FuncExpr *) flinfo->fn_expr;
	const Node *first;

	if (call == NULL || !IsA(call, FuncExpr) || call->funcid != flinfo->fn_oid || call->args == NIL)
		return false;
	first = linitial(call->args);
	return IsA(first, Const) && ((const Const *) first)->consttype == INTERNALOID;
}

static bool
same_text(const text *a, const text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

PhigKeyedSite *
phig_keyed_site(FmgrInfo *flinfo, const PhigKeyedUse *use, text *domain, int version, int option)
{
	PhigKeyedSite *site = flinfo->fn_extra;

	if (site == NULL)
		site = make_site(flinfo, use);
	if (site->prepared == NULL || site->generation != phig_keys_generation || site->wanted != version ||
		site->option != option || site->role != GetUserId() || !same_text(site->domain, domain))
		prepare(flinfo, site, domain, version, option);
	return site;
}
