-- Scans: which columns may be PHI, before anybody has labelled them.

-- By name and number, not by OID: rows must load into any database.  Written by phiguard's functions, straight into the table.
CREATE TABLE phiguard.suspect (
    schema        name NOT NULL,
    relation      name NOT NULL,
    column_name   name NOT NULL,
    column_number smallint NOT NULL,
    category      text NOT NULL,
    kind          text,
    confidence    real NOT NULL,
    evidence      text NOT NULL,
    state         text NOT NULL CHECK (state IN ('suspect', 'accepted', 'rejected')),
    found         timestamptz NOT NULL,
    reviewed      timestamptz,
    reviewed_by   name
);
CREATE INDEX suspect_relation_idx ON phiguard.suspect (schema, relation);
REVOKE ALL ON phiguard.suspect FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('phiguard.suspect', '');
COMMENT ON TABLE phiguard.suspect IS 'What scans have found and officers have said to it. Kept by phiguard: not to be written by hand; read phiguard.suspects.';
COMMENT ON COLUMN phiguard.suspect.schema IS 'Schema of the table.';
COMMENT ON COLUMN phiguard.suspect.relation IS 'Table of the column.';
COMMENT ON COLUMN phiguard.suspect.column_name IS 'The column.';
COMMENT ON COLUMN phiguard.suspect.column_number IS 'Its number in the table: a column that was dropped and made again is another one.';
COMMENT ON COLUMN phiguard.suspect.category IS 'What it may be.';
COMMENT ON COLUMN phiguard.suspect.kind IS 'A kind of the category, or NULL.';
COMMENT ON COLUMN phiguard.suspect.confidence IS 'How sure that is: 0.5 to 1.';
COMMENT ON COLUMN phiguard.suspect.evidence IS 'What speaks for it: name, type, comment, references, statistics, content. No value.';
COMMENT ON COLUMN phiguard.suspect.state IS 'suspect, accepted or rejected.';
COMMENT ON COLUMN phiguard.suspect.found IS 'When a scan saw it last, or it was reviewed.';
COMMENT ON COLUMN phiguard.suspect.reviewed IS 'When it was accepted or rejected.';
COMMENT ON COLUMN phiguard.suspect.reviewed_by IS 'By whom.';

CREATE FUNCTION phiguard.scan_table(relation regclass, sample_rows integer DEFAULT 10000) RETURNS integer
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_scan_table';
REVOKE ALL ON FUNCTION phiguard.scan_table(regclass, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.scan_table(regclass, integer) TO PUBLIC;
COMMENT ON FUNCTION phiguard.scan_table(regclass, integer) IS
'Looks which columns without a label may be PHI: name, type, comment, foreign keys, and a sample of so many rows (0: none is read). Fills phiguard.suspects, returns how many suspects there are.
For the officer, who needs SELECT for values to be read; a record of kind policy. Columns whose suspicion was rejected are left alone.
Raises 42501 for everybody else, 42809 for views, temporary and system tables, 22023 for a negative number.';

CREATE FUNCTION phiguard.scan_schema(schema regnamespace, sample_rows integer DEFAULT 10000) RETURNS integer
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_scan_schema';
REVOKE ALL ON FUNCTION phiguard.scan_schema(regnamespace, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.scan_schema(regnamespace, integer) TO PUBLIC;
COMMENT ON FUNCTION phiguard.scan_schema(regnamespace, integer) IS
'phiguard.scan_table() of every table of a schema, partitions through their parents, with a notice a table. Returns how many suspects there are.
With parallel workers where the tables are large enough (max_parallel_maintenance_workers, min_parallel_table_scan_size).
For the officer. Raises 42501 for everybody else, 42809 for schemas of the system and of phiguard.';

CREATE FUNCTION phiguard.accept_suspect(relation regclass, column_name name, label text DEFAULT NULL) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_accept_suspect';
REVOKE ALL ON FUNCTION phiguard.accept_suspect(regclass, name, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.accept_suspect(regclass, name, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.accept_suspect(regclass, name, text) IS
'Labels a suspected column, as suspected or as said. For the officer. Raises 42501 for everybody else, 42704 for a column that is no suspect, PG004 for an invalid label.';

CREATE FUNCTION phiguard.reject_suspect(relation regclass, column_name name) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'phiguard_reject_suspect';
REVOKE ALL ON FUNCTION phiguard.reject_suspect(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.reject_suspect(regclass, name) TO PUBLIC;
COMMENT ON FUNCTION phiguard.reject_suspect(regclass, name) IS
'The suspicion is wrong: later scans leave the column alone. It gets no label; phiguard.review() labels what is left of a table none.
For the officer; a record of kind policy. Raises 42501 for everybody else, 42704 for a column that is no suspect.';

CREATE FUNCTION phiguard.label_suspects(min_confidence real, dry_run boolean DEFAULT true,
    OUT schema text, OUT relation text, OUT column_name text, OUT label text, OUT confidence real) RETURNS SETOF record
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 100
    AS 'MODULE_PATHNAME', 'phiguard_label_suspects';
REVOKE ALL ON FUNCTION phiguard.label_suspects(real, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.label_suspects(real, boolean) TO PUBLIC;
COMMENT ON FUNCTION phiguard.label_suspects(real, boolean) IS
'Labels every suspect of this confidence and above that nobody has reviewed; with dry_run (unless said otherwise) only lists them.
For the officer. Raises 42501 for everybody else, 22023 for a confidence that is not between 0 and 1.';

CREATE FUNCTION phiguard.reads_suspects() RETURNS boolean
    LANGUAGE C STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'phiguard_reads_suspects';
REVOKE ALL ON FUNCTION phiguard.reads_suspects() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.reads_suspects() TO PUBLIC;
COMMENT ON FUNCTION phiguard.reads_suspects() IS
'True for officers and auditors; raises 42501 for everybody else. Internal: for the view phiguard.suspects.';

CREATE VIEW phiguard.suspects WITH (security_barrier) AS
SELECT s.schema::text, s.relation::text, s.column_name::text, s.category, s.kind, s.confidence, s.evidence, s.state, s.found, s.reviewed, s.reviewed_by::text
  FROM phiguard.suspect s
  JOIN pg_catalog.pg_namespace n ON n.nspname = s.schema
  JOIN pg_catalog.pg_class c ON c.relname = s.relation AND c.relnamespace = n.oid
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = s.column_number AND a.attname = s.column_name AND NOT a.attisdropped
 WHERE phiguard.reads_suspects();
REVOKE ALL ON phiguard.suspects FROM PUBLIC;
GRANT SELECT ON phiguard.suspects TO PUBLIC;
COMMENT ON VIEW phiguard.suspects IS
'Columns that may be PHI, with what speaks for it and how sure it is: phiguard.scan_table(), scan_schema(). For officers and auditors.';

CREATE OR REPLACE VIEW phiguard.data_dictionary AS
SELECT n.nspname AS schema,
       c.relname AS relation,
       a.attname AS column_name,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
       l.category, l.kind, l.conf, l.sens, l.label_source, l.citation,
       pg_catalog.col_description(c.oid, a.attnum) AS comment,
       CASE WHEN l.category IS NULL AND s.state <> 'rejected'
            THEN pg_catalog.concat_ws(' ', s.category, 'kind=' || s.kind, pg_catalog.format('(%s %%)', pg_catalog.round(s.confidence::numeric * 100))) END AS suspicion
  FROM phiguard.column_labels() l
  JOIN pg_catalog.pg_class c ON c.oid = l.relation
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = l.attnum AND NOT a.attisdropped
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN phiguard.suspect s ON s.schema = n.nspname AND s.relation = c.relname AND s.column_name = a.attname AND s.column_number = a.attnum;
COMMENT ON VIEW phiguard.data_dictionary IS
'Every column of every user table with what its label amounts to, and where its category comes from (column, type, ancestor, generated; none where
nobody has looked at it); suspicion: what a scan takes an unlabelled column for. For officers and auditors.';
