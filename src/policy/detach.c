/*
 * detach.c
 *		What is said of a relation goes with what is taken from below it.
 *
 * Its rows are the same as before: who detaches an old partition must not thereby show the rows
 * that a predicate hides, or columns that a rule does.  So what binds it is written down for itself, by whoever
 * detaches it, as its labels are.
 */
#include "postgres.h"

#include "access/table.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "journal/statement.h"
#include "policy/detach.h"
#include "policy/store.h"

/* Relation and schema, before and now. */
typedef struct Move
{
	const char *old_schema;
	const char *old_relation;
	char	   *schema;
	char	   *relation;
} Move;

static int	copy_rules(const Move *move, Oid relid);
static int	copy_rows(const Move *move);
static int	copy_modes(const Move *move);
static bool is_of(const Move *move, const char *schema, const char *relation);

void
phig_policy_detached(Oid relid, List *tops)
{
	Relation	purposes;
	Move		move = {.relation = get_rel_name(relid)};
	int			copied = 0;
	ListCell   *lc;

	if (!OidIsValid(phig_policy_table(PHIG_POLICY_PURPOSE)) || move.relation == NULL)
		return;
	move.schema = get_namespace_name(get_rel_namespace(relid));
	purposes = phig_policy_open(PHIG_POLICY_PURPOSE, ShareRowExclusiveLock);
	foreach(lc, tops)
	{
		move.old_relation = get_rel_name(lfirst_oid(lc));
		move.old_schema = move.old_relation == NULL ? NULL : get_namespace_name(get_rel_namespace(lfirst_oid(lc)));
		if (move.old_schema == NULL)
			continue;
		copied += copy_rules(&move, relid) + copy_rows(&move) + copy_modes(&move);
	}
	if (copied > 0)
		phig_statement_policy("ALTER TABLE", psprintf("what policies say of %s goes with it",
													  quote_qualified_identifier(move.schema, move.relation)));
	table_close(purposes, NoLock);
}

/* How many. */
static int
copy_rules(const Move *move, Oid relid)
{
	Relation	table = phig_policy_open(PHIG_POLICY_RULE, RowExclusiveLock);
	int			copied = 0;
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_RULE, NULL))
	{
		PhigRuleRow row = *(PhigRuleRow *) lfirst(lc);

		if (!is_of(move, row.schema, row.relation) ||
			(row.column_name != NULL && get_attnum(relid, row.column_name) <= 0))
			continue;
		row.schema = move->schema;
		row.relation = move->relation;
		phig_policy_insert(table, PHIG_POLICY_RULE, &row);
		copied++;
	}
	table_close(table, NoLock);
	return copied;
}

static int
copy_rows(const Move *move)
{
	Relation	table = phig_policy_open(PHIG_POLICY_ROWS, RowExclusiveLock);
	int			copied = 0;
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_ROWS, NULL))
	{
		PhigRowsRow row = *(PhigRowsRow *) lfirst(lc);

		if (!is_of(move, row.schema, row.relation))
			continue;
		row.schema = move->schema;
		row.relation = move->relation;
		phig_policy_insert(table, PHIG_POLICY_ROWS, &row);
		copied++;
	}
	table_close(table, NoLock);
	return copied;
}

static int
copy_modes(const Move *move)
{
	Relation	table = phig_policy_open(PHIG_POLICY_MODE, RowExclusiveLock);
	int			copied = 0;
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_MODE, NULL))
	{
		PhigModeRow row = *(PhigModeRow *) lfirst(lc);

		if (!is_of(move, row.schema, row.relation))
			continue;
		row.schema = move->schema;
		row.relation = move->relation;
		phig_policy_insert(table, PHIG_POLICY_MODE, &row);
		copied++;
	}
	table_close(table, NoLock);
	return copied;
}

static bool
is_of(const Move *move, const char *schema, const char *relation)
{
	return schema != NULL && relation != NULL && strcmp(schema, move->old_schema) == 0 &&
		strcmp(relation, move->old_relation) == 0;
}
