/*
 * dictionary.c
 *		What the views phiguard.labels and phiguard.data_dictionary are made of.
 *
 * They show no data, but they say where it lies: for officers and auditors.  The
 * views are open to everybody as far as privileges go, since these roles are
 * settings; the functions check.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "label/provider.h"
#include "label/registry.h"
#include "label/resolve.h"
#include "label/store.h"
#include "label/value.h"
#include "label/vocabulary.h"

PG_FUNCTION_INFO_V1(phiguard_stored_labels);
PG_FUNCTION_INFO_V1(phiguard_column_labels);

/* Columns of phiguard.stored_labels() and phiguard.column_labels(), in their order. */
enum
{
	STORED_CLASS, STORED_OBJECT, STORED_SUBID, STORED_LABEL, STORED_CATEGORY, STORED_KIND, STORED_CONF,
	STORED_SENS, STORED_NCOLUMNS
};
enum
{
	COLUMN_RELATION, COLUMN_NUMBER, COLUMN_CATEGORY, COLUMN_KIND, COLUMN_CONF, COLUMN_SENS, COLUMN_SOURCE,
	COLUMN_CITATION, COLUMN_NCOLUMNS
};

static void put_stored(ReturnSetInfo *rsinfo, const PhigStoredLabel *stored);
static void put_columns(ReturnSetInfo *rsinfo, Oid relid);
static List *labelled_relations(void);
static bool is_user_relation(HeapTuple tuple);
static Datum text_or_null(const char *string, bool *isnull);
static void put_label(const PhigLabel *label, Datum *values, bool *nulls, int category_column);

/* The rows of pg_seclabel that are ours and whose object is to be seen from here. */
Datum
phiguard_stored_labels(PG_FUNCTION_ARGS)
{
	ListCell   *cell;

	phig_require_reader();
	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, phig_stored_labels(InvalidOid, InvalidOid))
	{
		PhigStoredLabel *stored = lfirst(cell);

		phig_stored_label_must_be_valid(stored);
		put_stored((ReturnSetInfo *) fcinfo->resultinfo, stored);
	}
	return (Datum) 0;
}

/* Every column of every user relation, with what its label amounts to. */
Datum
phiguard_column_labels(PG_FUNCTION_ARGS)
{
	ListCell   *cell;

	phig_require_reader();
	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, labelled_relations())
		put_columns((ReturnSetInfo *) fcinfo->resultinfo, lfirst_oid(cell));
	return (Datum) 0;
}

static void
put_stored(ReturnSetInfo *rsinfo, const PhigStoredLabel *stored)
{
	Datum		values[STORED_NCOLUMNS] = {0};
	bool		nulls[STORED_NCOLUMNS] = {0};

	values[STORED_CLASS] = ObjectIdGetDatum(stored->object.classId);
	values[STORED_OBJECT] = ObjectIdGetDatum(stored->object.objectId);
	values[STORED_SUBID] = Int32GetDatum(stored->object.objectSubId);
	values[STORED_LABEL] = CStringGetTextDatum(phig_parsed_label_to_text(&stored->parsed));
	put_label(&stored->parsed.label, values, nulls, STORED_CATEGORY);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static void
put_columns(ReturnSetInfo *rsinfo, Oid relid)
{
	static const char *const source_names[] = {
		[PHIG_SOURCE_NONE] = "none",
		[PHIG_SOURCE_COLUMN] = "column",
		[PHIG_SOURCE_TYPE] = "type",
		[PHIG_SOURCE_ANCESTOR] = "ancestor",
		[PHIG_SOURCE_GENERATED] = "generated",
	};
	PhigLabelSource *sources;
	PhigRelLabels *labels = phig_resolve_relation(relid, &sources);

	if (labels == NULL)
		labels = phig_label_relation_copy(relid);
	for (AttrNumber i = 0; i < labels->natts; i++)
	{
		PhigLabelSource source = sources == NULL ? PHIG_SOURCE_NONE : sources[i];
		Datum		values[COLUMN_NCOLUMNS] = {0};
		bool		nulls[COLUMN_NCOLUMNS] = {0};

		values[COLUMN_RELATION] = ObjectIdGetDatum(relid);
		values[COLUMN_NUMBER] = Int16GetDatum(i + 1);
		put_label(&labels->cols[i], values, nulls, COLUMN_CATEGORY);
		values[COLUMN_SOURCE] = CStringGetTextDatum(source_names[source]);
		values[COLUMN_CITATION] = text_or_null(phig_category_citation(labels->cols[i].category),
											   &nulls[COLUMN_CITATION]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

/* Relations that users made and can label, seen from this session. */
static List *
labelled_relations(void)
{
	List	   *found = NIL;
	Relation	classes = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(classes, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (is_user_relation(tuple))
			found = lappend_oid(found, ((Form_pg_class) GETSTRUCT(tuple))->oid);
	systable_endscan(scan);
	table_close(classes, AccessShareLock);
	return found;
}

static bool
is_user_relation(HeapTuple tuple)
{
	Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);

	return phig_relkind_has_labels(class->relkind) && class->oid >= FirstNormalObjectId &&
		!isOtherTempNamespace(class->relnamespace) &&
		!phig_is_ours(RelationRelationId, class->oid);
}

static Datum
text_or_null(const char *string, bool *isnull)
{
	*isnull = string == NULL;
	return string == NULL ? (Datum) 0 : CStringGetTextDatum(string);
}

/* category, kind, conf, sens, from category_column on; all NULL where there is no category. */
static void
put_label(const PhigLabel *label, Datum *values, bool *nulls, int category_column)
{
	bool		unlabelled = label->category == PHIG_CAT_UNLABELLED;
	char		conf[2] = {label->conf, '\0'};

	values[category_column] = text_or_null(unlabelled ? NULL : phig_category_name(label->category),
										   &nulls[category_column]);
	values[category_column + 1] = text_or_null(label->kind, &nulls[category_column + 1]);
	values[category_column + 2] = text_or_null(phig_label_is_phi(label) ? conf : NULL, &nulls[category_column + 2]);
	nulls[category_column + 3] = label->sens == 0;
	if (label->sens != 0)
		values[category_column + 3] = PointerGetDatum(phig_sens_array(label->sens));
}
