-- Labels: what is PHI.  The labels themselves are security labels (pg_seclabel).

-- The second book of labels: pg_dump carries it as data, see phiguard.verify_labels().
-- By name, not by OID: rows must load into any database, also where what they speak of was left out of the dump.
CREATE TABLE phiguard.label_registry (
    schema      name NOT NULL,
    relation    name,
    column_name name,
    domain      name,
    label       text NOT NULL
);
CREATE INDEX label_registry_relation_idx ON phiguard.label_registry (schema, relation);
CREATE INDEX label_registry_domain_idx ON phiguard.label_registry (schema, domain);
REVOKE ALL ON phiguard.label_registry FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('phiguard.label_registry', '');
COMMENT ON TABLE phiguard.label_registry IS
'Every label as it was set, for phiguard.verify_labels(). Kept by phiguard: not to be written by hand.';
COMMENT ON COLUMN phiguard.label_registry.schema IS 'Schema of the table or domain.';
COMMENT ON COLUMN phiguard.label_registry.relation IS 'Labelled table, or table of the labelled column; NULL for a domain.';
COMMENT ON COLUMN phiguard.label_registry.column_name IS 'Labelled column; NULL for the table itself and for a domain.';
COMMENT ON COLUMN phiguard.label_registry.domain IS 'Labelled domain, or NULL.';
COMMENT ON COLUMN phiguard.label_registry.label IS 'The label.';

-- Labels may be there already: they outlive the extension.
INSERT INTO phiguard.label_registry (schema, relation, column_name, domain, label)
SELECT n.nspname, c.relname, a.attname, t.typname, s.label
  FROM pg_catalog.pg_seclabel s
  LEFT JOIN pg_catalog.pg_class c ON s.classoid = 'pg_catalog.pg_class'::regclass AND c.oid = s.objoid
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = s.objsubid AND s.objsubid <> 0
  LEFT JOIN pg_catalog.pg_type t ON s.classoid = 'pg_catalog.pg_type'::regclass AND t.oid = s.objoid
  JOIN pg_catalog.pg_namespace n ON n.oid = coalesce(c.relnamespace, t.typnamespace)
 WHERE s.provider = 'phiguard' AND c.relpersistence IS DISTINCT FROM 't';

-- The officer's role is a setting, unknown here: PUBLIC may call what checks for the officer itself.

CREATE FUNCTION phiguard.label(relation regclass, column_name name, label text) RETURNS void
AS 'MODULE_PATHNAME', 'phiguard_label' LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION phiguard.label(regclass, name, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.label(regclass, name, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.label(regclass, name, text) IS
'Labels a column; with a NULL column the table itself (subject=column); a NULL label removes. For the officer, who need not own the table.
Raises 42501 for everybody else (an owner uses SECURITY LABEL), PG004 for an invalid label, 42703 for an unknown column, 42809 for what is no table.';

CREATE FUNCTION phiguard.review(relation regclass) RETURNS integer
AS 'MODULE_PATHNAME', 'phiguard_review' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION phiguard.review(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.review(regclass) TO PUBLIC;
COMMENT ON FUNCTION phiguard.review(regclass) IS
'Labels every column that has no label of any origin "none": reviewed, not PHI. Returns how many. For the officer.
Raises 42501 for everybody else, PG004 where the subject column has no label yet.';

CREATE FUNCTION phiguard.stored_labels(
    OUT classid oid, OUT objid oid, OUT objsubid integer,
    OUT label text, OUT category text, OUT kind text, OUT conf text, OUT sens text[]) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'phiguard_stored_labels' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000;
REVOKE ALL ON FUNCTION phiguard.stored_labels() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.stored_labels() TO PUBLIC;
COMMENT ON FUNCTION phiguard.stored_labels() IS
'What the view phiguard.labels is made of. For officers and auditors: raises 42501 for everybody else, XX001 for a malformed label.';

CREATE FUNCTION phiguard.column_labels(
    OUT relation oid, OUT attnum smallint,
    OUT category text, OUT kind text, OUT conf text, OUT sens text[],
    OUT label_source text, OUT citation text) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'phiguard_column_labels' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000;
REVOKE ALL ON FUNCTION phiguard.column_labels() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.column_labels() TO PUBLIC;
COMMENT ON FUNCTION phiguard.column_labels() IS
'What the view phiguard.data_dictionary is made of. For officers and auditors: raises 42501 for everybody else, XX001 for a malformed label.';

CREATE VIEW phiguard.labels AS
SELECT CASE WHEN s.classid = 'pg_catalog.pg_type'::regclass THEN 'domain'
            WHEN s.objsubid <> 0 THEN 'column'
            WHEN c.relkind = 'm' THEN 'materialized view'
            WHEN c.relkind = 'f' THEN 'foreign table'
            ELSE 'table' END AS object_kind,
       n.nspname AS schema,
       coalesce(c.relname, t.typname) AS relation,
       a.attname AS column_name,
       s.label, s.category, s.kind, s.conf, s.sens
  FROM phiguard.stored_labels() s
  LEFT JOIN pg_catalog.pg_class c ON s.classid = 'pg_catalog.pg_class'::regclass AND c.oid = s.objid
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = s.objsubid AND s.objsubid <> 0
  LEFT JOIN pg_catalog.pg_type t ON s.classid = 'pg_catalog.pg_type'::regclass AND t.oid = s.objid
  JOIN pg_catalog.pg_namespace n ON n.oid = coalesce(c.relnamespace, t.typnamespace);
REVOKE ALL ON phiguard.labels FROM PUBLIC;
GRANT SELECT ON phiguard.labels TO PUBLIC;
COMMENT ON VIEW phiguard.labels IS
'Every label as it was set: on columns, on tables (subject=column) and on domains (relation is the name of the domain). For officers and auditors.';

CREATE VIEW phiguard.data_dictionary AS
SELECT n.nspname AS schema,
       c.relname AS relation,
       a.attname AS column_name,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
       l.category, l.kind, l.conf, l.sens, l.label_source, l.citation,
       pg_catalog.col_description(c.oid, a.attnum) AS comment,
       NULL::text AS suspicion
  FROM phiguard.column_labels() l
  JOIN pg_catalog.pg_class c ON c.oid = l.relation
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = l.attnum AND NOT a.attisdropped
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace;
REVOKE ALL ON phiguard.data_dictionary FROM PUBLIC;
GRANT SELECT ON phiguard.data_dictionary TO PUBLIC;
COMMENT ON VIEW phiguard.data_dictionary IS
'Every column of every user table with what its label amounts to, and where its category comes from (column, type, ancestor, generated; none where
nobody has looked at it). For officers and auditors.';

CREATE FUNCTION phiguard.verify_labels(OUT object text, OUT finding text, OUT registered text, OUT found text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'phiguard_verify_labels' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 10;
REVOKE ALL ON FUNCTION phiguard.verify_labels() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.verify_labels() TO PUBLIC;
COMMENT ON FUNCTION phiguard.verify_labels() IS
'Compares the labels with phiguard.label_registry, a row a finding: what is gone, differs, is malformed, is not registered. None when all is well.
For officers and auditors: raises 42501 for everybody else.';

