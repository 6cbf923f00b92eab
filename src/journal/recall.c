/*
 * recall.c
 *		Definitions that this backend has built before.
 *
 * An application sends the same few statements over and over, and where it does not
 * prepare them each is planned anew.  A definition follows from the statement's command and normalised text,
 * from the columns of its flow, and from the names that these have: where all of it is, byte by byte, what it
 * was, so is the definition.  Names may have changed when a relation that the label cache knows has been
 * invalidated, and with schemas and functions (transforms): then nothing that was kept counts.
 *
 * One definition is kept for each remainder of the fingerprint, and none whose parts are long.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "journal/recall.h"

#define SLOTS 32
#define TEXT_MAX_BYTES PHIG_RECALL_KEY_MAX_BYTES

/* The parts of a key that have a fixed size.  No padding: it is compared as bytes. */
typedef struct KeyHead
{
	uint64		fingerprint;
	uint32		flow_flags;
	uint32		quotes;			/* quote_all_identifiers */
	int32		nitems[4];
} KeyHead;

typedef struct KeyItem
{
	Oid			relid;
	Oid			form;
	int32		attno;
	int32		category;
} KeyItem;

typedef struct Slot
{
	uint64		labels;
	uint64		names;
	Size		key_len;
	PhigStatement statement;	/* its text lies behind the key */
	char	   *bytes;			/* key, text and a NUL; or NULL */
} Slot;

static Slot slots[SLOTS];
static MemoryContext context = NULL;
static uint64 names_changed = 1;

static void
name_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	names_changed++;
}

static void
start(void)
{
	context = AllocSetContextCreate(TopMemoryContext, "phiguard statements", ALLOCSET_DEFAULT_SIZES);
	CacheRegisterSyscacheCallback(NAMESPACEOID, name_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, name_changed, (Datum) 0);
}

static char *
add_items(char *to, const PhigFlowSet *set)
{
	for (int i = 0; i < set->nitems; i++, to += sizeof(KeyItem))
	{
		const PhigFlowItem *item = &set->items[i];
		KeyItem		part = {item->relid, item->form, item->attno, item->label.category};

		memcpy(to, &part, sizeof(part));
	}
	return to;
}

static void
make_key(PhigRecallKey *key, const PhigFlow *flow, const char *command, const char *query)
{
	const PhigFlowSet *sets[] = {&flow->returned, &flow->referenced, &flow->stored, &flow->written};
	KeyHead		head = {.fingerprint = key->fingerprint, .flow_flags = flow->flags,
	.quotes = quote_all_identifiers};
	Size		command_len = strlen(command) + 1;
	Size		query_len = strlen(query);
	Size		len = sizeof(KeyHead) + command_len + query_len;
	char	   *to = key->bytes;

	for (size_t s = 0; s < lengthof(sets); s++)
	{
		head.nitems[s] = sets[s]->nitems;
		len += sets[s]->nitems * sizeof(KeyItem);
	}
	key->len = len <= sizeof(key->bytes) ? len : 0;
	if (key->len == 0)
		return;
	memcpy(to, &head, sizeof(head));
	to += sizeof(head);
	for (size_t s = 0; s < lengthof(sets); s++)
		to = add_items(to, sets[s]);
	memcpy(to, command, command_len);
	memcpy(to + command_len, query, query_len);
}

bool
phig_recall_find(PhigRecallKey *key, PhigStatement *out, const PhigFlow *flow, const char *command,
				 const char *query, uint64 fingerprint)
{
	const Slot *slot = &slots[fingerprint % SLOTS];
	char	   *text;

	if (context == NULL)
		start();

	/*
	 * Before the key is made, and long before the names are read: what changes meanwhile must
	 * count.
	 */
	key->fingerprint = fingerprint;
	key->labels = phig_label_invalidations;
	key->names = names_changed;
	make_key(key, flow, command, query);
	if (key->len == 0 || slot->bytes == NULL || slot->key_len != key->len || slot->labels != key->labels ||
		slot->names != key->names || memcmp(slot->bytes, key->bytes, key->len) != 0)
		return false;
	*out = slot->statement;
	text = palloc(out->def.len + 1);
	memcpy(text, slot->statement.def.text, out->def.len + 1);
	out->def.text = text;
	return true;
}

void
phig_recall_keep(const PhigRecallKey *key, const PhigStatement *statement)
{
	Slot	   *slot = &slots[key->fingerprint % SLOTS];
	const PhigDefinition *def = &statement->def;

	if (key->len == 0 || def->len > TEXT_MAX_BYTES)
		return;
	if (slot->bytes != NULL)
		pfree(slot->bytes);
	slot->bytes = NULL;
	slot->bytes = MemoryContextAlloc(context, key->len + def->len + 1);
	memcpy(slot->bytes, key->bytes, key->len);
	memcpy(slot->bytes + key->len, def->text, def->len + 1);
	slot->key_len = key->len;
	slot->labels = key->labels;
	slot->names = key->names;
	slot->statement = *statement;
	slot->statement.def.text = slot->bytes + key->len;
}
