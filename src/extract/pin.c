/*
 * pin.c
 *		All that a proof went by, as one digest.
 *
 * The view's query as it is rewritten for whoever reads it, with the views below it and row-level security;
 * the labels of every column that it reaches; what functions do; what the purpose shows of them,
 * and which rows; the method's rules; the view's owner.  Trees name objects by OID: a dump that is restored,
 * or a server that was upgraded, wants phiguard.check_extract() once.
 */
#include "postgres.h"

#include "access/transam.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"

#include "extract/prove.h"
#include "transform/registry.h"

static void add_items(StringInfo text, const PhigFlowSet *set);
static void add_label(StringInfo text, const PhigLabel *label);
static bool add_functions(Node *node, void *context);
static bool add_function(Oid funcid, void *context);
static void hash(const StringInfo text, char *out);

void
phig_extract_pin(PhigProof *proof, const PhigExtractRow *row, Query *query, Query *restricted, const PhigFlow *flow,
				 const char *decided)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "%s\n%s\n%s\n%s\n", row->purpose, row->method, row->agreement ? row->agreement : "",
					 row->owner);
	appendStringInfoString(&text, nodeToString(query));
	appendStringInfoString(&text, decided);
	if (flow != NULL)
	{
		add_items(&text, &flow->returned);
		add_items(&text, &flow->referenced);
	}
	/* Row predicates call some, too. */
	(void) add_functions((Node *) restricted, &text);
	phig_method_describe(row->method, &text);
	hash(&text, proof->pin);
}

static void
add_items(StringInfo text, const PhigFlowSet *set)
{
	for (int i = 0; i < set->nitems; i++)
	{
		appendStringInfo(text, "\n%u.%d %u ", set->items[i].relid, set->items[i].attno, set->items[i].form);
		add_label(text, &set->items[i].label);
		add_label(text, &set->items[i].left);
	}
}

static void
add_label(StringInfo text, const PhigLabel *label)
{
	appendStringInfo(text, "%d %s %c " UINT64_FORMAT ";", label->category, label->kind ? label->kind : "",
					 label->conf ? label->conf : '-', label->sens);
}

/* Those of the server, and phiguard's, come with the library. */
static bool
add_functions(Node *node, void *context)
{
	if (node == NULL)
		return false;
	(void) check_functions_in_node(node, add_function, context);
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, add_functions, context, 0);
	return expression_tree_walker(node, add_functions, context);
}

static bool
add_function(Oid funcid, void *context)
{
	char	   *digest = funcid < FirstNormalObjectId ? NULL : phig_transform_digest(funcid);

	if (digest != NULL)
		appendStringInfo(context, "\n%s %s", get_func_name(funcid), digest);
	return false;
}

static void
hash(const StringInfo text, char *out)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);

	if (context == NULL || pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) text->data, text->len) < 0 ||
		pg_cryptohash_final(context, digest, sizeof(digest)) < 0)
		elog(ERROR, "SHA-256 is not available");
	pg_cryptohash_free(context);
	for (int i = 0; i < PG_SHA256_DIGEST_LENGTH; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}
